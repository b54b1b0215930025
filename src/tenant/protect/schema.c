/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  All tables of a schema at once.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/sqlcall.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tenant/protect/exempt.h"
#include "tenant/protect/protect.h"
#include "tenant/protect/schema.h"
#include "tenant/registry/registry.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A table of the schema, while it is decided what becomes of it */
typedef struct Member
{
	Oid			relid;
	TenantFinding *finding;
	bool		done;
} Member;

PG_FUNCTION_INFO_V1(migrate_tenant_protect_schema);
PG_FUNCTION_INFO_V1(migrate_tenant_unprotect_schema);

static void await_new_tables(Oid schema);
static List *members_of(const TenantWork *work, const TenancyModel *model,
						Oid schema, List *exclude);
static List *in_order(const TenantWork *work, List *members);
static bool is_ready(const TenantWork *work, List *members,
					 const Member *member);
static bool waits_for(List *members, Oid relid);
static void refuse_undecided(List *members);
static void protect_member(TenantWork *work, const TenancyModel *model,
						   const Member *member);
static void manage_schema(TenantWork *work, const TenancyModel *model,
						  Oid schema);
static TenantTable *next_of_schema(const TenantWork *work, Oid schema);
static char *schema_object(const char *schema);

/*
 * migrate_tenant_protect_schema(schema, exclude, model, dry_run)
 */
Datum
migrate_tenant_protect_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = tenantwork_oid_arg(fcinfo, 0, "schema");
	List	   *exclude = tenantwork_oids_arg(fcinfo, 1, "exclude", REGCLASSOID);
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	bool		dry_run = sqlcall_bool(fcinfo, 3, false);
	TenantWork	work;
	TenancyModel *model;
	List	   *members;
	ListCell   *lc;

	tenantschema_check_owner(schema);
	if (!dry_run && catalog_tenancy_schema_model(schema) == NULL)
		await_new_tables(schema);
	tenantwork_begin(&work, fcinfo, "migrate_tenant_protect_schema", dry_run);
	model = tenantwork_model(model_name);

	members = in_order(&work, members_of(&work, model, schema, exclude));
	foreach(lc, members)
		protect_member(&work, model, lfirst(lc));
	manage_schema(&work, model, schema);
	return (Datum) 0;
}

/*
 * migrate_tenant_unprotect_schema(schema, dry_run)
 */
Datum
migrate_tenant_unprotect_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = tenantwork_oid_arg(fcinfo, 0, "schema");
	char	   *name;
	bool		found = false;
	TenantWork	work;
	TenantTable *table;
	ListCell   *lc;

	tenantschema_check_owner(schema);
	tenantwork_begin(&work, fcinfo, "migrate_tenant_unprotect_schema",
					 sqlcall_bool(fcinfo, 1, false));
	name = get_namespace_name(schema);
	while ((table = next_of_schema(&work, schema)) != NULL)
	{
		found = true;
		tenanttable_check_owner(table->relid);
		if (table->mode == TENANT_EXEMPT)
			tenantexempt_forget(&work, table);
		else
			tenantunprotect_table(&work, table);
	}

	/* what was protected by itself stays so */
	foreach(lc, work.tables)
	{
		table = lfirst(lc);
		if (get_rel_namespace(table->relid) == schema &&
			table->mode != TENANT_PARTITION)
			tenantwork_note(&work, tenanttable_object(table->relid), "leave");
	}
	if (catalog_tenancy_schema_model(schema) != NULL)
	{
		tenantwork_note(&work, schema_object(name), "forget");
		if (!work.dry_run)
			catalog_tenancy_delete_schema(schema);
	}
	else if (!found)
		ereport(NOTICE,
				(errmsg("schema \"%s\" is not managed, nothing to take back",
						name)));
	return (Datum) 0;
}

/*
 * The tables (OIDs) of a schema that a user could protect, by name.  Those of
 * extensions are none, and partitions belong to their tables.
 */
