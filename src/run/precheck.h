/*-------------------------------------------------------------------------
 *
 * precheck.h
 *	  What a run refuses, or warns of, before its first statement.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RUN_PRECHECK_H
#define MIGRATE_RUN_PRECHECK_H

#include "run/state.h"
#include "script/script.h"

/* in precheck.c */
extern void precheck_purge(const State *state, List *targets);
extern void precheck_version_table(const State *state);
extern void precheck_scripts(const State *state, List *plan, bool online);
extern void precheck_progress(const State *state, List *plan, List *progress,
							  bool online);
extern char *precheck_describe_half(const Progress *half);
extern void precheck_not_half_done(const State *state, const char *revision,
								   const char *what);
extern Script *precheck_fetch_script(const State *state, const Step *step,
									 StoredRevision **stored);

#endif							/* MIGRATE_RUN_PRECHECK_H */
