/*-------------------------------------------------------------------------
 *
 * sqlcall.c
 *	  Arguments and results of SQL-callable functions.
 *
 * None of them is STRICT: a NULL argument means the default where there is
 * one, and is an error that names the argument where there is none.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/*
 * A text argument as a C string, or NULL.
 */
char *
sqlcall_text(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/*
 * A text argument that must be given.
 */
char *
sqlcall_required_text(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
	return sqlcall_text(fcinfo, argno);
}

/*
 * A boolean argument, with what NULL means.
 */
bool
sqlcall_bool(FunctionCallInfo fcinfo, int argno, bool if_null)
{
	return PG_ARGISNULL(argno) ? if_null : PG_GETARG_BOOL(argno);
}

/*
 * A text[] argument as a List of C strings; NULL gives an empty one.
 */
List *
sqlcall_text_list(FunctionCallInfo fcinfo, int argno, const char *name)
{
	return PG_ARGISNULL(argno) ? NIL :
		textlist_from_array(PG_GETARG_DATUM(argno), name);
}

/*
 * Return a List of C strings from a function that RETURNS SETOF text.
 */
Datum
sqlcall_return_texts(FunctionCallInfo fcinfo, List *strings)
{
	ReturnSetInfo *rsinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	foreach(lc, strings)
	{
		Datum		values[1];
		bool		nulls[1] = {false};

		values[0] = CStringGetTextDatum((char *) lfirst(lc));
		sqlcall_put_row(rsinfo, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	return (Datum) 0;
}

/*
 * Begin to return rows of the type that the function is declared with, which
 * has to have so many columns: somebody may have altered a named type, or the
 * library may be older or newer than the SQL that was installed.
 */
ReturnSetInfo *
sqlcall_begin_rows(FunctionCallInfo fcinfo, int ncolumns)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	sqlcall_check_columns(rsinfo->setDesc, ncolumns);
	return rsinfo;
}

/*
 * Raise an error unless a row type has as many columns as we fill.
 */
void
sqlcall_check_columns(TupleDesc tupdesc, int ncolumns)
{
	if (tupdesc->natts != ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("row type of the function has %d columns instead of %d",
						tupdesc->natts, ncolumns),
				 errdetail("The table or type that it is declared with was altered, or library and extension are of different versions."),
				 errhint("ALTER EXTENSION migrate UPDATE;")));
}

/*
 * Return one row.
 */
void
sqlcall_put_row(ReturnSetInfo *rsinfo, Datum *values, bool *nulls)
{
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * Set a column of type text, which is NULL if the string is.
 */
void
sqlcall_set_text(Datum *values, bool *nulls, int column, const char *value)
{
	nulls[column] = value == NULL;
	if (value != NULL)
		values[column] = CStringGetTextDatum(value);
}
