/*-------------------------------------------------------------------------
 *
 * model.c
 *	  migrate_tenant_setup(): what a tenant is.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tenant/protect/protect.h"
#include "tenant/registry/registry.h"
#include "tenant/setting/setting.h"
#include "tenant/setup/grant.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(migrate_tenant_setup);

static TenancyModel *model_from_args(FunctionCallInfo fcinfo);
static void check_key(TenancyModel *model);
static void check_roles(const TenancyModel *model);
static void check_setting(const TenancyModel *model);
static void warn_owner(const TenancyModel *model, const char *name, Oid role);
static char *identifying_sql(const TenancyModel *model,
							 const TenantAttribute *key);
static void note_changes(TenantWork *work, const TenancyModel *is,
						 const TenancyModel *wanted);
static void note_change(TenantWork *work, const TenancyModel *model,
						const char *argument, const char *is,
						const char *wanted, bool is_open);
static char *names_text(List *names);
static bool same_model(const TenancyModel *a, const TenancyModel *b);
static void refuse_other_tenant(const TenancyModel *is,
								const TenancyModel *wanted);
static char *model_object(const TenancyModel *model);

/*
 * migrate_tenant_setup(root, key, column_name, app_roles, admin_role, setting,
 *						policy_style, model, dry_run)
 */
Datum
migrate_tenant_setup(PG_FUNCTION_ARGS)
{
	TenancyModel *model = model_from_args(fcinfo);
	TenancyModel *is;
	TenantWork	work;
	List	   *tables;
	ListCell   *lc;

	tenanttable_check(model->root);
	check_key(model);
	check_roles(model);
	check_setting(model);
	tenantwork_begin(&work, fcinfo, "migrate_tenant_setup",
					 sqlcall_bool(fcinfo, 8, false));
	tenanttable_check_owner(model->root);

	is = catalog_tenancy_model(model->name);
	if (is == NULL)
	{
		tenantwork_note(&work, model_object(model), "register");
		if (!work.dry_run)
			catalog_tenancy_write_model(model);
		return (Datum) 0;
	}

	model->guard = is->guard;
	if (same_model(is, model))
		return (Datum) 0;
	refuse_other_tenant(is, model);
	note_changes(&work, is, model);
	tenantwork_note(&work, model_object(model), "update registration");
	if (!work.dry_run)
		catalog_tenancy_write_model(model);

	/* what is protected follows the model */
	tables = list_copy(work.tables);
	foreach(lc, tables)
	{
		TenantTable *table = lfirst(lc);

		if (strcmp(table->model, model->name) == 0 &&
			table->mode != TENANT_EXEMPT &&
			(table->mode != TENANT_PARTITION ||
			 (tenantwork_is_detached(&work, table) &&
			  !OidIsValid(tenanttable_partition_root(table->relid)))))
			tenantprotect_again(&work, model, table);
	}
	return (Datum) 0;
}

/*
 * The model that the arguments of migrate_tenant_setup() describe.
 */
static TenancyModel *
model_from_args(FunctionCallInfo fcinfo)
{
	TenancyModel *model = palloc0(sizeof(TenancyModel));
	char	   *style;
	ListCell   *lc;

	model->root = tenantwork_oid_arg(fcinfo, 0, "root");
	model->key = tenantwork_name_arg(fcinfo, 1, "key");
	model->column_name = tenantwork_name_arg(fcinfo, 2, "column_name");
	foreach(lc, tenantwork_names_arg(fcinfo, 3, "app_roles"))
	{
		if (!textlist_member(model->app_roles, lfirst(lc)))
			model->app_roles = lappend(model->app_roles, lfirst(lc));
	}
	model->admin_role = tenantwork_name_arg(fcinfo, 4, "admin_role");
	model->setting = sqlcall_text(fcinfo, 5);
	style = sqlcall_text(fcinfo, 6);
	model->name = tenantwork_model_arg(fcinfo, 7);

	if (!PG_ARGISNULL(3) && model->app_roles == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"app_roles\" names no role"),
				 errhint("If the policies are for every role: app_roles => '{public}'")));
	if (model->key == NULL)
		model->key = "id";
	if (model->column_name == NULL)
		model->column_name = "tenant_id";
	if (model->app_roles == NIL)
		model->app_roles = list_make1("public");
	if (model->setting == NULL)
		model->setting = TENANT_SETTING;
	model->is_inline = style != NULL && strcmp(style, "inline") == 0;
	if (style != NULL && !model->is_inline && strcmp(style, "function") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown policy style \"%s\"", style),
				 errhint("The styles are \"function\", which is the faster one, and \"inline\", which can be restored without the extension.")));
	return model;
}

/*
 * Raise an error unless the key identifies a tenant; note its type.
 */
