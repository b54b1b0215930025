/*-------------------------------------------------------------------------
 *
 * rename.h
 *	  The locks that a new name or another schema takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_RENAME_H
#define MIGRATE_LOCKS_RENAME_H

#include "locks/collect.h"

/* in rename.c */
extern void lockrename_statement(LockCollector *collector,
								 const RenameStmt *stmt);
extern void lockrename_schema(LockCollector *collector,
							  const AlterObjectSchemaStmt *stmt);

#endif							/* MIGRATE_LOCKS_RENAME_H */
