/*-------------------------------------------------------------------------
 *
 * setting.h
 *	  The tenant that a session works for.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_SETTING_SETTING_H
#define MIGRATE_TENANT_SETTING_SETTING_H

#include "base/compat.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* the configuration parameter that the functions read */
#define TENANT_SETTING "migrate.tenant"

/*
 * What the configuration parameter holds, in all forms that are asked for.
 * It is taken apart once, when it is set.
 */
typedef struct TenantValue
{
	uint64		serial;			/* another one each time that it is set */
	uint64		hash;			/* of the text; 0 if no tenant is set */
	bool		is_set;
	bool		is_uuid;		/* it is the text of a uuid, and so on */
	bool		is_int8;
	bool		is_int4;
	pg_uuid_t	uuid;
	int64		integer;		/* for int8 and int4 */
	int			length;			/* in bytes */
	const char *string;			/* the text as it was set */
} TenantValue;

/* A row of migrate.tenant_model, as far as it is needed here */
typedef struct TenantModel
{
	char	   *name;
	Oid			root;			/* the table of which a row is a tenant */
	char	   *key;			/* its column that identifies the tenant */
	char	   *admin_role;		/* may see all tenants; or NULL */
	List	   *app_roles;		/* char *: those whom the policies bind */
	char	   *setting;		/* configuration parameter of the tenant */
} TenantModel;

/* in setting.c */
extern void tenant_define_settings(void);
extern bool tenant_is_setting(const char *name);
extern const TenantValue *tenant_value(void);
extern bool tenant_datum(Oid type, Datum *datum);

/* in value.c */
extern void tenantvalue_parse(TenantValue *value, const char *string);
extern bool tenantvalue_is_of_type(const TenantValue *value, Oid type);

/* in fold.c */
extern bool tenantfold_enabled;
extern void tenantfold_forget(void);
extern void tenantfold_forget_all(void);

/* in models.c */
extern TenantModel *catalog_tenant_model(const char *name,
										 bool missing_ok);
extern void catalog_tenant_missing(const char *name) pg_attribute_noreturn();
extern List *catalog_tenant_types(const char *setting);
extern List *catalog_tenant_settings(void);

#endif							/* MIGRATE_TENANT_SETTING_SETTING_H */
