/*-------------------------------------------------------------------------
 *
 * lockrename.h
 *	  The locks that a new name or another schema takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKRENAME_H
#define MIGRATE_LOCKRENAME_H

#include "lockcollect.h"

/* in lockrename.c */
extern void lockrename_statement(LockCollector *collector,
								 const RenameStmt *stmt);
extern void lockrename_schema(LockCollector *collector,
							  const AlterObjectSchemaStmt *stmt);

#endif							/* MIGRATE_LOCKRENAME_H */
