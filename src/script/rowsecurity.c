/*-------------------------------------------------------------------------
 *
 * rowsecurity.c
 *	  Scripts and row level security.
 *
 * Where a table has FORCE ROW LEVEL SECURITY its policies hold for its owner
 * too, who runs the migrations.  With no tenant set an UPDATE then changes no
 * row and succeeds, and a foreign key is validated over rows that nobody
 * looked at; with one set, they do their work for that one.  row_security =
 * off has the server raise an error wherever policies would hide rows from a
 * query.  It gives nobody a right: who bypasses the policies sees all rows
 * either way.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/configuration.h"
#include "script/rowsecurity.h"
#include "tenant/setting/setting.h"

static void set_option(const char *name, const char *value, GucAction action);

/*
 * Have what runs from now on meet all rows or an error, and no tenant, unless
 * migrate.row_security_guard is off.
 *
 * "action" tells until when: GUC_ACTION_SAVE until the end of the nest level
 * of settings in hand, GUC_ACTION_SET for the rest of the session.
 */
void
rowsecurity_guard(GucAction action)
{
	ListCell   *lc;

	if (!configuration_row_security_guard)
		return;
	set_option("row_security", "off", action);
	if (tenant_value()->is_set)
		set_option(TENANT_SETTING, "", action);
	foreach(lc, catalog_tenant_settings())
	{
		const char *name = lfirst(lc);
		const char *value = tenant_is_setting(name) ?
		GetConfigOption(name, true, false) : NULL;

		if (value != NULL && value[0] != '\0')
			set_option(name, "", action);
	}
}

static void
set_option(const char *name, const char *value, GucAction action)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 action, true, 0, false);
}
