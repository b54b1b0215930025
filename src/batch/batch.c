/*-------------------------------------------------------------------------
 *
 * batch.c
 *	  The mark of a statement that a deploy runs in batches, a call of
 *	  migrate_batch() in its WHERE clause, as far as the text alone tells.
 *
 * Here are the function itself, which is no more than true, and what a raw
 * parse tree shows: that a statement calls it, and that it does so where no
 * batches can be made of it.  A raw tree knows functions by their names only;
 * whether it is ours that is called is seen when the statement is analysed,
 * as is everything about the key, see key.c.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "batch/batch.h"
#include "fmgr.h"
#include "graph/direction.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "tcop/utility.h"

/* The calls in a statement */
typedef struct CallSearch
{
	FuncCall   *call;			/* the last that was found */
	List	   *places;			/* int: the first byte of each, in the script */
	int			ncalls;
} CallSearch;

static bool mentions_batch(const Script *script,
						   const ScriptStatement *statement);
static Node *query_of(Node *statement);
static bool find_calls(Node *node, CallSearch *search);
static bool is_term(Node *condition, const FuncCall *call);
static const char *spoiling_clause(const SelectStmt *select);
static bool has_modifying_with(const WithClause *with);
static int	errdetail_statement(const Script *script,
								const ScriptStatement *statement);

PG_FUNCTION_INFO_V1(migrate_batch);
PG_FUNCTION_INFO_V1(migrate_batch_support);

/*
 * SQL function: true, whatever the key, for when no deploy is at work.
 */
Datum
migrate_batch(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/*
 * Planner support function of migrate_batch(): a condition that is true costs
 * nothing and has no bearing on the plan.
 */
Datum
migrate_batch_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(makeBoolConst(true, false));
	PG_RETURN_POINTER(NULL);
}

/*
 * Does the statement call a function named migrate_batch?
 *
 * Only a statement that makes a query, be it in EXPLAIN or CREATE TABLE AS,
 * is looked at: one that defines a function or a rule runs nothing.
 */
bool
batch_is_marked(const Script *script, const ScriptStatement *statement)
{
	CallSearch	search = {0};

	/* the server's tree walker does not know all nodes in all versions */
	if (!mentions_batch(script, statement))
		return false;
	(void) find_calls(query_of(statement->raw->stmt), &search);
	return search.ncalls > 0;
}

/*
 * Where the calls of a statement begin that batch_is_marked() has found: a
 * List of offsets into the script, in their order.
 */
List *
batch_calls(const ScriptStatement *statement)
{
	CallSearch	search = {0};

	(void) find_calls(query_of(statement->raw->stmt), &search);
	list_sort(search.places, list_int_cmp);
	return search.places;
}

static bool
mentions_batch(const Script *script, const ScriptStatement *statement)
{
	static const char name[] = "migrate_batch";
	const int	name_length = sizeof(name) - 1;
	const char *sql = &script->text[statement->offset];

	for (int i = 0; i + name_length <= statement->length; i++)
	{
		if (pg_strncasecmp(&sql[i], name, name_length) == 0)
			return true;
	}
	return false;
}

/*
 * The query, with or without an effect, that a statement makes; NULL if none.
 */
static Node *
query_of(Node *statement)
{
	if (statement == NULL)
		return NULL;

	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return statement;
		case T_ExplainStmt:
			return query_of(((ExplainStmt *) statement)->query);
		case T_CreateTableAsStmt:
			return query_of(((CreateTableAsStmt *) statement)->query);
		case T_ViewStmt:
			return query_of(((ViewStmt *) statement)->query);
		case T_PrepareStmt:
			return query_of(((PrepareStmt *) statement)->query);
		case T_DeclareCursorStmt:
			return query_of(((DeclareCursorStmt *) statement)->query);
		case T_CopyStmt:
			return query_of(((CopyStmt *) statement)->query);
		default:
			return NULL;
	}
}

static bool
find_calls(Node *node, CallSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		FuncCall   *call = (FuncCall *) node;

		if (strcmp(strVal(llast(call->funcname)), "migrate_batch") == 0)
		{
			search->call = call;
			search->places = lappend_int(search->places, call->location);
			search->ncalls++;
		}
	}
	return raw_expression_tree_walker(node, find_calls, search);
}

/*
 * Refuse a script with a marked statement that cannot be run in batches,
 * before any of it is run.
 */
void
batch_refuse_unrunnable(const Script *script)
{
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		ScriptStatement *statement = lfirst(lc);

		if (batch_is_marked(script, statement))
			batch_refuse_statement(script, statement);
	}
}

/*
 * Refuse a statement that calls migrate_batch() if its raw tree shows that it
 * cannot be run in batches.
 */
