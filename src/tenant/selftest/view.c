/*-------------------------------------------------------------------------
 *
 * view.c
 *	  What is tried on a view.
 *
 * Whose rows a view shows is known where a column of it is the tenant column
 * of a table, as it stands or through further views.  Where there is none, a
 * view that shows anything while no tenant is set may do so for good reasons,
 * and nothing is concluded.
 *
 * A view is never read as the caller: it runs functions of its owner's choice
 * with the rights of who reads it.  It may leave out of its tables what the
 * caller sees there.  So a probe that found nothing counts only if the role
 * finds something in the same way when it works for the other tenant.  That
 * is tried when the probes without a tenant are done with: a setting that was
 * set once is never unknown again in a session.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "tenant/selftest/view.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* the order in which probes are reported */
typedef enum ViewProbeNumber
{
	VIEW_ANY,
	VIEW_READ_OTHER,
	VIEW_READ_UNSET,
	VIEW_INSERT_OTHER,
	VIEW_UPDATE_OTHER,
	VIEW_UPDATE_UNSET,
	VIEW_DELETE_OTHER,
	VIEW_DELETE_UNSET
} ViewProbeNumber;

#define LEAK_READ "it reads rows of another tenant"
#define LEAK_CHANGE "it can change rows of another tenant"
#define LEAK_DELETE "it can delete rows of another tenant"
#define LEAK_WRITE "it can write rows for another tenant"

static void try_unset(SelftestViewTrial *trial);
static void try_rest(SelftestViewTrial *trial);
static void try_read(const SelftestViewTrial *trial, int number, const char *name,
					 const char *condition);
static void try_insert(const SelftestViewTrial *trial);
static void try_write(const SelftestViewTrial *trial, CmdType command, int number,
					  const char *name, const char *condition);
static char *write_sql(const SelftestViewTrial *trial, CmdType command,
					   const char *condition);
static const char *readable_tenant(const SelftestViewTrial *trial);
static char *tenant_condition(const SelftestViewTrial *trial, const char *tenant,
							  const char *test);
static void make_sure(const SelftestViewTrial *trial, int number, const char *name);
static SelftestProbe *new_probe(const SelftestViewTrial *trial, SelftestKind kind,
								AclMode mode, const char *leak);
static void run(const SelftestViewTrial *trial, SelftestProbe *probe, int number,
				const char *name);

/*
 * Try everything on a view, either without a tenant or with one.
 */
void
selftest_try_view(const SelftestScene *scene, SelftestView *view,
				  Oid role, bool unset, SelftestReport report, void *state)
{
	SelftestViewTrial trial = {0};
	ErrorData  *error;

	trial.scene = scene;
	trial.view = view;
	trial.role = role;
	trial.unset = unset;
	trial.context = CurrentMemoryContext;
	trial.report = report;
	trial.state = state;
	if (unset)
		view->doubtful = 0;
	if (!selftest_guarded(selftest_look_at_view, &trial, &error))
	{
		if (unset)
			report(state, view->relid, VIEW_ANY, "any", SELFTEST_INCONCLUSIVE,
				   psprintf("could not look at the view: %s", error->message));
		return;
	}

	if (trial.base == NULL)
	{
		if (unset)
			report(state, view->relid, VIEW_ANY, "any", SELFTEST_INCONCLUSIVE,
				   trial.columns == NIL ?
				   "none of the tables that it reads could be tried" :
				   "none of the tables that its tenant columns are of could be tried");
	}
	else if (!selftest_has_right(view->relid, role, ACL_SELECT, NULL) &&
			 !selftest_has_right(view->relid, role, ACL_INSERT, NULL) &&
			 !selftest_has_right(view->relid, role, ACL_UPDATE, NULL) &&
			 pg_class_aclcheck(view->relid, role, ACL_DELETE) != ACLCHECK_OK)
	{
		SelftestProbe *probe = new_probe(&trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);

		if (!unset)
			return;
		probe->sql = psprintf("SELECT 1 FROM %s AS t LIMIT 1", view->name);
		run(&trial, probe, VIEW_ANY, "any");
	}
	else if (unset)
		try_unset(&trial);
	else
		try_rest(&trial);
}

