/*-------------------------------------------------------------------------
 *
 * force.c
 *	  Having an owner see all rows of tables whose policies bind it.
 *
 * Where row level security is forced, the owner of a table sees no row of it
 * while no tenant is set: an UPDATE of all rows touches none, and a foreign
 * key is taken for valid because none of its rows is looked at.  For such a
 * statement FORCE is lifted, under the lock that it takes, so that nobody
 * else ever sees the table without it: the lock is held, and FORCE is back,
 * when the transaction ends.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "tenant/column/column.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/*
 * Lift FORCE from those of the tables where it binds the caller.  Returns
 * them, for tenantforce_put_back().
 */
List *
tenantforce_lift(TenantWork *work, List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (has_bypassrls_privilege(GetUserId()))
		return NIL;
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		bool		enabled;
		bool		forced;

		tenanttable_row_security(relid, &enabled, &forced);
		if (!enabled || !forced)
			continue;
		tenantwork_do(work, tenanttable_object(relid), "no force row security",
					  psprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY",
							   tenanttable_name(relid)), NULL);
		result = lappend_oid(result, relid);
	}
	return result;
}

/*
 * Force row level security again.
 */
void
tenantforce_put_back(TenantWork *work, List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
		tenantwork_do(work, tenanttable_object(lfirst_oid(lc)),
					  "force row security",
					  psprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY",
							   tenanttable_name(lfirst_oid(lc))), NULL);
}
