/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  The locks that a statement takes, by its kind.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_STATEMENT_H
#define MIGRATE_LOCKS_STATEMENT_H

#include "locks/collect.h"

/* in statement.c */
extern void lockstatement_collect(LockCollector *collector, Node *node);

#endif							/* MIGRATE_LOCKS_STATEMENT_H */
