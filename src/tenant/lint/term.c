/*-------------------------------------------------------------------------
 *
 * term.c
 *	  What a single term of a policy is: an equality, a test for NULL, the
 *	  tenant column, or something that may hide the tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tenant/lint/lint.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

static bool keeps_values(RelabelType *relabel);
static bool could_bind(Node *node, void *context);

/*
 * Is an expression true for whatever row and tenant?  Only what is plain to
 * see: nothing is evaluated.
 */
bool
tenantlint_is_always_true(Node *expression)
{
	Node	   *left;
	Node	   *right;
	ListCell   *lc;

	if (IsA(expression, Const))
		return !((Const *) expression)->constisnull &&
			DatumGetBool(((Const *) expression)->constvalue);

	if (IsA(expression, BoolExpr))
	{
		BoolExpr   *expr = (BoolExpr *) expression;

		if (expr->boolop == NOT_EXPR)
			return tenantlint_is_never_true(linitial(expr->args));
		foreach(lc, expr->args)
		{
			if (tenantlint_is_always_true(lfirst(lc)) == (expr->boolop == OR_EXPR))
				return expr->boolop == OR_EXPR;
		}
		return expr->boolop == AND_EXPR;
	}

	/* 1 = 1, and a column that equals itself unless it is NULL */
	return tenantlint_is_equality(expression, &left, &right) &&
		equal(left, right) && (IsA(left, Const) || IsA(left, Var)) &&
		!(IsA(left, Const) && ((Const *) left)->constisnull);
}

bool
tenantlint_is_never_true(Node *node)
{
	Const	   *value = (Const *) node;

	return IsA(node, Const) &&
		(value->constisnull || !DatumGetBool(value->constvalue));
}

/*
 * Take away what changes the type of a value but not the value, nor which
 * others it equals.
 */
Node *
tenantlint_strip(Node *node)
{
	for (;;)
	{
		if (IsA(node, RelabelType) && keeps_values((RelabelType *) node))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else
			return node;
	}
}

/*
 * The bytes stay the same, but a type may compare them in its own way:
 * character ignores blanks at the end, and citext the case.
 */
static bool
keeps_values(RelabelType *relabel)
{
	Oid			source = getBaseType(exprType((Node *) relabel->arg));
	Oid			target = getBaseType(relabel->resulttype);

	return source == target ||
		(target < FirstNormalObjectId && target != BPCHAROID);
}

/*
 * Is a call a conversion by which no two values become one?  What does not
 * fit is an error there, and not cut.
 */
bool
tenantlint_is_lossless(FuncExpr *call)
{
	switch (call->funcid)
	{
		case F_INT8_INT4:
		case F_INT8_INT2:
		case F_INT4_INT2:
		case F_INT4_INT8:
		case F_INT2_INT4:
		case F_INT2_INT8:
		case F_NUMERIC_INT8:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT2:
		case F_TEXT_NAME:
			return list_length(call->args) == 1;
		default:
			return false;
	}
}

/*
 * Is a node left = right, for an operator that means equality?
 */
bool
tenantlint_is_equality(Node *node, Node **left, Node **right)
{
	OpExpr	   *expr = (OpExpr *) node;

	if (!IsA(node, OpExpr) || list_length(expr->args) != 2)
		return false;
	*left = linitial(expr->args);
	*right = lsecond(expr->args);
	return tenantlint_means_equal(expr->opno, expr->inputcollid, *left, *right);
}

/*
 * Does an operator hold for equal values only?
 *
 * That a user has declared an operator to be mergeable does not make it one:
 * it has to be the server's own, or that by which values of the type are
 * unique.  A nondeterministic collation takes different texts for equal; that
 * is as it should be only where the column has it.
 */
bool
tenantlint_means_equal(Oid opno, Oid collation, Node *left, Node *right)
{
	Oid			type = exprType(left);

	if (!op_mergejoinable(opno, type))
		return false;

	if (opno >= FirstNormalObjectId)
	{
		Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);
		Oid			input;

		if (!OidIsValid(opclass))
			return false;
		input = get_opclass_input_type(opclass);
		if (get_opfamily_member(get_opclass_family(opclass), input, input,
								BTEqualStrategyNumber) != opno)
			return false;
	}

	if (!OidIsValid(collation) || get_collation_isdeterministic(collation))
		return true;
	left = tenantlint_strip(left);
	right = tenantlint_strip(right);
	return (IsA(left, Var) && ((Var *) left)->varcollid == collation) ||
		(IsA(right, Var) && ((Var *) right)->varcollid == collation);
}

