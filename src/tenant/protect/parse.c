/*-------------------------------------------------------------------------
 *
 * parse.c
 *	  Parsing the expressions of policies and defaults: comparing them with
 *	  those that are there, and seeing whether they can still be used.
 *
 * An expression is compared with one that the server keeps by its tree, after
 * the analysis that CREATE POLICY would give it.  Texts would differ by no
 * more than a blank or a cast; and to make the policy and look at it would
 * take the lock that is to be spared where nothing changes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/heap.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "tcop/tcopprot.h"
#include "tenant/protect/policy.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

/* Something that may fail, see try_out() */
typedef void (*TryOut) (Oid relid, void *arg);

/* What compare_default() looks at, and finds */
typedef struct DefaultComparison
{
	AttrNumber	attnum;
	const char *expression;
	char	   *adbin;			/* the default that is there */
	bool		result;
} DefaultComparison;

static char *try_out(Oid relid, bool as_owner, TryOut attempt, void *arg);
static void check_policy(Oid relid, void *arg);
static bool is_about_text(int sqlerrcode);
static char *default_text(Relation relation, const char *adbin);
static bool same_but_schema(const char *a, const char *b);
static void compare_default(Oid relid, void *arg);
static Node *transform_policy(Oid relid, const char *expression);
static Node *transform_default(Relation relation, AttrNumber attnum,
							   const char *expression);
static void add_relation(ParseState *pstate, Relation relation);
static Node *parse_expression(const char *expression);

/*
 * Is an expression what a policy of the table holds?  Either may be NULL.
 */
bool
tenantparse_equal(Oid relid, const char *expression, Node *node)
{
	if (expression == NULL || node == NULL)
		return expression == NULL && node == NULL;
	return equal(transform_policy(relid, expression), node);
}

/*
 * What keeps a policy of the user's from being made again, or NULL.
 *
 * A column or a role may have another name by now, or none.  It is tried as the
 * owner of the table, see tenantwork_do_as_owner(), in a subtransaction that
 * is always rolled back: nothing is changed, also by code that is run.
 */
char *
tenantparse_obstacle(Oid relid, const TenantPolicy *policy)
{
	return try_out(relid, true, check_policy, unconstify(TenantPolicy *, policy));
}

/*
 * Is an expression the default of a column?
 *
 * Where it was written long ago what it calls may be in a schema of another
 * name by now, and cannot be parsed any more.
 */
bool
tenantparse_default_equal(Oid relid, const char *column,
						  const char *expression)
{
	AttrNumber	attnum = get_attnum(relid, column);
	DefaultComparison comparison = {attnum, expression};
	Relation	relation;
	TupleConstr *constr;
	char	   *written = NULL;

	if (attnum <= 0)
		return false;
	relation = table_open(relid, AccessShareLock);
	constr = relation->rd_att->constr;
	for (int i = 0; constr != NULL && i < constr->num_defval; i++)
	{
		if (constr->defval[i].adnum == attnum)
			comparison.adbin = pstrdup(constr->defval[i].adbin);
	}
	if (comparison.adbin != NULL)
		written = default_text(relation, comparison.adbin);
	table_close(relation, AccessShareLock);

	if (written == NULL)
		return false;
	if (strcmp(written, expression) == 0)
		return true;

	/* the expression is ours, so that the caller may parse it */
	if (try_out(relid, false, compare_default, &comparison) == NULL)
		return comparison.result;
	return same_but_schema(written, expression);
}

/*
 * Do something about a table that may fail for what is written in it, and undo
 * it.  Returns the message of the error, or NULL; an error that says nothing
 * about that is raised.
 */
