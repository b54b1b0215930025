/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  What the scripts of an offline script set, and how it is undone.
 *
 * In the server, whatever a script sets ends with the script, because it runs
 * in a nest level of its own.  psql has nothing of the kind: there a SET goes
 * on to the end of the transaction or of the session.  An offline script
 * therefore keeps the values of the settings that its scripts change, in
 * settings with the prefix "migrate_offline", and puts them back behind each
 * script that changes them.  RESET would not do: the session may have other
 * values than those it began with.
 *
 * Which settings these are is read from the parse trees.  What a DO block or
 * a procedure sets cannot be seen; behind those the search path and the role
 * are put back, on which the meaning of all that follows depends.  SET
 * TRANSACTION cannot be undone; a script that makes the transaction read-only
 * fails at the next write, as a whole.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/textlist.h"
#include "graph/direction.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "offline/guard.h"
#include "offline/settings.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#define SAVED_PREFIX "migrate_offline."

static List *add_name(List *names, const char *name);
static List *add_set_statement(List *names, const VariableSetStmt *stmt,
							   const Script *script,
							   const ScriptStatement *statement);
static bool find_set_config(Node *node, void *context);
static int	restore_rank(const char *name);
static int	compare_restore(const ListCell *a, const ListCell *b);
static char *copy_settings_sql(List *names, bool restore);

/*
 * The names (char *, in lower case) of the settings that a script may leave
 * changed.
 *
 * Raises an error for RESET ALL, which would take the kept values with it.
 */
List *
settings_of_script(const Script *script)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		ScriptStatement *statement = lfirst(lc);
		Node	   *node = statement->raw->stmt;

		switch (nodeTag(node))
		{
			case T_VariableSetStmt:
				names = add_set_statement(names, (VariableSetStmt *) node,
										  script, statement);
				break;
			case T_SelectStmt:
				(void) find_set_config(node, &names);
				break;
			case T_DoStmt:
			case T_CallStmt:
				names = add_name(names, "role");
				names = add_name(names, "search_path");
				break;
			default:
				break;
		}
	}
	return names;
}

/*
 * Add names to a list of them, which is changed in place.
 */
List *
settings_union(List *names, List *more)
{
	ListCell   *lc;

	foreach(lc, more)
		names = add_name(names, lfirst(lc));
	return names;
}

/*
 * The statement that keeps the values of settings.
 */
char *
settings_save_sql(List *names)
{
	return copy_settings_sql(names, false);
}

/*
 * The statement that puts the kept values back.
 */
char *
settings_restore_sql(List *names)
{
	return copy_settings_sql(names, true);
}

/*
 * The statement that sets the search path of an environment, for the
 * transaction or for the session.
 */
char *
settings_search_path_sql(const char *search_path, bool local)
{
	StringInfoData buf;
	List	   *schemas;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(search_path), ',', &schemas))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid list syntax in search path \"%s\" of the environment",
						search_path)));

	initStringInfo(&buf);
	appendStringInfo(&buf, "SET %ssearch_path = ", local ? "LOCAL " : "");
	if (schemas == NIL)
		appendStringInfoString(&buf, "''");
	foreach(lc, schemas)
	{
		char	   *schema = lfirst(lc);

		appendStringInfo(&buf, "%s%s", lc == list_head(schemas) ? "" : ", ",
						 schema[0] == '\0' ? "''" : quote_identifier(schema));
	}
	appendStringInfoChar(&buf, ';');
	return buf.data;
}

/*
 * Add a name, in lower case, unless it is there or is one whose value can not
 * be put back: the transaction's properties, and the seed of random(), which
 * nobody can read.
 */
static List *
add_name(List *names, const char *name)
{
	static const char *const left_out[] = {
		"seed", "transaction_deferrable", "transaction_isolation",
		"transaction_read_only",
	};
	char	   *lower = pstrdup(name);

	for (char *p = lower; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	for (int i = 0; i < lengthof(left_out); i++)
	{
		if (strcmp(lower, left_out[i]) == 0)
			return names;
	}
	return textlist_member(names, lower) ? names : lappend(names, lower);
}

/*
 * Add what a SET or RESET statement changes.
 */
static List *
add_set_statement(List *names, const VariableSetStmt *stmt,
				  const Script *script, const ScriptStatement *statement)
{
	ListCell   *lc;

	switch (stmt->kind)
	{
		case VAR_RESET_ALL:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("revision \"%s\" contains RESET ALL, which an offline script cannot undo",
							script->revision),
					 errdetail("Statement %d at line %d of the %s script.",
							   statement->number, statement->line,
							   direction_name(script->direction)),
					 errhint("Reset the settings that are meant, each by its name.")));
			break;

		case VAR_SET_MULTI:
			if (strcmp(stmt->name, "SESSION CHARACTERISTICS") != 0)
				break;
			foreach(lc, stmt->args)
				names = add_name(names,
								 psprintf("default_%s",
										  lfirst_node(DefElem, lc)->defname));
			break;

		default:
			names = add_name(names, stmt->name);

			/* another session user has no role set */
			if (strcmp(stmt->name, "session_authorization") == 0)
				names = add_name(names, "role");
			break;
	}
	return names;
}

/*
 * Walker that adds the settings named in calls of set_config() to a List *.
 */
static bool
find_set_config(Node *node, void *context)
{
	List	  **names = (List **) context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		FuncCall   *call = (FuncCall *) node;

		if (call->args != NIL &&
			strcmp(strVal(llast(call->funcname)), "set_config") == 0)
		{
			Node	   *arg = linitial(call->args);

			while (IsA(arg, TypeCast))
				arg = ((TypeCast *) arg)->arg;
			if (IsA(arg, A_Const) && !((A_Const *) arg)->isnull &&
				IsA(&((A_Const *) arg)->val, String))
				*names = add_name(*names, strVal(&((A_Const *) arg)->val));
		}
	}
	return raw_expression_tree_walker(node, find_set_config, context);
}

/*
 * The session user comes first and the role next, so that the rest is put
 * back with the rights that it was kept with.
 */
static int
restore_rank(const char *name)
{
	if (strcmp(name, "session_authorization") == 0)
		return 0;
	return strcmp(name, "role") == 0 ? 1 : 2;
}

static int
compare_restore(const ListCell *a, const ListCell *b)
{
	const char *left = lfirst(a);
	const char *right = lfirst(b);
	int			ranks = restore_rank(left) - restore_rank(right);

	return ranks != 0 ? ranks : strcmp(left, right);
}

/*
 * The DO block that copies settings to where they are kept, or back.
 *
 * A setting that is not there yet, of an application's own, is kept as NULL;
 * to put that back resets it.
 */
static char *
copy_settings_sql(List *names, bool restore)
{
	List	   *sorted = list_copy(names);
	StringInfoData body;
	ListCell   *lc;

	list_sort(sorted, compare_restore);
	initStringInfo(&body);
	appendStringInfoString(&body, "BEGIN\n");
	foreach(lc, sorted)
	{
		char	   *name = quote_literal_cstr(lfirst(lc));
		char	   *saved = quote_literal_cstr(psprintf(SAVED_PREFIX "%s",
														(char *) lfirst(lc)));

		appendStringInfo(&body, "\tPERFORM pg_catalog.set_config(%s, pg_catalog.current_setting(%s, true), false);\n",
						 restore ? name : saved, restore ? saved : name);
	}
	appendStringInfoString(&body, "END\n");
	return guard_do_block(body.data, "settings");
}
