/*-------------------------------------------------------------------------
 *
 * probe.c
 *	  Trying one thing as a role of the application, and reading the outcome.
 *
 * A probe runs in a subtransaction that is rolled back whatever happens, and
 * with it go the rows, the settings and the user id.  While it runs, code of
 * users may run: policies, triggers, defaults, views.  It has the rights of
 * the role, as if the caller had said SET ROLE, but unlike then it cannot
 * become the caller again: SECURITY_LOCAL_USERID_CHANGE refuses SET ROLE.
 *
 * What the outcome means.  Row security is checked after BEFORE triggers and
 * after the partition was found, and before everything else.  So an error
 * that row security raises is what is hoped for; one of a constraint of the
 * table proves that row security had let the row pass; and any other error
 * may come from before the check and proves nothing.  Which function of the
 * server raised an error tells more than its SQLSTATE: 42501 is also what a
 * trigger, a sequence or a function in the policy may fail with.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "tenant/selftest/selftest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* how long to wait for a lock, in milliseconds */
#define LOCK_TIMEOUT 1000

/* What became of a row that was written */
typedef enum ProbeRow
{
	ROW_MEANT,					/* it is there as it was meant, or nobody
								 * looked */
	ROW_SETTLED,				/* it is there with the right tenant */
	ROW_LOST					/* neither is to be found */
} ProbeRow;

/* What happened */
typedef struct ProbeOutcome
{
	bool		is_skipped;		/* the setting has a default of its own */
	uint64		processed;		/* rows */
	ProbeRow	row;
} ProbeOutcome;

/* What run_probe() gets */
typedef struct ProbeWork
{
	const SelftestProbe *probe;
	ProbeOutcome *outcome;
	Oid			caller;
	int			sec_context;
} ProbeWork;

static void run_probe(void *arg);
static void set_tenant(const SelftestProbe *probe);
static void set_local(const char *name, const char *value);
static bool is_written(const SelftestProbe *probe, const char *condition);
static SelftestResult read_success(const SelftestProbe *probe,
								   const ProbeOutcome *outcome, char **detail);
static SelftestResult read_error(const SelftestProbe *probe,
								 const ErrorData *error, char **detail);
static bool is_raised_by(const ErrorData *error, const char *function);
static bool is_nested(const ErrorData *error, const char *sql);
static bool is_constraint_of(const ErrorData *error, Oid relid);
static bool lacks_rights(const SelftestProbe *probe);

/*
 * Try something.  detail is set to a sentence, without full stop, or NULL.
 */
SelftestResult
selftest_run(const SelftestProbe *probe, char **detail)
{
	ProbeOutcome outcome = {0};
	ProbeWork	work = {0};
	ErrorData  *error;

	work.probe = probe;
	work.outcome = &outcome;
	GetUserIdAndSecContext(&work.caller, &work.sec_context);
	*detail = NULL;
	if (!selftest_guarded(run_probe, &work, &error))
		return read_error(probe, error, detail);
	return read_success(probe, &outcome, detail);
}

/*
 * Do a piece of work in a subtransaction that is rolled back, with SPI
 * connected.  False means that it failed, with the error in *error, in the
 * current memory context.  What the work wants to keep it has to put into
 * memory that was there before.
 *
 * What a user asks the backend to do, as to cancel, is no failure of the work
 * but raised again.
 */
