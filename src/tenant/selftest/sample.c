/*-------------------------------------------------------------------------
 *
 * sample.c
 *	  Two tenants and a row of each, which the probes need.
 *
 * They are looked for with the caller's rights: who sees no rows of two
 * tenants cannot tell whether they are kept apart.  How they are read without
 * running anybody's code as the caller is up to read.c.  Values
 * are made texts by the output functions of their types, which are the
 * server's or a superuser's, and not by casts, which may be anybody's.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "tenant/selftest/selftest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* columns of a sampled row in front of its own */
#define SAMPLE_TENANT 1
#define SAMPLE_TABLEOID 2
#define SAMPLE_CTID 3
#define SAMPLE_LEADING 3

/* What a guarded piece of work is about, and what it finds */
typedef struct Sampling
{
	const SelftestScene *scene;
	SelftestTable *table;
	const SelftestReference *reference;
	const char *tenant;
	const SelftestRow *row;
	MemoryContext context;		/* for what is found */
	List	   *values;
	bool		found;
} Sampling;

static void sample_table(void *arg);
static SelftestRow *fetch_row(const Sampling *sampling, const char *sql,
							  bool with_values);
static List *root_tenants(const Sampling *sampling);
static void read_values(SelftestRow *row, Oid relid, HeapTuple tuple,
						TupleDesc desc);
static void sample_parent(void *arg);
static void look_for_row(void *arg);
static char *text_of(Datum value, Oid type);

/*
 * Choose two tenants for a table, and find a row of each if there is one.
 * That is done once.
 *
 * Where that fails the table's "problem" says why.
 */
void
selftest_sample(const SelftestScene *scene, SelftestTable *table)
{
	Sampling	sampling = {0};
	ErrorData  *error;
	char		relkind = get_rel_relkind(table->relid);

	if (table->is_sampled)
		return;
	table->is_sampled = true;
	if (!OidIsValid(selftest_tenant_type(scene, table)))
	{
		table->problem = "the table has neither a tenant column nor a foreign key to a table that has one";
		return;
	}
	if (relkind == RELKIND_FOREIGN_TABLE)
	{
		table->problem = "a foreign table has no row level security";
		return;
	}
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
	{
		table->problem = "it is not a table any more";
		return;
	}

	sampling.scene = scene;
	sampling.table = table;
	sampling.context = CurrentMemoryContext;
	if (!selftest_guarded(sample_table, &sampling, &error))
	{
		table->actor = NULL;
		table->problem = psprintf("could not look for rows to try it with: %s",
								  error->message);
	}
	else if (table->actor == NULL)
		table->problem = "needs two tenants, and you do not see as many; try it as a role that sees all rows";
}

/*
 * The key (SelftestValue *, in the order of the reference's columns) of a row
 * of the table that a foreign key refers to, which belongs to a tenant; NIL if
 * the caller sees none.  Without a tenant, of a row that all tenants see.
 */
List *
selftest_parent_values(const SelftestScene *scene,
					   const SelftestReference *reference, const char *tenant)
{
	Sampling	sampling = {0};
	ErrorData  *error;

	sampling.scene = scene;
	sampling.table = selftest_find_table(scene, reference->parent);
	sampling.reference = reference;
	sampling.tenant = tenant;
	sampling.context = CurrentMemoryContext;
	if (!OidIsValid(selftest_tenant_type(scene, sampling.table)) ||
		!selftest_guarded(sample_parent, &sampling, &error))
		return NIL;
	return sampling.values;
}

/*
 * Is a row that was sampled still where it was?
 */
bool
selftest_row_is_there(const SelftestTable *table, const SelftestRow *row)
{
	Sampling	sampling = {0};
	ErrorData  *error;

	sampling.table = (SelftestTable *) table;
	sampling.row = row;
	return selftest_guarded(look_for_row, &sampling, &error) && sampling.found;
}

/*
 * A condition that a row of a table, with this alias, is the sampled one.
 */
char *
selftest_row_condition(const char *alias, const SelftestRow *row)
{
	return psprintf("(%s.tableoid OPERATOR(pg_catalog.=) %u::pg_catalog.oid AND "
					"%s.ctid OPERATOR(pg_catalog.=) '(%u,%u)'::pg_catalog.tid)",
					alias, row->relid, alias,
					ItemPointerGetBlockNumberNoCheck(&row->tid),
					ItemPointerGetOffsetNumberNoCheck(&row->tid));
}

