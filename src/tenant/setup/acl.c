/*-------------------------------------------------------------------------
 *
 * acl.c
 *	  What rights a role has, and whether policies bind it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "base/textlist.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "tenant/discover/table.h"
#include "tenant/setup/grant.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* the rights that are ever granted */
static const struct
{
	AclMode		mode;
	const char *name;
}			rights[] = {
	{ACL_SELECT, "SELECT"},
	{ACL_INSERT, "INSERT"},
	{ACL_UPDATE, "UPDATE"},
	{ACL_DELETE, "DELETE"},
	{ACL_USAGE, "USAGE"},
};

static Acl *acl_of(const TenantGrant *grant);
static Acl *acl_from_cache(int cache, HeapTuple tuple, AttrNumber attnum);
static void refuse_role(const char *name, Oid other, const char *what);

/*
 * The rights that are granted to a role itself on the object of a grant.
 */
AclMode
tenantacl_found(const TenantGrant *grant, Oid role)
{
	Acl		   *acl = acl_of(grant);
	AclMode		result = ACL_NO_RIGHTS;

	if (acl == NULL)
		return result;
	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		AclItem    *item = &ACL_DAT(acl)[i];

		if (item->ai_grantee == role)
			result |= ACLITEM_GET_PRIVS(*item);
	}
	return result;
}

/*
 * How often rights out of "mode" are granted to a role itself there: one can
 * be by more than one grantor.
 */
int
tenantacl_count(const TenantGrant *grant, Oid role, AclMode mode)
{
	Acl		   *acl = acl_of(grant);
	int			result = 0;

	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
	{
		AclItem    *item = &ACL_DAT(acl)[i];

		if (item->ai_grantee == role)
			result += pg_popcount64(ACLITEM_GET_PRIVS(*item) & mode);
	}
	return result;
}

/*
 * The rights on an object, or NULL if they are those that it has by default.
 */
static Acl *
acl_of(const TenantGrant *grant)
{
	Oid			namespace_oid = get_namespace_oid(grant->schema, true);
	HeapTuple	tuple;

	if (strcmp(grant->kind, "schema") == 0)
	{
		tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(namespace_oid));
		return acl_from_cache(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl);
	}
	if (OidIsValid(grant->relid))
	{
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(grant->relid));
		return acl_from_cache(RELOID, tuple, Anum_pg_class_relacl);
	}
	tuple = SearchSysCache3(DEFACLROLENSPOBJ,
							ObjectIdGetDatum(get_role_oid(grant->owner, true)),
							ObjectIdGetDatum(namespace_oid),
							CharGetDatum(strcmp(grant->kind, "default tables") == 0 ?
										 DEFACLOBJ_RELATION : DEFACLOBJ_SEQUENCE));
	return acl_from_cache(DEFACLROLENSPOBJ, tuple,
						  Anum_pg_default_acl_defaclacl);
}

