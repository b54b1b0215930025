/*-------------------------------------------------------------------------
 *
 * column.c
 *	  migrate_tenant_add_column() and _drop_column().
 *
 * A table that is reached through a foreign key gets a tenant column of its
 * own.  Each step can be taken by itself, in a revision of its own: the column
 * and its default, which takes a moment; filling it, for which there is also
 * the procedure migrate_tenant_backfill(); the promise that new rows have a
 * tenant; proving it of the old ones; the index.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "base/sqlcall.h"
#include "catalog/pg_constraint.h"
#include "tenant/column/column.h"
#include "tenant/protect/protect.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

PG_FUNCTION_INFO_V1(migrate_tenant_add_column);
PG_FUNCTION_INFO_V1(migrate_tenant_drop_column);

static void check_added_type(const TenancyModel *model, Oid relid,
							 const char *column);
static void add_column(TenantWork *work, const TenancyModel *model,
					   TenantColumn *column);
static void add_check(TenantWork *work, TenantColumn *column,
					  const char *name);
static void set_not_null(TenantWork *work, TenantColumn *column);
static void say_how_to_fill(void *arg);
static bool is_not_null(const TenantColumn *column);
static void refuse_used(const TenantWork *work, const TenantColumn *column);
static void take_steps_back(TenantWork *work, TenantColumn *column, int steps);
static void alter_column(TenantWork *work, const TenantColumn *column,
						 const char *action, const char *clause,
						 const char *missing);
static char *column_object(const TenantColumn *column);
static char *type_text(Oid relid, const char *column);

/*
 * migrate_tenant_add_column(tbl, via, step, column_name, model, dry_run)
 */
Datum
migrate_tenant_add_column(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	char	   *via = tenantwork_name_arg(fcinfo, 1, "via");
	int			steps = tenantcolumnarg_steps(fcinfo, 2);
	char	   *column_name = tenantwork_name_arg(fcinfo, 3, "column_name");
	char	   *model_name = tenantwork_model_arg(fcinfo, 4);
	TenantWork	work;
	TenancyModel *model;
	TenantColumn *column;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_add_column",
					 sqlcall_bool(fcinfo, 5, false));
	tenanttable_check(relid);
	model = tenantwork_model(model_name);
	tenanttable_check_owner(relid);
	column = tenantcolumnarg_column(&work, model, relid, via, column_name);

	if ((steps & TENANT_STEP_COLUMN) != 0)
		add_column(&work, model, column);
	if (steps != TENANT_STEP_COLUMN && !work.dry_run)
		check_added_type(model, relid, column->column_name);
	if ((steps & TENANT_STEP_BACKFILL) != 0 && !is_not_null(column))
		tenantbackfill_all(&work, model, column);

	/* all at once, NOT NULL makes its own and takes it away */
	if (steps == TENANT_STEP_CHECK && column->check == NULL && !is_not_null(column))
		add_check(&work, column, NULL);
	if ((steps & TENANT_STEP_NOT_NULL) != 0 && !is_not_null(column))
		set_not_null(&work, column);
	if ((steps & TENANT_STEP_INDEX) != 0)
	{
		char	   *index = tenantparts_make_index(&work, relid,
												   column->column_name);

		if (index != NULL)
			column->index = index;
	}

	if (column->made_column || column->default_expression != NULL ||
		column->made_not_null || column->check != NULL || column->index != NULL)
	{
		if (!column->is_stored)
			tenantwork_note(&work, column_object(column), "register");
		if (!work.dry_run)
			catalog_tenancy_write_column(column);
	}
	return (Datum) 0;
}

/*
 * migrate_tenant_drop_column(tbl, step, dry_run)
 */
Datum
migrate_tenant_drop_column(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	int			steps = tenantcolumnarg_steps(fcinfo, 1);
	TenantWork	work;
	TenantColumn *column;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_drop_column",
					 sqlcall_bool(fcinfo, 2, false));
	tenanttable_check(relid);
	tenanttable_check_owner(relid);
	column = catalog_tenancy_column(relid);
	if (column == NULL)
	{
		ereport(NOTICE,
				(errmsg("no tenant column was added to table %s, nothing to take back",
						tenanttable_name(relid))));
		return (Datum) 0;
	}
	tenantcolumn_take_back(&work, column, steps);
	return (Datum) 0;
}

/*
 * Take steps of migrate_tenant_add_column() back, as far as they changed
 * anything.
 */
