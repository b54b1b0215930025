/*-------------------------------------------------------------------------
 *
 * key.c
 *	  The keys of tables: foreign keys, primary keys, and the indexes that
 *	  begin with the tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/textlist.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "tenant/discover/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static bool is_foreign_key(Form_pg_constraint form);
static TenantKey *key_from_row(HeapTuple tuple);
static int	compare_keys(const ListCell *a, const ListCell *b);
static Form_pg_index usable_index(HeapTuple tuple);

/*
 * The foreign keys (TenantKey *) of a table, by name.  Those that a partition
 * has from its table are among them.
 */
List *
tenantkey_of_table(Oid relid)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId,
							  true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		if (is_foreign_key((Form_pg_constraint) GETSTRUCT(tuple)))
			result = lappend(result, key_from_row(tuple));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	list_sort(result, compare_keys);
	return result;
}

/*
 * Is a constraint a foreign key that the user knows of?  One that refers to a
 * partitioned table has others beside it that refer to the partitions.
 */
static bool
is_foreign_key(Form_pg_constraint form)
{
	HeapTuple	parent;
	bool		is_inner;

	if (form->contype != CONSTRAINT_FOREIGN)
		return false;
	if (!OidIsValid(form->conparentid))
		return true;
	parent = SearchSysCache1(CONSTROID, ObjectIdGetDatum(form->conparentid));
	if (!HeapTupleIsValid(parent))
		return true;
	is_inner = ((Form_pg_constraint) GETSTRUCT(parent))->conrelid == form->conrelid;
	ReleaseSysCache(parent);
	return !is_inner;
}

static TenantKey *
key_from_row(HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	TenantKey  *key = palloc0(sizeof(TenantKey));
	int			nkeys;
	int			ndeleted;
	AttrNumber	columns[INDEX_MAX_KEYS];
	AttrNumber	parent_columns[INDEX_MAX_KEYS];
	AttrNumber	deleted[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];

	DeconstructFkConstraintRow(tuple, &nkeys, columns, parent_columns,
							   operators, NULL, NULL, &ndeleted, deleted);
	key->oid = form->oid;
	key->name = pstrdup(NameStr(form->conname));
	key->relid = form->conrelid;
	key->parent = form->confrelid;
	key->not_null = true;
	for (int i = 0; i < nkeys; i++)
	{
		char	   *column = get_attname(form->conrelid, columns[i], false);
		TenantAttribute *attribute;

		key->columns = lappend(key->columns, column);
		key->parent_columns =
			lappend(key->parent_columns,
					get_attname(form->confrelid, parent_columns[i], false));
		key->operators = lappend_oid(key->operators, operators[i]);
		attribute = tenanttable_attribute(form->conrelid, column);
		if (attribute == NULL || !attribute->not_null)
			key->not_null = false;
	}
	return key;
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	return strcmp(((TenantKey *) lfirst(a))->name,
				  ((TenantKey *) lfirst(b))->name);
}

/*
 * The foreign key of that name on a table, or NULL.
 */
TenantKey *
tenantkey_find(Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, tenantkey_of_table(relid))
	{
		TenantKey  *key = lfirst(lc);

		if (strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

/*
 * Likewise, with an error that lists those there are.
 */
TenantKey *
tenantkey_required(Oid relid, const char *name)
{
	TenantKey  *key = tenantkey_find(relid, name);
	List	   *names = NIL;
	ListCell   *lc;

	if (key != NULL)
		return key;
	foreach(lc, tenantkey_of_table(relid))
		names = lappend(names, ((TenantKey *) lfirst(lc))->name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table %s has no foreign key \"%s\"",
					tenanttable_name(relid), name),
			 names == NIL ?
			 errdetail("It has no foreign key.") :
			 errdetail("Its foreign keys: %s.", textlist_quote_join(names))));
	return NULL;				/* keep compiler quiet */
}

/*
 * A foreign key by its OID.
 */
