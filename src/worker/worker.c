/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  Running one statement at top level, in a background worker.
 *
 * Some statements wait for every transaction in the database that holds a
 * snapshot.  This session must not be among them, for it waits for the worker
 * in turn, and no deadlock detector could see that: it holds no snapshot and
 * no lock on a relation while the worker runs.
 *
 * The worker sends its messages as it would to a client, through a queue in
 * shared memory.  It has succeeded when it says that it is ready for the next
 * statement, and not if it just goes away.
 *
 * However a run ends, the worker is gone before control goes on: the run lock
 * must not be released while the worker is still at work.  After an error that
 * is done by worker_run(); when this process exits, by a callback, which comes
 * before the server releases any lock.
 *
 * The other side is main.c.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "catalog/tables.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "run/lock.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "worker/task.h"

/* how often the watch function is called, in milliseconds */
#define WATCH_INTERVAL 1000

/* A worker, from this session's side; lives as long as "memory" */
typedef struct Worker
{
	MemoryContext memory;		/* all that belongs to it */
	MemoryContext message_memory;	/* reset for each message */
	dsm_segment *segment;		/* or NULL */
	shm_mq_handle *queue;		/* goes with the segment */
	BackgroundWorkerHandle *handle; /* or NULL: there is none, or no more */
	bool		begun;			/* it is connected, and begins to run */
	bool		done;			/* it has said so */
	bool		failed;			/* it has reported an error that rolled back
								 * what it did, and was not ended */
	ErrorData  *edata;			/* its error, or NULL */
} Worker;

/* the worker of this session, or NULL; for the callback at exit */
static Worker *current_worker = NULL;

static void refuse_context(void);
static void require_free_transaction(void);
static Worker *make_worker(void);
static void launch(Worker *worker, const WorkerRequest *request);
static char *library_name(void);
static void wait_for_end(Worker *worker, worker_watch watch, void *arg);
static shm_mq_result receive_message(Worker *worker);
static void handle_message(Worker *worker, StringInfo message);
static void call_watch(Worker *worker, worker_watch watch, void *arg);
static void end_worker(Worker *worker);
static void end_worker_at_exit(int code, Datum arg);
static void raise_failure(Worker *worker);

/*
 * Have a background worker run a statement, and wait for it.
 *
 * The worker is a session like this one: same users, same settings, plus
 * those of the request.  Its messages come through as they are sent.  Its
 * error is raised here, as an ERROR, with all its fields; a position is one in
 * the text of the statement.
 *
 * To be called in a procedure that commits, in a transaction that has done
 * nothing and holds no snapshot, in a memory context that outlives
 * transactions.  "watch" may be NULL.  "outcome" is set also if an error is
 * raised.
 */
void
worker_run(const WorkerRequest *request, worker_watch watch, void *arg,
		   WorkerOutcome *outcome)
{
	MemoryContext caller = CurrentMemoryContext;
	Worker	   *worker;

	*outcome = WORKER_NOT_STARTED;
	refuse_context();
	require_free_transaction();
	worker = make_worker();
	current_worker = worker;
	PG_TRY();
	{
		launch(worker, request);
		*outcome = WORKER_UNKNOWN;
		wait_for_end(worker, watch, arg);
		end_worker(worker);
		if (worker->done)
			*outcome = WORKER_DONE;
		else if (worker->failed)
			*outcome = WORKER_FAILED;
		else if (!worker->begun)
			*outcome = WORKER_NOT_STARTED;
		if (!worker->done)
			raise_failure(worker);
	}
	PG_FINALLY();
	{
		end_worker(worker);
		current_worker = NULL;
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(worker->memory);
	}
	PG_END_TRY();
}

/*
 * Raise an error where a worker would have other rights than the caller, or
 * where waiting for it would be waiting for ever.
 */
static void
refuse_context(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	if (sec_context != 0 || userid != GetOuterUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot run a statement in a background worker inside a SECURITY DEFINER function"),
				 errdetail("The worker would run it as another user."),
				 errhint("Call the procedure directly.")));

	if (current_worker != NULL)
		elog(ERROR, "a background worker is running already");
}

/*
 * Make sure that no statement could wait for this session's transaction.
 */
