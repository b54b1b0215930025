/*-------------------------------------------------------------------------
 *
 * grant.c
 *	  migrate_tenant_grant() and _revoke(): the rights of the roles that the
 *	  application uses.
 *
 * A role may read and write the rows of tables that are protected, and read
 * those that are exempt.  TRUNCATE, REFERENCES and TRIGGER are not asked for
 * by a policy, and never granted.  A table that is neither protected nor
 * exempt is left out: its rows would be everybody's.
 *
 * What a role has already is left alone; only what it got here is taken back.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "tenant/discover/table.h"
#include "tenant/protect/schema.h"
#include "tenant/registry/registry.h"
#include "tenant/setup/grant.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define TABLE_RIGHTS (ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE)

PG_FUNCTION_INFO_V1(migrate_tenant_grant);
PG_FUNCTION_INFO_V1(migrate_tenant_revoke);

static void revoke_rights(TenantWork *work, const TenantGrant *grant,
						  Oid role, AclMode mode);
static char *role_arg(FunctionCallInfo fcinfo);
static List *schemas_arg(FunctionCallInfo fcinfo, int argno);
static List *owners_of(const TenantWork *work, const TenancyModel *model,
					   List *schemas);
static void check_bound(const TenancyModel *model, const char *name, Oid role);
static void grant_schema(TenantWork *work, const TenancyModel *model,
						 const char *role, Oid schema);
static AclMode table_rights(const TenantWork *work, const TenancyModel *model,
							Oid relid);
static void check_row_security(Oid relid);
static TenantGrant *new_grant(const TenancyModel *model, const char *role,
							  Oid schema, const char *kind);
static bool grant_rights(TenantWork *work, TenantGrant *grant,
						 AclMode wanted);
static char *grant_object(const TenantGrant *grant);
static char *grant_sql(const TenantGrant *grant, List *privileges, bool is_grant);

/*
 * migrate_tenant_grant(role, schemas, model, dry_run)
 */
Datum
migrate_tenant_grant(PG_FUNCTION_ARGS)
{
	char	   *role = role_arg(fcinfo);
	List	   *schemas = schemas_arg(fcinfo, 1);
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	Oid			role_oid = get_role_oid(role, false);
	TenantWork	work;
	TenancyModel *model;
	ListCell   *lc;

	if (schemas == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"schemas\" names no schema")));
	tenantwork_begin(&work, fcinfo, "migrate_tenant_grant",
					 sqlcall_bool(fcinfo, 3, false));
	model = tenantwork_model(model_name);
	tenantacl_check_role(model, role, role_oid,
						 owners_of(&work, model, schemas));
	check_bound(model, role, role_oid);
	foreach(lc, schemas)
		grant_schema(&work, model, role, lfirst_oid(lc));
	return (Datum) 0;
}

/*
 * migrate_tenant_revoke(role, schemas, model, dry_run)
 */
Datum
migrate_tenant_revoke(PG_FUNCTION_ARGS)
{
	char	   *role = role_arg(fcinfo);
	List	   *schemas = schemas_arg(fcinfo, 1);
	char	   *model_name = tenantwork_model_arg(fcinfo, 2);
	TenantWork	work;
	List	   *grants = NIL;
	ListCell   *lc;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_revoke",
					 sqlcall_bool(fcinfo, 3, false));
	foreach(lc, catalog_tenancy_grants(role, model_name))
	{
		TenantGrant *grant = lfirst(lc);

		if (schemas == NIL ||
			list_member_oid(schemas, get_namespace_oid(grant->schema, true)))
			grants = lappend(grants, grant);
	}
	if (grants == NIL)
	{
		/* rows of a role that was dropped can be taken back */
		(void) get_role_oid(role, false);
		ereport(NOTICE,
				(errmsg("role \"%s\" has got no rights there, nothing to take back",
						role)));
	}
	tenantgrant_take_back(&work, grants);
	return (Datum) 0;
}

/*
 * Take back what was granted.
 */
