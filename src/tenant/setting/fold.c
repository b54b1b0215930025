/*-------------------------------------------------------------------------
 *
 * fold.c
 *	  Planning queries on partitioned tables for the tenant that is set.
 *
 * The server finds out for itself, when a query begins to run, which of the
 * partitions it has to read.  By then it has planned for all of them, and
 * opened and locked each.  With migrate.tenant_fold on, a call of
 * migrate_tenant_current() is replaced by the tenant when a query is planned,
 * and the other partitions never enter the plan.
 *
 * Such a plan is good for this tenant alone.  It is marked as depending on a
 * function that does not exist; when the tenant changes, that function is
 * reported as changed to the plan cache, which then plans anew.  That reaches
 * everything that the plan cache knows: prepared statements, and the queries
 * and expressions of PL/pgSQL.  What it does not know of are plans that SQL
 * functions keep (up to PostgreSQL 17), in which therefore nothing is folded,
 * and open cursors.  Those are told by a second mark, which says for whom a
 * plan was made: before a plan is run, and each time that it is run on, it is
 * compared with the tenant, and an error is raised if it is another.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "tenant/setting/setting.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

/* hash of the function that does not exist, in the syscache of functions */
#define MARK_FOLDED 0x666F6C64

/* in place of a syscache: the halves of the tenant's hash follow */
#define MARK_TENANT_LOW (-1)
#define MARK_TENANT_HIGH (-2)

bool		tenantfold_enabled = false;

/* plans with a folded tenant may exist, and so the hooks are in place */
static bool has_folded = false;

static ExecutorStart_hook_type previous_start;
static ExecutorRun_hook_type previous_run;

static Node *fold_call(PlannerInfo *root, const FuncExpr *call);
static bool reads_partitioned_table(const Query *query);
static bool plans_for_sql_function(void);
static void mark_plan(PlannerGlobal *glob);
static List *add_mark(List *items, int cache, uint32 hash);
static void install_hooks(void);
static void start_plan(QueryDesc *queryDesc, int eflags);
static void run_plan(COMPAT_EXECUTOR_RUN_PARAMETERS);
static void refuse_other_tenant(const PlannedStmt *plan);

PG_FUNCTION_INFO_V1(migrate_tenant_support);

/*
 * Planner support function of migrate_tenant_current() and its variants.
 */
Datum
migrate_tenant_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (tenantfold_enabled && IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;

		result = fold_call(simplify->root, simplify->fcall);
	}
	PG_RETURN_POINTER(result);
}

/*
 * Have the plans that hold the tenant made anew.
 *
 * Can be called where nothing may be raised and no catalog be read, like the
 * server itself when it is told of a changed object.
 */
void
tenantfold_forget(void)
{
	if (has_folded)
		CallSyscacheCallbacks(PROCOID, MARK_FOLDED);
}

/*
 * Have all plans made anew.  Can be called in the same places.
 */
void
tenantfold_forget_all(void)
{
	ResetPlanCache();
}

/*
 * Return the constant that a call can be replaced by, or NULL.
 *
 * Without a planner's root the result would be kept by others, in the cache
 * of a relation or type, and without a query it is an expression alone.
 * Where no partitioned table is read there is nothing to be won.
 *
 * The planner simplifies all expressions of a query before it turns to the
 * relations.  What it simplifies from then on belongs to those: a CHECK
 * constraint holds for the tenant who wrote a row, and one that holds for
 * the tenant in force instead would be a proof that the rows of others are
 * not there.
 */
static Node *
fold_call(PlannerInfo *root, const FuncExpr *call)
{
	Datum		datum;
	int16		length;
	bool		by_value;

	if (root == NULL || root->parse == NULL || root->glob == NULL ||
		root->simple_rel_array != NULL ||
		!reads_partitioned_table(root->parse) || plans_for_sql_function())
		return NULL;

	/* the call itself is to raise the error */
	if (!tenant_datum(call->funcresulttype, &datum))
		return NULL;

	install_hooks();
	mark_plan(root->glob);
	get_typlenbyval(call->funcresulttype, &length, &by_value);
	return (Node *) makeConst(call->funcresulttype, -1, call->funccollid,
							  length, datum, !tenant_value()->is_set,
							  by_value);
}

/*
 * Does this level of a query have a partitioned table?
 */
static bool
reads_partitioned_table(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION &&
			entry->relkind == RELKIND_PARTITIONED_TABLE)
			return true;
	}
	return false;
}

/*
 * Is the query that is being planned part of an SQL function?  Its plans are
 * made in the function's memory, and up to PostgreSQL 17 they stay in use
 * until the calling query ends.
 */
static bool
plans_for_sql_function(void)
{
	return strcmp(CurrentMemoryContext->name, "SQL function") == 0;
}

/*
 * Mark the plan that is being made, once.
 */
static void
mark_plan(PlannerGlobal *glob)
{
	uint64		hash = tenant_value()->hash;
	ListCell   *lc;

	foreach(lc, glob->invalItems)
	{
		if (lfirst_node(PlanInvalItem, lc)->cacheId == MARK_TENANT_LOW)
			return;
	}
	glob->invalItems = add_mark(glob->invalItems, PROCOID, MARK_FOLDED);
	glob->invalItems = add_mark(glob->invalItems, MARK_TENANT_LOW,
								(uint32) hash);
	glob->invalItems = add_mark(glob->invalItems, MARK_TENANT_HIGH,
								(uint32) (hash >> 32));
}

static List *
add_mark(List *items, int cache, uint32 hash)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = cache;
	item->hashValue = hash;
	return lappend(items, item);
}

/*
 * From the first plan with a folded tenant on, look at plans before they are
 * run.  A session that never folds has no hook of ours.
 */
static void
install_hooks(void)
{
	if (has_folded)
		return;
	has_folded = true;
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = start_plan;
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = run_plan;
}

static void
start_plan(QueryDesc *queryDesc, int eflags)
{
	refuse_other_tenant(queryDesc->plannedstmt);
	if (previous_start != NULL)
		previous_start(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

static void
run_plan(COMPAT_EXECUTOR_RUN_PARAMETERS)
{
	refuse_other_tenant(queryDesc->plannedstmt);
	if (previous_run != NULL)
		previous_run(COMPAT_EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGUMENTS);
}

/*
 * Raise an error if a plan was made for another tenant than the one in force.
 */
static void
refuse_other_tenant(const PlannedStmt *plan)
{
	uint64		hash = tenant_value()->hash;
	ListCell   *lc;

	foreach(lc, plan->invalItems)
	{
		PlanInvalItem *item = lfirst_node(PlanInvalItem, lc);

		if ((item->cacheId == MARK_TENANT_LOW &&
			 item->hashValue != (uint32) hash) ||
			(item->cacheId == MARK_TENANT_HIGH &&
			 item->hashValue != (uint32) (hash >> 32)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("tenant was changed while a query of the previous one was open"),
					 errdetail("Its plan holds the tenant that was set when it was opened, because \"migrate.tenant_fold\" is on."),
					 errhint("Close cursors, and end loops over queries, before the tenant is changed; or SET migrate.tenant_fold = off;")));
	}
}
