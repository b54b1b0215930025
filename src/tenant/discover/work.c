/*-------------------------------------------------------------------------
 *
 * work.c
 *	  What a function that sets tenants up does, step by step, and says.
 *
 * Every such function finds out what is missing from what it is to bring
 * about, and does just that.  A step is a statement that runs as the caller,
 * whose rights decide, or a change of a row of ours.  Each step is a row of
 * the function's result; a dry run returns the same rows and changes nothing.
 *
 * Statements name everything with its schema and run with a search path that
 * holds pg_catalog alone, so that an operator in them is the server's own.
 * They run with row_security off: where the server itself reads a table, for
 * a foreign key say, row level security that binds the caller is an error
 * then, and does not pass off for an empty table.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/sqlcall.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "script/script.h"
#include "tcop/utility.h"
#include "tenant/discover/table.h"
#include "tenant/discover/work.h"
#include "tenant/registry/registry.h"
#include "tenant/setting/setting.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#define NCOLUMNS 3

/* is a statement of ours being run in this session? */
static bool is_running = false;

static void put_row(TenantWork *work, const char *object, const char *action,
					const char *sql);

/*
 * Begin a call of a function that returns rows (object, action, sql).
 *
 * Raises an error where nothing may be written, unless it is a dry run; else
 * takes the lock under which the tenant tables are written.
 */
void
tenantwork_begin(TenantWork *work, FunctionCallInfo fcinfo,
				 const char *function, bool dry_run)
{
	char	   *command = psprintf("%s()", function);

	if (!dry_run)
	{
		PreventCommandDuringRecovery(command);
		PreventCommandIfReadOnly(command);
		PreventCommandIfParallelMode(command);

		/* what is made would become a member of that extension */
		if (creating_extension)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s cannot be called from an extension's script",
							command),
					 errhint("Call it after CREATE EXTENSION has finished.")));

		/* a row that cannot be seen cannot be changed either */
		if (IsolationUsesXactSnapshot())
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s needs a READ COMMITTED transaction", command),
					 errdetail("This transaction has the isolation level %s, in which it could not see what another session did a moment ago.",
							   IsolationIsSerializable() ? "SERIALIZABLE" : "REPEATABLE READ"),
					 errhint("BEGIN ISOLATION LEVEL READ COMMITTED; or, for the session, SET default_transaction_isolation = 'read committed';")));
	}
	tenantwork_begin_silently(work, fcinfo, dry_run);
	work->rsinfo = sqlcall_begin_rows(fcinfo, NCOLUMNS);
}

/*
 * Begin work whose rows nobody looks at.
 */
void
tenantwork_begin_silently(TenantWork *work, FunctionCallInfo fcinfo,
						  bool dry_run)
{
	if (!dry_run)
	{
		catalog_tenancy_lock();
		catalog_tenancy_refresh();
	}
	tenantwork_begin_unlocked(work, fcinfo);
	work->dry_run = dry_run;
}

/*
 * Begin work on tables that only this transaction knows of, or whose locks
 * keep others from working on them.
 */
void
tenantwork_begin_unlocked(TenantWork *work, FunctionCallInfo fcinfo)
{
	memset(work, 0, sizeof(TenantWork));
	work->tables = catalog_tenancy_tables(NULL);
	work->map = palloc0(sizeof(TenantMap));
	work->map->context = CurrentMemoryContext;
	work->extension_schema =
		get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));
}

/*
 * Take a step: a statement that runs as the caller.
 *
 * "missing" is how migrate_tenant_plan() calls what the step brings about;
 * NULL if it takes something away.
 */
void
tenantwork_do(TenantWork *work, const char *object, const char *action,
			  const char *sql, const char *missing)
{
	put_row(work, object, action, psprintf("%s;", sql));
	if (missing != NULL)
		work->missing = lappend(work->missing, pstrdup(missing));
	if (!work->dry_run)
	{
		(void) tenantwork_execute(sql, true);
		work->map->places = NULL;
	}
}

/*
 * Take a step that brings back what the owner of a table had written.
 *
 * To parse an expression can be to run code: a constant of a domain has its
 * checks called.  So it is the owner who does it, whoever called us, and who
 * gets nowhere from there, as when the server makes an index anew.
 */
