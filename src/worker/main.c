/*-------------------------------------------------------------------------
 *
 * main.c
 *	  The background worker that runs one statement at top level.
 *
 * The statement runs as one that a client sends, alone: it may commit as it
 * goes along.  A statement that can run in a transaction is recorded as done
 * in that transaction, so that there is never one without the other.
 *
 * An error ends the worker.  The server sends it to the session that waits,
 * and rolls back.
 *
 * The other side is worker.c.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/hint.h"
#include "catalog/records.h"
#include "graph/direction.h"
#include "libpq/pqformat.h"
#include "locks/blockers.h"
#include "locks/needs.h"
#include "locks/relation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "run/lock.h"
#include "run/runner.h"
#include "script/rowsecurity.h"
#include "script/script.h"
#include "storage/ipc.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "worker/task.h"

PGDLLEXPORT void migrate_worker_main(Datum main_arg);

static void encode_message(void *arg);
static void restore_client_encoding(void);
static void prepare_session(const WorkerTask *task);
static void run_setting(const char *sql);
static void setting_error_callback(void *arg);
static void run_statement(const WorkerRequest *request);
static MemoryContext begin_statement(const char *sql);
static void end_statement(MemoryContext memory);
static RawStmt *parse(const char *sql);
static void take_locks(const WorkerRequest *request);
static void raise_blocked(const WorkerRequest *request, List *needs)
			pg_attribute_noreturn();
static void run_at_top_level(RawStmt *raw, const char *sql);
static void record(const WorkerRequest *request);

/*
 * The worker, from its start to its end.  The argument is the handle of the
 * shared memory with its task.
 */
void
migrate_worker_main(Datum main_arg)
{
	MemoryContext memory;
	WorkerTask *task;
	ErrorContextCallback callback;
	ListCell   *lc;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	memory = AllocSetContextCreate(TopMemoryContext, "migrate worker",
								   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(memory);
	task = workertask_attach(DatumGetUInt32(main_arg));
	BackgroundWorkerInitializeConnectionByOid(task->database,
											  task->session_user, 0);
	MemoryContextSwitchTo(memory);

	callback.callback = encode_message;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	pq_putemptymessage(WORKER_MESSAGE_BEGUN);
	prepare_session(task);
	foreach(lc, task->request.prelude)
		run_setting(lfirst(lc));
	run_statement(&task->request);

	/* what it did counts before the session goes on */
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(true);
	ReadyForQuery(DestRemote);
	proc_exit(0);
}

/*
 * An error context callback, which is called for every message: it goes to a
 * server process, whatever the session or a statement has set as
 * client_encoding.
 */
static void
encode_message(void *arg)
{
	SetClientEncoding(GetDatabaseEncoding());
}

/*
 * Undo that.  COPY takes the client's encoding for that of a file.
 */
static void
restore_client_encoding(void)
{
	SetClientEncoding(pg_char_to_encoding(GetConfigOption("client_encoding",
														  false, false)));
}

/*
 * Make the session what the statement is to find.
 */
static void
prepare_session(const WorkerTask *task)
{
	const WorkerRequest *request = &task->request;
	MemoryContext memory = begin_statement(request->sql);

	workersession_restore(task);

	/* as execute_script() has them for a script */
	workersession_set("standard_conforming_strings", "on");
	workersession_set("backslash_quote", "safe_encoding");
	workersession_set("escape_string_warning", "on");

	/* it reads a table of ours, for which there is no portal here */
	PushActiveSnapshot(GetTransactionSnapshot());
	rowsecurity_guard(GUC_ACTION_SET);
	PopActiveSnapshot();

	if (request->search_path != NULL)
		workersession_set("search_path", request->search_path);
	if (request->lock_timeout >= 0)
		workersession_set("lock_timeout",
						  psprintf("%d", request->lock_timeout));

	hint_set_environment(request->environment);
	lock_mark_worker(request->environment);
	runner_begin();
	end_statement(memory);
}

/*
 * Run a SET or RESET that stands before the statement in its script.
 *
 * What it sets there for the transaction, it sets here for the statement.
 */
static void
run_setting(const char *sql)
{
	MemoryContext memory = begin_statement(sql);
	RawStmt    *raw;
	ErrorContextCallback callback;

	callback.callback = setting_error_callback;
	callback.arg = unconstify(char *, sql);
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	raw = parse(sql);
	if (IsA(raw->stmt, VariableSetStmt))
		castNode(VariableSetStmt, raw->stmt)->is_local = false;
	run_at_top_level(raw, sql);

	error_context_stack = callback.previous;
	end_statement(memory);
}

/*
 * An error in a setting: its position is not one in the statement.
 */
static void
setting_error_callback(void *arg)
{
	const char *sql = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(sql);
	}
	else
		errcontext("SQL statement \"%s\"", sql);
}

