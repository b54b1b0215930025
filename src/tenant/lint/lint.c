/*-------------------------------------------------------------------------
 *
 * lint.c
 *	  migrate_tenant_lint() and migrate_tenant_check().
 *
 * What is looked for is written in the install script, as queries on the
 * catalogs.  They also read our own tables, and so are run as their owner,
 * whoever calls; they return what the catalogs, which everybody may read, say
 * already.  Nothing that belongs to a user is executed by them.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tenant/lint/lint.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define FINDING_NCOLUMNS 5

/* a finding's columns, from 1 */
#define FINDING_CODE 1
#define FINDING_SEVERITY 2
#define FINDING_OBJECT 3
#define FINDING_PROBLEM 4
#define FINDING_FIX 5

/* as many findings are listed in an error */
#define MAX_LISTED 50

/* severities, the gravest first */
static const char *const severities[] = {"error", "warning", "info"};

static void begin_lint(Bookkeeping *scope, Datum schemas, Datum roles);
static void pin_planner(void);
static bool is_guarded(void);
static void check_schemas(Datum schemas);
static void check_roles(Datum roles);
static int	severity_rank(const char *severity);
static char *column(uint64 row, int number);

PG_FUNCTION_INFO_V1(migrate_tenant_lint);
PG_FUNCTION_INFO_V1(migrate_tenant_check);

/*
 * migrate_tenant_lint(schemas text[], roles name[]): all findings.
 */
Datum
migrate_tenant_lint(PG_FUNCTION_ARGS)
{
	Datum		schemas = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	Datum		roles = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	ReturnSetInfo *rsinfo = sqlcall_begin_rows(fcinfo, FINDING_NCOLUMNS);
	Bookkeeping scope;

	begin_lint(&scope, schemas, roles);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		Datum		values[FINDING_NCOLUMNS];
		bool		nulls[FINDING_NCOLUMNS];

		for (int i = 0; i < FINDING_NCOLUMNS; i++)
			values[i] = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, i + 1, &nulls[i]);
		sqlcall_put_row(rsinfo, values, nulls);
	}
	bookkeeping_end(&scope);
	return (Datum) 0;
}

/*
 * migrate_tenant_check(fail_on): true, or an error that lists the findings of
 * this severity and the graver ones.
 */
Datum
migrate_tenant_check(PG_FUNCTION_ARGS)
{
	char	   *fail_on = sqlcall_required_text(fcinfo, 0, "fail_on");
	int			threshold = severity_rank(fail_on);
	MemoryContext caller_context = CurrentMemoryContext;
	StringInfoData list;
	char	   *hint = NULL;
	int			count = 0;
	Bookkeeping scope;

	if (threshold < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown severity \"%s\"", fail_on),
				 errhint("Severities are \"error\", \"warning\" and \"info\".")));

	initStringInfo(&list);
	begin_lint(&scope, (Datum) 0, (Datum) 0);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		if (severity_rank(column(row, FINDING_SEVERITY)) > threshold)
			continue;
		if (++count <= MAX_LISTED)
			appendStringInfo(&list, "%s%s %s: %s", count > 1 ? "\n" : "",
							 column(row, FINDING_CODE),
							 column(row, FINDING_OBJECT),
							 column(row, FINDING_PROBLEM));
		if (hint == NULL && strcmp(column(row, FINDING_CODE), "T000") != 0)
			hint = MemoryContextStrdup(caller_context,
									   psprintf("SELECT migrate_tenant_waive(%s, %s, 'why it is as it should be');",
												quote_literal_cstr(column(row, FINDING_CODE)),
												quote_literal_cstr(column(row, FINDING_OBJECT))));
	}
	bookkeeping_end(&scope);

	if (count == 0)
		PG_RETURN_BOOL(true);
	if (count > MAX_LISTED)
		appendStringInfo(&list, "\nand %d more", count - MAX_LISTED);
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_TENANT_LEAK),
			 errmsg_plural("the isolation of tenants has %d problem",
						   "the isolation of tenants has %d problems",
						   count, count),
			 errdetail_internal("%s", list.data),
			 hint == NULL ?
			 errhint("SELECT * FROM migrate_tenant_lint(); has a statement that mends each.") :
			 errhint("SELECT * FROM migrate_tenant_lint(); has a statement that mends each.  To leave one out: %s",
					 hint)));
	PG_RETURN_NULL();			/* keep compiler quiet */
}

