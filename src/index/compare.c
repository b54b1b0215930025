/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  Whether an index is the one that a statement would make.
 *
 * Both sides are compared as the server stores them: numbers of columns, OIDs
 * of classes and collations, trees of expressions.  How the statement spells
 * them does not matter.  What follows from the statement is worked out as
 * DefineIndex() does it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "index/check.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A column that the statement gives an index */
typedef struct IndexColumn
{
	AttrNumber	attribute;		/* of the table; 0: an expression */
	Node	   *expression;		/* or NULL */
	Oid			type;
	Oid			collation;		/* the one it has by itself */
} IndexColumn;

static bool same_columns(Relation index, Oid table, List *elements,
						 int first);
static bool same_classes(Relation index, Oid table, const IndexStmt *stmt);
static bool same_class_options(Relation index, const IndexStmt *stmt);
static bool same_collations(Relation index, Oid table, const IndexStmt *stmt);
static bool same_ordering(Relation index, const IndexStmt *stmt);
static bool same_predicate(Relation index, const IndexStmt *stmt);
static bool same_options(Relation index, const IndexStmt *stmt);
static bool same_tablespace(Relation index, const IndexStmt *stmt);
static bool same_bytes(const bytea *a, const bytea *b);
static bool column_of_element(Oid table, const IndexElem *element,
							  IndexColumn *column);
static Oid	collation_of_element(Oid table, const IndexElem *element);
static Oid	access_method(const IndexStmt *stmt);
static Node *stored_tree(Relation index, AttrNumber attribute);

/*
 * In what (char *, for a sentence) an index of the table differs from the one
 * that the statement makes; NIL: in nothing.
 *
 * The expressions of the statement have been analysed.  The caller has a lock
 * on the table, and a lock of the same mode is taken on the index; one that
 * is gone meanwhile differs.
 */
List *
indexcheck_differences(Oid index_oid, Oid table, const IndexStmt *stmt)
{
	Relation	index = try_relation_open(index_oid, AccessShareLock);
	List	   *differences = NIL;
	Form_pg_index form;
	bool		same_method;
	bool		same_keys;

	if (index == NULL)
		return list_make1("existence");
	form = index->rd_index;

	same_method = access_method(stmt) == index->rd_rel->relam;
	same_keys = form->indnkeyatts == list_length(stmt->indexParams) &&
		same_columns(index, table, stmt->indexParams, 0);

	if (!same_method)
		differences = lappend(differences, "access method");
	if (stmt->unique != form->indisunique)
		differences = lappend(differences, "uniqueness");
	if (stmt->nulls_not_distinct != form->indnullsnotdistinct)
		differences = lappend(differences, "NULLS NOT DISTINCT");
	if (!same_keys)
		differences = lappend(differences, "columns");
	if (form->indnatts - form->indnkeyatts != list_length(stmt->indexIncludingParams) ||
		!same_columns(index, table, stmt->indexIncludingParams, form->indnkeyatts))
		differences = lappend(differences, "included columns");

	/* these are properties of columns, and mean something to the method */
	if (same_method && same_keys)
	{
		if (!same_classes(index, table, stmt))
			differences = lappend(differences, "operator classes");
		else if (!same_class_options(index, stmt))
			differences = lappend(differences, "operator class parameters");
		if (!same_collations(index, table, stmt))
			differences = lappend(differences, "collations");
		if (!same_ordering(index, stmt))
			differences = lappend(differences, "ordering");
		if (!same_options(index, stmt))
			differences = lappend(differences, "storage parameters");
	}
	if (!same_predicate(index, stmt))
		differences = lappend(differences, "predicate");
	if (!same_tablespace(index, stmt))
		differences = lappend(differences, "tablespace");

	relation_close(index, NoLock);
	return differences;
}

/*
 * Are the columns of the index from "first" on those of the list?  As many
 * are there.
 */
static bool
same_columns(Relation index, Oid table, List *elements, int first)
{
	List	   *expressions = (List *) stored_tree(index, Anum_pg_index_indexprs);
	ListCell   *next_expression = list_head(expressions);
	ListCell   *lc;
	int			i = first;

	foreach(lc, elements)
	{
		IndexColumn column;

		if (!column_of_element(table, lfirst(lc), &column) ||
			index->rd_index->indkey.values[i++] != column.attribute)
			return false;
		if (column.expression == NULL)
			continue;
		if (next_expression == NULL ||
			!equal(column.expression, lfirst(next_expression)))
			return false;
		next_expression = lnext(expressions, next_expression);
	}
	return true;
}

static bool
same_classes(Relation index, Oid table, const IndexStmt *stmt)
{
	HeapTuple	tuple = index->rd_indextuple;
	bool		isnull;
	Datum		datum = SysCacheGetAttr(INDEXRELID, tuple,
										Anum_pg_index_indclass, &isnull);
	oidvector  *classes = (oidvector *) DatumGetPointer(datum);
	int			i = 0;
	ListCell   *lc;

	foreach(lc, stmt->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		IndexColumn column;

		(void) column_of_element(table, element, &column);
		if (classes->values[i++] !=
			ResolveOpClass(element->opclass, column.type, stmt->accessMethod,
						   index->rd_rel->relam))
			return false;
	}
	return true;
}

