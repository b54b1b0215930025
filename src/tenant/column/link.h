/*-------------------------------------------------------------------------
 *
 * link.h
 *	  Foreign keys that hold the tenant, too.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_COLUMN_LINK_H
#define MIGRATE_TENANT_COLUMN_LINK_H

#include "tenant/protect/protect.h"

/* in link.c */
extern void tenantlink_take_back(TenantWork *work, TenantLink *link);
extern List *tenantlink_missing(const TenantWork *work,
								const TenancyModel *model, Oid relid,
								const TenantFinding *finding);

/* in linkkey.c */
extern TenantLink *tenantlinkkey_read(const TenancyModel *model,
									  const TenantKey *key);
extern void tenantlinkkey_check_kind(const TenantKey *key);
extern void tenantlinkkey_check(const TenantKey *key, const TenantLink *link);
extern void tenantlinkkey_replace(TenantWork *work, const TenantLink *link,
								  List *columns, List *parent_columns,
								  List *delete_columns, char match_type);
extern char *tenantlinkkey_object(const TenantLink *link);

#endif							/* MIGRATE_TENANT_COLUMN_LINK_H */
