/*-------------------------------------------------------------------------
 *
 * schema.h
 *	  All tables of a schema.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_PROTECT_SCHEMA_H
#define MIGRATE_TENANT_PROTECT_SCHEMA_H

#include "tenant/discover/work.h"

/* in schema.c */
extern void tenantschema_check(Oid schema);
extern void tenantschema_check_owner(Oid schema);
extern List *tenantschema_tables(Oid schema, bool with_partitions);

#endif							/* MIGRATE_TENANT_PROTECT_SCHEMA_H */
