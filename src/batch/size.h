/*-------------------------------------------------------------------------
 *
 * size.h
 *	  How many rows the next batch has.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BATCH_SIZE_H
#define MIGRATE_BATCH_SIZE_H

/* What the batch size depends on; times are in milliseconds */
typedef struct BatchSize
{
	int			min;			/* bounds in rows; max holds if they
								 * contradict */
	int			max;
	double		target;			/* how long a batch ought to take */
	int			size;			/* rows of the next batch */
	double		walk_time;		/* of a row passed, a moving average; 0 before
								 * the first batch */
	double		change_time;	/* of a row changed, likewise */
} BatchSize;

/* in size.c */
extern void batchsize_begin(BatchSize *state, int min, int max,
							double target);
extern void batchsize_next(BatchSize *state, int64 keys, int64 rows,
						   double duration);

#endif							/* MIGRATE_BATCH_SIZE_H */
