/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between the major versions of PostgreSQL.
 *
 * Every PG_VERSION_NUM of the project stands here, each shim with the
 * version that made it necessary.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASE_COMPAT_H
#define MIGRATE_BASE_COMPAT_H

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "migrate supports PostgreSQL 15 to 18"
#endif

/* 18: the module's name and version are in the magic block */
#if PG_VERSION_NUM >= 180000
#define MIGRATE_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "migrate", .version = MIGRATE_VERSION)
#else
#define MIGRATE_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 16: varlena macros moved to a header of their own */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: one function checks the rights on any kind of object */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_namespace.h"
#define COMPAT_NAMESPACE_ACLCHECK(namespace_oid, role, mode) \
	object_aclcheck(NamespaceRelationId, (namespace_oid), (role), (mode))
#else
#define COMPAT_NAMESPACE_ACLCHECK(namespace_oid, role, mode) \
	pg_namespace_aclcheck((namespace_oid), (role), (mode))
#endif

/* 16: parameters live in a memory context, and their number is told */
#if PG_VERSION_NUM >= 160000
#define COMPAT_GUC_MALLOC(size) guc_malloc(LOG, (size))
#define COMPAT_GUC_VARIABLES(count) get_guc_variables(count)
#else
#define COMPAT_GUC_MALLOC(size) malloc(size)
#define COMPAT_GUC_VARIABLES(count) \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/* 16: to be a member of a role is one thing, to be allowed to become it another */
#if PG_VERSION_NUM >= 160000
#define COMPAT_CAN_SET_ROLE(member, role) \
	member_can_set_role((member), (role))
#else
#define COMPAT_CAN_SET_ROLE(member, role) \
	is_member_of_role((member), (role))
#endif

/* 17: a third argument has LockHeldByMe() count stronger locks, too */
#if PG_VERSION_NUM >= 170000
#define COMPAT_LOCK_HELD_BY_ME(locktag, lockmode) \
	LockHeldByMe((locktag), (lockmode), false)
#else
#define COMPAT_LOCK_HELD_BY_ME(locktag, lockmode) \
	LockHeldByMe((locktag), (lockmode))
#endif

/* 17: a right of its own for maintenance, LOCK TABLE included */
#if PG_VERSION_NUM >= 170000
#define COMPAT_ACL_MAINTAIN ACL_MAINTAIN
#else
#define COMPAT_ACL_MAINTAIN 0
#endif

/* 17: a column is an identity column in the partitions, too */
#if PG_VERSION_NUM >= 170000
#define COMPAT_IDENTITY_LOCKS_PARTITIONS true
#else
#define COMPAT_IDENTITY_LOCKS_PARTITIONS false
#endif

/*
 * 18: ADD CONSTRAINT locks all that inherit from a table, whatever the
 * constraint, and ANALYZE goes on to them
 */
#if PG_VERSION_NUM >= 180000
#define COMPAT_CONSTRAINT_LOCKS_TREE true
#define COMPAT_ANALYZE_LOCKS_TREE true
#else
#define COMPAT_CONSTRAINT_LOCKS_TREE false
#define COMPAT_ANALYZE_LOCKS_TREE false
#endif

/* 18: the kind of a row comparison is a CompareType, in a field renamed */
#if PG_VERSION_NUM >= 180000
#define COMPAT_SET_ROW_COMPARISON(expr, strategy) \
	((expr)->cmptype = (CompareType) (strategy))
#else
#define COMPAT_SET_ROW_COMPARISON(expr, strategy) \
	((expr)->rctype = (RowCompareType) (strategy))
#endif

/* 18: a NOT NULL constraint can be NOT VALID, with attnotnull set */
#if PG_VERSION_NUM >= 180000
#define COMPAT_COLUMN_IS_NOT_NULL(tupdesc, i) \
	(TupleDescCompactAttr((tupdesc), (i))->attnullability == ATTNULLABLE_VALID)
#else
#define COMPAT_COLUMN_IS_NOT_NULL(tupdesc, i) \
	(TupleDescAttr((tupdesc), (i))->attnotnull)
#endif

/* 18: a foreign key need not be enforced, and can be over periods of time */
#if PG_VERSION_NUM >= 180000
#define COMPAT_CONSTRAINT_IS_ENFORCED(form) ((form)->conenforced)
#define COMPAT_CONSTRAINT_HAS_PERIOD(form) ((form)->conperiod)
#else
#define COMPAT_CONSTRAINT_IS_ENFORCED(form) ((void) (form), true)
#define COMPAT_CONSTRAINT_HAS_PERIOD(form) ((void) (form), false)
#endif

/* 18: PortalRun lost its "run_once" argument */
#if PG_VERSION_NUM >= 180000
#define COMPAT_PORTAL_RUN(portal, count, top_level, dest, altdest, qc) \
	PortalRun((portal), (count), (top_level), (dest), (altdest), (qc))
#else
#define COMPAT_PORTAL_RUN(portal, count, top_level, dest, altdest, qc) \
	PortalRun((portal), (count), (top_level), true, (dest), (altdest), (qc))
#endif

/* 18: ExecutorRun lost its "execute_once" argument */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN(queryDesc, direction, count) \
	ExecutorRun((queryDesc), (direction), (count))
#else
#define COMPAT_EXECUTOR_RUN(queryDesc, direction, count) \
	ExecutorRun((queryDesc), (direction), (count), true)
#endif

/* 18: ... and so did its hook */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define COMPAT_EXECUTOR_RUN_ARGUMENTS \
	queryDesc, direction, count
#else
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, \
	bool execute_once
#define COMPAT_EXECUTOR_RUN_ARGUMENTS \
	queryDesc, direction, count, execute_once
#endif

/*
 * 18: an index scan can count for EXPLAIN, and a primary key can be asked for
 * that is deferrable
 */
#if PG_VERSION_NUM >= 180000
#define COMPAT_INDEX_BEGINSCAN(relation, index, snapshot, nkeys) \
	index_beginscan((relation), (index), (snapshot), NULL, (nkeys), 0)
#define COMPAT_PRIMARY_KEY_INDEX(relation) \
	RelationGetPrimaryKeyIndex((relation), false)
#else
#define COMPAT_INDEX_BEGINSCAN(relation, index, snapshot, nkeys) \
	index_beginscan((relation), (index), (snapshot), (nkeys), 0)
#define COMPAT_PRIMARY_KEY_INDEX(relation) \
	RelationGetPrimaryKeyIndex(relation)
#endif

/*
 * 18: pg_attribute_noreturn(), which stands behind a declaration, gave way to
 * pg_noreturn, which stands in front of it
 */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif							/* MIGRATE_BASE_COMPAT_H */
