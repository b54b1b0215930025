/*-------------------------------------------------------------------------
 *
 * runner.c
 *	  Running a plan in the caller's transaction.
 *
 * Everything that can be known beforehand is checked before the first
 * statement runs: that no script was tampered with, that each one parses,
 * that none holds a statement which the transaction cannot take, and that
 * what is to be downgraded can be.  From then on an error aborts the caller's
 * (sub)transaction, and nothing of the run remains.
 *
 * Scripts run as the caller, between pieces of bookkeeping that do not; no
 * statement of a script runs while another user id is set.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "direction.h"
#include "error.h"
#include "hint.h"
#include "miscadmin.h"
#include "plan.h"
#include "precheck.h"
#include "resolve.h"
#include "runner.h"
#include "script.h"
#include "textlist.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "version.h"

/* What stays the same from step to step */
typedef struct Run
{
	const RunRequest *request;
	State	   *state;
	VersionWriter *writer;
	List	   *versions;		/* int: the version table as it stands */
	List	   *purged;			/* char *: rows that a purge took out of it,
								 * until a step has told of them */
} Run;

/* is a run under way in this session? */
static bool in_progress = false;

static void run_steps(Run *run, List *plan);
static void check_version_rows(const Run *run);
static void run_step(Run *run, const Step *step);
static void step_context(void *arg);
static Step *stamp_to_base(void);
static char *purge_title(const Run *run, const Step *step);
static void report_nothing_to_do(const State *state, Direction direction);

/*
 * Carry out an upgrade, a downgrade or a stamp, and return the ids (char *)
 * of the revisions that are current afterwards.
 *
 * Raises an error, before anything has run, for whatever the modules below
 * refuse; and while running, what the scripts raise.
 */
List *
runner_run(const RunRequest *request)
{
	Run			run = {request};
	State	   *state;
	List	   *plan;

	state = state_begin_write(request->environment,
							  psprintf("migrate_%s", direction_name(request->direction)));
	if (request->tag != NULL)
		state_refuse_environment_as(state, "tag", request->tag);
	if (request->purge)
		precheck_purge(state, request->targets);
	else
		state_require_known(state);
	if (request->direction != DIRECTION_STAMP)
		precheck_version_table(state);

	run.state = state;
	run.versions = request->purge ? NIL : state->versions;
	plan = runner_plan(state, request->direction, run.versions,
					   request->targets);

	if (request->direction != DIRECTION_STAMP)
	{
		state_require_unchanged(state, plan != NIL);
		precheck_scripts(state, plan);
	}

	if (request->purge)
	{
		run.purged = state->rows;
		if (plan == NIL && state->rows != NIL)
			plan = list_make1(stamp_to_base());
	}

	if (plan == NIL)
		report_nothing_to_do(state, request->direction);
	else
		run_steps(&run, plan);

	return state_ids_in_load_order(state,
								   resolve_current(state->graph, run.versions));
}

/*
 * Is a run under way in this session?  Then we are called by a script, or by
 * a trigger that a run has fired, and nothing may be written under its feet.
 */
bool
runner_in_progress(void)
{
	return in_progress;
}

/*
 * The steps from these versions to the target.
 */
List *
runner_plan(const State *state, Direction direction, List *versions,
			List *targets)
{
	const char *target = targets == NIL ? NULL : linitial(targets);

	switch (direction)
	{
		case DIRECTION_UPGRADE:
			return plan_upgrade(state->graph, versions, target);
		case DIRECTION_DOWNGRADE:
			return plan_downgrade(state->graph, versions, target);
		case DIRECTION_STAMP:
			return plan_stamp(state->graph, versions, targets);
	}
	elog(ERROR, "unrecognized direction: %d", (int) direction);
	return NIL;					/* keep compiler quiet */
}

/*
 * A step in Alembic's words, as they stand in its log.
 */
char *
runner_step_title(const State *state, const Step *step)
{
	Revision   *revision;
	char	   *parents;

	if (step->direction == DIRECTION_STAMP)
		return psprintf("stamp_revision %s -> %s",
						textlist_join(state_ids(state, step->removed), ", "),
						textlist_join(state_ids(state, step->added), ", "));

	revision = state->graph->revisions[step->revision];
	parents = textlist_join(revision->down_ids, ", ");
	if (step->direction == DIRECTION_UPGRADE)
		return psprintf("upgrade %s -> %s, %s",
						parents, revision->id, revision->message);
	return psprintf("downgrade %s -> %s, %s",
					revision->id, parents, revision->message);
}

/*
 * Run all steps, giving back what the version table's writer holds whatever
 * happens.
 */