/*
 * Is there such a finding, be it waived or not?
 */
bool
tenantlint_has_finding(const char *code, const char *object)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {OIDOID, BOOLOID, TEXTOID, TEXTOID};
	Datum		values[4];
	bool		found;
	Bookkeeping scope;

	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = BoolGetDatum(is_guarded());
	values[2] = CStringGetTextDatum(code);
	values[3] = CStringGetTextDatum(object);

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	pin_planner();
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"SELECT FROM " FUNCTION_TENANT_LINT_FOUND "(NULL, NULL, $1, $2) f "
											"WHERE f.code OPERATOR(pg_catalog.=) $3 "
											"AND f.object OPERATOR(pg_catalog.=) $4",
											4, argtypes),
						values, NULL, SPI_OK_SELECT);
	found = SPI_processed > 0;
	bookkeeping_end(&scope);
	return found;
}

/*
 * Find everything, and leave SPI connected with the result at hand.
 *
 * schemas (text[]) and roles (name[]) are 0 for NULL.
 */
static void
begin_lint(Bookkeeping *scope, Datum schemas, Datum roles)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTARRAYOID, NAMEARRAYOID, OIDOID, BOOLOID};
	Datum		values[4];
	char		nulls[5] = "    ";

	if (schemas == (Datum) 0)
		nulls[0] = 'n';
	else
		check_schemas(schemas);
	if (roles == (Datum) 0)
		nulls[1] = 'n';
	else
		check_roles(roles);
	values[0] = schemas;
	values[1] = roles;
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = BoolGetDatum(is_guarded());

	bookkeeping_begin_as_owner(scope, catalog_owner());
	pin_planner();
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"SELECT code, severity, object, problem, fix "
											"FROM " FUNCTION_TENANT_LINT_FINDINGS "($1, $2, $3, $4)",
											4, argtypes),
						values, nulls, SPI_OK_SELECT);
}

/*
 * The planner knows neither how many tables there are in an argument nor how
 * many policies, and takes them for a few: loops over loops would take a
 * minute where there are thousands.  To compile the queries would take longer
 * than to run them.
 */
static void
pin_planner(void)
{
	bookkeeping_pin_setting("enable_nestloop", "off");
	bookkeeping_pin_setting("jit", "off");
}

/*
 * Would a statement of a revision of the caller's raise an error where row
 * level security hides rows from it?
 */
static bool
is_guarded(void)
{
	const char *guard = GetConfigOption("migrate.row_security_guard", true, false);

	return strcmp(GetConfigOption("row_security", false, false), "off") == 0 ||
		(guard != NULL && strcmp(guard, "on") == 0);
}

static void
check_schemas(Datum schemas)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(schemas), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"schemas\" must not contain NULL")));
		(void) get_namespace_oid(TextDatumGetCString(names[i]), false);
	}
}

static void
check_roles(Datum roles)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(roles), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"roles\" must not contain NULL")));
		(void) get_role_oid_or_public(NameStr(*DatumGetName(names[i])));
	}
}

static int
severity_rank(const char *severity)
{
	for (int i = 0; i < lengthof(severities); i++)
	{
		if (strcmp(severity, severities[i]) == 0)
			return i;
	}
	return -1;
}

static char *
column(uint64 row, int number)
{
	char	   *value = bookkeeping_string(SPI_tuptable->vals[row],
										   SPI_tuptable->tupdesc, number);

	return value == NULL ? "" : value;
}
