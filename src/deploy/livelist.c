/*-------------------------------------------------------------------------
 *
 * livelist.c
 *	  Finding the deploys that run in this database.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "deploy/live.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "run/lock.h"

/* names of LivePhase */
static const char *const phase_names[] = {"starting", "waiting for another run",
	"waiting for lock", "running", "running batches",
"throttled"};

static bool is_cut_of(const char *shown, const char *string);

/*
 * The deploys (Live *) that run in this database, in one environment or
 * (NULL) in any, in the current memory context.
 *
 * On a standby there are none: what runs on the primary cannot be seen there.
 */
List *
live_deploys(const char *environment)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			argtypes[] = {OIDOID, INT2OID};
	Datum		values[2];
	Bookkeeping scope;
	List	   *result = NIL;

	values[0] = ObjectIdGetDatum(MyDatabaseId);
	values[1] = Int16GetDatum(LOCK_CLASS);

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	if (SPI_execute_with_args("SELECT pid, classid FROM pg_locks "
							  "WHERE locktype = 'advisory' AND granted "
							  "AND database = $1 AND objid = " CppAsString2(LOCK_LIVE) " "
							  "AND objsubid = $2 AND pid IS NOT NULL ORDER BY pid",
							  lengthof(argtypes), argtypes, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for running deploys");

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		int			pid = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		Oid			handle = DatumGetObjectId(SPI_getbinval(tuple, desc, 2,
															&isnull));
		Live	   *live = MemoryContextAlloc(caller, sizeof(Live));

		if (!live_read(handle, pid, live) ||
			(environment != NULL && !live_is_environment(live, environment)))
		{
			pfree(live);
			continue;
		}
		MemoryContextSwitchTo(caller);
		result = lappend(result, live);
	}
	bookkeeping_end(&scope);
	MemoryContextSwitchTo(caller);
	return result;
}

/*
 * Does the deploy run in this environment?
 */
bool
live_is_environment(const Live *live, const char *environment)
{
	return is_cut_of(live->environment, environment);
}

/*
 * Is this the revision that the deploy is running?
 */
bool
live_is_revision(const Live *live, const char *revision)
{
	return is_cut_of(live->revision, revision);
}

/*
 * The words for a phase.  The string is constant.
 */
const char *
live_phase_name(LivePhase phase)
{
	return phase_names[phase];
}

/*
 * Is what is shown this string, perhaps cut?
 */
static bool
is_cut_of(const char *shown, const char *string)
{
	int			length = pg_mbcliplen(string, strlen(string),
									  LIVE_NAME_SIZE - 1);

	return strlen(shown) == length && memcmp(shown, string, length) == 0;
}
