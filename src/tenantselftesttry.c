/*-------------------------------------------------------------------------
 *
 * tenantselftesttry.c
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

#include "lib/stringinfo.h"
#include "tenantselftest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

/* the order in which probes are reported */
typedef enum ProbeNumber
{
	PROBE_ANY,
	PROBE_READ_OWN,
	PROBE_READ_OTHER,
	PROBE_READ_UNSET,
	PROBE_READ_EMPTY,
	PROBE_INSERT_OTHER,
	PROBE_INSERT_UNSET,
	PROBE_INSERT_NULL,
	PROBE_INSERT_RETURNING,
	PROBE_ON_CONFLICT,
	PROBE_UPDATE_OTHER,
	PROBE_UPDATE_UNSET,
	PROBE_MOVE_ROW,
	PROBE_MOVE_ROW_TO_NULL,
	PROBE_DELETE_OTHER,
	PROBE_DELETE_UNSET,
	PROBE_MERGE_OTHER,
	PROBE_UPDATE_SHARED,
	PROBE_DELETE_SHARED,
	PROBE_REFERENCE				/* and those after it */
} ProbeNumber;

#define LEAK_READ "it reads rows of another tenant"
#define LEAK_CHANGE "it can change rows of another tenant"
#define LEAK_DELETE "it can delete rows of another tenant"
#define LEAK_WRITE "it can write rows for another tenant"
#define LEAK_NULL "it can write rows without a tenant"
#define LEAK_HANG "it can write rows that hang on a row that all tenants share"
#define LEAK_SHARED "it can change rows that are shared by all tenants"
#define LEAK_REFER "its rows can refer to rows of another tenant"

/* What the probes of a table have in common */
typedef struct Trial
{
	const SelftestScene *scene;
	const SelftestTable *table;
	Oid			role;
	const char *column;			/* of the tenant, quoted; NULL in a child */
	char	   *other;			/* condition: row "t" is another tenant's */
	char	   *actor;			/* the tenants as constants */
	char	   *victim;
	bool		is_evident;		/* there is a row to be found */
	SelftestReport report;
	void	   *state;
} Trial;

static void try_unset(const Trial *trial);
static void try_rest(const Trial *trial);
static void try_read(const Trial *trial, int number, const char *name,
					 SelftestTenant state);
static void try_own(const Trial *trial);
static void try_insert(const Trial *trial, int number, const char *name,
					   SelftestTenant state, const char *tenant,
					   const char *tail);
static void try_conflict(const Trial *trial);
static void try_update(const Trial *trial, int number, const char *name,
					   SelftestTenant state, const char *condition,
					   bool is_evident);
static void try_delete(const Trial *trial, int number, const char *name,
					   SelftestTenant state, const char *condition,
					   bool is_evident);
static void try_move(const Trial *trial, int number, const char *name,
					 bool to_null);
static void try_merge(const Trial *trial);
static void try_references(const Trial *trial);
static SelftestProbe *new_probe(const Trial *trial, SelftestKind kind,
								AclMode mode, const char *leak);
static void run(const Trial *trial, SelftestProbe *probe, int number,
				const char *name, bool is_evident);
static char *tell(const char *condition);
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
	Trial		trial = {0};
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
		SelftestProbe *probe = new_probe(&trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);

		if (!unset)
			return;
		probe->sql = psprintf("SELECT 1 FROM %s AS t LIMIT 1", table->name);
		run(&trial, probe, PROBE_ANY, "any", true);
	}
	else if (unset)
		try_unset(&trial);
	else
		try_rest(&trial);
}

static void
try_unset(const Trial *trial)
{
	try_read(trial, PROBE_READ_UNSET, "read unset", SELFTEST_UNSET);
	try_insert(trial, PROBE_INSERT_UNSET, "insert unset", SELFTEST_UNSET,
			   trial->victim, "");
	try_update(trial, PROBE_UPDATE_UNSET, "update unset", SELFTEST_UNSET,
			   SELFTEST_TELL, trial->is_evident);
	try_delete(trial, PROBE_DELETE_UNSET, "delete unset", SELFTEST_UNSET,
			   SELFTEST_TELL, trial->is_evident);
}

