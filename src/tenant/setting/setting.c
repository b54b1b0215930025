/*-------------------------------------------------------------------------
 *
 * setting.c
 *	  The tenant that a session works for: the configuration parameter, and
 *	  the functions that read it.
 *
 * Policies call migrate_tenant_current() for each row of a sequential scan,
 * so that it has to cost next to nothing: the text is taken apart when the
 * parameter is set, and a call hands out what was found then.  All that makes
 * the tenant transactional, and known to parallel workers, is the server's
 * handling of parameters.
 *
 * Everything fails closed.  Without a tenant the functions return NULL, which
 * no row is equal to; a text that is none of the type asked for is an error.
 *
 * The hooks run in all kinds of places, also while a transaction is aborted,
 * and raise nothing there.  No hook may look at the value that it replaces:
 * in a parallel worker that one is freed already.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tenant/setting/setting.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/* What a call site keeps between its calls, see by_reference() */
typedef struct KeptDatum
{
	uint64		serial;			/* of the value that it was made from */
	Datum		datum;
} KeptDatum;

/* before the parameter is defined */
static const TenantValue no_tenant = {.string = ""};

/* the parameter's text, which belongs to the server, and what it means */
static char *tenant_text;
static const TenantValue *current = &no_tenant;

/* of the value that is in force, see assign_tenant() and by_reference() */
static uint64 current_hash;
static uint64 current_serial;

static uint64 last_serial;

/* the library is being loaded */
static bool is_defining;

static bool check_tenant(char **newval, void **extra, GucSource source);
static void assign_tenant(const char *newval, void *extra);
static void assign_fold(bool newval, void *extra);
static bool fits_a_model(const TenantValue *value);
static inline Datum by_reference(FunctionCallInfo fcinfo, Oid type);
static Datum by_reference_anew(FunctionCallInfo fcinfo, Oid type);
static Datum by_value(FunctionCallInfo fcinfo, Oid type);
static Datum make_datum(Oid type);
static void require_tenant(void);
static void require_type(Oid type);

PG_FUNCTION_INFO_V1(migrate_tenant_current);
PG_FUNCTION_INFO_V1(migrate_tenant_current_int8);
PG_FUNCTION_INFO_V1(migrate_tenant_current_int4);
PG_FUNCTION_INFO_V1(migrate_tenant_current_text);
PG_FUNCTION_INFO_V1(migrate_tenant_require);
PG_FUNCTION_INFO_V1(migrate_tenant_require_int8);
PG_FUNCTION_INFO_V1(migrate_tenant_require_int4);
PG_FUNCTION_INFO_V1(migrate_tenant_require_text);

/* ---- the configuration parameters ---- */

/*
 * Define the configuration parameters.  To be called once, when the library
 * is loaded.
 *
 * What was set before, in this session or for the role or database, comes
 * into force at once; while that happens catalogs are left alone, since an
 * error here would leave a library behind that can never be loaded.
 */
void
tenant_define_settings(void)
{
	is_defining = true;
	DefineCustomStringVariable(TENANT_SETTING,
							   "The tenant whose rows this session works with.",
							   "Policies compare it with each row's tenant; empty means none, and then no row is visible.  "
							   "Set it for a transaction, with migrate_tenant_set() or SET LOCAL.",
							   &tenant_text,
							   "",
							   PGC_USERSET,
							   0,
							   check_tenant,
							   assign_tenant,
							   NULL);
	DefineCustomBoolVariable("migrate.tenant_fold",
							 "Plans queries on partitioned tables for the tenant that is set.",
							 "Partitions of other tenants are left out when the query is planned; in exchange prepared "
							 "statements on partitioned tables are planned anew whenever the tenant changes.",
							 &tenantfold_enabled,
							 false,
							 PGC_USERSET,
							 0,
							 NULL,
							 assign_fold,
							 NULL);
	is_defining = false;
}

