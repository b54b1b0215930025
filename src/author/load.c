/*-------------------------------------------------------------------------
 *
 * load.c
 *	  migrate_load(), migrate_load_files(), migrate_load_directory().
 *
 * The files of one call are a unit: the first error, in whichever file, takes
 * all of them back.  Their order does not matter, as parents are looked for
 * when all are there; it only becomes the load order, in which independent
 * revisions are run.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "author/author.h"
#include "author/directory.h"
#include "base/error.h"
#include "base/hint.h"
#include "base/sqlcall.h"
#include "base/textlist.h"
#include "deploy/donepart.h"
#include "revfile/checksum.h"
#include "script/script.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(migrate_load);
PG_FUNCTION_INFO_V1(migrate_load_files);
PG_FUNCTION_INFO_V1(migrate_load_directory);

/* An id or a label that a file brings */
typedef struct NewName
{
	const char *name;
	const RevisionFile *file;
	bool		is_id;
} NewName;

static List *load_files(const char *environment, List *files,
						const char *origin, const char *function);
static void check_names(List *files);
static NewName *new_names(List *files, int *nnames);
static void check_file(const State *state, const RevisionFile *file,
					   const NewName *names, int nnames);
static void check_parents(const State *state, const RevisionFile *file,
						  const NewName *names, int nnames);
static bool begins_an_id(const State *state, const char *prefix,
						 const NewName *names, int nnames);
static void check_graph(const Environment *environment,
						const NewName *names, int nnames);
static int	line_of_key(const RevisionFile *file, const char *key);
static void store_file(const State *state, const bool *applied,
					   const RevisionFile *file, const char *origin);
static void update_provenance(const State *state, StoredRevision *stored,
							  const RevisionFile *file, const char *origin);
static bool restores_applied(const State *state, const StoredRevision *stored,
							 const RevisionFile *file);
static int	compare_names(const void *a, const void *b);
static void file_context(void *arg);

/*
 * migrate_load(script, filename, origin, environment)
 */
Datum
migrate_load(PG_FUNCTION_ARGS)
{
	RevisionFile *file = revfile_parse(sqlcall_required_text(fcinfo, 0, "script"),
									   filename_given(sqlcall_text(fcinfo, 1)));
	List	   *ids = load_files(sqlcall_text(fcinfo, 3), list_make1(file),
								 sqlcall_text(fcinfo, 2), "migrate_load");

	PG_RETURN_TEXT_P(cstring_to_text(linitial(ids)));
}

/*
 * migrate_load_files(scripts, filenames, origin, environment)
 */
Datum
migrate_load_files(PG_FUNCTION_ARGS)
{
	List	   *scripts = sqlcall_text_list(fcinfo, 0, "scripts");
	List	   *filenames = sqlcall_text_list(fcinfo, 1, "filenames");
	List	   *files = NIL;

	if (filenames != NIL && list_length(filenames) != list_length(scripts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d scripts, but %d file names",
						list_length(scripts), list_length(filenames))));

	for (int i = 0; i < list_length(scripts); i++)
		files = lappend(files,
						revfile_parse(list_nth(scripts, i),
									  filenames ? filename_given(list_nth(filenames, i)) : NULL));
	return sqlcall_return_texts(fcinfo,
								load_files(sqlcall_text(fcinfo, 3), files,
										   sqlcall_text(fcinfo, 2),
										   "migrate_load_files"));
}

/*
 * migrate_load_directory(path, origin, environment)
 */
Datum
migrate_load_directory(PG_FUNCTION_ARGS)
{
	char	   *path = sqlcall_required_text(fcinfo, 0, "path");
	List	   *filenames = directory_sql_files(path);
	List	   *files = NIL;
	ListCell   *lc;

	foreach(lc, filenames)
		files = lappend(files,
						revfile_parse(directory_read_file(path, lfirst(lc)),
									  lfirst(lc)));
	return sqlcall_return_texts(fcinfo,
								load_files(sqlcall_text(fcinfo, 2), files,
										   sqlcall_text(fcinfo, 1),
										   "migrate_load_directory"));
}

/*
 * Load revision files and return their ids (char *), in the order given.
 */
