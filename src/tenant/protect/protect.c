/*-------------------------------------------------------------------------
 *
 * protect.c
 *	  Protecting a table.
 *
 * First the index, which takes the longest and the weakest lock; then the
 * default; then the policies, and only when they are all there is row level
 * security enabled and forced.  What is as it should be is left alone.
 *
 * The tables below a table, its partitions and its children, inherit nothing
 * of this, and whoever may touch them sees all their rows; each gets the same,
 * and a row of its own with what it was before.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "catalog/pg_class.h"
#include "tenant/discover/fit.h"
#include "tenant/protect/policy.h"
#include "tenant/protect/protect.h"
#include "tenant/registry/json.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* What a table is to become */
typedef struct Protection
{
	const TenancyModel *model;
	Oid			top;			/* the table that is protected */
	TenantMode	mode;
	const char *column;			/* modes root, column, shared */
	const TenantKey *key;		/* mode parent */
	bool		by_schema;
} Protection;

PG_FUNCTION_INFO_V1(migrate_tenant_protect);

static void protect_one(TenantWork *work, const Protection *protection,
						Oid relid);
static bool was_part_of_shared(const TenantWork *work,
							   const TenantTable *table);
static void protect_below(TenantWork *work, const Protection *protection,
						  Oid relid);
static void protect_part(TenantWork *work, const Protection *protection,
						 Oid relid);
static bool same_name(const char *a, const char *b);
static void protect_children(TenantWork *work, const TenancyModel *model,
							 Oid relid);
static TenantMode mode_arg(const char *name);

/*
 * migrate_tenant_protect(tbl, mode, column_name, via, model, dry_run)
 */
Datum
migrate_tenant_protect(PG_FUNCTION_ARGS)
{
	Oid			relid = tenantwork_oid_arg(fcinfo, 0, "tbl");
	char	   *mode_name = sqlcall_text(fcinfo, 1);
	char	   *column_name = tenantwork_name_arg(fcinfo, 2, "column_name");
	char	   *via = tenantwork_name_arg(fcinfo, 3, "via");
	char	   *model_name = tenantwork_model_arg(fcinfo, 4);
	bool		dry_run = sqlcall_bool(fcinfo, 5, false);
	TenantMode	mode = TENANT_UNKNOWN;
	TenantWork	work;
	TenancyModel *model;

	if (mode_name != NULL && strcmp(mode_name, "auto") != 0)
		mode = mode_arg(mode_name);
	tenantwork_begin(&work, fcinfo, "migrate_tenant_protect", dry_run);
	tenanttable_check(relid);
	model = tenantwork_model(model_name);
	tenanttable_check_owner(relid);
	tenantprotect_table(&work, model, relid, mode, column_name, via, false);
	return (Datum) 0;
}

/*
 * Protect a table and those below it.
 *
 * TENANT_UNKNOWN stands for the mode that is found; then column and foreign
 * key are, too, as far as they are not given.  Raises an error if none is
 * found, or if the table is not fit for the mode.
 */
void
tenantprotect_table(TenantWork *work, const TenancyModel *model, Oid relid,
					TenantMode mode, const char *column_name, const char *via,
					bool by_schema)
{
	Protection	protection = {model, relid};
	TenantTable *above = tenantwork_above(work, relid);
	TenantTable *table = tenantwork_find(work, relid);
	bool		was_other;
	bool		is_new_way;

	tenantfit_model(model, table);
	if (OidIsValid(tenanttable_partition_root(relid)) ||
		(above != NULL && mode == TENANT_UNKNOWN))
	{
		tenantprotect_with(work, model, relid, above);
		return;
	}

	if (mode == TENANT_UNKNOWN)
	{
		if (table != NULL && table->mode != TENANT_PARTITION &&
			column_name == NULL && via == NULL)
		{
			mode = table->mode;
			column_name = table->column_name;
			via = table->via;
		}
		else if (via != NULL)
			mode = TENANT_PARENT;
		else if (was_part_of_shared(work, table) && column_name == NULL)
		{
			/* somebody decided that for the table that it was part of */
			mode = TENANT_SHARED;
			column_name = table->column_name;
		}
		else if (column_name != NULL && relid != model->root)
			mode = TENANT_COLUMN;
		else
		{
			TenantFinding *finding = tenantdiscover(work, model, relid, true, true);

			if (!tenantprotect_finding(work, model, relid, finding, by_schema))
				tenantfit_refuse(model, relid, finding);
			return;
		}
	}

	protection.mode = mode;
	protection.by_schema = by_schema;
	switch (mode)
	{
		case TENANT_ROOT:
			tenantfit_root(model, relid);
			protection.column = model->key;
			break;
		case TENANT_COLUMN:
		case TENANT_SHARED:
			protection.column = column_name != NULL ? column_name : model->column_name;
			tenantfit_column(model, relid, mode, protection.column);
			break;
		default:
			if (via == NULL)
			{
				TenantFinding *finding = tenantdiscover(work, model, relid, false, true);

				if (finding->ways != NIL)
					tenantfit_refuse(model, relid, finding);
				via = finding->via;
			}
			if (via == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("no foreign key of table %s leads to a tenant",
								tenanttable_name(relid)),
						 errhint("Name the one to follow: via => '...'")));
			protection.key = tenantkey_required(relid, via);
			tenantfit_parent(work, model, relid, protection.key);
			break;
	}
	was_other = table != NULL &&
		(table->mode != mode || !same_name(table->column_name, protection.column));
	is_new_way = mode == TENANT_PARENT &&
		(table == NULL || !same_name(table->via, protection.key->name));
	protect_one(work, &protection, relid);
	protect_below(work, &protection, relid);
	if (is_new_way)
		tenantfit_warn_shared(work, model, relid, protection.key);
	if (was_other)
		protect_children(work, model, relid);
}

