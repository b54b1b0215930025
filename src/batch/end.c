/*-------------------------------------------------------------------------
 *
 * end.c
 *	  Where a batch ends: the key of the last of so many rows.
 *
 * That is asked of the index, in a query that the server has no reason to
 * plan otherwise than as a scan of the index from the cursor on, and that
 * returns every key on its way.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "batch/key.h"
#include "catalog/bookkeeping.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "script/script.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* The keys of a batch, as the executor hands them out */
typedef struct KeyReceiver
{
	DestReceiver pub;
	const BatchKey *key;
	MemoryContext context;
	int64		count;
	Datum	   *first;			/* of the first row */
	Datum	   *last;			/* of the latest */
	Size	   *space;			/* bytes that a value in "last" has */
} KeyReceiver;

static char *end_query(const BatchKey *key, int size);
static void complete_end_query(Query *query, const BatchKey *key,
							   const Datum *cursor);
static List *plan_along_index(Query *query, const char *sql);
static void end_error_callback(void *arg);
static void begin_keys(KeyReceiver *receiver, const BatchKey *key);
static bool receive_key(TupleTableSlot *slot, DestReceiver *self);
static void start_keys(DestReceiver *self, int operation, TupleDesc desc);
static void end_keys(DestReceiver *self);
static void destroy_keys(DestReceiver *self);
static void keep_value(KeyReceiver *receiver, int i, Datum value);
static void copy_keys(KeyReceiver *receiver, Datum *values);

/*
 * Find the end of a batch: read so many keys behind the cursor, or from the
 * first on if that is NULL, and all that are the same as the last of these.
 * The keys in the result are allocated in the current memory context.
 */
void
batchend_find(const BatchKey *key, const Datum *cursor, int size,
			  BatchEnd *end)
{
	char	   *sql = end_query(key, size);
	ErrorContextCallback callback;
	KeyReceiver receiver;
	Query	   *query;
	List	   *planned_list;

	callback.callback = end_error_callback;
	callback.arg = sql;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	PushActiveSnapshot(GetTransactionSnapshot());
	query = parse_analyze_fixedparams(execute_parse(sql), sql, NULL, 0, NULL);
	complete_end_query(query, key, cursor);
	planned_list = plan_along_index(query, sql);
	PopActiveSnapshot();

	begin_keys(&receiver, key);
	(void) execute_plans(planned_list, sql, &receiver.pub);
	end->count = receiver.count;
	end->first = receiver.first;
	end->last = receiver.last;

	error_context_stack = callback.previous;
}

/*
 * The text of that query.  It is not all of it: what a text cannot say
 * whatever the names of the operators, complete_end_query() adds.
 */
static char *
end_query(const BatchKey *key, int size)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&buf, "%sk.%s", i > 0 ? ", " : "",
						 quote_identifier(key->columns[i].name));
	appendStringInfo(&buf, " FROM %s%s AS k LIMIT %d",
					 key->inherit ? "" : "ONLY ",
					 batchkey_table(key->relid), size);
	return buf.data;
}

/*
 * Add the condition on the key, ORDER BY and WITH TIES.
 */
static void
complete_end_query(Query *query, const BatchKey *key, const Datum *cursor)
{
	List	   *vars = NIL;
	ListCell   *lc;
	int			i = 0;

	if (linitial_node(RangeTblEntry, query->rtable)->relid != key->relid)
		elog(ERROR, "table %s is another one now", batchkey_table(key->relid));

	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		const BatchColumn *column = &key->columns[i++];
		SortGroupClause *sort = makeNode(SortGroupClause);
		Node	   *operand;

		vars = lappend(vars, entry->expr);

		operand = batchrange_operand(column, (Node *) entry->expr);
		if (exprCollation(operand) != column->collation)
		{
			CollateExpr *collate = makeNode(CollateExpr);

			collate->arg = (Expr *) operand;
			collate->collOid = column->collation;
			collate->location = -1;
			operand = (Node *) collate;
		}
		entry->expr = (Expr *) operand;
		entry->ressortgroupref = i;

		sort->tleSortGroupRef = i;
		sort->eqop = column->operators[BTEqualStrategyNumber];
		sort->sortop = column->operators[BTLessStrategyNumber];
		query->sortClause = lappend(query->sortClause, sort);
	}

	query->limitOption = LIMIT_OPTION_WITH_TIES;
	if (cursor != NULL)
		query->jointree->quals = batchrange_above(key, vars, cursor);
}

