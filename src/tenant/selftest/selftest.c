/*-------------------------------------------------------------------------
 *
 * selftest.c
 *	  migrate_tenant_selftest(): does a role of the application get at the
 *	  rows of another tenant?
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/sqlcall.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "tenant/discover/table.h"
#include "tenant/registry/registry.h"
#include "tenant/selftest/selftest.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define SELFTEST_NCOLUMNS 5

/* names of SelftestResult */
static const char *const result_names[] = {"ok", "LEAK", "waived", "inconclusive"};

/* Whom to try it as */
typedef struct TestedRole
{
	const char *name;
	Oid			oid;			/* 0: PUBLIC */
} TestedRole;

/* A row of the result */
typedef struct Finding
{
	int			position;		/* of the table or view */
	int			number;			/* of the probe */
	Oid			relid;
	char	   *probe;
	SelftestResult result;
	char	   *detail;
} Finding;

/* What the probes report to */
typedef struct Report
{
	MemoryContext context;		/* for the findings */
	int			position;
	List	   *findings;		/* Finding * */
} Report;

static List *chosen_tables(const SelftestScene *scene,
						   FunctionCallInfo fcinfo);
static List *chosen_views(const SelftestScene *scene, List *tables,
						  bool is_all);
static void test_role(const SelftestScene *scene, List *tables, List *views,
					  Oid role, Report *report);
static List *roles_of(List *tables);
static List *look_up_roles(List *names);
static void refuse_table(Oid relid) pg_attribute_noreturn();
static void report_finding(void *state, Oid relid, int number,
						   const char *probe, SelftestResult result,
						   const char *detail);
static int	compare_findings(const ListCell *a, const ListCell *b);
static void put_findings(ReturnSetInfo *rsinfo, Report *report,
						 const char *role);

PG_FUNCTION_INFO_V1(migrate_tenant_selftest);

/*
 * migrate_tenant_selftest(role, tables): what was tried, and how it went.
 */
Datum
migrate_tenant_selftest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = sqlcall_begin_rows(fcinfo, SELFTEST_NCOLUMNS);
	SelftestScene *scene;
	List	   *tables;
	List	   *views;
	List	   *roles;			/* TestedRole * */
	ListCell   *lc;

	PreventCommandIfReadOnly("migrate_tenant_selftest()");
	PreventCommandDuringRecovery("migrate_tenant_selftest()");
	PreventCommandIfParallelMode("migrate_tenant_selftest()");
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot try out roles within security-restricted operation")));

	scene = selftest_scene();
	tables = chosen_tables(scene, fcinfo);
	views = chosen_views(scene, tables, PG_ARGISNULL(1));
	roles = look_up_roles(PG_ARGISNULL(0) ? roles_of(tables) :
						  list_make1(NameStr(*PG_GETARG_NAME(0))));
	if (tables == NIL)
		return (Datum) 0;

	foreach(lc, tables)
		selftest_sample(scene, lfirst(lc));
	foreach(lc, views)
	{
		ListCell   *lc2;

		foreach(lc2, ((SelftestView *) lfirst(lc))->bases)
			selftest_sample(scene, lfirst(lc2));
	}

	foreach(lc, roles)
	{
		TestedRole *role = lfirst(lc);
		Report		report = {0};

		report.context = CurrentMemoryContext;
		if (!OidIsValid(role->oid))
			report_finding(&report, ((SelftestTable *) linitial(tables))->root, 0,
						   "any", SELFTEST_INCONCLUSIVE,
						   "the policies are for PUBLIC; name a role of the application: SELECT * FROM migrate_tenant_selftest('...');");
		else
			test_role(scene, tables, views, role->oid, &report);
		put_findings(rsinfo, &report, role->name);
	}
	return (Datum) 0;
}

/*
 * The tables (SelftestTable *) that are asked for: all, or those named with
 * their partitions.
 */
static List *
chosen_tables(const SelftestScene *scene, FunctionCallInfo fcinfo)
{
	List	   *wanted = NIL;
	List	   *result = NIL;
	Datum	   *oids;
	bool	   *nulls;
	int			count;
	ListCell   *lc;

	if (PG_ARGISNULL(1))
	{
		if (scene->tables == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("no table is protected"),
					 errhint("SELECT * FROM migrate_tenant_protect('...');  with a table of which rows belong to tenants.")));
		return scene->tables;
	}

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), REGCLASSOID, sizeof(Oid), true,
					  TYPALIGN_INT, &oids, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"tables\" must not contain NULL")));
		if (selftest_find_table(scene, DatumGetObjectId(oids[i])) == NULL)
			refuse_table(DatumGetObjectId(oids[i]));
		wanted = lappend_oid(wanted, DatumGetObjectId(oids[i]));
	}

	foreach(lc, scene->tables)
	{
		SelftestTable *table = lfirst(lc);

		if (list_member_oid(wanted, table->relid) ||
			(table->is_partition && list_member_oid(wanted, table->top)))
			result = lappend(result, table);
	}
	return result;
}