TenantKey *
tenantkey_by_oid(Oid constraint_oid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(constraint_oid));
	TenantKey  *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint_oid);
	result = key_from_row(tuple);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The columns (char *) of the primary key of a table; NIL if it has none.
 */
List *
tenantkey_primary(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		if (form->indisprimary)
		{
			for (int i = 0; i < form->indnkeyatts; i++)
				result = lappend(result,
								 get_attname(relid, form->indkey.values[i], false));
		}
		ReleaseSysCache(tuple);
	}
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Is there a unique index over this column alone?
 */
bool
tenantkey_is_unique(Oid relid, const char *column)
{
	return tenantkey_has_index(relid, list_make1(unconstify(char *, column)), true);
}

/*
 * Is there an index that begins with the first of these columns?  If "unique"
 * it has to be a unique index over all of them and no other, which a foreign
 * key can refer to.
 */
bool
tenantkey_has_index(Oid relid, List *columns, bool unique)
{
	Relation	relation = table_open(relid, AccessShareLock);
	AttrNumber	first = get_attnum(relid, linitial(columns));
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = usable_index(tuple);
		if (form != NULL && first > 0 && form->indkey.values[0] == first &&
			(!unique ||
			 (form->indisunique && form->indimmediate &&
			  form->indnkeyatts == list_length(columns))))
		{
			bool		matches = true;

			for (int i = 1; unique && i < form->indnkeyatts; i++)
			{
				AttrNumber	attnum = form->indkey.values[i];

				matches = matches && attnum > 0 &&
					textlist_member(columns, get_attname(relid, attnum, false));
			}
			found = found || matches;
		}
		ReleaseSysCache(tuple);
	}
	table_close(relation, AccessShareLock);
	return found;
}

/*
 * The row of an index if it covers the whole table and can be used; else NULL.
 */
static Form_pg_index
usable_index(HeapTuple tuple)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	HeapTuple	class_tuple;
	bool		is_btree;

	class_tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(form->indexrelid));
	if (!HeapTupleIsValid(class_tuple))
		return NULL;
	is_btree = ((Form_pg_class) GETSTRUCT(class_tuple))->relam == BTREE_AM_OID;
	ReleaseSysCache(class_tuple);

	if (!is_btree || !form->indisvalid || !form->indisready || !form->indislive ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return NULL;
	return form;
}

/*
 * The columns (char *) of the index that a table needs so that the rows of a
 * tenant are found: the tenant column and the primary key, if there is one;
 * "unique" is set if there is.
 */
List *
tenantkey_index_columns(Oid relid, const char *column, bool *unique)
{
	List	   *primary = tenantkey_primary(relid);
	List	   *result = list_make1(pstrdup(column));
	ListCell   *lc;

	foreach(lc, primary)
	{
		if (!textlist_member(result, lfirst(lc)))
			result = lappend(result, lfirst(lc));
	}
	*unique = primary != NIL;
	return result;
}

/*
 * Columns as they stand in a statement: a, "B"
 */
char *
tenantkey_columns(List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", lc == list_head(columns) ? "" : ", ",
						 quote_identifier(lfirst(lc)));
	return buf.data;
}

/*
 * A free name for an index over these columns, as the server would choose it.
 */
char *
tenantkey_index_name(Oid relid, List *columns)
{
	char	   *joined = textlist_join(columns, "_");

	return ChooseRelationName(get_rel_name(relid), joined, "idx",
							  get_rel_namespace(relid), false);
}

/*
 * An operator as it stands in a statement, whatever the search path.
 */
char *
tenantkey_operator(Oid opno)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	Form_pg_operator form;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", opno);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	if (form->oprnamespace == PG_CATALOG_NAMESPACE)
		result = pstrdup(NameStr(form->oprname));
	else
		result = psprintf("OPERATOR(%s.%s)",
						  quote_identifier(get_namespace_name(form->oprnamespace)),
						  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}
