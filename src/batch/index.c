/*-------------------------------------------------------------------------
 *
 * index.c
 *	  The index that a statement in batches is walked along.
 *
 * The index tells how keys are compared: by the operators of its operator
 * class, and in its collation.  Of several that begin with the key, one is
 * taken that is in the order of ORDER BY, if there is one, so that the order
 * is the same for all batches, whatever index is created or dropped in
 * between.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "batch/key.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/typcache.h"

static void find_in_table(const BatchKey *key, Oid relid,
						  const BatchColumn *required, BatchColumn *columns);
static bool read_index(Relation table, Relation index,
					   const AttrNumber *attnums, int ncolumns,
					   BatchColumn *columns);
static bool read_column(Relation table, Relation index, int i,
						BatchColumn *column);
static bool is_usual_order(Relation table, const BatchColumn *columns,
						   int ncolumns);
static bool same_order(const BatchColumn *a, const BatchColumn *b,
					   int ncolumns);
static void refuse(const BatchKey *key, Oid relid, const char *invalid);

/*
 * Find the index for the key, and fill in key->columns.
 *
 * The children of a table have indexes of their own, each of which has to be
 * in the same order; those of a partitioned table are, if its own is valid.
 */
void
batchindex_find(BatchKey *key)
{
	ListCell   *lc;

	find_in_table(key, key->relid, NULL, key->columns);
	if (!key->inherit || get_rel_relkind(key->relid) != RELKIND_RELATION)
		return;

	foreach(lc, find_all_inheritors(key->relid, AccessShareLock, NULL))
	{
		BatchColumn *columns;

		if (lfirst_oid(lc) == key->relid)
			continue;
		columns = palloc0(key->ncolumns * sizeof(BatchColumn));
		find_in_table(key, lfirst_oid(lc), key->columns, columns);
	}
}

/*
 * Find the index of one table, which has to be in the required order if one is
 * given.  Raises an error if there is none.
 */
static void
find_in_table(const BatchKey *key, Oid relid, const BatchColumn *required,
			  BatchColumn *columns)
{
	Relation	table = table_open(relid, NoLock);
	AttrNumber *attnums = palloc(key->ncolumns * sizeof(AttrNumber));
	BatchColumn *candidate = palloc0(key->ncolumns * sizeof(BatchColumn));
	const char *invalid = NULL;
	bool		found = false;
	bool		usual = false;
	ListCell   *lc;
	int			i = 0;

	/* a child can have the same columns at other places */
	foreach(lc, key->vars)
		attnums[i++] = get_attnum(relid,
								  get_attname(key->relid,
											  ((Var *) lfirst(lc))->varattno,
											  false));

	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!usual &&
			read_index(table, index, attnums, key->ncolumns, candidate) &&
			(required == NULL ||
			 same_order(required, candidate, key->ncolumns)))
		{
			if (!index->rd_index->indisvalid || !index->rd_index->indisready)
				invalid = pstrdup(RelationGetRelationName(index));
			else
			{
				usual = is_usual_order(table, candidate, key->ncolumns);
				if (usual || !found)
					memcpy(columns, candidate,
						   key->ncolumns * sizeof(BatchColumn));
				found = true;
			}
		}
		index_close(index, AccessShareLock);
	}
	table_close(table, NoLock);

	if (!found)
		refuse(key, relid, invalid);
}

/*
 * Does the index begin with these columns, all in one direction, and has it
 * every row?  If so fill in what it tells about them.
 */
static bool
read_index(Relation table, Relation index, const AttrNumber *attnums,
		   int ncolumns, BatchColumn *columns)
{
	int16		option = index->rd_indoption[0];

	/* ascending or descending, with nulls where they are without a word */
	if (index->rd_rel->relam != BTREE_AM_OID ||
		(option != 0 &&
		 option != (INDOPTION_DESC | INDOPTION_NULLS_FIRST)) ||
		index->rd_index->indnkeyatts < ncolumns ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;

	for (int i = 0; i < ncolumns; i++)
	{
		if (index->rd_index->indkey.values[i] != attnums[i] ||
			index->rd_indoption[i] != option ||
			!read_column(table, index, i, &columns[i]))
			return false;
	}
	return true;
}

/*
 * Fill in what the index tells about its column i; false if the operator
 * class lacks an operator.
 */
static bool
read_column(Relation table, Relation index, int i, BatchColumn *column)
{
	AttrNumber	attnum = index->rd_index->indkey.values[i];
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table),
												attnum - 1);

	column->attnum = attnum;
	column->name = pstrdup(NameStr(attribute->attname));
	column->opfamily = index->rd_opfamily[i];
	column->input_type = index->rd_opcintype[i];
	column->collation = index->rd_indcollation[i];

	/* operators on any array, enum, range or row type are given one of them */
	column->type = column->input_type;
	if (get_typtype(column->type) == TYPTYPE_PSEUDO)
		column->type = getBaseType(attribute->atttypid);
	get_typlenbyval(column->type, &column->type_length,
					&column->type_by_value);

	for (int strategy = 1; strategy <= BTMaxStrategyNumber; strategy++)
	{
		Oid			operator = get_opfamily_member(column->opfamily,
												   column->input_type,
												   column->input_type,
												   strategy);

		if (!OidIsValid(operator))
			return false;
		column->operators[strategy] = operator;
	}
	return true;
}

/*
 * Is it the order of ORDER BY without further words?
 */
static bool
is_usual_order(Relation table, const BatchColumn *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table),
													columns[i].attnum - 1);
		TypeCacheEntry *type = lookup_type_cache(attribute->atttypid,
												 TYPECACHE_BTREE_OPFAMILY);

		if (columns[i].opfamily != type->btree_opf ||
			columns[i].collation != attribute->attcollation)
			return false;
	}
	return true;
}

/*
 * Do two indexes have their keys in the same order?
 */
static bool
same_order(const BatchColumn *a, const BatchColumn *b, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (a[i].opfamily != b[i].opfamily ||
			a[i].input_type != b[i].input_type ||
			a[i].collation != b[i].collation)
			return false;
	}
	return true;
}

/*
 * Raise the error that a table has no index for the key; "invalid" is the
 * name of one that would do if it were valid, or NULL.
 */
static void
refuse(const BatchKey *key, Oid relid, const char *invalid)
{
	char	   *table = batchkey_table(relid);
	bool		partitioned = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, key->vars)
	{
		char	   *name = get_attname(key->relid,
									   ((Var *) lfirst(lc))->varattno, false);

		if (list.len > 0)
			appendStringInfoString(&list, ", ");
		appendStringInfoString(&list, quote_identifier(name));
	}

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s has no index to walk along the key (%s) of migrate_batch()",
					table, list.data),
			 invalid ?
			 errdetail("Index \"%s\" begins with these columns, but it is not valid: an earlier attempt to create it has failed, or it is still being created.",
					   invalid) :
			 errdetail("It takes a btree index that is not partial and begins with these columns in this order, all ascending or all descending."),
			 invalid && !partitioned ?
			 errhint("REINDEX INDEX CONCURRENTLY %s;",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												invalid)) :
			 errhint("CREATE INDEX %sON %s (%s);",
					 partitioned ? "" : "CONCURRENTLY ", table, list.data)));
}
