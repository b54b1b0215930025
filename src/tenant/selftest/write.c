/*-------------------------------------------------------------------------
 *
 * write.c
 *	  What is tried on a table: the probes that write.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "tenant/selftest/trial.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Insert a row of a tenant, or of none (NULL): a copy of one that is there,
 * so that it finds its partition, or else the tenant alone.
 */
void
selftest_try_insert(const SelftestTrial *trial, int number, const char *name,
					SelftestTenant state, const char *tenant, const char *tail)
{
	const char *leak = tenant != NULL ? LEAK_WRITE :
	trial->table->is_child ? LEAK_HANG : LEAK_NULL;
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_WRITE, ACL_INSERT, leak);
	char	   *owner;

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
	owner = selftest_tenant_of(trial->scene, trial->table, "t");
	probe->confirm = tenant == NULL ?
		psprintf("%s IS NULL", owner) :
		psprintf("%s OPERATOR(pg_catalog.=) %s", owner, tenant);
	if (state == SELFTEST_TENANT)
		probe->settled = psprintf("%s OPERATOR(pg_catalog.=) %s", owner,
								  trial->actor);
	selftest_run_probe(trial, probe, number, name, true);
}

/*
 * Take a row of another tenant by its key, where that is unique across
 * tenants.
 */
void
selftest_try_conflict(const SelftestTrial *trial)
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
	probe = selftest_new_probe(trial, SELFTEST_TAKE, ACL_UPDATE, LEAK_CHANGE);
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
	selftest_run_probe(trial, probe, PROBE_ON_CONFLICT, "on conflict", true);
}

/*
 * Update rows for which a condition, which tells of them, holds.
 */
void
selftest_try_update(const SelftestTrial *trial, int number, const char *name,
					SelftestTenant state, const char *condition, bool is_evident)
{
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_SEE, ACL_UPDATE,
											  number == PROBE_UPDATE_SHARED ? LEAK_SHARED : LEAK_CHANGE);
	const char *column = selftest_updatable_column(trial->table, trial->role);

	if (column == NULL)
		return;
	probe->state = state;
	probe->sql = psprintf("UPDATE %s AS t SET %s = NULL WHERE %s",
						  trial->table->name, quote_identifier(column),
						  condition);
	selftest_run_probe(trial, probe, number, name, is_evident);
}

/*
 * Delete rows for which a condition, which tells of them, holds.
 */
void
selftest_try_delete(const SelftestTrial *trial, int number, const char *name,
					SelftestTenant state, const char *condition, bool is_evident)
{
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_SEE, ACL_DELETE,
											  number == PROBE_DELETE_SHARED ? LEAK_SHARED : LEAK_DELETE);

	probe->state = state;
	probe->sql = psprintf("DELETE FROM %s AS t WHERE %s",
						  trial->table->name, condition);
	selftest_run_probe(trial, probe, number, name, is_evident);
}

/*
 * Give a row of its own to another tenant, or to none.
 *
 * Nothing is read, for a new row that the tenant could not read would be
 * refused where something is.
 */
void
selftest_try_move(const SelftestTrial *trial, int number, const char *name, bool to_null)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_WRITE, ACL_UPDATE,
											  to_null ? LEAK_NULL : LEAK_WRITE);
	StringInfoData buf;
	char	   *owner;

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
	}
	owner = selftest_tenant_of(trial->scene, table, "t");
	probe->settled = psprintf("%s OPERATOR(pg_catalog.=) %s", owner,
							  trial->actor);
	probe->confirm = psprintf("(%s) IS NOT TRUE", probe->settled);
	appendStringInfoString(&buf, " WHERE " SELFTEST_ONCE);
	probe->sql = buf.data;
	selftest_run_probe(trial, probe, number, name, true);
}

/*
 * MERGE is another way to a row, and had a hole of its own once.
 */
void
selftest_try_merge(const SelftestTrial *trial)
{
	const SelftestTable *table = trial->table;
	SelftestProbe *probe = selftest_new_probe(trial, SELFTEST_READ, ACL_DELETE, LEAK_DELETE);

	/* what names the row is readable with the whole table alone */
	if (table->other_row == NULL ||
		pg_class_aclcheck(table->relid, trial->role, ACL_SELECT) != ACLCHECK_OK)
		return;
	probe->sql = psprintf("MERGE INTO %s AS t USING (SELECT 1) AS s ON %s WHEN MATCHED THEN DELETE",
						  table->name,
						  selftest_row_condition("t", table->other_row));
	selftest_run_probe(trial, probe, PROBE_MERGE_OTHER, "merge other", true);
}

/*
 * Refer to rows of another tenant: foreign keys are checked without row level
 * security.
 */
void
selftest_try_references(const SelftestTrial *trial)
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

		probe = selftest_new_probe(trial, SELFTEST_REFER, ACL_UPDATE, LEAK_REFER);
		probe->waiver = reference->waiver;
		((SelftestRight *) linitial(probe->rights))->column = linitial(reference->columns);
		if (reference->is_deferred)
		{
			char	   *schema = get_namespace_name(get_rel_namespace(table->relid));

			if (schema == NULL)
				continue;		/* gone a moment ago */
			probe->prepare = psprintf("SET CONSTRAINTS %s IMMEDIATE",
									  quote_qualified_identifier(schema, reference->name));
		}
		initStringInfo(&buf);
		appendStringInfo(&buf, "UPDATE %s AS t SET ", table->name);
		selftest_append_assignments(&buf, probe, values);
		appendStringInfoString(&buf, " WHERE " SELFTEST_ONCE);
		probe->sql = buf.data;
		selftest_run_probe(trial, probe, number, name, true);
	}
}
