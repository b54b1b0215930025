/*-------------------------------------------------------------------------
 *
 * tenantselftestview.c
 *	  What is tried on a view.
 *
 * Whose rows a view shows is known where a column of it is the tenant column
 * of a table, as it stands or through further views.  Where there is none, a
 * view that shows anything while no tenant is set may do so for good reasons,
 * and nothing is concluded.
 *
 * A view is never read as the caller: it runs functions of its owner's choice
 * with the rights of who reads it.  That there is something to be seen is
 * taken from its tables.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "tenantselftest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* the order in which probes are reported */
typedef enum ViewProbeNumber
{
	VIEW_ANY,
	VIEW_READ_OTHER,
	VIEW_READ_UNSET,
	VIEW_INSERT_OTHER,
	VIEW_UPDATE_OTHER,
	VIEW_DELETE_OTHER
} ViewProbeNumber;

#define LEAK_READ "it reads rows of another tenant"
#define LEAK_CHANGE "it can change rows of another tenant"
#define LEAK_DELETE "it can delete rows of another tenant"
#define LEAK_WRITE "it can write rows for another tenant"

/* A column of a view that is one of a table's */
typedef struct ViewColumn
{
	char	   *name;
	const SelftestTable *table;
	char	   *origin;			/* its name there */
} ViewColumn;

/* What is known of a view */
typedef struct ViewTrial
{
	const SelftestScene *scene;
	const SelftestView *view;
	Oid			role;
	MemoryContext context;
	const SelftestTable *base;	/* the table that the tenants are taken from */
	List	   *columns;		/* char *: those that hold a tenant, quoted */
	List	   *origins;		/* ViewColumn *: all that are a table's */
	int			events;			/* what can be done to it, as bits of CmdType */
	SelftestReport report;
	void	   *state;
} ViewTrial;

static void look_at_view(void *arg);
static const SelftestTable *table_of_column(const SelftestScene *scene,
											Oid relid, AttrNumber *attnum);
static Query *view_query(Relation relation);
static void try_unset(ViewTrial *trial);
static void try_rest(ViewTrial *trial);
static void try_insert(const ViewTrial *trial);
static char *other(const ViewTrial *trial);
static SelftestProbe *new_probe(const ViewTrial *trial, SelftestKind kind,
								AclMode mode, const char *leak);
static void run(const ViewTrial *trial, SelftestProbe *probe, int number,
				const char *name);

/*
 * Try everything on a view, either without a tenant or with one.
 */
void
selftest_try_view(const SelftestScene *scene, const SelftestView *view,
				  Oid role, bool unset, SelftestReport report, void *state)
{
	ViewTrial	trial = {0};
	ErrorData  *error;

	trial.scene = scene;
	trial.view = view;
	trial.role = role;
	trial.context = CurrentMemoryContext;
	trial.report = report;
	trial.state = state;
	if (!selftest_guarded(look_at_view, &trial, &error))
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
				   "none of the tables that it reads could be tried");
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

/*
 * Find the columns that hold a tenant, and the table to take tenants from:
 * that of such a column if rows of it were found.
 */
static void
look_at_view(void *arg)
{
	ViewTrial  *trial = arg;
	Relation	relation = relation_open(trial->view->relid, AccessShareLock);
	MemoryContext spi_context = MemoryContextSwitchTo(trial->context);
	ListCell   *lc;

	for (AttrNumber attnum = 1; attnum <= RelationGetNumberOfAttributes(relation); attnum++)
	{
		AttrNumber	origin = attnum;
		const SelftestTable *table = table_of_column(trial->scene,
													 trial->view->relid, &origin);
		ViewColumn *column;

		if (table == NULL)
			continue;
		column = palloc(sizeof(ViewColumn));
		column->name = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation),
													 attnum - 1)->attname));
		column->table = table;
		column->origin = get_attname(table->relid, origin, false);
		trial->origins = lappend(trial->origins, column);

		if (table->column == NULL || strcmp(table->column, column->origin) != 0)
			continue;
		trial->columns = lappend(trial->columns,
								 psprintf("t.%s", quote_identifier(column->name)));
		if (table->problem == NULL &&
			(trial->base == NULL || trial->base->other_row == NULL))
			trial->base = table;
	}
	foreach(lc, trial->view->bases)
	{
		const SelftestTable *table = lfirst(lc);

		if (table->problem == NULL &&
			(trial->base == NULL ||
			 (trial->columns == NIL && trial->base->other_row == NULL)))
			trial->base = table;
	}
	if (relation->rd_rel->relkind == RELKIND_VIEW)
		trial->events = relation_is_updatable(trial->view->relid, NIL, false, NULL);
	MemoryContextSwitchTo(spi_context);
	relation_close(relation, AccessShareLock);
}

/*
 * The table whose column a column of a table or view is, and which one it is
 * there; NULL if it is none, or the table is not one that is tried.
 */
static const SelftestTable *
table_of_column(const SelftestScene *scene, Oid relid, AttrNumber *attnum)
{
	const SelftestTable *result = selftest_find_table(scene, relid);
	char		relkind = get_rel_relkind(relid);
	Relation	relation;
	Query	   *query;
	ListCell   *lc;

	if (result != NULL)
		return result;
	if (relkind != RELKIND_VIEW && relkind != RELKIND_MATVIEW)
		return NULL;

	check_stack_depth();
	relation = relation_open(relid, AccessShareLock);
	query = view_query(relation);
	if (query != NULL)
	{
		foreach(lc, query->targetList)
		{
			TargetEntry *entry = lfirst(lc);

			if (!entry->resjunk && entry->resno == *attnum &&
				OidIsValid(entry->resorigtbl) && entry->resorigcol > 0 &&
				entry->resorigtbl != relid)
			{
				*attnum = entry->resorigcol;
				result = table_of_column(scene, entry->resorigtbl, attnum);
				break;
			}
		}
	}
	relation_close(relation, AccessShareLock);
	return result;
}

