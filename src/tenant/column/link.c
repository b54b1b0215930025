/*-------------------------------------------------------------------------
 *
 * link.c
 *	  migrate_tenant_link() and _unlink(): from a foreign key to one that
 *	  holds the tenant, too, and back.
 *
 * The server checks foreign keys without regard to policies.  A simple one
 * accepts the row of another tenant, and tells whether there is one; one over
 * the tenant and the key can refer to rows of the same tenant alone.
 *
 * Name, actions and deferrability stay, but for what NULL would do to the
 * tenant: ON DELETE SET NULL names the columns that it sets.  What cannot be
 * said of two columns as it was of one is refused.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/dependency.h"
#include "nodes/parsenodes.h"
#include "tenant/column/column.h"
#include "tenant/column/link.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(migrate_tenant_link);
PG_FUNCTION_INFO_V1(migrate_tenant_unlink);

static bool holds_tenant(const TenancyModel *model, const TenantKey *key,
						 const char *column, const char *parent_column);
static void check_linkable(const TenantWork *work, const TenancyModel *model, const TenantKey *key,
						   const char *column, const char *parent_column);
static void refuse_shared(const TenantWork *work, const TenantKey *key,
						  Oid relid);
static void check_side(const TenancyModel *model, const TenantKey *key,
					   Oid relid, const char *column);
static void give_index_up(TenantWork *work, const TenantLink *link,
						  List *columns);
static bool hand_index_over(const TenantWork *work, const TenantLink *link,
							List *references);
static List *other_references(const TenantLink *link, Oid index);

/*
 * migrate_tenant_link(constraint_name, tbl, model, dry_run)
 */
Datum
migrate_tenant_link(PG_FUNCTION_ARGS)
{
	char	   *name = tenantwork_name_arg(fcinfo, 0, "constraint_name");
	Oid			relid = tenantwork_oid_arg(fcinfo, 1, "tbl");
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	TenantWork	work;
	TenancyModel *model;
	TenantKey  *key;
	TenantLink *link;
	char	   *column;
	char	   *parent_column;
	List	   *parent_columns;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "constraint_name")));
	tenantwork_begin(&work, fcinfo, "migrate_tenant_link",
					 sqlcall_bool(fcinfo, 3, false));
	tenanttable_check(relid);
	model = tenantwork_model(model_name);
	tenanttable_check_owner(relid);
	key = tenantkey_required(relid, name);
	column = tenantdiscover_column(&work, model, relid);
	parent_column = tenantdiscover_column(&work, model, key->parent);
	if (holds_tenant(model, key, column, parent_column))
		return (Datum) 0;
	tenantlinkkey_check_kind(key);
	check_linkable(&work, model, key, column, parent_column);

	link = tenantlinkkey_read(model, key);
	tenantlinkkey_check(key, link);
	parent_columns = lcons(parent_column, list_copy(key->parent_columns));
	if (!tenantkey_has_index(key->parent, parent_columns, true))
	{
		link->index = tenantkey_index_name(key->parent, parent_columns);
		tenantwork_do(&work,
					  psprintf("index %s",
							   quote_qualified_identifier(get_namespace_name(get_rel_namespace(key->parent)), link->index)),
					  "create",
					  psprintf("CREATE UNIQUE INDEX %s ON %s (%s)",
							   quote_identifier(link->index),
							   tenanttable_name(key->parent),
							   tenantkey_columns(parent_columns)), NULL);
	}
	tenantlinkkey_replace(&work, link, lcons(column, list_copy(key->columns)),
						  parent_columns,
						  link->delete_columns != NIL ? link->delete_columns : key->columns,
						  FKCONSTR_MATCH_SIMPLE);
	tenantwork_note(&work, tenantlinkkey_object(link), "register");
	if (!work.dry_run)
		catalog_tenancy_write_link(link);
	return (Datum) 0;
}

/*
 * migrate_tenant_unlink(constraint_name, tbl, dry_run)
 */
