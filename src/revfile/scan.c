/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Finding the section markers of a revision file.
 *
 * A marker is a comment line, "-- migrate:upgrade" or "-- migrate:downgrade",
 * and a script may well hold such a line inside a string or a comment of its
 * own: a function that writes revision files does.  So the text is read with
 * a lexer that knows just enough of SQL to tell what is quoted.  It follows
 * the server's scan.l with standard_conforming_strings on, which is how
 * scripts are run.
 *
 * The text is only looked at here, in one pass and byte by byte: every server
 * encoding keeps ASCII bytes to themselves.  It is not changed or copied.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "revfile/scan.h"

/* how to write a marker, for the hints */
#define MARKER_HINT \
	"A section begins with the line \"-- migrate:upgrade\" or " \
	"\"-- migrate:downgrade\", without blanks before it, in lower case."

/* whether a string with escapes ended, which a later string may continue */
typedef enum Continuation
{
	CONTINUE_NOTHING,
	CONTINUE_AFTER_NEWLINE,		/* an escape string has ended */
	CONTINUE_ESCAPE_STRING		/* and a line end was seen since */
} Continuation;

static void revscan_error_callback(void *arg);
static bool find_marker(const char *line, const char **word, bool *proper);
static const char *word_end(const char *word);
static void advance(RevScanner *scan);
static void skip_quoted(RevScanner *scan, char quote, bool escapes);
static bool skip_dollar_quoted(RevScanner *scan);
static void skip_block_comment(RevScanner *scan);
static void unterminated(RevScanner *scan, int line, const char *what) pg_attribute_noreturn();

static inline bool
is_ident_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		IS_HIGHBIT_SET(c);
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Begin reading a text.  "source" is what it is called in the context of an
 * error, or NULL if the line number says enough; it and the text must live
 * until revscan_close().
 */
void
revscan_open(RevScanner *scan, const char *start, const char *source)
{
	scan->source = source;
	scan->pos = start;
	scan->line = 1;
	scan->callback.callback = revscan_error_callback;
	scan->callback.arg = scan;
	scan->callback.previous = error_context_stack;
	error_context_stack = &scan->callback;
}

/*
 * Stop adding the place to errors.  Not needed after an error: the stack of
 * callbacks is then restored by whoever catches it.
 */
void
revscan_close(RevScanner *scan)
{
	error_context_stack = scan->callback.previous;
}

static void
revscan_error_callback(void *arg)
{
	RevScanner *scan = (RevScanner *) arg;

	if (scan->source)
		errcontext("%s, line %d", scan->source, scan->line);
	else
		errcontext("line %d", scan->line);
}

/*
 * The end of the line that begins at "line": its line end character, or the
 * terminating NUL.
 */
const char *
revscan_line_end(const char *line)
{
	return line + strcspn(line, "\r\n");
}

/*
 * Move to the beginning of the next line, or to the end of the text.
 */
void
revscan_next_line(RevScanner *scan)
{
	scan->pos = revscan_line_end(scan->pos);
	if (*scan->pos)
		advance(scan);
}

/*
 * Whether a line would be taken for a section marker, right or wrong.
 */
bool
revscan_is_marker(const char *line)
{
	const char *word;
	bool		proper;

	return find_marker(line, &word, &proper);
}

/*
 * Read the line at the scanner's position as a section marker, without moving
 * past it.  Returns REVSECTION_NONE if it is another line; else the section
 * that it begins, and whether that section is to run in a transaction.
 *
 * Raises an error for a marker that is misspelled or has an unknown option: if
 * it were taken for a comment, a downgrade script would run as the end of the
 * upgrade.
 */
