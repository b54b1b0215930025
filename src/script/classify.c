/*-------------------------------------------------------------------------
 *
 * classify.c
 *	  What a statement of a script is, and refusing what cannot be run.
 *
 * Statements are told by their parse nodes, never by their text.  A statement
 * that is not known here counts as one that can run in a transaction; if it
 * can't, the server says so when it is run.  That holds for everything where
 * only the catalog tells: CLUSTER and REINDEX of a partitioned table, DROP
 * SUBSCRIPTION of one that has a replication slot.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hint.h"
#include "commands/defrem.h"
#include "graph/direction.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "script/script.h"

static bool option_value(List *options, const char *name, bool absent);
static const char *nontransactional_reindex(const ReindexStmt *stmt);
static const char *nontransactional_subscription(const AlterSubscriptionStmt *stmt);

/*
 * Return the name, as users write it, of a statement that cannot run inside
 * a transaction block; NULL for any other statement.  The name is a constant.
 */
const char *
script_nontransactional(const ScriptStatement *statement)
{
	Node	   *node = statement->raw->stmt;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_IndexStmt:
			if (((IndexStmt *) node)->concurrent)
				return "CREATE INDEX CONCURRENTLY";
			break;

		case T_DropStmt:
			if (((DropStmt *) node)->concurrent)
				return "DROP INDEX CONCURRENTLY";
			break;

		case T_ReindexStmt:
			return nontransactional_reindex((ReindexStmt *) node);

		case T_VacuumStmt:
			if (((VacuumStmt *) node)->is_vacuumcmd)
				return "VACUUM";
			break;

		case T_ClusterStmt:
			if (((ClusterStmt *) node)->relation == NULL)
				return "CLUSTER without a table";
			break;

		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) node)->cmds)
			{
				AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

				if (cmd->subtype == AT_DetachPartition &&
					castNode(PartitionCmd, cmd->def)->concurrent)
					return "ALTER TABLE ... DETACH PARTITION CONCURRENTLY";
			}
			break;

		case T_CreatedbStmt:
			return "CREATE DATABASE";

		case T_DropdbStmt:
			return "DROP DATABASE";

		case T_AlterDatabaseStmt:
			foreach(lc, ((AlterDatabaseStmt *) node)->options)
			{
				if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
					return "ALTER DATABASE ... SET TABLESPACE";
			}
			break;

		case T_CreateTableSpaceStmt:
			return "CREATE TABLESPACE";

		case T_DropTableSpaceStmt:
			return "DROP TABLESPACE";

		case T_AlterSystemStmt:
			return "ALTER SYSTEM";

		case T_CreateSubscriptionStmt:
			{
				List	   *options = ((CreateSubscriptionStmt *) node)->options;

				if (option_value(options, "connect", true) &&
					option_value(options, "create_slot", true))
					return "CREATE SUBSCRIPTION ... WITH (create_slot = true)";
			}
			break;

		case T_AlterSubscriptionStmt:
			return nontransactional_subscription((AlterSubscriptionStmt *) node);

		case T_DiscardStmt:
			if (((DiscardStmt *) node)->target == DISCARD_ALL)
				return "DISCARD ALL";
			break;

		case T_TransactionStmt:
			if (((TransactionStmt *) node)->kind == TRANS_STMT_COMMIT_PREPARED)
				return "COMMIT PREPARED";
			if (((TransactionStmt *) node)->kind == TRANS_STMT_ROLLBACK_PREPARED)
				return "ROLLBACK PREPARED";
			break;

		default:
			break;
	}

	return NULL;
}

static const char *
nontransactional_reindex(const ReindexStmt *stmt)
{
	switch (stmt->kind)
	{
		case REINDEX_OBJECT_SCHEMA:
			return "REINDEX SCHEMA";
		case REINDEX_OBJECT_SYSTEM:
			return "REINDEX SYSTEM";
		case REINDEX_OBJECT_DATABASE:
			return "REINDEX DATABASE";
		case REINDEX_OBJECT_INDEX:
			if (option_value(stmt->params, "concurrently", false))
				return "REINDEX INDEX CONCURRENTLY";
			break;
		case REINDEX_OBJECT_TABLE:
			if (option_value(stmt->params, "concurrently", false))
				return "REINDEX TABLE CONCURRENTLY";
			break;
	}

	return NULL;
}

