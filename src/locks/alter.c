/*-------------------------------------------------------------------------
 *
 * alter.c
 *	  The locks that ALTER TABLE takes.
 *
 * The mode on the table itself is the server's own answer; that on other
 * tables, and whether those that inherit from it are locked too, is written
 * down here, as the server does it.
 *
 * Where the server looks at data or definitions to decide whether it needs a
 * lock, only what is sure is foreseen, and so for forms that are rare: typed
 * tables, and the partitions of a default partition.  What a later major
 * version adds to ALTER TABLE counts as a command that concerns one table.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_trigger.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "locks/alter.h"
#include "locks/constraint.h"
#include "locks/drop.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static void alter_command(const LockAlter *alter, const AlterTableCmd *cmd);
static void add_column(const LockAlter *alter, const AlterTableCmd *cmd);
static void drop_column(const LockAlter *alter, const AlterTableCmd *cmd);
static void alter_type(const LockAlter *alter, const char *column);
static void lock_identity(const LockAlter *alter, const char *column,
						  LOCKMODE mode);
static void change_owner(const LockAlter *alter, const RoleSpec *owner);
static void switch_triggers(const LockAlter *alter, const AlterTableCmd *cmd);
static void attach_partition(const LockAlter *alter, const PartitionCmd *cmd);
static void detach_partition(const LockAlter *alter, const PartitionCmd *cmd);
static bool is_local_column(Oid relid, const char *column);

/*
 * Add the locks of an ALTER TABLE statement, which stands also for ALTER
 * INDEX, ALTER VIEW and the like.
 */
void
lockalter_statement(LockCollector *collector, AlterTableStmt *stmt)
{
	LockAlter	alter;
	ListCell   *lc;

	alter.collector = collector;
	alter.relid = lockcollect_find(collector, stmt->relation);
	if (!OidIsValid(alter.relid))
		return;
	alter.relkind = get_rel_relkind(alter.relid);
	alter.mode = AlterTableGetLockLevel(stmt->cmds);
	alter.inherits = stmt->relation->inh;

	lockcollect_add(collector, alter.relid, alter.mode);
	foreach(lc, stmt->cmds)
		alter_command(&alter, lfirst_node(AlterTableCmd, lc));
}

/*
 * The command goes on to all that inherit from the table.
 */
void
lockalter_tree(const LockAlter *alter)
{
	if (alter->inherits)
		lockcollect_add_tree(alter->collector, alter->relid, alter->mode);
}

/*
 * The command goes on to the partitions of the table, if it has any.
 */
void
lockalter_partitions(const LockAlter *alter)
{
	if (alter->inherits)
		lockcollect_add_partitions(alter->collector, alter->relid,
								   alter->mode);
}

/*
 * Add the locks for what a table gets with its parent: the constraint of the
 * default partition changes, and foreign keys from and to the parent are
 * foreign keys from and to the partition.
 */
void
lockalter_becomes_partition(LockCollector *collector, Oid parent)
{
	ListCell   *lc;

	lockcollect_add_default_partition(collector, parent);
	lockcollect_add_relations(collector,
							  lockcollect_foreign_keys(parent, RI_TRIGGER_PK, false),
							  ShareRowExclusiveLock);
	foreach(lc, lockcollect_foreign_keys(parent, RI_TRIGGER_FK, false))
		lockcollect_add_partitions(collector, lfirst_oid(lc),
								   ShareRowExclusiveLock);
}

/*
 * Add the locks of one command on anything but the table itself.
 */
