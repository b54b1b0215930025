/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  The statements by which an offline script checks that it is run where
 *	  it belongs.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OFFLINE_GUARD_H
#define MIGRATE_OFFLINE_GUARD_H

#include "catalog/records.h"

/* What a guard has to know */
typedef struct Guard
{
	const Environment *environment;
	Direction	direction;
	List	   *expected;		/* char *: the rows that the version table
								 * must hold, in any order */
	const char *target;			/* where the script leads, as it was given */
	bool		create;			/* make the version table if it is missing */
	bool		resumes;		/* not the first guard of the script */
} Guard;

/* in guard.c */
extern char *guard_sql(const Guard *guard);
extern char *guard_do_block(const char *body, const char *tag);

#endif							/* MIGRATE_OFFLINE_GUARD_H */
