/*-------------------------------------------------------------------------
 *
 * state.c
 *	  An environment as it stands: its revisions and what is applied.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/textlist.h"
#include "catalog/version.h"
#include "commands/extension.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "miscadmin.h"
#include "run/lock.h"
#include "run/runner.h"
#include "run/state.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

static void read_state(State *state);
static int	compare_index(const ListCell *a, const ListCell *b);

/*
 * Read an environment in order to look at it.
 *
 * Takes no lock.  A row of the version table that no revision matches is no
 * error here, so that there is always a way to see what is wrong.
 */
State *
state_read(const char *environment)
{
	State	   *state = palloc0(sizeof(State));

	state->environment = catalog_environment(environment);
	hint_set_environment(state->environment->name);
	read_state(state);
	return state;
}

/*
 * Read an environment in order to write it, under its run lock, which is held
 * until the end of the transaction.
 *
 * "function" is named in the errors for where nothing may be written:
 * a standby, a read-only transaction, a script of an extension or of a
 * revision, or a transaction whose snapshot may be older than the lock.
 */
State *
state_begin_write(const char *environment, const char *function)
{
	State	   *state = palloc0(sizeof(State));

	state_refuse_unless_writable(function);
	lock_environment(environment ? environment : MIGRATE_DEFAULT_ENVIRONMENT);

	/* only now: whoever held the lock may have changed the settings */
	state->environment = catalog_environment(environment);
	hint_set_environment(state->environment->name);
	read_state(state);
	return state;
}

/*
 * Raise an error if an argument that is free text has the name of another
 * environment: somebody has meant that environment, and it must not be this
 * one that is changed.
 */
void
state_refuse_environment_as(const State *state, const char *argument,
							const char *value)
{
	if (strcmp(value, state->environment->name) == 0 ||
		!catalog_environment_exists(value))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" is the name of an environment: \"%s\"",
					argument, value),
			 errdetail("The call is for environment \"%s\".",
					   state->environment->name),
			 errhint("Name the environment as such: environment => %s",
					 quote_literal_cstr(value))));
}

/*
 * Raise an error if the version table holds a row that is no revision.
 */
void
state_require_known(const State *state)
{
	(void) resolve_versions(state->graph, state->rows,
							version_table_name(state->environment));
}

/*
 * The revisions of a range (or NULL), newest first.  Raises an error if the
 * range names the current revisions and one of them is not known.
 */
List *
state_history(const State *state, const char *range)
{
	if (history_uses_current(range))
		state_require_known(state);
	return history_range(state->graph, range, state->versions);
}

/*
 * The ids of revisions, in the order given.
 */
List *
state_ids(const State *state, List *revisions)
{
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, revisions)
		ids = lappend(ids, state->graph->revisions[lfirst_int(lc)]->id);
	return ids;
}

/*
 * The ids of revisions in load order, which is how lists of them are shown.
 */
List *
state_ids_in_load_order(const State *state, List *revisions)
{
	List	   *sorted = list_copy(revisions);

	list_sort(sorted, compare_index);
	return state_ids(state, sorted);
}

/*
 * The ids of the revisions whose scripts were changed by something else than
 * the functions of this extension: they differ from what was loaded, or
 * ("with_log"), if applied, from what the log says was applied.
 */
List *
state_changed(const State *state, bool with_log)
{
	const Graph *graph = state->graph;
	bool	   *applied = NULL;
	List	   *logged = NIL;
	List	   *result = NIL;

	if (with_log)
		logged = catalog_changed_since_applied(state->environment);
	if (logged != NIL)
		applied = graph_ancestors(graph, state->versions);

	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];

		if (revision->changed ||
			(logged != NIL && applied[i] &&
			 textlist_member(logged, revision->id)))
			result = lappend(result, revision->id);
	}
	return result;
}

/*
 * Raise an error if there are such revisions.
 */
void
state_require_unchanged(const State *state, bool with_log)
{
	List	   *changed = state_changed(state, with_log);

	if (changed != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
				 errmsg("revision \"%s\" was changed after it was loaded",
						(char *) linitial(changed)),
				 errdetail_plural("The stored scripts of this revision are not those that were loaded or applied: %s.",
								  "The stored scripts of these revisions are not those that were loaded or applied: %s.",
								  list_length(changed),
								  textlist_quote_join(changed)),
				 hint_statement("Load the original file again with migrate_load(); for a revision that is not applied, migrate_edit() accepts the change.")));
}

/*
 * Raise an error where a function that writes cannot work, or could not be
 * trusted to.
 */
void
state_refuse_unless_writable(const char *function)
{
	char	   *command = psprintf("%s()", function);

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	PreventCommandIfParallelMode(command);

	/* what a script makes would become a member of that extension */
	if (creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be called from an extension's script",
						command),
				 errhint("Call it after CREATE EXTENSION has finished.")));

	if (runner_in_progress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("%s cannot be called from a revision's script",
						command),
				 errhint("Take the call out of the script; to have another revision applied before this one, name it under \"Depends On\".")));

	/*
	 * A transaction snapshot that was taken before the lock was obtained does
	 * not show what its last holder did.
	 */
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s needs a READ COMMITTED transaction", command),
				 errdetail("This transaction has the isolation level %s, in which it could not see what another run did a moment ago.",
						   IsolationIsSerializable() ? "SERIALIZABLE" : "REPEATABLE READ"),
				 IsTransactionBlock() ?
				 errhint("BEGIN ISOLATION LEVEL READ COMMITTED; or, for the session, SET default_transaction_isolation = 'read committed';") :
				 errhint("SET default_transaction_isolation = 'read committed';")));
}

/*
 * Read revisions and version table.
 */
static void
read_state(State *state)
{
	ListCell   *lc;

	state->graph = catalog_graph(state->environment);
	state->rows = version_read(state->environment);
	foreach(lc, state->rows)
	{
		char	   *row = lfirst(lc);
		int			index = graph_find(state->graph, row);

		if (index >= 0)
			state->versions = lappend_int(state->versions, index);
		else
			state->unknown = lappend(state->unknown, row);
	}

	/* the order of rows in a table means nothing */
	list_sort(state->versions, compare_index);
}

/*
 * Does the version table hold what no run leaves there: a row that is no
 * revision, one twice, or a revision and its ancestor?
 */
bool
state_is_consistent(const State *state)
{
	return state->unknown == NIL &&
		list_length(graph_maximal(state->graph, state->versions)) ==
		list_length(state->rows);
}

static int
compare_index(const ListCell *a, const ListCell *b)
{
	return lfirst_int(a) - lfirst_int(b);
}
