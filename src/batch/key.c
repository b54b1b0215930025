/*-------------------------------------------------------------------------
 *
 * key.c
 *	  The call of migrate_batch() in an analysed statement, and the key that
 *	  it names: finding it, and refusing what no batches can be made of.
 *
 * A batch is the statement with a range of the key in place of the call.  All
 * batches together have to do what the statement would do, and each row has
 * to be in exactly one of them.  So the key is made of columns of one table,
 * whose rows all have it, and which the statement leaves as they are.
 *
 * Errors are raised from within script_error_callback(), and say where in the
 * statement the call is.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "base/compat.h"
#include "batch/key.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static FuncExpr *find_call(Node *condition);
static bool is_our_function(Oid funcid);
static void read_key(BatchKey *key, const char *sql);
static void check_relation(const BatchKey *key, const RangeTblEntry *rte,
						   const char *sql);
static bool is_nullable_side(Node *node, Index rtindex, bool nullable);
static void check_select(const Query *query, const char *sql,
						 const FuncExpr *call);
static void check_update(const BatchKey *key, const Query *statement,
						 const char *sql);
static void check_not_null(const BatchKey *key);
static int	errposition_of(const char *sql, const FuncExpr *call);

/*
 * Find the key in the analysed tree of a statement that
 * batch_refuse_statement() has let pass, check it, and find the index to walk
 * along it.  sql is the source text of the tree.
 *
 * The result is allocated in the current memory context, and points into the
 * tree.  It is valid as long as the locks are held that the analysis took.
 */
BatchKey *
batchkey_analyse(Query *query, const char *sql)
{
	BatchKey   *key = palloc0(sizeof(BatchKey));
	RangeTblEntry *rte;

	key->query = query;
	if (query->commandType == CMD_INSERT)
	{
		RangeTblRef *ref = linitial_node(RangeTblRef,
										 query->jointree->fromlist);

		key->query = rt_fetch(ref->rtindex, query->rtable)->subquery;
	}

	key->call = find_call(key->query->jointree->quals);
	if (key->call == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function migrate_batch() that the statement calls is not that of the extension"),
				 errhint("Call it with the schema of extension \"migrate\" in front.")));

	read_key(key, sql);
	rte = rt_fetch(((Var *) linitial(key->vars))->varno, key->query->rtable);
	check_relation(key, rte, sql);
	key->relid = rte->relid;
	key->inherit = rte->inh;

	switch (query->commandType)
	{
		case CMD_INSERT:
			check_select(key->query, sql, key->call);
			break;
		case CMD_UPDATE:
			check_update(key, query, sql);
			break;
		default:
			break;
	}

	check_not_null(key);
	batchindex_find(key);
	return key;
}

/*
 * Refuse an INSERT into the table that is walked over: the walk would meet the
 * rows that it has inserted, and might never end.  queries is the statement,
 * or what the rewriter made of it.
 */
void
batchkey_check_targets(const BatchKey *key, List *queries)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, queries)
	{
		Query	   *query = lfirst_node(Query, lc);
		List	   *walked;
		List	   *written;
		Oid			target;

		if (query->commandType != CMD_INSERT)
			continue;
		walked = key->inherit ?
			find_all_inheritors(key->relid, NoLock, NULL) :
			list_make1_oid(key->relid);
		target = rt_fetch(query->resultRelation, query->rtable)->relid;
		written = get_rel_relkind(target) == RELKIND_PARTITIONED_TABLE ?
			find_all_inheritors(target, NoLock, NULL) :
			list_make1_oid(target);

		foreach(lc2, written)
		{
			if (list_member_oid(walked, lfirst_oid(lc2)))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot insert into table %s and walk over it in batches",
								batchkey_table(target)),
						 errdetail("The walk would meet the rows that it has inserted."),
						 errhint("Run the statement as a whole, without migrate_batch(), or insert into another table first.")));
		}
	}
}

/*
 * The name of a table, quoted and with its schema.
 */
