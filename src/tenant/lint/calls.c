/*-------------------------------------------------------------------------
 *
 * calls.c
 *	  What in the expression of a policy is slow, fragile or treacherous.
 *
 * One remark for each place, of the kinds
 *		call			a function is called; with what the planner knows
 *						already if the subject says "constant"
 *		one_argument	current_setting() raises an error when it is not set
 *		unsafe_cast		the empty setting is cast, which raises an error
 *		user			current_user and the like
 *		wrapped			the tenant column is inside a cast or a call, so that
 *						its index is of no use
 *		recursion		the table is queried by its own policy
 * What a function is like, and who may call it, is for SQL to look up.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "tenant/lint/lint.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* What the walker carries along */
typedef struct CallWalk
{
	ReturnSetInfo *rsinfo;
	Oid			relation;
	AttrNumber	column;
	int			level;			/* of subqueries around the node */
} CallWalk;

static bool walk(Node *node, void *context);
static void remark(CallWalk *state, const char *kind, Oid function,
				   const char *subject);
static void remark_call(CallWalk *state, Oid function, List *args);
static bool depends_on_row(Node *node, void *context);
static void remark_wrapped(CallWalk *state, Node *left, Node *right);
static void remark_recursion(CallWalk *state, Query *query);
static bool is_unsafe_cast(CoerceViaIO *cast);

PG_FUNCTION_INFO_V1(migrate_tenant_expression_remarks);

/*
 * migrate.tenant_expression_remarks(expression, relation, tenant column):
 * rows of kind, function and subject.
 */
Datum
migrate_tenant_expression_remarks(PG_FUNCTION_ARGS)
{
	CallWalk	state = {0};
	Node	   *expression;

	state.rsinfo = sqlcall_begin_rows(fcinfo, 3);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;

	state.relation = PG_GETARG_OID(1);
	state.column = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT16(2);
	expression = stringToNode(TextDatumGetCString(PG_GETARG_DATUM(0)));
	if (!tenantlint_is_gone(state.relation, expression))
		walk(expression, &state);
	return (Datum) 0;
}

static bool
walk(Node *node, void *context)
{
	CallWalk   *state = (CallWalk *) context;

	if (node == NULL)
		return false;

	if (tenantlint_is_user(node))
		remark(state, "user", InvalidOid,
			   deparse_expression(node, NIL, false, false));
	else if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = (FuncExpr *) node;
		const char *setting = tenantlint_setting_name(node);

		if (setting == NULL)
			remark_call(state, call->funcid, call->args);
		else
		{
			Const	   *missing_ok = NULL;

			if (list_length(call->args) > 1)
				missing_ok = (Const *) lsecond(call->args);
			if (missing_ok == NULL ||
				(IsA(missing_ok, Const) &&
				 (missing_ok->constisnull || !DatumGetBool(missing_ok->constvalue))))
				remark(state, "one_argument", InvalidOid, setting);
		}
	}
	else if (IsA(node, OpExpr))
	{
		OpExpr	   *expr = (OpExpr *) node;

		remark_call(state, get_opcode(expr->opno), expr->args);
		if (list_length(expr->args) == 2 && state->level == 0)
		{
			remark_wrapped(state, linitial(expr->args), lsecond(expr->args));
			remark_wrapped(state, lsecond(expr->args), linitial(expr->args));
		}
	}
	else if (IsA(node, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *expr = (ScalarArrayOpExpr *) node;

		remark_call(state, get_opcode(expr->opno), expr->args);
	}
	else if (IsA(node, CoerceViaIO) && is_unsafe_cast((CoerceViaIO *) node))
		remark(state, "unsafe_cast", InvalidOid,
			   tenantlint_setting_name(tenantlint_strip((Node *) ((CoerceViaIO *) node)->arg)));
	else if (IsA(node, Query))
	{
		bool		result;

		remark_recursion(state, (Query *) node);
		state->level++;
		result = query_tree_walker((Query *) node, walk, context, 0);
		state->level--;
		return result;
	}
	return expression_tree_walker(node, walk, context);
}

static void
remark(CallWalk *state, const char *kind, Oid function, const char *subject)
{
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = CStringGetTextDatum(kind);
	nulls[1] = !OidIsValid(function);
	values[1] = ObjectIdGetDatum(function);
	sqlcall_set_text(values, nulls, 2, subject);
	sqlcall_put_row(state->rsinfo, values, nulls);
}

/*
 * A function is called.  The server's own are known to be declared as what
 * they are, and all may call them; but one of them may still be volatile.
 */
static void
remark_call(CallWalk *state, Oid function, List *args)
{
	bool		constant = !depends_on_row((Node *) args, NULL) &&
	!contain_mutable_functions((Node *) args);

	remark(state, "call", function, constant ? "constant" : NULL);
}

/*
 * Is there anything that the planner has to leave for execution?
 */
static bool
depends_on_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) || IsA(node, Param) || IsA(node, SubLink))
		return true;
	return expression_tree_walker(node, depends_on_row, context);
}

/*
 * The tenant column is compared, but not as it is.
 */
static void
remark_wrapped(CallWalk *state, Node *side, Node *other)
{
	Node	   *node = tenantlint_strip(side);
	List	   *vars;

	if (state->column == 0 || IsA(node, Var) || contain_vars_of_level(other, 0) ||
		checkExprHasSubLink(node))
		return;
	vars = pull_vars_of_level(node, 0);
	if (list_length(vars) == 1 && IsA(linitial(vars), Var) &&
		((Var *) linitial(vars))->varattno == state->column)
	{
		char	   *subject = tenantlint_deparse(state->relation, node);

		if (subject != NULL)
			remark(state, "wrapped", InvalidOid, subject);
	}
}

/*
 * The server refuses a policy that asks for rows of the table itself, since
 * those pass the policy in their turn.
 */
static void
remark_recursion(CallWalk *state, Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION && entry->relid == state->relation)
		{
			remark(state, "recursion", InvalidOid, NULL);
			return;
		}
	}
}

/*
 * Is it a setting that becomes anything but text?
 */
static bool
is_unsafe_cast(CoerceViaIO *cast)
{
	char		category;
	bool		preferred;

	if (tenantlint_setting_name(tenantlint_strip((Node *) cast->arg)) == NULL)
		return false;
	get_type_category_preferred(cast->resulttype, &category, &preferred);
	return category != TYPCATEGORY_STRING;
}
