/*-------------------------------------------------------------------------
 *
 * graph.c
 *	  Questions about the shape of a revision graph.
 *
 * Sets of revisions are arrays of bool with an element for each revision.
 * They are closed over edges in one pass along an order that has parents
 * first, or backwards along it, which needs neither recursion nor a stack.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

/* how many ids a message lists before it breaks off */
#define GRAPH_NAMES_MAX 20

static bool *set_of(const Graph *graph, List *revisions);
static void mark_all(bool *set, List *revisions);
static void close_upwards(const Graph *graph, bool *set, bool depends);
static void close_downwards(const Graph *graph, bool *set, bool depends);

/*
 * The given revisions and everything that they rest on, by down revision or
 * dependency.  The result of this and of the next three functions is palloc'd
 * and has an element for each revision of the graph.
 */
bool *
graph_ancestors(const Graph *graph, List *revisions)
{
	bool	   *set = set_of(graph, revisions);

	close_downwards(graph, set, true);
	return set;
}

/*
 * The given revisions and their ancestors by down revision alone.
 */
bool *
graph_down_ancestors(const Graph *graph, List *revisions)
{
	bool	   *set = set_of(graph, revisions);

	close_downwards(graph, set, false);
	return set;
}

/*
 * The given revisions and everything that rests on them, by down revision or
 * dependency.
 */
bool *
graph_descendants(const Graph *graph, List *revisions)
{
	bool	   *set = set_of(graph, revisions);

	close_upwards(graph, set, true);
	return set;
}

/*
 * The given revisions and their descendants by down revision alone.
 */
bool *
graph_down_descendants(const Graph *graph, List *revisions)
{
	bool	   *set = set_of(graph, revisions);

	close_upwards(graph, set, false);
	return set;
}

/*
 * The revisions that are in line with one: itself, its ancestors and its
 * descendants, with or without dependencies.  As above, palloc'd.
 */
bool *
graph_lineage(const Graph *graph, int revision, bool depends)
{
	List	   *revisions = list_make1_int(revision);
	bool	   *set = set_of(graph, revisions);
	bool	   *below = set_of(graph, revisions);

	close_upwards(graph, set, depends);
	close_downwards(graph, below, depends);
	for (int i = 0; i < graph->nrevisions; i++)
		set[i] |= below[i];
	pfree(below);
	list_free(revisions);
	return set;
}

/*
 * Those of a list of revisions that are in a set, in the order of the list, as
 * a new list.
 */
List *
graph_filter(List *revisions, const bool *set)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, revisions)
	{
		if (set[lfirst_int(lc)])
			result = lappend_int(result, lfirst_int(lc));
	}
	return result;
}

/*
 * A set as a new list, in load order.
 */
List *
graph_members(const Graph *graph, const bool *set)
{
	List	   *result = NIL;

	for (int i = 0; i < graph->nrevisions; i++)
	{
		if (set[i])
			result = lappend_int(result, i);
	}
	return result;
}

/*
 * Those of the given revisions that no other of them rests on, each once, in
 * the order given, as a new list.
 */
List *
graph_maximal(const Graph *graph, List *revisions)
{
	bool	   *covered = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, revisions)
	{
		Revision   *revision = graph->revisions[lfirst_int(lc)];

		mark_all(covered, revision->down);
		mark_all(covered, revision->depends);
	}
	close_downwards(graph, covered, true);

	foreach(lc, revisions)
	{
		int			index = lfirst_int(lc);

		if (covered[index])
			continue;
		result = lappend_int(result, index);
		covered[index] = true;
	}
	pfree(covered);
	return result;
}

/*
 * The ids of some revisions for a message, palloc'd: "a, b, c", broken off if
 * there are many.
 */
char *
graph_names(const Graph *graph, List *revisions)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, revisions)
	{
		int			place = foreach_current_index(lc);

		if (place > 0)
			appendStringInfoString(&names, ", ");
		if (place == GRAPH_NAMES_MAX)
		{
			appendStringInfoString(&names, "...");
			break;
		}
		appendStringInfoString(&names,
							   graph->revisions[lfirst_int(lc)]->id);
	}
	return names.data;
}

static bool *
set_of(const Graph *graph, List *revisions)
{
	bool	   *set = (bool *) palloc0(graph->nrevisions * sizeof(bool));

	mark_all(set, revisions);
	return set;
}

static void
mark_all(bool *set, List *revisions)
{
	ListCell   *lc;

	foreach(lc, revisions)
		set[lfirst_int(lc)] = true;
}

static void
close_upwards(const Graph *graph, bool *set, bool depends)
{
	CHECK_FOR_INTERRUPTS();
	for (int place = 0; place < graph->nrevisions; place++)
	{
		int			index = GRAPH_ORDERED(graph, place);

		if (!set[index])
			continue;
		mark_all(set, graph->revisions[index]->children);
		if (depends)
			mark_all(set, graph->revisions[index]->dependents);
	}
}

static void
close_downwards(const Graph *graph, bool *set, bool depends)
{
	CHECK_FOR_INTERRUPTS();
	for (int place = graph->nrevisions - 1; place >= 0; place--)
	{
		int			index = GRAPH_ORDERED(graph, place);

		if (!set[index])
			continue;
		mark_all(set, graph->revisions[index]->down);
		if (depends)
			mark_all(set, graph->revisions[index]->depends);
	}
}