static void
try_unset(SelftestViewTrial *trial)
{
	const char *column = readable_tenant(trial);
	char	   *condition = SELFTEST_TELL;

	/* what all tenants share may be there to be changed */
	if (column != NULL)
		condition = psprintf("CASE WHEN %s IS NOT NULL THEN %s ELSE false END",
							 column, SELFTEST_TELL);
	if (trial->columns == NIL)
	{
		try_read(trial, VIEW_READ_UNSET, "read unset", "true");
		return;
	}
	try_read(trial, VIEW_READ_UNSET, "read unset",
			 psprintf("%s IS NOT NULL", (char *) linitial(trial->columns)));
	try_write(trial, CMD_UPDATE, VIEW_UPDATE_UNSET, "update unset", condition);
	try_write(trial, CMD_DELETE, VIEW_DELETE_UNSET, "delete unset", condition);
}

static void
try_rest(SelftestViewTrial *trial)
{
	char	   *condition;

	make_sure(trial, VIEW_READ_UNSET, "read unset");
	make_sure(trial, VIEW_UPDATE_UNSET, "update unset");
	make_sure(trial, VIEW_DELETE_UNSET, "delete unset");
	if (trial->columns == NIL)
		return;

	condition = tenant_condition(trial, trial->base->actor, "IS FALSE");
	try_read(trial, VIEW_READ_OTHER, "read other", condition);
	if ((trial->events & (1 << CMD_INSERT)) != 0)
		try_insert(trial);
	condition = psprintf("CASE WHEN %s THEN %s ELSE false END", condition,
						 SELFTEST_TELL);
	try_write(trial, CMD_UPDATE, VIEW_UPDATE_OTHER, "update other", condition);
	try_write(trial, CMD_DELETE, VIEW_DELETE_OTHER, "delete other", condition);
}

static void
try_read(const SelftestViewTrial *trial, int number, const char *name,
		 const char *condition)
{
	SelftestProbe *probe = new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);

	probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
						  trial->view->name, condition);
	run(trial, probe, number, name);
}

/*
 * Update or delete, if the view allows it, rows for which a condition, which
 * tells of them, holds.
 */
static void
try_write(const SelftestViewTrial *trial, CmdType command, int number,
		  const char *name, const char *condition)
{
	SelftestProbe *probe;

	if ((trial->events & (1 << command)) == 0)
		return;
	probe = command == CMD_UPDATE ?
		new_probe(trial, SELFTEST_SEE, ACL_UPDATE, LEAK_CHANGE) :
		new_probe(trial, SELFTEST_SEE, ACL_DELETE, LEAK_DELETE);
	probe->sql = write_sql(trial, command, condition);
	run(trial, probe, number, name);
}

static char *
write_sql(const SelftestViewTrial *trial, CmdType command, const char *condition)
{
	const char *column = NULL;
	ListCell   *lc;

	if (command == CMD_DELETE)
		return psprintf("DELETE FROM %s AS t WHERE %s", trial->view->name,
						condition);
	foreach(lc, trial->origins)
	{
		SelftestViewColumn *origin = lfirst(lc);
		bool		is_tenant = origin->table->column != NULL &&
		strcmp(origin->table->column, origin->origin) == 0;

		/* that of the tenant, unless there is a right on another one alone */
		if (selftest_can_be_set(origin->table->relid, origin->origin) &&
			selftest_has_right(trial->view->relid, trial->role, ACL_UPDATE,
							   origin->name) &&
			(column == NULL || is_tenant))
			column = quote_identifier(origin->name);
	}
	if (column == NULL)
		column = strchr(linitial(trial->columns), '.') + 1;
	return psprintf("UPDATE %s AS t SET %s = NULL WHERE %s", trial->view->name,
					column, condition);
}

