/*-------------------------------------------------------------------------
 *
 * directory.h
 *	  Reading revision files from the server's disk.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_AUTHOR_DIRECTORY_H
#define MIGRATE_AUTHOR_DIRECTORY_H

#include "nodes/pg_list.h"

/* in directory.c */
extern List *directory_sql_files(const char *path);
extern char *directory_read_file(const char *path, const char *filename);

#endif							/* MIGRATE_AUTHOR_DIRECTORY_H */