/*
 * Run the statement, and record it if it is one that can be.
 */
static void
run_statement(const WorkerRequest *request)
{
	MemoryContext memory = begin_statement(request->sql);

	if (request->transactional)
		take_locks(request);
	run_at_top_level(parse(request->sql), request->sql);
	if (request->transactional)
		record(request);
	end_statement(memory);
}

/*
 * Take the locks of a statement all at once, in its transaction, or raise an
 * error without ever having stood in a queue, in which others would wait
 * behind us.
 *
 * Once they are held it is looked up again which they are: a name may have
 * come to mean another table in between.
 */
static void
take_locks(const WorkerRequest *request)
{
	Script	   *script = script_parse(request->sql, request->revision,
									  request->direction);
	List	   *held = NIL;
	List	   *needs;

	PushActiveSnapshot(GetTransactionSnapshot());
	for (;;)
	{
		needs = lockneeds_of_statements(script->statements, NULL);
		if (lockneeds_equal(needs, held))
			break;
		if (!relationlock_try(needs))
			raise_blocked(request, needs);
		held = needs;
	}
	PopActiveSnapshot();
}

/*
 * Raise the error that says whose locks are in the way.
 */
static void
raise_blocked(const WorkerRequest *request, List *needs)
{
	List	   *blockers = blockers_of_needs(needs);

	/* what a session that waits in the queue would have the server do */
	(void) blockers_cancel_autovacuum(blockers);

	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not obtain the locks of revision \"%s\" %s at once",
					request->revision, direction_name(request->direction)),
			 blockers == NIL ? 0 :
			 errdetail_internal("%s", blockers_describe(blockers))));
}

/*
 * Begin a transaction for a statement, and return a memory context that
 * outlives it: the statement may commit, and goes on with its trees.
 */
static MemoryContext
begin_statement(const char *sql)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "migrate worker statement",
												 ALLOCSET_DEFAULT_SIZES);

	debug_query_string = sql;
	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, sql);
	StartTransactionCommand();
	MemoryContextSwitchTo(memory);
	return memory;
}

/*
 * End its transaction, and go back to the memory context in which it was
 * begun.
 */
static void
end_statement(MemoryContext memory)
{
	CommitTransactionCommand();
	if (IsTransactionState())
		elog(ERROR, "statement has left a transaction open");
	MemoryContextSwitchTo(MemoryContextGetParent(memory));
	MemoryContextDelete(memory);
}

/*
 * Parse a statement, as script_parse() has parsed it in its script.
 */
static RawStmt *
parse(const char *sql)
{
	int			nestlevel = NewGUCNestLevel();
	List	   *raw_list;

	script_pin_lexer();
	raw_list = pg_parse_query(sql);
	AtEOXact_GUC(false, nestlevel);

	if (list_length(raw_list) != 1)
		elog(ERROR, "unexpected number of statements: %d",
			 list_length(raw_list));
	return linitial_node(RawStmt, raw_list);
}

/*
 * Run a statement as exec_simple_query() runs one that is alone in its string.
 * Its rows are thrown away.  The current memory context holds the trees.
 */
static void
run_at_top_level(RawStmt *raw, const char *sql)
{
	MemoryContext memory = CurrentMemoryContext;
	DestReceiver *dest = CreateDestReceiver(DestNone);
	CommandTag	tag = CreateCommandTag(raw->stmt);
	bool		snapshot_set = false;
	List	   *planned_list;
	Portal		portal;
	QueryCompletion completion;

	if (analyze_requires_snapshot(raw))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	planned_list = pg_analyze_and_rewrite_fixedparams(raw, sql, NULL, 0, NULL);
	planned_list = pg_plan_queries(planned_list, sql, CURSOR_OPT_PARALLEL_OK,
								   NULL);
	if (snapshot_set)
		PopActiveSnapshot();
	CHECK_FOR_INTERRUPTS();

	restore_client_encoding();
	portal = CreatePortal("", true, true);
	portal->visible = false;
	PortalDefineQuery(portal, NULL, sql, tag, planned_list, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);

	MemoryContextSwitchTo(TopTransactionContext);
	(void) COMPAT_PORTAL_RUN(portal, FETCH_ALL, true, dest, dest, &completion);
	dest->rDestroy(dest);
	PortalDrop(portal, false);
	MemoryContextSwitchTo(memory);
}

/*
 * Record that the statement is done, in its transaction: the last one, if it
 * has committed on its way.
 */
static void
record(const WorkerRequest *request)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	catalog_progress_append(request->environment, request->revision,
							request->direction, request->deploy_id,
							request->statements, request->hash);
	PopActiveSnapshot();
}
