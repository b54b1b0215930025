/*-------------------------------------------------------------------------
 *
 * registry.h
 *	  The extension's own tables that are about tenants.
 *
 * What catalog/records.h says of the others holds for them, too.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_REGISTRY_REGISTRY_H
#define MIGRATE_TENANT_REGISTRY_REGISTRY_H

#include "catalog/bookkeeping.h"
#include "tenant/registry/records.h"

/*
 * SQL for what a column or a foreign key that a row of ours names is called
 * now.  The row is "t".  A name that is there is meant; else the number or OID
 * from when the row was written is looked for, as long as the table is still
 * the one that it was then: a dump keeps neither.  Of foreign keys the OID is
 * looked for first, for names may have been exchanged.
 */
#define COLUMN_NOW \
	"COALESCE((SELECT a.attname FROM pg_catalog.pg_attribute a " \
	"WHERE a.attrelid OPERATOR(pg_catalog.=) t.relation " \
	"AND a.attname OPERATOR(pg_catalog.=) t.column_name " \
	"AND a.attnum OPERATOR(pg_catalog.>) 0), " \
	"(SELECT a.attname FROM pg_catalog.pg_attribute a " \
	"WHERE t.relation_oid OPERATOR(pg_catalog.=) t.relation " \
	"AND a.attrelid OPERATOR(pg_catalog.=) t.relation " \
	"AND a.attnum OPERATOR(pg_catalog.=) t.column_number " \
	"AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped), " \
	"t.column_name)"
#define KEY_NOW(name, oid) \
	"COALESCE((SELECT k.conname FROM pg_catalog.pg_constraint k " \
	"WHERE t.relation_oid OPERATOR(pg_catalog.=) t.relation " \
	"AND k.oid OPERATOR(pg_catalog.=) t." oid " " \
	"AND k.conrelid OPERATOR(pg_catalog.=) t.relation " \
	"AND k.confrelid OPERATOR(pg_catalog.=) t.parent " \
	"AND k.contype OPERATOR(pg_catalog.=) 'f'), t." name ")"

/* SQL for the number and the OID, from names that are parameters */
#define NUMBER_OF_COLUMN(relation, name) \
	"(SELECT a.attnum FROM pg_catalog.pg_attribute a " \
	"WHERE a.attrelid OPERATOR(pg_catalog.=) " relation " " \
	"AND a.attname OPERATOR(pg_catalog.=) " name " " \
	"AND a.attnum OPERATOR(pg_catalog.>) 0)"
#define OID_OF_KEY(relation, name) \
	"(SELECT k.oid FROM pg_catalog.pg_constraint k " \
	"WHERE k.conrelid OPERATOR(pg_catalog.=) " relation " " \
	"AND k.conname OPERATOR(pg_catalog.=) " name " " \
	"AND k.contype OPERATOR(pg_catalog.=) 'f')"

/*
 * SQL for the rows "t" that are about a table that is there and for the model
 * $1, or (NULL) for any, by the names of their tables.
 */
#define OF_MODEL \
	"JOIN pg_catalog.pg_class c " \
	"ON c.oid OPERATOR(pg_catalog.=) t.relation " \
	"JOIN pg_catalog.pg_namespace n " \
	"ON n.oid OPERATOR(pg_catalog.=) c.relnamespace " \
	"WHERE $1 IS NULL OR t.model OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name) " \
	"ORDER BY n.nspname, c.relname"

/* in refresh.c */
extern void catalog_tenancy_refresh(void);

/* in registry.c */
extern void catalog_tenancy_lock(void);
extern List *catalog_tenancy_models(void);
extern TenancyModel *catalog_tenancy_model(const char *name);
extern void catalog_tenancy_write_model(const TenancyModel *model);
extern void catalog_tenancy_delete_model(const char *name);
extern List *catalog_tenancy_schemas(const char *model);
extern List *catalog_tenancy_schema_oids(const char *model);
extern char *catalog_tenancy_schema_model(Oid schema);
extern void catalog_tenancy_insert_schema(Oid schema, const char *model);
extern void catalog_tenancy_delete_schema(Oid schema);
extern const char *catalog_tenancy_guard_name(TenantGuard guard);
extern void catalog_tenancy_read(Bookkeeping *scope, SPIPlanPtr *plan,
								 const char *sql, const char *model);

/* in table.c */
extern const char *catalog_tenancy_mode_name(TenantMode mode);
extern TenantMode catalog_tenancy_mode(const char *name);
extern List *catalog_tenancy_tables(const char *model);
extern TenantTable *catalog_tenancy_table(Oid relid);
extern void catalog_tenancy_write_table(const TenantTable *table);
extern void catalog_tenancy_delete_table(Oid relid);
extern bool catalog_tenancy_is_version_table(Oid relid, char **environment);

/* in column.c */
extern List *catalog_tenancy_columns(const char *model);
extern TenantColumn *catalog_tenancy_column(Oid relid);
extern void catalog_tenancy_write_column(const TenantColumn *column);
extern void catalog_tenancy_delete_column(Oid relid);
extern List *catalog_tenancy_links(const char *model);
extern TenantLink *catalog_tenancy_link(Oid relid, const char *constraint_name);
extern void catalog_tenancy_write_link(const TenantLink *link);
extern void catalog_tenancy_delete_link(const TenantLink *link);
extern List *catalog_tenancy_grants(const char *role, const char *model);
extern void catalog_tenancy_write_grant(const TenantGrant *grant);
extern void catalog_tenancy_delete_grant(const TenantGrant *grant);

#endif							/* MIGRATE_TENANT_REGISTRY_REGISTRY_H */