void
tenantwork_do_as_owner(TenantWork *work, Oid relid, const char *object,
					   const char *action, const char *sql)
{
	Oid			save_userid;
	int			save_sec_context;

	put_row(work, object, action, psprintf("%s;", sql));
	if (work->dry_run)
		return;
	tenantwork_become_owner(relid, &save_userid, &save_sec_context);
	(void) tenantwork_execute(sql, true);
	SetUserIdAndSecContext(save_userid, save_sec_context);
}

/*
 * Become the owner of a table, in a security-restricted operation.
 *
 * The caller goes back with SetUserIdAndSecContext(); after an error the end of
 * the (sub)transaction does.
 */
void
tenantwork_become_owner(Oid relid, Oid *save_userid, int *save_sec_context)
{
	GetUserIdAndSecContext(save_userid, save_sec_context);
	SetUserIdAndSecContext(tenanttable_owner(relid),
						   *save_sec_context | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
}

/*
 * Report a statement that cannot be run.
 */
void
tenantwork_refuse(TenantWork *work, const char *object, const char *action,
				  const char *sql)
{
	put_row(work, object, action, psprintf("%s;", sql));
}

/*
 * Take a step that changes rows of the user's, with its triggers, and is not
 * worth a word if there were none.
 */
void
tenantwork_fill(TenantWork *work, const char *object, const char *sql)
{
	if (work->dry_run || tenantwork_execute(sql, false) > 0)
		put_row(work, object, "fill", psprintf("%s;", sql));
}

/*
 * Report what is no statement: a change of a row of ours, or something that
 * is left as it is.
 */
void
tenantwork_note(TenantWork *work, const char *object, const char *action)
{
	put_row(work, object, action, NULL);
}

static void
put_row(TenantWork *work, const char *object, const char *action,
		const char *sql)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS];

	if (work->rsinfo == NULL)
		return;
	sqlcall_set_text(values, nulls, 0, object);
	sqlcall_set_text(values, nulls, 1, action);
	sqlcall_set_text(values, nulls, 2, sql);
	sqlcall_put_row(work->rsinfo, values, nulls);
}

/*
 * Is a statement of ours being run?  Then it was not the user who made a
 * table, or altered one.
 */
bool
tenantwork_is_ours(void)
{
	return is_running;
}

/*
 * Have names and constants mean, and be written, what they mean everywhere,
 * whatever the session has set.  Returns the nest level of settings, which the
 * caller ends.
 */
int
tenantwork_pin_settings(void)
{
	int			nestlevel = NewGUCNestLevel();

	script_pin_lexer();
	bookkeeping_pin_setting("search_path", "pg_catalog, pg_temp");
	bookkeeping_pin_setting("DateStyle", "ISO");
	bookkeeping_pin_setting("IntervalStyle", "postgres");
	bookkeeping_pin_setting("extra_float_digits", "3");
	bookkeeping_pin_setting("quote_all_identifiers", "off");
	return nestlevel;
}

/*
 * Run a statement as the caller, and return how many rows it processed.
 *
 * One that fires triggers of the user's tables runs with the settings of the
 * session, for the triggers' sake, and has to be written accordingly.
 */
uint64
tenantwork_execute(const char *sql, bool pin)
{
	bool		save_running = is_running;
	volatile int nestlevel = pin ? tenantwork_pin_settings() : NewGUCNestLevel();
	volatile int rc = 0;
	uint64		processed;

	bookkeeping_pin_setting("row_security", "off");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	is_running = is_running || pin;
	PG_TRY();
	{
		rc = SPI_execute(sql, false, 0);
	}
	PG_FINALLY();
	{
		is_running = save_running;
	}
	PG_END_TRY();
	if (rc < 0)
		elog(ERROR, "unexpected result of \"%s\": %s",
			 sql, SPI_result_code_string(rc));
	processed = SPI_processed;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	AtEOXact_GUC(false, nestlevel);
	CommandCounterIncrement();
	return processed;
}

