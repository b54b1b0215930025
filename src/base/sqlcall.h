/*-------------------------------------------------------------------------
 *
 * sqlcall.h
 *	  Arguments and results of SQL-callable functions.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_SQLCALL_H
#define MIGRATE_BASE_SQLCALL_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"

/* in sqlcall.c */
extern char *sqlcall_text(FunctionCallInfo fcinfo, int argno);
extern char *sqlcall_required_text(FunctionCallInfo fcinfo, int argno,
								   const char *name);
extern bool sqlcall_bool(FunctionCallInfo fcinfo, int argno, bool if_null);
extern List *sqlcall_text_list(FunctionCallInfo fcinfo, int argno,
							   const char *name);
extern Datum sqlcall_return_texts(FunctionCallInfo fcinfo, List *strings);
extern ReturnSetInfo *sqlcall_begin_rows(FunctionCallInfo fcinfo, int ncolumns);
extern void sqlcall_check_columns(TupleDesc tupdesc, int ncolumns);
extern void sqlcall_put_row(ReturnSetInfo *rsinfo, Datum *values,
							bool *nulls);
extern void sqlcall_set_text(Datum *values, bool *nulls, int column,
							 const char *value);

#endif							/* MIGRATE_BASE_SQLCALL_H */
