/*-------------------------------------------------------------------------
 *
 * table.c
 *	  Tables that are protected, or exempt from it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "catalog/tablescan.h"
#include "miscadmin.h"
#include "tenant/registry/json.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* names of TenantMode */
static const char *const mode_names[] = {"root", "column", "shared", "parent",
"partition", "exempt", "unknown"};

/*
 * What a mode is called.
 */
const char *
catalog_tenancy_mode_name(TenantMode mode)
{
	return mode_names[mode];
}

/*
 * The mode of that name; TENANT_UNKNOWN if there is none.
 */
TenantMode
catalog_tenancy_mode(const char *name)
{
	for (int i = 0; i < lengthof(mode_names); i++)
	{
		if (strcmp(name, mode_names[i]) == 0)
			return (TenantMode) i;
	}
	return TENANT_UNKNOWN;
}

/*
 * The tables (TenantTable *) of a model, or (NULL) of all, by their names.
 * Those that were dropped are left out.
 */
List *
catalog_tenancy_tables(const char *model)
{
	static SPIPlanPtr plan = NULL;
	Bookkeeping scope;
	List	   *result = NIL;

	catalog_tenancy_read(&scope, &plan,
						 "SELECT CAST(t.relation AS pg_catalog.oid), "
						 "CAST(t.model AS pg_catalog.text), t.mode, "
						 "CAST(" COLUMN_NOW " AS pg_catalog.text), "
						 "CAST(" KEY_NOW("via", "via_oid") " AS pg_catalog.text), "
						 "CAST(t.parent AS pg_catalog.oid), t.reason, "
						 "t.before, t.made "
						 "FROM " TABLE_TENANT_TABLE " t " OF_MODEL,
						 model);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TenantTable *table = palloc0(sizeof(TenantTable));
		Datum		parent;
		bool		isnull;

		table->is_stored = true;
		table->relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		table->model = bookkeeping_string(tuple, desc, 2);
		table->mode = catalog_tenancy_mode(bookkeeping_string(tuple, desc, 3));
		table->column_name = bookkeeping_string(tuple, desc, 4);
		table->via = bookkeeping_string(tuple, desc, 5);
		parent = SPI_getbinval(tuple, desc, 6, &isnull);
		table->parent = isnull ? InvalidOid : DatumGetObjectId(parent);
		table->reason = bookkeeping_string(tuple, desc, 7);
		tenantjson_read_table(table,
							  SPI_getbinval(tuple, desc, 8, &isnull),
							  SPI_getbinval(tuple, desc, 9, &isnull));
		result = lappend(result, table);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * The row of a table, or NULL.
 */
TenantTable *
catalog_tenancy_table(Oid relid)
{
	ListCell   *lc;

	foreach(lc, catalog_tenancy_tables(NULL))
	{
		TenantTable *table = lfirst(lc);

		if (table->relid == relid)
			return table;
	}
	return NULL;
}

/*
 * Write the row of a table: it is made, or changed if it is there.
 */
void
catalog_tenancy_write_table(const TenantTable *table)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[10];
	char		nulls[11] = "          ";
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_TABLE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_TENANT_TABLE " (relation, model, "
						"mode, column_name, via, parent, reason, before, made, "
						"role, created_at, relation_oid, column_number, via_oid) "
						"VALUES ($1, $2, $3, $4, $5, $6, $7, "
						"CAST($8 AS pg_catalog.jsonb), "
						"CAST($9 AS pg_catalog.jsonb), $10, pg_catalog.now(), $1, "
						NUMBER_OF_COLUMN("$1", "CAST($4 AS pg_catalog.name)") ", "
						OID_OF_KEY("$1", "CAST($5 AS pg_catalog.name)") ") "
						"ON CONFLICT (relation) DO UPDATE SET "
						"model = excluded.model, mode = excluded.mode, "
						"column_name = excluded.column_name, "
						"via = excluded.via, parent = excluded.parent, "
						"reason = excluded.reason, before = excluded.before, "
						"made = excluded.made, "
						"relation_oid = excluded.relation_oid, "
						"column_number = excluded.column_number, "
						"via_oid = excluded.via_oid",
						lengthof(argtypes), argtypes);
	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = CStringGetTextDatum(table->model);
	values[2] = CStringGetTextDatum(mode_names[table->mode]);
	values[3] = bookkeeping_optional_text(table->column_name, &nulls[3]);
	values[4] = bookkeeping_optional_text(table->via, &nulls[4]);
	values[5] = ObjectIdGetDatum(table->parent);
	if (!OidIsValid(table->parent))
		nulls[5] = 'n';
	values[6] = bookkeeping_optional_text(table->reason, &nulls[6]);
	values[7] = CStringGetTextDatum(tenantjson_table_before(table));
	values[8] = CStringGetTextDatum(tenantjson_table_made(table));
	values[9] = CStringGetTextDatum(role);
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete the row of a table.
 */
void
catalog_tenancy_delete_table(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_TABLE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = ObjectIdGetDatum(relid);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_TABLE " "
											"WHERE relation OPERATOR(pg_catalog.=) $1",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * Is a table the version table of an environment, and of which?
 */
bool
catalog_tenancy_is_version_table(Oid relid, char **environment)
{
	Environment *implied = catalog_environment(NULL);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *name = get_rel_name(relid);
	TableScan	scan;
	bool		found = false;

	if (schema == NULL || name == NULL)
		return false;
	if (strcmp(implied->version_table_schema, schema) == 0 &&
		strcmp(implied->version_table, name) == 0)
	{
		*environment = implied->name;
		return true;
	}

	tablescan_begin(&scan, catalog_relation(RELNAME_ENVIRONMENT));
	while (!found && tablescan_next(&scan, ENVIRONMENT_VERSION_TABLE))
	{
		found = tablescan_text_is(&scan, ENVIRONMENT_VERSION_TABLE_SCHEMA,
								  schema, strlen(schema)) &&
			tablescan_text_is(&scan, ENVIRONMENT_VERSION_TABLE,
							  name, strlen(name));
		if (found)
			*environment = tablescan_text(&scan, ENVIRONMENT_NAME);
	}
	tablescan_end(&scan);
	return found;
}
