/*-------------------------------------------------------------------------
 *
 * way.c
 *	  The ways along foreign keys from a table to the tenants of its rows.
 *
 * What a row is to tenants depends on the first foreign key of the way: it
 * belongs to whom the row belongs that it refers to.  So each foreign key of
 * the table is tried by itself, and the best are kept.
 *
 * A way to a table whose rows may be everybody's is none as long as there is
 * another: a row that refers to such a row would be everybody's to read, and
 * nobody's to write, though it hangs on the rows of one tenant as well.  Then
 * a foreign key that cannot be NULL is better than one that can, and a short
 * way better than a long one; tables that were seen are not entered again, so
 * that foreign keys may go round in circles.
 *
 * Nothing is guessed: of two ways that are equally good there is none, unless
 * they provably lead to the same tenant.
 *
 * Nothing is changed here.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "base/textlist.h"
#include "miscadmin.h"
#include "tenant/discover/way.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Does a way end at a table? */
typedef enum Ending
{
	NO_ENDING,					/* it goes on, if anywhere */
	DEAD_ENDING,				/* it does not lead to our tenants */
	ENDING_OWNED,				/* its rows are those of tenants */
	ENDING_SHARED				/* its rows may be everybody's */
} Ending;

/* What there is to know about a table, and where the walk in hand came from */
typedef struct Place
{
	Oid			relid;			/* hash key: must come first */
	Ending		ending;
	List	   *keys;			/* TenantKey *: those by which it goes on */
	uint32		walk;			/* the last one that came here */
	const struct Place *from;	/* the place before; NULL: where it began */
	const TenantKey *key;		/* the foreign key that led here */
	int			length;			/* foreign keys so far */
} Place;

static List *best_ways(const TenantWork *work, const TenancyModel *model,
					   Oid relid, bool shared, bool not_null_only);
static TenantWay *walk(const TenantWork *work, const TenancyModel *model,
					   const TenantKey *key, bool shared, bool not_null_only,
					   int max_length);
static List *enter(const TenantWork *work, const TenancyModel *model,
				   List *places, const Place *from, const TenantKey *key,
				   bool not_null_only);
static Place *place_of(const TenantWork *work, const TenancyModel *model,
					   Oid relid);
static Ending ending_at(const TenantWork *work, const TenancyModel *model,
						Oid relid);
static List *keys_of(const TenantWork *work, Oid relid);
static bool same_tenant(const TenantWork *work, const TenancyModel *model,
						const TenantKey *a, const TenantKey *b);
static char *tenant_in_key(const TenantWork *work, const TenancyModel *model,
						   const TenantKey *key);
static char *path_text(const Place *place);

/*
 * The best ways (TenantWay *) from a table to a tenant, by the names of their
 * foreign keys: NIL if there is none, more than one if they are equally good
 * and may lead to different tenants.
 */
List *
tenantway_find(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	for (int i = 0; i < 4; i++)
	{
		List	   *ways = best_ways(work, model, relid, i >= 2, i % 2 == 0);

		if (ways != NIL)
			return ways;
	}
	return NIL;
}

/*
 * The way that begins with a foreign key; NULL if it leads to no tenant.
 */
TenantWay *
tenantway_along(const TenantWork *work, const TenancyModel *model,
				const TenantKey *key)
{
	TenantWay  *way = walk(work, model, key, false, false, INT_MAX);

	return way != NULL ? way : walk(work, model, key, true, false, INT_MAX);
}

/*
 * The foreign keys of ways and where they lead: "a" to x, "b" to y
 */
char *
tenantway_list(List *ways)
{
	char	   *result = NULL;
	ListCell   *lc;

	foreach(lc, ways)
	{
		const TenantWay *way = lfirst(lc);
		char	   *item = psprintf("\"%s\" to %s", way->key->name,
									tenanttable_name(way->key->parent));

		result = result == NULL ? item : psprintf("%s, %s", result, item);
	}
	return result;
}

/*
 * Raise an error that lists the ways, and how to name one to a function.
 */
void
tenantway_refuse(Oid relid, List *ways, const char *function)
{
	char	   *hint = NULL;
	ListCell   *lc;

	foreach(lc, ways)
	{
		const TenantWay *way = lfirst(lc);
		char	   *call = psprintf("SELECT * FROM %s(%s, via => %s);", function,
									quote_literal_cstr(tenanttable_name(relid)),
									quote_literal_cstr(way->key->name));

		hint = hint == NULL ? call : psprintf("%s  or %s", hint, call);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("more than one foreign key of table %s leads to a tenant",
					tenanttable_name(relid)),
			 errdetail("They lead to different rows: %s.", tenantway_list(ways)),
			 errhint("Name the one that says whose the rows are: %s", hint)));
}

/*
 * The columns of a foreign key as they stand in a path: steps (doc_id)
 */
char *
tenantway_key_text(const TenantKey *key)
{
	return psprintf("%s (%s)", tenanttable_name(key->relid),
					tenantkey_columns(key->columns));
}

/*
 * The shortest ways of a kind, without those that lead to the tenant to which
 * another does.
 */
static List *
best_ways(const TenantWork *work, const TenancyModel *model, Oid relid,
		  bool shared, bool not_null_only)
{
	List	   *result = NIL;
	int			max_length = INT_MAX;
	ListCell   *lc;

	/* those of the table itself, however it is protected */
	foreach(lc, tenantkey_of_table(relid))
	{
		TenantWay  *way = walk(work, model, lfirst(lc), shared, not_null_only,
							   max_length);
		bool		is_other = true;
		ListCell   *other;

		if (way == NULL)
			continue;
		if (way->length < max_length)
			result = NIL;
		max_length = way->length;
		foreach(other, result)
			is_other = is_other &&
			!same_tenant(work, model, way->key,
						 ((const TenantWay *) lfirst(other))->key);
		if (is_other)
			result = lappend(result, way);
	}
	return result;
}

