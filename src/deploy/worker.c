/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  A statement at top level, in a background worker.
 *
 * A statement that cannot run in a transaction cannot be recorded in it
 * either.  Before it is run, it is recorded that it was begun, and that is
 * taken back if it fails; if nothing more is recorded, because the server or
 * this session went down in the meantime, then the next deploy looks at what
 * there is, see deploy_leftovers(), and takes an error that says that the work
 * was done for success.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "deploy/deploy.h"
#include "deploy/donepart.h"
#include "deploy/live.h"
#include "graph/direction.h"
#include "lib/stringinfo.h"
#include "locks/blockers.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/worker.h"

/* A statement that is run by a worker */
typedef struct TopLevel
{
	DeployStep *step;
	const ScriptStatement *statement;
	const char *command;		/* its name if it cannot run in a transaction,
								 * else NULL */
	bool		was_begun;		/* by an earlier deploy, with unknown outcome */
	WorkerOutcome outcome;		/* of what was run last */

	/* while it waits */
	TimestampTz looked_at;
	int64		waited;			/* in milliseconds */
	List	   *blockers;		/* Blocker * */
	char	   *named;			/* those that were last named */
} TopLevel;

static void run_at_top_level(DeployWork *work);
static bool is_done_already(DeployWork *work, const ErrorData *edata);
static bool says_done(Node *node, int sqlerrcode);
static void write_begun(void *arg);
static void write_not_begun(void *arg);
static void run_in_worker(TopLevel *top, const char *sql, bool is_statement);
static void watch_worker(int worker_pid, void *arg);
static void look_at_blockers(void *arg);
static char *pids_of(List *blockers);
static void explain_leftover(const TopLevel *top, ErrorData *edata);

/*
 * Run a statement of a step, and record that it is done.
 */
void
deploy_worker(DeployStep *step, const ScriptStatement *statement)
{
	TopLevel   *top = palloc0(sizeof(TopLevel));
	DeployWork	work = {step, NULL, run_at_top_level};
	DeployWork	record = {step, NULL, deploy_record};

	top->step = step;
	top->statement = statement;
	top->command = script_nontransactional(statement);
	top->was_begun = step->progress->is_begun;

	work.statement = statement;
	work.arg = top;
	work.at_top_level = true;
	work.once = IsA(statement->raw->stmt, CallStmt) ||
		IsA(statement->raw->stmt, DoStmt);
	work.is_done = is_done_already;
	deploy_work(&work);

	/* else the worker has recorded it in the statement's transaction */
	record.statement = statement;
	if (top->command != NULL)
		deploy_work(&record);
}

/*
 * Look at what there is, make room, and run the statement.
 */
static void
run_at_top_level(DeployWork *work)
{
	TopLevel   *top = work->arg;
	const ScriptStatement *statement = top->statement;
	const char *sql = pnstrdup(&top->step->script->text[statement->offset],
							   statement->length);
	List	   *drop = NIL;
	ListCell   *lc;

	top->waited = 0;
	top->outcome = WORKER_NOT_STARTED;

	if (top->command != NULL)
	{
		sql = deploy_leftovers(top->step, statement, sql, &drop);
		if (!top->step->progress->is_begun)
			deploy_look(top->step->deploy, write_begun, top);
	}
	foreach(lc, drop)
		run_in_worker(top, psprintf("DROP INDEX CONCURRENTLY %s",
									(char *) lfirst(lc)),
					  false);
	if (sql != NULL)
		run_in_worker(top, sql, true);
}

/*
 * Does an error say that a statement, which an earlier deploy has begun, was
 * done then?
 *
 * One that has just failed, so that it is known not to be done, is no longer
 * recorded as begun: the same error would else be taken for success by the
 * next deploy.  A REINDEX still is: no error is success for it, and it may have
 * left something behind.
 */
static bool
is_done_already(DeployWork *work, const ErrorData *edata)
{
	TopLevel   *top = work->arg;

	if (top->command == NULL)
		return false;
	if (top->was_begun && top->outcome == WORKER_FAILED &&
		says_done(top->statement->raw->stmt, edata->sqlerrcode))
	{
		ereport(NOTICE,
				(errmsg("statement %d was done by the deploy that began it: %s",
						top->statement->number, edata->message)));
		return true;
	}
	if (top->step->progress->is_begun &&
		!IsA(top->statement->raw->stmt, ReindexStmt) &&
		(top->outcome == WORKER_FAILED ||
		 (top->outcome == WORKER_NOT_STARTED && !top->was_begun)))
	{
		top->was_begun = false;
		deploy_look(top->step->deploy, write_not_begun, top);
	}
	return false;
}

/*
 * Is this what the server says of a statement that is run a second time?
 *
 * A CREATE INDEX is not among them: what is there of an index was looked at.
 */
static bool
says_done(Node *node, int sqlerrcode)
{
	switch (nodeTag(node))
	{
		case T_CreatedbStmt:
			return sqlerrcode == ERRCODE_DUPLICATE_DATABASE;
		case T_DropdbStmt:
			return sqlerrcode == ERRCODE_UNDEFINED_DATABASE;
		case T_CreateTableSpaceStmt:
		case T_CreateSubscriptionStmt:
			return sqlerrcode == ERRCODE_DUPLICATE_OBJECT;
		case T_DropTableSpaceStmt:
		case T_DropSubscriptionStmt:
		case T_DropStmt:
		case T_TransactionStmt:
			return sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
		case T_AlterSubscriptionStmt:
			return sqlerrcode == ERRCODE_DUPLICATE_OBJECT ||
				sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
		case T_AlterTableStmt:

			/* DETACH PARTITION: it is no partition of that table */
			return sqlerrcode == ERRCODE_UNDEFINED_TABLE;
		default:
			return false;
	}
}

