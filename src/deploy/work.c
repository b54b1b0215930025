/*-------------------------------------------------------------------------
 *
 * work.c
 *	  A piece of work in a transaction of its own, tried until it gets its
 *	  locks.
 *
 * The locks that can be told beforehand are taken all at once, without ever
 * waiting in a queue: whoever waits in the queue for a strong lock has all
 * that come behind wait as well, readers too.  While they can not be had,
 * nothing is held, not even a snapshot.
 *
 * Only where it is plain traffic that keeps us out, a queue of transactions
 * each of which began after we first tried, do we queue, and then for no
 * longer than lock_timeout: a lock that is never free for an instant can not
 * be had in any other way, and the transactions in hand will soon be over.
 *
 * Work runs in a subtransaction, because that is what undoes everything that
 * was begun, and gives control back, after an error.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "deploy/deploy.h"
#include "deploy/live.h"
#include "executor/spi.h"
#include "graph/direction.h"
#include "locks/blockers.h"
#include "locks/needs.h"
#include "locks/relation.h"
#include "miscadmin.h"
#include "run/lock.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* how long to sleep between looking whether locks are free, in milliseconds */
#define FIRST_POLL 2
#define LONGEST_POLL 50

/* one try of a piece of work */
typedef struct Attempt
{
	DeployWork *work;
	List	   *needs;			/* LockNeed *: the locks that an earlier try
								 * could not have, or NIL */
	bool		queue;			/* wait for them in the queue */
	bool		missed;			/* out: the locks in "needs" could not be had,
								 * and nothing was done */
	TimestampTz begun_at;
	ErrorData  *edata;			/* out: the error, or NULL */
} Attempt;

static void try_once(Attempt *attempt);
static void attempt_in_transaction(Attempt *attempt);
static void attempt_at_top_level(Attempt *attempt);
static void take_locks(Attempt *attempt);
static void poll_for_locks(Attempt *attempt);
static List *copy_needs(List *needs, MemoryContext memory);
static void commit_context(void *arg);
static void report_failure(Attempt *attempt, bool again);
static void write_failure(void *arg);
static void raise_failure(Attempt *attempt, bool timed_out)
			pg_attribute_noreturn();

/*
 * Do a piece of work, and commit it.
 *
 * It is tried again, after a pause, where another session's lock was in the
 * way, until max_wait has passed.  Every try that failed leaves a row in the
 * log; what cannot be mended by waiting, or is not to be repeated without
 * anybody having a look, is raised once that row is committed.
 *
 * To be called without a snapshot, in a transaction that has done nothing;
 * leaves such a one behind.
 */
void
deploy_work(DeployWork *work)
{
	Deploy	   *deploy = work->step->deploy;
	TimestampTz start = GetCurrentTimestamp();
	Attempt		try = {work};

	for (int number = 1;; number++)
	{
		long		pause;
		bool		may_retry;
		bool		timed_out;

		try.begun_at = GetCurrentTimestamp();
		do
		{
			/* if the locks are not free, the next round waits until they are */
			try_once(&try);
		} while (try.missed);
		if (try.edata == NULL)
			return;

		if (work->is_done != NULL && work->is_done(work, try.edata))
			return;
		may_retry = !work->once && deploy_may_retry(try.edata);
		pause = deploy_backoff(number);
		timed_out = TimestampDifferenceMilliseconds(start, GetCurrentTimestamp()) +
			pause > deploy->max_wait;
		if (!may_retry || timed_out)
			raise_failure(&try, may_retry);

		report_failure(&try, true);
		live_phase(LIVE_WAITING_FOR_LOCK, try.edata->detail);
		FreeErrorData(try.edata);
		try.edata = NULL;
		lock_sleep(pause);
	}
}

/*
 * Try once.  Whatever the outcome, the transaction has ended, and a new one
 * has done nothing yet.
 */
