/*-------------------------------------------------------------------------
 *
 * bookkeeping.c
 *	  The surroundings in which the extension runs SQL of its own.
 *
 * Between the begin and the end of a piece of bookkeeping SPI is connected.
 * Nothing needs to be undone after an error: the end of the (sub)transaction
 * restores user id and settings, and closes SPI.
 *
 * Our own tables are read and written as their owner, with a search path that
 * holds pg_catalog alone.  The version table is the user's, with whatever
 * triggers and defaults the user put on it, and is only ever touched as the
 * caller; statements on it name everything with its schema, and need no
 * search path.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/bookkeeping.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

static void connect_spi(void);

/*
 * Begin to run SQL on our own tables, as their owner.
 */
void
bookkeeping_begin_as_owner(Bookkeeping *scope, Oid owner)
{
	GetUserIdAndSecContext(&scope->save_userid, &scope->save_sec_context);
	scope->save_nestlevel = NewGUCNestLevel();
	SetUserIdAndSecContext(owner,
						   scope->save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	bookkeeping_pin_setting("search_path", "pg_catalog, pg_temp");
	bookkeeping_pin_setting("row_security", "off");
	connect_spi();
}

/*
 * Begin to run SQL on the version table, as the caller.
 *
 * Triggers of the table see the settings of the session, as they would if
 * Alembic wrote it.  A query ("reading") fires none, and has row level
 * security raise an error rather than hide rows.
 */
void
bookkeeping_begin_as_caller(Bookkeeping *scope, bool reading)
{
	GetUserIdAndSecContext(&scope->save_userid, &scope->save_sec_context);
	scope->save_nestlevel = NewGUCNestLevel();
	if (reading)
		bookkeeping_pin_setting("row_security", "off");
	connect_spi();
}

/*
 * End what one of those began.
 *
 * Results of SPI are gone afterwards; callers copy what they keep into the
 * context that was current before.
 */
void
bookkeeping_end(Bookkeeping *scope)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");

	AtEOXact_GUC(false, scope->save_nestlevel);
	SetUserIdAndSecContext(scope->save_userid, scope->save_sec_context);
}

/*
 * Prepare a statement once for the life of the backend.
 *
 * "plan" is a static variable of the caller.  The plan cache follows changes
 * of the tables, also when the extension is dropped and made again.  Needs
 * SPI to be connected.
 */
SPIPlanPtr
bookkeeping_prepare(SPIPlanPtr *plan, const char *sql, int nargs, Oid *argtypes)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	prepared = SPI_prepare(sql, nargs, argtypes);

		if (prepared == NULL)
			elog(ERROR, "SPI_prepare failed: %s",
				 SPI_result_code_string(SPI_result));
		if (SPI_keepplan(prepared) != 0)
			elog(ERROR, "SPI_keepplan failed");
		*plan = prepared;
	}
	return *plan;
}

/*
 * Execute a prepared statement and insist on its kind of result.
 *
 * Also a query gets a snapshot of its own: what another session committed
 * while this one waited for the run lock has to be seen, and the snapshot of
 * the statement that called us is older than that.
 */
void
bookkeeping_execute(SPIPlanPtr plan, Datum *values, const char *nulls,
					int expected)
{
	int			rc = SPI_execute_plan(plan, values, nulls, false, 0);

	if (rc != expected)
		elog(ERROR, "unexpected result of a bookkeeping statement: %s",
			 SPI_result_code_string(rc));
}

/*
 * Execute a prepared query that has to see what others have committed by now,
 * whatever the isolation level of the transaction.
 *
 * The catalogs that are looked at beside our tables are as new.
 */
void
bookkeeping_read_latest(SPIPlanPtr plan, Datum *values, const char *nulls)
{
	Snapshot	latest = InvalidSnapshot;
	int			rc;

	/* else the one that SPI takes is the latest */
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		latest = GetLatestSnapshot();
	rc = SPI_execute_snapshot(plan, values, nulls, latest, InvalidSnapshot,
							  false, false, 0);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of a bookkeeping query: %s",
			 SPI_result_code_string(rc));
}

/*
 * Return a column of type text of a result as a C string, or NULL, in the current
 * memory context.
 */
char *
bookkeeping_string(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * Return the first column of all rows of the result in hand, of type text, as
 * a List of C strings in the given context.
 */
List *
bookkeeping_strings(MemoryContext context)
{
	MemoryContext spi_context = MemoryContextSwitchTo(context);
	List	   *result = NIL;

	for (uint64 i = 0; i < SPI_processed; i++)
		result = lappend(result, bookkeeping_string(SPI_tuptable->vals[i],
													SPI_tuptable->tupdesc, 1));
	MemoryContextSwitchTo(spi_context);
	return result;
}

/*
 * A parameter of type text that may be NULL.
 */
Datum
bookkeeping_optional_text(const char *string, char *null_flag)
{
	if (string == NULL)
	{
		*null_flag = 'n';
		return (Datum) 0;
	}
	return CStringGetTextDatum(string);
}

/*
 * Set a configuration parameter until the end of the nest level.
 */
void
bookkeeping_pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}
