/*-------------------------------------------------------------------------
 *
 * cycle.c
 *	  Putting the revisions of a graph into an order, and finding its cycles.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/error.h"
#include "graph/graph.h"
#include "miscadmin.h"

static int	file_contexts(const Graph *graph, List *way);
static bool load_order_will_do(const Graph *graph);
static int *sort_parents_first(const Graph *graph, bool depends,
							   int **waiting);
static void release(List *children, int *waiting, int *order, int *norder);
static void report_cycle(const Graph *graph, const int *waiting, bool depends) pg_attribute_noreturn();

/*
 * Set the order of a graph whose parents and children are linked.  Raises an
 * error that names the revisions of a cycle, if there is one.
 */
void
graph_sort(Graph *graph)
{
	int		   *waiting;

	if (load_order_will_do(graph))
		return;

	graph->order = sort_parents_first(graph, true, &waiting);
	if (graph->order != NULL)
	{
		pfree(waiting);
		return;
	}

	/* is it a cycle of down revisions alone? */
	if (graph->has_depends)
	{
		int		   *down_waiting;

		if (sort_parents_first(graph, false, &down_waiting) != NULL)
			report_cycle(graph, waiting, true);
		waiting = down_waiting;
	}
	report_cycle(graph, waiting, false);
}

/*
 * Were all parents loaded before their children?
 */
static bool
load_order_will_do(const Graph *graph)
{
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];
		ListCell   *lc;

		foreach(lc, revision->down)
		{
			if (lfirst_int(lc) > i)
				return false;
		}
		foreach(lc, revision->depends)
		{
			if (lfirst_int(lc) > i)
				return false;
		}
	}
	return true;
}

/*
 * The indexes of all revisions with parents before their children, palloc'd.
 * If there is a cycle, NULL; then those in it, and those that rest on it, are
 * still waiting for a number of parents, which is above zero.
 */
static int *
sort_parents_first(const Graph *graph, bool depends, int **waiting)
{
	int		   *order = (int *) palloc(graph->nrevisions * sizeof(int));
	int			norder = 0;

	*waiting = (int *) palloc(graph->nrevisions * sizeof(int));
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];

		(*waiting)[i] = list_length(revision->down);
		if (depends)
			(*waiting)[i] += list_length(revision->depends);
		if ((*waiting)[i] == 0)
			order[norder++] = i;
	}
	for (int done = 0; done < norder; done++)
	{
		Revision   *revision = graph->revisions[order[done]];

		if ((done & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		release(revision->children, *waiting, order, &norder);
		if (depends)
			release(revision->dependents, *waiting, order, &norder);
	}
	if (norder == graph->nrevisions)
		return order;
	pfree(order);
	return NULL;
}

static void
release(List *children, int *waiting, int *order, int *norder)
{
	ListCell   *lc;

	foreach(lc, children)
	{
		if (--waiting[lfirst_int(lc)] == 0)
			order[(*norder)++] = lfirst_int(lc);
	}
}

/*
 * Name the revisions of a cycle.  Whoever is still waiting has a parent that
 * is waiting too, so going from one to the next must come back at last.
 */
static void
report_cycle(const Graph *graph, const int *waiting, bool depends)
{
	bool	   *seen = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	List	   *way = NIL;
	int			at = 0;
	int			entry = 0;

	while (waiting[at] == 0)
		at++;
	while (!seen[at])
	{
		Revision   *revision = graph->revisions[at];
		List	   *parents = revision->down;
		ListCell   *lc;

		if (depends)
			parents = list_concat_copy(parents, revision->depends);
		seen[at] = true;
		way = lappend_int(way, at);
		foreach(lc, parents)
		{
			if (waiting[lfirst_int(lc)] > 0)
			{
				at = lfirst_int(lc);
				break;
			}
		}
	}

	/* what led to the cycle is no part of it */
	while (list_nth_int(way, entry) != at)
		entry++;
	way = list_copy_tail(way, entry);

	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_INVALID_GRAPH),
			 errmsg("%s is detected in revisions (%s)",
					depends ? "Dependency cycle" : "Cycle",
					graph_names(graph, way)),
			 depends ?
			 errdetail("Each of them has the next one as a down revision or dependency, and the last one has the first.") :
			 errdetail("Each of them has the next one as a down revision, and the last one has the first."),
			 file_contexts(graph, way)));
}

/*
 * Name the files of a cycle that are being loaded.
 */
static int
file_contexts(const Graph *graph, List *way)
{
	ListCell   *lc;

	foreach(lc, way)
		graph_file_context(graph->revisions[lfirst_int(lc)]);
	return 0;
}