RevSection
revscan_marker(const RevScanner *scan, bool *transactional)
{
	const char *word;
	const char *end;
	bool		proper;
	bool		option_seen = false;
	RevSection	section = REVSECTION_NONE;

	if (!find_marker(scan->pos, &word, &proper))
		return REVSECTION_NONE;

	end = word_end(word);
	if (end - word == strlen("upgrade") &&
		strncmp(word, "upgrade", end - word) == 0)
		section = REVSECTION_UPGRADE;
	else if (end - word == strlen("downgrade") &&
			 strncmp(word, "downgrade", end - word) == 0)
		section = REVSECTION_DOWNGRADE;

	if (section == REVSECTION_NONE || !proper)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("invalid section marker \"%s\"",
						pnstrdup(scan->pos, end - scan->pos)),
				 errhint(MARKER_HINT)));

	*transactional = true;
	for (;;)
	{
		char	   *option;

		word = end;
		while (revscan_is_blank(*word))
			word++;
		end = word_end(word);
		if (end == word)
			break;

		option = pnstrdup(word, end - word);
		if (strcmp(option, "transaction:no") == 0)
			*transactional = false;
		else if (strcmp(option, "transaction:yes") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("unrecognized section option \"%s\"", option),
					 errhint("The options are \"transaction:no\" and \"transaction:yes\".")));
		if (option_seen)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("section option \"transaction\" given more than once")));
		option_seen = true;
		pfree(option);
	}

	return section;
}

/*
 * Move from the beginning of a section to the next section marker, or to the
 * end of the text.  The marker is only found, not checked; see
 * revscan_marker().
 *
 * Raises an error, with the line where it begins, for a string or comment
 * without an end: nobody could say then where the section ends.
 */
void
revscan_skip_script(RevScanner *scan)
{
	Continuation continuation = CONTINUE_NOTHING;
	bool		line_start = true;

	while (*scan->pos)
	{
		char		c = *scan->pos;

		if (line_start && revscan_is_marker(scan->pos))
			return;
		line_start = false;

		/* white space and line comments leave the continuation as it is */
		if (revscan_is_line_end(c))
		{
			advance(scan);
			line_start = true;
			if (continuation == CONTINUE_AFTER_NEWLINE)
				continuation = CONTINUE_ESCAPE_STRING;
			continue;
		}
		if (revscan_is_blank(c))
		{
			scan->pos++;
			continue;
		}
		if (c == '-' && scan->pos[1] == '-')
		{
			scan->pos = revscan_line_end(scan->pos);
			continue;
		}

		/*
		 * A string goes on in the next line if that begins with a quote, and
		 * then it is still one with escapes if it was before.
		 */
		if ((c == 'e' || c == 'E') && scan->pos[1] == '\'')
		{
			scan->pos++;
			skip_quoted(scan, '\'', true);
			continuation = CONTINUE_AFTER_NEWLINE;
			continue;
		}
		if (c == '\'' && continuation == CONTINUE_ESCAPE_STRING)
		{
			skip_quoted(scan, '\'', true);
			continuation = CONTINUE_AFTER_NEWLINE;
			continue;
		}
		continuation = CONTINUE_NOTHING;

		if (c == '\'' || c == '"')
			skip_quoted(scan, c, false);
		else if (c == '/' && scan->pos[1] == '*')
			skip_block_comment(scan);
		else if (c == '$')
		{
			if (!skip_dollar_quoted(scan))
				scan->pos++;
		}
		else if (is_ident_start(c))
		{
			/* at once, as neither a final E nor a $ in it starts a string */
			while (is_ident_start(*scan->pos) || is_digit(*scan->pos) ||
				   *scan->pos == '$')
				scan->pos++;
		}
		else if (is_digit(c))
		{
			/* with letters, as in 0xFF or 1e5, but a number has no $ */
			while (is_ident_start(*scan->pos) || is_digit(*scan->pos))
				scan->pos++;
		}
		else
			scan->pos++;
	}
}

/*
 * Look for a section marker in the line that begins at "line".  *word is then
 * the name of the section, and *proper false if the marker is not written as
 * it should be.
 *
 * "migrate:" with something right behind it is always meant as a marker.  With
 * a blank in between it is one only if nothing but the name of a section
 * follows; "-- migrate: all agents have a team now" is a sentence.
 */
