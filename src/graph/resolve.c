/*-------------------------------------------------------------------------
 *
 * resolve.c
 *	  What a symbol means to each of the commands that take one.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "base/hint.h"
#include "graph/resolve.h"
#include "graph/target.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

static List *require_revisions(const Target *target, List *places);
static char *stamp_statement(const Graph *graph, List *versions);

/*
 * The revisions that a symbol names, as a new list; NIL for base.  Raises an
 * error for what names none, and for '-N' where a head has not as many
 * revisions below it.
 */
List *
resolve_symbol(const Graph *graph, const char *symbol)
{
	Target	   *target = target_parse(symbol, TARGET_SHOW);

	return require_revisions(target, target_resolve(graph, target));
}

/*
 * The same, where "current" stands for the rows of the version table.
 */
List *
resolve_symbol_or_current(const Graph *graph, const char *symbol,
						  List *versions)
{
	if (symbol != NULL && strcmp(symbol, "current") == 0)
		return list_copy(versions);
	return resolve_symbol(graph, symbol);
}

/*
 * The one revision that a symbol names.  Raises an error if there are several,
 * and for base.
 */
int
resolve_one(const Graph *graph, const char *symbol)
{
	Target	   *target = target_parse(symbol, TARGET_SHOW);
	int			revision;

	if (target->relative)
		identifier_report(symbol, "A single revision cannot be named relative to the heads.");
	revision = target_resolve_one(graph, target);
	if (revision == TARGET_BASE)
		identifier_report(symbol,
						  graph->nrevisions == 0 ?
						  "No revision has been loaded." :
						  "The base is no revision: it is what comes before the first.");
	return revision;
}

/*
 * The revisions in the rows of a version table (char *), as a new list in the
 * same order.  version_table is its name, for messages; NULL if the rows were
 * given by the user.
 *
 * A row has to be an id in full.  Raises an error for one that is no revision,
 * which names both ways out, and for one that is there twice.
 */
List *
resolve_versions(const Graph *graph, List *rows, const char *version_table)
{
	bool	   *seen = (bool *) palloc0(graph->nrevisions * sizeof(bool));
	List	   *versions = NIL;
	ListCell   *lc;

	foreach(lc, rows)
	{
		const char *row = (const char *) lfirst(lc);
		int			revision = graph_find(graph, row);

		if (revision < 0 && version_table != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("Can't locate revision identified by '%s'", row),
					 errdetail("Version table %s holds it, but no loaded revision has that id.",
							   version_table),
					 graph->nrevisions == 0 ?
					 errhint("No revision is loaded: load the revision files first, with migrate_load_directory() or migrate_load_files().") :
					 hint_statement("Load the missing revision file with migrate_load().  Or, if the schema is known to be at one of the loaded revisions, name that one: SELECT migrate_stamp('%s', purge => true);",
									graph_names(graph, list_make1_int(linitial_int(graph->heads))))));
		if (revision < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("Can't locate revision identified by '%s'", row),
					 errdetail("It is one of the versions given, but no loaded revision has that id."),
					 hint_statement("SELECT * FROM migrate_history();")));
		if (seen[revision])
			ereport(ERROR,
					(errcode(ERRCODE_MIGRATE_OVERLAPPING_REVISIONS),
					 errmsg("Requested revision %s overlaps with other requested revisions %s",
							row, row),
					 version_table != NULL ?
					 errdetail("Version table %s holds it more than once.",
							   version_table) :
					 errdetail("It is given more than once among the versions."),
					 version_table == NULL ? 0 :
					 hint_statement("Take out the extra row, or SELECT %s",
									stamp_statement(graph, versions))));
		seen[revision] = true;
		versions = lappend_int(versions, revision);
	}
	pfree(seen);
	return versions;
}

/*
 * Raise an error if one of some revisions rests on another one.  stored says
 * that they come from a version table, which never holds both; otherwise they
 * were asked for.
 */