List *
tenantschema_tables(Oid schema, bool with_partitions)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *result = NIL;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relnamespace == schema &&
			(form->relkind == RELKIND_RELATION ||
			 form->relkind == RELKIND_PARTITIONED_TABLE) &&
			(with_partitions || !form->relispartition) &&
			tenanttable_refusal(form->oid) == NULL)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	list_sort(result, tenanttable_compare_names);
	return result;
}

/*
 * Raise an error for a schema that holds no tables of the user's: one of the
 * system, or of an extension.
 */
void
tenantschema_check(Oid schema)
{
	char	   *name = get_namespace_name(schema);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema with OID %u does not exist", schema)));
	if (IsCatalogNamespace(schema) || IsToastNamespace(schema) ||
		isAnyTempNamespace(schema) || strcmp(name, "information_schema") == 0 ||
		OidIsValid(getExtensionOfObject(NamespaceRelationId, schema)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tables of schema \"%s\" cannot belong to tenants", name)));
}

/*
 * Raise an error, too, unless the caller may do what the owner of the schema
 * may: everybody who makes a table in it has to do with its guard.
 */
void
tenantschema_check_owner(Oid schema)
{
	HeapTuple	tuple;
	Oid			owner;
	char	   *name;

	tenantschema_check(schema);
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	if (has_privs_of_role(GetUserId(), owner))
		return;
	name = get_namespace_name(schema);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of schema %s", quote_identifier(name)),
			 errdetail("The guard of a schema is for all tables that are made in it."),
			 errhint("SET ROLE %s;",
					 quote_identifier(GetUserNameFromId(owner, false)))));
}

/*
 * Wait for transactions that made a table in a schema, and let nobody make
 * another before this one ends.
 *
 * We would not see such a table, nor would the guard, which saw it when the
 * schema was nobody's.  Everybody who makes a table locks its schema, so that
 * it is not dropped meanwhile; this goes before the lock of the registry, for
 * which they may have to wait.
 */
static void
await_new_tables(Oid schema)
{
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessExclusiveLock);
	tenantschema_check_owner(schema);
}

/*
 * The tables (Member *) of a schema that are not excluded, with what they were
 * found to be.
 */
static List *
members_of(const TenantWork *work, const TenancyModel *model, Oid schema,
		   List *exclude)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tenantschema_tables(schema, false))
	{
		Member	   *member;

		if (list_member_oid(exclude, lfirst_oid(lc)))
			continue;
		member = palloc0(sizeof(Member));
		member->relid = lfirst_oid(lc);
		member->finding = tenantdiscover(work, model, member->relid, true, true);
		result = lappend(result, member);
	}
	return result;
}

/*
 * Put the tables into an order in which each is protected after those that it
 * hangs on.  Raises an error, before anything is done, if some cannot be.
 */
static List *
in_order(const TenantWork *work, List *members)
{
	List	   *result = NIL;
	bool		progress = true;
	ListCell   *lc;

	while (progress)
	{
		progress = false;
		foreach(lc, members)
		{
			Member	   *member = lfirst(lc);

			if (member->done || !is_ready(work, members, member))
				continue;
			member->done = true;
			progress = true;
			result = lappend(result, member);
		}
	}
	if (list_length(result) < list_length(members))
		refuse_undecided(members);
	return result;
}

/*
 * Can a table be protected, or left alone, now?
 */
static bool
is_ready(const TenantWork *work, List *members, const Member *member)
{
	const TenantFinding *finding = member->finding;
	bool		is_stored = tenantwork_find(work, member->relid) != NULL;
	TenantTable *parent;
	ListCell   *lc;

	foreach(lc, tenanttable_above(member->relid))
	{
		if (waits_for(members, lfirst_oid(lc)))
			return false;
	}
	switch (finding->mode)
	{
		case TENANT_SHARED:
			return is_stored;
		case TENANT_UNKNOWN:
			return false;
		case TENANT_PARENT:
			if (waits_for(members, finding->parent))
				return false;
			foreach(lc, members)
			{
				if (((Member *) lfirst(lc))->relid == finding->parent)
					return true;
			}
			parent = tenantwork_find(work, finding->parent);
			return parent != NULL && parent->mode != TENANT_EXEMPT;
		default:
			return true;
	}
}

