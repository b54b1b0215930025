/*-------------------------------------------------------------------------
 *
 * fit.c
 *	  Is a table fit to be protected as it is asked for, or as it was found?
 *
 * Each function raises an error, which says what to do instead, if it is not.
 * Nothing is changed here.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tenant/discover/fit.h"
#include "tenant/discover/way.h"
#include "utils/builtins.h"

static void check_parent_collations(Oid relid, const TenantKey *key);

/*
 * Raise an error if a table is exempt, or belongs to another model.
 */
void
tenantfit_model(const TenancyModel *model, const TenantTable *table)
{
	if (table == NULL)
		return;
	if (strcmp(table->model, model->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s belongs to tenant model \"%s\"",
						tenanttable_name(table->relid), table->model),
				 errhint("Name that model: model => %s",
						 quote_literal_cstr(table->model))));
	if (table->mode == TENANT_EXEMPT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is exempt", tenanttable_name(table->relid)),
				 errdetail("The reason given is: %s", table->reason),
				 errhint("SELECT * FROM migrate_tenant_unexempt(%s);",
						 quote_literal_cstr(tenanttable_name(table->relid)))));
}

/*
 * Raise an error for a partition that is exempt from what is to hold for its
 * table: whoever may read it would see the rows of all tenants.
 */
void
tenantfit_refuse_exempt_partition(Oid relid, Oid top)
{
	char	   *name = tenanttable_name(relid);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s is exempt, and a partition of table %s that belongs to tenants",
					name, tenanttable_name(top)),
			 errdetail("Whoever may read the partition would see rows of all tenants."),
			 errhint("SELECT * FROM migrate_tenant_unexempt(%s);",
					 quote_literal_cstr(name))));
}

void
tenantfit_root(const TenancyModel *model, Oid relid)
{
	if (relid != model->root)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s is not the root of tenant model \"%s\"",
						tenanttable_name(relid), model->name),
				 errdetail("The root is table %s.", tenanttable_name(model->root))));
	tenantfit_column(model, relid, TENANT_ROOT, model->key);
}

/*
 * Raise an error unless the column is one that can hold a tenant.
 */
void
tenantfit_column(const TenancyModel *model, Oid relid, TenantMode mode,
				 const char *column)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, column);
	char	   *name = tenanttable_name(relid);

	if (mode != TENANT_ROOT && relid == model->root)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s is the root of tenant model \"%s\"",
						name, model->name),
				 errhint("Its mode is root: SELECT * FROM migrate_tenant_protect(%s);",
						 quote_literal_cstr(name))));
	if (attribute == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", name, column),
				 errhint("Add it, filled along a foreign key: SELECT * FROM migrate_tenant_add_column(%s, '...');",
						 quote_literal_cstr(name))));
	if (!tenanttable_same_type(attribute->type, model->tenant_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s is of type %s, but a tenant is of type %s",
						column, name, format_type_be(attribute->type),
						format_type_be(model->tenant_type))));
	tenanttable_check_collation(relid, column);
	if (mode != TENANT_SHARED)
		tenantfit_not_null(relid, column);
}

void
tenantfit_not_null(Oid relid, const char *column)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, column);
	char	   *name = tenanttable_name(relid);

	if (attribute != NULL && attribute->not_null)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table %s can be NULL", column, name),
			 errdetail("A row without a tenant would be lost to all of them."),
			 errhint("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;  or, if everybody may read the rows without a tenant: SELECT * FROM migrate_tenant_protect(%s, 'shared');",
					 name, quote_identifier(column), quote_literal_cstr(name))));
}

/*
 * Raise an error unless the foreign key leads to a protected table by which
 * the tenant can be told.
 */
void
tenantfit_parent(const TenantWork *work, const TenancyModel *model, Oid relid,
				 const TenantKey *key)
{
	TenantTable *parent = tenantwork_find(work, key->parent);
	Oid			next = key->parent;

	/* a policy that comes back to its own table never ends */
	for (;;)
	{
		TenantTable *table;

		CHECK_FOR_INTERRUPTS();
		if (next == relid)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("foreign key \"%s\" of table %s leads back to it",
							key->name, tenanttable_name(relid)),
					 errhint("Follow another one, or give the table a tenant column.")));
		table = tenantwork_find(work, next);
		if (table == NULL || table->mode != TENANT_PARENT)
			break;
		next = table->parent;
	}

	if (parent == NULL || parent->mode == TENANT_EXEMPT ||
		parent->mode == TENANT_PARTITION ||
		strcmp(parent->model, model->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s, to which foreign key \"%s\" of table %s leads, is not protected",
						tenanttable_name(key->parent), key->name,
						tenanttable_name(relid)),
				 errhint("Protect it first: SELECT * FROM migrate_tenant_protect(%s);",
						 quote_literal_cstr(tenanttable_name(key->parent)))));
	check_parent_collations(relid, key);
}

