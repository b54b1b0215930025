/*-------------------------------------------------------------------------
 *
 * registry.c
 *	  Tenant models and the schemas that they manage.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* names of TenantGuard */
static const char *const guard_names[] = {"off", "protect", "refuse"};

/*
 * Let no other transaction write the tenant tables until this one ends.
 *
 * What a function here decides depends on what stands in them.  Looking at
 * them goes on.
 */
void
catalog_tenancy_lock(void)
{
	LockRelationOid(catalog_relation(RELNAME_TENANT_TABLE),
					ShareRowExclusiveLock);
}

/*
 * All models (TenancyModel *), by name.
 */
List *
catalog_tenancy_models(void)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	List	   *result = NIL;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT CAST(model AS pg_catalog.text), "
						"CAST(root AS pg_catalog.oid), "
						"CAST(key AS pg_catalog.text), "
						"CAST(column_name AS pg_catalog.text), "
						"CAST(app_roles AS pg_catalog.text[]), "
						"CAST(admin_role AS pg_catalog.text), setting, "
						"policy_style, CAST(tenant_type AS pg_catalog.oid), "
						"guard FROM " TABLE_TENANT_MODEL " ORDER BY model",
						0, NULL);
	bookkeeping_read_latest(plan, NULL, NULL);

	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TenancyModel *model = palloc0(sizeof(TenancyModel));
		char	   *guard;
		bool		isnull;

		model->name = bookkeeping_string(tuple, desc, 1);
		model->root = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));
		model->key = bookkeeping_string(tuple, desc, 3);
		model->column_name = bookkeeping_string(tuple, desc, 4);
		model->app_roles = textlist_from_array(SPI_getbinval(tuple, desc, 5, &isnull),
											   "app_roles");
		model->admin_role = bookkeeping_string(tuple, desc, 6);
		model->setting = bookkeeping_string(tuple, desc, 7);
		model->is_inline = strcmp(bookkeeping_string(tuple, desc, 8), "inline") == 0;
		model->tenant_type = DatumGetObjectId(SPI_getbinval(tuple, desc, 9, &isnull));
		guard = bookkeeping_string(tuple, desc, 10);
		for (int j = 0; j < lengthof(guard_names); j++)
		{
			if (strcmp(guard, guard_names[j]) == 0)
				model->guard = (TenantGuard) j;
		}
		result = lappend(result, model);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * The model of that name, or NULL.
 */
TenancyModel *
catalog_tenancy_model(const char *name)
{
	ListCell   *lc;

	foreach(lc, catalog_tenancy_models())
	{
		TenancyModel *model = lfirst(lc);

		if (strcmp(model->name, name) == 0)
			return model;
	}
	return NULL;
}

/*
 * Write a model: its row is made, or changed if it is there.
 */
void
catalog_tenancy_write_model(const TenancyModel *model)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, OIDOID, TEXTOID, TEXTOID, TEXTARRAYOID,
	TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID, TEXTOID};
	Datum		values[11];
	char		nulls[12] = "           ";
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_MODEL);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_TENANT_MODEL " AS m (model, root, "
						"key, column_name, app_roles, admin_role, setting, "
						"policy_style, tenant_type, guard, role, created_at) "
						"VALUES ($1, $2, $3, $4, CAST($5 AS pg_catalog.name[]), "
						"$6, $7, $8, $9, $10, $11, pg_catalog.now()) "
						"ON CONFLICT (model) DO UPDATE SET root = excluded.root, "
						"key = excluded.key, column_name = excluded.column_name, "
						"app_roles = excluded.app_roles, "
						"admin_role = excluded.admin_role, "
						"setting = excluded.setting, "
						"policy_style = excluded.policy_style, "
						"tenant_type = excluded.tenant_type, "
						"guard = excluded.guard",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(model->name);
	values[1] = ObjectIdGetDatum(model->root);
	values[2] = CStringGetTextDatum(model->key);
	values[3] = CStringGetTextDatum(model->column_name);
	values[4] = textlist_to_array(model->app_roles);
	values[5] = bookkeeping_optional_text(model->admin_role, &nulls[5]);
	values[6] = CStringGetTextDatum(model->setting);
	values[7] = CStringGetTextDatum(model->is_inline ? "inline" : "function");
	values[8] = ObjectIdGetDatum(model->tenant_type);
	values[9] = CStringGetTextDatum(guard_names[model->guard]);
	values[10] = CStringGetTextDatum(role);
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete a model and what remains of its schemas.
 */
