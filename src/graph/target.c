/*-------------------------------------------------------------------------
 *
 * target.c
 *	  Taking a target apart, and resolving what is not relative.
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
#include "utils/builtins.h"

static void parse_steps(Target *target, char *rest);
static void check_steps(Target *target, const char *rest);
static List *resolve_heads(const Graph *graph, const Target *target);
static List *resolve_below_heads(const Graph *graph, const Target *target);
static void report_multiple_heads(const Graph *graph, const Target *target,
								  List *heads) pg_attribute_noreturn();
static char *multiple_heads_hint(const Graph *graph, const Target *target,
								 List *heads);

/*
 * Take a target apart.  Raises an error for one that is NULL, empty or
 * malformed, or of a form that is not for this use; nothing is looked up.
 */
Target *
target_parse(const char *text, TargetUse use)
{
	Target	   *target = (Target *) palloc0(sizeof(Target));
	char	   *rest;
	char	   *at;

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target revision must not be null")));
	if (text[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target revision must not be empty"),
				 errhint("Name a revision, or 'head', 'heads' or 'base'.")));
	if (strchr(text, ':') != NULL &&
		(use == TARGET_UPGRADE || use == TARGET_DOWNGRADE || use == TARGET_STAMP))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("Range revision not allowed"),
				 errdetail("The database itself says where '%s' would start from.",
						   text),
				 hint_statement("SELECT * FROM %s(%s);",
								use == TARGET_UPGRADE ? "migrate_upgrade_sql" :
								use == TARGET_STAMP ? "migrate_stamp_sql" :
								"migrate_downgrade_sql",
								quote_literal_cstr(text))));

	target->text = text;

	target->use = use;
	rest = pstrdup(text);
	at = strchr(rest, '@');
	if (at != NULL)
	{
		*at = '\0';
		target->branch = rest;
		rest = at + 1;
		if (target->branch[0] == '\0' || rest[0] == '\0' || strchr(rest, '@'))
			identifier_report(text, "A target is a branch, '@' and a symbol, as in 'branch@head'.");
	}

	parse_steps(target, rest);
	if (target->relative)
		check_steps(target, rest);
	else
		target->symbol = rest;
	return target;
}

/*
 * Split "symbol+N" or "symbol-N".  The number goes to the end, and the symbol
 * may be anything but a sign, so dots are fine.
 */
static void
parse_steps(Target *target, char *rest)
{
	char	   *sign = strpbrk(rest, "+-");
	long		number;

	if (sign == NULL || sign[1] == '\0' ||
		sign[1 + strspn(sign + 1, "0123456789")] != '\0')
		return;

	/* beyond that, the walk fails anyway */
	errno = 0;
	number = strtol(sign + 1, NULL, 10);
	if (errno != 0 || number > PG_INT32_MAX)
		number = PG_INT32_MAX;

	target->relative = true;
	target->steps = *sign == '-' ? -(int) number : (int) number;
	target->steps_text = pstrdup(sign);
	if (sign > rest)
		target->symbol = pnstrdup(rest, sign - rest);

	/* "current" is where one is anyway */
	if ((target->use == TARGET_UPGRADE || target->use == TARGET_DOWNGRADE) &&
		target->symbol != NULL && strcmp(target->symbol, "current") == 0)
		target->symbol = NULL;
}

/*
 * Is a relative target of a form that is for this use?
 */
static void
check_steps(Target *target, const char *rest)
{
	switch (target->use)
	{
		case TARGET_UPGRADE:
		case TARGET_RANGE_END:
			if (target->symbol == NULL && target->steps <= 0)
				target_report_steps(target,
									target->use == TARGET_UPGRADE ?
									"An upgrade goes up from the current revision, as in '+1'." :
									"The end of a range is found going up from its start, as in '+1'.");
			break;
		case TARGET_DOWNGRADE:
			if (target->symbol == NULL && target->steps >= 0)
				target_report_steps(target,
									"A downgrade goes down from the current revision, as in '-1'.");
			break;
		default:
			if (target->symbol != NULL || target->steps >= 0)
				identifier_report(rest, "Relative to anything but the heads, as in '-1', only an upgrade, a downgrade and the end of a range can be.");
			break;
	}
}

/*
 * Does a target of an upgrade or downgrade say "where the database is"?
 */
bool
target_is_current(const Target *target)
{
	return target->branch == NULL && !target->relative &&
		strcmp(target->symbol, "current") == 0;
}

/*
 * The revisions that a target names, as a new list; NIL for base.  "-N" is N
 * below each head: that may lead to the same revision several times, and to
 * TARGET_BASE or TARGET_NOWHERE.  Other relative targets are for walk.c.
 */
