/*-------------------------------------------------------------------------
 *
 * locks.c
 *	  migrate_locks(): which locks a revision's script will take.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "graph/direction.h"
#include "graph/resolve.h"
#include "locks/needs.h"
#include "run/precheck.h"
#include "storage/lock.h"

PG_FUNCTION_INFO_V1(migrate_locks);

static Direction direction_of_script(const char *name);
static List *script_of_revision(const State *state, const char *symbol,
								Direction direction);

/*
 * migrate_locks(revision, direction, environment)
 */
Datum
migrate_locks(PG_FUNCTION_ARGS)
{
	char	   *symbol = sqlcall_required_text(fcinfo, 0, "revision");
	char	   *direction = sqlcall_required_text(fcinfo, 1, "direction");
	State	   *state = state_read(sqlcall_text(fcinfo, 2));
	List	   *statements = script_of_revision(state, symbol,
												direction_of_script(direction));
	ReturnSetInfo *rsinfo = sqlcall_begin_rows(fcinfo, 3);
	ListCell   *lc;

	foreach(lc, lockneeds_foreseen(statements, state->environment->search_path))
	{
		LockNeed   *need = lfirst(lc);
		Datum		values[3];
		bool		nulls[3] = {0};

		values[0] = ObjectIdGetDatum(need->relid);
		sqlcall_set_text(values, nulls, 1,
						 GetLockmodeName(DEFAULT_LOCKMETHOD, need->mode));
		values[2] = BoolGetDatum(lockneeds_permitted(need));
		sqlcall_put_row(rsinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * The direction of that name; a stamp has no script.
 */
static Direction
direction_of_script(const char *name)
{
	Direction	directions[] = {DIRECTION_UPGRADE, DIRECTION_DOWNGRADE};

	for (int i = 0; i < lengthof(directions); i++)
	{
		if (strcmp(name, direction_name(directions[i])) == 0)
			return directions[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown direction \"%s\"", name),
			 errhint("The directions are \"upgrade\" and \"downgrade\".")));
	return DIRECTION_UPGRADE;	/* keep compiler quiet */
}

/*
 * The statements of a script.
 */
static List *
script_of_revision(const State *state, const char *symbol, Direction direction)
{
	Step		step = {direction};
	StoredRevision *stored;

	step.revision = resolve_one(state->graph, symbol);
	return precheck_fetch_script(state, &step, &stored)->statements;
}
