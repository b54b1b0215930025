/*-------------------------------------------------------------------------
 *
 * execute.c
 *	  Running a script, statement by statement, in the caller's transaction.
 *
 * This is what CREATE EXTENSION does with its scripts, and not SPI: each
 * statement is analysed only after the ones before it were run, an error can
 * be traced to its statement, and nothing has to be undone for what the
 * statement returned.
 *
 * Every statement is parsed once more before it is run, with its own text as
 * source text.  Parse locations are then relative to that text, as if the
 * statement had been sent alone, and everything that keeps or logs source
 * texts (pg_stat_statements, pgaudit, auto_explain, prepared statements and
 * cursors, parallel workers) sees that statement and not a copy of the whole
 * script.  It leaves the trees of the Script untouched, too: running a utility
 * statement may scribble on its tree.
 *
 * Statements run as the current user.  Nothing here switches user ids.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/hint.h"
#include "script/rowsecurity.h"
#include "script/script.h"

static void execute_in_context(Script *script, List *statements,
							   ExecuteStatement run, void *arg);
static uint64 execute_planned(PlannedStmt *planned, const char *sql,
							  DestReceiver *dest);

/*
 * Run all statements of a script, and return how many there were.
 *
 * search_path, in the syntax of the setting, is in force while the script
 * runs; NULL leaves the caller's.  What the script SETs, SET ROLE and SET
 * SESSION AUTHORIZATION included, ends with it.  The rows that its queries
 * return are thrown away.
 *
 * The caller has called script_refuse_unrunnable() and
 * script_refuse_nontransactional(), and has an active snapshot or none; it is
 * the same one afterwards.  It may be connected to SPI.  Nothing that the
 * caller holds about the catalog (relations, OIDs, plans) is safe to use
 * afterwards: the script may have dropped it.
 *
 * An error leaves this function as the server raised it, with our context and
 * maybe a hint, see context.c.  script->current then tells the statement that
 * failed, and the settings are restored when the (sub)transaction is aborted.
 */
int
execute_script(Script *script, const char *search_path)
{
	int			nestlevel = execute_begin_settings(search_path);

	execute_each(script, script->statements, execute_statement, NULL);
	AtEOXact_GUC(false, nestlevel);

	return list_length(script->statements);
}

/*
 * Open a nest level of settings in which statements of a script can be run,
 * with this search path, or with the caller's if it is NULL.  The caller ends
 * it with AtEOXact_GUC(false, ...), unless an error does.
 */
int
execute_begin_settings(const char *search_path)
{
	int			nestlevel = NewGUCNestLevel();

	script_pin_lexer();
	rowsecurity_guard(GUC_ACTION_SAVE);
	if (search_path != NULL)
		(void) set_config_option("search_path", search_path,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}

/*
 * Run some statements (ScriptStatement *) of a script, in what surrounds a
 * statement that is run: our error context and hints, a memory context of its
 * own, and its text as the source of what the server shows.
 *
 * "run" is what runs one: execute_statement(), or something that does more
 * than that.  What the statements SET stays in force until the caller's nest
 * level of settings ends.
 */
void
execute_each(Script *script, List *statements, ExecuteStatement run, void *arg)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	Portal		portal = ActivePortal;
	const char *volatile save_source = portal ? portal->sourceText : NULL;

	PG_TRY();
	{
		execute_in_context(script, statements, run, arg);
	}
	PG_CATCH();
	{
		ErrorData  *edata;
		char	   *hint;

		if (portal)
			portal->sourceText = save_source;

		MemoryContextSwitchTo(oldcontext);
		edata = CopyErrorData();
		hint = script_error_hint(script, edata);
		if (hint == NULL)
			PG_RE_THROW();

		FlushErrorState();
		edata->hint = hint_in_environment(hint);
		ReThrowError(edata);
	}
	PG_END_TRY();

	script->current = NULL;
}

/*
 * Run the statements, with our error context around them.  After an error,
 * the caller restores the source text of the active portal.
 */