void
tenantcolumn_take_back(TenantWork *work, TenantColumn *column, int steps)
{
	bool		drop = (steps & TENANT_STEP_COLUMN) != 0;

	/* nothing of it may go that policies and foreign keys stand on */
	if ((steps & ~TENANT_STEP_BACKFILL) != 0)
		refuse_used(work, column);
	if (drop && column->made_column)
	{
		Oid			index = InvalidOid;

		if (column->index != NULL)
			index = get_relname_relid(column->index,
									  get_rel_namespace(column->relid));
		if (OidIsValid(index) && (!work->dry_run || !work->take_all))
			tenantparts_refuse_referenced(column->relid, index);

		/* with everything that was made for it */
		if (get_attnum(column->relid, column->column_name) > 0)
			tenantwork_do(work, column_object(column), "drop",
						  psprintf("ALTER TABLE %s DROP COLUMN %s",
								   tenanttable_name(column->relid),
								   quote_identifier(column->column_name)),
						  NULL);
		else
			tenantwork_note(work, column_object(column), "gone");
	}
	else
		take_steps_back(work, column, steps);

	if (drop)
		tenantwork_note(work, column_object(column), "forget");
	if (work->dry_run)
		return;
	if (drop)
		catalog_tenancy_delete_column(column->relid);
	else
		catalog_tenancy_write_column(column);
}

/*
 * Raise an error unless the column is there and can hold a tenant.
 */
static void
check_added_type(const TenancyModel *model, Oid relid, const char *column)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, column);

	if (attribute == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"",
						tenanttable_name(relid), column),
				 errhint("Take the step \"column\" first.")));
	if (!tenanttable_same_type(attribute->type, model->tenant_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s is of type %s, but a tenant is of type %s",
						column, tenanttable_name(relid),
						format_type_be(attribute->type),
						format_type_be(model->tenant_type))));
	tenanttable_check_collation(relid, column);
}

/*
 * The column and its default.  The default comes second: with the column it
 * would be the tenant of all rows that there are.
 */
static void
add_column(TenantWork *work, const TenancyModel *model, TenantColumn *column)
{
	if (get_attnum(column->relid, column->column_name) > 0)
		check_added_type(model, column->relid, column->column_name);
	else
	{
		tenantwork_do(work, column_object(column), "add",
					  psprintf("ALTER TABLE %s ADD COLUMN %s %s",
							   tenanttable_name(column->relid),
							   quote_identifier(column->column_name),
							   type_text(model->root, model->key)),
					  psprintf("column %s", quote_identifier(column->column_name)));
		column->made_column = true;
	}
	column->default_expression =
		tenantparts_set_default(work, model, column->relid, column->column_name,
								column->default_expression,
								!column->made_column);
}

/*
 * Have every new row have a tenant, and be silent about the old ones.
 */
static void
add_check(TenantWork *work, TenantColumn *column, const char *name)
{
	if (name == NULL)
		name = ChooseConstraintName(get_rel_name(column->relid),
									column->column_name, "check",
									get_rel_namespace(column->relid), NIL);
	alter_column(work, column, "add check",
				 psprintf("ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID",
						  quote_identifier(name),
						  quote_identifier(column->column_name)), NULL);
	column->check = pstrdup(name);
}

/*
 * Set NOT NULL.  The rows are read while a constraint is validated, under a
 * lock that lets others write, if that constraint was made in an earlier
 * transaction; SET NOT NULL then takes it for a proof.
 */
static void
set_not_null(TenantWork *work, TenantColumn *column)
{
	const char *quoted = quote_identifier(column->column_name);
	ErrorContextCallback callback;

	column->check_before = column->check;
	if (column->check == NULL)
		add_check(work, column, NULL);
	callback.callback = say_how_to_fill;
	callback.arg = column;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	alter_column(work, column, "validate check",
				 psprintf("VALIDATE CONSTRAINT %s",
						  quote_identifier(column->check)), NULL);
	error_context_stack = callback.previous;
	alter_column(work, column, "set not null",
				 psprintf("ALTER COLUMN %s SET NOT NULL", quoted),
				 psprintf("NOT NULL on %s", quoted));
	alter_column(work, column, "drop check",
				 psprintf("DROP CONSTRAINT %s",
						  quote_identifier(column->check)), NULL);
	column->check = NULL;
	column->made_not_null = true;
}

/*
 * An error context callback: say what to do about rows without a tenant, which
 * the server's own error does not.
 */
