/*-------------------------------------------------------------------------
 *
 * author.c
 *	  migrate_revision(), migrate_merge(), migrate_edit(), migrate_remove():
 *	  writing revisions one at a time.
 *
 * All of them hold the run lock: a revision is not replaced while a run that
 * has not committed yet applies it.  The graph is built anew from the catalog
 * after each change, so that whatever is wrong with it is an error there and
 * then, which takes the change back.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "author/author.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "base/textlist.h"
#include "deploy/donepart.h"
#include "graph/resolve.h"
#include "lib/stringinfo.h"
#include "run/precheck.h"
#include "script/script.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(migrate_revision);
PG_FUNCTION_INFO_V1(migrate_merge);
PG_FUNCTION_INFO_V1(migrate_edit);
PG_FUNCTION_INFO_V1(migrate_remove);

static void check_script(const RevisionFile *file, const char *script,
						 int lines_before, Direction direction);
static int	count_lines(const char *string);
static RevisionFile *begin_revision(const State *state, List *symbols,
									bool splice, char *label);
static Datum add_revision(const State *state, RevisionFile *file,
						  const char *origin);
static char *new_revision_id(const State *state, TimestampTz date);
static int	find_unapplied(const State *state, const char *symbol,
						   const char *verb);
static char *merge_message(List *ids);

/*
 * migrate_revision(message, upgrade, downgrade, head, splice, branch_label,
 *					depends_on, rev_id, origin, description, transactional,
 *					create_date, author, environment)
 */
Datum
migrate_revision(PG_FUNCTION_ARGS)
{
	State	   *state = state_begin_write(sqlcall_text(fcinfo, 13),
										  "migrate_revision");
	List	   *heads = sqlcall_text_list(fcinfo, 3, "head");
	RevisionFile *file;
	ListCell   *lc;

	file = begin_revision(state, heads == NIL ? list_make1("head") : heads,
						  sqlcall_bool(fcinfo, 4, false),
						  sqlcall_text(fcinfo, 5));
	file->message = sqlcall_text(fcinfo, 0);
	file->upgrade = PG_ARGISNULL(1) ? "" : sqlcall_text(fcinfo, 1);
	file->downgrade = sqlcall_text(fcinfo, 2);
	foreach(lc, sqlcall_text_list(fcinfo, 6, "depends_on"))
		file->depends_ids = lappend(file->depends_ids,
									resolve_dependency(state->graph, lfirst(lc)));
	file->id = sqlcall_text(fcinfo, 7);
	file->description = sqlcall_text(fcinfo, 9);
	file->upgrade_transactional = sqlcall_bool(fcinfo, 10, true);
	file->downgrade_transactional = file->upgrade_transactional;
	if (!PG_ARGISNULL(11))
		file->create_date = PG_GETARG_TIMESTAMPTZ(11);
	file->author = sqlcall_text(fcinfo, 12);

	return add_revision(state, file, sqlcall_text(fcinfo, 8));
}

/*
 * migrate_merge(revisions, message, branch_label, rev_id, splice, origin,
 *				 create_date, author, environment)
 */
Datum
migrate_merge(PG_FUNCTION_ARGS)
{
	State	   *state = state_begin_write(sqlcall_text(fcinfo, 8),
										  "migrate_merge");
	List	   *revisions = sqlcall_text_list(fcinfo, 0, "revisions");
	RevisionFile *file;

	if (revisions == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"revisions\" must name at least one revision"),
				 hint_statement("To merge all heads: SELECT migrate_merge('{heads}');")));

	file = begin_revision(state, revisions, sqlcall_bool(fcinfo, 4, false),
						  sqlcall_text(fcinfo, 2));
	file->message = PG_ARGISNULL(1) ? merge_message(file->down_ids) :
		sqlcall_text(fcinfo, 1);
	file->upgrade = "";
	file->downgrade = "";
	file->id = sqlcall_text(fcinfo, 3);
	if (!PG_ARGISNULL(6))
		file->create_date = PG_GETARG_TIMESTAMPTZ(6);
	file->author = sqlcall_text(fcinfo, 7);

	return add_revision(state, file, sqlcall_text(fcinfo, 5));
}