static void
write_begun(void *arg)
{
	TopLevel   *top = arg;
	DeployStep *step = top->step;

	step->progress->is_begun = true;
	catalog_progress_write(step->deploy->run.state->environment,
						   step->progress, step->deploy->id);
}

static void
write_not_begun(void *arg)
{
	TopLevel   *top = arg;
	DeployStep *step = top->step;

	step->progress->is_begun = false;
	if (step->progress->hashes == NIL)
		catalog_progress_delete(step->deploy->run.state->environment,
								step->revision);
	else
		catalog_progress_write(step->deploy->run.state->environment,
							   step->progress, step->deploy->id);
}

/*
 * Have a worker run the statement of the script, or one that makes room for
 * it.
 *
 * Who builds an index concurrently waits for transactions, and not in a queue
 * where anybody waits behind it: lock_timeout would do no good, and leave an
 * invalid index.  Such a statement may wait for max_wait, see watch_worker().
 * DETACH PARTITION does queue in the end, for the partition; when its time is
 * over it is tried again, with FINALIZE.
 */
static void
run_in_worker(TopLevel *top, const char *sql, bool is_statement)
{
	DeployStep *step = top->step;
	Deploy	   *deploy = step->deploy;
	MemoryContext memory = CurrentMemoryContext;
	WorkerRequest request = {0};
	ErrorContextCallback callback;
	ListCell   *lc;

	request.sql = sql;
	foreach(lc, deploy_prelude(step, top->statement))
	{
		const ScriptStatement *setting = lfirst(lc);

		request.prelude = lappend(request.prelude,
								  pnstrdup(&step->script->text[setting->offset],
										   setting->length));
	}
	request.search_path = deploy->run.state->environment->search_path;
	request.lock_timeout = deploy->lock_timeout;
	if (top->command != NULL && strstr(top->command, "CONCURRENTLY") != NULL &&
		!IsA(top->statement->raw->stmt, AlterTableStmt))
		request.lock_timeout = 0;
	request.transactional = top->command == NULL;
	request.environment = deploy->environment;
	request.revision = step->revision;
	request.direction = deploy->direction;
	request.hash = donepart_hash(step->script, top->statement);
	request.deploy_id = deploy->id;
	request.statements = list_length(step->statements);

	top->looked_at = GetCurrentTimestamp();

	callback.callback = script_error_callback;
	callback.arg = step->script;
	callback.previous = error_context_stack;
	if (is_statement)
		error_context_stack = &callback;
	PG_TRY();
	{
		worker_run(&request, watch_worker, top, &top->outcome);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(memory);
		edata = CopyErrorData();
		FlushErrorState();
		explain_leftover(top, edata);
		ReThrowError(edata);
	}
	PG_END_TRY();
	if (is_statement)
		error_context_stack = callback.previous;
	live_worker(0);
	live_phase(LIVE_RUNNING, NULL);
}

/*
 * Look, about once a second, whom the worker waits for, say so, and give up
 * when it has waited for max_wait in all.
 */
static void
watch_worker(int worker_pid, void *arg)
{
	TopLevel   *top = arg;
	Deploy	   *deploy = top->step->deploy;
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext look_memory = AllocSetContextCreate(CurrentMemoryContext,
													  "watch_worker context",
													  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(look_memory);

	live_worker(worker_pid);
	top->blockers = list_make1_int(worker_pid);
	deploy_look(deploy, look_at_blockers, top);
	MemoryContextSwitchTo(look_memory);

	if (top->blockers == NIL)
		live_phase(LIVE_RUNNING, NULL);
	else
	{
		char	   *names = blockers_describe(top->blockers);
		char	   *pids = pids_of(top->blockers);

		live_phase(LIVE_WAITING_FOR_LOCK, names);
		if (top->named == NULL || strcmp(top->named, pids) != 0)
		{
			ereport(NOTICE,
					(errmsg("revision \"%s\" %s, statement %d waits for other transactions to end",
							top->step->revision,
							direction_name(deploy->direction),
							top->statement->number),
					 errdetail_internal("%s", names)));
			top->named = MemoryContextStrdup(top->step->memory, pids);
		}
		top->waited += TimestampDifferenceMilliseconds(top->looked_at, now);
		if (top->waited > deploy->max_wait)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("statement %d of revision \"%s\" %s has waited for other transactions for as long as max_wait allows",
							top->statement->number, top->step->revision,
							direction_name(deploy->direction)),
					 errdetail_internal("%s", names),
					 errhint("End those transactions, or have them end, then deploy again.")));
	}
	top->looked_at = now;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(look_memory);
}

static void
look_at_blockers(void *arg)
{
	TopLevel   *top = arg;
	int			worker_pid = linitial_int(top->blockers);

	top->blockers = blockers_of_pid(worker_pid);
}

/*
 * The process ids of blockers, to tell whether they are still the same.
 */
static char *
pids_of(List *blockers)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, blockers)
		appendStringInfo(&buf, " %d", ((Blocker *) lfirst(lc))->pid);
	return buf.data;
}

/*
 * Say what a statement leaves behind that fails, unless it was refused before
 * it began.
 */
static void
explain_leftover(const TopLevel *top, ErrorData *edata)
{
	int			category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);

	if (edata->hint != NULL || top->command == NULL ||
		category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		category == ERRCODE_FEATURE_NOT_SUPPORTED)
		return;
	if (IsA(top->statement->raw->stmt, IndexStmt))
		edata->hint = "The index may be there now, but invalid.  The next deploy drops it and builds it again.";
	else if (IsA(top->statement->raw->stmt, ReindexStmt))
		edata->hint = "Invalid indexes with names that end in _ccnew or _ccold may be there now.  The next deploy drops them.";
}