/*
 * Go from table to table, beginning with a foreign key, by the number of steps
 * and then by the names of foreign keys, until one is found that has a tenant;
 * NULL if none is, or none as near as that.
 */
static TenantWay *
walk(const TenantWork *work, const TenancyModel *model, const TenantKey *key,
	 bool shared, bool not_null_only, int max_length)
{
	Place	   *start = place_of(work, model, key->relid);
	List	   *places;

	start->walk = ++work->map->walk;
	start->from = NULL;
	start->length = 0;
	places = enter(work, model, NIL, start, key, not_null_only);
	for (int i = 0; i < list_length(places); i++)
	{
		const Place *place = list_nth(places, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		if (place->length > max_length)
			break;
		if (place->ending == ENDING_OWNED ||
			(place->ending == ENDING_SHARED && shared))
		{
			TenantWay  *way = palloc0(sizeof(TenantWay));

			way->key = key;
			way->is_shared = place->ending == ENDING_SHARED;
			way->length = place->length;
			way->path = path_text(place);
			return way;
		}
		if (place->ending != NO_ENDING)
			continue;
		foreach(lc, place->keys)
			places = enter(work, model, places, place, lfirst(lc),
						   not_null_only);
	}
	return NULL;
}

/*
 * Add the table to which a foreign key leads to those to be looked at.
 */
static List *
enter(const TenantWork *work, const TenancyModel *model, List *places,
	  const Place *from, const TenantKey *key, bool not_null_only)
{
	Place	   *place;

	if (not_null_only && !key->not_null)
		return places;
	place = place_of(work, model, key->parent);
	if (place->walk == work->map->walk)
		return places;
	place->walk = work->map->walk;
	place->from = from;
	place->key = key;
	place->length = from->length + 1;
	return lappend(places, place);
}

/*
 * What there is to know about a table, which is looked up once.
 */
static Place *
place_of(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantMap  *map = work->map;
	MemoryContext caller = MemoryContextSwitchTo(map->context);
	Place	   *place;
	bool		found;

	if (map->places == NULL || strcmp(map->model, model->name) != 0)
	{
		HASHCTL		info = {0};

		map->model = pstrdup(model->name);

		info.keysize = sizeof(Oid);
		info.entrysize = sizeof(Place);
		info.hcxt = map->context;
		map->places = hash_create("tables along foreign keys", 64, &info,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	place = hash_search(map->places, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(place, 0, sizeof(Place));
		place->relid = relid;
		place->ending = ending_at(work, model, relid);
		if (place->ending == NO_ENDING)
			place->keys = keys_of(work, relid);
	}
	MemoryContextSwitchTo(caller);
	return place;
}

/*
 * Does a table tell the tenant of its rows by itself?
 *
 * One about which somebody has to decide does, or will; what hangs on it
 * follows that decision.
 */
static Ending
ending_at(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantFinding *own;
	TenantMode	mode = TENANT_PARENT;

	/* rows of an exempt table belong to nobody, others to other tenants */
	if (table != NULL && (table->mode == TENANT_EXEMPT ||
						  strcmp(table->model, model->name) != 0))
		return DEAD_ENDING;
	if (relid == model->root)
		return ENDING_OWNED;
	if (table != NULL)
		mode = table->mode;
	else
	{
		own = tenantdiscover_own(model, relid);
		if (own != NULL)
			mode = own->mode;
	}
	switch (mode)
	{
		case TENANT_COLUMN:
		case TENANT_UNKNOWN:
			return ENDING_OWNED;
		case TENANT_SHARED:
			return ENDING_SHARED;
		default:
			return NO_ENDING;
	}
}

/*
 * The foreign keys by which a way goes on from a table.  What is protected by
 * way of a parent is so by that way alone.
 */
static List *
keys_of(const TenantWork *work, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantKey  *key;

	if (table == NULL || table->mode != TENANT_PARENT)
		return tenantkey_of_table(relid);
	key = tenantkey_find(relid, table->via);
	return key == NULL ? NIL : list_make1(key);
}

/*
 * Do two foreign keys of a table lead to the same tenant, whatever the row?
 * They do if they are over the same columns, or hold the tenant in the same
 * column.
 */
static bool
same_tenant(const TenantWork *work, const TenancyModel *model,
			const TenantKey *a, const TenantKey *b)
{
	char	   *column;
	char	   *other;

	if (a->parent == b->parent && textlist_equal(a->columns, b->columns) &&
		textlist_equal(a->parent_columns, b->parent_columns))
		return true;
	column = tenant_in_key(work, model, a);
	other = tenant_in_key(work, model, b);
	return column != NULL && other != NULL && strcmp(column, other) == 0;
}

/*
 * The column of a foreign key that refers to the tenant column of the other
 * table; NULL if none does.
 */
static char *
tenant_in_key(const TenantWork *work, const TenancyModel *model,
			  const TenantKey *key)
{
	char	   *parent_column = tenantdiscover_column(work, model, key->parent);
	ListCell   *own;
	ListCell   *theirs;

	if (parent_column == NULL)
		return NULL;
	forboth(own, key->columns, theirs, key->parent_columns)
	{
		if (strcmp(lfirst(theirs), parent_column) == 0)
			return lfirst(own);
	}
	return NULL;
}

/*
 * The way as it is shown: steps (doc_id) -> docs (tenant_id) -> tenants
 */
static char *
path_text(const Place *place)
{
	char	   *result = tenanttable_name(place->relid);

	for (; place->from != NULL; place = place->from)
		result = psprintf("%s -> %s", tenantway_key_text(place->key), result);
	return result;
}