/*
 * migrate_edit(revision, upgrade, downgrade, message, description, environment)
 *
 * The file is composed anew only if its message or description changes;
 * otherwise its header stays byte for byte as it was.
 */
Datum
migrate_edit(PG_FUNCTION_ARGS)
{
	char	   *symbol = sqlcall_required_text(fcinfo, 0, "revision");
	State	   *state = state_begin_write(sqlcall_text(fcinfo, 5),
										  "migrate_edit");
	int			index = find_unapplied(state, symbol, "edited");
	Revision   *revision = state->graph->revisions[index];
	StoredRevision *stored = catalog_fetch(state->environment, revision->id);
	RevisionFile *file = &stored->file;
	char	   *filename = file->filename;
	char	   *header;

	file->down_ids = revision->down_ids;
	file->depends_ids = revision->depends_ids;
	if (!PG_ARGISNULL(1))
		file->upgrade = sqlcall_text(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		file->downgrade = sqlcall_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
		file->message = sqlcall_text(fcinfo, 3);
	if (!PG_ARGISNULL(4))
		file->description = sqlcall_text(fcinfo, 4);

	header = file->header;
	revfile_compose(file, state->environment->timezone);
	if (PG_ARGISNULL(3) && PG_ARGISNULL(4))
		file->header = header;

	/* what is stored is what a load of the text would store */
	stored->file = *revfile_parse(revfile_text(file), filename);
	author_check_scripts(&stored->file, false);
	donepart_check_file(state->environment, &stored->file);
	catalog_update(state->environment, stored);
	(void) catalog_graph(state->environment);
	PG_RETURN_TEXT_P(cstring_to_text(revision->id));
}

/*
 * migrate_remove(revision, environment)
 */
Datum
migrate_remove(PG_FUNCTION_ARGS)
{
	char	   *symbol = sqlcall_required_text(fcinfo, 0, "revision");
	State	   *state = state_begin_write(sqlcall_text(fcinfo, 1),
										  "migrate_remove");
	int			index = find_unapplied(state, symbol, "removed");
	Revision   *revision = state->graph->revisions[index];
	List	   *based_on_it = list_union_int(revision->children,
											 revision->dependents);

	if (based_on_it != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("revision \"%s\" cannot be removed", revision->id),
				 errdetail("Other revisions revise it or depend on it: %s.",
						   textlist_quote_join(state_ids_in_load_order(state,
																	   based_on_it))),
				 errhint("Remove those first, newest first.")));
	precheck_not_half_done(state, revision->id, "removed");

	catalog_delete(state->environment, revision->id);
	PG_RETURN_TEXT_P(cstring_to_text(revision->id));
}

/*
 * Raise an error if a script of a revision file does not parse, or holds what
 * can never be run; the earlier somebody hears of it, the better.
 *
 * "from_file" says that the lines in errors are to be those of the file, not
 * those of the script.
 */
void
author_check_scripts(const RevisionFile *file, bool from_file)
{
	int			upgrade_line = from_file ? count_lines(file->header) : 0;
	int			downgrade_line;

	check_script(file, file->upgrade, upgrade_line, DIRECTION_UPGRADE);
	if (file->downgrade == NULL)
		return;

	downgrade_line = from_file ? upgrade_line + count_lines(file->upgrade) +
		count_lines(file->separator) : 0;
	check_script(file, file->downgrade, downgrade_line, DIRECTION_DOWNGRADE);
}

/*
 * Check one script, counting so many lines before it.
 */
static void
check_script(const RevisionFile *file, const char *script, int lines_before,
			 Direction direction)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoSpaces(&buf, lines_before);
	memset(buf.data, '\n', lines_before);
	appendStringInfoString(&buf, script);
	script_refuse_unrunnable(script_parse(buf.data, file->id, direction));
}

static int
count_lines(const char *string)
{
	int			lines = 0;

	for (; *string; string++)
		lines += *string == '\n';
	return lines;
}

/*
 * Write a revision that is not in the catalog yet; one without a file name
 * gets that of the environment's template.
 */
