/*-------------------------------------------------------------------------
 *
 * graph.h
 *	  The revision graph: building it, and questions about its shape.
 *
 * Pure logic: lists in, lists out, no catalog access.  Results are allocated
 * in the current memory context, and nothing here is changed once it has been
 * built: lists of a revision may be shared with other revisions.
 *
 * Nothing recurses along the graph, whose depth has no bound, and whatever
 * takes time in proportion to its size can be interrupted.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_GRAPH_H
#define MIGRATE_GRAPH_GRAPH_H

#include "base/migrate.h"

typedef struct Graph
{
	int			nrevisions;
	Revision  **revisions;		/* in load order */
	int		   *order;			/* indexes, parents first; NULL if the load
								 * order is such an order */
	bool		has_depends;	/* any dependency in it */
	bool		has_labels;		/* any branch label in it */
	List	   *heads;			/* int: no child by down revision */
	List	   *real_heads;		/* int: no child of either kind */
	List	   *bases;			/* int: no down revision */
	List	   *real_bases;		/* int: neither down revision nor dependency */
	struct nametable_hash *ids; /* id -> index */
	struct nametable_hash *labels;	/* branch label -> index of its revision,
									 * or NULL */
} Graph;

/* the revision at a place in an order that has parents first */
#define GRAPH_ORDERED(graph, place) \
	((graph)->order ? (graph)->order[place] : (place))

/* in build.c */
extern Graph *graph_build(List *revisions);
extern int	graph_find(const Graph *graph, const char *id);
extern int	graph_find_label(const Graph *graph, const char *label);
extern int	graph_file_context(const Revision *revision);
extern void graph_check_identifier(const char *kind, const char *name);

/* in cycle.c */
extern void graph_sort(Graph *graph);

/* in depends.c */
extern void graph_normalize_depends(Graph *graph);

/* in label.c */
extern void graph_inherit_labels(Graph *graph);

/* in graph.c */
extern bool *graph_ancestors(const Graph *graph, List *revisions);
extern bool *graph_down_ancestors(const Graph *graph, List *revisions);
extern bool *graph_descendants(const Graph *graph, List *revisions);
extern bool *graph_down_descendants(const Graph *graph, List *revisions);
extern bool *graph_lineage(const Graph *graph, int revision, bool depends);
extern List *graph_filter(List *revisions, const bool *set);
extern List *graph_members(const Graph *graph, const bool *set);
extern List *graph_maximal(const Graph *graph, List *revisions);
extern char *graph_names(const Graph *graph, List *revisions);

/* in order.c */
extern List *graph_children_first(const Graph *graph, const bool *set,
								  List *starts, bool closed);

#endif							/* MIGRATE_GRAPH_GRAPH_H */