static List *
load_files(const char *environment, List *files, const char *origin,
		   const char *function)
{
	State	   *state = state_begin_write(environment, function);
	bool	   *applied = graph_ancestors(state->graph, state->versions);
	List	   *ids = NIL;
	NewName    *names;
	int			nnames;
	MemoryContext file_memory;
	MemoryContext caller;
	ErrorContextCallback callback;
	ListCell   *lc;

	if (origin != NULL)
		state_refuse_environment_as(state, "origin", origin);
	check_names(files);
	names = new_names(files, &nnames);
	file_memory = AllocSetContextCreate(CurrentMemoryContext,
										"load_files per-file context",
										ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(file_memory);
	callback.callback = file_context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	foreach(lc, files)
	{
		RevisionFile *file = lfirst(lc);

		callback.arg = file;
		check_file(state, file, names, nnames);
		store_file(state, applied, file, origin);
		MemoryContextReset(file_memory);
	}
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(file_memory);

	check_graph(state->environment, names, nnames);

	foreach(lc, files)
		ids = lappend(ids, ((RevisionFile *) lfirst(lc))->id);
	return ids;
}

/*
 * Raise an error, naming the file, for an id or a label that is illegal.
 */
static void
check_names(List *files)
{
	ErrorContextCallback callback;
	ListCell   *lc;
	ListCell   *label;

	callback.callback = file_context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	foreach(lc, files)
	{
		RevisionFile *file = lfirst(lc);

		callback.arg = file;
		graph_check_identifier("revision identifier", file->id);
		foreach(label, file->labels)
			graph_check_identifier("branch label", lfirst(label));
	}
	error_context_stack = callback.previous;
}

/*
 * All ids and labels that the files bring, sorted; an id that two of the
 * files bring is an error.
 */
static NewName *
new_names(List *files, int *nnames)
{
	NewName    *names;
	int			n = 0;
	ListCell   *lc;
	ListCell   *label;

	foreach(lc, files)
		n += 1 + list_length(((RevisionFile *) lfirst(lc))->labels);
	names = palloc(sizeof(NewName) * (n + 1));

	n = 0;
	foreach(lc, files)
	{
		const RevisionFile *file = lfirst(lc);

		names[n++] = (NewName)
		{
			file->id, file, true
		};
		foreach(label, file->labels)
			names[n++] = (NewName)
		{
			lfirst(label), file, false
		};
	}
	qsort(names, n, sizeof(NewName), compare_names);

	for (int i = 1; i < n; i++)
	{
		if (names[i].is_id && names[i - 1].is_id &&
			strcmp(names[i].name, names[i - 1].name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("revision \"%s\" is present more than once",
							names[i].name),
					 names[i].file->filename && names[i - 1].file->filename ?
					 errdetail("It is in file \"%s\" and in file \"%s\".",
							   names[i - 1].file->filename,
							   names[i].file->filename) : 0));
	}
	*nnames = n;
	return names;
}

/*
 * Check whatever can be said of a single file, so that the error can name it:
 * its scripts, and whether its parents are there.
 */
static void
check_file(const State *state, const RevisionFile *file,
		   const NewName *names, int nnames)
{
	author_check_scripts(file, true);
	check_parents(state, file, names, nnames);
	if (file->down_ids == NIL && line_of_key(file, "Revises") == 0 &&
		state->graph->nrevisions > 0 && graph_find(state->graph, file->id) < 0)
		ereport(WARNING,
				(errmsg("revision \"%s\" begins a new branch", file->id),
				 errdetail("Its file has no line \"Revises\"."),
				 errhint("If that is meant, say so with an empty one: -- Revises:")));
}

/*
 * Raise an error if a revision that the file names is neither in the graph
 * nor in another of the files.
 */
static void
check_parents(const State *state, const RevisionFile *file,
			  const NewName *names, int nnames)
{
	List	   *parents = list_concat_copy(file->down_ids, file->depends_ids);
	int			ndown = list_length(file->down_ids);

	for (int i = 0; i < list_length(parents); i++)
	{
		NewName		key = {list_nth(parents, i), NULL, true};
		const NewName *found = bsearch(&key, names, nnames, sizeof(NewName),
									   compare_names);
		const char *header_key = i < ndown ? "Revises" : "Depends On";

		/* what is almost right gets a better error from the graph */
		if (found != NULL || graph_find(state->graph, key.name) >= 0 ||
			graph_find_label(state->graph, key.name) >= 0 ||
			begins_an_id(state, key.name, names, nnames))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("Revision %s referenced from %s is not present",
						key.name, file->id),
				 errdetail("Line %d of the file names it under \"%s\", but it is neither loaded nor among the files of this load.",
						   line_of_key(file, header_key), header_key),
				 errhint("Load the file of revision \"%s\" first, or all files in one call of migrate_load_directory() or migrate_load_files().",
						 key.name)));
	}
}

/*
 * Is this the beginning of an id, which somebody may have meant?
 */
static bool
begins_an_id(const State *state, const char *prefix,
			 const NewName *names, int nnames)
{
	size_t		length = strlen(prefix);

	for (int i = 0; i < state->graph->nrevisions; i++)
	{
		if (strncmp(state->graph->revisions[i]->id, prefix, length) == 0)
			return true;
	}
	for (int i = 0; i < nnames; i++)
	{
		if (names[i].is_id && strncmp(names[i].name, prefix, length) == 0)
			return true;
	}
	return false;
}

