/*-------------------------------------------------------------------------
 *
 * pause.c
 *	  Pauses, and what of a deploy waits for the next one.
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
#include "utils/builtins.h"
#include "utils/timestamp.h"

static char *describe_pause(const char *role, const char *reason);
static Unfinished *unfinished_of_row(HeapTuple tuple, TupleDesc desc);

/*
 * Pause the deploys of an environment, in the name of the caller.  Returns
 * false if they are paused already, also by a session that did so a moment
 * ago: one that has not committed is waited for.
 */
bool
catalog_pause(const Environment *environment, const char *reason)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, NAMEOID, TEXTOID};
	Datum		values[3];
	char		nulls[4] = "   ";
	Bookkeeping scope;
	NameData	role;
	bool		inserted;

	namestrcpy(&role, GetUserNameFromId(GetUserId(), false));

	catalog_check_no_trigger(RELNAME_PAUSE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"INSERT INTO " TABLE_PAUSE " (environment, paused_at, role, reason) "
						"VALUES ($1, pg_catalog.clock_timestamp(), $2, $3) "
						"ON CONFLICT (environment) DO NOTHING",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	values[1] = NameGetDatum(&role);
	values[2] = bookkeeping_optional_text(reason, &nulls[2]);
	bookkeeping_execute(plan, values, nulls, SPI_OK_INSERT);
	inserted = SPI_processed > 0;
	bookkeeping_end(&scope);
	return inserted;
}

/*
 * End the pause of an environment.  Returns false if there was none.
 */
bool
catalog_resume(const Environment *environment)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	Datum		values[1];
	Bookkeeping scope;
	bool		deleted;

	catalog_check_no_trigger(RELNAME_PAUSE);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"DELETE FROM " TABLE_PAUSE " "
						"WHERE environment OPERATOR(pg_catalog.=) $1",
						lengthof(argtypes), argtypes);
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_DELETE);
	deleted = SPI_processed > 0;
	bookkeeping_end(&scope);
	return deleted;
}

/*
 * Are the deploys of an environment paused?  If so, and "who_and_why" is not
 * NULL, a sentence that says it is put there, in the current memory context.
 *
 * Cheap enough to be asked after each batch; sees what was committed until
 * now, in a READ COMMITTED transaction.
 */
bool
catalog_paused(const Environment *environment, char **who_and_why)
{
	size_t		length = strlen(environment->name);
	TableScan	scan;
	bool		paused = false;

	tablescan_begin(&scan, catalog_relation(RELNAME_PAUSE));
	while (!paused && tablescan_next(&scan, PAUSE_REASON))
	{
		if (!tablescan_text_is(&scan, PAUSE_ENVIRONMENT,
							   environment->name, length))
			continue;
		paused = true;
		if (who_and_why != NULL)
		{
			Name		role = DatumGetName(scan.slot->tts_values[PAUSE_ROLE - 1]);

			*who_and_why = describe_pause(NameStr(*role),
										  tablescan_text(&scan, PAUSE_REASON));
		}
	}
	tablescan_end(&scan);
	return paused;
}

static char *
describe_pause(const char *role, const char *reason)
{
	if (reason == NULL)
		return psprintf("Paused by role \"%s\".", role);
	return psprintf("Paused by role \"%s\": %s", role, reason);
}

/*
 * The revisions of which a deploy has done a part, and the environments that
 * are paused (Unfinished *), of one environment or (NULL) of all, in the
 * current memory context.
 */
List *
catalog_unfinished(const char *environment)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi_context;
	Bookkeeping scope;
	Datum		values[1];
	char		nulls[2] = " ";
	List	   *result = NIL;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_prepare(&plan,
						"SELECT environment, p.revision, p.direction, "
						"CAST(p.deploy_id AS pg_catalog.text), "
						"p.statements, pg_catalog.cardinality(p.statement_hashes), "
						"CASE WHEN p.batch_cursor IS NOT NULL THEN p.batch_rows END, "
						"p.started_at, p.updated_at, CAST(s.role AS pg_catalog.text), s.reason "
						"FROM " TABLE_PROGRESS " p "
						"FULL JOIN " TABLE_PAUSE " s USING (environment) "
						"WHERE $1 IS NULL OR environment OPERATOR(pg_catalog.=) $1 "
						"ORDER BY environment, p.started_at, p.revision",
						lengthof(argtypes), argtypes);
	values[0] = bookkeeping_optional_text(environment, &nulls[0]);
	bookkeeping_execute(plan, values, nulls, SPI_OK_SELECT);

	spi_context = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		result = lappend(result, unfinished_of_row(SPI_tuptable->vals[i],
												   SPI_tuptable->tupdesc));
	MemoryContextSwitchTo(spi_context);
	bookkeeping_end(&scope);
	return result;
}

static Unfinished *
unfinished_of_row(HeapTuple tuple, TupleDesc desc)
{
	Unfinished *result = palloc0(sizeof(Unfinished));
	char	   *role = bookkeeping_string(tuple, desc, 10);
	Datum		value;
	bool		isnull;

	result->environment = bookkeeping_string(tuple, desc, 1);
	if (role != NULL)
		result->pause = describe_pause(role, bookkeeping_string(tuple, desc, 11));

	result->revision = bookkeeping_string(tuple, desc, 2);
	if (result->revision == NULL)
		return result;
	result->direction = bookkeeping_string(tuple, desc, 3);
	result->deploy_id = bookkeeping_string(tuple, desc, 4);
	result->statements = DatumGetInt32(SPI_getbinval(tuple, desc, 5, &isnull));
	result->done = DatumGetInt32(SPI_getbinval(tuple, desc, 6, &isnull));
	value = SPI_getbinval(tuple, desc, 7, &isnull);
	result->rows = isnull ? -1 : DatumGetInt64(value);
	result->started_at =
		DatumGetTimestampTz(SPI_getbinval(tuple, desc, 8, &isnull));
	result->updated_at =
		DatumGetTimestampTz(SPI_getbinval(tuple, desc, 9, &isnull));
	return result;
}
