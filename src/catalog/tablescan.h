/*-------------------------------------------------------------------------
 *
 * tablescan.h
 *	  Reading a table, or some rows of it, without SPI.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_TABLESCAN_H
#define MIGRATE_CATALOG_TABLESCAN_H

#include "access/genam.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"

#define TABLESCAN_MAX_KEYS 2

typedef struct TableScan
{
	Relation	relation;
	TableScanDesc desc;			/* of the table, or ... */
	Relation	index;			/* ... of the primary key's index */
	IndexScanDesc index_desc;
	ScanKeyData keys[TABLESCAN_MAX_KEYS];
	TupleTableSlot *slot;		/* the row in hand */
} TableScan;

/* in tablescan.c */
extern void tablescan_begin(TableScan *scan, Oid relid);
extern void tablescan_begin_at(TableScan *scan, Oid relid,
							   const char *const *strings, int nkeys);
extern bool tablescan_next(TableScan *scan, int ncolumns);
extern void tablescan_end(TableScan *scan);
extern bool tablescan_text_is(const TableScan *scan, int column,
							  const char *string, size_t length);
extern char *tablescan_text(const TableScan *scan, int column);
extern bool tablescan_bool(const TableScan *scan, int column);

#endif							/* MIGRATE_CATALOG_TABLESCAN_H */
