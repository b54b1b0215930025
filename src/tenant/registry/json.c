/*-------------------------------------------------------------------------
 *
 * json.c
 *	  The jsonb columns of the tenant tables.
 *
 * They hold how an object was before, and what was made: facts, from which
 * the statements that take it back are composed with the names that things
 * have by then.  Who writes them is this file alone, but the owner of the
 * tables may: what is missing or of another type counts as absent.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "tenant/registry/json.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

static void put_key(StringInfo buf, const char *key);
static void put_bool(StringInfo buf, const char *key, bool value);
static void put_string(StringInfo buf, const char *key, const char *value);
static void put_char(StringInfo buf, const char *key, char value);
static void put_strings(StringInfo buf, const char *key, List *values);
static void put_policies(StringInfo buf, List *policies);
static char *finish(StringInfo buf);
static JsonbValue *get(Jsonb *object, const char *key);
static bool get_bool(Jsonb *object, const char *key);
static char *get_string(Jsonb *object, const char *key);
static char get_char(Jsonb *object, const char *key, char otherwise);
static List *get_strings(Jsonb *object, const char *key);
static List *get_policies(Jsonb *object);

/*
 * migrate.tenant_table.before
 */
char *
tenantjson_table_before(const TenantTable *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (table->mode != TENANT_EXEMPT)
	{
		put_bool(&buf, "row_security", table->row_security);
		put_bool(&buf, "force_row_security", table->force_row_security);
		put_policies(&buf, table->policies_before);
		if (table->policies_owner != NULL)
			put_string(&buf, "policies_owner", table->policies_owner);
	}
	return finish(&buf);
}

/*
 * migrate.tenant_table.made
 */
char *
tenantjson_table_made(const TenantTable *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (table->mode != TENANT_EXEMPT)
	{
		put_policies(&buf, table->policies);
		put_string(&buf, "index", table->index);
		put_string(&buf, "default", table->default_expression);
	}
	put_bool(&buf, "by_schema", table->by_schema);
	return finish(&buf);
}

/*
 * Take both apart.
 */
void
tenantjson_read_table(TenantTable *table, Datum before, Datum made)
{
	Jsonb	   *was = DatumGetJsonbP(before);
	Jsonb	   *is = DatumGetJsonbP(made);

	table->row_security = get_bool(was, "row_security");
	table->force_row_security = get_bool(was, "force_row_security");
	table->policies_before = get_policies(was);
	table->policies_owner = get_string(was, "policies_owner");
	table->policies = get_policies(is);
	table->index = get_string(is, "index");
	table->default_expression = get_string(is, "default");
	table->by_schema = get_bool(is, "by_schema");
}

/*
 * migrate.tenant_column.made
 */
char *
tenantjson_column_made(const TenantColumn *column)
{
	StringInfoData buf;

	initStringInfo(&buf);
	put_bool(&buf, "column", column->made_column);
	put_string(&buf, "default", column->default_expression);
	put_bool(&buf, "not_null", column->made_not_null);
	put_string(&buf, "check", column->check);
	put_string(&buf, "check_before", column->check_before);
	put_string(&buf, "index", column->index);
	return finish(&buf);
}

/*
 * Take it apart.
 */
void
tenantjson_read_column(TenantColumn *column, Datum made)
{
	Jsonb	   *is = DatumGetJsonbP(made);

	column->made_column = get_bool(is, "column");
	column->default_expression = get_string(is, "default");
	column->made_not_null = get_bool(is, "not_null");
	column->check = get_string(is, "check");
	column->check_before = get_string(is, "check_before");
	column->index = get_string(is, "index");
}

/*
 * migrate.tenant_link.before
 */
char *
tenantjson_link_before(const TenantLink *link)
{
	StringInfoData buf;

	initStringInfo(&buf);
	put_char(&buf, "on_update", link->on_update);
	put_char(&buf, "on_delete", link->on_delete);
	put_char(&buf, "match", link->match_type);
	put_strings(&buf, "delete_columns", link->delete_columns);
	put_bool(&buf, "deferrable", link->deferrable);
	put_bool(&buf, "deferred", link->deferred);
	put_bool(&buf, "validated", link->validated);
	put_string(&buf, "comment", link->comment);
	return finish(&buf);
}

/*
 * migrate.tenant_link.made
 */
char *
tenantjson_link_made(const TenantLink *link)
{
	StringInfoData buf;

	initStringInfo(&buf);
	put_string(&buf, "index", link->index);
	return finish(&buf);
}

/*
 * Take both apart.
 */
