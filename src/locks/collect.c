/*-------------------------------------------------------------------------
 *
 * collect.c
 *	  Collecting the locks that statements will take: what is common to all
 *	  kinds of statements.
 *
 * Names are looked up as the statement will do it, but without a lock and
 * without an error: what does not exist, or may not be looked at, gives
 * InvalidOid, and the statement itself will say so.  What is found may be gone
 * or renamed a moment later.  Whoever takes the locks looks again when they
 * are held.
 *
 * Everything is allocated in the current memory context.
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
#include "base/textlist.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "locks/collect.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static Oid	namespace_of_names(List *names);
static Oid	usable_namespace(const char *database, const char *schema);
static Oid	creation_namespace(const RangeVar *name);
static bool is_inherited(Oid constraint);

/*
 * Can a name, a List of String, be looked up without an error?
 */
bool
lockcollect_is_usable(List *names)
{
	return list_length(names) == 1 || OidIsValid(namespace_of_names(names));
}

/*
 * The schema in a name, or InvalidOid if there is none, or none that the
 * current user may look into.
 */
static Oid
namespace_of_names(List *names)
{
	switch (list_length(names))
	{
		case 2:
			return usable_namespace(NULL, strVal(linitial(names)));
		case 3:
			return usable_namespace(strVal(linitial(names)),
									strVal(lsecond(names)));
		default:
			return InvalidOid;
	}
}

static Oid
usable_namespace(const char *database, const char *schema)
{
	Oid			result;

	if (database != NULL &&
		strcmp(database, get_database_name(MyDatabaseId)) != 0)
		return InvalidOid;
	result = LookupNamespaceNoError(schema);
	if (OidIsValid(result) &&
		COMPAT_NAMESPACE_ACLCHECK(result, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		return InvalidOid;
	return result;
}

/*
 * The existing relation of that name, or InvalidOid.
 *
 * A relation that the script makes hides one of the same name in a schema
 * further down the search path.
 */
Oid
lockcollect_find(const LockCollector *collector, const RangeVar *name)
{
	Oid			namespace_oid;

	if (name->schemaname == NULL)
	{
		if (textlist_member(collector->made, name->relname))
			return InvalidOid;
		return RelnameGetRelid(name->relname);
	}

	namespace_oid = usable_namespace(name->catalogname, name->schemaname);
	return OidIsValid(namespace_oid) ?
		get_relname_relid(name->relname, namespace_oid) : InvalidOid;
}

/*
 * The same for a name that is a List of String.
 */
Oid
lockcollect_find_names(const LockCollector *collector, List *names)
{
	/* of more than three parts there can be no RangeVar */
	if (!lockcollect_is_usable(names))
		return InvalidOid;
	return lockcollect_find(collector, makeRangeVarFromNameList(names));
}

/*
 * The existing type of that name, a List of String, or InvalidOid.
 *
 * LookupTypeName() would raise an error for one that is dropped meanwhile.
 */
Oid
lockcollect_find_type(List *names)
{
	const char *name = strVal(llast(names));
	Oid			namespace_oid;

	if (list_length(names) == 1)
		return TypenameGetTypid(name);

	namespace_oid = namespace_of_names(names);
	return OidIsValid(namespace_oid) ?
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						ObjectIdGetDatum(namespace_oid)) : InvalidOid;
}

/*
 * Is there a relation of that name where a statement would make one?
 */
bool
lockcollect_exists(const RangeVar *name)
{
	Oid			namespace_oid = creation_namespace(name);

	return OidIsValid(namespace_oid) &&
		OidIsValid(get_relname_relid(name->relname, namespace_oid));
}

/*
 * Note that the script makes a relation, or gives this name to one.
 *
 * Names with a schema are not noted: where such a name is found, what is
 * found was there before.  Neither are those that are taken: there is an IF
 * NOT EXISTS, or the script drops first what has the name.
 */
void
lockcollect_made(LockCollector *collector, const RangeVar *name)
{
	if (name->schemaname == NULL && name->relname != NULL &&
		!lockcollect_exists(name))
		collector->made = lappend(collector->made, pstrdup(name->relname));
}

/*
 * The schema in which a relation of that name would be made, or InvalidOid.
 */
static Oid
creation_namespace(const RangeVar *name)
{
	Oid			path[2];
	int			length;

	if (name->schemaname != NULL)
		return LookupNamespaceNoError(name->schemaname);
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return LookupNamespaceNoError("pg_temp");

	/*
	 * pg_catalog comes first unless the search path names it.  The functions
	 * that would leave it out make the session's temporary schema on the way.
	 */
	length = Min(fetch_search_path_array(path, lengthof(path)),
				 lengthof(path));
	for (int i = 0; i < length; i++)
	{
		if (path[i] != PG_CATALOG_NAMESPACE)
			return path[i];
	}
	return InvalidOid;
}

/*
 * Add a lock on a relation.  InvalidOid, for what was not found, is left out.
 */
void
lockcollect_add(LockCollector *collector, Oid relid, LOCKMODE mode)
{
	LockNeed   *need;

	if (!OidIsValid(relid))
		return;
	need = palloc(sizeof(LockNeed));
	need->relid = relid;
	need->mode = mode;
	collector->needs = lappend(collector->needs, need);
}

/*
 * Add locks on a relation and all that inherit from it, partitions included.
 */
void
lockcollect_add_tree(LockCollector *collector, Oid relid, LOCKMODE mode)
{
	if (OidIsValid(relid))
		lockcollect_add_relations(collector, lockcollect_tree(relid), mode);
}

/*
 * Add locks on a relation and, if it is partitioned, on its partitions; not on
 * those that inherit from it otherwise.
 */
void
lockcollect_add_partitions(LockCollector *collector, Oid relid, LOCKMODE mode)
{
	if (OidIsValid(relid) &&
		get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		lockcollect_add_tree(collector, relid, mode);
	else
		lockcollect_add(collector, relid, mode);
}

/*
 * A relation and all that inherit from it.
 *
 * find_all_inheritors() would raise an error for a relation that is dropped
 * meanwhile.
 */
List *
lockcollect_tree(Oid relid)
{
	List	   *result = list_make1_oid(relid);
	HTAB	   *seen;
	HASHCTL		ctl;

	/* there may be several ways from one to the other */
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Oid);
	ctl.hcxt = CurrentMemoryContext;
	seen = hash_create("lockcollect_tree seen relations", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) hash_search(seen, &relid, HASH_ENTER, NULL);

	/* the list grows while it is gone through */
	for (int i = 0; i < list_length(result); i++)
	{
		List	   *children = lockcollect_children(list_nth_oid(result, i));
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, children)
		{
			Oid			child = lfirst_oid(lc);
			bool		found;

			(void) hash_search(seen, &child, HASH_ENTER, &found);
			if (!found)
				result = lappend_oid(result, child);
		}
	}
	hash_destroy(seen);
	return result;
}

