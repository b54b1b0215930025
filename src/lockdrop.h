/*-------------------------------------------------------------------------
 *
 * lockdrop.h
 *	  The locks that dropping something takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKDROP_H
#define MIGRATE_LOCKDROP_H

#include "lockcollect.h"

/* in lockdrop.c */
extern void lockdrop_statement(LockCollector *collector, const DropStmt *stmt);
extern void lockdrop_object(LockCollector *collector,
							const ObjectAddress *object,
							DropBehavior behavior);

#endif							/* MIGRATE_LOCKDROP_H */