/*
 * Can a parameter of this name hold tenants?  It can if it is ours or
 * nobody's: one that a library has defined does something else, and one that
 * begins like ours cannot be set.
 */
bool
tenant_is_setting(const char *name)
{
	int			count;
	struct config_generic **variables;

	if (pg_strcasecmp(name, TENANT_SETTING) == 0)
		return true;
	if (pg_strncasecmp(name, "migrate.", 8) == 0)
		return false;
	variables = COMPAT_GUC_VARIABLES(&count);
	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(variables[i]->name, name) == 0)
			return (variables[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0;
	}
	return true;
}

/*
 * The tenant that is in force.  The result is good until the parameter is set
 * the next time.
 */
const TenantValue *
tenant_value(void)
{
	return current;
}

/*
 * Take a text apart, and refuse one that cannot be a tenant of this database.
 *
 * That is looked up only for a SET in a session.  What was set for a role or
 * database, or before the library was loaded, is accepted as it is: refused
 * here, it would be replaced by no tenant with nothing but a warning.  A
 * parallel worker gets what its leader has.
 */
static bool
check_tenant(char **newval, void **extra, GucSource source)
{
	TenantValue value;
	TenantValue *result;
	char	   *copy;

	tenantvalue_parse(&value, *newval);
	if (value.is_set && source == PGC_S_SESSION && !is_defining &&
		!InitializingParallelWorker && IsTransactionState() &&
		OidIsValid(MyDatabaseId) && !fits_a_model(&value))
		return false;

	result = COMPAT_GUC_MALLOC(sizeof(TenantValue) + value.length + 1);
	if (result == NULL)
		return false;
	copy = (char *) (result + 1);
	memcpy(copy, *newval, value.length + 1);
	*result = value;
	result->string = copy;
	result->serial = ++last_serial;
	*extra = result;
	return true;
}

/*
 * Bring a value into force.
 *
 * The hash tells whether the tenant has really changed; plans that hold the
 * old one are of no use then.
 */
static void
assign_tenant(const char *newval, void *extra)
{
	const TenantValue *value = extra;

	current = value;
	current_serial = value->serial;
	if (value->hash != current_hash)
	{
		current_hash = value->hash;
		tenantfold_forget();
	}
}

/*
 * Have everything planned anew, with the tenant folded in or without.
 */
static void
assign_fold(bool newval, void *extra)
{
	if (newval != tenantfold_enabled)
		tenantfold_forget_all();
}

/*
 * Is a value one that a tenant of this database could have?  Without any
 * model everything is.  If it is not, the error's detail tells what would be.
 */
static bool
fits_a_model(const TenantValue *value)
{
	List	   *types = catalog_tenant_types(TENANT_SETTING);
	bool		fits = types == NIL;
	ListCell   *lc;

	foreach(lc, types)
		fits = fits || tenantvalue_is_of_type(value, lfirst_oid(lc));
	if (!fits)
	{
		StringInfoData names;

		initStringInfo(&names);
		foreach(lc, types)
			appendStringInfo(&names, "%s%s", names.len > 0 ? " or " : "",
							 format_type_be(lfirst_oid(lc)));
		GUC_check_errdetail("Tenants of this database are of type %s.",
							names.data);
		pfree(names.data);
	}
	list_free(types);
	return fits;
}

/* ---- reading it ---- */

Datum
migrate_tenant_current(PG_FUNCTION_ARGS)
{
	return by_reference(fcinfo, UUIDOID);
}

Datum
migrate_tenant_current_int8(PG_FUNCTION_ARGS)
{
	return by_value(fcinfo, INT8OID);
}

Datum
migrate_tenant_current_int4(PG_FUNCTION_ARGS)
{
	return by_value(fcinfo, INT4OID);
}

Datum
migrate_tenant_current_text(PG_FUNCTION_ARGS)
{
	return by_reference(fcinfo, TEXTOID);
}

