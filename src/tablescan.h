/*-------------------------------------------------------------------------
 *
 * tablescan.h
 *	  Reading a whole table without SPI.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TABLESCAN_H
#define MIGRATE_TABLESCAN_H

#include "access/tableam.h"
#include "executor/tuptable.h"

typedef struct TableScan
{
	Relation	relation;
	TableScanDesc desc;
	TupleTableSlot *slot;		/* the row in hand */
} TableScan;

/* in tablescan.c */
extern void tablescan_begin(TableScan *scan, Oid relid);
extern bool tablescan_next(TableScan *scan, int ncolumns);
extern void tablescan_end(TableScan *scan);
extern bool tablescan_text_is(const TableScan *scan, int column,
							  const char *string, size_t length);
extern char *tablescan_text(const TableScan *scan, int column);

#endif							/* MIGRATE_TABLESCAN_H */
