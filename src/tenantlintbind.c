/*-------------------------------------------------------------------------
 *
 * tenantlintbind.c
 *	  Does the expression of a policy bind a row to the tenant?
 *
 * The answer is taken from the expression's tree, as the server keeps it.  A
 * term binds if nothing that another term says can undo it: at the top, below
 * AND, or in every branch of an OR.  The forms that bind are
 *		column = tenant
 *		EXISTS (SELECT ... the parent row ...), and IN
 * and what is neither counts as not bound, with the reason kept.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tenantlint.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

static void bind_and(const TenantRule *rule, List *args, TenantBinding *result);
static void bind_or(const TenantRule *rule, List *args, TenantBinding *result);
static void bind_choice(const TenantRule *rule, List *args, Node *whole,
						TenantBinding *result);
static void bind_equality(const TenantRule *rule, Node *left, Node *right,
						  TenantBinding *result);
static bool is_other_comparison(const TenantRule *rule, OpExpr *expr);
static void bind_sublink(const TenantRule *rule, SubLink *sublink,
						 TenantBinding *result);
static bool is_column(const TenantRule *rule, Node *node);
static bool is_null_test(const TenantRule *rule, Node *node, NullTestType type);
static bool is_never_true(Node *node);
static bool mentions_column(const TenantRule *rule, Node *node);

/*
 * Find out what an expression comes to.  An absent one says nothing.
 */
void
tenantlint_bind(const TenantRule *rule, Node *expression,
				TenantBinding *result)
{
	Node	   *left;
	Node	   *right;

	memset(result, 0, sizeof(TenantBinding));
	result->weakest = expression;
	if (expression == NULL)
		return;

	/* policies may be deep, but so was the parser when it read them */
	check_stack_depth();

	if (tenantlint_is_equality(expression, &left, &right))
	{
		bind_equality(rule, left, right, result);
		if (result->bind != TENANT_BIND_NOTHING)
			return;
	}

	switch (nodeTag(expression))
	{
		case T_BoolExpr:
			{
				BoolExpr   *expr = (BoolExpr *) expression;

				if (expr->boolop == AND_EXPR)
				{
					bind_and(rule, expr->args, result);
					if (result->bind == TENANT_BIND_NOTHING)
						result->weakest = expression;
					return;
				}
				if (expr->boolop == OR_EXPR)
				{
					bind_or(rule, expr->args, result);
					return;
				}
				if (IsA(linitial(expr->args), DistinctExpr))
				{
					/* NOT (a IS DISTINCT FROM b): NULL equals NULL */
					DistinctExpr *distinct = linitial(expr->args);

					bind_equality(rule, linitial(distinct->args),
								  lsecond(distinct->args), result);
					result->allows_null = result->bind != TENANT_BIND_NOTHING;
					result->is_exact = false;
					if (result->bind != TENANT_BIND_NOTHING)
						return;
				}
				tenantlint_bind(rule, linitial(expr->args), result);
				if (result->bind == TENANT_BIND_TENANT)
				{
					/* everybody's rows but the tenant's own */
					memset(result, 0, sizeof(TenantBinding));
					result->weakest = expression;
					return;
				}
				memset(result, 0, sizeof(TenantBinding));
				result->weakest = expression;
				break;
			}

		case T_OpExpr:
			if (is_other_comparison(rule, (OpExpr *) expression))
				return;
			break;

		case T_BooleanTest:
			if (((BooleanTest *) expression)->booltesttype == IS_TRUE)
			{
				tenantlint_bind(rule, (Node *) ((BooleanTest *) expression)->arg,
								result);
				return;
			}
			break;

		case T_CoalesceExpr:
			bind_choice(rule, ((CoalesceExpr *) expression)->args, expression,
						result);
			return;

		case T_CaseExpr:
			{
				CaseExpr   *expr = (CaseExpr *) expression;
				List	   *results = NIL;
				ListCell   *lc;

				foreach(lc, expr->args)
					results = lappend(results, lfirst_node(CaseWhen, lc)->result);
				if (expr->defresult != NULL)
					results = lappend(results, expr->defresult);
				bind_choice(rule, results, expression, result);
				return;
			}

		case T_SubLink:
			bind_sublink(rule, (SubLink *) expression, result);
			return;

		case T_ScalarArrayOpExpr:
			{
				ScalarArrayOpExpr *expr = (ScalarArrayOpExpr *) expression;
				SubLink    *sublink = lsecond(expr->args);

				if (expr->useOr && IsA(sublink, SubLink) &&
					sublink->subLinkType == ARRAY_SUBLINK &&
					op_mergejoinable(expr->opno, exprType(linitial(expr->args))) &&
					tenantlint_through_parent(rule, sublink, linitial(expr->args),
											  &result->allows_null))
				{
					result->bind = TENANT_BIND_PARENT;
					result->is_exact = true;
					return;
				}
				break;
			}

		default:
			break;
	}

	/* rows without a tenant, and no others */
	if (is_null_test(rule, expression, IS_NULL))
	{
		result->bind = TENANT_BIND_TENANT;
		result->allows_null = true;
		return;
	}

	/* there is something about the tenant column, but who knows what */
	if (!is_null_test(rule, expression, IS_NOT_NULL) &&
		!tenantlint_is_always_true(expression) &&
		mentions_column(rule, expression))
		result->bind = TENANT_BIND_OPAQUE;
}

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
			return is_never_true(linitial(expr->args));
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

