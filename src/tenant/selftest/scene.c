/*-------------------------------------------------------------------------
 *
 * scene.c
 *	  What there is to try: the tables of the registry with their partitions,
 *	  the foreign keys between them, and the views on them.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/bookkeeping.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "lib/stringinfo.h"
#include "tenant/selftest/selftest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void run_query(SPIPlanPtr *plan, const char *sql);
static void read_tables(SelftestScene *scene);
static void read_references(SelftestScene *scene);
static void read_views(SelftestScene *scene);
static Datum column(uint64 row, int number, bool *isnull);
static Oid	oid_column(uint64 row, int number);
static bool bool_column(uint64 row, int number);
static char *text_column(uint64 row, int number);
static char *name_column(uint64 row, int number);
static List *names_column(uint64 row, int number);
static void append_tenant_of(StringInfo buf, const SelftestScene *scene,
							 const SelftestTable *table, const char *alias,
							 int depth);

/*
 * Read all of it, as the owner of our tables, in the current memory context.
 */
SelftestScene *
selftest_scene(void)
{
	SelftestScene *scene = palloc0(sizeof(SelftestScene));

	read_tables(scene);
	read_references(scene);
	read_views(scene);
	return scene;
}

/*
 * A table by its OID, or NULL.
 */
SelftestTable *
selftest_find_table(const SelftestScene *scene, Oid relid)
{
	ListCell   *lc;

	foreach(lc, scene->tables)
	{
		SelftestTable *table = lfirst(lc);

		if (table->relid == relid)
			return table;
	}
	return NULL;
}

/*
 * An expression for the tenant of a row, whose table has this alias.
 */
char *
selftest_tenant_of(const SelftestScene *scene, const SelftestTable *table,
				   const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_tenant_of(&buf, scene, table, alias, 1);
	return buf.data;
}

/*
 * The OIDs of the tables that selftest_tenant_of() reads.
 */
List *
selftest_tables_of(const SelftestScene *scene, const SelftestTable *table)
{
	List	   *result = NIL;

	while (table != NULL && !list_member_oid(result, table->relid))
	{
		result = lappend_oid(result, table->relid);
		table = table->is_child ? selftest_find_table(scene, table->parent) : NULL;
	}
	return result;
}

/*
 * A tenant as a constant of a type, of any length; of a domain, its base type,
 * whose checks would be code of a user's.
 */
char *
selftest_literal(const char *tenant, Oid type)
{
	return psprintf("%s::%s", quote_literal_cstr(tenant),
					format_type_extended(getBaseType(type), -1,
										 FORMAT_TYPE_TYPEMOD_GIVEN |
										 FORMAT_TYPE_FORCE_QUALIFY));
}

/*
 * The type of what selftest_tenant_of() returns; InvalidOid if it leads
 * nowhere.
 */
Oid
selftest_tenant_type(const SelftestScene *scene, const SelftestTable *table)
{
	for (int depth = 0; table != NULL && depth <= list_length(scene->tables); depth++)
	{
		if (!table->is_child)
			return table->column_type;
		if (table->via_columns == NIL)
			return InvalidOid;
		table = selftest_find_table(scene, table->parent);
	}
	return InvalidOid;
}

/*
 * May the row that a row hangs on be one that all tenants see?
 */
bool
selftest_is_below_shared(const SelftestScene *scene, const SelftestTable *table)
{
	for (int depth = 0; table != NULL && depth <= list_length(scene->tables); depth++)
	{
		if (!table->is_child)
			return depth > 0 && table->is_shared;
		table = selftest_find_table(scene, table->parent);
	}
	return false;
}

static void
append_tenant_of(StringInfo buf, const SelftestScene *scene,
				 const SelftestTable *table, const char *alias, int depth)
{
	char	   *parent_alias = psprintf("parent%d", depth);
	ListCell   *column;
	ListCell   *parent_column;
	const char *separator = "";

	if (!table->is_child)
	{
		appendStringInfo(buf, "%s.%s", alias, quote_identifier(table->column));
		return;
	}

	appendStringInfoString(buf, "(SELECT ");
	append_tenant_of(buf, scene, selftest_find_table(scene, table->parent),
					 parent_alias, depth + 1);
	appendStringInfo(buf, " FROM %s AS %s WHERE ",
					 selftest_find_table(scene, table->parent)->name,
					 parent_alias);
	forboth(column, table->via_columns, parent_column, table->parent_columns)
	{
		appendStringInfo(buf, "%s%s.%s OPERATOR(pg_catalog.=) %s.%s", separator,
						 parent_alias, quote_identifier(lfirst(parent_column)),
						 alias, quote_identifier(lfirst(column)));
		separator = " AND ";
	}
	appendStringInfoChar(buf, ')');
}

