/*-------------------------------------------------------------------------
 *
 * fit.h
 *	  Is a table fit to be protected as it is asked for, or as it was found?
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_DISCOVER_FIT_H
#define MIGRATE_TENANT_DISCOVER_FIT_H

#include "base/compat.h"
#include "tenant/discover/discover.h"

/* in fit.c */
extern void tenantfit_model(const TenancyModel *model,
							const TenantTable *table);
extern void tenantfit_refuse_exempt_partition(Oid relid, Oid top) pg_attribute_noreturn();
extern void tenantfit_root(const TenancyModel *model, Oid relid);
extern void tenantfit_column(const TenancyModel *model, Oid relid,
							 TenantMode mode, const char *column);
extern void tenantfit_not_null(Oid relid, const char *column);
extern void tenantfit_parent(const TenantWork *work,
							 const TenancyModel *model, Oid relid,
							 const TenantKey *key);
extern void tenantfit_warn_parent(const TenantWork *work,
								  const TenancyModel *model, Oid relid,
								  const TenantKey *key);
extern void tenantfit_warn_shared(const TenantWork *work,
								  const TenancyModel *model, Oid relid,
								  const TenantKey *key);
extern void tenantfit_refuse(const TenancyModel *model, Oid relid,
							 const TenantFinding *finding);

#endif							/* MIGRATE_TENANT_DISCOVER_FIT_H */
