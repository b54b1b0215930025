/*-------------------------------------------------------------------------
 *
 * trial.h
 *	  What is tried on a table: what its probes have in common.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_SELFTEST_TRIAL_H
#define MIGRATE_TENANT_SELFTEST_TRIAL_H

#include "tenant/selftest/selftest.h"

/* the order in which probes are reported */
typedef enum ProbeNumber
{
	PROBE_ANY,
	PROBE_READ_OWN,
	PROBE_READ_OTHER,
	PROBE_READ_UNSET,
	PROBE_READ_EMPTY,
	PROBE_INSERT_OTHER,
	PROBE_INSERT_UNSET,
	PROBE_INSERT_NULL,
	PROBE_INSERT_RETURNING,
	PROBE_ON_CONFLICT,
	PROBE_UPDATE_OTHER,
	PROBE_UPDATE_UNSET,
	PROBE_MOVE_ROW,
	PROBE_MOVE_ROW_TO_NULL,
	PROBE_DELETE_OTHER,
	PROBE_DELETE_UNSET,
	PROBE_MERGE_OTHER,
	PROBE_UPDATE_SHARED,
	PROBE_DELETE_SHARED,
	PROBE_REFERENCE				/* and those after it */
} ProbeNumber;

#define LEAK_READ "it reads rows of another tenant"
#define LEAK_CHANGE "it can change rows of another tenant"
#define LEAK_DELETE "it can delete rows of another tenant"
#define LEAK_WRITE "it can write rows for another tenant"
#define LEAK_NULL "it can write rows without a tenant"
#define LEAK_HANG "it can write rows that hang on a row that all tenants share"
#define LEAK_SHARED "it can change rows that are shared by all tenants"
#define LEAK_REFER "its rows can refer to rows of another tenant"

/* What the probes of a table have in common */
typedef struct SelftestTrial
{
	const SelftestScene *scene;
	const SelftestTable *table;
	Oid			role;
	const char *column;			/* of the tenant, quoted; NULL in a child */
	char	   *other;			/* condition: row "t" is another tenant's */
	char	   *actor;			/* the tenants as constants */
	char	   *victim;
	bool		is_evident;		/* there is a row to be found */
	SelftestReport report;
	void	   *state;
} SelftestTrial;

/* in try.c */
extern SelftestProbe *selftest_new_probe(const SelftestTrial *trial, SelftestKind kind,
										 AclMode mode, const char *leak);
extern void selftest_run_probe(const SelftestTrial *trial, SelftestProbe *probe, int number,
							   const char *name, bool is_evident);
extern char *selftest_tell(const char *condition);

/* in write.c */
extern void selftest_try_insert(const SelftestTrial *trial, int number, const char *name,
								SelftestTenant state, const char *tenant,
								const char *tail);
extern void selftest_try_conflict(const SelftestTrial *trial);
extern void selftest_try_update(const SelftestTrial *trial, int number, const char *name,
								SelftestTenant state, const char *condition,
								bool is_evident);
extern void selftest_try_delete(const SelftestTrial *trial, int number, const char *name,
								SelftestTenant state, const char *condition,
								bool is_evident);
extern void selftest_try_move(const SelftestTrial *trial, int number, const char *name,
							  bool to_null);
extern void selftest_try_merge(const SelftestTrial *trial);
extern void selftest_try_references(const SelftestTrial *trial);

#endif							/* MIGRATE_TENANT_SELFTEST_TRIAL_H */
