/*-------------------------------------------------------------------------
 *
 * revision.c
 *	  Revisions with their scripts: reading, adding, changing, deleting.
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
#include "catalog/tablescan.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Columns of migrate.revision that are written, the checksum last */
#define REVISION_COLUMNS \
	"revision, message, description, branch_labels, upgrade, " \
	"upgrade_transactional, downgrade, downgrade_transactional, " \
	"create_date, author, origin, filename, header, separator, " \
	"loaded_checksum"
/* ... and the types of all but the last, which is computed */
#define REVISION_ARGTYPES \
	TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, \
	BOOLOID, TEXTOID, BOOLOID, \
	TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID
#define REVISION_NCOLUMNS 14

static StoredRevision *stored_revision(const TableScan *scan);
static void ensure_environment(const Environment *environment);
static void delete_edges(Datum *values);
static void write_edges(const Environment *environment, const RevisionFile *file);
static void revision_parameters(const Environment *environment,
								const StoredRevision *revision,
								Datum *values, char *nulls);

/*
 * Read one revision with its scripts.  Raises an error if there is none of
 * that id: somebody has deleted it since the graph was read.  Its edges are the graph's and not read: down_ids and depends_ids stay
 * empty.
 */
StoredRevision *
catalog_fetch(const Environment *environment, const char *revision)
{
	const char *keys[] = {environment->name, revision};
	StoredRevision *result = NULL;
	TableScan	scan;

	tablescan_begin_at(&scan, catalog_relation(RELNAME_REVISION),
					   keys, lengthof(keys));
	if (tablescan_next(&scan, REVISION_SEPARATOR))
		result = stored_revision(&scan);
	tablescan_end(&scan);
	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" has disappeared", revision),
				 errdetail("It was deleted from the catalog by something else than migrate_remove().")));
	return result;
}

/*
 * The revision in hand, in the current memory context.
 */
static StoredRevision *
stored_revision(const TableScan *scan)
{
	StoredRevision *result = palloc0(sizeof(StoredRevision));
	RevisionFile *file = &result->file;
	const Datum *values = scan->slot->tts_values;

	file->id = tablescan_text(scan, REVISION_REVISION);
	file->message = tablescan_text(scan, REVISION_MESSAGE);
	file->description = tablescan_text(scan, REVISION_DESCRIPTION);
	file->labels = textlist_from_array(values[REVISION_BRANCH_LABELS - 1],
									   "branch_labels");
	file->upgrade = tablescan_text(scan, REVISION_UPGRADE);
	file->upgrade_transactional =
		tablescan_bool(scan, REVISION_UPGRADE_TRANSACTIONAL);
	file->downgrade = tablescan_text(scan, REVISION_DOWNGRADE);
	file->downgrade_transactional =
		tablescan_bool(scan, REVISION_DOWNGRADE_TRANSACTIONAL);
	file->has_create_date = !scan->slot->tts_isnull[REVISION_CREATE_DATE - 1];
	if (file->has_create_date)
		file->create_date =
			DatumGetTimestampTz(values[REVISION_CREATE_DATE - 1]);
	file->author = tablescan_text(scan, REVISION_AUTHOR);
	result->origin = tablescan_text(scan, REVISION_ORIGIN);
	file->filename = tablescan_text(scan, REVISION_FILENAME);
	file->header = tablescan_text(scan, REVISION_HEADER);
	file->separator = tablescan_text(scan, REVISION_SEPARATOR);
	result->loaded_checksum = tablescan_text(scan, REVISION_LOADED_CHECKSUM);
	result->checksum = tablescan_text(scan, REVISION_CHECKSUM);
	return result;
}

/*
 * Add a revision, last in the load order, making the row of the environment
 * "default" if this is its first.
 */
void
catalog_insert(Environment *environment, const StoredRevision *revision)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, REVISION_ARGTYPES};
	Datum		values[1 + REVISION_NCOLUMNS];
	char		nulls[1 + REVISION_NCOLUMNS];
	Bookkeeping scope;

	if (!environment->exists)
	{
		ensure_environment(environment);
		environment->exists = true;
	}

	catalog_check_no_trigger(RELNAME_REVISION);
	catalog_check_no_trigger(RELNAME_REVISION_EDGE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_REVISION " (environment, " REVISION_COLUMNS ") "
						"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
						"$12, $13, $14, $15, " FUNCTION_CHECKSUM "($6, $8))",
						lengthof(argtypes), argtypes);
	revision_parameters(environment, revision, values, nulls);
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	write_edges(environment, &revision->file);
	bookkeeping_end(&scope);
}

