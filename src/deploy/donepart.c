/*-------------------------------------------------------------------------
 *
 * donepart.c
 *	  The part of a script that a deploy has done.
 *
 * Of each statement that is done a hash of its text is kept.  A script may be
 * changed behind that part and nowhere else: nobody could tell what state the
 * database is in.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "batch/batch.h"
#include "deploy/donepart.h"
#include "graph/direction.h"
#include "revfile/checksum.h"

static void check_walk(const Script *script, const Progress *progress);

/*
 * SHA-256 of a statement's text, in hexadecimal, in the current memory
 * context.
 */
char *
donepart_hash(const Script *script, const ScriptStatement *statement)
{
	char	   *text = pnstrdup(&script->text[statement->offset],
								statement->length);
	char	   *hash = checksum_scripts(text, NULL);

	pfree(text);
	return hash;
}

/*
 * Raise an error if a statement that is done is not what the script has now.
 */
void
donepart_check(const Script *script, const Progress *progress)
{
	int			number = 0;
	ListCell   *lc;

	foreach(lc, progress->hashes)
	{
		const ScriptStatement *statement = NULL;

		if (number < list_length(script->statements))
			statement = list_nth(script->statements, number);
		number++;
		if (statement != NULL &&
			strcmp(donepart_hash(script, statement), lfirst(lc)) == 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
				 errmsg("revision \"%s\" was changed in the part that an earlier deploy has done",
						script->revision),
				 statement == NULL ?
				 errdetail("Statement %d of the %s script is done, and is no longer there.",
						   number, direction_name(script->direction)) :
				 errdetail("Statement %d at line %d of the %s script is done, and is another one now.",
						   number, statement->line,
						   direction_name(script->direction)),
				 errhint("Put what is done back as it was, and change only what follows statement %d.",
						 list_length(progress->hashes))));
	}
	check_walk(script, progress);
}

/*
 * Raise an error if a statement that is half done in batches is no longer the
 * next one: its place in the table would be lost.
 */
static void
check_walk(const Script *script, const Progress *progress)
{
	int			done = list_length(progress->hashes);

	if (progress->cursor == NIL ||
		(done < list_length(script->statements) &&
		 batch_is_marked(script, list_nth(script->statements, done))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
			 errmsg("revision \"%s\" was changed in the part that an earlier deploy has done",
					script->revision),
			 errdetail("Statement %d of the %s script was half done in batches, and is none that runs in batches now.",
					   done + 1, direction_name(script->direction)),
			 errhint("Put it back in its place.  It may be mended, if it walks along the same key of the same table.")));
}

/*
 * Is a statement that is half done in batches another one than that which has
 * run the last batch?  The script has to have passed donepart_check().
 */
bool
donepart_walk_changed(const Script *script, const Progress *progress)
{
	int			done = list_length(progress->hashes);

	return progress->cursor != NIL && progress->batch_hash != NULL &&
		strcmp(donepart_hash(script, list_nth(script->statements, done)),
			   progress->batch_hash) != 0;
}

/*
 * Raise an error if a revision file has another text for what a deploy has
 * done of the revision.  The text that is stored is the only one that tells.
 */
void
donepart_check_file(const Environment *environment, const RevisionFile *file)
{
	ListCell   *lc;

	foreach(lc, catalog_progress(environment))
	{
		const Progress *progress = lfirst(lc);
		const char *text = progress->direction == DIRECTION_UPGRADE ?
		file->upgrade : file->downgrade;

		if (strcmp(progress->revision, file->id) == 0)
			donepart_check(script_parse(text ? text : "", file->id,
										progress->direction),
						   progress);
	}
}