/*
 * The relations that inherit directly from a relation.
 */
List *
lockcollect_children(Oid relid)
{
	List	   *result = NIL;
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, InheritsParentIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits inherits = (Form_pg_inherits) GETSTRUCT(tuple);

		if (!inherits->inhdetachpending)
			result = lappend_oid(result, inherits->inhrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * Add locks on relations given by their OIDs.
 */
void
lockcollect_add_relations(LockCollector *collector, List *relids, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, relids)
		lockcollect_add(collector, lfirst_oid(lc), mode);
}

/*
 * The tables on the other end of a table's foreign keys: those that it
 * references if "side" is RI_TRIGGER_FK, those that reference it if it is
 * RI_TRIGGER_PK; with inherited_only, for foreign keys that come from its
 * parent alone.
 *
 * They are found by the triggers that a foreign key has on both ends: there
 * is no index that leads from a table to the foreign keys that reference it.
 */
List *
lockcollect_foreign_keys(Oid relid, int side, bool inherited_only)
{
	List	   *result = NIL;
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (OidIsValid(trigger->tgconstrrelid) &&
			RI_FKey_trigger_type(trigger->tgfoid) == side &&
			(!inherited_only || is_inherited(trigger->tgconstraint)))
			result = list_append_unique_oid(result, trigger->tgconstrrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

static bool
is_inherited(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = OidIsValid(((Form_pg_constraint) GETSTRUCT(tuple))->conparentid);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Add the lock on a table's default partition, whose constraint changes with
 * every partition that comes or goes.
 */
void
lockcollect_add_default_partition(LockCollector *collector, Oid parent)
{
	lockcollect_add(collector, get_default_partition_oid(parent),
					AccessExclusiveLock);
}

/*
 * The indexes of a table, without opening it.
 */
List *
lockcollect_indexes(Oid relid)
{
	List	   *result = NIL;
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result,
							 ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * The parent of a partition, or InvalidOid: get_partition_parent() raises an
 * error for one that has just been detached.
 */
Oid
lockcollect_partition_parent(Oid relid)
{
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, NULL,
							  1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * What depends on an object, or on any column of a relation if the object is
 * the relation as a whole: Dependent *.
 */
List *
lockcollect_dependents(const ObjectAddress *object)
{
	List	   *result = NIL;
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object->objectId));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(object->objectSubId));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL,
							  object->objectSubId != 0 ? 3 : 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		Dependent  *dependent = palloc(sizeof(Dependent));

		ObjectAddressSubSet(dependent->object, depend->classid, depend->objid,
							depend->objsubid);
		dependent->deptype = depend->deptype;
		result = lappend(result, dependent);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}
