/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  Relative targets, and the targets of upgrades and downgrades.
 *
 * Walks follow down revisions only.  They have to be unambiguous: at a branch
 * point going up, or a merge point going down, an error asks which way.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/hint.h"
#include "graph/resolve.h"
#include "graph/target.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static bool *branch_lineage(const Graph *graph, const Target *target);
static int	upgrade_start(const Graph *graph, const Target *target,
						  List *versions, const bool *lineage);
static List *applied_tips(const Graph *graph, List *versions,
						  const bool *lineage);
static int	downgrade_start(const Graph *graph, const Target *target,
							List *versions);
static int	symbol_alone(const Graph *graph, const Target *target);
static void report_too_far(const Graph *graph, const Target *target,
						   int start) pg_attribute_noreturn();
static void report_ambiguous(const Graph *graph, const Target *target, int at,
							 List *ways) pg_attribute_noreturn();

/*
 * Walk the steps of a target from a revision, or up from TARGET_BASE, and
 * return the revision they lead to, or TARGET_BASE.  A lineage confines the
 * way up.
 *
 * Where there is no further to go, a strict walk leads to TARGET_NOWHERE; any
 * other stays at its last revision, or at base.
 */
int
walk_from(const Graph *graph, const Target *target, int start,
		  const bool *lineage, bool strict)
{
	int			at = start;

	for (int i = 0; i < abs(target->steps); i++)
	{
		List	   *ways;

		CHECK_FOR_INTERRUPTS();
		if (target->steps > 0)
		{
			ways = at == TARGET_BASE ? graph->bases :
				graph->revisions[at]->children;
			if (lineage != NULL)
				ways = graph_filter(ways, lineage);
		}
		else if (at == TARGET_BASE)
			ways = NIL;
		else
		{
			ways = graph->revisions[at]->down;
			if (ways == NIL)
			{
				at = TARGET_BASE;
				continue;
			}
		}

		if (ways == NIL)
			return strict ? TARGET_NOWHERE : at;
		if (list_length(ways) > 1)
			report_ambiguous(graph, target, at, ways);
		at = linitial_int(ways);
	}
	return at;
}

/*
 * The revisions that an upgrade from these versions is to apply, as a new
 * list; NIL for base.  strict is as for walk_from().
 */
List *
walk_upgrade_target(const Graph *graph, const Target *target, List *versions,
					bool strict)
{
	bool	   *lineage = NULL;
	int			start;
	int			end;

	if (target_is_current(target))
		return list_copy(versions);
	if (!target->relative)
		return target_resolve(graph, target);

	if (target->steps > 0)
	{
		lineage = branch_lineage(graph, target);
		start = target->symbol == NULL ?
			upgrade_start(graph, target, versions, lineage) :
			symbol_alone(graph, target);
	}
	else
		start = target_resolve_one(graph, target);

	end = walk_from(graph, target, start, lineage, strict);
	if (end < 0)
		report_too_far(graph, target, start);
	return list_make1_int(end);
}

/*
 * Where a downgrade from these versions is to end: a revision, or TARGET_BASE.
 * Sets "branch" to a revision of the only branch that is to be downgraded, or
 * -1.  strict is as for walk_from().
 *
 * With a branch, an absolute target may still be any revision: below it, the
 * branch is one among others.
 */
int
walk_downgrade_target(const Graph *graph, const Target *target, List *versions,
					  bool strict, int *branch)
{
	int			start;
	int			end;

	*branch = -1;
	if (target->branch != NULL)
		*branch = identifier_find_branch(graph, target->branch);

	if (!target->relative)
	{
		if (strcmp(target->symbol, "head") == 0 ||
			strcmp(target->symbol, "heads") == 0)
			return target_resolve_one(graph, target);
		return symbol_alone(graph, target);
	}

	if (target->symbol == NULL)
	{
		start = downgrade_start(graph, target, versions);
		if (target->branch == NULL)
			*branch = start;
		end = walk_from(graph, target, start, NULL, strict);
		if (end == TARGET_NOWHERE)
			report_too_far(graph, target, start);
		return end;
	}

	if (target->steps < 0)
	{
		start = target_resolve_one(graph, target);
		end = walk_from(graph, target, start, NULL, strict);
	}
	else
	{
		start = symbol_alone(graph, target);
		end = walk_from(graph, target, start, branch_lineage(graph, target),
						strict);
	}
	if (end == TARGET_NOWHERE || (start == TARGET_BASE && end == TARGET_BASE))
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_INVALID_WALK),
				 errmsg("Walked too far"),
				 errdetail("Target '%s' leads beyond the %s.", target->text,
						   target->steps < 0 ? "base" : "heads"),
				 hint_statement("SELECT * FROM migrate_history();")));
	return end;
}

static bool *
branch_lineage(const Graph *graph, const Target *target)
{
	if (target->branch == NULL)
		return NULL;
	return graph_lineage(graph, identifier_find_branch(graph, target->branch),
						 false);
}

/*
 * Where '+N' and 'branch@+N' start from: the current revision (of the branch),
 * or else the last applied revision in line with the branch, or else base.
 */
