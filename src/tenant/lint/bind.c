/*-------------------------------------------------------------------------
 *
 * bind.c
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

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tenant/lint/lint.h"
#include "utils/lsyscache.h"

static void bind_and(const TenantRule *rule, List *args, TenantBinding *result);
static void bind_or(const TenantRule *rule, List *args, TenantBinding *result);
static void bind_choice(const TenantRule *rule, List *args, Node *whole,
						TenantBinding *result);
static int	other_comparison(const TenantRule *rule, OpExpr *expr,
							 TenantBind *with);
static void bind_case(const TenantRule *rule, CaseExpr *expr,
					  TenantBinding *result);
static void bind_sublink(const TenantRule *rule, SubLink *sublink,
						 TenantBinding *result);
static void bind_array(const TenantRule *rule, ScalarArrayOpExpr *expr,
					   TenantBinding *result);
static bool is_inequality(const TenantRule *rule, ScalarArrayOpExpr *expr);
static bool looks_up_tenant(const TenantRule *rule, Node *node);

/*
 * Find out what an expression comes to.  An absent one says nothing.
 */
void
tenantlint_bind(const TenantRule *rule, Node *expression,
				TenantBinding *result)
{
	Node	   *left;
	Node	   *right;
	TenantBind	compared;

	memset(result, 0, sizeof(TenantBinding));
	result->weakest = expression;
	if (expression == NULL)
		return;

	/* policies may be deep, but so was the parser when it read them */
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();

	if (tenantlint_is_equality(expression, &left, &right))
	{
		tenantlint_bind_equality(rule, left, right, result);
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
				tenantlint_bind_not(rule, linitial(expr->args), expression, result);
				return;
			}

		case T_DistinctExpr:
			{
				DistinctExpr *distinct = (DistinctExpr *) expression;

				tenantlint_bind_equality(rule, linitial(distinct->args),
										 lsecond(distinct->args), result);
				if (result->bind != TENANT_BIND_OPAQUE)
				{
					result->bind = TENANT_BIND_NOTHING;
					return;
				}
				break;
			}

		case T_OpExpr:
			if (tenantlint_holds_without_rows(expression) ||
				other_comparison(rule, (OpExpr *) expression,
								 &compared) != InvalidStrategy)
				return;
			break;

		case T_BooleanTest:
			tenantlint_bind_test(rule, (BooleanTest *) expression, result);
			return;

		case T_NullTest:
			/* whether there is a result says nothing about which it is */
			if (exprType((Node *) ((NullTest *) expression)->arg) == BOOLOID &&
				tenantlint_is_about(rule, (Node *) ((NullTest *) expression)->arg))
				return;
			break;

		case T_CoalesceExpr:
			bind_choice(rule, ((CoalesceExpr *) expression)->args, expression,
						result);
			return;

		case T_CaseExpr:
			bind_case(rule, (CaseExpr *) expression, result);
			return;

		case T_SubLink:
			bind_sublink(rule, (SubLink *) expression, result);
			return;

		case T_ScalarArrayOpExpr:
			bind_array(rule, (ScalarArrayOpExpr *) expression, result);
			if (result->bind != TENANT_BIND_NOTHING ||
				is_inequality(rule, (ScalarArrayOpExpr *) expression))
				return;
			break;

		default:
			break;
	}

	/* rows without a tenant, and no others */
	if (tenantlint_is_null_test(rule, expression, IS_NULL))
	{
		result->bind = TENANT_BIND_TENANT;
		result->allows_null = true;
		return;
	}

	/* there is something about the tenant column, but who knows what */
	if (!tenantlint_is_null_test(rule, expression, IS_NOT_NULL) &&
		!tenantlint_is_always_true(expression) &&
		(looks_up_tenant(rule, expression) ||
		 (tenantlint_mentions_column(rule, expression) &&
		  tenantlint_could_bind(rule, expression))))
		result->bind = TENANT_BIND_OPAQUE;
}

/*
 * All terms must hold: the strongest decides.
 */
static void
bind_and(const TenantRule *rule, List *args, TenantBinding *result)
{
	bool		is_first = true;
	bool		not_null = false;
	bool		has_lower = false;
	bool		has_upper = false;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);
		TenantBinding term;

		not_null |= tenantlint_is_null_test(rule, arg, IS_NOT_NULL);
		if (IsA(arg, OpExpr))
		{
			TenantBind	with;
			int			strategy = other_comparison(rule, (OpExpr *) arg, &with);

			has_lower |= with == TENANT_BIND_TENANT &&
				strategy == BTGreaterEqualStrategyNumber;
			has_upper |= with == TENANT_BIND_TENANT &&
				strategy == BTLessEqualStrategyNumber;
		}
		tenantlint_bind(rule, arg, &term);
		if (is_first || term.bind > result->bind ||
			(term.bind == result->bind && result->allows_null))
			*result = term;
		is_first = false;
	}
	result->is_exact = false;
	if (not_null)
		result->allows_null = false;
	/* from the tenant up to the tenant there is only that one */
	if (has_lower && has_upper && result->bind < TENANT_BIND_OPAQUE)
		result->bind = TENANT_BIND_OPAQUE;
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

		if (tenantlint_is_never_true(arg))
			continue;
		if (tenantlint_is_null_test(rule, arg, IS_NULL))
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

/*
 * The two sides of an equality.
 */