static void
execute_in_context(Script *script, List *statements, ExecuteStatement run,
				   void *arg)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	Portal		portal = ActivePortal;
	const char *save_source = portal ? portal->sourceText : NULL;
	ErrorContextCallback callback;
	ListCell   *lc;

	callback.callback = script_error_callback;
	callback.arg = script;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	foreach(lc, statements)
	{
		const ScriptStatement *statement = lfirst(lc);
		MemoryContext context;
		char	   *sql;

		script->current = statement;
		script->current_line = statement->line;

		CHECK_FOR_INTERRUPTS();

		context = AllocSetContextCreate(oldcontext,
										"execute_each per-statement context",
										ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(context);
		sql = pnstrdup(&script->text[statement->offset], statement->length);

		/*
		 * For an error in the body of a function that the statement makes,
		 * the server looks for that body in the active portal's source text.
		 * Let it look at the statement, not at the call of our function.
		 */
		if (portal)
			portal->sourceText = sql;

		run(sql, arg);

		if (portal)
			portal->sourceText = save_source;
		MemoryContextSwitchTo(oldcontext);
		MemoryContextDelete(context);
	}

	/* let the caller see what the last statement did */
	CommandCounterIncrement();

	error_context_stack = callback.previous;
}

/*
 * Analyse, plan and run one statement, given by its text alone.  The current
 * memory context is the statement's; the text is in it.
 */
void
execute_statement(const char *sql, void *arg)
{
	RawStmt    *raw = execute_parse(sql);
	List	   *planned_list;
	bool		snapshot_set = false;

	/* let the analysis see what earlier statements did */
	CommandCounterIncrement();

	if (analyze_requires_snapshot(raw))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}

	planned_list = pg_analyze_and_rewrite_fixedparams(raw, sql, NULL, 0, NULL);
	planned_list = pg_plan_queries(planned_list, sql, CURSOR_OPT_PARALLEL_OK,
								   NULL);

	if (snapshot_set)
		PopActiveSnapshot();

	(void) execute_plans(planned_list, sql, None_Receiver);
}

/*
 * Parse a statement.  A script that sets standard_conforming_strings or the
 * like sets it for the code that its statements run; the statements
 * themselves are read as script_parse() read them.
 */
RawStmt *
execute_parse(const char *sql)
{
	List	   *raw_list;

	if (script_lexer_is_pinned())
		raw_list = pg_parse_query(sql);
	else
	{
		int			nestlevel = NewGUCNestLevel();

		script_pin_lexer();
		raw_list = pg_parse_query(sql);
		AtEOXact_GUC(false, nestlevel);
	}

	if (list_length(raw_list) != 1)
		elog(ERROR, "unexpected number of statements: %d",
			 list_length(raw_list));

	return linitial_node(RawStmt, raw_list);
}

/*
 * Run what was planned for one statement, which rules can have made several
 * of, or none, and return how many rows it is said to have processed.
 */
uint64
execute_plans(List *planned_list, const char *sql, DestReceiver *dest)
{
	uint64		processed = 0;
	ListCell   *lc;

	foreach(lc, planned_list)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		processed += execute_planned(lfirst_node(PlannedStmt, lc), sql, dest);
		PopActiveSnapshot();
	}
	return processed;
}

/*
 * Run one planned statement under the active snapshot.
 *
 * PROCESS_UTILITY_QUERY makes it a complete query, for which event triggers
 * fire, but not one at top level: commands that would end the transaction are
 * refused by the server itself, in DO and CALL as well.
 */
static uint64
execute_planned(PlannedStmt *planned, const char *sql, DestReceiver *dest)
{
	uint64		processed = 0;

	if (planned->commandType == CMD_UTILITY)
	{
		QueryCompletion qc;

		InitializeQueryCompletion(&qc);
		ProcessUtility(planned, sql, false, PROCESS_UTILITY_QUERY, NULL, NULL,
					   dest, &qc);
	}
	else
	{
		QueryDesc  *query_desc = CreateQueryDesc(planned, sql,
												 GetActiveSnapshot(),
												 InvalidSnapshot, dest,
												 NULL, NULL, 0);

		ExecutorStart(query_desc, 0);
		COMPAT_EXECUTOR_RUN(query_desc, ForwardScanDirection, 0);
		if (planned->canSetTag)
			processed = query_desc->estate->es_processed;
		ExecutorFinish(query_desc);
		ExecutorEnd(query_desc);
		FreeQueryDesc(query_desc);
	}

	return processed;
}
