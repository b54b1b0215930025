/*-------------------------------------------------------------------------
 *
 * relationlock.h
 *	  Taking the locks that a script needs before it runs.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RELATIONLOCK_H
#define MIGRATE_RELATIONLOCK_H

#include "lockneeds.h"

/* in relationlock.c */
extern bool relationlock_try(List *needs);
extern void relationlock_wait(List *needs);

#endif							/* MIGRATE_RELATIONLOCK_H */
