/*-------------------------------------------------------------------------
 *
 * read.c
 *	  Reading rows of protected tables, to know what there is to be found.
 *
 * Who calls the self-test may be a superuser, and who owns a table has a say
 * in what runs when it is read: another relation can be put in its place, the
 * planner evaluates expressions of its indexes and constraints, and casts and
 * functions can be found that are not the server's.  So
 *
 * - who sees all rows, being bound by no policy, does not read them: the
 *	 owner of the tables does, as the server itself does it to check a foreign
 *	 key, with FORCE set aside and in a security-restricted operation.  All
 *	 that the planner looks at has to be that owner's: to have the owner's
 *	 privileges is not enough, for what others left on their tables would run
 *	 with them;
 * - who is bound by policies reads as with any SELECT, with the policies and
 *	 with what the planner evaluates, but a query that itself calls any other
 *	 function than the server's own is refused;
 * - a query is looked at when its names have become OIDs and its relations
 *	 are locked, before anything is rewritten or planned: it must read the
 *	 very tables that are meant, and they must be tables.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tenant/selftest/selftest.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

/* What check_node() gets */
typedef struct QueryCheck
{
	List	   *relids;			/* that may be read */
	bool		as_caller;
} QueryCheck;

static bool sees_all(List *relids);
static Oid	owner_of_all(List *relids);
static List *relatives_of(Oid relid);
static Oid	owner_of(Oid relid);
static Query *analyze(const char *sql);
static bool check_node(Node *node, void *arg);
static bool is_of_a_user(Oid function, void *arg);
static List *execute(Query *query, const char *sql, TupleDesc *desc);

/*
 * The rows (HeapTuple) of a query that reads some tables, in the current
 * memory context.
 *
 * To be called within selftest_guarded(), which takes back what is set here.
 */
List *
selftest_read(List *relids, const char *sql, TupleDesc *desc)
{
	QueryCheck	check;
	Query	   *query;
	Oid			caller;
	int			sec_context;
	int			nest_level = NewGUCNestLevel();
	List	   *result;

	GetUserIdAndSecContext(&caller, &sec_context);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());

	/* names are looked up as the caller, which runs nothing */
	query = analyze(sql);
	check.relids = relids;
	check.as_caller = !sees_all(relids);
	(void) check_node((Node *) query, &check);

	if (!check.as_caller)
	{
		SetUserIdAndSecContext(owner_of_all(relids),
							   sec_context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION |
							   SECURITY_NOFORCE_RLS);
		(void) set_config_option("search_path", "pg_catalog, pg_temp",
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	}
	result = execute(query, sql, desc);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(caller, sec_context);
	PopActiveSnapshot();
	return result;
}

/*
 * Does the caller see all rows of some tables?
 */
static bool
sees_all(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (check_enable_rls(lfirst_oid(lc), InvalidOid, true) == RLS_ENABLED ||
			pg_class_aclcheck(lfirst_oid(lc), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/*
 * The one owner of some tables, and of all that they are related to.
 */
static Oid
owner_of_all(List *relids)
{
	Oid			owner = owner_of(linitial_oid(relids));
	ListCell   *lc;

	foreach(lc, relids)
	{
		ListCell   *lc2;

		foreach(lc2, relatives_of(lfirst_oid(lc)))
		{
			if (owner_of(lfirst_oid(lc2)) != owner)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("it, tables above or below it, or those that lead to its tenants belong to different roles; try it as the admin role")));
		}
	}
	return owner;
}

/*
 * A table, its partitions and children, which are read with it and locked
 * here, and what it is a partition of: who owns that can have indexes made on
 * partitions of others.
 */
static List *
relatives_of(Oid relid)
{
	return list_concat(find_all_inheritors(relid, AccessShareLock, NULL),
					   get_partition_ancestors(relid));
}

static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	result = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * From here on a query means relations by their OIDs, and they are locked.
 */
static Query *
analyze(const char *sql)
{
	List	   *raw = pg_parse_query(sql);

	if (list_length(raw) != 1)
		elog(ERROR, "not a single statement: %s", sql);
	return parse_analyze_fixedparams(linitial_node(RawStmt, raw), sql, NULL, 0,
									 NULL);
}

/*
 * Raise an error if a query does something else than what it was written for.
 */
static bool
check_node(Node *node, void *arg)
{
	QueryCheck *check = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

			if (entry->rtekind == RTE_RELATION &&
				(!list_member_oid(check->relids, entry->relid) ||
				 (entry->relkind != RELKIND_RELATION &&
				  entry->relkind != RELKIND_PARTITIONED_TABLE)))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("relation \"%s\" is not the table that is protected",
								get_rel_name(entry->relid))));
		}
		return query_tree_walker(query, check_node, arg, 0);
	}

	/* a domain's constraints may call anything */
	if (check->as_caller &&
		(IsA(node, CoerceToDomain) ||
		 check_functions_in_node(node, is_of_a_user, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("to read it takes a function that is not the server's own")));
	return expression_tree_walker(node, check_node, arg);
}

static bool
is_of_a_user(Oid function, void *arg)
{
	return function >= FirstNormalObjectId;
}

/*
 * Plan and run a query as the current user.
 */
static List *
execute(Query *query, const char *sql, TupleDesc *desc)
{
	List	   *rewritten = QueryRewrite(query);
	PlannedStmt *plan;
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	QueryDesc  *query_desc;
	TupleTableSlot *slot;
	List	   *result = NIL;

	if (list_length(rewritten) != 1)
		elog(ERROR, "not a single query: %s", sql);
	plan = pg_plan_query(linitial_node(Query, rewritten), sql, 0, NULL);
	SetTuplestoreDestReceiverParams(dest, store, CurrentMemoryContext, true,
									NULL, NULL);
	query_desc = CreateQueryDesc(plan, sql, GetActiveSnapshot(),
								 InvalidSnapshot, dest, NULL, NULL, 0);
	ExecutorStart(query_desc, 0);
	*desc = CreateTupleDescCopy(query_desc->tupDesc);
	COMPAT_EXECUTOR_RUN(query_desc, ForwardScanDirection, 0);
	ExecutorFinish(query_desc);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	dest->rDestroy(dest);

	slot = MakeSingleTupleTableSlot(*desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(store, true, false, slot))
		result = lappend(result, ExecCopySlotHeapTuple(slot));
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(store);
	return result;
}
