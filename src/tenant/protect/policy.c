/*-------------------------------------------------------------------------
 *
 * policy.c
 *	  Making the policies of a table what they are to be, and what they were.
 *
 * A policy that is there already is altered, and one that says the same is
 * left alone: each of these statements takes an ACCESS EXCLUSIVE lock.  What
 * stands under one of our names before it is made is kept with the table's
 * row and comes back afterwards.  Other policies are never touched, and
 * reported: a permissive one may open what these close, but for the floor.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tenant/protect/policy.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/rel.h"

/* A policy that is there */
typedef struct FoundPolicy
{
	TenantPolicy policy;
	Node	   *using_node;		/* or NULL */
	Node	   *check_node;		/* or NULL */
} FoundPolicy;

static List *read_policies(Oid relid);
static FoundPolicy *read_policy(Relation policies, HeapTuple tuple);
static Node *read_expression(Relation policies, HeapTuple tuple,
							 AttrNumber attnum, char **written);
static List *read_roles(Relation policies, HeapTuple tuple);
static FoundPolicy *find_found(List *found, const char *name);
static TenantPolicy *find_policy(List *policies, const char *name);
static void keep_policy(TenantTable *table, FoundPolicy *there);
static bool has_owner_of_policies(const TenantTable *table);
static bool same_policy(Oid relid, const FoundPolicy *found,
						const TenantPolicy *wanted);
static bool same_text(const TenantPolicy *a, const TenantPolicy *b);
static bool same_string(const char *a, const char *b);
static bool same_roles(List *a, List *b);
static void make_policy(TenantWork *work, Oid relid, const FoundPolicy *found,
						const TenantPolicy *wanted, bool as_owner);
static void do_policy(TenantWork *work, Oid relid, const char *action,
					  const TenantPolicy *policy, bool create, bool as_owner);
static void restore_policy(TenantWork *work, TenantTable *table, List *found,
						   const char *name);
static void give_up_policy(TenantWork *work, Oid relid,
						   const TenantPolicy *policy, const char *obstacle);
static char *policy_object(Oid relid, const char *name);
static char *policy_missing(const char *name);
static char *policy_sql(Oid relid, const TenantPolicy *policy, bool create);
static void drop_policy(TenantWork *work, Oid relid, const char *name);

/*
 * Give a table the policies that it is to have, and note in its row what was
 * there and what is now.
 */
void
tenantpolicy_install(TenantWork *work, TenantTable *table, List *wanted)
{
	List	   *found = read_policies(table->relid);
	List	   *made = NIL;
	ListCell   *lc;

	foreach(lc, wanted)
	{
		TenantPolicy *policy = lfirst(lc);
		FoundPolicy *there = find_found(found, policy->name);

		if (there != NULL && find_policy(table->policies, policy->name) == NULL &&
			find_policy(table->policies_before, policy->name) == NULL)
			keep_policy(table, there);
		if (there != NULL && same_policy(table->relid, there, policy))
			policy = &there->policy;
		else
			make_policy(work, table->relid, there, policy, false);
		made = lappend(made, policy);
	}

	/* those of another mode, or of an admin role that is none any more */
	foreach(lc, table->policies)
	{
		TenantPolicy *policy = lfirst(lc);

		if (find_policy(wanted, policy->name) == NULL)
			restore_policy(work, table, found, policy->name);
	}

	foreach(lc, found)
	{
		FoundPolicy *there = lfirst(lc);

		if (find_policy(wanted, there->policy.name) == NULL &&
			find_policy(table->policies, there->policy.name) == NULL)
			tenantwork_note(work, policy_object(table->relid, there->policy.name),
							"leave");
	}

	/* keep them as the server writes them, for whoever looks for a change */
	found = work->dry_run ? NIL : read_policies(table->relid);
	foreach(lc, made)
	{
		FoundPolicy *there = find_found(found,
										((TenantPolicy *) lfirst(lc))->name);

		if (there != NULL)
			lfirst(lc) = &there->policy;
	}
	table->policies = made;
}

/*
 * Give a table back the policies that it had.
 */
void
tenantpolicy_restore(TenantWork *work, TenantTable *table)
{
	List	   *found = read_policies(table->relid);
	ListCell   *lc;

	foreach(lc, table->policies)
		restore_policy(work, table, found,
					   ((TenantPolicy *) lfirst(lc))->name);
}

/*
 * Put back what stood under a name before, or nothing.
 *
 * What stood there is text of the owner's, with the names of that day.  It is
 * not parsed as the caller, not even to see whether it is there already; and
 * what has become of its columns and roles must not keep the protection in
 * place for good.
 */
