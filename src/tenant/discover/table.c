/*-------------------------------------------------------------------------
 *
 * table.c
 *	  What there is to know about a table that is to be protected: whether it
 *	  can be, its name, its columns, and the tables below it.
 *
 * Tables are known by their OIDs throughout; a name is looked up when a
 * statement is composed.  Relations are closed, and their locks given back,
 * before anything is run.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "tenant/discover/table.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

static char *default_of(Relation relation, AttrNumber attnum);
static bool is_string_type(Oid type);
static bool is_integer_type(Oid type);

/*
 * Raise an error if a table cannot belong to tenants: because it is none, or
 * not one of the user's.
 */
void
tenanttable_check(Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	char	   *name = get_rel_name(relid);
	const char *refusal;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (relkind == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is a view", tenanttable_name(relid)),
				 errdetail("A view has no row level security of its own; that of its tables applies."),
				 errhint("Have it apply to whoever queries the view: ALTER VIEW %s SET (security_invoker = true);",
						 tenanttable_name(relid))));
	if (relkind == RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is a materialized view", tenanttable_name(relid)),
				 errdetail("A materialized view keeps what its owner could see, and has no row level security."),
				 errhint("Keep tenants away from it: REVOKE ALL ON %s FROM PUBLIC;  or make it a view with security_invoker.",
						 tenanttable_name(relid))));
	if (relkind == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is a foreign table", tenanttable_name(relid)),
				 errdetail("A foreign table has no row level security here."),
				 errhint("Protect the table on the foreign server, and keep tenants away from this one: REVOKE ALL ON %s FROM PUBLIC;",
						 tenanttable_name(relid))));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", tenanttable_name(relid))));

	refusal = tenanttable_refusal(relid);
	if (refusal != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table %s cannot belong to tenants",
						tenanttable_name(relid)),
				 errdetail("It is %s.", refusal)));
}

/*
 * What keeps a table from belonging to tenants, to stand behind "It is ";
 * NULL if nothing does.
 */
const char *
tenanttable_refusal(Oid relid)
{
	Oid			namespace_oid = get_rel_namespace(relid);
	char	   *schema = get_namespace_name(namespace_oid);

	if (relid < FirstNormalObjectId || schema == NULL ||
		IsCatalogNamespace(namespace_oid) || IsToastNamespace(namespace_oid) ||
		strcmp(schema, "information_schema") == 0)
		return "a table of the system";
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return "a temporary table";
	if (OidIsValid(getExtensionOfObject(RelationRelationId, relid)))
		return "part of an extension, and a dump does not carry what is changed of it";
	return NULL;
}

/*
 * Raise an error unless the caller may do what the owner of the table may.
 *
 * Statements on the table find out for themselves.  What only changes a row
 * of ours would not.
 */
void
tenanttable_check_owner(Oid relid)
{
	Oid			owner = tenanttable_owner(relid);

	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", tenanttable_name(relid)),
				 errhint("SET ROLE %s;",
						 quote_identifier(GetUserNameFromId(owner, false)))));
}

Oid
tenanttable_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	result = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The name of a table, qualified and quoted.
 */
char *
tenanttable_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = get_namespace_name_or_temp(get_rel_namespace(relid));

	if (name == NULL || schema == NULL)
		return psprintf("%u", relid);
	return quote_qualified_identifier(schema, name);
}

/*
 * How results call it.
 */
char *
tenanttable_object(Oid relid)
{
	return psprintf("table %s", tenanttable_name(relid));
}

/*
 * The tables (OIDs) below a table: its partitions and theirs, and its
 * children, sorted by name.  Those of other sessions' temporary tables are
 * left out, and those of ours too.
 */
List *
tenanttable_below(Oid relid)
{
	List	   *all = find_all_inheritors(relid, AccessShareLock, NULL);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, all)
	{
		if (lfirst_oid(lc) != relid &&
			get_rel_persistence(lfirst_oid(lc)) != RELPERSISTENCE_TEMP)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	list_sort(result, tenanttable_compare_names);
	return result;
}

/*
 * For list_sort(): by schema, then name.
 */
