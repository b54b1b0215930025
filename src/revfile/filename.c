/*-------------------------------------------------------------------------
 *
 * filename.c
 *	  Naming revision files after a template with Alembic's placeholders.
 *
 * A template is what Alembic's file_template is, a format string of Python's,
 * such as
 *
 *	%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d_%(rev)s_%(slug)s
 *
 * without its directory and extension.  Of Python's formats those are known
 * that make sense in a name: text with s, and numbers with s or d, filled up
 * with zeros if a precision (.2) or a width (02) asks for it.
 *
 * The name of a file is used by whoever exports it, perhaps in a shell, so it
 * is never a path, a hidden file, or anything like an option.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation_d.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "revfile/revfile.h"
#include "revfile/time.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

#define FILE_EXTENSION ".sql"

/* Alembic's truncate_slug_length, where none is given */
#define DEFAULT_SLUG_LENGTH 40

/* more digits than any number has; a template asking for more is a mistake */
#define MAX_DIGITS 20

/* Alembic's placeholders; text first */
typedef enum Placeholder
{
	PLACEHOLDER_REV,
	PLACEHOLDER_SLUG,
	PLACEHOLDER_YEAR,
	PLACEHOLDER_MONTH,
	PLACEHOLDER_DAY,
	PLACEHOLDER_HOUR,
	PLACEHOLDER_MINUTE,
	PLACEHOLDER_SECOND,
	PLACEHOLDER_EPOCH,
	PLACEHOLDER_NONE
} Placeholder;

#define PLACEHOLDER_IS_TEXT(placeholder) ((placeholder) < PLACEHOLDER_YEAR)

static const char *const placeholder_names[] = {
	"rev", "slug", "year", "month", "day", "hour", "minute", "second", "epoch"
};

/* One piece of a template: a placeholder, or a character */
typedef struct TemplatePiece
{
	Placeholder placeholder;
	int			digits;			/* fill up to so many with zeros */
	const char *literal;		/* if PLACEHOLDER_NONE: the character */
	int			length;			/* and its length in bytes */
} TemplatePiece;

/*
 * Punctuation, symbols, pictographs and blanks of Unicode that messages are
 * written with.
 */
static const pg_wchar no_word_ranges[][2] = {
	{0x80, 0xA9}, {0xAB, 0xB1}, {0xB4, 0xB4}, {0xB6, 0xB8}, {0xBB, 0xBB},
	{0xBF, 0xBF}, {0xD7, 0xD7}, {0xF7, 0xF7},
	{0x060C, 0x060C}, {0x061B, 0x061B}, {0x061F, 0x061F}, {0x0964, 0x0965},
	{0x2000, 0x206F},			/* dashes, quotes, ellipsis, blanks */
	{0x20A0, 0x20CF},			/* currency */
	{0x2190, 0x245F},			/* arrows, mathematics, technical */
	{0x2500, 0x2775},			/* boxes, shapes, dingbats */
	{0x2794, 0x2BFF},			/* more of them */
	{0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},
	{0xFE00, 0xFE0F}, {0xFE30, 0xFE6F}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20},
	{0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},
	{0x1F1E6, 0x1F1FF}, {0x1F300, 0x1FAFF}
};

static void make_harmless(char *name);
static const char *next_piece(const char *file_template, const char *pos,
							  TemplatePiece *piece);
static Placeholder find_placeholder(const char *name, size_t length);
static void bad_template(const char *file_template, const char *detail) pg_attribute_noreturn();
static char *make_slug(const char *message, int slug_length);
static bool is_word_character(const char *c);
static char *slug_tolower(const char *slug, int length);

/*
 * The name of the file for a revision, with the extension; palloc'd.
 *
 * "message" may be NULL, and then the slug is empty.  The slug is cut to
 * "slug_length" characters as Alembic does it, to 40 if that is not positive.
 * The date is shown in the named time zone, UTC if it is NULL.
 *
 * Raises an error for a template that filename_check_template() refuses, for
 * an unknown time zone, and for an id that cannot be in a file name.
 */
