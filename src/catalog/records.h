/*-------------------------------------------------------------------------
 *
 * records.h
 *	  The extension's own tables.
 *
 * They are read and written as their owner, with a search path that holds
 * nothing but pg_catalog; no statement of the user's ever runs in between.
 * Whether the caller may do what it asks for is decided before, by the right
 * to execute the SQL function that leads here.
 *
 * All results are allocated in the memory context that is current when the
 * function is called.  Statements are prepared once for each backend: they
 * run once for each step, where planning them would cost more than a small
 * revision does.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CATALOG_RECORDS_H
#define MIGRATE_CATALOG_RECORDS_H

#include "access/tupdesc.h"
#include "graph/graph.h"
#include "revfile/revfile.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

typedef enum IdStyle
{
	ID_STYLE_RANDOM,
	ID_STYLE_TIMESTAMP,
	ID_STYLE_SEQUENCE
} IdStyle;

/* A row of migrate.environment */
typedef struct Environment
{
	char	   *name;
	bool		exists;			/* false: "default" before its first use */
	char	   *version_table_schema;
	char	   *version_table;
	char	   *search_path;	/* or NULL: that of the session */
	IdStyle		id_style;
	char	   *file_template;
	int			truncate_slug_length;
	char	   *timezone;
} Environment;

/* A row of migrate.revision, with its scripts */
typedef struct StoredRevision
{
	RevisionFile file;
	char	   *origin;			/* or NULL */
	char	   *checksum;		/* of the scripts as they are now */
	char	   *loaded_checksum;	/* of the scripts as they were loaded */
} StoredRevision;

/* columns of the log, all of which catalog_read_log() returns */
#define CATALOG_LOG_NCOLUMNS 24

/* How a step failed, for migrate.log */
typedef struct LogFailure
{
	int			statement;		/* the one that failed, from 1, or 0 */
	int			line;			/* or 0 */
	const char *sqlstate;
	const char *message;
	const char *detail;			/* or NULL */
} LogFailure;

/* What a step leaves in migrate.log */
typedef struct LogEntry
{
	const char *revision;		/* NULL: stamp to base */
	Direction	direction;
	List	   *versions_before;	/* char * */
	List	   *versions_after; /* char * */
	TimestampTz started_at;
	TimestampTz ended_at;
	int			statements;
	const char *checksum;		/* or NULL */
	const char *search_path;	/* or NULL: no script was run */
	bool		row_security_guard;
	const char *tag;			/* or NULL */
	const char *deploy_id;		/* a uuid, or NULL */
	const LogFailure *failure;	/* NULL: the step was done */
} LogEntry;

/* A row of migrate.progress: what a deploy has done of a revision */
typedef struct Progress
{
	const char *revision;
	Direction	direction;
	TimestampTz started_at;
	int			statements;		/* in the script */
	List	   *hashes;			/* char *: of the statements that are done */
	bool		is_begun;		/* the one behind them was begun, outside of a
								 * transaction */
	List	   *cursor;			/* char *: where its batches are, or NIL */
	int64		rows;			/* that they have passed */
	int64		batches;
	int			batch_size;		/* of the last one, or 0 */
	const char *batch_hash;		/* of the statement that has run it, or NULL */
} Progress;

/* What is left of a deploy, or a pause of which none is left */
typedef struct Unfinished
{
	char	   *environment;
	char	   *pause;			/* who paused it and why, a sentence, or NULL */
	char	   *revision;		/* NULL: nothing is left, and nothing of what
								 * follows is known */
	char	   *direction;
	char	   *deploy_id;
	int			statements;		/* in the script */
	int			done;			/* of them */
	int64		rows;			/* of the one behind them, which runs in
								 * batches, or -1 */
	TimestampTz started_at;
	TimestampTz updated_at;
} Unfinished;

/* in environment.c */
extern Oid	catalog_owner(void);
extern Oid	catalog_relation(const char *relname);
extern void catalog_check_no_trigger(const char *relname);
extern Environment *catalog_default_environment(const char *name);
extern Environment *catalog_environment(const char *name);
extern bool catalog_environment_exists(const char *name);
extern char *catalog_version_table_user(const Environment *environment);
extern void catalog_write_environment(const Environment *environment);
extern void catalog_drop_environment(const char *name);

/* in graph.c */
extern Graph *catalog_graph(const Environment *environment);
extern List *catalog_revisions(const Environment *environment);

/* in revision.c */
extern StoredRevision *catalog_fetch(const Environment *environment,
									 const char *revision);
extern void catalog_insert(Environment *environment,
						   const StoredRevision *revision);
extern void catalog_update(const Environment *environment,
						   const StoredRevision *revision);
extern void catalog_delete(const Environment *environment,
						   const char *revision);

/* in log.c */
extern void catalog_log(const Environment *environment,
						const LogEntry *entry);
extern uint64 catalog_read_log(const Environment *environment,
							   const char *revision, int max_rows,
							   Tuplestorestate *tupstore, TupleDesc tupdesc);
extern List *catalog_last_versions(const Environment *environment);
extern char *catalog_applied_checksum(const Environment *environment,
									  const char *revision);
extern List *catalog_changed_since_applied(const Environment *environment);

/* in progress.c */
extern List *catalog_progress(const Environment *environment);
extern void catalog_progress_write(const Environment *environment,
								   const Progress *progress,
								   const char *deploy_id);
extern void catalog_progress_append(const char *environment,
									const char *revision, Direction direction,
									const char *deploy_id, int statements,
									const char *hash);
extern void catalog_progress_delete(const Environment *environment,
									const char *revision);

/* in pause.c */
extern bool catalog_pause(const Environment *environment, const char *reason);
extern bool catalog_resume(const Environment *environment);
extern bool catalog_paused(const Environment *environment, char **who_and_why);
extern List *catalog_unfinished(const char *environment);

#endif							/* MIGRATE_CATALOG_RECORDS_H */
