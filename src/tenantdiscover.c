/*-------------------------------------------------------------------------
 *
 * tenantdiscover.c
 *	  Finding out to whom the rows of a table belong.
 *
 * Either it has a column of the name that tenant columns have, or a foreign
 * key leads to the root, directly or through other tables.  A foreign key
 * that cannot be NULL is followed before one that can, and a short way before
 * a long one; tables that were seen are not entered again, so that foreign
 * keys may go round in circles.  Nothing is guessed: where two columns could
 * both be the tenant's, the table is left for somebody to decide.
 *
 * Nothing is changed here.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog_tenancy.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tenantprotect.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A table on the way, and how it was come by */
typedef struct Place
{
	Oid			relid;
	const struct Place *from;	/* the one before; NULL: where it began */
	TenantKey  *key;			/* the foreign key that leads here */
} Place;

static TenantFinding *registered(const TenantWork *work,
								 const TenancyModel *model,
								 const TenantTable *table);
static TenantFinding *finding(TenantMode mode, const char *column_name,
							  const char *reason);
static TenantFinding *by_tenant_column(const TenancyModel *model, Oid relid);
static TenantFinding *by_root_key(const TenantWork *work,
								  const TenancyModel *model, Oid relid);
static TenantFinding *by_path(const TenantWork *work,
							  const TenancyModel *model, Oid relid);
static Place *search(const TenantWork *work, const TenancyModel *model,
					 Oid relid, bool not_null_only);
static bool is_goal(const TenantWork *work, const TenancyModel *model,
					Oid relid);
static bool was_seen(List *places, Oid relid);
static bool is_tenant_key(const TenancyModel *model, const TenantKey *key);
static char *path_text(const Place *place);
static char *key_text(const TenantKey *key);

/*
 * Find out to whom the rows of a table belong.
 *
 * The result has the mode TENANT_SHARED if they have a tenant column that can
 * be NULL, and TENANT_UNKNOWN with the reason why if nothing was found.
 */
TenantFinding *
tenantdiscover(const TenantWork *work, const TenancyModel *model, Oid relid,
			   bool by_column, bool by_key)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantFinding *result = NULL;
	Oid			root = tenanttable_partition_root(relid);
	char	   *environment;

	if (table != NULL && strcmp(table->model, model->name) == 0)
		return registered(work, model, table);
	if (table != NULL)
		return finding(TENANT_UNKNOWN, NULL,
					   psprintf("it belongs to tenant model \"%s\"",
								table->model));
	if (OidIsValid(root))
	{
		result = finding(TENANT_PARTITION, NULL,
						 psprintf("it is a partition of %s",
								  tenanttable_name(root)));
		result->parent = root;
		return result;
	}
	table = tenantprotect_above(work, relid);
	if (table != NULL)
	{
		result = finding(TENANT_PARTITION, NULL,
						 psprintf("it is a child of %s",
								  tenanttable_name(table->relid)));
		result->parent = table->relid;
		return result;
	}
	if (relid == model->root)
		return finding(TENANT_ROOT, model->key,
					   psprintf("it is the root of model \"%s\"", model->name));
	if (catalog_tenancy_is_version_table(relid, &environment))
		return finding(TENANT_EXEMPT, NULL,
					   psprintf("version table of environment \"%s\"",
								environment));

	if (by_column)
		result = by_tenant_column(model, relid);
	if (result == NULL && by_key)
		result = by_root_key(work, model, relid);
	if (result == NULL && by_key)
		result = by_path(work, model, relid);
	if (result != NULL)
		return result;
	return finding(TENANT_UNKNOWN, NULL,
				   psprintf("it has no %s%s%s that leads to %s",
							by_column ? psprintf("column \"%s\"", model->column_name) : "",
							by_column && by_key ? " and no " : "",
							by_key ? "foreign key" : "",
							tenanttable_name(model->root)));
}

/*
 * The column by which a table tells the tenant of its rows, or NULL.
 */
char *
tenantdiscover_column(const TenantWork *work, const TenancyModel *model,
					  Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantColumn *added;
	TenantFinding *result;

	if (relid == model->root)
		return model->key;
	if (table != NULL && table->column_name != NULL)
		return table->column_name;
	added = catalog_tenancy_column(relid);
	if (added != NULL && get_attnum(relid, added->column_name) > 0)
		return added->column_name;
	result = by_tenant_column(model, relid);
	if (result == NULL)
		result = by_root_key(work, model, relid);
	return result == NULL ? NULL : result->column_name;
}

/*
 * What its row says.
 */
static TenantFinding *
registered(const TenantWork *work, const TenancyModel *model,
		   const TenantTable *table)
{
	TenantFinding *result = finding(table->mode, table->column_name,
									table->mode == TENANT_EXEMPT ?
									table->reason : "it is registered so");
	TenantFinding *path;

	result->via = table->via;
	result->parent = table->parent;
	if (table->mode == TENANT_PARENT)
	{
		path = by_path(work, model, table->relid);
		if (path != NULL)
			result->path = path->path;
	}
	return result;
}

static TenantFinding *
finding(TenantMode mode, const char *column_name, const char *reason)
{
	TenantFinding *result = palloc0(sizeof(TenantFinding));

	result->mode = mode;
	result->column_name = column_name ? pstrdup(column_name) : NULL;
	result->reason = pstrdup(reason);
	return result;
}

/*
 * It has a column of the name that the model gives to tenant columns.
 */
