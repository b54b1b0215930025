/*-------------------------------------------------------------------------
 *
 * backfill.c
 *	  Filling a tenant column, at once or in batches.
 *
 * Only rows that have no tenant are touched, so that what was broken off is
 * taken up again by doing it anew.
 *
 * The statements, which fill.c makes, fire the triggers of the user's
 * table.  They run with the search path of the session.  Row level security
 * that binds the caller raises an error here: it would have the statement
 * touch no row and succeed.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "tcop/utility.h"
#include "tenant/column/column.h"
#include "tenant/column/fill.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(migrate_tenant_backfill);

static void check_filled(const TenantColumn *column,
						 const TenantSource *source);
static uint64 count_empty(const TenantColumn *column);
static uint64 count_fillable(const TenantColumn *column,
							 const TenantSource *source);
static void run_count(const char *sql, uint64 *counts, int ncounts);
static void refuse_kept(const TenantColumn *column, uint64 rows);
static void begin_procedure(FunctionCallInfo fcinfo, Oid relid);
static void refuse_row_security(Oid relid, Oid target);
static void check_progress(const TenantColumn *column,
						   const TenantSource *source, int pass,
						   uint64 *left);
static uint64 fill_pass(const TenantColumn *column, const TenantSource *source,
						List *relids, int batch);
static uint64 fill_table(const TenantColumn *column,
						 const TenantSource *source, Oid relid, int batch);
static uint64 fill_batch(const TenantColumn *column, const char *sql);
static BlockNumber count_blocks(Oid relid);
static BlockNumber first_window(Oid relid, int batch);
static void check_still_there(const TenantColumn *column, Oid relid);

/*
 * Raise an error unless a foreign key leads to a table that has a tenant.
 */
void
tenantbackfill_check_source(const TenantWork *work, const TenancyModel *model,
							const TenantKey *key)
{
	(void) tenantfill_source(work, model, key);
}

/*
 * Fill a column in one statement, and raise an error if rows are left that
 * have no tenant.
 */
void
tenantbackfill_all(TenantWork *work, const TenancyModel *model,
				   const TenantColumn *column)
{
	TenantKey  *key = tenantkey_required(column->relid, column->via);
	TenantSource *source = tenantfill_source(work, model, key);
	List	   *relids = list_make1_oid(column->relid);

	if (source->own_column == NULL)
		relids = lappend_oid(relids, source->key->parent);
	relids = tenantforce_lift(work, relids);
	tenantwork_fill(work, psprintf("column %s of %s",
								   quote_identifier(column->column_name),
								   tenanttable_name(column->relid)),
					tenantfill_sql(column, source));
	if (!work->dry_run)
		check_filled(column, source);
	tenantforce_put_back(work, relids);
}

/*
 * CALL migrate_tenant_backfill(tbl, batch)
 *
 * Commits after each batch.  What is needed from one to the next is in the
 * memory of the outer SPI connection, which lives as long as the call.
 */
Datum
migrate_tenant_backfill(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	int			batch = PG_ARGISNULL(1) ? 10000 : PG_GETARG_INT32(1);
	TenantWork	work;
	TenantColumn *column;
	TenantSource *source;
	List	   *relids = NIL;
	uint64		filled = 0;
	uint64		in_pass;
	uint64		left = PG_UINT64_MAX;
	bool		last_was_empty = false;
	ListCell   *lc;

	if (batch <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"batch\" must be greater than zero")));
	tenanttable_check(relid);
	begin_procedure(fcinfo, relid);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");

	tenantwork_begin_silently(&work, fcinfo, true);
	column = catalog_tenancy_column(relid);
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no tenant column was added to table %s",
						tenanttable_name(relid)),
				 errhint("SELECT * FROM migrate_tenant_add_column(%s, step => 'column');",
						 quote_literal_cstr(tenanttable_name(relid)))));
	tenanttable_check_owner(relid);
	source = tenantfill_source(&work, tenantwork_model(column->model),
							   tenantkey_required(relid, column->via));
	refuse_row_security(relid, relid);
	if (source->own_column == NULL)
		refuse_row_security(source->key->parent, relid);

	foreach(lc, lcons_oid(relid, tenanttable_below(relid)))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			relids = lappend_oid(relids, lfirst_oid(lc));
	}

	/* rows may come in behind us that have none */
	for (int pass = 1;; pass++)
	{
		in_pass = fill_pass(column, source, relids, batch);
		if (in_pass == 0)
		{
			/* a row that somebody changed under our hands was passed by */
			if (last_was_empty || count_fillable(column, source) == 0)
				break;
			last_was_empty = true;
			continue;
		}
		last_was_empty = false;
		filled += in_pass;
		check_progress(column, source, pass, &left);
	}
	check_filled(column, source);
	ereport(NOTICE,
			(errmsg_plural("filled column \"%s\" of %llu row of table %s",
						   "filled column \"%s\" of %llu rows of table %s",
						   (unsigned long) filled,
						   column->column_name, (unsigned long long) filled,
						   tenanttable_name(relid))));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	PG_RETURN_VOID();
}