static char *
try_out(Oid relid, bool as_owner, TryOut attempt, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	Oid			save_userid;
	int			save_sec_context;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		if (as_owner)
			tenantwork_become_owner(relid, &save_userid, &save_sec_context);
		attempt(relid, arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = resource_owner;

	if (error == NULL)
		return NULL;
	if (!is_about_text(error->sqlerrcode))
		ReThrowError(error);
	return error->message;
}

/*
 * Raise an error, as CREATE POLICY would, for what a policy names and is not
 * there, or not to be used.
 */
static void
check_policy(Oid relid, void *arg)
{
	const TenantPolicy *policy = arg;
	Oid			namespace_oid = get_rel_namespace(relid);
	AclResult	result;
	ListCell   *lc;

	/* the owner of a table may be unable to name it */
	result = COMPAT_NAMESPACE_ACLCHECK(namespace_oid, GetUserId(), ACL_USAGE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(namespace_oid));
	foreach(lc, policy->roles)
	{
		if (strcmp(lfirst(lc), "public") != 0)
			(void) get_role_oid(lfirst(lc), false);
	}
	if (policy->using_expression != NULL)
		(void) transform_policy(relid, policy->using_expression);
	if (policy->check_expression != NULL)
		(void) transform_policy(relid, policy->check_expression);
}

/*
 * Does an error say something about what is written, and not about the moment
 * at which it was tried?
 */
static bool
is_about_text(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category != ERRCODE_OPERATOR_INTERVENTION &&
		category != ERRCODE_INSUFFICIENT_RESOURCES &&
		sqlerrcode != ERRCODE_INTERNAL_ERROR &&
		sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * A default as the server writes it with our search path.
 */
static char *
default_text(Relation relation, const char *adbin)
{
	int			nestlevel = tenantwork_pin_settings();
	Datum		written;

	written = DirectFunctionCall2(pg_get_expr, CStringGetTextDatum(adbin),
								  ObjectIdGetDatum(RelationGetRelid(relation)));
	AtEOXact_GUC(false, nestlevel);
	return TextDatumGetCString(written);
}

/*
 * Do both call the same one of our functions, in whatever schema?
 */
static bool
same_but_schema(const char *a, const char *b)
{
	const char *call_a = strstr(a, ".migrate_tenant_current");
	const char *call_b = strstr(b, ".migrate_tenant_current");

	return call_a != NULL && call_b != NULL &&
		strspn(a, "(") == strspn(b, "(") && strcmp(call_a, call_b) == 0;
}

static void
compare_default(Oid relid, void *arg)
{
	DefaultComparison *comparison = arg;
	Relation	relation = table_open(relid, AccessShareLock);

	comparison->result = equal(transform_default(relation, comparison->attnum,
												 comparison->expression),
							   stringToNode(comparison->adbin));
	table_close(relation, AccessShareLock);
}

/*
 * Analyse an expression as CREATE POLICY does.
 */
static Node *
transform_policy(Oid relid, const char *expression)
{
	Relation	relation = table_open(relid, AccessShareLock);
	ParseState *pstate = make_parsestate(NULL);
	int			nestlevel = tenantwork_pin_settings();
	Node	   *result;

	add_relation(pstate, relation);
	result = transformWhereClause(pstate, parse_expression(expression),
								  EXPR_KIND_POLICY, "POLICY");
	assign_expr_collations(pstate, result);
	free_parsestate(pstate);
	AtEOXact_GUC(false, nestlevel);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Analyse an expression as ALTER COLUMN SET DEFAULT does.
 */
static Node *
transform_default(Relation relation, AttrNumber attnum, const char *expression)
{
	Form_pg_attribute form = TupleDescAttr(relation->rd_att, attnum - 1);
	ParseState *pstate = make_parsestate(NULL);
	int			nestlevel = tenantwork_pin_settings();
	Node	   *result;

	add_relation(pstate, relation);
	result = cookDefault(pstate, parse_expression(expression), form->atttypid,
						 form->atttypmod, NameStr(form->attname), '\0');
	free_parsestate(pstate);
	AtEOXact_GUC(false, nestlevel);
	return result;
}

static void
add_relation(ParseState *pstate, Relation relation)
{
	ParseNamespaceItem *item;

	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
										 NULL, false, false);
	addNSItemToQuery(pstate, item, false, true, true);
}

/*
 * Parse an expression.
 */
static Node *
parse_expression(const char *expression)
{
	List	   *statements = pg_parse_query(psprintf("SELECT %s", expression));
	SelectStmt *statement;

	if (list_length(statements) != 1)
		elog(ERROR, "unexpected number of statements: %d",
			 list_length(statements));
	statement = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
	return linitial_node(ResTarget, statement->targetList)->val;
}
