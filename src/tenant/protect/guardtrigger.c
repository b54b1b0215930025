/*-------------------------------------------------------------------------
 *
 * guardtrigger.c
 *	  The event trigger that sees every table that is made, moved into a
 *	  schema or made a partition.
 *
 * It protects the table at once if it is clear how, or waits for somebody to
 * say: a table about which nothing is said by the end of its transaction keeps
 * the transaction from being committed.  A partition is always protected, with
 * its table.
 *
 * It takes no notice of temporary tables, of what extensions make, nor of
 * statements of our own.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "tenant/discover/fit.h"
#include "tenant/protect/exempt.h"
#include "tenant/protect/protect.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(migrate_tenant_guard_trigger);

/* tables of this transaction that nothing was said about when we saw them */
static List *undecided = NIL;
static bool callback_registered = false;

static bool is_attach(Node *statement);
static void refuse_exempt(const TenantWork *work, Oid relid);
static List *tables_of_commands(void);
static bool is_ours_to_guard(const TenantWork *work, Oid relid,
							 TenancyModel **model, bool *with_above);
static void guard_table(TenantWork *work, Oid relid);
static bool protect_now(TenantWork *work, const TenancyModel *model, Oid relid,
						bool with_above);
static void await_decision(Oid relid);
static void at_end_of_transaction(XactEvent event, void *arg);
static void refuse_undecided(void);

/*
 * migrate_tenant_guard_trigger(), for the event trigger
 */
Datum
migrate_tenant_guard_trigger(PG_FUNCTION_ARGS)
{
	EventTriggerData *command = (EventTriggerData *) fcinfo->context;
	TenantWork	work;
	List	   *relids;
	bool		is_new;
	ListCell   *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("migrate_tenant_guard_trigger() is a function for an event trigger"),
				 errhint("SELECT * FROM migrate_tenant_guard('protect');  makes one.")));
	if (tenantwork_is_ours() || creating_extension)
		PG_RETURN_NULL();

	/* a table that is altered, and was left out, is none of ours for that */
	is_new = command->tag != CMDTAG_ALTER_TABLE ||
		IsA(command->parsetree, AlterObjectSchemaStmt);

	/* a lock would have everybody wait who makes a table at the time */
	tenantwork_begin_unlocked(&work, fcinfo);
	relids = tables_of_commands();
	foreach(lc, relids)
	{
		TenancyModel *model;
		bool		with_above;

		if (is_attach(command->parsetree))
			refuse_exempt(&work, lfirst_oid(lc));
		if (!is_ours_to_guard(&work, lfirst_oid(lc), &model, &with_above))
			continue;
		if (!is_new && !with_above &&
			!list_member_oid(undecided, lfirst_oid(lc)))
			continue;
		guard_table(&work, lfirst_oid(lc));
	}
	PG_RETURN_NULL();
}

/*
 * Does a statement make a table a partition?
 */
static bool
is_attach(Node *statement)
{
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AttachPartition)
			return true;
	}
	return false;
}

/*
 * Raise an error for a table that is exempt, and a partition of one that is
 * guarded.
 */
static void
refuse_exempt(const TenantWork *work, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantTable *above;
	TenancyModel *model;

	if (table == NULL || table->mode != TENANT_EXEMPT ||
		!get_rel_relispartition(relid))
		return;
	above = tenantwork_above(work, relid);
	model = above != NULL ? catalog_tenancy_model(above->model) : NULL;
	if (model != NULL && model->guard != TENANT_GUARD_OFF)
		tenantfit_refuse_exempt_partition(relid, above->relid);
}

/*
 * The tables (OIDs) that the statement was about, and those below them.
 */
static List *
tables_of_commands(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *commands = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SELECT c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c "
					"WHERE c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass "
					"AND c.object_type OPERATOR(pg_catalog.=) 'table' "
					"AND NOT c.in_extension", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the commands of an event trigger");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		commands = list_append_unique_oid(commands, DatumGetObjectId(value));
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");

	foreach(lc, commands)
	{
		Oid			relid = lfirst_oid(lc);

		if (get_rel_relkind(relid) != RELKIND_RELATION &&
			get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			continue;
		result = list_append_unique_oid(result, relid);
		result = list_concat_unique_oid(result, tenanttable_below(relid));
	}
	return result;
}

/*
 * Is a table one about which nothing is known, and that a guard is
 * responsible for?  Because a table above it is protected ("with_above"), or
 * because of its schema.
 */
static bool
is_ours_to_guard(const TenantWork *work, Oid relid, TenancyModel **model,
				 bool *with_above)
{
	char		relkind = get_rel_relkind(relid);
	TenantTable *above;
	char	   *name = NULL;

	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		tenanttable_refusal(relid) != NULL ||
		tenantwork_find(work, relid) != NULL)
		return false;
	above = tenantwork_above(work, relid);
	*with_above = above != NULL;
	if (above != NULL)
		name = above->model;
	else
		name = catalog_tenancy_schema_model(get_rel_namespace(relid));
	*model = name != NULL ? catalog_tenancy_model(name) : NULL;
	return *model != NULL && (*model)->guard != TENANT_GUARD_OFF;
}

