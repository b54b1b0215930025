/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  In what two versions of a revision differ.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "author/author.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/textlist.h"

static char *normalize_blanks(const char *script);
static void compare_texts(List **differences, const char *what,
						  const char *old, const char *new);
static void compare_lists(List **differences, const char *what,
						  List *old, List *new);
static int	first_different_line(const char *old, const char *new);

/*
 * Return what differs, as a List of phrases (char *) for a message; empty if
 * the files are the same to the last byte.
 */
List *
compare_files(const RevisionFile *old, const RevisionFile *new)
{
	List	   *differences = NIL;

	compare_texts(&differences, "the upgrade script", old->upgrade, new->upgrade);
	compare_texts(&differences, "the downgrade script",
				  old->downgrade, new->downgrade);
	if (old->upgrade_transactional != new->upgrade_transactional ||
		old->downgrade_transactional != new->downgrade_transactional)
		differences = lappend(differences, "whether it runs in a transaction");
	compare_lists(&differences, "the down revisions",
				  old->down_ids, new->down_ids);
	compare_lists(&differences, "the dependencies",
				  old->depends_ids, new->depends_ids);
	compare_lists(&differences, "the branch labels", old->labels, new->labels);
	if (strcmp(old->message, new->message) != 0)
		differences = lappend(differences, "the message");
	if (strcmp(old->description, new->description) != 0)
		differences = lappend(differences, "the description");

	/* comments, blanks, dates: whatever else the texts hold */
	if (differences == NIL &&
		strcmp(revfile_text(old), revfile_text(new)) != 0)
		differences = lappend(differences, "the header");
	return differences;
}

/*
 * Do two files differ in nothing that was, or could be, run or shown: only in
 * line ends, in blanks at the end of a script, and in lines of the header that
 * say nothing about the revision?  Editors, mail and version control change
 * those of their own accord.
 */
bool
compare_ignoring_blanks(const RevisionFile *old, const RevisionFile *new)
{
	RevisionFile left = *old;
	RevisionFile right = *new;

	left.header = right.header = "";
	left.separator = right.separator = old->downgrade ? "" : NULL;
	left.upgrade = normalize_blanks(old->upgrade);
	right.upgrade = normalize_blanks(new->upgrade);
	left.downgrade = normalize_blanks(old->downgrade);
	right.downgrade = normalize_blanks(new->downgrade);
	return compare_files(&left, &right) == NIL;
}

/*
 * A script with plain line ends, and without blanks at its end; NULL stays
 * NULL.
 */
static char *
normalize_blanks(const char *script)
{
	char	   *result;
	char	   *to;

	if (script == NULL)
		return NULL;
	result = to = palloc(strlen(script) + 1);
	for (const char *from = script; *from; from++)
	{
		if (from[0] != '\r' || from[1] != '\n')
			*to++ = *from;
	}
	while (to > result && strchr(" \t\r\n", to[-1]) != NULL)
		to--;
	*to = '\0';
	return result;
}

/*
 * Refuse to replace an applied revision, naming what would change.
 */
void
compare_refuse_applied(const RevisionFile *old, const RevisionFile *new)
{
	List	   *differences = compare_files(old, new);

	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
			 errmsg("revision \"%s\" is applied and cannot be changed", new->id),
			 differences == NIL ?
			 errdetail("The scripts in the catalog are not those that were applied, and those of the file are the same as in the catalog.") :
			 errdetail("It would differ in %s.",
					   textlist_join(differences, ", ")),
			 hint_statement("Add a new revision that makes the change, or downgrade below this one first.  The text that was applied: SELECT script FROM migrate_export('%s:%s');",
							new->id, new->id)));
}

static void
compare_texts(List **differences, const char *what,
			  const char *old, const char *new)
{
	if (old == NULL && new == NULL)
		return;
	if (old == NULL)
		*differences = lappend(*differences, psprintf("%s (there is none yet)", what));
	else if (new == NULL)
		*differences = lappend(*differences, psprintf("%s (there would be none)", what));
	else if (strcmp(old, new) != 0)
		*differences = lappend(*differences,
							   psprintf("%s (first in line %d)", what,
										first_different_line(old, new)));
}

static void
compare_lists(List **differences, const char *what, List *old, List *new)
{
	if (!textlist_equal(old, new))
		*differences = lappend(*differences,
							   psprintf("%s (now %s, then %s)", what,
										old == NIL ? "none" : textlist_quote_join(old),
										new == NIL ? "none" : textlist_quote_join(new)));
}

/*
 * The first line, from 1, in which two texts differ.
 */
static int
first_different_line(const char *old, const char *new)
{
	int			line = 1;

	for (; *old == *new && *old != '\0'; old++, new++)
	{
		if (*old == '\n')
			line++;
	}
	return line;
}
