/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  The steps of an upgrade or a downgrade.
 *
 * What is applied follows from the versions: they and their ancestors, by
 * down revision or dependency.
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
#include "miscadmin.h"

static List *upgrade_steps(const Graph *graph, List *versions,
						   List *children_first);
static List *downgrade_roots(const Graph *graph, int end, int branch);
static List *downgrade_steps(const Graph *graph, const bool *applied,
							 List *children_first);
static void release_parents(List *parents, int *holders, Step *step);
static Step *make_step(Direction direction, int revision);

/*
 * The steps (Step *) of an upgrade from these versions to a target, oldest
 * first; NIL if it is applied already.  Raises what resolving the target
 * raises, and an error if a version rests on another one.
 */
List *
plan_upgrade(const Graph *graph, List *versions, const char *target)
{
	Target	   *parsed = target_parse(target, TARGET_UPGRADE);
	List	   *targets = walk_upgrade_target(graph, parsed, versions, true);
	bool	   *needed;
	bool	   *applied;

	if (!target_is_current(parsed))
		resolve_check_overlap(graph, targets, false);
	resolve_check_overlap(graph, versions, true);

	needed = graph_ancestors(graph, targets);
	applied = graph_ancestors(graph, versions);
	for (int i = 0; i < graph->nrevisions; i++)
		needed[i] = needed[i] && !applied[i];
	return upgrade_steps(graph, versions,
						 graph_children_first(graph, needed, targets, true));
}

/*
 * The steps (Step *) of a downgrade from these versions to a target, newest
 * first; NIL if nothing above it is applied.  Raises what resolving the target
 * raises, an error if the target is not applied, and one if a version rests on
 * another one.
 */
List *
plan_downgrade(const Graph *graph, List *versions, const char *target)
{
	Target	   *parsed = target_parse(target, TARGET_DOWNGRADE);
	int			branch;
	int			end;
	bool	   *dropped;
	bool	   *applied;
	bool		any = false;

	if (target_is_current(parsed))
		return NIL;
	end = walk_downgrade_target(graph, parsed, versions, true, &branch);
	resolve_check_overlap(graph, versions, true);

	dropped = graph_descendants(graph, downgrade_roots(graph, end, branch));
	applied = graph_ancestors(graph, versions);
	for (int i = 0; i < graph->nrevisions; i++)
	{
		dropped[i] = dropped[i] && applied[i];
		any |= dropped[i];
	}
	if (!any && end != TARGET_BASE && !list_member_int(versions, end))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("Destination %s is not a valid downgrade target from current head(s)",
						target),
				 applied[end] ?
				 errdetail("Nothing above revision \"%s\" is applied, but it is not current itself: other revisions depend on it.",
						   graph->revisions[end]->id) :
				 errdetail("Revision \"%s\" is not applied.",
						   graph->revisions[end]->id),
				 hint_statement("SELECT * FROM migrate_current();")));
	return downgrade_steps(graph, applied,
						   graph_children_first(graph, dropped, versions, true));
}

/*
 * The versions after a step, as a new list.
 */
List *
plan_apply_step(List *versions, const Step *step)
{
	List	   *result = list_difference_int(versions, step->removed);

	return list_concat(result, step->added);
}

/*
 * An upgraded revision takes the place of those of its parents that are
 * versions.  No other version can be below it: the parent in between would be
 * applied already.
 */
static List *
upgrade_steps(const Graph *graph, List *versions, List *children_first)
{
	bool	   *is_version;
	List	   *steps = NIL;
	ListCell   *lc;

	if (children_first == NIL)
		return NIL;
	is_version = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	foreach(lc, versions)
		is_version[lfirst_int(lc)] = true;

	for (int i = list_length(children_first) - 1; i >= 0; i--)
	{
		int			index = list_nth_int(children_first, i);
		Step	   *step = make_step(DIRECTION_UPGRADE, index);

		CHECK_FOR_INTERRUPTS();
		foreach(lc, graph->revisions[index]->parents)
		{
			int			parent = lfirst_int(lc);

			if (!is_version[parent])
				continue;
			step->removed = lappend_int(step->removed, parent);
			is_version[parent] = false;
		}
		step->added = list_make1_int(index);
		is_version[index] = true;
		steps = lappend(steps, step);
	}
	pfree(is_version);
	return steps;
}

/*
 * The lowest revisions that a downgrade to "end" drops: those that revise it,
 * or all bases.  With a branch, where there are several, only those that this
 * branch goes through.
 */
static List *
downgrade_roots(const Graph *graph, int end, int branch)
{
	List	   *roots = end == TARGET_BASE ? graph->bases :
	graph->revisions[end]->children;

	if (branch < 0 || list_length(roots) < 2)
		return roots;
	roots = graph_filter(roots,
						 graph_down_ancestors(graph, list_make1_int(branch)));
	if (roots == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("Not a valid downgrade target from current heads"),
				 errdetail("Nothing that revises the target leads to revision \"%s\" of the branch.",
						   graph->revisions[branch]->id),
				 hint_statement("SELECT * FROM migrate_history();")));
	return roots;
}

/*
 * A downgraded revision leaves behind those of its parents that no other
 * applied revision has as a parent.
 */
static List *
downgrade_steps(const Graph *graph, const bool *applied, List *children_first)
{
	int		   *holders;		/* how many applied children of each kind */
	List	   *steps = NIL;
	ListCell   *lc;

	if (children_first == NIL)
		return NIL;
	holders = (int *) palloc0(graph->nrevisions * sizeof(int));
	for (int i = 0; i < graph->nrevisions; i++)
	{
		if (!applied[i])
			continue;
		foreach(lc, graph->revisions[i]->down)
			holders[lfirst_int(lc)]++;
		foreach(lc, graph->revisions[i]->depends)
			holders[lfirst_int(lc)]++;
	}

	foreach(lc, children_first)
	{
		int			index = lfirst_int(lc);
		Step	   *step = make_step(DIRECTION_DOWNGRADE, index);

		CHECK_FOR_INTERRUPTS();
		step->removed = list_make1_int(index);
		release_parents(graph->revisions[index]->down, holders, step);
		release_parents(graph->revisions[index]->depends, holders, step);
		steps = lappend(steps, step);
	}
	pfree(holders);
	return steps;
}

static void
release_parents(List *parents, int *holders, Step *step)
{
	ListCell   *lc;

	foreach(lc, parents)
	{
		if (--holders[lfirst_int(lc)] == 0)
			step->added = lappend_int(step->added, lfirst_int(lc));
	}
}

static Step *
make_step(Direction direction, int revision)
{
	Step	   *step = (Step *) palloc0(sizeof(Step));

	step->direction = direction;
	step->revision = revision;
	return step;
}
