/*-------------------------------------------------------------------------
 *
 * state.h
 *	  An environment as it stands: its revisions and what is applied.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RUN_STATE_H
#define MIGRATE_RUN_STATE_H

#include "catalog/records.h"

typedef struct State
{
	Environment *environment;
	Graph	   *graph;
	List	   *rows;			/* char *: the version table */
	List	   *versions;		/* int: those rows that are revisions */
	List	   *unknown;		/* char *: those that are not */
} State;

/* in state.c */
extern State *state_read(const char *environment);
extern State *state_begin_write(const char *environment, const char *function);
extern void state_refuse_unless_writable(const char *function);
extern void state_refuse_environment_as(const State *state,
										const char *argument,
										const char *value);
extern void state_require_known(const State *state);
extern List *state_history(const State *state, const char *range);
extern bool state_is_consistent(const State *state);
extern List *state_ids(const State *state, List *revisions);
extern List *state_ids_in_load_order(const State *state, List *revisions);
extern List *state_changed(const State *state, bool with_log);
extern void state_require_unchanged(const State *state, bool with_log);

#endif							/* MIGRATE_RUN_STATE_H */