/*
 * Make the row of the environment "default", unless another session has just
 * done so.
 */
static void
ensure_environment(const Environment *environment)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	Datum		values[1];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_ENVIRONMENT);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_ENVIRONMENT " (name) VALUES ($1) "
						"ON CONFLICT (name) DO NOTHING",
						1, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Replace everything of a revision but its id and its place in load order.
 */
void
catalog_update(const Environment *environment, const StoredRevision *revision)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, REVISION_ARGTYPES};
	Datum		values[1 + REVISION_NCOLUMNS];
	char		nulls[1 + REVISION_NCOLUMNS];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_REVISION);
	catalog_check_no_trigger(RELNAME_REVISION_EDGE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	revision_parameters(environment, revision, values, nulls);
	bookkeeping_prepare(&plan,
						"UPDATE " TABLE_REVISION " SET (" REVISION_COLUMNS ") = "
						"ROW ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
						"$12, $13, $14, $15, " FUNCTION_CHECKSUM "($6, $8)) "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND revision OPERATOR(pg_catalog.=) $2",
						lengthof(argtypes), argtypes);
	bookkeeping_execute(plan, values, nulls, SPI_OK_UPDATE);

	delete_edges(values);
	write_edges(environment, &revision->file);
	bookkeeping_end(&scope);
}

/*
 * Delete a revision and the edges that lead from it to its parents.
 */
void
catalog_delete(const Environment *environment, const char *revision)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_REVISION);
	catalog_check_no_trigger(RELNAME_REVISION_EDGE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"DELETE FROM " TABLE_REVISION " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND revision OPERATOR(pg_catalog.=) $2",
						2, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(revision);
	bookkeeping_execute(plan, values, NULL, SPI_OK_DELETE);
	delete_edges(values);
	bookkeeping_end(&scope);
}

/*
 * Delete the edges that lead from a revision to its parents; the values are
 * the environment's name and the revision's id.
 */
static void
delete_edges(Datum *values)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};

	bookkeeping_prepare(&plan,
						"DELETE FROM " TABLE_REVISION_EDGE " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND revision OPERATOR(pg_catalog.=) $2",
						lengthof(argtypes), argtypes);
	bookkeeping_execute(plan, values, NULL, SPI_OK_DELETE);
}

/*
 * Write a revision's edges.
 */
static void
write_edges(const Environment *environment, const RevisionFile *file)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[4];

	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_REVISION_EDGE " "
						"(environment, revision, kind, position, parent) "
						"SELECT $1, $2, 'down', ordinality, id "
						"FROM ROWS FROM (pg_catalog.unnest($3)) WITH ORDINALITY d (id, ordinality) "
						"UNION ALL "
						"SELECT $1, $2, 'depends', ordinality, id "
						"FROM ROWS FROM (pg_catalog.unnest($4)) WITH ORDINALITY d (id, ordinality)",
						4, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(file->id);
	values[2] = textlist_to_array(file->down_ids);
	values[3] = textlist_to_array(file->depends_ids);
	bookkeeping_execute(plan, values, NULL, SPI_OK_INSERT);
}

/*
 * Fill the parameters that a revision is written with: the environment, then
 * REVISION_COLUMNS but for the last.
 */
static void
revision_parameters(const Environment *environment,
					const StoredRevision *revision,
					Datum *values, char *nulls)
{
	const RevisionFile *file = &revision->file;

	memset(nulls, ' ', 1 + REVISION_NCOLUMNS);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(file->id);
	values[2] = CStringGetTextDatum(file->message);
	values[3] = CStringGetTextDatum(file->description);
	values[4] = textlist_to_array(file->labels);
	values[5] = CStringGetTextDatum(file->upgrade);
	values[6] = BoolGetDatum(file->upgrade_transactional);
	values[7] = bookkeeping_optional_text(file->downgrade, &nulls[7]);
	values[8] = BoolGetDatum(file->downgrade_transactional);
	values[9] = TimestampTzGetDatum(file->create_date);
	if (!file->has_create_date)
		nulls[9] = 'n';
	values[10] = bookkeeping_optional_text(file->author, &nulls[10]);
	values[11] = bookkeeping_optional_text(revision->origin, &nulls[11]);
	values[12] = bookkeeping_optional_text(file->filename, &nulls[12]);
	values[13] = CStringGetTextDatum(file->header);
	values[14] = bookkeeping_optional_text(file->separator, &nulls[14]);
}
