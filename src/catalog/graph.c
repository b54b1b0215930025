/*-------------------------------------------------------------------------
 *
 * graph.c
 *	  Reading the revisions and edges that the graph is made of.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/textlist.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "catalog/tablescan.h"
#include "graph/nametable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A revision on its way into the graph */
typedef struct LoadedRevision
{
	Revision   *revision;
	int64		load_order;
} LoadedRevision;

/* The revisions of an environment, at first in the order of the table */
typedef struct LoadedRevisions
{
	LoadedRevision *items;
	int			count;
	int			size;			/* of items */
	int			last_found;		/* by find_revision() */
	nametable_hash *places;		/* from an id to its item, once needed */
	Revision   *block;			/* Revisions that are allocated together */
	int			block_left;		/* how many of them are not in use */
} LoadedRevisions;

/* An edge on its way into the graph */
typedef struct LoadedEdge
{
	int			child;			/* its item among the revisions */
	int			position;
	bool		is_down;
	char	   *parent;
} LoadedEdge;

static void read_revisions(const Environment *environment,
						   LoadedRevisions *loaded);
static Revision *new_revision(LoadedRevisions *loaded);
static void fill_revision(Revision *revision, const TableScan *scan);
static void read_edges(const Environment *environment,
					   LoadedRevisions *loaded);
static char *parent_name(const LoadedRevisions *loaded, int child,
						 const TableScan *scan);
static int	find_revision(LoadedRevisions *loaded, const TableScan *scan);
static bool is_id_of(const LoadedRevisions *loaded, int place,
					 const TableScan *scan);
static int	compare_load_order(const void *a, const void *b);
static int	compare_edges(const void *a, const void *b);

/*
 * Read an environment's revisions, without their scripts, and build the graph
 * of them in the current memory context.
 *
 * Raises what graph_build() raises.
 */
Graph *
catalog_graph(const Environment *environment)
{
	return graph_build(catalog_revisions(environment));
}

/*
 * Read an environment's revisions, without their scripts, as a List of
 * Revision * in load order, for graph_build().
 */
List *
catalog_revisions(const Environment *environment)
{
	LoadedRevisions loaded = {NULL};
	List	   *revisions = NIL;

	read_revisions(environment, &loaded);
	if (loaded.count > 0)
		read_edges(environment, &loaded);

	qsort(loaded.items, loaded.count, sizeof(LoadedRevision),
		  compare_load_order);
	for (int i = 0; i < loaded.count; i++)
		revisions = lappend(revisions, loaded.items[i].revision);
	pfree(loaded.items);
	return revisions;
}

/*
 * Read the revisions themselves.
 */
static void
read_revisions(const Environment *environment, LoadedRevisions *loaded)
{
	size_t		name_length = strlen(environment->name);
	TableScan	scan;

	loaded->size = 64;
	loaded->items = palloc(sizeof(LoadedRevision) * loaded->size);

	tablescan_begin(&scan, catalog_relation(RELNAME_REVISION));
	while (tablescan_next(&scan, REVISION_CHECKSUM))
	{
		LoadedRevision *item;

		if (!tablescan_text_is(&scan, REVISION_ENVIRONMENT,
							   environment->name, name_length))
			continue;

		if (loaded->count == loaded->size)
		{
			loaded->size *= 2;
			loaded->items = repalloc_huge(loaded->items,
										  sizeof(LoadedRevision) * loaded->size);
		}
		item = &loaded->items[loaded->count++];
		item->revision = new_revision(loaded);
		fill_revision(item->revision, &scan);
		item->load_order =
			DatumGetInt64(scan.slot->tts_values[REVISION_LOAD_ORDER - 1]);
	}
	tablescan_end(&scan);
}

/*
 * Allocate a Revision, from a block of many: one palloc() for each would
 * waste a third of the memory.
 */
static Revision *
new_revision(LoadedRevisions *loaded)
{
	if (loaded->block_left == 0)
	{
		loaded->block_left = 8192 / sizeof(Revision);
		loaded->block = palloc0(loaded->block_left * sizeof(Revision));
	}
	loaded->block_left--;
	return loaded->block++;
}

static void
fill_revision(Revision *revision, const TableScan *scan)
{
	Datum	   *values = scan->slot->tts_values;
	bool	   *nulls = scan->slot->tts_isnull;
	text	   *checksum;

	revision->id = tablescan_text(scan, REVISION_REVISION);
	revision->message = tablescan_text(scan, REVISION_MESSAGE);
	revision->origin = tablescan_text(scan, REVISION_ORIGIN);

	/* an array that is not empty is longer than the smallest header */
	if (VARSIZE_ANY_EXHDR(DatumGetPointer(values[REVISION_BRANCH_LABELS - 1])) >
		ARR_OVERHEAD_NONULLS(0) - VARHDRSZ)
		revision->labels =
			textlist_from_array(values[REVISION_BRANCH_LABELS - 1],
								"branch_labels");

	revision->has_create_date = !nulls[REVISION_CREATE_DATE - 1];
	if (revision->has_create_date)
		revision->create_date =
			DatumGetTimestampTz(values[REVISION_CREATE_DATE - 1]);

	checksum = DatumGetTextPP(values[REVISION_CHECKSUM - 1]);
	revision->changed = !tablescan_text_is(scan, REVISION_LOADED_CHECKSUM,
										   VARDATA_ANY(checksum),
										   VARSIZE_ANY_EXHDR(checksum));
}

