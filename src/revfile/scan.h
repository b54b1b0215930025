/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Finding the section markers of a revision file.
 *
 * Pure logic, as revfile.h, which is the interface for other modules.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVFILE_SCAN_H
#define MIGRATE_REVFILE_SCAN_H

#include "utils/elog.h"

typedef enum RevSection
{
	REVSECTION_NONE,
	REVSECTION_UPGRADE,
	REVSECTION_DOWNGRADE
} RevSection;

/*
 * A place in a text.  While a scanner is open, every error tells the place in
 * its context.
 */
typedef struct RevScanner
{
	const char *source;			/* what the text is, such as: file "x.sql" */
	const char *pos;			/* next byte to read */
	int			line;			/* line of pos, from 1 */
	ErrorContextCallback callback;
} RevScanner;

/* blanks within a line; line ends are \n, \r\n and \r, as in the server's lexer */
static inline bool
revscan_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v';
}

static inline bool
revscan_is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* in scan.c */
extern void revscan_open(RevScanner *scan, const char *start,
						 const char *source);
extern void revscan_close(RevScanner *scan);
extern const char *revscan_line_end(const char *line);
extern void revscan_next_line(RevScanner *scan);
extern bool revscan_is_marker(const char *line);
extern RevSection revscan_marker(const RevScanner *scan, bool *transactional);
extern void revscan_skip_script(RevScanner *scan);

#endif							/* MIGRATE_REVFILE_SCAN_H */
