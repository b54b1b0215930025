/*-------------------------------------------------------------------------
 *
 * header.c
 *	  The comment lines at the top of a revision file.
 *
 * A header is what Alembic writes into the docstring of a revision: a title,
 * paragraphs of description, and "Key: value" lines.  Every line that has no
 * key of ours is a line of text, so that nobody's words get lost.
 *
 * What is composed here is read back as the same fields.  Where that cannot
 * be, as with a description that has a line "Revises: x", composing raises an
 * error.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "revfile/header.h"
#include "revfile/scan.h"
#include "revfile/time.h"

/* by HeaderKey; case is not significant */
static const char *const header_keys[HEADER_NKEYS] = {
	"Revision ID",
	"Revises",
	"Branch Labels",
	"Depends On",
	"Create Date",
	"Author"
};

static bool find_key(const char *line, const char *end, HeaderKey *key,
					 const char **value);
static void read_key(HeaderReader *reader, HeaderKey key, char *value);
static void read_text(HeaderReader *reader, const char *line,
					  const char *end);
static List *read_list(HeaderKey key, char *value);
static void append_text(StringInfo buf, const char *line);
static void append_list(StringInfo buf, HeaderKey key, List *items);
static void check_name(HeaderKey key, const char *name);
static char *one_line(const char *text);
static char *tidy_lines(const char *line);
static char *trim(const char *start, const char *end);
static bool means_nothing(const char *value);

/*
 * Begin reading a header; the fields of "file" that stand in headers are set
 * by revheader_finish() at the latest.
 */
void
revheader_begin(HeaderReader *reader, RevisionFile *file)
{
	memset(reader, 0, sizeof(HeaderReader));
	reader->file = file;
	initStringInfo(&reader->title);
	initStringInfo(&reader->description);
}

/*
 * Read one line of a header, without its line end.
 *
 * Raises an error if it is neither blank nor a comment, for a key that was
 * there before, and for a value that is none.
 */
void
revheader_line(HeaderReader *reader, const char *line, const char *end)
{
	HeaderKey	key;
	const char *value;

	while (end > line && revscan_is_blank(end[-1]))
		end--;
	while (line < end && revscan_is_blank(*line))
		line++;

	if (line < end)
	{
		if (end - line < 2 || line[0] != '-' || line[1] != '-')
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("only comments can stand before the upgrade section"),
					 errhint("The upgrade section begins with the line \"-- migrate:upgrade\".")));
		line += 2;
		if (line < end && *line == ' ')
			line++;
	}

	if (!find_key(line, end, &key, &value))
	{
		read_text(reader, line, end);
		return;
	}

	if (reader->seen[key])
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("duplicate header key \"%s\"", header_keys[key])));
	reader->seen[key] = true;
	read_key(reader, key, trim(value, end));

	/* a key ends a paragraph */
	if (reader->title.len > 0)
		reader->title_done = true;
	reader->blank_lines = Max(reader->blank_lines, 1);
}

/*
 * End of the header: what is left to set, and what must be there.
 */
void
revheader_finish(HeaderReader *reader)
{
	RevisionFile *file = reader->file;

	if (file->id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("header has no \"%s\"",
						header_keys[HEADER_REVISION_ID]),
				 errhint("Write a line such as \"-- Revision ID: 20241209_100000\" before the upgrade section.")));

	file->message = reader->title.len > 0 ?
		reader->title.data : pstrdup(REVFILE_EMPTY_MESSAGE);
	file->description = reader->description.data;
}

/*
 * Make message, description, author and create date what they will be when
 * they are read back from the header that revheader_compose() writes.
 */
void
revheader_normalize(RevisionFile *file)
{
	file->message = one_line(file->message ? file->message : "");
	if (*file->message == '\0')
		file->message = pstrdup(REVFILE_EMPTY_MESSAGE);
	file->description = tidy_lines(file->description ? file->description : "");
	if (file->author)
	{
		file->author = one_line(file->author);
		if (*file->author == '\0')
			file->author = NULL;
	}
	if (file->has_create_date)
		file->create_date = revtime_whole_second(file->create_date);
	else
		file->create_date = 0;
}

