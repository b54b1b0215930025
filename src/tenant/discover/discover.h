/*-------------------------------------------------------------------------
 *
 * discover.h
 *	  Whose rows a table holds, as its columns and foreign keys have it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_DISCOVER_DISCOVER_H
#define MIGRATE_TENANT_DISCOVER_DISCOVER_H

#include "tenant/discover/table.h"
#include "tenant/discover/work.h"

/* What the discovery of a table found */
typedef struct TenantFinding
{
	TenantMode	mode;
	char	   *column_name;	/* or NULL */
	char	   *via;			/* or NULL */
	Oid			parent;			/* or InvalidOid */
	char	   *path;			/* foreign keys to the root, or NULL */
	char	   *reason;			/* why it is so */
	List	   *ways;			/* TenantWay *: those of which it is not known
								 * which one counts */
} TenantFinding;

/* in tenant/discover/discover.c */
extern TenantFinding *tenantdiscover(const TenantWork *work,
									 const TenancyModel *model, Oid relid,
									 bool by_column, bool by_key);

extern TenantFinding *tenantdiscover_own(const TenancyModel *model, Oid relid);
extern char *tenantdiscover_column(const TenantWork *work,
								   const TenancyModel *model, Oid relid);

#endif							/* MIGRATE_TENANT_DISCOVER_DISCOVER_H */
