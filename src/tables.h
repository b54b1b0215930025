/*-------------------------------------------------------------------------
 *
 * tables.h
 *	  The names of the extension's own tables: they stand nowhere else in C.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TABLES_H
#define TABLES_H

#define TABLES_SCHEMA "migrate"
#define TABLES_OWNED_AS "revision"	/* its owner is the owner of all */

#define TABLE_ENVIRONMENT "migrate.environment"
#define TABLE_REVISION "migrate.revision"
#define TABLE_REVISION_EDGE "migrate.revision_edge"
#define TABLE_LOG "migrate.log"

#define FUNCTION_CHECKSUM "migrate.checksum"

#endif							/* TABLES_H */
