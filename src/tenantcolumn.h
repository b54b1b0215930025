/*-------------------------------------------------------------------------
 *
 * tenantcolumn.h
 *	  Giving a table a tenant column, and filling it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTCOLUMN_H
#define MIGRATE_TENANTCOLUMN_H

#include "tenanttable.h"
#include "tenantwork.h"

/* The steps of migrate_tenant_add_column(), as bits */
#define TENANT_STEP_COLUMN		0x01
#define TENANT_STEP_BACKFILL	0x02
#define TENANT_STEP_CHECK		0x04
#define TENANT_STEP_NOT_NULL	0x08
#define TENANT_STEP_INDEX		0x10
#define TENANT_STEPS_ALL		0x1F

/* in tenantcolumn.c */
extern void tenantcolumn_take_back(TenantWork *work, TenantColumn *column,
								   int steps);

/* in tenantcolumnarg.c */
extern int	tenantcolumnarg_steps(FunctionCallInfo fcinfo, int argno);
extern TenantColumn *tenantcolumnarg_column(const TenantWork *work,
											const TenancyModel *model,
											Oid relid, const char *via,
											const char *column_name);

/* in tenantbackfill.c */
extern void tenantbackfill_all(TenantWork *work, const TenancyModel *model,
							   const TenantColumn *column);
extern void tenantbackfill_check_source(const TenantWork *work,
										const TenancyModel *model,
										const TenantKey *key);

/* in tenantforce.c */
extern List *tenantforce_lift(TenantWork *work, List *relids);
extern void tenantforce_put_back(TenantWork *work, List *relids);

#endif							/* MIGRATE_TENANTCOLUMN_H */
