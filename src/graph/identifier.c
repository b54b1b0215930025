/*-------------------------------------------------------------------------
 *
 * identifier.c
 *	  Finding a revision by its id, the start of its id, or a branch label.
 *
 * Ids and labels share one namespace.  A name that is exactly one of them is
 * that; otherwise it may be the start of one, if it is the start of no other.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/hint.h"
#include "graph/target.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* ids and labels shorter than this have to be given in full */
#define SHORTEST_PARTIAL 4

/* how many matches of an ambiguous name are listed */
#define MATCHES_MAX 10

static int	find_exact(const Graph *graph, const char *identifier);
static int	find_partial(const Graph *graph, const char *identifier,
						 const char *branch, const bool *lineage);
static List *partial_matches(const Graph *graph, const char *identifier,
							 const bool *lineage, int *revision);
static bool is_start_of(const char *start, const char *name);
static void report_not_found(const Graph *graph, const char *identifier,
							 const char *branch) pg_attribute_noreturn();

/*
 * The revision that an identifier names.  With a branch (which may be NULL),
 * a partial id has to be unique among the revisions in line with it only, and
 * the revision has to be one of those.  Raises an error if there is none, or
 * if there are several.
 */
int
identifier_find(const Graph *graph, const char *identifier, const char *branch)
{
	bool	   *lineage = NULL;
	int			revision;

	if (branch != NULL)
		lineage = graph_lineage(graph, identifier_find_branch(graph, branch),
								false);

	revision = find_exact(graph, identifier);
	if (revision < 0)
		revision = find_partial(graph, identifier, branch, lineage);

	if (lineage != NULL && !lineage[revision])
		identifier_report(identifier,
						  psprintf("Revision %s is not a member of branch '%s'.",
								   graph->revisions[revision]->id, branch));
	return revision;
}

/*
 * The revision that a branch label is written on, or that has this id.
 */
int
identifier_find_branch(const Graph *graph, const char *branch)
{
	int			revision = find_exact(graph, branch);
	List	   *matches;

	if (revision >= 0)
		return revision;

	matches = partial_matches(graph, branch, NULL, &revision);
	if (list_length(matches) > 1)
		return find_partial(graph, branch, NULL, NULL);
	if (matches == NIL)
	{
		List	   *labels = NIL;
		StringInfoData detail;
		ListCell   *lc;

		for (int i = 0; i < graph->nrevisions && list_length(labels) < MATCHES_MAX; i++)
			labels = list_concat(labels, graph->revisions[i]->labels);
		initStringInfo(&detail);
		appendStringInfo(&detail, "No such branch: '%s'.", branch);
		foreach(lc, labels)
			appendStringInfo(&detail, "%s'%s'",
							 foreach_current_index(lc) == 0 ?
							 "  There are branch labels " : ", ",
							 (char *) lfirst(lc));
		if (labels != NIL)
			appendStringInfoChar(&detail, '.');
		identifier_report(branch, detail.data);
	}
	return revision;
}

/*
 * Raise the error for an identifier that names no revision, with a reason.
 */
void
identifier_report(const char *identifier, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("Can't locate revision identified by '%s'", identifier),
			 errdetail_internal("%s", detail),
			 hint_statement("SELECT * FROM migrate_history(); lists the revisions; beside them there are the words 'head', 'heads', 'base' and 'current'.")));
}

static int
find_exact(const Graph *graph, const char *identifier)
{
	int			revision = graph_find(graph, identifier);

	return revision >= 0 ? revision : graph_find_label(graph, identifier);
}

/*
 * The revision whose id or label begins with this, and, if a lineage is given,
 * is in it.
 */
static int
find_partial(const Graph *graph, const char *identifier, const char *branch,
			 const bool *lineage)
{
	int			revision = -1;
	List	   *matches = partial_matches(graph, identifier, lineage, &revision);
	StringInfoData list;
	ListCell   *lc;

	if (matches == NIL)
		report_not_found(graph, identifier, branch);
	if (list_length(matches) == 1)
		return revision;

	initStringInfo(&list);
	foreach(lc, matches)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(&list, ", ");
		if (foreach_current_index(lc) == MATCHES_MAX)
		{
			appendStringInfoString(&list, "...");
			break;
		}
		appendStringInfo(&list, "'%s'", (char *) lfirst(lc));
	}
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_AMBIGUOUS_REVISION),
			 errmsg("Can't locate revision identified by '%s'", identifier),
			 errdetail("Multiple revisions start with '%s': %s.",
					   identifier, list.data),
			 errhint("Give more characters of the one that is meant, for example '%s'.",
					 (char *) linitial(matches))));
	return -1;					/* keep compiler quiet */
}

/*
 * The ids and labels that begin with this, and, in "revision", what the last
 * of them names.
 */
static List *
partial_matches(const Graph *graph, const char *identifier,
				const bool *lineage, int *revision)
{
	List	   *matches = NIL;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < graph->nrevisions; i++)
	{
		const Revision *candidate = graph->revisions[i];
		ListCell   *lc;

		if (lineage != NULL && !lineage[i])
			continue;
		if (is_start_of(identifier, candidate->id))
		{
			matches = lappend(matches, candidate->id);
			*revision = i;
		}
		foreach(lc, candidate->labels)
		{
			if (is_start_of(identifier, (const char *) lfirst(lc)))
			{
				matches = lappend(matches, lfirst(lc));
				*revision = i;
			}
		}
	}
	return matches;
}

static bool
is_start_of(const char *start, const char *name)
{
	return strncmp(name, start, strlen(start)) == 0 &&
		pg_mbstrlen(name) >= SHORTEST_PARTIAL;
}

static void
report_not_found(const Graph *graph, const char *identifier,
				 const char *branch)
{
	const char *short_of = pg_mbstrlen(identifier) >= SHORTEST_PARTIAL ? "" :
	"; please ensure at least four characters are present for partial revision identifier matches";

	if (graph->nrevisions == 0)
		identifier_report(identifier, "No revision has been loaded.");
	if (branch != NULL)
		identifier_report(identifier,
						  psprintf("No such revision or branch '%s' in line with '%s'%s.",
								   identifier, branch, short_of));
	identifier_report(identifier,
					  psprintf("No such revision or branch '%s'%s.",
							   identifier, short_of));
}
