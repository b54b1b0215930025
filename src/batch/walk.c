/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  Running a statement in batches, along a key.
 *
 * A batch takes two queries.  The first looks where the batch ends, by reading
 * so many keys from the index.  The second is the statement, with the range
 * of keys in place of migrate_batch().  Neither remembers anything: where the
 * walk is, the cursor, is a few strings, that the caller can keep anywhere.
 *
 * Both run as the caller, who needs no more rights than for the statement as
 * a whole: it names the key, and so needs SELECT on it.  What row level
 * security hides is passed by.
 *
 * Nothing is kept from one batch to the next but the cursor: in between, the
 * transaction ends, and anybody may alter or drop what it is about.  A cursor
 * begins with what it is one of: taken for that of another table, or of
 * another order, it would have the walk pass rows by.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "batch/batch.h"
#include "batch/key.h"
#include "batch/walk.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* What is passed through execute_each() */
typedef struct Walk
{
	Script	   *script;
	const ScriptStatement *statement;
	List	   *cursor;
	int			size;
	BatchResult *result;
	MemoryContext caller;		/* for what is in the result */
	int64		estimate;
} Walk;

static Query *analyse(const Walk *walk, const char *sql, BatchKey **key);
static void run_batch(const char *sql, void *arg);
static void run_range(Query *query, const BatchKey *key, Node *range,
					  const char *sql, BatchResult *result);
static bool replace_call(Node **condition, const FuncExpr *call, Node *range);
static Datum *read_cursor(const BatchKey *key, List *cursor);
static List *write_cursor(const BatchKey *key, const Datum *values,
						  MemoryContext context);
static int	begin_exact_text(void);
static void estimate_rows(const char *sql, void *arg);

/*
 * Run one batch of a marked statement, in the caller's transaction.
 *
 * cursor is the key of the last row of the batch before, from its result, or
 * NIL for the first.  "size" is the number of rows to pass; there are more of
 * them if several have the last key.  The batch that comes to the end of the
 * table, as it is when the batch begins, has result->done set; if no row was
 * left for it, nothing was run, and the cursor is the one that was given.
 * Otherwise the new one is allocated in the current memory context.
 *
 * search_path and errors are as for execute_script(), and so is what the
 * caller may not rely upon afterwards.  A statement that cannot be run in
 * batches is refused.
 */
void
batch_run(Script *script, const ScriptStatement *statement,
		  const char *search_path, List *cursor, int size, BatchResult *result)
{
	int			nestlevel = execute_begin_settings(search_path);
	Walk		walk = {0};

	walk.script = script;
	walk.statement = statement;
	walk.cursor = cursor;
	walk.size = size;
	walk.result = result;
	walk.caller = CurrentMemoryContext;

	memset(result, 0, sizeof(BatchResult));
	execute_each(script, list_make1(unconstify(ScriptStatement *, statement)),
				 run_batch, &walk);
	AtEOXact_GUC(false, nestlevel);
}

/*
 * About how many rows a marked statement will have to pass from beginning to
 * end; -1 if nobody has counted yet.
 *
 * The statement is analysed, but not run; what cannot be run in batches is
 * refused here too.
 */
int64
batch_estimate(Script *script, const ScriptStatement *statement,
			   const char *search_path)
{
	int			nestlevel = execute_begin_settings(search_path);
	Walk		walk = {0};

	walk.script = script;
	walk.statement = statement;
	execute_each(script, list_make1(unconstify(ScriptStatement *, statement)),
				 estimate_rows, &walk);
	AtEOXact_GUC(false, nestlevel);
	return walk.estimate;
}

/*
 * Analyse the statement, and find the key in it.  Needs an active snapshot.
 */
static Query *
analyse(const Walk *walk, const char *sql, BatchKey **key)
{
	Query	   *query;

	batch_refuse_statement(walk->script, walk->statement);
	query = parse_analyze_fixedparams(execute_parse(sql), sql, NULL, 0, NULL);
	*key = batchkey_analyse(query, sql);
	batchkey_check_targets(*key, list_make1(query));
	return query;
}

/*
 * Run a batch; called by execute_each() with the text of the statement.
 */
static void
run_batch(const char *sql, void *arg)
{
	Walk	   *walk = arg;
	BatchResult *result = walk->result;
	BatchEnd	end;
	BatchKey   *key;
	Query	   *query;
	Datum	   *cursor;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	query = analyse(walk, sql, &key);
	cursor = read_cursor(key, walk->cursor);
	PopActiveSnapshot();

	batchend_find(key, cursor, walk->size, &end);
	result->keys = end.count;
	result->cursor = walk->cursor;
	result->done = end.count < walk->size;
	if (end.count == 0)
		return;

	run_range(query, key,
			  batchrange_between(key, cursor ? cursor : end.first,
								 cursor == NULL, end.last),
			  sql, result);
	result->cursor = write_cursor(key, end.last, walk->caller);
}

