/*-------------------------------------------------------------------------
 *
 * needs.h
 *	  Which locks on existing relations a script will take.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_NEEDS_H
#define MIGRATE_LOCKS_NEEDS_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* A relation and the mode it will be locked in */
typedef struct LockNeed
{
	Oid			relid;
	LOCKMODE	mode;
} LockNeed;

/* in needs.c */
extern List *lockneeds_of_statements(List *statements,
									 const char *search_path);
extern List *lockneeds_foreseen(List *statements, const char *search_path);
extern bool lockneeds_permitted(const LockNeed *need);
extern bool lockneeds_equal(List *a, List *b);

#endif							/* MIGRATE_LOCKS_NEEDS_H */
