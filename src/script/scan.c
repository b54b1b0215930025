/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  A forgiving scanner for SQL text: where a statement begins, and which
 *	  statement a byte belongs to.
 *
 * Scripts are split by the server's parser and by nothing else.  But where
 * that parser fails there is no tree to ask, and the error has to name the
 * statement all the same; and the parser of PostgreSQL 17 and below counts
 * the comments before a statement as part of it.  This scanner serves those
 * two ends.  It never raises an error, takes any text, and looks at bytes:
 * in every server encoding, the bytes of a multibyte character are distinct
 * from ASCII.
 *
 * The lexical rules are those of standard_conforming_strings = on.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "script/script.h"

typedef enum TokenKind
{
	TOKEN_END,					/* end of the text */
	TOKEN_WORD,					/* keyword or unquoted identifier */
	TOKEN_SEMICOLON,
	TOKEN_OPEN,					/* opening parenthesis */
	TOKEN_CLOSE,				/* closing parenthesis */
	TOKEN_OTHER
} TokenKind;

typedef struct Token
{
	TokenKind	kind;
	int			start;
	int			end;			/* first byte behind it */
} Token;

static void next_token(const char *text, int offset, Token *token);
static int	skip_comment(const char *text, int offset);
static int	skip_quoted(const char *text, int offset, bool escapes);
static int	skip_dollar_quoted(const char *text, int offset);
static bool scan_statement(const char *text, int target, ScriptPlace *place);
static bool token_is(const char *text, const Token *token, const char *word);

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
		c == '\v';
}

static inline bool
is_word_start(char c)
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
 * Return the offset of the first byte at or behind offset that is neither
 * blank nor part of a comment; the end of the text if there is none.
 * offset must not be inside of a token.
 */
int
script_skip_blanks(const char *text, int offset)
{
	for (;;)
	{
		int			next;

		while (is_blank(text[offset]))
			offset++;

		next = skip_comment(text, offset);
		if (next == offset)
			return offset;
		offset = next;
	}
}

/*
 * Return the offset behind the parenthesis that closes the first one at or
 * behind offset, which begins a function call that the server's parser has
 * accepted.
 */
int
script_call_end(const char *text, int offset)
{
	int			parens = 0;
	Token		token;

	do
	{
		next_token(text, offset, &token);
		offset = token.end;
		if (token.kind == TOKEN_OPEN)
			parens++;
		else if (token.kind == TOKEN_CLOSE)
			parens--;
	} while (token.kind != TOKEN_END &&
			 !(token.kind == TOKEN_CLOSE && parens == 0));
	return offset;
}

/*
 * Find the statement that the byte at target belongs to, and the first COPY
 * FROM STDIN that ended before it.
 *
 * The text up to target must be such that the server's parser accepted it;
 * what comes behind may be anything.  Statements are numbered as
 * script_parse() does it: empty ones don't count.
 */
void
script_locate(const char *text, int target, ScriptPlace *place)
{
	int			offset = 0;

	memset(place, 0, sizeof(ScriptPlace));

	for (;;)
	{
		int			start = script_skip_blanks(text, offset);
		bool		copy_from_stdin;

		if (text[start] == ';' && start < target)
		{
			offset = start + 1;
			continue;
		}

		/* a comment that never ends is an error at its first byte */
		if (start > target)
			start = target;

		place->number++;
		place->start = start;
		copy_from_stdin = scan_statement(text, target, place);

		if (place->end >= target || text[place->end] == '\0')
			return;

		if (copy_from_stdin && place->copy_number == 0)
		{
			place->copy_number = place->number;
			place->copy_start = start;
		}
		offset = place->end + 1;
	}
}

/*
 * Scan the statement that begins at place->start, find where it ends and
 * whether a token of it begins at target.  Return whether it is a COPY FROM
 * STDIN.
 *
 * A semicolon within parentheses, as in the action list of CREATE RULE, and
 * within the BEGIN ATOMIC body of a routine ends nothing.  As in psql, such a
 * body is known by BEGIN in a CREATE FUNCTION or CREATE PROCEDURE; CASE, the
 * other construct closed by END, has to be counted with it.  Behind target
 * the text is known to be broken and every semicolon ends the statement.
 */
