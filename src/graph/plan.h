/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  From the revisions in the version table and a target to ordered steps.
 *
 * Pure logic, as graph.h.  A plan holds no more than what each step changes in
 * the version table, so that it stays small on a graph of any size.
 *
 * The invariant: before and after every step, the version table holds the
 * applied revisions that no applied revision has as a down revision or
 * dependency, and nothing else.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_PLAN_H
#define MIGRATE_GRAPH_PLAN_H

#include "graph/graph.h"

/* in plan.c; versions are the rows of the version table, resolved */
extern List *plan_upgrade(const Graph *graph, List *versions,
						  const char *target);
extern List *plan_downgrade(const Graph *graph, List *versions,
							const char *target);
extern List *plan_apply_step(List *versions, const Step *step);

/* in stamp.c */
extern List *plan_stamp(const Graph *graph, List *versions, List *targets);

/* in history.c */
extern bool history_uses_current(const char *range);
extern List *history_range(const Graph *graph, const char *range,
						   List *versions);

#endif							/* MIGRATE_GRAPH_PLAN_H */
