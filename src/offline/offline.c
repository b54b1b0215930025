/*-------------------------------------------------------------------------
 *
 * offline.c
 *	  migrate_upgrade_sql(), migrate_downgrade_sql(), migrate_stamp_sql():
 *	  the SQL of a run, for psql.
 *
 * The script is one transaction, as Alembic makes it: a guard, see guard.c,
 * then for each step its title, the revision's script and the change of the
 * version table.  It needs nothing of this extension where it is run, and
 * leaves the schema and the version table that a run in the server leaves;
 * only the log does not hear of it.
 *
 * A step that cannot run in a transaction ends the one before it and begins
 * another behind it, with a guard of its own.  Such a script has to stop at
 * the first error, or what follows would run all the same; therefore it turns
 * on psql's ON_ERROR_STOP by itself.  Every other script is SQL and nothing
 * else.
 *
 * When there is nothing to do, what remains is a script that checks where the
 * database is and changes nothing.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/configuration.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/version.h"
#include "graph/direction.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "offline/guard.h"
#include "offline/script.h"
#include "offline/settings.h"
#include "run/runner.h"
#include "run/step.h"
#include "script/script.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(migrate_upgrade_sql);
PG_FUNCTION_INFO_V1(migrate_downgrade_sql);
PG_FUNCTION_INFO_V1(migrate_stamp_sql);

/* Isolation levels above it would read the version table as it was */
#define BEGIN_STATEMENT "BEGIN ISOLATION LEVEL READ COMMITTED;"

/* An offline script in the making */
typedef struct Offline
{
	State	   *state;
	Direction	direction;
	List	   *targets;		/* char *; one, but for a stamp */
	List	   *versions;		/* int: the version table at this point */
	List	   *chunks;			/* char *: the steps */
	List	   *settings;		/* char *: settings to keep, see settings.c */
	bool		leaves_transaction; /* some step runs outside of one */
} Offline;

static Datum return_script(FunctionCallInfo fcinfo, Direction direction);
static void read_range(Offline *offline, const char *range);
static List *read_start(const State *state, const char *start);
static List *split_symbols(const char *symbols);
static List *head_chunks(const Offline *offline, List *start, bool create);
static void append_step(Offline *offline, const Step *step);
static void append_script(Offline *offline, const Step *step);
static Script *fetch_script(const Offline *offline, const Step *step,
							bool *outside);
static void raise_irreversible(const Offline *offline, const Step *step);
static void append_version_changes(Offline *offline, const Step *step);
static char *guard_chunk(const Offline *offline, List *versions, bool create,
						 bool resumes);
static char *comment(const char *text);
static void add(Offline *offline, char *chunk);

/*
 * migrate_upgrade_sql(range, environment)
 *
 * These three read and do not write, and raise before they return anything:
 * for a range that is none, for steps that the planner refuses, and for
 * scripts that psql could not run either.
 */
Datum
migrate_upgrade_sql(PG_FUNCTION_ARGS)
{
	return return_script(fcinfo, DIRECTION_UPGRADE);
}

/*
 * migrate_downgrade_sql(range, environment)
 */
Datum
migrate_downgrade_sql(PG_FUNCTION_ARGS)
{
	return return_script(fcinfo, DIRECTION_DOWNGRADE);
}

/*
 * migrate_stamp_sql(range, environment)
 */
Datum
migrate_stamp_sql(PG_FUNCTION_ARGS)
{
	return return_script(fcinfo, DIRECTION_STAMP);
}

/*
 * Make the script and return it, a chunk for each row.
 */
