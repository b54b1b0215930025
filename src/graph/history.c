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

#include "base/compat.h"
#include "base/error.h"
#include "base/hint.h"
#include "graph/plan.h"
#include "graph/resolve.h"
#include "graph/target.h"

/* A range taken apart */
typedef struct Range
{
	const char *start_text;
	const char *end_text;
	bool		from_current;
	bool		to_current;
	Target	   *start;			/* NULL: base, or current */
	Target	   *end;			/* NULL: heads, or current */
} Range;

static Range *parse_range(const char *text, List *versions);
static List *range_starts(const Graph *graph, Range *range, List *versions);
static List *range_ends(const Graph *graph, const Range *range, List *starts,
						List *versions);
static bool end_follows_start(const Range *range);
static List *filter_by_label(const Graph *graph, const char *branch,
							 List *revisions);
static List *start_below_end(const Graph *graph, const Range *range,
							 List *ends);
static void report_not_in_line(const Range *range) pg_attribute_noreturn();

/*
 * The revisions of a range, newest first, as a new list; of all of history if
 * range is NULL.  versions are those of the database, for "current"; where
 * nothing is applied, that is base as a start and the heads as an end.
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

	/* if both are wrong, it is the end that is complained about */
	if (end_follows_start(parsed))
		starts = range_starts(graph, parsed, versions);
	ends = range_ends(graph, parsed, starts, versions);
	if (!end_follows_start(parsed))
		starts = range_starts(graph, parsed, versions);

	if (parsed->start != NULL && parsed->start->branch != NULL)
		ends = filter_by_label(graph, parsed->start->branch, ends);
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
		{
			set[lfirst_int(lc)] = true;
			below[lfirst_int(lc)] = false;
		}
		for (int i = 0; i < graph->nrevisions; i++)
			set[i] = set[i] && above[i] && !below[i];
	}
	return graph_children_first(graph, set, ends, starts == NIL);
}

/*
 * Take a range apart, but for its start, which range_starts() looks at.
 */
static Range *
parse_range(const char *text, List *versions)
{
	Range	   *range = (Range *) palloc0(sizeof(Range));
	static const char *const blanks = " \t\r\n";
	char	   *copy = pstrdup(text +strspn(text, blanks));
	int			length = strlen(copy);
	char	   *colon;

	while (length > 0 && strchr(blanks, copy[length - 1]) != NULL)
		copy[--length] = '\0';
	colon = strchr(copy, ':');
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("History range requires [start]:[end], [start]:, or :[end]"),
				 errdetail("The range given is '%s'.", text),
				 hint_statement("For one revision: SELECT * FROM migrate_show('...');")));
	*colon = '\0';

	range->start_text = copy;
	range->end_text = colon + 1;
	range->from_current = strcmp(range->start_text, "current") == 0;
	range->to_current = strcmp(range->end_text, "current") == 0;
	if (range->to_current && versions == NIL)
	{
		range->to_current = false;
		range->end_text = "";
	}
	if (!range->to_current && range->end_text[0] != '\0')
		range->end = target_parse(range->end_text, TARGET_RANGE_END);
	return range;
}

/*
 * The revisions that a range starts with; NIL for base.  '-N' may also lead to
 * TARGET_BASE or TARGET_NOWHERE.
 */
static List *
range_starts(const Graph *graph, Range *range, List *versions)
{
	if (range->from_current)
		return list_copy(versions);
	if (range->start_text[0] == '\0')
		return NIL;
	range->start = target_parse(range->start_text, TARGET_RANGE_START);
	return target_resolve(graph, range->start);
}

/*
 * The revisions that a range ends with.
 */
static List *
range_ends(const Graph *graph, const Range *range, List *starts,
		   List *versions)
{
	if (range->end == NULL)
		return list_copy(range->to_current ? versions : graph->real_heads);

	if (end_follows_start(range) &&
		range->start != NULL && range->start->relative)
	{
		if (range->end->branch == NULL)
			identifier_report(range->start_text,
							  "Only one end of a range can be relative without naming a revision or branch.");
		if (list_member_int(starts, TARGET_BASE) ||
			list_member_int(starts, TARGET_NOWHERE))
			target_report_steps(range->start,
								"Counted from one of the heads, that is no revision.");
	}
	return walk_upgrade_target(graph, range->end, starts, false);
}

/*
 * Is the end of a range '+N' or 'branch@+N', and so counted from its start?
 */
static bool
end_follows_start(const Range *range)
{
	return range->end != NULL && range->end->relative &&
		range->end->symbol == NULL;
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
					 hint_statement("Name the branch by its label, or the range by its ends: SELECT * FROM migrate_history('%s:');",
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
	int			branch;
	int			start;

	/* that needs an end which is no head by definition */
	if (range->end == NULL ? !range->to_current :
		(range->end->relative || range->end->branch != NULL ||
		 strcmp(range->end->symbol, "head") == 0 ||
		 strcmp(range->end->symbol, "heads") == 0))
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
					range->start_text[0] ? range->start_text : "base",
					range->end_text[0] ? range->end_text : "heads"),
			 errdetail("The end of a range has to rest on its start."),
			 hint_statement("SELECT * FROM migrate_history();")));
}

/*
 * Does one end of a range (or NULL) begin with the word "current", so that it
 * cannot be told without the version table?
 */
bool
history_uses_current(const char *range)
{
	const char *colon;

	if (range == NULL)
		return false;
	colon = strchr(range, ':');
	return strncmp(range + strspn(range, " \t\r\n"), "current", 7) == 0 ||
		(colon != NULL &&
		 strncmp(colon + 1 + strspn(colon + 1, " \t\r\n"), "current", 7) == 0);
}
