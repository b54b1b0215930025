/*-------------------------------------------------------------------------
 *
 * blockers.c
 *	  Who keeps a lock from being granted.
 *
 * What is found is a snapshot of shared memory, out of date when it is
 * returned.  It is read as the owner of our tables, who may see what other
 * sessions run: whoever may deploy may see who is in the way, with the
 * beginning of the query, since somebody has to decide whether to wait.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "lib/stringinfo.h"
#include "locks/blockers.h"
#include "locks/needs.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* how much of a query, or of a name, is shown, in characters */
#define SHOWN_LENGTH 100

/*
 * What there is to know about the processes and virtual transactions of the
 * query "blocking".  A worker of a parallel query stands for its leader.  A
 * prepared transaction has no process; the virtual transaction it was leads
 * to its id by the lock that every transaction holds on its own id.
 */
#define BLOCKERS_SQL \
	", sessions AS (SELECT DISTINCT coalesce(w.leader_pid, b.pid) AS pid, " \
	"CASE WHEN b.pid IS NULL THEN b.virtualtransaction END AS virtualtransaction " \
	"FROM blocking b LEFT JOIN pg_stat_activity w ON w.pid = b.pid) " \
	"SELECT coalesce(s.pid, 0), p.gid, " \
	"coalesce(a.usename, p.owner)::text, a.application_name, a.state, " \
	"coalesce(a.wait_event_type = 'Lock', false), " \
	"coalesce(a.xact_start, p.prepared), a.query, a.backend_xmin::text, " \
	"coalesce(a.backend_type = 'autovacuum worker', false) " \
	"FROM sessions s LEFT JOIN pg_stat_activity a ON a.pid = s.pid " \
	"LEFT JOIN (pg_locks x JOIN pg_prepared_xacts p " \
	"ON p.transaction = x.transactionid) " \
	"ON x.locktype = 'transactionid' AND x.pid IS NULL " \
	"AND x.virtualtransaction = s.virtualtransaction " \
	"WHERE s.pid IS DISTINCT FROM pg_backend_pid() " \
	"AND (a.pid IS NOT NULL OR s.pid IS NULL) " \
	"ORDER BY coalesce(a.xact_start, p.prepared), s.pid"

/* the columns of that */
enum BlockerColumn
{
	BLOCKER_PID = 1,
	BLOCKER_PREPARED,
	BLOCKER_ROLE,
	BLOCKER_APPLICATION,
	BLOCKER_STATE,
	BLOCKER_WAITS,
	BLOCKER_TRANSACTION_START,
	BLOCKER_QUERY,
	BLOCKER_BACKEND_XMIN,
	BLOCKER_IS_AUTOVACUUM
};

static List *query_blockers(const char *sql, int nargs, Oid *argtypes,
							Datum *values);
static Blocker *read_blocker(HeapTuple tuple, TupleDesc desc);
static char *one_line(char *string);
static bool may_be_cancelled(int pid);
static void append_blocker(StringInfo buf, const Blocker *blocker);
static void append_age(StringInfo buf, int64 milliseconds);

/*
 * Who holds, or waits for, a lock that conflicts with one of these needs
 * (LockNeed *): Blocker *, those with the oldest transactions first.
 *
 * Who waits counts because nobody is let past a conflicting request.  Our own
 * session is not among them.  Needs a transaction; the result is in the
 * current memory context.
 */
List *
blockers_of_needs(List *needs)
{
	Oid			argtypes[] = {OIDARRAYOID, TEXTARRAYOID, OIDOID};
	Datum		values[3];
	Datum	   *relids;
	List	   *modes = NIL;
	int			n = 0;
	ListCell   *lc;

	if (needs == NIL)
		return NIL;

	relids = palloc(list_length(needs) * MaxLockMode * sizeof(Datum));
	foreach(lc, needs)
	{
		LockNeed   *need = lfirst(lc);

		for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
		{
			if (!DoLockModesConflict(need->mode, mode))
				continue;
			relids[n++] = ObjectIdGetDatum(need->relid);
			modes = lappend(modes,
							(char *) GetLockmodeName(DEFAULT_LOCKMETHOD, mode));
		}
	}

	values[0] = PointerGetDatum(construct_array(relids, n, OIDOID,
												sizeof(Oid), true,
												TYPALIGN_INT));
	values[1] = textlist_to_array(modes);
	values[2] = ObjectIdGetDatum(MyDatabaseId);
	return query_blockers("WITH blocking AS ("
						  "SELECT DISTINCT l.pid, l.virtualtransaction "
						  "FROM pg_locks l JOIN unnest($1, $2) c (relation, mode) "
						  "ON l.relation = c.relation AND l.mode = c.mode "
						  "WHERE l.locktype = 'relation' AND l.database = $3)"
						  BLOCKERS_SQL, lengthof(values), argtypes, values);
}

