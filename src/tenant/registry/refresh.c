/*-------------------------------------------------------------------------
 *
 * refresh.c
 *	  Having the rows about tables of tenants say what is there now.
 *
 * Tables that were dropped are forgotten; columns and foreign keys that have
 * another name are called by it, so that what is read from these rows without
 * us, by the lint, is right as well.  After a dump was restored numbers and
 * OIDs are taken anew, by name.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/bookkeeping.h"
#include "catalog/records.h"
#include "catalog/tables.h"
#include "tenant/registry/registry.h"

/* SQL for a number or OID in a row "t", if it is about the table of now */
#define KEPT(column) \
	"CASE WHEN t.relation_oid OPERATOR(pg_catalog.=) t.relation THEN t." column " END"

/* A statement, and what it does to rows of ours */
typedef struct Refresh
{
	const char *sql;
	int			expected;
} Refresh;

static const Refresh statements[] = {
	/* of tables that were dropped */
	{"DELETE FROM " TABLE_TENANT_TABLE " t WHERE NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_class c "
	"WHERE c.oid OPERATOR(pg_catalog.=) t.relation)", SPI_OK_DELETE},
	{"DELETE FROM " TABLE_TENANT_COLUMN " t WHERE NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_class c "
	"WHERE c.oid OPERATOR(pg_catalog.=) t.relation)", SPI_OK_DELETE},
	{"DELETE FROM " TABLE_TENANT_LINK " t WHERE NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_class c "
	"WHERE c.oid OPERATOR(pg_catalog.=) t.relation)", SPI_OK_DELETE},
	{"DELETE FROM " TABLE_TENANT_GRANT " t "
		"WHERE t.relation OPERATOR(pg_catalog.<>) 0 AND NOT EXISTS "
		"(SELECT FROM pg_catalog.pg_class c "
	"WHERE c.oid OPERATOR(pg_catalog.=) t.relation)", SPI_OK_DELETE},

	/* of columns and foreign keys that have another name */
	{"UPDATE " TABLE_TENANT_TABLE " t "
		"SET column_name = " COLUMN_NOW ", via = " KEY_NOW("via", "via_oid") " "
		"WHERE t.column_name OPERATOR(pg_catalog.<>) " COLUMN_NOW " "
	"OR t.via OPERATOR(pg_catalog.<>) " KEY_NOW("via", "via_oid"), SPI_OK_UPDATE},
	{"UPDATE " TABLE_TENANT_COLUMN " t "
		"SET column_name = " COLUMN_NOW ", via = " KEY_NOW("via", "via_oid") " "
		"WHERE t.column_name OPERATOR(pg_catalog.<>) " COLUMN_NOW " "
	"OR t.via OPERATOR(pg_catalog.<>) " KEY_NOW("via", "via_oid"), SPI_OK_UPDATE},

	/* the name is the key: one that another row has still has to wait */
	{"UPDATE " TABLE_TENANT_LINK " t "
		"SET constraint_name = " KEY_NOW("constraint_name", "constraint_oid") " "
		"WHERE t.constraint_name OPERATOR(pg_catalog.<>) "
		KEY_NOW("constraint_name", "constraint_oid") " "
		"AND NOT EXISTS (SELECT FROM " TABLE_TENANT_LINK " o "
		"WHERE o.relation OPERATOR(pg_catalog.=) t.relation "
		"AND o.constraint_name OPERATOR(pg_catalog.=) "
	KEY_NOW("constraint_name", "constraint_oid") ")", SPI_OK_UPDATE},

	/* of a database that was restored, or of what was made anew */
	{"UPDATE " TABLE_TENANT_TABLE " t SET relation_oid = t.relation, "
		"column_number = COALESCE(" NUMBER_OF_COLUMN("t.relation", "t.column_name") ", "
		KEPT("column_number") "), "
		"via_oid = COALESCE(" OID_OF_KEY("t.relation", "t.via") ", " KEPT("via_oid") ") "
		"WHERE t.relation_oid OPERATOR(pg_catalog.<>) t.relation "
		"OR COALESCE(t.column_number, 0) OPERATOR(pg_catalog.<>) "
		NUMBER_OF_COLUMN("t.relation", "t.column_name") " "
		"OR COALESCE(t.via_oid, 0) OPERATOR(pg_catalog.<>) "
	OID_OF_KEY("t.relation", "t.via"), SPI_OK_UPDATE},
	{"UPDATE " TABLE_TENANT_COLUMN " t SET relation_oid = t.relation, "
		"column_number = COALESCE(" NUMBER_OF_COLUMN("t.relation", "t.column_name") ", "
		KEPT("column_number") "), "
		"via_oid = COALESCE(" OID_OF_KEY("t.relation", "t.via") ", " KEPT("via_oid") ") "
		"WHERE t.relation_oid OPERATOR(pg_catalog.<>) t.relation "
		"OR COALESCE(t.column_number, 0) OPERATOR(pg_catalog.<>) "
		NUMBER_OF_COLUMN("t.relation", "t.column_name") " "
		"OR COALESCE(t.via_oid, 0) OPERATOR(pg_catalog.<>) "
	OID_OF_KEY("t.relation", "t.via"), SPI_OK_UPDATE},
	{"UPDATE " TABLE_TENANT_LINK " t SET relation_oid = t.relation, "
		"constraint_oid = COALESCE(" OID_OF_KEY("t.relation", "t.constraint_name") ", "
		KEPT("constraint_oid") ") "
		"WHERE t.relation_oid OPERATOR(pg_catalog.<>) t.relation "
		"OR COALESCE(t.constraint_oid, 0) OPERATOR(pg_catalog.<>) "
	OID_OF_KEY("t.relation", "t.constraint_name"), SPI_OK_UPDATE},
};

/*
 * Bring the rows up to date.  The lock of the registry is held.
 */
void
catalog_tenancy_refresh(void)
{
	static SPIPlanPtr plans[lengthof(statements)] = {NULL};
	static const char *const relnames[] = {RELNAME_TENANT_TABLE,
		RELNAME_TENANT_COLUMN, RELNAME_TENANT_LINK, RELNAME_TENANT_GRANT
	};
	Bookkeeping scope;

	for (int i = 0; i < lengthof(relnames); i++)
		catalog_check_no_trigger(relnames[i]);
	bookkeeping_begin_as_owner(&scope, catalog_owner());
	for (int i = 0; i < lengthof(statements); i++)
		bookkeeping_execute(bookkeeping_prepare(&plans[i], statements[i].sql,
												0, NULL),
							NULL, NULL, statements[i].expected);
	bookkeeping_end(&scope);
}
