/*-------------------------------------------------------------------------
 *
 * environment.c
 *	  migrate_environment_create(), _alter(), _drop().
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hint.h"
#include "base/sqlcall.h"
#include "catalog/namespace.h"
#include "catalog/records.h"
#include "pgtime.h"
#include "run/lock.h"
#include "run/state.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(migrate_environment_create);
PG_FUNCTION_INFO_V1(migrate_environment_alter);
PG_FUNCTION_INFO_V1(migrate_environment_drop);

static void check_version_table_is_free(const Environment *environment);
static void take_settings(FunctionCallInfo fcinfo, Environment *environment);
static void check_table_name(const char *name);
static void check_search_path(const char *search_path);
static IdStyle id_style_from_name(const char *name);

/*
 * migrate_environment_create(name, version_table, version_table_schema,
 *							  search_path, id_style, file_template,
 *							  truncate_slug_length, timezone)
 */
Datum
migrate_environment_create(PG_FUNCTION_ARGS)
{
	char	   *name = sqlcall_required_text(fcinfo, 0, "name");
	Environment *environment;

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of an environment must not be empty")));

	state_refuse_unless_writable("migrate_environment_create");
	lock_environment(name);
	environment = catalog_default_environment(name);
	if (catalog_environment_exists(name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("environment \"%s\" already exists", name),
				 errhint("SELECT * FROM migrate.environment; shows its settings, and migrate_environment_alter() changes them.")));

	take_settings(fcinfo, environment);
	check_version_table_is_free(environment);
	catalog_write_environment(environment);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/*
 * migrate_environment_alter(name, version_table, version_table_schema,
 *							 search_path, id_style, file_template,
 *							 truncate_slug_length, timezone)
 */
Datum
migrate_environment_alter(PG_FUNCTION_ARGS)
{
	char	   *name = sqlcall_required_text(fcinfo, 0, "name");
	State	   *state = state_begin_write(name, "migrate_environment_alter");
	Environment *environment = state->environment;
	char	   *version_table = environment->version_table;
	char	   *schema = environment->version_table_schema;

	take_settings(fcinfo, environment);

	/* what is applied would seem not to be */
	if (state->rows != NIL &&
		(strcmp(version_table, environment->version_table) != 0 ||
		 strcmp(schema, environment->version_table_schema) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("environment \"%s\" already has a version table in use",
						name),
				 errdetail("The version table %s holds rows.",
						   quote_qualified_identifier(schema, version_table)),
				 strcmp(schema, environment->version_table_schema) != 0 ?
				 errhint("Move the table first: ALTER TABLE %s SET SCHEMA %s;",
						 quote_qualified_identifier(schema, version_table),
						 quote_identifier(environment->version_table_schema)) :
				 errhint("Rename the table first: ALTER TABLE %s RENAME TO %s;",
						 quote_qualified_identifier(schema, version_table),
						 quote_identifier(environment->version_table))));

	check_version_table_is_free(environment);
	catalog_write_environment(environment);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/*
 * migrate_environment_drop(name)
 */
Datum
migrate_environment_drop(PG_FUNCTION_ARGS)
{
	char	   *name = sqlcall_required_text(fcinfo, 0, "name");
	State	   *state = state_begin_write(name, "migrate_environment_drop");

	if (state->graph->nrevisions > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("environment \"%s\" still holds revisions", name),
				 errdetail_plural("There is %d revision.",
								  "There are %d revisions.",
								  state->graph->nrevisions,
								  state->graph->nrevisions),
				 hint_statement("Remove them with migrate_remove(), newest first.")));
	(void) catalog_resume(state->environment);
	catalog_progress_delete(state->environment, NULL);
	catalog_drop_environment(name);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/*
 * Raise an error if the version table is that of another environment.
 */
static void
check_version_table_is_free(const Environment *environment)
{
	char	   *other = catalog_version_table_user(environment);

	if (other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("version table %s is already that of environment \"%s\"",
						quote_qualified_identifier(environment->version_table_schema,
												   environment->version_table),
						other),
				 errhint("Give another one, such as version_table => %s.",
						 quote_literal_cstr(psprintf("alembic_version_%s",
													 environment->name)))));
}

/*
 * Put the arguments that are not NULL into the environment, checking each.
 */
static void
take_settings(FunctionCallInfo fcinfo, Environment *environment)
{
	if (!PG_ARGISNULL(1))
		environment->version_table = sqlcall_text(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		environment->version_table_schema = sqlcall_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
	{
		environment->search_path = sqlcall_text(fcinfo, 3);
		check_search_path(environment->search_path);
	}
	if (!PG_ARGISNULL(4))
		environment->id_style = id_style_from_name(sqlcall_text(fcinfo, 4));
	if (!PG_ARGISNULL(5))
	{
		environment->file_template = sqlcall_text(fcinfo, 5);
		filename_check_template(environment->file_template);
	}
	if (!PG_ARGISNULL(6))
	{
		environment->truncate_slug_length = PG_GETARG_INT32(6);
		if (environment->truncate_slug_length <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"truncate_slug_length\" must be greater than zero")));
	}
	if (!PG_ARGISNULL(7))
	{
		environment->timezone = sqlcall_text(fcinfo, 7);
		if (pg_tzset(environment->timezone) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("Can't locate timezone: %s", environment->timezone),
					 errhint("SELECT name FROM pg_timezone_names lists them.")));
	}
	check_table_name(environment->version_table);
	check_table_name(environment->version_table_schema);
	if (!OidIsValid(get_namespace_oid(environment->version_table_schema, true)) &&
		strncmp(environment->version_table_schema, "pg_temp", 7) != 0)
		ereport(NOTICE,
				(errcode(ERRCODE_INVALID_SCHEMA_NAME),
				 errmsg("schema \"%s\" of the version table does not exist",
						environment->version_table_schema),
				 errhint("It is needed before the first upgrade: CREATE SCHEMA %s;",
						 quote_identifier(environment->version_table_schema))));
	if (strncmp(environment->version_table_schema, "pg_temp", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the version table cannot be a temporary table")));
}

/*
 * Raise an error unless it can be the name of a table or a schema as it is.
 */
static void
check_table_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a version table or its schema must not be empty")));
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("the name of a version table or its schema is too long"),
				 errdetail("It has %zu bytes; at most %d are allowed.",
						   strlen(name), NAMEDATALEN - 1)));
}

/*
 * Raise an error unless it is a list of identifiers.
 */
static void
check_search_path(const char *search_path)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(search_path), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid search path: \"%s\"", search_path),
				 errhint("Give schema names as for SET search_path, such as 'app, public'.")));
}

static IdStyle
id_style_from_name(const char *name)
{
	if (strcmp(name, "random") == 0)
		return ID_STYLE_RANDOM;
	if (strcmp(name, "timestamp") == 0)
		return ID_STYLE_TIMESTAMP;
	if (strcmp(name, "sequence") == 0)
		return ID_STYLE_SEQUENCE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown id style \"%s\"", name),
			 errhint("The styles are \"random\", \"timestamp\" and \"sequence\".")));
	return ID_STYLE_RANDOM;		/* keep compiler quiet */
}