static const char *
nontransactional_subscription(const AlterSubscriptionStmt *stmt)
{
	ListCell   *lc;

	switch (stmt->kind)
	{
		case ALTER_SUBSCRIPTION_REFRESH:
			return "ALTER SUBSCRIPTION ... REFRESH PUBLICATION";
		case ALTER_SUBSCRIPTION_SET_PUBLICATION:
		case ALTER_SUBSCRIPTION_ADD_PUBLICATION:
		case ALTER_SUBSCRIPTION_DROP_PUBLICATION:
			if (option_value(stmt->options, "refresh", true))
				return "ALTER SUBSCRIPTION with refresh";
			break;
		case ALTER_SUBSCRIPTION_OPTIONS:

			/*
			 * These reach over to the slot on the publisher.  failover can be
			 * altered since version 17 and two_phase since 18; earlier
			 * servers know neither here.
			 */
			foreach(lc, stmt->options)
			{
				DefElem    *option = lfirst_node(DefElem, lc);

				if (strcmp(option->defname, "failover") == 0)
					return "ALTER SUBSCRIPTION ... SET (failover)";
			}
			if (!option_value(stmt->options, "two_phase", true))
				return "ALTER SUBSCRIPTION ... SET (two_phase)";
			break;
		default:
			break;
	}

	return NULL;
}

/*
 * Return the boolean value of an option, or what is given for absent if it
 * is not there.  A value that is no boolean counts as absent: the server will
 * say what is wrong with it.
 */
static bool
option_value(List *options, const char *name, bool absent)
{
	bool		result = absent;
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) != 0)
			continue;
		if (option->arg == NULL)
			result = true;
		else if (!parse_bool(defGetString(option), &result))
			result = absent;
	}

	return result;
}

/*
 * Refuse a script with statements that a function can never run, before any
 * of it is run: those that begin or end a transaction, and COPY from or to
 * the client.  COMMIT PREPARED and ROLLBACK PREPARED act on another
 * transaction; script_refuse_nontransactional() deals with them.
 */
void
script_refuse_unrunnable(const Script *script)
{
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		ScriptStatement *statement = lfirst(lc);
		Node	   *node = statement->raw->stmt;

		if (IsA(node, CopyStmt))
		{
			CopyStmt   *copy = (CopyStmt *) node;

			if (copy->filename == NULL && !copy->is_program)
				script_refuse_copy(script, copy->is_from, statement->number,
								   statement->line);
		}
		else if (IsA(node, TransactionStmt) &&
				 script_nontransactional(statement) == NULL)
		{
			TransactionStmtKind kind = ((TransactionStmt *) node)->kind;
			bool		savepoint = kind == TRANS_STMT_SAVEPOINT ||
			kind == TRANS_STMT_RELEASE || kind == TRANS_STMT_ROLLBACK_TO;

			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
					 errmsg("revision \"%s\" contains %s, but a script cannot control the transaction it runs in",
							script->revision,
							kind == TRANS_STMT_ROLLBACK_TO ?
							"ROLLBACK TO SAVEPOINT" : CreateCommandName(node)),
					 errdetail("Statement %d at line %d of the %s script.",
							   statement->number, statement->line,
							   direction_name(script->direction)),
					 savepoint ?
					 errhint("Use a DO block with an EXCEPTION clause instead.") :
					 errhint("Remove the statement: the whole script runs in one transaction.")));
		}
	}
}

/*
 * Refuse a script that has to run outside of a transaction, before any of it
 * is run: one that is marked so, or else one with a statement of that kind.
 */
void
script_refuse_nontransactional(const Script *script, bool marked)
{
	ListCell   *lc;

	if (marked)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("revision \"%s\" cannot run inside a transaction block",
						script->revision),
				 errdetail("Its %s script is marked transaction:no.",
						   direction_name(script->direction)),
				 hint_statement("%s", script_deploy_hint(script))));

	foreach(lc, script->statements)
	{
		ScriptStatement *statement = lfirst(lc);
		const char *name = script_nontransactional(statement);

		if (name != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
					 errmsg("revision \"%s\" contains %s, which cannot run inside a transaction block",
							script->revision, name),
					 errdetail("Statement %d at line %d of the %s script.",
							   statement->number, statement->line,
							   direction_name(script->direction)),
					 hint_statement("%s", script_deploy_hint(script))));
	}
}

/* Refuse a COPY FROM STDIN or COPY TO STDOUT. */
void
script_refuse_copy(const Script *script, bool is_from, int number, int line)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 is_from ?
			 errmsg("revision \"%s\" contains COPY FROM STDIN, but a script has no input to read from",
					script->revision) :
			 errmsg("revision \"%s\" contains COPY TO STDOUT, but a script has no output to write to",
					script->revision),
			 errdetail("Statement %d at line %d of the %s script.",
					   number, line, direction_name(script->direction)),
			 is_from ?
			 errhint("Use INSERT INTO ... VALUES instead, or COPY FROM a file on the server.") :
			 errhint("Remove the statement, or use COPY TO a file on the server.")));
}
