/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  What deploys have done of revisions that are not done yet.
 *
 * A row is written in the transaction of what it tells of, wherever that runs
 * in one, so that neither is ever there without the other.
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
#include "graph/direction.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static Progress *progress_of_row(const TableScan *scan);
static int	compare_started(const ListCell *a, const ListCell *b);

/*
 * The rows (Progress *) of an environment, the oldest first, in the current
 * memory context.
 */
List *
catalog_progress(const Environment *environment)
{
	size_t		length = strlen(environment->name);
	TableScan	scan;
	List	   *result = NIL;

	tablescan_begin(&scan, catalog_relation(RELNAME_PROGRESS));
	while (tablescan_next(&scan, PROGRESS_BATCH_HASH))
	{
		if (tablescan_text_is(&scan, PROGRESS_ENVIRONMENT,
							  environment->name, length))
			result = lappend(result, progress_of_row(&scan));
	}
	tablescan_end(&scan);
	list_sort(result, compare_started);
	return result;
}

static Progress *
progress_of_row(const TableScan *scan)
{
	Progress   *progress = palloc0(sizeof(Progress));
	const Datum *values = scan->slot->tts_values;

	progress->revision = tablescan_text(scan, PROGRESS_REVISION);
	progress->direction =
		direction_from_name(tablescan_text(scan, PROGRESS_DIRECTION));
	progress->started_at =
		DatumGetTimestampTz(values[PROGRESS_STARTED_AT - 1]);
	progress->statements = DatumGetInt32(values[PROGRESS_STATEMENTS - 1]);
	progress->hashes =
		textlist_from_array(values[PROGRESS_STATEMENT_HASHES - 1],
							"statement_hashes");
	progress->is_begun = tablescan_bool(scan, PROGRESS_IS_BEGUN);
	if (!scan->slot->tts_isnull[PROGRESS_BATCH_CURSOR - 1])
		progress->cursor =
			textlist_from_array(values[PROGRESS_BATCH_CURSOR - 1],
								"batch_cursor");
	progress->rows = DatumGetInt64(values[PROGRESS_BATCH_ROWS - 1]);
	progress->batches = DatumGetInt64(values[PROGRESS_BATCH_COUNT - 1]);
	progress->batch_size = DatumGetInt32(values[PROGRESS_BATCH_SIZE - 1]);
	progress->batch_hash = tablescan_text(scan, PROGRESS_BATCH_HASH);
	return progress;
}

static int
compare_started(const ListCell *a, const ListCell *b)
{
	const Progress *first = lfirst(a);
	const Progress *second = lfirst(b);

	if (first->started_at != second->started_at)
		return first->started_at < second->started_at ? -1 : 1;
	return strcmp(first->revision, second->revision);
}

/*
 * Write how far a revision has come.
 */
void
catalog_progress_write(const Environment *environment,
					   const Progress *progress, const char *deploy_id)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID,
	TEXTARRAYOID, BOOLOID, TEXTARRAYOID, INT8OID, INT8OID, INT4OID, TEXTOID};
	Datum		values[12];
	char		nulls[13] = "            ";
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_PROGRESS);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_PROGRESS " AS p (environment, revision, "
						"direction, deploy_id, started_at, updated_at, statements, "
						"statement_hashes, is_begun, batch_cursor, batch_rows, "
						"batch_count, batch_size, batch_hash) "
						"VALUES ($1, $2, $3, CAST($4 AS pg_catalog.uuid), "
						"pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), "
						"$5, $6, $7, $8, $9, $10, $11, $12) "
						"ON CONFLICT (environment, revision, direction) DO UPDATE SET "
						"deploy_id = EXCLUDED.deploy_id, updated_at = EXCLUDED.updated_at, "
						"statements = EXCLUDED.statements, "
						"statement_hashes = EXCLUDED.statement_hashes, "
						"is_begun = EXCLUDED.is_begun, "
						"batch_cursor = EXCLUDED.batch_cursor, "
						"batch_rows = EXCLUDED.batch_rows, "
						"batch_count = EXCLUDED.batch_count, "
						"batch_size = EXCLUDED.batch_size, "
						"batch_hash = EXCLUDED.batch_hash",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(progress->revision);
	values[2] = CStringGetTextDatum(direction_name(progress->direction));
	values[3] = CStringGetTextDatum(deploy_id);
	values[4] = Int32GetDatum(progress->statements);
	values[5] = textlist_to_array(progress->hashes);
	values[6] = BoolGetDatum(progress->is_begun);
	if (progress->cursor == NIL)
		nulls[7] = 'n';
	else
		values[7] = textlist_to_array(progress->cursor);
	values[8] = Int64GetDatum(progress->rows);
	values[9] = Int64GetDatum(progress->batches);
	values[10] = Int32GetDatum(progress->batch_size);
	values[11] = bookkeeping_optional_text(progress->batch_hash, &nulls[11]);
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Record that the next statement of a revision is done.
 *
 * This is what a background worker calls in the transaction of the statement;
 * it knows the names only, and not the environment's row.
 */
void
catalog_progress_append(const char *environment, const char *revision,
						Direction direction, const char *deploy_id,
						int statements, const char *hash)
{
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID,
	TEXTOID};
	Datum		values[6];
	Bookkeeping scope;

	values[0] = CStringGetTextDatum(environment);
	values[1] = CStringGetTextDatum(revision);
	values[2] = CStringGetTextDatum(direction_name(direction));
	values[3] = CStringGetTextDatum(deploy_id);
	values[4] = Int32GetDatum(statements);
	values[5] = CStringGetTextDatum(hash);

	catalog_check_no_trigger(RELNAME_PROGRESS);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	if (SPI_execute_with_args("INSERT INTO " TABLE_PROGRESS " AS p (environment, revision, "
							  "direction, deploy_id, started_at, updated_at, "
							  "statements, statement_hashes) "
							  "VALUES ($1, $2, $3, CAST($4 AS pg_catalog.uuid), "
							  "pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), "
							  "$5, ARRAY[$6]) "
							  "ON CONFLICT (environment, revision, direction) DO UPDATE SET "
							  "deploy_id = EXCLUDED.deploy_id, updated_at = EXCLUDED.updated_at, "
							  "statement_hashes = p.statement_hashes "
							  "OPERATOR(pg_catalog.||) EXCLUDED.statement_hashes, "
							  "is_begun = false",
							  lengthof(argtypes), argtypes, values, NULL,
							  false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not record that a statement is done");
	bookkeeping_end(&scope);
}

/*
 * Forget how far a revision has come, or (NULL) all revisions.
 */
void
catalog_progress_delete(const Environment *environment, const char *revision)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	char		nulls[3] = "  ";
	Bookkeeping scope;

	catalog_check_no_trigger(RELNAME_PROGRESS);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"DELETE FROM " TABLE_PROGRESS " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND ($2 IS NULL OR revision OPERATOR(pg_catalog.=) $2)",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = bookkeeping_optional_text(revision, &nulls[1]);
	bookkeeping_execute(plan, values, nulls, SPI_OK_DELETE);
	bookkeeping_end(&scope);
}
