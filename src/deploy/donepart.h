/*-------------------------------------------------------------------------
 *
 * donepart.h
 *	  The part of a script that a deploy has done.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPLOY_DONEPART_H
#define MIGRATE_DEPLOY_DONEPART_H

#include "catalog/records.h"
#include "script/script.h"

/* in donepart.c */
extern char *donepart_hash(const Script *script,
						   const ScriptStatement *statement);
extern void donepart_check(const Script *script, const Progress *progress);
extern bool donepart_walk_changed(const Script *script,
								  const Progress *progress);
extern void donepart_check_file(const Environment *environment,
								const RevisionFile *file);

#endif							/* MIGRATE_DEPLOY_DONEPART_H */
