/*-------------------------------------------------------------------------
 *
 * rename.c
 *	  The locks that a new name or another schema takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "locks/constraint.h"
#include "locks/rename.h"
#include "utils/lsyscache.h"

static void rename_relation(LockCollector *collector, const RenameStmt *stmt,
							Oid relid);

/*
 * Add the locks of ALTER ... RENAME.
 */
void
lockrename_statement(LockCollector *collector, const RenameStmt *stmt)
{
	Oid			relid;

	if (stmt->relation == NULL)
		return;
	relid = lockcollect_find(collector, stmt->relation);

	switch (stmt->renameType)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			rename_relation(collector, stmt, relid);
			break;

		case OBJECT_ATTRIBUTE:
		case OBJECT_COLUMN:
			if (stmt->relation->inh)
				lockcollect_add_tree(collector, relid, AccessExclusiveLock);
			else
				lockcollect_add(collector, relid, AccessExclusiveLock);
			break;

		case OBJECT_TABCONSTRAINT:
			if (stmt->relation->inh &&
				lockconstraint_recurses(relid, stmt->subname))
				lockcollect_add_tree(collector, relid, AccessExclusiveLock);
			else
				lockcollect_add(collector, relid, AccessExclusiveLock);
			break;

		case OBJECT_TRIGGER:
			lockcollect_add_partitions(collector, relid, AccessExclusiveLock);
			break;

		case OBJECT_POLICY:
		case OBJECT_RULE:
			lockcollect_add(collector, relid, AccessExclusiveLock);
			break;

		default:
			break;
	}
}

/*
 * Add the locks of ALTER ... SET SCHEMA.
 *
 * Sequences that belong to columns go with their table.
 */
void
lockrename_schema(LockCollector *collector, const AlterObjectSchemaStmt *stmt)
{
	Oid			relid;

	switch (stmt->objectType)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			relid = lockcollect_find(collector, stmt->relation);
			lockcollect_add(collector, relid, AccessExclusiveLock);
			if (OidIsValid(relid))
				lockcollect_add_relations(collector, getOwnedSequences(relid),
										  AccessExclusiveLock);
			break;

		default:
			break;
	}
}

static void
rename_relation(LockCollector *collector, const RenameStmt *stmt, Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	RangeVar   *renamed = copyObject(stmt->relation);

	/* what counts is the word INDEX, but only if it is one */
	lockcollect_add(collector, relid,
					stmt->renameType == OBJECT_INDEX &&
					(relkind == RELKIND_INDEX ||
					 relkind == RELKIND_PARTITIONED_INDEX) ?
					ShareUpdateExclusiveLock : AccessExclusiveLock);
	renamed->relname = stmt->newname;
	lockcollect_made(collector, renamed);
}