static void
try_rest(const Trial *trial)
{
	const SelftestTable *table = trial->table;

	try_own(trial);
	try_read(trial, PROBE_READ_OTHER, "read other", SELFTEST_TENANT);
	try_read(trial, PROBE_READ_EMPTY, "read empty", SELFTEST_EMPTY);
	try_insert(trial, PROBE_INSERT_OTHER, "insert other", SELFTEST_TENANT,
			   trial->victim, "");
	if (!table->is_child)
	{
		try_insert(trial, PROBE_INSERT_NULL,
				   table->is_shared ? "insert shared" : "insert null",
				   SELFTEST_TENANT, NULL, "");
		if (selftest_has_right(table->relid, trial->role, ACL_SELECT, table->column))
			try_insert(trial, PROBE_INSERT_RETURNING, "insert returning",
					   SELFTEST_TENANT, trial->victim,
					   psprintf(" RETURNING t.%s", trial->column));
		try_conflict(trial);
	}
	try_update(trial, PROBE_UPDATE_OTHER, "update other", SELFTEST_TENANT,
			   tell(trial->other), trial->is_evident);
	try_move(trial, PROBE_MOVE_ROW, "move row", false);
	if (!table->is_child)
		try_move(trial, PROBE_MOVE_ROW_TO_NULL,
				 table->is_shared ? "share row" : "move row to null", true);
	try_delete(trial, PROBE_DELETE_OTHER, "delete other", SELFTEST_TENANT,
			   tell(trial->other), trial->is_evident);
	try_merge(trial);
	if (table->is_child && selftest_is_below_shared(trial->scene, table))
		try_insert(trial, PROBE_INSERT_NULL, "insert shared",
				   SELFTEST_TENANT, NULL, "");
	if (table->is_shared || selftest_is_below_shared(trial->scene, table))
	{
		const char *condition = "false";

		if (!table->is_child)
			condition = psprintf("t.%s IS NULL", trial->column);
		else if (table->shared_row != NULL)
			condition = selftest_row_condition("t", table->shared_row);
		try_update(trial, PROBE_UPDATE_SHARED, "update shared",
				   SELFTEST_TENANT, tell(condition), table->shared_row != NULL);
		try_delete(trial, PROBE_DELETE_SHARED, "delete shared",
				   SELFTEST_TENANT, tell(condition), table->shared_row != NULL);
	}
	try_references(trial);
}

/*
 * Read what belongs to others.  Without a tenant that is everything but what
 * is shared.
 */
static void
try_read(const Trial *trial, int number, const char *name,
		 SelftestTenant state)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = new_probe(trial, SELFTEST_READ, ACL_SELECT, LEAK_READ);
	const char *condition = trial->other;

	if (state != SELFTEST_TENANT && !table->is_child)
		condition = table->is_shared ?
			psprintf("t.%s IS NOT NULL", trial->column) : "true";
	probe->state = state;
	probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
						  table->name, condition);
	run(trial, probe, number, name, trial->is_evident);
}

/*
 * Does the tenant see its own row?  If it does not, the rest proves little.
 */
static void
try_own(const Trial *trial)
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
	probe = new_probe(trial, SELFTEST_OWN, ACL_SELECT, LEAK_READ);
	probe->tenant = row->tenant;
	if (table->is_child)
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE %s LIMIT 1",
							  table->name, selftest_row_condition("t", row));
	else
		probe->sql = psprintf("SELECT 1 FROM %s AS t WHERE t.%s OPERATOR(pg_catalog.=) %s LIMIT 1",
							  table->name, trial->column,
							  selftest_literal(row->tenant, table->column_type));
	run(trial, probe, PROBE_READ_OWN, "read own", true);
}

/*
 * Insert a row of a tenant, or of none (NULL): a copy of one that is there,
 * so that it finds its partition, or else the tenant alone.
 */