Datum
migrate_tenant_unlink(PG_FUNCTION_ARGS)
{
	char	   *name = tenantwork_name_arg(fcinfo, 0, "constraint_name");
	Oid			relid = tenantwork_oid_arg(fcinfo, 1, "tbl");
	TenantWork	work;
	TenantLink *link;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "constraint_name")));
	tenantwork_begin(&work, fcinfo, "migrate_tenant_unlink",
					 sqlcall_bool(fcinfo, 2, false));
	tenanttable_check(relid);
	tenanttable_check_owner(relid);
	link = catalog_tenancy_link(relid, name);
	if (link == NULL)
	{
		/* one that has another name now would be left linked */
		(void) tenantkey_required(relid, name);
		ereport(NOTICE,
				(errmsg("foreign key \"%s\" of table %s was not linked, nothing to take back",
						name, tenanttable_name(relid))));
		return (Datum) 0;
	}
	tenantlink_take_back(&work, link);
	return (Datum) 0;
}

/*
 * Make a foreign key the simple one again that it was.
 */
void
tenantlink_take_back(TenantWork *work, TenantLink *link)
{
	TenantKey  *key = tenantkey_find(link->relid, link->constraint_name);

	/* the tenant comes first; somebody may have made another of that name */
	if (key == NULL || list_length(key->columns) < 2)
		tenantwork_note(work, tenantlinkkey_object(link), "leave");
	else
	{
		List	   *parent_columns = list_copy_tail(key->parent_columns, 1);

		tenantlinkkey_check_kind(key);
		link->parent = key->parent;
		tenantlinkkey_replace(work, link, list_copy_tail(key->columns, 1), parent_columns,
							  link->delete_columns, link->match_type);
		if (link->index != NULL)
			give_index_up(work, link, key->parent_columns);
	}
	tenantwork_note(work, tenantlinkkey_object(link), "forget");
	if (!work->dry_run)
		catalog_tenancy_delete_link(link);
}

/*
 * The foreign keys of a table, which has a tenant column, that would accept
 * the row of another tenant; as migrate_tenant_plan() calls them.
 */
List *
tenantlink_missing(const TenantWork *work, const TenancyModel *model, Oid relid,
				   const TenantFinding *finding)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (finding->mode != TENANT_COLUMN)
		return NIL;
	foreach(lc, tenantkey_of_table(relid))
	{
		TenantKey  *key = lfirst(lc);
		char	   *parent_column = tenantdiscover_column(work, model, key->parent);

		if (parent_column != NULL && key->parent != model->root &&
			!holds_tenant(model, key, finding->column_name, parent_column))
			result = lappend(result, psprintf("link %s", quote_identifier(key->name)));
	}
	return result;
}

/*
 * Does a foreign key hold the tenant on both sides?  One by which a table
 * refers to the root does by itself.
 */
static bool
holds_tenant(const TenancyModel *model, const TenantKey *key,
			 const char *column, const char *parent_column)
{
	ListCell   *own;
	ListCell   *theirs;

	if (column == NULL || parent_column == NULL)
		return false;
	forboth(own, key->columns, theirs, key->parent_columns)
	{
		if (strcmp(lfirst(own), column) == 0 &&
			strcmp(lfirst(theirs), parent_column) == 0)
			return true;
	}
	return false;
}

/*
 * Raise an error unless both tables have a tenant column that goes into a
 * foreign key.
 */
static void
check_linkable(const TenantWork *work, const TenancyModel *model,
			   const TenantKey *key, const char *column,
			   const char *parent_column)
{
	Oid			root = tenanttable_partition_root(key->relid);

	if (OidIsValid(root))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", tenanttable_name(key->relid)),
				 errdetail("Its foreign keys are those of the table that it is a partition of."),
				 errhint("SELECT * FROM migrate_tenant_link('...', %s);",
						 quote_literal_cstr(tenanttable_name(root)))));
	if (key->parent == model->root || key->relid == model->root)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("foreign key \"%s\" of table %s cannot hold the tenant",
						key->name, tenanttable_name(key->relid)),
				 errdetail("A row of table %s is a tenant, and belongs to none.",
						   tenanttable_name(model->root))));
	refuse_shared(work, key, key->relid);
	refuse_shared(work, key, key->parent);
	check_side(model, key, key->relid, column);
	check_side(model, key, key->parent, parent_column);
}