/*
 * The header for a file whose fields revheader_normalize() has seen, up to
 * and including the marker of the upgrade section.
 *
 * Raises an error for names and texts that would be read back as something
 * else, and for an unknown time zone.
 */
char *
revheader_compose(const RevisionFile *file, const char *timezone)
{
	StringInfoData buf;
	const char *line;

	initStringInfo(&buf);
	append_text(&buf, file->message);
	appendStringInfoString(&buf, "--\n");

	for (line = file->description; *line;)
	{
		const char *end = revscan_line_end(line);

		append_text(&buf, pnstrdup(line, end - line));
		line = *end ? end + 1 : end;
	}
	if (*file->description)
		appendStringInfoString(&buf, "--\n");

	check_name(HEADER_REVISION_ID, file->id);
	appendStringInfo(&buf, "-- %s: %s\n",
					 header_keys[HEADER_REVISION_ID], file->id);
	append_list(&buf, HEADER_REVISES, file->down_ids);
	append_list(&buf, HEADER_BRANCH_LABELS, file->labels);
	append_list(&buf, HEADER_DEPENDS_ON, file->depends_ids);
	appendStringInfo(&buf, "-- %s:", header_keys[HEADER_CREATE_DATE]);
	if (file->has_create_date)
		appendStringInfo(&buf, " %s",
						 revtime_format(file->create_date, timezone));
	appendStringInfoChar(&buf, '\n');
	if (file->author)
		appendStringInfo(&buf, "-- %s: %s\n",
						 header_keys[HEADER_AUTHOR], file->author);

	appendStringInfo(&buf, "\n-- migrate:upgrade%s\n",
					 file->upgrade_transactional ? "" : " transaction:no");
	return buf.data;
}

/*
 * Whether a comment line, without its dashes, begins with one of our keys.
 * *value is then what follows the colon.
 */
static bool
find_key(const char *line, const char *end, HeaderKey *key,
		 const char **value)
{
	const char *colon;
	size_t		length;

	while (line < end && revscan_is_blank(*line))
		line++;
	colon = memchr(line, ':', end - line);
	if (colon == NULL)
		return false;
	*value = colon + 1;
	while (colon > line && revscan_is_blank(colon[-1]))
		colon--;
	length = colon - line;

	for (int i = 0; i < HEADER_NKEYS; i++)
	{
		if (strlen(header_keys[i]) == length &&
			pg_strncasecmp(line, header_keys[i], length) == 0)
		{
			*key = (HeaderKey) i;
			return true;
		}
	}
	return false;
}

/*
 * Set the field of a key.  "value" is trimmed, and may be changed.
 */
static void
read_key(HeaderReader *reader, HeaderKey key, char *value)
{
	RevisionFile *file = reader->file;

	switch (key)
	{
		case HEADER_REVISION_ID:
			if (*value == '\0')
				ereport(ERROR,
						(errcode(ERRCODE_SYNTAX_ERROR),
						 errmsg("header key \"%s\" has no value",
								header_keys[key])));
			check_name(key, value);
			file->id = value;
			break;
		case HEADER_REVISES:
			file->down_ids = read_list(key, value);
			break;
		case HEADER_BRANCH_LABELS:
			file->labels = read_list(key, value);
			break;
		case HEADER_DEPENDS_ON:
			file->depends_ids = read_list(key, value);
			break;
		case HEADER_CREATE_DATE:
			file->has_create_date = (*value != '\0');
			if (file->has_create_date)
				file->create_date = revtime_parse(value);
			break;
		case HEADER_AUTHOR:
			file->author = *value ? value : NULL;
			break;
		case HEADER_NKEYS:
			break;
	}
}

/*
 * Add a line of text, already without trailing blanks, to the title or to the
 * description.  Blank lines separate paragraphs; those around the description
 * do not belong to it.
 */
static void
read_text(HeaderReader *reader, const char *line, const char *end)
{
	if (line >= end)
	{
		if (reader->title.len > 0)
			reader->title_done = true;
		reader->blank_lines++;
		return;
	}

	if (!reader->title_done)
	{
		if (reader->title.len > 0)
			appendStringInfoChar(&reader->title, ' ');
		while (revscan_is_blank(*line))
			line++;
		appendBinaryStringInfo(&reader->title, line, end - line);
		return;
	}

	if (reader->description.len > 0)
	{
		for (int i = 0; i <= reader->blank_lines; i++)
			appendStringInfoChar(&reader->description, '\n');
	}
	reader->blank_lines = 0;
	appendBinaryStringInfo(&reader->description, line, end - line);
}

