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

#include "base/compat.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/textlist.h"
#include "batch/batch.h"
#include "catalog/version.h"
#include "graph/direction.h"
#include "lib/stringinfo.h"
#include "run/precheck.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static bool in_the_way(const Graph *graph, const Step *step, int half,
					   Direction direction, bool online);
static void refuse_half_done(const State *state, const Step *step,
							 const Progress *half, int index)
			pg_attribute_noreturn();
static char *quoted_list(List *ids);
static const char *first_parent(const Graph *graph, int revision);
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
 * Refuse a plan that would build on, or take the ground from under, what an
 * earlier deploy has left half done.
 *
 * Only a deploy ("online") goes on with such a revision, and only in the
 * direction in which it was begun.
 */
void
precheck_progress(const State *state, List *plan, List *progress, bool online)
{
	ListCell   *lc;

	foreach(lc, progress)
	{
		const Progress *half = lfirst(lc);
		int			index = graph_find(state->graph, half->revision);
		ListCell   *cell;

		if (index < 0)
			continue;
		foreach(cell, plan)
		{
			const Step *step = lfirst(cell);

			if (in_the_way(state->graph, step, index, half->direction, online))
				refuse_half_done(state, step, half, index);
		}
	}
}

/*
 * Does a step meet a revision that is half done in this direction?
 */
static bool
in_the_way(const Graph *graph, const Step *step, int half,
		   Direction direction, bool online)
{
	if (step->revision == half)
		return !online || step->direction != direction;
	if (step->direction == direction)
		return false;
	if (direction == DIRECTION_UPGRADE)
		return graph_ancestors(graph, list_make1_int(half))[step->revision];
	return graph_descendants(graph, list_make1_int(half))[step->revision];
}

static void
refuse_half_done(const State *state, const Step *step, const Progress *half,
				 int index)
{
	const Graph *graph = state->graph;
	bool		is_upgrade = half->direction == DIRECTION_UPGRADE;
	char	   *finish = is_upgrade ?
	psprintf("CALL migrate_deploy(%s);", quote_literal_cstr(half->revision)) :
	psprintf("CALL migrate_rollback(%s);",
			 quote_literal_cstr(script_undo_target(half->revision,
												   first_parent(graph, index))));
	List	   *rows = state_ids_in_load_order(state, state->versions);

	if (step->revision == index && step->direction == half->direction)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is half done by a deploy, which has to finish it",
						half->revision),
				 errdetail_internal("%s", precheck_describe_half(half)),
				 hint_statement("%s", finish)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s revision \"%s\" while the %s of revision \"%s\" is half done",
					direction_name(step->direction),
					graph->revisions[step->revision]->id,
					direction_name(half->direction), half->revision),
			 errdetail_internal("%s", precheck_describe_half(half)),
			 hint_statement("Finish it: %s  Or undo by hand what is done of it, and have that forgotten: SELECT migrate_stamp(%s%s%s);",
							finish,
							rows == NIL ? "'base'" : "ARRAY[",
							rows == NIL ? "" : quoted_list(rows),
							rows == NIL ? "" : "]")));
}

/*
 * Say how much of a revision is done, as a sentence.
 */
char *
precheck_describe_half(const Progress *half)
{
	if (half->cursor != NIL)
		return psprintf("%d of the %d statements of its %s script are done, and the next one has passed " INT64_FORMAT " rows.",
						list_length(half->hashes), half->statements,
						direction_name(half->direction), half->rows);
	return psprintf("%d of the %d statements of its %s script are done.",
					list_length(half->hashes), half->statements,
					direction_name(half->direction));
}

/*
 * Raise an error if a deploy has done a part of a revision that is to be
 * "what".
 */
void
precheck_not_half_done(const State *state, const char *revision,
					   const char *what)
{
	ListCell   *lc;

	foreach(lc, catalog_progress(state->environment))
	{
		const Progress *half = lfirst(lc);
		List	   *rows = state_ids_in_load_order(state, state->versions);

		if (strcmp(half->revision, revision) != 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" cannot be %s while it is half done",
						revision, what),
				 errdetail_internal("%s", precheck_describe_half(half)),
				 hint_statement("Undo by hand what is done of it, and have that forgotten: SELECT migrate_stamp(%s%s%s);",
								rows == NIL ? "'base'" : "ARRAY[",
								rows == NIL ? "" : quoted_list(rows),
								rows == NIL ? "" : "]")));
	}
}

/* ids as literals, separated by commas */
static char *
quoted_list(List *ids)
{
	List	   *literals = NIL;
	ListCell   *lc;

	foreach(lc, ids)
		literals = lappend(literals, quote_literal_cstr(lfirst(lc)));
	return textlist_join(literals, ", ");
}

/*
 * Refuse, before anything runs, what could not be run to its end: "online" as
 * a deploy runs it, else in the transaction of the caller.
 */
void
precheck_scripts(const State *state, List *plan, bool online)
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
		if (online)
			batch_refuse_unrunnable(script);
		else
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
	Script	   *script;

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
	script = script_parse(text, id, step->direction);
	script->parent = first_parent(state->graph, step->revision);
	return script;
}

/*
 * One of the revisions that a revision is based on, or NULL if there is none.
 */
static const char *
first_parent(const Graph *graph, int revision)
{
	List	   *parents = graph->revisions[revision]->down_ids;

	return parents == NIL ? NULL : linitial(parents);
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