char *
batchkey_table(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/*
 * The table and the order in which it is walked: what a cursor means
 * something for, and nothing else.
 *
 * The type of a column may change where the operator family compares the old
 * values as the new ones, as from integer to bigint.
 */
char *
batchkey_describe(const BatchKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s%s (", key->inherit ? "" : "ONLY ",
					 batchkey_table(key->relid));
	for (int i = 0; i < key->ncolumns; i++)
	{
		const BatchColumn *column = &key->columns[i];
		ObjectAddress object;

		ObjectAddressSet(object, OperatorFamilyRelationId, column->opfamily);
		appendStringInfo(&buf, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(column->name),
						 getObjectIdentity(&object, false));
		if (OidIsValid(column->collation))
		{
			ObjectAddressSet(object, CollationRelationId, column->collation);
			appendStringInfo(&buf, " COLLATE %s",
							 getObjectIdentity(&object, false));
		}
	}
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * The call of our function among the conditions that all have to hold.
 */
static FuncExpr *
find_call(Node *condition)
{
	FuncExpr   *result = NULL;
	ListCell   *lc;

	if (condition == NULL)
		return NULL;
	if (IsA(condition, FuncExpr) &&
		is_our_function(((FuncExpr *) condition)->funcid))
		return (FuncExpr *) condition;
	if (is_andclause(condition))
	{
		foreach(lc, ((BoolExpr *) condition)->args)
		{
			result = find_call(lfirst(lc));
			if (result != NULL)
				break;
		}
	}
	return result;
}

/*
 * Is it migrate_batch(), as the extension made it?
 */
static bool
is_our_function(Oid funcid)
{
	char	   *name = get_func_name(funcid);
	Oid			extension;

	if (name == NULL || strcmp(name, "migrate_batch") != 0)
		return false;
	extension = get_extension_oid("migrate", true);
	return OidIsValid(extension) &&
		getExtensionOfObject(ProcedureRelationId, funcid) == extension;
}

/*
 * Take the columns out of the call.
 */
static void
read_key(BatchKey *key, const char *sql)
{
	Node	   *argument = linitial(key->call->args);
	List	   *vars;
	ListCell   *lc;

	vars = IsA(argument, RowExpr) ? ((RowExpr *) argument)->args :
		list_make1(argument);

	foreach(lc, vars)
	{
		Var		   *var = lfirst(lc);
		Var		   *first = linitial(vars);

		if (!IsA(var, Var) || !IsA(first, Var) || var->varattno <= 0 ||
			var->varno != first->varno || var->varlevelsup != 0)
			break;
	}
	if (vars == NIL || lc != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the key of migrate_batch() is not made of columns of one table"),
				 errhint("Name one column, as in migrate_batch(id), or a row of columns, as in migrate_batch((a, b))."),
				 errposition_of(sql, key->call)));

	key->vars = vars;
	key->ncolumns = list_length(vars);
	key->columns = palloc0(key->ncolumns * sizeof(BatchColumn));
}

/*
 * Raise an error unless the columns are those of a table that can be walked,
 * and whose rows are what the query makes its own rows of.
 */
static void
check_relation(const BatchKey *key, const RangeTblEntry *rte, const char *sql)
{
	const Var  *var = linitial(key->vars);

	if (rte->rtekind != RTE_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the key of migrate_batch() is not one of a table"),
				 rte->rtekind == RTE_JOIN ?
				 errdetail("It is a column that a join made of two.") :
				 errdetail("\"%s\" is a subquery, a WITH query, a function or a list of values.",
						   rte->eref->aliasname),
				 errhint("Name the columns of a table that stands in the statement itself."),
				 errposition_of(sql, key->call)));

	if (rte->relkind != RELKIND_RELATION &&
		rte->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot walk over \"%s\" in batches",
						get_rel_name(rte->relid)),
				 errdetail_relkind_not_supported(rte->relkind),
				 errposition_of(sql, key->call)));

	if (rte->tablesample != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot walk over a sample of table \"%s\" in batches",
						get_rel_name(rte->relid)),
				 errposition_of(sql, key->call)));

	if (is_nullable_side((Node *) key->query->jointree, var->varno, false))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of the key of migrate_batch() is on the nullable side of an outer join",
						get_rel_name(rte->relid)),
				 errdetail("What the join returns without a row of this table would be in no batch."),
				 errhint("Walk over the table on the other side of the join."),
				 errposition_of(sql, key->call)));
}

/*
 * Is the relation below the side of an outer join that can be null?
 */
