/*-------------------------------------------------------------------------
 *
 * rowsecurity.h
 *	  Scripts and row level security.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SCRIPT_ROWSECURITY_H
#define MIGRATE_SCRIPT_ROWSECURITY_H

#include "utils/guc.h"

/* in rowsecurity.c */
extern void rowsecurity_guard(GucAction action);

#endif							/* MIGRATE_SCRIPT_ROWSECURITY_H */
