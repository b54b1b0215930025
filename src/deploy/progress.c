/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  migrate_progress(): what deploys are doing, and what they have left.
 *
 * Deploys that run are read from shared memory (live.c), and for whom they
 * really wait from the server; what is left of others is read from our
 * tables, after that: a revision is taken from them before its deploy shows
 * the next one, so that what runs is never shown as left.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "deploy/live.h"
#include "graph/direction.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(migrate_progress);

/* columns of migrate_progress(), in their order */
typedef enum OutputColumn
{
	OUT_ENVIRONMENT,
	OUT_DEPLOY_ID,
	OUT_PID,
	OUT_ROLE,
	OUT_DIRECTION,
	OUT_TARGET,
	OUT_REVISION,
	OUT_REVISION_NUMBER,
	OUT_REVISION_COUNT,
	OUT_STATEMENT,
	OUT_STATEMENT_COUNT,
	OUT_COMMAND,
	OUT_PHASE,
	OUT_WAITING_FOR,
	OUT_ROWS_DONE,
	OUT_ROWS_ESTIMATE,
	OUT_ROWS_PER_SECOND,
	OUT_ELAPSED,
	OUT_STATEMENT_ELAPSED,
	OUT_REMAINING,
	OUT_BLOCKS_DONE,
	OUT_BLOCKS_TOTAL,
	OUT_WORKER_PID,
	OUT_STARTED_AT,
	OUT_UPDATED_AT,
	OUT_NCOLUMNS				/* must be last */
} OutputColumn;

/* longer than this is no estimate, in seconds */
#define LONGEST_REMAINING 1e9

/* What the server says about the processes of a deploy */
typedef struct ServerView
{
	char	   *blockers;		/* those in whose queue it waits, or NULL */
	char	   *phase;			/* of a command that reports its progress, or
								 * NULL */
	bool		has_blocks;
	int64		blocks_done;
	int64		blocks_total;
} ServerView;

/* A row to be returned */
typedef struct Row
{
	Datum		values[OUT_NCOLUMNS];
	bool		nulls[OUT_NCOLUMNS];
} Row;

static void put_running(ReturnSetInfo *rsinfo, const Live *live,
						const char *pause);
static void set_phase(Row *row, const Live *live, const ServerView *view,
					  const char *pause);
static void set_rows(Row *row, const Live *live, TimestampTz now);
static void ask_server(const Live *live, ServerView *view);
static void put_unfinished(ReturnSetInfo *rsinfo, const Unfinished *left);
static bool is_shown(List *running, const Unfinished *left);
static const char *pause_of(List *unfinished, const Live *live);
static Row *begin_row(void);
static void set_datum(Row *row, OutputColumn column, Datum value);
static void set_text(Row *row, OutputColumn column, const char *value);
static void set_elapsed(Row *row, OutputColumn column, TimestampTz from,
						TimestampTz to);
static void set_interval(Row *row, OutputColumn column, int64 microseconds);
static void set_deploy_id(Row *row, const char *deploy_id);

/*
 * migrate_progress(environment)
 *
 * NULL shows all environments: whoever looks wants to know what goes on in
 * the database.
 */
Datum
migrate_progress(PG_FUNCTION_ARGS)
{
	char	   *environment = sqlcall_text(fcinfo, 0);
	ReturnSetInfo *rsinfo;
	List	   *running;
	List	   *unfinished;
	ListCell   *lc;

	if (environment != NULL)
		(void) catalog_environment(environment);

	rsinfo = sqlcall_begin_rows(fcinfo, OUT_NCOLUMNS);
	running = live_deploys(environment);
	unfinished = catalog_unfinished(environment);
	foreach(lc, running)
	{
		Live	   *live = lfirst(lc);

		put_running(rsinfo, live, pause_of(unfinished, live));
	}
	foreach(lc, unfinished)
	{
		Unfinished *left = lfirst(lc);

		if (!is_shown(running, left))
			put_unfinished(rsinfo, left);
	}
	return (Datum) 0;
}

/*
 * Return the row of a deploy that runs.  "pause" says who has paused its
 * environment, or is NULL.
 */