/*
 * A column that holds a tenant, if the role may read all that do; or NULL.
 */
static const char *
readable_tenant(const SelftestViewTrial *trial)
{
	ListCell   *lc;

	foreach(lc, trial->origins)
	{
		SelftestViewColumn *column = lfirst(lc);

		if (column->table->column != NULL &&
			strcmp(column->table->column, column->origin) == 0 &&
			!selftest_has_right(trial->view->relid, trial->role, ACL_SELECT,
								column->name))
			return NULL;
	}
	return trial->columns == NIL ? NULL : linitial(trial->columns);
}

/*
 * Insert a row of another tenant, a copy as far as the view has its columns.
 */
static void
try_insert(const SelftestViewTrial *trial)
{
	const SelftestTable *base = trial->base;
	SelftestProbe *probe = new_probe(trial, SELFTEST_WRITE, ACL_INSERT, LEAK_WRITE);
	char	   *victim = selftest_literal(base->victim, base->column_type);
	StringInfoData columns;
	StringInfoData values;
	ListCell   *lc;

	initStringInfo(&columns);
	initStringInfo(&values);
	foreach(lc, trial->origins)
	{
		SelftestViewColumn *column = lfirst(lc);
		const char *separator = columns.len == 0 ? "" : ", ";
		ListCell   *lc2;

		if (column->table != base)
			continue;
		if (strcmp(column->origin, base->column) == 0)
		{
			appendStringInfo(&columns, "%s%s", separator, quote_identifier(column->name));
			appendStringInfo(&values, "%s%s", separator, victim);
			continue;
		}
		if (base->other_row == NULL)
			continue;
		foreach(lc2, base->other_row->values)
		{
			SelftestValue *value = lfirst(lc2);

			if (strcmp(value->column, column->origin) != 0 ||
				(base->has_insert_trigger && value->has_default) ||
				!selftest_has_right(trial->view->relid, trial->role, ACL_INSERT, column->name))
				continue;
			probe->values = lappend(probe->values, value);
			appendStringInfo(&columns, "%s%s", separator, quote_identifier(column->name));
			appendStringInfo(&values, "%s$%d", separator, list_length(probe->values));
		}
	}
	probe->sql = psprintf("INSERT INTO %s (%s)%s VALUES (%s)", trial->view->name,
						  columns.data,
						  base->other_row != NULL && base->other_row->has_identity ?
						  " OVERRIDING SYSTEM VALUE" : "",
						  values.data);
	probe->has_trigger = base->has_insert_trigger || trial->has_trigger;
	probe->confirm = psprintf("t.%s OPERATOR(pg_catalog.=) %s",
							  quote_identifier(base->column), victim);
	probe->settled = psprintf("t.%s OPERATOR(pg_catalog.=) %s",
							  quote_identifier(base->column),
							  selftest_literal(base->actor, base->column_type));
	run(trial, probe, VIEW_INSERT_OTHER, "insert other");
}

/*
 * A condition for rows "t" of the view: what a test makes of whether they are
 * a tenant's.
 */
static char *
tenant_condition(const SelftestViewTrial *trial, const char *tenant, const char *test)
{
	char	   *literal = selftest_literal(tenant,
										   selftest_tenant_type(trial->scene, trial->base));
	char	   *result = NULL;
	ListCell   *lc;

	foreach(lc, trial->columns)
	{
		char	   *term = psprintf("(%s OPERATOR(pg_catalog.=) %s) %s",
									(char *) lfirst(lc), literal, test);

		result = result == NULL ? term : psprintf("%s OR %s", result, term);
	}
	return result;
}