/*
 * The row of a table, as it stands or (dry run) would stand, or NULL.
 */
TenantTable *
tenantwork_find(const TenantWork *work, Oid relid)
{
	ListCell   *lc;

	foreach(lc, work->tables)
	{
		TenantTable *table = lfirst(lc);

		if (table->relid == relid)
			return table;
	}
	return NULL;
}

/*
 * The row of the table above, at any distance, that is protected by itself;
 * NULL if there is none.
 */
TenantTable *
tenantwork_above(const TenantWork *work, Oid relid)
{
	ListCell   *lc;

	foreach(lc, tenanttable_above(relid))
	{
		TenantTable *table = tenantwork_find(work, lfirst_oid(lc));

		if (table == NULL || table->mode == TENANT_PARTITION)
			table = tenantwork_above(work, lfirst_oid(lc));
		if (table != NULL && table->mode != TENANT_EXEMPT)
			return table;
	}
	return NULL;
}

/*
 * Was a table protected as part of another, and is below none any more?
 */
bool
tenantwork_is_detached(const TenantWork *work, const TenantTable *table)
{
	return table->mode == TENANT_PARTITION &&
		tenantwork_above(work, table->relid) == NULL;
}

/*
 * Write the row of a table.
 */
void
tenantwork_remember(TenantWork *work, TenantTable *table)
{
	if (tenantwork_find(work, table->relid) == NULL)
		work->tables = lappend(work->tables, table);
	work->map->places = NULL;
	if (!work->dry_run)
	{
		catalog_tenancy_write_table(table);
		table->is_stored = true;
	}
}

/*
 * Delete the row of a table.
 */
void
tenantwork_forget(TenantWork *work, TenantTable *table)
{
	if (!work->dry_run)
		catalog_tenancy_delete_table(table->relid);

	work->map->places = NULL;

	/* loops over the list go on over what it was */
	work->tables = list_delete_ptr(list_copy(work->tables), table);
}

/*
 * The model of that name.  Raises an error if there is none.
 */
TenancyModel *
tenantwork_model(const char *name)
{
	TenancyModel *model = catalog_tenancy_model(name);

	if (model == NULL)
		catalog_tenant_missing(name);
	if (get_rel_name(model->root) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the root of tenant model \"%s\" was dropped", name),
				 errhint("SELECT * FROM migrate_tenant_teardown(%s, cascade => true);",
						 quote_literal_cstr(name))));
	return model;
}

/*
 * An argument of type name, or NULL.
 */
char *
tenantwork_name_arg(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		return NULL;
	if (NameStr(*PG_GETARG_NAME(argno))[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", name)));
	return pstrdup(NameStr(*PG_GETARG_NAME(argno)));
}

/*
 * The argument "model".
 */
char *
tenantwork_model_arg(FunctionCallInfo fcinfo, int argno)
{
	char	   *result = tenantwork_name_arg(fcinfo, argno, "model");

	return result != NULL ? result : pstrdup(TENANT_DEFAULT_MODEL);
}

/*
 * An argument of type regclass or regnamespace, which must be given.
 */
Oid
tenantwork_oid_arg(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
	return PG_GETARG_OID(argno);
}

/*
 * An argument of type name[] as a List of C strings; NULL gives an empty one.
 */
List *
tenantwork_names_arg(FunctionCallInfo fcinfo, int argno, const char *name)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *result = NIL;

	if (PG_ARGISNULL(argno))
		return NIL;
	array = PG_GETARG_ARRAYTYPE_P(argno);
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", name)));
		result = lappend(result, pstrdup(NameStr(*DatumGetName(elements[i]))));
	}
	return result;
}

/*
 * An argument of type regclass[] or regnamespace[] as a List of OIDs.
 */
List *
tenantwork_oids_arg(FunctionCallInfo fcinfo, int argno, const char *name,
					Oid element_type)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *result = NIL;

	if (PG_ARGISNULL(argno))
		return NIL;
	array = PG_GETARG_ARRAYTYPE_P(argno);
	deconstruct_array(array, element_type, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", name)));
		result = list_append_unique_oid(result, DatumGetObjectId(elements[i]));
	}
	return result;
}