static void
sample_table(void *arg)
{
	Sampling   *sampling = arg;
	SelftestTable *table = sampling->table;
	char	   *tenant = selftest_tenant_of(sampling->scene, table, "t");
	Oid			type = selftest_tenant_type(sampling->scene, table);
	char	   *select;
	char	   *first_sql;
	SelftestRow *first;
	SelftestRow *second = NULL;

	select = psprintf("SELECT %s, t.tableoid, t.ctid, t.* FROM %s AS t",
					  tenant, table->name);

	/* in the order of an index on the column, if it has one */
	first_sql = psprintf(table->is_child ?
						 "%s WHERE %s IS NOT NULL LIMIT 1" :
						 "%s WHERE %s IS NOT NULL ORDER BY %s LIMIT 1",
						 select, tenant, tenant);
	first = fetch_row(sampling, first_sql, false);
	if (first != NULL)
	{
		char	   *literal = selftest_literal(first->tenant, type);

		second = fetch_row(sampling,
						   psprintf(table->is_child ?
									"%s WHERE %s OPERATOR(pg_catalog.<>) %s LIMIT 1" :
									"%s WHERE %s OPERATOR(pg_catalog.>) %s ORDER BY %s LIMIT 1",
									select, tenant, literal, tenant),
						   true);
	}

	if (second != NULL)
	{
		table->actor = first->tenant;
		table->own_row = first;
		table->victim = second->tenant;
		table->other_row = second;
	}
	else
	{
		List	   *tenants = root_tenants(sampling);
		ListCell   *lc;

		if (first != NULL)
			first = fetch_row(sampling, first_sql, true);
		if (first != NULL)
		{
			table->victim = first->tenant;
			table->other_row = first;
		}
		foreach(lc, tenants)
		{
			if (table->victim == NULL)
				table->victim = lfirst(lc);
			else if (table->actor == NULL &&
					 strcmp(lfirst(lc), table->victim) != 0)
				table->actor = lfirst(lc);
		}
	}

	if (table->is_shared || selftest_is_below_shared(sampling->scene, table))
	{
		StringInfoData buf;
		ListCell   *lc;

		/* what hangs on nothing is nobody's */
		initStringInfo(&buf);
		appendStringInfo(&buf, "%s WHERE %s IS NULL", select, tenant);
		foreach(lc, table->is_child ? table->via_columns : NIL)
			appendStringInfo(&buf, " AND t.%s IS NOT NULL",
							 quote_identifier(lfirst(lc)));
		appendStringInfoString(&buf, " LIMIT 1");
		table->shared_row = fetch_row(sampling, buf.data, true);
	}
}

/*
 * The first row of a query as sample_table() makes it, or NULL.
 */
static SelftestRow *
fetch_row(const Sampling *sampling, const char *sql, bool with_values)
{
	SelftestRow *row;
	List	   *tuples;
	HeapTuple	tuple;
	TupleDesc	desc;
	MemoryContext spi_context;
	Datum		tenant;
	bool		isnull;

	tuples = selftest_read(selftest_tables_of(sampling->scene, sampling->table),
						   sql, &desc);
	if (tuples == NIL)
		return NULL;

	tuple = linitial(tuples);
	spi_context = MemoryContextSwitchTo(sampling->context);
	row = palloc0(sizeof(SelftestRow));
	tenant = heap_getattr(tuple, SAMPLE_TENANT, desc, &isnull);
	if (!isnull)
		row->tenant = text_of(tenant, TupleDescAttr(desc, SAMPLE_TENANT - 1)->atttypid);
	row->relid = DatumGetObjectId(heap_getattr(tuple, SAMPLE_TABLEOID, desc, &isnull));
	row->tid = *(ItemPointer) DatumGetPointer(heap_getattr(tuple, SAMPLE_CTID, desc, &isnull));
	if (with_values)
		read_values(row, sampling->table->relid, tuple, desc);
	MemoryContextSwitchTo(spi_context);
	return row;
}

/*
 * Copy the columns that can be inserted.
 */
static void
read_values(SelftestRow *row, Oid relid, HeapTuple tuple, TupleDesc desc)
{
	for (int i = SAMPLE_LEADING; i < desc->natts; i++)
	{
		char	   *name = NameStr(TupleDescAttr(desc, i)->attname);
		SelftestValue *value;
		HeapTuple	attribute;
		Form_pg_attribute catalog;
		bool		is_generated;
		bool		is_identity;
		bool		has_default;

		attribute = SearchSysCacheAttName(relid, name);
		if (!HeapTupleIsValid(attribute))
			continue;
		catalog = (Form_pg_attribute) GETSTRUCT(attribute);
		is_generated = catalog->attgenerated != '\0';
		is_identity = catalog->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
		has_default = catalog->atthasdef || catalog->attidentity != '\0';
		ReleaseSysCache(attribute);
		if (is_generated)
			continue;

		row->has_identity |= is_identity;
		value = palloc0(sizeof(SelftestValue));
		value->column = pstrdup(name);
		value->has_default = has_default;
		value->type = TupleDescAttr(desc, i)->atttypid;
		value->value = heap_getattr(tuple, i + 1, desc, &value->isnull);
		if (!value->isnull)
		{
			Form_pg_attribute form = TupleDescAttr(desc, i);

			/* not by reference to a TOAST table that may have changed by then */
			if (form->attlen == -1)
				value->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value->value));
			else
				value->value = datumCopy(value->value, form->attbyval,
										 form->attlen);
		}
		row->values = lappend(row->values, value);
	}
}

