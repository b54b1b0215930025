/*-------------------------------------------------------------------------
 *
 * lock.h
 *	  The run lock: one runner at a time for an environment.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RUN_LOCK_H
#define MIGRATE_RUN_LOCK_H

/* last field of our lock tags: "MG" */
#define LOCK_CLASS 0x4D47

/*
 * Third field: the run lock, and the markers of a session that waits for it,
 * of one that shows how far it is (the second field then is where to look, see
 * deploy/live.c), and of a background worker of the run lock's holder.
 */
#define LOCK_RUN 0
#define LOCK_WAITS_FOR_RUN 1
#define LOCK_LIVE 2
#define LOCK_WORKS_FOR_RUN 3

/* in lock.c */
extern void lock_environment(const char *environment);
extern void lock_environment_for_session(const char *environment,
										 int64 max_wait,
										 void (*between) (void));
extern bool lock_keep_for_session(const char *environment);
extern void lock_keep_for_transaction(const char *environment);
extern void lock_release_session(const char *environment);
extern void lock_mark_worker(const char *environment);
extern void lock_sleep(long milliseconds);

#endif							/* MIGRATE_RUN_LOCK_H */
