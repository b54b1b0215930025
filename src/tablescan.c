/*-------------------------------------------------------------------------
 *
 * tablescan.c
 *	  Reading a whole table without SPI.
 *
 * What a call that finds nothing to do costs is what reading the graph costs:
 * on a fresh connection planning two queries takes longer than scanning both
 * tables, and the executor would form and sort tuples that are only taken
 * apart again.
 *
 * Nothing is checked here: a caller reads our own tables, or has seen to it
 * that the user may read the relation and that no row level security hides
 * rows of it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "compat.h"
#include "miscadmin.h"
#include "tablescan.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/*
 * Begin to scan a table, with a snapshot of its own: it shows what this
 * transaction has written, and what others committed while it waited.
 *
 * After an error the end of the transaction releases everything.
 */
void
tablescan_begin(TableScan *scan, Oid relid)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan->relation = table_open(relid, AccessShareLock);
	scan->slot = table_slot_create(scan->relation, NULL);
	scan->desc = table_beginscan(scan->relation, GetActiveSnapshot(), 0, NULL);
}

/*
 * Go to the next row, if there is one, and take its first columns apart.
 */
bool
tablescan_next(TableScan *scan, int ncolumns)
{
	CHECK_FOR_INTERRUPTS();
	if (!table_scan_getnextslot(scan->desc, ForwardScanDirection, scan->slot))
		return false;
	slot_getsomeattrs(scan->slot, ncolumns);
	return true;
}

/*
 * End the scan.
 */
void
tablescan_end(TableScan *scan)
{
	table_endscan(scan->desc);
	ExecDropSingleTupleTableSlot(scan->slot);
	table_close(scan->relation, AccessShareLock);
	PopActiveSnapshot();
}

/*
 * Is a column of type text, numbered from 1, this string?
 */
bool
tablescan_text_is(const TableScan *scan, int column,
				  const char *string, size_t length)
{
	text	   *value;

	if (scan->slot->tts_isnull[column - 1])
		return false;
	value = DatumGetTextPP(scan->slot->tts_values[column - 1]);
	return VARSIZE_ANY_EXHDR(value) == length &&
		memcmp(VARDATA_ANY(value), string, length) == 0;
}

/*
 * Return a column of type text, numbered from 1, in the current memory
 * context, or NULL.
 */
char *
tablescan_text(const TableScan *scan, int column)
{
	if (scan->slot->tts_isnull[column - 1])
		return NULL;
	return TextDatumGetCString(scan->slot->tts_values[column - 1]);
}