static void
restore_policy(TenantWork *work, TenantTable *table, List *found,
			   const char *name)
{
	FoundPolicy *there = find_found(found, name);
	TenantPolicy *before = find_policy(table->policies_before, name);
	const char *obstacle = NULL;

	if (before != NULL && there != NULL && same_text(&there->policy, before))
		return;
	if (before != NULL && !has_owner_of_policies(table))
		obstacle = "the table belongs to another role now";
	else if (before != NULL)
		obstacle = tenantparse_obstacle(table->relid, before);
	if (before != NULL && obstacle == NULL)
	{
		make_policy(work, table->relid, there, before, true);
		return;
	}
	if (there != NULL)
		drop_policy(work, table->relid, name);
	if (before != NULL)
		give_up_policy(work, table->relid, before, obstacle);
}

/*
 * Keep a policy of the user's that makes way for one of ours, and whose it is.
 */
static void
keep_policy(TenantTable *table, FoundPolicy *there)
{
	char	   *owner = GetUserNameFromId(tenanttable_owner(table->relid), false);

	/* if they are of several owners, none may run the policies of another */
	if (table->policies_before == NIL)
		table->policies_owner = owner;
	else if (table->policies_owner != NULL &&
			 strcmp(table->policies_owner, owner) != 0)
		table->policies_owner = NULL;
	table->policies_before = lappend(table->policies_before, &there->policy);
}

/*
 * Does the table still belong to the role whose policies were kept?  Nobody
 * else is to run what is in them.  The name tells, as a dump keeps no OID.
 */
static bool
has_owner_of_policies(const TenantTable *table)
{
	Oid			owner = tenanttable_owner(table->relid);

	return table->policies_owner != NULL &&
		strcmp(GetUserNameFromId(owner, false), table->policies_owner) == 0;
}

/*
 * Say that a policy cannot be made any more, and how it was.
 */
static void
give_up_policy(TenantWork *work, Oid relid, const TenantPolicy *policy,
			   const char *obstacle)
{
	char	   *sql = policy_sql(relid, policy, true);

	tenantwork_refuse(work, policy_object(relid, policy->name),
					  "cannot restore", sql);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("policy \"%s\" of table %s cannot be restored",
					policy->name, tenanttable_name(relid)),
			 errdetail("It stood there before the table was protected, but: %s.",
					   obstacle),
			 errhint("Read it, and make it with the names that things have now: %s;",
					 sql)));
}

/*
 * Read the policies (FoundPolicy *) of a table, by name.  They are there
 * whether or not row level security is on.
 */
static List *
read_policies(Oid relid)
{
	Relation	policies = table_open(PolicyRelationId, AccessShareLock);
	int			nestlevel = tenantwork_pin_settings();
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(policies, PolicyPolrelidPolnameIndexId, true,
							  NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
		result = lappend(result, read_policy(policies, tuple));
	systable_endscan(scan);
	AtEOXact_GUC(false, nestlevel);
	table_close(policies, AccessShareLock);
	return result;
}

static FoundPolicy *
read_policy(Relation policies, HeapTuple tuple)
{
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
	FoundPolicy *result = palloc0(sizeof(FoundPolicy));

	result->policy.name = pstrdup(NameStr(form->polname));
	result->policy.permissive = form->polpermissive;
	result->policy.command = form->polcmd;
	result->policy.roles = read_roles(policies, tuple);
	result->using_node = read_expression(policies, tuple, Anum_pg_policy_polqual,
										 &result->policy.using_expression);
	result->check_node = read_expression(policies, tuple,
										 Anum_pg_policy_polwithcheck,
										 &result->policy.check_expression);
	result->policy.comment = GetComment(form->oid, PolicyRelationId, 0);
	return result;
}

/*
 * An expression of a policy as a tree and as a text; NULL if it has none.
 */
static Node *
read_expression(Relation policies, HeapTuple tuple, AttrNumber attnum,
				char **written)
{
	Oid			relid = ((Form_pg_policy) GETSTRUCT(tuple))->polrelid;
	bool		isnull;
	Datum		tree = heap_getattr(tuple, attnum, RelationGetDescr(policies),
									&isnull);

	*written = NULL;
	if (isnull)
		return NULL;
	*written = TextDatumGetCString(DirectFunctionCall2(pg_get_expr, tree,
													   ObjectIdGetDatum(relid)));
	return stringToNode(TextDatumGetCString(tree));
}

static List *
read_roles(Relation policies, HeapTuple tuple)
{
	bool		isnull;
	Datum		array = heap_getattr(tuple, Anum_pg_policy_polroles,
									 RelationGetDescr(policies), &isnull);
	Datum	   *elements;
	int			nelements;
	List	   *result = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true,
					  TYPALIGN_INT, &elements, NULL, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		Oid			role = DatumGetObjectId(elements[i]);

		result = lappend(result, role == ACL_ID_PUBLIC ? pstrdup("public") :
						 GetUserNameFromId(role, false));
	}
	return result;
}

static FoundPolicy *
find_found(List *found, const char *name)
{
	ListCell   *lc;

	foreach(lc, found)
	{
		FoundPolicy *policy = lfirst(lc);

		if (strcmp(policy->policy.name, name) == 0)
			return policy;
	}
	return NULL;
}