Datum
migrate_tenant_require(PG_FUNCTION_ARGS)
{
	require_tenant();
	return by_reference(fcinfo, UUIDOID);
}

Datum
migrate_tenant_require_int8(PG_FUNCTION_ARGS)
{
	require_tenant();
	return by_value(fcinfo, INT8OID);
}

Datum
migrate_tenant_require_int4(PG_FUNCTION_ARGS)
{
	require_tenant();
	return by_value(fcinfo, INT4OID);
}

Datum
migrate_tenant_require_text(PG_FUNCTION_ARGS)
{
	require_tenant();
	return by_reference(fcinfo, TEXTOID);
}

/*
 * Put the tenant into a Datum, in the current memory context, for the planner
 * to use.  *datum is 0 if no tenant is set.  False means that the tenant is
 * none of this type.
 */
bool
tenant_datum(Oid type, Datum *datum)
{
	*datum = (Datum) 0;
	if (!current->is_set)
		return true;
	if (!tenantvalue_is_of_type(current, type))
		return false;
	*datum = make_datum(type);
	return true;
}

/*
 * Return the tenant as a type that is passed by reference.
 *
 * What is returned must stay as it is while a query may hold on to it, though
 * the parameter may be set within the query.  So a call site has a copy of
 * its own, which is never changed: once the tenant is another one, each call
 * makes a copy.
 */
static inline Datum
by_reference(FunctionCallInfo fcinfo, Oid type)
{
	const KeptDatum *kept = fcinfo->flinfo->fn_extra;

	if (likely(kept != NULL && kept->serial == current_serial))
		return kept->datum;
	return by_reference_anew(fcinfo, type);
}

static pg_noinline Datum
by_reference_anew(FunctionCallInfo fcinfo, Oid type)
{
	FmgrInfo   *site = fcinfo->flinfo;

	if (!current->is_set)
		PG_RETURN_NULL();
	require_type(type);
	if (site->fn_extra == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(site->fn_mcxt);
		KeptDatum  *kept = palloc(sizeof(KeptDatum));

		kept->serial = current_serial;
		kept->datum = make_datum(type);
		site->fn_extra = kept;
		MemoryContextSwitchTo(caller);
		return kept->datum;
	}
	return make_datum(type);
}

static Datum
by_value(FunctionCallInfo fcinfo, Oid type)
{
	if (!current->is_set)
		PG_RETURN_NULL();
	require_type(type);
	return make_datum(type);
}

/*
 * The tenant, which is set and of this type, in the current memory context.
 */
static Datum
make_datum(Oid type)
{
	pg_uuid_t  *uuid;

	switch (type)
	{
		case UUIDOID:
			uuid = palloc(sizeof(pg_uuid_t));
			*uuid = current->uuid;
			return UUIDPGetDatum(uuid);
		case INT8OID:
			return Int64GetDatum(current->integer);
		case INT4OID:
			return Int32GetDatum((int32) current->integer);
		case TEXTOID:
			return PointerGetDatum(cstring_to_text_with_len(current->string,
															current->length));
	}
	elog(ERROR, "unexpected type of a tenant: %u", type);
	return (Datum) 0;			/* keep compiler quiet */
}

static void
require_tenant(void)
{
	if (!current->is_set)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no tenant is set"),
				 errdetail("Without one, row level security hides all rows of tenants."),
				 errhint("In the transaction, before anything else: SELECT migrate_tenant_set('...');")));
}

/*
 * Raise an error if the tenant, which is set, is not of this type.
 */
static void
require_type(Oid type)
{
	if (likely(tenantvalue_is_of_type(current, type)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("tenant \"%s\" is not of type %s",
					current->string, format_type_be(type)),
			 errdetail("It is what the parameter \"%s\" was set to.",
					   TENANT_SETTING),
			 errhint("Set the key of a tenant; for tenants of another type there are migrate_tenant_current_int8(), migrate_tenant_current_int4() and migrate_tenant_current_text().")));
}
