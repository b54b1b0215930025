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

/* in protect.c */
extern void tenantprotect_table(TenantWork *work, const TenancyModel *model,
								Oid relid, TenantMode mode,
								const char *column_name, const char *via,
								bool by_schema);
extern void tenantprotect_with(TenantWork *work, const TenancyModel *model,
							   Oid relid, const TenantTable *above);
extern void tenantprotect_again(TenantWork *work, const TenancyModel *model,
								TenantTable *table);
extern TenantTable *tenantprotect_above(const TenantWork *work, Oid relid);
extern bool tenantprotect_is_detached(const TenantWork *work,
									  const TenantTable *table);
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