void
tenantlint_bind_equality(const TenantRule *rule, Node *left, Node *right,
						 TenantBinding *result)
{
	Node	   *other;

	if (tenantlint_is_column(rule, left))
		other = right;
	else if (tenantlint_is_column(rule, right))
		other = left;
	else
		return;

	if (contain_vars_of_level(other, 0))
	{
		/* the column itself in place of a tenant that is not set, or anyhow */
		if (tenantlint_mentions_tenant(rule, other))
			result->bind = TENANT_BIND_FALLBACK;
		else if (tenantlint_could_bind(rule, other))
			result->bind = TENANT_BIND_OPAQUE;
		return;
	}
	result->bind = tenantlint_context(rule, other, &result->is_inline);
	if (result->bind == TENANT_BIND_OPAQUE && !tenantlint_could_bind(rule, other))
		result->bind = TENANT_BIND_CONSTANT;
	result->is_exact = true;
}

/*
 * How is the tenant column compared with the tenant, or with what else might
 * have been it, if not for equality?  As a strategy of btree where the column
 * stands to the left; one that btree does not have is given as -1, and no
 * comparison as InvalidStrategy.  *with tells what it is compared with.
 */
static int
other_comparison(const TenantRule *rule, OpExpr *expr, TenantBind *with)
{
	Oid			opno = expr->opno;
	Node	   *column;
	Node	   *other;
	bool		is_inline;
	Oid			opclass;
	int			strategy;

	*with = TENANT_BIND_NOTHING;
	if (list_length(expr->args) != 2)
		return InvalidStrategy;
	column = linitial(expr->args);
	other = lsecond(expr->args);
	if (op_mergejoinable(opno, exprType(column)))
		return InvalidStrategy;
	if (!tenantlint_is_column(rule, column))
	{
		column = lsecond(expr->args);
		other = linitial(expr->args);
		opno = get_commutator(opno);
	}
	if (!tenantlint_is_column(rule, column) || contain_vars_of_level(other, 0) ||
		(*with = tenantlint_context(rule, other, &is_inline)) == TENANT_BIND_OPAQUE)
		return InvalidStrategy;
	opclass = GetDefaultOpClass(exprType(column), BTREE_AM_OID);
	if (!OidIsValid(opno) || !OidIsValid(opclass))
		return -1;
	strategy = get_op_opfamily_strategy(opno, get_opclass_family(opclass));
	return strategy == InvalidStrategy ? -1 : strategy;
}

/*
 * A result counts where its condition holds, so that both bind.  What the
 * conditions before it leave over is not made use of.
 */
static void
bind_case(const TenantRule *rule, CaseExpr *expr, TenantBinding *result)
{
	List	   *results = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		CaseWhen   *branch = lfirst_node(CaseWhen, lc);
		Node	   *value = (Node *) branch->result;

		if (expr->arg == NULL && !tenantlint_is_never_true(value))
			value = (Node *) makeBoolExpr(AND_EXPR,
										  list_make2(branch->expr, value), -1);
		results = lappend(results, value);
	}
	if (expr->defresult != NULL)
		results = lappend(results, expr->defresult);
	bind_choice(rule, results, (Node *) expr, result);
}

static void
bind_sublink(const TenantRule *rule, SubLink *sublink, TenantBinding *result)
{
	Node	   *operand = NULL;
	Node	   *unused;
	bool		is_bound = false;

	if (tenantlint_holds_without_rows((Node *) sublink))
		return;
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
	else if (tenantlint_mentions_column(rule, (Node *) sublink) &&
			 tenantlint_could_bind(rule, (Node *) sublink))
		result->bind = TENANT_BIND_OPAQUE;
}

/*
 * column = ANY (array): of keys of protected rows, or of values.
 */
static void
bind_array(const TenantRule *rule, ScalarArrayOpExpr *expr,
		   TenantBinding *result)
{
	Node	   *left = linitial(expr->args);
	Node	   *array = lsecond(expr->args);

	if (!expr->useOr ||
		!tenantlint_means_equal(expr->opno, expr->inputcollid, left, left))
		return;
	if (IsA(array, SubLink) &&
		((SubLink *) array)->subLinkType == ARRAY_SUBLINK &&
		tenantlint_through_parent(rule, (SubLink *) array, left,
								  &result->allows_null))
	{
		result->bind = TENANT_BIND_PARENT;
		result->is_exact = true;
	}
	else if (IsA(array, Const) && tenantlint_is_column(rule, left))
		result->bind = TENANT_BIND_CONSTANT;
	else if (IsA(array, ArrayExpr) && tenantlint_is_column(rule, left))
	{
		ListCell   *lc;

		foreach(lc, ((ArrayExpr *) array)->elements)
		{
			TenantBinding element = {0};

			tenantlint_bind_equality(rule, left, lfirst(lc), &element);
			if (lc == list_head(((ArrayExpr *) array)->elements) ||
				element.bind < result->bind)
			{
				result->bind = element.bind;
				result->is_inline = element.is_inline;
			}
		}
	}
}

/*
 * Is it about all rows but those of some tenants?
 */
static bool
is_inequality(const TenantRule *rule, ScalarArrayOpExpr *expr)
{
	Node	   *left = linitial(expr->args);
	Oid			negator = get_negator(expr->opno);

	return tenantlint_is_column(rule, left) && OidIsValid(negator) &&
		tenantlint_means_equal(negator, expr->inputcollid, left, left);
}

/*
 * Is the tenant compared with one that is looked up for the row?
 */
static bool
looks_up_tenant(const TenantRule *rule, Node *node)
{
	Node	   *left;
	Node	   *right;
	bool		is_inline;

	if (!tenantlint_is_equality(node, &left, &right))
		return false;
	if (!contain_vars_of_level(left, 0))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
	}
	return contain_vars_of_level(left, 0) && !contain_vars_of_level(right, 0) &&
		tenantlint_context(rule, right, &is_inline) == TENANT_BIND_TENANT &&
		tenantlint_could_bind(rule, left);
}
