/*-------------------------------------------------------------------------
 *
 * batch.c
 *	  A statement that runs in batches, each committed with its cursor.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/configuration.h"
#include "base/textlist.h"
#include "batch/batch.h"
#include "batch/size.h"
#include "batch/throttle.h"
#include "batch/walk.h"
#include "deploy/deploy.h"
#include "deploy/donepart.h"
#include "deploy/live.h"
#include "graph/direction.h"
#include "run/lock.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* how long to wait before looking again whether a throttle is off, in ms */
#define THROTTLE_SLEEP 1000

/* A batch, and the walk that it belongs to */
typedef struct BatchWork
{
	DeployStep *step;
	const ScriptStatement *statement;
	BatchResult result;
	BatchSize	size;
	int64		estimate;		/* rows of the table, or -1 */
	char	   *throttle;		/* why to wait, or NULL */
} BatchWork;

static void begin_walk(BatchWork *batch);
static void run_batch(DeployWork *work);
static void look_at_estimate(DeployWork *work);
static void look_at_throttle(void *arg);
static void wait_for_throttle(DeployStep *step, BatchWork *batch);
static void keep_progress(DeployStep *step, const BatchWork *batch);

/*
 * Walk a statement of a step through its table, from where an earlier deploy
 * has left it, and record that it is done.
 */
void
deploy_batches(DeployStep *step, const ScriptStatement *statement)
{
	Progress   *progress = step->progress;
	MemoryContext memory = AllocSetContextCreate(step->memory,
												 "deploy_batches per-batch context",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	DeployWork	work = {step, NULL, run_batch};
	BatchWork	batch = {0};

	work.statement = statement;
	work.arg = &batch;
	work.in_batches = true;
	batch.step = step;
	batch.statement = statement;
	begin_walk(&batch);

	do
	{
		TimestampTz begun_at;

		MemoryContextReset(memory);
		deploy_refuse_paused(step->deploy);
		wait_for_throttle(step, &batch);

		begun_at = GetCurrentTimestamp();
		deploy_work(&work);
		keep_progress(step, &batch);
		live_rows(progress->rows, batch.estimate);

		if (!batch.result.done)
		{
			batchsize_next(&batch.size, batch.result.keys, batch.result.rows,
						   TimestampDifferenceMilliseconds(begun_at,
														   GetCurrentTimestamp()));
			if (configuration_batch_pause > 0)
				lock_sleep(configuration_batch_pause);
		}
	} while (!batch.result.done);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
}

/*
 * Begin a walk, or go on with one where an earlier deploy has left it.
 */
static void
begin_walk(BatchWork *batch)
{
	const Progress *progress = batch->step->progress;
	DeployWork	look = {batch->step, NULL, look_at_estimate};

	look.arg = batch;
	deploy_work(&look);
	batchsize_begin(&batch->size, configuration_batch_min_size,
					configuration_batch_max_size,
					configuration_batch_target_duration);
	if (progress->batch_size > 0)
		batch->size.size = Min(Max(progress->batch_size,
								   configuration_batch_min_size),
							   configuration_batch_max_size);
	live_rows(progress->rows, batch->estimate);
}

/*
 * Analyse the statement, which may have to wait for a lock, and may refuse it.
 */
static void
look_at_estimate(DeployWork *work)
{
	BatchWork  *batch = work->arg;
	DeployStep *step = work->step;
	int			nestlevel = deploy_begin_settings(step, batch->statement);

	batch->estimate = batch_estimate(step->script, batch->statement, NULL);
	AtEOXact_GUC(false, nestlevel);
}

/*
 * Run one batch, and record where it has come to.
 */
static void
run_batch(DeployWork *work)
{
	DeployStep *step = work->step;
	BatchWork  *batch = work->arg;
	Progress	progress = *step->progress;
	const Environment *environment = step->deploy->run.state->environment;
	int			nestlevel;

	live_phase(LIVE_BATCH, NULL);
	nestlevel = deploy_begin_settings(step, work->statement);

	batch_run(step->script, work->statement, NULL, progress.cursor,
			  batch->size.size, &batch->result);
	AtEOXact_GUC(false, nestlevel);
	step->script->current = work->statement;
	if (batch->result.done)
	{
		deploy_record(work);
		return;
	}
	progress.cursor = batch->result.cursor;
	progress.rows += batch->result.keys;
	progress.batches++;
	progress.batch_size = batch->size.size;
	progress.batch_hash = donepart_hash(step->script, work->statement);
	catalog_progress_write(environment, &progress, step->deploy->id);
}

/*
 * What was recorded is committed: go on from there.
 */
static void
keep_progress(DeployStep *step, const BatchWork *batch)
{
	Progress   *progress = step->progress;
	MemoryContext caller;

	if (batch->result.done)
		return;
	caller = MemoryContextSwitchTo(step->memory);
	list_free_deep(progress->cursor);
	progress->cursor = textlist_copy(batch->result.cursor);
	MemoryContextSwitchTo(caller);
	progress->rows += batch->result.keys;
	progress->batches++;
	progress->batch_size = batch->size.size;
}

/*
 * Wait while standbys or the archiver cannot keep up, and say so once for
 * each reason.
 */
static void
wait_for_throttle(DeployStep *step, BatchWork *batch)
{
	bool		said = false;

	for (;;)
	{
		deploy_look(step->deploy, look_at_throttle, batch);
		if (batch->throttle == NULL)
			break;
		live_phase(LIVE_THROTTLED, batch->throttle);
		if (!said)
			ereport(NOTICE,
					(errmsg("revision \"%s\" %s waits between batches",
							step->revision,
							direction_name(step->deploy->direction)),
					 errdetail_internal("%s", batch->throttle)));
		said = true;
		lock_sleep(THROTTLE_SLEEP);
		deploy_refuse_paused(step->deploy);
	}
	if (said)
		live_phase(LIVE_BATCH, NULL);
}

static void
look_at_throttle(void *arg)
{
	BatchWork  *batch = arg;

	batch->throttle = throttle_reason();
}
