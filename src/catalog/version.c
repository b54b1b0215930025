/*-------------------------------------------------------------------------
 *
 * version.c
 *	  The version table: finding, checking and reading it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/tablescan.h"
#include "catalog/version.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static void check_column(const Environment *environment, Oid relid);
static bool can_scan(Oid relid);
static List *scan_rows(const Environment *environment, Oid relid);
static List *select_rows(const Environment *environment);
static List *add_row(const Environment *environment, List *rows, char *row);

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
 * The name of the primary key of a version table that we make: Alembic's, cut
 * as the server cuts names that it makes itself.
 */
char *
version_constraint_name(const Environment *environment)
{
	return makeObjectName(environment->version_table, NULL, "pkc");
}

/*
 * Look the version table up; InvalidOid if it is not there.
 *
 * Raises an error for anything else of that name, and for a table whose column
 * is not of a type that the server itself turns into text: reading it must not
 * run somebody's cast.
 */
Oid
version_find_table(const Environment *environment)
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
	check_column(environment, relid);
	return relid;
}

static void
check_column(const Environment *environment, Oid relid)
{
	AttrNumber	column = get_attnum(relid, VERSION_COLUMN);
	Oid			type;

	if (column == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("version table %s has no column \"%s\"",
						version_table_name(environment), VERSION_COLUMN),
				 errhint("ALTER TABLE %s ADD COLUMN " VERSION_COLUMN " text NOT NULL PRIMARY KEY;",
						 version_table_name(environment))));

	type = get_atttype(relid, column);
	if (type != TEXTOID && type != VARCHAROID && type != BPCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of version table %s is not of a character type",
						VERSION_COLUMN, version_table_name(environment)),
				 errhint("ALTER TABLE %s ALTER COLUMN " VERSION_COLUMN " TYPE text;",
						 version_table_name(environment))));
}

/*
 * Raise an error that says what is missing unless the caller has these rights
 * on the version table, or the right to make it if it is not there
 * (InvalidOid).
 */
void
version_check_rights(const Environment *environment, Oid relid, AclMode needed)
{
	Oid			namespace_oid = get_namespace_oid(environment->version_table_schema,
												  false);
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));
	AclMode		on_schema = OidIsValid(relid) ? ACL_USAGE : ACL_USAGE | ACL_CREATE;

	for (AclMode right = 1; right <= on_schema; right <<= 1)
	{
		if ((right & on_schema) != 0 &&
			COMPAT_NAMESPACE_ACLCHECK(namespace_oid, GetUserId(), right) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for schema %s of the version table",
							quote_identifier(environment->version_table_schema)),
					 errdetail("The version table is used, and if need be made, with the rights of the role that calls."),
					 errhint("GRANT %s ON SCHEMA %s TO %s;",
							 OidIsValid(relid) ? "USAGE" : "USAGE, CREATE",
							 quote_identifier(environment->version_table_schema),
							 role)));
	}

	for (AclMode right = 1; OidIsValid(relid) && right <= needed; right <<= 1)
	{
		if ((right & needed) == 0 ||
			pg_class_aclcheck(relid, GetUserId(), right) == ACLCHECK_OK ||
			(right == ACL_SELECT &&
			 pg_attribute_aclcheck(relid, get_attnum(relid, VERSION_COLUMN),
								   GetUserId(), right) == ACLCHECK_OK))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for version table %s",
						version_table_name(environment)),
				 errdetail("The version table is used with the rights of the role that calls."),
				 needed == ACL_SELECT ?
				 errhint("To look: GRANT SELECT ON %s TO %s;  to run revisions: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s;",
						 version_table_name(environment), role,
						 version_table_name(environment), role) :
				 errhint("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s;",
						 version_table_name(environment), role)));
	}
}

/*
 * Read the rows of the version table as a List of char *, in the order in
 * which they stand there.
 *
 * A table that does not exist has no rows; it is not made here.  Raises an
 * error if the caller may not read it.
 */
List *
version_read(const Environment *environment)
{
	Oid			relid = version_find_table(environment);

	if (!OidIsValid(relid))
		return NIL;
	version_check_rights(environment, relid, ACL_SELECT);
	return can_scan(relid) ? scan_rows(environment, relid) :
		select_rows(environment);
}

/*
 * Is a scan of the table the same as a query of the caller's, who has the
 * right to read it?  It is, if no row level security is on it and no other
 * table below it.
 */
static bool
can_scan(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = form->relkind == RELKIND_RELATION && !form->relrowsecurity &&
		!form->relhassubclass;
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
	List	   *rows = NIL;
	TableScan	scan;

	/* char(n) would need its blanks trimmed */
	if (get_atttype(relid, column) == BPCHAROID)
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

	bookkeeping_begin_as_caller(&scope, true);
	if (SPI_execute(psprintf("SELECT CAST(" VERSION_COLUMN " AS pg_catalog.text) FROM %s",
							 version_table_name(environment)),
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the version table");

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
