/*-------------------------------------------------------------------------
 *
 * constraint.h
 *	  The locks that adding, dropping or validating a constraint takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_CONSTRAINT_H
#define MIGRATE_LOCKS_CONSTRAINT_H

#include "locks/alter.h"

/* in constraint.c */
extern void lockconstraint_add(const LockAlter *alter,
							   const Constraint *constraint);
extern void lockconstraint_drop(const LockAlter *alter,
								const AlterTableCmd *cmd);
extern void lockconstraint_validate(const LockAlter *alter, const char *name);
extern void lockconstraint_references(LockCollector *collector,
									  List *constraints);
extern bool lockconstraint_recurses(Oid relid, const char *name);
extern bool lockconstraint_not_null(Oid relid, const char *column);

#endif							/* MIGRATE_LOCKS_CONSTRAINT_H */