static Acl *
acl_from_cache(int cache, HeapTuple tuple, AttrNumber attnum)
{
	Acl		   *result = NULL;
	Datum		acl;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	acl = SysCacheGetAttr(cache, tuple, attnum, &isnull);
	if (!isnull)
		result = DatumGetAclPCopy(acl);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The rights out of "mode" that the owner of a table has granted to a role on
 * single columns of it, as they stand in a GRANT: INSERT (id), UPDATE (name).
 * NULL if there are none; "grantable" tells those with grant option apart.
 */
char *
tenantacl_column_rights(Oid relid, Oid role, AclMode mode, bool grantable)
{
	Oid			owner = tenantacl_owner(relid);
	StringInfoData buf;

	initStringInfo(&buf);
	for (AttrNumber attnum = 1;; attnum++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(attnum));
		bool		is_dropped;
		Acl		   *acl;

		if (!HeapTupleIsValid(tuple))
			break;
		is_dropped = ((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped;
		acl = acl_from_cache(ATTNUM, tuple, Anum_pg_attribute_attacl);
		for (int i = 0; acl != NULL && !is_dropped && i < ACL_NUM(acl); i++)
		{
			AclItem    *item = &ACL_DAT(acl)[i];
			AclMode		with_option = ACLITEM_GET_GOPTIONS(*item);
			AclMode		found = ACLITEM_GET_PRIVS(*item) & mode &
			(grantable ? with_option : ~with_option);
			ListCell   *lc;

			if (item->ai_grantee != role || item->ai_grantor != owner)
				continue;
			foreach(lc, tenantacl_names(found))
				appendStringInfo(&buf, "%s%s (%s)", buf.len > 0 ? ", " : "",
								 (char *) lfirst(lc),
								 quote_identifier(get_attname(relid, attnum, false)));
		}
	}
	return buf.len > 0 ? buf.data : NULL;
}

/*
 * Between rights and their names (char *).
 */
List *
tenantacl_names(AclMode mode)
{
	List	   *result = NIL;

	for (int i = 0; i < lengthof(rights); i++)
	{
		if ((mode & rights[i].mode) != 0)
			result = lappend(result, pstrdup(rights[i].name));
	}
	return result;
}

AclMode
tenantacl_mode(List *names)
{
	AclMode		result = ACL_NO_RIGHTS;

	for (int i = 0; i < lengthof(rights); i++)
	{
		if (textlist_member(names, rights[i].name))
			result |= rights[i].mode;
	}
	return result;
}

/*
 * Raise an error for a role that policies do not bind, or that can become one
 * which they do not bind.  "owners" are those of the tables.
 */
void
tenantacl_check_role(const TenancyModel *model, const char *name, Oid role,
					 List *owners)
{
	Relation	roles = table_open(AuthIdRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(roles, AuthIdOidIndexId, true, NULL,
										  0, NULL);
	HeapTuple	tuple;
	ListCell   *lc;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);

		if ((form->rolsuper || form->rolbypassrls) &&
			is_member_of_role_nosuper(role, form->oid))
			refuse_role(name, form->oid == role ? InvalidOid : form->oid,
						form->rolsuper ? "a superuser" : "a role with BYPASSRLS");
	}
	systable_endscan(scan);
	table_close(roles, AccessShareLock);

	foreach(lc, owners)
	{
		if (is_member_of_role_nosuper(role, lfirst_oid(lc)))
			refuse_role(name, lfirst_oid(lc) == role ? InvalidOid : lfirst_oid(lc),
						"the owner of a table that is protected");
	}
	if (model->admin_role != NULL)
	{
		Oid			admin = get_role_oid(model->admin_role, true);

		if (OidIsValid(admin) && is_member_of_role_nosuper(role, admin))
			refuse_role(name, admin == role ? InvalidOid : admin,
						"the admin role of the model");
	}
}

static void
refuse_role(const char *name, Oid other, const char *what)
{
	char	   *other_name;

	if (!OidIsValid(other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_GRANT_OPERATION),
				 errmsg("role \"%s\" is not kept to one tenant", name),
				 errdetail("It is %s.", what),
				 errhint("Use a role of its own for the application: CREATE ROLE ... LOGIN NOSUPERUSER NOBYPASSRLS;")));
	other_name = GetUserNameFromId(other, false);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_GRANT_OPERATION),
			 errmsg("role \"%s\" is not kept to one tenant", name),
			 errdetail("It is a member of \"%s\", which is %s.", other_name, what),
			 errhint("REVOKE %s FROM %s;", quote_identifier(other_name),
					 quote_identifier(name))));
}

/*
 * The sequences (OIDs) that the defaults of a table's columns use, by name.
 * Identity columns need no right on theirs.
 */
List *
tenantacl_sequences(Oid relid)
{
	Relation	depends = table_open(DependRelationId, AccessShareLock);
	Relation	defaults = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *oids = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_attrdef_adrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(defaults, AttrDefaultIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
		oids = lappend_oid(oids, ((Form_pg_attrdef) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);

	foreach(lc, oids)
	{
		ScanKeyData keys[2];

		ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
					F_OIDEQ, ObjectIdGetDatum(AttrDefaultRelationId));
		ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
					F_OIDEQ, ObjectIdGetDatum(lfirst_oid(lc)));
		scan = systable_beginscan(depends, DependDependerIndexId, true, NULL,
								  2, keys);
		while ((tuple = systable_getnext(scan)) != NULL)
		{
			Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

			if (form->refclassid == RelationRelationId &&
				get_rel_relkind(form->refobjid) == RELKIND_SEQUENCE)
				result = list_append_unique_oid(result, form->refobjid);
		}
		systable_endscan(scan);
	}
	table_close(defaults, AccessShareLock);
	table_close(depends, AccessShareLock);
	list_sort(result, tenanttable_compare_names);
	return result;
}

/*
 * The owner of a relation.
 */
Oid
tenantacl_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	result = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return result;
}