/*
 * Run the statement for a range of the key.
 *
 * The range has a lower bound in the first batch, too: where there are no
 * statistics, the planner takes what has two bounds for a small part of the
 * table, and what has only one for a third of it.
 */
static void
run_range(Query *query, const BatchKey *key, Node *range, const char *sql,
		  BatchResult *result)
{
	List	   *rewritten;
	List	   *planned_list;

	if (!replace_call(&key->query->jointree->quals, key->call, range))
		elog(ERROR, "call of migrate_batch() not found");

	PushActiveSnapshot(GetTransactionSnapshot());
	rewritten = pg_rewrite_query(query);

	/* views and rules can have made another table the target */
	batchkey_check_targets(key, rewritten);
	planned_list = pg_plan_queries(rewritten, sql, CURSOR_OPT_PARALLEL_OK,
								   NULL);
	PopActiveSnapshot();

	result->rows = execute_plans(planned_list, sql, None_Receiver);
}

/*
 * Put the range in the place of the call.
 */
static bool
replace_call(Node **condition, const FuncExpr *call, Node *range)
{
	ListCell   *lc;

	if (*condition == (Node *) call)
	{
		*condition = range;
		return true;
	}
	if (is_andclause(*condition))
	{
		foreach(lc, ((BoolExpr *) *condition)->args)
		{
			if (replace_call((Node **) &lfirst(lc), call, range))
				return true;
		}
	}
	return false;
}

/*
 * The values of a cursor; NULL for that of the beginning.
 */
static Datum *
read_cursor(const BatchKey *key, List *cursor)
{
	Datum	   *values;
	ListCell   *lc;
	int			nestlevel;
	int			i = 0;

	if (cursor == NIL)
		return NULL;
	if (list_length(cursor) != key->ncolumns + 1 ||
		strcmp(linitial(cursor), batchkey_describe(key)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot go on with a walk in batches along another key than the one it was begun with"),
				 errdetail("It was begun along %s, and is now one along %s.",
						   (char *) linitial(cursor), batchkey_describe(key)),
				 errhint("Have the statement walk along that key again, with the same search_path; or undo by hand what is done of the revision, and have that forgotten with migrate_stamp().")));

	values = palloc(key->ncolumns * sizeof(Datum));
	nestlevel = begin_exact_text();
	for_each_from(lc, cursor, 1)
	{
		Oid			function;
		Oid			parameter;

		getTypeInputInfo(key->columns[i].type, &function, &parameter);
		values[i++] = OidInputFunctionCall(function, lfirst(lc), parameter,
										   -1);
	}
	AtEOXact_GUC(false, nestlevel);
	return values;
}

/*
 * The cursor for these values, in the given memory context.
 */
static List *
write_cursor(const BatchKey *key, const Datum *values, MemoryContext context)
{
	List	   *strings = NIL;
	int			nestlevel = begin_exact_text();
	ListCell   *lc;
	List	   *result = NIL;
	MemoryContext oldcontext;

	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < key->ncolumns; i++)
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(key->columns[i].type, &function, &is_varlena);
		strings = lappend(strings, OidOutputFunctionCall(function, values[i]));
	}
	PopActiveSnapshot();
	AtEOXact_GUC(false, nestlevel);

	strings = lcons(batchkey_describe(key), strings);
	oldcontext = MemoryContextSwitchTo(context);
	foreach(lc, strings)
		result = lappend(result, pstrdup(lfirst(lc)));
	MemoryContextSwitchTo(oldcontext);
	return result;
}

/*
 * Open a nest level of settings in which a value that was written as text is
 * the same when it is read again, whatever the session had set in between.
 */
static int
begin_exact_text(void)
{
	int			nestlevel = NewGUCNestLevel();

	bookkeeping_pin_setting("bytea_output", "hex");
	bookkeeping_pin_setting("datestyle", "ISO");
	bookkeeping_pin_setting("extra_float_digits", "3");
	bookkeeping_pin_setting("intervalstyle", "postgres");
	bookkeeping_pin_setting("lc_monetary", "C");
	bookkeeping_pin_setting("timezone", "UTC");
	return nestlevel;
}

/*
 * Estimate the rows; called by execute_each() with the text of the statement.
 */
static void
estimate_rows(const char *sql, void *arg)
{
	Walk	   *walk = arg;
	BatchKey   *key;
	List	   *relids;
	ListCell   *lc;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) analyse(walk, sql, &key);
	relids = key->inherit ? find_all_inheritors(key->relid, NoLock, NULL) :
		list_make1_oid(key->relid);

	walk->estimate = -1;
	foreach(lc, relids)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_class class_form;

		if (!HeapTupleIsValid(tuple))
			continue;
		class_form = (Form_pg_class) GETSTRUCT(tuple);

		/* what a partitioned table has are those of its partitions */
		if (class_form->relkind != RELKIND_PARTITIONED_TABLE &&
			class_form->reltuples >= 0)
			walk->estimate = Max(walk->estimate, 0) +
				(int64) class_form->reltuples;
		ReleaseSysCache(tuple);
	}
	PopActiveSnapshot();
}