/*
 * Do what the guard is for.
 */
static void
guard_table(TenantWork *work, Oid relid)
{
	TenancyModel *model;
	bool		with_above;

	/* it may have been protected with a table before it */
	if (is_ours_to_guard(work, relid, &model, &with_above) &&
		!protect_now(work, model, relid, with_above))
		await_decision(relid);
}

/*
 * Protect a table if it is clear how; returns whether it was.
 */
static bool
protect_now(TenantWork *work, const TenancyModel *model, Oid relid,
			bool with_above)
{
	TenantFinding *finding;
	TenantTable *parent;
	Oid			root = tenanttable_partition_root(relid);

	if (with_above)
	{
		tenantprotect_table(work, model, relid, TENANT_UNKNOWN, NULL, NULL, true);
		return true;
	}

	/* a partition is what its table is, about which it is to be decided */
	if (OidIsValid(root))
	{
		parent = tenantwork_find(work, root);
		return parent != NULL && parent->mode == TENANT_EXEMPT;
	}

	finding = tenantdiscover(work, model, relid, true, true);
	if (finding->mode == TENANT_EXEMPT)
	{
		tenantexempt_register(work, model, relid, finding->reason, true);
		return true;
	}
	if (model->guard != TENANT_GUARD_PROTECT)
		return false;
	if (finding->mode == TENANT_PARENT)
	{
		parent = tenantwork_find(work, finding->parent);
		if (parent == NULL || parent->mode == TENANT_EXEMPT ||
			parent->mode == TENANT_PARTITION)
			return false;
	}
	return tenantprotect_finding(work, model, relid, finding, true);
}

/*
 * Remember to look again when the transaction is about to be committed.
 */
static void
await_decision(Oid relid)
{
	MemoryContext caller;

	if (!callback_registered)
	{
		RegisterXactCallback(at_end_of_transaction, NULL);
		callback_registered = true;
	}
	caller = MemoryContextSwitchTo(TopTransactionContext);
	undecided = list_append_unique_oid(undecided, relid);
	MemoryContextSwitchTo(caller);
}

static void
at_end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (undecided != NIL)
				refuse_undecided();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* the list went, or goes, with the transaction's memory */
			undecided = NIL;
			break;
		default:
			break;
	}
}

/*
 * Raise an error if a table is left about which nothing was said.
 *
 * It may be gone by now, or what was done to it undone.
 */
static void
refuse_undecided(void)
{
	List	   *relids = undecided;
	TenantWork	work = {0};
	ListCell   *lc;

	undecided = NIL;
	if (!OidIsValid(get_extension_oid("migrate", true)))
		return;

	/*
	 * No statement is under way any more whose snapshot could be used; what
	 * others have done by now is seen in any case.
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	work.tables = catalog_tenancy_tables(NULL);
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		TenancyModel *model;
		bool		with_above;
		Oid			root;

		if (get_rel_name(relid) == NULL ||
			!is_ours_to_guard(&work, relid, &model, &with_above))
			continue;
		root = tenanttable_partition_root(relid);
		if (OidIsValid(root) && tenantwork_find(&work, root) != NULL)
			continue;
		if (OidIsValid(root))
			relid = root;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nobody has said to whom the rows of table %s belong",
						tenanttable_name(relid)),
				 errdetail("Schema \"%s\" is guarded by tenant model \"%s\".",
						   get_namespace_name(get_rel_namespace(relid)),
						   model->name),
				 errhint("Say so in the transaction that makes the table: SELECT * FROM migrate_tenant_protect(%s);  or SELECT * FROM migrate_tenant_exempt(%s, '...');",
						 quote_literal_cstr(tenanttable_name(relid)),
						 quote_literal_cstr(tenanttable_name(relid)))));
	}
	PopActiveSnapshot();
}
