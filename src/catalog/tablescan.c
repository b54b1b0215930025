/*-------------------------------------------------------------------------
 *
 * tablescan.c
 *	  Reading a table, or some rows of it, without SPI.
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

#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/tablescan.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static void open_relation(TableScan *scan, Oid relid);

/*
 * Begin to scan a table, with a snapshot of its own: it shows what this
 * transaction has written, and what others committed while it waited.
 *
 * After an error the end of the transaction releases everything.
 */
void
tablescan_begin(TableScan *scan, Oid relid)
{
	open_relation(scan, relid);
	scan->desc = table_beginscan(scan->relation, GetActiveSnapshot(), 0, NULL);
}

/*
 * The same, for the rows in which the first "nkeys" columns, which are of type
 * text with collation "C" and begin the primary key, are these strings.
 *
 * The strings must stay until the end of the scan.  Without the index, which
 * the owner may have dropped, all rows are read.
 */
void
tablescan_begin_at(TableScan *scan, Oid relid, const char *const *strings,
				   int nkeys)
{
	Oid			index_oid;

	Assert(nkeys <= TABLESCAN_MAX_KEYS);
	open_relation(scan, relid);
	for (int i = 0; i < nkeys; i++)
		ScanKeyInit(&scan->keys[i], i + 1, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(strings[i]));

	index_oid = COMPAT_PRIMARY_KEY_INDEX(scan->relation);
	if (!OidIsValid(index_oid))
	{
		scan->desc = table_beginscan(scan->relation, GetActiveSnapshot(),
									 nkeys, scan->keys);
		return;
	}
	scan->index = index_open(index_oid, AccessShareLock);
	scan->index_desc = COMPAT_INDEX_BEGINSCAN(scan->relation, scan->index,
											  GetActiveSnapshot(), nkeys);
	index_rescan(scan->index_desc, scan->keys, nkeys, NULL, 0);
}

static void
open_relation(TableScan *scan, Oid relid)
{
	memset(scan, 0, sizeof(TableScan));
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan->relation = table_open(relid, AccessShareLock);
	scan->slot = table_slot_create(scan->relation, NULL);
}

/*
 * Go to the next row, if there is one, and take its first columns apart.
 */
bool
tablescan_next(TableScan *scan, int ncolumns)
{
	bool		found;

	CHECK_FOR_INTERRUPTS();
	found = scan->index_desc != NULL ?
		index_getnext_slot(scan->index_desc, ForwardScanDirection, scan->slot) :
		table_scan_getnextslot(scan->desc, ForwardScanDirection, scan->slot);
	if (!found)
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
	if (scan->index_desc != NULL)
	{
		index_endscan(scan->index_desc);
		index_close(scan->index, AccessShareLock);
	}
	else
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

/*
 * Is a column of type boolean, which is not NULL, numbered from 1, true?
 */
bool
tablescan_bool(const TableScan *scan, int column)
{
	return DatumGetBool(scan->slot->tts_values[column - 1]);
}
