/*-------------------------------------------------------------------------
 *
 * order.c
 *	  The order in which steps are taken: children first, branch by branch.
 *
 * The order is Alembic's.  It keeps a list of open branches, each at its next
 * revision, which begins with the heads concerned, in load order.  Going down
 * one branch, a revision is put out and gives its place in the list to its
 * first parent; further parents are added as new branches at the end; where
 * all are there already, the branch is done and the one before it goes on.  A
 * revision that another open branch still leads down to has to wait: the first
 * such branch goes on instead.
 *
 * Alembic holds the set of ancestors of every open branch to see whether a
 * revision has to wait.  Counting the children that have not been put out says
 * the same, without sets.  To find the first branch that leads to a waiting
 * revision, each revision has a lower bound for the place of the first branch
 * that leads to it from above.  As branches only ever leave revisions behind,
 * and new ones get new places at the end, the bounds can only rise: one is
 * made exact when it is asked for, and never lowered again.  The way up that
 * was found is kept, as the same revision mostly waits for several branches.
 *
 * A set that leaves out revisions between two of its members (a range of
 * history may) is ordered with them in mind: they count as children until
 * nothing of the set above them is left.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Branches are numbered by their place in the list, which they keep */
typedef struct OrderState
{
	const Graph *graph;
	const bool *set;			/* what is to be ordered */
	bool	   *pending;		/* not put out yet; those left out as well */
	int		   *blockers;		/* how many children, of each kind, pend */
	int		   *branch;			/* the open branch that is at it, or -1 */
	int		   *bound;			/* no open branch before leads to it from
								 * above */
	int		   *cursor;			/* child to look at first */

	/* the way up that was looked at last */
	int		   *path;
	int			depth;
	int		   *position;		/* of a revision on it */
	int			search;			/* number of the search */
	int		   *exact;			/* search that made its bound exact */

	int			nbranches;		/* open and closed */
	int			last;			/* last open one, or -1 */
	int		   *revision;		/* where it is */
	int		   *previous;		/* open one before it, or -1 */
	int		   *open;			/* itself, or one not after the next open one */
} OrderState;

static void order_init(OrderState *state, const Graph *graph, const bool *set,
					   bool closed);
static void open_branch(OrderState *state, int revision);
static int	close_branch(OrderState *state, int at);
static int	open_rest(OrderState *state);
static bool go_down(OrderState *state, int at);
static void put_out(OrderState *state, int index);
static List *unblock(OrderState *state, List *parents, List *freed);
static int	next_open(OrderState *state, int at);
static int	first_branch_above(OrderState *state, int index);
static void push_path(OrderState *state, int index);
static bool on_path(const OrderState *state, int index);
static int	best_child(OrderState *state, int index, int least);
static int	first_branch_through(const OrderState *state, int index);

/*
 * The members of a set of revisions, children before their parents, as a new
 * list.  starts are the revisions to begin from; those outside of the set do
 * not count.  closed says that the set leaves out no revision that lies
 * between two of its members, which saves looking for them.
 */
