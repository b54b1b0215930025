/*-------------------------------------------------------------------------
 *
 * direction.h
 *	  The words for what a command does.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_DIRECTION_H
#define MIGRATE_GRAPH_DIRECTION_H

#include "base/migrate.h"

/* in direction.c */
extern const char *direction_name(Direction direction);
extern Direction direction_from_name(const char *name);

#endif							/* MIGRATE_GRAPH_DIRECTION_H */
