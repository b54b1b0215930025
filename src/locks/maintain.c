/*-------------------------------------------------------------------------
 *
 * maintain.c
 *	  The locks that TRUNCATE, REINDEX and ANALYZE take.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "locks/maintain.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

/*
 * Add the locks of TRUNCATE.
 *
 * With CASCADE, the tables that reference those that are truncated are
 * truncated too, and so on.
 */
void
lockmaintain_truncate(LockCollector *collector, const TruncateStmt *stmt)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		RangeVar   *name = lfirst_node(RangeVar, lc);
		Oid			relid = lockcollect_find(collector, name);

		if (!OidIsValid(relid))
			continue;
		relids = list_concat_unique_oid(relids, name->inh ?
										lockcollect_tree(relid) :
										list_make1_oid(relid));
	}

	/* the list grows while it is gone through */
	for (int i = 0; i < list_length(relids); i++)
	{
		Oid			relid = list_nth_oid(relids, i);

		CHECK_FOR_INTERRUPTS();
		lockcollect_add(collector, relid, AccessExclusiveLock);
		if (stmt->restart_seqs)
			lockcollect_add_relations(collector, getOwnedSequences(relid),
									  AccessExclusiveLock);
		if (stmt->behavior != DROP_CASCADE)
			continue;
		foreach(lc, lockcollect_foreign_keys(relid, RI_TRIGGER_PK, false))
		{
			Oid			other = lfirst_oid(lc);

			relids = list_concat_unique_oid(relids,
											get_rel_relkind(other) == RELKIND_PARTITIONED_TABLE ?
											lockcollect_tree(other) :
											list_make1_oid(other));
		}
	}
}

/*
 * Add the locks of REINDEX.
 *
 * The table is locked against writers, and each index that is made anew
 * against everybody who plans a query of the table.
 */
void
lockmaintain_reindex(LockCollector *collector, const ReindexStmt *stmt)
{
	Oid			relid;
	char		relkind;

	if (stmt->relation == NULL)
		return;
	relid = lockcollect_find(collector, stmt->relation);
	relkind = get_rel_relkind(relid);
	if (stmt->kind == REINDEX_OBJECT_INDEX)
	{
		if (relkind != RELKIND_INDEX)
			return;
		lockcollect_add(collector, IndexGetRelation(relid, true), ShareLock);
		lockcollect_add(collector, relid, AccessExclusiveLock);
	}
	else if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
	{
		lockcollect_add(collector, relid, ShareLock);
		lockcollect_add_relations(collector, lockcollect_indexes(relid),
								  AccessExclusiveLock);
	}
}

/*
 * Add the locks of ANALYZE for named tables; SKIP_LOCKED waits for nobody.
 */
void
lockmaintain_analyze(LockCollector *collector, const VacuumStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "skip_locked") == 0)
			return;
	}

	foreach(lc, stmt->rels)
	{
		RangeVar   *name = lfirst_node(VacuumRelation, lc)->relation;
		Oid			relid = lockcollect_find(collector, name);

		if (name->inh && COMPAT_ANALYZE_LOCKS_TREE)
			lockcollect_add_tree(collector, relid, ShareUpdateExclusiveLock);
		else if (name->inh)
			lockcollect_add_partitions(collector, relid,
									   ShareUpdateExclusiveLock);
		else
			lockcollect_add(collector, relid, ShareUpdateExclusiveLock);
	}
}
