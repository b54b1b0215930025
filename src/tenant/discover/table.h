/*-------------------------------------------------------------------------
 *
 * table.h
 *	  What there is to know about a table that is to be protected.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_DISCOVER_TABLE_H
#define MIGRATE_TENANT_DISCOVER_TABLE_H

#include "tenant/registry/records.h"

/* A foreign key, seen from the table that has it */
typedef struct TenantKey
{
	Oid			oid;
	char	   *name;
	Oid			relid;
	Oid			parent;			/* the table that it refers to */
	List	   *columns;		/* char * */
	List	   *parent_columns; /* char * */
	List	   *operators;		/* Oid: parent column = column */
	bool		not_null;		/* none of its columns can be NULL */
} TenantKey;

/* A column */
typedef struct TenantAttribute
{
	char	   *name;
	Oid			type;			/* of a domain, its base type */
	Oid			collation;		/* or InvalidOid */
	bool		not_null;
	bool		generated;		/* generated or an identity column */
	char	   *default_expression; /* or NULL */
} TenantAttribute;

/* in table.c */
extern void tenanttable_check(Oid relid);
extern const char *tenanttable_refusal(Oid relid);
extern void tenanttable_check_owner(Oid relid);
extern Oid	tenanttable_owner(Oid relid);
extern char *tenanttable_name(Oid relid);
extern char *tenanttable_object(Oid relid);
extern List *tenanttable_below(Oid relid);
extern List *tenanttable_above(Oid relid);
extern Oid	tenanttable_partition_root(Oid relid);
extern TenantAttribute *tenanttable_attribute(Oid relid, const char *column);
extern bool tenanttable_same_type(Oid a, Oid b);
extern char *tenanttable_type(Oid type);
extern void tenanttable_check_collation(Oid relid, const char *column);
extern void tenanttable_row_security(Oid relid, bool *enabled, bool *forced);
extern int	tenanttable_compare_names(const ListCell *a, const ListCell *b);

/* in key.c */
extern List *tenantkey_of_table(Oid relid);
extern TenantKey *tenantkey_find(Oid relid, const char *name);
extern TenantKey *tenantkey_required(Oid relid, const char *name);
extern TenantKey *tenantkey_by_oid(Oid constraint_oid);
extern List *tenantkey_primary(Oid relid);
extern bool tenantkey_is_unique(Oid relid, const char *column);
extern bool tenantkey_has_index(Oid relid, List *columns, bool unique);
extern List *tenantkey_index_columns(Oid relid, const char *column,
									 bool *unique);
extern char *tenantkey_columns(List *columns);
extern char *tenantkey_index_name(Oid relid, List *columns);
extern char *tenantkey_operator(Oid opno);

#endif							/* MIGRATE_TENANT_DISCOVER_TABLE_H */
