/*-------------------------------------------------------------------------
 *
 * versionwrite.c
 *	  The version table: writing it, step by step.
 *
 * Every write names the row that it expects and insists on having met exactly
 * one: whoever else writes the table, by hand or with Alembic, is noticed and
 * not overwritten.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "catalog/pg_type.h"
#include "catalog/version.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void create_version_table(const Environment *environment);
static int	version_column_width(Oid relid);
static SPIPlanPtr prepare_kept(const char *sql, int nargs);
static void check_version_table(const VersionWriter *writer);
static void execute_on_one_row(const VersionWriter *writer, SPIPlanPtr plan,
							   const char *first, const char *second,
							   int expected);

/*
 * Begin to write the version table, making it if it is not there.
 *
 * The writer is allocated in the current memory context, but its plans are
 * not: the caller hands it to version_end_write() also after an error.
 */
VersionWriter *
version_begin_write(const Environment *environment)
{
	VersionWriter *writer = palloc0(sizeof(VersionWriter));

	writer->display = version_table_name(environment);
	writer->relid = version_find_table(environment);
	version_check_rights(environment, writer->relid,
						 ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE);
	if (!OidIsValid(writer->relid))
	{
		create_version_table(environment);
		writer->relid = version_find_table(environment);
	}
	if (!OidIsValid(writer->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("version table %s is not there after it was made",
						writer->display),
				 errdetail("An event trigger may have renamed or dropped it.")));
	writer->width = version_column_width(writer->relid);
	writer->namespace_oid = get_rel_namespace(writer->relid);
	writer->relname = get_rel_name(writer->relid);
	return writer;
}

/*
 * Raise an error if an id does not fit into the version table, before a
 * script has run for nothing: Alembic makes a column of varchar(32).
 */
void
version_check_width(const VersionWriter *writer, const char *id)
{
	if (writer->width < 0 || pg_mbstrlen(id) <= writer->width)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
			 errmsg("revision identifier \"%s\" is too long for version table %s",
					id, writer->display),
			 errdetail("Its column " VERSION_COLUMN " takes %d characters.",
					   writer->width),
			 errhint("ALTER TABLE %s ALTER COLUMN " VERSION_COLUMN " TYPE text;",
					 writer->display)));
}

/*
 * Carry a step into the version table.
 *
 * One row is turned into another by UPDATE, as Alembic does.  Raises an error
 * if the table is not the one that the run began with, or does not hold the
 * rows that the step removes.
 */
void
version_apply(VersionWriter *writer, const Graph *graph, const Step *step)
{
	ListCell   *removed = list_head(step->removed);
	ListCell   *added = list_head(step->added);
	Bookkeeping scope;

	check_version_table(writer);
	bookkeeping_begin_as_caller(&scope, false);

	while (removed != NULL && added != NULL)
	{
		if (writer->update == NULL)
			writer->update =
				prepare_kept(psprintf("UPDATE %s SET " VERSION_COLUMN " = $2 "
									  "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) $1",
									  writer->display), 2);
		execute_on_one_row(writer, writer->update,
						   graph->revisions[lfirst_int(removed)]->id,
						   graph->revisions[lfirst_int(added)]->id,
						   SPI_OK_UPDATE);
		removed = lnext(step->removed, removed);
		added = lnext(step->added, added);
	}
	for (; removed != NULL; removed = lnext(step->removed, removed))
	{
		if (writer->delete == NULL)
			writer->delete =
				prepare_kept(psprintf("DELETE FROM %s "
									  "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) $1",
									  writer->display), 1);
		execute_on_one_row(writer, writer->delete,
						   graph->revisions[lfirst_int(removed)]->id, NULL,
						   SPI_OK_DELETE);
	}
	for (; added != NULL; added = lnext(step->added, added))
	{
		if (writer->insert == NULL)
			writer->insert =
				prepare_kept(psprintf("INSERT INTO %s (" VERSION_COLUMN ") VALUES ($1)",
									  writer->display), 1);
		execute_on_one_row(writer, writer->insert,
						   graph->revisions[lfirst_int(added)]->id, NULL,
						   SPI_OK_INSERT);
	}
	bookkeeping_end(&scope);
}

