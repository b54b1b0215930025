/*-------------------------------------------------------------------------
 *
 * expr.c
 *	  For the queries of the lint: what an expression of a policy comes to.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/sqlcall.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "optimizer/optimizer.h"
#include "tenant/lint/lint.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* bytes of an expression that are shown in a finding */
#define MAX_TERM_BYTES 120

/* names of TenantBind */
static const char *const bind_names[] = {
	"nothing", "constant", "fallback", "setting", "user", "opaque", "parent",
	"tenant"
};

static char *gap(const TenantRule *rule, Node *expression,
				 const TenantBinding *binding);
static char *deparse(const TenantRule *rule, Node *node);
static ArrayType *oid_array(FunctionCallInfo fcinfo, int argno);

PG_FUNCTION_INFO_V1(migrate_tenant_binding);

/*
 * migrate.tenant_binding(expression, relation, tenant column, setting,
 * functions that return the tenant, protected tables, those of them of which
 * all tenants see some rows): a row of
 *		bind		name of the TenantBind
 *		is_inline, allows_null, is_exact
 *		gap			what is wrong, to follow the name of the policy; NULL if
 *					the expression binds the row to the tenant
 * All are NULL if something that the expression names was dropped.
 */
Datum
migrate_tenant_binding(PG_FUNCTION_ARGS)
{
	TenantRule	rule;
	TenantBinding binding;
	List	   *answers = NIL;
	TupleDesc	tupdesc;
	Node	   *expression = NULL;
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	sqlcall_check_columns(tupdesc, 5);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(3))
		elog(ERROR, "table and setting must be given");
	rule.relation = PG_GETARG_OID(1);
	rule.column = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT16(2);
	rule.setting = TextDatumGetCString(PG_GETARG_DATUM(3));
	rule.functions = oid_array(fcinfo, 4);
	rule.protected = oid_array(fcinfo, 5);
	rule.shared = oid_array(fcinfo, 6);
	rule.answers = &answers;

	if (!PG_ARGISNULL(0))
		expression = stringToNode(TextDatumGetCString(PG_GETARG_DATUM(0)));

	if (tenantlint_is_gone(rule.relation, expression))
	{
		memset(nulls, true, sizeof(nulls));
		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
														  values, nulls)));
	}

	tenantlint_bind(&rule, expression, &binding);
	values[0] = CStringGetTextDatum(bind_names[binding.bind]);
	values[1] = BoolGetDatum(binding.is_inline);
	values[2] = BoolGetDatum(binding.allows_null);
	values[3] = BoolGetDatum(binding.is_exact);
	sqlcall_set_text(values, nulls, 4, gap(&rule, expression, &binding));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}

/*
 * Say what lets rows of other tenants through; NULL if nothing does.
 */
static char *
gap(const TenantRule *rule, Node *expression, const TenantBinding *binding)
{
	Node	   *weakest = binding->weakest;
	char	   *term;
	char	   *column;

	if (binding->bind >= TENANT_BIND_PARENT)
		return NULL;
	if (expression == NULL)
		return "has no expression";
	if (tenantlint_is_always_true(expression))
		return "is always true";

	term = deparse(rule, weakest);
	column = rule->column == 0 ? NULL :
		get_attname(rule->relation, rule->column, true);
	switch (binding->bind)
	{
		case TENANT_BIND_NOTHING:
			if (weakest != expression && !contain_vars_of_level(weakest, 0))
				return psprintf("lets every row through when %s", term);
			if (weakest != expression && column != NULL)
				return psprintf("does not compare \"%s\" with the tenant where %s",
								column, term);
			if (column != NULL)
				return psprintf("does not compare \"%s\" with the tenant: %s",
								column, term);
			return psprintf("does not look for a row of a protected table by its key: %s",
							term);
		case TENANT_BIND_CONSTANT:
			return psprintf("compares \"%s\" with a constant: %s", column, term);
		case TENANT_BIND_FALLBACK:
			return psprintf("compares \"%s\" with something else where no tenant is set: %s",
							column, term);
		case TENANT_BIND_SETTING:
			return psprintf("compares \"%s\" with a setting that is not \"%s\": %s",
							column, rule->setting, term);
		case TENANT_BIND_USER:
			return psprintf("compares \"%s\" with a role's name, not with the tenant: %s",
							column, term);
		default:
			return psprintf("has a form that this check cannot follow: %s", term);
	}
}

/*
 * An expression as SQL, without its end if it is long.
 */
static char *
deparse(const TenantRule *rule, Node *node)
{
	char	   *result = tenantlint_deparse(rule->relation, node);
	int			length;

	if (result == NULL)			/* dropped a moment ago */
		return "?";
	for (char *c = result; *c != '\0'; c++)
	{
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	length = strlen(result);
	if (length <= MAX_TERM_BYTES)
		return result;
	return psprintf("%.*s...", pg_mbcliplen(result, length, MAX_TERM_BYTES),
					result);
}

/*
 * An argument of type oid[], as a flat array without NULLs.
 */
static ArrayType *
oid_array(FunctionCallInfo fcinfo, int argno)
{
	ArrayType  *array;

	if (PG_ARGISNULL(argno))
		return construct_empty_array(OIDOID);
	array = PG_GETARG_ARRAYTYPE_P(argno);
	if (ARR_ELEMTYPE(array) != OIDOID || ARR_HASNULL(array))
		elog(ERROR, "argument %d is not an array of OIDs", argno + 1);
	return array;
}
