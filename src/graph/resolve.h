/*-------------------------------------------------------------------------
 *
 * resolve.h
 *	  The identifier grammar: 'head', 'ab12', '-1', 'label@head' and so on.
 *
 * Pure logic, as graph.h.  What cannot be resolved is an error with Alembic's
 * sentence; its detail says why, and its hint how to go on.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_RESOLVE_H
#define MIGRATE_GRAPH_RESOLVE_H

#include "graph/graph.h"

/* in resolve.c */
extern List *resolve_symbol(const Graph *graph, const char *symbol);
extern List *resolve_symbol_or_current(const Graph *graph, const char *symbol,
									   List *versions);
extern int	resolve_one(const Graph *graph, const char *symbol);
extern List *resolve_versions(const Graph *graph, List *rows,
							  const char *version_table);
extern void resolve_check_overlap(const Graph *graph, List *revisions,
								  bool stored);
extern List *resolve_current(const Graph *graph, List *versions);
extern List *resolve_new_heads(const Graph *graph, List *symbols, bool splice);
extern char *resolve_dependency(const Graph *graph, const char *symbol);

#endif							/* MIGRATE_GRAPH_RESOLVE_H */
