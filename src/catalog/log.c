/*-------------------------------------------------------------------------
 *
 * log.c
 *	  The log: what was run.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "graph/direction.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * Write the log row of a step: as part of its transaction if it was done, and
 * after the end of that transaction if it failed.
 */
void
catalog_log(const Environment *environment, const LogEntry *entry)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID,
		TEXTARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, NAMEOID, INT4OID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT4OID, TEXTOID,
	TEXTOID, TEXTOID, BOOLOID};
	Datum		values[20];
	char		nulls[21] = "                    ";
	const LogFailure *failure = entry->failure;
	Bookkeeping scope;
	NameData	role;

	namestrcpy(&role, GetUserNameFromId(GetUserId(), false));

	catalog_check_no_trigger(RELNAME_LOG);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_LOG " (environment, revision, direction, "
						"versions_before, versions_after, started_at, duration, "
						"role, session_role, application_name, client_address, "
						"outcome, statements, checksum, search_path, tag, deploy_id, "
						"failed_statement, failed_line, sqlstate, error, error_detail, "
						"row_security_guard) "
						"VALUES ($1, $2, $3, $4, $5, $6, "
						"$7 OPERATOR(pg_catalog.-) $6, $8, SESSION_USER, "
						"pg_catalog.current_setting('application_name'), "
						"pg_catalog.inet_client_addr(), $14, $9, $10, $11, $12, "
						"CAST($13 AS pg_catalog.uuid), $15, $16, $17, $18, $19, $20)",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = bookkeeping_optional_text(entry->revision, &nulls[1]);
	values[2] = CStringGetTextDatum(direction_name(entry->direction));
	values[3] = textlist_to_array(entry->versions_before);
	values[4] = textlist_to_array(entry->versions_after);
	values[5] = TimestampTzGetDatum(entry->started_at);
	values[6] = TimestampTzGetDatum(entry->ended_at);
	values[7] = NameGetDatum(&role);
	values[8] = Int32GetDatum(entry->statements);
	values[9] = bookkeeping_optional_text(entry->checksum, &nulls[9]);
	values[10] = bookkeeping_optional_text(entry->search_path, &nulls[10]);
	values[11] = bookkeeping_optional_text(entry->tag, &nulls[11]);
	values[12] = bookkeeping_optional_text(entry->deploy_id, &nulls[12]);
	values[13] = CStringGetTextDatum(failure ? "failed" : "done");
	if (failure == NULL)
		memset(&nulls[14], 'n', 5);
	else
	{
		values[14] = Int32GetDatum(failure->statement);
		values[15] = Int32GetDatum(failure->line);
		if (failure->statement == 0)
			nulls[14] = 'n';
		if (failure->line == 0)
			nulls[15] = 'n';
		values[16] = CStringGetTextDatum(failure->sqlstate);
		values[17] = CStringGetTextDatum(failure->message);
		values[18] = bookkeeping_optional_text(failure->detail, &nulls[18]);
	}
	values[19] = BoolGetDatum(entry->row_security_guard);
	if (entry->search_path == NULL)
		nulls[19] = 'n';
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);
}

/*
 * Put rows of the log, newest first, into a tuple store whose rows are those
 * of the table: of one revision or (NULL) of all, at most max_rows.  Returns
 * how many there were.
 */
uint64
catalog_read_log(const Environment *environment, const char *revision,
				 int max_rows, Tuplestorestate *tupstore, TupleDesc tupdesc)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[3];
	char		nulls[4] = "   ";
	Bookkeeping scope;
	uint64		nrows;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT id, environment, revision, direction, "
						"versions_before, versions_after, started_at, duration, "
						"role, session_role, application_name, client_address, "
						"outcome, statements, failed_statement, failed_line, "
						"sqlstate, error, error_detail, checksum, search_path, "
						"row_security_guard, deploy_id, tag "
						"FROM " TABLE_LOG " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND ($2 IS NULL OR revision OPERATOR(pg_catalog.=) $2) "
						"ORDER BY id DESC LIMIT $3",
						3, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = bookkeeping_optional_text(revision, &nulls[1]);
	values[2] = Int32GetDatum(max_rows);
	bookkeeping_execute(plan, values, nulls, SPI_OK_SELECT);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		columns[CATALOG_LOG_NCOLUMNS];
		bool		isnull[CATALOG_LOG_NCOLUMNS];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  columns, isnull);
		tuplestore_putvalues(tupstore, tupdesc, columns, isnull);
	}
	nrows = SPI_processed;
	bookkeeping_end(&scope);
	return nrows;
}

/*
 * Return the versions (char *) after the last step in the log.
 */
List *
catalog_last_versions(const Environment *environment)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Datum		values[1];
	List	   *result = NIL;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT versions_after FROM " TABLE_LOG " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND outcome OPERATOR(pg_catalog.=) 'done' "
						"ORDER BY id DESC LIMIT 1",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
	{
		bool		isnull;
		Datum		versions = SPI_getbinval(SPI_tuptable->vals[0],
											 SPI_tuptable->tupdesc, 1, &isnull);

		MemoryContextSwitchTo(caller);
		result = textlist_from_array(versions, "versions_after");
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * Return the checksum with which a revision was last applied, according to
 * the log, or NULL.
 */
char *
catalog_applied_checksum(const Environment *environment, const char *revision)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Datum		values[2];
	List	   *result;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT checksum FROM " TABLE_LOG " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND revision OPERATOR(pg_catalog.=) $2 "
						"AND outcome OPERATOR(pg_catalog.=) 'done' "
						"AND direction OPERATOR(pg_catalog.<>) 'downgrade' "
						"ORDER BY id DESC LIMIT 1",
						2, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = CStringGetTextDatum(revision);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);
	result = bookkeeping_strings(caller);
	bookkeeping_end(&scope);
	return result == NIL ? NULL : linitial(result);
}

/*
 * Return the ids (char *) of revisions whose scripts are not those that the
 * log says were applied.
 *
 * The last row of a revision counts, unless it is a downgrade; rows from
 * before the last stamp do not count, because a stamp declares the database
 * to be at the revisions as they stand at that time.
 */
List *
catalog_changed_since_applied(const Environment *environment)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Datum		values[1];
	List	   *result;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT r.revision FROM " TABLE_REVISION " r JOIN ("
						"SELECT DISTINCT ON (revision) revision, direction, checksum "
						"FROM " TABLE_LOG " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND outcome OPERATOR(pg_catalog.=) 'done' "
						"AND id OPERATOR(pg_catalog.>=) (SELECT COALESCE(pg_catalog.max(id), 0) "
						"FROM " TABLE_LOG " WHERE environment OPERATOR(pg_catalog.=) $1 "
						"AND direction OPERATOR(pg_catalog.=) 'stamp') "
						"ORDER BY revision, id DESC) l "
						"ON l.revision OPERATOR(pg_catalog.=) r.revision "
						"WHERE r.environment OPERATOR(pg_catalog.=) $1 "
						"AND l.direction OPERATOR(pg_catalog.<>) 'downgrade' "
						"AND l.checksum OPERATOR(pg_catalog.<>) r.checksum "
						"ORDER BY r.load_order",
						1, argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);

	result = bookkeeping_strings(caller);
	bookkeeping_end(&scope);
	return result;
}
