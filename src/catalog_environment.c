/*-------------------------------------------------------------------------
 *
 * catalog_environment.c
 *	  Environments, and who owns the tables.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "bookkeeping.h"
#include "catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* names of IdStyle */
static const char *const id_style_names[] = {"random", "timestamp", "sequence"};

/*
 * The role that owns our tables, as whom they are read and written.
 *
 * Raises an error if the extension is not there, which only happens while a
 * function of it outlives its schema.
 */
Oid
catalog_owner(void)
{
	Oid			namespace_oid = get_namespace_oid(TABLES_SCHEMA, false);
	Oid			relation_oid = get_relname_relid(TABLES_OWNED_AS,
												 namespace_oid);
	HeapTuple	tuple;
	Oid			owner;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_oid));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s.%s\" does not exist",
						TABLES_SCHEMA, TABLES_OWNED_AS),
				 errhint("Run CREATE EXTENSION migrate.")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * An environment as it is before anything was set.
 */
Environment *
catalog_default_environment(const char *name)
{
	Environment *result = palloc0(sizeof(Environment));

	result->name = pstrdup(name ? name : MIGRATE_DEFAULT_ENVIRONMENT);
	result->version_table_schema = "public";
	result->version_table = "alembic_version";
	result->id_style = ID_STYLE_RANDOM;
	result->file_template = "%(rev)s_%(slug)s";
	result->truncate_slug_length = 40;
	result->timezone = "UTC";
	return result;
}

/*
 * Read an environment.
 *
 * NULL means the one called "default", which is there with its default
 * settings even before its first row is written.  Raises an error for
 * another that does not exist.
 */
Environment *
catalog_environment(const char *name)
{
	static SPIPlanPtr plan = NULL;
	Environment *result = catalog_default_environment(name);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi_context;
	Bookkeeping scope;
	Datum		values[1];

	bookkeeping_begin(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT version_table_schema, version_table, "
						"search_path, id_style, file_template, "
						"truncate_slug_length, timezone "
						"FROM " TABLE_ENVIRONMENT " "
						"WHERE name OPERATOR(pg_catalog.=) $1",
						1, (Oid[]) {TEXTOID});
	values[0] = CStringGetTextDatum(result->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);

	result->exists = SPI_processed > 0;
	if (result->exists)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *id_style = bookkeeping_string(tuple, desc, 4);
		bool		isnull;

		spi_context = MemoryContextSwitchTo(caller);
		result->version_table_schema = bookkeeping_string(tuple, desc, 1);
		result->version_table = bookkeeping_string(tuple, desc, 2);
		result->search_path = bookkeeping_string(tuple, desc, 3);
		for (int i = 0; i < lengthof(id_style_names); i++)
		{
			if (strcmp(id_style, id_style_names[i]) == 0)
				result->id_style = (IdStyle) i;
		}
		result->file_template = bookkeeping_string(tuple, desc, 5);
		result->truncate_slug_length =
			DatumGetInt32(SPI_getbinval(tuple, desc, 6, &isnull));
		result->timezone = bookkeeping_string(tuple, desc, 7);
		MemoryContextSwitchTo(spi_context);
	}
	bookkeeping_end(&scope);

	if (!result->exists &&
		strcmp(result->name, MIGRATE_DEFAULT_ENVIRONMENT) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("environment \"%s\" does not exist", result->name),
				 errhint("SELECT name FROM " TABLE_ENVIRONMENT " lists them; SELECT migrate_environment_create(%s) makes it.",
						 quote_literal_cstr(result->name))));
	return result;
}

/*
 * Does an environment have a row?
 */
bool
catalog_environment_exists(const char *name)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[1];
	Bookkeeping scope;
	bool		exists;

	bookkeeping_begin(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT 1 FROM " TABLE_ENVIRONMENT " "
						"WHERE name OPERATOR(pg_catalog.=) $1",
						1, (Oid[]) {TEXTOID});
	values[0] = CStringGetTextDatum(name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);
	exists = SPI_processed > 0;
	bookkeeping_end(&scope);
	return exists;
}

/*
 * Write an environment: a new row, or (environment->exists) all settings of
 * the row that is there.
 */
void
catalog_write_environment(const Environment *environment)
{
	static SPIPlanPtr insert_plan = NULL;
	static SPIPlanPtr update_plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TEXTOID, INT4OID, TEXTOID};
	Datum		values[8];
	char		nulls[9] = "        ";
	Bookkeeping scope;

	bookkeeping_begin(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(environment->version_table_schema);
	values[2] = CStringGetTextDatum(environment->version_table);
	values[3] = bookkeeping_optional_text(environment->search_path, &nulls[3]);
	values[4] = CStringGetTextDatum(id_style_names[environment->id_style]);
	values[5] = CStringGetTextDatum(environment->file_template);
	values[6] = Int32GetDatum(environment->truncate_slug_length);
	values[7] = CStringGetTextDatum(environment->timezone);

	if (environment->exists)
		bookkeeping_execute(bookkeeping_prepare(&update_plan,
												"UPDATE " TABLE_ENVIRONMENT " SET version_table_schema = $2, "
												"version_table = $3, search_path = $4, id_style = $5, "
												"file_template = $6, truncate_slug_length = $7, "
												"timezone = $8 WHERE name OPERATOR(pg_catalog.=) $1",
												8, argtypes),
							values, nulls, SPI_OK_UPDATE);
	else
		bookkeeping_execute(bookkeeping_prepare(&insert_plan,
												"INSERT INTO " TABLE_ENVIRONMENT " (name, version_table_schema, "
												"version_table, search_path, id_style, file_template, "
												"truncate_slug_length, timezone) "
												"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
												8, argtypes),
							values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Delete the row of an environment; the foreign key keeps one that still
 * holds revisions.
 */
void
catalog_drop_environment(const char *name)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[1];
	Bookkeeping scope;

	bookkeeping_begin(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(name);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_ENVIRONMENT " "
											"WHERE name OPERATOR(pg_catalog.=) $1",
											1, (Oid[]) {TEXTOID}),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}