void
batch_refuse_statement(const Script *script, const ScriptStatement *statement)
{
	Node	   *node = statement->raw->stmt;
	Node	   *condition = NULL;
	WithClause *with = NULL;
	SelectStmt *select = NULL;
	CallSearch	search = {0};

	(void) find_calls(query_of(node), &search);

	switch (nodeTag(node))
	{
		case T_UpdateStmt:
			condition = ((UpdateStmt *) node)->whereClause;
			with = ((UpdateStmt *) node)->withClause;
			break;
		case T_DeleteStmt:
			condition = ((DeleteStmt *) node)->whereClause;
			with = ((DeleteStmt *) node)->withClause;
			break;
		case T_InsertStmt:
			select = (SelectStmt *) ((InsertStmt *) node)->selectStmt;
			with = ((InsertStmt *) node)->withClause;
			if (select == NULL || select->valuesLists != NIL)
				break;
			condition = select->whereClause;
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("revision \"%s\" calls migrate_batch() in %s, which cannot be run in batches",
							script->revision, CreateCommandName(node)),
					 errdetail_statement(script, statement),
					 errhint("Only UPDATE, DELETE and INSERT ... SELECT are run in batches.")));
	}

	if (search.ncalls > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("revision \"%s\" calls migrate_batch() more than once in a statement",
						script->revision),
				 errdetail_statement(script, statement),
				 errhint("A statement walks over one table; name all columns of its key in one call, as in migrate_batch((a, b)).")));

	if (list_length(search.call->args) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("revision \"%s\" calls migrate_batch() with %d arguments",
						script->revision, list_length(search.call->args)),
				 errdetail_statement(script, statement),
				 errhint("Name one column, as in migrate_batch(id), or a row of columns, as in migrate_batch((a, b)).")));

	if (select != NULL && spoiling_clause(select) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("revision \"%s\" calls migrate_batch() in a query with %s, which batches would change the meaning of",
						script->revision, spoiling_clause(select)),
				 errdetail_statement(script, statement),
				 errhint("Walk over the table itself, or run the statement as a whole, without migrate_batch().")));

	if (!is_term(condition, search.call))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("revision \"%s\" calls migrate_batch() elsewhere than as a condition of the statement's own WHERE clause",
						script->revision),
				 errdetail_statement(script, statement),
				 errhint("Write WHERE ... AND migrate_batch(key), not below OR or NOT, and not in a subquery or WITH query.")));

	if (has_modifying_with(with) ||
		(select != NULL && has_modifying_with(select->withClause)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("revision \"%s\" calls migrate_batch() in a statement with a data-modifying WITH query",
						script->revision),
				 errdetail("Statement %d at line %d of the %s script.  The WITH query would be run with each batch.",
						   statement->number, statement->line,
						   direction_name(script->direction)),
				 errhint("Make a statement of its own of the WITH query.")));
}

/*
 * Is the call one of the conditions that all have to hold?
 */
static bool
is_term(Node *condition, const FuncCall *call)
{
	ListCell   *lc;

	if (condition == NULL)
		return false;
	if (condition == (Node *) call)
		return true;
	if (!IsA(condition, BoolExpr) ||
		((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach(lc, ((BoolExpr *) condition)->args)
	{
		if (is_term(lfirst(lc), call))
			return true;
	}
	return false;
}

/*
 * The clause of a query, if it has one, for which the rows of all batches
 * together are not the rows of the whole.
 */
static const char *
spoiling_clause(const SelectStmt *select)
{
	switch (select->op)
	{
		case SETOP_NONE:
			break;
		case SETOP_UNION:
			return "UNION";
		case SETOP_INTERSECT:
			return "INTERSECT";
		case SETOP_EXCEPT:
			return "EXCEPT";
	}
	if (select->distinctClause != NIL)
		return "DISTINCT";
	if (select->groupClause != NIL)
		return "GROUP BY";
	if (select->havingClause != NULL)
		return "HAVING";
	if (select->limitCount != NULL)
		return "LIMIT";
	if (select->limitOffset != NULL)
		return "OFFSET";
	return NULL;
}

static bool
has_modifying_with(const WithClause *with)
{
	ListCell   *lc;

	if (with == NULL)
		return false;
	foreach(lc, with->ctes)
	{
		if (!IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt))
			return true;
	}
	return false;
}

/*
 * Give the error that is being raised the detail of where the statement is.
 */
static int
errdetail_statement(const Script *script, const ScriptStatement *statement)
{
	return errdetail("Statement %d at line %d of the %s script.",
					 statement->number, statement->line,
					 direction_name(script->direction));
}
