/*-------------------------------------------------------------------------
 *
 * each.c
 *	  Running SQL for one tenant after the other.
 *
 * Each tenant has a transaction of its own, in which it is set; whatever fails
 * takes back the work for one tenant, and stops there.  Both the keys of the
 * tenants and the SQL are the caller's business and run as the caller.  Only
 * what is known of the model is read as the owner of our tables.
 *
 * Nothing may be kept in the memory of a transaction, all of which ends with
 * each commit.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tenant/setting/setting.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/rls.h"

/* the model that is meant where none is named */
#define DEFAULT_MODEL "default"

/* What the procedure is at; lives as long as the call */
typedef struct Each
{
	const TenantModel *model;	/* or NULL: there is none */
	const char *setting;		/* configuration parameter of the tenant */
	const char *sql;
	const char *query;			/* for the keys */
	bool		is_own_query;	/* it is not the caller's */
	MemoryContext memory;
	MemoryContext tenant_memory;	/* for the tenant in hand */
	List	   *keys;			/* char * */
	const char *key;			/* the one in hand, or NULL */
	int			done;			/* tenants that are committed */
} Each;

static void refuse_atomic(FunctionCallInfo fcinfo);
static Each *begin_each(FunctionCallInfo fcinfo, MemoryContext memory);
static char *keys_of_root(const TenantModel *model);
static bool sees_all(const TenantModel *model);
static bool has_role(const char *name);
static void refuse_hidden_keys(const TenantModel *model, const char *relation);
static void read_keys(Each *each);
static SPIPlanPtr prepare_query(const Each *each);
static void refuse_other_than_query(SPIPlanPtr plan);
static void refuse_empty(void);
static void run_for_tenant(Each *each);
static void refuse_result(int result);
static void each_context(void *arg);

PG_FUNCTION_INFO_V1(migrate_tenant_each);

/*
 * Run SQL once for each tenant.
 */
Datum
migrate_tenant_each(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Each	   *each;
	MemoryContext memory;
	ErrorContextCallback callback;
	ListCell   *lc;

	refuse_atomic(fcinfo);

	/* freed with the portal, also after an error */
	memory = AllocSetContextCreate(PortalContext, "migrate_tenant_each",
								   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(memory);
	each = begin_each(fcinfo, memory);

	callback.callback = each_context;
	callback.arg = each;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	read_keys(each);
	foreach(lc, each->keys)
	{
		CHECK_FOR_INTERRUPTS();
		each->key = lfirst(lc);
		run_for_tenant(each);
		each->done++;
	}
	if (each->keys == NIL)
		ereport(NOTICE,
				(errmsg("there is no tenant to run it for")));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");

	error_context_stack = callback.previous;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
	PG_RETURN_VOID();
}

/*
 * Raise an error where nothing can be committed.
 */
static void
refuse_atomic(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("migrate_tenant_each() cannot run inside a transaction block"),
			 errdetail("It commits after each tenant.  A function, a string of several statements, and a procedure with a SET or SECURITY DEFINER clause are in a transaction, too."),
			 errhint("Send CALL migrate_tenant_each('...'); as a statement of its own.")));
}

/*
 * Take the arguments, in memory that outlives transactions.
 *
 * Whoever names the tenants needs no model.
 */
static Each *
begin_each(FunctionCallInfo fcinfo, MemoryContext memory)
{
	Each	   *each = palloc0(sizeof(Each));
	const char *model = DEFAULT_MODEL;

	if (!PG_ARGISNULL(2))
		model = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	each->memory = memory;
	each->tenant_memory = AllocSetContextCreate(memory,
												"migrate_tenant_each per-tenant context",
												ALLOCSET_DEFAULT_SIZES);
	each->sql = sqlcall_required_text(fcinfo, 0, "sql");
	if (each->sql[strspn(each->sql, " \t\r\n\f")] == '\0')
		refuse_empty();
	each->query = sqlcall_text(fcinfo, 1);
	each->model = catalog_tenant_model(model, each->query != NULL &&
									   strcmp(model, DEFAULT_MODEL) == 0);
	each->setting = each->model ? each->model->setting : TENANT_SETTING;
	if (!tenant_is_setting(each->setting))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the setting \"%s\" cannot hold a tenant",
						each->setting),
				 errdetail("It belongs to an extension, for which it means something else.")));
	if (each->query == NULL)
	{
		each->query = keys_of_root(each->model);
		each->is_own_query = true;
	}
	return each;
}

/*
 * The query for the keys of all tenants.
 */
static char *
keys_of_root(const TenantModel *model)
{
	char	   *relname = get_rel_name(model->root);
	char	   *relation;

	if (relname == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of tenants of model \"%s\" does not exist",
						model->name)));
	relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(model->root)),
										  relname);
	refuse_hidden_keys(model, relation);
	return psprintf("SELECT %s FROM %s ORDER BY 1",
					quote_identifier(model->key), relation);
}

/*
 * Has the caller a policy that shows all tenants, and none that hides them all
 * the same?
 */
