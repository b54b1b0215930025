/*-------------------------------------------------------------------------
 *
 * grant.h
 *	  The rights of the roles that the application uses.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_SETUP_GRANT_H
#define MIGRATE_TENANT_SETUP_GRANT_H

#include "tenant/discover/work.h"
#include "utils/acl.h"

/* in grant.c */
extern void tenantgrant_take_back(TenantWork *work, List *grants);

/* in acl.c */
extern AclMode tenantacl_found(const TenantGrant *grant, Oid role);
extern int	tenantacl_count(const TenantGrant *grant, Oid role, AclMode mode);
extern char *tenantacl_column_rights(Oid relid, Oid role, AclMode mode,
									 bool grantable);
extern List *tenantacl_names(AclMode mode);
extern AclMode tenantacl_mode(List *names);
extern void tenantacl_check_role(const TenancyModel *model, const char *name,
								 Oid role, List *owners);
extern List *tenantacl_sequences(Oid relid);
extern Oid	tenantacl_owner(Oid relid);

#endif							/* MIGRATE_TENANT_SETUP_GRANT_H */