static void
require_free_transaction(void)
{
	InvalidateCatalogSnapshot();
	if (TransactionIdIsValid(MyProc->xmin) || ActiveSnapshotSet() ||
		TransactionIdIsValid(GetTopTransactionIdIfAny()))
		elog(ERROR, "cannot wait for a background worker in a transaction that holds something");
}

static Worker *
make_worker(void)
{
	static bool registered = false;
	MemoryContext memory;
	Worker	   *worker;

	/*
	 * PG_ENSURE_ERROR_CLEANUP() would take its callback away again, which
	 * fails if anything has registered another one meanwhile; what runs in
	 * the watch function, and what hooks into that, is not ours to know.
	 */
	if (!registered)
		before_shmem_exit(end_worker_at_exit, (Datum) 0);
	registered = true;

	memory = AllocSetContextCreate(CurrentMemoryContext, "worker_run context",
								   ALLOCSET_DEFAULT_SIZES);
	worker = MemoryContextAllocZero(memory, sizeof(Worker));
	worker->memory = memory;
	worker->message_memory = AllocSetContextCreate(memory,
												   "worker_run per-message context",
												   ALLOCSET_DEFAULT_SIZES);
	return worker;
}

/*
 * Start the worker.
 */
static void
launch(Worker *worker, const WorkerRequest *request)
{
	MemoryContext caller = MemoryContextSwitchTo(worker->memory);
	BackgroundWorker registration = {0};
	char	   *library = library_name();
	shm_mq	   *queue;

	if (strlen(library) >= sizeof(registration.bgw_library_name))
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("file name \"%s\" is too long for the library of a background worker",
						library)));

	/* "watch" may end the transaction, and with it what belongs to that */
	worker->segment = workertask_create(request, &queue);
	dsm_pin_mapping(worker->segment);
	worker->queue = shm_mq_attach(queue, worker->segment, NULL);

	strlcpy(registration.bgw_name, "migrate worker", BGW_MAXLEN);
	strlcpy(registration.bgw_type, "migrate worker", BGW_MAXLEN);
	strlcpy(registration.bgw_library_name, library,
			sizeof(registration.bgw_library_name));
	strlcpy(registration.bgw_function_name, "migrate_worker_main", BGW_MAXLEN);
	registration.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	registration.bgw_start_time = BgWorkerStart_RecoveryFinished;
	registration.bgw_restart_time = BGW_NEVER_RESTART;
	registration.bgw_main_arg =
		UInt32GetDatum(dsm_segment_handle(worker->segment));
	registration.bgw_notify_pid = MyProcPid;

	if (!RegisterDynamicBackgroundWorker(&registration, &worker->handle))
	{
		worker->handle = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free to run a statement outside of a transaction"),
				 errdetail("Parallel queries and logical replication use background workers, too."),
				 errhint("Try again later, or increase \"max_worker_processes\".")));
	}
	shm_mq_set_handle(worker->queue, worker->handle);
	MemoryContextSwitchTo(caller);
}

/*
 * The name of our library, as our SQL functions have it.
 *
 * The server looks for a worker's library as for a function's, so that what
 * it found for us it finds for the worker, wherever the extension was
 * installed to and whatever its control file says.
 */
