/*-------------------------------------------------------------------------
 *
 * sublink.c
 *	  Subqueries in a policy that say nothing about the rows they look for.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "tenant/lint/lint.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

static bool returns_a_row(Query *query);
static bool set_returns_a_row(Query *query, Node *node);
static bool holds_for_no_rows(OpExpr *expr);
static bool is_count(Node *node);

/*
 * Does a term hold though its subquery finds none of the rows that it looks
 * for?  EXISTS of a query that always returns a row does, ALL of none, and a
 * comparison that a count of 0 passes.
 */
bool
tenantlint_holds_without_rows(Node *node)
{
	if (IsA(node, OpExpr))
		return holds_for_no_rows((OpExpr *) node);
	if (!IsA(node, SubLink) || !IsA(((SubLink *) node)->subselect, Query))
		return false;
	switch (((SubLink *) node)->subLinkType)
	{
		case EXISTS_SUBLINK:
			return returns_a_row((Query *) ((SubLink *) node)->subselect);
		case ALL_SUBLINK:
			return !returns_a_row((Query *) ((SubLink *) node)->subselect);
		default:
			return false;
	}
}

/*
 * Does a query return a row whatever there is in its tables?
 */
static bool
returns_a_row(Query *query)
{
	ListCell   *lc;

	check_stack_depth();

	if (query->commandType != CMD_SELECT || query->limitCount != NULL ||
		query->limitOffset != NULL || query->hasTargetSRFs)
		return false;
	if (query->setOperations != NULL)
		return set_returns_a_row(query, query->setOperations);

	/* without anything to group by there is one group, even of no rows */
	foreach(lc, query->groupingSets)
	{
		if (lfirst_node(GroupingSet, lc)->kind == GROUPING_SET_EMPTY)
			return query->havingQual == NULL;
	}
	if (query->groupClause != NIL || query->groupingSets != NIL)
		return false;
	if (query->havingQual != NULL)
		return tenantlint_is_always_true(query->havingQual);
	return query->hasAggs ||
		(query->jointree->fromlist == NIL &&
		 (query->jointree->quals == NULL ||
		  tenantlint_is_always_true(query->jointree->quals)));
}

static bool
set_returns_a_row(Query *query, Node *node)
{
	if (IsA(node, SetOperationStmt))
	{
		SetOperationStmt *set = (SetOperationStmt *) node;

		return set->op == SETOP_UNION &&
			(set_returns_a_row(query, set->larg) ||
			 set_returns_a_row(query, set->rarg));
	}
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *entry = list_nth(query->rtable,
										((RangeTblRef *) node)->rtindex - 1);

		return entry->rtekind == RTE_SUBQUERY && returns_a_row(entry->subquery);
	}
	return false;
}

/*
 * Is (SELECT count(...) ...) compared with a number in a way that 0 passes?
 * Only an operator of the server's own is called.
 */
static bool
holds_for_no_rows(OpExpr *expr)
{
	Oid			function = get_opcode(expr->opno);
	Node	   *left;
	Node	   *right;
	Datum		zero = Int64GetDatum(0);

	if (list_length(expr->args) != 2 || expr->opresulttype != BOOLOID ||
		function >= FirstNormalObjectId || !func_strict(function) ||
		func_volatile(function) != PROVOLATILE_IMMUTABLE)
		return false;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	if (is_count(left) && IsA(right, Const) && !((Const *) right)->constisnull)
		return DatumGetBool(OidFunctionCall2(function, zero,
											 ((Const *) right)->constvalue));
	if (is_count(right) && IsA(left, Const) && !((Const *) left)->constisnull)
		return DatumGetBool(OidFunctionCall2(function,
											 ((Const *) left)->constvalue, zero));
	return false;
}

static bool
is_count(Node *node)
{
	SubLink    *sublink = (SubLink *) node;
	Query	   *query;
	Aggref	   *aggregate;

	if (!IsA(node, SubLink) || sublink->subLinkType != EXPR_SUBLINK ||
		!IsA(sublink->subselect, Query))
		return false;
	query = (Query *) sublink->subselect;
	if (query->setOperations != NULL || query->groupClause != NIL ||
		query->groupingSets != NIL || query->havingQual != NULL ||
		query->limitCount != NULL || query->limitOffset != NULL ||
		list_length(query->targetList) != 1)
		return false;
	aggregate = (Aggref *) linitial_node(TargetEntry, query->targetList)->expr;
	return IsA(aggregate, Aggref) && aggregate->agglevelsup == 0 &&
		(aggregate->aggfnoid == F_COUNT_ || aggregate->aggfnoid == F_COUNT_ANY);
}
