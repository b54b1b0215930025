/*-------------------------------------------------------------------------
 *
 * gone.c
 *	  Policies of which something was dropped a moment ago.
 *
 * The lint reads policies with the snapshot of its transaction, but the
 * caches, which all that looks into an expression asks, tell what there is
 * now.  What a policy needs may be gone for them, and the policy with it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "tenant/lint/lint.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* What the walker carries along */
typedef struct GoneWalk
{
	Oid			relation;		/* that of the policy */
	List	   *range_tables;	/* of the queries around, the innermost first */
	bool		is_locking;		/* are tables to stay as they are? */
} GoneWalk;

static bool is_gone(Node *node, void *context);
static bool is_relation_gone(Oid relid, bool is_locking);
static bool is_column_gone(GoneWalk *state, Var *var);

/*
 * Is the table, or anything that an expression of its policy names, gone?
 */
bool
tenantlint_is_gone(Oid relation, Node *expression)
{
	GoneWalk	state = {0};

	state.relation = relation;
	return is_relation_gone(relation, false) || is_gone(expression, &state);
}

/*
 * An expression as SQL, or NULL if anything in it is gone.
 */
char *
tenantlint_deparse(Oid relation, Node *node)
{
	GoneWalk	state = {0};

	state.relation = relation;
	state.is_locking = true;
	if (is_relation_gone(relation, true) || is_gone(node, &state))
		return NULL;
	return deparse_expression(node,
							  deparse_context_for(get_rel_name(relation), relation),
							  false, false);
}

static bool
is_gone(Node *node, void *context)
{
	GoneWalk   *state = (GoneWalk *) context;
	Oid			function = InvalidOid;
	Oid			operator = InvalidOid;
	Oid			type = InvalidOid;
	ListCell   *lc;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			{
				Query	   *query = (Query *) node;
				bool		result;

				/* of a join a column may be gone that nothing names */
				state->range_tables = lcons(query->rtable, state->range_tables);
				result = query_tree_walker(query, is_gone, context,
										   QTW_EXAMINE_RTES_BEFORE |
										   QTW_IGNORE_JOINALIASES);
				state->range_tables = list_delete_first(state->range_tables);
				return result;
			}
		case T_RangeTblEntry:
			return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
				is_relation_gone(((RangeTblEntry *) node)->relid,
								 state->is_locking);
		case T_Var:
			return is_column_gone(state, (Var *) node);
		case T_FuncExpr:
			function = ((FuncExpr *) node)->funcid;
			break;
		case T_Aggref:
			function = ((Aggref *) node)->aggfnoid;
			break;
		case T_WindowFunc:
			function = ((WindowFunc *) node)->winfnoid;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			operator = ((OpExpr *) node)->opno;
			break;
		case T_ScalarArrayOpExpr:
			operator = ((ScalarArrayOpExpr *) node)->opno;
			break;
		case T_RowCompareExpr:
			foreach(lc, ((RowCompareExpr *) node)->opnos)
			{
				if (!SearchSysCacheExists1(OPEROID,
										   ObjectIdGetDatum(lfirst_oid(lc))))
					return true;
			}
			break;
		case T_CollateExpr:
			if (!SearchSysCacheExists1(COLLOID,
									   ObjectIdGetDatum(((CollateExpr *) node)->collOid)))
				return true;
			break;
		case T_Const:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_ArrayExpr:
		case T_RowExpr:
			type = exprType(node);
			break;
		default:
			break;
	}
	if ((OidIsValid(function) &&
		 !SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function))) ||
		(OidIsValid(operator) &&
		 !SearchSysCacheExists1(OPEROID, ObjectIdGetDatum(operator))) ||
		(OidIsValid(type) &&
		 !SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type))))
		return true;
	return expression_tree_walker(node, is_gone, context);
}

static bool
is_relation_gone(Oid relid, bool is_locking)
{
	Relation	relation;

	if (!is_locking)
		return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
	relation = try_relation_open(relid, AccessShareLock);
	if (relation == NULL)
		return true;
	/* the lock stays */
	relation_close(relation, NoLock);
	return false;
}

static bool
is_column_gone(GoneWalk *state, Var *var)
{
	Oid			relid = state->relation;
	HeapTuple	tuple;

	if (var->varattno <= 0)
		return false;
	if (var->varlevelsup < list_length(state->range_tables))
	{
		List	   *range_table = list_nth(state->range_tables, var->varlevelsup);
		RangeTblEntry *entry = list_nth(range_table, var->varno - 1);

		if (entry->rtekind != RTE_RELATION)
			return false;
		relid = entry->relid;
	}
	tuple = SearchSysCacheAttNum(relid, var->varattno);
	if (!HeapTupleIsValid(tuple))
		return true;
	ReleaseSysCache(tuple);
	return false;
}
