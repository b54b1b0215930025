/*-------------------------------------------------------------------------
 *
 * needs.c
 *	  Which locks on existing relations a script will take.
 *
 * With this list a deploy can take all locks of a script at once, or none,
 * before the script runs, and so need not wait in a queue, behind which
 * everybody else would wait.  What the list lacks is no danger: the statement
 * waits for that lock itself, as it would have anyhow.  A lock that no
 * statement takes would be one, and so whatever is not sure is left out.
 *
 * It is read from raw parse trees and the catalog.  What DO blocks and
 * functions lock cannot be seen.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "base/compat.h"
#include "base/textlist.h"
#include "catalog/bookkeeping.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "locks/collect.h"
#include "locks/needs.h"
#include "locks/statement.h"
#include "miscadmin.h"
#include "offline/settings.h"
#include "script/script.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static bool changes_meaning(ScriptStatement *statement);
static List *reduce(List *needs);
static int	compare_needs(const ListCell *a, const ListCell *b);
static bool covers(LOCKMODE stronger, LOCKMODE weaker);
static bool is_shared_with_others(Oid relid);
static bool has_any_right(Oid relid, int columns, AclMode rights,
						  AclMode column_rights);

/*
 * The locks that statements (ScriptStatement *) will take and that the current
 * user has the right to take by itself: LockNeed *, sorted by relation and
 * then the strongest mode first.  A mode that says no more than another one of
 * the same relation is left out.
 *
 * search_path is in the syntax of the setting; NULL stands for the session's.
 * The result is in the current memory context.  No lock is taken on the
 * relations: until it is, they may be changed or dropped by others, so that
 * whoever takes the locks has to ask again and compare.
 *
 * The right has to be looked at since locks are taken before the statement is
 * run, and before the server sees that the user may not run it.
 */
List *
lockneeds_of_statements(List *statements, const char *search_path)
{
	List	   *needs = lockneeds_foreseen(statements, search_path);
	ListCell   *lc;

	foreach(lc, needs)
	{
		if (!lockneeds_permitted(lfirst(lc)))
			needs = foreach_delete_current(needs, lc);
	}
	return needs;
}

/*
 * The same, whatever the current user's rights are.
 */
List *
lockneeds_foreseen(List *statements, const char *search_path)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "lockneeds_foreseen work context",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	int			nestlevel = NewGUCNestLevel();
	LockCollector collector = {NIL};
	List	   *result;
	ListCell   *lc;

	if (search_path != NULL)
		bookkeeping_pin_setting("search_path", search_path);

	/* what others have committed; with a lock, this would come with the lock */
	AcceptInvalidationMessages();

	foreach(lc, statements)
	{
		ScriptStatement *statement = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (changes_meaning(statement))
			break;

		/* those take and release their locks in their own way */
		if (script_nontransactional(statement) == NULL)
			lockstatement_collect(&collector, statement->raw->stmt);
	}
	AtEOXact_GUC(false, nestlevel);

	result = reduce(collector.needs);
	MemoryContextSwitchTo(caller);

	/* copy the list, and its elements with it */
	result = list_copy(result);
	foreach(lc, result)
	{
		LockNeed   *need = palloc(sizeof(LockNeed));

		*need = *(LockNeed *) lfirst(lc);
		lfirst(lc) = need;
	}
	MemoryContextDelete(work);
	return result;
}

/*
 * Are these the same needs?
 */
bool
lockneeds_equal(List *a, List *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(a) != list_length(b))
		return false;
	forboth(lc, a, lc2, b)
	{
		const LockNeed *left = lfirst(lc);
		const LockNeed *right = lfirst(lc2);

		if (left->relid != right->relid || left->mode != right->mode)
			return false;
	}
	return true;
}

/*
 * Does the statement change what the names behind it mean, or who looks them
 * up?
 */
static bool
changes_meaning(ScriptStatement *statement)
{
	static const char *const settings[] = {
		"role", "search_path", "session_authorization",
	};
	Node	   *node = statement->raw->stmt;
	Script		script = {NULL};
	List	   *changed;

	if (!IsA(node, VariableSetStmt) && !IsA(node, SelectStmt))
		return false;
	if (IsA(node, VariableSetStmt) &&
		((VariableSetStmt *) node)->kind == VAR_RESET_ALL)
		return true;

	script.statements = list_make1(statement);
	changed = settings_of_script(&script);
	for (int i = 0; i < lengthof(settings); i++)
	{
		if (textlist_member(changed, settings[i]))
			return true;
	}
	return false;
}

