/*-------------------------------------------------------------------------
 *
 * look.c
 *	  migrate_current(), migrate_heads(), migrate_branches(),
 *	  migrate_history(), migrate_show(): revisions as rows.
 *
 * Nothing here takes a lock or writes, so that all of it works on a standby
 * and in a read-only transaction.  Lists of revisions that come from the
 * graph are shown newest first where Alembic does so.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/pg_type.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "run/state.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(migrate_current);
PG_FUNCTION_INFO_V1(migrate_heads);
PG_FUNCTION_INFO_V1(migrate_branches);
PG_FUNCTION_INFO_V1(migrate_history);
PG_FUNCTION_INFO_V1(migrate_show);

/* Puts one revision into the columns of a row */
typedef void (*FillRow) (const State *state, const Revision *revision,
						 Datum *values, bool *nulls);

/* enough for the widest row, that of migrate_show() */
#define MAX_COLUMNS 21

static Datum return_revisions(FunctionCallInfo fcinfo, const State *state,
							  List *revisions, FillRow fill, int ncolumns);
static void fill_current(const State *state, const Revision *revision,
						 Datum *values, bool *nulls);
static void fill_head(const State *state, const Revision *revision,
					  Datum *values, bool *nulls);
static void fill_branch_point(const State *state, const Revision *revision,
							  Datum *values, bool *nulls);
static void fill_history(const State *state, const Revision *revision,
						 Datum *values, bool *nulls);
static void fill_detail(const State *state, const Revision *revision,
						Datum *values, bool *nulls);
static Datum revision_array(const State *state, List *revisions);

/*
 * migrate_current(environment)
 */
Datum
migrate_current(PG_FUNCTION_ARGS)
{
	State	   *state = state_read(sqlcall_text(fcinfo, 0));

	state_require_known(state);
	return return_revisions(fcinfo, state,
							resolve_current(state->graph, state->versions),
							fill_current, 4);
}

/*
 * migrate_heads(environment)
 */
Datum
migrate_heads(PG_FUNCTION_ARGS)
{
	State	   *state = state_read(sqlcall_text(fcinfo, 0));

	return return_revisions(fcinfo, state, state->graph->heads, fill_head, 5);
}

/*
 * migrate_branches(environment)
 */
Datum
migrate_branches(PG_FUNCTION_ARGS)
{
	State	   *state = state_read(sqlcall_text(fcinfo, 0));
	List	   *branch_points = NIL;
	ListCell   *lc;

	foreach(lc, state_history(state, NULL))
	{
		if (list_length(state->graph->revisions[lfirst_int(lc)]->children) > 1)
			branch_points = lappend_int(branch_points, lfirst_int(lc));
	}
	return return_revisions(fcinfo, state, branch_points, fill_branch_point, 4);
}

/*
 * migrate_history(range, environment)
 */
Datum
migrate_history(PG_FUNCTION_ARGS)
{
	char	   *range = sqlcall_text(fcinfo, 0);
	State	   *state = state_read(sqlcall_text(fcinfo, 1));

	return return_revisions(fcinfo, state,
							state_history(state, range),
							fill_history, 10);
}

/*
 * migrate_show(revision, environment)
 */
Datum
migrate_show(PG_FUNCTION_ARGS)
{
	char	   *symbol = sqlcall_required_text(fcinfo, 0, "revision");
	State	   *state = state_read(sqlcall_text(fcinfo, 1));

	if (strcmp(symbol, "current") == 0)
		state_require_known(state);
	return return_revisions(fcinfo, state,
							resolve_symbol_or_current(state->graph, symbol,
													  state->versions),
							fill_detail, MAX_COLUMNS);
}

/*
 * Return one row for each revision.
 */
