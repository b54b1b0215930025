/*-------------------------------------------------------------------------
 *
 * pause.c
 *	  migrate_pause(), migrate_resume().
 *
 * A pause is a row that every deploy looks for before it goes on.  Neither
 * function takes the run lock, which the deploy that is to be paused holds.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "deploy/live.h"
#include "deploy/pause.h"
#include "run/state.h"

PG_FUNCTION_INFO_V1(migrate_pause);
PG_FUNCTION_INFO_V1(migrate_resume);

static State *begin(const char *name, const char *function);
static void report_running(const Environment *environment);

/*
 * migrate_pause(reason, environment)
 */
Datum
migrate_pause(PG_FUNCTION_ARGS)
{
	char	   *reason = sqlcall_text(fcinfo, 0);
	State	   *state = begin(sqlcall_text(fcinfo, 1), "migrate_pause");
	Environment *environment = state->environment;
	char	   *who_and_why;

	if (reason != NULL)
		state_refuse_environment_as(state, "reason", reason);
	if (!catalog_pause(environment, reason))
	{
		/* unless it was resumed in this very moment */
		if (catalog_paused(environment, &who_and_why))
			ereport(NOTICE,
					(errmsg("deploys of environment \"%s\" are already paused",
							environment->name),
					 errdetail_internal("%s", who_and_why)));
		PG_RETURN_BOOL(false);
	}
	report_running(environment);
	PG_RETURN_BOOL(true);
}

/*
 * migrate_resume(environment)
 */
Datum
migrate_resume(PG_FUNCTION_ARGS)
{
	State	   *state = begin(sqlcall_text(fcinfo, 0), "migrate_resume");

	if (!catalog_resume(state->environment))
	{
		ereport(NOTICE,
				(errmsg("deploys of environment \"%s\" are not paused",
						state->environment->name)));
		PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
}

/*
 * Raise an error if the deploys of an environment are paused.
 */
void
pause_refuse(const Environment *environment)
{
	char	   *who_and_why;

	if (catalog_paused(environment, &who_and_why))
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_PAUSED),
				 errmsg("deploys of environment \"%s\" are paused",
						environment->name),
				 errdetail_internal("%s", who_and_why),
				 hint_statement("SELECT migrate_resume();")));
}

/*
 * The environment that is meant, once it is known that something may be
 * written.  Its revisions are not read.
 */
static State *
begin(const char *name, const char *function)
{
	State	   *state = palloc0(sizeof(State));

	state_refuse_unless_writable(function);
	state->environment = catalog_environment(name);
	hint_set_environment(state->environment->name);
	return state;
}

/*
 * Say which deploys the pause is going to stop.
 */
static void
report_running(const Environment *environment)
{
	List	   *running = live_deploys(environment->name);
	ListCell   *lc;

	if (running == NIL)
		ereport(NOTICE,
				(errmsg("no deploy is running in environment \"%s\"",
						environment->name),
				 errdetail("None starts before the pause is over."),
				 hint_statement("To end it: SELECT migrate_resume();")));
	foreach(lc, running)
	{
		Live	   *live = lfirst(lc);

		ereport(NOTICE,
				(errmsg("the deploy in environment \"%s\" stops after what it is doing",
						environment->name),
				 errdetail("Process %d (role \"%s\") finishes the step, statement or batch in hand, and then raises an error.",
						   live->pid, NameStr(live->role)),
				 errhint("To stop it at once: SELECT pg_cancel_backend(%d);",
						 live->pid)));
	}
}