static bool
was_part_of_shared(const TenantWork *work, const TenantTable *table)
{
	TenantTable *was_above;

	if (table == NULL || table->column_name == NULL ||
		!tenantwork_is_detached(work, table))
		return false;
	was_above = tenantwork_find(work, table->parent);
	return was_above != NULL && was_above->mode == TENANT_SHARED;
}

/*
 * Protect the tables again that are protected by way of a table which has
 * another mode or column now: what hangs on shared rows is not for all to write.
 */
static void
protect_children(TenantWork *work, const TenancyModel *model, Oid relid)
{
	ListCell   *lc;

	foreach(lc, list_copy(work->tables))
	{
		TenantTable *child = lfirst(lc);

		if (child->mode != TENANT_PARENT || child->parent != relid)
			continue;
		tenantprotect_again(work, model, child);
		protect_children(work, model, child->relid);
	}
}

/*
 * Protect a table as its discovery says; returns false if that is not for us
 * to decide.
 *
 * A tenant column that may be NULL is such a case: in mode shared its rows
 * are everybody's to read, and it may just not be filled yet.
 */
bool
tenantprotect_finding(TenantWork *work, const TenancyModel *model, Oid relid,
					  const TenantFinding *finding, bool by_schema)
{
	switch (finding->mode)
	{
		case TENANT_ROOT:
		case TENANT_COLUMN:
		case TENANT_PARENT:
			tenantprotect_table(work, model, relid, finding->mode,
								finding->column_name, finding->via, by_schema);
			return true;
		case TENANT_PARTITION:
			tenantprotect_with(work, model, relid, tenantwork_above(work, relid));
			return true;
		default:
			return false;
	}
}

/*
 * Protect a table once more as its row says: the model was changed.
 */
void
tenantprotect_again(TenantWork *work, const TenancyModel *model,
					TenantTable *table)
{
	if (tenantwork_is_detached(work, table))
		tenantprotect_table(work, model, table->relid, TENANT_UNKNOWN, NULL,
							NULL, table->by_schema);
	else
		tenantprotect_table(work, model, table->relid, table->mode,
							table->column_name, table->via, table->by_schema);
}

/*
 * Go through the motions of protecting one table as its discovery says, in a
 * dry run, so that the work knows what is missing.  Nothing is refused.
 */
void
tenantprotect_explain(TenantWork *work, const TenancyModel *model, Oid relid,
					  const TenantFinding *finding)
{
	Protection	protection = {model, relid, finding->mode,
	finding->column_name};
	TenantTable *above;

	if (finding->mode == TENANT_PARTITION)
	{
		above = tenantwork_above(work, relid);
		if (above != NULL)
			tenantprotect_with(work, model, relid, above);
		return;
	}
	if (finding->mode == TENANT_PARENT)
		protection.key = tenantkey_find(relid, finding->via);
	if (finding->mode != TENANT_PARENT || protection.key != NULL)
		protect_one(work, &protection, relid);
}

/*
 * Protect a partition or a child as the table above it is.
 */
void
tenantprotect_with(TenantWork *work, const TenancyModel *model, Oid relid,
				   const TenantTable *above)
{
	Protection	protection = {model};

	if (above == NULL)
	{
		Oid			root = tenanttable_partition_root(relid);

		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table %s is a partition", tenanttable_name(relid)),
				 errdetail("It is protected with the table that it is a partition of."),
				 errhint("SELECT * FROM migrate_tenant_protect(%s);",
						 quote_literal_cstr(tenanttable_name(root)))));
	}
	tenantfit_model(model, above);
	protection.top = above->relid;
	protection.mode = above->mode;
	protection.column = above->column_name;
	protection.by_schema = above->by_schema;
	if (above->mode == TENANT_PARENT)
		protection.key = tenantkey_required(above->relid, above->via);
	protect_one(work, &protection, relid);
	protect_below(work, &protection, relid);
}

