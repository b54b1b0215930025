/*-------------------------------------------------------------------------
 *
 * parts.c
 *	  What a protected table has besides its policies: an index that begins
 *	  with the tenant, a default for the tenant column, and row level security
 *	  switched on.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/index.h"
#include "tenant/protect/policy.h"
#include "tenant/protect/protect.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

static char *default_text(Oid relid, const char *column);
static char *column_object(Oid relid, const char *column);

/*
 * Make the index by which the rows of a tenant are found, unless there is one.
 * Returns the name of what was made, or NULL.
 *
 * It holds the primary key behind the tenant, so that the first rows of a
 * tenant in the order of the key come straight out of it, and so that a
 * foreign key over both can refer to it.  A partition has its own from the
 * table above.
 */
char *
tenantparts_make_index(TenantWork *work, Oid relid, const char *column)
{
	bool		unique;
	List	   *columns = tenantkey_index_columns(relid, column, &unique);
	char	   *name;

	/* a primary key that begins with the tenant is what we need */
	if (tenantkey_has_index(relid, columns, unique))
		return NULL;

	name = tenantkey_index_name(relid, columns);
	tenantwork_do(work,
				  psprintf("index %s",
						   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name)),
				  "create",
				  psprintf("CREATE %sINDEX %s ON %s (%s)",
						   unique ? "UNIQUE " : "", quote_identifier(name),
						   tenanttable_name(relid), tenantkey_columns(columns)),
				  psprintf("index (%s)", tenantkey_columns(columns)));
	return name;
}

/*
 * Drop an index that was made, if it is still there and nothing else than
 * that.  Raises an error, if "check_references", when foreign keys refer to it.
 */
void
tenantparts_drop_index(TenantWork *work, Oid relid, const char *index,
					   bool check_references)
{
	Oid			namespace_oid = get_rel_namespace(relid);
	Oid			index_oid = get_relname_relid(index, namespace_oid);
	char	   *name = quote_qualified_identifier(get_namespace_name(namespace_oid), index);
	char	   *object = psprintf("index %s", name);

	if (!OidIsValid(index_oid) ||
		IndexGetRelation(index_oid, true) != relid ||
		OidIsValid(get_index_constraint(index_oid)))
	{
		tenantwork_note(work, object, OidIsValid(index_oid) ? "leave" : "gone");
		return;
	}

	/* in a dry run the foreign keys that are taken back first are still there */
	if (check_references && (!work->dry_run || !work->take_all))
		tenantparts_refuse_referenced(relid, index_oid);
	tenantwork_do(work, object, "drop", psprintf("DROP INDEX %s", name), NULL);
}

/*
 * Raise an error if foreign keys refer to the index.
 */
void
tenantparts_refuse_referenced(Oid relid, Oid index)
{
	List	   *constraints = get_index_ref_constraints(index);
	TenantKey  *key = NULL;

	if (constraints == NIL)
		return;
	key = tenantkey_by_oid(linitial_oid(constraints));
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("index \"%s\" of table %s is still referred to by a foreign key",
					get_rel_name(index), tenanttable_name(relid)),
			 errdetail("It is foreign key \"%s\" of table %s.",
					   key->name, tenanttable_name(key->relid)),
			 errhint("SELECT * FROM migrate_tenant_unlink(%s, %s);",
					 quote_literal_cstr(key->name),
					 quote_literal_cstr(tenanttable_name(key->relid)))));
}

/*
 * Have the tenant of the transaction be the default of a column, unless it
 * has a default that is not ours.
 *
 * "before" is what was made of it earlier, or NULL.  Returns what is ours
 * there afterwards, as the server writes it, or NULL.  With "only", the tables
 * below are left out.
 */
char *
tenantparts_set_default(TenantWork *work, const TenancyModel *model, Oid relid,
						const char *column, const char *before, bool only)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, column);
	char	   *wanted = tenantexpr_current(work, model, false);
	char	   *object = column_object(relid, column);

	/* in a dry run it may be still to be made */
	if (attribute != NULL && attribute->generated)
		return NULL;
	if (attribute != NULL && attribute->default_expression != NULL)
	{
		bool		is_ours = before != NULL &&
		tenantparse_default_equal(relid, column, before);

		if (tenantparse_default_equal(relid, column, wanted))
			return is_ours ? pstrdup(before) : NULL;
		if (!is_ours)
		{
			tenantwork_note(work, object, "leave default");
			return NULL;
		}
	}

	tenantwork_do(work, object, "set default",
				  psprintf("ALTER TABLE %s%s ALTER COLUMN %s SET DEFAULT %s",
						   only ? "ONLY " : "", tenanttable_name(relid),
						   quote_identifier(column), wanted),
				  psprintf("default of %s", quote_identifier(column)));
	return work->dry_run ? wanted : default_text(relid, column);
}

/*
 * Take a default that was made away, unless it was changed since.
 */
void
tenantparts_drop_default(TenantWork *work, Oid relid, const char *column,
						 const char *expression, bool only)
{
	TenantAttribute *attribute = tenanttable_attribute(relid, column);
	char	   *object = column_object(relid, column);

	if (attribute == NULL || attribute->default_expression == NULL)
		return;
	if (!tenantparse_default_equal(relid, column, expression))
	{
		tenantwork_note(work, object, "leave default");
		return;
	}
	tenantwork_do(work, object, "drop default",
				  psprintf("ALTER TABLE %s%s ALTER COLUMN %s DROP DEFAULT",
						   only ? "ONLY " : "", tenanttable_name(relid),
						   quote_identifier(column)), NULL);
}

/*
 * Enable and force row level security.
 */
void
tenantparts_switch_on(TenantWork *work, Oid relid)
{
	bool		enabled;
	bool		forced;
	char	   *object = tenanttable_object(relid);
	char	   *name = tenanttable_name(relid);

	tenanttable_row_security(relid, &enabled, &forced);
	if (!enabled)
		tenantwork_do(work, object, "enable row security",
					  psprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY", name),
					  "row security");
	if (!forced)
		tenantwork_do(work, object, "force row security",
					  psprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY", name),
					  "forced row security");
}

/*
 * The default of a column as the server writes it with our search path.
 */
static char *
default_text(Oid relid, const char *column)
{
	int			nestlevel = tenantwork_pin_settings();
	TenantAttribute *attribute;

	attribute = tenanttable_attribute(relid, column);
	AtEOXact_GUC(false, nestlevel);
	return attribute == NULL ? NULL : attribute->default_expression;
}

static char *
column_object(Oid relid, const char *column)
{
	return psprintf("column %s of %s", quote_identifier(column),
					tenanttable_name(relid));
}
