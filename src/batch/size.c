/*-------------------------------------------------------------------------
 *
 * size.c
 *	  How many rows the next batch has.
 *
 * Pure logic: numbers in, numbers out.
 *
 * A batch begins small, doubles at most from one to the next, and settles
 * where it takes nine tenths of the time it ought to: from below, since a
 * batch that is too long has done its harm, and one that is a bit too short
 * costs next to nothing.
 *
 * The rows of a table are not alike.  After an interrupted walk whose place
 * was lost, say, a long stretch of rows has nothing left to change; batches
 * grow there until walking alone takes the time, and the first that meets
 * rows to change would be many times too long.  No batch is therefore larger
 * than what could be done in not quite twice the time if all its rows were
 * changed.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "batch/size.h"

/* the part of the time that a batch aims at */
#define AIM 0.9

/* the same if all its rows are changed, and not only as many as before */
#define AIM_ALL_CHANGED 1.8

/* how much a batch counts in the averages */
#define WEIGHT 0.3

/* how much larger a batch is than the one before, at most */
#define GROWTH 2

/* milliseconds for the change of a row, as long as no batch has told */
#define ASSUMED_CHANGE_TIME 0.02

/* milliseconds that a batch takes at least */
#define SHORTEST 0.5

static double average(double old, double latest);

/*
 * The state before the first batch.
 */
void
batchsize_begin(BatchSize *state, int min, int max, double target)
{
	memset(state, 0, sizeof(BatchSize));
	state->min = Min(min, max);
	state->max = max;
	state->target = target;
	state->size = state->min;
}

/*
 * Take note of a batch that passed so many rows, changed so many of them, and
 * took so long; state->size is that of the next one.
 */
void
batchsize_next(BatchSize *state, int64 keys, int64 rows, double duration)
{
	double		size;
	double		change_time;

	if (keys <= 0)
		return;

	/* shorter than what the clock tells apart, or it was set back */
	duration = Max(duration, SHORTEST);

	state->walk_time = average(state->walk_time, duration / keys);

	/*
	 * Of a batch with few changes, most of the time was spent on the other
	 * rows.
	 */
	if (rows > 0 && rows >= keys / 2)
		state->change_time = average(state->change_time, duration / rows);
	change_time = state->change_time > 0 ?
		state->change_time : ASSUMED_CHANGE_TIME;

	size = AIM * state->target / state->walk_time;
	size = Min(size, AIM_ALL_CHANGED * state->target / change_time);
	size = Min(size, (double) GROWTH * state->size);
	size = Min(size, (double) state->max);
	state->size = (int) Max(size, (double) state->min);
}

/*
 * The average with the latest value in it.  One that is worse than the
 * average counts alone, so that batches shrink at once.
 */
static double
average(double old, double latest)
{
	if (old <= 0 || latest > old)
		return latest;
	return old + WEIGHT * (latest - old);
}
