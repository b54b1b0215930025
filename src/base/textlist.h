/*-------------------------------------------------------------------------
 *
 * textlist.h
 *	  Between Lists of C strings and SQL's text[].
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_TEXTLIST_H
#define MIGRATE_BASE_TEXTLIST_H

#include "nodes/pg_list.h"

/* in textlist.c */
extern List *textlist_from_array(Datum array, const char *argument);
extern Datum textlist_to_array(List *strings);
extern char *textlist_join(List *strings, const char *delimiter);
extern char *textlist_quote_join(List *strings);
extern List *textlist_copy(List *strings);
extern bool textlist_member(List *strings, const char *string);
extern bool textlist_equal(List *a, List *b);

#endif							/* MIGRATE_BASE_TEXTLIST_H */
