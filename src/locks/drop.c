/*-------------------------------------------------------------------------
 *
 * drop.c
 *	  The locks that dropping something takes.
 *
 * The server follows the dependencies of what is dropped, and locks every
 * relation that goes or loses something: a column, a constraint, a trigger.
 * That is how DROP TABLE comes to lock the tables on the other end of its
 * foreign keys.  The same way is gone here.  Where the server would refuse,
 * because something else depends on what is dropped, too little or too much
 * may be found; the statement fails then in any case.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "locks/drop.h"
#include "miscadmin.h"
#include "rewrite/rewriteSupport.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Where an object that is part of a relation tells which relation that is */
typedef struct PartCatalog
{
	Oid			class_id;
	AttrNumber	oid_column;
	AttrNumber	relation_column;
	LOCKMODE	mode;			/* lock on the relation when the part goes */
} PartCatalog;

static const PartCatalog part_catalogs[] = {
	{ConstraintRelationId, Anum_pg_constraint_oid,
	Anum_pg_constraint_conrelid, AccessExclusiveLock},
	{PolicyRelationId, Anum_pg_policy_oid,
	Anum_pg_policy_polrelid, AccessExclusiveLock},
	{RewriteRelationId, Anum_pg_rewrite_oid,
	Anum_pg_rewrite_ev_class, AccessExclusiveLock},
	{StatisticExtRelationId, Anum_pg_statistic_ext_oid,
	Anum_pg_statistic_ext_stxrelid, ShareUpdateExclusiveLock},
	{TriggerRelationId, Anum_pg_trigger_oid,
	Anum_pg_trigger_tgrelid, AccessExclusiveLock},
};

/* What is going to be dropped, and what of it is still to be looked at */
typedef struct DropWalk
{
	LockCollector *collector;
	DropBehavior behavior;
	HTAB	   *seen;			/* of ObjectAddress */
	List	   *to_visit;		/* ObjectAddress * */
} DropWalk;

static void drop_index(LockCollector *collector, Oid relid);
static bool find_object(const LockCollector *collector, const DropStmt *stmt,
						Node *name, ObjectAddress *object);
static bool find_part(const LockCollector *collector, ObjectType type,
					  List *names, ObjectAddress *object);
static Oid	find_function(const ObjectWithArgs *function);
static void visit(DropWalk *walk, const ObjectAddress *object);
static void visit_later(DropWalk *walk, const ObjectAddress *object);
static void visit_owners(DropWalk *walk, const ObjectAddress *object);
static void add_locks(LockCollector *collector, const ObjectAddress *object);
static void add_relation(LockCollector *collector, Oid relid);

/*
 * Add the locks of a DROP statement.
 *
 * Kinds of objects that neither are relations nor often take something from
 * one with CASCADE are not followed.
 */
void
lockdrop_statement(LockCollector *collector, const DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		ObjectAddress object;

		if (!find_object(collector, stmt, lfirst(lc), &object) ||
			!OidIsValid(object.objectId))
			continue;

		if (stmt->removeType == OBJECT_INDEX)
			drop_index(collector, object.objectId);
		lockdrop_object(collector, &object, stmt->behavior);
	}
}

/*
 * Add the lock on an index, and for one that is partitioned those on all
 * partitions of its table, whether they have a part of it or not.
 */
static void
drop_index(LockCollector *collector, Oid relid)
{
	lockcollect_add(collector, relid, AccessExclusiveLock);
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
		lockcollect_add_tree(collector, IndexGetRelation(relid, true),
							 AccessExclusiveLock);
}

/*
 * Find the object that a DROP statement names.  False means that it is of a
 * kind that is not followed, or that its name cannot be looked up; an object
 * that does not exist has an OID of 0.
 */
static bool
find_object(const LockCollector *collector, const DropStmt *stmt, Node *name,
			ObjectAddress *object)
{
	List	   *names = IsA(name, List) ? (List *) name : NIL;

	switch (stmt->removeType)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			ObjectAddressSet(*object, RelationRelationId,
							 lockcollect_find_names(collector, names));
			return true;

		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			return find_part(collector, stmt->removeType, names, object);

		case OBJECT_STATISTIC_EXT:
			if (!lockcollect_is_usable(names))
				return false;
			ObjectAddressSet(*object, StatisticExtRelationId,
							 get_statistics_object_oid(names, true));
			return true;

		case OBJECT_EXTENSION:
			ObjectAddressSet(*object, ExtensionRelationId,
							 get_extension_oid(strVal(name), true));
			return true;

		case OBJECT_SCHEMA:
			ObjectAddressSet(*object, NamespaceRelationId,
							 LookupNamespaceNoError(strVal(name)));
			return true;

		case OBJECT_DOMAIN:
		case OBJECT_TYPE:
			names = castNode(TypeName, name)->names;
			if (names == NIL || castNode(TypeName, name)->arrayBounds != NIL)
				return false;
			ObjectAddressSet(*object, TypeRelationId,
							 lockcollect_find_type(names));
			return true;

		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			ObjectAddressSet(*object, ProcedureRelationId,
							 find_function(castNode(ObjectWithArgs, name)));
			return true;

		default:
			return false;
	}
}

/*
 * Find a policy, rule or trigger, whose name stands behind that of its table.
 */
static bool
find_part(const LockCollector *collector, ObjectType type, List *names,
		  ObjectAddress *object)
{
	char	   *name = strVal(llast(names));
	Oid			relid = lockcollect_find_names(collector,
											   list_truncate(list_copy(names),
															 list_length(names) - 1));

	if (!OidIsValid(relid))
		return false;
	if (type == OBJECT_POLICY)
		ObjectAddressSet(*object, PolicyRelationId,
						 get_relation_policy_oid(relid, name, true));
	else if (type == OBJECT_RULE)
		ObjectAddressSet(*object, RewriteRelationId,
						 get_rewrite_oid(relid, name, true));
	else
		ObjectAddressSet(*object, TriggerRelationId,
						 get_trigger_oid(relid, name, true));
	return true;
}

