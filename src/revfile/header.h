/*-------------------------------------------------------------------------
 *
 * header.h
 *	  The comment lines at the top of a revision file.
 *
 * Pure logic, as revfile.h, which is the interface for other modules.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVFILE_HEADER_H
#define MIGRATE_REVFILE_HEADER_H

#include "lib/stringinfo.h"
#include "revfile/revfile.h"

/* What a header key is about; see header_keys[] in header.c */
typedef enum HeaderKey
{
	HEADER_REVISION_ID,
	HEADER_REVISES,
	HEADER_BRANCH_LABELS,
	HEADER_DEPENDS_ON,
	HEADER_CREATE_DATE,
	HEADER_AUTHOR,
	HEADER_NKEYS
} HeaderKey;

/* A header that is being read, line by line */
typedef struct HeaderReader
{
	RevisionFile *file;			/* gets what is read */
	bool		seen[HEADER_NKEYS]; /* keys met so far */
	bool		title_done;		/* the first paragraph has ended */
	int			blank_lines;	/* since the last line of the description */
	StringInfoData title;
	StringInfoData description;
} HeaderReader;

/* in header.c */
extern void revheader_begin(HeaderReader *reader, RevisionFile *file);
extern void revheader_line(HeaderReader *reader, const char *line,
						   const char *end);
extern void revheader_finish(HeaderReader *reader);
extern void revheader_normalize(RevisionFile *file);
extern char *revheader_compose(const RevisionFile *file, const char *timezone);

#endif							/* MIGRATE_REVFILE_HEADER_H */