/*
 * Protect one table: the one that is meant, or one below it.
 */
static void
protect_one(TenantWork *work, const Protection *protection, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	bool		is_top = relid == protection->top;
	bool		is_new = table == NULL;
	const char *column = protection->column;
	char	   *made;
	TenantTable was;

	if (is_new)
	{
		table = palloc0(sizeof(TenantTable));
		table->relid = relid;
		table->by_schema = protection->by_schema;
		tenanttable_row_security(relid, &table->row_security,
								 &table->force_row_security);
	}
	was = *table;
	made = tenantjson_table_made(table);
	table->model = protection->model->name;
	table->mode = is_top ? protection->mode : TENANT_PARTITION;
	table->column_name = column != NULL ? pstrdup(column) : NULL;
	table->via = is_top && protection->key != NULL ? protection->key->name : NULL;
	table->parent = !is_top ? protection->top :
		protection->key != NULL ? protection->key->parent : InvalidOid;

	if (column != NULL)
	{
		if (!get_rel_relispartition(relid))
		{
			char	   *index = tenantparts_make_index(work, relid, column);

			if (index != NULL)
				table->index = index;
		}
		if (protection->mode != TENANT_ROOT)
			table->default_expression =
				tenantparts_set_default(work, protection->model, relid, column,
										table->default_expression, true);
	}
	tenantpolicy_install(work, table,
						 tenantexpr_policies(work, protection->model, relid,
											 protection->mode, column,
											 protection->key));
	tenantparts_switch_on(work, relid);
	if (is_new || was.mode != table->mode || was.parent != table->parent ||
		!same_name(was.column_name, table->column_name) ||
		!same_name(was.via, table->via) ||
		strcmp(made, tenantjson_table_made(table)) != 0)
	{
		tenantwork_note(work, tenanttable_object(relid),
						is_new ? "register" : "update registration");
		work->missing = lappend(work->missing, pstrdup("registration"));
		tenantwork_remember(work, table);
		if (is_new && is_top && table->mode == TENANT_PARENT && work->rsinfo != NULL)
			tenantfit_warn_parent(work, protection->model, relid,
								  protection->key);
	}
}

static bool
same_name(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/*
 * Protect the tables below.
 */
static void
protect_below(TenantWork *work, const Protection *protection, Oid relid)
{
	List	   *seen = NIL;
	List	   *below;
	ListCell   *lc;

	/* while one is waited for, somebody may give it a child */
	while ((below = list_difference_oid(tenanttable_below(relid), seen)) != NIL)
	{
		foreach(lc, below)
			protect_part(work, protection, lfirst_oid(lc));
		seen = list_concat(seen, below);
	}
}

/*
 * Protect one of them.
 */
static void
protect_part(TenantWork *work, const Protection *protection, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	TenantTable *above = tenantwork_above(work, relid);
	char		relkind = get_rel_relkind(relid);

	/* one that is nearer has it */
	if (above != NULL && above->relid != protection->top)
		return;

	if (table != NULL && table->mode == TENANT_EXEMPT &&
		get_rel_relispartition(relid) &&
		(work->rsinfo != NULL || !work->dry_run))
		tenantfit_refuse_exempt_partition(relid, protection->top);

	/* a child may be a table of tenants in its own right */
	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		(table != NULL && table->mode != TENANT_PARTITION))
	{
		tenantwork_note(work,
						relkind == RELKIND_FOREIGN_TABLE ?
						psprintf("foreign table %s", tenanttable_name(relid)) :
						tenanttable_object(relid), "leave");
		return;
	}
	if (protection->mode == TENANT_COLUMN)
		tenantfit_not_null(relid, protection->column);
	protect_one(work, protection, relid);
}

/*
 * The argument "mode".
 */
static TenantMode
mode_arg(const char *name)
{
	TenantMode	mode = catalog_tenancy_mode(name);

	if (mode != TENANT_ROOT && mode != TENANT_COLUMN &&
		mode != TENANT_SHARED && mode != TENANT_PARENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown mode \"%s\"", name),
				 errhint("The modes are \"auto\", \"root\", \"column\", \"shared\" and \"parent\"; migrate_tenant_exempt() is for a table that belongs to no tenant.")));
	return mode;
}
