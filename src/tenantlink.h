/*-------------------------------------------------------------------------
 *
 * tenantlink.h
 *	  Foreign keys that hold the tenant, too.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTLINK_H
#define MIGRATE_TENANTLINK_H

#include "tenantprotect.h"

/* in tenantlink.c */
extern void tenantlink_take_back(TenantWork *work, TenantLink *link);
extern List *tenantlink_missing(const TenantWork *work,
								const TenancyModel *model, Oid relid,
								const TenantFinding *finding);

#endif							/* MIGRATE_TENANTLINK_H */
