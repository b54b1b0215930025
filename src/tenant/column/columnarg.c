/*-------------------------------------------------------------------------
 *
 * columnarg.c
 *	  Which column is meant, and which steps, when a tenant column is added or
 *	  taken back.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "tenant/column/column.h"
#include "tenant/discover/way.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"

static char *discover_via(const TenantWork *work, const TenancyModel *model,
						  Oid relid);

/*
 * The argument "step"
 */
int
tenantcolumnarg_steps(FunctionCallInfo fcinfo, int argno)
{
	static const char *const names[] = {"column", "backfill", "check",
	"not_null", "index"};
	char	   *name = sqlcall_text(fcinfo, argno);

	if (name == NULL || strcmp(name, "all") == 0)
		return TENANT_STEPS_ALL;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return 1 << i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown step \"%s\"", name),
			 errhint("The steps are \"column\", \"backfill\", \"check\", \"not_null\" and \"index\"; \"all\" are all of them.")));
	return 0;					/* keep compiler quiet */
}

/*
 * The column that is meant: the one that has a row, or a new one.
 */
TenantColumn *
tenantcolumnarg_column(const TenantWork *work, const TenancyModel *model, Oid relid,
					   const char *via, const char *column_name)
{
	TenantColumn *column = catalog_tenancy_column(relid);
	Oid			root = tenanttable_partition_root(relid);
	TenantKey  *key;

	if (OidIsValid(root))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", tenanttable_name(relid)),
				 errhint("SELECT * FROM migrate_tenant_add_column(%s, '...');",
						 quote_literal_cstr(tenanttable_name(root)))));
	if (column != NULL)
	{
		if (strcmp(column->model, model->name) != 0 ||
			(via != NULL && strcmp(via, column->via) != 0) ||
			(column_name != NULL && strcmp(column_name, column->column_name) != 0))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s has got another tenant column",
							tenanttable_name(relid)),
					 errdetail("It is column \"%s\" of model \"%s\", filled along foreign key \"%s\".",
							   column->column_name, column->model, column->via),
					 errhint("SELECT * FROM migrate_tenant_drop_column(%s);",
							 quote_literal_cstr(tenanttable_name(relid)))));
		return column;
	}

	if (via == NULL)
		via = discover_via(work, model, relid);
	key = tenantkey_required(relid, via);
	column = palloc0(sizeof(TenantColumn));
	column->relid = relid;
	column->model = model->name;
	column->column_name = pstrdup(column_name ? column_name : model->column_name);
	column->via = pstrdup(via);
	column->parent = key->parent;
	tenantbackfill_check_source(work, model, key);
	return column;
}

/*
 * The foreign key by which the table reaches its tenant.
 */
static char *
discover_via(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantFinding *finding = tenantdiscover(work, model, relid, false, true);
	char	   *name = tenanttable_name(relid);

	if (finding->mode == TENANT_PARENT)
		return finding->via;
	if (finding->ways != NIL)
		tenantway_refuse(relid, finding->ways, "migrate_tenant_add_column");
	if (finding->column_name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has a tenant column",
						tenanttable_name(relid)),
				 errdetail("It is column \"%s\": %s.", finding->column_name,
						   finding->reason),
				 errhint("SELECT * FROM migrate_tenant_protect(%s, column_name => %s);",
						 quote_literal_cstr(tenanttable_name(relid)),
						 quote_literal_cstr(finding->column_name))));
	if (tenantkey_of_table(relid) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no foreign key of table %s leads to a tenant", name),
				 errdetail("It has no foreign key."),
				 errhint("If its rows belong to no tenant: SELECT * FROM migrate_tenant_exempt(%s, '...');  else add the column by hand: ALTER TABLE %s ADD COLUMN %s %s;",
						 quote_literal_cstr(name), name,
						 quote_identifier(model->column_name),
						 format_type_be(model->tenant_type))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no foreign key of table %s leads to a tenant", name),
			 errhint("Name the one to follow: via => '...'")));
	return NULL;				/* keep compiler quiet */
}
