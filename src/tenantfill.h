/*-------------------------------------------------------------------------
 *
 * tenantfill.h
 *	  The SQL that fills a tenant column.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTFILL_H
#define MIGRATE_TENANTFILL_H

#include "storage/block.h"
#include "tenanttable.h"
#include "tenantwork.h"

/* Where the tenant of a row is found */
typedef struct TenantSource
{
	const TenantKey *key;
	char	   *own_column;		/* the column of the foreign key that holds
								 * the tenant, or NULL */
	char	   *parent_column;	/* else the tenant column of the parent */
} TenantSource;

/* in tenantfill.c */
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

#endif							/* MIGRATE_TENANTFILL_H */
