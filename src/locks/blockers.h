/*-------------------------------------------------------------------------
 *
 * blockers.h
 *	  Who keeps a lock from being granted.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_BLOCKERS_H
#define MIGRATE_LOCKS_BLOCKERS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* A session, or a prepared transaction, that is in the way */
typedef struct Blocker
{
	int			pid;			/* 0: a prepared transaction */
	char	   *prepared;		/* its identifier, or NULL */
	char	   *role;			/* NULL: a process of the server's */
	char	   *application;	/* or NULL */
	char	   *state;			/* as in pg_stat_activity, or NULL */
	bool		waits;			/* waits for a lock itself */
	TimestampTz transaction_start;	/* 0: not known, or in no transaction */
	int64		transaction_age_ms; /* or -1 */
	char	   *query;			/* its last one: first 100 characters, on one
								 * line; NULL: not known */
	char	   *backend_xmin;	/* or NULL: holds back no row */
	bool		is_autovacuum;
	bool		prevents_wraparound;	/* and so must not be cancelled */
} Blocker;

/* in blockers.c */
extern List *blockers_of_needs(List *needs);
extern List *blockers_of_pid(int pid);
extern List *blockers_building_index(Oid table);
extern char *blockers_describe(List *blockers);
extern bool blockers_all_younger(List *blockers, TimestampTz since);
extern int	blockers_cancel_autovacuum(List *blockers);

#endif							/* MIGRATE_LOCKS_BLOCKERS_H */
