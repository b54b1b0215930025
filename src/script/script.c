/*-------------------------------------------------------------------------
 *
 * script.c
 *	  Splitting a script into statements.
 *
 * The server's own parser does it, so that whatever the server takes for a
 * statement is one here.  Its lexer depends on settings of the session; they
 * are pinned, so that a stored script means the same in every session.
 *
 * Nothing is run here, and no catalog is read.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "catalog/bookkeeping.h"
#include "script/script.h"

/* What the callback of a failed parse knows and finds out */
typedef struct ParseArg
{
	const Script *script;
	ScriptPlace place;			/* where the parser stopped; number is 0 while
								 * that is not known */
} ParseArg;

static List *parse_text(const Script *script);
static void parse_error_callback(void *arg);
static int	count_newlines(const char *text, int from, int to);

/*
 * Split a script into its statements.
 *
 * text and revision are not copied and must live as long as the result,
 * which is allocated in the current memory context.  Any lexer settings of
 * the session are ignored.  A syntax error is raised as the server has it,
 * but with the failing statement alone as its query, and our context; a
 * script that fails behind a COPY FROM STDIN is refused for that COPY, since
 * what the parser stumbled over is most likely its data.
 */
Script *
script_parse(const char *text, const char *revision, Direction direction)
{
	Script	   *script = palloc0(sizeof(Script));
	List	   *raw_statements;
	ListCell   *lc;
	int			number = 0;
	int			line = 1;
	int			counted = 0;	/* line is that of this byte */
	int			end = 0;		/* end of the previous statement */

	script->revision = revision;
	script->direction = direction;
	script->text = text;

	raw_statements = parse_text(script);

	foreach(lc, raw_statements)
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);
		ScriptStatement *statement = palloc(sizeof(ScriptStatement));

		/* the location may be that of a blank or a comment, see scan.c */
		statement->offset =
			script_skip_blanks(text, Max(raw->stmt_location, end));

		/* only the last statement can be without semicolon */
		if (raw->stmt_len > 0)
			end = raw->stmt_location + raw->stmt_len;
		else
			end = statement->offset + strlen(&text[statement->offset]);

		statement->length = end - statement->offset;
		while (statement->length > 0 &&
			   strchr(" \t\n\r\f\v",
					  text[statement->offset + statement->length - 1]))
			statement->length--;

		line += count_newlines(text, counted, statement->offset);
		counted = statement->offset;

		statement->raw = raw;
		statement->number = ++number;
		statement->line = line;
		script->statements = lappend(script->statements, statement);
	}

	return script;
}

/*
 * Run the server's parser over the script.
 *
 * Its notices (say, of a name that is cut) are held back: they are given when
 * the statement is run.
 */
static List *
parse_text(const Script *script)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ParseArg   *arg = palloc0(sizeof(ParseArg));
	int			nestlevel = NewGUCNestLevel();
	List	   *volatile result = NIL;

	arg->script = script;
	script_pin_lexer();
	if (client_min_messages < ERROR)
		bookkeeping_pin_setting("client_min_messages", "error");

	PG_TRY();
	{
		ErrorContextCallback callback;

		callback.callback = parse_error_callback;
		callback.arg = arg;
		callback.previous = error_context_stack;
		error_context_stack = &callback;

		result = pg_parse_query(script->text);

		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		if (arg->place.copy_number > 0)
		{
			MemoryContextSwitchTo(oldcontext);
			FlushErrorState();
			script_refuse_copy(script, true, arg->place.copy_number,
							   script_line(script->text,
										   arg->place.copy_start));
		}
		PG_RE_THROW();
	}
	PG_END_TRY();

	AtEOXact_GUC(false, nestlevel);

	return result;
}

static void
parse_error_callback(void *arg)
{
	ParseArg   *parse = (ParseArg *) arg;

	script_syntax_position(parse->script, &parse->place);
}

/* Do the settings that the lexer depends on have the values we want? */
bool
script_lexer_is_pinned(void)
{
	return standard_conforming_strings &&
		backslash_quote == BACKSLASH_QUOTE_SAFE_ENCODING &&
		escape_string_warning;
}

/*
 * Pin the settings that the lexer depends on, in the current GUC nest level,
 * which the caller has opened.
 */
void
script_pin_lexer(void)
{
	if (script_lexer_is_pinned())
		return;

	bookkeeping_pin_setting("standard_conforming_strings", "on");
	bookkeeping_pin_setting("backslash_quote", "safe_encoding");
	bookkeeping_pin_setting("escape_string_warning", "on");
}


/* Return the line, from 1, that the byte at offset is on. */
int
script_line(const char *text, int offset)
{
	return 1 + count_newlines(text, 0, offset);
}

/*
 * Count the lines that end from one offset up to, not including, another.
 * Like psql, take a carriage return for a line end unless a line feed follows.
 */
static int
count_newlines(const char *text, int from, int to)
{
	int			count = 0;
	int			i;

	for (i = from; i < to; i++)
	{
		if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n'))
			count++;
	}

	return count;
}
