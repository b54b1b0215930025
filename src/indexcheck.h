/*-------------------------------------------------------------------------
 *
 * indexcheck.h
 *	  Whether an index that is to be built is there already.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_INDEXCHECK_H
#define MIGRATE_INDEXCHECK_H

#include "nodes/parsenodes.h"

typedef enum IndexState
{
	INDEX_ABSENT,				/* nothing of that name, or of that definition */
	INDEX_INVALID,				/* left by a build that failed */
	INDEX_SAME,					/* valid, and what the statement makes */
	INDEX_DIFFERENT				/* something else has the name */
} IndexState;

/* in indexcheck.c */
extern IndexState indexcheck_state(const IndexStmt *stmt, const char *sql,
								   const char *search_path, char **name,
								   char **difference);

/* in indexcompare.c */
extern List *indexcheck_differences(Oid index, Oid table,
									const IndexStmt *stmt);

/* in indexinvalid.c */
extern List *indexcheck_invalid_indexes(Node *stmt, const char *search_path);
extern char *indexcheck_leftovers(List *names);

#endif							/* MIGRATE_INDEXCHECK_H */
