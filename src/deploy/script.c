/*-------------------------------------------------------------------------
 *
 * script.c
 *	  A revision whose script runs as a whole, in one transaction with its
 *	  rows of the version table and the log.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "batch/batch.h"
#include "deploy/deploy.h"
#include "locks/needs.h"

static List *script_locks(DeployWork *work);
static void run_script(DeployWork *work);

/*
 * How the statements of a script are run; "marked" tells that its section
 * says transaction:no.
 */
DeployMode
deploy_mode(const Script *script, bool marked)
{
	DeployMode	mode = DEPLOY_WHOLE;
	ListCell   *lc;

	if (marked)
		return DEPLOY_TOP_LEVEL;
	foreach(lc, script->statements)
	{
		const ScriptStatement *statement = lfirst(lc);

		if (script_nontransactional(statement) != NULL)
			return DEPLOY_TOP_LEVEL;
		if (batch_is_marked(script, statement))
			mode = DEPLOY_STATEMENTS;
	}
	return mode;
}

/*
 * Run the script of a step and carry the step into version table and log.
 */
void
deploy_script(DeployStep *step)
{
	DeployWork	work = {step, script_locks, run_script};

	deploy_commit();
	deploy_work(&work);
}

static List *
script_locks(DeployWork *work)
{
	DeployStep *step = work->step;

	return lockneeds_of_statements(step->script->statements,
								   step->deploy->run.state->environment->search_path);
}

static void
run_script(DeployWork *work)
{
	DeployStep *step = work->step;
	Run		   *run = &step->deploy->run;

	step->entry.statements = execute_script(step->script,
											run->state->environment->search_path);
	step_write(run, step->step, &step->entry);
}