void
tenantgrant_take_back(TenantWork *work, List *grants)
{
	ListCell   *lc;

	foreach(lc, grants)
	{
		TenantGrant *grant = lfirst(lc);
		Oid			role = get_role_oid(grant->role, true);
		AclMode		mode = ACL_NO_RIGHTS;

		/* somebody may have taken them away, or dropped it all */
		if (OidIsValid(role))
			mode = tenantacl_mode(grant->privileges) & tenantacl_found(grant, role);
		if (mode != ACL_NO_RIGHTS)
			revoke_rights(work, grant, role, mode);
		if (!work->dry_run)
			catalog_tenancy_delete_grant(grant);
	}
}

/*
 * Revoke rights.  To revoke one on a table revokes it on the columns, too,
 * where it may have been granted by somebody else before.
 */
static void
revoke_rights(TenantWork *work, const TenantGrant *grant, Oid role,
			  AclMode mode)
{
	char	   *on_columns[2] = {NULL, NULL};
	int			count = tenantacl_count(grant, role, mode);

	for (int i = 0; i < 2 && strcmp(grant->kind, "table") == 0; i++)
		on_columns[i] = tenantacl_column_rights(grant->relid, role, mode, i == 1);
	tenantwork_do(work, grant_object(grant), "revoke",
				  grant_sql(grant, tenantacl_names(mode), false), NULL);

	/* a REVOKE of what one may not revoke only warns, like a GRANT */
	if (!work->dry_run &&
		count - tenantacl_count(grant, role, mode) < pg_popcount64(mode))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" cannot revoke rights on %s",
						GetUserNameFromId(GetUserId(), false),
						grant_object(grant)),
				 errdetail("They are still with role \"%s\": %s.", grant->role,
						   textlist_join(tenantacl_names(tenantacl_found(grant, role) & mode), ", ")),
				 errhint("Call it as the owner, or as who granted them.")));
	for (int i = 0; i < 2; i++)
	{
		if (on_columns[i] != NULL)
			tenantwork_do(work, grant_object(grant), "grant",
						  psprintf("GRANT %s ON TABLE %s TO %s%s", on_columns[i],
								   tenanttable_name(grant->relid),
								   quote_identifier(grant->role),
								   i == 1 ? " WITH GRANT OPTION" : ""), NULL);
	}
}

/*
 * The argument "role"
 */
static char *
role_arg(FunctionCallInfo fcinfo)
{
	char	   *role = tenantwork_name_arg(fcinfo, 0, "role");

	if (role == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "role")));

	/* GRANT takes even a quoted "public" for PUBLIC */
	if (strcmp(role, "public") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_GRANT_OPERATION),
				 errmsg("the rows of tenants cannot be granted to PUBLIC"),
				 errhint("Grant them to a role of the application.")));
	return role;
}

/*
 * The argument "schemas"
 */
static List *
schemas_arg(FunctionCallInfo fcinfo, int argno)
{
	List	   *schemas = tenantwork_oids_arg(fcinfo, argno, "schemas",
											  REGNAMESPACEOID);
	ListCell   *lc;

	foreach(lc, schemas)
		tenantschema_check(lfirst_oid(lc));
	return schemas;
}

/*
 * The owners (OIDs) of the tables that are protected there.
 */
static List *
owners_of(const TenantWork *work, const TenancyModel *model, List *schemas)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, work->tables)
	{
		TenantTable *table = lfirst(lc);

		if (strcmp(table->model, model->name) == 0 &&
			table->mode != TENANT_EXEMPT &&
			list_member_oid(schemas, get_rel_namespace(table->relid)))
			result = list_append_unique_oid(result, tenantacl_owner(table->relid));
	}
	return result;
}

/*
 * Say so if no policy lets a role see anything.
 */
