/*-------------------------------------------------------------------------
 *
 * version.c
 *	  The version table: Alembic's own, and the user's.
 *
 * The table holds the current heads and nothing else.  It is read and
 * written as the caller and never as the owner of the extension, because
 * whoever owns it may have put triggers on it.  Every write names the row
 * that it expects and insists on having met exactly one: whoever else writes
 * the table, by hand or with Alembic, is noticed and not overwritten.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "error.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tablescan.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "version.h"

static void run_as_caller(const Environment *environment, const char *sql,
						  int expected);
static void push_privilege_hint(ErrorContextCallback *callback, char *hint);
static void privilege_hint(void *arg);
static char *needed_privileges(const Environment *environment);
static bool can_scan(Oid relid);
static List *scan_rows(const Environment *environment, Oid relid);
static List *select_rows(const Environment *environment);
static List *add_row(const Environment *environment, List *rows, char *row);
static Oid	find_version_table(const Environment *environment);
static void create_version_table(const Environment *environment);
static int	version_column_width(Oid relid);
static SPIPlanPtr prepare_kept(const char *sql, int nargs);
static void check_version_table(const VersionWriter *writer);
static void execute_on_one_row(const VersionWriter *writer, SPIPlanPtr plan,
							   const char *first, const char *second,
							   int expected);

/*
 * The qualified and quoted name of an environment's version table.
 */
char *
version_table_name(const Environment *environment)
{
	return quote_qualified_identifier(environment->version_table_schema,
									  environment->version_table);
}

/*
 * Read the rows of the version table as a List of char *, in the order in
 * which they stand there.
 *
 * A table that does not exist has no rows; it is not made here.  Raises what
 * the server says if the caller may not read it.
 */
List *
version_read(const Environment *environment)
{
	Oid			relid = find_version_table(environment);

	if (!OidIsValid(relid))
		return NIL;
	return can_scan(relid) ? scan_rows(environment, relid) :
		select_rows(environment);
}

/*
 * Is a scan of the table the same as a query of the caller's?  It is, if the
 * caller may read the whole table and no row level security is on it.
 */
static bool
can_scan(Oid relid)
{
	HeapTuple	tuple;
	bool		result;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION &&
		!((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity &&
		!((Form_pg_class) GETSTRUCT(tuple))->relhassubclass;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Read the version table by a scan, which is several times faster than
 * planning a query.
 */
static List *
scan_rows(const Environment *environment, Oid relid)
{
	AttrNumber	column = get_attnum(relid, VERSION_COLUMN);
	Oid			type = column == InvalidAttrNumber ? InvalidOid :
	get_atttype(relid, column);
	List	   *rows = NIL;
	TableScan	scan;

	/* leave whatever Alembic would not have made to the query */
	if (type != TEXTOID && type != VARCHAROID)
		return select_rows(environment);

	tablescan_begin(&scan, relid);
	while (tablescan_next(&scan, column))
		rows = add_row(environment, rows, tablescan_text(&scan, column));
	tablescan_end(&scan);
	return rows;
}

/*
 * Read the version table by a query.
 */
static List *
select_rows(const Environment *environment)
{
	MemoryContext caller = CurrentMemoryContext;
	Bookkeeping scope;
	List	   *rows = NIL;

	bookkeeping_begin(&scope, GetUserId());
	run_as_caller(environment,
				  psprintf("SELECT CAST(" VERSION_COLUMN " AS text) FROM %s",
						   version_table_name(environment)),
				  SPI_OK_SELECT);

	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		rows = add_row(environment, rows,
					   bookkeeping_string(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1));
	bookkeeping_end(&scope);
	return rows;
}

static List *
add_row(const Environment *environment, List *rows, char *row)
{
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("version table %s holds NULL",
						version_table_name(environment)),
				 errhint("DELETE FROM %s WHERE " VERSION_COLUMN " IS NULL;",
						 version_table_name(environment))));
	return lappend(rows, row);
}

/*
 * Begin to write the version table, making it if it is not there.
 *
 * The writer is allocated in the current memory context, but its plans are
 * not: the caller hands it to version_end_write() also after an error.
 */
VersionWriter *
version_begin_write(const Environment *environment)
{
	VersionWriter *writer = palloc0(sizeof(VersionWriter));

	writer->environment = environment;
	writer->display = version_table_name(environment);
	writer->relid = find_version_table(environment);
	if (!OidIsValid(writer->relid))
	{
		create_version_table(environment);
		writer->relid = find_version_table(environment);
	}
	writer->privilege_hint = needed_privileges(environment);
	writer->width = version_column_width(writer->relid);
	writer->namespace_oid = get_rel_namespace(writer->relid);
	writer->relname = get_rel_name(writer->relid);
	return writer;
}

/*
 * Raise an error if an id does not fit into the version table, before a
 * script has run for nothing: Alembic makes a column of varchar(32).
 */
void
version_check_width(const VersionWriter *writer, const char *id)
{
	if (writer->width < 0 || pg_mbstrlen(id) <= writer->width)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
			 errmsg("revision identifier \"%s\" is too long for version table %s",
					id, writer->display),
			 errdetail("Its column " VERSION_COLUMN " takes %d characters.",
					   writer->width),
			 errhint("ALTER TABLE %s ALTER COLUMN " VERSION_COLUMN " TYPE text;",
					 writer->display)));
}