bool
selftest_guarded(void (*work) (void *arg), void *arg, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile caught = NULL;

	*error = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		/* contexts of callers are no part of what goes wrong in here */
		error_context_stack = NULL;

		set_local("row_security", "on");
		set_local("client_min_messages", "error");
		if (LockTimeout == 0 || LockTimeout > LOCK_TIMEOUT)
			set_local("lock_timeout", psprintf("%d", LOCK_TIMEOUT));

		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		work(arg);
		if (SPI_finish() != SPI_OK_FINISH)
			elog(ERROR, "SPI_finish failed");

		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		caught = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();

	if (caught != NULL &&
		ERRCODE_TO_CATEGORY(caught->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(caught);
	*error = caught;
	return caught == NULL;
}

/*
 * The work of a probe.
 */
static void
run_probe(void *arg)
{
	ProbeWork  *work = arg;
	const SelftestProbe *probe = work->probe;
	int			count = list_length(probe->values);
	Oid		   *types = palloc(sizeof(Oid) * (count + 1));
	Datum	   *values = palloc(sizeof(Datum) * (count + 1));
	char	   *nulls = palloc(count + 1);
	ListCell   *lc;
	int			rc;

	foreach(lc, probe->values)
	{
		SelftestValue *value = lfirst(lc);
		int			i = foreach_current_index(lc);

		types[i] = value->type;
		values[i] = value->value;
		nulls[i] = value->isnull ? 'n' : ' ';
	}

	SetUserIdAndSecContext(probe->role,
						   work->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	set_tenant(probe);
	if (probe->state == SELFTEST_UNSET)
	{
		const char *value = GetConfigOption(probe->setting, true, false);

		if (value != NULL && value[0] != '\0')
		{
			work->outcome->is_skipped = true;
			return;
		}
	}

	if (probe->prepare != NULL && SPI_execute(probe->prepare, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", probe->prepare);
	rc = SPI_execute_with_args(probe->sql, count, types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", probe->sql,
			 SPI_result_code_string(rc));
	work->outcome->processed = SPI_processed;

	if (probe->confirm != NULL && SPI_processed > 0)
	{
		SetUserIdAndSecContext(work->caller, work->sec_context);
		if (is_written(probe, probe->confirm))
			work->outcome->row = ROW_MEANT;
		else if (probe->settled != NULL && is_written(probe, probe->settled))
			work->outcome->row = ROW_SETTLED;
		else
			work->outcome->row = ROW_LOST;
	}
}

/*
 * Set the tenant as the role would, with its right to do so.
 */
static void
set_tenant(const SelftestProbe *probe)
{
	const char *value = NULL;

	switch (probe->state)
	{
		case SELFTEST_TENANT:
			value = probe->tenant;
			break;
		case SELFTEST_EMPTY:
			value = "";
			break;
		case SELFTEST_UNSET:
			/* to reset what was never set would make it known */
			if (GetConfigOption(probe->setting, true, false) == NULL)
				return;
			break;
	}
	set_local(probe->setting, value);
}

/*
 * Set a configuration parameter until the subtransaction ends; NULL resets it.
 */
static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value,
							 superuser() ? PGC_SUSET : PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * Was a row written for which a condition holds?  Not if the table is gone,
 * which code that does the writing instead may have dropped.
 */
static bool
is_written(const SelftestProbe *probe, const char *condition)
{
	char	   *name = get_rel_name(probe->base);
	TupleDesc	desc;

	if (name == NULL)
		return false;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(probe->base)),
									  name);
	return selftest_read(probe->bases,
						 psprintf("SELECT 1 FROM %s AS t WHERE "
								  "t.xmin OPERATOR(pg_catalog.=) '%u'::pg_catalog.xid AND %s LIMIT 1",
								  name, GetCurrentTransactionId(), condition),
						 &desc) != NIL;
}

static SelftestResult
read_success(const SelftestProbe *probe, const ProbeOutcome *outcome,
			 char **detail)
{
	if (outcome->is_skipped)
	{
		*detail = psprintf("\"%s\" is never unset here: it has a default, of the role, the database or the server",
						   probe->setting);
		return SELFTEST_INCONCLUSIVE;
	}

	switch (probe->kind)
	{
		case SELFTEST_READ:
		case SELFTEST_SEE:
			if (outcome->processed == 0)
				return SELFTEST_OK;
			*detail = pstrdup(probe->leak);
			return SELFTEST_LEAK;

		case SELFTEST_WRITE:
		case SELFTEST_TAKE:
		case SELFTEST_REFER:
			if (outcome->processed == 0)
			{
				*detail = "no row was written: the tenant may not see its own, or a trigger or a rule kept it away";
				return SELFTEST_INCONCLUSIVE;
			}
			if (outcome->row == ROW_SETTLED)
			{
				*detail = "a trigger put the tenant right";
				return SELFTEST_OK;
			}
			if (outcome->row == ROW_LOST && probe->kind == SELFTEST_TAKE)
			{
				*detail = "there was no conflict; a trigger may have changed the key";
				return SELFTEST_INCONCLUSIVE;
			}

			/* what nothing could change is there though the caller sees none */
			if (outcome->row == ROW_LOST &&
				(probe->has_trigger || probe->has_rule))
			{
				*detail = "the row that was written is not to be found: a trigger or a rule may have changed it, or you do not see it";
				return SELFTEST_INCONCLUSIVE;
			}
			*detail = pstrdup(probe->leak);
			return SELFTEST_LEAK;

		case SELFTEST_OWN:
			if (outcome->processed > 0)
				return SELFTEST_OK;
			*detail = "the tenant does not see its own row either; what is refused beside that proves little";
			return SELFTEST_INCONCLUSIVE;
	}
	return SELFTEST_INCONCLUSIVE;	/* keep compiler quiet */
}

static SelftestResult
read_error(const SelftestProbe *probe, const ErrorData *error, char **detail)
{
	/* the row that SELFTEST_TELL tells of */
	if (error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION &&
		probe->kind == SELFTEST_SEE &&
		strstr(error->message, SELFTEST_MARK) != NULL)
	{
		*detail = pstrdup(probe->leak);
		return SELFTEST_LEAK;
	}

	*detail = psprintf("%s (SQLSTATE %s)", error->message,
					   unpack_sql_state(error->sqlerrcode));
	if (is_nested(error, probe->sql))
		return SELFTEST_INCONCLUSIVE;

	/* which table it is about is in the words of the message alone */
	if (probe->has_rule &&
		(is_raised_by(error, "ExecWithCheckOptions") ||
		 (error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION &&
		  !is_constraint_of(error, probe->base))))
	{
		*detail = psprintf("a rule may have written to another table, which refused it: %s",
						   *detail);
		return SELFTEST_INCONCLUSIVE;
	}

	/* refused by row security, or for want of the right to do it at all */
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		(is_raised_by(error, "ExecWithCheckOptions") ||
		 (is_raised_by(error, "aclcheck_error") && lacks_rights(probe))))
	{
		if (probe->kind == SELFTEST_OWN)
			return SELFTEST_INCONCLUSIVE;
		if (is_raised_by(error, "ExecWithCheckOptions"))
			*detail = NULL;
		return SELFTEST_OK;
	}

	/* of foreign keys that is known to be after rows were written or deleted */
	if (probe->kind != SELFTEST_REFER && probe->kind != SELFTEST_TAKE &&
		(error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ||
		 (probe->kind == SELFTEST_WRITE && is_constraint_of(error, probe->base))))
	{
		if (probe->has_trigger)
		{
			*detail = psprintf("a trigger may have changed the row before a constraint stopped it: %s",
							   *detail);
			return SELFTEST_INCONCLUSIVE;
		}
		*detail = psprintf("%s; nothing but a constraint stopped this one: %s",
						   probe->leak, *detail);
		return SELFTEST_LEAK;
	}
	if (probe->kind == SELFTEST_REFER &&
		error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION &&
		is_constraint_of(error, probe->base))
	{
		*detail = NULL;
		return SELFTEST_OK;
	}
	return SELFTEST_INCONCLUSIVE;
}

/*
 * Was an error raised by a function of the server's?
 */
static bool
is_raised_by(const ErrorData *error, const char *function)
{
	return error->funcname != NULL && strcmp(error->funcname, function) == 0;
}

/*
 * Was an error raised by a statement below that of the probe?  Each level
 * adds lines to the context, whose words depend on the language.
 */
static bool
is_nested(const ErrorData *error, const char *sql)
{
	int			lines = 0;

	if (error->context == NULL)
		return false;
	for (const char *c = error->context; *c != '\0'; c++)
		lines += *c == '\n';
	for (const char *c = sql; *c != '\0'; c++)
		lines -= *c == '\n';
	return lines > 0;
}

/*
 * Is it a constraint of a table, or of a partition or child of it, that was
 * violated?  All are checked after row security.  The errors of a domain and
 * of a row that fits no partition carry the same SQLSTATEs, but the former no
 * name of a table, and the latter none of a constraint or a column.
 */
static bool
is_constraint_of(const ErrorData *error, Oid relid)
{
	Oid			schema;
	Oid			found;

	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
		ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		error->schema_name == NULL || error->table_name == NULL ||
		(error->constraint_name == NULL && error->column_name == NULL))
		return false;
	schema = get_namespace_oid(error->schema_name, true);
	if (!OidIsValid(schema))
		return false;
	found = get_relname_relid(error->table_name, schema);
	return found == relid ||
		list_member_oid(find_all_inheritors(relid, NoLock, NULL), found);
}

/*
 * Has the role a right on a table, or on one column of it?  With no column
 * given one on any column is enough.
 */
bool
selftest_has_right(Oid relid, Oid role, AclMode mode, const char *column)
{
	AttrNumber	attnum;

	if (pg_class_aclcheck(relid, role, mode) == ACLCHECK_OK)
		return true;
	if (column == NULL)
		return pg_attribute_aclcheck_all(relid, role, mode, ACLMASK_ANY) == ACLCHECK_OK;
	attnum = get_attnum(relid, column);
	return attnum != InvalidAttrNumber &&
		pg_attribute_aclcheck(relid, attnum, role, mode) == ACLCHECK_OK;
}

/*
 * Does the role lack a right that the probe needs?  Only then permission
 * denied is the last word: it may also be that of a sequence, or of a
 * function in a policy.
 */
static bool
lacks_rights(const SelftestProbe *probe)
{
	ListCell   *lc;

	if (COMPAT_NAMESPACE_ACLCHECK(get_rel_namespace(probe->relid), probe->role,
								  ACL_USAGE) != ACLCHECK_OK)
		return true;
	foreach(lc, probe->rights)
	{
		SelftestRight *right = lfirst(lc);

		if (right->any_column || right->column != NULL ?
			!selftest_has_right(probe->relid, probe->role, right->mode, right->column) :
			pg_class_aclcheck(probe->relid, probe->role, right->mode) != ACLCHECK_OK)
			return true;
	}
	return false;
}