static Datum
return_script(FunctionCallInfo fcinfo, Direction direction)
{
	char	   *range = sqlcall_required_text(fcinfo, 0, "range");
	Offline		offline = {0};
	List	   *start;
	List	   *plan;
	ListCell   *lc;

	offline.state = state_read(sqlcall_text(fcinfo, 1));
	offline.direction = direction;
	read_range(&offline, range);
	start = offline.versions;

	plan = runner_plan(offline.state, direction, start, offline.targets);
	if (direction != DIRECTION_STAMP)
		state_require_unchanged(offline.state, plan != NIL);

	foreach(lc, plan)
		append_step(&offline, lfirst(lc));
	if (plan == NIL)
	{
		add(&offline, comment(psprintf("nothing to %s",
									   direction_name(direction))));
		add(&offline, "");
	}
	add(&offline, "COMMIT;");

	return sqlcall_return_texts(fcinfo,
								list_concat(head_chunks(&offline, start,
														start == NIL && plan != NIL),
											offline.chunks));
}

/*
 * Take the range apart: where the script starts and where it leads.
 *
 * Without a colon the script starts where the database is.  An end that is
 * left out means what it means in a history, base before the colon and the
 * heads behind it, but not for a downgrade, where that would be the wrong way
 * round.
 */
static void
read_range(Offline *offline, const char *range)
{
	const char *colon = strchr(range, ':');
	char	   *start;
	const char *end;

	if (range[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"range\" must not be empty"),
				 errhint("Give a target, or a range from:to.")));

	if (colon == NULL)
	{
		state_require_known(offline->state);
		offline->versions = offline->state->versions;
		end = range;
	}
	else
	{
		start = pnstrdup(range, colon - range);
		end = colon + 1;

		if (strchr(end, ':') != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("range \"%s\" has more than one colon", range),
					 errhint("A range is from:to.")));
		if (offline->direction == DIRECTION_DOWNGRADE &&
			(start[0] == '\0' || end[0] == '\0'))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("downgrade with --sql requires <fromrev>:<torev>"),
					 errdetail("The range \"%s\" does not name both.", range),
					 errhint("To undo everything, end the range with base; to start where the database is, give a target without a colon.")));
		offline->versions = read_start(offline->state,
									   start[0] == '\0' ? "base" : start);
		if (end[0] == '\0')
			end = "heads";
	}

	offline->targets = offline->direction == DIRECTION_STAMP ?
		split_symbols(end) : list_make1(pstrdup(end));
}

/*
 * The revisions that a range starts from: those of one symbol, or of several
 * with commas between them.
 *
 * Raises an error if one of them is an ancestor of another.
 */
static List *
read_start(const State *state, const char *start)
{
	List	   *result = NIL;	/* never state->versions itself */
	ListCell   *lc;

	foreach(lc, split_symbols(start))
	{
		char	   *symbol = lfirst(lc);

		if (strcmp(symbol, "current") == 0)
		{
			state_require_known(state);
			result = list_concat_unique_int(result, state->versions);
		}
		else
			result = list_concat_unique_int(result,
											resolve_symbol(state->graph, symbol));
	}
	resolve_check_overlap(state->graph, result, false);
	return result;
}

/*
 * Split at commas.
 */
static List *
split_symbols(const char *symbols)
{
	List	   *result = NIL;
	char	   *copy = pstrdup(symbols);
	char	   *comma;

	for (char *symbol = copy; symbol != NULL; symbol = comma)
	{
		char	   *end;

		comma = strchr(symbol, ',');
		end = comma != NULL ? comma : symbol + strlen(symbol);
		if (comma != NULL)
			comma++;
		while (*symbol == ' ')
			symbol++;
		while (end > symbol && end[-1] == ' ')
			end--;
		*end = '\0';
		result = lappend(result, symbol);
	}
	return result;
}

/*
 * What comes before the first step: it is made last, when it is known what
 * the steps need.
 */
