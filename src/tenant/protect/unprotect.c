/*-------------------------------------------------------------------------
 *
 * unprotect.c
 *	  Taking the protection of a table back.
 *
 * A table becomes what it was before: row level security is what it was,
 * policies that had the names of ours come back, and an index or a default is
 * dropped if it was made.  What was changed since by somebody else is left as
 * it is, and reported.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "tenant/protect/policy.h"
#include "tenant/protect/protect.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(migrate_tenant_unprotect);

static void refuse_children(const TenantWork *work, const TenantTable *table);
static void refuse_partition(const TenantWork *work, const TenantTable *table);
static void unprotect_part(TenantWork *work, TenantTable *part,
						   const TenantTable *table);
static void stand_alone(TenantWork *work, TenantTable *part,
						const TenantTable *table);
static TenantKey *same_key(Oid relid, const TenantTable *table);
static void unprotect_one(TenantWork *work, TenantTable *table,
						  const TenantTable *above);
static void switch_back(TenantWork *work, const TenantTable *table);

/*
 * migrate_tenant_unprotect(tbl, dry_run)
 */
Datum
migrate_tenant_unprotect(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	bool		dry_run = sqlcall_bool(fcinfo, 1, false);
	TenantWork	work;
	TenantTable *table;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_unprotect", dry_run);
	tenanttable_check(relid);
	tenanttable_check_owner(relid);
	table = tenantwork_find(&work, relid);
	if (table == NULL)
	{
		ereport(NOTICE,
				(errmsg("table %s is not protected, nothing to take back",
						tenanttable_name(relid))));
		return (Datum) 0;
	}
	if (table->mode == TENANT_EXEMPT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is exempt", tenanttable_name(relid)),
				 errhint("SELECT * FROM migrate_tenant_unexempt(%s);",
						 quote_literal_cstr(tenanttable_name(relid)))));
	refuse_partition(&work, table);
	tenantunprotect_table(&work, table);
	return (Datum) 0;
}

/*
 * Take the protection of a table back, and that of the tables below that have
 * it from there.
 */
void
tenantunprotect_table(TenantWork *work, TenantTable *table)
{
	List	   *parts = NIL;
	List	   *below = tenanttable_below(table->relid);
	List	   *later = NIL;
	TenantTable *above = NULL;
	ListCell   *lc;

	refuse_children(work, table);
	foreach(lc, work->tables)
	{
		TenantTable *part = lfirst(lc);

		if (part->mode == TENANT_PARTITION && part->parent == table->relid)
			parts = lappend(parts, part);
	}
	if (table->mode == TENANT_PARTITION)
		above = tenantwork_find(work, table->parent);
	unprotect_one(work, table, above);

	/* what hangs on one that was detached is looked at after it */
	foreach(lc, parts)
	{
		TenantTable *part = lfirst(lc);

		if (list_member_oid(below, part->relid))
			unprotect_part(work, part, table);
		else if (tenanttable_above(part->relid) == NIL)
			stand_alone(work, part, table);
		else
			later = lappend(later, part);
	}
	foreach(lc, later)
	{
		TenantTable *part = lfirst(lc);

		if (tenantwork_is_detached(work, part))
			stand_alone(work, part, table);
		else
			unprotect_part(work, part, table);
	}
}

/*
 * Take the protection of a table below back, unless it has another table above
 * it that is protected.
 */
static void
unprotect_part(TenantWork *work, TenantTable *part, const TenantTable *table)
{
	TenantTable *above = tenantwork_above(work, part->relid);

	if (above != NULL)
		tenantprotect_with(work, tenantwork_model(above->model), part->relid,
						   above);
	else
		unprotect_one(work, part, table);
}

/*
 * Let a table that was detached from one stay protected, by itself: its
 * policies are those of the other, of which there is no row any more.
 */