void
author_insert(const State *state, const RevisionFile *file, const char *origin)
{
	Environment *environment = state->environment;
	StoredRevision stored = {*file};

	stored.origin = unconstify(char *, origin);
	if (file->filename == NULL)
		stored.file.filename =
			filename_from_template(environment->file_template, file->id,
								   file->message,
								   environment->truncate_slug_length,
								   file->has_create_date ? file->create_date :
								   GetCurrentTransactionStartTimestamp(),
								   environment->timezone);
	catalog_insert(environment, &stored);
}

/*
 * Begin a new revision, based on the heads that the symbols name: it runs in
 * a transaction and is dated now.
 */
static RevisionFile *
begin_revision(const State *state, List *symbols, bool splice, char *label)
{
	RevisionFile *file = palloc0(sizeof(RevisionFile));

	file->down_ids = state_ids(state,
							   resolve_new_heads(state->graph, symbols, splice));
	if (label != NULL)
		file->labels = list_make1(label);
	file->upgrade_transactional = true;
	file->downgrade_transactional = true;
	file->has_create_date = true;
	file->create_date = GetCurrentTransactionStartTimestamp();
	return file;
}

/*
 * Complete a new revision, write it, and return its id.
 */
static Datum
add_revision(const State *state, RevisionFile *file, const char *origin)
{
	const Environment *environment = state->environment;
	RevisionFile *parsed;

	if (file->id == NULL)
		file->id = new_revision_id(state, file->create_date);
	graph_check_identifier("revision identifier", file->id);
	if (graph_find(state->graph, file->id) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("revision \"%s\" already exists", file->id),
				 hint_statement("Leave rev_id out to have an id made, or change the one that is there with migrate_edit().")));

	revfile_compose(file, environment->timezone);
	/* what is stored is what a load of the text would store */
	parsed = revfile_parse(revfile_text(file), NULL);
	author_check_scripts(parsed, false);
	author_insert(state, parsed, origin);
	(void) catalog_graph(environment);
	PG_RETURN_TEXT_P(cstring_to_text(parsed->id));
}

/*
 * Make an id in the style of the environment that is not in use.
 */
static char *
new_revision_id(const State *state, TimestampTz date)
{
	char	   *id = NULL;
	List	   *ids = NIL;

	switch (state->environment->id_style)
	{
		case ID_STYLE_RANDOM:
			do
			{
				id = revid_random();
			} while (graph_find(state->graph, id) >= 0);
			break;
		case ID_STYLE_TIMESTAMP:
			/* the next free second, if another was made in the same one */
			do
			{
				id = revid_timestamp(date, state->environment->timezone);
				date += USECS_PER_SEC;
			} while (graph_find(state->graph, id) >= 0);
			break;
		case ID_STYLE_SEQUENCE:
			for (int i = 0; i < state->graph->nrevisions; i++)
				ids = lappend(ids, state->graph->revisions[i]->id);
			id = revid_sequence(ids);
			break;
	}
	return id;
}

/*
 * Find the one revision that is to be edited or removed, and refuse it if it
 * is applied.
 */
static int
find_unapplied(const State *state, const char *symbol, const char *verb)
{
	List	   *found = resolve_symbol_or_current(state->graph, symbol,
												  state->versions);
	Revision   *revision;

	if (list_length(found) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not one revision", symbol),
				 found == NIL ? errdetail("It stands for none.") :
				 errdetail("It stands for %s.",
						   textlist_quote_join(state_ids_in_load_order(state, found)))));

	revision = state->graph->revisions[linitial_int(found)];
	if (graph_ancestors(state->graph, state->versions)[revision->index])
		ereport(ERROR,
				(errcode(ERRCODE_MIGRATE_REVISION_CHANGED),
				 errmsg("revision \"%s\" is applied and cannot be %s",
						revision->id, verb),
				 errhint("Add a new revision that makes the change, or downgrade below this one first.")));
	return revision->index;
}

/*
 * What a merge is called if nobody gives it a name.
 */
static char *
merge_message(List *ids)
{
	return psprintf("merge %s", textlist_join(ids, " and "));
}