/*
 * Take away what changes the type of a value but not the value.
 */
Node *
tenantlint_strip(Node *node)
{
	while (IsA(node, RelabelType) || IsA(node, CollateExpr))
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else
			node = (Node *) ((CollateExpr *) node)->arg;
	}
	return node;
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
	return op_mergejoinable(expr->opno, exprType(*left));
}

/*
 * All terms must hold: the strongest decides.
 */
static void
bind_and(const TenantRule *rule, List *args, TenantBinding *result)
{
	bool		is_first = true;
	bool		not_null = false;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);
		TenantBinding term;

		not_null |= is_null_test(rule, arg, IS_NOT_NULL);
		tenantlint_bind(rule, arg, &term);
		if (is_first || term.bind > result->bind ||
			(term.bind == result->bind && result->allows_null))
			*result = term;
		is_first = false;
	}
	result->is_exact = false;
	if (not_null)
		result->allows_null = false;
}

/*
 * One branch is enough: the weakest decides.  A branch that lets rows without
 * a tenant pass is told apart, for that is how rows are shared.
 */
static void
bind_or(const TenantRule *rule, List *args, TenantBinding *result)
{
	bool		is_first = true;
	bool		allows_null = false;
	bool		is_inline = false;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);
		TenantBinding term;

		if (is_never_true(arg))
			continue;
		if (is_null_test(rule, arg, IS_NULL))
		{
			allows_null = true;
			continue;
		}
		tenantlint_bind(rule, arg, &term);
		allows_null |= term.allows_null;
		is_inline |= term.is_inline;
		if (is_first || term.bind < result->bind)
			*result = term;
		is_first = false;
		count++;
	}
	if (count == 0 && allows_null)
		result->bind = TENANT_BIND_TENANT;
	result->allows_null = allows_null;
	result->is_inline = is_inline;
	result->is_exact &= count == 1 && list_length(args) == 2;
}

/*
 * One of several values is the result, whichever.
 */
static void
bind_choice(const TenantRule *rule, List *args, Node *whole,
			TenantBinding *result)
{
	bind_or(rule, args, result);
	result->is_exact = false;
	if (result->bind < TENANT_BIND_PARENT)
		result->weakest = whole;
}

