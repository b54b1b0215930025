/*-------------------------------------------------------------------------
 *
 * lockstatement.h
 *	  The locks that a statement takes, by its kind.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKSTATEMENT_H
#define MIGRATE_LOCKSTATEMENT_H

#include "lockcollect.h"

/* in lockstatement.c */
extern void lockstatement_collect(LockCollector *collector, Node *node);

#endif							/* MIGRATE_LOCKSTATEMENT_H */
