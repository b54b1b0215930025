/*-------------------------------------------------------------------------
 *
 * live.h
 *	  What a running deploy shows to other sessions.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPLOY_LIVE_H
#define MIGRATE_DEPLOY_LIVE_H

#include "base/migrate.h"
#include "storage/dsm.h"

/* room for a name and for a text; what is longer is cut */
#define LIVE_NAME_SIZE 256
#define LIVE_TEXT_SIZE 512

/* room for a uuid as uuid_out() writes it */
#define LIVE_ID_SIZE 37

/* What a deploy is doing; live_phase_name() has the words */
typedef enum LivePhase
{
	LIVE_STARTING,
	LIVE_WAITING_FOR_RUN,		/* for another run in the environment */
	LIVE_WAITING_FOR_LOCK,		/* between two tries to get its locks */
	LIVE_RUNNING,
	LIVE_BATCH,					/* running batches */
	LIVE_THROTTLED				/* between two batches, to spare others */
} LivePhase;

/* What is shown of a deploy */
typedef struct Live
{
	int			pid;
	Oid			database;
	char		environment[LIVE_NAME_SIZE];
	NameData	role;			/* that called */
	char		deploy_id[LIVE_ID_SIZE];	/* or empty */
	Direction	direction;
	char		target[LIVE_NAME_SIZE];
	char		revision[LIVE_NAME_SIZE];	/* or empty: none yet */
	int			number;			/* of the step, from 1 */
	int			count;			/* of steps */
	int			statement;		/* number of the one in hand, from 1, or 0 */
	int			statements;		/* in the script */
	char		command[LIVE_TEXT_SIZE];	/* what the statement is */
	LivePhase	phase;
	char		detail[LIVE_TEXT_SIZE]; /* for whom or why it waits, or empty */
	int64		rows;			/* done in batches, or -1: there are none */
	int64		estimate;		/* of all rows, or -1: unknown */
	int64		rows_before;	/* done when the statement was begun */
	int			worker_pid;		/* or 0 */
	TimestampTz begun_at;		/* the deploy */
	TimestampTz statement_begun_at;
	TimestampTz rows_begun_at;
	TimestampTz updated_at;		/* all of this */
} Live;

/* in live.c */
extern void live_begin(const char *environment, Direction direction,
					   const char *target, const char *deploy_id);
extern void live_step(const char *revision, int number, int count,
					  int statements);
extern void live_statement(int number, const char *command);
extern void live_phase(LivePhase phase, const char *detail);
extern void live_rows(int64 done, int64 estimate);
extern void live_worker(int pid);
extern void live_end(void);
extern bool live_read(dsm_handle handle, int pid, Live *result);

/* in livelist.c */
extern List *live_deploys(const char *environment);
extern bool live_is_environment(const Live *live, const char *environment);
extern bool live_is_revision(const Live *live, const char *revision);
extern const char *live_phase_name(LivePhase phase);

#endif							/* MIGRATE_DEPLOY_LIVE_H */
