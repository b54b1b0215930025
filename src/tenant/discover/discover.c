/*-------------------------------------------------------------------------
 *
 * discover.c
 *	  Finding out to whom the rows of a table belong.
 *
 * Either it has a column of the name that tenant columns have, or a foreign
 * key leads to the root, directly or through other tables.  Nothing is
 * guessed: where two columns could both be the tenant's, or two foreign keys
 * lead to it, the table is left for somebody to decide.
 *
 * Nothing is changed here.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "tenant/discover/way.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static TenantFinding *registered(const TenantWork *work,
								 const TenancyModel *model,
								 const TenantTable *table);
static TenantFinding *finding(TenantMode mode, const char *column_name,
							  const char *reason);
static TenantFinding *by_stored_column(const TenantTable *table);
static TenantFinding *by_tenant_column(const TenancyModel *model, Oid relid);
static TenantFinding *by_root_key(const TenancyModel *model, Oid relid);
static TenantFinding *by_path(const TenantWork *work,
							  const TenancyModel *model, Oid relid);
static bool is_tenant_key(const TenancyModel *model, const TenantKey *key);

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
	TenantTable *above;
	TenantFinding *result = NULL;
	Oid			root = tenanttable_partition_root(relid);
	bool		detached = table != NULL && tenantwork_is_detached(work, table);
	char	   *environment;

	if (table != NULL && strcmp(table->model, model->name) == 0 && !detached)
		return registered(work, model, table);
	if (table != NULL && strcmp(table->model, model->name) != 0)
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
	above = tenantwork_above(work, relid);
	if (above != NULL)
	{
		result = finding(TENANT_PARTITION, NULL,
						 psprintf("it is a child of %s",
								  tenanttable_name(above->relid)));
		result->parent = above->relid;
		return result;
	}
	if (relid == model->root)
		return finding(TENANT_ROOT, model->key,
					   psprintf("it is the root of model \"%s\"", model->name));
	if (catalog_tenancy_is_version_table(relid, &environment))
		return finding(TENANT_EXEMPT, NULL,
					   psprintf("version table of environment \"%s\"",
								environment));

	if (detached)
		result = by_stored_column(table);
	if (result == NULL && by_column)
		result = by_tenant_column(model, relid);
	if (result == NULL && by_key)
		result = by_root_key(model, relid);
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
	result = tenantdiscover_own(model, relid);
	return result == NULL ? NULL : result->column_name;
}

/*
 * What a table says about the tenant of its rows by a column of its own, or
 * NULL.
 */
TenantFinding *
tenantdiscover_own(const TenancyModel *model, Oid relid)
{
	TenantFinding *result = by_tenant_column(model, relid);

	return result != NULL ? result : by_root_key(model, relid);
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
	TenantKey  *key;
	TenantWay  *way = NULL;

	result->via = table->via;
	result->parent = table->parent;
	if (table->mode == TENANT_PARENT)
	{
		key = tenantkey_find(table->relid, table->via);
		if (key != NULL)
			way = tenantway_along(work, model, key);
		if (way != NULL)
			result->path = way->path;
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
 * It was part of a table, and has the column that held the tenant there.
 */
static TenantFinding *
by_stored_column(const TenantTable *table)
{
	TenantAttribute *attribute = NULL;

	if (table->column_name != NULL)
		attribute = tenanttable_attribute(table->relid, table->column_name);
	if (attribute == NULL)
		return NULL;
	return finding(attribute->not_null ? TENANT_COLUMN : TENANT_SHARED,
				   attribute->name,
				   psprintf("it was part of %s, and has its column \"%s\"%s",
							tenanttable_name(table->parent), attribute->name,
							attribute->not_null ? "" : ", which can be NULL"));
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
by_root_key(const TenancyModel *model, Oid relid)
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
	result->path = psprintf("%s -> %s", tenantway_key_text(best),
							tenanttable_name(model->root));
	return result;
}

/*
 * A chain of foreign keys leads to a table that has a tenant.
 */
static TenantFinding *
by_path(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	List	   *ways = tenantway_find(work, model, relid);
	const TenantWay *way;
	TenantFinding *result;

	if (ways == NIL)
		return NULL;
	if (list_length(ways) > 1)
	{
		result = finding(TENANT_UNKNOWN, NULL,
						 psprintf("more than one foreign key leads to a tenant: %s",
								  tenantway_list(ways)));
		result->ways = ways;
		return result;
	}

	way = linitial(ways);
	result = finding(TENANT_PARENT, NULL,
					 psprintf("foreign key \"%s\"%s leads to %s%s",
							  way->key->name,
							  way->key->not_null ? "" : ", which can be NULL,",
							  tenanttable_name(way->key->parent),
							  way->is_shared ? ", whose rows can be everybody's" : ""));
	result->via = way->key->name;
	result->parent = way->key->parent;
	result->path = way->path;
	return result;
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