static int
upgrade_start(const Graph *graph, const Target *target, List *versions,
			  const bool *lineage)
{
	List	   *starts = versions;

	if (lineage != NULL)
	{
		starts = graph_filter(versions, lineage);
		if (starts == NIL)
			starts = applied_tips(graph, versions, lineage);
	}
	if (list_length(starts) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_INVALID_WALK),
				 errmsg("Ambiguous upgrade from multiple current revisions"),
				 errdetail("The current revisions are: %s.",
						   graph_names(graph, starts)),
				 hint_statement("Say which one to go up from: SELECT migrate_upgrade(%s);",
								quote_literal_cstr(psprintf("%s%s",
															graph->revisions[linitial_int(starts)]->id,
															target->steps_text)))));
	return starts == NIL ? TARGET_BASE : linitial_int(starts);
}

/*
 * The applied revisions in line with a branch that none of them rests on.
 */
static List *
applied_tips(const Graph *graph, List *versions, const bool *lineage)
{
	List	   *active =
	graph_members(graph, graph_ancestors(graph, versions));
	bool	   *tips;
	ListCell   *lc;

	active = graph_filter(active, lineage);
	tips = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	foreach(lc, active)
		tips[lfirst_int(lc)] = true;
	foreach(lc, active)
	{
		ListCell   *parent;

		foreach(parent, graph->revisions[lfirst_int(lc)]->parents)
			tips[lfirst_int(parent)] = false;
	}
	return graph_members(graph, tips);
}

/*
 * Where '-N' and 'branch@-N' start from: the current revision (of the branch,
 * which may have no row of its own because the current revision of another
 * branch depends on it).
 */
static int
downgrade_start(const Graph *graph, const Target *target, List *versions)
{
	List	   *starts = versions;

	if (target->branch != NULL)
	{
		bool	   *lineage = branch_lineage(graph, target);

		starts = graph_filter(versions, lineage);
		if (starts == NIL)
			starts = graph_filter(resolve_current(graph, versions), lineage);
		if (starts == NIL)
			target_report_steps(target,
								psprintf("No revision of branch '%s' is applied.",
										 target->branch));
		if (list_length(starts) > 1)
			report_ambiguous(graph, target, TARGET_NOWHERE, starts);
	}
	else if (starts == NIL)
		target_report_steps(target, "No revision is applied.");
	else if (list_length(starts) > 1 && target->use == TARGET_DOWNGRADE)
	{
		const char *first = graph->revisions[linitial_int(starts)]->id;

		ereport(WARNING,
				(errmsg("downgrade %s from multiple heads is ambiguous",
						target->text),
				 errdetail("The current revisions are: %s.  The downgrade is that of %s.",
						   graph_names(graph, starts), first),
				 hint_statement("Name it: SELECT migrate_downgrade(%s);",
								quote_literal_cstr(psprintf("%s@%s", first,
															target->steps_text)))));
	}
	return linitial_int(starts);
}

/*
 * What the symbol of a target names, whatever its branch.
 */
static int
symbol_alone(const Graph *graph, const Target *target)
{
	Target		symbol = *target;

	symbol.branch = NULL;
	return target_resolve_one(graph, &symbol);
}

static void
report_too_far(const Graph *graph, const Target *target, int start)
{
	const char *from = start == TARGET_BASE ? "base" :
	psprintf("revision \"%s\"", graph->revisions[start]->id);

	target_report_steps(target,
						psprintf("There are not as many revisions %s %s%s.",
								 target->steps > 0 ? "above" : "below", from,
								 target->branch == NULL ? "" :
								 psprintf(" in line with '%s'", target->branch)));
}

/*
 * There are several ways on from a revision, or from base; or, if that is
 * TARGET_NOWHERE, several current revisions to start from.
 */
static void
report_ambiguous(const Graph *graph, const Target *target, int at, List *ways)
{
	const char *names = graph_names(graph, ways);
	const char *one =
	quote_literal_cstr(graph->revisions[linitial_int(ways)]->id);

	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_INVALID_WALK),
			 errmsg("Ambiguous walk"),
			 at == TARGET_NOWHERE ?
			 errdetail("Branch '%s' has several current revisions: %s.",
					   target->branch, names) :
			 at == TARGET_BASE ?
			 errdetail("There are several bases: %s.", names) :
			 target->steps > 0 ?
			 errdetail("Several revisions revise \"%s\": %s.",
					   graph->revisions[at]->id, names) :
			 errdetail("Revision \"%s\" has several down revisions: %s.",
					   graph->revisions[at]->id, names),
			 target->use == TARGET_UPGRADE ?
			 hint_statement("Name the way: SELECT migrate_upgrade(%s);", one) :
			 target->use == TARGET_DOWNGRADE ?
			 hint_statement("Name the way: SELECT migrate_downgrade(%s);",
							at != TARGET_NOWHERE ? one :
							quote_literal_cstr(psprintf("%s%s",
														graph->revisions[linitial_int(ways)]->id,
														target->steps_text))) :
			 hint_statement("SELECT * FROM migrate_history();")));
}