char *
filename_from_template(const char *file_template, const char *id,
					   const char *message, int slug_length,
					   TimestampTz date, const char *timezone)
{
	StringInfoData name;
	struct pg_tm tm;
	int			offset;
	int64		numbers[lengthof(placeholder_names)] = {0};
	const char *pos;

	filename_check_template(file_template);

	revtime_break_down(date, timezone, &tm, &offset);
	numbers[PLACEHOLDER_YEAR] = tm.tm_year;
	numbers[PLACEHOLDER_MONTH] = tm.tm_mon;
	numbers[PLACEHOLDER_DAY] = tm.tm_mday;
	numbers[PLACEHOLDER_HOUR] = tm.tm_hour;
	numbers[PLACEHOLDER_MINUTE] = tm.tm_min;
	numbers[PLACEHOLDER_SECOND] = tm.tm_sec;
	numbers[PLACEHOLDER_EPOCH] = (int64) timestamptz_to_time_t(date);

	initStringInfo(&name);
	for (pos = file_template; *pos;)
	{
		TemplatePiece piece;

		pos = next_piece(file_template, pos, &piece);
		if (piece.placeholder == PLACEHOLDER_NONE)
			appendBinaryStringInfo(&name, piece.literal, piece.length);
		else if (piece.placeholder == PLACEHOLDER_REV)
			appendStringInfoString(&name, id);
		else if (piece.placeholder == PLACEHOLDER_SLUG)
			appendStringInfoString(&name, make_slug(message, slug_length));
		else
		{
			int64		number = numbers[piece.placeholder];
			char	   *digits = psprintf(INT64_FORMAT,
										  number < 0 ? -number : number);

			if (number < 0)
				appendStringInfoChar(&name, '-');
			for (int i = strlen(digits); i < piece.digits; i++)
				appendStringInfoChar(&name, '0');
			appendStringInfoString(&name, digits);
		}
	}

	make_harmless(name.data);
	appendStringInfoString(&name, FILE_EXTENSION);
	return name.data;
}

/*
 * The file name that a caller gives, or NULL: the last part of a path, and as
 * harmless to whoever writes exported files as one made from a template.
 *
 * The result is allocated in the current memory context.
 */
char *
filename_given(const char *path)
{
	const char *name = path;
	char	   *result;

	if (path == NULL)
		return NULL;
	for (const char *c = path; *c; c++)
	{
		if (*c == '/' || *c == '\\')
			name = c + 1;
	}
	if (*name == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of a file", path)));
	result = pstrdup(name);
	make_harmless(result);
	return result;
}

/*
 * Replace, in place, what would lead to another directory, hide the file or
 * make an option of its name.
 */
static void
make_harmless(char *name)
{
	for (char *c = name; *c; c++)
	{
		if ((unsigned char) *c < ' ' || *c == 0x7F || *c == '/' || *c == '\\')
			*c = '_';
	}
	if (name[0] == '.' || name[0] == '-')
		name[0] = '_';
}

/*
 * Raise an error for a template that would not give each revision a file name
 * of its own, or would give it none.
 */
void
filename_check_template(const char *file_template)
{
	const char *pos;
	bool		has_id = false;

	if (file_template[0] == '.' || file_template[0] == '-')
		bad_template(file_template,
					 "A file name does not begin with a dot or a dash.");

	for (pos = file_template; *pos;)
	{
		TemplatePiece piece;

		pos = next_piece(file_template, pos, &piece);
		if (piece.placeholder == PLACEHOLDER_REV)
			has_id = true;
		else if (piece.placeholder == PLACEHOLDER_NONE &&
				 ((unsigned char) *piece.literal < ' ' ||
				  *piece.literal == 0x7F ||
				  *piece.literal == '/' || *piece.literal == '\\'))
			bad_template(file_template,
						 "A file name has no slash, backslash or control character.");
	}

	if (!has_id)
		bad_template(file_template,
					 strstr(file_template, "%%(") ?
					 "There is no %(rev)s in it; the percent signs that alembic.ini has to double are single here." :
					 "There is no %(rev)s in it.");
}

/*
 * Read one piece of a template at "pos".  Returns the place behind it.
 */
static const char *
next_piece(const char *file_template, const char *pos, TemplatePiece *piece)
{
	const char *name;
	const char *end;
	bool		has_digits = false;

	piece->placeholder = PLACEHOLDER_NONE;
	piece->digits = 0;
	piece->literal = pos;
	piece->length = 1;

	if (*pos != '%')
	{
		piece->length = pg_mblen(pos);
		return pos + piece->length;
	}
	pos++;
	if (*pos == '%')
		return pos + 1;
	if (*pos != '(')
		bad_template(file_template,
					 "A percent sign begins a placeholder such as %(rev)s, or is doubled to stand for itself.");

	name = pos + 1;
	end = strchr(name, ')');
	if (end == NULL)
		bad_template(file_template, "A placeholder has no closing parenthesis.");
	piece->placeholder = find_placeholder(name, end - name);
	if (piece->placeholder == PLACEHOLDER_NONE)
		bad_template(file_template,
					 psprintf("The placeholder \"%s\" is unknown.",
							  pnstrdup(name, end - name)));

	/* a width with zeros, and then a precision, mean the same to a number */
	pos = end + 1;
	for (const char *flag = "0."; *flag; flag++)
	{
		int			digits = 0;

		if (*pos != *flag)
			continue;
		has_digits = true;
		for (pos++; *pos >= '0' && *pos <= '9'; pos++)
			digits = Min(digits * 10 + (*pos - '0'), MAX_DIGITS + 1);
		piece->digits = Max(piece->digits, digits);
	}

	if (PLACEHOLDER_IS_TEXT(piece->placeholder) ?
		(*pos != 's' || has_digits) :
		(!(*pos == 'd' || (*pos == 's' && !has_digits)) ||
		 piece->digits > MAX_DIGITS))
		bad_template(file_template,
					 psprintf("The placeholder \"%s\" has a format that is not supported.",
							  placeholder_names[piece->placeholder]));
	return pos + 1;
}

static Placeholder
find_placeholder(const char *name, size_t length)
{
	for (int i = 0; i < lengthof(placeholder_names); i++)
	{
		if (strlen(placeholder_names[i]) == length &&
			strncmp(placeholder_names[i], name, length) == 0)
			return (Placeholder) i;
	}
	return PLACEHOLDER_NONE;
}

static void
bad_template(const char *file_template, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid file name template \"%s\"", file_template),
			 errdetail_internal("%s", detail),
			 errhint("Placeholders are %%(rev)s, which must be there, %%(slug)s, %%(year)d, %%(month).2d, %%(day).2d, %%(hour).2d, %%(minute).2d, %%(second).2d and %%(epoch)s.")));
}

