/*-------------------------------------------------------------------------
 *
 * constraint.c
 *	  The locks that adding, dropping or validating a constraint takes.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_constraint.h"
#include "locks/constraint.h"
#include "locks/drop.h"
#include "utils/syscache.h"

static bool has_nullable_key(Oid relid, List *columns);
static bool recurses(char contype, bool no_inherit);
static Form_pg_constraint fetch_constraint(Oid relid, const char *name);

/*
 * Add the locks of ADD CONSTRAINT.
 */
void
lockconstraint_add(const LockAlter *alter, const Constraint *constraint)
{
	if (COMPAT_CONSTRAINT_LOCKS_TREE)
		lockalter_tree(alter);

	switch (constraint->contype)
	{
		case CONSTR_FOREIGN:
			lockalter_partitions(alter);
			lockconstraint_references(alter->collector,
									  list_make1((void *) constraint));
			break;

		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:

			/*
			 * The columns of a primary key become NOT NULL, in those that
			 * inherit from the table, too.  For the rest this is CREATE
			 * INDEX.
			 */
			if (constraint->contype == CONSTR_PRIMARY &&
				has_nullable_key(alter->relid, constraint->keys))
				lockalter_tree(alter);
			else if (alter->inherits)
				lockcollect_add_partitions(alter->collector, alter->relid,
										   ShareLock);
			break;

		default:
			if (!constraint->is_no_inherit)
				lockalter_tree(alter);
			break;
	}
}

/*
 * Add the locks of DROP CONSTRAINT.
 */
void
lockconstraint_drop(const LockAlter *alter, const AlterTableCmd *cmd)
{
	Form_pg_constraint constraint = fetch_constraint(alter->relid, cmd->name);
	ObjectAddress object;

	if (constraint == NULL)
		return;
	ObjectAddressSet(object, ConstraintRelationId, constraint->oid);
	lockdrop_object(alter->collector, &object, cmd->behavior);

	/* the constraints of partitions depend on that of their parent */
	if (!recurses(constraint->contype, constraint->connoinherit))
		return;
	if (alter->inherits)
		lockalter_tree(alter);
	else
		lockcollect_add_relations(alter->collector,
								  lockcollect_children(alter->relid),
								  alter->mode);
}

/*
 * Add the locks of VALIDATE CONSTRAINT.
 */
void
lockconstraint_validate(const LockAlter *alter, const char *name)
{
	Form_pg_constraint constraint = fetch_constraint(alter->relid, name);

	if (constraint == NULL || constraint->convalidated)
		return;
	if (constraint->contype == CONSTRAINT_FOREIGN)
		lockalter_partitions(alter);
	else if (recurses(constraint->contype, constraint->connoinherit))
		lockalter_tree(alter);
}

/*
 * Add the locks on the tables that constraints of a table or a column, which
 * are not made yet, will reference.
 */
void
lockconstraint_references(LockCollector *collector, List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) &&
			constraint->contype == CONSTR_FOREIGN)
			lockcollect_add_partitions(collector,
									   lockcollect_find(collector,
														constraint->pktable),
									   ShareRowExclusiveLock);
	}
}

/*
 * Does what is done to a constraint go on to the tables that inherit it, one
 * by one?
 */
bool
lockconstraint_recurses(Oid relid, const char *name)
{
	Form_pg_constraint constraint = fetch_constraint(relid, name);

	return constraint != NULL &&
		recurses(constraint->contype, constraint->connoinherit);
}

/*
 * Is a column that is there NOT NULL?
 */
bool
lockconstraint_not_null(Oid relid, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, column);
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Is one of the columns not, or not yet, NOT NULL?
 */
static bool
has_nullable_key(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (!lockconstraint_not_null(relid, strVal(lfirst(lc))))
			return true;
	}
	return false;
}

static bool
recurses(char contype, bool no_inherit)
{
	return contype != CONSTRAINT_FOREIGN && contype != CONSTRAINT_PRIMARY &&
		contype != CONSTRAINT_UNIQUE && contype != CONSTRAINT_EXCLUSION &&
		!no_inherit;
}

/*
 * A copy of a constraint's row, without what it has of variable length, or
 * NULL.
 */
static Form_pg_constraint
fetch_constraint(Oid relid, const char *name)
{
	Oid			oid = get_relation_constraint_oid(relid, name, true);
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	Form_pg_constraint result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	result = palloc(sizeof(FormData_pg_constraint));
	memcpy(result, GETSTRUCT(tuple), sizeof(FormData_pg_constraint));
	ReleaseSysCache(tuple);
	return result;
}
