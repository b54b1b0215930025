/*-------------------------------------------------------------------------
 *
 * fill.c
 *	  The SQL that fills a tenant column.
 *
 * A row gets the tenant of the row that its foreign key refers to; where that
 * is a tenant, no other table has to be read.  Only rows that have none are
 * touched.
 *
 * The statements run with the search path of the session, and name everything
 * with its schema, operators too.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "tenant/column/fill.h"
#include "tenant/protect/protect.h"
#include "utils/builtins.h"

static char *parent_tenant_column(const TenantWork *work,
								  const TenancyModel *model,
								  const TenantKey *key);
static void append_from(StringInfo buf, const TenantSource *source);
static void append_condition(StringInfo buf, const TenantColumn *column,
							 const TenantSource *source);
static char *value_of(const TenantSource *source);
static char *qualified_operator(Oid opno);

/*
 * Where a foreign key leads to the tenant.
 */
TenantSource *
tenantfill_source(const TenantWork *work, const TenancyModel *model,
				  const TenantKey *key)
{
	TenantSource *source = palloc0(sizeof(TenantSource));
	ListCell   *column;
	ListCell   *parent_column;

	source->key = key;
	source->parent_column = parent_tenant_column(work, model, key);
	forboth(column, key->columns, parent_column, key->parent_columns)
	{
		if (strcmp(lfirst(parent_column), source->parent_column) == 0)
			source->own_column = lfirst(column);
	}
	return source;
}

/*
 * The statement that fills a column in all rows.
 */
char *
tenantfill_sql(const TenantColumn *column, const TenantSource *source)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS child SET %s = %s",
					 tenanttable_name(column->relid),
					 quote_identifier(column->column_name), value_of(source));
	append_from(&buf, source);
	appendStringInfoString(&buf, " WHERE ");
	append_condition(&buf, column, source);
	return buf.data;
}

/*
 * The statement that fills it in some rows of a range of blocks.
 */
char *
tenantfill_batch_sql(const TenantColumn *column, const TenantSource *source,
					 Oid relid, BlockNumber from, BlockNumber to, int batch)
{
	StringInfoData buf;
	char	   *name = tenanttable_name(relid);

	initStringInfo(&buf);
	appendStringInfo(&buf, "WITH batch AS MATERIALIZED ("
					 "SELECT child.ctid AS place FROM ONLY %s AS child", name);
	if (source->own_column == NULL)
		appendStringInfo(&buf, ", %s AS parent",
						 tenanttable_name(source->key->parent));
	appendStringInfo(&buf, " WHERE child.ctid OPERATOR(pg_catalog.>=) CAST('(%u,0)' AS pg_catalog.tid)"
					 " AND child.ctid OPERATOR(pg_catalog.<) CAST('(%u,0)' AS pg_catalog.tid) AND ",
					 from, to);
	append_condition(&buf, column, source);
	appendStringInfo(&buf, " LIMIT %d), filled AS (UPDATE ONLY %s AS child SET %s = %s",
					 batch, name, quote_identifier(column->column_name),
					 value_of(source));
	append_from(&buf, source);
	appendStringInfoString(&buf, " WHERE child.ctid OPERATOR(pg_catalog.=) ANY"
						   " (ARRAY(SELECT place FROM batch)) AND ");
	append_condition(&buf, column, source);
	appendStringInfo(&buf, " RETURNING child.%s IS NULL AS is_empty)"
					 " SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE is_empty) FROM filled",
					 quote_identifier(column->column_name));
	return buf.data;
}

/*
 * The statement that counts the rows that have no tenant though there is one
 * for them.
 */
char *
tenantfill_count_sql(const TenantColumn *column, const TenantSource *source)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM %s AS child",
					 tenanttable_name(column->relid));
	if (source->own_column == NULL)
		appendStringInfo(&buf, ", %s AS parent",
						 tenanttable_name(source->key->parent));
	appendStringInfoString(&buf, " WHERE ");
	append_condition(&buf, column, source);
	return buf.data;
}

/*
 * The column of the parent that holds the tenant.
 */
static char *
parent_tenant_column(const TenantWork *work, const TenancyModel *model,
					 const TenantKey *key)
{
	char	   *column = tenantdiscover_column(work, model, key->parent);

	if (column != NULL)
		return column;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s, to which foreign key \"%s\" of table %s leads, has no tenant column",
					tenanttable_name(key->parent), key->name,
					tenanttable_name(key->relid)),
			 errhint("Add it there first: SELECT * FROM migrate_tenant_add_column(%s);",
					 quote_literal_cstr(tenanttable_name(key->parent)))));
	return NULL;				/* keep compiler quiet */
}

static void
append_from(StringInfo buf, const TenantSource *source)
{
	if (source->own_column == NULL)
		appendStringInfo(buf, " FROM %s AS parent",
						 tenanttable_name(source->key->parent));
}

/*
 * A row has no tenant, and there is one for it.
 */
static void
append_condition(StringInfo buf, const TenantColumn *column,
				 const TenantSource *source)
{
	const TenantKey *key = source->key;
	ListCell   *own;
	ListCell   *theirs;
	ListCell   *operator;

	appendStringInfo(buf, "child.%s IS NULL AND %s IS NOT NULL",
					 quote_identifier(column->column_name), value_of(source));
	if (source->own_column != NULL)
		return;
	forthree(own, key->columns, theirs, key->parent_columns,
			 operator, key->operators)
		appendStringInfo(buf, " AND parent.%s %s child.%s",
						 quote_identifier(lfirst(theirs)),
						 qualified_operator(lfirst_oid(operator)),
						 quote_identifier(lfirst(own)));
}

static char *
value_of(const TenantSource *source)
{
	if (source->own_column != NULL)
		return psprintf("child.%s", quote_identifier(source->own_column));
	return psprintf("parent.%s", quote_identifier(source->parent_column));
}

static char *
qualified_operator(Oid opno)
{
	char	   *name = tenantkey_operator(opno);

	return strncmp(name, "OPERATOR(", 9) == 0 ? name :
		psprintf("OPERATOR(pg_catalog.%s)", name);
}
