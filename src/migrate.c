/*-------------------------------------------------------------------------
 *
 * migrate.c
 *	  What makes a loadable module of the rest.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/configuration.h"
#include "fmgr.h"
#include "tenant/setting/setting.h"
#include "utils/guc.h"

MIGRATE_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/*
 * Called when the library is loaded: at the first call of one of our
 * functions, or before, if the server's settings say so.
 */
void
_PG_init(void)
{
	configuration_define();
	tenant_define_settings();
	MarkGUCPrefixReserved("migrate");
}
