/*-------------------------------------------------------------------------
 *
 * context.c
 *	  What an expression that looks at no row returns: the tenant, or not.
 *
 * Two forms are the tenant: a call of one of our functions, and
 * current_setting() of the model's setting, with whatever casts and NULLIF
 * are around it.  Nothing is evaluated here: a policy may call functions of
 * anybody's, and this runs with the rights of our tables' owner.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "tenant/lint/lint.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

static TenantBind choice(const TenantRule *rule, List *values, Node *whole);
static Node *strip_casts(Node *node);
static Node *scalar_sublink(SubLink *sublink);
static bool is_empty_string(Node *node);
static bool mentions_setting(Node *node, void *context);

/*
 * Classify an expression without variables of the row.
 *
 * is_inline tells, for the tenant, whether it is read from the setting.
 */
TenantBind
tenantlint_context(const TenantRule *rule, Node *node, bool *is_inline)
{
	*is_inline = false;
	node = strip_casts(node);

	if (tenantlint_is_user(node))
		return TENANT_BIND_USER;

	switch (nodeTag(node))
	{
		case T_Const:
			return TENANT_BIND_CONSTANT;

		case T_FuncExpr:
			{
				FuncExpr   *call = (FuncExpr *) node;
				const char *setting;

				if (tenantlint_in_array(rule->functions, call->funcid))
					return TENANT_BIND_TENANT;
				setting = tenantlint_setting_name(node);
				if (setting == NULL)
					return TENANT_BIND_OPAQUE;
				if (pg_strcasecmp(setting, rule->setting) != 0)
					return TENANT_BIND_SETTING;
				*is_inline = true;
				return TENANT_BIND_TENANT;
			}

		case T_NullIfExpr:
			{
				NullIfExpr *expr = (NullIfExpr *) node;

				if (!is_empty_string(lsecond(expr->args)))
					return TENANT_BIND_OPAQUE;
				return tenantlint_context(rule, linitial(expr->args), is_inline);
			}

		case T_CoalesceExpr:
			return choice(rule, ((CoalesceExpr *) node)->args, node);

		case T_MinMaxExpr:
			return choice(rule, ((MinMaxExpr *) node)->args, node);

		case T_CaseExpr:
			{
				CaseExpr   *expr = (CaseExpr *) node;
				List	   *values = NIL;
				ListCell   *lc;

				foreach(lc, expr->args)
					values = lappend(values, lfirst_node(CaseWhen, lc)->result);
				if (expr->defresult != NULL)
					values = lappend(values, expr->defresult);
				return choice(rule, values, node);
			}

		default:
			return TENANT_BIND_OPAQUE;
	}
}

/*
 * One of several values, whichever: the tenant only if each of them is, or is
 * NULL, and even then not in a form that can be called exact.
 */
static TenantBind
choice(const TenantRule *rule, List *values, Node *whole)
{
	ListCell   *lc;

	if (!tenantlint_mentions_tenant(rule, whole))
		return TENANT_BIND_OPAQUE;
	foreach(lc, values)
	{
		Node	   *value = lfirst(lc);
		bool		is_inline;

		if (IsA(value, Const) && ((Const *) value)->constisnull)
			continue;
		if (tenantlint_context(rule, value, &is_inline) != TENANT_BIND_TENANT)
			return TENANT_BIND_FALLBACK;
	}
	return TENANT_BIND_OPAQUE;
}

/*
 * The name in a call of current_setting(), if that is what a node is.
 *
 * The name is empty if it is not a constant.
 */
const char *
tenantlint_setting_name(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *name;

	if (!IsA(node, FuncExpr) ||
		(call->funcid != F_CURRENT_SETTING_TEXT &&
		 call->funcid != F_CURRENT_SETTING_TEXT_BOOL))
		return NULL;

	name = (Const *) linitial(call->args);
	if (!IsA(name, Const) || name->constisnull || name->consttype != TEXTOID)
		return "";
	return TextDatumGetCString(name->constvalue);
}

/*
 * Is this current_user, session_user or one of their synonyms?
 */
bool
tenantlint_is_user(Node *node)
{
	if (IsA(node, FuncExpr))
	{
		Oid			funcid = ((FuncExpr *) node)->funcid;

		return funcid == F_CURRENT_USER || funcid == F_SESSION_USER ||
			funcid == F_GETPGUSERNAME;
	}
	if (!IsA(node, SQLValueFunction))
		return false;
	switch (((SQLValueFunction *) node)->op)
	{
		case SVFOP_CURRENT_ROLE:
		case SVFOP_CURRENT_USER:
		case SVFOP_USER:
		case SVFOP_SESSION_USER:
			return true;
		default:
			return false;
	}
}

/*
 * Is the tenant, or any setting, in an expression?
 */
bool
tenantlint_mentions_tenant(const TenantRule *rule, Node *node)
{
	return mentions_setting(node, (void *) rule);
}

/*
 * Is an OID in an array of them?
 */
bool
tenantlint_in_array(const ArrayType *array, Oid oid)
{
	const Oid  *oids = (const Oid *) ARR_DATA_PTR(array);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	for (int i = 0; i < count; i++)
	{
		if (oids[i] == oid)
			return true;
	}
	return false;
}

/*
 * Take away what changes the type of a value, and SELECT around it.
 */
static Node *
strip_casts(Node *node)
{
	for (;;)
	{
		Node	   *inner = tenantlint_strip(node);

		if (IsA(inner, CoerceViaIO))
			inner = (Node *) ((CoerceViaIO *) inner)->arg;
		else if (IsA(inner, CoerceToDomain))
			inner = (Node *) ((CoerceToDomain *) inner)->arg;
		else if (IsA(inner, FuncExpr) && tenantlint_is_lossless((FuncExpr *) inner))
			inner = linitial(((FuncExpr *) inner)->args);
		else if (IsA(inner, SubLink) && scalar_sublink((SubLink *) inner))
			inner = scalar_sublink((SubLink *) inner);

		if (inner == node)
			return node;
		node = inner;
	}
}

/*
 * The expression in (SELECT expression), or NULL if there is more to it.
 */
static Node *
scalar_sublink(SubLink *sublink)
{
	Query	   *query = (Query *) sublink->subselect;

	if (sublink->subLinkType != EXPR_SUBLINK || !IsA(query, Query) ||
		query->commandType != CMD_SELECT || query->setOperations != NULL ||
		query->rtable != NIL || query->hasAggs || query->hasTargetSRFs ||
		query->jointree->quals != NULL || query->limitCount != NULL ||
		query->limitOffset != NULL || query->havingQual != NULL ||
		list_length(query->targetList) != 1)
		return NULL;
	return (Node *) ((TargetEntry *) linitial(query->targetList))->expr;
}

static bool
is_empty_string(Node *node)
{
	Const	   *value = (Const *) tenantlint_strip(node);

	return IsA(value, Const) && !value->constisnull &&
		value->consttype == TEXTOID &&
		VARSIZE_ANY_EXHDR(DatumGetPointer(value->constvalue)) == 0;
}

/*
 * The walker of tenantlint_mentions_tenant().
 */
static bool
mentions_setting(Node *node, void *context)
{
	const TenantRule *rule = (const TenantRule *) context;

	if (node == NULL)
		return false;
	if (tenantlint_setting_name(node) != NULL)
		return true;
	if (IsA(node, FuncExpr) &&
		tenantlint_in_array(rule->functions, ((FuncExpr *) node)->funcid))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mentions_setting, context, 0);
	return expression_tree_walker(node, mentions_setting, context);
}
