/*-------------------------------------------------------------------------
 *
 * range.c
 *	  The conditions that take the place of migrate_batch(): a range of keys.
 *
 * They are made as parse trees, with the operators and collations of the
 * index, whatever a search path would have made of the names.
 *
 * It matters not only that they are right, but also that the planner sees how
 * few rows they let pass.  For "a > 1 AND a <= 5" it does; for two comparisons
 * of whole rows it does not, since it looks at their first columns only, one
 * after the other: it would take (a, b) > (1, 2) AND (a, b) <= (1, 3) for a
 * quarter of the table, and maybe read all of it, with each batch.  So what
 * two bounds have in common becomes a condition of equality, and from the
 * first column in which they differ on, the range is one of three: behind the
 * lower bound where that column is the same, between the two, and up to the
 * upper bound where it is the same there.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "batch/key.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

static List *rest_between(const BatchKey *key, int i, const Datum *lower,
						  bool with_lower, const Datum *upper);
static Node *compare_from(const BatchKey *key, List *vars, int i,
						  StrategyNumber strategy, const Datum *bound);
static Node *compare_column(const BatchKey *key, List *vars, int i,
							StrategyNumber strategy, const Datum *bound);
static Node *constant(const BatchColumn *column, Datum value);
static bool equal_values(const BatchColumn *column, Datum a, Datum b);

/*
 * The condition that the key, of the columns vars, is above a bound.
 */
Node *
batchrange_above(const BatchKey *key, List *vars, const Datum *lower)
{
	List	   *terms;

	terms = list_make1(compare_from(key, vars, 0, BTGreaterStrategyNumber,
									lower));

	/* partitions are told by plain comparisons only */
	if (key->ncolumns > 1)
		terms = lappend(terms, compare_column(key, vars, 0,
											  BTGreaterEqualStrategyNumber,
											  lower));
	return (Node *) make_ands_explicit(terms);
}

/*
 * The condition that the key of the statement is above one bound, or there
 * ("with_lower"), and not above another.
 */
Node *
batchrange_between(const BatchKey *key, const Datum *lower, bool with_lower,
				   const Datum *upper)
{
	return (Node *) make_ands_explicit(rest_between(key, 0, lower, with_lower,
													upper));
}

/*
 * The same for the columns from i on, as a list of conditions.
 */
static List *
rest_between(const BatchKey *key, int i, const Datum *lower, bool with_lower,
			 const Datum *upper)
{
	StrategyNumber above = with_lower ? BTGreaterEqualStrategyNumber :
	BTGreaterStrategyNumber;
	List	   *vars = key->vars;
	List	   *first;
	List	   *between;
	List	   *last;

	if (i == key->ncolumns - 1)
		return list_make2(compare_column(key, vars, i, above, lower),
						  compare_column(key, vars, i,
										 BTLessEqualStrategyNumber, upper));

	if (equal_values(&key->columns[i], lower[i], upper[i]))
		return lcons(compare_column(key, vars, i, BTEqualStrategyNumber,
									lower),
					 rest_between(key, i + 1, lower, with_lower, upper));

	first = list_make2(compare_column(key, vars, i, BTEqualStrategyNumber,
									  lower),
					   compare_from(key, vars, i + 1, above, lower));
	between = list_make2(compare_column(key, vars, i, BTGreaterStrategyNumber,
										lower),
						 compare_column(key, vars, i, BTLessStrategyNumber,
										upper));
	last = list_make2(compare_column(key, vars, i, BTEqualStrategyNumber,
									 upper),
					  compare_from(key, vars, i + 1,
								   BTLessEqualStrategyNumber, upper));
	return list_make1(make_orclause(list_make3(make_ands_explicit(first),
											   make_ands_explicit(between),
											   make_ands_explicit(last))));
}

/*
 * Compare the columns from i on, as a row, with the same part of a bound.
 */
static Node *
compare_from(const BatchKey *key, List *vars, int i, StrategyNumber strategy,
			 const Datum *bound)
{
	RowCompareExpr *result;

	if (i == key->ncolumns - 1)
		return compare_column(key, vars, i, strategy, bound);

	result = makeNode(RowCompareExpr);
	COMPAT_SET_ROW_COMPARISON(result, strategy);
	for (; i < key->ncolumns; i++)
	{
		const BatchColumn *column = &key->columns[i];

		result->opnos = lappend_oid(result->opnos,
									column->operators[strategy]);
		result->opfamilies = lappend_oid(result->opfamilies,
										 column->opfamily);
		result->inputcollids = lappend_oid(result->inputcollids,
										   column->collation);
		result->largs = lappend(result->largs,
								batchrange_operand(column,
												   list_nth(vars, i)));
		result->rargs = lappend(result->rargs, constant(column, bound[i]));
	}
	return (Node *) result;
}

/*
 * Compare one column with the same one of a bound.
 */
static Node *
compare_column(const BatchKey *key, List *vars, int i,
			   StrategyNumber strategy, const Datum *bound)
{
	const BatchColumn *column = &key->columns[i];
	Expr	   *left = (Expr *) batchrange_operand(column, list_nth(vars, i));
	Expr	   *right = (Expr *) constant(column, bound[i]);
	Expr	   *result = make_opclause(column->operators[strategy], BOOLOID,
									   false, left, right, InvalidOid,
									   column->collation);

	set_opfuncid((OpExpr *) result);
	return (Node *) result;
}

/*
 * A copy of the column, as the operators of the index take it.
 */
Node *
batchrange_operand(const BatchColumn *column, Node *var)
{
	return coerce_type(NULL, copyObject(var), exprType(var),
					   column->input_type, -1, COERCION_IMPLICIT,
					   COERCE_IMPLICIT_CAST, -1);
}

static Node *
constant(const BatchColumn *column, Datum value)
{
	return (Node *) makeConst(column->type, -1, column->collation,
							  column->type_length,
							  datumCopy(value, column->type_by_value,
										column->type_length),
							  false, column->type_by_value);
}

/*
 * Are two values of a column the same to the index?
 */
static bool
equal_values(const BatchColumn *column, Datum a, Datum b)
{
	Oid			function = get_opcode(column->operators[BTEqualStrategyNumber]);

	return DatumGetBool(OidFunctionCall2Coll(function, column->collation,
											 a, b));
}