static void
say_how_to_fill(void *arg)
{
	const TenantColumn *column = arg;

	if (geterrcode() == ERRCODE_CHECK_VIOLATION)
		errhint("Fill the column first: CALL migrate_tenant_backfill(%s);  or SELECT * FROM migrate_tenant_add_column(%s, step => 'backfill');",
				quote_literal_cstr(tenanttable_name(column->relid)),
				quote_literal_cstr(tenanttable_name(column->relid)));
}

static bool
is_not_null(const TenantColumn *column)
{
	TenantAttribute *attribute = tenanttable_attribute(column->relid,
													   column->column_name);

	return attribute != NULL && attribute->not_null;
}

/*
 * Raise an error if the table is protected by its column.
 */
static void
refuse_used(const TenantWork *work, const TenantColumn *column)
{
	TenantTable *table = tenantwork_find(work, column->relid);
	ListCell   *lc;

	if (table != NULL && table->column_name != NULL &&
		strcmp(table->column_name, column->column_name) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("table %s is protected by its column \"%s\"",
						tenanttable_name(column->relid), column->column_name),
				 errhint("SELECT * FROM migrate_tenant_unprotect(%s);",
						 quote_literal_cstr(tenanttable_name(column->relid)))));
	if (work->dry_run && work->take_all)
		return;
	foreach(lc, catalog_tenancy_links(NULL))
	{
		TenantLink *link = lfirst(lc);

		if (link->relid == column->relid)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("foreign key \"%s\" of table %s holds its column \"%s\"",
							link->constraint_name,
							tenanttable_name(column->relid),
							column->column_name),
					 errhint("SELECT * FROM migrate_tenant_unlink(%s, %s);",
							 quote_literal_cstr(link->constraint_name),
							 quote_literal_cstr(tenanttable_name(column->relid)))));
	}
}

/*
 * Take back what was made of a column, one by one, the last thing first.
 */
static void
take_steps_back(TenantWork *work, TenantColumn *column, int steps)
{
	if ((steps & TENANT_STEP_INDEX) != 0 && column->index != NULL)
	{
		tenantparts_drop_index(work, column->relid, column->index, true);
		column->index = NULL;
	}
	if ((steps & TENANT_STEP_NOT_NULL) != 0 && column->made_not_null)
	{
		if (is_not_null(column))
			alter_column(work, column, "drop not null",
						 psprintf("ALTER COLUMN %s DROP NOT NULL",
								  quote_identifier(column->column_name)), NULL);
		column->made_not_null = false;

		/* the constraint that it took the place of was another step's */
		if (column->check_before != NULL && (steps & TENANT_STEP_CHECK) == 0)
			add_check(work, column, column->check_before);
		column->check_before = NULL;
	}
	if ((steps & TENANT_STEP_CHECK) != 0 && column->check != NULL)
	{
		if (OidIsValid(get_relation_constraint_oid(column->relid, column->check, true)))
			alter_column(work, column, "drop check",
						 psprintf("DROP CONSTRAINT %s",
								  quote_identifier(column->check)), NULL);
		column->check = NULL;
	}
	if ((steps & TENANT_STEP_COLUMN) != 0 && column->default_expression != NULL)
	{
		tenantparts_drop_default(work, column->relid, column->column_name,
								 column->default_expression, true);
		column->default_expression = NULL;
	}
}

static void
alter_column(TenantWork *work, const TenantColumn *column, const char *action,
			 const char *clause, const char *missing)
{
	tenantwork_do(work, column_object(column), action,
				  psprintf("ALTER TABLE %s %s",
						   tenanttable_name(column->relid), clause),
				  missing);
}

static char *
column_object(const TenantColumn *column)
{
	return psprintf("column %s of %s", quote_identifier(column->column_name),
					tenanttable_name(column->relid));
}

/*
 * The type of a column as it stands in a statement of ours, with its collation
 * if that is not the type's; of a domain, which may refuse NULL, the type
 * below it.
 */
static char *
type_text(Oid relid, const char *column)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Form_pg_attribute form = TupleDescAttr(relation->rd_att,
										   get_attnum(relid, column) - 1);
	int			nestlevel = tenantwork_pin_settings();
	int32		typmod;
	Oid			type;
	char	   *result;

	typmod = form->atttypmod;
	type = getBaseTypeAndTypmod(form->atttypid, &typmod);
	result = format_type_with_typemod(type, typmod);
	if (OidIsValid(form->attcollation) &&
		form->attcollation != get_typcollation(type))
		result = psprintf("%s COLLATE %s", result,
						  generate_collation_name(form->attcollation));
	AtEOXact_GUC(false, nestlevel);
	table_close(relation, AccessShareLock);
	return result;
}