static bool
scan_statement(const char *text, int target, ScriptPlace *place)
{
	int			offset = place->start;
	int			nwords = 0;
	int			parens = 0;
	int			blocks = 0;
	bool		is_create = false;
	bool		is_or_replace = false;
	bool		is_routine = false;
	bool		is_copy = false;
	bool		after_from = false;
	bool		copy_from_stdin = false;
	Token		token;

	for (;;)
	{
		next_token(text, offset, &token);
		offset = token.end;
		if (token.start == target)
			place->is_token = true;

		if (token.kind == TOKEN_END)
			break;

		if (token.kind == TOKEN_SEMICOLON)
		{
			if (token.start >= target || (parens == 0 && blocks == 0))
				break;
		}
		else if (token.kind == TOKEN_OPEN)
			parens++;
		else if (token.kind == TOKEN_CLOSE)
		{
			if (parens > 0)
				parens--;
		}
		else if (token.kind == TOKEN_WORD && parens == 0)
		{
			nwords++;
			if (nwords == 1)
			{
				is_create = token_is(text, &token, "create");
				is_copy = token_is(text, &token, "copy");
			}
			else if (nwords == 2 && is_create)
				is_or_replace = token_is(text, &token, "or");

			if (is_create && nwords == (is_or_replace ? 4 : 2))
				is_routine = token_is(text, &token, "function") ||
					token_is(text, &token, "procedure");

			if (is_routine && token_is(text, &token, "begin"))
				blocks++;
			else if (blocks > 0 && token_is(text, &token, "case"))
				blocks++;
			else if (blocks > 0 && token_is(text, &token, "end"))
				blocks--;

			if (is_copy && after_from && token_is(text, &token, "stdin"))
				copy_from_stdin = true;
		}

		after_from = token.kind == TOKEN_WORD && parens == 0 &&
			token_is(text, &token, "from");
	}

	place->end = token.start;
	return copy_from_stdin;
}

/*
 * Read the token at or behind offset.  Something that is not closed reaches
 * to the end of the text.
 */
static void
next_token(const char *text, int offset, Token *token)
{
	int			pos = script_skip_blanks(text, offset);
	char		c = text[pos];

	token->start = pos;
	token->kind = TOKEN_OTHER;

	if (c == '\0')
	{
		token->kind = TOKEN_END;
		token->end = pos;
	}
	else if ((c == 'e' || c == 'E') && text[pos + 1] == '\'')
		token->end = skip_quoted(text, pos + 1, true);
	else if (is_word_start(c))
	{
		token->kind = TOKEN_WORD;
		while (is_word_start(text[pos]) || is_digit(text[pos]) ||
			   text[pos] == '$')
			pos++;
		token->end = pos;
	}
	else if (is_digit(c))
	{
		while (is_word_start(text[pos]) || is_digit(text[pos]))
			pos++;
		token->end = pos;
	}
	else if (c == '\'' || c == '"')
		token->end = skip_quoted(text, pos, false);
	else if (c == '$')
		token->end = skip_dollar_quoted(text, pos);
	else
	{
		if (c == ';')
			token->kind = TOKEN_SEMICOLON;
		else if (c == '(')
			token->kind = TOKEN_OPEN;
		else if (c == ')')
			token->kind = TOKEN_CLOSE;
		token->end = pos + 1;
	}
}

/* Return the offset behind the comment at offset; offset if there is none. */
static int
skip_comment(const char *text, int offset)
{
	int			depth = 0;

	if (text[offset] == '-' && text[offset + 1] == '-')
	{
		while (text[offset] != '\0' && text[offset] != '\n' &&
			   text[offset] != '\r')
			offset++;
		return offset;
	}

	do
	{
		if (text[offset] == '/' && text[offset + 1] == '*')
		{
			depth++;
			offset += 2;
		}
		else if (depth == 0 || text[offset] == '\0')
			break;
		else if (text[offset] == '*' && text[offset + 1] == '/')
		{
			depth--;
			offset += 2;
		}
		else
			offset++;
	} while (depth > 0);

	return offset;
}

/*
 * Return the offset behind the string or quoted identifier whose quote is at
 * offset.  With escapes, a backslash takes the next byte with it, and that
 * holds for the parts that continue the string on further lines, too.
 */
static int
skip_quoted(const char *text, int offset, bool escapes)
{
	char		quote = text[offset++];

	while (text[offset] != '\0')
	{
		if (escapes && text[offset] == '\\' && text[offset + 1] != '\0')
			offset += 2;
		else if (text[offset] != quote)
			offset++;
		else if (text[offset + 1] == quote)
			offset += 2;
		else
		{
			int			next = offset + 1;
			bool		newline = false;

			if (!escapes)
				return next;

			while (is_blank(text[next]))
			{
				if (text[next] == '\n' || text[next] == '\r')
					newline = true;
				next++;
			}
			if (!newline || text[next] != quote)
				return offset + 1;
			offset = next + 1;
		}
	}

	return offset;
}

/*
 * Return the offset behind the dollar-quoted string at offset; behind the
 * dollar sign if none begins there.
 */
static int
skip_dollar_quoted(const char *text, int offset)
{
	int			tag_end = offset + 1;
	int			tag_length;
	const char *close;

	if (is_word_start(text[tag_end]))
	{
		while (is_word_start(text[tag_end]) || is_digit(text[tag_end]))
			tag_end++;
	}
	if (text[tag_end] != '$')
		return offset + 1;

	tag_length = tag_end + 1 - offset;
	close = &text[tag_end + 1];

	while ((close = strchr(close, '$')) != NULL)
	{
		if (strncmp(close, &text[offset], tag_length) == 0)
			return close + tag_length - text;

		close++;
	}

	return offset + strlen(&text[offset]);
}

static bool
token_is(const char *text, const Token *token, const char *word)
{
	int			length = token->end - token->start;

	return length == (int) strlen(word) &&
		pg_strncasecmp(&text[token->start], word, length) == 0;
}