/*
 * What a view or a materialized view is made of.
 */
static Query *
view_query(Relation relation)
{
	if (relation->rd_rules == NULL)
		return NULL;
	for (int i = 0; i < relation->rd_rules->numLocks; i++)
	{
		RewriteRule *rule = relation->rd_rules->rules[i];

		if (rule->event == CMD_SELECT && list_length(rule->actions) == 1)
			return linitial_node(Query, rule->actions);
	}
	return NULL;
}

static void
try_unset(ViewTrial *trial)
{
	SelftestProbe *probe = new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);
	char	   *detail;
	SelftestResult result;

	probe->state = SELFTEST_UNSET;
	if (trial->columns != NIL)
	{
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s IS NOT NULL LIMIT 1",
							  trial->view->name, (char *) linitial(trial->columns));
		run(trial, probe, VIEW_READ_UNSET, "read unset");
		return;
	}

	probe->sql = psprintf("SELECT 1 FROM %s AS t LIMIT 1", trial->view->name);
	result = selftest_run(probe, &detail);
	if (result == SELFTEST_LEAK)
	{
		result = SELFTEST_INCONCLUSIVE;
		detail = "it shows something though no tenant is set, and has no tenant column that would tell whose it is";
	}
	else if (result == SELFTEST_OK && detail == NULL && trial->base->other_row == NULL)
	{
		result = SELFTEST_INCONCLUSIVE;
		detail = "you see no row that it could have found";
	}
	trial->report(trial->state, trial->view->relid, VIEW_READ_UNSET,
				  "read unset", result, detail);
}

static void
try_rest(ViewTrial *trial)
{
	const SelftestView *view = trial->view;
	const char *column;
	char	   *condition;
	SelftestProbe *probe;

	if (trial->columns == NIL)
		return;
	column = linitial(trial->columns);

	probe = new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);
	probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1", view->name,
						  other(trial));
	run(trial, probe, VIEW_READ_OTHER, "read other");

	condition = psprintf("CASE WHEN %s THEN %s ELSE false END", other(trial),
						 SELFTEST_TELL);
	if ((trial->events & (1 << CMD_INSERT)) != 0)
		try_insert(trial);
	if ((trial->events & (1 << CMD_UPDATE)) != 0)
	{
		probe = new_probe(trial, SELFTEST_SEE, ACL_UPDATE, LEAK_CHANGE);
		probe->sql = psprintf("UPDATE %s AS t SET %s = NULL WHERE %s", view->name,
							  strchr(column, '.') + 1, condition);
		run(trial, probe, VIEW_UPDATE_OTHER, "update other");
	}
	if ((trial->events & (1 << CMD_DELETE)) != 0)
	{
		probe = new_probe(trial, SELFTEST_SEE, ACL_DELETE, LEAK_DELETE);
		probe->sql = psprintf("DELETE FROM %s AS t WHERE %s", view->name, condition);
		run(trial, probe, VIEW_DELETE_OTHER, "delete other");
	}
}

/*
 * Insert a row of another tenant, a copy as far as the view has its columns.
 */
static void
try_insert(const ViewTrial *trial)
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
		ViewColumn *column = lfirst(lc);
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
	probe->has_trigger = base->has_insert_trigger;
	probe->confirm = psprintf("t.%s OPERATOR(pg_catalog.=) %s",
							  quote_identifier(base->column), victim);
	probe->settled = psprintf("t.%s OPERATOR(pg_catalog.=) %s",
							  quote_identifier(base->column),
							  selftest_literal(base->actor, base->column_type));
	run(trial, probe, VIEW_INSERT_OTHER, "insert other");
}

/*
 * A condition that a row "t" of the view is another tenant's.
 */
static char *
other(const ViewTrial *trial)
{
	char	   *tenant = selftest_literal(trial->base->actor,
										  selftest_tenant_type(trial->scene, trial->base));
	char	   *result = NULL;
	ListCell   *lc;

	foreach(lc, trial->columns)
	{
		char	   *term = psprintf("(%s OPERATOR(pg_catalog.=) %s) IS FALSE",
									(char *) lfirst(lc), tenant);

		result = result == NULL ? term : psprintf("%s OR %s", result, term);
	}
	return result;
}

static SelftestProbe *
new_probe(const ViewTrial *trial, SelftestKind kind, AclMode mode,
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
	if (kind == SELFTEST_READ)
		probe->waiver = trial->view->waiver;
	right->mode = mode;
	right->any_column = mode != ACL_DELETE;
	probe->rights = list_make1(right);
	return probe;
}

static void
run(const ViewTrial *trial, SelftestProbe *probe, int number, const char *name)
{
	char	   *detail;
	SelftestResult result = selftest_run(probe, &detail);

	if (result == SELFTEST_OK && detail == NULL && probe->kind != SELFTEST_WRITE &&
		trial->base->other_row == NULL)
	{
		result = SELFTEST_INCONCLUSIVE;
		detail = "you see no row that it could have found";
	}
	else if (result == SELFTEST_LEAK && probe->waiver != NULL)
	{
		result = SELFTEST_WAIVED;
		detail = psprintf("%s; accepted: %s", detail, probe->waiver);
	}
	trial->report(trial->state, trial->view->relid, number, name, result, detail);
}