/*
 * Sort, and leave out what is there twice or covered by something else, and
 * relations that are of no interest to others, or of interest to the server.
 */
static List *
reduce(List *needs)
{
	List	   *result = NIL;
	ListCell   *lc;
	Oid			relid = InvalidOid;
	List	   *modes = NIL;	/* of this relation */
	bool		wanted = false; /* is it of interest? */

	list_sort(needs, compare_needs);
	foreach(lc, needs)
	{
		LockNeed   *need = lfirst(lc);
		ListCell   *lc2;
		bool		covered = false;

		if (need->relid != relid)
		{
			relid = need->relid;
			modes = NIL;
			wanted = is_shared_with_others(relid);
		}
		foreach(lc2, modes)
			covered = covered || covers(lfirst_int(lc2), need->mode);
		if (!wanted || covered)
			continue;
		modes = lappend_int(modes, need->mode);
		result = lappend(result, need);
	}
	return result;
}

static int
compare_needs(const ListCell *a, const ListCell *b)
{
	const LockNeed *left = lfirst(a);
	const LockNeed *right = lfirst(b);

	if (left->relid != right->relid)
		return left->relid < right->relid ? -1 : 1;
	return right->mode - left->mode;
}

/*
 * Does one mode conflict with all that another conflicts with?  Then whoever
 * holds it gets the other without waiting.
 */
static bool
covers(LOCKMODE stronger, LOCKMODE weaker)
{
	for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
	{
		if (DoLockModesConflict(weaker, mode) &&
			!DoLockModesConflict(stronger, mode))
			return false;
	}
	return true;
}

/*
 * Is it a relation that is there, is no catalog or TOAST table, and is not
 * temporary?  A catalog is not for us to lock, and a temporary relation nobody
 * else does.
 */
static bool
is_shared_with_others(Oid relid)
{
	HeapTuple	tuple;
	bool		result;

	if (relid < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relpersistence != RELPERSISTENCE_TEMP &&
		((Form_pg_class) GETSTRUCT(tuple))->relnamespace != PG_TOAST_NAMESPACE;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * May the current user take this lock?
 *
 * Whoever owns a relation, or its schema, can take any lock by way of some
 * statement; others can by LOCK TABLE, or with the right that a foreign key
 * or a trigger takes.
 */
bool
lockneeds_permitted(const LockNeed *need)
{
	AclMode		rights = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | COMPAT_ACL_MAINTAIN;
	AclMode		column_rights = 0;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(need->relid));
	Oid			owner;
	Oid			schema;
	Oid			schema_owner = InvalidOid;
	int			columns;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	schema = ((Form_pg_class) GETSTRUCT(tuple))->relnamespace;
	columns = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	if (has_privs_of_role(GetUserId(), owner))
		return true;

	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (HeapTupleIsValid(tuple))
	{
		schema_owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(schema_owner) && has_privs_of_role(GetUserId(), schema_owner))
		return true;

	if (need->mode <= RowExclusiveLock)
	{
		rights |= ACL_INSERT;
		column_rights |= ACL_INSERT | ACL_UPDATE;
	}
	if (need->mode <= ShareRowExclusiveLock)
	{
		rights |= ACL_REFERENCES | ACL_TRIGGER;
		column_rights |= ACL_REFERENCES;
	}
	return has_any_right(need->relid, columns, rights, column_rights);
}

/*
 * Has the current user one of these rights on the relation, or one of those
 * on one of its columns?
 */
static bool
has_any_right(Oid relid, int columns, AclMode rights, AclMode column_rights)
{
	bool		is_missing = false;

	if (pg_class_aclcheck_ext(relid, GetUserId(), rights,
							  &is_missing) == ACLCHECK_OK)
		return true;
	if (column_rights == 0)
		return false;
	for (AttrNumber column = 1; column <= columns; column++)
	{
		if (pg_attribute_aclcheck_ext(relid, column, GetUserId(),
									  column_rights,
									  &is_missing) == ACLCHECK_OK)
			return true;
	}
	return false;
}