static bool
waits_for(List *members, Oid relid)
{
	ListCell   *lc;

	foreach(lc, members)
	{
		Member	   *member = lfirst(lc);

		if (member->relid == relid)
			return !member->done;
	}
	return false;
}

/*
 * Raise an error that lists the tables that are left.
 */
static void
refuse_undecided(List *members)
{
	StringInfoData detail;
	int			count = 0;
	char	   *first = NULL;
	ListCell   *lc;

	initStringInfo(&detail);
	foreach(lc, members)
	{
		Member	   *member = lfirst(lc);
		const TenantFinding *finding = member->finding;

		if (member->done)
			continue;
		if (count++ == 0)
			first = tenanttable_name(member->relid);
		appendStringInfo(&detail, "%s%s: %s%s", count > 1 ? "\n" : "",
						 tenanttable_name(member->relid), finding->reason,
						 finding->mode == TENANT_PARENT ?
						 ", which is not protected" : "");
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_plural("it is to be decided to whom the rows of %d table belong",
						   "it is to be decided to whom the rows of %d tables belong",
						   count, count),
			 errdetail_internal("%s", detail.data),
			 errhint("Protect each with its mode, such as SELECT * FROM migrate_tenant_protect(%s, 'column', '...');  or say why it belongs to no tenant: SELECT * FROM migrate_tenant_exempt(%s, '...');  or leave it out: exclude => '{...}'",
					 quote_literal_cstr(first), quote_literal_cstr(first))));
}

static void
protect_member(TenantWork *work, const TenancyModel *model,
			   const Member *member)
{
	TenantTable *table = tenantwork_find(work, member->relid);

	if (member->finding->mode == TENANT_EXEMPT)
	{
		if (table == NULL)
		{
			tenanttable_check_owner(member->relid);
			tenantexempt_register(work, model, member->relid,
								  member->finding->reason, true);
		}
		return;
	}
	tenanttable_check_owner(member->relid);

	/* by now a table that it is a child of may be protected, and it with it */
	if (table != NULL && table->mode == TENANT_PARTITION &&
		!tenantwork_is_detached(work, table))
		return;
	tenantprotect_table(work, model, member->relid,
						table != NULL ? TENANT_UNKNOWN : member->finding->mode,
						table != NULL ? NULL : member->finding->column_name,
						table != NULL ? NULL : member->finding->via, true);
}

/*
 * Note that new tables of a schema are ours to protect.
 */
static void
manage_schema(TenantWork *work, const TenancyModel *model, Oid schema)
{
	char	   *other = catalog_tenancy_schema_model(schema);
	char	   *name = get_namespace_name(schema);

	if (other != NULL && strcmp(other, model->name) == 0)
		return;
	if (other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"%s\" belongs to tenant model \"%s\"",
						name, other),
				 errhint("SELECT * FROM migrate_tenant_unprotect_schema(%s);",
						 quote_literal_cstr(quote_identifier(name)))));
	tenantwork_note(work, schema_object(name), "register");
	if (!work->dry_run)
		catalog_tenancy_insert_schema(schema, model->name);
}

/*
 * A table of the schema that was protected or exempted with it and on which no
 * other table of the schema hangs any more; NULL if none is left.
 */
static TenantTable *
next_of_schema(const TenantWork *work, Oid schema)
{
	TenantTable *used = NULL;
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, work->tables)
	{
		TenantTable *table = lfirst(lc);
		bool		is_used = false;

		if (get_rel_namespace(table->relid) != schema || !table->by_schema ||
			(table->mode == TENANT_PARTITION &&
			 tenantwork_find(work, table->parent) != NULL))
			continue;
		foreach(other, work->tables)
		{
			TenantTable *child = lfirst(other);

			is_used = is_used || (child->mode == TENANT_PARENT &&
								  child->parent == table->relid);
		}
		if (!is_used)
			return table;
		used = table;
	}

	/* used by a table that stays: let the error say so */
	return used;
}

static char *
schema_object(const char *schema)
{
	return psprintf("schema %s", quote_identifier(schema));
}
