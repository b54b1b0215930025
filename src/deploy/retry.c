/*-------------------------------------------------------------------------
 *
 * retry.c
 *	  What is tried again, and when.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "deploy/deploy.h"

/* the pause doubles with each try, up to a limit; in milliseconds */
#define FIRST_PAUSE 100
#define LONGEST_PAUSE 10000

/*
 * Is this an error that may go away when other sessions go on?
 */
bool
deploy_may_retry(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * How long to pause behind so many tries, in milliseconds.
 *
 * Two who were in each other's way must not meet again, so that half of it is
 * left to chance.
 */
long
deploy_backoff(int attempt)
{
	long		pause = attempt > 10 ? LONGEST_PAUSE :
	Min(FIRST_PAUSE << (attempt - 1), LONGEST_PAUSE);

	return pause / 2 + (long) (pg_prng_double(&pg_global_prng_state) * (pause / 2));
}