/*
 * The function of that name, if there is only one with so many arguments.
 * The types of the arguments are not looked at, since that could fail.
 */
static Oid
find_function(const ObjectWithArgs *function)
{
	FuncCandidateList candidates;

	if (!lockcollect_is_usable(function->objname))
		return InvalidOid;
	candidates = FuncnameGetCandidates(function->objname,
									   function->args_unspecified ? -1 :
									   list_length(function->objargs),
									   NIL, false, false, false, true);
	if (candidates == NULL || candidates->next != NULL)
		return InvalidOid;
	return candidates->oid;
}

/*
 * Add the locks that are taken when an object is dropped.
 */
void
lockdrop_object(LockCollector *collector, const ObjectAddress *object,
				DropBehavior behavior)
{
	DropWalk	walk;
	HASHCTL		ctl;

	ctl.keysize = sizeof(ObjectAddress);
	ctl.entrysize = sizeof(ObjectAddress);
	ctl.hcxt = CurrentMemoryContext;
	walk.collector = collector;
	walk.behavior = behavior;
	walk.seen = hash_create("lockdrop_object seen objects", 64, &ctl,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	walk.to_visit = NIL;

	visit_later(&walk, object);
	while (walk.to_visit != NIL)
	{
		ObjectAddress *next = llast(walk.to_visit);

		CHECK_FOR_INTERRUPTS();
		walk.to_visit = list_delete_last(walk.to_visit);
		visit(&walk, next);

		/* what the statement names is dropped without its owner */
		if (memcmp(next, object, sizeof(ObjectAddress)) != 0)
			visit_owners(&walk, next);
	}
	hash_destroy(walk.seen);
}

/*
 * An object is dropped: lock what it takes, and go on to what depends on it.
 */
static void
visit(DropWalk *walk, const ObjectAddress *object)
{
	ListCell   *lc;

	add_locks(walk->collector, object);
	foreach(lc, lockcollect_dependents(object))
	{
		Dependent  *dependent = lfirst(lc);

		/* without CASCADE, an ordinary dependent is the reason for an error */
		if (dependent->deptype != DEPENDENCY_NORMAL ||
			walk->behavior == DROP_CASCADE)
			visit_later(walk, &dependent->object);
	}
}

static void
visit_later(DropWalk *walk, const ObjectAddress *object)
{
	ObjectAddress *copy;
	bool		found;

	(void) hash_search(walk->seen, object, HASH_ENTER, &found);
	if (found)
		return;
	copy = palloc(sizeof(ObjectAddress));
	*copy = *object;
	walk->to_visit = lappend(walk->to_visit, copy);
}

/*
 * An object that is an internal part of another takes the other along: the
 * rule that makes a view of a relation, for one.
 */
static void
visit_owners(DropWalk *walk, const ObjectAddress *object)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object->objectId));
	ScanKeyInit(&keys[2], Anum_pg_depend_objsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(object->objectSubId));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL,
							  lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->deptype == DEPENDENCY_INTERNAL)
		{
			ObjectAddress owner;

			ObjectAddressSubSet(owner, depend->refclassid, depend->refobjid,
								depend->refobjsubid);
			visit_later(walk, &owner);
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Add the locks on the relation that an object is, or is part of.
 */
static void
add_locks(LockCollector *collector, const ObjectAddress *object)
{
	if (object->classId == RelationRelationId)
	{
		if (object->objectSubId == 0)
			add_relation(collector, object->objectId);
		else
			lockcollect_add(collector, object->objectId, AccessExclusiveLock);
		return;
	}

	/* the server's table of catalogs, used below, does not have this one */
	if (object->classId == AttrDefaultRelationId)
	{
		ObjectAddress column = GetAttrDefaultColumnAddress(object->objectId);

		lockcollect_add(collector, column.objectId, AccessExclusiveLock);
		return;
	}

	for (int i = 0; i < lengthof(part_catalogs); i++)
	{
		const PartCatalog *part = &part_catalogs[i];

		if (part->class_id == object->classId)
		{
			Relation	catalog = table_open(object->classId, AccessShareLock);
			HeapTuple	tuple = get_catalog_object_by_oid(catalog,
														  part->oid_column,
														  object->objectId);

			if (HeapTupleIsValid(tuple))
			{
				bool		isnull;
				Datum		relid = heap_getattr(tuple, part->relation_column,
												 RelationGetDescr(catalog),
												 &isnull);

				lockcollect_add(collector, DatumGetObjectId(relid), part->mode);
			}
			table_close(catalog, AccessShareLock);
			return;
		}
	}
}

/*
 * Add the locks for a relation that goes as a whole.
 *
 * Of an index it is the table's: whoever locks an index so that others wait
 * for it has, nearly always, locked the table too.
 */
static void
add_relation(LockCollector *collector, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	char		relkind;
	bool		is_partition;

	if (!HeapTupleIsValid(tuple))
		return;
	relkind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	is_partition = ((Form_pg_class) GETSTRUCT(tuple))->relispartition;
	ReleaseSysCache(tuple);

	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
	{
		lockcollect_add(collector, IndexGetRelation(relid, true),
						AccessExclusiveLock);
		return;
	}

	lockcollect_add(collector, relid, AccessExclusiveLock);
	if (is_partition)
	{
		Oid			parent = lockcollect_partition_parent(relid);

		lockcollect_add(collector, parent, AccessExclusiveLock);
		lockcollect_add_default_partition(collector, parent);
	}
}
