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

#include "base/error.h"
#include "base/hint.h"
#include "base/textlist.h"
#include "catalog/version.h"
#include "graph/direction.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "miscadmin.h"
#include "run/precheck.h"
#include "run/runner.h"
#include "run/step.h"
#include "script/script.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* is a run under way in this session? */
static bool in_progress = false;

static void run_steps(Run *run, List *plan, bool purge);
static void check_version_rows(const Run *run);
static void run_step(Run *run, const Step *step);
static Step *stamp_to_base(void);
static void forget_progress(const State *state);
static char *half_done(const State *state);

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
	Run			run = {0};
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
	run.tag = request->tag;
	run.versions = request->purge ? NIL : state->versions;
	plan = runner_plan(state, request->direction, run.versions,
					   request->targets);

	if (request->direction != DIRECTION_STAMP)
	{
		state_require_unchanged(state, plan != NIL);
		precheck_progress(state, plan, catalog_progress(state->environment),
						  false);
		precheck_scripts(state, plan, false);
	}

	else
		forget_progress(state);

	if (request->purge)
	{
		run.purged = state->rows;
		if (plan == NIL && state->rows != NIL)
			plan = list_make1(stamp_to_base());
	}

	if (plan == NIL)
		runner_report_nothing(state, request->direction);
	else
		run_steps(&run, plan, request->purge);

	return state_ids_in_load_order(state,
								   resolve_current(state->graph, run.versions));
}

/*
 * A stamp says what the database is: nothing is half done any more.
 */
static void
forget_progress(const State *state)
{
	ListCell   *lc;

	foreach(lc, catalog_progress(state->environment))
	{
		const Progress *half = lfirst(lc);

		ereport(NOTICE,
				(errmsg("what was done of revision \"%s\" %s is forgotten",
						half->revision, direction_name(half->direction)),
				 errdetail_internal("%s", precheck_describe_half(half))));
	}
	catalog_progress_delete(state->environment, NULL);
}

/*
 * Say that a run begins, until runner_end().  No run begins within one, so that
 * there is nothing to be saved.
 */
void
runner_begin(void)
{
	in_progress = true;
}

/*
 * Say that it has ended, in whatever way.
 */
void
runner_end(void)
{
	in_progress = false;
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
 * Run all steps, giving back what the version table's writer holds whatever
 * happens.
 */
static void
run_steps(Run *run, List *plan, bool purge)
{
	run->writer = version_begin_write(run->state->environment);
	step_check_width(run, plan);

	runner_begin();
	PG_TRY();
	{
		if (purge)
			version_purge(run->writer, list_length(run->state->rows));
		for (int i = 0; i < list_length(plan); i++)
			run_step(run, list_nth(plan, i));
		check_version_rows(run);
	}
	PG_FINALLY();
	{
		runner_end();
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
	LogEntry	entry;

	CHECK_FOR_INTERRUPTS();
	step_announce(run, step);
	step_begin(run, step, &entry);

	if (step->direction != DIRECTION_STAMP)
	{
		StoredRevision *stored;
		Script	   *script = precheck_fetch_script(state, step, &stored);

		step_describe_script(run, stored, &entry);
		entry.statements = execute_script(script,
										  state->environment->search_path);
	}
	else if (step->revision >= 0)
		entry.checksum = catalog_fetch(state->environment,
									   entry.revision)->checksum;

	step_write(run, step, &entry);
	MemoryContextSwitchTo(caller);
	step_done(run, step);
	MemoryContextDelete(step_memory);
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
 * Say that there was nothing to do, and where the database is.
 */
void
runner_report_nothing(const State *state, Direction direction)
{
	List	   *current = state_ids_in_load_order(state, state->versions);
	const char *half = direction == DIRECTION_STAMP ? NULL : half_done(state);

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
							 textlist_join(current, ", ")),
			 half != NULL ? errdetail_internal("%s", half) : 0));
}

/*
 * What deploys have left half done, as sentences; NULL if nothing.
 */
static char *
half_done(const State *state)
{
	List	   *sentences = NIL;
	ListCell   *lc;

	foreach(lc, catalog_progress(state->environment))
	{
		const Progress *half = lfirst(lc);

		sentences = lappend(sentences,
							psprintf("Revision \"%s\" is half done by a deploy.  %s",
									 half->revision,
									 precheck_describe_half(half)));
	}
	return sentences == NIL ? NULL : textlist_join(sentences, "\n");
}