static List *
head_chunks(const Offline *offline, List *start, bool create)
{
	const Environment *environment = offline->state->environment;
	List	   *chunks = NIL;
	char	   *from = "base";
	char	   *of = "";

	if (start != NIL)
		from = textlist_join(state_ids(offline->state, start), ", ");
	if (strcmp(environment->name, MIGRATE_DEFAULT_ENVIRONMENT) != 0)
		of = psprintf(" of environment %s", environment->name);

	chunks = lappend(chunks,
					 comment(psprintf("%s%s from %s to %s",
									  direction_name(offline->direction),
									  of, from,
									  textlist_join(offline->targets, ", "))));
	chunks = lappend(chunks, "-- Run it with psql -X -v ON_ERROR_STOP=1 -f");
	chunks = lappend(chunks, "");
	if (offline->leaves_transaction)
	{
		chunks = lappend(chunks, "-- A step below runs outside of a transaction: after an error nothing may go on.");
		chunks = lappend(chunks, "\\set ON_ERROR_STOP on");
		chunks = lappend(chunks, "\\set AUTOCOMMIT on");
	}
	chunks = lappend(chunks, psprintf("SET client_encoding = %s;",
									  quote_literal_cstr(pg_get_client_encoding_name())));
	chunks = lappend(chunks, "SET standard_conforming_strings = on;");
	if (offline->direction != DIRECTION_STAMP &&
		configuration_row_security_guard)
		chunks = lappend(chunks, "SET row_security = off;");
	chunks = lappend(chunks, "");
	chunks = lappend(chunks, BEGIN_STATEMENT);
	chunks = lappend(chunks, "");
	chunks = lappend(chunks,
					 comment(psprintf("stop here unless the database is at %s",
									  from)));
	chunks = lappend(chunks, guard_chunk(offline, start, create, false));
	chunks = lappend(chunks, "");
	if (offline->settings != NIL)
	{
		chunks = lappend(chunks, "-- keep what scripts below set, to put it back behind them");
		chunks = lappend(chunks, settings_save_sql(offline->settings));
		chunks = lappend(chunks, "");
	}
	return chunks;
}

/*
 * Append a step: its title, its script, the change of the version table.
 */
static void
append_step(Offline *offline, const Step *step)
{
	CHECK_FOR_INTERRUPTS();
	add(offline, comment(psprintf("Running %s",
								  step_title(offline->state, step))));
	if (step->direction != DIRECTION_STAMP)
		append_script(offline, step);
	append_version_changes(offline, step);
	add(offline, "");
	offline->versions = plan_apply_step(offline->versions, step);
}

/*
 * Append the script of a step, between what gives it its search path and what
 * undoes its settings, and outside of the transaction if it has to be.
 *
 * Raises an error for a script that could not be run in the server either,
 * but for one that only needs to be outside of a transaction.
 */
static void
append_script(Offline *offline, const Step *step)
{
	const char *search_path = offline->state->environment->search_path;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext script_context = AllocSetContextCreate(caller,
														 "append_script context",
														 ALLOCSET_DEFAULT_SIZES);
	bool		outside;
	Script	   *script;
	List	   *settings;
	char	   *chunk;

	/* the parse trees are the bulk of it */
	MemoryContextSwitchTo(script_context);
	script = fetch_script(offline, step, &outside);
	script_refuse_unrunnable(script);
	settings = settings_of_script(script);
	if (outside && search_path != NULL)
		settings = settings_union(settings, list_make1("search_path"));
	MemoryContextSwitchTo(caller);

	if (outside)
	{
		offline->leaves_transaction = true;
		add(offline, "-- outside of a transaction");
		add(offline, "COMMIT;");
	}
	if (search_path != NULL)
		add(offline, settings_search_path_sql(search_path, !outside));

	chunk = offline_script_text(script);
	if (chunk[0] != '\0')
		add(offline, chunk);

	if (settings != NIL)
	{
		add(offline, settings_restore_sql(settings));
		offline->settings = settings_union(offline->settings, settings);
	}
	if (outside)
	{
		add(offline, BEGIN_STATEMENT);
		add(offline, guard_chunk(offline, offline->versions, false, true));
	}
	add(offline, "");
	MemoryContextDelete(script_context);
}

/*
 * Read and parse the script of a step, and tell whether it has to run outside
 * of a transaction.
 */
