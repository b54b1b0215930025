/*-------------------------------------------------------------------------
 *
 * column.c
 *	  Tenant columns, foreign keys and rights that were made for tenants.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "miscadmin.h"
#include "tenant/registry/json.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"

static void grant_key(const TenantGrant *grant, Datum *values);

/*
 * The columns (TenantColumn *) of a model, or (NULL) of all, by the names of
 * their tables.
 */
List *
catalog_tenancy_columns(const char *model)
{
	static SPIPlanPtr plan = NULL;
	Bookkeeping scope;
	List	   *result = NIL;

	catalog_tenancy_read(&scope, &plan,
						 "SELECT CAST(t.relation AS pg_catalog.oid), "
						 "CAST(t.model AS pg_catalog.text), "
						 "CAST(" COLUMN_NOW " AS pg_catalog.text), "
						 "CAST(" KEY_NOW("via", "via_oid") " AS pg_catalog.text), "
						 "CAST(t.parent AS pg_catalog.oid), t.made "
						 "FROM " TABLE_TENANT_COLUMN " t " OF_MODEL,
						 model);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TenantColumn *column = palloc0(sizeof(TenantColumn));
		bool		isnull;

		column->is_stored = true;
		column->relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		column->model = bookkeeping_string(tuple, desc, 2);
		column->column_name = bookkeeping_string(tuple, desc, 3);
		column->via = bookkeeping_string(tuple, desc, 4);
		column->parent = DatumGetObjectId(SPI_getbinval(tuple, desc, 5, &isnull));
		tenantjson_read_column(column, SPI_getbinval(tuple, desc, 6, &isnull));
		result = lappend(result, column);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * The column of a table, or NULL.
 */
TenantColumn *
catalog_tenancy_column(Oid relid)
{
	ListCell   *lc;

	foreach(lc, catalog_tenancy_columns(NULL))
	{
		TenantColumn *column = lfirst(lc);

		if (column->relid == relid)
			return column;
	}
	return NULL;
}

/*
 * Write the row of a column: it is made, or changed if it is there.
 */
void
catalog_tenancy_write_column(const TenantColumn *column)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, OIDOID,
	TEXTOID, TEXTOID};
	Datum		values[7];
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_COLUMN);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_TENANT_COLUMN " (relation, model, "
						"column_name, via, parent, made, role, created_at, "
						"relation_oid, column_number, via_oid) "
						"VALUES ($1, $2, $3, $4, $5, "
						"CAST($6 AS pg_catalog.jsonb), $7, pg_catalog.now(), $1, "
						NUMBER_OF_COLUMN("$1", "CAST($3 AS pg_catalog.name)") ", "
						OID_OF_KEY("$1", "CAST($4 AS pg_catalog.name)") ") "
						"ON CONFLICT (relation) DO UPDATE SET "
						"made = excluded.made",
						lengthof(argtypes), argtypes);
	values[0] = ObjectIdGetDatum(column->relid);
	values[1] = CStringGetTextDatum(column->model);
	values[2] = CStringGetTextDatum(column->column_name);
	values[3] = CStringGetTextDatum(column->via);
	values[4] = ObjectIdGetDatum(column->parent);
	values[5] = CStringGetTextDatum(tenantjson_column_made(column));
	values[6] = CStringGetTextDatum(role);
	bookkeeping_execute(plan, values, NULL, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete the row of a column.
 */
void
catalog_tenancy_delete_column(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_COLUMN);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = ObjectIdGetDatum(relid);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_COLUMN " "
											"WHERE relation OPERATOR(pg_catalog.=) $1",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * The links (TenantLink *) of a model, or (NULL) of all, by table and name.
 */
List *
catalog_tenancy_links(const char *model)
{
	static SPIPlanPtr plan = NULL;
	Bookkeeping scope;
	List	   *result = NIL;

	catalog_tenancy_read(&scope, &plan,
						 "SELECT CAST(t.relation AS pg_catalog.oid), "
						 "CAST(" KEY_NOW("constraint_name", "constraint_oid") " AS pg_catalog.text), "
						 "CAST(t.model AS pg_catalog.text), "
						 "CAST(t.parent AS pg_catalog.oid), t.before, t.made, "
						 "CAST(t.constraint_name AS pg_catalog.text) "
						 "FROM " TABLE_TENANT_LINK " t " OF_MODEL ", t.constraint_name",
						 model);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TenantLink *link = palloc0(sizeof(TenantLink));
		bool		isnull;

		link->relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		link->constraint_name = bookkeeping_string(tuple, desc, 2);
		link->model = bookkeeping_string(tuple, desc, 3);
		link->parent = DatumGetObjectId(SPI_getbinval(tuple, desc, 4, &isnull));
		tenantjson_read_link(link, SPI_getbinval(tuple, desc, 5, &isnull),
							 SPI_getbinval(tuple, desc, 6, &isnull));
		link->constraint_key = bookkeeping_string(tuple, desc, 7);
		result = lappend(result, link);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * The link of that name on a table, or NULL.
 */
TenantLink *
catalog_tenancy_link(Oid relid, const char *constraint_name)
{
	ListCell   *lc;

	foreach(lc, catalog_tenancy_links(NULL))
	{
		TenantLink *link = lfirst(lc);

		if (link->relid == relid &&
			strcmp(link->constraint_name, constraint_name) == 0)
			return link;
	}
	return NULL;
}

/*
 * Write the row of a link: it is made, or changed if it is there.
 */
void
catalog_tenancy_write_link(const TenantLink *link)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID, TEXTOID, TEXTOID, OIDOID, TEXTOID,
	TEXTOID, TEXTOID};
	Datum		values[7];
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_LINK);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_TENANT_LINK " (relation, "
						"constraint_name, model, parent, before, made, role, "
						"created_at, relation_oid, constraint_oid) "
						"VALUES ($1, $2, $3, $4, "
						"CAST($5 AS pg_catalog.jsonb), "
						"CAST($6 AS pg_catalog.jsonb), $7, pg_catalog.now(), $1, "
						OID_OF_KEY("$1", "CAST($2 AS pg_catalog.name)") ") "
						"ON CONFLICT (relation, constraint_name) "
						"DO UPDATE SET made = excluded.made",
						lengthof(argtypes), argtypes);
	values[0] = ObjectIdGetDatum(link->relid);
	values[1] = CStringGetTextDatum(link->constraint_key != NULL ?
									link->constraint_key : link->constraint_name);
	values[2] = CStringGetTextDatum(link->model);
	values[3] = ObjectIdGetDatum(link->parent);
	values[4] = CStringGetTextDatum(tenantjson_link_before(link));
	values[5] = CStringGetTextDatum(tenantjson_link_made(link));
	values[6] = CStringGetTextDatum(role);
	bookkeeping_execute(plan, values, NULL, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete the row of a link.
 */
void
catalog_tenancy_delete_link(const TenantLink *link)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID, TEXTOID};
	Datum		values[2];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_LINK);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = ObjectIdGetDatum(link->relid);
	values[1] = CStringGetTextDatum(link->constraint_key);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_LINK " "
											"WHERE relation OPERATOR(pg_catalog.=) $1 "
											"AND constraint_name OPERATOR(pg_catalog.=) CAST($2 AS pg_catalog.name)",
											2, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * What was granted (TenantGrant *), to a role and for a model; NULL: to all,
 * for all.  Schemas come last within a role, so that what is in them is taken
 * back first.
 */
