/*-------------------------------------------------------------------------
 *
 * bookkeeping.h
 *	  The surroundings in which the extension runs SQL of its own.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_BOOKKEEPING_H
#define MIGRATE_CATALOG_BOOKKEEPING_H

#include "executor/spi.h"

typedef struct Bookkeeping
{
	Oid			save_userid;	/* who called */
	int			save_sec_context;
	int			save_nestlevel; /* of settings */
} Bookkeeping;

/* in bookkeeping.c */
extern void bookkeeping_begin_as_owner(Bookkeeping *scope, Oid owner);
extern void bookkeeping_begin_as_caller(Bookkeeping *scope, bool reading);
extern void bookkeeping_end(Bookkeeping *scope);
extern SPIPlanPtr bookkeeping_prepare(SPIPlanPtr *plan, const char *sql,
									  int nargs, Oid *argtypes);
extern void bookkeeping_execute(SPIPlanPtr plan, Datum *values,
								const char *nulls, int expected);
extern void bookkeeping_read_latest(SPIPlanPtr plan, Datum *values,
									const char *nulls);
extern void bookkeeping_pin_setting(const char *name, const char *value);
extern char *bookkeeping_string(HeapTuple tuple, TupleDesc desc, int column);
extern List *bookkeeping_strings(MemoryContext context);
extern Datum bookkeeping_optional_text(const char *string, char *null_flag);

#endif							/* MIGRATE_CATALOG_BOOKKEEPING_H */
