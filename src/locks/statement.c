/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The locks that a statement takes, by its kind.
 *
 * Statements are raw parse trees, as they stand in a script.  Locks weaker
 * than ROW EXCLUSIVE are left out: who reads waits for next to nobody.  What
 * is written here was compared with pg_locks for each kind of statement; the
 * regression test "locks" does so again.
 *
 * A view is locked as such, never the tables that it stands for.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "locks/alter.h"
#include "locks/constraint.h"
#include "locks/drop.h"
#include "locks/maintain.h"
#include "locks/rename.h"
#include "locks/statement.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

static void lock_named(LockCollector *collector, const RangeVar *name,
					   LOCKMODE mode);
static void lock_described(LockCollector *collector, ObjectType type,
						   Node *object);
static void create_table(LockCollector *collector, const CreateStmt *stmt);
static void create_index(LockCollector *collector, const IndexStmt *stmt);
static void create_trigger(LockCollector *collector,
						   const CreateTrigStmt *stmt);
static void alter_domain(LockCollector *collector,
						 const AlterDomainStmt *stmt);
static void lock_domain_users(LockCollector *collector, Oid domain);
static void publish(LockCollector *collector, List *objects);
static void modify(LockCollector *collector, const RangeVar *target,
				   const WithClause *with, bool inherits);
static void modify_in_with(LockCollector *collector, const WithClause *with);

/*
 * Add the locks of a statement, and note the names of relations it makes.
 */
