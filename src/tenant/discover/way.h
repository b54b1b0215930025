/*-------------------------------------------------------------------------
 *
 * way.h
 *	  The ways along foreign keys from a table to the tenants of its rows.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_DISCOVER_WAY_H
#define MIGRATE_TENANT_DISCOVER_WAY_H

#include "base/compat.h"
#include "tenant/discover/discover.h"

/* A way from a table to the tenants of its rows */
typedef struct TenantWay
{
	const TenantKey *key;		/* the foreign key of the table */
	bool		is_shared;		/* leads to rows that may be everybody's */
	int			length;			/* foreign keys */
	char	   *path;			/* as it is shown */
} TenantWay;

/* in way.c */
extern List *tenantway_find(const TenantWork *work, const TenancyModel *model,
							Oid relid);
extern TenantWay *tenantway_along(const TenantWork *work,
								  const TenancyModel *model,
								  const TenantKey *key);
extern char *tenantway_list(List *ways);
extern void tenantway_refuse(Oid relid, List *ways, const char *function) pg_attribute_noreturn();
extern char *tenantway_key_text(const TenantKey *key);

#endif							/* MIGRATE_TENANT_DISCOVER_WAY_H */