/*
 * Plan the query so that it reads the index from where the batch begins, and
 * stops where it ends.  The planner might prefer to sort the whole table: if
 * it has no statistics, or if the batch is a good part of it.
 */
static List *
plan_along_index(Query *query, const char *sql)
{
	static const char *const off[] = {"enable_bitmapscan",
		"enable_incremental_sort", "enable_seqscan", "enable_sort", "jit"
	};
	List	   *rewritten = pg_rewrite_query(query);
	List	   *planned_list;
	int			nestlevel = NewGUCNestLevel();

	for (int i = 0; i < lengthof(off); i++)
		bookkeeping_pin_setting(off[i], "off");
	bookkeeping_pin_setting("enable_indexonlyscan", "on");
	bookkeeping_pin_setting("enable_indexscan", "on");
	planned_list = pg_plan_queries(rewritten, sql, 0, NULL);
	AtEOXact_GUC(false, nestlevel);
	return planned_list;
}

/*
 * Error context callback while that query is analysed or run.  A position is
 * one in its own text, and not in the user's statement.
 */
static void
end_error_callback(void *arg)
{
	const char *sql = arg;
	int			cursor = geterrposition();

	if (cursor > 0)
	{
		errposition(0);
		internalerrposition(cursor);
		internalerrquery(sql);
	}
	else
		errcontext("SQL statement \"%s\"", sql);
}

/*
 * Prepare to receive keys, into the current memory context.
 *
 * Only the first and the last are of use.  Which is the last is known only
 * when it is there, so that each one is kept until the next comes, without
 * ado: a batch may have a million.
 */
static void
begin_keys(KeyReceiver *receiver, const BatchKey *key)
{
	memset(receiver, 0, sizeof(KeyReceiver));
	receiver->pub.receiveSlot = receive_key;
	receiver->pub.rStartup = start_keys;
	receiver->pub.rShutdown = end_keys;
	receiver->pub.rDestroy = destroy_keys;
	receiver->pub.mydest = DestNone;
	receiver->key = key;
	receiver->context = CurrentMemoryContext;
	receiver->first = palloc0(key->ncolumns * sizeof(Datum));
	receiver->last = palloc0(key->ncolumns * sizeof(Datum));
	receiver->space = palloc0(key->ncolumns * sizeof(Size));
}

static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *receiver = (KeyReceiver *) self;

	slot_getallattrs(slot);
	for (int i = 0; i < receiver->key->ncolumns; i++)
	{
		if (slot->tts_isnull[i])
			elog(ERROR, "column \"%s\" of the key is null",
				 receiver->key->columns[i].name);
		keep_value(receiver, i, slot->tts_values[i]);
	}
	if (receiver->count++ == 0)
	{
		memcpy(receiver->first, receiver->last,
			   receiver->key->ncolumns * sizeof(Datum));
		copy_keys(receiver, receiver->first);
	}
	return true;
}

static void
start_keys(DestReceiver *self, int operation, TupleDesc desc)
{
}

/*
 * The last row has been received: what belongs to it can be fetched for as
 * long as the query's snapshot is active.
 */
static void
end_keys(DestReceiver *self)
{
	KeyReceiver *receiver = (KeyReceiver *) self;

	if (receiver->count > 0)
		copy_keys(receiver, receiver->last);
}

static void
destroy_keys(DestReceiver *self)
{
}

/*
 * Keep a value as the last of its column.
 */
static void
keep_value(KeyReceiver *receiver, int i, Datum value)
{
	const BatchColumn *column = &receiver->key->columns[i];
	Size		size;

	if (column->type_by_value)
	{
		receiver->last[i] = value;
		return;
	}

	size = datumGetSize(value, false, column->type_length);
	if (size > receiver->space[i])
	{
		receiver->space[i] = Max(size, 2 * receiver->space[i]);
		receiver->last[i] =
			PointerGetDatum(MemoryContextAlloc(receiver->context,
											   receiver->space[i]));
	}
	memcpy(DatumGetPointer(receiver->last[i]), DatumGetPointer(value), size);
}

/*
 * Replace values by copies, of which no part is in another table.
 */
static void
copy_keys(KeyReceiver *receiver, Datum *values)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->context);

	for (int i = 0; i < receiver->key->ncolumns; i++)
	{
		const BatchColumn *column = &receiver->key->columns[i];

		if (column->type_length == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[i]));
		else
			values[i] = datumCopy(values[i], column->type_by_value,
								  column->type_length);
	}
	MemoryContextSwitchTo(oldcontext);
}
