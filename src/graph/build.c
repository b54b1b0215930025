/*-------------------------------------------------------------------------
 *
 * build.c
 *	  Building a revision graph out of revisions, and refusing a broken one.
 *
 * A graph is built anew by each command, most of which then find little to
 * do, so this has to be quick: a graph without dependencies or branch labels
 * pays nothing for them, and one loaded parents first needs no sorting.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/error.h"
#include "graph/graph.h"
#include "graph/nametable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

/*
 * Characters that no name may have, besides those up to the space: the first
 * four have a meaning in the identifier grammar, and the comma separates names
 * in revision files.
 */
static const bool illegal_characters[256] = {
	['@'] = true,['-'] = true,['+'] = true,[':'] = true,[','] = true,
	['\x7f'] = true
};

/* long enough for any convention, and short enough for an index */
#define MAX_NAME_BYTES 255

static const char *const reserved_names[] = {
	"base", "current", "head", "heads"
};

static void add_ids(Graph *graph);
static void add_labels(Graph *graph);
static void link_parents(Graph *graph);
static int	find_parent(const Graph *graph, const Revision *child,
						const char *name, bool depends);
static void report_missing_parent(const Graph *graph, const Revision *child,
								  const char *name, bool depends) pg_attribute_noreturn();
static void find_ends(Graph *graph);

/*
 * Build the graph of these revisions (Revision *, in load order) and fill in
 * their derived fields.  The graph refers to them and to their strings, and is
 * allocated in the current memory context.
 *
 * Raises an error that names the revisions concerned for names that are
 * illegal or used twice, for parents that are not there and for cycles.
 */
Graph *
graph_build(List *revisions)
{
	Graph	   *graph = (Graph *) palloc0(sizeof(Graph));
	ListCell   *lc;

	graph->nrevisions = list_length(revisions);
	graph->revisions = (Revision **)
		palloc(Max(graph->nrevisions, 1) * sizeof(Revision *));
	foreach(lc, revisions)
		graph->revisions[foreach_current_index(lc)] = (Revision *) lfirst(lc);

	add_ids(graph);
	if (graph->has_labels)
		add_labels(graph);
	link_parents(graph);
	graph_sort(graph);
	if (graph->has_depends)
		graph_normalize_depends(graph);
	find_ends(graph);
	if (graph->has_labels)
		graph_inherit_labels(graph);
	return graph;
}

/*
 * The revision that has exactly this id, or -1.
 */
int
graph_find(const Graph *graph, const char *id)
{
	NameEntry  *entry = nametable_lookup(graph->ids, id);

	return entry ? entry->place : -1;
}

/*
 * The revision that this branch label is written on, or -1.
 */
int
graph_find_label(const Graph *graph, const char *label)
{
	NameEntry  *entry;

	if (graph->labels == NULL)
		return -1;
	entry = nametable_lookup(graph->labels, label);
	return entry ? entry->place : -1;
}

/*
 * Name the file of a revision that is being loaded, in an error about it.
 */
int
graph_file_context(const Revision *revision)
{
	if (revision->filename != NULL)
		errcontext("file \"%s\"", revision->filename);
	return 0;
}

/*
 * Raise an error unless a name can serve as a revision id or branch label.
 * kind says which, for the message: "revision identifier", "branch label".
 */
void
graph_check_identifier(const char *kind, const char *name)
{
	bool		seen[256] = {false};
	bool		legal = true;
	StringInfoData characters;

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("%s must not be empty", kind)));

	if (strlen(name) > MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("%s is too long", kind),
				 errdetail("It has %zu bytes; at most %d are allowed.",
						   strlen(name), MAX_NAME_BYTES)));

	for (const unsigned char *p = (const unsigned char *) name; *p; p++)
	{
		if (*p <= ' ' || illegal_characters[*p])
		{
			seen[*p] = true;
			legal = false;
		}
	}
	if (!legal)
	{
		initStringInfo(&characters);
		for (int c = 0; c < 256; c++)
		{
			if (!seen[c])
				continue;
			if (characters.len > 0)
				appendStringInfoString(&characters, ", ");
			if (c < ' ' || c == '\x7f')
				appendStringInfo(&characters, "\\x%02x", c);
			else
				appendStringInfoChar(&characters, c);
		}
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("Character(s) '%s' not allowed in %s '%s'",
						characters.data, kind, name),
				 errdetail("A %s may not hold '@', '-', '+', ':', a comma, white space or control characters, which have a meaning in targets and revision files.",
						   kind)));
	}

	for (int i = 0; i < lengthof(reserved_names); i++)
	{
		if (name[0] == reserved_names[i][0] &&
			strcmp(name, reserved_names[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_RESERVED_NAME),
					 errmsg("%s '%s' is a reserved word", kind, name),
					 errdetail("The words 'base', 'current', 'head' and 'heads' have a meaning of their own in targets.")));
	}
}

/*
 * Number the revisions, and enter their ids.
 */
static void
add_ids(Graph *graph)
{
	graph->ids = nametable_create(CurrentMemoryContext,
								  Max(graph->nrevisions, 8), NULL);
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];
		NameEntry  *entry;
		bool		found;

		graph_check_identifier("revision identifier", revision->id);
		entry = nametable_insert(graph->ids, revision->id, &found);
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("Revision %s is present more than once",
							revision->id)));
		entry->place = i;

		revision->index = i;
		revision->down = NIL;
		revision->depends = NIL;
		revision->parents = NIL;
		revision->children = NIL;
		revision->dependents = NIL;
		revision->branch_labels = NIL;
		if (revision->labels != NIL)
			graph->has_labels = true;
		if (revision->depends_ids != NIL)
			graph->has_depends = true;
	}
}

