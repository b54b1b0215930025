/*-------------------------------------------------------------------------
 *
 * precheck.c
 *	  What a run refuses, or warns of, before its first statement.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "error.h"
#include "hint.h"
#include "lib/stringinfo.h"
#include "precheck.h"
#include "textlist.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "version.h"

static char *irreversible_hint(const State *state, int revision);

/*
 * Refuse to empty the version table where no revision is loaded that could
 * take the place of its rows, unless that is what the target says.
 */
void
precheck_purge(const State *state, List *targets)
{
	if (state->graph->nrevisions == 0 && state->rows != NIL &&
		strcmp(linitial(targets), "base") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no revision is loaded that could be stamped"),
				 errdetail("The version table %s holds %s, which a purge would delete.",
						   version_table_name(state->environment),
						   textlist_quote_join(state->rows)),
				 errhint("Load the revision files first, with migrate_load_directory() or migrate_load_files().")));
}

/*
 * Warn if the version table is not there although the log says that revisions
 * were applied: what is run now may have been run before.
 */
void
precheck_version_table(const State *state)
{
	List	   *logged;

	if (state->rows != NIL ||
		OidIsValid(version_find_table(state->environment)))
		return;
	logged = catalog_last_versions(state->environment);
	if (logged != NIL)
		ereport(WARNING,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s does not exist, but the log says that revisions were applied",
						version_table_name(state->environment)),
				 errdetail("According to the log the database is at %s.",
						   textlist_quote_join(logged)),
				 hint_statement("If it still is, SELECT migrate_stamp(ARRAY['%s']);",
								textlist_join(logged, "', '"))));
}

/*
 * Refuse, before anything runs, what could not be run to its end.
 */
void
precheck_scripts(const State *state, List *plan)
{
	MemoryContext step_memory = AllocSetContextCreate(CurrentMemoryContext,
													  "precheck_scripts per-step context",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(step_memory);
	ListCell   *lc;

	foreach(lc, plan)
	{
		Step	   *step = lfirst(lc);
		StoredRevision *stored;
		Script	   *script = precheck_fetch_script(state, step, &stored);

		script_refuse_unrunnable(script);
		script_refuse_nontransactional(script,
									   step->direction == DIRECTION_UPGRADE ?
									   !stored->file.upgrade_transactional :
									   !stored->file.downgrade_transactional);
		MemoryContextReset(step_memory);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(step_memory);
}

/*
 * Read and parse the script of a step, which must not be a stamp, and hand out
 * its revision too; both are in the current memory context.
 *
 * Raises an error if there is no script to downgrade with, if the script was
 * changed behind our back, and for one that does not parse.
 */
Script *
precheck_fetch_script(const State *state, const Step *step, StoredRevision **stored)
{
	const char *id = state->graph->revisions[step->revision]->id;
	StoredRevision *revision = catalog_fetch(state->environment, id);
	const char *text;

	text = step->direction == DIRECTION_UPGRADE ?
	revision->file.upgrade : revision->file.downgrade;

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_IRREVERSIBLE),
				 errmsg("revision \"%s\" cannot be downgraded", id),
				 errdetail("It has no downgrade script."),
				 hint_statement("%s", irreversible_hint(state, step->revision))));

	/* somebody may have been at the table since state_require_unchanged() */
	if (strcmp(revision->checksum, revision->loaded_checksum) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
				 errmsg("revision \"%s\" was changed after it was loaded", id),
				 errdetail("Its stored scripts were changed while this run was under way.")));

	*stored = revision;
	return script_parse(text, id, step->direction);
}

/*
 * What to do about a revision that cannot be downgraded: once nothing above
 * it is applied and its changes are undone by hand, the version table holds
 * the heads of what remains.
 */
static char *
irreversible_hint(const State *state, int revision)
{
	const Graph *graph = state->graph;
	const char *id = graph->revisions[revision]->id;
	bool	   *remaining = graph_ancestors(graph, state->versions);
	bool	   *above = graph_descendants(graph, list_make1_int(revision));
	List	   *rows;
	StringInfoData buf;
	ListCell   *lc;

	for (int i = 0; i < graph->nrevisions; i++)
		remaining[i] = remaining[i] && !above[i];
	rows = graph_maximal(graph, graph_members(graph, remaining));

	initStringInfo(&buf);
	if (!list_member_int(state->versions, revision))
		appendStringInfo(&buf, "Downgrade to it first: SELECT migrate_downgrade(%s);  ",
						 quote_literal_cstr(id));
	appendStringInfoString(&buf, "Undo its changes by hand, then: SELECT migrate_stamp(");
	if (rows == NIL)
		appendStringInfoString(&buf, "'base'");
	else
	{
		appendStringInfoString(&buf, "ARRAY[");
		foreach(lc, rows)
			appendStringInfo(&buf, "%s%s", lc == list_head(rows) ? "" : ", ",
							 quote_literal_cstr(graph->revisions[lfirst_int(lc)]->id));
		appendStringInfoString(&buf, "], purge => true");
	}
	appendStringInfoString(&buf, ");");
	return buf.data;
}