static void
stand_alone(TenantWork *work, TenantTable *part, const TenantTable *table)
{
	TenantKey  *key = NULL;

	if (table->mode == TENANT_PARENT)
	{
		key = same_key(part->relid, table);
		if (key == NULL)
		{
			tenantwork_note(work, tenanttable_object(part->relid), "leave");
			return;
		}
		part->via = key->name;
	}
	part->mode = table->mode == TENANT_ROOT ? TENANT_COLUMN : table->mode;
	part->parent = key != NULL ? key->parent : InvalidOid;
	tenantwork_note(work, tenanttable_object(part->relid), "update registration");
	tenantwork_remember(work, part);
}

/*
 * The foreign key of a table that is what the one is by which another is
 * protected; NULL if there is none.
 */
static TenantKey *
same_key(Oid relid, const TenantTable *table)
{
	TenantKey  *wanted = tenantkey_find(table->relid, table->via);
	ListCell   *lc;

	if (wanted == NULL)
		return NULL;
	foreach(lc, tenantkey_of_table(relid))
	{
		TenantKey  *key = lfirst(lc);

		if (key->parent == wanted->parent &&
			textlist_equal(key->columns, wanted->columns) &&
			textlist_equal(key->parent_columns, wanted->parent_columns))
			return key;
	}
	return NULL;
}

/*
 * Raise an error if the rows of another table belong to whom the rows of this
 * one belong: they would be everybody's.
 */
static void
refuse_children(const TenantWork *work, const TenantTable *table)
{
	ListCell   *lc;

	foreach(lc, work->tables)
	{
		TenantTable *child = lfirst(lc);

		if (child->mode == TENANT_PARENT && child->parent == table->relid)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("table %s is protected by way of table %s",
							tenanttable_name(child->relid),
							tenanttable_name(table->relid)),
					 errhint("SELECT * FROM migrate_tenant_unprotect(%s);",
							 quote_literal_cstr(tenanttable_name(child->relid)))));
	}
}

/*
 * Raise an error for a partition or a child that is still one.
 */
static void
refuse_partition(const TenantWork *work, const TenantTable *table)
{
	if (table->mode != TENANT_PARTITION ||
		tenantwork_find(work, table->parent) == NULL ||
		!list_member_oid(tenanttable_below(table->parent), table->relid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s is protected with table %s",
					tenanttable_name(table->relid),
					tenanttable_name(table->parent)),
			 errhint("SELECT * FROM migrate_tenant_unprotect(%s);",
					 quote_literal_cstr(tenanttable_name(table->parent)))));
}

/*
 * Take the protection of one table back, in the reverse order.  A partition
 * that was made later has its default from the table above.
 */
static void
unprotect_one(TenantWork *work, TenantTable *table, const TenantTable *above)
{
	const char *default_expression = table->default_expression;

	/* there may be no step that the server would refuse */
	tenanttable_check_owner(table->relid);
	if (default_expression == NULL && above != NULL &&
		above->default_expression != NULL && table->column_name != NULL &&
		tenantparse_default_equal(table->relid, table->column_name,
								  above->default_expression))
		default_expression = above->default_expression;
	switch_back(work, table);
	tenantpolicy_restore(work, table);
	if (default_expression != NULL && table->column_name != NULL)
		tenantparts_drop_default(work, table->relid, table->column_name,
								 default_expression, true);
	if (table->index != NULL)
		tenantparts_drop_index(work, table->relid, table->index, true);
	tenantwork_note(work, tenanttable_object(table->relid), "forget");
	tenantwork_forget(work, table);
}

/*
 * Have row level security as it was.
 */
static void
switch_back(TenantWork *work, const TenantTable *table)
{
	char	   *object = tenanttable_object(table->relid);
	char	   *name = tenanttable_name(table->relid);
	bool		enabled;
	bool		forced;

	tenanttable_row_security(table->relid, &enabled, &forced);
	if (enabled != table->row_security)
		tenantwork_do(work, object,
					  enabled ? "disable row security" : "enable row security",
					  psprintf("ALTER TABLE %s %s ROW LEVEL SECURITY", name,
							   enabled ? "DISABLE" : "ENABLE"), NULL);
	if (forced != table->force_row_security)
		tenantwork_do(work, object,
					  forced ? "no force row security" : "force row security",
					  psprintf("ALTER TABLE %s %s ROW LEVEL SECURITY", name,
							   forced ? "NO FORCE" : "FORCE"), NULL);
}