static void
check_key(TenancyModel *model)
{
	TenantAttribute *key = tenanttable_attribute(model->root, model->key);
	char	   *name = tenanttable_name(model->root);

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", name, model->key),
				 errhint("Name the column that identifies a tenant: key => '...'")));
	if (!key->not_null || !tenantkey_is_unique(model->root, model->key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table %s does not identify a row",
						model->key, name),
				 errhint("It needs a primary key, or a unique constraint and NOT NULL: %s;",
						 identifying_sql(model, key))));
	model->tenant_type = key->type;
	if (!model->is_inline && key->type != UUIDOID && key->type != INT8OID &&
		key->type != INT4OID && key->type != INT2OID &&
		key->type != TEXTOID && key->type != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("policy style \"function\" knows no tenants of type %s",
						format_type_be(key->type)),
				 errdetail("It knows uuid, bigint, integer, smallint, text and character varying."),
				 errhint("Use the other style: policy_style => 'inline'")));

	/* whatever the style, a text is cast to the type of the key */
	if (key->type == CHAROID || key->type == NAMEOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tenants cannot be of type %s",
						format_type_be(key->type)),
				 errdetail("A text that is too long for the type is cut off, and would be taken for another tenant."),
				 errhint("ALTER TABLE %s ALTER COLUMN %s TYPE text;", name,
						 quote_identifier(model->key))));
	tenanttable_check_collation(model->root, model->key);
}

/*
 * The statement that has the key identify a row.  A table has one primary key
 * at most.
 */
static char *
identifying_sql(const TenancyModel *model, const TenantAttribute *key)
{
	char	   *name = tenanttable_name(model->root);
	const char *column = quote_identifier(model->key);

	if (tenantkey_is_unique(model->root, model->key))
		return psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
						name, column);
	if (tenantkey_primary(model->root) == NIL)
		return psprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", name, column);
	if (key->not_null)
		return psprintf("ALTER TABLE %s ADD UNIQUE (%s)", name, column);
	return psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL, ADD UNIQUE (%s)",
					name, column, column);
}

/*
 * Raise an error for a role that does not exist, and for roles that would
 * undo what the policies do.
 */
static void
check_roles(const TenancyModel *model)
{
	Oid			admin = InvalidOid;
	ListCell   *lc;

	if (model->admin_role != NULL)
		admin = get_role_oid(model->admin_role, false);
	foreach(lc, model->app_roles)
	{
		char	   *name = lfirst(lc);
		Oid			role;

		if (strcmp(name, "public") == 0)
		{
			if (OidIsValid(admin))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("an admin role needs app roles other than PUBLIC"),
						 errdetail("What keeps PUBLIC to one tenant keeps every role to it, role \"%s\" too.",
								   model->admin_role),
						 errhint("Name the roles that the application uses: app_roles => '{...}'")));
			continue;
		}
		role = get_role_oid(name, false);
		if (!OidIsValid(admin))
		{
			tenantacl_check_role(model, name, role, NIL);
			warn_owner(model, name, role);
			continue;
		}
		if (is_member_of_role_nosuper(role, admin))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("app role \"%s\" is a member of the admin role \"%s\"",
							name, model->admin_role),
					 errdetail("It would see the rows of all tenants.")));
		if (is_member_of_role_nosuper(admin, role))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("admin role \"%s\" is a member of the app role \"%s\"",
							model->admin_role, name),
					 errdetail("It would be kept to one tenant, as the app role is.")));
		tenantacl_check_role(model, name, role, NIL);
		warn_owner(model, name, role);
	}
}

/*
 * Warn of an app role that can do what the owner of the root can.  Policies do
 * bind it, and it can drop them.
 */
static void
warn_owner(const TenancyModel *model, const char *name, Oid role)
{
	Oid			owner = tenanttable_owner(model->root);

	if (!is_member_of_role_nosuper(role, owner))
		return;
	ereport(WARNING,
			(errcode(ERRCODE_INVALID_GRANT_OPERATION),
			 role == owner ?
			 errmsg("app role \"%s\" is the owner of table %s",
					name, tenanttable_name(model->root)) :
			 errmsg("app role \"%s\" is a member of \"%s\", the owner of table %s",
					name, GetUserNameFromId(owner, false),
					tenanttable_name(model->root)),
			 errdetail("It can switch row level security off, and migrate_tenant_grant() refuses it."),
			 errhint("Use a role of its own for the application: CREATE ROLE ... LOGIN NOSUPERUSER NOBYPASSRLS;")));
}

/*
 * Say what a call changes of a model that is there.  An argument that is left
 * out has its default, and not what was set before.
 */
