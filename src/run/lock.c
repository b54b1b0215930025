/*-------------------------------------------------------------------------
 *
 * lock.c
 *	  The run lock: one runner at a time for an environment.
 *
 * It is an advisory lock of a class that SQL's advisory lock functions cannot
 * reach: they set the last field of the lock tag to 1 or 2.  In pg_locks it
 * shows as locktype "advisory" with objsubid 19783 ("MG").
 *
 * The lock is tried and never waited in.  Whoever waits in the lock manager
 * does so with a snapshot and a virtual transaction that CREATE INDEX
 * CONCURRENTLY, run by the holder of the lock, would wait for in turn.  The
 * price is that the deadlock detector sees nothing of the wait, so that we
 * look for a circle ourselves, as often as it would: who waits for the run
 * lock holds a marker lock, a background worker of the lock's holder holds
 * another, and everybody else's waits are the server's.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "run/lock.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LOCK_RUN_SQL CppAsString2(LOCK_RUN)
#define LOCK_WAITS_FOR_RUN_SQL CppAsString2(LOCK_WAITS_FOR_RUN)
#define LOCK_WORKS_FOR_RUN_SQL CppAsString2(LOCK_WORKS_FOR_RUN)

/* how long to sleep between tries, in milliseconds */
#define FIRST_SLEEP 10
#define LONGEST_SLEEP 250

/*
 * a circle is one if it is seen so often in a row, each time in another
 * transaction
 */
#define SIGHTINGS 3

/* How to wait for the run lock */
typedef struct LockWait
{
	bool		session;		/* until it is released, not only to the end
								 * of the transaction */
	int64		timeout;		/* in milliseconds; -1 is without limit */
	const char *limit;			/* what the timeout is called */
	void		(*between) (void);	/* to be called before each sleep, or NULL */
} LockWait;

static void take_lock(const char *environment, const LockWait *wait);
static LOCKTAG lock_tag(const char *environment, uint32 purpose);
static bool try_lock(const LOCKTAG *tag, bool session);
static void wait_for_lock(const char *environment, const LOCKTAG *tag,
						  const LockWait *wait);
static bool is_in_circle(const LOCKTAG *tag);
static void raise_deadlock(const char *environment, const LOCKTAG *tag)
			pg_attribute_noreturn();
static char *describe_holder(const LOCKTAG *tag);
static char *terminate_statement(const LOCKTAG *tag);
static char *query_about_lock(const LOCKTAG *tag, const char *sql);

/*
 * Take the run lock of an environment until the end of the transaction.
 *
 * Waits, politely and open to cancellation, as long as lock_timeout allows;
 * 0 means without limit, as for every lock.  Says who holds the lock, once,
 * before it waits.  Raises ERRCODE_LOCK_NOT_AVAILABLE when the time is over,
 * and ERRCODE_T_R_DEADLOCK_DETECTED if the holder waits for this session.
 */
void
lock_environment(const char *environment)
{
	LockWait	wait = {false, LockTimeout > 0 ? LockTimeout : -1,
	"lock_timeout", NULL};

	take_lock(environment, &wait);
}

/*
 * Take the run lock of an environment until lock_release_session(), across
 * transactions; an error does not release it.
 *
 * Waits as long as max_wait, in milliseconds, allows; 0 is not at all.
 * "between" is called before each sleep and has to end the transaction, so
 * that the session holds no snapshot while it sleeps.
 */
void
lock_environment_for_session(const char *environment, int64 max_wait,
							 void (*between) (void))
{
	LockWait	wait = {true, max_wait, "max_wait", between};

	take_lock(environment, &wait);
}

/*
 * Make sure, between transactions, that this session still holds the run lock
 * that it took: pg_advisory_unlock_all() in a script has released it.  Returns
 * false if somebody else has it now.
 */
bool
lock_keep_for_session(const char *environment)
{
	LOCKTAG		tag = lock_tag(environment, LOCK_RUN);

	return COMPAT_LOCK_HELD_BY_ME(&tag, ExclusiveLock) || try_lock(&tag, true);
}

/*
 * Hold the run lock, which this session has, until the end of the transaction
 * too: pg_advisory_unlock_all() cannot release that, and so nobody else gets
 * the lock while the script that has called it is still running.
 */
