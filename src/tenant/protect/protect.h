/*-------------------------------------------------------------------------
 *
 * protect.h
 *	  Protecting a table, and taking that back.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_PROTECT_PROTECT_H
#define MIGRATE_TENANT_PROTECT_PROTECT_H

#include "tenant/discover/discover.h"

/* in protect.c */
extern void tenantprotect_table(TenantWork *work, const TenancyModel *model,
								Oid relid, TenantMode mode,
								const char *column_name, const char *via,
								bool by_schema);
extern void tenantprotect_with(TenantWork *work, const TenancyModel *model,
							   Oid relid, const TenantTable *above);
extern void tenantprotect_again(TenantWork *work, const TenancyModel *model,
								TenantTable *table);
extern bool tenantprotect_finding(TenantWork *work, const TenancyModel *model,
								  Oid relid, const TenantFinding *finding,
								  bool by_schema);

extern void tenantprotect_explain(TenantWork *work, const TenancyModel *model,
								  Oid relid, const TenantFinding *finding);

/* in unprotect.c */
extern void tenantunprotect_table(TenantWork *work, TenantTable *table);

/* in parts.c */
extern char *tenantparts_make_index(TenantWork *work, Oid relid,
									const char *column);
extern void tenantparts_drop_index(TenantWork *work, Oid relid,
								   const char *index, bool check_references);
extern void tenantparts_refuse_referenced(Oid relid, Oid index);
extern char *tenantparts_set_default(TenantWork *work,
									 const TenancyModel *model, Oid relid,
									 const char *column, const char *before,
									 bool only);
extern void tenantparts_drop_default(TenantWork *work, Oid relid,
									 const char *column,
									 const char *expression, bool only);
extern void tenantparts_switch_on(TenantWork *work, Oid relid);

#endif							/* MIGRATE_TENANT_PROTECT_PROTECT_H */
