/*-------------------------------------------------------------------------
 *
 * revfile.c
 *	  Revision files: taking their text apart and putting it together.
 *
 * A file has a header of comment lines, an upgrade section, and a downgrade
 * section unless the revision is irreversible.  Each byte of the text belongs
 * to one of four pieces, and the pieces are what is stored, so that a file
 * comes back as it was loaded.
 *
 * The lines of the header are read in header.c, and the sections are told
 * from the scripts in scan.c.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "revfile/header.h"
#include "revfile/revfile.h"
#include "revfile/scan.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static void parse_header(RevScanner *scan, RevisionFile *file);
static char *compose_script(const char *script, const char *source,
							bool blank_line);

/*
 * Take the text of a revision file apart.  "filename" only serves to name the
 * file in errors, and may be NULL.
 *
 * The text is in the server's encoding.  It may have CRLF line ends, and may
 * begin with the byte order mark that some editors write.
 *
 * The result is allocated in the current memory context and shares nothing
 * with the text.  Raises ERRCODE_SYNTAX_ERROR or what fits a value, with the
 * file and line as context, for a text that is no revision file.
 */
RevisionFile *
revfile_parse(const char *text, const char *filename)
{
	RevisionFile *file = (RevisionFile *) palloc0(sizeof(RevisionFile));
	RevScanner	scan;
	const char *start;

	if (filename)
		file->filename = pstrdup(filename);

	revscan_open(&scan, text,
				 filename ? psprintf("file \"%s\"", filename) : NULL);
	if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		scan.pos += strlen(BYTE_ORDER_MARK);

	parse_header(&scan, file);
	file->header = pnstrdup(text, scan.pos - text);

	start = scan.pos;
	revscan_skip_script(&scan);
	file->upgrade = pnstrdup(start, scan.pos - start);

	file->downgrade_transactional = true;
	if (*scan.pos)
	{
		start = scan.pos;
		if (revscan_marker(&scan, &file->downgrade_transactional) ==
			REVSECTION_UPGRADE)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("duplicate upgrade section")));
		revscan_next_line(&scan);
		file->separator = pnstrdup(start, scan.pos - start);

		start = scan.pos;
		revscan_skip_script(&scan);
		file->downgrade = pnstrdup(start, scan.pos - start);
		if (*scan.pos)
		{
			bool		transactional;

			if (revscan_marker(&scan, &transactional) == REVSECTION_UPGRADE)
				ereport(ERROR,
						(errcode(ERRCODE_SYNTAX_ERROR),
						 errmsg("duplicate upgrade section")));
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("duplicate downgrade section")));
		}
	}

	revscan_close(&scan);
	return file;
}

/*
 * Read the header, up to and including the marker of the upgrade section.
 */
static void
parse_header(RevScanner *scan, RevisionFile *file)
{
	HeaderReader reader;

	revheader_begin(&reader, file);
	for (;;)
	{
		RevSection	section;

		if (*scan->pos == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("revision file has no upgrade section"),
					 errhint("The upgrade section begins with the line \"-- migrate:upgrade\".")));

		section = revscan_marker(scan, &file->upgrade_transactional);
		if (section == REVSECTION_UPGRADE)
			break;
		if (section == REVSECTION_DOWNGRADE)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("downgrade section without an upgrade section before it")));

		revheader_line(&reader, scan->pos, revscan_line_end(scan->pos));
		revscan_next_line(scan);
	}
	revheader_finish(&reader);
	revscan_next_line(scan);
}

/*
 * Make the text of a file from its fields: sets header and separator, and
 * changes the other fields to what revfile_parse() will read.
 *
 * That means for the scripts that they get a line end if they have none, and
 * that a blank line keeps the upgrade script apart from the separator; an
 * empty script stays empty.  The message becomes one line, and the create date
 * a whole second.  A downgrade that is NULL makes the revision irreversible.
 *
 * The create date is written in the named time zone, UTC if it is NULL.
 *
 * New values are allocated in the current memory context, and old ones not
 * freed.  Raises an error if a field cannot be written so that it is read
 * back: ERRCODE_INVALID_PARAMETER_VALUE for names and texts, and for a time
 * zone that is unknown; ERRCODE_SYNTAX_ERROR, with the line as context, for a
 * script with a section marker in it, or with a quote that does not end.
 */
void
revfile_compose(RevisionFile *file, const char *timezone)
{
	revheader_normalize(file);
	file->upgrade = compose_script(file->upgrade ? file->upgrade : "",
								   "upgrade script",
								   file->downgrade != NULL);
	if (file->downgrade)
	{
		file->downgrade = compose_script(file->downgrade, "downgrade script",
										 false);
		file->separator =
			pstrdup(file->downgrade_transactional ?
					"-- migrate:downgrade\n" :
					"-- migrate:downgrade transaction:no\n");
	}
	else
	{
		file->separator = NULL;
		file->downgrade_transactional = true;
	}
	file->header = revheader_compose(file, timezone);
}

/*
 * A script as it goes into a file; "source" names it in errors.
 */
static char *
compose_script(const char *script, const char *source, bool blank_line)
{
	RevScanner	scan;
	size_t		length = strlen(script);
	const char *last_line;

	revscan_open(&scan, script, source);
	revscan_skip_script(&scan);
	if (*scan.pos)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("script contains a section marker"),
				 errdetail("A line that begins with \"-- migrate:\" would begin a section of the revision file."),
				 errhint("Leave the line out, or load the whole file with migrate_load.")));
	revscan_close(&scan);

	if (length == 0)
		return pstrdup("");
	if (!revscan_is_line_end(script[length - 1]))
		return psprintf(blank_line ? "%s\n\n" : "%s\n", script);
	if (!blank_line)
		return pstrdup(script);

	/* find the last line, to see whether it is blank */
	last_line = script + length - 1;
	if (last_line > script && last_line[0] == '\n' && last_line[-1] == '\r')
		last_line--;
	while (last_line > script && revscan_is_blank(last_line[-1]))
		last_line--;
	if (last_line == script || revscan_is_line_end(last_line[-1]))
		return pstrdup(script);
	return psprintf("%s\n", script);
}

/*
 * The text of a file, palloc'd: that which was parsed, or was composed.
 */
char *
revfile_text(const RevisionFile *file)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, file->header);
	appendStringInfoString(&buf, file->upgrade);
	if (file->separator)
	{
		appendStringInfoString(&buf, file->separator);
		appendStringInfoString(&buf, file->downgrade);
	}
	return buf.data;
}