/*
 * Raise an error if a row could hang on several rows of the parent, because a
 * column of the foreign key takes texts for equal that the parent's key does
 * not.  With the same collation on both sides the parent has one of them only.
 */
static void
check_parent_collations(Oid relid, const TenantKey *key)
{
	ListCell   *own;
	ListCell   *theirs;

	forboth(own, key->columns, theirs, key->parent_columns)
	{
		TenantAttribute *child = tenanttable_attribute(relid, lfirst(own));
		TenantAttribute *parent = tenanttable_attribute(key->parent,
														lfirst(theirs));

		if (child != NULL && parent != NULL &&
			child->collation != parent->collation)
			tenanttable_check_collation(relid, lfirst(own));
	}
}

/*
 * Say what mode parent costs: a policy's sub-select is never made a join.
 */
void
tenantfit_warn_parent(const TenantWork *work, const TenancyModel *model,
					  Oid relid, const TenantKey *key)
{
	TenantWay  *way = tenantway_along(work, model, key);

	/* along a shared row there is no tenant to fill a column with */
	ereport(NOTICE,
			(errmsg("rows of table %s are looked up in table %s one by one",
					tenanttable_name(relid), tenanttable_name(key->parent)),
			 errdetail("To read all rows of a tenant took 1453 times as long as by a tenant column, where it was measured; to read those of one parent, 1.6 times."),
			 way != NULL && way->is_shared ? 0 :
			 errhint("A tenant column of its own: SELECT * FROM migrate_tenant_add_column(%s, %s);",
					 quote_literal_cstr(tenanttable_name(relid)),
					 quote_literal_cstr(key->name))));
}

/*
 * Say so if the foreign key leads to rows that can be everybody's: then so are
 * those that refer to them.
 */
void
tenantfit_warn_shared(const TenantWork *work, const TenancyModel *model,
					  Oid relid, const TenantKey *key)
{
	TenantWay  *way = tenantway_along(work, model, key);
	List	   *others;
	const TenantWay *other;
	char	   *name = tenanttable_name(relid);

	if (way == NULL || !way->is_shared)
		return;
	others = tenantway_find(work, model, relid);
	other = others == NIL ? NULL : linitial(others);
	ereport(WARNING,
			(errmsg("all tenants can read rows of table %s that refer to a shared row",
					name),
			 errdetail("Foreign key \"%s\" leads to table %s, whose rows can be everybody's.",
					   key->name, tenanttable_name(key->parent)),
			 other != NULL && !other->is_shared ?
			 errhint("Follow a foreign key to rows that belong to tenants: SELECT * FROM migrate_tenant_protect(%s, via => %s);",
					 quote_literal_cstr(name),
					 quote_literal_cstr(other->key->name)) :
			 errhint("If its rows belong to tenants it needs a tenant column: ALTER TABLE %s ADD COLUMN %s %s;",
					 name, quote_identifier(model->column_name),
					 format_type_be(model->tenant_type))));
}

/*
 * Raise an error for a table whose mode has to be decided by somebody.
 */
void
tenantfit_refuse(const TenancyModel *model, Oid relid,
				 const TenantFinding *finding)
{
	char	   *name = tenanttable_name(relid);
	char	   *reason = pstrdup(finding->reason);

	if (finding->ways != NIL)
		tenantway_refuse(relid, finding->ways, "migrate_tenant_protect");
	reason[0] = pg_toupper((unsigned char) reason[0]);
	if (finding->mode == TENANT_SHARED)
		tenantfit_not_null(relid, finding->column_name);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("it is not known to whom the rows of table %s belong", name),
			 errdetail("%s.", reason),
			 errhint("Name the mode and the column or foreign key; or, if they belong to no tenant: SELECT * FROM migrate_tenant_exempt(%s, '...');",
					 quote_literal_cstr(name))));
}
