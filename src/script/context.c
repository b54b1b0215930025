/*-------------------------------------------------------------------------
 *
 * context.c
 *	  What an error in a script gains: where it is, and in known situations
 *	  what to do about it.
 *
 * The server's SQLSTATE, message, detail and hint stay as they are.  An error
 * with a position gets its statement as internal query, with the position
 * moved there, and the context line
 *		revision "002" upgrade, statement 3, line 7
 * where the line is that of the position.  An error without a position gets
 * the statement as a context line of its own, and the line is the one that
 * the statement begins at.  Thus the SQL is shown once, and never the script.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/direction.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "script/script.h"

/* bytes of a statement that are shown as context */
#define MAX_CONTEXT_BYTES 500

/* a statement longer than this is shown around the error's position only */
#define MAX_QUERY_BYTES 8000
#define QUERY_BYTES_BEFORE 500
#define QUERY_BYTES_BEHIND 500

static void report_position(const char *sql, int length, int offset);

/*
 * Return a hint that tells how to run a script that cannot run inside a
 * transaction.  Allocated in the current memory context.
 */
char *
script_deploy_hint(const Script *script)
{
	if (script->direction == DIRECTION_DOWNGRADE)
		return psprintf("CALL migrate_rollback(%s);",
						quote_literal_cstr(script_undo_target(script->revision,
															  script->parent)));
	return psprintf("CALL migrate_deploy(%s);",
					quote_literal_cstr(script->revision));
}

/*
 * The target of a downgrade that ends with a revision which is based on this
 * parent, NULL if on none, and touches nothing beside it: to go back to the
 * parent would take away all else that is based on it, too.
 */
char *
script_undo_target(const char *revision, const char *parent)
{
	return psprintf("%s@%s", revision, parent ? parent : "base");
}

/*
 * Turn the position of an error of the raw parser, which is one in the whole
 * script, into one in the statement that it is in, and add our context.
 *
 * To be called from an error context callback.  place tells the caller what
 * was found; its number is 0 if the error has no position.
 */
void
script_syntax_position(const Script *script, ScriptPlace *place)
{
	const char *text = script->text;
	int			cursor = geterrposition();
	int			offset;
	int			end;

	memset(place, 0, sizeof(ScriptPlace));

	if (cursor <= 0)
	{
		errcontext("revision \"%s\" %s",
				   script->revision, direction_name(script->direction));
		return;
	}

	offset = pg_mbcharcliplen(text, strlen(text), cursor - 1);
	script_locate(text, offset, place);

	end = place->end;
	if (text[offset] == '\\' && place->is_token)
	{
		/* a command of psql ends with its line */
		end = offset + strcspn(&text[offset], "\r\n");
		errhint("Backslash commands are commands of psql, which the server does not know.  "
				"Put the statements of an included file into the script itself, and use INSERT INTO ... VALUES instead of \\copy.");
	}
	else if (text[end] == '\0')
	{
		/* blank lines at the end are not what the error is about */
		while (end > place->start && strchr(" \t\n\r\f\v", text[end - 1]))
			end--;
		offset = Min(offset, end);
	}

	report_position(&text[place->start], end - place->start,
					offset - place->start);
	errcontext("revision \"%s\" %s, statement %d, line %d",
			   script->revision, direction_name(script->direction),
			   place->number, script_line(text, offset));
}

/*
 * Error context callback while a statement of a script is analysed or run.
 * The argument is the Script.  The statement is its own source text, see
 * execute.c, so that the position, if there is one, is relative to it.
 */
void
script_error_callback(void *arg)
{
	Script	   *script = (Script *) arg;
	const ScriptStatement *statement = script->current;
	const char *sql;
	int			cursor = geterrposition();

	if (statement == NULL)
	{
		errcontext("revision \"%s\" %s",
				   script->revision, direction_name(script->direction));
		return;
	}

	sql = &script->text[statement->offset];
	script->current_line = statement->line;

	/*
	 * The server can, in rare cases, come up with a position in a text of its
	 * own making.  One that is not in the statement says nothing.
	 */
	if (cursor > 0 &&
		cursor - 1 > pg_mbstrlen_with_len(sql, statement->length))
	{
		errposition(0);
		cursor = 0;
	}

	if (cursor > 0)
	{
		int			offset = pg_mbcharcliplen(sql, statement->length,
											  cursor - 1);

		script->current_line += script_line(sql, offset) - 1;
		report_position(sql, statement->length, offset);
	}
	else if (statement->length <= MAX_CONTEXT_BYTES)
		errcontext("SQL statement \"%.*s\"", statement->length, sql);
	else
		errcontext("SQL statement \"%.*s...\"",
				   pg_mbcliplen(sql, statement->length, MAX_CONTEXT_BYTES),
				   sql);

	errcontext("revision \"%s\" %s, statement %d, line %d",
			   script->revision, direction_name(script->direction),
			   statement->number, script->current_line);
}

/*
 * Make sql the error's internal query, with the position at the byte offset;
 * the error has no other position then.  Of a very long text, show what is
 * around the position, from the beginning of a line if there is one near.
 */
static void
report_position(const char *sql, int length, int offset)
{
	const char *query = sql;
	int			query_length = length;
	int			query_offset = offset;

	if (length > MAX_QUERY_BYTES)
	{
		int			skip = 0;

		if (offset > QUERY_BYTES_BEFORE)
		{
			const char *newline;

			skip = pg_mbcliplen(sql, length, offset - QUERY_BYTES_BEFORE);
			newline = memchr(sql + skip, '\n', offset - skip);
			if (newline != NULL)
				skip = newline + 1 - sql;
		}

		query = sql + skip;
		query_offset = offset - skip;
		query_length = pg_mbcliplen(query, length - skip,
									query_offset + QUERY_BYTES_BEHIND);
	}

	errposition(0);
	internalerrposition(pg_mbstrlen_with_len(query, query_offset) + 1);
	internalerrquery(pnstrdup(query, query_length));
}

/*
 * Return a hint for an error that a script's statement raised, or NULL.
 *
 * These are the situations that arise from running in the middle of another
 * statement, in a transaction that is not ours alone.  The message is told by
 * its untranslated text, so that it works under every lc_messages.  Nothing is
 * returned if the error has a hint already.  The result is allocated in the
 * current memory context.
 */
char *
script_error_hint(const Script *script, const ErrorData *edata)
{
	const char *message = edata->message_id;

	if (edata->hint != NULL || message == NULL)
		return NULL;

	switch (edata->sqlerrcode)
	{
		case ERRCODE_OBJECT_IN_USE:
			if (strstr(message, "pending trigger events") != NULL)
				return pstrdup("Deferred constraints of rows changed earlier in this transaction are still to be checked; put SET CONSTRAINTS ALL IMMEDIATE; before this statement.");
			if (strstr(message, "active queries in this session") != NULL)
				return pstrdup("Run the command in a statement of its own, not in a query that reads the table, and close cursors that do.");
			break;

		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			if (strstr(message, "cannot be executed from a function") != NULL ||
				strstr(message, "cannot run inside a transaction block") != NULL)
				return script->online ?
					psprintf("Mark the script \"-- migrate:%s transaction:no\", so that each of its statements runs by itself, outside of a transaction.",
							 direction_name(script->direction)) :
					script_deploy_hint(script);
			break;

		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			return pstrdup("The whole script runs in one transaction, which it cannot end.");

		default:
			break;
	}

	return NULL;
}
