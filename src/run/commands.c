/*-------------------------------------------------------------------------
 *
 * commands.c
 *	  migrate_upgrade(), migrate_downgrade(), migrate_stamp().
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hint.h"
#include "base/sqlcall.h"
#include "run/runner.h"

PG_FUNCTION_INFO_V1(migrate_upgrade);
PG_FUNCTION_INFO_V1(migrate_downgrade);
PG_FUNCTION_INFO_V1(migrate_stamp);
PG_FUNCTION_INFO_V1(migrate_stamp_targets);

static Datum run_to_target(FunctionCallInfo fcinfo, Direction direction);
static Datum stamp(FunctionCallInfo fcinfo, List *targets);

/*
 * migrate_upgrade(target, tag, environment)
 */
Datum
migrate_upgrade(PG_FUNCTION_ARGS)
{
	return run_to_target(fcinfo, DIRECTION_UPGRADE);
}

/*
 * migrate_downgrade(target, tag, environment)
 */
Datum
migrate_downgrade(PG_FUNCTION_ARGS)
{
	return run_to_target(fcinfo, DIRECTION_DOWNGRADE);
}

/*
 * migrate_stamp(target text, purge, tag, environment)
 */
Datum
migrate_stamp(PG_FUNCTION_ARGS)
{
	return stamp(fcinfo, list_make1(sqlcall_required_text(fcinfo, 0, "target")));
}

/*
 * migrate_stamp(targets text[], purge, tag, environment)
 */
Datum
migrate_stamp_targets(PG_FUNCTION_ARGS)
{
	List	   *targets = sqlcall_text_list(fcinfo, 0, "targets");

	if (targets == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"targets\" must name at least one revision"),
				 hint_statement("To empty the version table: SELECT migrate_stamp('base');")));
	return stamp(fcinfo, targets);
}

static Datum
run_to_target(FunctionCallInfo fcinfo, Direction direction)
{
	RunRequest	request = {0};

	request.direction = direction;
	request.targets = list_make1(sqlcall_required_text(fcinfo, 0, "target"));
	request.tag = sqlcall_text(fcinfo, 1);
	request.environment = sqlcall_text(fcinfo, 2);
	return sqlcall_return_texts(fcinfo, runner_run(&request));
}

static Datum
stamp(FunctionCallInfo fcinfo, List *targets)
{
	RunRequest	request = {0};

	request.direction = DIRECTION_STAMP;
	request.targets = targets;
	request.purge = sqlcall_bool(fcinfo, 1, false);
	request.tag = sqlcall_text(fcinfo, 2);
	request.environment = sqlcall_text(fcinfo, 3);
	return sqlcall_return_texts(fcinfo, runner_run(&request));
}
