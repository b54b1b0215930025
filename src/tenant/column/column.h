/*-------------------------------------------------------------------------
 *
 * column.h
 *	  Giving a table a tenant column, and filling it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_COLUMN_COLUMN_H
#define MIGRATE_TENANT_COLUMN_COLUMN_H

#include "tenant/discover/table.h"
#include "tenant/discover/work.h"

/* The steps of migrate_tenant_add_column(), as bits */
#define TENANT_STEP_COLUMN		0x01
#define TENANT_STEP_BACKFILL	0x02
#define TENANT_STEP_CHECK		0x04
#define TENANT_STEP_NOT_NULL	0x08
#define TENANT_STEP_INDEX		0x10
#define TENANT_STEPS_ALL		0x1F

/* in column.c */
extern void tenantcolumn_take_back(TenantWork *work, TenantColumn *column,
								   int steps);

/* in columnarg.c */
extern int	tenantcolumnarg_steps(FunctionCallInfo fcinfo, int argno);
extern TenantColumn *tenantcolumnarg_column(const TenantWork *work,
											const TenancyModel *model,
											Oid relid, const char *via,
											const char *column_name);

/* in backfill.c */
extern void tenantbackfill_all(TenantWork *work, const TenancyModel *model,
							   const TenantColumn *column);
extern void tenantbackfill_check_source(const TenantWork *work,
										const TenancyModel *model,
										const TenantKey *key);

/* in force.c */
extern List *tenantforce_lift(TenantWork *work, List *relids);
extern void tenantforce_put_back(TenantWork *work, List *relids);

#endif							/* MIGRATE_TENANT_COLUMN_COLUMN_H */
