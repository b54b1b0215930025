/*-------------------------------------------------------------------------
 *
 * linkkey.c
 *	  Taking a foreign key down and making it again over other columns.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/comment.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "tenant/column/column.h"
#include "tenant/column/link.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static char *key_sql(const TenantLink *link, List *columns,
					 List *parent_columns, List *delete_columns,
					 char match_type);
static const char *action_sql(char action);

/*
 * What there is to know about a foreign key in order to make it again.
 */
TenantLink *
tenantlinkkey_read(const TenancyModel *model, const TenantKey *key)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->oid));
	Form_pg_constraint form;
	TenantLink *link = palloc0(sizeof(TenantLink));
	int			nkeys;
	int			ndeleted;
	AttrNumber	columns[INDEX_MAX_KEYS];
	AttrNumber	parent_columns[INDEX_MAX_KEYS];
	AttrNumber	deleted[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", key->oid);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	DeconstructFkConstraintRow(tuple, &nkeys, columns, parent_columns,
							   operators, NULL, NULL, &ndeleted, deleted);
	link->relid = key->relid;
	link->constraint_name = key->name;
	link->model = model->name;
	link->parent = key->parent;
	link->on_update = form->confupdtype;
	link->on_delete = form->confdeltype;
	link->match_type = form->confmatchtype;
	link->deferrable = form->condeferrable;
	link->deferred = form->condeferred;
	link->validated = form->convalidated;
	for (int i = 0; i < ndeleted; i++)
		link->delete_columns = lappend(link->delete_columns,
									   get_attname(key->relid, deleted[i], false));
	ReleaseSysCache(tuple);
	link->comment = GetComment(key->oid, ConstraintRelationId, 0);
	return link;
}

/*
 * Raise an error for what the columns together cannot do as one did alone.
 */
void
tenantlinkkey_check(const TenantKey *key, const TenantLink *link)
{
	if (link->on_update == FKCONSTR_ACTION_SETNULL ||
		link->on_update == FKCONSTR_ACTION_SETDEFAULT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign key \"%s\" of table %s has ON UPDATE %s",
						key->name, tenanttable_name(key->relid),
						action_sql(link->on_update)),
				 errdetail("It would set the tenant, too."),
				 errhint("Make it ON UPDATE CASCADE or NO ACTION first.")));
	if (link->match_type == FKCONSTR_MATCH_FULL && list_length(key->columns) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign key \"%s\" of table %s is MATCH FULL",
						key->name, tenanttable_name(key->relid)),
				 errdetail("With the tenant, which is never NULL, its columns could never be."),
				 errhint("Make it MATCH SIMPLE first, with a check constraint that all of its columns or none are NULL.")));
}

/*
 * Raise an error for a foreign key of a kind that we cannot make again: it
 * would be enforced, or no longer be about time.
 */
void
tenantlinkkey_check_kind(const TenantKey *key)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->oid));
	Form_pg_constraint form;
	char	   *name = tenanttable_name(key->relid);

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", key->oid);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (!COMPAT_CONSTRAINT_IS_ENFORCED(form))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign key \"%s\" of table %s is NOT ENFORCED",
						key->name, name),
				 errdetail("It keeps no row from referring to one of another tenant."),
				 errhint("ALTER TABLE %s ALTER CONSTRAINT %s ENFORCED;", name,
						 quote_identifier(key->name))));
	if (COMPAT_CONSTRAINT_HAS_PERIOD(form))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign key \"%s\" of table %s has a PERIOD",
						key->name, name),
				 errdetail("It needs an index that excludes overlapping periods, with the tenant in front."),
				 errhint("Put the tenant in front of its columns, and of those of the key that it refers to, by hand.")));
	ReleaseSysCache(tuple);
}

/*
 * Replace a foreign key by one of the same name over other columns.
 *
 * What is valid is validated, as the owner, who has to see all rows of both
 * tables for that.  A partitioned table knows no foreign key that is not.
 */
void
tenantlinkkey_replace(TenantWork *work, const TenantLink *link, List *columns,
					  List *parent_columns, List *delete_columns, char match_type)
{
	char	   *object = tenantlinkkey_object(link);
	char	   *name = tenanttable_name(link->relid);
	const char *quoted = quote_identifier(link->constraint_name);
	bool		in_one = get_rel_relkind(link->relid) == RELKIND_PARTITIONED_TABLE;
	List	   *forced = NIL;

	if (link->validated)
	{
		List	   *relids = lcons_oid(link->relid, tenanttable_below(link->relid));

		relids = list_append_unique_oid(relids, link->parent);
		forced = tenantforce_lift(work,
								  list_concat_unique_oid(relids, tenanttable_below(link->parent)));
	}
	tenantwork_do(work, object, "replace",
				  psprintf("ALTER TABLE %s DROP CONSTRAINT %s, ADD CONSTRAINT %s %s%s",
						   name, quoted, quoted,
						   key_sql(link, columns, parent_columns,
								   delete_columns, match_type),
						   link->validated && in_one ? "" : " NOT VALID"), NULL);
	if (link->validated && !in_one)
		tenantwork_do(work, object, "validate",
					  psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
							   name, quoted), NULL);
	if (link->comment != NULL)
		tenantwork_do(work, object, "comment",
					  psprintf("COMMENT ON CONSTRAINT %s ON %s IS %s",
							   quoted, name, quote_literal_cstr(link->comment)),
					  NULL);
	tenantforce_put_back(work, forced);
}

/*
 * The definition of a foreign key.
 */
static char *
key_sql(const TenantLink *link, List *columns, List *parent_columns,
		List *delete_columns, char match_type)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "FOREIGN KEY (%s) REFERENCES %s (%s)",
					 tenantkey_columns(columns), tenanttable_name(link->parent),
					 tenantkey_columns(parent_columns));
	if (match_type == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&buf, " MATCH FULL");
	if (link->on_update != FKCONSTR_ACTION_NOACTION)
		appendStringInfo(&buf, " ON UPDATE %s", action_sql(link->on_update));
	if (link->on_delete != FKCONSTR_ACTION_NOACTION)
	{
		appendStringInfo(&buf, " ON DELETE %s", action_sql(link->on_delete));
		if (delete_columns != NIL &&
			(link->on_delete == FKCONSTR_ACTION_SETNULL ||
			 link->on_delete == FKCONSTR_ACTION_SETDEFAULT))
			appendStringInfo(&buf, " (%s)", tenantkey_columns(delete_columns));
	}
	if (link->deferrable)
		appendStringInfoString(&buf, " DEFERRABLE");
	if (link->deferred)
		appendStringInfoString(&buf, " INITIALLY DEFERRED");
	return buf.data;
}

static const char *
action_sql(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return "NO ACTION";
	}
}

char *
tenantlinkkey_object(const TenantLink *link)
{
	return psprintf("constraint %s on %s",
					quote_identifier(link->constraint_name),
					tenanttable_name(link->relid));
}