static void
check_bound(const TenancyModel *model, const char *name, Oid role)
{
	ListCell   *lc;

	foreach(lc, model->app_roles)
	{
		Oid			app_role;

		if (strcmp(lfirst(lc), "public") == 0)
			return;
		app_role = get_role_oid(lfirst(lc), true);
		if (OidIsValid(app_role) && has_privs_of_role(role, app_role))
			return;
	}
	ereport(NOTICE,
			(errmsg("role \"%s\" is none of the app roles of model \"%s\", and will see no row",
					name, model->name),
			 errhint("GRANT %s TO %s;",
					 quote_identifier(linitial(model->app_roles)),
					 quote_identifier(name))));
}

/*
 * Grant what there is to grant in a schema.
 */
static void
grant_schema(TenantWork *work, const TenancyModel *model, const char *role,
			 Oid schema)
{
	List	   *sequences = NIL;
	List	   *owners = NIL;
	bool		opened = false;
	ListCell   *lc;

	grant_rights(work, new_grant(model, role, schema, "schema"), ACL_USAGE);
	foreach(lc, tenantschema_tables(schema, false))
	{
		Oid			relid = lfirst_oid(lc);
		AclMode		wanted = table_rights(work, model, relid);
		TenantGrant *grant = new_grant(model, role, schema, "table");

		if (wanted == ACL_NO_RIGHTS)
		{
			tenantwork_note(work, tenanttable_object(relid), "leave");
			continue;
		}
		tenanttable_check_owner(relid);
		if (wanted == TABLE_RIGHTS)
			check_row_security(relid);
		grant->relid = relid;
		grant_rights(work, grant, wanted);
		if ((wanted & ACL_INSERT) != 0)
		{
			sequences = list_concat_unique_oid(sequences,
											   tenantacl_sequences(relid));
			owners = list_append_unique_oid(owners, tenantacl_owner(relid));
		}
	}

	foreach(lc, sequences)
	{
		TenantGrant *grant = new_grant(model, role,
									   get_rel_namespace(lfirst_oid(lc)),
									   "sequence");

		grant->relid = lfirst_oid(lc);
		grant_rights(work, grant, ACL_USAGE);
	}
	foreach(lc, owners)
	{
		char	   *owner = GetUserNameFromId(lfirst_oid(lc), false);
		TenantGrant *grant = new_grant(model, role, schema, "default tables");

		grant->owner = owner;
		opened = grant_rights(work, grant, TABLE_RIGHTS) || opened;
		grant = new_grant(model, role, schema, "default sequences");
		grant->owner = owner;
		grant_rights(work, grant, ACL_USAGE);
	}
	if (opened &&
		(model->guard == TENANT_GUARD_OFF ||
		 catalog_tenancy_schema_model(schema) == NULL))
		ereport(NOTICE,
				(errmsg("a new table in schema \"%s\" is open to role \"%s\" until it is protected",
						get_namespace_name(schema), role),
				 errhint("Have it protected at once: SELECT * FROM migrate_tenant_protect_schema(%s); SELECT * FROM migrate_tenant_guard('protect');",
						 quote_literal_cstr(quote_identifier(get_namespace_name(schema))))));
}

/*
 * The rights that a role of the application is to have on a table; none on
 * one that is not known, and on a version table.
 */
static AclMode
table_rights(const TenantWork *work, const TenancyModel *model, Oid relid)
{
	TenantTable *table = tenantwork_find(work, relid);
	char	   *environment;

	if (table == NULL || strcmp(table->model, model->name) != 0 ||
		catalog_tenancy_is_version_table(relid, &environment))
		return ACL_NO_RIGHTS;
	return table->mode == TENANT_EXEMPT ? ACL_SELECT : TABLE_RIGHTS;
}

/*
 * Raise an error if policies keep nobody from the rows of a table, whatever
 * its row says: somebody has switched them off since.
 */
