/*-------------------------------------------------------------------------
 *
 * walk.h
 *	  Running a statement in batches, along a key.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BATCH_WALK_H
#define MIGRATE_BATCH_WALK_H

#include "script/script.h"

/* What a batch did */
typedef struct BatchResult
{
	int64		rows;			/* rows that the statement changed */
	int64		keys;			/* rows of the table that were passed */
	List	   *cursor;			/* char *: the key, as it is described, and
								 * its values in the last row passed */
	bool		done;			/* there was no row behind it */
} BatchResult;

/* in walk.c */
extern void batch_run(Script *script, const ScriptStatement *statement,
					  const char *search_path, List *cursor, int size,
					  BatchResult *result);
extern int64 batch_estimate(Script *script, const ScriptStatement *statement,
							const char *search_path);

#endif							/* MIGRATE_BATCH_WALK_H */
