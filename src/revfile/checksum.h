/*-------------------------------------------------------------------------
 *
 * checksum.h
 *	  The checksum of a revision's scripts.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVFILE_CHECKSUM_H
#define MIGRATE_REVFILE_CHECKSUM_H

/* in checksum.c */
extern char *checksum_scripts(const char *upgrade, const char *downgrade);

#endif							/* MIGRATE_REVFILE_CHECKSUM_H */