/*
 * A few tenants, from the table of them.
 */
static List *
root_tenants(const Sampling *sampling)
{
	SelftestTable *table = sampling->table;
	const char *key = quote_identifier(table->root_key);
	char	   *name;
	List	   *tuples;
	TupleDesc	desc;
	ListCell   *lc;
	List	   *result = NIL;
	MemoryContext spi_context;

	name = get_rel_name(table->root);
	if (name == NULL)
		return NIL;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->root)),
									  name);
	tuples = selftest_read(list_make1_oid(table->root),
						   psprintf("SELECT r.%s FROM %s AS r "
									"WHERE r.%s IS NOT NULL ORDER BY r.%s LIMIT 3",
									key, name, key, key),
						   &desc);
	spi_context = MemoryContextSwitchTo(sampling->context);
	foreach(lc, tuples)
	{
		bool		isnull;
		Datum		value = heap_getattr(lfirst(lc), 1, desc, &isnull);

		result = lappend(result, text_of(value, TupleDescAttr(desc, 0)->atttypid));
	}
	MemoryContextSwitchTo(spi_context);
	return result;
}

static void
sample_parent(void *arg)
{
	Sampling   *sampling = arg;
	const SelftestReference *reference = sampling->reference;
	char	   *tenant = selftest_tenant_of(sampling->scene, sampling->table, "p");
	StringInfoData buf;
	ListCell   *column;
	ListCell   *parent_column;
	List	   *tuples;
	TupleDesc	desc;
	MemoryContext spi_context;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	foreach(parent_column, reference->parent_columns)
		appendStringInfo(&buf, "%sp.%s",
						 parent_column == list_head(reference->parent_columns) ? "" : ", ",
						 quote_identifier(lfirst(parent_column)));
	appendStringInfo(&buf, " FROM %s AS p WHERE %s", sampling->table->name,
					 tenant);
	if (sampling->tenant == NULL)
		appendStringInfoString(&buf, " IS NULL");
	else
		appendStringInfo(&buf, " OPERATOR(pg_catalog.=) %s",
						 selftest_literal(sampling->tenant,
										  selftest_tenant_type(sampling->scene,
															   sampling->table)));
	appendStringInfoString(&buf, " LIMIT 1");
	tuples = selftest_read(selftest_tables_of(sampling->scene, sampling->table),
						   buf.data, &desc);
	if (tuples == NIL)
		return;

	spi_context = MemoryContextSwitchTo(sampling->context);
	forboth(column, reference->columns, parent_column, reference->parent_columns)
	{
		int			i = list_cell_number(reference->columns, column);
		Form_pg_attribute form = TupleDescAttr(desc, i);
		SelftestValue *value = palloc0(sizeof(SelftestValue));

		value->column = lfirst(column);
		value->type = form->atttypid;
		value->value = heap_getattr(linitial(tuples), i + 1, desc, &value->isnull);
		if (!value->isnull && form->attlen == -1)
			value->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value->value));
		else if (!value->isnull)
			value->value = datumCopy(value->value, form->attbyval, form->attlen);
		sampling->values = lappend(sampling->values, value);
	}
	MemoryContextSwitchTo(spi_context);
}

static void
look_for_row(void *arg)
{
	Sampling   *sampling = arg;
	TupleDesc	desc;

	sampling->found = selftest_read(list_make1_oid(sampling->table->relid),
									psprintf("SELECT 1 FROM %s AS t WHERE %s",
											 sampling->table->name,
											 selftest_row_condition("t", sampling->row)),
									&desc) != NIL;
}

/*
 * A tenant as the setting takes it.
 */
static char *
text_of(Datum value, Oid type)
{
	Oid			function;
	bool		is_varlena;
	char	   *result;

	getTypeOutputInfo(type, &function, &is_varlena);
	result = OidOutputFunctionCall(function, value);

	/* blanks that pad are no part of it */
	if (getBaseType(type) == BPCHAROID)
	{
		for (size_t length = strlen(result); length > 0 && result[length - 1] == ' ';)
			result[--length] = '\0';
	}
	return result;
}