static void
put_running(ReturnSetInfo *rsinfo, const Live *live, const char *pause)
{
	TimestampTz now = GetCurrentTimestamp();
	Row		   *row = begin_row();
	ServerView	view;

	ask_server(live, &view);

	set_text(row, OUT_ENVIRONMENT, live->environment);
	set_phase(row, live, &view, pause);
	set_text(row, OUT_DIRECTION, direction_name(live->direction));
	set_text(row, OUT_TARGET, live->target);
	if (live->number > 0)
	{
		set_text(row, OUT_REVISION, live->revision);
		set_datum(row, OUT_REVISION_NUMBER, Int32GetDatum(live->number));
		set_datum(row, OUT_REVISION_COUNT, Int32GetDatum(live->count));
		set_datum(row, OUT_STATEMENT_COUNT,
				  Int32GetDatum(live->statements));
	}
	if (live->statement > 0)
	{
		set_datum(row, OUT_STATEMENT, Int32GetDatum(live->statement));
		set_text(row, OUT_COMMAND, live->command);
		set_elapsed(row, OUT_STATEMENT_ELAPSED, live->statement_begun_at,
					now);
	}
	if (live->rows >= 0)
		set_rows(row, live, now);
	if (view.has_blocks)
	{
		set_datum(row, OUT_BLOCKS_DONE, Int64GetDatum(view.blocks_done));
		set_datum(row, OUT_BLOCKS_TOTAL, Int64GetDatum(view.blocks_total));
	}
	set_elapsed(row, OUT_ELAPSED, live->begun_at, now);
	set_datum(row, OUT_STARTED_AT, TimestampTzGetDatum(live->begun_at));
	set_datum(row, OUT_UPDATED_AT, TimestampTzGetDatum(live->updated_at));
	set_datum(row, OUT_ROLE, NameGetDatum(&live->role));
	set_datum(row, OUT_PID, Int32GetDatum(live->pid));
	if (live->worker_pid != 0)
		set_datum(row, OUT_WORKER_PID, Int32GetDatum(live->worker_pid));
	set_deploy_id(row, live->deploy_id);

	sqlcall_put_row(rsinfo, row->values, row->nulls);
}

/*
 * Set what a deploy is doing, and what it waits for.
 *
 * What the server knows of it counts more than what the deploy said before it
 * began to wait; that it will stop is said of one that is not waiting.
 */
static void
set_phase(Row *row, const Live *live, const ServerView *view,
		  const char *pause)
{
	const char *phase = live_phase_name(live->phase);
	const char *waiting_for = live->detail;

	if (view->blockers != NULL)
	{
		phase = live_phase_name(LIVE_WAITING_FOR_LOCK);
		waiting_for = view->blockers;
	}
	else if (view->phase != NULL && live->phase == LIVE_RUNNING)
		phase = view->phase;
	else if (pause != NULL && live->phase != LIVE_WAITING_FOR_RUN &&
			 live->phase != LIVE_WAITING_FOR_LOCK)
	{
		phase = "pausing";
		waiting_for = pause;
	}
	set_text(row, OUT_PHASE, phase);
	set_text(row, OUT_WAITING_FOR, waiting_for);
}

/*
 * Set the columns about rows.
 *
 * The rate is that since the statement was begun by this deploy, with all
 * pauses in between, because they will go on.
 */
static void
set_rows(Row *row, const Live *live, TimestampTz now)
{
	double		seconds = (double) (now - live->rows_begun_at) / USECS_PER_SEC;
	double		rate;
	double		remaining;

	set_datum(row, OUT_ROWS_DONE, Int64GetDatum(live->rows));
	if (live->estimate >= 0)
		set_datum(row, OUT_ROWS_ESTIMATE, Int64GetDatum(live->estimate));

	if (seconds <= 0)
		return;
	rate = (double) (live->rows - live->rows_before) / seconds;
	set_datum(row, OUT_ROWS_PER_SECOND,
			  Float8GetDatum(rint(rate * 10) / 10));

	/* more rows than estimated: it is not known how many are left */
	if (rate <= 0 || live->estimate <= live->rows)
		return;
	remaining = ceil((double) (live->estimate - live->rows) / rate);
	if (remaining < LONGEST_REMAINING)
		set_interval(row, OUT_REMAINING,
					 (int64) remaining * USECS_PER_SEC);
}

/*
 * Ask the server for whom the processes of a deploy wait, and how far a
 * command is that reports its progress.
 *
 * As the owner of our tables, who may see other sessions' columns.
 */
