/*-------------------------------------------------------------------------
 *
 * version.h
 *	  The version table: Alembic's own, and the user's.
 *
 * It holds the current heads and nothing else.  It is read and written with
 * the rights of the caller and never with those of the extension's owner,
 * because whoever owns it may have put triggers on it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_VERSION_H
#define MIGRATE_CATALOG_VERSION_H

#include "catalog/bookkeeping.h"
#include "catalog/records.h"
#include "nodes/parsenodes.h"

/* its one column */
#define VERSION_COLUMN "version_num"

/* The version table while a run writes it */
typedef struct VersionWriter
{
	const char *display;		/* schema-qualified and quoted */
	Oid			relid;
	Oid			namespace_oid;
	const char *relname;
	int			width;			/* longest id that fits, or -1 */
	SPIPlanPtr	insert;			/* kept; freed by version_end_write() */
	SPIPlanPtr	update;
	SPIPlanPtr	delete;
} VersionWriter;

/* in version.c */
extern char *version_table_name(const Environment *environment);
extern char *version_constraint_name(const Environment *environment);
extern Oid	version_find_table(const Environment *environment);
extern void version_check_rights(const Environment *environment, Oid relid,
								 AclMode needed);
extern List *version_read(const Environment *environment);

/* in versionwrite.c */
extern VersionWriter *version_begin_write(const Environment *environment);
extern void version_check_width(const VersionWriter *writer, const char *id);
extern void version_apply(VersionWriter *writer, const Graph *graph,
						  const Step *step);
extern void version_purge(VersionWriter *writer, int nrows);
extern void version_end_write(VersionWriter *writer);

#endif							/* MIGRATE_CATALOG_VERSION_H */