/*
 * Who keeps a process waiting that waits for a lock, of whatever kind:
 * Blocker *, NIL if it does not wait.
 *
 * CREATE INDEX CONCURRENTLY and the like wait for the virtual transactions of
 * others; what counts of those is how long they are open, and backend_xmin.
 * Needs a transaction; the result is in the current memory context.
 */
List *
blockers_of_pid(int pid)
{
	Oid			argtypes[] = {INT4OID};
	Datum		values[1];

	values[0] = Int32GetDatum(pid);

	/* for a prepared transaction, the server gives a 0 and says no more */
	return query_blockers("WITH blocking AS ("
						  "SELECT b.pid, NULL::text AS virtualtransaction "
						  "FROM unnest(pg_blocking_pids($1)) b (pid) "
						  "WHERE b.pid <> 0 "
						  "UNION "
						  "SELECT NULL, h.virtualtransaction "
						  "FROM unnest(pg_blocking_pids($1)) b (pid), "
						  "pg_locks w JOIN pg_locks h "
						  "ON ROW (h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid) "
						  "IS NOT DISTINCT FROM "
						  "ROW (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid) "
						  "WHERE b.pid = 0 AND w.pid = $1 AND NOT w.granted "
						  "AND h.pid IS NULL AND h.granted)"
						  BLOCKERS_SQL, lengthof(values), argtypes, values);
}

/*
 * Who is building an index of a table: Blocker *, NIL if nobody is.
 *
 * Needs a transaction; the result is in the current memory context.
 */
List *
blockers_building_index(Oid table)
{
	Oid			argtypes[] = {OIDOID};
	Datum		values[1];

	values[0] = ObjectIdGetDatum(table);
	return query_blockers("WITH blocking AS ("
						  "SELECT pid, NULL::text AS virtualtransaction "
						  "FROM pg_stat_progress_create_index "
						  "WHERE datname = current_database() "
						  "AND relid = $1)"
						  BLOCKERS_SQL, lengthof(values), argtypes, values);
}

/*
 * Describe blockers for DETAIL and the log, each on a line of its own.
 */
char *
blockers_describe(List *blockers)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, blockers)
	{
		if (buf.len > 0)
			appendStringInfoChar(&buf, '\n');
		append_blocker(&buf, lfirst(lc));
	}
	return buf.data;
}

/*
 * Did each of them begin its transaction after that time?  Then the one that
 * was in the way before is gone, and there is just a lot going on.
 */
bool
blockers_all_younger(List *blockers, TimestampTz since)
{
	ListCell   *lc;

	foreach(lc, blockers)
	{
		Blocker    *blocker = lfirst(lc);

		if (blocker->transaction_start == 0 ||
			blocker->transaction_start <= since)
			return false;
	}
	return true;
}

/*
 * Cancel those that are autovacuum workers, unless they prevent a wraparound,
 * and return how many were told.
 *
 * That is what the server does for everybody who has waited in the queue for
 * deadlock_timeout, whoever it is, and so no right is asked for here either.
 * Who only tries a lock does not get that far.
 */
int
blockers_cancel_autovacuum(List *blockers)
{
	int			cancelled = 0;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		Blocker    *blocker = lfirst(lc);

		if (!blocker->is_autovacuum || !may_be_cancelled(blocker->pid))
			continue;
		ereport(DEBUG1,
				(errmsg_internal("sending cancel to blocking autovacuum PID %d",
								 blocker->pid)));
		/* it may have ended just now */
		if (kill(blocker->pid, SIGINT) == 0)
			cancelled++;
	}
	return cancelled;
}

/*
 * Run a query that begins with "blocking" and ends with BLOCKERS_SQL.
 */
static List *
query_blockers(const char *sql, int nargs, Oid *argtypes, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	List	   *result = NIL;

	/* a transaction is shown the same activity all the time, if it is let */
	pgstat_clear_backend_activity_snapshot();

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	if (SPI_execute_with_args(sql, nargs, argtypes, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for those who hold a lock");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		result = lappend(result, read_blocker(SPI_tuptable->vals[i],
											  SPI_tuptable->tupdesc));
	bookkeeping_end(&scope);

	/* the snapshot holds everybody's queries; do not leave it to the caller */
	pgstat_clear_backend_activity_snapshot();
	return result;
}

/*
 * A row of the result, in the current memory context.
 */