List *
graph_children_first(const Graph *graph, const bool *set, List *starts,
					 bool closed)
{
	MemoryContext context;
	MemoryContext caller;
	OrderState	state;
	List	   *result = NIL;
	ListCell   *lc;
	int			at;

	starts = graph_filter(starts, set);
	if (starts == NIL && closed)
		return NIL;
	list_sort(starts, list_int_cmp);

	context = AllocSetContextCreate(CurrentMemoryContext,
									"graph_children_first",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	order_init(&state, graph, set, closed);
	foreach(lc, starts)
	{
		if (state.branch[lfirst_int(lc)] < 0)
			open_branch(&state, lfirst_int(lc));
	}

	at = state.nbranches > 0 ? 0 : open_rest(&state);
	while (at >= 0)
	{
		int			index = state.revision[at];

		CHECK_FOR_INTERRUPTS();
		if (state.blockers[index] > 0)
		{
			/* none leads here only if revisions left out are in between */
			at = first_branch_above(&state, index);
			if (at < 0)
				at = open_rest(&state);
			continue;
		}

		MemoryContextSwitchTo(caller);
		result = lappend_int(result, index);
		MemoryContextSwitchTo(context);

		put_out(&state, index);
		if (!go_down(&state, at))
			at = close_branch(&state, at);
		if (at < 0)
			at = open_rest(&state);
	}

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return result;
}

static void
order_init(OrderState *state, const Graph *graph, const bool *set, bool closed)
{
	int			n = graph->nrevisions;

	state->graph = graph;
	state->set = set;
	state->pending = (bool *) palloc(n * sizeof(bool));
	state->blockers = (int *) palloc0(n * sizeof(int));
	state->branch = (int *) palloc(n * sizeof(int));
	state->bound = (int *) palloc0(n * sizeof(int));
	state->cursor = (int *) palloc0(n * sizeof(int));
	state->path = (int *) palloc(n * sizeof(int));
	state->depth = 0;
	state->position = (int *) palloc0(n * sizeof(int));
	state->search = 0;
	state->exact = (int *) palloc0(n * sizeof(int));
	state->nbranches = 0;
	state->last = -1;
	state->revision = (int *) palloc(n * sizeof(int));
	state->previous = (int *) palloc(n * sizeof(int));
	state->open = (int *) palloc(n * sizeof(int));

	if (closed)
		memcpy(state->pending, set, n * sizeof(bool));
	else
		state->pending = graph_ancestors(graph, graph_members(graph, set));

	for (int i = 0; i < n; i++)
	{
		ListCell   *lc;

		state->branch[i] = -1;
		if (!state->pending[i])
			continue;
		foreach(lc, graph->revisions[i]->down)
			state->blockers[lfirst_int(lc)]++;
		foreach(lc, graph->revisions[i]->depends)
			state->blockers[lfirst_int(lc)]++;
	}
}

/*
 * Add a branch at the end of the list.
 */
static void
open_branch(OrderState *state, int revision)
{
	int			at = state->nbranches++;

	state->revision[at] = revision;
	state->branch[revision] = at;
	state->previous[at] = state->last;
	state->open[at] = at;
	state->last = at;
}

/*
 * Take a branch out of the list.  Returns the one to go on with: the one
 * before it, or else the first, or -1 if that was the only one.
 */
static int
close_branch(OrderState *state, int at)
{
	int			previous = state->previous[at];
	int			next;

	state->open[at] = at + 1;
	next = next_open(state, at);
	if (next < state->nbranches)
		state->previous[next] = previous;
	else
		state->last = previous;

	if (previous >= 0)
		return previous;
	return next < state->nbranches ? next : -1;
}

/*
 * Open branches at those members of the set that no other one blocks and no
 * open branch leads to, and return the first of them, or -1 if there are none.
 */
static int
open_rest(OrderState *state)
{
	int			first = -1;

	for (int i = 0; i < state->graph->nrevisions; i++)
	{
		if (!state->set[i] || !state->pending[i] ||
			state->blockers[i] > 0 || state->branch[i] >= 0)
			continue;
		open_branch(state, i);
		if (first < 0)
			first = state->last;
	}
	return first;
}

/*
 * Move a branch down from the revision that was put out to its first parent,
 * and open branches at the others.  False if there is no parent to move to.
 */
static bool
go_down(OrderState *state, int at)
{
	Revision   *revision = state->graph->revisions[state->revision[at]];
	bool		moved = false;
	ListCell   *lc;

	foreach(lc, revision->parents)
	{
		int			parent = lfirst_int(lc);

		if (!state->set[parent] || !state->pending[parent] ||
			state->branch[parent] >= 0)
			continue;
		if (moved)
			open_branch(state, parent);
		else
		{
			state->revision[at] = parent;
			state->branch[parent] = at;
			moved = true;
		}
	}
	return moved;
}

/*
 * Note that a revision has been put out.  What was left out of the set goes as
 * soon as it waits for nothing.
 */
static void
put_out(OrderState *state, int index)
{
	List	   *freed = list_make1_int(index);

	state->branch[index] = -1;
	while (freed != NIL)
	{
		int			done = llast_int(freed);
		Revision   *revision = state->graph->revisions[done];

		freed = list_delete_last(freed);
		state->pending[done] = false;
		freed = unblock(state, revision->down, freed);
		freed = unblock(state, revision->depends, freed);
	}
}

static List *
unblock(OrderState *state, List *parents, List *freed)
{
	ListCell   *lc;

	foreach(lc, parents)
	{
		int			parent = lfirst_int(lc);

		if (--state->blockers[parent] == 0 &&
			state->pending[parent] && !state->set[parent])
			freed = lappend_int(freed, parent);
	}
	return freed;
}

/*
 * The first open branch that is not before a place, or nbranches.  What is
 * passed over is skipped the next time.
 */
static int
next_open(OrderState *state, int at)
{
	int			found = at;

	while (found < state->nbranches && state->open[found] != found)
		found = state->open[found];
	while (at < found)
	{
		int			next = state->open[at];

		state->open[at] = found;
		at = next;
	}
	return found;
}

/*
 * The first open branch that leads to a revision from above, or -1.
 *
 * Going up from it, always to the child with the lowest bound, one arrives at
 * a branch, or at an end.  If that is not the branch that the bound of the
 * revision says, the bounds on the way are raised to it, and another way is
 * tried.
 */
static int
first_branch_above(OrderState *state, int index)
{
	int			bottom;

	/* a way up from below leads through here as well */
	if (!on_path(state, index))
	{
		state->depth = 0;
		push_path(state, index);
	}
	bottom = state->position[index];
	while (!state->pending[state->path[state->depth - 1]])
		state->depth--;

	state->search++;
	for (;;)
	{
		int			least = next_open(state, state->bound[index]);
		int			top = state->path[state->depth - 1];
		int			child;

		CHECK_FOR_INTERRUPTS();
		if (least == state->branch[index])
			least = next_open(state, least + 1);
		state->bound[index] = least;
		if (least == state->nbranches)
			return -1;
		if (on_path(state, state->revision[least]) &&
			state->position[state->revision[least]] > bottom)
			return least;

		child = best_child(state, top, least);
		if (child >= 0 && state->branch[child] != state->bound[top] &&
			state->exact[child] != state->search)
		{
			/* a mere bound of the child's */
			push_path(state, child);
			continue;
		}

		/* the bound is exact */
		if (state->bound[top] == least)
		{
			if (state->branch[child] == least)
				push_path(state, child);
			return least;
		}
		state->exact[top] = state->search;
		if (top != index)
			state->depth--;
	}
}

static void
push_path(OrderState *state, int index)
{
	state->position[index] = state->depth;
	state->path[state->depth++] = index;
}

static bool
on_path(const OrderState *state, int index)
{
	return state->position[index] < state->depth &&
		state->path[state->position[index]] == index;
}

/*
 * Find the child through which, by the bounds, the first branch leads to a
 * revision, and raise the bound of the revision to that.  None before "least"
 * does.  -1 if the revision has no pending child.
 */
static int
best_child(OrderState *state, int index, int least)
{
	Revision   *revision = state->graph->revisions[index];
	int			nchildren = list_length(revision->children);
	int			nall = nchildren + list_length(revision->dependents);
	int			bound = Max(least, next_open(state, state->bound[index]));
	int			first = state->nbranches;
	int			best = -1;

	for (int i = 0; i < nall; i++)
	{
		int			which = (state->cursor[index] + i) % nall;
		int			child;
		int			through;

		child = which < nchildren ?
			list_nth_int(revision->children, which) :
			list_nth_int(revision->dependents, which - nchildren);
		if (!state->pending[child])
			continue;

		/* what leads to the child from above leads here as well */
		state->bound[child] = Max(bound,
								  next_open(state, state->bound[child]));
		through = first_branch_through(state, child);
		if (best < 0 || through < first)
		{
			first = through;
			best = child;
			if (through == bound)
			{
				state->cursor[index] = which;
				break;
			}
		}
	}
	state->bound[index] = first;
	return best;
}

/*
 * The place, by its bound, of the first open branch that is at a revision or
 * leads to it from above.
 */
static int
first_branch_through(const OrderState *state, int index)
{
	if (state->branch[index] >= 0)
		return Min(state->branch[index], state->bound[index]);
	return state->bound[index];
}
