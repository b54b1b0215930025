/*-------------------------------------------------------------------------
 *
 * tenantguard.h
 *	  New tables in the schemas of a model.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTGUARD_H
#define MIGRATE_TENANTGUARD_H

#include "tenantwork.h"

/* in tenantguard.c */
extern void tenantguard_set(TenantWork *work, TenancyModel *model,
							TenantGuard guard);

#endif							/* MIGRATE_TENANTGUARD_H */