void
catalog_tenancy_delete_model(const char *name)
{
	static SPIPlanPtr schema_plan = NULL;
	static SPIPlanPtr model_plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_MODEL);
	catalog_check_no_trigger(RELNAME_TENANT_SCHEMA);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(name);
	bookkeeping_execute(bookkeeping_prepare(&schema_plan,
											"DELETE FROM " TABLE_TENANT_SCHEMA " "
											"WHERE model OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name)",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_execute(bookkeeping_prepare(&model_plan,
											"DELETE FROM " TABLE_TENANT_MODEL " "
											"WHERE model OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name)",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * The names (char *) of the schemas that a model manages.
 */
List *
catalog_tenancy_schemas(const char *model)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1];
	Bookkeeping scope;
	List	   *result;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(model);
	bookkeeping_read_latest(bookkeeping_prepare(&plan,
												"SELECT CAST(schema AS pg_catalog.text) "
												"FROM " TABLE_TENANT_SCHEMA " "
												"WHERE model OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name) "
												"ORDER BY schema",
												1, argtypes),
							values, NULL);
	result = bookkeeping_strings(caller);
	bookkeeping_end(&scope);
	return result;
}

/*
 * The OIDs of those that exist, by whatever name.
 */
List *
catalog_tenancy_schema_oids(const char *model)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1];
	Bookkeeping scope;
	List	   *result = NIL;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(model);
	bookkeeping_prepare(&plan,
						"SELECT n.oid FROM " TABLE_TENANT_SCHEMA " s "
						"JOIN pg_catalog.pg_namespace n "
						"ON n.oid OPERATOR(pg_catalog.=) COALESCE("
						"(SELECT m.oid FROM pg_catalog.pg_namespace m "
						"WHERE m.nspname OPERATOR(pg_catalog.=) s.schema), s.schema_oid) "
						"WHERE s.model OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name) "
						"ORDER BY n.nspname",
						1, argtypes);
	bookkeeping_read_latest(plan, values, NULL);

	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		result = lappend_oid(result,
							 DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc,
															1, &isnull)));
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * The name of the model that manages a schema, or NULL.
 *
 * A schema that was renamed is known by its OID, as long as there is none of
 * its old name.
 */
char *
catalog_tenancy_schema_model(Oid schema)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID};
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1];
	Bookkeeping scope;
	List	   *result;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = ObjectIdGetDatum(schema);
	bookkeeping_read_latest(bookkeeping_prepare(&plan,
												"SELECT CAST(s.model AS pg_catalog.text) "
												"FROM " TABLE_TENANT_SCHEMA " s "
												"LEFT JOIN pg_catalog.pg_namespace n "
												"ON n.nspname OPERATOR(pg_catalog.=) s.schema "
												"WHERE COALESCE(n.oid, s.schema_oid) OPERATOR(pg_catalog.=) $1",
												1, argtypes),
							values, NULL);
	result = bookkeeping_strings(caller);
	bookkeeping_end(&scope);
	return result == NIL ? NULL : linitial(result);
}

/*
 * Have a model manage a schema.
 */
void
catalog_tenancy_insert_schema(Oid schema, const char *model)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, OIDOID, TEXTOID, TEXTOID};
	Datum		values[4];
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_SCHEMA);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(get_namespace_name(schema));
	values[1] = ObjectIdGetDatum(schema);
	values[2] = CStringGetTextDatum(model);
	values[3] = CStringGetTextDatum(role);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"INSERT INTO " TABLE_TENANT_SCHEMA " (schema, schema_oid, "
											"model, role, created_at) VALUES ($1, $2, $3, $4, pg_catalog.now()) "
											"ON CONFLICT (schema) DO UPDATE SET "
											"schema_oid = excluded.schema_oid, model = excluded.model",
											lengthof(argtypes), argtypes),
						values, NULL, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Have nobody manage a schema.
 */
void
catalog_tenancy_delete_schema(Oid schema)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_SCHEMA);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = ObjectIdGetDatum(schema);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_SCHEMA " s "
											"WHERE COALESCE((SELECT n.oid FROM pg_catalog.pg_namespace n "
											"WHERE n.nspname OPERATOR(pg_catalog.=) s.schema), s.schema_oid) "
											"OPERATOR(pg_catalog.=) $1",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * What a guard is called.
 */
const char *
catalog_tenancy_guard_name(TenantGuard guard)
{
	return guard_names[guard];
}

/*
 * Read the rows of a model, or (NULL) of all, with a query that has OF_MODEL.
 *
 * They are in SPI_tuptable until bookkeeping_end(); the memory context is the
 * caller's.
 */
void
catalog_tenancy_read(Bookkeeping *scope, SPIPlanPtr *plan, const char *sql,
					 const char *model)
{
	Oid			argtypes[] = {TEXTOID};
	Datum		values[1];
	char		nulls[2] = " ";
	MemoryContext caller = CurrentMemoryContext;

	bookkeeping_begin_as_owner(scope, catalog_owner());
	bookkeeping_prepare(plan, sql, lengthof(argtypes), argtypes);
	values[0] = bookkeeping_optional_text(model, &nulls[0]);
	bookkeeping_read_latest(*plan, values, nulls);
	MemoryContextSwitchTo(caller);
}
