/*-------------------------------------------------------------------------
 *
 * deploy.c
 *	  CALL migrate_deploy() and CALL migrate_rollback().
 *
 * Each step is committed before the next begins, with its rows of the version
 * table and of the log.  Whatever ends a deploy, an error, a cancel or a
 * crash, what was committed is complete, and the next deploy goes on behind
 * it.
 *
 * The run lock is held by the session, so that it bridges the commits; a crash
 * and a lost connection release it like any other lock.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/records.h"
#include "common/int.h"
#include "deploy/deploy.h"
#include "deploy/live.h"
#include "deploy/pause.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "run/lock.h"
#include "run/precheck.h"
#include "run/runner.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(migrate_deploy);
PG_FUNCTION_INFO_V1(migrate_rollback);

static Datum deploy_call(FunctionCallInfo fcinfo, Direction direction);
static void refuse_inside_transaction(FunctionCallInfo fcinfo,
									  const Deploy *deploy);
static int64 milliseconds_argument(FunctionCallInfo fcinfo, int argno,
								   const char *name, int64 if_null);
static void make_deploy_id(char *id);
static void run_deploy(Deploy *deploy);
static List *begin_deploy(Deploy *deploy);
static void create_version_table(Deploy *deploy);
static void run_deploy_step(Deploy *deploy, const Step *step,
							int number, int count);
static Progress *find_progress(const Deploy *deploy, const char *revision);
static void deploy_context(void *arg);

/*
 * migrate_deploy(target, lock_timeout, max_wait, tag, environment)
 */
Datum
migrate_deploy(PG_FUNCTION_ARGS)
{
	return deploy_call(fcinfo, DIRECTION_UPGRADE);
}

/*
 * migrate_rollback(target, lock_timeout, max_wait, tag, environment)
 */
Datum
migrate_rollback(PG_FUNCTION_ARGS)
{
	return deploy_call(fcinfo, DIRECTION_DOWNGRADE);
}

/*
 * Read the arguments, refuse where no deploy can run, and run it.
 *
 * The memory context of SPI's connection lives as long as the call, because
 * the connection is one that may commit; the arguments are copied there, as
 * they may be in memory that goes with the first commit.
 */
static Datum
deploy_call(FunctionCallInfo fcinfo, Direction direction)
{
	Deploy	   *deploy;
	int64		lock_timeout;

	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");

	deploy = palloc0(sizeof(Deploy));
	deploy->memory = CurrentMemoryContext;
	deploy->direction = direction;
	deploy->function = direction == DIRECTION_UPGRADE ?
		"migrate_deploy" : "migrate_rollback";

	/* errors name the environment from the first on */
	deploy->environment = sqlcall_text(fcinfo, 4);
	if (deploy->environment == NULL)
		deploy->environment = MIGRATE_DEFAULT_ENVIRONMENT;
	hint_set_environment(deploy->environment);
	refuse_inside_transaction(fcinfo, deploy);

	deploy->target = sqlcall_required_text(fcinfo, 0, "target");
	lock_timeout = milliseconds_argument(fcinfo, 1, "lock_timeout", -1);
	deploy->lock_timeout = (int) Min(lock_timeout, INT_MAX);
	deploy->max_wait = milliseconds_argument(fcinfo, 2, "max_wait", PG_INT64_MAX);
	deploy->run.tag = sqlcall_text(fcinfo, 3);
	make_deploy_id(deploy->id);
	deploy->run.deploy_id = deploy->id;

	lock_environment_for_session(deploy->environment, deploy->max_wait,
								 deploy_commit);
	runner_begin();
	hint_set_online(true);
	PG_TRY();
	{
		run_deploy(deploy);
	}
	PG_FINALLY();
	{
		hint_set_online(false);
		runner_end();
		live_end();
		if (deploy->run.writer != NULL)
			version_end_write(deploy->run.writer);
		lock_release_session(deploy->environment);
	}
	PG_END_TRY();

	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return (Datum) 0;
}

/*
 * Raise an error where the procedure could not commit, and where nothing can
 * be written.
 */