void
lockstatement_collect(LockCollector *collector, Node *node)
{
	ListCell   *lc;

	/* common table expressions can be nested */
	check_stack_depth();

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			lockalter_statement(collector, (AlterTableStmt *) node);
			break;

		case T_RenameStmt:
			lockrename_statement(collector, (RenameStmt *) node);
			break;

		case T_AlterObjectSchemaStmt:
			lockrename_schema(collector, (AlterObjectSchemaStmt *) node);
			break;

		case T_AlterObjectDependsStmt:
			{
				AlterObjectDependsStmt *stmt = (AlterObjectDependsStmt *) node;

				if (stmt->objectType == OBJECT_INDEX ||
					stmt->objectType == OBJECT_MATVIEW)
					lock_named(collector, stmt->relation, AccessExclusiveLock);
			}
			break;

		case T_AlterSeqStmt:
			lock_named(collector, ((AlterSeqStmt *) node)->sequence,
					   ShareRowExclusiveLock);
			break;

		case T_AlterDomainStmt:
			alter_domain(collector, (AlterDomainStmt *) node);
			break;

		case T_DropStmt:
			lockdrop_statement(collector, (DropStmt *) node);
			break;

		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			create_table(collector, (CreateStmt *) node);
			break;

		case T_CreateTableAsStmt:
			lockcollect_made(collector,
							 ((CreateTableAsStmt *) node)->into->rel);
			break;

		case T_CreateSeqStmt:
			lockcollect_made(collector, ((CreateSeqStmt *) node)->sequence);
			break;

		case T_CreateSchemaStmt:
			foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
				lockstatement_collect(collector, lfirst(lc));
			break;

		case T_ViewStmt:
			{
				ViewStmt   *stmt = (ViewStmt *) node;

				if (stmt->replace && lockcollect_exists(stmt->view))
					lock_named(collector, stmt->view, AccessExclusiveLock);
				lockcollect_made(collector, stmt->view);
			}
			break;

		case T_IndexStmt:
			create_index(collector, (IndexStmt *) node);
			break;

		case T_CreateStatsStmt:
			foreach(lc, ((CreateStatsStmt *) node)->relations)
			{
				if (IsA(lfirst(lc), RangeVar))
					lock_named(collector, lfirst(lc), ShareUpdateExclusiveLock);
			}
			break;

		case T_CreateTrigStmt:
			create_trigger(collector, (CreateTrigStmt *) node);
			break;

		case T_CreatePolicyStmt:
			lock_named(collector, ((CreatePolicyStmt *) node)->table,
					   AccessExclusiveLock);
			break;

		case T_AlterPolicyStmt:
			lock_named(collector, ((AlterPolicyStmt *) node)->table,
					   AccessExclusiveLock);
			break;

		case T_RuleStmt:
			lock_named(collector, ((RuleStmt *) node)->relation,
					   AccessExclusiveLock);
			break;

		case T_CreatePublicationStmt:
			publish(collector, ((CreatePublicationStmt *) node)->pubobjects);
			break;

		case T_AlterPublicationStmt:
			publish(collector, ((AlterPublicationStmt *) node)->pubobjects);
			break;

		case T_CommentStmt:
			lock_described(collector, ((CommentStmt *) node)->objtype,
						   ((CommentStmt *) node)->object);
			break;

		case T_SecLabelStmt:
			lock_described(collector, ((SecLabelStmt *) node)->objtype,
						   ((SecLabelStmt *) node)->object);
			break;

		case T_AlterExtensionContentsStmt:
			lock_described(collector,
						   ((AlterExtensionContentsStmt *) node)->objtype,
						   ((AlterExtensionContentsStmt *) node)->object);
			break;

		case T_LockStmt:
			foreach(lc, ((LockStmt *) node)->relations)
			{
				RangeVar   *name = lfirst_node(RangeVar, lc);
				Oid			relid = lockcollect_find(collector, name);
				LOCKMODE	mode = ((LockStmt *) node)->mode;

				if (name->inh)
					lockcollect_add_tree(collector, relid, mode);
				else
					lockcollect_add(collector, relid, mode);
			}
			break;

		case T_TruncateStmt:
			lockmaintain_truncate(collector, (TruncateStmt *) node);
			break;

		case T_ClusterStmt:
			lock_named(collector, ((ClusterStmt *) node)->relation,
					   AccessExclusiveLock);
			break;

		case T_ReindexStmt:
			lockmaintain_reindex(collector, (ReindexStmt *) node);
			break;

		case T_VacuumStmt:
			lockmaintain_analyze(collector, (VacuumStmt *) node);
			break;

		case T_RefreshMatViewStmt:
			lock_named(collector, ((RefreshMatViewStmt *) node)->relation,
					   ((RefreshMatViewStmt *) node)->concurrent ?
					   ExclusiveLock : AccessExclusiveLock);
			break;

		case T_InsertStmt:
			modify(collector, ((InsertStmt *) node)->relation,
				   ((InsertStmt *) node)->withClause, false);
			break;

		case T_UpdateStmt:
			modify(collector, ((UpdateStmt *) node)->relation,
				   ((UpdateStmt *) node)->withClause, true);
			break;

		case T_DeleteStmt:
			modify(collector, ((DeleteStmt *) node)->relation,
				   ((DeleteStmt *) node)->withClause, true);
			break;

		case T_MergeStmt:
			modify(collector, ((MergeStmt *) node)->relation,
				   ((MergeStmt *) node)->withClause, true);
			break;

		case T_CopyStmt:
			if (((CopyStmt *) node)->is_from)
				lock_named(collector, ((CopyStmt *) node)->relation,
						   RowExclusiveLock);
			break;

		case T_SelectStmt:
			modify_in_with(collector, ((SelectStmt *) node)->withClause);
			if (((SelectStmt *) node)->intoClause != NULL)
				lockcollect_made(collector,
								 ((SelectStmt *) node)->intoClause->rel);
			break;

		default:
			break;
	}
}

static void
lock_named(LockCollector *collector, const RangeVar *name, LOCKMODE mode)
{
	lockcollect_add(collector, lockcollect_find(collector, name), mode);
}

/*
 * Lock the relation that a comment, a label or the like is about: itself, or
 * one of its columns.  Triggers, policies and the like are described without
 * a lock that counts.
 */
static void
lock_described(LockCollector *collector, ObjectType type, Node *object)
{
	List	   *names;

	switch (type)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			names = castNode(List, object);
			break;
		case OBJECT_COLUMN:
			names = castNode(List, object);
			names = list_truncate(list_copy(names), list_length(names) - 1);
			break;
		default:
			return;
	}
	lockcollect_add(collector, lockcollect_find_names(collector, names),
					ShareUpdateExclusiveLock);
}

/*
 * What a new table is tied to: its parents, and the tables it references.
 */
static void
create_table(LockCollector *collector, const CreateStmt *stmt)
{
	ListCell   *lc;

	/* IF NOT EXISTS, or an error */
	if (lockcollect_exists(stmt->relation))
		return;
	lockcollect_made(collector, stmt->relation);

	foreach(lc, stmt->inhRelations)
	{
		Oid			parent = lockcollect_find(collector,
											  lfirst_node(RangeVar, lc));

		if (stmt->partbound == NULL)
			lockcollect_add(collector, parent, ShareUpdateExclusiveLock);
		else if (OidIsValid(parent))
		{
			lockcollect_add(collector, parent, AccessExclusiveLock);
			lockalter_becomes_partition(collector, parent);
		}
	}

	lockconstraint_references(collector, stmt->tableElts);
	lockconstraint_references(collector, stmt->constraints);
	foreach(lc, stmt->tableElts)
	{
		if (IsA(lfirst(lc), ColumnDef))
			lockconstraint_references(collector,
									  lfirst_node(ColumnDef, lc)->constraints);
	}
}