void
lock_keep_for_transaction(const char *environment)
{
	LOCKTAG		tag = lock_tag(environment, LOCK_RUN);

	(void) LockAcquire(&tag, ExclusiveLock, false, true);
}

/*
 * Release the run lock, if this session holds it; to be called between
 * transactions, or in the cleanup after an error.
 */
void
lock_release_session(const char *environment)
{
	LOCKTAG		tag = lock_tag(environment, LOCK_RUN);

	if (COMPAT_LOCK_HELD_BY_ME(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
}

/*
 * Mark this process as a worker of the run lock's holder for the rest of its
 * life, so that those who wait for the lock can see whom it waits for.
 */
void
lock_mark_worker(const char *environment)
{
	LOCKTAG		tag = lock_tag(environment, LOCK_WORKS_FOR_RUN);

	(void) LockAcquire(&tag, ShareLock, true, false);
}

/*
 * Take the run lock, at once if it is free.
 */
static void
take_lock(const char *environment, const LockWait *wait)
{
	LOCKTAG		tag = lock_tag(environment, LOCK_RUN);
	LOCKTAG		marker = lock_tag(environment, LOCK_WAITS_FOR_RUN);

	if (try_lock(&tag, wait->session))
		return;

	ereport(NOTICE,
			(errmsg("waiting for another run in environment \"%s\" to end",
					environment),
			 errdetail_internal("%s", describe_holder(&tag))));

	/*
	 * A marker of the transaction goes with it after an error, but it also
	 * goes with each transaction that "between" ends.
	 */
	(void) LockAcquire(&marker, ShareLock, wait->session, false);
	PG_TRY();
	{
		wait_for_lock(environment, &tag, wait);
	}
	PG_CATCH();
	{
		if (wait->session)
			LockRelease(&marker, ShareLock, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	LockRelease(&marker, ShareLock, wait->session);
}

static LOCKTAG
lock_tag(const char *environment, uint32 purpose)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 DatumGetUInt32(hash_any((const unsigned char *) environment,
												 strlen(environment))),
						 purpose, LOCK_CLASS);
	return tag;
}

/*
 * Try to take the lock, for the session or for the transaction.
 */
static bool
try_lock(const LOCKTAG *tag, bool session)
{
	return LockAcquire(tag, ExclusiveLock, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Try until it is ours, or the time is over.
 */
static void
wait_for_lock(const char *environment, const LOCKTAG *tag,
			  const LockWait *wait)
{
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz checked = start;
	long		sleep = FIRST_SLEEP;
	int			sightings = 0;

	do
	{
		TimestampTz now = GetCurrentTimestamp();

		if (wait->timeout >= 0 &&
			TimestampDifferenceMilliseconds(start, now) >= wait->timeout)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not obtain the run lock of environment \"%s\" within %s",
							environment, wait->limit),
					 errdetail_internal("%s", describe_holder(tag)),
					 errhint("Wait for that session to end, then try again.%s",
							 terminate_statement(tag))));
		if (TimestampDifferenceExceeds(checked, now, DeadlockTimeout))
		{
			/*
			 * Who ends the transaction between looks may see one that is not:
			 * a build that waits for the transaction of this very look.
			 */
			if (!is_in_circle(tag))
			{
				sightings = 0;
				checked = now;
			}
			else if (wait->between == NULL || ++sightings == SIGHTINGS)
				raise_deadlock(environment, tag);
		}
		if (wait->between != NULL)
			wait->between();
		lock_sleep(sleep);
		sleep = Min(sleep * 2, LONGEST_SLEEP);
	} while (!try_lock(tag, wait->session));
}

/*
 * Does the holder of the lock wait, perhaps by way of others, for a lock of
 * this session?
 */
static bool
is_in_circle(const LOCKTAG *tag)
{
	return query_about_lock(tag,
							"WITH RECURSIVE waits (pid) AS ("
							"SELECT l.pid FROM pg_locks l "
							"WHERE l.locktype = 'advisory' AND l.granted "
							"AND l.database = $1 AND l.classid = $2 "
							"AND l.objid IN (" LOCK_RUN_SQL ", " LOCK_WORKS_FOR_RUN_SQL ") "
							"AND l.objsubid = $3 "
							"UNION "
							"SELECT b.pid FROM waits w, LATERAL ("
							"SELECT unnest(pg_blocking_pids(w.pid)) AS pid "
							"UNION "
							"SELECT h.pid FROM pg_locks m JOIN pg_locks h "
							"ON h.locktype = 'advisory' AND h.granted "
							"AND h.database = m.database AND h.classid = m.classid "
							"AND h.objid IN (" LOCK_RUN_SQL ", " LOCK_WORKS_FOR_RUN_SQL ") "
							"AND h.objsubid = m.objsubid "
							"WHERE m.pid = w.pid AND m.locktype = 'advisory' "
							"AND m.database = $1 AND m.objsubid = $3 "
							"AND m.objid = " LOCK_WAITS_FOR_RUN_SQL ") b) "
							"SELECT 'yes' FROM waits WHERE pid = pg_backend_pid()") != NULL;
}

static void
raise_deadlock(const char *environment, const LOCKTAG *tag)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
			 errmsg("deadlock detected"),
			 errdetail("This session waits for the run lock of environment \"%s\", whose holder waits for a lock of this session.  %s",
					   environment, describe_holder(tag)),
			 errhint("Begin the transaction with the call, before other locks are taken, and name several environments always in the same order; then try again.")));
}

