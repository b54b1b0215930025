/*-------------------------------------------------------------------------
 *
 * view.h
 *	  What is known of a view that is tried.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TENANT_SELFTEST_VIEW_H
#define MIGRATE_TENANT_SELFTEST_VIEW_H

#include "tenant/selftest/selftest.h"

/* A column of a view that is one of a table's */
typedef struct SelftestViewColumn
{
	char	   *name;
	const SelftestTable *table;
	char	   *origin;			/* its name there */
} SelftestViewColumn;

/* What is known of a view */
typedef struct SelftestViewTrial
{
	const SelftestScene *scene;
	SelftestView *view;
	Oid			role;
	bool		unset;			/* what is tried now */
	MemoryContext context;
	const SelftestTable *base;	/* the table that the tenants are taken from */
	List	   *columns;		/* char *: those that hold a tenant, quoted */
	List	   *origins;		/* SelftestViewColumn *: all that are a
								 * table's */
	int			events;			/* what can be done to it, as bits of CmdType */
	bool		has_trigger;	/* that does what an INSERT says */
	bool		has_rule;		/* on it or a table, for other than SELECT */
	SelftestReport report;
	void	   *state;
} SelftestViewTrial;

/* in look.c */
extern void selftest_look_at_view(void *arg);

#endif							/* MIGRATE_TENANT_SELFTEST_VIEW_H */