static void
try_once(Attempt *attempt)
{
	Deploy	   *deploy = attempt->work->step->deploy;
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorContextCallback callback;
	volatile bool in_subtransaction = false;

	attempt->edata = NULL;
	PG_TRY();
	{
		if (attempt->work->at_top_level)
			attempt_at_top_level(attempt);
		else
		{
			deploy_keep_lock(deploy);
			deploy_begin_transaction(deploy, attempt->needs == NIL);
			BeginInternalSubTransaction(NULL);
			in_subtransaction = true;
			MemoryContextSwitchTo(memory);
			attempt_in_transaction(attempt);
			ReleaseCurrentSubTransaction();
			in_subtransaction = false;
			MemoryContextSwitchTo(memory);
			CurrentResourceOwner = owner;
		}

		callback.callback = commit_context;
		callback.arg = attempt->work->step;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		if (attempt->missed)
			deploy_rollback();
		else
			deploy_commit();
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(attempt->work->step->memory);
		attempt->edata = CopyErrorData();
		FlushErrorState();
		if (in_subtransaction)
		{
			RollbackAndReleaseCurrentSubTransaction();
			CurrentResourceOwner = owner;
		}
		MemoryContextSwitchTo(memory);
		deploy_rollback();
		attempt->missed = false;
	}
	PG_END_TRY();
}

/*
 * Run a function that looks, or writes a record of ours, in a transaction of
 * its own, and commit it.  What it allocates is in the current memory context.
 *
 * An error is raised again when the subtransaction that it was raised in is
 * gone, with all that bookkeeping had begun: then the session may roll back.
 */
void
deploy_look(const Deploy *deploy, void (*function) (void *arg), void *arg)
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	deploy_begin_transaction(deploy, true);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(memory);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
		ReThrowError(edata);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	deploy_commit();
}

/*
 * Take the locks and run, in the current subtransaction.
 */
static void
attempt_in_transaction(Attempt *attempt)
{
	DeployWork *work = attempt->work;

	take_locks(attempt);
	if (!attempt->missed)
	{
		live_phase(work->in_batches ? LIVE_BATCH : LIVE_RUNNING, NULL);
		work->run(work);
	}
}

/*
 * Run what needs no transaction of ours.
 */
static void
attempt_at_top_level(Attempt *attempt)
{
	attempt->missed = false;
	live_phase(LIVE_RUNNING, NULL);
	attempt->work->run(attempt->work);
}

/*
 * Take the locks that can be told beforehand, or set "missed".
 *
 * The first time this is done under the snapshot that was needed to tell
 * which they are.  After a miss the transaction is begun anew, without one,
 * and the locks of "needs" are waited for.  Meanwhile a name may have come to
 * mean another table: then there is nothing for it but to begin again.
 */
static void
take_locks(Attempt *attempt)
{
	DeployWork *work = attempt->work;
	List	   *wanted;

	attempt->missed = false;
	if (work->locks == NULL)
		return;

	if (attempt->needs != NIL)
	{
		poll_for_locks(attempt);
		EnsurePortalSnapshotExists();
	}

	for (;;)
	{
		wanted = work->locks(work);
		if (lockneeds_equal(wanted, attempt->needs))
			return;
		if (!relationlock_try(wanted))
		{
			attempt->missed = true;
			attempt->needs = copy_needs(wanted, work->step->memory);
			return;
		}
		attempt->needs = copy_needs(wanted, work->step->memory);
	}
}

/*
 * Wait until the locks in "needs" are ours; raises ERRCODE_LOCK_NOT_AVAILABLE
 * if lock_timeout is over before.
 */
static void
poll_for_locks(Attempt *attempt)
{
	DeployStep *step = attempt->work->step;
	Deploy	   *deploy = step->deploy;
	int64		timeout = deploy->lock_timeout > 0 ?
	Min(deploy->lock_timeout, deploy->max_wait) : deploy->max_wait;
	long		sleep = FIRST_POLL;

	InvalidateCatalogSnapshotConditionally();
	/* never without an end: everybody else would wait behind us */
	if (attempt->queue && LockTimeout > 0)
	{
		relationlock_wait(attempt->needs);
		return;
	}
	while (!relationlock_try(attempt->needs))
	{
		InvalidateCatalogSnapshotConditionally();
		if (TimestampDifferenceMilliseconds(attempt->begun_at,
											GetCurrentTimestamp()) > timeout)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not obtain the locks of revision \"%s\" %s within lock_timeout",
							step->revision, direction_name(deploy->direction))));
		lock_sleep(sleep);
		sleep = Min(sleep * 2, LONGEST_POLL);
	}
}