static bool
is_nullable_side(Node *node, Index rtindex, bool nullable)
{
	ListCell   *lc;

	if (IsA(node, RangeTblRef))
		return nullable && ((RangeTblRef *) node)->rtindex == rtindex;
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
		{
			if (is_nullable_side(lfirst(lc), rtindex, nullable))
				return true;
		}
		return false;
	}
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		bool		left = join->jointype == JOIN_RIGHT ||
		join->jointype == JOIN_FULL;
		bool		right = join->jointype == JOIN_LEFT ||
		join->jointype == JOIN_FULL;

		return is_nullable_side(join->larg, rtindex, nullable || left) ||
			is_nullable_side(join->rarg, rtindex, nullable || right);
	}
	return false;
}

/*
 * Refuse the query of an INSERT ... SELECT that makes one row of several.
 * What its text shows, batch_refuse_statement() has refused.
 */
static void
check_select(const Query *query, const char *sql, const FuncExpr *call)
{
	if (query->hasAggs || query->hasWindowFuncs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot run a query with %s in batches",
						query->hasAggs ? "an aggregate function" :
						"a window function"),
				 errdetail("The results of the batches would not be those of the whole."),
				 errhint("Run the statement as a whole, without migrate_batch()."),
				 errposition_of(sql, call)));
}

/*
 * Refuse an UPDATE after which a row can be in another batch, or which can
 * change a row in several.
 */
static void
check_update(const BatchKey *key, const Query *statement, const char *sql)
{
	Relation	relation;
	Bitmapset  *updated = NULL;
	ListCell   *lc;

	if (((Var *) linitial(key->vars))->varno != statement->resultRelation)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the key of migrate_batch() is not one of the table that is updated"),
				 errdetail("A row that joins rows of several batches would be updated more than once."),
				 errhint("Walk over table \"%s\".",
						 get_rel_name(rt_fetch(statement->resultRelation,
											   statement->rtable)->relid)),
				 errposition_of(sql, key->call)));

	foreach(lc, statement->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (!entry->resjunk)
			updated = bms_add_member(updated, entry->resno -
									 FirstLowInvalidHeapAttributeNumber);
	}

	relation = table_open(key->relid, NoLock);
	foreach(lc, key->vars)
	{
		AttrNumber	attnum = ((Var *) lfirst(lc))->varattno;
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation),
													attnum - 1);
		Bitmapset  *sources = NULL;

		/* a generated column changes with those that it is made of */
		if (attribute->attgenerated != '\0')
			pull_varattnos(build_column_default(relation, attnum), 1,
						   &sources);
		sources = bms_add_member(sources, attnum -
								 FirstLowInvalidHeapAttributeNumber);
		if (bms_overlap(sources, updated))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of the key of migrate_batch() is changed by the statement",
							NameStr(attribute->attname)),
					 errdetail("A row whose key changes could be in several batches, or in none."),
					 errhint("Walk along a key that the statement does not change."),
					 errposition_of(sql, key->call)));
	}
	table_close(relation, NoLock);
}

/*
 * Raise an error unless each row has the key, also those of child tables,
 * which need not have the constraints of their parent.
 */
static void
check_not_null(const BatchKey *key)
{
	List	   *relids = list_make1_oid(key->relid);
	ListCell   *lc;
	ListCell   *lc2;

	if (key->inherit && get_rel_relkind(key->relid) == RELKIND_RELATION)
		relids = find_all_inheritors(key->relid, AccessShareLock, NULL);

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		Relation	relation = table_open(relid, NoLock);

		foreach(lc2, key->vars)
		{
			char	   *name = get_attname(key->relid,
										   ((Var *) lfirst(lc2))->varattno,
										   false);
			AttrNumber	attnum = get_attnum(relid, name);

			if (COMPAT_COLUMN_IS_NOT_NULL(RelationGetDescr(relation),
										  attnum - 1))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("column \"%s\" of table %s can be null, and so cannot be the key of migrate_batch()",
							name, batchkey_table(relid)),
					 errdetail("A row without the key would be in no batch."),
					 errhint("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;",
							 batchkey_table(relid), quote_identifier(name))));
		}
		table_close(relation, NoLock);
	}
}

/*
 * Give the error that is being raised the position of the call.
 */
static int
errposition_of(const char *sql, const FuncExpr *call)
{
	if (call->location < 0)
		return 0;
	return errposition(pg_mbstrlen_with_len(sql, call->location) + 1);
}