/*
 * Read a comma separated list of names.
 */
static List *
read_list(HeaderKey key, char *value)
{
	List	   *result = NIL;
	char	   *item = value;

	if (*value == '\0' || means_nothing(value))
		return NIL;

	for (;;)
	{
		char	   *comma = strchr(item, ',');
		char	   *name = trim(item, comma ? comma : item + strlen(item));

		if (*name == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("empty name in the list of header key \"%s\"",
							header_keys[key])));
		check_name(key, name);
		result = lappend(result, name);
		if (comma == NULL)
			return result;
		item = comma + 1;
	}
}

/*
 * Write one line of text as a comment.
 */
static void
append_text(StringInfo buf, const char *line)
{
	int			start = buf->len;
	HeaderKey	key;
	const char *value;

	if (find_key(line, line + strlen(line), &key, &value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("message or description has a line that begins with the header key \"%s\"",
						header_keys[key]),
				 errdetail("It could not be told from the header of the revision file.")));

	appendStringInfo(buf, *line ? "-- %s\n" : "--\n", line);
	if (revscan_is_marker(buf->data + start))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("message or description has a line that begins as a section marker does"),
				 errdetail("It could not be told from a section of the revision file.")));
}

static void
append_list(StringInfo buf, HeaderKey key, List *items)
{
	ListCell   *lc;
	const char *separator = " ";

	appendStringInfo(buf, "-- %s:", header_keys[key]);
	foreach(lc, items)
	{
		const char *name = (const char *) lfirst(lc);

		check_name(key, name);
		appendStringInfo(buf, "%s%s", separator, name);
		separator = ", ";
	}
	appendStringInfoChar(buf, '\n');
}

/*
 * Raise an error for a name that a list of a header cannot hold.  What else
 * makes a name illegal is the graph's concern.
 */
static void
check_name(HeaderKey key, const char *name)
{
	size_t		length = strlen(name);

	if (length == 0 || strpbrk(name, ",\r\n") != NULL ||
		revscan_is_blank(name[0]) || revscan_is_blank(name[length - 1]) ||
		means_nothing(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name \"%s\" for header key \"%s\"",
						name, header_keys[key]),
				 errdetail("A name in a revision file is neither \"None\" nor \"<base>\", has no comma or line end in it, and no blank at its ends.")));
}

/*
 * The lines of a text without the blanks around them, joined to one.
 */
static char *
one_line(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (;;)
	{
		const char *end = revscan_line_end(text);
		char	   *line = trim(text, end);

		if (*line)
			appendStringInfo(&buf, buf.len > 0 ? " %s" : "%s", line);
		pfree(line);
		if (*end == '\0')
			return buf.data;
		text = end + 1;
	}
}

/*
 * A text with \n as line ends, without blanks at the ends of lines, and
 * without blank lines around it.
 */
static char *
tidy_lines(const char *line)
{
	StringInfoData buf;
	int			newlines = 0;

	initStringInfo(&buf);
	for (;;)
	{
		const char *next = revscan_line_end(line);
		const char *end = next;

		while (end > line && revscan_is_blank(end[-1]))
			end--;
		if (end > line)
		{
			for (; buf.len > 0 && newlines > 0; newlines--)
				appendStringInfoChar(&buf, '\n');
			newlines = 0;
			appendBinaryStringInfo(&buf, line, end - line);
		}
		if (*next == '\0')
			return buf.data;
		newlines++;
		line = next + ((next[0] == '\r' && next[1] == '\n') ? 2 : 1);
	}
}

/*
 * A copy of a piece of text without the blanks around it.
 */
static char *
trim(const char *start, const char *end)
{
	while (start < end && revscan_is_blank(*start))
		start++;
	while (end > start && revscan_is_blank(end[-1]))
		end--;
	return pnstrdup(start, end - start);
}

/*
 * Whether a value is how Python, or Alembic, writes that there is none.
 */
static bool
means_nothing(const char *value)
{
	return strcmp(value, "None") == 0 || strcmp(value, "<base>") == 0;
}
