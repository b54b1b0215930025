/*-------------------------------------------------------------------------
 *
 * set.c
 *	  migrate_tenant_set() and _clear(): setting the tenant of a transaction.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/sqlcall.h"
#include "fmgr.h"
#include "tcop/pquery.h"
#include "tenant/setting/setting.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/portal.h"

PG_FUNCTION_INFO_V1(migrate_tenant_set);
PG_FUNCTION_INFO_V1(migrate_tenant_set_int8);
PG_FUNCTION_INFO_V1(migrate_tenant_set_uuid);
PG_FUNCTION_INFO_V1(migrate_tenant_clear);

static char *output_arg(FunctionCallInfo fcinfo, PGFunction output);
static void set_tenant(FunctionCallInfo fcinfo, const char *tenant);
static void refuse_lost(FunctionCallInfo fcinfo, const char *function,
						const char *hint);
static bool is_called_at_top_level(FunctionCallInfo fcinfo);
static bool is_same_tenant(const char *tenant);
static bool was_set_in_transaction(void);
static void set_local(const char *tenant);

/*
 * Set the tenant until the end of the transaction: its key as a text, or as
 * the number or uuid that it is.
 */
Datum
migrate_tenant_set(PG_FUNCTION_ARGS)
{
	set_tenant(fcinfo, sqlcall_required_text(fcinfo, 0, "tenant"));
	PG_RETURN_VOID();
}

Datum
migrate_tenant_set_int8(PG_FUNCTION_ARGS)
{
	set_tenant(fcinfo, output_arg(fcinfo, int8out));
	PG_RETURN_VOID();
}

Datum
migrate_tenant_set_uuid(PG_FUNCTION_ARGS)
{
	set_tenant(fcinfo, output_arg(fcinfo, uuid_out));
	PG_RETURN_VOID();
}

/*
 * Have no tenant until the end of the transaction.
 */
Datum
migrate_tenant_clear(PG_FUNCTION_ARGS)
{
	refuse_lost(fcinfo, "migrate_tenant_clear",
				"To take back what was set for the session: RESET " TENANT_SETTING ";");
	set_local("");
	PG_RETURN_VOID();
}

/*
 * The first argument as text.
 */
static char *
output_arg(FunctionCallInfo fcinfo, PGFunction output)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "tenant")));
	return DatumGetCString(DirectFunctionCall1(output, PG_GETARG_DATUM(0)));
}

static void
set_tenant(FunctionCallInfo fcinfo, const char *tenant)
{
	const TenantValue *current = tenant_value();
	bool		swap = sqlcall_bool(fcinfo, 1, false);

	refuse_lost(fcinfo, "migrate_tenant_set",
				"BEGIN; SELECT migrate_tenant_set('...'); and what is to be done, then COMMIT;");
	if (tenant[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"tenant\" must not be empty"),
				 errhint("To work for no tenant: SELECT migrate_tenant_clear();")));
	if (!swap && current->is_set && !is_same_tenant(tenant) &&
		was_set_in_transaction())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this transaction works for tenant \"%s\" already",
						current->string),
				 errdetail("A transaction that changes from one tenant to another is most likely a mistake, or an attack."),
				 errhint("If it is meant: SELECT migrate_tenant_set(%s, swap => true);",
						 quote_literal_cstr(tenant))));
	set_local(tenant);
}

/*
 * Raise an error if what is set for the transaction ends with this statement,
 * as nothing would tell otherwise.  In a function, and in a procedure before
 * its next COMMIT, it is of use.
 */
static void
refuse_lost(FunctionCallInfo fcinfo, const char *function, const char *hint)
{
	if (!IsInTransactionBlock(is_called_at_top_level(fcinfo)))
		ereport(ERROR,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s() can only be used in transaction blocks",
						function),
				 errdetail("It is for the transaction, which ends with this statement."),
				 errhint("%s", hint)));
}

/*
 * Does the call stand in the statement that the client sent, and not in a
 * function that it called?  The executor's memory for that statement is right
 * below the portal's.
 */
static bool
is_called_at_top_level(FunctionCallInfo fcinfo)
{
	return ActivePortal != NULL && fcinfo->flinfo != NULL &&
		MemoryContextGetParent(fcinfo->flinfo->fn_mcxt) ==
		ActivePortal->portalContext;
}

/*
 * Is this the tenant that is set?  A uuid can be written in several ways.
 */
static bool
is_same_tenant(const char *tenant)
{
	const TenantValue *current = tenant_value();
	TenantValue value;

	tenantvalue_parse(&value, tenant);
	return strcmp(tenant, current->string) == 0 ||
		(value.is_uuid && current->is_uuid &&
		 memcmp(&value.uuid, &current->uuid, sizeof(pg_uuid_t)) == 0);
}

/*
 * Was the tenant set in this transaction, and not for the session before it?
 * The server keeps what a parameter goes back to if the transaction fails.
 */
static bool
was_set_in_transaction(void)
{
	int			count;
	struct config_generic **variables = COMPAT_GUC_VARIABLES(&count);

	for (int i = 0; i < count; i++)
	{
		if (strcmp(variables[i]->name, TENANT_SETTING) == 0)
			return variables[i]->stack != NULL;
	}
	return true;
}

static void
set_local(const char *tenant)
{
	(void) set_config_option(TENANT_SETTING, tenant,
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}