/*
 * Raise an error if rows are left that have no tenant.
 */
static void
check_filled(const TenantColumn *column, const TenantSource *source)
{
	uint64		left = count_empty(column);
	char	   *name = tenanttable_name(column->relid);
	uint64		fillable;

	if (left == 0)
		return;
	fillable = count_fillable(column, source);
	if (fillable > 0)
		refuse_kept(column, fillable);
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg_plural("%llu row of table %s has no tenant",
						   "%llu rows of table %s have no tenant",
						   (unsigned long) left, (unsigned long long) left,
						   name),
			 errdetail("Foreign key \"%s\" leads them to none.", column->via),
			 errhint("SELECT * FROM %s WHERE %s IS NULL;", name,
					 quote_identifier(column->column_name))));
}

static uint64
count_empty(const TenantColumn *column)
{
	uint64		result;

	run_count(psprintf("SELECT pg_catalog.count(*) FROM %s AS child WHERE child.%s IS NULL",
					   tenanttable_name(column->relid),
					   quote_identifier(column->column_name)),
			  &result, 1);
	return result;
}

/*
 * How many rows have no tenant though there is one for them?
 */
static uint64
count_fillable(const TenantColumn *column, const TenantSource *source)
{
	uint64		result;

	run_count(tenantfill_count_sql(column, source), &result, 1);
	return result;
}

/*
 * Run a statement that returns one row of counts, with the settings of the
 * session, since it may fire triggers.
 */
static void
run_count(const char *sql, uint64 *counts, int ncounts)
{
	int			nestlevel = NewGUCNestLevel();
	bool		isnull;

	bookkeeping_pin_setting("row_security", "off");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not count rows");
	for (int i = 0; i < ncounts; i++)
		counts[i] = (uint64) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
														 SPI_tuptable->tupdesc,
														 i + 1, &isnull));
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	AtEOXact_GUC(false, nestlevel);
	CommandCounterIncrement();
}

/*
 * Raise the error that rows have no tenant after they were given one.
 */
static void
refuse_kept(const TenantColumn *column, uint64 rows)
{
	char	   *name = tenanttable_name(column->relid);

	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg_plural("%llu row of table %s has no tenant after it was filled",
						   "%llu rows of table %s have no tenant after they were filled",
						   (unsigned long) rows, (unsigned long long) rows,
						   name),
			 errdetail("Most likely a trigger keeps column \"%s\" as it was.",
					   column->column_name),
			 errhint("SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal;",
					 quote_literal_cstr(name))));
}

/*
 * Raise an error where the procedure cannot commit, or not write.
 */
static void
begin_procedure(FunctionCallInfo fcinfo, Oid relid)
{
	CallContext *context = (CallContext *) fcinfo->context;

	PreventCommandDuringRecovery("migrate_tenant_backfill()");
	PreventCommandIfReadOnly("migrate_tenant_backfill()");
	PreventCommandIfParallelMode("migrate_tenant_backfill()");
	if (context == NULL || !IsA(context, CallContext) || context->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("migrate_tenant_backfill() cannot be called in a transaction block or from a function"),
				 errdetail("It commits after each batch."),
				 errhint("In a revision for migrate_deploy(), mark the section: -- migrate:upgrade transaction:no.  In one transaction, and one statement: SELECT * FROM migrate_tenant_add_column(%s, step => 'backfill');",
						 quote_literal_cstr(tenanttable_name(relid)))));
}

/*
 * Raise an error if the caller does not see all rows of a table.
 */