static SelftestProbe *
new_probe(const SelftestViewTrial *trial, SelftestKind kind, AclMode mode,
		  const char *leak)
{
	SelftestProbe *probe = palloc0(sizeof(SelftestProbe));
	SelftestRight *right = palloc0(sizeof(SelftestRight));

	probe->kind = kind;
	probe->role = trial->role;
	probe->relid = trial->view->relid;
	probe->base = trial->base->relid;
	probe->bases = selftest_tables_of(trial->scene, trial->base);
	probe->state = SELFTEST_TENANT;
	probe->tenant = trial->base->actor;
	probe->setting = trial->base->setting;
	probe->leak = leak;
	probe->has_rule = trial->has_rule;
	if (kind == SELFTEST_READ)
		probe->waiver = trial->view->waiver;
	right->mode = mode;
	right->any_column = mode != ACL_DELETE;
	probe->rights = list_make1(right);
	return probe;
}

static void
run(const SelftestViewTrial *trial, SelftestProbe *probe, int number, const char *name)
{
	char	   *detail;
	SelftestResult result;

	if (trial->unset && number != VIEW_ANY)
		probe->state = SELFTEST_UNSET;
	result = selftest_run(probe, &detail);
	if (result == SELFTEST_LEAK && trial->columns == NIL)
	{
		result = SELFTEST_INCONCLUSIVE;
		detail = "it shows something though no tenant is set, and has no tenant column that would tell whose it is";
	}
	else if (result == SELFTEST_LEAK && probe->waiver != NULL)
	{
		result = SELFTEST_WAIVED;
		detail = psprintf("%s; accepted: %s", detail, probe->waiver);
	}
	else if (result == SELFTEST_OK && detail == NULL && probe->kind != SELFTEST_WRITE)
	{
		trial->view->doubtful |= 1 << number;
		if (!trial->unset)
			make_sure(trial, number, name);
		return;
	}
	trial->report(trial->state, trial->view->relid, number, name, result, detail);
}

/*
 * Report a probe that found nothing: that is as it should be if the other
 * tenant finds something in that way.
 */
static void
make_sure(const SelftestViewTrial *trial, int number, const char *name)
{
	CmdType		command = CMD_SELECT;
	SelftestProbe *probe;
	SelftestResult result;
	char	   *condition = "true";
	char	   *detail = NULL;

	if ((trial->view->doubtful & (1 << number)) == 0)
		return;
	if (trial->base->other_row == NULL)
	{
		trial->report(trial->state, trial->view->relid, number, name,
					  SELFTEST_INCONCLUSIVE,
					  "you see no row that it could have found");
		return;
	}

	if (number == VIEW_UPDATE_OTHER || number == VIEW_UPDATE_UNSET)
		command = CMD_UPDATE;
	else if (number == VIEW_DELETE_OTHER || number == VIEW_DELETE_UNSET)
		command = CMD_DELETE;
	if (trial->columns != NIL)
		condition = tenant_condition(trial, trial->base->victim, "IS TRUE");
	if (command == CMD_SELECT)
	{
		probe = new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
							  trial->view->name, condition);
	}
	else
	{
		probe = new_probe(trial, SELFTEST_SEE,
						  command == CMD_UPDATE ? ACL_UPDATE : ACL_DELETE, LEAK_CHANGE);
		condition = readable_tenant(trial) == NULL ? SELFTEST_TELL :
			psprintf("CASE WHEN %s THEN %s ELSE false END", condition, SELFTEST_TELL);
		probe->sql = write_sql(trial, command, condition);
	}
	probe->tenant = trial->base->victim;
	result = selftest_run(probe, &detail);
	if (result == SELFTEST_LEAK)
		trial->report(trial->state, trial->view->relid, number, name,
					  SELFTEST_OK, NULL);
	else
		trial->report(trial->state, trial->view->relid, number, name,
					  SELFTEST_INCONCLUSIVE,
					  detail != NULL ?
					  psprintf("could not see whether there was anything to find: %s", detail) :
					  "the other tenant finds nothing in this way either, so that it proves little");
}