/*
 * Delete all rows of the version table, of which the run found so many.
 */
void
version_purge(VersionWriter *writer, int nrows)
{
	Bookkeeping scope;

	check_version_table(writer);
	bookkeeping_begin_as_caller(&scope, false);
	if (SPI_execute(psprintf("DELETE FROM %s", writer->display),
					false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not empty the version table");
	if (SPI_processed != nrows)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s could not be emptied", writer->display),
				 errdetail("It held %d rows, of which " UINT64_FORMAT " were deleted.",
						   nrows, SPI_processed),
				 errhint("Look at what is there with SELECT * FROM %s; and for a trigger that keeps its rows.",
						 writer->display)));
	bookkeeping_end(&scope);
}

/*
 * Free what a writer keeps outside of its memory context.
 */
void
version_end_write(VersionWriter *writer)
{
	SPIPlanPtr *plans[] = {&writer->insert, &writer->update, &writer->delete};

	for (int i = 0; i < lengthof(plans); i++)
	{
		if (*plans[i] != NULL)
			SPI_freeplan(*plans[i]);
		*plans[i] = NULL;
	}
}

/*
 * Make the version table as Alembic makes it, but for the type of its column:
 * varchar(32) is too narrow for many naming conventions.
 */
static void
create_version_table(const Environment *environment)
{
	Bookkeeping scope;

	bookkeeping_begin_as_caller(&scope, false);
	if (SPI_execute(psprintf("CREATE TABLE %s (" VERSION_COLUMN " pg_catalog.text NOT NULL, "
							 "CONSTRAINT %s PRIMARY KEY (" VERSION_COLUMN "))",
							 version_table_name(environment),
							 quote_identifier(version_constraint_name(environment))),
					false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not create the version table");
	bookkeeping_end(&scope);
}

/*
 * How many characters the column of the version table takes, or -1 if there
 * is no limit.
 */
static int
version_column_width(Oid relid)
{
	AttrNumber	column = get_attnum(relid, VERSION_COLUMN);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (column == InvalidAttrNumber)
		return -1;
	get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
	return type == VARCHAROID && typmod > VARHDRSZ ? typmod - VARHDRSZ : -1;
}

/*
 * Prepare a statement whose parameters are ids, beyond the end of SPI.
 */
static SPIPlanPtr
prepare_kept(const char *sql, int nargs)
{
	SPIPlanPtr	plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};

	return bookkeeping_prepare(&plan, sql, nargs, argtypes);
}

/*
 * Raise an error if the table that the run began with is gone, or another
 * stands under its name: then a script has dropped or renamed it.
 */
static void
check_version_table(const VersionWriter *writer)
{
	if (get_relname_relid(writer->relname, writer->namespace_oid) != writer->relid)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s was dropped or replaced while revisions were running",
						writer->display),
				 errhint("Take the statement that does so out of the revision's script; the version table is kept by migrate.")));
}

/*
 * Execute a kept plan that has to meet exactly one row.
 */
static void
execute_on_one_row(const VersionWriter *writer, SPIPlanPtr plan,
				   const char *first, const char *second, int expected)
{
	Datum		values[2];

	values[0] = CStringGetTextDatum(first);
	if (second != NULL)
		values[1] = CStringGetTextDatum(second);
	bookkeeping_execute(plan, values, NULL, expected);
	if (SPI_processed == 1)
		return;

	if (expected == SPI_OK_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("Online migration expected to match one row when updating '%s' to '%s' in '%s'; " UINT64_FORMAT " found",
						first, second, writer->display, SPI_processed),
				 errdetail("Another session, or a revision's script, wrote the version table while this run was under way."),
				 errhint("Look at what is there with SELECT * FROM %s; and start again.",
						 writer->display)));
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
			 errmsg("Online migration expected to match one row when %s '%s' in '%s'; " UINT64_FORMAT " found",
					expected == SPI_OK_DELETE ? "deleting" : "inserting",
					first, writer->display, SPI_processed),
			 errdetail("Another session, or a revision's script, wrote the version table while this run was under way."),
			 errhint("Look at what is there with SELECT * FROM %s; and start again.",
					 writer->display)));
}
