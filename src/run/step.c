/*-------------------------------------------------------------------------
 *
 * step.c
 *	  What belongs to a step besides its script: saying that it begins, the
 *	  version table, the log.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/configuration.h"
#include "base/textlist.h"
#include "graph/direction.h"
#include "graph/plan.h"
#include "run/step.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static char *purge_title(const Run *run, const Step *step);
static void step_context(void *arg);

/*
 * A step in Alembic's words, as they stand in its log.
 */
char *
step_title(const State *state, const Step *step)
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
 * Raise an error if an id of the plan does not fit into the version table.
 */
void
step_check_width(const Run *run, List *plan)
{
	ListCell   *lc;
	ListCell   *added;

	foreach(lc, plan)
	{
		Step	   *step = lfirst(lc);

		foreach(added, step->added)
			version_check_width(run->writer,
								run->state->graph->revisions[lfirst_int(added)]->id);
	}
}

/*
 * Say that a step begins.
 */
void
step_announce(const Run *run, const Step *step)
{
	ereport(NOTICE,
			(errmsg_internal("Running %s",
							 run->purged ? purge_title(run, step) :
							 step_title(run->state, step))));
}

/*
 * Begin the log's entry of a step, in the current memory context.
 */
void
step_begin(const Run *run, const Step *step, LogEntry *entry)
{
	memset(entry, 0, sizeof(LogEntry));
	entry->direction = step->direction;
	entry->tag = run->tag;
	entry->deploy_id = run->deploy_id;
	entry->versions_before = run->purged ? run->purged :
		state_ids_in_load_order(run->state, run->versions);
	entry->started_at = GetCurrentTimestamp();
	if (step->revision >= 0)
		entry->revision = run->state->graph->revisions[step->revision]->id;
}

/*
 * Put into the entry which script is run, and how.
 */
void
step_describe_script(const Run *run, const StoredRevision *stored,
					 LogEntry *entry)
{
	const char *search_path = run->state->environment->search_path;

	entry->checksum = stored->checksum;
	entry->row_security_guard = configuration_row_security_guard;
	entry->search_path = search_path ? search_path :
		pstrdup(GetConfigOption("search_path", false, false));
}

/*
 * Carry a step that was done into the version table and the log, as part of
 * its transaction.
 */
void
step_write(const Run *run, const Step *step, LogEntry *entry)
{
	const State *state = run->state;
	ErrorContextCallback callback;

	callback.callback = step_context;
	callback.arg = entry;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	version_apply(run->writer, state->graph, step);
	error_context_stack = callback.previous;

	entry->versions_after =
		state_ids_in_load_order(state, plan_apply_step(run->versions, step));
	entry->ended_at = GetCurrentTimestamp();
	catalog_log(state->environment, entry);
}

/*
 * Write the log's row of a step that failed, which has changed nothing, when
 * its own transaction is gone.
 */
void
step_log_failure(const Run *run, LogEntry *entry, const LogFailure *failure)
{
	entry->failure = failure;
	entry->versions_after = entry->versions_before;
	entry->ended_at = GetCurrentTimestamp();
	catalog_log(run->state->environment, entry);
	entry->failure = NULL;
}

/*
 * Go on to what the version table is after the step, in the memory context of
 * the run, which has to be the current one.
 */
void
step_done(Run *run, const Step *step)
{
	List	   *versions = plan_apply_step(run->versions, step);

	if (run->versions != run->state->versions)
		list_free(run->versions);
	run->purged = NIL;
	run->versions = versions;
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