/*
 * Say who holds the lock, as a sentence for DETAIL.
 */
static char *
describe_holder(const LOCKTAG *tag)
{
	char	   *holder;

	/* a prepared transaction has no process */
	holder = query_about_lock(tag,
							  "SELECT CASE WHEN l.pid IS NULL "
							  "THEN 'Held by a prepared transaction; pg_prepared_xacts shows it.' "
							  "ELSE format('Held by process %s (role \"%s\", application \"%s\") since %s.', "
							  "l.pid, a.usename, a.application_name, "
							  "date_trunc('second', least(a.xact_start, a.query_start))) END "
							  "FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
							  "WHERE l.locktype = 'advisory' AND l.granted "
							  "AND l.database = $1 AND l.classid = $2 "
							  "AND l.objid = " LOCK_RUN_SQL " AND l.objsubid = $3");
	return holder ? holder : "The session that held it has just ended.";
}

/*
 * The statement that ends the holder's session, as the end of a hint.
 */
static char *
terminate_statement(const LOCKTAG *tag)
{
	char	   *pid;

	pid = query_about_lock(tag,
						   "SELECT l.pid FROM pg_locks l "
						   "WHERE l.locktype = 'advisory' AND l.granted "
						   "AND l.database = $1 AND l.classid = $2 "
						   "AND l.objid = " LOCK_RUN_SQL " AND l.objsubid = $3 "
						   "AND l.pid IS NOT NULL");
	return pid == NULL ? "" :
		psprintf("  To end it: SELECT pg_terminate_backend(%s);", pid);
}

/*
 * Return the first row's only column of a query whose parameters are the
 * database, the environment's part of the lock tag and our class, or NULL.
 *
 * It runs as the owner of our tables, who may see other sessions' columns, and
 * with nothing but pg_catalog in the search path.
 */
static char *
query_about_lock(const LOCKTAG *tag, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	Oid			argtypes[] = {OIDOID, OIDOID, INT2OID};
	Datum		values[3];
	char	   *result = NULL;

	values[0] = ObjectIdGetDatum(tag->locktag_field1);
	values[1] = ObjectIdGetDatum(tag->locktag_field2);
	values[2] = Int16GetDatum((int16) tag->locktag_field4);

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	if (SPI_execute_with_args(sql, lengthof(argtypes), argtypes, values, NULL,
							  false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the holder of the run lock");
	if (SPI_processed > 0)
		result = MemoryContextStrdup(caller,
									 SPI_getvalue(SPI_tuptable->vals[0],
												  SPI_tuptable->tupdesc, 1));
	bookkeeping_end(&scope);
	return result;
}

/*
 * Sleep between two tries for a lock, open to interrupts.
 */
void
lock_sleep(long milliseconds)
{
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}
