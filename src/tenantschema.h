/*-------------------------------------------------------------------------
 *
 * tenantschema.h
 *	  All tables of a schema, and tables that belong to no tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTSCHEMA_H
#define MIGRATE_TENANTSCHEMA_H

#include "tenantwork.h"

/* in tenantschema.c */
extern List *tenantschema_tables(Oid schema, bool with_partitions);
extern void tenantschema_exempt(TenantWork *work, const TenancyModel *model,
								Oid relid, const char *reason, bool by_schema);

#endif							/* MIGRATE_TENANTSCHEMA_H */