static void
run_steps(Run *run, List *plan)
{
	ListCell   *lc;
	ListCell   *added;

	run->writer = version_begin_write(run->state->environment);
	foreach(lc, plan)
	{
		Step	   *step = lfirst(lc);

		foreach(added, step->added)
			version_check_width(run->writer,
								run->state->graph->revisions[lfirst_int(added)]->id);
	}

	/* no run begins within one, so that this one need not be saved */
	in_progress = true;
	PG_TRY();
	{
		if (run->request->purge)
			version_purge(run->writer, list_length(run->state->rows));
		for (int i = 0; i < list_length(plan); i++)
			run_step(run, list_nth(plan, i));
		check_version_rows(run);
	}
	PG_FINALLY();
	{
		in_progress = false;
		version_end_write(run->writer);
	}
	PG_END_TRY();
}

/*
 * Raise an error if the version table holds anything else than what the run
 * wrote: then a script has written to it.
 */
static void
check_version_rows(const Run *run)
{
	List	   *found = version_read(run->state->environment);
	List	   *expected = state_ids(run->state, run->versions);
	bool		same = list_length(found) == list_length(expected);
	ListCell   *lc;

	foreach(lc, found)
		same = same && textlist_member(expected, lfirst(lc));
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s was written by a revision's script",
						version_table_name(run->state->environment)),
				 errdetail("It holds %s, where the run left %s.",
						   found == NIL ? "no row" : textlist_quote_join(found),
						   expected == NIL ? "no row" : textlist_quote_join(expected)),
				 errhint("Take the statement that does so out of the script; the version table is kept by migrate.")));
}

/*
 * Run one step: the script, the version table, the log.
 */
static void
run_step(Run *run, const Step *step)
{
	State	   *state = run->state;
	MemoryContext step_memory = AllocSetContextCreate(CurrentMemoryContext,
													  "run_step per-step context",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(step_memory);
	LogEntry	entry = {0};
	List	   *versions;
	ErrorContextCallback callback;

	CHECK_FOR_INTERRUPTS();
	ereport(NOTICE,
			(errmsg_internal("Running %s",
							 run->purged ? purge_title(run, step) :
							 runner_step_title(state, step))));

	entry.direction = step->direction;
	entry.tag = run->request->tag;
	entry.versions_before = run->purged ? run->purged :
		state_ids_in_load_order(state, run->versions);
	entry.started_at = GetCurrentTimestamp();
	if (step->revision >= 0)
		entry.revision = state->graph->revisions[step->revision]->id;

	if (step->direction != DIRECTION_STAMP)
	{
		StoredRevision *stored;
		Script	   *script = precheck_fetch_script(state, step, &stored);

		entry.checksum = stored->checksum;
		entry.search_path = state->environment->search_path ?
			state->environment->search_path :
			pstrdup(GetConfigOption("search_path", false, false));
		entry.statements = execute_script(script,
										  state->environment->search_path);
	}
	else if (step->revision >= 0)
		entry.checksum = catalog_fetch(state->environment,
									   entry.revision)->checksum;

	callback.callback = step_context;
	callback.arg = &entry;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	version_apply(run->writer, state->graph, step);
	error_context_stack = callback.previous;

	MemoryContextSwitchTo(caller);
	versions = plan_apply_step(run->versions, step);
	MemoryContextSwitchTo(step_memory);

	entry.versions_after = state_ids_in_load_order(state, versions);
	entry.ended_at = GetCurrentTimestamp();
	catalog_log(state->environment, &entry);

	if (run->versions != state->versions)
		list_free(run->versions);
	run->purged = NIL;
	run->versions = versions;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(step_memory);
}

/*
 * Say which step an error in writing the version table belongs to.
 */
static void
step_context(void *arg)
{
	const LogEntry *entry = arg;

	if (entry->revision != NULL)
		errcontext("revision \"%s\" %s, version table",
				   entry->revision, direction_name(entry->direction));
}

/*
 * The step of a purge after which no revision is left.
 */
static Step *
stamp_to_base(void)
{
	Step	   *step = palloc0(sizeof(Step));

	step->direction = DIRECTION_STAMP;
	step->revision = -1;
	return step;
}

/*
 * The title of the first step after a purge: the rows that it took away may
 * be of no revision that is loaded.
 */
static char *
purge_title(const Run *run, const Step *step)
{
	return psprintf("stamp_revision %s -> %s",
					textlist_join(run->purged, ", "),
					textlist_join(state_ids(run->state, step->added), ", "));
}

/*
 * Say that there was nothing to do, and where the database is.
 */
static void
report_nothing_to_do(const State *state, Direction direction)
{
	List	   *current = state_ids_in_load_order(state, state->versions);

	if (state->graph->nrevisions == 0)
	{
		ereport(NOTICE,
				(errmsg_internal("nothing to %s: no revision is loaded",
								 direction_name(direction))));
		return;
	}
	ereport(NOTICE,
			(errmsg_internal("nothing to %s: the database is at %s",
							 direction_name(direction),
							 current == NIL ? "base" :
							 textlist_join(current, ", "))));
}
