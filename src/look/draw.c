/*-------------------------------------------------------------------------
 *
 * draw.c
 *	  migrate_graph(): the revision graph as a picture.
 *
 * The formats are "text", a tree for psql, and source for the programs dot
 * and mermaid.  In all of them the newest revisions are at the top, and what
 * is applied can be told from what is not.
 *
 * Nothing here takes a lock or writes, and nothing fails because of what the
 * version table holds.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "base/textlist.h"
#include "graph/lanes.h"
#include "graph/plan.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "run/state.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(migrate_graph);

/* What the drawings show of where the database is */
typedef struct Picture
{
	const State *state;
	bool	   *applied;		/* by revision */
	bool	   *current;		/* is it in the version table? */
} Picture;

/* Replaces a character by others; see escape() */
typedef struct Replacement
{
	char		character;
	const char *replacement;
} Replacement;

typedef struct PictureFormat
{
	const char *name;
	List	   *(*draw) (const Picture *picture);
} PictureFormat;

static List *draw_text(const Picture *picture);
static char *text_of_revision(const Picture *picture, const Revision *revision);
static List *draw_dot(const Picture *picture);
static char *dot_node(const Picture *picture, const Revision *revision);
static char *dot_string(const char *name);
static List *draw_mermaid(const Picture *picture);
static List *append_mermaid_class(List *lines, const Graph *graph,
								  const char *name, const bool *members);
static char *labels_in_parentheses(const Revision *revision);
static char *escape(const char *string, const Replacement *replacements,
					int nreplacements);

static const PictureFormat formats[] = {
	{"text", draw_text},
	{"dot", draw_dot},
	{"mermaid", draw_mermaid}
};

/*
 * migrate_graph(format, environment)
 *
 * A revision in the text format is
 *		* id (labels) (head) (current) (depends on ids) message
 * with the mark "*" if it is applied and "o" if it is not.  The labels are
 * those written on the revision itself.  Lines lead to down revisions only.
 */
Datum
migrate_graph(PG_FUNCTION_ARGS)
{
	char	   *format = sqlcall_text(fcinfo, 0);
	State	   *state;
	Picture		picture;
	int			number = 0;
	ListCell   *lc;

	while (number < lengthof(formats) && format != NULL &&
		   strcmp(format, formats[number].name) != 0)
		number++;
	if (number == lengthof(formats))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown graph format \"%s\"", format),
				 errhint("The formats are \"text\", \"dot\" and \"mermaid\".")));

	state = state_read(sqlcall_text(fcinfo, 1));
	picture.state = state;
	picture.applied = graph_ancestors(state->graph, state->versions);
	picture.current = palloc0(sizeof(bool) * (state->graph->nrevisions + 1));
	foreach(lc, state->versions)
		picture.current[lfirst_int(lc)] = true;

	return sqlcall_return_texts(fcinfo, formats[number].draw(&picture));
}

/*
 * Draw a tree, newest first, as "git log --graph" does.
 */
static List *
draw_text(const Picture *picture)
{
	const Graph *graph = picture->state->graph;
	Lanes	   *lanes = lanes_begin(graph);
	List	   *lines = NIL;
	ListCell   *lc;

	foreach(lc, history_range(graph, NULL, picture->state->versions))
	{
		int			revision = lfirst_int(lc);

		CHECK_FOR_INTERRUPTS();
		lines = list_concat(lines,
							lanes_place(lanes, revision,
										picture->applied[revision] ? '*' : 'o',
										text_of_revision(picture,
														 graph->revisions[revision])));
	}
	return lines;
}

/*
 * What stands behind the mark of a revision.
 */
static char *
text_of_revision(const Picture *picture, const Revision *revision)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s%s", revision->id,
					 labels_in_parentheses(revision));
	if (revision->children == NIL)
		appendStringInfoString(&buf, revision->dependents == NIL ?
							   " (head)" : " (effective head)");
	if (picture->current[revision->index])
		appendStringInfoString(&buf, " (current)");
	if (revision->depends_ids != NIL)
		appendStringInfo(&buf, " (depends on %s)",
						 textlist_join(revision->depends_ids, ", "));
	appendStringInfo(&buf, " %s", revision->message);
	while (buf.len > 0 && buf.data[buf.len - 1] == ' ')
		buf.data[--buf.len] = '\0';
	return escape(buf.data, NULL, 0);
}

/*
 * Write a graph for dot.
 *
 * An edge leads from a revision to one that comes after it, dashed if that
 * depends on it.  What is applied is filled, what is in the version table has
 * a bold border, and a head a double one.
 */