/*
 * The words of a message in lower case, with underscores between them, as
 * Alembic makes a slug.  If it is too long, it ends with its last whole word,
 * if it has several, and an underscore.
 */
static char *
make_slug(const char *message, int slug_length)
{
	StringInfoData slug;
	char	   *result;
	char	   *underscore;
	int			length;
	bool		in_word = false;

	initStringInfo(&slug);
	for (const char *c = message ? message : ""; *c; c += length)
	{
		length = pg_mblen(c);
		if (!is_word_character(c))
		{
			in_word = false;
			continue;
		}
		if (!in_word && slug.len > 0)
			appendStringInfoChar(&slug, '_');
		appendBinaryStringInfo(&slug, c, length);
		in_word = true;
	}

	result = slug_tolower(slug.data, slug.len);
	if (slug_length <= 0)
		slug_length = DEFAULT_SLUG_LENGTH;
	if (pg_mbstrlen(result) <= slug_length)
		return result;

	result[pg_mbcharcliplen(result, strlen(result), slug_length)] = '\0';
	underscore = strrchr(result, '_');
	if (underscore)
		*underscore = '\0';
	return psprintf("%s_", result);
}

/*
 * Whether the character at "c" is one that words are made of: \w in Python.
 *
 * Beyond ASCII everything is, except for punctuation and symbols that can be
 * told in UTF-8.  They are told apart by their code points rather than by the
 * locale, since a file should have the same name in every database.
 */
static bool
is_word_character(const char *c)
{
	pg_wchar	code;

	if (!IS_HIGHBIT_SET(*c))
		return (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') || *c == '_';

	if (GetDatabaseEncoding() != PG_UTF8)
		return true;
	code = utf8_to_unicode((const unsigned char *) c);
	for (int i = 0; i < lengthof(no_word_ranges); i++)
	{
		if (code >= no_word_ranges[i][0] && code <= no_word_ranges[i][1])
			return false;
	}
	return true;
}

/*
 * A slug in lower case, palloc'd.  ASCII does not depend on the locale here
 * (in Turkish, I is not the capital of i); for other letters the database's
 * locale has to do.
 */
static char *
slug_tolower(const char *slug, int length)
{
	StringInfoData result;
	int			i = 0;

	initStringInfo(&result);
	while (i < length)
	{
		int			start = i;

		while (i < length && IS_HIGHBIT_SET(slug[i]))
			i += pg_mblen(slug + i);
		if (i > start)
			appendStringInfoString(&result,
								   str_tolower(slug + start, i - start,
											   DEFAULT_COLLATION_OID));
		else
			appendStringInfoChar(&result,
								 pg_ascii_tolower((unsigned char) slug[i++]));
	}
	return result.data;
}
