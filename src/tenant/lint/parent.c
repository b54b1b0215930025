/*-------------------------------------------------------------------------
 *
 * parent.c
 *	  A policy that reaches the tenant through a row of another table.
 *
 * EXISTS (SELECT FROM parent p WHERE p.id = parent_id) is as good as a tenant
 * column if the parent is protected, because the subquery sees the rows of
 * the tenant only, and if it looks for the one row that this row belongs to:
 * the columns that are compared must make up a unique key.  The way may lead
 * through further tables, of which one has to be protected.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tenant/lint/lint.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* A column of the row that the policy is about, or of a table in the query */
typedef struct KeyColumn
{
	int			rtindex;		/* 0: the row */
	AttrNumber	attno;
} KeyColumn;

/* Two of them that are equal where the query finds anything */
typedef struct KeyEquality
{
	KeyColumn	left;
	KeyColumn	right;
} KeyEquality;

/* What is known of the query */
typedef struct ParentSearch
{
	const TenantRule *rule;
	int			outer;			/* number of the row's table outside */
	List	   *equalities;		/* of KeyEquality */
	Bitmapset  *joined;			/* tables without which it finds nothing */
	Bitmapset  *found;			/* tables of which it looks at one row, 0:
								 * ours */
	Bitmapset  *bound;			/* tables of which it looks at rows of the
								 * tenant alone */
	List	   *sublinks;		/* SubLink *: EXISTS that must hold too */
} ParentSearch;

static bool search_query(const TenantRule *rule, Query *query, int outer,
						 Node *operand, bool *allows_shared);
static bool is_own(ParentSearch *search, int rtindex);
static void collect_from(ParentSearch *search, Node *node);
static void collect_quals(ParentSearch *search, Node *node);
static void add_equality(ParentSearch *search, Node *left, int left_level,
						 Node *right);
static void add_bound(ParentSearch *search, Node *column, Node *tenant);
static bool key_column(const ParentSearch *search, Node *node, int level,
					   KeyColumn *column);
static bool find_one(ParentSearch *search, Query *query, int rtindex);
static bool has_unique_key(Oid relid, const Bitmapset *attnos);

/*
 * Does a subquery find something only for rows whose parent, or the parent's
 * parent, is a row of a protected table that the tenant sees?
 *
 * operand is what is compared with the result of the subquery, NULL for
 * EXISTS.  allows_shared tells whether that row may be one that all tenants
 * see: then it does for reading alone.
 */
bool
tenantlint_through_parent(const TenantRule *rule, SubLink *sublink,
						  Node *operand, bool *allows_shared)
{
	return search_query(rule, (Query *) sublink->subselect, 1, operand,
						allows_shared);
}

/*
 * The same for the row of any table in the query around, given by its number.
 */
static bool
search_query(const TenantRule *rule, Query *query, int outer, Node *operand,
			 bool *allows_shared)
{
	ParentSearch search = {0};
	bool		found = false;
	bool		progress = true;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	*allows_shared = false;

	/* an aggregate, or HAVING, returns a row even if there is none to group */
	if (!IsA(query, Query) || query->commandType != CMD_SELECT ||
		query->setOperations != NULL || query->hasAggs ||
		query->groupingSets != NIL || query->groupClause != NIL ||
		query->havingQual != NULL)
		return false;

	search.rule = rule;
	search.outer = outer;
	collect_from(&search, (Node *) query->jointree);
	if (operand != NULL)
	{
		if (query->targetList == NIL)
			return false;
		add_equality(&search, operand, 0,
					 (Node *) ((TargetEntry *) linitial(query->targetList))->expr);
	}

	search.found = bms_make_singleton(0);
	while (progress)
	{
		progress = false;
		for (int i = 1; i <= list_length(query->rtable); i++)
		{
			RangeTblEntry *entry = list_nth(query->rtable, i - 1);

			if (bms_is_member(i, search.found) ||
				!bms_is_member(i, search.joined) ||
				!find_one(&search, query, i))
				continue;
			search.found = bms_add_member(search.found, i);
			progress = true;

			if (!tenantlint_in_array(rule->protected, entry->relid))
				continue;
			found = true;
			if (!tenantlint_in_array(rule->shared, entry->relid) ||
				is_own(&search, i))
				return true;
		}
	}
	*allows_shared = found;
	return found;
}

/*
 * Is a row of a table, of which all tenants see some, the tenant's own?  Its
 * column may say so, or the row that it hangs on.
 */
static bool
is_own(ParentSearch *search, int rtindex)
{
	ListCell   *lc;

	if (bms_is_member(rtindex, search->bound))
		return true;
	foreach(lc, search->sublinks)
	{
		SubLink    *sublink = lfirst(lc);
		TenantAnswer *answer = tenantlint_recall(search->rule, (Node *) sublink,
												 rtindex);

		if (!answer->is_known)
		{
			bool		allows_shared;

			answer->holds = search_query(search->rule,
										 (Query *) sublink->subselect, rtindex,
										 NULL, &allows_shared) && !allows_shared;
			answer->is_known = true;
		}
		if (answer->holds)
			return true;
	}
	return false;
}