static void
try_insert(const Trial *trial, int number, const char *name,
		   SelftestTenant state, const char *tenant, const char *tail)
{
	const char *leak = tenant != NULL ? LEAK_WRITE :
	trial->table->is_child ? LEAK_HANG : LEAK_NULL;
	SelftestProbe *probe = new_probe(trial, SELFTEST_WRITE, ACL_INSERT, leak);

	probe->state = state;
	if (!selftest_compose_insert(trial->scene, trial->table, probe, tenant))
	{
		trial->report(trial->state, trial->table->relid, number, name,
					  SELFTEST_INCONCLUSIVE,
					  tenant != NULL ?
					  "you see no row of another tenant that it could belong to" :
					  "you see no row that all tenants share that it could belong to");
		return;
	}
	probe->sql = psprintf("%s%s", probe->sql, tail);
	if (trial->column != NULL &&
		check_enable_rls(trial->table->relid, InvalidOid, true) != RLS_ENABLED)
		probe->confirm = tenant == NULL ?
			psprintf("t.%s IS NULL", trial->column) :
			psprintf("t.%s OPERATOR(pg_catalog.=) %s", trial->column, tenant);
	run(trial, probe, number, name, true);
}

/*
 * Take a row of another tenant by its key, where that is unique across
 * tenants.
 */
static void
try_conflict(const Trial *trial)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe;
	StringInfoData buf;
	ListCell   *lc;

	if (table->conflict_columns == NIL || table->other_row == NULL ||
		!selftest_has_right(table->relid, trial->role, ACL_INSERT, table->column))
		return;
	foreach(lc, table->conflict_columns)
	{
		if (!selftest_has_right(table->relid, trial->role, ACL_INSERT, lfirst(lc)))
			return;
	}
	probe = new_probe(trial, SELFTEST_TAKE, ACL_UPDATE, LEAK_CHANGE);
	if (!selftest_compose_insert(trial->scene, table, probe, trial->actor))
		return;
	initStringInfo(&buf);
	appendStringInfo(&buf, "%s ON CONFLICT (", probe->sql);
	foreach(lc, table->conflict_columns)
		appendStringInfo(&buf, "%s%s",
						 lc == list_head(table->conflict_columns) ? "" : ", ",
						 quote_identifier(lfirst(lc)));
	appendStringInfo(&buf, ") DO UPDATE SET %s = excluded.%s", trial->column,
					 trial->column);
	probe->sql = buf.data;

	/* a trigger may have given it another key, and nothing was taken */
	probe->confirm = psprintf("NOT EXISTS (SELECT 1 FROM %s AS o WHERE %s)",
							  table->name,
							  selftest_row_condition("o", table->other_row));
	run(trial, probe, PROBE_ON_CONFLICT, "on conflict", true);
}

/*
 * Update rows for which a condition, which tells of them, holds.
 */
static void
try_update(const Trial *trial, int number, const char *name,
		   SelftestTenant state, const char *condition, bool is_evident)
{
	SelftestProbe *probe = new_probe(trial, SELFTEST_SEE, ACL_UPDATE,
									 number == PROBE_UPDATE_SHARED ? LEAK_SHARED : LEAK_CHANGE);
	const char *column = selftest_updatable_column(trial->table, trial->role);

	if (column == NULL)
		return;
	probe->state = state;
	probe->sql = psprintf("UPDATE %s AS t SET %s = NULL WHERE %s",
						  trial->table->name, quote_identifier(column),
						  condition);
	run(trial, probe, number, name, is_evident);
}

/*
 * Delete rows for which a condition, which tells of them, holds.
 */
static void
try_delete(const Trial *trial, int number, const char *name,
		   SelftestTenant state, const char *condition, bool is_evident)
{
	SelftestProbe *probe = new_probe(trial, SELFTEST_SEE, ACL_DELETE,
									 number == PROBE_DELETE_SHARED ? LEAK_SHARED : LEAK_DELETE);

	probe->state = state;
	probe->sql = psprintf("DELETE FROM %s AS t WHERE %s",
						  trial->table->name, condition);
	run(trial, probe, number, name, is_evident);
}

/*
 * Give a row of its own to another tenant, or to none.
 *
 * Nothing is read, for a new row that the tenant could not read would be
 * refused where something is.
 */