static void
create_index(LockCollector *collector, const IndexStmt *stmt)
{
	Oid			relid = lockcollect_find(collector, stmt->relation);
	RangeVar   *index = makeRangeVar(NULL, stmt->idxname, -1);

	if (stmt->relation->inh)
		lockcollect_add_partitions(collector, relid, ShareLock);
	else
		lockcollect_add(collector, relid, ShareLock);

	/* its schema is that of the table */
	if (stmt->relation->schemaname == NULL)
		lockcollect_made(collector, index);
}

static void
create_trigger(LockCollector *collector, const CreateTrigStmt *stmt)
{
	Oid			relid = lockcollect_find(collector, stmt->relation);

	if (stmt->row)
		lockcollect_add_partitions(collector, relid, ShareRowExclusiveLock);
	else
		lockcollect_add(collector, relid, ShareRowExclusiveLock);
}

/*
 * A constraint that is checked keeps writers from every table with a column
 * of the domain.
 */
static void
alter_domain(LockCollector *collector, const AlterDomainStmt *stmt)
{
	Oid			domain;

	switch (stmt->subtype)
	{
		case 'C':				/* ADD CONSTRAINT */
			if (IsA(stmt->def, Constraint) &&
				((Constraint *) stmt->def)->skip_validation)
				return;
			break;
		case 'O':				/* SET NOT NULL */
		case 'V':				/* VALIDATE CONSTRAINT */
			break;
		default:
			return;
	}
	domain = lockcollect_find_type(stmt->typeName);
	if (OidIsValid(domain) && get_typtype(domain) == TYPTYPE_DOMAIN)
		lock_domain_users(collector, domain);
}

static void
lock_domain_users(LockCollector *collector, Oid domain)
{
	ObjectAddress object;
	ListCell   *lc;

	check_stack_depth();
	ObjectAddressSet(object, TypeRelationId, domain);
	foreach(lc, lockcollect_dependents(&object))
	{
		ObjectAddress *user = &((Dependent *) lfirst(lc))->object;
		char		relkind;

		if (user->classId == TypeRelationId &&
			get_typtype(user->objectId) == TYPTYPE_DOMAIN)
			lock_domain_users(collector, user->objectId);
		else if (user->classId == RelationRelationId && user->objectSubId > 0 &&
				 get_atttype(user->objectId, user->objectSubId) == domain)
		{
			relkind = get_rel_relkind(user->objectId);
			if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
				lockcollect_add(collector, user->objectId, ShareLock);
		}
	}
}

/*
 * The tables that a publication gets or loses.  Those of which only the
 * catalog knows, with ALTER PUBLICATION ... SET, are not looked for.
 */
static void
publish(LockCollector *collector, List *objects)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, lc);
		RangeVar   *name;
		Oid			relid;

		if (object->pubobjtype != PUBLICATIONOBJ_TABLE)
			continue;
		name = object->pubtable->relation;
		relid = lockcollect_find(collector, name);
		if (name->inh && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			lockcollect_add_tree(collector, relid, ShareUpdateExclusiveLock);
		else
			lockcollect_add(collector, relid, ShareUpdateExclusiveLock);
	}
}

/*
 * The target of a statement that changes rows.  Which partitions it comes to,
 * the plan decides.
 */
static void
modify(LockCollector *collector, const RangeVar *target,
	   const WithClause *with, bool inherits)
{
	Oid			relid = lockcollect_find(collector, target);

	if (inherits && target->inh &&
		get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		lockcollect_add_tree(collector, relid, RowExclusiveLock);
	else
		lockcollect_add(collector, relid, RowExclusiveLock);
	modify_in_with(collector, with);
}

static void
modify_in_with(LockCollector *collector, const WithClause *with)
{
	ListCell   *lc;

	if (with == NULL)
		return;
	foreach(lc, with->ctes)
		lockstatement_collect(collector,
							  lfirst_node(CommonTableExpr, lc)->ctequery);
}