static TenantPolicy *
find_policy(List *policies, const char *name)
{
	ListCell   *lc;

	foreach(lc, policies)
	{
		TenantPolicy *policy = lfirst(lc);

		if (strcmp(policy->name, name) == 0)
			return policy;
	}
	return NULL;
}

/*
 * Is the policy that is there what it is to be?
 */
static bool
same_policy(Oid relid, const FoundPolicy *found, const TenantPolicy *wanted)
{
	return found->policy.permissive == wanted->permissive &&
		found->policy.command == wanted->command &&
		same_roles(found->policy.roles, wanted->roles) &&
		tenantparse_equal(relid, wanted->using_expression, found->using_node) &&
		tenantparse_equal(relid, wanted->check_expression, found->check_node);
}

/*
 * Is a policy that is there one that was, as the server writes them?
 */
static bool
same_text(const TenantPolicy *a, const TenantPolicy *b)
{
	return a->permissive == b->permissive && a->command == b->command &&
		same_roles(a->roles, b->roles) &&
		same_string(a->using_expression, b->using_expression) &&
		same_string(a->check_expression, b->check_expression);
}

static bool
same_string(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_roles(List *a, List *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a) != list_length(b))
		return false;
	foreach(la, a)
	{
		bool		there = false;

		foreach(lb, b)
			there = there || strcmp(lfirst(la), lfirst(lb)) == 0;
		if (!there)
			return false;
	}
	return true;
}

/*
 * Make a policy, or make the one that is there what it is to be.  ALTER POLICY
 * can change neither the command nor the kind, and can take no expression
 * away.  "as_owner" is for expressions that are not ours.
 */
static void
make_policy(TenantWork *work, Oid relid, const FoundPolicy *found,
			const TenantPolicy *wanted, bool as_owner)
{
	if (found != NULL && found->policy.permissive == wanted->permissive &&
		found->policy.command == wanted->command &&
		(found->policy.using_expression == NULL) == (wanted->using_expression == NULL) &&
		(found->policy.check_expression == NULL) == (wanted->check_expression == NULL))
	{
		do_policy(work, relid, "alter", wanted, false, as_owner);
		return;
	}

	if (found != NULL)
		drop_policy(work, relid, wanted->name);
	do_policy(work, relid, "create", wanted, true, as_owner);
	if (wanted->comment != NULL)
		tenantwork_do(work, policy_object(relid, wanted->name), "comment",
					  psprintf("COMMENT ON POLICY %s ON %s IS %s",
							   quote_identifier(wanted->name),
							   tenanttable_name(relid),
							   quote_literal_cstr(wanted->comment)), NULL);
}

static void
do_policy(TenantWork *work, Oid relid, const char *action,
		  const TenantPolicy *policy, bool create, bool as_owner)
{
	char	   *object = policy_object(relid, policy->name);
	char	   *sql = policy_sql(relid, policy, create);

	if (as_owner)
		tenantwork_do_as_owner(work, relid, object, action, sql);
	else
		tenantwork_do(work, object, action, sql,
					  policy_missing(policy->name));
}

static char *
policy_object(Oid relid, const char *name)
{
	return psprintf("policy %s on %s", quote_identifier(name),
					tenanttable_name(relid));
}

static char *
policy_missing(const char *name)
{
	return psprintf("policy %s", quote_identifier(name));
}

/*
 * CREATE POLICY or ALTER POLICY
 */
static char *
policy_sql(Oid relid, const TenantPolicy *policy, bool create)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s POLICY %s ON %s", create ? "CREATE" : "ALTER",
					 quote_identifier(policy->name), tenanttable_name(relid));
	if (create)
	{
		if (!policy->permissive)
			appendStringInfoString(&buf, " AS RESTRICTIVE");
		appendStringInfo(&buf, " FOR %s",
						 policy->command == 'r' ? "SELECT" :
						 policy->command == 'a' ? "INSERT" :
						 policy->command == 'w' ? "UPDATE" :
						 policy->command == 'd' ? "DELETE" : "ALL");
	}
	appendStringInfoString(&buf, " TO ");
	foreach(lc, policy->roles)
		appendStringInfo(&buf, "%s%s", lc == list_head(policy->roles) ? "" : ", ",
						 strcmp(lfirst(lc), "public") == 0 ? "PUBLIC" :
						 quote_identifier(lfirst(lc)));
	if (policy->using_expression != NULL)
		appendStringInfo(&buf, " USING (%s)", policy->using_expression);
	if (policy->check_expression != NULL)
		appendStringInfo(&buf, " WITH CHECK (%s)", policy->check_expression);
	return buf.data;
}

static void
drop_policy(TenantWork *work, Oid relid, const char *name)
{
	tenantwork_do(work, policy_object(relid, name), "drop",
				  psprintf("DROP POLICY %s ON %s", quote_identifier(name),
						   tenanttable_name(relid)), NULL);
}
