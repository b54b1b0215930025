/*-------------------------------------------------------------------------
 *
 * revfile.h
 *	  Revision files: reading and writing their text, and naming them.
 *
 * Pure logic: text in, structures out, no catalog access.  Results are
 * allocated in the current memory context.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVFILE_REVFILE_H
#define MIGRATE_REVFILE_REVFILE_H

#include "base/migrate.h"

/* what Alembic calls a revision without a message */
#define REVFILE_EMPTY_MESSAGE "empty message"

/*
 * A revision file, taken apart.  header + upgrade + separator + downgrade is
 * the text of the file, byte for byte; header ends with the line that marks
 * the upgrade section, separator is the line that marks the downgrade
 * section.
 */
typedef struct RevisionFile
{
	char	   *filename;		/* as given, or NULL */
	char	   *id;
	char	   *message;		/* one line; "empty message" if none */
	char	   *description;	/* paragraphs below it, or "" */
	List	   *down_ids;		/* char * */
	List	   *depends_ids;	/* char * */
	List	   *labels;			/* char * */
	char	   *author;			/* or NULL */
	TimestampTz create_date;
	bool		has_create_date;
	char	   *header;
	char	   *upgrade;
	bool		upgrade_transactional;
	char	   *separator;		/* NULL: irreversible */
	char	   *downgrade;		/* NULL: irreversible */
	bool		downgrade_transactional;
} RevisionFile;

/* in revfile.c */
extern RevisionFile *revfile_parse(const char *text, const char *filename);
extern void revfile_compose(RevisionFile *file, const char *timezone);
extern char *revfile_text(const RevisionFile *file);

/* in filename.c */
extern char *filename_from_template(const char *file_template, const char *id,
									const char *message, int slug_length,
									TimestampTz date, const char *timezone);
extern char *filename_given(const char *path);
extern void filename_check_template(const char *file_template);

/* in id.c */
extern char *revid_random(void);
extern char *revid_timestamp(TimestampTz date, const char *timezone);
extern char *revid_sequence(List *existing_ids);

#endif							/* MIGRATE_REVFILE_REVFILE_H */
