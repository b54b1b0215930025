/*-------------------------------------------------------------------------
 *
 * json.h
 *	  The jsonb columns of the tenant tables.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_REGISTRY_JSON_H
#define MIGRATE_TENANT_REGISTRY_JSON_H

#include "tenant/registry/records.h"

/* in json.c */
extern char *tenantjson_table_before(const TenantTable *table);
extern char *tenantjson_table_made(const TenantTable *table);
extern void tenantjson_read_table(TenantTable *table, Datum before,
								  Datum made);
extern char *tenantjson_column_made(const TenantColumn *column);
extern void tenantjson_read_column(TenantColumn *column, Datum made);
extern char *tenantjson_link_before(const TenantLink *link);
extern char *tenantjson_link_made(const TenantLink *link);
extern void tenantjson_read_link(TenantLink *link, Datum before, Datum made);

#endif							/* MIGRATE_TENANT_REGISTRY_JSON_H */