static void
refuse_row_security(Oid relid, Oid target)
{
	if (check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role \"%s\" does not see all rows of table %s",
					GetUserNameFromId(GetUserId(), false),
					tenanttable_name(relid)),
			 errdetail("Row level security is forced on it."),
			 errhint("Call it as a role that has BYPASSRLS; or fill the column in one transaction, which lifts FORCE until it ends: SELECT * FROM migrate_tenant_add_column(%s, step => 'backfill');",
					 quote_literal_cstr(tenanttable_name(target)))));
}

/*
 * Raise an error if a pass that filled rows left as many to be filled as the
 * one before it.
 *
 * Some come in while we are at it, so that two passes do not surprise, and are
 * not worth another look at the table.
 */
static void
check_progress(const TenantColumn *column, const TenantSource *source,
			   int pass, uint64 *left)
{
	uint64		before = *left;

	if (pass < 2)
		return;
	*left = count_fillable(column, source);
	if (*left > 0 && *left >= before)
		refuse_kept(column, *left);
}

/*
 * Go once through all tables, and return how many rows were filled.
 */
static uint64
fill_pass(const TenantColumn *column, const TenantSource *source, List *relids,
		  int batch)
{
	uint64		filled = 0;
	ListCell   *lc;

	foreach(lc, relids)
		filled += fill_table(column, source, lfirst_oid(lc), batch);
	return filled;
}

/*
 * Go once through a table, a range of blocks at a time: a block is read once,
 * however many rows have been filled before it.
 *
 * A range is left for the next pass when more rows were filled than it has room
 * for: they come back.
 */
static uint64
fill_table(const TenantColumn *column, const TenantSource *source, Oid relid,
		   int batch)
{
	BlockNumber nblocks = count_blocks(relid);
	BlockNumber window = first_window(relid, batch);
	BlockNumber from = 0;
	uint64		filled = 0;
	uint64		in_window = 0;

	while (from < nblocks)
	{
		BlockNumber to = nblocks - from <= window ? nblocks : from + window;
		MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
													 "fill_table per-batch context",
													 ALLOCSET_DEFAULT_SIZES);
		MemoryContext caller = MemoryContextSwitchTo(memory);
		uint64		count;

		CHECK_FOR_INTERRUPTS();
		check_still_there(column, relid);
		count = fill_batch(column,
						   tenantfill_batch_sql(column, source, relid,
												from, to, batch));
		filled += count;
		in_window += count;
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(memory);
		if (count > 0)
			SPI_commit();

		/* a full batch may have left rows of the range */
		if (count >= batch &&
			in_window < (uint64) (to - from) * MaxHeapTuplesPerPage)
			continue;
		from = to;
		in_window = 0;
		if (count < batch / 2 && window < MaxBlockNumber / 4)
			window *= 2;
		window = Min(window, (BlockNumber) 131072);
	}
	return filled;
}

/*
 * Fill a batch of rows, and return how many they were.
 */
static uint64
fill_batch(const TenantColumn *column, const char *sql)
{
	uint64		counts[2];		/* filled, and NULL all the same */

	run_count(sql, counts, lengthof(counts));
	if (counts[1] > 0)
		refuse_kept(column, counts[1]);
	return counts[0];
}

static BlockNumber
count_blocks(Oid relid)
{
	Relation	relation = try_relation_open(relid, AccessShareLock);
	BlockNumber result;

	/* a partition that was dropped meanwhile has nothing to be filled */
	if (relation == NULL)
		return 0;
	result = RelationGetNumberOfBlocks(relation);
	relation_close(relation, AccessShareLock);
	return result;
}

/*
 * In how many blocks there are about as many rows as are to be one batch.
 */
static BlockNumber
first_window(Oid relid, int batch)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		density = 50;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relpages > 0 && form->reltuples > 0)
			density = form->reltuples / form->relpages;
		ReleaseSysCache(tuple);
	}
	return (BlockNumber) Min(Max(batch / density, 1.0), 131072.0);
}

/*
 * Raise an error if the table or its column was taken away since the last
 * batch.
 */
static void
check_still_there(const TenantColumn *column, Oid relid)
{
	if (get_attnum(relid, column->column_name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s was dropped while it was being filled",
						column->column_name, tenanttable_name(relid))));
}
