/*-------------------------------------------------------------------------
 *
 * maintain.h
 *	  The locks that TRUNCATE, REINDEX and ANALYZE take.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_MAINTAIN_H
#define MIGRATE_LOCKS_MAINTAIN_H

#include "locks/collect.h"

/* in maintain.c */
extern void lockmaintain_truncate(LockCollector *collector,
								  const TruncateStmt *stmt);
extern void lockmaintain_reindex(LockCollector *collector,
								 const ReindexStmt *stmt);
extern void lockmaintain_analyze(LockCollector *collector,
								 const VacuumStmt *stmt);

#endif							/* MIGRATE_LOCKS_MAINTAIN_H */
