/*-------------------------------------------------------------------------
 *
 * history.c
 *	  Ranges of history: "a:b", "a:", ":b", with all that Alembic allows.
 *
 *		range := [start] ':' [end]
 *		start := symbol | branch '@' symbol | [branch '@'] '-' N | 'current'
 *		end	  := any target that an upgrade could have from the start
 *
 * A range holds both of its ends, and what is between them: ancestors of the
 * end, by down revision or dependency, that descend from the start by down
 * revision.  Without a start, all ancestors of the end are in it.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "error.h"
#include "plan.h"
#include "resolve.h"
#include "target.h"

/* A range taken apart */
typedef struct Range
{
	const char *text;
	const char *start_text;
	const char *end_text;
	bool		from_current;
	bool		to_current;
	Target	   *start;			/* NULL: base, or current */
	Target	   *end;			/* NULL: heads, or current */
} Range;

static Range *parse_range(const char *text, List *versions);
static List *range_ends(const Graph *graph, const Range *range, List *starts,
						List *versions);
static List *filter_by_label(const Graph *graph, const char *branch,
							 List *revisions);
static List *start_below_end(const Graph *graph, const Range *range,
							 List *ends);
static void report_not_in_line(const Range *range) pg_attribute_noreturn();

/*
 * The revisions of a range, newest first, as a new list; of all of history if
 * range is NULL.  versions are those of the database, for "current".
 *
 * Raises what resolving either end raises, and an error if the end does not
 * rest on the start.
 */
List *
history_range(const Graph *graph, const char *range, List *versions)
{
	Range	   *parsed = parse_range(range ? range : ":", versions);
	List	   *starts = NIL;
	List	   *ends;
	bool	   *set;
	ListCell   *lc;

	if (parsed->from_current)
		starts = versions;
	else if (parsed->start != NULL)
		starts = target_resolve(graph, parsed->start);
	ends = range_ends(graph, parsed, starts, versions);
	resolve_check_overlap(graph, ends, false);

	set = graph_ancestors(graph, ends);
	foreach(lc, starts)
	{
		if (lfirst_int(lc) == TARGET_BASE ||
			(lfirst_int(lc) >= 0 && !set[lfirst_int(lc)]))
			report_not_in_line(parsed);
	}
	if (starts != NIL && linitial_int(starts) == TARGET_NOWHERE)
		starts = start_below_end(graph, parsed, ends);
	else if (list_member_int(starts, TARGET_NOWHERE))
		target_report_steps(parsed->start,
							"Counted from one of the heads, that is no revision.");
	resolve_check_overlap(graph, starts, false);

	if (starts != NIL)
	{
		bool	   *below = graph_ancestors(graph, starts);
		bool	   *above = graph_down_descendants(graph, starts);

		foreach(lc, starts)
			set[lfirst_int(lc)] = true;
		for (int i = 0; i < graph->nrevisions; i++)
		{
			if (!above[i] || (below[i] && !list_member_int(starts, i)))
				set[i] = false;
		}
	}
	return graph_children_first(graph, set, ends, starts == NIL);
}

/*
 * Take a range apart.  Where nothing is applied, "current" is the same as
 * nothing: base as the start, heads as the end.
 */
static Range *
parse_range(const char *text, List *versions)
{
	Range	   *range = (Range *) palloc0(sizeof(Range));
	static const char *const blanks = " \t\r\n";
	char	   *copy = pstrdup(text +strspn(text, blanks));
	char	   *colon;

	for (int len = strlen(copy); len > 0 && strchr(blanks, copy[len - 1]);)
		copy[--len] = '\0';
	colon = strchr(copy, ':');
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("History range requires [start]:[end], [start]:, or :[end]"),
				 errdetail("The range given is '%s'.", text),
				 errhint("For one revision: SELECT * FROM migrate_show('...');")));
	*colon = '\0';

	range->text = text;

	range->start_text = copy;
	range->end_text = colon + 1;
	if (strcmp(range->start_text, "current") == 0)
		range->from_current = versions != NIL;
	else if (range->start_text[0] != '\0')
		range->start = target_parse(range->start_text, TARGET_RANGE_START);
	if (strcmp(range->end_text, "current") == 0)
		range->to_current = versions != NIL;
	else if (range->end_text[0] != '\0')
		range->end = target_parse(range->end_text, TARGET_RANGE_END);
	return range;
}

/*
 * The revisions that a range ends with.
 */
static List *
range_ends(const Graph *graph, const Range *range, List *starts,
		   List *versions)
{
	List	   *ends;

	if (range->to_current)
		ends = versions;
	else if (range->end == NULL)
		ends = graph->real_heads;
	else
	{
		if (range->end->relative && range->end->symbol == NULL &&
			(list_member_int(starts, TARGET_BASE) ||
			 list_member_int(starts, TARGET_NOWHERE)))
			target_report_steps(range->start,
								"Counted from one of the heads, that is no revision.");
		ends = walk_upgrade_target(graph, range->end, starts, false);
	}

	if (range->start != NULL && range->start->branch != NULL)
		ends = filter_by_label(graph, range->start->branch, ends);
	return ends;
}

/*
 * Where a range starts with "branch@...", it ends with revisions that carry
 * that label.  The id of a revision stands for the label it carries; anything
 * else, such as the start of an id, is carried by none.
 */
static List *
filter_by_label(const Graph *graph, const char *branch, List *revisions)
{
	Revision   *named =
	graph->revisions[identifier_find_branch(graph, branch)];
	List	   *result = NIL;
	ListCell   *lc;

	if (strcmp(named->id, branch) == 0)
	{
		if (list_length(named->branch_labels) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("revision \"%s\" does not stand for one branch",
							branch),
					 named->branch_labels == NIL ?
					 errdetail("It has no branch label.") :
					 errdetail("It has several branch labels."),
					 errhint("Name the branch by its label, or the range by its ends: SELECT * FROM migrate_history('%s:');",
							 branch)));
		branch = (const char *) linitial(named->branch_labels);
	}
	foreach(lc, revisions)
	{
		ListCell   *label;

		foreach(label, graph->revisions[lfirst_int(lc)]->branch_labels)
		{
			if (strcmp((const char *) lfirst(label), branch) == 0)
			{
				result = lappend_int(result, lfirst_int(lc));
				break;
			}
		}
	}
	return result;
}

/*
 * '-N' as a start is N below each head.  Where the first head has not as many
 * revisions below it, it is N below the end instead, or base.
 */
static List *
start_below_end(const Graph *graph, const Range *range, List *ends)
{
	bool		one_end = range->to_current ||
	(range->end != NULL && !range->end->relative &&
	 range->end->branch == NULL && list_length(ends) == 1 &&
	 strncmp(range->end->symbol, "head", 4) != 0);
	int			branch;
	int			start;

	if (!one_end)
		target_report_steps(range->start,
							"Counted from one of the heads, that is no revision.");
	start = walk_downgrade_target(graph, range->start, ends, false, &branch);
	return start == TARGET_BASE ? NIL : list_make1_int(start);
}

static void
report_not_in_line(const Range *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Requested range %s:%s does not refer to ancestor/descendant revisions along the same branch",
					range->start == NULL && !range->from_current ?
					"base" : range->start_text,
					range->end == NULL && !range->to_current ?
					"heads" : range->end_text),
			 errdetail("The end of a range has to rest on its start."),
			 errhint("SELECT * FROM migrate_history();")));
}
