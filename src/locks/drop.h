/*-------------------------------------------------------------------------
 *
 * drop.h
 *	  The locks that dropping something takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_DROP_H
#define MIGRATE_LOCKS_DROP_H

#include "locks/collect.h"

/* in drop.c */
extern void lockdrop_statement(LockCollector *collector, const DropStmt *stmt);
extern void lockdrop_object(LockCollector *collector,
							const ObjectAddress *object,
							DropBehavior behavior);

#endif							/* MIGRATE_LOCKS_DROP_H */