static Datum
return_revisions(FunctionCallInfo fcinfo, const State *state,
				 List *revisions, FillRow fill, int ncolumns)
{
	ReturnSetInfo *rsinfo = sqlcall_begin_rows(fcinfo, ncolumns);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "return_revisions per-row context",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(row_context);
	ListCell   *lc;

	foreach(lc, revisions)
	{
		Datum		values[MAX_COLUMNS] = {0};
		bool		nulls[MAX_COLUMNS] = {0};

		fill(state, state->graph->revisions[lfirst_int(lc)], values, nulls);
		sqlcall_put_row(rsinfo, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

static void
fill_current(const State *state, const Revision *revision,
			 Datum *values, bool *nulls)
{
	sqlcall_set_text(values, nulls, 0, revision->id);
	values[1] = textlist_to_array(revision->down_ids);
	values[2] = BoolGetDatum(revision->children == NIL);
	sqlcall_set_text(values, nulls, 3, revision->message);
}

static void
fill_head(const State *state, const Revision *revision,
		  Datum *values, bool *nulls)
{
	sqlcall_set_text(values, nulls, 0, revision->id);
	values[1] = textlist_to_array(revision->down_ids);
	values[2] = textlist_to_array(revision->branch_labels);
	sqlcall_set_text(values, nulls, 3, revision->message);
	values[4] = BoolGetDatum(revision->dependents != NIL);
}

static void
fill_branch_point(const State *state, const Revision *revision,
				  Datum *values, bool *nulls)
{
	sqlcall_set_text(values, nulls, 0, revision->id);
	values[1] = revision_array(state, revision->children);
	values[2] = textlist_to_array(revision->branch_labels);
	sqlcall_set_text(values, nulls, 3, revision->message);
}

static void
fill_history(const State *state, const Revision *revision,
			 Datum *values, bool *nulls)
{
	sqlcall_set_text(values, nulls, 0, revision->id);
	values[1] = textlist_to_array(revision->down_ids);
	values[2] = textlist_to_array(revision->depends_ids);
	values[3] = textlist_to_array(revision->branch_labels);
	sqlcall_set_text(values, nulls, 4, revision->message);
	values[5] = BoolGetDatum(revision->children == NIL);
	values[6] = BoolGetDatum(list_length(revision->children) > 1);
	values[7] = BoolGetDatum(list_length(revision->down) > 1);
	values[8] = BoolGetDatum(list_member_int(state->versions, revision->index));
	values[9] = TimestampTzGetDatum(revision->create_date);
	nulls[9] = !revision->has_create_date;
}

static void
fill_detail(const State *state, const Revision *revision,
			Datum *values, bool *nulls)
{
	StoredRevision *stored = catalog_fetch(state->environment, revision->id);
	const RevisionFile *file;
	bool	   *applied = graph_ancestors(state->graph, state->versions);

	file = &stored->file;

	sqlcall_set_text(values, nulls, 0, revision->id);
	values[1] = textlist_to_array(revision->down_ids);
	values[2] = textlist_to_array(revision->depends_ids);
	values[3] = textlist_to_array(revision->branch_labels);
	sqlcall_set_text(values, nulls, 4, file->message);
	sqlcall_set_text(values, nulls, 5, file->description);
	sqlcall_set_text(values, nulls, 6, file->upgrade);
	sqlcall_set_text(values, nulls, 7, file->downgrade);
	values[8] = BoolGetDatum(file->upgrade_transactional);
	values[9] = BoolGetDatum(file->downgrade_transactional);
	values[10] = BoolGetDatum(revision->children == NIL);
	values[11] = BoolGetDatum(list_length(revision->children) > 1);
	values[12] = BoolGetDatum(list_length(revision->down) > 1);
	values[13] = BoolGetDatum(list_member_int(state->versions, revision->index));
	values[14] = BoolGetDatum(applied[revision->index]);
	values[15] = revision_array(state, revision->children);
	sqlcall_set_text(values, nulls, 16, stored->origin);
	sqlcall_set_text(values, nulls, 17, file->filename);
	sqlcall_set_text(values, nulls, 18, file->author);
	values[19] = TimestampTzGetDatum(file->create_date);
	nulls[19] = !file->has_create_date;
	sqlcall_set_text(values, nulls, 20, stored->checksum);
}

/*
 * A text[] of the ids of revisions, in load order.
 */
static Datum
revision_array(const State *state, List *revisions)
{
	return textlist_to_array(state_ids_in_load_order(state, revisions));
}