/*
 * Enter the branch labels, which share one namespace with the ids.
 */
static void
add_labels(Graph *graph)
{
	graph->labels = nametable_create(CurrentMemoryContext, 16, NULL);
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];
		ListCell   *lc;

		foreach(lc, revision->labels)
		{
			const char *label = (const char *) lfirst(lc);
			int			other = graph_find(graph, label);
			NameEntry  *entry;
			bool		found;

			graph_check_identifier("branch label", label);
			if (other >= 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_OBJECT),
						 errmsg("Branch name '%s' in revision %s already used by revision %s",
								label, revision->id, label),
						 errdetail("The branch label is the id of a revision."),
						 graph_file_context(revision)));
			entry = nametable_insert(graph->labels, label, &found);
			if (found)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_OBJECT),
						 errmsg("Branch name '%s' in revision %s already used by revision %s",
								label, revision->id,
								graph->revisions[entry->place]->id),
						 errdetail("A branch label can be written on one revision only, which its descendants inherit it from."),
						 graph_file_context(revision)));
			entry->place = i;
		}
	}
}

/*
 * Turn the names of parents into indexes, and enter the revisions as children
 * and dependents of their parents.
 */
static void
link_parents(Graph *graph)
{
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];
		ListCell   *lc;

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		foreach(lc, revision->down_ids)
		{
			const char *name = (const char *) lfirst(lc);
			int			parent = find_parent(graph, revision, name, false);
			List	  **children = &graph->revisions[parent]->children;

			if (*children != NIL && llast_int(*children) == i)
				ereport(ERROR,
						(errcode(ERRCODE_MIGRATE_INVALID_GRAPH),
						 errmsg("Revision %s names down revision %s more than once",
								revision->id, name),
						 graph_file_context(revision)));
			revision->down = lappend_int(revision->down, parent);
			*children = lappend_int(*children, i);
		}
		/* until dependencies are looked at */
		revision->parents = revision->down;

		/* an id and a label may well name the same revision */
		foreach(lc, revision->depends_ids)
		{
			const char *name = (const char *) lfirst(lc);
			int			parent = find_parent(graph, revision, name, true);
			List	  **dependents = &graph->revisions[parent]->dependents;

			if (*dependents != NIL && llast_int(*dependents) == i)
				continue;
			revision->depends = lappend_int(revision->depends, parent);
			*dependents = lappend_int(*dependents, i);
		}
	}
}

/*
 * The revision that a down revision or dependency names.
 */
static int
find_parent(const Graph *graph, const Revision *child, const char *name,
			bool depends)
{
	int			parent;

	/* most revisions follow the one that was loaded before them */
	if (child->index > 0 &&
		strcmp(graph->revisions[child->index - 1]->id, name) == 0)
		return child->index - 1;

	parent = graph_find(graph, name);
	if (parent < 0 && depends)
		parent = graph_find_label(graph, name);
	if (parent < 0)
		report_missing_parent(graph, child, name, depends);
	if (parent == child->index)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_INVALID_GRAPH),
				 errmsg("%s is detected in revisions (%s)",
						depends ? "Dependency self-loop" : "Self-loop",
						child->id),
				 depends ?
				 errdetail("The revision depends on itself.") :
				 errdetail("The revision names itself as its down revision."),
				 graph_file_context(child)));
	return parent;
}

static void
report_missing_parent(const Graph *graph, const Revision *child,
					  const char *name, bool depends)
{
	int			labelled = graph_find_label(graph, name);

	if (labelled >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_INVALID_GRAPH),
				 errmsg("Revision %s referenced from %s is not present",
						name, child->id),
				 errdetail("It is named as a down revision, but \"%s\" is a branch label.",
						   name),
				 errhint("Name the down revision by its id, which is \"%s\".",
						 graph->revisions[labelled]->id),
				 graph_file_context(child)));

	for (int i = 0; i < graph->nrevisions; i++)
	{
		const char *id = graph->revisions[i]->id;

		if (name[0] != '\0' && strncmp(id, name, strlen(name)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("Revision %s referenced from %s is not present",
							name, child->id),
					 errdetail("It is named as a %s, which must be the whole id.",
							   depends ? "dependency" : "down revision"),
					 errhint("Perhaps revision \"%s\" is meant.", id),
					 graph_file_context(child)));
	}

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("Revision %s referenced from %s is not present",
					name, child->id),
			 errdetail("It is named as a %s.",
					   depends ? "dependency" : "down revision"),
			 errhint("Load the file of revision \"%s\" first, or both as one unit with migrate_load_directory().",
					 name),
			 graph_file_context(child)));
}

/*
 * Collect heads and bases, in load order.
 */
static void
find_ends(Graph *graph)
{
	for (int i = 0; i < graph->nrevisions; i++)
	{
		Revision   *revision = graph->revisions[i];

		if (revision->children == NIL)
		{
			graph->heads = lappend_int(graph->heads, i);
			if (revision->dependents == NIL)
				graph->real_heads = lappend_int(graph->real_heads, i);
		}
		if (revision->down == NIL)
		{
			graph->bases = lappend_int(graph->bases, i);
			if (revision->depends == NIL)
				graph->real_bases = lappend_int(graph->real_bases, i);
		}
	}
}