static Blocker *
read_blocker(HeapTuple tuple, TupleDesc desc)
{
	Blocker    *blocker = palloc0(sizeof(Blocker));
	bool		isnull;
	Datum		start;

	blocker->pid = DatumGetInt32(SPI_getbinval(tuple, desc, BLOCKER_PID, &isnull));
	blocker->prepared = one_line(bookkeeping_string(tuple, desc, BLOCKER_PREPARED));
	blocker->role = one_line(bookkeeping_string(tuple, desc, BLOCKER_ROLE));
	blocker->application = one_line(bookkeeping_string(tuple, desc, BLOCKER_APPLICATION));
	blocker->state = bookkeeping_string(tuple, desc, BLOCKER_STATE);
	blocker->waits = DatumGetBool(SPI_getbinval(tuple, desc, BLOCKER_WAITS, &isnull));
	blocker->query = one_line(bookkeeping_string(tuple, desc, BLOCKER_QUERY));
	blocker->backend_xmin = bookkeeping_string(tuple, desc, BLOCKER_BACKEND_XMIN);
	blocker->is_autovacuum = DatumGetBool(SPI_getbinval(tuple, desc, BLOCKER_IS_AUTOVACUUM,
														&isnull));
	if (blocker->is_autovacuum)
		blocker->prevents_wraparound = !may_be_cancelled(blocker->pid);

	start = SPI_getbinval(tuple, desc, BLOCKER_TRANSACTION_START, &isnull);
	blocker->transaction_age_ms = -1;
	if (!isnull)
	{
		blocker->transaction_start = DatumGetTimestampTz(start);
		blocker->transaction_age_ms =
			TimestampDifferenceMilliseconds(blocker->transaction_start,
											GetCurrentTimestamp());
	}
	return blocker;
}

/*
 * The beginning of a string, on one line: whatever is a blank or a control
 * character becomes one blank.  NULL for a string without anything else.
 *
 * What another session has reported may be in the encoding of another
 * database.
 */
static char *
one_line(char *string)
{
	bool		is_valid;
	char	   *to;

	if (string == NULL)
		return NULL;

	is_valid = pg_verifymbstr(string, strlen(string), true);
	to = string;
	for (char *from = string; *from != '\0'; from++)
	{
		unsigned char c = (unsigned char) *from;

		if (IS_HIGHBIT_SET(c))
			*to++ = is_valid ? *from : '?';
		else if (c > ' ' && c != 0x7F)
			*to++ = *from;
		else if (to > string && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > string && to[-1] == ' ')
		to--;
	*to = '\0';
	string[pg_mbcharcliplen(string, to - string, SHOWN_LENGTH)] = '\0';
	return string[0] == '\0' ? NULL : string;
}

/*
 * Is it an autovacuum worker that does not prevent a wraparound?  The process
 * itself says so, whatever is shown as its query.
 */
static bool
may_be_cancelled(int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);
	uint8		flags = 0;

	if (proc == NULL)
		return false;

	LWLockAcquire(ProcArrayLock, LW_SHARED);
	if (proc->pid == pid)
		flags = proc->statusFlags;
	LWLockRelease(ProcArrayLock);
	return (flags & PROC_IS_AUTOVACUUM) != 0 &&
		(flags & PROC_VACUUM_FOR_WRAPAROUND) == 0;
}

static void
append_blocker(StringInfo buf, const Blocker *blocker)
{
	if (blocker->pid == 0)
	{
		appendStringInfoString(buf, "prepared transaction");
		if (blocker->prepared != NULL)
			appendStringInfo(buf, " \"%s\"", blocker->prepared);
	}
	else
		appendStringInfo(buf, "%s %d",
						 blocker->is_autovacuum ? "autovacuum worker" : "process",
						 blocker->pid);

	if (blocker->role != NULL)
	{
		appendStringInfo(buf, " (role \"%s\"", blocker->role);
		if (blocker->application != NULL)
			appendStringInfo(buf, ", application \"%s\"", blocker->application);
		appendStringInfoChar(buf, ')');
	}

	/* the query says so, too, unless it is not tracked */
	if (blocker->prevents_wraparound && blocker->query == NULL)
		appendStringInfoString(buf, " (to prevent wraparound)");
	if (blocker->state != NULL)
		appendStringInfo(buf, ", %s", blocker->state);
	if (blocker->waits)
		appendStringInfoString(buf, ", waiting for a lock");
	if (blocker->transaction_age_ms >= 0)
	{
		appendStringInfoString(buf, ", transaction open for ");
		append_age(buf, blocker->transaction_age_ms);
	}
	if (blocker->query != NULL)
		appendStringInfo(buf, ": %s", blocker->query);
}

static void
append_age(StringInfo buf, int64 milliseconds)
{
	int64		seconds = milliseconds / 1000;

	if (seconds < 1)
		appendStringInfo(buf, INT64_FORMAT " ms", milliseconds);
	else if (seconds < 120)
		appendStringInfo(buf, INT64_FORMAT " s", seconds);
	else if (seconds < 120 * 60)
		appendStringInfo(buf, INT64_FORMAT " min", seconds / 60);
	else if (seconds < 48 * 60 * 60)
		appendStringInfo(buf, INT64_FORMAT " h", seconds / (60 * 60));
	else
		appendStringInfo(buf, INT64_FORMAT " days", seconds / (24 * 60 * 60));
}