/*
 * Is this the tenant column, or a cast of it that keeps values apart?
 */
bool
tenantlint_is_column(const TenantRule *rule, Node *node)
{
	Var		   *var;

	node = tenantlint_strip(node);
	if (IsA(node, CoerceViaIO))
	{
		Oid			type = ((CoerceViaIO *) node)->resulttype;
		char		category;
		bool		preferred;

		get_type_category_preferred(type, &category, &preferred);
		if (category != TYPCATEGORY_STRING || type >= FirstNormalObjectId)
			return false;
		node = (Node *) ((CoerceViaIO *) node)->arg;
	}
	else if (IsA(node, FuncExpr) && tenantlint_is_lossless((FuncExpr *) node))
		node = linitial(((FuncExpr *) node)->args);
	var = (Var *) tenantlint_strip(node);
	return rule->column != 0 && IsA(var, Var) && var->varno == 1 &&
		var->varlevelsup == 0 && var->varattno == rule->column;
}

bool
tenantlint_is_null_test(const TenantRule *rule, Node *node, NullTestType type)
{
	NullTest   *test = (NullTest *) node;

	return IsA(node, NullTest) && test->nulltesttype == type &&
		tenantlint_is_column(rule, (Node *) test->arg);
}

/*
 * Is the tenant column anywhere in an expression, at whatever level?
 */
bool
tenantlint_mentions_column(const TenantRule *rule, Node *node)
{
	List	   *vars;
	ListCell   *lc;

	if (rule->column == 0)
		return false;
	vars = pull_vars_of_level(node, 0);
	foreach(lc, vars)
	{
		Var		   *var = lfirst(lc);

		if (IsA(var, Var) && var->varno == 1 && var->varattno == rule->column)
			return true;
	}
	return false;
}

/*
 * May an expression bind rows to the tenant in a way that cannot be followed?
 * It holds the tenant, or something that may know it: a function or operator
 * of somebody's, or rows of a table.  What does not, such as a length or a
 * comparison with a constant, says nothing about the tenant.
 */
bool
tenantlint_could_bind(const TenantRule *rule, Node *node)
{
	return could_bind(node, (void *) rule);
}

static bool
could_bind(Node *node, void *context)
{
	const TenantRule *rule = (const TenantRule *) context;
	Oid			function = InvalidOid;

	if (node == NULL)
		return false;
	if (tenantlint_setting_name(node) != NULL)
		return true;

	switch (nodeTag(node))
	{
		case T_FuncExpr:
			function = ((FuncExpr *) node)->funcid;
			if (tenantlint_in_array(rule->functions, function))
				return true;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			if (tenantlint_holds_without_rows(node))
				return false;
			function = get_opcode(((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			function = get_opcode(((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_SubLink:
			if (tenantlint_holds_without_rows(node))
				return false;
			break;
		case T_RangeTblEntry:
			return ((RangeTblEntry *) node)->rtekind == RTE_RELATION;
		case T_Query:
			return query_tree_walker((Query *) node, could_bind, context,
									 QTW_EXAMINE_RTES_BEFORE);
		default:
			break;
	}
	if (function >= FirstNormalObjectId)
		return true;
	return expression_tree_walker(node, could_bind, context);
}

/*
 * The answer to a question about a node of the expression, which the caller
 * has to give if it is not known yet.  Of a subquery it is asked whether it
 * finds the tenant's own rows for that of a table, given by its number in the
 * query around; 0 asks what tenantlint_is_about() does.
 */
TenantAnswer *
tenantlint_recall(const TenantRule *rule, const Node *node, int rtindex)
{
	TenantAnswer *answer;
	ListCell   *lc;

	foreach(lc, *rule->answers)
	{
		answer = lfirst(lc);
		if (answer->node == node && answer->rtindex == rtindex)
			return answer;
	}
	answer = palloc0(sizeof(TenantAnswer));
	answer->node = node;
	answer->rtindex = rtindex;
	*rule->answers = lappend(*rule->answers, answer);
	return answer;
}