/*
 * Raise an error for a shared table: a row that has no tenant is what it is
 * for, and not an oversight.
 */
static void
refuse_shared(const TenantWork *work, const TenantKey *key, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	char	   *finding = psprintf("%s on %s", quote_identifier(key->name),
								   tenanttable_name(key->relid));

	if (table == NULL || table->mode != TENANT_SHARED)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("foreign key \"%s\" of table %s cannot hold the tenant",
					key->name, tenanttable_name(key->relid)),
			 errdetail("Rows of table %s without a tenant are everybody's.",
					   tenanttable_name(relid)),
			 errhint("Accept the foreign key as it is: SELECT migrate_tenant_waive('T009', %s, '...');",
					 quote_literal_cstr(finding))));
}

/*
 * A foreign key is not checked where one of its columns is NULL.
 */
static void
check_side(const TenancyModel *model, const TenantKey *key, Oid relid,
		   const char *column)
{
	TenantAttribute *attribute = NULL;
	char	   *name = tenanttable_name(relid);

	if (column != NULL)
		attribute = tenanttable_attribute(relid, column);
	if (attribute == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no tenant column", name),
				 errhint("SELECT * FROM migrate_tenant_add_column(%s);",
						 quote_literal_cstr(name))));
	if (!tenanttable_same_type(attribute->type, model->tenant_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s is of type %s, but a tenant is of type %s",
						column, name, format_type_be(attribute->type),
						format_type_be(model->tenant_type))));
	if (!attribute->not_null)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of table %s can be NULL", column, name),
				 errdetail("Foreign key \"%s\" would not be checked, or refer to nothing, where it is.",
						   key->name),
				 errhint("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;", name,
						 quote_identifier(column))));
}

/*
 * Drop the index that was made for a foreign key, unless another needs it
 * that was linked later, or the table to find the rows of a tenant.
 */
static void
give_index_up(TenantWork *work, const TenantLink *link, List *columns)
{
	TenantTable *parent = tenantwork_find(work, link->parent);
	Oid			index = get_relname_relid(link->index,
										  get_rel_namespace(link->parent));
	List	   *references = NIL;

	if (OidIsValid(index))
		references = other_references(link, index);
	if (references != NIL)
	{
		/* in a dry run the others are still there */
		if (work->dry_run && work->take_all)
			return;
		if (!hand_index_over(work, link, references))
			tenantwork_note(work, psprintf("index %s", quote_identifier(link->index)),
							"leave");
		return;
	}
	if (OidIsValid(index) && parent != NULL && parent->index == NULL &&
		parent->column_name != NULL &&
		strcmp(parent->column_name, linitial(columns)) == 0)
	{
		parent->index = link->index;
		tenantwork_remember(work, parent);
		return;
	}
	tenantparts_drop_index(work, link->parent, link->index, false);
}

/*
 * Have another foreign key that was linked be the one with which the index
 * goes; false if there is none.
 */
static bool
hand_index_over(const TenantWork *work, const TenantLink *link,
				List *references)
{
	ListCell   *lc;

	foreach(lc, references)
	{
		TenantKey  *key = tenantkey_by_oid(lfirst_oid(lc));
		TenantLink *other = catalog_tenancy_link(key->relid, key->name);

		if (other == NULL || other->index != NULL)
			continue;
		other->index = link->index;
		if (!work->dry_run)
			catalog_tenancy_write_link(other);
		return true;
	}
	return false;
}

/*
 * The foreign keys (OIDs) that refer to an index, without the one in hand.
 */
static List *
other_references(const TenantLink *link, Oid index)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, get_index_ref_constraints(index))
	{
		TenantKey  *key = tenantkey_by_oid(lfirst_oid(lc));

		if (key->relid != link->relid ||
			strcmp(key->name, link->constraint_name) != 0)
			result = lappend_oid(result, key->oid);
	}
	return result;
}
