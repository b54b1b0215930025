/*-------------------------------------------------------------------------
 *
 * alter.h
 *	  The locks that ALTER TABLE takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_ALTER_H
#define MIGRATE_LOCKS_ALTER_H

#include "locks/collect.h"

/* An ALTER TABLE statement, as far as its commands have to know it */
typedef struct LockAlter
{
	LockCollector *collector;
	Oid			relid;			/* the table */
	char		relkind;
	LOCKMODE	mode;			/* of the strongest command, for all of them */
	bool		inherits;		/* not ONLY */
} LockAlter;

/* in alter.c */
extern void lockalter_statement(LockCollector *collector,
								AlterTableStmt *stmt);
extern void lockalter_tree(const LockAlter *alter);
extern void lockalter_partitions(const LockAlter *alter);
extern void lockalter_becomes_partition(LockCollector *collector, Oid parent);

#endif							/* MIGRATE_LOCKS_ALTER_H */