static void
read_tables(SelftestScene *scene)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext spi_context;
	Bookkeeping scope;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	run_query(&plan,
			  "SELECT relid, name, model, kind, is_partition, column_name, "
			  "column_type, setting, app_roles, root, root_key, top, parent, "
			  "via_columns, parent_columns, conflict_columns, "
			  "has_insert_trigger, has_update_trigger, has_rule "
			  "FROM " FUNCTION_TENANT_SELFTEST_TABLES "()");
	spi_context = MemoryContextSwitchTo(context);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		SelftestTable *table = palloc0(sizeof(SelftestTable));
		char	   *kind = text_column(row, 4);

		table->relid = oid_column(row, 1);
		table->name = text_column(row, 2);
		table->model = name_column(row, 3);
		table->is_shared = strcmp(kind, "shared") == 0;
		table->is_child = strcmp(kind, "parent") == 0;
		table->is_partition = bool_column(row, 5);
		table->column = name_column(row, 6);
		table->column_type = oid_column(row, 7);
		table->setting = text_column(row, 8);
		table->app_roles = names_column(row, 9);
		table->root = oid_column(row, 10);
		table->root_key = name_column(row, 11);
		table->top = oid_column(row, 12);
		table->parent = oid_column(row, 13);
		table->via_columns = names_column(row, 14);
		table->parent_columns = names_column(row, 15);
		table->conflict_columns = names_column(row, 16);
		table->has_insert_trigger = bool_column(row, 17);
		table->has_update_trigger = bool_column(row, 18);
		table->has_rule = bool_column(row, 19);
		scene->tables = lappend(scene->tables, table);
	}
	MemoryContextSwitchTo(spi_context);
	bookkeeping_end(&scope);
}

static void
read_references(SelftestScene *scene)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext spi_context;
	Bookkeeping scope;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	run_query(&plan,
			  "SELECT relid, name, is_deferred, parent, columns, parent_columns, waiver "
			  "FROM " FUNCTION_TENANT_SELFTEST_REFERENCES "()");
	spi_context = MemoryContextSwitchTo(context);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		SelftestReference *reference = palloc0(sizeof(SelftestReference));

		reference->relid = oid_column(row, 1);
		reference->name = name_column(row, 2);
		reference->is_deferred = bool_column(row, 3);
		reference->parent = oid_column(row, 4);
		reference->columns = names_column(row, 5);
		reference->parent_columns = names_column(row, 6);
		reference->waiver = text_column(row, 7);
		scene->references = lappend(scene->references, reference);
	}
	MemoryContextSwitchTo(spi_context);
	bookkeeping_end(&scope);
}

static void
read_views(SelftestScene *scene)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext spi_context;
	SelftestView *view = NULL;
	Bookkeeping scope;

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	run_query(&plan,
			  "SELECT relid, name, relkind = 'm', base, waiver "
			  "FROM " FUNCTION_TENANT_SELFTEST_VIEWS "()");
	spi_context = MemoryContextSwitchTo(context);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		SelftestTable *base = selftest_find_table(scene, oid_column(row, 4));

		if (view == NULL || view->relid != oid_column(row, 1))
		{
			view = palloc0(sizeof(SelftestView));
			view->relid = oid_column(row, 1);
			view->name = text_column(row, 2);
			view->is_materialized = bool_column(row, 3);
			view->waiver = text_column(row, 5);
			scene->views = lappend(scene->views, view);
		}
		if (base != NULL)
			view->bases = lappend(view->bases, base);
	}
	MemoryContextSwitchTo(spi_context);
	bookkeeping_end(&scope);
}

static void
run_query(SPIPlanPtr *plan, const char *sql)
{
	bookkeeping_pin_setting("jit", "off");
	bookkeeping_execute(bookkeeping_prepare(plan, sql, 0, NULL),
						NULL, NULL, SPI_OK_SELECT);
}

/*
 * A column of the result in hand; copied into the current context by those
 * that follow.
 */
static Datum
column(uint64 row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number,
						 isnull);
}

static Oid
oid_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

static bool
bool_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return !isnull && DatumGetBool(value);
}

static char *
text_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static char *
name_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
}

static List *
names_column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);
	Datum	   *names;
	bool	   *nulls;
	int			count;
	List	   *result = NIL;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(value), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			result = lappend(result, pstrdup(NameStr(*DatumGetName(names[i]))));
	}
	return result;
}