/*
 * Check what concerns several revisions, such as cycles and labels used
 * twice, by building the graph of all that is stored now.
 */
static void
check_graph(const Environment *environment, const NewName *names, int nnames)
{
	List	   *revisions = catalog_revisions(environment);
	ListCell   *lc;

	foreach(lc, revisions)
	{
		Revision   *revision = lfirst(lc);
		NewName		key = {revision->id, NULL, true};
		const NewName *found = bsearch(&key, names, nnames, sizeof(NewName),
									   compare_names);

		if (found != NULL)
			revision->filename = found->file->filename;
	}
	(void) graph_build(revisions);
}

/*
 * The line of the file, from 1, that holds a header key; 0 if none does.
 */
static int
line_of_key(const RevisionFile *file, const char *key)
{
	const char *line = file->header;
	int			number = 1;

	while (line != NULL && *line != '\0')
	{
		const char *text = line + strspn(line, "- \t");

		if (pg_strncasecmp(text, key, strlen(key)) == 0)
			return number;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
		number++;
	}
	return 0;
}

/*
 * Write one file into the catalog: a new revision, the same one again, which
 * is nothing to do, or another text of one that is not applied.
 */
static void
store_file(const State *state, const bool *applied,
		   const RevisionFile *file, const char *origin)
{
	int			index = graph_find(state->graph, file->id);
	Revision   *revision;
	StoredRevision *stored;

	if (index < 0)
	{
		author_insert(state, file, origin);
		return;
	}

	revision = state->graph->revisions[index];
	stored = catalog_fetch(state->environment, file->id);
	stored->file.down_ids = revision->down_ids;
	stored->file.depends_ids = revision->depends_ids;

	if (origin != NULL && stored->origin != NULL &&
		strcmp(origin, stored->origin) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("revision \"%s\" already exists", file->id),
				 errdetail("It is there with origin \"%s\"; this load has origin \"%s\".",
						   stored->origin, origin)));

	if (compare_files(&stored->file, file) == NIL &&
		strcmp(stored->checksum, stored->loaded_checksum) == 0)
	{
		update_provenance(state, stored, file, origin);
		return;
	}
	if (applied[index] && !restores_applied(state, stored, file) &&
		compare_ignoring_blanks(&stored->file, file))
	{
		ereport(NOTICE,
				(errmsg_internal("revision \"%s\" is applied and stays as it is: its file differs only in blanks or comments",
								 file->id)));
		return;
	}
	if (applied[index] && !restores_applied(state, stored, file))
		compare_refuse_applied(&stored->file, file);

	if (origin != NULL)
		stored->origin = unconstify(char *, origin);
	if (applied[index])
	{
		/* only the scripts were wrong */
		stored->file.upgrade = file->upgrade;
		stored->file.separator = file->separator;
		stored->file.downgrade = file->downgrade;
	}
	else
	{
		char	   *filename = stored->file.filename;

		donepart_check_file(state->environment, file);
		stored->file = *file;
		if (file->filename == NULL)
			stored->file.filename = filename;
	}
	catalog_update(state->environment, stored);
}

/*
 * The same text again may still bring an origin or another file name.
 */
static void
update_provenance(const State *state, StoredRevision *stored,
				  const RevisionFile *file, const char *origin)
{
	bool		new_origin = origin != NULL && stored->origin == NULL;
	bool		new_filename = file->filename != NULL &&
	strcmp(file->filename, stored->file.filename) != 0;

	if (!new_origin && !new_filename)
		return;
	if (new_origin)
		stored->origin = unconstify(char *, origin);
	if (new_filename)
		stored->file.filename = file->filename;
	catalog_update(state->environment, stored);
}

/*
 * Does the file bring back what was applied, after the stored scripts were
 * changed behind our back?
 */
static bool
restores_applied(const State *state, const StoredRevision *stored,
				 const RevisionFile *file)
{
	char	   *applied = catalog_applied_checksum(state->environment, file->id);
	char	   *brought = checksum_scripts(file->upgrade, file->downgrade);

	if (applied == NULL)
		applied = stored->loaded_checksum;
	return strcmp(stored->checksum, brought) != 0 &&
		strcmp(applied, brought) == 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const NewName *) a)->name, ((const NewName *) b)->name);
}

/*
 * Name the file in an error about it.
 */
static void
file_context(void *arg)
{
	const RevisionFile *file = arg;

	if (file->filename != NULL)
		errcontext("file \"%s\"", file->filename);
}