static List *
copy_needs(List *needs, MemoryContext memory)
{
	MemoryContext caller = MemoryContextSwitchTo(memory);
	List	   *copy = NIL;
	ListCell   *lc;

	foreach(lc, needs)
	{
		LockNeed   *need = palloc(sizeof(LockNeed));

		*need = *(LockNeed *) lfirst(lc);
		copy = lappend(copy, need);
	}
	MemoryContextSwitchTo(caller);
	return copy;
}

/*
 * Say that it was the commit at which an error was raised, as for a deferred
 * constraint.
 */
static void
commit_context(void *arg)
{
	DeployStep *step = arg;

	errcontext("revision \"%s\" %s, commit",
			   step->revision, direction_name(step->deploy->direction));
}

/*
 * Leave a row in the log for a try that failed, with whoever was in the way;
 * say so if it is going to be tried again.
 *
 * Where the log cannot be written, the error of the try is still the one to
 * be told.
 */
static void
report_failure(Attempt *attempt, bool again)
{
	DeployStep *step = attempt->work->step;
	ErrorData  *edata = attempt->edata;
	MemoryContext memory = CurrentMemoryContext;

	PG_TRY();
	{
		deploy_look(step->deploy, write_failure, attempt);
	}
	PG_CATCH();
	{
		ErrorData  *reason;

		MemoryContextSwitchTo(step->memory);
		reason = CopyErrorData();
		FlushErrorState();
		MemoryContextSwitchTo(memory);
		deploy_rollback();
		if (again)
			ReThrowError(reason);
		ereport(WARNING,
				(errcode(reason->sqlerrcode),
				 errmsg("the error of revision \"%s\" %s could not be written to the log",
						step->revision,
						direction_name(step->deploy->direction)),
				 errdetail_internal("%s", reason->message)));
	}
	PG_END_TRY();

	if (again)
		ereport(NOTICE,
				(errmsg("revision \"%s\" %s is tried again: %s",
						step->revision,
						direction_name(step->deploy->direction),
						edata->message),
				 edata->detail ? errdetail_internal("%s", edata->detail) : 0));
	step->entry.started_at = GetCurrentTimestamp();
}

/*
 * Find out who was in the way, and write the row.
 */
static void
write_failure(void *arg)
{
	Attempt    *attempt = arg;
	DeployStep *step = attempt->work->step;
	ErrorData  *edata = attempt->edata;
	const Script *script = step->script;
	LogFailure	failure = {0};
	MemoryContext memory = MemoryContextSwitchTo(step->memory);

	if (deploy_may_retry(edata) && attempt->needs != NIL)
	{
		List	   *blockers = blockers_of_needs(attempt->needs);

		if (blockers != NIL)
		{
			char	   *names = blockers_describe(blockers);

			edata->detail = edata->detail ?
				psprintf("%s\n%s", edata->detail, names) : names;
		}

		/* what a session that waits in the queue would have the server do */
		(void) blockers_cancel_autovacuum(blockers);
		attempt->queue = blockers == NIL ||
			blockers_all_younger(blockers, attempt->begun_at);
	}

	if (script->current != NULL)
	{
		failure.statement = script->current->number;
		failure.line = script->current_line;
	}
	failure.sqlstate = unpack_sql_state(edata->sqlerrcode);
	failure.message = edata->message;
	failure.detail = edata->detail;
	step_log_failure(&step->deploy->run, &step->entry, &failure);
	MemoryContextSwitchTo(memory);
}

/*
 * Raise the error of a try that was the last one.
 */
static void
raise_failure(Attempt *attempt, bool timed_out)
{
	DeployStep *step = attempt->work->step;
	ErrorData  *edata = attempt->edata;

	report_failure(attempt, false);
	if (timed_out)
	{
		MemoryContextSwitchTo(step->memory);
		edata->message = psprintf("%s, and max_wait is over", edata->message);
		if (edata->hint == NULL)
			edata->hint = "See who is in the way and when it will end, then deploy again; what was done before this revision stays.";
	}
	ReThrowError(edata);
}
