/*-------------------------------------------------------------------------
 *
 * not.c
 *	  The opposite of a term of a policy, and tests of whether it is true.
 *
 * NOT takes a term that binds a row to the tenant for one that shows all
 * others, and IS NOT FALSE lets rows through where no tenant is set, since
 * what is compared with NULL is neither true nor false.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "tenant/lint/lint.h"
#include "utils/lsyscache.h"

static bool is_about(const TenantRule *rule, Node *node);
static Node *negate(Node *node);

/*
 * What binds is turned into everybody's rows but the tenant's own, and the
 * other way about.
 */
void
tenantlint_bind_not(const TenantRule *rule, Node *arg, Node *whole, TenantBinding *result)
{
	Node	   *opposite;

	if (IsA(arg, DistinctExpr))
	{
		/* NOT (a IS DISTINCT FROM b): NULL equals NULL */
		DistinctExpr *distinct = (DistinctExpr *) arg;
		Node	   *left = linitial(distinct->args);
		Node	   *right = lsecond(distinct->args);

		if (tenantlint_means_equal(distinct->opno, distinct->inputcollid, left,
								   right))
			tenantlint_bind_equality(rule, left, right, result);
		result->allows_null = result->bind != TENANT_BIND_NOTHING;
		result->is_exact = false;
		if (result->bind != TENANT_BIND_NOTHING)
			return;
	}
	opposite = negate(arg);
	if (opposite != NULL)
	{
		tenantlint_bind(rule, opposite, result);
		result->weakest = whole;
		result->is_exact = false;
		return;
	}
	if (!tenantlint_is_always_true(whole) && !tenantlint_is_about(rule, arg) &&
		tenantlint_mentions_column(rule, arg) && tenantlint_could_bind(rule, arg))
		result->bind = TENANT_BIND_OPAQUE;
}

/*
 * A comparison with a tenant that is not set is neither true nor false: IS
 * NOT FALSE lets every row through then.
 */
void
tenantlint_bind_test(const TenantRule *rule, BooleanTest *test, TenantBinding *result)
{
	Node	   *arg = (Node *) test->arg;
	bool		passes_unknown = false;

	switch (test->booltesttype)
	{
		case IS_TRUE:
			tenantlint_bind(rule, arg, result);
			return;
		case IS_NOT_FALSE:
			passes_unknown = true;
			tenantlint_bind(rule, arg, result);
			break;
		case IS_FALSE:
			tenantlint_bind_not(rule, arg, (Node *) test, result);
			break;
		case IS_NOT_TRUE:
			passes_unknown = true;
			tenantlint_bind_not(rule, arg, (Node *) test, result);
			break;
		default:
			if (!tenantlint_is_about(rule, arg) &&
				tenantlint_mentions_column(rule, arg) &&
				tenantlint_could_bind(rule, arg))
				result->bind = TENANT_BIND_OPAQUE;
			return;
	}
	result->is_exact = false;
	/* EXISTS is always one or the other */
	if (passes_unknown && result->bind >= TENANT_BIND_PARENT &&
		!(IsA(arg, SubLink) && ((SubLink *) arg)->subLinkType == EXISTS_SUBLINK))
	{
		result->bind = TENANT_BIND_FALLBACK;
		result->weakest = (Node *) test;
	}
}

/*
 * Does an expression bind a row, or would its opposite?
 */
bool
tenantlint_is_about(const TenantRule *rule, Node *node)
{
	TenantAnswer *answer;

	/* the result of a test is known always, and to ask for it no test */
	if (IsA(node, NullTest) || IsA(node, BooleanTest))
		return true;
	answer = tenantlint_recall(rule, node, 0);
	if (!answer->is_known)
	{
		answer->holds = is_about(rule, node);
		answer->is_known = true;
	}
	return answer->holds;
}

static bool
is_about(const TenantRule *rule, Node *node)
{
	TenantBinding binding;
	Node	   *opposite;

	tenantlint_bind(rule, node, &binding);
	if (binding.bind == TENANT_BIND_FALLBACK || binding.bind >= TENANT_BIND_PARENT)
		return true;
	opposite = negate(node);
	if (opposite == NULL)
		return false;
	tenantlint_bind(rule, opposite, &binding);
	return binding.bind == TENANT_BIND_FALLBACK ||
		binding.bind >= TENANT_BIND_PARENT;
}

/*
 * The opposite of an expression, NULL where that is to be written as NOT.
 */
static Node *
negate(Node *node)
{
	switch (nodeTag(node))
	{
		case T_BoolExpr:
			{
				BoolExpr   *expr = (BoolExpr *) node;
				List	   *args = NIL;
				ListCell   *lc;

				if (expr->boolop == NOT_EXPR)
					return linitial(expr->args);
				foreach(lc, expr->args)
					args = lappend(args, makeBoolExpr(NOT_EXPR,
													  list_make1(lfirst(lc)), -1));
				return (Node *) makeBoolExpr(expr->boolop == AND_EXPR ?
											 OR_EXPR : AND_EXPR, args, -1);
			}

		case T_OpExpr:
			{
				Oid			negator = get_negator(((OpExpr *) node)->opno);
				OpExpr	   *expr;

				if (!OidIsValid(negator))
					return NULL;
				expr = makeNode(OpExpr);
				*expr = *(OpExpr *) node;
				expr->opno = negator;
				expr->opfuncid = get_opcode(negator);
				return (Node *) expr;
			}

		case T_NullTest:
			{
				NullTest   *test;

				if (((NullTest *) node)->argisrow)
					return NULL;
				test = makeNode(NullTest);
				*test = *(NullTest *) node;
				test->nulltesttype = test->nulltesttype == IS_NULL ?
					IS_NOT_NULL : IS_NULL;
				return (Node *) test;
			}

		case T_BooleanTest:
			{
				BooleanTest *test = makeNode(BooleanTest);

				/* true and not true are neighbours, and so are the others */
				*test = *(BooleanTest *) node;
				test->booltesttype = (BoolTestType) (test->booltesttype ^ 1);
				return (Node *) test;
			}

		default:
			return NULL;
	}
}
