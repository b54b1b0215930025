/*-------------------------------------------------------------------------
 *
 * catalog_graph.c
 *	  Reading the revisions and edges that the graph is made of.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "bookkeeping.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "tables.h"
#include "textlist.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A revision on its way into the graph */
typedef struct LoadedRevision
{
	Revision   *revision;
	int64		load_order;
} LoadedRevision;

static LoadedRevision *read_graph_revisions(const Environment *environment, MemoryContext caller,
					 int *nloaded);
static void read_graph_edges(const Environment *environment, MemoryContext caller,
				 LoadedRevision *loaded, int nloaded);
static int compare_load_order(const void *a, const void *b);

/*
 * Read an environment's revisions, without their scripts, and build the graph
 * of them.  Raises what graph_build() raises.
 */
Graph *
catalog_graph(const Environment *environment)
{
	return graph_build(catalog_revisions(environment));
}

/*
 * Read an environment's revisions, without their scripts, as a List of
 * Revision * in load order.
 */
List *
catalog_revisions(const Environment *environment)
{
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	LoadedRevision *loaded;
	int			nloaded;
	List	   *result = NIL;

	bookkeeping_begin(&scope, catalog_owner());
	loaded = read_graph_revisions(environment, caller, &nloaded);
	read_graph_edges(environment, caller, loaded, nloaded);
	qsort(loaded, nloaded, sizeof(LoadedRevision), compare_load_order);

	MemoryContextSwitchTo(caller);
	for (int i = 0; i < nloaded; i++)
		result = lappend(result, loaded[i].revision);
	bookkeeping_end(&scope);
	return result;
}

/*
 * Read the revisions in the order of their ids, allocating them in "caller"
 * and the array that holds them in SPI's context.
 */
static LoadedRevision *
read_graph_revisions(const Environment *environment, MemoryContext caller,
					 int *nloaded)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[1];
	LoadedRevision *loaded;
	MemoryContext spi_context;

	bookkeeping_prepare(&plan,
						"SELECT revision, message, branch_labels, origin, "
						"create_date, load_order, "
						"checksum OPERATOR(pg_catalog.<>) loaded_checksum "
						"FROM " TABLE_REVISION " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"ORDER BY revision",
						1, (Oid[]) {TEXTOID});
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);

	*nloaded = (int) SPI_processed;
	loaded = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(LoadedRevision) * (SPI_processed + 1));
	spi_context = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Revision   *revision = palloc0(sizeof(Revision));
		Datum		labels;
		bool		isnull;

		revision->id = bookkeeping_string(tuple, desc, 1);
		revision->message = bookkeeping_string(tuple, desc, 2);
		labels = SPI_getbinval(tuple, desc, 3, &isnull);
		if (ARR_NDIM(DatumGetArrayTypeP(labels)) > 0)
			revision->labels = textlist_from_array(labels, "branch_labels");
		revision->origin = bookkeeping_string(tuple, desc, 4);
		revision->create_date =
			DatumGetTimestampTz(SPI_getbinval(tuple, desc, 5, &isnull));
		revision->has_create_date = !isnull;
		loaded[i].load_order =
			DatumGetInt64(SPI_getbinval(tuple, desc, 6, &isnull));
		revision->changed =
			DatumGetBool(SPI_getbinval(tuple, desc, 7, &isnull));
		loaded[i].revision = revision;
	}
	MemoryContextSwitchTo(spi_context);
	SPI_freetuptable(SPI_tuptable);
	return loaded;
}

/*
 * Read the edges of all revisions, which are given in the order of their ids.
 * The edges come in the same order, so that one pass over both is enough.
 */
static void
read_graph_edges(const Environment *environment, MemoryContext caller,
				 LoadedRevision *loaded, int nloaded)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[1];
	MemoryContext spi_context;
	int			current = 0;

	bookkeeping_prepare(&plan,
						"SELECT revision, parent, kind OPERATOR(pg_catalog.=) 'down' "
						"FROM " TABLE_REVISION_EDGE " "
						"WHERE environment OPERATOR(pg_catalog.=) $1 "
						"ORDER BY revision, kind, position",
						1, (Oid[]) {TEXTOID});
	values[0] = CStringGetTextDatum(environment->name);
	bookkeeping_execute(plan, values, NULL, SPI_OK_SELECT);

	spi_context = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *id = bookkeeping_string(tuple, desc, 1);
		Revision   *revision;
		bool		isnull;

		while (current < nloaded &&
			   strcmp(loaded[current].revision->id, id) < 0)
			current++;
		pfree(id);
		if (current == nloaded)
			break;

		revision = loaded[current].revision;
		if (DatumGetBool(SPI_getbinval(tuple, desc, 3, &isnull)))
			revision->down_ids = lappend(revision->down_ids,
										 bookkeeping_string(tuple, desc, 2));
		else
			revision->depends_ids = lappend(revision->depends_ids,
											bookkeeping_string(tuple, desc, 2));
	}
	MemoryContextSwitchTo(spi_context);
	SPI_freetuptable(SPI_tuptable);
}

static int
compare_load_order(const void *a, const void *b)
{
	int64		left = ((const LoadedRevision *) a)->load_order;
	int64		right = ((const LoadedRevision *) b)->load_order;

	return (left > right) - (left < right);
}
