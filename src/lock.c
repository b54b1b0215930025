/*-------------------------------------------------------------------------
 *
 * lock.c
 *	  The run lock: one runner at a time for an environment.
 *
 * It is an advisory lock of a class that SQL's advisory lock functions cannot
 * reach: they set the last field of the lock tag to 1 or 2.  In pg_locks it
 * shows as locktype "advisory" with objsubid 19783 ("MG").
 *
 * The lock is tried and never waited in: a session that sleeps in the lock
 * manager holds a snapshot that CREATE INDEX CONCURRENTLY, in any session of
 * the database, would wait for.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "bookkeeping.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lock.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* last field of the lock tag: "MG" */
#define LOCK_CLASS 0x4D47

/* how long to sleep between tries, in milliseconds */
#define FIRST_SLEEP 10
#define LONGEST_SLEEP 250

static bool try_lock(const LOCKTAG *tag);
static char *describe_holder(const LOCKTAG *tag);
static void sleep_for(long milliseconds);

/*
 * Take the run lock of an environment until the end of the transaction.
 *
 * Waits, politely and open to cancellation, as long as lock_timeout allows;
 * 0 means without limit, as for every lock.  Says who holds the lock, once,
 * before it waits.  Raises ERRCODE_LOCK_NOT_AVAILABLE when the time is over.
 *
 * Returns whether it had to wait, and so whether what the caller knows of the
 * environment may be out of date.
 */
bool
lock_environment(const char *environment)
{
	LOCKTAG		tag;
	TimestampTz start;
	long		sleep = FIRST_SLEEP;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 DatumGetUInt32(hash_any((const unsigned char *) environment,
												 strlen(environment))),
						 0, LOCK_CLASS);
	if (try_lock(&tag))
		return false;

	start = GetCurrentTimestamp();
	ereport(NOTICE,
			(errmsg("waiting for another run in environment \"%s\" to end",
					environment),
			 errdetail_internal("%s", describe_holder(&tag))));
	do
	{
		if (LockTimeout > 0 &&
			TimestampDifferenceExceeds(start, GetCurrentTimestamp(), LockTimeout))
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not obtain the run lock of environment \"%s\" within lock_timeout",
							environment),
					 errdetail_internal("%s", describe_holder(&tag)),
					 errhint("Wait for that session, or end it with SELECT pg_terminate_backend(pid), then try again.")));
		sleep_for(sleep);
		sleep = Min(sleep * 2, LONGEST_SLEEP);
	} while (!try_lock(&tag));
	return true;
}

/*
 * Try to take the lock for the transaction.
 */
static bool
try_lock(const LOCKTAG *tag)
{
	return LockAcquire(tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Say who holds the lock, as a sentence for DETAIL.
 */
static char *
describe_holder(const LOCKTAG *tag)
{
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Oid			argtypes[] = {OIDOID, INT8OID, INT4OID};
	Datum		values[3];
	char	   *result = "The session that held it has just ended.";

	values[0] = ObjectIdGetDatum(tag->locktag_field1);
	values[1] = Int64GetDatum((int64) tag->locktag_field2);
	values[2] = Int32GetDatum(tag->locktag_field4);

	/* as the owner of our tables, who may see other sessions' columns */
	bookkeeping_begin(&scope, catalog_owner());
	if (SPI_execute_with_args("SELECT pg_catalog.format('Held by process %s (user \"%s\", application \"%s\") since %s.', "
							  "a.pid, a.usename, a.application_name, "
							  "pg_catalog.date_trunc('second', a.xact_start)) "
							  "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a "
							  "ON a.pid OPERATOR(pg_catalog.=) l.pid "
							  "WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted "
							  "AND l.database OPERATOR(pg_catalog.=) $1 "
							  "AND CAST(l.classid AS bigint) OPERATOR(pg_catalog.=) $2 "
							  "AND CAST(l.objsubid AS integer) OPERATOR(pg_catalog.=) $3",
							  3, argtypes, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the holder of the run lock");
	if (SPI_processed > 0)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1);

		result = MemoryContextStrdup(caller, value);
	}
	bookkeeping_end(&scope);
	return result;
}

/*
 * Sleep, but wake up for interrupts.
 */
static void
sleep_for(long milliseconds)
{
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}
