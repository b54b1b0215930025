/*-------------------------------------------------------------------------
 *
 * author.h
 *	  What the functions that write revisions have in common.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_AUTHOR_AUTHOR_H
#define MIGRATE_AUTHOR_AUTHOR_H

#include "run/state.h"

/* in author.c */
extern void author_check_scripts(const RevisionFile *file, bool from_file);
extern void author_insert(const State *state, const RevisionFile *file,
						  const char *origin);

/* in compare.c */
extern List *compare_files(const RevisionFile *old, const RevisionFile *new);
extern bool compare_ignoring_blanks(const RevisionFile *old,
									const RevisionFile *new);
extern void compare_refuse_applied(const RevisionFile *old,
								   const RevisionFile *new);

#endif							/* MIGRATE_AUTHOR_AUTHOR_H */
