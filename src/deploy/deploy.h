/*-------------------------------------------------------------------------
 *
 * deploy.h
 *	  Deploying online: a transaction for each revision, or for each statement
 *	  or batch of one.
 *
 * All of it runs in a procedure that commits, so that nothing may be kept in
 * a transaction's memory: what lives longer than a transaction is in the
 * memory of the Deploy.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPLOY_DEPLOY_H
#define MIGRATE_DEPLOY_DEPLOY_H

#include "run/step.h"
#include "script/script.h"

/* as uuid_out() writes it */
#define DEPLOY_ID_LENGTH 36

/* How the statements of a script are run */
typedef enum DeployMode
{
	DEPLOY_WHOLE,				/* all in one transaction */
	DEPLOY_STATEMENTS,			/* each in one of its own */
	DEPLOY_TOP_LEVEL			/* each at top level, in a background worker */
} DeployMode;

/* A deploy, from its first step to its last */
typedef struct Deploy
{
	Run			run;
	Direction	direction;
	const char *function;		/* that was called, for messages */
	const char *environment;	/* its name */
	const char *target;
	int			lock_timeout;	/* in milliseconds; -1: that of the session */
	int64		max_wait;		/* in milliseconds */
	char		id[DEPLOY_ID_LENGTH + 1];
	List	   *progress;		/* Progress *: what earlier deploys have done
								 * of revisions */
	MemoryContext memory;
} Deploy;

/* A step of it */
typedef struct DeployStep
{
	Deploy	   *deploy;
	const Step *step;
	const char *revision;
	int			number;			/* of the step, from 1 */
	int			count;			/* of steps */
	Script	   *script;			/* its statements are those in hand */
	List	   *statements;		/* ScriptStatement *: all of them, unless the
								 * script runs as a whole */
	DeployMode	mode;
	LogEntry	entry;
	Progress   *progress;		/* or NULL: nothing was done of it before */
	MemoryContext memory;
} DeployStep;

/*
 * A piece of work that gets a transaction of its own, and another one if it
 * could not have its locks.
 */
typedef struct DeployWork
{
	DeployStep *step;
	List	   *(*locks) (struct DeployWork *work); /* LockNeed *: the locks
													 * to be had before it
													 * runs, or NULL */
	void		(*run) (struct DeployWork *work);
	bool		(*is_done) (struct DeployWork *work, const ErrorData *edata);	/* does this error mean
																				 * that it was done
																				 * before?  Or NULL */
	bool		in_batches;		/* one of several batches */
	bool		once;			/* may have committed a part of it before an
								 * error: not tried again */
	bool		at_top_level;	/* runs in no subtransaction, and without a
								 * snapshot; "locks" is NULL */
	const ScriptStatement *statement;	/* for "run", or NULL */
	void	   *arg;			/* likewise */
} DeployWork;

/* in deploy.c */
extern void deploy_begin_transaction(const Deploy *deploy, bool snapshot);
extern void deploy_commit(void);
extern void deploy_rollback(void);
extern void deploy_refuse_paused(const Deploy *deploy);
extern void deploy_keep_lock(const Deploy *deploy);

/* in work.c */
extern void deploy_work(DeployWork *work);
extern void deploy_look(const Deploy *deploy, void (*function) (void *arg),
						void *arg);

/* in retry.c */
extern bool deploy_may_retry(const ErrorData *edata);
extern long deploy_backoff(int attempt);

/* in script.c */
extern DeployMode deploy_mode(const Script *script, bool marked);
extern void deploy_script(DeployStep *step);

/* in parts.c */
extern void deploy_parts(DeployStep *step);
extern List *deploy_prelude(const DeployStep *step,
							const ScriptStatement *statement);
extern int	deploy_begin_settings(const DeployStep *step,
								  const ScriptStatement *statement);
extern void deploy_record(DeployWork *work);

/* in batch.c */
extern void deploy_batches(DeployStep *step, const ScriptStatement *statement);

/* in leftover.c */
extern const char *deploy_leftovers(DeployStep *step,
									const ScriptStatement *statement,
									const char *sql, List **drop);

/* in worker.c */
extern void deploy_worker(DeployStep *step, const ScriptStatement *statement);

#endif							/* MIGRATE_DEPLOY_DEPLOY_H */
