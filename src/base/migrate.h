/*-------------------------------------------------------------------------
 *
 * migrate.h
 *	  Types that several modules share.  No function is declared here: each
 *	  module has a header of its own.
 *
 * A revision is known by its index in the graph, which is its place in the
 * load order; lists of revisions are integer Lists of such indexes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_MIGRATE_H
#define MIGRATE_BASE_MIGRATE_H

#include "base/compat.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* the environment that is meant where none is named */
#define MIGRATE_DEFAULT_ENVIRONMENT "default"

typedef enum Direction
{
	DIRECTION_UPGRADE,
	DIRECTION_DOWNGRADE,
	DIRECTION_STAMP
} Direction;

/*
 * One revision as the graph sees it: everything but its scripts, which stay
 * in the catalog until they are run.
 */
typedef struct Revision
{
	char	   *id;
	char	   *message;		/* first paragraph of its description, one
								 * line */
	List	   *down_ids;		/* char *: down revisions, as stored */
	List	   *depends_ids;	/* char *: dependencies as stored, ids or
								 * labels */
	List	   *labels;			/* char *: the branch labels written on it */
	char	   *origin;			/* package it came from, or NULL */
	TimestampTz create_date;
	bool		has_create_date;
	bool		changed;		/* scripts are not those that were loaded */
	const char *filename;		/* file that it is being loaded from, for
								 * errors, or NULL */

	/* filled in by graph_build() */
	int			index;			/* place in load order */
	List	   *down;			/* int: down revisions */
	List	   *depends;		/* int: dependencies, resolved from labels */
	List	   *parents;		/* int: down, then normalized dependencies */
	List	   *children;		/* int: revisions that have it as down
								 * revision */
	List	   *dependents;		/* int: revisions that depend on it */
	List	   *branch_labels;	/* char *: own and inherited, as Alembic shows
								 * them, sorted */
} Revision;

/*
 * One step of a plan.  The version table after the step is what it was
 * before, without "removed" and with "added".
 */
typedef struct Step
{
	Direction	direction;
	int			revision;		/* index in the graph; -1 for a stamp to base */
	List	   *removed;		/* int: rows that leave the version table */
	List	   *added;			/* int: rows that enter it */
} Step;

#endif							/* MIGRATE_BASE_MIGRATE_H */