List *
catalog_tenancy_grants(const char *role, const char *model)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	char		nulls[3] = "  ";
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	List	   *result = NIL;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT CAST(g.role AS pg_catalog.text), "
						"CAST(COALESCE(n.nspname, o.nspname, g.schema) AS pg_catalog.text), "
						"CAST(g.schema AS pg_catalog.text), g.kind, "
						"CAST(g.relation AS pg_catalog.oid), "
						"CAST(g.owner AS pg_catalog.text), "
						"CAST(g.model AS pg_catalog.text), g.privileges "
						"FROM " TABLE_TENANT_GRANT " g "
						"LEFT JOIN pg_catalog.pg_class c "
						"ON c.oid OPERATOR(pg_catalog.=) g.relation "
						"LEFT JOIN pg_catalog.pg_namespace n "
						"ON n.nspname OPERATOR(pg_catalog.=) g.schema "
						"LEFT JOIN pg_catalog.pg_namespace o "
						"ON o.oid OPERATOR(pg_catalog.=) g.schema_oid "
						"WHERE (g.relation OPERATOR(pg_catalog.=) 0 OR c.oid IS NOT NULL) "
						"AND ($1 IS NULL OR g.role OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name)) "
						"AND ($2 IS NULL OR g.model OPERATOR(pg_catalog.=) CAST($2 AS pg_catalog.name)) "
						"ORDER BY g.role, g.schema, pg_catalog.array_position("
						"'{default tables,default sequences,sequence,table,schema}', g.kind), "
						"c.relname, g.owner",
						2, argtypes);
	values[0] = bookkeeping_optional_text(role, &nulls[0]);
	values[1] = bookkeeping_optional_text(model, &nulls[1]);
	bookkeeping_read_latest(plan, values, nulls);

	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		TenantGrant *grant = palloc0(sizeof(TenantGrant));
		bool		isnull;

		grant->role = bookkeeping_string(tuple, desc, 1);
		grant->schema = bookkeeping_string(tuple, desc, 2);
		grant->schema_key = bookkeeping_string(tuple, desc, 3);
		grant->kind = bookkeeping_string(tuple, desc, 4);
		grant->relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 5, &isnull));
		grant->owner = bookkeeping_string(tuple, desc, 6);
		grant->model = bookkeeping_string(tuple, desc, 7);
		grant->privileges = textlist_from_array(SPI_getbinval(tuple, desc, 8, &isnull),
												"privileges");
		result = lappend(result, grant);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * Write what was granted on an object: a row is made, or changed if it is
 * there.
 */
