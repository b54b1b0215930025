/*-------------------------------------------------------------------------
 *
 * try.c
 *	  What is tried on a table.
 *
 * No probe that looks for rows changes any, even where all are open: its
 * condition raises an error for the first row that it is asked about, which
 * is after the policies were.  Those that write do so to a single row, and
 * fail as soon as the policy refuses it.
 *
 * A probe that found nothing counts only if there was something to be found,
 * that is, if the caller sees a row of another tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tenant/selftest/trial.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void try_unset(const SelftestTrial *trial);
static void try_rest(const SelftestTrial *trial);
static void try_read(const SelftestTrial *trial, int number, const char *name,
					 SelftestTenant state);
static void try_own(const SelftestTrial *trial);
static bool has_any_right(Oid relid, Oid role);

/*
 * Try everything on a table, either without a tenant or with one.
 *
 * The former comes first for all tables, since a setting that was set once is
 * never unknown again in a session.
 */
void
selftest_try_table(const SelftestScene *scene, const SelftestTable *table,
				   Oid role, bool unset, SelftestReport report, void *state)
{
	SelftestTrial trial = {0};
	Oid			type;

	if (table->problem != NULL)
	{
		if (unset)
			report(state, table->relid, PROBE_ANY, "any",
				   SELFTEST_INCONCLUSIVE, table->problem);
		return;
	}

	type = selftest_tenant_type(scene, table);
	trial.scene = scene;
	trial.table = table;
	trial.role = role;
	trial.report = report;
	trial.state = state;
	trial.is_evident = table->other_row != NULL;
	trial.actor = selftest_literal(table->actor, type);
	trial.victim = selftest_literal(table->victim, type);
	if (!table->is_child)
	{
		trial.column = quote_identifier(table->column);
		trial.other = psprintf("(t.%s OPERATOR(pg_catalog.=) %s) IS %s",
							   trial.column, trial.actor,
							   table->is_shared ? "FALSE" : "NOT TRUE");
	}
	else
		trial.other = trial.is_evident ?
			selftest_row_condition("t", table->other_row) : "true";

	if (!has_any_right(table->relid, role))
	{
		SelftestProbe *probe = selftest_new_probe(&trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);

		if (!unset)
			return;
		probe->sql = psprintf("SELECT 1 FROM %s AS t LIMIT 1", table->name);
		selftest_run_probe(&trial, probe, PROBE_ANY, "any", true);
	}
	else if (unset)
		try_unset(&trial);
	else
		try_rest(&trial);
}

static void
try_unset(const SelftestTrial *trial)
{
	try_read(trial, PROBE_READ_UNSET, "read unset", SELFTEST_UNSET);
	selftest_try_insert(trial, PROBE_INSERT_UNSET, "insert unset", SELFTEST_UNSET,
						trial->victim, "");
	selftest_try_update(trial, PROBE_UPDATE_UNSET, "update unset", SELFTEST_UNSET,
						SELFTEST_TELL, trial->is_evident);
	selftest_try_delete(trial, PROBE_DELETE_UNSET, "delete unset", SELFTEST_UNSET,
						SELFTEST_TELL, trial->is_evident);
}

static void
try_rest(const SelftestTrial *trial)
{
	const SelftestTable *table = trial->table;

	try_own(trial);
	try_read(trial, PROBE_READ_OTHER, "read other", SELFTEST_TENANT);
	try_read(trial, PROBE_READ_EMPTY, "read empty", SELFTEST_EMPTY);
	selftest_try_insert(trial, PROBE_INSERT_OTHER, "insert other", SELFTEST_TENANT,
						trial->victim, "");
	if (!table->is_child)
	{
		selftest_try_insert(trial, PROBE_INSERT_NULL,
							table->is_shared ? "insert shared" : "insert null",
							SELFTEST_TENANT, NULL, "");
		if (selftest_has_right(table->relid, trial->role, ACL_SELECT, table->column))
			selftest_try_insert(trial, PROBE_INSERT_RETURNING, "insert returning",
								SELFTEST_TENANT, trial->victim,
								psprintf(" RETURNING t.%s", trial->column));
		selftest_try_conflict(trial);
	}
	selftest_try_update(trial, PROBE_UPDATE_OTHER, "update other", SELFTEST_TENANT,
						selftest_tell(trial->other), trial->is_evident);
	selftest_try_move(trial, PROBE_MOVE_ROW, "move row", false);
	if (!table->is_child)
		selftest_try_move(trial, PROBE_MOVE_ROW_TO_NULL,
						  table->is_shared ? "share row" : "move row to null", true);
	selftest_try_delete(trial, PROBE_DELETE_OTHER, "delete other", SELFTEST_TENANT,
						selftest_tell(trial->other), trial->is_evident);
	selftest_try_merge(trial);
	if (table->is_child && selftest_is_below_shared(trial->scene, table))
		selftest_try_insert(trial, PROBE_INSERT_NULL, "insert shared",
							SELFTEST_TENANT, NULL, "");
	if (table->is_shared || selftest_is_below_shared(trial->scene, table))
	{
		const char *condition = "false";

		if (!table->is_child)
			condition = psprintf("t.%s IS NULL", trial->column);
		else if (table->shared_row != NULL)
			condition = selftest_row_condition("t", table->shared_row);
		selftest_try_update(trial, PROBE_UPDATE_SHARED, "update shared",
							SELFTEST_TENANT, selftest_tell(condition), table->shared_row != NULL);
		selftest_try_delete(trial, PROBE_DELETE_SHARED, "delete shared",
							SELFTEST_TENANT, selftest_tell(condition), table->shared_row != NULL);
	}
	selftest_try_references(trial);
}

