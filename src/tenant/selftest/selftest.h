/*-------------------------------------------------------------------------
 *
 * selftest.h
 *	  Trying to get at the rows of another tenant.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_SELFTEST_SELFTEST_H
#define MIGRATE_TENANT_SELFTEST_SELFTEST_H

#include "access/tupdesc.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/elog.h"

/* The value of a column, to be passed as a parameter */
typedef struct SelftestValue
{
	char	   *column;
	Oid			type;
	Datum		value;
	bool		isnull;
	bool		has_default;	/* the column has one, or an identity */
} SelftestValue;

/* A row that the caller sees */
typedef struct SelftestRow
{
	char	   *tenant;			/* whose it is */
	Oid			relid;			/* the partition or child that it is in */
	ItemPointerData tid;
	List	   *values;			/* SelftestValue *: all that can be inserted,
								 * of the victim's row */
	bool		has_identity;	/* one of them is GENERATED ALWAYS */
} SelftestRow;

/* A table of the registry, or a partition or child of one */
typedef struct SelftestTable
{
	Oid			relid;
	char	   *name;			/* qualified and quoted */
	char	   *model;
	bool		is_shared;		/* rows may have no tenant, all read them */
	bool		is_child;		/* rows belong to whom their parent belongs */
	bool		is_partition;
	char	   *column;			/* of the tenant, not quoted; NULL if is_child */
	Oid			column_type;
	char	   *setting;
	List	   *app_roles;		/* char * */
	Oid			root;			/* the table of tenants, and its key */
	char	   *root_key;
	Oid			top;			/* the table that it is a partition of, or it */
	Oid			parent;			/* is_child: the parent, and how to get there */
	List	   *via_columns;	/* char *, as those that follow */
	List	   *parent_columns;
	List	   *conflict_columns;	/* unique across tenants; or NIL */
	bool		has_insert_trigger; /* that may change the row before it is
									 * checked */
	bool		has_update_trigger;
	bool		has_rule;		/* that may write elsewhere, too */

	/* what the caller sees, once it was looked for */
	bool		is_sampled;
	char	   *actor;			/* a tenant, and NULL if there are not two */
	char	   *victim;			/* another one */
	SelftestRow *own_row;		/* of the actor, or NULL */
	SelftestRow *other_row;		/* of the victim, or NULL */
	SelftestRow *shared_row;	/* that all tenants see, or NULL */
	char	   *problem;		/* why nothing can be tried, or NULL */
} SelftestTable;

/* A foreign key of one of them to another */
typedef struct SelftestReference
{
	Oid			relid;
	char	   *name;
	bool		is_deferred;
	Oid			parent;
	List	   *columns;		/* char *, without the tenant column */
	List	   *parent_columns;
	char	   *waiver;			/* why lint is not to report it, or NULL */
} SelftestReference;

/* A view on some of them */
typedef struct SelftestView
{
	Oid			relid;
	char	   *name;			/* qualified and quoted */
	bool		is_materialized;
	List	   *bases;			/* SelftestTable * */
	char	   *waiver;			/* why lint is not to report it, or NULL */
	int			doubtful;		/* what found nothing while no tenant was set,
								 * as bits of numbers of probes */
} SelftestView;

/* What is in the database */
typedef struct SelftestScene
{
	List	   *tables;			/* SelftestTable *, by name */
	List	   *references;		/* SelftestReference *, by name */
	List	   *views;			/* SelftestView *, by name */
} SelftestScene;

typedef enum SelftestResult
{
	SELFTEST_OK,
	SELFTEST_LEAK,
	SELFTEST_WAIVED,			/* a leak that is accepted */
	SELFTEST_INCONCLUSIVE
} SelftestResult;

/* for which tenant a probe works */
typedef enum SelftestTenant
{
	SELFTEST_TENANT,			/* one that is named */
	SELFTEST_UNSET,				/* the setting is at its default */
	SELFTEST_EMPTY				/* the setting is the empty string */
} SelftestTenant;

/* how the outcome of a probe is to be read */
typedef enum SelftestKind
{
	SELFTEST_READ,				/* a row that comes back is a leak */
	SELFTEST_SEE,				/* likewise, and it comes back as an error */
	SELFTEST_WRITE,				/* what the policy does not refuse is a leak */
	SELFTEST_TAKE,				/* what is done to a row that is there is a
								 * leak */
	SELFTEST_REFER,				/* what nothing refuses is a leak */
	SELFTEST_OWN				/* a row has to come back */
} SelftestKind;

/* A right that a probe cannot do without */
typedef struct SelftestRight
{
	AclMode		mode;
	const char *column;			/* NULL: of the table, or of any column */
	bool		any_column;
} SelftestRight;