static Script *
fetch_script(const Offline *offline, const Step *step, bool *outside)
{
	const char *id = offline->state->graph->revisions[step->revision]->id;
	StoredRevision *stored = catalog_fetch(offline->state->environment, id);
	Script	   *script;
	ListCell   *lc;

	if (step->direction == DIRECTION_DOWNGRADE && stored->file.downgrade == NULL)
		raise_irreversible(offline, step);

	script = script_parse(step->direction == DIRECTION_UPGRADE ?
						  stored->file.upgrade : stored->file.downgrade,
						  id, step->direction);

	*outside = step->direction == DIRECTION_UPGRADE ?
		!stored->file.upgrade_transactional :
		!stored->file.downgrade_transactional;
	foreach(lc, script->statements)
	{
		if (script_nontransactional(lfirst(lc)) != NULL)
			*outside = true;
	}
	return script;
}

static void
raise_irreversible(const Offline *offline, const Step *step)
{
	const State *state = offline->state;
	List	   *after = plan_apply_step(list_copy(offline->versions), step);
	char	   *range = psprintf("%s:%s",
								 textlist_join(state_ids(state, offline->versions), ", "),
								 after == NIL ? "base" :
								 textlist_join(state_ids(state, after), ", "));

	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_IRREVERSIBLE),
			 errmsg("revision \"%s\" cannot be downgraded",
					state->graph->revisions[step->revision]->id),
			 errdetail("It has no downgrade script."),
			 hint_statement("Undo its changes by hand, and take the change of the version table with SELECT migrate_stamp_sql(%s);",
							quote_literal_cstr(range))));
}

/*
 * Append the changes of the version table, as catalog/version.c makes them.
 */
static void
append_version_changes(Offline *offline, const Step *step)
{
	const char *table = version_table_name(offline->state->environment);
	Revision  **revisions = offline->state->graph->revisions;
	ListCell   *removed = list_head(step->removed);
	ListCell   *added = list_head(step->added);

	for (; removed != NULL && added != NULL;
		 removed = lnext(step->removed, removed),
		 added = lnext(step->added, added))
		add(offline,
			psprintf("UPDATE %s SET " VERSION_COLUMN " = %s "
					 "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) %s;",
					 table,
					 quote_literal_cstr(revisions[lfirst_int(added)]->id),
					 quote_literal_cstr(revisions[lfirst_int(removed)]->id)));
	for (; removed != NULL; removed = lnext(step->removed, removed))
		add(offline,
			psprintf("DELETE FROM %s "
					 "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) %s;",
					 table,
					 quote_literal_cstr(revisions[lfirst_int(removed)]->id)));
	for (; added != NULL; added = lnext(step->added, added))
		add(offline,
			psprintf("INSERT INTO %s (" VERSION_COLUMN ") VALUES (%s);",
					 table,
					 quote_literal_cstr(revisions[lfirst_int(added)]->id)));
}

/*
 * A guard that expects these versions.
 */
static char *
guard_chunk(const Offline *offline, List *versions, bool create, bool resumes)
{
	Guard		guard = {0};

	guard.environment = offline->state->environment;
	guard.direction = offline->direction;
	guard.expected = state_ids_in_load_order(offline->state, versions);
	guard.target = textlist_join(offline->targets, ", ");
	guard.create = create;
	guard.resumes = resumes;
	return guard_sql(&guard);
}

/*
 * A comment of one line, whatever the text is.
 */
static char *
comment(const char *text)
{
	char	   *result = psprintf("-- %s", text);
	int			length = strlen(result);

	for (int i = 0; i < length; i++)
	{
		if (result[i] == '\n' || result[i] == '\r')
			result[i] = ' ';
	}
	while (length > 0 && result[length - 1] == ' ')
		result[--length] = '\0';
	return result;
}

static void
add(Offline *offline, char *chunk)
{
	offline->chunks = lappend(offline->chunks, chunk);
}
