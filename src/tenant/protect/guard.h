/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  New tables in the schemas of a model.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_PROTECT_GUARD_H
#define MIGRATE_TENANT_PROTECT_GUARD_H

#include "tenant/discover/work.h"

/* in guard.c */
extern void tenantguard_set(TenantWork *work, TenancyModel *model,
							TenantGuard guard);

#endif							/* MIGRATE_TENANT_PROTECT_GUARD_H */