static void
bind_equality(const TenantRule *rule, Node *left, Node *right,
			  TenantBinding *result)
{
	Node	   *other;

	if (is_column(rule, left))
		other = right;
	else if (is_column(rule, right))
		other = left;
	else
		return;

	if (contain_vars_of_level(other, 0))
	{
		/* the column itself in place of a tenant that is not set, or anyhow */
		if (tenantlint_mentions_tenant(rule, other))
			result->bind = TENANT_BIND_FALLBACK;
		else if (!equal(tenantlint_strip(left), tenantlint_strip(right)))
			result->bind = TENANT_BIND_OPAQUE;
		return;
	}
	result->bind = tenantlint_context(rule, other, &result->is_inline);
	result->is_exact = true;
}

/*
 * Is the tenant column compared with the tenant, but not for equality?
 */
static bool
is_other_comparison(const TenantRule *rule, OpExpr *expr)
{
	Node	   *left;
	Node	   *right;
	bool		is_inline;

	if (list_length(expr->args) != 2)
		return false;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	if (op_mergejoinable(expr->opno, exprType(left)))
		return false;
	if (is_column(rule, left) && !contain_vars_of_level(right, 0))
		return tenantlint_context(rule, right, &is_inline) == TENANT_BIND_TENANT;
	return is_column(rule, right) && !contain_vars_of_level(left, 0) &&
		tenantlint_context(rule, left, &is_inline) == TENANT_BIND_TENANT;
}

static void
bind_sublink(const TenantRule *rule, SubLink *sublink, TenantBinding *result)
{
	Node	   *operand = NULL;
	Node	   *unused;
	bool		is_bound = false;

	if (sublink->subLinkType == EXISTS_SUBLINK)
		is_bound = tenantlint_through_parent(rule, sublink, NULL,
											 &result->allows_null);
	else if (sublink->subLinkType == ANY_SUBLINK &&
			 tenantlint_is_equality(sublink->testexpr, &operand, &unused))
		is_bound = tenantlint_through_parent(rule, sublink, operand,
											 &result->allows_null);

	if (is_bound)
	{
		result->bind = TENANT_BIND_PARENT;
		result->is_exact = true;
	}
	else if (mentions_column(rule, (Node *) sublink))
		result->bind = TENANT_BIND_OPAQUE;
}

/*
 * Is this the tenant column, or a cast of it that keeps values apart?
 */
static bool
is_column(const TenantRule *rule, Node *node)
{
	Var		   *var;

	node = tenantlint_strip(node);
	if (IsA(node, CoerceViaIO))
	{
		char		category;
		bool		preferred;

		get_type_category_preferred(((CoerceViaIO *) node)->resulttype,
									&category, &preferred);
		if (category != TYPCATEGORY_STRING)
			return false;
		node = (Node *) ((CoerceViaIO *) node)->arg;
	}
	else if (IsA(node, FuncExpr))
	{
		switch (((FuncExpr *) node)->funcid)
		{
			case F_INT8_INT4:
			case F_INT8_INT2:
			case F_INT4_INT2:
			case F_INT4_INT8:
			case F_NUMERIC_INT8:
			case F_NUMERIC_INT4:
			case F_TEXT_NAME:
				node = linitial(((FuncExpr *) node)->args);
				break;
			default:
				return false;
		}
	}
	var = (Var *) tenantlint_strip(node);
	return rule->column != 0 && IsA(var, Var) && var->varno == 1 &&
		var->varlevelsup == 0 && var->varattno == rule->column;
}

static bool
is_null_test(const TenantRule *rule, Node *node, NullTestType type)
{
	NullTest   *test = (NullTest *) node;

	return IsA(node, NullTest) && test->nulltesttype == type &&
		is_column(rule, (Node *) test->arg);
}

static bool
is_never_true(Node *node)
{
	Const	   *value = (Const *) node;

	return IsA(node, Const) &&
		(value->constisnull || !DatumGetBool(value->constvalue));
}

/*
 * Is the tenant column anywhere in an expression, at whatever level?
 */
static bool
mentions_column(const TenantRule *rule, Node *node)
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
