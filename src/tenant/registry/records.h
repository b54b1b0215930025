/*-------------------------------------------------------------------------
 *
 * records.h
 *	  What the modules that set tenants up share: models, protected tables,
 *	  and what was there before.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_REGISTRY_RECORDS_H
#define MIGRATE_TENANT_REGISTRY_RECORDS_H

#include "nodes/pg_list.h"

/* the model that is meant where none is named */
#define TENANT_DEFAULT_MODEL "default"

/* the event trigger that migrate_tenant_guard() makes */
#define TENANT_EVENT_TRIGGER "migrate_tenant_guard"

typedef enum TenantMode
{
	TENANT_ROOT,				/* a row is a tenant */
	TENANT_COLUMN,				/* a row belongs to the tenant in its column */
	TENANT_SHARED,				/* likewise; NULL: everybody may read it */
	TENANT_PARENT,				/* a row belongs to whom its parent belongs */
	TENANT_PARTITION,			/* protected with the table that it is part of */
	TENANT_EXEMPT,				/* rows belong to nobody */
	TENANT_UNKNOWN				/* found by no rule; never stored */
} TenantMode;

typedef enum TenantGuard
{
	TENANT_GUARD_OFF,
	TENANT_GUARD_PROTECT,
	TENANT_GUARD_REFUSE
} TenantGuard;

/* A row of migrate.tenant_model */
typedef struct TenancyModel
{
	char	   *name;
	Oid			root;
	char	   *key;
	char	   *column_name;
	List	   *app_roles;		/* char *; "public" is PUBLIC */
	char	   *admin_role;		/* or NULL */
	char	   *setting;
	bool		is_inline;		/* policy style: plain SQL, no function */
	Oid			tenant_type;
	TenantGuard guard;
} TenancyModel;

/* A policy, as it is or as it is to be; expressions as pg_get_expr() has them */
typedef struct TenantPolicy
{
	char	   *name;
	bool		permissive;
	char		command;		/* as in pg_policy.polcmd */
	List	   *roles;			/* char *; "public" is PUBLIC */
	char	   *using_expression;	/* or NULL */
	char	   *check_expression;	/* or NULL */
	char	   *comment;		/* or NULL */
} TenantPolicy;

/* A row of migrate.tenant_table */
typedef struct TenantTable
{
	Oid			relid;
	char	   *model;
	TenantMode	mode;
	char	   *column_name;	/* or NULL */
	char	   *via;			/* or NULL */
	Oid			parent;			/* or InvalidOid */
	char	   *reason;			/* or NULL */

	/* the table before it was protected */
	bool		row_security;
	bool		force_row_security;
	List	   *policies_before;	/* TenantPolicy *: those that had the name
									 * of one that was made */
	char	   *policies_owner; /* who owned the table then, or NULL: there
								 * were none */

	/* what was made */
	List	   *policies;		/* TenantPolicy * */
	char	   *index;			/* or NULL */
	char	   *default_expression; /* of the column, or NULL */
	bool		by_schema;		/* by migrate_tenant_protect_schema(), or by
								 * the guard of a schema */
	bool		is_stored;		/* has its row */
} TenantTable;

/* A row of migrate.tenant_column */
typedef struct TenantColumn
{
	Oid			relid;
	char	   *model;
	char	   *column_name;
	char	   *via;
	Oid			parent;

	/* what was made */
	bool		made_column;
	char	   *default_expression; /* or NULL */
	bool		made_not_null;
	char	   *check;			/* constraint that waits for NOT NULL, or NULL */
	char	   *check_before;	/* the one that made way for NOT NULL, or NULL */
	char	   *index;			/* or NULL */
	bool		is_stored;
} TenantColumn;

/* A row of migrate.tenant_link */
typedef struct TenantLink
{
	Oid			relid;
	char	   *constraint_name;	/* its name now */
	char	   *constraint_key; /* that in the row; NULL: it has none yet */
	char	   *model;
	Oid			parent;

	/* the simple foreign key */
	char		on_update;		/* as in pg_constraint */
	char		on_delete;
	char		match_type;
	List	   *delete_columns; /* char *: ON DELETE SET NULL (...) */
	bool		deferrable;
	bool		deferred;
	bool		validated;
	char	   *comment;		/* or NULL */

	char	   *index;			/* made on the parent, or NULL */
} TenantLink;

/* A row of migrate.tenant_grant */
typedef struct TenantGrant
{
	char	   *role;
	char	   *schema;			/* its name now */
	char	   *schema_key;		/* its name when the row was written */
	char	   *kind;
	Oid			relid;			/* or InvalidOid */
	char	   *owner;			/* or "" */
	char	   *model;
	List	   *privileges;		/* char * */
} TenantGrant;

#endif							/* MIGRATE_TENANT_REGISTRY_RECORDS_H */
