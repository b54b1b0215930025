/*-------------------------------------------------------------------------
 *
 * exempt.h
 *	  Tables that belong to no tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_PROTECT_EXEMPT_H
#define MIGRATE_TENANT_PROTECT_EXEMPT_H

#include "tenant/discover/work.h"

/* in exempt.c */
extern void tenantexempt_register(TenantWork *work, const TenancyModel *model,
								  Oid relid, const char *reason,
								  bool by_schema);
extern void tenantexempt_forget(TenantWork *work, TenantTable *table);

#endif							/* MIGRATE_TENANT_PROTECT_EXEMPT_H */