/*
 * Compared as the operator classes read them.
 */
static bool
same_class_options(Relation index, const IndexStmt *stmt)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, stmt->indexParams)
	{
		List	   *wanted = lfirst_node(IndexElem, lc)->opclassopts;
		Datum		stored = get_attoptions(RelationGetRelid(index), ++i);
		Datum		options;

		if (wanted == NIL && stored == (Datum) 0)
			continue;
		options = transformRelOptions((Datum) 0, wanted, NULL, NULL,
									  false, false);
		if (!same_bytes(index_opclass_options(index, i, options, true),
						index_opclass_options(index, i, stored, false)))
			return false;
	}
	return true;
}

static bool
same_collations(Relation index, Oid table, const IndexStmt *stmt)
{
	int			i = 0;
	ListCell   *lc;

	foreach(lc, stmt->indexParams)
	{
		if (index->rd_indcollation[i++] !=
			collation_of_element(table, lfirst_node(IndexElem, lc)))
			return false;
	}
	return true;
}

static bool
same_ordering(Relation index, const IndexStmt *stmt)
{
	int			i = 0;
	ListCell   *lc;

	if (!index->rd_indam->amcanorder)
		return true;

	foreach(lc, stmt->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		bool		descending = element->ordering == SORTBY_DESC;
		bool		nulls_first = element->nulls_ordering == SORTBY_NULLS_FIRST;
		int16		option = 0;

		if (element->nulls_ordering == SORTBY_NULLS_DEFAULT)
			nulls_first = descending;
		if (descending)
			option |= INDOPTION_DESC;
		if (nulls_first)
			option |= INDOPTION_NULLS_FIRST;
		if (index->rd_indoption[i++] != option)
			return false;
	}
	return true;
}

static bool
same_predicate(Relation index, const IndexStmt *stmt)
{
	/* how index_create() stores it */
	List	   *implicit = make_ands_implicit((Expr *) stmt->whereClause);
	Node	   *wanted = implicit == NIL ? NULL :
	(Node *) make_ands_explicit(implicit);

	return equal(wanted, stored_tree(index, Anum_pg_index_indpred));
}

/*
 * Compared as the access method reads them.
 */
static bool
same_options(Relation index, const IndexStmt *stmt)
{
	Datum		options = transformRelOptions((Datum) 0, stmt->options, NULL,
											  NULL, false, false);

	return same_bytes(index_reloptions(index->rd_indam->amoptions, options, true),
					  index->rd_options);
}

/*
 * One that the statement does not name may be any.
 */
static bool
same_tablespace(Relation index, const IndexStmt *stmt)
{
	Oid			wanted;

	if (stmt->tableSpace == NULL)
		return true;
	wanted = get_tablespace_oid(stmt->tableSpace, true);
	if (!OidIsValid(wanted))
		return false;
	if (wanted == MyDatabaseTableSpace)
		wanted = InvalidOid;
	return index->rd_rel->reltablespace == wanted;
}

static bool
same_bytes(const bytea *a, const bytea *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY(a) == VARSIZE_ANY(b) &&
		memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

/*
 * What an element of the statement is a column of; false if there is no such
 * column in the table.
 */
static bool
column_of_element(Oid table, const IndexElem *element, IndexColumn *column)
{
	Node	   *expression = element->expr;

	memset(column, 0, sizeof(IndexColumn));
	if (element->name != NULL)
	{
		column->attribute = get_attnum(table, element->name);
		if (column->attribute == InvalidAttrNumber)
			return false;
		if (column->attribute > 0)
		{
			int32		typmod;

			get_atttypetypmodcoll(table, column->attribute, &column->type,
								  &typmod, &column->collation);
		}
		return true;
	}

	column->type = exprType(expression);
	column->collation = exprCollation(expression);
	while (IsA(expression, CollateExpr))
		expression = (Node *) ((CollateExpr *) expression)->arg;

	/* "(column)" is a column */
	if (IsA(expression, Var) && ((Var *) expression)->varattno != InvalidAttrNumber)
		column->attribute = ((Var *) expression)->varattno;
	else
		column->expression = expression;
	return true;
}

static Oid
collation_of_element(Oid table, const IndexElem *element)
{
	IndexColumn column;

	if (element->collation != NIL)
		return get_collation_oid(element->collation, false);
	(void) column_of_element(table, element, &column);
	return column.collation;
}

/*
 * The access method that the statement names.
 */
static Oid
access_method(const IndexStmt *stmt)
{
	/* as DefineIndex() has it */
	if (strcmp(stmt->accessMethod, "rtree") == 0)
		return GIST_AM_OID;
	return get_index_am_oid(stmt->accessMethod, true);
}

/*
 * A tree in pg_index, or NULL.
 */
static Node *
stored_tree(Relation index, AttrNumber attribute)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										attribute, &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(datum));
}
