/*-------------------------------------------------------------------------
 *
 * invalid.c
 *	  The invalid indexes that a statement has left behind.
 *
 * CREATE INDEX CONCURRENTLY leaves its index, DROP INDEX CONCURRENTLY the one
 * that it could not drop, and REINDEX CONCURRENTLY one with a name that ends
 * in _ccnew or _ccold.
 *
 * This is for a statement that has just failed, perhaps for a lock: only the
 * catalogs are read, no relation is locked or opened, and what cannot be found
 * is left out without an error.
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
#include "catalog/bookkeeping.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "index/check.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Which tables' indexes are concerned */
typedef struct IndexScope
{
	bool		everywhere;		/* those of all tables */
	Oid			schema;			/* those of all tables in it, or InvalidOid */
	List	   *tables;			/* Oid: those of these */
} IndexScope;

static void scope_of_statement(Node *stmt, IndexScope *scope);
static void scope_of_reindex(const ReindexStmt *stmt, IndexScope *scope);
static void add_table(IndexScope *scope, Oid table);
static Oid	table_of_index(const RangeVar *relation);
static Oid	find_relation(const RangeVar *relation);
static bool is_in_scope(const IndexScope *scope, Oid table);
static bool is_leftover(Form_pg_index index);
static int	compare_names(const ListCell *a, const ListCell *b);

/*
 * The invalid indexes on the tables that a statement is about, as a List of
 * qualified and quoted names in the current memory context.
 *
 * "stmt" is a raw tree: CREATE INDEX, DROP INDEX or REINDEX; any other has
 * none.  search_path is what it was run with, or NULL: what is in force.
 */
List *
indexcheck_invalid_indexes(Node *stmt, const char *search_path)
{
	int			nestlevel = NewGUCNestLevel();
	IndexScope	scope = {0};
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *names = NIL;

	if (search_path != NULL)
		bookkeeping_pin_setting("search_path", search_path);
	scope_of_statement(stmt, &scope);
	AtEOXact_GUC(false, nestlevel);

	if (!scope.everywhere && !OidIsValid(scope.schema) && scope.tables == NIL)
		return NIL;

	catalog = table_open(IndexRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
		char	   *name;
		char	   *schema;

		if (!is_leftover(index) || !is_in_scope(&scope, index->indrelid))
			continue;
		name = get_rel_name(index->indexrelid);
		schema = get_namespace_name(get_rel_namespace(index->indexrelid));
		if (name != NULL && schema != NULL)
			names = lappend(names, quote_qualified_identifier(schema, name));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	list_sort(names, compare_names);
	return names;
}

/*
 * A hint that tells how to drop these indexes, or NULL if there is none.
 */
char *
indexcheck_leftovers(List *names)
{
	if (names == NIL)
		return NULL;
	return psprintf("%s behind: DROP INDEX CONCURRENTLY %s;",
					list_length(names) == 1 ?
					"An invalid index was left" : "Invalid indexes were left",
					textlist_join(names, "; DROP INDEX CONCURRENTLY "));
}

static void
scope_of_statement(Node *stmt, IndexScope *scope)
{
	ListCell   *lc;

	if (IsA(stmt, IndexStmt))
		add_table(scope, find_relation(((IndexStmt *) stmt)->relation));
	else if (IsA(stmt, ReindexStmt))
		scope_of_reindex((ReindexStmt *) stmt, scope);
	else if (IsA(stmt, DropStmt) &&
			 ((DropStmt *) stmt)->removeType == OBJECT_INDEX)
	{
		foreach(lc, ((DropStmt *) stmt)->objects)
		{
			List	   *names = lfirst(lc);

			if (list_length(names) <= 3)
				add_table(scope, table_of_index(makeRangeVarFromNameList(names)));
		}
	}
}

static void
scope_of_reindex(const ReindexStmt *stmt, IndexScope *scope)
{
	switch (stmt->kind)
	{
		case REINDEX_OBJECT_TABLE:
			add_table(scope, find_relation(stmt->relation));
			break;
		case REINDEX_OBJECT_INDEX:
			add_table(scope, table_of_index(stmt->relation));
			break;
		case REINDEX_OBJECT_SCHEMA:
			scope->schema = get_namespace_oid(stmt->name, true);
			break;
		case REINDEX_OBJECT_SYSTEM:
		case REINDEX_OBJECT_DATABASE:
			scope->everywhere = true;
			break;
	}
}

/*
 * Add a table with its partitions, and what the server reindexes with each.
 */
static void
add_table(IndexScope *scope, Oid table)
{
	List	   *tables;
	ListCell   *lc;

	if (!OidIsValid(table))
		return;
	tables = get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(table, NoLock, NULL) : list_make1_oid(table);
	foreach(lc, tables)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Oid			toast;

		if (!HeapTupleIsValid(tuple))
			continue;
		toast = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid;
		ReleaseSysCache(tuple);
		scope->tables = lappend_oid(scope->tables, lfirst_oid(lc));
		if (OidIsValid(toast))
			scope->tables = lappend_oid(scope->tables, toast);
	}
}

static Oid
table_of_index(const RangeVar *relation)
{
	Oid			index = find_relation(relation);

	return OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;
}

/*
 * Look a relation up without an error, whatever is missing.
 */
static Oid
find_relation(const RangeVar *relation)
{
	Oid			schema;

	if (relation->schemaname == NULL)
		return RelnameGetRelid(relation->relname);
	schema = get_namespace_oid(relation->schemaname, true);
	return OidIsValid(schema) ?
		get_relname_relid(relation->relname, schema) : InvalidOid;
}

static bool
is_in_scope(const IndexScope *scope, Oid table)
{
	return scope->everywhere ||
		(OidIsValid(scope->schema) && get_rel_namespace(table) == scope->schema) ||
		list_member_oid(scope->tables, table);
}

/*
 * The index of a partitioned table is also invalid while partitions lack it.
 */
static bool
is_leftover(Form_pg_index index)
{
	return !index->indisvalid &&
		get_rel_relkind(index->indexrelid) == RELKIND_INDEX;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}
