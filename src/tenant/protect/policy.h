/*-------------------------------------------------------------------------
 *
 * policy.h
 *	  The policies that keep the rows of tenants apart.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_PROTECT_POLICY_H
#define MIGRATE_TENANT_PROTECT_POLICY_H

#include "tenant/discover/table.h"
#include "tenant/discover/work.h"

/* in policy.c */
extern void tenantpolicy_install(TenantWork *work, TenantTable *table,
								 List *wanted);
extern void tenantpolicy_restore(TenantWork *work, TenantTable *table);

/* in expr.c */
extern List *tenantexpr_policies(const TenantWork *work,
								 const TenancyModel *model, Oid relid,
								 TenantMode mode, const char *column,
								 const TenantKey *key);
extern char *tenantexpr_current(const TenantWork *work,
								const TenancyModel *model, bool in_query);

/* in parse.c */
extern bool tenantparse_equal(Oid relid, const char *expression, Node *node);
extern char *tenantparse_obstacle(Oid relid, const TenantPolicy *policy);
extern bool tenantparse_default_equal(Oid relid, const char *column,
									  const char *expression);

#endif							/* MIGRATE_TENANT_PROTECT_POLICY_H */
