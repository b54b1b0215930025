/*-------------------------------------------------------------------------
 *
 * version.h
 *	  The version table: Alembic's own, and the user's.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_VERSION_H
#define MIGRATE_VERSION_H

#include "bookkeeping.h"
#include "catalog.h"

/* its one column */
#define VERSION_COLUMN "version_num"

/* The version table while a run writes it */
typedef struct VersionWriter
{
	const Environment *environment;
	const char *display;		/* schema-qualified and quoted */
	char	   *privilege_hint; /* for errors about missing rights */
	Oid			relid;
	int			width;			/* longest id that fits, or -1 */
	SPIPlanPtr	insert;			/* kept; freed by version_end_write() */
	SPIPlanPtr	update;
	SPIPlanPtr	delete;
	Oid			namespace_oid;
	const char *relname;
} VersionWriter;

/* in version.c */
extern char *version_table_name(const Environment *environment);
extern List *version_read(const Environment *environment);
extern VersionWriter *version_begin_write(const Environment *environment);
extern void version_check_width(const VersionWriter *writer, const char *id);
extern void version_apply(VersionWriter *writer, const Graph *graph,
						  const Step *step);
extern void version_purge(VersionWriter *writer, int nrows);
extern void version_end_write(VersionWriter *writer);

#endif							/* MIGRATE_VERSION_H */
