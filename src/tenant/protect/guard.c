/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  migrate_tenant_guard(): what happens to new tables in the schemas of a
 *	  model.
 *
 * An event trigger sees to it, which is made when it is first asked for; what
 * it does is in guardtrigger.c.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/sqlcall.h"
#include "catalog/pg_event_trigger.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "parser/parse_func.h"
#include "tenant/discover/table.h"
#include "tenant/protect/guard.h"
#include "tenant/protect/schema.h"
#include "tenant/registry/registry.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* What there is under the name of the event trigger */
typedef enum GuardTrigger
{
	GUARD_TRIGGER_NONE,
	GUARD_TRIGGER_OTHER,		/* somebody else's */
	GUARD_TRIGGER_DISABLED,
	GUARD_TRIGGER_ENABLED
} GuardTrigger;

PG_FUNCTION_INFO_V1(migrate_tenant_guard);

static TenantGuard guard_arg(const char *name);
static GuardTrigger trigger_state(const TenantWork *work);
static void refuse_other_trigger(void) pg_attribute_noreturn();
static bool is_guarded(const TenancyModel *except);
static char *trigger_function(const TenantWork *work);

/*
 * migrate_tenant_guard(mode, model, dry_run)
 */
Datum
migrate_tenant_guard(PG_FUNCTION_ARGS)
{
	TenantGuard guard = guard_arg(sqlcall_required_text(fcinfo, 0, "mode"));
	char	   *model_name = tenantwork_model_arg(fcinfo, 1);
	TenantWork	work;
	TenancyModel *model;
	ListCell   *lc;

	tenantwork_begin(&work, fcinfo, "migrate_tenant_guard",
					 sqlcall_bool(fcinfo, 2, false));
	model = tenantwork_model(model_name);
	tenanttable_check_owner(model->root);

	/* a schema of another one's may have come to the model later */
	if (guard != TENANT_GUARD_OFF)
	{
		foreach(lc, catalog_tenancy_schema_oids(model_name))
			tenantschema_check_owner(lfirst_oid(lc));
	}
	tenantguard_set(&work, model, guard);
	return (Datum) 0;
}

/*
 * Set the guard of a model, and make or drop the event trigger as is needed.
 */
void
tenantguard_set(TenantWork *work, TenancyModel *model, TenantGuard guard)
{
	bool		needed = guard != TENANT_GUARD_OFF || is_guarded(model);
	GuardTrigger state = trigger_state(work);
	char	   *object = psprintf("event trigger %s", TENANT_EVENT_TRIGGER);

	if (needed && state == GUARD_TRIGGER_OTHER)
		refuse_other_trigger();
	if (model->guard != guard)
	{
		tenantwork_note(work, psprintf("model %s", quote_identifier(model->name)),
						psprintf("guard %s", catalog_tenancy_guard_name(guard)));
		model->guard = guard;
		if (!work->dry_run)
			catalog_tenancy_write_model(model);
	}
	if (needed && state == GUARD_TRIGGER_NONE)
		tenantwork_do(work, object, "create",
					  psprintf("CREATE EVENT TRIGGER " TENANT_EVENT_TRIGGER " ON ddl_command_end "
							   "WHEN TAG IN ('ALTER TABLE', 'CREATE SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') "
							   "EXECUTE FUNCTION %s()", trigger_function(work)), NULL);
	if (needed && state == GUARD_TRIGGER_DISABLED)
		tenantwork_do(work, object, "enable",
					  "ALTER EVENT TRIGGER " TENANT_EVENT_TRIGGER " ENABLE", NULL);
	if (!needed && state == GUARD_TRIGGER_OTHER)
		tenantwork_note(work, object, "leave");
	if (!needed && (state == GUARD_TRIGGER_DISABLED || state == GUARD_TRIGGER_ENABLED))
		tenantwork_do(work, object, "drop",
					  "DROP EVENT TRIGGER " TENANT_EVENT_TRIGGER, NULL);
}

/*
 * What there is under the name of the event trigger.  One that fires in a
 * session that replicates alone does not fire.
 */
static GuardTrigger
trigger_state(const TenantWork *work)
{
	Oid			trigger = get_event_trigger_oid(TENANT_EVENT_TRIGGER, true);
	List	   *function = list_make2(makeString(work->extension_schema),
									  makeString("migrate_tenant_guard_trigger"));
	HeapTuple	tuple;
	Form_pg_event_trigger form;
	GuardTrigger result = GUARD_TRIGGER_OTHER;

	if (!OidIsValid(trigger))
		return GUARD_TRIGGER_NONE;
	tuple = SearchSysCache1(EVENTTRIGGEROID, ObjectIdGetDatum(trigger));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for event trigger %u", trigger);
	form = (Form_pg_event_trigger) GETSTRUCT(tuple);
	if (form->evtfoid == LookupFuncName(function, 0, NULL, true) &&
		strcmp(NameStr(form->evtevent), "ddl_command_end") == 0)
		result = form->evtenabled == TRIGGER_FIRES_ON_ORIGIN ||
			form->evtenabled == TRIGGER_FIRES_ALWAYS ?
			GUARD_TRIGGER_ENABLED : GUARD_TRIGGER_DISABLED;
	ReleaseSysCache(tuple);
	return result;
}

static void
refuse_other_trigger(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("event trigger \"%s\" is not that of the guard",
					TENANT_EVENT_TRIGGER),
			 errdetail("It calls another function, or at another time."),
			 errhint("Give it another name: ALTER EVENT TRIGGER %s RENAME TO ...;",
					 TENANT_EVENT_TRIGGER)));
}

/*
 * The argument "mode"
 */
static TenantGuard
guard_arg(const char *name)
{
	for (int i = TENANT_GUARD_OFF; i <= TENANT_GUARD_REFUSE; i++)
	{
		if (strcmp(name, catalog_tenancy_guard_name((TenantGuard) i)) == 0)
			return (TenantGuard) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown mode \"%s\" of the guard", name),
			 errhint("The modes are \"protect\", \"refuse\" and \"off\".")));
	return TENANT_GUARD_OFF;	/* keep compiler quiet */
}

/*
 * Has another model a guard?
 */
static bool
is_guarded(const TenancyModel *except)
{
	ListCell   *lc;

	foreach(lc, catalog_tenancy_models())
	{
		TenancyModel *model = lfirst(lc);

		if (model->guard != TENANT_GUARD_OFF &&
			strcmp(model->name, except->name) != 0)
			return true;
	}
	return false;
}

static char *
trigger_function(const TenantWork *work)
{
	return quote_qualified_identifier(work->extension_schema,
									  "migrate_tenant_guard_trigger");
}