/*
 * Gather the tables that are joined, and what they are joined by.
 */
static void
collect_from(ParentSearch *search, Node *node)
{
	if (IsA(node, RangeTblRef))
		search->joined = bms_add_member(search->joined,
										((RangeTblRef *) node)->rtindex);
	else if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;
		ListCell   *lc;

		foreach(lc, from->fromlist)
			collect_from(search, lfirst(lc));
		collect_quals(search, from->quals);
	}
	else if (IsA(node, JoinExpr) && ((JoinExpr *) node)->jointype == JOIN_INNER)
	{
		JoinExpr   *join = (JoinExpr *) node;

		collect_from(search, join->larg);
		collect_from(search, join->rarg);
		collect_quals(search, join->quals);
	}
	else if (IsA(node, JoinExpr) && ((JoinExpr *) node)->jointype == JOIN_LEFT)
		collect_from(search, ((JoinExpr *) node)->larg);
}

static void
collect_quals(ParentSearch *search, Node *node)
{
	Node	   *left;
	Node	   *right;

	if (node == NULL)
		return;
	if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop == AND_EXPR)
	{
		ListCell   *lc;

		foreach(lc, ((BoolExpr *) node)->args)
			collect_quals(search, lfirst(lc));
	}
	else if (tenantlint_is_equality(node, &left, &right))
	{
		add_equality(search, left, 1, right);
		add_bound(search, left, right);
		add_bound(search, right, left);
	}
	else if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == EXISTS_SUBLINK)
		search->sublinks = lappend(search->sublinks, node);
}

/*
 * Remember that a column of a table in the query is the tenant.
 */
static void
add_bound(ParentSearch *search, Node *column, Node *tenant)
{
	Var		   *var = (Var *) tenantlint_strip(column);
	bool		is_inline;

	if (IsA(var, Var) && var->varlevelsup == 0 && var->varattno > 0 &&
		!contain_vars_of_level(tenant, 0) && !contain_vars_of_level(tenant, 1) &&
		tenantlint_context(search->rule, tenant, &is_inline) == TENANT_BIND_TENANT)
		search->bound = bms_add_member(search->bound, var->varno);
}

/*
 * Remember that two expressions are equal, if both are columns.  left_level
 * is how many levels above "left" the policy's row is.
 */
static void
add_equality(ParentSearch *search, Node *left, int left_level, Node *right)
{
	KeyEquality *equality = palloc(sizeof(KeyEquality));

	if (key_column(search, left, left_level, &equality->left) &&
		key_column(search, right, 1, &equality->right))
		search->equalities = lappend(search->equalities, equality);
}

static bool
key_column(const ParentSearch *search, Node *node, int level,
		   KeyColumn *column)
{
	Var		   *var = (Var *) tenantlint_strip(node);

	if (!IsA(var, Var) || var->varattno <= 0)
		return false;
	column->attno = var->varattno;
	if (var->varlevelsup == level)
	{
		column->rtindex = 0;
		return var->varno == search->outer;
	}
	column->rtindex = var->varno;
	return var->varlevelsup == 0;
}

/*
 * Is there one row at most of a table that goes with the rows found so far?
 */
static bool
find_one(ParentSearch *search, Query *query, int rtindex)
{
	RangeTblEntry *entry = list_nth(query->rtable, rtindex - 1);
	Bitmapset  *attnos = NULL;
	ListCell   *lc;

	if (entry->rtekind != RTE_RELATION)
		return false;

	foreach(lc, search->equalities)
	{
		KeyEquality *equality = lfirst(lc);

		if (equality->left.rtindex == rtindex &&
			bms_is_member(equality->right.rtindex, search->found))
			attnos = bms_add_member(attnos, equality->left.attno);
		if (equality->right.rtindex == rtindex &&
			bms_is_member(equality->left.rtindex, search->found))
			attnos = bms_add_member(attnos, equality->right.attno);
	}
	return attnos != NULL && has_unique_key(entry->relid, attnos);
}

/*
 * Has a table a unique key among these columns?  The catalog is asked, so
 * that no lock on the table is needed.
 */
static bool
has_unique_key(Oid relid, const Bitmapset *attnos)
{
	Relation	pg_index = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_index, IndexIndrelidIndexId, true, NULL, 1,
							  &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

		if (!index->indisunique || !index->indisvalid ||
			!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			continue;
		found = true;
		for (int i = 0; i < index->indnkeyatts; i++)
		{
			if (index->indkey.values[i] <= 0 ||
				!bms_is_member(index->indkey.values[i], attnos))
				found = false;
		}
	}
	systable_endscan(scan);
	table_close(pg_index, AccessShareLock);
	return found;
}
