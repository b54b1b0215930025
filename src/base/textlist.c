/*-------------------------------------------------------------------------
 *
 * textlist.c
 *	  Between Lists of C strings and SQL's text[].
 *
 * Everything returned is allocated in the current memory context.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/textlist.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*
 * Return the elements of a text[] as C strings.
 *
 * "argument" names the array in the error that is raised if it has more than
 * one dimension or a NULL element.
 */
List *
textlist_from_array(Datum array, const char *argument)
{
	ArrayType  *value = DatumGetArrayTypeP(array);
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *result = NIL;

	if (ARR_NDIM(value) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array",
						argument)));

	deconstruct_array(value, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL",
							argument)));
		result = lappend(result, TextDatumGetCString(elements[i]));
	}
	return result;
}

/*
 * Return a text[] of C strings; an empty List gives an empty array.
 */
Datum
textlist_to_array(List *strings)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(strings) + 1));
	int			nelements = 0;
	ListCell   *lc;

	foreach(lc, strings)
		elements[nelements++] = CStringGetTextDatum((char *) lfirst(lc));

	return PointerGetDatum(construct_array(elements, nelements, TEXTOID,
										   -1, false, TYPALIGN_INT));
}

/*
 * Return the strings in one, with "delimiter" between them.
 */
char *
textlist_join(List *strings, const char *delimiter)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, strings)
	{
		if (lc != list_head(strings))
			appendStringInfoString(&buf, delimiter);
		appendStringInfoString(&buf, (char *) lfirst(lc));
	}
	return buf.data;
}

/*
 * Return the strings as a message names them: "a", "b", "c".
 */
char *
textlist_quote_join(List *strings)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, strings)
		appendStringInfo(&buf, "%s\"%s\"",
						 lc == list_head(strings) ? "" : ", ",
						 (char *) lfirst(lc));
	return buf.data;
}

/*
 * Copy a list with its strings into the current memory context.
 */
List *
textlist_copy(List *strings)
{
	List	   *copy = NIL;
	ListCell   *lc;

	foreach(lc, strings)
		copy = lappend(copy, pstrdup(lfirst(lc)));
	return copy;
}

/*
 * Is the string one of the list?
 */
bool
textlist_member(List *strings, const char *string)
{
	ListCell   *lc;

	foreach(lc, strings)
	{
		if (strcmp((char *) lfirst(lc), string) == 0)
			return true;
	}
	return false;
}

/*
 * Are these the same strings in the same order?
 */
bool
textlist_equal(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		if (strcmp((char *) lfirst(la), (char *) lfirst(lb)) != 0)
			return false;
	}
	return true;
}
