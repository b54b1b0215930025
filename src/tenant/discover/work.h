/*-------------------------------------------------------------------------
 *
 * work.h
 *	  What a function that sets tenants up does, step by step, and says.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_DISCOVER_WORK_H
#define MIGRATE_TENANT_DISCOVER_WORK_H

#include "fmgr.h"
#include "nodes/execnodes.h"
#include "tenant/registry/records.h"

/*
 * What was looked up about tables along foreign keys, until something changes;
 * way.c fills it
 */
typedef struct TenantMap
{
	MemoryContext context;
	struct HTAB *places;		/* by table; NULL: nothing yet */
	const char *model;			/* that it was looked up for */
	uint32		walk;			/* number of the last walk */
} TenantMap;

/* A call of such a function */
typedef struct TenantWork
{
	ReturnSetInfo *rsinfo;		/* NULL: nobody looks at the rows */
	bool		dry_run;		/* say what would be done, and do nothing */
	bool		take_all;		/* everything of a model is taken back */
	List	   *missing;		/* char *: see tenantwork_do() */
	List	   *tables;			/* TenantTable *: all that are protected or
								 * exempt, in a dry run as it would be */
	TenantMap  *map;
	char	   *extension_schema;	/* where migrate_tenant_current() is */
} TenantWork;

/* in work.c */
extern void tenantwork_begin(TenantWork *work, FunctionCallInfo fcinfo,
							 const char *function, bool dry_run);
extern void tenantwork_begin_silently(TenantWork *work,
									  FunctionCallInfo fcinfo, bool dry_run);
extern void tenantwork_begin_unlocked(TenantWork *work,
									  FunctionCallInfo fcinfo);
extern void tenantwork_do(TenantWork *work, const char *object,
						  const char *action, const char *sql,
						  const char *missing);
extern void tenantwork_do_as_owner(TenantWork *work, Oid relid,
								   const char *object, const char *action,
								   const char *sql);
extern void tenantwork_become_owner(Oid relid, Oid *save_userid,
									int *save_sec_context);
extern void tenantwork_refuse(TenantWork *work, const char *object,
							  const char *action, const char *sql);
extern void tenantwork_fill(TenantWork *work, const char *object,
							const char *sql);
extern void tenantwork_note(TenantWork *work, const char *object,
							const char *action);
extern bool tenantwork_is_ours(void);
extern int	tenantwork_pin_settings(void);
extern uint64 tenantwork_execute(const char *sql, bool pin);
extern TenantTable *tenantwork_find(const TenantWork *work, Oid relid);
extern TenantTable *tenantwork_above(const TenantWork *work, Oid relid);
extern bool tenantwork_is_detached(const TenantWork *work,
								   const TenantTable *table);
extern void tenantwork_remember(TenantWork *work, TenantTable *table);
extern void tenantwork_forget(TenantWork *work, TenantTable *table);
extern TenancyModel *tenantwork_model(const char *name);
extern char *tenantwork_name_arg(FunctionCallInfo fcinfo, int argno,
								 const char *name);
extern char *tenantwork_model_arg(FunctionCallInfo fcinfo, int argno);
extern Oid	tenantwork_oid_arg(FunctionCallInfo fcinfo, int argno,
							   const char *name);
extern List *tenantwork_names_arg(FunctionCallInfo fcinfo, int argno,
								  const char *name);
extern List *tenantwork_oids_arg(FunctionCallInfo fcinfo, int argno,
								 const char *name, Oid element_type);

#endif							/* MIGRATE_TENANT_DISCOVER_WORK_H */
