/*-------------------------------------------------------------------------
 *
 * row.c
 *	  What the probes write: copies of rows, as far as the role may.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "lib/stringinfo.h"
#include "tenant/selftest/selftest.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

static List *other_values(const SelftestTable *table);

/*
 * Make the INSERT of a row of a tenant, or of none (NULL).  False: nothing is
 * known to insert.
 */
bool
selftest_compose_insert(const SelftestScene *scene, const SelftestTable *table,
						SelftestProbe *probe, const char *tenant)
{
	StringInfoData columns;
	StringInfoData values;
	List	   *row;
	ListCell   *lc;
	const char *separator = "";

	if (table->is_child && tenant == NULL)
	{
		/* hangs on a row that all share, and is like any for the rest */
		row = selftest_via_values(scene, table, NULL);
		if (row != NIL && table->other_row != NULL)
			row = list_concat_copy(row, other_values(table));
	}
	else if (table->other_row != NULL)
		row = table->other_row->values;
	else if (table->is_child)
		row = selftest_via_values(scene, table, table->victim);
	else
		row = NIL;
	if (row == NIL && table->is_child)
		return false;

	initStringInfo(&columns);
	initStringInfo(&values);
	if (table->column != NULL)
	{
		appendStringInfoString(&columns, quote_identifier(table->column));
		appendStringInfoString(&values, tenant != NULL ? tenant : "NULL");
		separator = ", ";
	}
	foreach(lc, row)
	{
		SelftestValue *value = lfirst(lc);

		if (table->column != NULL && strcmp(value->column, table->column) == 0)
			continue;

		/*
		 * A trigger may put the tenant right, and then the row had better not
		 * fail for its key.
		 */
		if (probe->has_trigger && value->has_default &&
			probe->kind == SELFTEST_WRITE && !table->is_child)
			continue;

		/* without a right on a column its default will have to do */
		if (!selftest_has_right(table->relid, probe->role, ACL_INSERT, value->column) &&
			!(table->is_child && strcmp(value->column, linitial(table->via_columns)) == 0))
			continue;
		probe->values = lappend(probe->values, value);
		appendStringInfo(&columns, "%s%s", separator,
						 quote_identifier(value->column));
		appendStringInfo(&values, "%s$%d", separator,
						 list_length(probe->values));
		separator = ", ";
	}
	probe->sql = psprintf("INSERT INTO %s AS t (%s)%s VALUES (%s)", table->name,
						  columns.data,
						  table->other_row != NULL && table->other_row->has_identity ?
						  " OVERRIDING SYSTEM VALUE" : "",
						  values.data);
	return true;
}

/*
 * What makes a row hang on a parent of a tenant's (SelftestValue *), or on one
 * that all tenants share (NULL); NIL if the caller sees none.
 */
List *
selftest_via_values(const SelftestScene *scene, const SelftestTable *table,
					const char *tenant)
{
	SelftestReference via = {0};

	via.parent = table->parent;
	via.columns = table->via_columns;
	via.parent_columns = table->parent_columns;
	return selftest_parent_values(scene, &via, tenant);
}

/*
 * The values of the victim's row, but for those that make it hang there.
 */
static List *
other_values(const SelftestTable *table)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, table->other_row->values)
	{
		SelftestValue *value = lfirst(lc);
		ListCell   *lc2;
		bool		is_via = false;

		foreach(lc2, table->via_columns)
			is_via |= strcmp(value->column, lfirst(lc2)) == 0;
		if (!is_via)
			result = lappend(result, value);
	}
	return result;
}

/*
 * Append what sets columns to values, which become parameters of the probe.
 */
void
selftest_append_assignments(StringInfo buf, SelftestProbe *probe, List *values)
{
	ListCell   *lc;

	foreach(lc, values)
	{
		SelftestValue *value = lfirst(lc);

		probe->values = lappend(probe->values, value);
		appendStringInfo(buf, "%s%s = $%d", lc == list_head(values) ? "" : ", ",
						 quote_identifier(value->column),
						 list_length(probe->values));
	}
}

/*
 * Can a column be set to something else than its default?
 */
bool
selftest_can_be_set(Oid relid, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, column);
	Form_pg_attribute form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	result = form->attgenerated == '\0' &&
		form->attidentity != ATTRIBUTE_IDENTITY_ALWAYS;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * A column that can be set to something else than its default, and that the
 * role may update if there is one that it may; NULL if there is none at all.
 */
const char *
selftest_updatable_column(const SelftestTable *table, Oid role)
{
	Oid			relid = table->relid;
	const char *result = NULL;

	for (AttrNumber attnum = 1;; attnum++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(attnum));
		char	   *name;
		bool		is_dropped;

		/* one that was dropped is still there */
		if (!HeapTupleIsValid(tuple))
			return result;
		name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		is_dropped = ((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped;
		ReleaseSysCache(tuple);
		if (is_dropped || !selftest_can_be_set(relid, name))
			continue;
		if (result == NULL)
			result = name;
		if (selftest_has_right(relid, role, ACL_UPDATE, name))
			return name;
	}
}
