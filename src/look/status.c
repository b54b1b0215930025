/*-------------------------------------------------------------------------
 *
 * status.c
 *	  migrate_status(), migrate_check_heads(), migrate_plan(), migrate_log():
 *	  where a database stands and how it would go on.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/version.h"
#include "funcapi.h"
#include "graph/direction.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "run/runner.h"
#include "run/state.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(migrate_status);
PG_FUNCTION_INFO_V1(migrate_check_heads);
PG_FUNCTION_INFO_V1(migrate_plan);
PG_FUNCTION_INFO_V1(migrate_plan_targets);
PG_FUNCTION_INFO_V1(migrate_log);

#define STATUS_NCOLUMNS 8
#define PLAN_NCOLUMNS 5

static List *pending_revisions(const State *state);
static Datum return_plan(FunctionCallInfo fcinfo, List *targets);

/*
 * migrate_status(environment)
 *
 * What is pending, unknown or changed is reported here, and raised elsewhere.
 */
Datum
migrate_status(PG_FUNCTION_ARGS)
{
	State	   *state = state_read(sqlcall_text(fcinfo, 0));
	List	   *pending = pending_revisions(state);
	Datum		values[STATUS_NCOLUMNS] = {0};
	bool		nulls[STATUS_NCOLUMNS] = {0};
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	sqlcall_check_columns(tupdesc, STATUS_NCOLUMNS);

	sqlcall_set_text(values, nulls, 0, state->environment->name);
	values[1] = textlist_to_array(state_ids_in_load_order(state,
														  resolve_current(state->graph,
																		  state->versions)));
	values[2] = textlist_to_array(state_ids_in_load_order(state,
														  state->graph->heads));
	values[3] = Int32GetDatum(list_length(pending));
	values[4] = BoolGetDatum(pending == NIL && state->graph->nrevisions > 0 &&
							 state_is_consistent(state));
	sqlcall_set_text(values, nulls, 5, version_table_name(state->environment));
	values[6] = textlist_to_array(state_changed(state, true));
	values[7] = textlist_to_array(state->unknown);

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}

/*
 * migrate_check_heads(environment)
 */
Datum
migrate_check_heads(PG_FUNCTION_ARGS)
{
	State	   *state = state_read(sqlcall_text(fcinfo, 0));
	List	   *pending;
	List	   *current;

	state_require_known(state);
	if (state->graph->nrevisions == 0)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_NOT_UP_TO_DATE),
				 errmsg("Target database is not up to date"),
				 errdetail("No revision is loaded in environment \"%s\".",
						   state->environment->name),
				 errhint("Load the revision files first, with migrate_load_directory() or migrate_load_files().")));

	/* raises what an upgrade would raise, as for overlapping rows */
	if (runner_plan(state, DIRECTION_UPGRADE, state->versions,
					list_make1("heads")) == NIL)
		PG_RETURN_BOOL(true);

	pending = pending_revisions(state);
	current = state_ids_in_load_order(state,
									  resolve_current(state->graph,
													  state->versions));
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_NOT_UP_TO_DATE),
			 errmsg("Target database is not up to date"),
			 errdetail_plural("Database is not on all head revisions: it is at %s, the heads are %s, and %d revision is pending.",
							  "Database is not on all head revisions: it is at %s, the heads are %s, and %d revisions are pending.",
							  list_length(pending),
							  current == NIL ? "base" : textlist_quote_join(current),
							  textlist_quote_join(state_ids_in_load_order(state,
																		  state->graph->heads)),
							  list_length(pending)),
			 hint_statement("SELECT migrate_upgrade('heads');")));
	PG_RETURN_BOOL(false);		/* keep compiler quiet */
}

/*
 * migrate_plan(command, target text, versions, environment)
 */
Datum
migrate_plan(PG_FUNCTION_ARGS)
{
	return return_plan(fcinfo,
					   list_make1(sqlcall_required_text(fcinfo, 1, "target")));
}

/*
 * migrate_plan(command, targets text[], versions, environment)
 */
