/*-------------------------------------------------------------------------
 *
 * directory.c
 *	  Reading revision files from the server's disk.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>

#include "author/directory.h"
#include "base/hint.h"
#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/memutils.h"

static void file_context(void *arg);
static int	compare_names(const ListCell *a, const ListCell *b);

/*
 * Return the names (char *) of the files *.sql in a directory, sorted by
 * their bytes.
 *
 * The caller of the SQL function needs the rights of pg_read_server_files.  A
 * relative path starts at the data directory.  Raises an error also if the
 * directory holds no such file: more likely than an empty project is a wrong
 * path.
 */
List *
directory_sql_files(const char *path)
{
	List	   *names = NIL;
	DIR		   *dir;
	struct dirent *entry;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the server's files"),
				 errdetail("Only roles with the privileges of the role \"%s\" may load a directory.",
						   "pg_read_server_files"),
				 hint_statement("Send the files' texts with migrate_load() or migrate_load_files(), which need no right on the server's files.")));

	dir = AllocateDir(path);
	if (dir == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open directory \"%s\": %m", path),
				 errhint("The path is one on the server's disk.  From the client, send the files' texts with migrate_load_files().")));
	while ((entry = ReadDir(dir, path)) != NULL)
	{
		size_t		length = strlen(entry->d_name);
		struct stat status;

		if (entry->d_name[0] == '.' || length <= 4 ||
			strcmp(entry->d_name + length - 4, ".sql") != 0)
			continue;
		if (stat(psprintf("%s/%s", path, entry->d_name), &status) == 0 &&
			S_ISREG(status.st_mode))
			names = lappend(names, pstrdup(entry->d_name));
	}
	FreeDir(dir);

	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("no revision files in directory \"%s\"", path),
				 errdetail("None of its files is named *.sql."),
				 errhint("The path is one on the server's disk.")));
	list_sort(names, compare_names);
	return names;
}

/*
 * Return the text of a file of the directory, in the database's encoding.
 *
 * The file is UTF-8; text that is not raises the server's own error.
 */
char *
directory_read_file(const char *path, const char *filename)
{
	char	   *name = psprintf("%s/%s", path, filename);
	FILE	   *stream = AllocateFile(name, PG_BINARY_R);
	struct stat status;
	char	   *bytes;
	char	   *result;
	size_t		length;
	ErrorContextCallback callback;

	if (stream == NULL || fstat(fileno(stream), &status) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", name)));
	if (status.st_size >= MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("file \"%s\" is too large", name)));

	bytes = palloc(status.st_size + 1);
	length = fread(bytes, 1, status.st_size, stream);
	if (ferror(stream))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", name)));
	FreeFile(stream);
	bytes[length] = '\0';

	/* a zero byte would silently end the text */
	if (strlen(bytes) != length)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("file \"%s\" holds a zero byte", name)));

	callback.callback = file_context;
	callback.arg = unconstify(char *, filename);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	result = pg_any_to_server(bytes, length, PG_UTF8);
	error_context_stack = callback.previous;
	return result;
}

/*
 * Name the file in an error about its bytes.
 */
static void
file_context(void *arg)
{
	errcontext("file \"%s\"", (char *) arg);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp((char *) lfirst(a), (char *) lfirst(b));
}