static void
refuse_inside_transaction(FunctionCallInfo fcinfo, const Deploy *deploy)
{
	bool		may_commit = fcinfo->context &&
	IsA(fcinfo->context, CallContext) &&
	!castNode(CallContext, fcinfo->context)->atomic &&
	!IsSubTransaction();

	/* the isolation level of a block is not what is wrong with it */
	if (may_commit || !IsolationUsesXactSnapshot())
		state_refuse_unless_writable(deploy->function);
	if (may_commit)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("%s() cannot run inside a transaction block",
					deploy->function),
			 errdetail("It commits each revision by itself.  A function, a string of several statements, a block with an EXCEPTION clause, and a procedure with a SET or SECURITY DEFINER clause are in a transaction, too."),
			 deploy->direction == DIRECTION_UPGRADE ?
			 hint_statement("Send CALL migrate_deploy() as a statement of its own; inside a transaction, SELECT migrate_upgrade();") :
			 hint_statement("Send CALL migrate_rollback('-1') as a statement of its own; inside a transaction, SELECT migrate_downgrade('-1');")));
}

/*
 * An argument of type interval, in milliseconds.
 */
static int64
milliseconds_argument(FunctionCallInfo fcinfo, int argno, const char *name,
					  int64 if_null)
{
	Interval   *interval;
	int64		days;
	int64		result;

	if (PG_ARGISNULL(argno))
		return if_null;
	interval = PG_GETARG_INTERVAL_P(argno);
	days = (int64) interval->month * DAYS_PER_MONTH + interval->day;
	if (pg_mul_s64_overflow(days, USECS_PER_DAY / 1000, &result) ||
		pg_add_s64_overflow(result, interval->time / 1000, &result))
		result = PG_INT64_MAX;
	if (result < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", name)));
	return result;
}

/*
 * A random UUID (version 4), which all log rows of the deploy carry.
 */
static void
make_deploy_id(char *id)
{
	uint8		bytes[UUID_LEN];
	char	   *end = id;

	if (!pg_strong_random(bytes, UUID_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*end++ = '-';
		end += sprintf(end, "%02x", bytes[i]);
	}
}

/*
 * Run all steps, under the run lock.
 */
static void
run_deploy(Deploy *deploy)
{
	List	   *plan = begin_deploy(deploy);
	int			number = 0;
	ListCell   *lc;

	if (plan == NIL)
	{
		runner_report_nothing(deploy->run.state, deploy->direction);
		return;
	}

	create_version_table(deploy);
	live_begin(deploy->environment, deploy->direction, deploy->target,
			   deploy->id);
	foreach(lc, plan)
		run_deploy_step(deploy, lfirst(lc), ++number, list_length(plan));
}

/*
 * Read the environment, plan, and check all that can be checked beforehand.
 *
 * The transaction is a new one: that of the call began before the run lock
 * was obtained.
 */
static List *
begin_deploy(Deploy *deploy)
{
	State	   *state;
	List	   *plan;

	deploy_commit();
	deploy_begin_transaction(deploy, true);

	state = state_read(deploy->environment);
	deploy->run.state = state;
	deploy->run.versions = state->versions;
	if (deploy->run.tag != NULL)
		state_refuse_environment_as(state, "tag", deploy->run.tag);
	pause_refuse(state->environment);
	state_require_known(state);
	precheck_version_table(state);

	plan = runner_plan(state, deploy->direction, state->versions,
					   list_make1(unconstify(char *, deploy->target)));
	state_require_unchanged(state, plan != NIL);
	deploy->progress = catalog_progress(state->environment);
	precheck_progress(state, plan, deploy->progress, true);
	precheck_scripts(state, plan, true);
	return plan;
}

/*
 * Make the version table if there is none, and commit it: the plans that
 * write it must not be about a table that a failed step takes away again.
 */
static void
create_version_table(Deploy *deploy)
{
	deploy->run.writer = version_begin_write(deploy->run.state->environment);
	step_check_width(&deploy->run, NIL);
	deploy_commit();
}

/*
 * Run one step, in as many transactions as its script needs.
 */
static void
run_deploy_step(Deploy *deploy, const Step *step, int number, int count)
{
	DeployStep	work = {0};
	MemoryContext caller = CurrentMemoryContext;
	StoredRevision *stored;
	ErrorContextCallback callback;

	CHECK_FOR_INTERRUPTS();
	deploy_keep_lock(deploy);

	work.memory = AllocSetContextCreate(deploy->memory,
										"run_deploy_step per-step context",
										ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(work.memory);

	deploy_begin_transaction(deploy, true);
	work.deploy = deploy;
	work.step = step;
	work.number = number;
	work.count = count;
	step_begin(&deploy->run, step, &work.entry);
	work.revision = work.entry.revision;
	pause_refuse(deploy->run.state->environment);
	work.script = precheck_fetch_script(deploy->run.state, step, &stored);
	work.script->online = true;
	step_describe_script(&deploy->run, stored, &work.entry);
	work.mode = deploy_mode(work.script,
							step->direction == DIRECTION_UPGRADE ?
							!stored->file.upgrade_transactional :
							!stored->file.downgrade_transactional);
	work.progress = find_progress(deploy, work.revision);

	/* what was begun in parts goes on in parts, whatever the script is now */
	if (work.progress != NULL && work.mode == DEPLOY_WHOLE)
		work.mode = DEPLOY_STATEMENTS;

	live_step(work.revision, number, count,
			  list_length(work.script->statements));
	step_announce(&deploy->run, step);

	callback.callback = deploy_context;
	callback.arg = &work;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (work.mode == DEPLOY_WHOLE)
		deploy_script(&work);
	else
		deploy_parts(&work);
	error_context_stack = callback.previous;

	MemoryContextSwitchTo(deploy->memory);
	step_done(&deploy->run, step);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work.memory);
}

/*
 * What earlier deploys have done of a revision, or NULL.
 */
static Progress *
find_progress(const Deploy *deploy, const char *revision)
{
	ListCell   *lc;

	foreach(lc, deploy->progress)
	{
		Progress   *progress = lfirst(lc);

		if (strcmp(progress->revision, revision) == 0)
			return progress;
	}
	return NULL;
}

/*
 * Say how far the deploy was: what stands before it is committed.
 */
static void
deploy_context(void *arg)
{
	const DeployStep *step = arg;

	errcontext("%s(), revision %d of %d",
			   step->deploy->function, step->number, step->count);
}

/*
 * See to it, at the beginning of a transaction, that this session still has the
 * run lock: what a script has released is taken again.
 */
void
deploy_keep_lock(const Deploy *deploy)
{
	if (!lock_keep_for_session(deploy->environment))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("lost the run lock of environment \"%s\" to another session",
						deploy->environment),
				 errdetail("A revision's script has released this session's advisory locks, as pg_advisory_unlock_all() does."),
				 errhint("Take that call out of the script; then deploy again.")));
	lock_keep_for_transaction(deploy->environment);
}

/*
 * Raise an error if somebody has asked deploys to pause; to be called between
 * transactions, and leaves one that holds nothing.
 */
void
deploy_refuse_paused(const Deploy *deploy)
{
	deploy_keep_lock(deploy);
	deploy_begin_transaction(deploy, true);
	pause_refuse(deploy->run.state->environment);
	deploy_commit();
}

/*
 * Make the transaction in hand, which has done nothing yet, ready for use:
 * with a snapshot, unless it is going to wait, and the lock_timeout of the
 * deploy.
 */
void
deploy_begin_transaction(const Deploy *deploy, bool snapshot)
{
	/* a script may have looked at another environment */
	hint_set_environment(deploy->environment);
	if (snapshot)
		EnsurePortalSnapshotExists();
	if (deploy->lock_timeout >= 0)
		(void) set_config_option("lock_timeout",
								 psprintf("%d", deploy->lock_timeout),
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * Commit, and begin a transaction that holds nothing.
 */
void
deploy_commit(void)
{
	SPI_commit();
}

/*
 * Roll back, and begin a transaction that holds nothing.
 */
void
deploy_rollback(void)
{
	SPI_rollback();
}
