/*-------------------------------------------------------------------------
 *
 * relation.h
 *	  Taking the locks that a script needs before it runs.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_RELATION_H
#define MIGRATE_LOCKS_RELATION_H

#include "locks/needs.h"

/* in relation.c */
extern bool relationlock_try(List *needs);
extern void relationlock_wait(List *needs);

#endif							/* MIGRATE_LOCKS_RELATION_H */
