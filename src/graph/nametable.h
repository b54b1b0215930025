/*-------------------------------------------------------------------------
 *
 * nametable.h
 *	  A hash table from a name to a place in an array.
 *
 * The functions are static inline, nametable_create(), nametable_insert() and
 * so on, as lib/simplehash.h makes them.  The table does not copy its names.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_GRAPH_NAMETABLE_H
#define MIGRATE_GRAPH_NAMETABLE_H

#include "common/hashfn.h"

typedef struct NameEntry
{
	const char *name;
	uint32		hash;
	int			place;
	char		status;
} NameEntry;

#define SH_PREFIX nametable
#define SH_ELEMENT_TYPE NameEntry
#define SH_KEY_TYPE const char *
#define SH_KEY name
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp((a), (b)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#endif							/* MIGRATE_GRAPH_NAMETABLE_H */
