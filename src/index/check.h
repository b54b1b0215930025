/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Whether an index that is to be built is there already.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_INDEX_CHECK_H
#define MIGRATE_INDEX_CHECK_H

#include "nodes/parsenodes.h"

typedef enum IndexState
{
	INDEX_ABSENT,				/* nothing of that name, or of that definition */
	INDEX_INVALID,				/* left by a build that failed */
	INDEX_SAME,					/* valid, and what the statement makes */
	INDEX_DIFFERENT				/* something else has the name */
} IndexState;

/* in check.c */
extern IndexState indexcheck_state(const IndexStmt *stmt, const char *sql,
								   const char *search_path, char **name,
								   char **difference);

/* in compare.c */
extern List *indexcheck_differences(Oid index, Oid table,
									const IndexStmt *stmt);

/* in invalid.c */
extern List *indexcheck_invalid_indexes(Node *stmt, const char *search_path);
extern char *indexcheck_leftovers(List *names);

#endif							/* MIGRATE_INDEX_CHECK_H */
