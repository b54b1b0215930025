/*-------------------------------------------------------------------------
 *
 * configuration.h
 *	  The configuration parameters of deploys.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_CONFIGURATION_H
#define MIGRATE_BASE_CONFIGURATION_H

/* batches: durations in milliseconds, sizes in rows */
extern int	configuration_batch_target_duration;
extern int	configuration_batch_min_size;
extern int	configuration_batch_max_size;
extern int	configuration_batch_pause;

/* what holds a walk up: milliseconds, and WAL segments; 0 is never */
extern int	configuration_max_replay_lag;
extern int	configuration_max_archive_queue;

/* have scripts meet all rows, or an error: see script/rowsecurity.c */
extern bool configuration_row_security_guard;

/* in configuration.c */
extern void configuration_define(void);

#endif							/* MIGRATE_BASE_CONFIGURATION_H */