void
resolve_check_overlap(const Graph *graph, List *revisions, bool stored)
{
	List	   *maximal;
	ListCell   *lc;

	if (list_length(revisions) < 2)
		return;
	maximal = graph_maximal(graph, revisions);
	if (list_length(maximal) == list_length(revisions))
		return;

	foreach(lc, revisions)
	{
		const char *id = graph->revisions[lfirst_int(lc)]->id;
		bool	   *below = graph_ancestors(graph, list_make1_int(lfirst_int(lc)));
		List	   *covered;

		below[lfirst_int(lc)] = false;
		covered = list_concat_unique_int(NIL, graph_filter(revisions, below));
		pfree(below);
		if (covered == NIL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_OVERLAPPING_REVISIONS),
				 errmsg("Requested revision %s overlaps with other requested revisions %s",
						id, graph_names(graph, covered)),
				 errdetail("Revision \"%s\" rests on %s; where it is applied, so is that.",
						   id, graph_names(graph, covered)),
				 stored ?
				 hint_statement("If \"%s\" is applied, SELECT %s", id,
								stamp_statement(graph, maximal)) :
				 errhint("Name only: %s.", graph_names(graph, maximal))));
	}
}

/*
 * The revisions that a database with these versions is at, as a new list in
 * load order: the applied ones that no applied one revises.  Unlike the rows
 * of the version table, that counts those that others merely depend on.
 */
List *
resolve_current(const Graph *graph, List *versions)
{
	bool	   *applied = graph_ancestors(graph, versions);
	List	   *result = NIL;

	for (int i = 0; i < graph->nrevisions; i++)
	{
		ListCell   *lc;

		if (!applied[i])
			continue;
		foreach(lc, graph->revisions[i]->children)
		{
			if (applied[lfirst_int(lc)])
				break;
		}
		if (lc == NULL)
			result = lappend_int(result, i);
	}
	pfree(applied);
	return result;
}

/*
 * The down revisions of a new revision, as a new list; NIL for base.  Raises
 * an error unless each is a head, or a branch may be spliced off there.
 */
List *
resolve_new_heads(const Graph *graph, List *symbols, bool splice)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, symbols)
	{
		const char *symbol = (const char *) lfirst(lc);
		Target	   *target = target_parse(symbol, TARGET_REVISION);
		List	   *heads = target_resolve(graph, target);
		ListCell   *head;

		foreach(head, require_revisions(target, heads))
		{
			if (list_member_int(result, lfirst_int(head)))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("Duplicate head revisions specified"),
						 errdetail("Revision \"%s\" is named more than once.",
								   graph->revisions[lfirst_int(head)]->id)));
			result = lappend_int(result, lfirst_int(head));
		}
	}
	if (splice)
		return result;

	foreach(lc, result)
	{
		Revision   *revision = graph->revisions[lfirst_int(lc)];

		if (revision->children != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("Revision %s is not a head revision; please specify --splice to create a new branch from this revision",
							revision->id),
					 errdetail("It is revised by: %s.",
							   graph_names(graph, revision->children)),
					 errhint("Give the argument splice => true to do so.")));
	}
	return result;
}

/*
 * A dependency as it is stored, palloc'd: a branch label stays what it is, and
 * any other symbol becomes the id of the revision that it names.
 */
char *
resolve_dependency(const Graph *graph, const char *symbol)
{
	int			revision = resolve_one(graph, symbol);

	if (graph_find_label(graph, symbol) >= 0)
		return pstrdup(symbol);
	return pstrdup(graph->revisions[revision]->id);
}

/*
 * Raise an error if "-N" led past a head's last revision.
 */
static List *
require_revisions(const Target *target, List *places)
{
	ListCell   *lc;

	foreach(lc, places)
	{
		if (lfirst_int(lc) < 0)
			target_report_steps(target,
								"Counted from one of the heads, that is no revision.");
	}
	return places;
}

/*
 * The call that makes a version table hold these versions only.
 */
static char *
stamp_statement(const Graph *graph, List *versions)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "migrate_stamp(ARRAY[");
	foreach(lc, versions)
		appendStringInfo(&buf, "%s%s",
						 foreach_current_index(lc) > 0 ? ", " : "",
						 quote_literal_cstr(graph->revisions[lfirst_int(lc)]->id));
	appendStringInfoString(&buf, "], purge => true);");
	return buf.data;
}
