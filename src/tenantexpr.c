/*-------------------------------------------------------------------------
 *
 * tenantexpr.c
 *	  The expressions of which policies are made, and comparing them with
 *	  those that are there.
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
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "tcop/tcopprot.h"
#include "tenantpolicy.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

/* What differs between reading and writing */
typedef enum Access
{
	ACCESS_READ,
	ACCESS_WRITE
} Access;

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

static char *column_expression(const TenantWork *work, const TenancyModel *model,
							   const char *column, TenantMode mode,
							   Access access);
static char *parent_expression(const TenantWork *work, const TenancyModel *model,
							   const char *child, const TenantKey *key,
							   Access access, int depth);
static bool is_shared_above(const TenantWork *work, Oid parent);
static List *add_policy(List *policies, const char *name, bool permissive,
						char command, List *roles, char *using_expression,
						char *check_expression);
static List *add_commands(List *policies, const char *name, bool permissive,
						  List *roles, char *read, char *write);
static char *try_out(Oid relid, bool as_owner, TryOut attempt, void *arg);
static void check_policy(Oid relid, void *arg);
static bool is_about_text(int sqlerrcode);
static char *default_text(Relation relation, const char *adbin);
static bool same_but_schema(const char *a, const char *b);
static void compare_default(Oid relid, void *arg);
static Node *parse_expression(const char *expression);
static Node *transform_policy(Oid relid, const char *expression);
static Node *transform_default(Relation relation, AttrNumber attnum,
							   const char *expression);
static void add_relation(ParseState *pstate, Relation relation);

/*
 * The policies (TenantPolicy *) that a table is to have.
 *
 * "mode" is that of the table, or of the table that it is a partition or a
 * child of; "column" is set in the modes root, column and shared, and "key" in
 * mode parent, where the columns are those of the foreign key of that name or
 * (partition) of the table above.
 */
List *
tenantexpr_policies(const TenantWork *work, const TenancyModel *model,
					Oid relid, TenantMode mode, const char *column,
					const TenantKey *key)
{
	List	   *result = NIL;
	char	   *read;
	char	   *write;
	bool		differ;

	if (mode == TENANT_PARENT)
	{
		char	   *child = get_rel_name(relid);

		read = parent_expression(work, model, child, key, ACCESS_READ, 1);
		write = parent_expression(work, model, child, key, ACCESS_WRITE, 1);
		differ = is_shared_above(work, key->parent);
	}
	else
	{
		read = column_expression(work, model, column, mode, ACCESS_READ);
		write = column_expression(work, model, column, mode, ACCESS_WRITE);
		differ = mode == TENANT_SHARED;
	}

	if (differ)
	{
		result = add_commands(result, "migrate_tenant", true,
							  model->app_roles, read, write);
		result = add_commands(result, "migrate_tenant_floor", false,
							  model->app_roles, read, write);
	}
	else
	{
		result = add_policy(result, "migrate_tenant", true, '*',
							model->app_roles, read, read);
		result = add_policy(result, "migrate_tenant_floor", false, '*',
							model->app_roles, read, read);
	}
	if (model->admin_role != NULL)
		result = add_policy(result, "migrate_tenant_admin", true, '*',
							list_make1(model->admin_role), "true", "true");
	return result;
}

/*
 * The tenant of the transaction, as an expression.
 *
 * Of the two styles the function is the faster one, and the plain expression
 * needs no extension to be restored.  In a query the latter is wrapped in a
 * sub-select, so that it is computed once and not for each row; a default
 * cannot hold one.  A setting that was set in an earlier transaction is
 * empty, and not NULL.
 */
char *
tenantexpr_current(const TenantWork *work, const TenancyModel *model,
				   bool in_query)
{
	StringInfoData buf;
	int			nestlevel;

	if (!model->is_inline)
	{
		const char *suffix;

		switch (model->tenant_type)
		{
			case UUIDOID:
				suffix = "";
				break;
			case INT8OID:
				suffix = "_int8";
				break;
			case INT4OID:
			case INT2OID:
				suffix = "_int4";
				break;
			default:
				suffix = "_text";
				break;
		}
		return psprintf("%s()",
						quote_qualified_identifier(work->extension_schema,
												   psprintf("migrate_tenant_current%s", suffix)));
	}

	initStringInfo(&buf);
	appendStringInfo(&buf, "nullif(pg_catalog.current_setting(%s, true), '')",
					 quote_literal_cstr(model->setting));
	if (model->tenant_type != TEXTOID && model->tenant_type != VARCHAROID)
	{
		nestlevel = tenantwork_pin_settings();
		appendStringInfo(&buf, "::%s", tenanttable_type(model->tenant_type));
		AtEOXact_GUC(false, nestlevel);
	}
	return in_query ? psprintf("(SELECT %s)", buf.data) : buf.data;
}