/*
 * Raise the error for a table that is none of those that are tried.
 */
static void
refuse_table(Oid relid)
{
	TenantTable *table = catalog_tenancy_table(relid);

	if (get_rel_name(relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (table != NULL && table->mode == TENANT_EXEMPT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is exempt", tenanttable_name(relid)),
				 errdetail("The reason given is: %s", table->reason),
				 errhint("Its rows belong to no tenant, so that there is nothing to try: leave it out.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s is not protected", tenanttable_name(relid)),
			 errhint("SELECT * FROM migrate_tenant_protect(%s);",
					 quote_literal_cstr(tenanttable_name(relid)))));
}

/*
 * The views on those tables.
 */
static List *
chosen_views(const SelftestScene *scene, List *tables, bool is_all)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (is_all)
		return scene->views;
	foreach(lc, scene->views)
	{
		SelftestView *view = lfirst(lc);
		ListCell   *lc2;

		foreach(lc2, view->bases)
		{
			if (list_member_ptr(tables, lfirst(lc2)))
			{
				result = lappend(result, view);
				break;
			}
		}
	}
	return result;
}

/*
 * Try everything as a role, first without a tenant and then with one.
 */
static void
test_role(const SelftestScene *scene, List *tables, List *views, Oid role,
		  Report *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "migrate_tenant_selftest per-table context",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller_context = MemoryContextSwitchTo(context);

	for (int unset = 1; unset >= 0; unset--)
	{
		ListCell   *lc;

		report->position = 0;
		foreach(lc, tables)
		{
			CHECK_FOR_INTERRUPTS();
			report->position++;
			selftest_try_table(scene, lfirst(lc), role, unset,
							   report_finding, report);
			MemoryContextReset(context);
		}
		foreach(lc, views)
		{
			CHECK_FOR_INTERRUPTS();
			report->position++;
			selftest_try_view(scene, lfirst(lc), role, unset,
							  report_finding, report);
			MemoryContextReset(context);
		}
	}
	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(context);
}

/*
 * The application's roles, of the models of some tables, each once.
 */
static List *
roles_of(List *tables)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tables)
	{
		ListCell   *lc2;

		foreach(lc2, ((SelftestTable *) lfirst(lc))->app_roles)
		{
			ListCell   *lc3;
			bool		found = false;

			foreach(lc3, result)
				found |= strcmp(lfirst(lc3), lfirst(lc2)) == 0;
			if (!found)
				result = lappend(result, lfirst(lc2));
		}
	}
	return result;
}

/*
 * Look roles up (TestedRole *), once for all, before anything is tried: who
 * asks must be allowed to become each of them.
 */
static List *
look_up_roles(List *names)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		TestedRole *role = palloc(sizeof(TestedRole));

		role->name = pstrdup(lfirst(lc));
		role->oid = InvalidOid;
		if (strcmp(role->name, "public") != 0)
		{
			role->oid = get_role_oid(role->name, false);
			if (!COMPAT_CAN_SET_ROLE(GetUserId(), role->oid))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("permission denied to set role \"%s\"",
								role->name),
						 errdetail("The self-test tries what the role can do, and becomes it for that."),
						 errhint("GRANT %s TO %s;  or have a superuser call it.",
								 quote_identifier(role->name),
								 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
		}
		result = lappend(result, role);
	}
	return result;
}

/*
 * Take down how a probe went.
 */
static void
report_finding(void *state, Oid relid, int number, const char *probe,
			   SelftestResult result, const char *detail)
{
	Report	   *report = state;
	MemoryContext caller_context = MemoryContextSwitchTo(report->context);
	Finding    *finding = palloc0(sizeof(Finding));

	finding->position = report->position;
	finding->number = number;
	finding->relid = relid;
	finding->probe = pstrdup(probe);
	finding->result = result;
	finding->detail = detail == NULL ? NULL : pstrdup(detail);
	report->findings = lappend(report->findings, finding);
	MemoryContextSwitchTo(caller_context);
}

static int
compare_findings(const ListCell *a, const ListCell *b)
{
	const Finding *left = lfirst(a);
	const Finding *right = lfirst(b);

	if (left->position != right->position)
		return left->position - right->position;
	return left->number - right->number;
}

static void
put_findings(ReturnSetInfo *rsinfo, Report *report, const char *role)
{
	NameData	role_name;
	ListCell   *lc;

	namestrcpy(&role_name, role);
	list_sort(report->findings, compare_findings);
	foreach(lc, report->findings)
	{
		Finding    *finding = lfirst(lc);
		Datum		values[SELFTEST_NCOLUMNS];
		bool		nulls[SELFTEST_NCOLUMNS] = {false};

		values[0] = ObjectIdGetDatum(finding->relid);
		values[1] = CStringGetTextDatum(finding->probe);
		values[2] = CStringGetTextDatum(result_names[finding->result]);
		sqlcall_set_text(values, nulls, 3, finding->detail);
		values[4] = NameGetDatum(&role_name);
		sqlcall_put_row(rsinfo, values, nulls);
	}
}