/* One thing to try */
typedef struct SelftestProbe
{
	SelftestKind kind;
	Oid			role;
	Oid			relid;			/* what is read or written */
	Oid			base;			/* whose constraints may speak up */
	List	   *bases;			/* it and what leads to its tenants (Oid) */
	SelftestTenant state;
	const char *tenant;			/* SELFTEST_TENANT */
	const char *setting;
	const char *prepare;		/* to be run before, or NULL */
	char	   *sql;
	List	   *values;			/* SelftestValue *: its parameters */
	List	   *rights;			/* SelftestRight * */
	char	   *confirm;		/* a condition for rows "t" of the base that
								 * were written, without which there is no
								 * leak; or NULL */
	char	   *settled;		/* likewise, with which there is none */
	const char *leak;			/* what a leak means */
	const char *waiver;			/* why it is accepted, or NULL */
	bool		has_trigger;	/* what a constraint stops may have been
								 * changed by it */
	bool		has_rule;		/* what is refused may be what it does */
} SelftestProbe;

/*
 * A condition that raises an error for the first row that it is asked about,
 * and reads no column, for which the role may have no right.  The planner
 * takes the liberty to ask a condition that is given nothing of the row, and
 * costs less than ten operators, before the policies.  This one costs more.
 */
#define SELFTEST_MARK "a row was seen"
#define SELFTEST_CLOCK "pg_catalog.clock_timestamp(), "
#define SELFTEST_TELL \
	"(CAST(pg_catalog.concat(" \
	SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK \
	SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK \
	SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK \
	"'" SELFTEST_MARK "') AS pg_catalog.int4) IS NOT NULL)"

/*
 * A condition that holds for the first row that it is asked about and for no
 * other, and reads no column either: a statement that reads none is not
 * subject to policies for SELECT.
 */
#define SELFTEST_ONCE \
	"CASE WHEN pg_catalog.current_setting('application_name') " \
	"OPERATOR(pg_catalog.=) '" SELFTEST_MARK "' THEN false " \
	"ELSE pg_catalog.set_config('application_name', '" SELFTEST_MARK "', true) IS NOT NULL " \
	"AND pg_catalog.concat(" \
	SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK \
	SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK SELFTEST_CLOCK \
	"'') IS NOT NULL END"

/* in scene.c */
extern SelftestScene *selftest_scene(void);
extern SelftestTable *selftest_find_table(const SelftestScene *scene, Oid relid);
extern char *selftest_tenant_of(const SelftestScene *scene,
								const SelftestTable *table, const char *alias);
extern List *selftest_tables_of(const SelftestScene *scene,
								const SelftestTable *table);
extern bool selftest_is_below_shared(const SelftestScene *scene,
									 const SelftestTable *table);
extern char *selftest_literal(const char *tenant, Oid type);
extern Oid	selftest_tenant_type(const SelftestScene *scene,
								 const SelftestTable *table);

/* in read.c */
extern List *selftest_read(List *relids, const char *sql, TupleDesc *desc);

/* in sample.c */
extern void selftest_sample(const SelftestScene *scene, SelftestTable *table);
extern List *selftest_parent_values(const SelftestScene *scene,
									const SelftestReference *reference,
									const char *tenant);
extern bool selftest_row_is_there(const SelftestTable *table,
								  const SelftestRow *row);
extern char *selftest_row_condition(const char *alias, const SelftestRow *row);

/* in probe.c */
extern SelftestResult selftest_run(const SelftestProbe *probe, char **detail);
extern bool selftest_has_right(Oid relid, Oid role, AclMode mode,
							   const char *column);
extern bool selftest_guarded(void (*work) (void *arg), void *arg,
							 ErrorData **error);

/* in row.c */
extern bool selftest_compose_insert(const SelftestScene *scene,
									const SelftestTable *table,
									SelftestProbe *probe, const char *tenant);
extern List *selftest_via_values(const SelftestScene *scene,
								 const SelftestTable *table,
								 const char *tenant);
extern void selftest_append_assignments(StringInfo buf, SelftestProbe *probe,
										List *values);
extern bool selftest_can_be_set(Oid relid, const char *column);
extern const char *selftest_updatable_column(const SelftestTable *table,
											 Oid role);

/* in try.c */
typedef void (*SelftestReport) (void *state, Oid relid, int number,
								const char *probe, SelftestResult result,
								const char *detail);
extern void selftest_try_table(const SelftestScene *scene,
							   const SelftestTable *table, Oid role,
							   bool unset, SelftestReport report, void *state);

/* in view.c */
extern void selftest_try_view(const SelftestScene *scene,
							  SelftestView *view, Oid role,
							  bool unset, SelftestReport report, void *state);

#endif							/* MIGRATE_TENANT_SELFTEST_SELFTEST_H */
