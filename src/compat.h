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
#ifndef MIGRATE_COMPAT_H
#define MIGRATE_COMPAT_H

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

/* 18: ExecutorRun lost its "execute_once" argument */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN(queryDesc, direction, count) \
	ExecutorRun((queryDesc), (direction), (count))
#else
#define COMPAT_EXECUTOR_RUN(queryDesc, direction, count) \
	ExecutorRun((queryDesc), (direction), (count), true)
#endif

/*
 * 18: pg_attribute_noreturn(), which stands behind a declaration, gave way to
 * pg_noreturn, which stands in front of it
 */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif							/* MIGRATE_COMPAT_H */
