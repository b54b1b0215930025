/*-------------------------------------------------------------------------
 *
 * lanes.h
 *	  The lines to the left of a drawn revision graph.
 *
 * Pure logic, as graph.h.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_LANES_H
#define MIGRATE_GRAPH_LANES_H

#include "graph/graph.h"

typedef struct Lanes Lanes;

/* in lanes.c */
extern Lanes *lanes_begin(const Graph *graph);
extern List *lanes_place(Lanes *lanes, int revision, char mark,
						 const char *text);

#endif							/* MIGRATE_GRAPH_LANES_H */