static void
ask_server(const Live *live, ServerView *view)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi_context;
	Oid			argtypes[] = {INT4OID, INT4OID};
	Datum		values[2];
	HeapTuple	tuple;
	TupleDesc	desc;
	bool		isnull;
	Bookkeeping scope;

	values[0] = Int32GetDatum(live->pid);
	values[1] = Int32GetDatum(live->worker_pid);

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	if (SPI_execute_with_args("SELECT b.blockers, p.phase, p.done, p.total "
							  "FROM (SELECT string_agg("
							  "CASE WHEN w.pid = 0 THEN 'a prepared transaction' "
							  "ELSE format('process %s', w.pid) || coalesce(format("
							  "CASE WHEN a.usename IS NULL THEN ' (%3$s)' "
							  "ELSE ' (role \"%1$s\", application \"%2$s\")' END, "
							  "a.usename, a.application_name, a.backend_type), '') || "
							  "coalesce(', in a transaction since ' || "
							  "date_trunc('second', a.xact_start), '') "
							  "END, '; ' ORDER BY w.pid) AS blockers "
							  "FROM (SELECT DISTINCT unnest(pg_blocking_pids($1) || "
							  "pg_blocking_pids($2)) AS pid) w "
							  "LEFT JOIN pg_stat_activity a ON a.pid = w.pid) b "
							  "LEFT JOIN ("
							  "SELECT CASE WHEN phase LIKE 'building index%' THEN phase "
							  "ELSE 'building index: ' || phase END AS phase, "
							  "blocks_done AS done, blocks_total AS total "
							  "FROM pg_stat_progress_create_index WHERE pid IN ($1, $2) "
							  "UNION ALL "
							  "SELECT 'vacuuming: ' || phase, heap_blks_scanned, heap_blks_total "
							  "FROM pg_stat_progress_vacuum WHERE pid IN ($1, $2) "
							  "UNION ALL "
							  "SELECT 'rewriting table: ' || phase, heap_blks_scanned, heap_blks_total "
							  "FROM pg_stat_progress_cluster WHERE pid IN ($1, $2) "
							  "LIMIT 1) p ON true",
							  lengthof(argtypes), argtypes, values, NULL,
							  false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not look for what a deploy waits for");

	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	spi_context = MemoryContextSwitchTo(caller);
	view->blockers = bookkeeping_string(tuple, desc, 1);
	view->phase = bookkeeping_string(tuple, desc, 2);
	view->blocks_done = DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
	view->blocks_total = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	view->has_blocks = !isnull;
	MemoryContextSwitchTo(spi_context);
	bookkeeping_end(&scope);
}

/*
 * Return the row of what a deploy has left, or of a pause.
 */
static void
put_unfinished(ReturnSetInfo *rsinfo, const Unfinished *left)
{
	Row		   *row = begin_row();

	set_text(row, OUT_ENVIRONMENT, left->environment);
	set_text(row, OUT_PHASE, left->pause ? "paused" : "unfinished");
	set_text(row, OUT_WAITING_FOR, left->pause);
	if (left->revision != NULL)
	{
		set_text(row, OUT_DIRECTION, left->direction);
		set_text(row, OUT_REVISION, left->revision);
		set_datum(row, OUT_STATEMENT_COUNT,
				  Int32GetDatum(left->statements));
		/* the next to be run, as of a deploy that runs the one in hand */
		set_datum(row, OUT_STATEMENT,
				  Int32GetDatum(Min(left->done + 1, left->statements)));
		if (left->rows >= 0)
			set_datum(row, OUT_ROWS_DONE, Int64GetDatum(left->rows));
		set_datum(row, OUT_STARTED_AT,
				  TimestampTzGetDatum(left->started_at));
		set_datum(row, OUT_UPDATED_AT,
				  TimestampTzGetDatum(left->updated_at));
		set_deploy_id(row, left->deploy_id);
	}
	sqlcall_put_row(rsinfo, row->values, row->nulls);
}

/*
 * Is it shown already, by the row of a deploy that is at this revision?  A row
 * of its own for a pause is for where no deploy runs.
 */
static bool
is_shown(List *running, const Unfinished *left)
{
	ListCell   *lc;

	foreach(lc, running)
	{
		Live	   *live = lfirst(lc);

		if (live_is_environment(live, left->environment) &&
			(left->revision == NULL || live_is_revision(live, left->revision)))
			return true;
	}
	return false;
}

/*
 * Who has paused the environment of a deploy, and why, or NULL.
 */
static const char *
pause_of(List *unfinished, const Live *live)
{
	ListCell   *lc;

	foreach(lc, unfinished)
	{
		Unfinished *left = lfirst(lc);

		if (left->pause != NULL && live_is_environment(live, left->environment))
			return left->pause;
	}
	return NULL;
}

/*
 * A row in which every column is NULL.
 */
static Row *
begin_row(void)
{
	Row		   *row = palloc0(sizeof(Row));

	memset(row->nulls, true, sizeof(row->nulls));
	return row;
}

static void
set_datum(Row *row, OutputColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

/*
 * Set a column of type text, which is NULL if the string is, or is empty.
 */
static void
set_text(Row *row, OutputColumn column, const char *value)
{
	if (value != NULL && value[0] != '\0')
		set_datum(row, column, CStringGetTextDatum(value));
}

/*
 * Set how long something has taken, to the millisecond.
 */
static void
set_elapsed(Row *row, OutputColumn column, TimestampTz from, TimestampTz to)
{
	set_interval(row, column, Max(to - from, 0) / 1000 * 1000);
}

static void
set_interval(Row *row, OutputColumn column, int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = microseconds;
	set_datum(row, column, IntervalPGetDatum(interval));
}

static void
set_deploy_id(Row *row, const char *deploy_id)
{
	if (deploy_id[0] != '\0')
		set_datum(row, OUT_DEPLOY_ID,
				  DirectFunctionCall1(uuid_in, CStringGetDatum(deploy_id)));
}
