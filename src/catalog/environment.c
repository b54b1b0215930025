/*-------------------------------------------------------------------------
 *
 * environment.c
 *	  Environments, and who owns the tables.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/bookkeeping.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "catalog/tablescan.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* names of IdStyle */
static const char *const id_style_names[] = {"random", "timestamp", "sequence"};

static bool same_version_table(const Environment *a, const Environment *b);

/*
 * The role that owns our tables, as whom they are read and written.
 *
 * Raises an error if the extension is not there, which only happens while a
 * function of it outlives its schema.
 */
Oid
catalog_owner(void)
{
	HeapTuple	tuple;
	Oid			owner;

	tuple = SearchSysCache1(RELOID,
							ObjectIdGetDatum(catalog_relation(RELNAME_REVISION)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for table \"%s\"", TABLE_REVISION);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The OID of one of our tables, by its name within their schema.
 */
Oid
catalog_relation(const char *relname)
{
	Oid			namespace_oid = get_namespace_oid(TABLES_SCHEMA, false);
	Oid			relid = get_relname_relid(relname, namespace_oid);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s.%s\" does not exist",
						TABLES_SCHEMA, relname),
				 errhint("CREATE EXTENSION migrate;")));
	return relid;
}

/*
 * Raise an error if one of our tables has a trigger or a rule.
 *
 * We make none, and write as the owner: somebody who was granted TRIGGER on
 * the table would have their code run with the owner's rights.
 */
void
catalog_check_no_trigger(const char *relname)
{
	HeapTuple	tuple;
	bool		found;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(catalog_relation(relname)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for table \"%s\"", relname);
	found = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers ||
		((Form_pg_class) GETSTRUCT(tuple))->relhasrules;
	ReleaseSysCache(tuple);
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s.%s\" has a trigger or a rule",
						TABLES_SCHEMA, relname),
				 errdetail("It is written with the rights of its owner, which code of others must not get."),
				 errhint("Drop the trigger or rule, then run VACUUM %s.%s;",
						 TABLES_SCHEMA, relname)));
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
	Environment *result = catalog_default_environment(name);
	TableScan	scan;

	tablescan_begin(&scan, catalog_relation(RELNAME_ENVIRONMENT));
	while (!result->exists && tablescan_next(&scan, ENVIRONMENT_TIMEZONE))
	{
		char	   *id_style;

		if (!tablescan_text_is(&scan, ENVIRONMENT_NAME,
							   result->name, strlen(result->name)))
			continue;

		result->exists = true;
		result->version_table_schema =
			tablescan_text(&scan, ENVIRONMENT_VERSION_TABLE_SCHEMA);
		result->version_table = tablescan_text(&scan, ENVIRONMENT_VERSION_TABLE);
		result->search_path = tablescan_text(&scan, ENVIRONMENT_SEARCH_PATH);
		id_style = tablescan_text(&scan, ENVIRONMENT_ID_STYLE);
		for (int i = 0; i < lengthof(id_style_names); i++)
		{
			if (strcmp(id_style, id_style_names[i]) == 0)
				result->id_style = (IdStyle) i;
		}
		result->file_template = tablescan_text(&scan, ENVIRONMENT_FILE_TEMPLATE);
		result->truncate_slug_length =
			DatumGetInt32(scan.slot->tts_values[ENVIRONMENT_TRUNCATE_SLUG_LENGTH - 1]);
		result->timezone = tablescan_text(&scan, ENVIRONMENT_TIMEZONE);
	}
	tablescan_end(&scan);

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
	TableScan	scan;
	bool		exists = false;

	tablescan_begin(&scan, catalog_relation(RELNAME_ENVIRONMENT));
	while (!exists && tablescan_next(&scan, ENVIRONMENT_NAME))
		exists = tablescan_text_is(&scan, ENVIRONMENT_NAME, name, strlen(name));
	tablescan_end(&scan);
	return exists;
}

/*
 * The name of another environment that has the same version table, or NULL.
 * The environment "default" has one even before its row is written.
 */
char *
catalog_version_table_user(const Environment *environment)
{
	Environment *implied = catalog_environment(NULL);
	TableScan	scan;
	char	   *result = NULL;

	if (!implied->exists && same_version_table(environment, implied) &&
		strcmp(environment->name, implied->name) != 0)
		return implied->name;

	tablescan_begin(&scan, catalog_relation(RELNAME_ENVIRONMENT));
	while (result == NULL && tablescan_next(&scan, ENVIRONMENT_VERSION_TABLE))
	{
		Environment other = {0};

		other.name = tablescan_text(&scan, ENVIRONMENT_NAME);
		other.version_table_schema =
			tablescan_text(&scan, ENVIRONMENT_VERSION_TABLE_SCHEMA);
		other.version_table = tablescan_text(&scan, ENVIRONMENT_VERSION_TABLE);
		if (same_version_table(environment, &other) &&
			strcmp(environment->name, other.name) != 0)
			result = other.name;
	}
	tablescan_end(&scan);
	return result;
}

static bool
same_version_table(const Environment *a, const Environment *b)
{
	return strcmp(a->version_table_schema, b->version_table_schema) == 0 &&
		strcmp(a->version_table, b->version_table) == 0;
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

	catalog_check_no_trigger(RELNAME_ENVIRONMENT);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
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
 * Delete the row of an environment, which must hold no revision.
 */
void
catalog_drop_environment(const char *name)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_ENVIRONMENT);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(name);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_ENVIRONMENT " "
											"WHERE name OPERATOR(pg_catalog.=) $1",
											1, argtypes),
						values, NULL, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}