List *
target_resolve(const Graph *graph, const Target *target)
{
	if (target->relative)
		return resolve_below_heads(graph, target);
	if (strcmp(target->symbol, "heads") == 0 ||
		strcmp(target->symbol, "head") == 0)
		return resolve_heads(graph, target);
	if (strcmp(target->symbol, "base") == 0)
	{
		if (target->branch != NULL)
			(void) identifier_find_branch(graph, target->branch);
		return NIL;
	}
	return list_make1_int(identifier_find(graph, target->symbol,
										  target->branch));
}

/*
 * The one revision that the symbol of a target names, or TARGET_BASE, which an
 * empty graph's head is as well.  Steps are left to the caller.
 */
int
target_resolve_one(const Graph *graph, const Target *target)
{
	Target		symbol = *target;
	List	   *revisions;

	symbol.relative = false;
	revisions = target_resolve(graph, &symbol);
	if (list_length(revisions) > 1)
		report_multiple_heads(graph, target, revisions);
	return revisions == NIL ? TARGET_BASE : linitial_int(revisions);
}

/*
 * Raise the error for a relative target that leads nowhere, with a reason.
 */
void
target_report_steps(const Target *target, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_INVALID_WALK),
			 errmsg("Relative revision %s didn't produce %s migrations",
					target->steps_text, target->steps_text + 1),
			 errdetail_internal("%s", detail),
			 hint_statement("SELECT * FROM migrate_history();")));
}

/*
 * 'head' and 'heads'.  Without a branch, 'heads' leaves out those that others
 * depend on, as they are reached by way of these.
 */
static List *
resolve_heads(const Graph *graph, const Target *target)
{
	bool		several = strcmp(target->symbol, "heads") == 0;
	List	   *heads = graph->heads;

	if (target->branch != NULL)
		heads = graph_filter(heads,
							 graph_lineage(graph,
										   identifier_find_branch(graph, target->branch),
										   false));
	else if (several)
		heads = graph->real_heads;

	if (list_length(heads) > 1 && !several)
		report_multiple_heads(graph, target, heads);
	return list_copy(heads);
}

/*
 * '-N' and 'branch@-N', which are N below each head (of the branch).
 */
static List *
resolve_below_heads(const Graph *graph, const Target *target)
{
	List	   *heads = graph->real_heads;
	List	   *result = NIL;
	ListCell   *lc;

	if (target->branch != NULL)
	{
		int			branch = identifier_find_branch(graph, target->branch);

		heads = graph_filter(heads,
							 graph_down_descendants(graph, list_make1_int(branch)));
	}
	foreach(lc, heads)
		result = lappend_int(result,
							 walk_from(graph, target, lfirst_int(lc), NULL, true));
	return result;
}

static void
report_multiple_heads(const Graph *graph, const Target *target, List *heads)
{
	const char *text = target->text;

	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_MULTIPLE_HEADS),
			 target->use == TARGET_STAMP ?
			 errmsg("Multiple heads are present; please specify a single target revision") :
			 target->use == TARGET_REVISION ?
			 errmsg("Multiple heads are present; please specify the head revision on which the new revision should be based, or perform a merge.") :
			 errmsg("Multiple head revisions are present for given argument '%s'; please specify a specific target revision, '<branchname>@%s' to narrow to a specific head, or 'heads' for all heads",
					text, text),
			 errdetail("The heads are: %s.", graph_names(graph, heads)),
			 hint_statement("%s", multiple_heads_hint(graph, target, heads))));
}

/*
 * A statement that says which of the heads is meant.
 */
static char *
multiple_heads_hint(const Graph *graph, const Target *target, List *heads)
{
	const char *one =
	quote_literal_cstr(graph->revisions[linitial_int(heads)]->id);
	const char *all = target->branch == NULL ? "'heads'" :
	quote_literal_cstr(psprintf("%s@heads", target->branch));

	switch (target->use)
	{
		case TARGET_UPGRADE:
			return psprintf("SELECT migrate_upgrade(%s);",
							target->relative ? one : all);
		case TARGET_DOWNGRADE:
			return psprintf("SELECT migrate_downgrade(%s);", one);
		case TARGET_STAMP:
			return psprintf("SELECT migrate_stamp(%s);", all);
		case TARGET_REVISION:
			return psprintf("To go on with one of them, give head => ARRAY[%s]; to join them: SELECT migrate_merge(ARRAY[%s]);",
							one, all);
		case TARGET_SHOW:
			return psprintf("SELECT * FROM migrate_show(%s);", all);
		default:
			return psprintf("SELECT * FROM migrate_history(%s);",
							quote_literal_cstr(psprintf(":%s",
														graph->revisions[linitial_int(heads)]->id)));
	}
}