/*
 * A row belongs to the tenant in a column of its own.
 */
static char *
column_expression(const TenantWork *work, const TenancyModel *model,
				  const char *column, TenantMode mode, Access access)
{
	const char *quoted = quote_identifier(column);
	char	   *current = tenantexpr_current(work, model, true);

	if (mode == TENANT_SHARED && access == ACCESS_READ)
		return psprintf("%s = %s OR %s IS NULL", quoted, current, quoted);
	return psprintf("%s = %s", quoted, current);
}

/*
 * A row belongs to whom the row belongs that its foreign key refers to.
 *
 * The policies of the parent decide which of its rows are seen; nothing more
 * is needed to read.  Rows that are shared are seen by all, and to write what
 * hangs on them the parent has to be the tenant's own, and its parent too if
 * that is where the tenant stands.
 */
static char *
parent_expression(const TenantWork *work, const TenancyModel *model,
				  const char *child, const TenantKey *key,
				  Access access, int depth)
{
	StringInfoData buf;
	char	   *alias = depth == 1 ? pstrdup("parent") :
	psprintf("parent%d", depth);
	ListCell   *column;
	ListCell   *parent_column;
	ListCell   *operator;

	if (strcmp(alias, child) == 0)
		alias = psprintf("%s_", alias);

	initStringInfo(&buf);
	appendStringInfo(&buf, "EXISTS (SELECT 1 FROM %s AS %s WHERE ",
					 tenanttable_name(key->parent), quote_identifier(alias));
	forthree(column, key->columns, parent_column, key->parent_columns,
			 operator, key->operators)
		appendStringInfo(&buf, "%s%s.%s %s %s.%s",
						 column == list_head(key->columns) ? "" : " AND ",
						 quote_identifier(alias),
						 quote_identifier(lfirst(parent_column)),
						 tenantkey_operator(lfirst_oid(operator)),
						 quote_identifier(child),
						 quote_identifier(lfirst(column)));

	if (access == ACCESS_WRITE && is_shared_above(work, key->parent))
	{
		TenantTable *parent = tenantwork_find(work, key->parent);

		if (parent->mode == TENANT_SHARED)
			appendStringInfo(&buf, " AND %s.%s = %s",
							 quote_identifier(alias),
							 quote_identifier(parent->column_name),
							 tenantexpr_current(work, model, true));
		else
			appendStringInfo(&buf, " AND %s",
							 parent_expression(work, model, alias,
											   tenantkey_required(parent->relid, parent->via),
											   access, depth + 1));
	}
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * Is a protected table shared, or does it hang on one that is?  No circle of
 * tables in mode parent gets this far.
 */
static bool
is_shared_above(const TenantWork *work, Oid parent)
{
	for (;;)
	{
		TenantTable *table = tenantwork_find(work, parent);

		CHECK_FOR_INTERRUPTS();
		if (table == NULL)
			return false;
		if (table->mode == TENANT_SHARED)
			return true;
		if (table->mode != TENANT_PARENT)
			return false;
		parent = table->parent;
	}
}

static List *
add_policy(List *policies, const char *name, bool permissive, char command,
		   List *roles, char *using_expression, char *check_expression)
{
	TenantPolicy *policy = palloc0(sizeof(TenantPolicy));

	policy->name = pstrdup(name);
	policy->permissive = permissive;
	policy->command = command;
	policy->roles = roles;
	policy->using_expression = using_expression;
	policy->check_expression = check_expression;
	return lappend(policies, policy);
}

/*
 * One policy for each command, since what may be read may not be written.
 */
static List *
add_commands(List *policies, const char *name, bool permissive, List *roles,
			 char *read, char *write)
{
	policies = add_policy(policies, name, permissive, 'r', roles, read, NULL);
	policies = add_policy(policies, psprintf("%s_insert", name), permissive,
						  'a', roles, NULL, write);
	policies = add_policy(policies, psprintf("%s_update", name), permissive,
						  'w', roles, write, write);
	return add_policy(policies, psprintf("%s_delete", name), permissive,
					  'd', roles, write, NULL);
}

/*
 * Is an expression what a policy of the table holds?  Either may be NULL.
 */
bool
tenantexpr_equal(Oid relid, const char *expression, Node *node)
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
tenantexpr_obstacle(Oid relid, const TenantPolicy *policy)
{
	return try_out(relid, true, check_policy, unconstify(TenantPolicy *, policy));
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
		sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * Is an expression the default of a column?
 *
 * Where it was written long ago what it calls may be in a schema of another
 * name by now, and cannot be parsed any more.
 */
bool
tenantexpr_default_equal(Oid relid, const char *column, const char *expression)
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
