/*-------------------------------------------------------------------------
 *
 * stamp.c
 *	  The steps of a stamp, which writes the version table and nothing else.
 *
 * A stamp says where the database is.  Every revision it names is a version
 * afterwards, and every version in line with what it names gives way, whether
 * above or below; versions that have nothing to do with it stay.  There is one
 * step for each new version, in the order named; a version that gives way
 * leaves in the first step whose revision is in line with it, or else in the
 * first.  Where no version enters, one step without a revision takes out those
 * that leave.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/hint.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "graph/target.h"

static List *stamp_targets(const Graph *graph, List *targets,
						   bool **concerned, bool *to_base);
static void mark_lineage(const Graph *graph, bool *concerned, int revision);
static bool any_in_line(const Graph *graph, List *revisions, List *candidates);
static List *stamp_steps(const Graph *graph, List *leaving, List *entering);

/*
 * The steps (Step *) of a stamp with these targets (char *); NIL if it changes
 * nothing.  To purge the version table first, pass no versions.
 *
 * Raises what resolving the targets raises, and an error if they name a
 * revision together with one that it rests on.  The versions may be such: that
 * is one of the things a stamp is for.
 */
List *
plan_stamp(const Graph *graph, List *versions, List *targets)
{
	bool	   *concerned;
	bool		to_base;
	List	   *revisions;
	List	   *candidates;
	List	   *after;

	if (list_length(targets) == 1 && linitial(targets) != NULL &&
		strcmp((const char *) linitial(targets), "current") == 0)
		return NIL;

	revisions = stamp_targets(graph, targets, &concerned, &to_base);
	resolve_check_overlap(graph, revisions, false);

	/*
	 * What is in line with a branch that is named, but not with the revision
	 * on it, only gives way if something else does: beside a revision that
	 * has no version yet, it is a version of something else.
	 */
	candidates = graph_filter(versions, concerned);
	if (to_base || any_in_line(graph, revisions, candidates))
		after = list_difference_int(versions, candidates);
	else
		after = list_copy(versions);
	after = graph_maximal(graph, list_concat_unique_int(after, revisions));

	return stamp_steps(graph, list_difference_int(versions, after),
					   list_difference_int(after, versions));
}

/*
 * The revisions that the targets name, as a new list.  Sets "concerned" to all
 * that is in line with them or their branches, dependencies included, and
 * to_base if one of the targets is a base.
 */
static List *
stamp_targets(const Graph *graph, List *targets, bool **concerned,
			  bool *to_base)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (targets == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target revision must not be empty"),
				 hint_statement("To say that nothing is applied: SELECT migrate_stamp('base');")));

	*concerned = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	*to_base = false;
	foreach(lc, targets)
	{
		Target	   *target = target_parse((const char *) lfirst(lc),
										  TARGET_STAMP);
		List	   *revisions = target_resolve(graph, target);
		ListCell   *revision;

		if (!target->relative && strcmp(target->symbol, "base") == 0)
		{
			*to_base = true;
			if (target->branch == NULL)
				memset(*concerned, true, graph->nrevisions * sizeof(bool));
		}
		if (target->branch != NULL)
			mark_lineage(graph, *concerned,
						 identifier_find_branch(graph, target->branch));
		foreach(revision, revisions)
		{
			if (lfirst_int(revision) < 0)
				target_report_steps(target,
									"Counted from one of the heads, that is no revision.");
			mark_lineage(graph, *concerned, lfirst_int(revision));
		}
		result = list_concat_unique_int(result, revisions);
	}
	return result;
}

static void
mark_lineage(const Graph *graph, bool *concerned, int revision)
{
	bool	   *lineage = graph_lineage(graph, revision, true);

	for (int i = 0; i < graph->nrevisions; i++)
		concerned[i] |= lineage[i];
	pfree(lineage);
}

/*
 * Is one of the candidates above or below one of the revisions?
 */
static bool
any_in_line(const Graph *graph, List *revisions, List *candidates)
{
	ListCell   *lc;

	if (candidates == NIL)
		return false;
	foreach(lc, revisions)
	{
		bool	   *lineage = graph_lineage(graph, lfirst_int(lc), true);
		bool		found;

		lineage[lfirst_int(lc)] = false;
		found = graph_filter(candidates, lineage) != NIL;
		pfree(lineage);
		if (found)
			return true;
	}
	return false;
}

static List *
stamp_steps(const Graph *graph, List *leaving, List *entering)
{
	List	   *steps = NIL;
	Step	   *first;
	ListCell   *lc;

	if (leaving == NIL && entering == NIL)
		return NIL;

	foreach(lc, entering)
	{
		Step	   *step = (Step *) palloc0(sizeof(Step));

		step->direction = DIRECTION_STAMP;
		step->revision = lfirst_int(lc);
		step->added = list_make1_int(lfirst_int(lc));
		step->removed = graph_filter(leaving,
									 graph_lineage(graph, lfirst_int(lc), true));
		leaving = list_difference_int(leaving, step->removed);
		steps = lappend(steps, step);
	}

	if (steps == NIL)
	{
		first = (Step *) palloc0(sizeof(Step));
		first->direction = DIRECTION_STAMP;
		first->revision = TARGET_BASE;
		steps = list_make1(first);
	}
	first = (Step *) linitial(steps);
	first->removed = list_concat(first->removed, leaving);
	return steps;
}
