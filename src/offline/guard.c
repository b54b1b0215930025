/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  The statements by which an offline script checks that it is run where
 *	  it belongs.
 *
 * A guard is a DO block at the beginning of a transaction.  It locks the
 * version table against writers until the transaction ends, and raises an
 * error unless the table holds exactly the rows that the script was made for.
 * If psql goes on after that error, it does so in an aborted transaction, in
 * which nothing runs and whose COMMIT is a ROLLBACK.
 *
 * The database may be one without this extension, and its search path may be
 * anybody's: the block needs nothing but PL/pgSQL, and whatever it names is
 * qualified, operators included.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/textlist.h"
#include "catalog/version.h"
#include "graph/direction.h"
#include "lib/stringinfo.h"
#include "offline/guard.h"
#include "run/runner.h"
#include "utils/builtins.h"

static void append_check(StringInfo body, const Guard *guard);
static void append_error(StringInfo body, const Guard *guard);
static void append_hint(StringInfo body, const Guard *guard);
static int	compare_strings(const ListCell *a, const ListCell *b);

/*
 * The DO block of a guard.
 *
 * If "create" is set the block also makes the version table where it is
 * missing.  It does so in the branch in which there was nothing to lock, so
 * that two scripts that both start from nothing cannot both go on: the second
 * finds the table of the first, or fails to make its own.
 */
char *
guard_sql(const Guard *guard)
{
	StringInfoData body;

	initStringInfo(&body);
	append_check(&body, guard);
	append_error(&body, guard);
	appendStringInfoString(&body, "END\n");
	return guard_do_block(body.data, "guard");
}

/*
 * A DO block with the given body, quoted by a tag that is not in it.
 *
 * The body ends with a newline.
 */
char *
guard_do_block(const char *body, const char *tag)
{
	char	   *quote = psprintf("$%s$", tag);

	for (int i = 1; strstr(body, quote) != NULL; i++)
		quote = psprintf("$%s%d$", tag, i);
	return psprintf("DO %s\n%s%s;", quote, body, quote);
}

/*
 * Lock the version table and read it.
 */
static void
append_check(StringInfo body, const Guard *guard)
{
	const char *table = version_table_name(guard->environment);
	List	   *sorted = list_copy(guard->expected);
	ListCell   *lc;

	/* as ORDER BY ... COLLATE "C" sorts those that are found */
	list_sort(sorted, compare_strings);

	appendStringInfoString(body, "DECLARE\n"
						   "\texpected CONSTANT pg_catalog.text[] := ");
	if (sorted == NIL)
		appendStringInfoString(body, "'{}'");
	foreach(lc, sorted)
		appendStringInfo(body, "%s%s%s", lc == list_head(sorted) ? "ARRAY[" : ", ",
						 quote_literal_cstr(lfirst(lc)),
						 lnext(sorted, lc) == NULL ? "]" : "");
	appendStringInfo(body, ";\n"
					 "\tversions pg_catalog.text[] := '{}';\n"
					 "\tplace pg_catalog.text;\n"
					 "BEGIN\n"
					 "\tIF pg_catalog.to_regclass(%s) IS NOT NULL THEN\n"
					 "\t\tLOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;\n"
					 "\t\tversions := ARRAY(SELECT CAST(v." VERSION_COLUMN " AS pg_catalog.text) COLLATE pg_catalog.\"C\"\n"
					 "\t\t\tFROM %s v ORDER BY 1);\n",
					 quote_literal_cstr(table), table, table);
	if (guard->create)
	{
		char	   *constraint = version_constraint_name(guard->environment);

		appendStringInfo(body,
						 "\tELSE\n"
						 "\t\tCREATE TABLE %s (\n"
						 "\t\t\t" VERSION_COLUMN " pg_catalog.text NOT NULL,\n"
						 "\t\t\tCONSTRAINT %s PRIMARY KEY (" VERSION_COLUMN ")\n"
						 "\t\t);\n",
						 table, quote_identifier(constraint));
	}
	appendStringInfoString(body, "\tEND IF;\n");
}

/*
 * Raise an error if what was read is not what was expected.
 */
static void
append_error(StringInfo body, const Guard *guard)
{
	const char *detail = "According to version table %s it is at %s; the script starts from %s.";
	const char *message = "database is not at the revisions that this script starts from";
	char	   *expected = "base";

	if (guard->expected != NIL)
		expected = textlist_join(guard->expected, ", ");
	if (guard->resumes)
	{
		detail = "According to version table %s the database is at %s; it was at %s.";
		message = "version table was changed while this script was running";
	}
	appendStringInfo(body,
					 "\tIF versions OPERATOR(pg_catalog.<>) expected THEN\n"
					 "\t\tplace := CASE WHEN versions OPERATOR(pg_catalog.=) '{}' THEN 'base'\n"
					 "\t\t\tELSE pg_catalog.array_to_string(versions, ', ') END;\n"
					 "\t\tRAISE EXCEPTION USING\n"
					 "\t\t\tERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = %s,\n"
					 "\t\t\tDETAIL = pg_catalog.format(%s,\n"
					 "\t\t\t\t%s, place, %s),\n",
					 quote_literal_cstr(message), quote_literal_cstr(detail),
					 quote_literal_cstr(version_table_name(guard->environment)),
					 quote_literal_cstr(expected));
	append_hint(body, guard);
	appendStringInfoString(body, "\tEND IF;\n");
}

/*
 * Say what to do.  The first guard knows how to get the right script; in a
 * later one only people can tell what happened.
 */
static void
append_hint(StringInfo body, const Guard *guard)
{
	bool		is_default = strcmp(guard->environment->name,
									MIGRATE_DEFAULT_ENVIRONMENT) == 0;
	char	   *call;

	if (guard->resumes)
	{
		appendStringInfoString(body,
							   "\t\t\tHINT = 'What stands before this point, outside of a transaction, has been run; see which of the two the schema agrees with.';\n");
		return;
	}

	call = psprintf("Make a script that starts there: SELECT migrate_%s_sql(%%L%s);",
					direction_name(guard->direction),
					is_default ? "" : ", %L");
	appendStringInfo(body,
					 "\t\t\tHINT = pg_catalog.format(%s,\n"
					 "\t\t\t\tpg_catalog.concat(place, %s)%s);\n",
					 quote_literal_cstr(call),
					 quote_literal_cstr(psprintf(":%s", guard->target)),
					 is_default ? "" :
					 psprintf(", %s", quote_literal_cstr(guard->environment->name)));
}

static int
compare_strings(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}
