/*-------------------------------------------------------------------------
 *
 * leftover.c
 *	  What an earlier deploy has left of a statement at top level: what is done
 *	  of it already, and what has to make room.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "deploy/deploy.h"
#include "index/check.h"
#include "locks/blockers.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

/* What deploy_leftovers() is asked, and finds */
typedef struct Leftovers
{
	DeployStep *step;
	const ScriptStatement *statement;
	const char *sql;			/* what is to be run; NULL: nothing */
	List	   *drop;			/* char *: the invalid indexes to be dropped
								 * before */
} Leftovers;

static void look_at_object(void *arg);
static void look_at_index(Leftovers *left, IndexStmt *stmt);
static void refuse_if_building(Oid table);
static void look_at_leftovers(Leftovers *left, Node *stmt);
static bool is_of_reindex(const char *name);
static void drop_before(Leftovers *left, const char *name);
static void look_at_partition(Leftovers *left, AlterTableStmt *stmt);

/*
 * Look at what there is of a statement, whose text is "sql", before it is run.
 *
 * Returns what is to be run: most often that text, and NULL for nothing.  *drop
 * are the names (char *) of the indexes that are to be dropped before, in the
 * memory of the step.
 */
const char *
deploy_leftovers(DeployStep *step, const ScriptStatement *statement,
				 const char *sql, List **drop)
{
	Leftovers	left = {step, statement, sql, NIL};

	deploy_look(step->deploy, look_at_object, &left);
	*drop = left.drop;
	return left.sql;
}

/*
 * Look, before a statement is run, whether it was run before, in whole or in
 * part: with the settings that the worker will have, so that its names mean
 * the same, and as the role that will run it.
 */
static void
look_at_object(void *arg)
{
	Leftovers  *left = arg;
	Node	   *node = left->statement->raw->stmt;
	int			nestlevel = deploy_begin_settings(left->step, left->statement);
	ErrorContextCallback callback;

	callback.callback = script_error_callback;
	callback.arg = left->step->script;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (IsA(node, IndexStmt))
		look_at_index(left, (IndexStmt *) copyObject(node));
	else if (IsA(node, AlterTableStmt))
		look_at_partition(left, (AlterTableStmt *) node);
	else if (IsA(node, ReindexStmt) && left->step->progress->is_begun)
		look_at_leftovers(left, node);
	error_context_stack = callback.previous;
	AtEOXact_GUC(false, nestlevel);
}

/*
 * An index that failed to be built stays, invalid, and has to be built anew;
 * one that is there and the same needs nothing.
 */
static void
look_at_index(Leftovers *left, IndexStmt *stmt)
{
	char	   *name;
	char	   *difference;

	refuse_if_building(RangeVarGetRelid(stmt->relation, NoLock, true));
	switch (indexcheck_state(stmt, left->sql, NULL, &name, &difference))
	{
		case INDEX_ABSENT:
			break;
		case INDEX_INVALID:
			ereport(NOTICE,
					(errmsg("index %s is invalid; it is dropped and built again",
							name)));
			drop_before(left, name);
			break;
		case INDEX_SAME:
			ereport(NOTICE,
					(errmsg("index %s is there already, valid and the same; it is not built again",
							name)));
			left->sql = NULL;
			break;
		case INDEX_DIFFERENT:
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation %s already exists, and is not the index that the statement makes",
							name),
					 errdetail_internal("%s", difference),
					 errhint("Drop or rename it, or give the new index another name.")));
			break;
	}
}

/*
 * Raise an error if another session is building an index of the table at this
 * moment.
 *
 * Its index is invalid until that is done, and not for us to drop.  And who
 * waits for the table's lock, which that session has, does so with a snapshot
 * that the session will wait for in turn: a deadlock, that may well hit the
 * other one.  The error is one that has the deploy look again later.
 */
static void
refuse_if_building(Oid table)
{
	List	   *builders = OidIsValid(table) ? blockers_building_index(table) : NIL;

	if (builders != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("an index of table \"%s\" is being built by another session",
						get_rel_name(table)),
				 errdetail_internal("%s", blockers_describe(builders))));
}

/*
 * REINDEX CONCURRENTLY that was broken off leaves invalid what it was building
 * and what it had replaced, and does not look for that when it is run again.
 */
static void
look_at_leftovers(Leftovers *left, Node *stmt)
{
	ListCell   *lc;

	foreach(lc, indexcheck_invalid_indexes(stmt, NULL))
	{
		const char *name = lfirst(lc);

		if (!is_of_reindex(name))
			continue;
		ereport(NOTICE,
				(errmsg("index %s was left behind, invalid; it is dropped",
						name)));
		drop_before(left, name);
	}
}

/*
 * Is it a name that REINDEX CONCURRENTLY gives an index?
 */
static bool
is_of_reindex(const char *name)
{
	int			length = strlen(name);

	if (length > 0 && name[length - 1] == '"')
		length--;
	while (length > 0 && isdigit((unsigned char) name[length - 1]))
		length--;
	return length >= 6 && (strncmp(&name[length - 6], "_ccnew", 6) == 0 ||
						   strncmp(&name[length - 6], "_ccold", 6) == 0);
}

/*
 * Have an index dropped before the statement is run.
 */
static void
drop_before(Leftovers *left, const char *name)
{
	MemoryContext caller = MemoryContextSwitchTo(left->step->memory);

	left->drop = lappend(left->drop, pstrdup(name));
	MemoryContextSwitchTo(caller);
}

/*
 * A partition whose detachment was broken off halfway has to be detached with
 * FINALIZE.
 */
static void
look_at_partition(Leftovers *left, AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		PartitionCmd *partition;
		Oid			relid;

		if (cmd->subtype != AT_DetachPartition)
			continue;
		partition = castNode(PartitionCmd, cmd->def);
		relid = RangeVarGetRelid(partition->name, NoLock, true);

		/* of what is no partition the server does not even answer that */
		if (!OidIsValid(relid) || !get_rel_relispartition(relid) ||
			!PartitionHasPendingDetach(relid))
			continue;
		ereport(NOTICE,
				(errmsg("detaching partition \"%s\" was begun before; it is finished",
						partition->name->relname)));
		left->sql =
			MemoryContextStrdup(left->step->memory,
								psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE",
										 quote_qualified_identifier(stmt->relation->schemaname,
																	stmt->relation->relname),
										 quote_qualified_identifier(partition->name->schemaname,
																	partition->name->relname)));
	}
}
