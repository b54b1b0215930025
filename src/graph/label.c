/*-------------------------------------------------------------------------
 *
 * label.c
 *	  Which branch labels a revision is shown with.
 *
 * A label belongs to the revision it is written on and to all of its
 * descendants by down revision.  Alembic also shows it on the ancestors, down
 * to the next branch point or merge point, but only if there is neither of
 * them above: what is below a branch that has not split yet belongs to it.
 * The same is done here.
 *
 * Neighbours in the graph mostly have the same labels.  They then share one
 * list, so that many labels on a long graph do not take space for each pair.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "miscadmin.h"

static List *sorted_labels(List *labels);
static int	compare_labels(const ListCell *a, const ListCell *b);
static List *merge_labels(List *a, List *b);
static bool splits_or_merges(const Revision *revision);
static void hand_down(Graph *graph);

/*
 * Fill in the branch labels of all revisions of a graph that has been sorted.
 */
void
graph_inherit_labels(Graph *graph)
{
	CHECK_FOR_INTERRUPTS();
	for (int place = 0; place < graph->nrevisions; place++)
	{
		Revision   *revision = graph->revisions[GRAPH_ORDERED(graph, place)];
		ListCell   *lc;

		revision->branch_labels = sorted_labels(revision->labels);
		foreach(lc, revision->down)
			revision->branch_labels =
			merge_labels(revision->branch_labels,
						 graph->revisions[lfirst_int(lc)]->branch_labels);
	}
	hand_down(graph);
}

/*
 * Hand labels to ancestors.  Coming from above, a revision has labels to hand
 * down if nothing above splits or merges.
 */
static void
hand_down(Graph *graph)
{
	List	  **handed = (List **) palloc0(graph->nrevisions * sizeof(List *));
	bool	   *single = (bool *) palloc0(graph->nrevisions * sizeof(bool));

	for (int place = graph->nrevisions - 1; place >= 0; place--)
	{
		int			index = GRAPH_ORDERED(graph, place);
		Revision   *revision = graph->revisions[index];

		if (splits_or_merges(revision))
			continue;
		single[index] = true;
		if (revision->children != NIL)
		{
			int			child = linitial_int(revision->children);

			single[index] = single[child];
			handed[index] = handed[child];
			revision->branch_labels =
				merge_labels(revision->branch_labels, handed[child]);
		}
		if (single[index])
			handed[index] = merge_labels(handed[index],
										 sorted_labels(revision->labels));
	}
	pfree(handed);
	pfree(single);
}

/*
 * Has a revision several children of any kind, or several down revisions?
 */
static bool
splits_or_merges(const Revision *revision)
{
	int			nchildren = list_length(revision->children);
	int			ndependents = list_length(revision->dependents);

	/* a child may depend on it as well, and still is only one */
	if (nchildren == 1 && ndependents == 1 &&
		linitial_int(revision->children) == linitial_int(revision->dependents))
		ndependents = 0;
	return nchildren + ndependents > 1 || list_length(revision->down) > 1;
}

static List *
sorted_labels(List *labels)
{
	List	   *result = list_copy(labels);

	list_sort(result, compare_labels);
	return result;
}

static int
compare_labels(const ListCell *a, const ListCell *b)
{
	return strcmp((const char *) lfirst(a), (const char *) lfirst(b));
}

/*
 * The union of two sorted lists; one of them if it holds the other.
 */
static List *
merge_labels(List *a, List *b)
{
	List	   *result = NIL;
	int			i = 0;
	int			j = 0;

	if (b == NIL || a == b)
		return a;
	if (a == NIL)
		return b;

	while (i < list_length(a) || j < list_length(b))
	{
		int			comparison;

		if (i == list_length(a))
			comparison = 1;
		else if (j == list_length(b))
			comparison = -1;
		else
			comparison = compare_labels(list_nth_cell(a, i),
										list_nth_cell(b, j));
		result = lappend(result, comparison <= 0 ?
						 list_nth(a, i) : list_nth(b, j));
		if (comparison <= 0)
			i++;
		if (comparison >= 0)
			j++;
	}
	if (list_length(result) == list_length(a) ||
		list_length(result) == list_length(b))
	{
		List	   *same = list_length(result) == list_length(a) ? a : b;

		list_free(result);
		return same;
	}
	return result;
}