void
tenantjson_read_link(TenantLink *link, Datum before, Datum made)
{
	Jsonb	   *was = DatumGetJsonbP(before);

	link->on_update = get_char(was, "on_update", 'a');
	link->on_delete = get_char(was, "on_delete", 'a');
	link->match_type = get_char(was, "match", 's');
	link->delete_columns = get_strings(was, "delete_columns");
	link->deferrable = get_bool(was, "deferrable");
	link->deferred = get_bool(was, "deferred");
	link->validated = get_bool(was, "validated");
	link->comment = get_string(was, "comment");
	link->index = get_string(DatumGetJsonbP(made), "index");
}

/*
 * Writing: what is false, NULL or empty is left out.
 */
static void
put_key(StringInfo buf, const char *key)
{
	appendStringInfoString(buf, buf->len == 0 ? "{" : ", ");
	escape_json(buf, key);
	appendStringInfoString(buf, ": ");
}

static void
put_bool(StringInfo buf, const char *key, bool value)
{
	if (!value)
		return;
	put_key(buf, key);
	appendStringInfoString(buf, "true");
}

static void
put_string(StringInfo buf, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(buf, key);
	escape_json(buf, value);
}

static void
put_char(StringInfo buf, const char *key, char value)
{
	char		string[2] = {value, '\0'};

	put_string(buf, key, string);
}

static void
put_strings(StringInfo buf, const char *key, List *values)
{
	ListCell   *lc;

	if (values == NIL)
		return;
	put_key(buf, key);
	foreach(lc, values)
	{
		appendStringInfoString(buf, lc == list_head(values) ? "[" : ", ");
		escape_json(buf, lfirst(lc));
	}
	appendStringInfoChar(buf, ']');
}

static void
put_policies(StringInfo buf, List *policies)
{
	ListCell   *lc;

	if (policies == NIL)
		return;
	put_key(buf, "policies");
	foreach(lc, policies)
	{
		TenantPolicy *policy = lfirst(lc);
		StringInfoData object;

		initStringInfo(&object);
		put_string(&object, "name", policy->name);
		put_bool(&object, "permissive", policy->permissive);
		put_char(&object, "command", policy->command);
		put_strings(&object, "roles", policy->roles);
		put_string(&object, "using", policy->using_expression);
		put_string(&object, "check", policy->check_expression);
		put_string(&object, "comment", policy->comment);
		appendStringInfo(buf, "%s%s", lc == list_head(policies) ? "[" : ", ",
						 finish(&object));
	}
	appendStringInfoChar(buf, ']');
}

static char *
finish(StringInfo buf)
{
	appendStringInfoString(buf, buf->len == 0 ? "{}" : "}");
	return buf->data;
}

/*
 * Reading
 */
static JsonbValue *
get(Jsonb *object, const char *key)
{
	if (!JB_ROOT_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);
}

static bool
get_bool(Jsonb *object, const char *key)
{
	JsonbValue *value = get(object, key);

	return value != NULL && value->type == jbvBool && value->val.boolean;
}

static char *
get_string(Jsonb *object, const char *key)
{
	JsonbValue *value = get(object, key);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static char
get_char(Jsonb *object, const char *key, char otherwise)
{
	char	   *string = get_string(object, key);

	return string == NULL || string[0] == '\0' ? otherwise : string[0];
}

static List *
get_strings(Jsonb *object, const char *key)
{
	JsonbValue *value = get(object, key);
	List	   *result = NIL;

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		return NIL;
	for (uint32 i = 0; i < JsonContainerSize(value->val.binary.data); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value->val.binary.data, i);

		if (element->type == jbvString)
			result = lappend(result, pnstrdup(element->val.string.val,
											  element->val.string.len));
	}
	return result;
}

static List *
get_policies(Jsonb *object)
{
	JsonbValue *value = get(object, "policies");
	List	   *result = NIL;

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		return NIL;
	for (uint32 i = 0; i < JsonContainerSize(value->val.binary.data); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value->val.binary.data, i);
		TenantPolicy *policy = palloc0(sizeof(TenantPolicy));
		Jsonb	   *member;

		if (element->type != jbvBinary)
			continue;
		member = JsonbValueToJsonb(element);
		policy->name = get_string(member, "name");
		policy->permissive = get_bool(member, "permissive");
		policy->command = get_char(member, "command", '*');
		policy->roles = get_strings(member, "roles");
		policy->using_expression = get_string(member, "using");
		policy->check_expression = get_string(member, "check");
		policy->comment = get_string(member, "comment");
		if (policy->name != NULL)
			result = lappend(result, policy);
	}
	return result;
}