int
tenanttable_compare_names(const ListCell *a, const ListCell *b)
{
	Oid			left = lfirst_oid(a);
	Oid			right = lfirst_oid(b);
	char	   *left_schema = get_namespace_name(get_rel_namespace(left));
	char	   *right_schema = get_namespace_name(get_rel_namespace(right));
	char	   *left_name = get_rel_name(left);
	char	   *right_name = get_rel_name(right);
	int			result;

	/* dropped under our eyes */
	if (left_schema == NULL || right_schema == NULL ||
		left_name == NULL || right_name == NULL)
		return left < right ? -1 : left > right;
	result = strcmp(left_schema, right_schema);
	return result != 0 ? result : strcmp(left_name, right_name);
}

/*
 * The partitioned table that a partition belongs to in the end; InvalidOid if
 * it is no partition.
 */
Oid
tenanttable_partition_root(Oid relid)
{
	List	   *ancestors;

	if (!get_rel_relispartition(relid))
		return InvalidOid;
	ancestors = get_partition_ancestors(relid);
	return ancestors == NIL ? InvalidOid : llast_oid(ancestors);
}

/*
 * The tables (OIDs) that a table directly inherits from.
 */
List *
tenanttable_above(Oid relid)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL,
							  1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
		result = lappend_oid(result,
							 ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return result;
}

/*
 * A column of a table, or NULL.
 */
TenantAttribute *
tenanttable_attribute(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	Relation	relation;
	Form_pg_attribute form;
	TenantAttribute *result;

	if (attnum <= 0)
		return NULL;
	relation = table_open(relid, AccessShareLock);
	form = TupleDescAttr(relation->rd_att, attnum - 1);
	result = palloc0(sizeof(TenantAttribute));
	result->name = pstrdup(NameStr(form->attname));
	result->type = getBaseType(form->atttypid);
	result->collation = form->attcollation;
	result->not_null = COMPAT_COLUMN_IS_NOT_NULL(relation->rd_att, attnum - 1);
	result->generated = form->attgenerated != '\0' || form->attidentity != '\0';
	if (form->atthasdef && !result->generated)
		result->default_expression = default_of(relation, attnum);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * The default of a column as the server writes it with the search path that
 * is in force.
 */
static char *
default_of(Relation relation, AttrNumber attnum)
{
	TupleConstr *constr = relation->rd_att->constr;

	for (int i = 0; constr != NULL && i < constr->num_defval; i++)
	{
		AttrDefault *defval = &constr->defval[i];
		Datum		written;

		if (defval->adnum != attnum)
			continue;
		written = DirectFunctionCall2(pg_get_expr,
									  CStringGetTextDatum(defval->adbin),
									  ObjectIdGetDatum(RelationGetRelid(relation)));
		return TextDatumGetCString(written);
	}
	return NULL;
}

/*
 * Do values of two types compare as tenants do, by the server's own equality
 * that an index supports?
 */
bool
tenanttable_same_type(Oid a, Oid b)
{
	return a == b || (is_string_type(a) && is_string_type(b)) ||
		(is_integer_type(a) && is_integer_type(b));
}

/*
 * Raise an error if a column that is there, and is to hold tenants, takes
 * different texts for equal: those who have them would see each other.
 */
void
tenanttable_check_collation(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	char	   *name = tenanttable_name(relid);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attnum <= 0)
		return;
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	if (!OidIsValid(collation) || get_collation_isdeterministic(collation))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of table %s has a nondeterministic collation",
					column, name),
			 errdetail("Collation %s takes texts for equal that are not the same, and so one tenant for another.",
					   generate_collation_name(collation)),
			 errhint("ALTER TABLE %s ALTER COLUMN %s TYPE %s COLLATE \"default\";",
					 name, quote_identifier(column),
					 format_type_with_typemod(type, typmod))));
}

static bool
is_string_type(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

static bool
is_integer_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * How a type is called in a cast that takes nothing away from a value.
 * Without a length, "character" and "bit" would be those of length one.
 */
char *
tenanttable_type(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN);
}

/*
 * Is row level security on, and forced?
 */
void
tenanttable_row_security(Oid relid, bool *enabled, bool *forced)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	*enabled = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
	*forced = ((Form_pg_class) GETSTRUCT(tuple))->relforcerowsecurity;
	ReleaseSysCache(tuple);
}