static void
alter_command(const LockAlter *alter, const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			add_column(alter, cmd);
			break;
		case AT_DropColumn:
			drop_column(alter, cmd);
			break;
		case AT_ColumnDefault:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
			lockalter_tree(alter);
			break;
		case AT_SetNotNull:
			if (!lockconstraint_not_null(alter->relid, cmd->name))
				lockalter_tree(alter);
			break;
		case AT_DropNotNull:
			if (lockconstraint_not_null(alter->relid, cmd->name))
				lockalter_tree(alter);
			break;
		case AT_AlterColumnType:
			lockalter_tree(alter);
			alter_type(alter, cmd->name);
			break;
		case AT_AddConstraint:
			if (IsA(cmd->def, Constraint))
				lockconstraint_add(alter, (Constraint *) cmd->def);
			break;
		case AT_AlterConstraint:
			lockalter_partitions(alter);
			break;
		case AT_DropConstraint:
			lockconstraint_drop(alter, cmd);
			break;
		case AT_ValidateConstraint:
			lockconstraint_validate(alter, cmd->name);
			break;
		case AT_AddIdentity:
		case AT_DropIdentity:
		case AT_SetIdentity:
			if (COMPAT_IDENTITY_LOCKS_PARTITIONS)
				lockalter_partitions(alter);
			if (cmd->subtype != AT_AddIdentity)
				lock_identity(alter, cmd->name,
							  cmd->subtype == AT_SetIdentity ?
							  ShareRowExclusiveLock : AccessExclusiveLock);
			break;
		case AT_ChangeOwner:
			change_owner(alter, cmd->newowner);
			break;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			switch_triggers(alter, cmd);
			break;
		case AT_AddInherit:
			lockcollect_add(alter->collector,
							lockcollect_find(alter->collector,
											 castNode(RangeVar, cmd->def)),
							ShareUpdateExclusiveLock);
			break;
		case AT_AttachPartition:
			attach_partition(alter, castNode(PartitionCmd, cmd->def));
			break;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			detach_partition(alter, castNode(PartitionCmd, cmd->def));
			break;
		default:
			break;
	}
}

static void
add_column(const LockAlter *alter, const AlterTableCmd *cmd)
{
	const ColumnDef *column = castNode(ColumnDef, cmd->def);

	/* IF NOT EXISTS, and it exists */
	if (cmd->missing_ok &&
		get_attnum(alter->relid, column->colname) != InvalidAttrNumber)
		return;
	lockalter_tree(alter);
	lockconstraint_references(alter->collector, column->constraints);
}

static void
drop_column(const LockAlter *alter, const AlterTableCmd *cmd)
{
	List	   *children;
	ListCell   *lc;
	ObjectAddress object;

	object.classId = RelationRelationId;
	object.objectId = alter->relid;
	object.objectSubId = get_attnum(alter->relid, cmd->name);
	if (object.objectSubId <= 0)
		return;
	lockdrop_object(alter->collector, &object, cmd->behavior);

	/* with ONLY the children keep the column, but learn that it is theirs */
	if (!alter->inherits)
	{
		lockcollect_add_relations(alter->collector,
								  lockcollect_children(alter->relid),
								  alter->mode);
		return;
	}

	children = lockcollect_tree(alter->relid);
	lockcollect_add_relations(alter->collector, children, alter->mode);
	foreach(lc, children)
	{
		object.objectId = lfirst_oid(lc);
		object.objectSubId = get_attnum(object.objectId, cmd->name);
		if (object.objectSubId > 0 && object.objectId != alter->relid &&
			!is_local_column(object.objectId, cmd->name))
			lockdrop_object(alter->collector, &object, cmd->behavior);
	}
}

/*
 * A foreign key from or to the column is dropped and made again.
 */
static void
alter_type(const LockAlter *alter, const char *column)
{
	List	   *relids = list_make1_oid(alter->relid);
	ListCell   *lc;
	ListCell   *lc2;

	if (alter->inherits)
		relids = lockcollect_tree(alter->relid);
	foreach(lc, relids)
	{
		ObjectAddress object;

		object.classId = RelationRelationId;
		object.objectId = lfirst_oid(lc);
		object.objectSubId = get_attnum(lfirst_oid(lc), column);
		if (object.objectSubId <= 0)
			continue;
		foreach(lc2, lockcollect_dependents(&object))
		{
			Dependent  *dependent = lfirst(lc2);

			if (dependent->object.classId == ConstraintRelationId)
				lockdrop_object(alter->collector, &dependent->object,
								DROP_RESTRICT);
		}
	}
	lock_identity(alter, column, ShareRowExclusiveLock);
}

/*
 * The sequence of an identity column, if it is one.
 */
