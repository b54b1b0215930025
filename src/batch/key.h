/*-------------------------------------------------------------------------
 *
 * key.h
 *	  The key that a statement in batches walks along.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BATCH_KEY_H
#define MIGRATE_BATCH_KEY_H

#include "access/stratnum.h"
#include "nodes/parsenodes.h"

/* One column of a key, and how the index on it compares */
typedef struct BatchColumn
{
	AttrNumber	attnum;
	char	   *name;
	Oid			opfamily;
	Oid			input_type;		/* of the operators; can be a pseudo-type */
	Oid			type;			/* of the values that are compared */
	int16		type_length;
	bool		type_by_value;
	Oid			collation;
	Oid			operators[BTMaxStrategyNumber + 1]; /* by strategy number */
} BatchColumn;

/* The key of an analysed statement, and what batches are made of */
typedef struct BatchKey
{
	Query	   *query;			/* whose WHERE clause has the call */
	FuncExpr   *call;
	List	   *vars;			/* Var *: the columns, as the call has them */
	Oid			relid;			/* the table that they are of */
	bool		inherit;		/* with its children */
	int			ncolumns;
	BatchColumn *columns;
} BatchKey;

/* The rows of a batch */
typedef struct BatchEnd
{
	int64		count;
	Datum	   *first;			/* key of the first row, if there is one */
	Datum	   *last;			/* of the last */
} BatchEnd;

/* in key.c */
extern BatchKey *batchkey_analyse(Query *query, const char *sql);
extern void batchkey_check_targets(const BatchKey *key, List *queries);
extern char *batchkey_table(Oid relid);
extern char *batchkey_describe(const BatchKey *key);

/* in end.c */
extern void batchend_find(const BatchKey *key, const Datum *cursor, int size,
						  BatchEnd *end);

/* in index.c */
extern void batchindex_find(BatchKey *key);

/* in range.c */
extern Node *batchrange_above(const BatchKey *key, List *vars,
							  const Datum *lower);
extern Node *batchrange_between(const BatchKey *key, const Datum *lower,
								bool with_lower, const Datum *upper);
extern Node *batchrange_operand(const BatchColumn *column, Node *var);

#endif							/* MIGRATE_BATCH_KEY_H */
