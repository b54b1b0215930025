/*-------------------------------------------------------------------------
 *
 * parts.c
 *	  A revision whose statements are committed one by one.
 *
 * What is done is recorded after each statement, with a hash of its text, so
 * that the next deploy goes on behind it; the record of a statement that runs
 * in a transaction is part of that transaction.  The version table follows
 * when all are done.
 *
 * What the script SETs is in force for its later statements: the settings
 * before a statement are set again in its transaction, or in the background
 * worker that runs it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/hint.h"
#include "batch/batch.h"
#include "deploy/deploy.h"
#include "deploy/donepart.h"
#include "deploy/live.h"
#include "graph/direction.h"
#include "locks/needs.h"

static void go_on(const DeployStep *step);
static void run_part(DeployStep *step, const ScriptStatement *statement);
static bool is_setting(const ScriptStatement *statement);
static Script *part_of_script(DeployWork *work);
static List *statement_locks(DeployWork *work);
static void run_statement(DeployWork *work);
static void finish_step(DeployWork *work);

/*
 * Run the statements of a step's script that are not done yet, and carry the
 * step into version table and log.
 */
void
deploy_parts(DeployStep *step)
{
	DeployWork	finish = {step, NULL, finish_step};
	int			done;

	step->statements = step->script->statements;
	if (step->progress == NULL)
	{
		step->progress = palloc0(sizeof(Progress));
		step->progress->revision = step->revision;
		step->progress->direction = step->deploy->direction;
	}
	go_on(step);
	step->progress->statements = list_length(step->statements);
	done = list_length(step->progress->hashes);
	deploy_commit();

	for (int i = done; i < list_length(step->statements); i++)
	{
		deploy_refuse_paused(step->deploy);
		run_part(step, list_nth(step->statements, i));
	}
	step->script->current = NULL;
	deploy_work(&finish);
}

/*
 * Refuse a script of which the part that is done was changed, and say where
 * the deploy goes on.
 */
static void
go_on(const DeployStep *step)
{
	const Script *script = step->script;
	const Progress *progress = step->progress;
	int			done = list_length(progress->hashes);

	donepart_check(script, progress);
	if (done > 0 && done == list_length(script->statements))
		ereport(NOTICE,
				(errmsg("all statements of revision \"%s\" %s are done already",
						step->revision, direction_name(script->direction))));
	else if (done > 0 || progress->cursor != NIL || progress->is_begun)
		ereport(NOTICE,
				(errmsg("revision \"%s\" %s goes on at statement %d of %d",
						step->revision, direction_name(script->direction),
						done + 1, list_length(script->statements)),
				 donepart_walk_changed(script, progress) ?
				 errdetail("The statement was changed.  The " INT64_FORMAT " rows that the earlier text has passed stay as it left them.",
						   progress->rows) : 0));
}

/*
 * Run one statement, in the way that it needs, and go on to the next.
 *
 * A SET is run like others, so that a wrong one fails where it stands.
 */
static void
run_part(DeployStep *step, const ScriptStatement *statement)
{
	Progress   *progress = step->progress;

	step->script->current = statement;
	step->script->current_line = statement->line;
	live_statement(statement->number,
				   pnstrdup(&step->script->text[statement->offset],
							statement->length));

	if (batch_is_marked(step->script, statement))
		deploy_batches(step, statement);
	else if (step->mode == DEPLOY_TOP_LEVEL && !is_setting(statement))
		deploy_worker(step, statement);
	else
	{
		DeployWork	work = {step, statement_locks, run_statement};

		work.statement = statement;
		deploy_work(&work);
	}

	/* as it was recorded */
	progress->hashes = lappend(progress->hashes,
							   donepart_hash(step->script, statement));
	progress->is_begun = false;
	progress->cursor = NIL;
	progress->batch_hash = NULL;
	progress->rows = 0;
	progress->batches = 0;
	progress->batch_size = 0;
	step->entry.statements++;
}

/*
 * Is it a SET or RESET?  Such a statement takes effect with those that follow.
 */
static bool
is_setting(const ScriptStatement *statement)
{
	return IsA(statement->raw->stmt, VariableSetStmt);
}

/*
 * The settings (ScriptStatement *) that the script makes before a statement.
 */
List *
deploy_prelude(const DeployStep *step, const ScriptStatement *statement)
{
	List	   *prelude = NIL;
	ListCell   *lc;

	foreach(lc, step->statements)
	{
		ScriptStatement *earlier = lfirst(lc);

		if (earlier == statement)
			break;
		if (is_setting(earlier))
			prelude = lappend(prelude, earlier);
	}
	return prelude;
}

/*
 * Open a nest level of settings, with the environment's search path and what
 * the script SETs before a statement.  The caller ends it with
 * AtEOXact_GUC(false, ...), unless an error does.
 */
int
deploy_begin_settings(const DeployStep *step, const ScriptStatement *statement)
{
	int			nestlevel =
	execute_begin_settings(step->deploy->run.state->environment->search_path);

	execute_each(step->script, deploy_prelude(step, statement),
				 execute_statement, NULL);
	step->script->current = statement;
	step->script->current_line = statement->line;
	return nestlevel;
}

/*
 * Have the script consist of one statement, with the settings before it, for
 * a transaction that runs no more.  It stays the same Script, because that is
 * where an error leaves its place.
 */
static Script *
part_of_script(DeployWork *work)
{
	DeployStep *step = work->step;

	step->script->statements =
		lappend(deploy_prelude(step, work->statement),
				unconstify(ScriptStatement *, work->statement));
	return step->script;
}

static List *
statement_locks(DeployWork *work)
{
	return lockneeds_of_statements(part_of_script(work)->statements,
								   work->step->deploy->run.state->environment->search_path);
}

/*
 * Run a statement that can run in a transaction, and record it.
 */
static void
run_statement(DeployWork *work)
{
	(void) execute_script(part_of_script(work),
						  work->step->deploy->run.state->environment->search_path);
	deploy_record(work);
}

/*
 * Record, in the transaction in hand, that a statement is done.
 */
void
deploy_record(DeployWork *work)
{
	DeployStep *step = work->step;
	Progress	progress = *step->progress;

	progress.hashes = lappend(list_copy(progress.hashes),
							  donepart_hash(step->script, work->statement));
	progress.is_begun = false;
	progress.cursor = NIL;
	progress.batch_hash = NULL;
	progress.rows = 0;
	progress.batches = 0;
	progress.batch_size = 0;
	catalog_progress_write(step->deploy->run.state->environment, &progress,
						   step->deploy->id);
}

/*
 * Carry the step, of which all statements are done, into version table and
 * log, and forget how it was done.
 */
static void
finish_step(DeployWork *work)
{
	DeployStep *step = work->step;
	Run		   *run = &step->deploy->run;

	step->entry.statements = list_length(step->statements);
	step_write(run, step->step, &step->entry);
	catalog_progress_delete(run->state->environment, step->revision);
}
