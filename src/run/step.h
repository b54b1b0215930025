/*-------------------------------------------------------------------------
 *
 * step.h
 *	  What belongs to a step besides its script: saying that it begins, the
 *	  version table, the log.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RUN_STEP_H
#define MIGRATE_RUN_STEP_H

#include "catalog/version.h"
#include "run/state.h"

/* A run, from step to step */
typedef struct Run
{
	State	   *state;
	VersionWriter *writer;
	List	   *versions;		/* int: the version table as it stands */
	List	   *purged;			/* char *: rows that a purge took out of it,
								 * until a step has told of them */
	const char *tag;			/* for the log, or NULL */
	const char *deploy_id;		/* likewise */
} Run;

/* in step.c */
extern char *step_title(const State *state, const Step *step);
extern void step_check_width(const Run *run, List *plan);
extern void step_announce(const Run *run, const Step *step);
extern void step_begin(const Run *run, const Step *step, LogEntry *entry);
extern void step_describe_script(const Run *run, const StoredRevision *stored,
								 LogEntry *entry);
extern void step_write(const Run *run, const Step *step, LogEntry *entry);
extern void step_log_failure(const Run *run, LogEntry *entry,
							 const LogFailure *failure);
extern void step_done(Run *run, const Step *step);

#endif							/* MIGRATE_RUN_STEP_H */