/*
 * Carry a step into the version table.
 *
 * One row is turned into another by UPDATE, as Alembic does.  Raises an error
 * if the table is not the one that the run began with, or does not hold the
 * rows that the step removes.
 */
void
version_apply(VersionWriter *writer, const Graph *graph, const Step *step)
{
	ListCell   *removed = list_head(step->removed);
	ListCell   *added = list_head(step->added);
	ErrorContextCallback callback;
	Bookkeeping scope;

	check_version_table(writer);
	push_privilege_hint(&callback, writer->privilege_hint);
	bookkeeping_begin(&scope, GetUserId());

	while (removed != NULL && added != NULL)
	{
		if (writer->update == NULL)
			writer->update =
				prepare_kept(psprintf("UPDATE %s SET " VERSION_COLUMN " = $2 "
									  "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) $1",
									  writer->display), 2);
		execute_on_one_row(writer, writer->update,
						   graph->revisions[lfirst_int(removed)]->id,
						   graph->revisions[lfirst_int(added)]->id,
						   SPI_OK_UPDATE);
		removed = lnext(step->removed, removed);
		added = lnext(step->added, added);
	}
	for (; removed != NULL; removed = lnext(step->removed, removed))
	{
		if (writer->delete == NULL)
			writer->delete =
				prepare_kept(psprintf("DELETE FROM %s "
									  "WHERE " VERSION_COLUMN " OPERATOR(pg_catalog.=) $1",
									  writer->display), 1);
		execute_on_one_row(writer, writer->delete,
						   graph->revisions[lfirst_int(removed)]->id, NULL,
						   SPI_OK_DELETE);
	}
	for (; added != NULL; added = lnext(step->added, added))
	{
		if (writer->insert == NULL)
			writer->insert =
				prepare_kept(psprintf("INSERT INTO %s (" VERSION_COLUMN ") VALUES ($1)",
									  writer->display), 1);
		execute_on_one_row(writer, writer->insert,
						   graph->revisions[lfirst_int(added)]->id, NULL,
						   SPI_OK_INSERT);
	}
	bookkeeping_end(&scope);
	error_context_stack = callback.previous;
}

/*
 * Delete all rows of the version table, of which the run found so many.
 */
void
version_purge(VersionWriter *writer, int nrows)
{
	Bookkeeping scope;

	check_version_table(writer);
	bookkeeping_begin(&scope, GetUserId());
	run_as_caller(writer->environment,
				  psprintf("DELETE FROM %s", writer->display), SPI_OK_DELETE);
	if (SPI_processed != nrows)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s could not be emptied", writer->display),
				 errdetail("It held %d rows, of which " UINT64_FORMAT " were deleted.",
						   nrows, SPI_processed),
				 errhint("Look at what is there with SELECT * FROM %s; and for a trigger that keeps its rows.",
						 writer->display)));
	bookkeeping_end(&scope);
}

/*
 * Free what a writer keeps outside of its memory context.
 */
void
version_end_write(VersionWriter *writer)
{
	SPIPlanPtr *plans[] = {&writer->insert, &writer->update, &writer->delete};

	for (int i = 0; i < lengthof(plans); i++)
	{
		if (*plans[i] != NULL)
			SPI_freeplan(*plans[i]);
		*plans[i] = NULL;
	}
}

/*
 * Run a statement on the version table, between bookkeeping_begin() and
 * bookkeeping_end().
 */
static void
run_as_caller(const Environment *environment, const char *sql, int expected)
{
	ErrorContextCallback callback;
	int			rc;

	push_privilege_hint(&callback, needed_privileges(environment));
	rc = SPI_execute(sql, false, 0);
	error_context_stack = callback.previous;
	if (rc != expected)
		elog(ERROR, "unexpected result of a statement on the version table: %s",
			 SPI_result_code_string(rc));
}

/*
 * Have errors about missing rights on the version table say which are needed:
 * the server names the table, but not why somebody would write to it.
 *
 * The hint is made beforehand, as an error callback must not look anything up
 * in the catalogs.
 */
