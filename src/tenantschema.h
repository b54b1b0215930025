/*-------------------------------------------------------------------------
 *
 * tenantschema.h
 *	  All tables of a schema.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTSCHEMA_H
#define MIGRATE_TENANTSCHEMA_H

#include "tenantwork.h"

/* in tenantschema.c */
extern void tenantschema_check(Oid schema);
extern void tenantschema_check_owner(Oid schema);
extern List *tenantschema_tables(Oid schema, bool with_partitions);

#endif							/* MIGRATE_TENANTSCHEMA_H */