void
catalog_tenancy_write_grant(const TenantGrant *grant)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID,
	TEXTOID, TEXTARRAYOID, TEXTOID, OIDOID};
	Datum		values[9];
	Bookkeeping scope;
	char	   *role = GetUserNameFromId(GetUserId(), false);

	catalog_check_no_trigger(RELNAME_TENANT_GRANT);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_TENANT_GRANT " (role, schema, kind, "
						"relation, owner, model, privileges, granted_by, "
						"schema_oid, created_at) VALUES ($1, $2, $3, $4, $5, "
						"$6, $7, $8, $9, pg_catalog.now()) "
						"ON CONFLICT (role, schema, kind, relation, owner) "
						"DO UPDATE SET privileges = excluded.privileges",
						lengthof(argtypes), argtypes);
	grant_key(grant, values);
	values[5] = CStringGetTextDatum(grant->model);
	values[6] = textlist_to_array(grant->privileges);
	values[7] = CStringGetTextDatum(role);
	values[8] = ObjectIdGetDatum(get_namespace_oid(grant->schema, false));
	bookkeeping_execute(plan, values, NULL, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete the row of an object.
 */
void
catalog_tenancy_delete_grant(const TenantGrant *grant)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID};
	Datum		values[5];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_TENANT_GRANT);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	grant_key(grant, values);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_GRANT " "
											"WHERE role OPERATOR(pg_catalog.=) CAST($1 AS pg_catalog.name) "
											"AND schema OPERATOR(pg_catalog.=) CAST($2 AS pg_catalog.name) "
											"AND kind OPERATOR(pg_catalog.=) $3 "
											"AND relation OPERATOR(pg_catalog.=) $4 "
											"AND owner OPERATOR(pg_catalog.=) CAST($5 AS pg_catalog.name)",
											lengthof(argtypes), argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}

/*
 * The parameters that are the key of a grant.
 */
static void
grant_key(const TenantGrant *grant, Datum *values)
{
	values[0] = CStringGetTextDatum(grant->role);
	values[1] = CStringGetTextDatum(grant->schema_key);
	values[2] = CStringGetTextDatum(grant->kind);
	values[3] = ObjectIdGetDatum(grant->relid);
	values[4] = CStringGetTextDatum(grant->owner);
}