static void
try_move(const Trial *trial, int number, const char *name, bool to_null)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = new_probe(trial, SELFTEST_WRITE, ACL_UPDATE,
									 to_null ? LEAK_NULL : LEAK_WRITE);
	StringInfoData buf;

	if (table->own_row == NULL)
	{
		trial->report(trial->state, table->relid, number, name,
					  SELFTEST_INCONCLUSIVE,
					  "you do not see rows of two tenants in it");
		return;
	}
	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS t SET ", table->name);
	if (table->is_child)
	{
		List	   *values = selftest_via_values(trial->scene, table, table->victim);

		if (values == NIL)
			return;				/* gone a moment ago */
		selftest_append_assignments(&buf, probe, values);
	}
	else
	{
		const char *tenant = to_null ? "NULL" : trial->victim;

		appendStringInfo(&buf, "%s = %s", trial->column, tenant);
		if (check_enable_rls(table->relid, InvalidOid, true) != RLS_ENABLED)
			probe->confirm = psprintf("(t.%s OPERATOR(pg_catalog.=) %s) IS NOT TRUE",
									  trial->column, trial->actor);
	}
	appendStringInfoString(&buf, " WHERE " SELFTEST_ONCE);
	probe->sql = buf.data;
	run(trial, probe, number, name, true);
}

/*
 * MERGE is another way to a row, and had a hole of its own once.
 */
static void
try_merge(const Trial *trial)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = new_probe(trial, SELFTEST_READ, ACL_DELETE, LEAK_DELETE);

	/* what names the row is readable with the whole table alone */
	if (table->other_row == NULL ||
		pg_class_aclcheck(table->relid, trial->role, ACL_SELECT) != ACLCHECK_OK)
		return;
	probe->sql = psprintf("MERGE INTO %s AS t USING (SELECT 1) AS s ON %s WHEN MATCHED THEN DELETE",
						  table->name,
						  selftest_row_condition("t", table->other_row));
	run(trial, probe, PROBE_MERGE_OTHER, "merge other", true);
}

/*
 * Refer to rows of another tenant: foreign keys are checked without row level
 * security.
 */
static void
try_references(const Trial *trial)
{
	const SelftestTable *table = trial->table;
	int			number = PROBE_REFERENCE;
	ListCell   *lc;

	foreach(lc, trial->scene->references)
	{
		SelftestReference *reference = lfirst(lc);
		char	   *name = psprintf("reference %s", reference->name);
		SelftestTable *parent = selftest_find_table(trial->scene, reference->parent);
		SelftestProbe *probe;
		StringInfoData buf;
		List	   *values;

		if (reference->relid != table->relid)
			continue;
		number++;
		values = table->own_row == NULL ? NIL :
			selftest_parent_values(trial->scene, reference, table->victim);
		if (values == NIL)
		{
			trial->report(trial->state, table->relid, number, name,
						  SELFTEST_INCONCLUSIVE,
						  table->own_row == NULL ?
						  "you do not see rows of two tenants in it" :
						  !OidIsValid(selftest_tenant_type(trial->scene, parent)) ?
						  "the table that it refers to has neither a tenant column nor a foreign key to a table that has one" :
						  "you see no row of another tenant that could be referred to");
			continue;
		}

		probe = new_probe(trial, SELFTEST_REFER, ACL_UPDATE, LEAK_REFER);
		((SelftestRight *) linitial(probe->rights))->column = linitial(reference->columns);
		if (reference->is_deferred)
			probe->prepare = psprintf("SET CONSTRAINTS %s IMMEDIATE",
									  quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->relid)),
																 reference->name));
		initStringInfo(&buf);
		appendStringInfo(&buf, "UPDATE %s AS t SET ", table->name);
		selftest_append_assignments(&buf, probe, values);
		appendStringInfoString(&buf, " WHERE " SELFTEST_ONCE);
		probe->sql = buf.data;
		run(trial, probe, number, name, true);
	}
}

/*
 * A probe for the table that works for the actor, and needs a right: to write
 * the tenant column, or what leads to the parent, where there is one that is
 * written, else on any column.
 */
static SelftestProbe *
new_probe(const Trial *trial, SelftestKind kind, AclMode mode,
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

	right->mode = mode;
	if (kind == SELFTEST_WRITE || kind == SELFTEST_TAKE)
		right->column = table->is_child ? linitial(table->via_columns) : table->column;
	else
		right->any_column = mode != ACL_DELETE;
	probe->rights = list_make1(right);
	return probe;
}

static void
run(const Trial *trial, SelftestProbe *probe, int number, const char *name,
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
	trial->report(trial->state, table->relid, number, name, result, detail);
}

/*
 * A condition that tells of a row for which another one holds.
 */
static char *
tell(const char *condition)
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
