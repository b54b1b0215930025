/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  Running one statement at top level, in a background worker.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_WORKER_WORKER_H
#define MIGRATE_WORKER_WORKER_H

#include "base/migrate.h"

/* What a worker is to run, for which revision */
typedef struct WorkerRequest
{
	const char *sql;			/* the one statement */
	List	   *prelude;		/* char *: settings that the script makes
								 * before it */
	const char *search_path;	/* or NULL: that of the caller */
	int			lock_timeout;	/* in milliseconds; -1: that of the caller */
	bool		transactional;	/* it can run in a transaction: record it
								 * there as done */
	const char *environment;
	const char *revision;
	Direction	direction;
	const char *hash;			/* of the statement */
	const char *deploy_id;
	int			statements;		/* in the script */
} WorkerRequest;

/* What is known of the statement when worker_run() is left */
typedef enum WorkerOutcome
{
	WORKER_NOT_STARTED,			/* no worker was started for it */
	WORKER_UNKNOWN,				/* the worker is gone without a word, or was
								 * ended: it may or may not have been done */
	WORKER_FAILED,				/* its error was reported, and rolled back */
	WORKER_DONE
} WorkerOutcome;

/*
 * Called about once a second while the worker runs, with its process id.  May
 * run SQL, commit, and raise an error, which ends the worker; must leave no
 * snapshot behind, and no lock that the statement could wait for.
 */
typedef void (*worker_watch) (int worker_pid, void *arg);

/* in worker.c */
extern void worker_run(const WorkerRequest *request, worker_watch watch,
					   void *arg, WorkerOutcome *outcome);

#endif							/* MIGRATE_WORKER_WORKER_H */