static bool
sees_all(const TenantModel *model)
{
	ListCell   *lc;

	if (model == NULL || model->admin_role == NULL ||
		!has_role(model->admin_role))
		return false;
	foreach(lc, model->app_roles)
	{
		if (has_role(lfirst(lc)))
			return false;
	}
	return true;
}

static bool
has_role(const char *name)
{
	Oid			role = get_role_oid(name, true);

	if (!OidIsValid(role))
		return strcmp(name, "public") == 0;
	return has_privs_of_role(GetUserId(), role);
}

/*
 * Raise an error if the caller does not see all tenants.  To do nothing, for
 * none of them, would look like a success.
 */
static void
refuse_hidden_keys(const TenantModel *model, const char *relation)
{
	if (check_enable_rls(model->root, InvalidOid, true) != RLS_ENABLED ||
		sees_all(model))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row level security hides tenants in table %s from role \"%s\"",
					relation, GetUserNameFromId(GetUserId(), false)),
			 errhint("Call it as a role that sees all tenants, or name those that are meant: CALL migrate_tenant_each('...', tenants => 'VALUES (''...'')');")));
}

/*
 * Run the query for the keys, and keep them.
 *
 * Where policies would hide rows from a query of the caller's, it fails: a
 * tenant that is left out looks like one that is done.
 */
static void
read_keys(Each *each)
{
	int			nestlevel = NewGUCNestLevel();
	int			result;

	if (!each->is_own_query && !sees_all(each->model))
		bookkeeping_pin_setting("row_security", "off");
	result = SPI_execute_plan(prepare_query(each), NULL, NULL, false, 0);
	refuse_result(result);
	AtEOXact_GUC(false, nestlevel);
	if (SPI_tuptable->tupdesc->natts != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"tenants\" must be a query that returns one column, the keys of tenants")));

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *key = SPI_getvalue(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1);
		MemoryContext spi_context;

		if (key == NULL || key[0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query for tenants returned a key that is %s",
							key == NULL ? "NULL" : "empty")));
		spi_context = MemoryContextSwitchTo(each->memory);
		each->keys = lappend(each->keys, pstrdup(key));
		MemoryContextSwitchTo(spi_context);
		pfree(key);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Prepare the query for the keys, and raise an error if it is none.
 */
static SPIPlanPtr
prepare_query(const Each *each)
{
	SPIPlanPtr	plan = SPI_prepare(each->query, 0, NULL);

	if (plan == NULL)
		refuse_result(SPI_result);
	refuse_other_than_query(plan);
	return plan;
}

static void
refuse_other_than_query(SPIPlanPtr plan)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	Query	   *query = NULL;

	if (list_length(sources) == 1)
	{
		CachedPlanSource *source = linitial(sources);

		if (list_length(source->query_list) == 1)
			query = linitial_node(Query, source->query_list);
	}
	if (query != NULL && query->commandType == CMD_SELECT &&
		!query->hasModifyingCTE)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"tenants\" must be one query, which changes nothing"),
			 errhint("CALL migrate_tenant_each('...', tenants => 'SELECT ...');")));
}

/*
 * Run the SQL for the tenant in hand, and commit.
 *
 * What the SQL sets, a role or a search path, ends with it and does not reach
 * the next tenant.  The tenant stays until the commit: constraints may be
 * deferred to it.
 */
static void
run_for_tenant(Each *each)
{
	SPIExecuteOptions options = {0};
	MemoryContext spi_context = MemoryContextSwitchTo(each->tenant_memory);
	int			nestlevel;
	int			result;

	/* with the rights of nobody: who named the parameter may have fewer */
	(void) set_config_option(each->setting, each->key,
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);

	nestlevel = NewGUCNestLevel();
	options.dest = CreateDestReceiver(DestNone);
	result = SPI_execute_extended(each->sql, &options);
	refuse_result(result);
	if (result == SPI_OK_REWRITTEN && pg_parse_query(each->sql) == NIL)
		refuse_empty();
	AtEOXact_GUC(false, nestlevel);

	SPI_commit();

	MemoryContextSwitchTo(spi_context);
	MemoryContextReset(each->tenant_memory);
}

/*
 * Raise an error for SQL that is no statement.
 */
static void
refuse_empty(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"sql\" holds no statement")));
}

/*
 * Raise an error for what cannot be run here.
 */
static void
refuse_result(int result)
{
	switch (result)
	{
		case SPI_ERROR_TRANSACTION:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the SQL for a tenant cannot begin or end a transaction"),
					 errhint("Take the statement out; each tenant is committed when the SQL has been run.")));
			break;
		case SPI_ERROR_COPY:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the SQL for a tenant cannot copy from or to the client")));
			break;
		default:
			if (result < 0)
				elog(ERROR, "SPI_execute failed: %s",
					 SPI_result_code_string(result));
			break;
	}
}

/*
 * Say for which tenant an error was raised, and what is done already.
 */
static void
each_context(void *arg)
{
	const Each *each = arg;

	if (each->key == NULL)
		errcontext("query for the tenants of migrate_tenant_each()");
	else
		errcontext("migrate_tenant_each() for tenant \"%s\", with %d of %d tenants committed",
				   each->key, each->done, list_length(each->keys));
}
