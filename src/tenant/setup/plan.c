/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  migrate_tenant_plan(): what each table of a schema is, and what it
 *	  lacks.
 *
 * What is missing is found by a dry run of the very functions that bring it
 * about.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/namespace.h"
#include "tenant/column/link.h"
#include "tenant/protect/protect.h"
#include "tenant/protect/schema.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define NCOLUMNS 7

PG_FUNCTION_INFO_V1(migrate_tenant_plan);

static void check_discover(const char *discover);
static List *missing(TenantWork *work, const TenancyModel *model, Oid relid,
					 const TenantFinding *finding);
static void put_finding(ReturnSetInfo *rsinfo, Oid relid,
						const TenantFinding *finding, List *missing_parts);

/*
 * migrate_tenant_plan(schema, discover, model)
 */
Datum
migrate_tenant_plan(PG_FUNCTION_ARGS)
{
	Oid			schema = tenantwork_oid_arg(fcinfo, 0, "schema");
	char	   *discover = sqlcall_text(fcinfo, 1);
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	ReturnSetInfo *rsinfo;
	TenantWork	work;
	TenancyModel *model;
	ListCell   *lc;

	if (get_namespace_name(schema) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema with OID %u does not exist", schema)));
	if (discover == NULL)
		discover = "both";
	check_discover(discover);
	rsinfo = sqlcall_begin_rows(fcinfo, NCOLUMNS);
	tenantwork_begin_silently(&work, fcinfo, true);
	model = tenantwork_model(model_name);

	foreach(lc, tenantschema_tables(schema, true))
	{
		Oid			relid = lfirst_oid(lc);
		TenantFinding *finding;

		finding = tenantdiscover(&work, model, relid,
								 strcmp(discover, "fk") != 0,
								 strcmp(discover, "column") != 0);
		put_finding(rsinfo, relid, finding,
					missing(&work, model, relid, finding));
	}
	return (Datum) 0;
}

static void
check_discover(const char *discover)
{
	if (strcmp(discover, "column") != 0 && strcmp(discover, "fk") != 0 &&
		strcmp(discover, "both") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown way of discovery \"%s\"", discover),
				 errhint("The ways are \"column\", \"fk\" and \"both\".")));
}

/*
 * What a table lacks (char *) to be protected as it was found to be.
 */
static List *
missing(TenantWork *work, const TenancyModel *model, Oid relid,
		const TenantFinding *finding)
{
	TenantTable *table = tenantwork_find(work, relid);
	int			ntables = list_length(work->tables);
	TenantTable was = {0};
	List	   *result = NIL;
	TenantTable *parent;

	work->missing = NIL;
	if (table != NULL)
		was = *table;
	switch (finding->mode)
	{
		case TENANT_UNKNOWN:
			return list_make1(pstrdup("decision"));
		case TENANT_EXEMPT:
			return table == NULL ? list_make1(pstrdup("registration")) : NIL;
		case TENANT_PARTITION:
			parent = tenantwork_find(work, finding->parent);
			if (parent == NULL || parent->mode == TENANT_EXEMPT)
				return list_make1(psprintf("protection of %s",
										   tenanttable_name(finding->parent)));
			break;
		case TENANT_PARENT:
			parent = tenantwork_find(work, finding->parent);
			if (parent == NULL || parent->mode == TENANT_EXEMPT)
				result = list_make1(psprintf("protection of %s",
											 tenanttable_name(finding->parent)));
			break;
		case TENANT_SHARED:
			if (table == NULL)
				result = list_make1(psprintf("decision: NOT NULL on %s, or mode shared",
											 quote_identifier(finding->column_name)));
			break;
		default:
			break;
	}
	tenantprotect_explain(work, model, relid, finding);
	result = list_concat(result, work->missing);
	if (finding->mode != TENANT_PARTITION)
		result = list_concat(result, tenantlink_missing(work, model, relid, finding));

	/* what this dry run did is not there for the next table */
	work->tables = list_truncate(work->tables, ntables);
	if (table != NULL)
		*table = was;
	return result;
}

/*
 * Return what was found about a table.
 */
static void
put_finding(ReturnSetInfo *rsinfo, Oid relid, const TenantFinding *finding,
			List *missing_parts)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {false};
	NameData	column_name;
	NameData	via;

	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(catalog_tenancy_mode_name(finding->mode));
	nulls[2] = finding->column_name == NULL;
	if (finding->column_name != NULL)
		namestrcpy(&column_name, finding->column_name);
	values[2] = NameGetDatum(&column_name);
	sqlcall_set_text(values, nulls, 3, finding->path);
	values[4] = textlist_to_array(missing_parts);
	nulls[5] = finding->via == NULL;
	if (finding->via != NULL)
		namestrcpy(&via, finding->via);
	values[5] = NameGetDatum(&via);
	sqlcall_set_text(values, nulls, 6, finding->reason);
	sqlcall_put_row(rsinfo, values, nulls);
}