static List *
draw_dot(const Picture *picture)
{
	const Graph *graph = picture->state->graph;
	List	   *lines = NIL;

	lines = lappend(lines,
					psprintf("digraph %s {",
							 dot_string(picture->state->environment->name)));
	lines = lappend(lines, "\trankdir = BT;");
	lines = lappend(lines, "\tnode [shape = box, style = filled, fillcolor = white];");
	for (int i = 0; i < graph->nrevisions; i++)
		lines = lappend(lines, dot_node(picture, graph->revisions[i]));
	for (int i = 0; i < graph->nrevisions; i++)
	{
		const Revision *revision = graph->revisions[i];
		char	   *node = dot_string(revision->id);
		ListCell   *lc;

		foreach(lc, revision->down)
			lines = lappend(lines,
							psprintf("\t%s -> %s;",
									 dot_string(graph->revisions[lfirst_int(lc)]->id),
									 node));
		foreach(lc, revision->depends)
			lines = lappend(lines,
							psprintf("\t%s -> %s [style = dashed];",
									 dot_string(graph->revisions[lfirst_int(lc)]->id),
									 node));
	}
	return lappend(lines, "}");
}

static char *
dot_node(const Picture *picture, const Revision *revision)
{
	/* in labels dot reads character entities */
	static const Replacement in_label[] = {
		{'"', "\\\""}, {'\\', "\\\\"}, {'&', "&amp;"}
	};
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "\t%s [label = \"%s%s\\n%s\"",
					 dot_string(revision->id),
					 escape(revision->id, in_label, lengthof(in_label)),
					 escape(labels_in_parentheses(revision),
							in_label, lengthof(in_label)),
					 escape(revision->message, in_label, lengthof(in_label)));
	if (picture->applied[revision->index])
		appendStringInfoString(&buf, ", fillcolor = lightgrey");
	if (picture->current[revision->index])
		appendStringInfoString(&buf, ", penwidth = 3");
	if (revision->children == NIL)
		appendStringInfoString(&buf, ", peripheries = 2");
	appendStringInfoString(&buf, "];");
	return buf.data;
}

/*
 * A name as dot reads it.
 */
static char *
dot_string(const char *name)
{
	static const Replacement in_string[] = {
		{'"', "\\\""}, {'\\', "\\\\"}
	};

	return psprintf("\"%s\"", escape(name, in_string, lengthof(in_string)));
}

/*
 * Write a flow chart for mermaid, with the same edges and with a class for
 * each property.
 */
static List *
draw_mermaid(const Picture *picture)
{
	static const Replacement in_label[] = {
		{'"', "#quot;"}, {'#', "#35;"}, {'&', "#amp;"}, {'<', "#lt;"},
		{'>', "#gt;"}, {'`', "#96;"}, {'\\', "#92;"}
	};
	const Graph *graph = picture->state->graph;
	bool	   *heads = palloc0(sizeof(bool) * (graph->nrevisions + 1));
	List	   *lines = NIL;
	ListCell   *lc;

	lines = lappend(lines, "flowchart BT");
	for (int i = 0; i < graph->nrevisions; i++)
	{
		const Revision *revision = graph->revisions[i];

		lines = lappend(lines,
						psprintf("\tn%d[\"%s%s<br/>%s\"]", i,
								 escape(revision->id, in_label,
										lengthof(in_label)),
								 escape(labels_in_parentheses(revision),
										in_label, lengthof(in_label)),
								 escape(revision->message, in_label,
										lengthof(in_label))));
		heads[i] = revision->children == NIL;
	}
	for (int i = 0; i < graph->nrevisions; i++)
	{
		foreach(lc, graph->revisions[i]->down)
			lines = lappend(lines, psprintf("\tn%d --> n%d", lfirst_int(lc), i));
		foreach(lc, graph->revisions[i]->depends)
			lines = lappend(lines, psprintf("\tn%d -.-> n%d", lfirst_int(lc), i));
	}

	lines = lappend(lines, "\tclassDef applied fill:lightgrey");
	lines = lappend(lines, "\tclassDef current stroke-width:4px");
	lines = lappend(lines, "\tclassDef head stroke:black");
	lines = append_mermaid_class(lines, graph, "applied", picture->applied);
	lines = append_mermaid_class(lines, graph, "current", picture->current);
	return append_mermaid_class(lines, graph, "head", heads);
}

/*
 * Say which nodes are of a class.
 */
static List *
append_mermaid_class(List *lines, const Graph *graph,
					 const char *name, const bool *members)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < graph->nrevisions; i++)
	{
		if (members[i])
			appendStringInfo(&buf, "%sn%d", buf.len == 0 ? "" : ",", i);
	}
	if (buf.len > 0)
		lines = lappend(lines, psprintf("\tclass %s %s", buf.data, name));
	return lines;
}

/*
 * The branch labels that are written on a revision, as Alembic shows them:
 * " (one, two)", or nothing.
 */
static char *
labels_in_parentheses(const Revision *revision)
{
	return revision->labels == NIL ? "" :
		psprintf(" (%s)", textlist_join(revision->labels, ", "));
}

/*
 * Replace characters that mean something in a format, and control characters
 * by blanks, so that what is drawn stays on its line.
 */
static char *
escape(const char *string, const Replacement *replacements, int nreplacements)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; *string != '\0'; string++)
	{
		int			i = 0;

		while (i < nreplacements && replacements[i].character != *string)
			i++;
		if (i < nreplacements)
			appendStringInfoString(&buf, replacements[i].replacement);
		else if ((unsigned char) *string < ' ' || *string == '\177')
			appendStringInfoChar(&buf, ' ');
		else
			appendStringInfoChar(&buf, *string);
	}
	return buf.data;
}
