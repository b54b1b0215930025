/*-------------------------------------------------------------------------
 *
 * waive.c
 *	  migrate_tenant_waive() and migrate_tenant_unwaive().
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "tenant/lint/lint.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* the codes are T001 to this */
#define LAST_CODE 25

static char *code_argument(FunctionCallInfo fcinfo);
static char *nonempty_argument(FunctionCallInfo fcinfo, int argno,
							   const char *name);
static void check_until(DateADT until);
static void check_may_write(const char *function);

PG_FUNCTION_INFO_V1(migrate_tenant_waive);
PG_FUNCTION_INFO_V1(migrate_tenant_unwaive);

/*
 * migrate_tenant_waive(code, object, reason, until): leave a finding out.
 *
 * The object need not be there: what is waived may be made later.  But a
 * name that was mistyped looks the same, and so it is said.
 */
Datum
migrate_tenant_waive(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID, TEXTOID, DATEOID, NAMEOID,
	TIMESTAMPTZOID};
	char	   *code = code_argument(fcinfo);
	char	   *object = nonempty_argument(fcinfo, 1, "object");
	char	   *reason = nonempty_argument(fcinfo, 2, "reason");
	char	   *role = GetUserNameFromId(GetUserId(), false);
	NameData	role_name;
	Datum		values[6];
	char		nulls[7] = "      ";
	Bookkeeping scope;

	check_may_write("migrate_tenant_waive()");
	if (!PG_ARGISNULL(3))
		check_until(PG_GETARG_DATEADT(3));
	namestrcpy(&role_name, role);

	catalog_check_no_trigger(RELNAME_TENANT_WAIVER);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(code);
	values[1] = CStringGetTextDatum(object);
	values[2] = CStringGetTextDatum(reason);
	values[3] = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	if (PG_ARGISNULL(3))
		nulls[3] = 'n';
	values[4] = NameGetDatum(&role_name);
	values[5] = TimestampTzGetDatum(GetCurrentTimestamp());
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"INSERT INTO " TABLE_TENANT_WAIVER " AS w "
											"(code, object, reason, until, role, created_at) "
											"VALUES ($1, $2, $3, $4, $5, $6) "
											"ON CONFLICT (code, object) DO UPDATE SET "
											"reason = excluded.reason, until = excluded.until, "
											"role = excluded.role, created_at = excluded.created_at",
											6, argtypes),
						values, nulls, SPI_OK_INSERT);
	bookkeeping_end(&scope);

	if (!tenantlint_has_finding(code, object))
		ereport(NOTICE,
				(errmsg("there is no finding %s of \"%s\"", code, object),
				 errdetail("The waiver counts as soon as there is one."),
				 errhint("SELECT code, object FROM migrate_tenant_lint(); has those that there are.")));
	PG_RETURN_VOID();
}

/*
 * migrate_tenant_unwaive(code, object): report a finding again.
 */
Datum
migrate_tenant_unwaive(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};
	char	   *code = code_argument(fcinfo);
	char	   *object = nonempty_argument(fcinfo, 1, "object");
	Datum		values[2];
	bool		found;
	Bookkeeping scope;

	check_may_write("migrate_tenant_unwaive()");

	catalog_check_no_trigger(RELNAME_TENANT_WAIVER);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	values[0] = CStringGetTextDatum(code);
	values[1] = CStringGetTextDatum(object);
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"DELETE FROM " TABLE_TENANT_WAIVER " "
											"WHERE code OPERATOR(pg_catalog.=) $1 "
											"AND object OPERATOR(pg_catalog.=) $2",
											2, argtypes),
						values, NULL, SPI_OK_DELETE);
	found = SPI_processed > 0;
	bookkeeping_end(&scope);

	if (!found)
		ereport(NOTICE,
				(errmsg("%s was not waived for \"%s\", skipping", code, object)));
	PG_RETURN_VOID();
}

/*
 * The code of a finding that can be waived.
 */
static char *
code_argument(FunctionCallInfo fcinfo)
{
	char	   *code = sqlcall_required_text(fcinfo, 0, "code");

	for (int i = 1; i <= LAST_CODE; i++)
	{
		if (strcmp(code, psprintf("T%03d", i)) == 0)
			return code;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown code \"%s\"", code),
			 errhint("The codes that migrate_tenant_lint() reports are T001 to T%03d.",
					 LAST_CODE)));
}

static char *
nonempty_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	char	   *value = sqlcall_required_text(fcinfo, argno, name);

	if (value[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", name)));
	return value;
}

/*
 * A waiver that had ended before it began would be of no use.
 */
static void
check_until(DateADT until)
{
	if (until < GetSQLCurrentDate())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"until\" must not be in the past"),
				 errhint("Name the last day on which the finding is left out, or none: it is left out for good then.")));
}

static void
check_may_write(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	PreventCommandIfParallelMode(function);
}