static void
note_changes(TenantWork *work, const TenancyModel *is,
			 const TenancyModel *wanted)
{
	if (get_rel_name(is->root) != NULL)
		note_change(work, is, "root", tenanttable_name(is->root),
					tenanttable_name(wanted->root), false);
	note_change(work, is, "key", is->key, wanted->key, false);
	note_change(work, is, "column_name", is->column_name,
				wanted->column_name, false);
	if (!textlist_equal(is->app_roles, wanted->app_roles))
		note_change(work, is, "app_roles", names_text(is->app_roles),
					names_text(wanted->app_roles),
					!textlist_member(is->app_roles, "public") &&
					textlist_member(wanted->app_roles, "public"));
	note_change(work, is, "admin_role", is->admin_role, wanted->admin_role,
				false);
	note_change(work, is, "setting", is->setting, wanted->setting, false);
	note_change(work, is, "policy_style",
				is->is_inline ? "inline" : "function",
				wanted->is_inline ? "inline" : "function", false);
}

/*
 * Say how one thing changes.  "is_open" is for what lets everybody in.
 */
static void
note_change(TenantWork *work, const TenancyModel *model,
			const char *argument, const char *is, const char *wanted,
			bool is_open)
{
	if (is == wanted || (is != NULL && wanted != NULL && strcmp(is, wanted) == 0))
		return;
	tenantwork_note(work, model_object(model),
					psprintf("change %s from %s to %s", argument,
							 is != NULL ? is : "NULL",
							 wanted != NULL ? wanted : "NULL"));
	ereport(is_open ? WARNING : NOTICE,
			(errmsg("\"%s\" of tenant model \"%s\" changes from %s to %s",
					argument, model->name,
					is != NULL ? is : "NULL",
					wanted != NULL ? wanted : "NULL"),
			 is_open ?
			 errdetail("The policies are for every role from now on.") : 0,
			 errhint("An argument that is left out has its default.  To leave it as it is: %s => %s",
					 argument,
					 is != NULL ? quote_literal_cstr(is) : "NULL")));
}

/*
 * The names of roles as they stand in an array.
 */
static char *
names_text(List *names)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(TEXTARRAYOID, &output, &is_varlena);
	return OidOutputFunctionCall(output, textlist_to_array(names));
}

/*
 * Raise an error unless the setting is one that can hold a tenant.
 */
static void
check_setting(const TenancyModel *model)
{
	const char *dot = strchr(model->setting, '.');

	if (dot == NULL || dot == model->setting || dot[1] == '\0' ||
		strspn(model->setting, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$") != strlen(model->setting) ||
		strchr("0123456789$", model->setting[0]) != NULL ||
		strchr("0123456789$.", dot[1]) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a setting: \"%s\"", model->setting),
				 errhint("It has two parts, such as 'app.tenant'.")));
	if (!tenant_is_setting(model->setting))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the setting \"%s\" cannot hold a tenant",
						model->setting),
				 errdetail("It belongs to an extension, for which it means something else."),
				 errhint("Choose a name that is nobody's, such as 'app.tenant'.")));
	if (!model->is_inline && strcmp(model->setting, TENANT_SETTING) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("policy style \"function\" reads the setting \"%s\" and no other",
						TENANT_SETTING),
				 errhint("Use the other style: policy_style => 'inline'")));
}

static bool
same_model(const TenancyModel *a, const TenancyModel *b)
{
	return a->root == b->root && strcmp(a->key, b->key) == 0 &&
		strcmp(a->column_name, b->column_name) == 0 &&
		textlist_equal(a->app_roles, b->app_roles) &&
		(a->admin_role == NULL) == (b->admin_role == NULL) &&
		(a->admin_role == NULL || strcmp(a->admin_role, b->admin_role) == 0) &&
		strcmp(a->setting, b->setting) == 0 &&
		a->is_inline == b->is_inline && a->tenant_type == b->tenant_type;
}

/*
 * Raise an error if a model that is in use would get another kind of tenant.
 */
static void
refuse_other_tenant(const TenancyModel *is, const TenancyModel *wanted)
{
	if (is->root == wanted->root && strcmp(is->key, wanted->key) == 0 &&
		is->tenant_type == wanted->tenant_type)
		return;
	if (catalog_tenancy_tables(is->name) == NIL &&
		catalog_tenancy_columns(is->name) == NIL &&
		catalog_tenancy_links(is->name) == NIL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("tenant model \"%s\" is in use", is->name),
			 errdetail("Its root is column \"%s\" of table %s.", is->key,
					   tenanttable_name(is->root)),
			 errhint("Give the new model a name of its own: model => '...'")));
}

static char *
model_object(const TenancyModel *model)
{
	return psprintf("model %s", quote_identifier(model->name));
}
