/*-------------------------------------------------------------------------
 *
 * target.h
 *	  Targets taken apart, for resolve.c, plan.c and history.c.
 *
 *		target := [branch '@'] symbol | [branch '@'] [symbol] ('+'|'-') N
 *		symbol := id | start of an id | label | 'head' | 'heads' | 'base'
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_TARGET_H
#define MIGRATE_GRAPH_TARGET_H

#include "graph/graph.h"

/* Where a target can lead to that is no revision */
#define TARGET_BASE		(-1)
#define TARGET_NOWHERE	(-2)	/* beyond base, or above the heads */

/* Who asks, which decides what is allowed and what the hints say */
typedef enum TargetUse
{
	TARGET_UPGRADE,
	TARGET_DOWNGRADE,
	TARGET_STAMP,
	TARGET_REVISION,			/* heads of a new revision */
	TARGET_SHOW,
	TARGET_RANGE_START,
	TARGET_RANGE_END
} TargetUse;

typedef struct Target
{
	const char *text;			/* as it was given */
	TargetUse	use;
	char	   *branch;			/* or NULL */
	char	   *symbol;			/* NULL: relative to where one is */
	bool		relative;
	int			steps;			/* relative: how far, negative is down */
	char	   *steps_text;		/* relative: sign and number as given */
} Target;

/* in target.c */
extern Target *target_parse(const char *text, TargetUse use);
extern bool target_is_current(const Target *target);
extern List *target_resolve(const Graph *graph, const Target *target);
extern int	target_resolve_one(const Graph *graph, const Target *target);
extern void target_report_steps(const Target *target, const char *detail) pg_attribute_noreturn();

/* in identifier.c */
extern int	identifier_find(const Graph *graph, const char *identifier,
							const char *branch);
extern int	identifier_find_branch(const Graph *graph, const char *branch);
extern void identifier_report(const char *identifier, const char *detail) pg_attribute_noreturn();

/* in walk.c */
extern int	walk_from(const Graph *graph, const Target *target, int start,
					  const bool *lineage, bool strict);
extern List *walk_upgrade_target(const Graph *graph, const Target *target,
								 List *versions, bool strict);
extern int	walk_downgrade_target(const Graph *graph, const Target *target,
								  List *versions, bool strict, int *branch);

#endif							/* MIGRATE_GRAPH_TARGET_H */