static TenantFinding *
by_tenant_column(const TenancyModel *model, Oid relid)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, model->column_name);

	if (attribute == NULL)
		return NULL;
	if (!tenanttable_same_type(attribute->type, model->tenant_type))
		return finding(TENANT_UNKNOWN, attribute->name,
					   psprintf("its column \"%s\" is of type %s, but a tenant is of type %s",
								attribute->name,
								format_type_be(attribute->type),
								format_type_be(model->tenant_type)));
	return finding(attribute->not_null ? TENANT_COLUMN : TENANT_SHARED,
				   attribute->name,
				   psprintf("it has a column \"%s\"%s", attribute->name,
							attribute->not_null ? "" : " that can be NULL"));
}

/*
 * One column of it refers to the key of the root, whatever its name.
 */
static TenantFinding *
by_root_key(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantKey  *best = NULL;
	bool		ambiguous = false;
	TenantFinding *result;
	ListCell   *lc;

	foreach(lc, tenantkey_of_table(relid))
	{
		TenantKey  *key = lfirst(lc);

		if (!is_tenant_key(model, key))
			continue;
		if (best == NULL || (key->not_null && !best->not_null))
		{
			best = key;
			ambiguous = false;
		}
		else if (key->not_null == best->not_null &&
				 strcmp(linitial(key->columns), linitial(best->columns)) != 0)
			ambiguous = true;
	}
	if (best == NULL)
		return NULL;
	if (ambiguous)
		return finding(TENANT_UNKNOWN, NULL,
					   psprintf("more than one of its columns refers to %s",
								tenanttable_name(model->root)));

	result = finding(best->not_null ? TENANT_COLUMN : TENANT_SHARED,
					 linitial(best->columns),
					 psprintf("foreign key \"%s\"%s leads to %s", best->name,
							  best->not_null ? "" : ", which can be NULL,",
							  tenanttable_name(model->root)));
	result->path = psprintf("%s -> %s", key_text(best),
							tenanttable_name(model->root));
	return result;
}

/*
 * A chain of foreign keys leads to a table that has a tenant.
 */
static TenantFinding *
by_path(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	Place	   *place = search(work, model, relid, true);
	const Place *first;
	TenantFinding *result;

	if (place == NULL)
		place = search(work, model, relid, false);
	if (place == NULL)
		return NULL;

	for (first = place; first->from->from != NULL; first = first->from)
		;
	result = finding(TENANT_PARENT, NULL,
					 psprintf("foreign key \"%s\"%s leads to %s",
							  first->key->name,
							  first->key->not_null ? "" : ", which can be NULL,",
							  tenanttable_name(first->relid)));
	result->via = first->key->name;
	result->parent = first->relid;
	result->path = path_text(place);
	return result;
}

/*
 * Go from table to table along foreign keys, by the number of steps and then
 * by the names of the foreign keys, until one is found that has a tenant;
 * NULL if none is.
 */
static Place *
search(const TenantWork *work, const TenancyModel *model, Oid relid,
	   bool not_null_only)
{
	Place	   *start = palloc0(sizeof(Place));
	List	   *places;

	start->relid = relid;
	places = list_make1(start);
	for (int i = 0; i < list_length(places); i++)
	{
		Place	   *place = list_nth(places, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && is_goal(work, model, place->relid))
			return place;
		foreach(lc, tenantkey_of_table(place->relid))
		{
			TenantKey  *key = lfirst(lc);
			TenantTable *parent = tenantwork_find(work, key->parent);
			Place	   *next;

			/* rows of an exempt table belong to nobody */
			if (parent != NULL && parent->mode == TENANT_EXEMPT)
				continue;
			if ((not_null_only && !key->not_null) ||
				was_seen(places, key->parent))
				continue;
			next = palloc0(sizeof(Place));
			next->relid = key->parent;
			next->from = place;
			next->key = key;
			places = lappend(places, next);
		}
	}
	return NULL;
}

/*
 * Does a table tell the tenant of its rows by itself?
 */
static bool
is_goal(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantFinding *column;

	if (relid == model->root)
		return true;
	if (table != NULL)
		return strcmp(table->model, model->name) == 0 &&
			(table->mode == TENANT_COLUMN || table->mode == TENANT_SHARED);
	column = by_tenant_column(model, relid);
	if (column == NULL)
		column = by_root_key(work, model, relid);
	return column != NULL && column->mode != TENANT_UNKNOWN;
}

static bool
was_seen(List *places, Oid relid)
{
	ListCell   *lc;

	foreach(lc, places)
	{
		if (((Place *) lfirst(lc))->relid == relid)
			return true;
	}
	return false;
}

/*
 * Does a foreign key refer to the key of the root and to nothing else?
 */
static bool
is_tenant_key(const TenancyModel *model, const TenantKey *key)
{
	return key->parent == model->root && key->relid != model->root &&
		list_length(key->columns) == 1 &&
		strcmp(linitial(key->parent_columns), model->key) == 0;
}

/*
 * The way as it is shown: steps (doc_id) -> docs (tenant_id) -> tenants
 */
static char *
path_text(const Place *place)
{
	char	   *result = tenanttable_name(place->relid);

	for (; place->from != NULL; place = place->from)
		result = psprintf("%s -> %s", key_text(place->key), result);
	return result;
}

static char *
key_text(const TenantKey *key)
{
	return psprintf("%s (%s)", tenanttable_name(key->relid),
					tenantkey_columns(key->columns));
}