static char *
library_name(void)
{
	/* the function's name without its schema */
	const char *name = strchr(FUNCTION_CHECKSUM, '.') + 1;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	oidvector  *arguments = buildoidvector(argtypes, lengthof(argtypes));
	HeapTuple	tuple;
	Datum		probin;
	bool		isnull;
	char	   *result;

	tuple = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(name),
							PointerGetDatum(arguments),
							ObjectIdGetDatum(get_namespace_oid(TABLES_SCHEMA,
															   false)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function \"%s\"",
			 FUNCTION_CHECKSUM);
	probin = SysCacheGetAttr(PROCNAMEARGSNSP, tuple, Anum_pg_proc_probin,
							 &isnull);
	if (isnull)
		elog(ERROR, "function \"%s\" has no library", FUNCTION_CHECKSUM);
	result = TextDatumGetCString(probin);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Pass on the worker's messages until it is done, has failed, or is gone.
 */
static void
wait_for_end(Worker *worker, worker_watch watch, void *arg)
{
	TimestampTz watched_at = GetCurrentTimestamp();

	for (;;)
	{
		shm_mq_result result = receive_message(worker);
		int64		rest;

		if (worker->done || worker->edata != NULL || result == SHM_MQ_DETACHED)
			break;

		rest = WATCH_INTERVAL -
			TimestampDifferenceMilliseconds(watched_at, GetCurrentTimestamp());
		if (rest <= 0)
		{
			call_watch(worker, watch, arg);
			watched_at = GetCurrentTimestamp();
		}
		else if (result == SHM_MQ_WOULD_BLOCK)
		{
			require_free_transaction();
			lock_sleep((long) rest);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Handle one message of the worker's, if there is one; SHM_MQ_WOULD_BLOCK
 * means that there is none yet, SHM_MQ_DETACHED that there will be no more.
 */
static shm_mq_result
receive_message(Worker *worker)
{
	MemoryContext caller;
	StringInfoData message;
	Size		size;
	void	   *data;
	shm_mq_result result = shm_mq_receive(worker->queue, &size, &data, true);

	if (result != SHM_MQ_SUCCESS)
		return result;

	caller = MemoryContextSwitchTo(worker->message_memory);
	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, size);
	handle_message(worker, &message);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(worker->message_memory);
	return result;
}

/*
 * Pass a notice on, and keep an error.  The messages are those of the
 * frontend/backend protocol; others than these say nothing to us.
 */
static void
handle_message(Worker *worker, StringInfo message)
{
	ErrorData	notice;

	switch (pq_getmsgbyte(message))
	{
		case 'N':				/* NoticeResponse */
			pq_parse_errornotice(message, &notice);
			ThrowErrorData(&notice);
			break;

		case 'E':				/* ErrorResponse */
			MemoryContextSwitchTo(worker->memory);
			worker->edata = palloc(sizeof(ErrorData));
			pq_parse_errornotice(message, worker->edata);

			/* the end of the worker is not the end of this session */
			worker->failed = worker->edata->elevel == ERROR;
			worker->edata->elevel = ERROR;

			/* nobody copies these, as they are constants elsewhere */
			worker->edata->filename = NULL;
			worker->edata->funcname = NULL;
			worker->edata->lineno = 0;
			break;

		case WORKER_MESSAGE_BEGUN:
			worker->begun = true;
			break;

		case 'Z':				/* ReadyForQuery */
			worker->done = true;
			break;

		default:
			break;
	}
}

static void
call_watch(Worker *worker, worker_watch watch, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	pid_t		pid;

	if (watch == NULL ||
		GetBackgroundWorkerPid(worker->handle, &pid) != BGWH_STARTED)
		return;
	watch((int) pid, arg);
	MemoryContextSwitchTo(caller);
}

/*
 * See to it that the worker is gone, and give back what it took.  Unless it
 * is done it is terminated.
 *
 * The queue goes first: a worker that waits for room in it, and may not be
 * interrupted in that, goes on once nobody reads.  Nothing is done if it was
 * called before.
 */
static void
end_worker(Worker *worker)
{
	HOLD_INTERRUPTS();
	if (worker->segment != NULL)
		dsm_detach(worker->segment);
	worker->segment = NULL;
	worker->queue = NULL;

	if (worker->handle != NULL)
	{
		if (!worker->done)
			TerminateBackgroundWorker(worker->handle);
		(void) WaitForBackgroundWorkerShutdown(worker->handle);
	}
	worker->handle = NULL;
	RESUME_INTERRUPTS();
}

static void
end_worker_at_exit(int code, Datum arg)
{
	if (current_worker != NULL)
		end_worker(current_worker);
	current_worker = NULL;
}

/*
 * Raise the error of the worker, or that it had none to tell.
 */
static void
raise_failure(Worker *worker)
{
	if (worker->edata == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("background worker exited without reporting a result"),
				 worker->begun ?
				 errdetail("It is not known whether the statement was run.") :
				 errdetail("The statement was not run."),
				 errhint("See the server's log.")));

	/* of the worker's connection, most likely */
	if (worker->edata->sqlerrcode == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION &&
		worker->edata->hint == NULL)
		worker->edata->hint = "The background worker connects as the session user, as a client would: connect anew, or use SET ROLE instead of SET SESSION AUTHORIZATION.";
	ThrowErrorData(worker->edata);
}