/*
 * Read the edges and give each revision its parents, in the order in which
 * its file names them.
 */
static void
read_edges(const Environment *environment, LoadedRevisions *loaded)
{
	size_t		name_length = strlen(environment->name);
	int			count = 0;
	int			size = loaded->count + 64;
	LoadedEdge *edges = palloc_extended(sizeof(LoadedEdge) * size,
										MCXT_ALLOC_HUGE);
	TableScan	scan;

	tablescan_begin(&scan, catalog_relation(RELNAME_REVISION_EDGE));
	while (tablescan_next(&scan, REVISION_EDGE_PARENT))
	{
		LoadedEdge *edge;

		if (!tablescan_text_is(&scan, REVISION_EDGE_ENVIRONMENT,
							   environment->name, name_length))
			continue;

		if (count == size)
		{
			size *= 2;
			edges = repalloc_huge(edges, sizeof(LoadedEdge) * size);
		}
		edge = &edges[count];
		edge->child = find_revision(loaded, &scan);
		if (edge->child < 0)
			continue;
		edge->position =
			DatumGetInt32(scan.slot->tts_values[REVISION_EDGE_POSITION - 1]);
		edge->is_down = tablescan_text_is(&scan, REVISION_EDGE_KIND,
										  "down", strlen("down"));
		edge->parent = parent_name(loaded, edge->child, &scan);
		count++;
	}
	tablescan_end(&scan);

	/* mostly they are in order, which qsort() finds out in one pass */
	qsort(edges, count, sizeof(LoadedEdge), compare_edges);
	for (int i = 0; i < count; i++)
	{
		Revision   *child = loaded->items[edges[i].child].revision;

		if (edges[i].is_down)
			child->down_ids = lappend(child->down_ids, edges[i].parent);
		else
			child->depends_ids = lappend(child->depends_ids, edges[i].parent);
	}
	pfree(edges);
}

/*
 * The name of the parent in the edge in hand.  Mostly it is the id of the
 * revision before the child, whose string can be used once more.
 */
static char *
parent_name(const LoadedRevisions *loaded, int child, const TableScan *scan)
{
	if (child > 0)
	{
		char	   *id = loaded->items[child - 1].revision->id;

		if (tablescan_text_is(scan, REVISION_EDGE_PARENT, id, strlen(id)))
			return id;
	}
	return tablescan_text(scan, REVISION_EDGE_PARENT);
}

/*
 * Find the revision that the edge in hand belongs to, or return -1.
 *
 * Edges are written right after their revision, so that they mostly follow
 * in the order of the revisions; the hash table is made for those that do
 * not.
 */
static int
find_revision(LoadedRevisions *loaded, const TableScan *scan)
{
	NameEntry  *entry;
	bool		found;
	char	   *id;

	for (int place = loaded->last_found; place <= loaded->last_found + 1; place++)
	{
		if (is_id_of(loaded, place, scan))
			return loaded->last_found = place;
	}

	if (loaded->places == NULL)
	{
		loaded->places = nametable_create(CurrentMemoryContext, loaded->count, NULL);
		for (int place = 0; place < loaded->count; place++)
		{
			entry = nametable_insert(loaded->places,
									 loaded->items[place].revision->id, &found);
			entry->place = place;
		}
	}
	id = tablescan_text(scan, REVISION_EDGE_REVISION);
	entry = nametable_lookup(loaded->places, id);
	pfree(id);
	if (entry == NULL)
		return -1;
	return loaded->last_found = entry->place;
}

/*
 * Does the edge in hand belong to the revision at this place?
 */
static bool
is_id_of(const LoadedRevisions *loaded, int place, const TableScan *scan)
{
	const char *id;

	if (place >= loaded->count)
		return false;
	id = loaded->items[place].revision->id;
	return tablescan_text_is(scan, REVISION_EDGE_REVISION, id, strlen(id));
}

static int
compare_load_order(const void *a, const void *b)
{
	int64		left = ((const LoadedRevision *) a)->load_order;
	int64		right = ((const LoadedRevision *) b)->load_order;

	return (left > right) - (left < right);
}

static int
compare_edges(const void *a, const void *b)
{
	const LoadedEdge *left = a;
	const LoadedEdge *right = b;

	if (left->child != right->child)
		return left->child < right->child ? -1 : 1;
	if (left->is_down != right->is_down)
		return left->is_down ? 1 : -1;
	return (left->position > right->position) - (left->position < right->position);
}
