/*-------------------------------------------------------------------------
 *
 * fill.h
 *	  The SQL that fills a tenant column.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_COLUMN_FILL_H
#define MIGRATE_TENANT_COLUMN_FILL_H

#include "storage/block.h"
#include "tenant/discover/table.h"
#include "tenant/discover/work.h"

/* Where the tenant of a row is found */
typedef struct TenantSource
{
	const TenantKey *key;
	char	   *own_column;		/* the column of the foreign key that holds
								 * the tenant, or NULL */
	char	   *parent_column;	/* else the tenant column of the parent */
} TenantSource;

/* in fill.c */
extern TenantSource *tenantfill_source(const TenantWork *work,
									   const TenancyModel *model,
									   const TenantKey *key);
extern char *tenantfill_sql(const TenantColumn *column,
							const TenantSource *source);
extern char *tenantfill_batch_sql(const TenantColumn *column,
								  const TenantSource *source, Oid relid,
								  BlockNumber from, BlockNumber to, int batch);
extern char *tenantfill_count_sql(const TenantColumn *column,
								  const TenantSource *source);

#endif							/* MIGRATE_TENANT_COLUMN_FILL_H */