static bool
find_marker(const char *line, const char **word, bool *proper)
{
	const char *p = line;
	const char *end;

	while (revscan_is_blank(*p))
		p++;
	*proper = (p == line);
	if (p[0] != '-' || p[1] != '-')
		return false;
	p += 2;
	while (revscan_is_blank(*p))
		p++;
	if (pg_strncasecmp(p, "migrate:", strlen("migrate:")) != 0)
		return false;
	if (strncmp(p, "migrate:", strlen("migrate:")) != 0)
		*proper = false;
	p += strlen("migrate:");

	end = word_end(p);
	if (end == p)
	{
		*proper = false;
		while (revscan_is_blank(*p))
			p++;
		end = word_end(p);
		if (!(end - p == strlen("upgrade") &&
			  pg_strncasecmp(p, "upgrade", end - p) == 0) &&
			!(end - p == strlen("downgrade") &&
			  pg_strncasecmp(p, "downgrade", end - p) == 0))
			return false;
		*word = p;
		while (revscan_is_blank(*end))
			end++;
		return *end == '\0' || revscan_is_line_end(*end);
	}

	*word = p;
	return true;
}

static const char *
word_end(const char *word)
{
	while (*word && !revscan_is_blank(*word) && !revscan_is_line_end(*word))
		word++;
	return word;
}

/*
 * Move past one byte, or one line end.
 */
static void
advance(RevScanner *scan)
{
	if (scan->pos[0] == '\r' && scan->pos[1] == '\n')
		scan->pos++;
	if (revscan_is_line_end(*scan->pos))
		scan->line++;
	scan->pos++;
}

/*
 * Move past a string or quoted identifier; the scanner is at its first quote.
 * A doubled quote stands for itself.
 */
static void
skip_quoted(RevScanner *scan, char quote, bool escapes)
{
	int			line = scan->line;

	scan->pos++;
	while (*scan->pos)
	{
		if (*scan->pos == quote)
		{
			scan->pos++;
			if (*scan->pos != quote)
				return;
			scan->pos++;
			continue;
		}
		if (escapes && *scan->pos == '\\' && scan->pos[1])
			scan->pos++;
		advance(scan);
	}

	unterminated(scan, line,
				 quote == '"' ? "quoted identifier" : "quoted string");
}

/*
 * Move past a dollar-quoted string; the scanner is at a dollar sign.  Returns
 * false, without moving, if no such string begins there.
 */
static bool
skip_dollar_quoted(RevScanner *scan)
{
	int			line = scan->line;
	const char *p = scan->pos + 1;
	const char *end;
	char	   *delimiter;

	if (is_ident_start(*p))
	{
		while (is_ident_start(*p) || is_digit(*p))
			p++;
	}
	if (*p != '$')
		return false;
	p++;

	delimiter = pnstrdup(scan->pos, p - scan->pos);
	end = strstr(p, delimiter);
	if (end == NULL)
		unterminated(scan, line, "dollar-quoted string");

	while (scan->pos < end)
		advance(scan);
	scan->pos += strlen(delimiter);
	pfree(delimiter);
	return true;
}

/*
 * Move past a block comment, and the ones inside it; the scanner is at its
 * first slash.
 */
static void
skip_block_comment(RevScanner *scan)
{
	int			line = scan->line;
	int			depth = 0;

	while (*scan->pos)
	{
		if (scan->pos[0] == '/' && scan->pos[1] == '*')
		{
			scan->pos += 2;
			depth++;
		}
		else if (scan->pos[0] == '*' && scan->pos[1] == '/')
		{
			scan->pos += 2;
			if (--depth == 0)
				return;
		}
		else
			advance(scan);
	}

	unterminated(scan, line, "/* comment");
}

/*
 * Raise the error for something that does not end, at the line where it
 * begins.
 */
static void
unterminated(RevScanner *scan, int line, const char *what)
{
	scan->line = line;
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("unterminated %s", what)));
}
