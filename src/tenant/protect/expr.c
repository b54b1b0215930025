/*-------------------------------------------------------------------------
 *
 * expr.c
 *	  The expressions of which policies are made.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tenant/protect/policy.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

/* What differs between reading and writing */
typedef enum Access
{
	ACCESS_READ,
	ACCESS_WRITE
} Access;

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