static void
push_privilege_hint(ErrorContextCallback *callback, char *hint)
{
	callback->callback = privilege_hint;
	callback->arg = hint;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

static void
privilege_hint(void *arg)
{
	if (geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE)
		errhint("%s", (char *) arg);
}

/*
 * Say what the caller has to be granted.
 */
static char *
needed_privileges(const Environment *environment)
{
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

	if (OidIsValid(find_version_table(environment)))
		return psprintf("The version table is used with the rights of the role that calls.  To look: GRANT SELECT ON %s TO %s;  to run revisions: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s;",
						version_table_name(environment), role,
						version_table_name(environment), role);
	return psprintf("The version table is made by the role that first needs it: GRANT USAGE, CREATE ON SCHEMA %s TO %s;",
					quote_identifier(environment->version_table_schema), role);
}

/*
 * Look the version table up; InvalidOid if it is not there.
 */
static Oid
find_version_table(const Environment *environment)
{
	Oid			namespace_oid;
	Oid			relid;
	char		relkind;

	namespace_oid = get_namespace_oid(environment->version_table_schema, true);
	if (!OidIsValid(namespace_oid))
		return InvalidOid;
	relid = get_relname_relid(environment->version_table, namespace_oid);
	if (!OidIsValid(relid))
		return InvalidOid;

	relkind = get_rel_relkind(relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("version table %s is not a table",
						version_table_name(environment)),
				 errhint("Choose another name: SELECT migrate_environment_alter(%s, version_table => '...');",
						 quote_literal_cstr(environment->name))));
	return relid;
}

/*
 * Make the version table as Alembic makes it, but for the type of its column:
 * varchar(32) is too narrow for many naming conventions.
 */
static void
create_version_table(const Environment *environment)
{
	Bookkeeping scope;
	char	   *constraint = psprintf("%s_pkc", environment->version_table);

	bookkeeping_begin(&scope, GetUserId());
	run_as_caller(environment,
				  psprintf("CREATE TABLE %s (" VERSION_COLUMN " text NOT NULL, "
						   "CONSTRAINT %s PRIMARY KEY (" VERSION_COLUMN "))",
						   version_table_name(environment),
						   quote_identifier(constraint)),
				  SPI_OK_UTILITY);
	bookkeeping_end(&scope);
}

/*
 * How many characters the column of the version table takes, or -1 if there
 * is no limit.
 */
static int
version_column_width(Oid relid)
{
	AttrNumber	column = get_attnum(relid, VERSION_COLUMN);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (column == InvalidAttrNumber)
		return -1;
	get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
	return type == VARCHAROID && typmod > VARHDRSZ ? typmod - VARHDRSZ : -1;
}

/*
 * Prepare a statement whose parameters are ids, beyond the end of SPI.
 */
static SPIPlanPtr
prepare_kept(const char *sql, int nargs)
{
	SPIPlanPtr	plan = NULL;
	Oid			argtypes[] = {TEXTOID, TEXTOID};

	return bookkeeping_prepare(&plan, sql, nargs, argtypes);
}

/*
 * Raise an error if the table that the run began with is gone, or another
 * stands under its name: then a script has dropped or renamed it.
 */
static void
check_version_table(const VersionWriter *writer)
{
	if (get_relname_relid(writer->relname, writer->namespace_oid) != writer->relid)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("version table %s was dropped or replaced while revisions were running",
						writer->display),
				 errhint("Take the statement that does so out of the revision's script; the version table is kept by migrate.")));
}

/*
 * Execute a kept plan that has to meet exactly one row.
 */
static void
execute_on_one_row(const VersionWriter *writer, SPIPlanPtr plan,
				   const char *first, const char *second, int expected)
{
	Datum		values[2];

	values[0] = CStringGetTextDatum(first);
	if (second != NULL)
		values[1] = CStringGetTextDatum(second);
	bookkeeping_execute(plan, values, NULL, expected);
	if (SPI_processed == 1)
		return;

	if (expected == SPI_OK_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
				 errmsg("Online migration expected to match one row when updating '%s' to '%s' in '%s'; " UINT64_FORMAT " found",
						first, second, writer->display, SPI_processed),
				 errdetail("Another session, or a revision's script, wrote the version table while this run was under way."),
				 errhint("Look at what is there with SELECT * FROM %s; and start again.",
						 writer->display)));
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_VERSION_TABLE_CHANGED),
			 errmsg("Online migration expected to match one row when %s '%s' in '%s'; " UINT64_FORMAT " found",
					expected == SPI_OK_DELETE ? "deleting" : "inserting",
					first, writer->display, SPI_processed),
			 errdetail("Another session, or a revision's script, wrote the version table while this run was under way."),
			 errhint("Look at what is there with SELECT * FROM %s; and start again.",
					 writer->display)));
}