Datum
migrate_plan_targets(PG_FUNCTION_ARGS)
{
	List	   *targets = sqlcall_text_list(fcinfo, 1, "targets");

	if (targets == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"targets\" must name at least one revision")));
	return return_plan(fcinfo, targets);
}

/*
 * migrate_log(revision, max_rows, environment)
 */
Datum
migrate_log(PG_FUNCTION_ARGS)
{
	char	   *symbol = sqlcall_text(fcinfo, 0);
	int			max_rows = PG_ARGISNULL(1) ? PG_INT32_MAX : PG_GETARG_INT32(1);
	Environment *environment = catalog_environment(sqlcall_text(fcinfo, 2));
	Graph	   *graph;
	ReturnSetInfo *rsinfo;

	if (max_rows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_rows\" must not be negative"),
				 errhint("NULL shows all rows.")));

	rsinfo = sqlcall_begin_rows(fcinfo, CATALOG_LOG_NCOLUMNS);
	if (catalog_read_log(environment, symbol, max_rows,
						 rsinfo->setResult, rsinfo->setDesc) > 0 ||
		symbol == NULL || max_rows == 0)
		return (Datum) 0;

	/* no full id of a revision in the log: perhaps a partial one */
	hint_set_environment(environment->name);
	graph = catalog_graph(environment);
	(void) catalog_read_log(environment,
							graph->revisions[resolve_one(graph, symbol)]->id,
							max_rows, rsinfo->setResult, rsinfo->setDesc);
	return (Datum) 0;
}

/*
 * The revisions that are not applied.
 */
static List *
pending_revisions(const State *state)
{
	bool	   *applied = graph_ancestors(state->graph, state->versions);
	List	   *result = NIL;

	for (int i = 0; i < state->graph->nrevisions; i++)
	{
		if (!applied[i])
			result = lappend_int(result, i);
	}
	return result;
}

/*
 * Return the steps of a plan, with the version table after each.
 */
static Datum
return_plan(FunctionCallInfo fcinfo, List *targets)
{
	Direction	direction =
	direction_from_name(sqlcall_required_text(fcinfo, 0, "command"));
	State	   *state = state_read(sqlcall_text(fcinfo, 3));
	List	   *versions;
	List	   *plan;
	ReturnSetInfo *rsinfo;
	MemoryContext step_context;
	MemoryContext caller;
	int			number = 0;
	ListCell   *lc;

	if (direction != DIRECTION_STAMP && list_length(targets) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only a stamp takes several targets")));
	if (PG_ARGISNULL(2))
		state_require_known(state);
	versions = PG_ARGISNULL(2) ? state->versions :
		resolve_versions(state->graph,
						 sqlcall_text_list(fcinfo, 2, "versions"),
						 NULL);
	plan = runner_plan(state, direction, versions, targets);

	rsinfo = sqlcall_begin_rows(fcinfo, PLAN_NCOLUMNS);
	step_context = AllocSetContextCreate(CurrentMemoryContext,
										 "return_plan per-step context",
										 ALLOCSET_DEFAULT_SIZES);
	foreach(lc, plan)
	{
		Step	   *step = lfirst(lc);
		Datum		values[PLAN_NCOLUMNS] = {0};
		bool		nulls[PLAN_NCOLUMNS] = {0};
		Revision   *revision = step->revision < 0 ? NULL :
		state->graph->revisions[step->revision];
		List	   *before = versions;

		versions = plan_apply_step(versions, step);
		if (before != state->versions)
			list_free(before);

		caller = MemoryContextSwitchTo(step_context);
		values[0] = Int32GetDatum(++number);
		sqlcall_set_text(values, nulls, 1,
						 direction_name(step->direction));
		sqlcall_set_text(values, nulls, 2, revision ? revision->id : NULL);
		sqlcall_set_text(values, nulls, 3, revision ? revision->message : NULL);
		values[4] = textlist_to_array(state_ids_in_load_order(state, versions));
		sqlcall_put_row(rsinfo, values, nulls);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	MemoryContextDelete(step_context);
	return (Datum) 0;
}
