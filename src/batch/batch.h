/*-------------------------------------------------------------------------
 *
 * batch.h
 *	  Statements that a deploy runs in batches: those that call
 *	  migrate_batch().
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BATCH_BATCH_H
#define MIGRATE_BATCH_BATCH_H

#include "script/script.h"

/* in batch.c */
extern bool batch_is_marked(const Script *script,
							const ScriptStatement *statement);
extern List *batch_calls(const ScriptStatement *statement);
extern void batch_refuse_unrunnable(const Script *script);
extern void batch_refuse_statement(const Script *script,
								   const ScriptStatement *statement);

#endif							/* MIGRATE_BATCH_BATCH_H */
