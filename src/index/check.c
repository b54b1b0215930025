/*-------------------------------------------------------------------------
 *
 * check.c
 *	  Whether an index that is to be built is there already.
 *
 * CREATE INDEX CONCURRENTLY that fails leaves an invalid index, and IF NOT
 * EXISTS takes it for the index.  Before such a statement is run, and run
 * again, we look: an index that is valid and the one that the statement makes
 * needs nothing, an invalid one has to be dropped first.
 *
 * Names are resolved as the server resolves them: the table by the search
 * path, and the index in the schema of the table.  What is wrong with the
 * statement itself is left for the server to say, when it runs it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/tablecmds.h"
#include "index/check.h"
#include "parser/parse_utilcmd.h"
#include "script/script.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

static IndexState find_state(const char *sql, const RangeVar *relation,
							 const char *idxname, char **name,
							 char **difference);
static IndexStmt *transform(const char *sql, Oid table);
static IndexState state_of_named(Oid named, Oid table, const IndexStmt *stmt,
								 char **difference);
static IndexState find_unnamed(Relation table, const IndexStmt *stmt,
							   Oid *found);
static bool is_plain_index(Oid relid, Oid table, bool *valid);
static char *describe_other(Oid relid, Oid table);
static char *qualified_name(Oid relid);

/*
 * What is there of the index that a CREATE INDEX statement makes.
 *
 * "sql" is the text of the statement alone, of which "stmt" is the tree;
 * search_path is what it will run with, or NULL: what is in force.  Needs a
 * snapshot, takes locks of ACCESS SHARE mode, as the caller.  The position of
 * an error is one in "sql".
 *
 * Unless INDEX_ABSENT is returned, name is set to the qualified and quoted
 * name of what is there.  With INDEX_DIFFERENT, difference is set to a
 * sentence for DETAIL.  Both are in the current memory context.
 *
 * A statement without a name for the index makes the server choose one; then
 * the index is looked for by its definition, and a valid one comes first.
 */
IndexState
indexcheck_state(const IndexStmt *stmt, const char *sql,
				 const char *search_path, char **name, char **difference)
{
	int			nestlevel = NewGUCNestLevel();
	IndexState	state;

	*name = NULL;
	*difference = NULL;
	if (search_path != NULL)
		bookkeeping_pin_setting("search_path", search_path);
	state = find_state(sql, stmt->relation, stmt->idxname, name, difference);
	AtEOXact_GUC(false, nestlevel);
	return state;
}

static IndexState
find_state(const char *sql, const RangeVar *relation, const char *idxname,
		   char **name, char **difference)
{
	Oid			table_oid;
	Oid			found = InvalidOid;
	Relation	table;
	IndexState	state = INDEX_ABSENT;

	/* as the server looks it up, with the same right */
	table_oid = RangeVarGetRelidExtended(relation, AccessShareLock,
										 RVR_MISSING_OK,
										 RangeVarCallbackOwnsRelation, NULL);
	if (!OidIsValid(table_oid))
		return INDEX_ABSENT;

	table = relation_open(table_oid, NoLock);
	if (table->rd_rel->relkind != RELKIND_RELATION &&
		table->rd_rel->relkind != RELKIND_MATVIEW)
		state = INDEX_ABSENT;
	else if (idxname == NULL)
		state = find_unnamed(table, transform(sql, table_oid), &found);
	else
	{
		found = get_relname_relid(idxname, RelationGetNamespace(table));
		if (OidIsValid(found))
			state = state_of_named(found, table_oid,
								   transform(sql, table_oid), difference);
	}
	if (state != INDEX_ABSENT)
		*name = qualified_name(found);
	relation_close(table, NoLock);
	return state;
}

/*
 * The statement with its expressions analysed.
 *
 * It is parsed once more: where the locations of another tree point to depends
 * on the text that it was parsed from, and the analysis changes the tree.
 */
static IndexStmt *
transform(const char *sql, Oid table)
{
	int			nestlevel = NewGUCNestLevel();
	List	   *raw_list;
	IndexStmt  *stmt;

	script_pin_lexer();
	raw_list = pg_parse_query(sql);
	AtEOXact_GUC(false, nestlevel);

	stmt = castNode(IndexStmt, linitial_node(RawStmt, raw_list)->stmt);
	return transformIndexStmt(table, stmt, sql);
}

/*
 * What a relation is that has the name of the index.
 */
static IndexState
state_of_named(Oid named, Oid table, const IndexStmt *stmt, char **difference)
{
	List	   *differences;
	bool		valid;

	if (!is_plain_index(named, table, &valid))
	{
		*difference = describe_other(named, table);
		return INDEX_DIFFERENT;
	}
	if (!valid)
		return INDEX_INVALID;

	differences = indexcheck_differences(named, table, stmt);
	if (differences == NIL)
		return INDEX_SAME;
	*difference = psprintf("It differs in %s.  Its definition: %s.",
						   textlist_join(differences, ", "),
						   pg_get_indexdef_string(named));
	return INDEX_DIFFERENT;
}

/*
 * Look for an index of the table that is what the statement makes.
 */
static IndexState
find_unnamed(Relation table, const IndexStmt *stmt, Oid *found)
{
	IndexState	state = INDEX_ABSENT;
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		bool		valid;

		if (!is_plain_index(index, RelationGetRelid(table), &valid) ||
			indexcheck_differences(index, RelationGetRelid(table), stmt) != NIL)
			continue;
		if (valid || state == INDEX_ABSENT)
		{
			*found = index;
			state = valid ? INDEX_SAME : INDEX_INVALID;
		}
		if (valid)
			break;
	}
	return state;
}

/*
 * Is a relation an index of the table, and no constraint's?
 */
static bool
is_plain_index(Oid relid, Oid table, bool *valid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(relid));
	Form_pg_index index;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	index = (Form_pg_index) GETSTRUCT(tuple);
	*valid = index->indisvalid;
	result = index->indrelid == table &&
		get_rel_relkind(relid) == RELKIND_INDEX &&
		!OidIsValid(get_index_constraint(relid));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Say what a relation is that cannot be the index.
 */
static char *
describe_other(Oid relid, Oid table)
{
	Oid			constraint;
	HeapTuple	tuple;
	Oid			other = InvalidOid;

	switch (get_rel_relkind(relid))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			break;
		case RELKIND_SEQUENCE:
			return "It is a sequence.";
		case RELKIND_VIEW:
			return "It is a view.";
		case RELKIND_MATVIEW:
			return "It is a materialized view.";
		case RELKIND_COMPOSITE_TYPE:
			return "It is a composite type.";
		case RELKIND_FOREIGN_TABLE:
			return "It is a foreign table.";
		default:
			return "It is a table.";
	}

	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(relid));
	if (HeapTupleIsValid(tuple))
	{
		other = ((Form_pg_index) GETSTRUCT(tuple))->indrelid;
		ReleaseSysCache(tuple);
	}
	if (other != table)
		return psprintf("It is an index of another table.  Its definition: %s.",
						pg_get_indexdef_string(relid));

	constraint = get_index_constraint(relid);
	return psprintf("It is the index of constraint \"%s\".",
					OidIsValid(constraint) ?
					get_constraint_name(constraint) : get_rel_name(relid));
}

static char *
qualified_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}
