/*-------------------------------------------------------------------------
 *
 * lockalter.h
 *	  The locks that ALTER TABLE takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKALTER_H
#define MIGRATE_LOCKALTER_H

#include "lockcollect.h"

/* in lockalter.c */
extern void lockalter_statement(LockCollector *collector,
								AlterTableStmt *stmt);
extern void lockalter_references(LockCollector *collector, List *constraints);
extern void lockalter_becomes_partition(LockCollector *collector, Oid parent);
extern bool lockalter_constraint_recurses(Oid relid, const char *name);

#endif							/* MIGRATE_LOCKALTER_H */
