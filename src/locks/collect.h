/*-------------------------------------------------------------------------
 *
 * collect.h
 *	  Collecting the locks that statements will take: what is common to all
 *	  kinds of statements.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKS_COLLECT_H
#define MIGRATE_LOCKS_COLLECT_H

#include "catalog/objectaddress.h"
#include "locks/needs.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

typedef struct LockCollector
{
	List	   *needs;			/* LockNeed *, as they were found */
	List	   *made;			/* char *: names, given without a schema, of
								 * relations that the script makes */
} LockCollector;

/* Something that depends on an object */
typedef struct Dependent
{
	ObjectAddress object;
	char		deptype;
} Dependent;

/* in collect.c */
extern bool lockcollect_is_usable(List *names);
extern Oid	lockcollect_find(const LockCollector *collector,
							 const RangeVar *name);
extern Oid	lockcollect_find_names(const LockCollector *collector,
								   List *names);
extern Oid	lockcollect_find_type(List *names);
extern bool lockcollect_exists(const RangeVar *name);
extern void lockcollect_made(LockCollector *collector, const RangeVar *name);
extern void lockcollect_add(LockCollector *collector, Oid relid,
							LOCKMODE mode);
extern void lockcollect_add_tree(LockCollector *collector, Oid relid,
								 LOCKMODE mode);
extern void lockcollect_add_partitions(LockCollector *collector, Oid relid,
									   LOCKMODE mode);
extern void lockcollect_add_relations(LockCollector *collector, List *relids,
									  LOCKMODE mode);
extern List *lockcollect_tree(Oid relid);
extern List *lockcollect_children(Oid relid);
extern List *lockcollect_foreign_keys(Oid relid, int side,
									  bool inherited_only);
extern void lockcollect_add_default_partition(LockCollector *collector,
											  Oid parent);
extern Oid	lockcollect_partition_parent(Oid relid);
extern List *lockcollect_indexes(Oid relid);
extern List *lockcollect_dependents(const ObjectAddress *object);

#endif							/* MIGRATE_LOCKS_COLLECT_H */
