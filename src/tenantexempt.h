/*-------------------------------------------------------------------------
 *
 * tenantexempt.h
 *	  Tables that belong to no tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANTEXEMPT_H
#define MIGRATE_TENANTEXEMPT_H

#include "tenantwork.h"

/* in tenantexempt.c */
extern void tenantexempt_register(TenantWork *work, const TenancyModel *model,
								  Oid relid, const char *reason,
								  bool by_schema);
extern void tenantexempt_forget(TenantWork *work, TenantTable *table);

#endif							/* MIGRATE_TENANTEXEMPT_H */
