/*-------------------------------------------------------------------------
 *
 * throttle.h
 *	  Whether a walk over a table should wait for others to catch up.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BATCH_THROTTLE_H
#define MIGRATE_BATCH_THROTTLE_H

/* in throttle.c */
extern char *throttle_reason(void);

#endif							/* MIGRATE_BATCH_THROTTLE_H */
