/*-------------------------------------------------------------------------
 *
 * export.c
 *	  migrate_export(): revision files out again.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "graph/plan.h"
#include "run/state.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(migrate_export);

/*
 * migrate_export(range, origin, environment)
 */
Datum
migrate_export(PG_FUNCTION_ARGS)
{
	char	   *range = sqlcall_text(fcinfo, 0);
	char	   *origin = sqlcall_text(fcinfo, 1);
	State	   *state = state_read(sqlcall_text(fcinfo, 2));
	List	   *revisions;
	ReturnSetInfo *rsinfo;
	MemoryContext row_context;
	MemoryContext caller;

	revisions = state_history(state, range);

	rsinfo = sqlcall_begin_rows(fcinfo, 2);
	row_context = AllocSetContextCreate(CurrentMemoryContext,
										"migrate_export per-row context",
										ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(row_context);
	for (int i = list_length(revisions) - 1; i >= 0; i--)
	{
		Revision   *revision = state->graph->revisions[list_nth_int(revisions, i)];
		StoredRevision *stored;
		Datum		values[2];
		bool		nulls[2] = {false, false};

		if (origin != NULL &&
			(revision->origin == NULL || strcmp(origin, revision->origin) != 0))
			continue;

		stored = catalog_fetch(state->environment, revision->id);
		values[0] = CStringGetTextDatum(stored->file.filename);
		values[1] = CStringGetTextDatum(revfile_text(&stored->file));
		sqlcall_put_row(rsinfo, values, nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}
