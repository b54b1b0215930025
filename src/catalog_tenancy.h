/*-------------------------------------------------------------------------
 *
 * catalog_tenancy.h
 *	  The extension's own tables that are about tenants.
 *
 * What catalog.h says of the others holds for them, too.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_TENANCY_H
#define MIGRATE_CATALOG_TENANCY_H

#include "tenantsetup.h"

/* in catalog_tenancy.c */
extern void catalog_tenancy_lock(void);
extern void catalog_tenancy_forget_dropped(void);
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

/* in catalog_tenancy_table.c */
extern const char *catalog_tenancy_mode_name(TenantMode mode);
extern TenantMode catalog_tenancy_mode(const char *name);
extern List *catalog_tenancy_tables(const char *model);
extern TenantTable *catalog_tenancy_table(Oid relid);
extern void catalog_tenancy_write_table(const TenantTable *table);
extern void catalog_tenancy_delete_table(Oid relid);
extern bool catalog_tenancy_is_version_table(Oid relid, char **environment);

/* in catalog_tenancy_column.c */
extern List *catalog_tenancy_columns(const char *model);
extern TenantColumn *catalog_tenancy_column(Oid relid);
extern void catalog_tenancy_write_column(const TenantColumn *column);
extern void catalog_tenancy_delete_column(Oid relid);
extern List *catalog_tenancy_links(const char *model);
extern TenantLink *catalog_tenancy_link(Oid relid, const char *constraint_name);
extern void catalog_tenancy_write_link(const TenantLink *link);
extern void catalog_tenancy_delete_link(Oid relid, const char *constraint_name);
extern List *catalog_tenancy_grants(const char *role, const char *model);
extern void catalog_tenancy_write_grant(const TenantGrant *grant);
extern void catalog_tenancy_delete_grant(const TenantGrant *grant);

#endif							/* MIGRATE_CATALOG_TENANCY_H */
