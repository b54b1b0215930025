/*-------------------------------------------------------------------------
 *
 * teardown.c
 *	  migrate_tenant_teardown(): taking back what a tenant is, and with it all
 *	  that was made for tenants.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "tenant/column/column.h"
#include "tenant/column/link.h"
#include "tenant/protect/exempt.h"
#include "tenant/protect/guard.h"
#include "tenant/protect/protect.h"
#include "tenant/registry/registry.h"
#include "tenant/setup/grant.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(migrate_tenant_teardown);

static void refuse_tables(const TenancyModel *model);
static char *used_by(const char *model);
static void take_all_back(TenantWork *work, const TenancyModel *model);
static TenantTable *next_unprotectable(const TenantWork *work,
									   const TenancyModel *model);

/*
 * migrate_tenant_teardown(model, cascade, dry_run)
 */
Datum
migrate_tenant_teardown(PG_FUNCTION_ARGS)
{
	char	   *name = tenantwork_model_arg(fcinfo, 0);
	bool		cascade = sqlcall_bool(fcinfo, 1, false);
	TenantWork	work;
	TenancyModel *model;
	ListCell   *lc;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_teardown",
					 sqlcall_bool(fcinfo, 2, false));
	model = catalog_tenancy_model(name);

	/* that of a root which was dropped is not in a dump, what was made is */
	if (model == NULL && used_by(name) != NULL)
	{
		model = palloc0(sizeof(TenancyModel));
		model->name = name;
	}
	if (model == NULL)
	{
		ereport(NOTICE,
				(errmsg("tenant model \"%s\" does not exist, nothing to take back",
						name)));
		return (Datum) 0;
	}

	/* of a root that was dropped nobody is the owner */
	if (get_rel_name(model->root) != NULL)
		tenanttable_check_owner(model->root);
	work.take_all = cascade;
	if (cascade)
		take_all_back(&work, model);
	else
		refuse_tables(model);
	tenantguard_set(&work, model, TENANT_GUARD_OFF);
	foreach(lc, catalog_tenancy_schemas(name))
		tenantwork_note(&work, psprintf("schema %s", quote_identifier(lfirst(lc))),
						"forget");
	tenantwork_note(&work, psprintf("model %s", quote_identifier(name)),
					"forget");
	if (!work.dry_run)
		catalog_tenancy_delete_model(name);
	return (Datum) 0;
}

/*
 * Raise an error if anything was made for a model.
 */
static void
refuse_tables(const TenancyModel *model)
{
	char	   *what = used_by(model->name);

	if (what == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("tenant model \"%s\" is in use", model->name),
			 errdetail("For one, %s.", what),
			 errhint("See what would be taken back with it: SELECT * FROM migrate_tenant_teardown(%s, cascade => true, dry_run => true);",
					 quote_literal_cstr(model->name))));
}

/*
 * Something that was made for a model of this name, or NULL.
 */
static char *
used_by(const char *model)
{
	List	   *tables = catalog_tenancy_tables(model);
	List	   *columns = catalog_tenancy_columns(model);
	List	   *links = catalog_tenancy_links(model);
	List	   *grants = catalog_tenancy_grants(NULL, model);

	if (tables != NIL)
	{
		TenantTable *table = linitial(tables);

		return psprintf("%s is %s", tenanttable_object(table->relid),
						table->mode == TENANT_EXEMPT ? "exempt" : "protected");
	}
	if (links != NIL)
	{
		TenantLink *link = linitial(links);

		return psprintf("foreign key \"%s\" of %s is linked",
						link->constraint_name, tenanttable_object(link->relid));
	}
	if (columns != NIL)
	{
		TenantColumn *column = linitial(columns);

		return psprintf("%s has got its column \"%s\"",
						tenanttable_object(column->relid), column->column_name);
	}
	if (grants != NIL)
		return psprintf("role \"%s\" has rights by migrate_tenant_grant()",
						((TenantGrant *) linitial(grants))->role);
	return NULL;
}

/*
 * Take everything back that was made for a model.
 */
static void
take_all_back(TenantWork *work, const TenancyModel *model)
{
	TenantTable *table;
	ListCell   *lc;

	tenantgrant_take_back(work, catalog_tenancy_grants(NULL, model->name));
	foreach(lc, catalog_tenancy_links(model->name))
		tenantlink_take_back(work, lfirst(lc));
	while ((table = next_unprotectable(work, model)) != NULL)
	{
		if (table->mode == TENANT_EXEMPT)
			tenantexempt_forget(work, table);
		else
			tenantunprotect_table(work, table);
	}
	foreach(lc, catalog_tenancy_columns(model->name))
		tenantcolumn_take_back(work, lfirst(lc), TENANT_STEPS_ALL);
}

/*
 * A table whose protection can be taken back now: no other one is protected
 * by way of it.
 */
static TenantTable *
next_unprotectable(const TenantWork *work, const TenancyModel *model)
{
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, work->tables)
	{
		TenantTable *table = lfirst(lc);
		bool		is_used = false;

		if (strcmp(table->model, model->name) != 0)
			continue;
		if (table->mode == TENANT_PARTITION &&
			tenantwork_find(work, table->parent) != NULL)
			continue;
		foreach(other, work->tables)
		{
			TenantTable *child = lfirst(other);

			is_used = is_used || (child->mode == TENANT_PARENT &&
								  child->parent == table->relid);
		}
		if (!is_used)
			return table;
	}
	return NULL;
}