/*
 * Read what belongs to others.  Without a tenant that is everything but what
 * is shared.
 */
static void
try_read(const SelftestTrial *trial, int number, const char *name,
		 SelftestTenant state)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);
	const char *condition = trial->other;

	if (state != SELFTEST_TENANT && !table->is_child)
		condition = table->is_shared ?
			psprintf("t.%s IS NOT NULL", trial->column) : "true";
	probe->state = state;
	probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
						  table->name, condition);
	selftest_run_probe(trial, probe, number, name, trial->is_evident);
}

/*
 * Does the tenant see its own row?  If it does not, the rest proves little.
 */
static void
try_own(const SelftestTrial *trial)
{
	const SelftestTable *table = trial->table;
	const SelftestRow *row = table->own_row != NULL ?
	table->own_row : table->other_row;
	SelftestProbe *probe;

	/* what names the row in a child is readable with the whole table alone */
	if (row == NULL ||
		(table->is_child ?
		 pg_class_aclcheck(table->relid, trial->role, ACL_SELECT) != ACLCHECK_OK :
		 !selftest_has_right(table->relid, trial->role, ACL_SELECT, table->column)))
		return;
	probe = selftest_new_probe(trial, SELFTEST_OWN, ACL_SELECT, LEAK_READ);
	probe->tenant = row->tenant;
	if (table->is_child)
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
							  table->name, selftest_row_condition("t", row));
	else
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE t.%s OPERATOR(pg_catalog.=) %s LIMIT 1",
							  table->name, trial->column,
							  selftest_literal(row->tenant, table->column_type));
	selftest_run_probe(trial, probe, PROBE_READ_OWN, "read own", true);
}

/*
 * A probe for the table that works for the actor, and needs a right: to write
 * the tenant column, or what leads to the parent, where there is one that is
 * written, else on any column.
 */
SelftestProbe *
selftest_new_probe(const SelftestTrial *trial, SelftestKind kind, AclMode mode,
				   const char *leak)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = palloc0(sizeof(SelftestProbe));
	SelftestRight *right = palloc0(sizeof(SelftestRight));

	probe->kind = kind;
	probe->role = trial->role;
	probe->relid = table->relid;
	probe->base = table->relid;
	probe->bases = selftest_tables_of(trial->scene, table);
	probe->state = SELFTEST_TENANT;
	probe->tenant = table->actor;
	probe->setting = table->setting;
	probe->leak = leak;
	probe->has_trigger = (mode == ACL_INSERT && table->has_insert_trigger) ||
		(mode == ACL_UPDATE && table->has_update_trigger);
	probe->has_rule = table->has_rule;

	right->mode = mode;
	if (kind == SELFTEST_WRITE || kind == SELFTEST_TAKE)
		right->column = table->is_child ? linitial(table->via_columns) : table->column;
	else
		right->any_column = mode != ACL_DELETE;
	probe->rights = list_make1(right);
	return probe;
}

void
selftest_run_probe(const SelftestTrial *trial, SelftestProbe *probe, int number, const char *name,
				   bool is_evident)
{
	const SelftestTable *table = trial->table;
	char	   *detail;
	SelftestResult result = selftest_run(probe, &detail);

	if (result == SELFTEST_OK && detail == NULL)
	{
		if (!is_evident)
		{
			result = SELFTEST_INCONCLUSIVE;
			detail = "you see no row that it could have found";
		}
		else if (table->other_row != NULL &&
				 (table->is_child || number == PROBE_MERGE_OTHER) &&
				 !selftest_row_is_there(table, table->other_row))
		{
			result = SELFTEST_INCONCLUSIVE;
			detail = "the row that it looked for was changed meanwhile";
		}
	}
	else if (result == SELFTEST_LEAK && probe->waiver != NULL)
	{
		result = SELFTEST_WAIVED;
		detail = psprintf("%s; accepted: %s", detail, probe->waiver);
	}
	trial->report(trial->state, table->relid, number, name, result, detail);
}

/*
 * A condition that tells of a row for which another one holds.
 */
char *
selftest_tell(const char *condition)
{
	return psprintf("CASE WHEN %s THEN %s ELSE false END", condition,
					SELFTEST_TELL);
}

static bool
has_any_right(Oid relid, Oid role)
{
	return selftest_has_right(relid, role, ACL_SELECT, NULL) ||
		selftest_has_right(relid, role, ACL_INSERT, NULL) ||
		selftest_has_right(relid, role, ACL_UPDATE, NULL) ||
		pg_class_aclcheck(relid, role, ACL_DELETE) == ACLCHECK_OK;
}
