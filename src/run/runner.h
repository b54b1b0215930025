/*-------------------------------------------------------------------------
 *
 * runner.h
 *	  Running a plan in the caller's transaction.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RUN_RUNNER_H
#define MIGRATE_RUN_RUNNER_H

#include "run/state.h"

typedef struct RunRequest
{
	Direction	direction;
	const char *environment;	/* NULL: "default" */
	List	   *targets;		/* char *; one, but for a stamp */
	bool		purge;			/* stamp: empty the version table first */
	const char *tag;			/* for the log, or NULL */
} RunRequest;

/* in runner.c */
extern List *runner_run(const RunRequest *request);
extern void runner_begin(void);
extern void runner_end(void);
extern bool runner_in_progress(void);
extern void runner_report_nothing(const State *state, Direction direction);
extern List *runner_plan(const State *state, Direction direction,
						 List *versions, List *targets);

#endif							/* MIGRATE_RUN_RUNNER_H */
