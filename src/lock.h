/*-------------------------------------------------------------------------
 *
 * lock.h
 *	  The run lock: one runner at a time for an environment.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCK_H
#define MIGRATE_LOCK_H

/* in lock.c */
extern void lock_environment(const char *environment);

#endif							/* MIGRATE_LOCK_H */
