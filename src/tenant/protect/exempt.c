/*-------------------------------------------------------------------------
 *
 * exempt.c
 *	  migrate_tenant_exempt() and _unexempt(): tables that belong to no
 *	  tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "tenant/discover/table.h"
#include "tenant/protect/exempt.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(migrate_tenant_exempt);
PG_FUNCTION_INFO_V1(migrate_tenant_unexempt);

static void check_exemptible(const TenantWork *work, Oid relid,
							 const TenantTable *table);

/*
 * migrate_tenant_exempt(tbl, reason, model, dry_run)
 */
Datum
migrate_tenant_exempt(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	char	   *reason = sqlcall_required_text(fcinfo, 1, "reason");
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	TenantWork	work;
	TenancyModel *model;
	TenantTable *table;

	if (reason[strspn(reason, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"reason\" must not be empty")));
	tenantwork_begin(&work, fcinfo, "migrate_tenant_exempt",
					 sqlcall_bool(fcinfo, 3, false));
	tenanttable_check(relid);
	model = tenantwork_model(model_name);
	tenanttable_check_owner(relid);

	table = tenantwork_find(&work, relid);
	check_exemptible(&work, relid, table);
	if (table != NULL && strcmp(table->reason, reason) == 0 &&
		strcmp(table->model, model->name) == 0)
		return (Datum) 0;
	tenantexempt_register(&work, model, relid, reason, false);
	return (Datum) 0;
}

/*
 * migrate_tenant_unexempt(tbl, dry_run)
 */
Datum
migrate_tenant_unexempt(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	TenantWork	work;
	TenantTable *table;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_unexempt",
					 sqlcall_bool(fcinfo, 1, false));
	tenanttable_check(relid);
	tenanttable_check_owner(relid);
	table = tenantwork_find(&work, relid);
	if (table == NULL || table->mode != TENANT_EXEMPT)
	{
		ereport(NOTICE,
				(errmsg("table %s is not exempt, nothing to take back",
						tenanttable_name(relid))));
		return (Datum) 0;
	}
	tenantexempt_forget(&work, table);
	return (Datum) 0;
}

/*
 * Take an exemption back.  No statement on the table would find out whether
 * that is for the caller to do.
 */
void
tenantexempt_forget(TenantWork *work, TenantTable *table)
{
	tenanttable_check_owner(table->relid);
	tenantwork_note(work, tenanttable_object(table->relid), "forget");
	tenantwork_forget(work, table);
}

/*
 * Write down that the rows of a table belong to no tenant.
 */
void
tenantexempt_register(TenantWork *work, const TenancyModel *model, Oid relid,
					  const char *reason, bool by_schema)
{
	TenantTable *table = tenantwork_find(work, relid);

	tenantwork_note(work, tenanttable_object(relid),
					table == NULL ? "register" : "update registration");
	if (table == NULL)
	{
		table = palloc0(sizeof(TenantTable));
		table->relid = relid;
		table->by_schema = by_schema;
	}
	table->model = model->name;
	table->mode = TENANT_EXEMPT;
	table->reason = pstrdup(reason);
	tenantwork_remember(work, table);
}

/*
 * Raise an error for a table that is protected.
 */
static void
check_exemptible(const TenantWork *work, Oid relid, const TenantTable *table)
{
	Oid			root = tenanttable_partition_root(relid);

	if (OidIsValid(root))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", tenanttable_name(relid)),
				 errdetail("It belongs to whom the table belongs that it is a partition of."),
				 errhint("SELECT * FROM migrate_tenant_exempt(%s, '...');",
						 quote_literal_cstr(tenanttable_name(root)))));
	if (table != NULL && table->mode != TENANT_EXEMPT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is protected", tenanttable_name(relid)),
				 errhint("SELECT * FROM migrate_tenant_unprotect(%s);",
						 quote_literal_cstr(tenanttable_name(relid)))));
}