static void
lock_identity(const LockAlter *alter, const char *column, LOCKMODE mode)
{
	ObjectAddress object;
	ListCell   *lc;

	object.classId = RelationRelationId;
	object.objectId = alter->relid;
	object.objectSubId = get_attnum(alter->relid, column);
	if (object.objectSubId <= 0)
		return;
	foreach(lc, lockcollect_dependents(&object))
	{
		Dependent  *dependent = lfirst(lc);

		if (dependent->deptype == DEPENDENCY_INTERNAL &&
			dependent->object.classId == RelationRelationId &&
			get_rel_relkind(dependent->object.objectId) == RELKIND_SEQUENCE)
			lockcollect_add(alter->collector, dependent->object.objectId, mode);
	}
}

/*
 * Sequences that belong to columns change their owner with the table.
 */
static void
change_owner(const LockAlter *alter, const RoleSpec *owner)
{
	HeapTuple	tuple;
	bool		changes;

	/* get_rolespec_oid() raises an error for PUBLIC */
	if (owner->roletype == ROLESPEC_PUBLIC)
		return;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(alter->relid));
	if (!HeapTupleIsValid(tuple))
		return;
	changes = get_rolespec_oid(owner, true) !=
		((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (changes)
		lockcollect_add_relations(alter->collector,
								  getOwnedSequences(alter->relid), alter->mode);
}

/*
 * Triggers for each row of a partitioned table have clones in its partitions,
 * which are enabled and disabled with them.
 */
static void
switch_triggers(const LockAlter *alter, const AlterTableCmd *cmd)
{
	bool		all = cmd->subtype == AT_EnableTrigAll ||
	cmd->subtype == AT_DisableTrigAll;
	bool		any_user = cmd->subtype == AT_EnableTrigUser ||
	cmd->subtype == AT_DisableTrigUser;
	bool		found = false;
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (alter->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(alter->relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		found = TRIGGER_FOR_ROW(trigger->tgtype) &&
			(all || (any_user ? !trigger->tgisinternal :
					 strcmp(NameStr(trigger->tgname), cmd->name) == 0));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	if (found)
		lockalter_partitions(alter);
}

static void
attach_partition(const LockAlter *alter, const PartitionCmd *cmd)
{
	LockCollector *collector = alter->collector;
	Oid			partition = lockcollect_find(collector, cmd->name);
	List	   *parents_keys;
	ListCell   *lc;

	lockcollect_add_tree(collector, partition, AccessExclusiveLock);

	/* of an index, that was all */
	if (alter->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	lockalter_becomes_partition(collector, alter->relid);

	/* a foreign key that the partition has already becomes part of the other */
	parents_keys = lockcollect_foreign_keys(alter->relid, RI_TRIGGER_FK, false);
	foreach(lc, lockcollect_foreign_keys(partition, RI_TRIGGER_FK, false))
	{
		if (list_member_oid(parents_keys, lfirst_oid(lc)))
			lockcollect_add_partitions(collector, lfirst_oid(lc),
									   AccessExclusiveLock);
	}
}

/*
 * The partition keeps the foreign keys from its parent, and loses those to
 * it.
 */
static void
detach_partition(const LockAlter *alter, const PartitionCmd *cmd)
{
	LockCollector *collector = alter->collector;
	Oid			partition = lockcollect_find(collector, cmd->name);
	ListCell   *lc;

	if (!OidIsValid(partition))
		return;
	lockcollect_add_partitions(collector, partition, AccessExclusiveLock);
	lockcollect_add_default_partition(collector, alter->relid);
	lockcollect_add_relations(collector,
							  lockcollect_foreign_keys(partition, RI_TRIGGER_PK, true),
							  AccessExclusiveLock);
	foreach(lc, lockcollect_foreign_keys(partition, RI_TRIGGER_FK, true))
		lockcollect_add_partitions(collector, lfirst_oid(lc),
								   ShareRowExclusiveLock);
}

/*
 * Has a table a column in its own right, and not only from its parent?
 */
static bool
is_local_column(Oid relid, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, column);
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attislocal ||
		((Form_pg_attribute) GETSTRUCT(tuple))->attinhcount > 1;
	ReleaseSysCache(tuple);
	return result;
}
