/*-------------------------------------------------------------------------
 *
 * depends.c
 *	  Which dependencies count as parents when steps are put into an order.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

/* how many revisions are looked at in one pass, a bit for each */
#define BATCH_SIZE 64

/* A revision that several others depend on; places are in an order */
typedef struct SharedDepend
{
	int			revision;
	int			first;			/* lowest place of a dependent */
	int			last;			/* highest place of a dependent */
} SharedDepend;

static List **redundant_depends(const Graph *graph);
static int	collect_shared(const Graph *graph, const int *places,
						   SharedDepend *shared);
static int	compare_shared(const void *a, const void *b);
static void look_through(const Graph *graph, const int *places,
						 const SharedDepend *shared, int nshared,
						 uint64 *masks, List **redundant);

/*
 * Add dependencies to the parents of a graph that has been sorted, without
 * those that a revision shares with one of its ancestors by down revision: as
 * that ancestor comes before, they ask for nothing more.
 */
void
graph_normalize_depends(Graph *graph)
{
	List	  **redundant = redundant_depends(graph);

	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];
		ListCell   *lc;

		if (revision->depends == NIL)
			continue;
		revision->parents = list_copy(revision->down);
		foreach(lc, revision->depends)
		{
			int			parent = lfirst_int(lc);

			if (redundant == NULL || !list_member_int(redundant[i], parent))
				revision->parents =
					list_append_unique_int(revision->parents, parent);
		}
	}
}

/*
 * For each revision the dependencies that an ancestor by down revision has
 * too; NULL if no two revisions have a dependency in common.
 */
static List **
redundant_depends(const Graph *graph)
{
	int			n = graph->nrevisions;
	int		   *places = (int *) palloc(n * sizeof(int));
	SharedDepend *shared = (SharedDepend *) palloc(n * sizeof(SharedDepend));
	uint64	   *masks;
	List	  **redundant = NULL;
	int			nshared;

	for (int place = 0; place < n; place++)
		places[GRAPH_ORDERED(graph, place)] = place;
	nshared = collect_shared(graph, places, shared);
	if (nshared > 0)
	{
		/* those whose dependents are near each other go together */
		qsort(shared, nshared, sizeof(SharedDepend), compare_shared);
		masks = (uint64 *) palloc(n * sizeof(uint64));
		redundant = (List **) palloc0(n * sizeof(List *));
		for (int i = 0; i < nshared; i += BATCH_SIZE)
			look_through(graph, places, shared + i,
						 Min(nshared - i, BATCH_SIZE), masks, redundant);
		pfree(masks);
	}
	pfree(shared);
	pfree(places);
	return redundant;
}

static int
collect_shared(const Graph *graph, const int *places, SharedDepend *shared)
{
	int			nshared = 0;

	for (int i = 0; i < graph->nrevisions; i++)
	{
		SharedDepend *depend = &shared[nshared];
		ListCell   *lc;

		if (list_length(graph->revisions[i]->dependents) < 2)
			continue;
		depend->revision = i;
		depend->first = graph->nrevisions;
		depend->last = -1;
		foreach(lc, graph->revisions[i]->dependents)
		{
			depend->first = Min(depend->first, places[lfirst_int(lc)]);
			depend->last = Max(depend->last, places[lfirst_int(lc)]);
		}
		nshared++;
	}
	return nshared;
}

static int
compare_shared(const void *a, const void *b)
{
	return ((const SharedDepend *) a)->first - ((const SharedDepend *) b)->first;
}

/*
 * Go once up the places where a batch of revisions has its dependents, and
 * carry along which of the batch has been depended on.
 */
static void
look_through(const Graph *graph, const int *places, const SharedDepend *shared,
			 int nshared, uint64 *masks, List **redundant)
{
	int			first = shared[0].first;
	int			last = shared[0].last;

	CHECK_FOR_INTERRUPTS();
	for (int i = 1; i < nshared; i++)
		last = Max(last, shared[i].last);
	memset(masks + first, 0, (last - first + 1) * sizeof(uint64));
	for (int i = 0; i < nshared; i++)
	{
		ListCell   *lc;

		foreach(lc, graph->revisions[shared[i].revision]->dependents)
			masks[places[lfirst_int(lc)]] |= UINT64CONST(1) << i;
	}

	for (int place = first; place <= last; place++)
	{
		int			index = GRAPH_ORDERED(graph, place);
		uint64		below = 0;
		uint64		both;
		ListCell   *lc;

		foreach(lc, graph->revisions[index]->down)
		{
			if (places[lfirst_int(lc)] >= first)
				below |= masks[places[lfirst_int(lc)]];
		}
		for (both = below & masks[place]; both != 0; both &= both - 1)
			redundant[index] =
				lappend_int(redundant[index],
							shared[pg_rightmost_one_pos64(both)].revision);
		masks[place] |= below;
	}
}