static void
check_row_security(Oid relid)
{
	bool		enabled;
	bool		forced;
	char	   *name = tenanttable_name(relid);

	tenanttable_row_security(relid, &enabled, &forced);
	if (enabled && forced)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 enabled ? errmsg("row level security of table %s is not forced", name) :
			 errmsg("row level security of table %s is off", name),
			 errdetail("The table was protected, and what was made then was changed."),
			 errhint("Protect it again: SELECT * FROM migrate_tenant_protect(%s);",
					 quote_literal_cstr(name))));
}

static TenantGrant *
new_grant(const TenancyModel *model, const char *role, Oid schema,
		  const char *kind)
{
	TenantGrant *grant = palloc0(sizeof(TenantGrant));

	grant->role = pstrdup(role);
	grant->schema = get_namespace_name(schema);
	grant->schema_key = grant->schema;
	grant->kind = pstrdup(kind);
	grant->owner = "";
	grant->model = model->name;
	return grant;
}

/*
 * Grant those of the wanted rights that the role does not have, and write
 * down which these were.  Returns whether there were any.
 */
static bool
grant_rights(TenantWork *work, TenantGrant *grant, AclMode wanted)
{
	Oid			role = get_role_oid(grant->role, false);
	AclMode		lacking = wanted & ~tenantacl_found(grant, role);
	AclMode		earlier = ACL_NO_RIGHTS;
	ListCell   *lc;

	if (lacking == ACL_NO_RIGHTS)
		return false;
	tenantwork_do(work, grant_object(grant), "grant",
				  grant_sql(grant, tenantacl_names(lacking), true), NULL);
	if (work->dry_run)
		return true;

	/* a GRANT of what one may not grant only warns */
	if ((lacking & ~tenantacl_found(grant, role)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" cannot grant rights on %s",
						GetUserNameFromId(GetUserId(), false),
						grant_object(grant)),
				 errhint("Call it as the owner.")));

	foreach(lc, catalog_tenancy_grants(grant->role, NULL))
	{
		TenantGrant *other = lfirst(lc);

		if (other->relid == grant->relid &&
			strcmp(other->schema, grant->schema) == 0 &&
			strcmp(other->kind, grant->kind) == 0 &&
			strcmp(other->owner, grant->owner) == 0)
			earlier = tenantacl_mode(other->privileges);
	}
	grant->privileges = tenantacl_names(lacking | earlier);
	catalog_tenancy_write_grant(grant);
	return true;
}

/*
 * What the grant is on, as results call it.
 */
static char *
grant_object(const TenantGrant *grant)
{
	if (OidIsValid(grant->relid))
		return psprintf("%s %s", grant->kind, tenanttable_name(grant->relid));
	if (grant->owner[0] != '\0')
		return psprintf("%s of %s in schema %s", grant->kind,
						quote_identifier(grant->owner),
						quote_identifier(grant->schema));
	return psprintf("schema %s", quote_identifier(grant->schema));
}

/*
 * GRANT or REVOKE, or what does that for future tables.
 */
static char *
grant_sql(const TenantGrant *grant, List *privileges, bool is_grant)
{
	const char *verb = is_grant ? "GRANT" : "REVOKE";
	const char *to = is_grant ? "TO" : "FROM";
	char	   *list = textlist_join(privileges, ", ");

	if (OidIsValid(grant->relid))
		return psprintf("%s %s ON %s %s %s %s", verb, list,
						strcmp(grant->kind, "sequence") == 0 ? "SEQUENCE" : "TABLE",
						tenanttable_name(grant->relid), to,
						quote_identifier(grant->role));
	if (grant->owner[0] != '\0')
		return psprintf("ALTER DEFAULT PRIVILEGES FOR ROLE %s IN SCHEMA %s %s %s ON %s %s %s",
						quote_identifier(grant->owner),
						quote_identifier(grant->schema), verb, list,
						strcmp(grant->kind, "default tables") == 0 ? "TABLES" : "SEQUENCES",
						to, quote_identifier(grant->role));
	return psprintf("%s %s ON SCHEMA %s %s %s", verb, list,
					quote_identifier(grant->schema), to,
					quote_identifier(grant->role));
}
