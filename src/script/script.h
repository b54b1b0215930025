/*-------------------------------------------------------------------------
 *
 * script.h
 *	  Scripts: splitting one into statements, telling what each statement is,
 *	  and running them.
 *
 * Offsets and lengths are in bytes; error positions that the server takes or
 * gives are in characters, from 1.  Lines are counted from 1, and a carriage
 * return with a line feed behind it ends one line, not two.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SCRIPT_SCRIPT_H
#define MIGRATE_SCRIPT_SCRIPT_H

#include "base/migrate.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/elog.h"

/* One statement of a script; offsets are bytes into the script's text */
typedef struct ScriptStatement
{
	RawStmt    *raw;			/* locations in it are offsets into the script */
	int			number;			/* from 1 */
	int			offset;			/* first byte that is no blank nor comment */
	int			length;			/* in bytes, without the final semicolon */
	int			line;			/* line of offset, from 1 */
} ScriptStatement;

/* What is being run; lives as long as any error could be raised about it */
typedef struct Script
{
	const char *revision;
	Direction	direction;
	const char *text;			/* the whole script */
	const char *parent;			/* one of the revisions that it is based on,
								 * or NULL: none */
	bool		online;			/* run by a deploy, not in the caller's
								 * transaction */
	List	   *statements;		/* ScriptStatement * */

	/* kept by execute_script(); after an error they tell where it was */
	const ScriptStatement *current; /* statement being run, or NULL */
	int			current_line;	/* line the error is about: that of its
								 * position, else the statement's first */
} Script;

/* Where a byte of a script is; see script_locate() */
typedef struct ScriptPlace
{
	int			number;			/* number of the statement, from 1 */
	int			start;			/* its first byte */
	int			end;			/* its semicolon, or the end of the text */
	bool		is_token;		/* the byte is the first of a token */
	int			copy_number;	/* first COPY FROM STDIN before it, or 0 */
	int			copy_start;		/* first byte of that one */
} ScriptPlace;

/* What execute_each() calls for a statement, with its text */
typedef void (*ExecuteStatement) (const char *sql, void *arg);

/* in script.c */
extern Script *script_parse(const char *text, const char *revision,
							Direction direction);
extern bool script_lexer_is_pinned(void);
extern void script_pin_lexer(void);
extern int	script_line(const char *text, int offset);

/* in scan.c */
extern int	script_skip_blanks(const char *text, int offset);
extern int	script_call_end(const char *text, int offset);
extern void script_locate(const char *text, int target, ScriptPlace *place);

/* in classify.c */
extern const char *script_nontransactional(const ScriptStatement *statement);
extern void script_refuse_unrunnable(const Script *script);
extern void script_refuse_nontransactional(const Script *script, bool marked);
extern void script_refuse_copy(const Script *script, bool is_from,
							   int number, int line);

/* in context.c */
extern char *script_deploy_hint(const Script *script);
extern char *script_undo_target(const char *revision, const char *parent);
extern void script_syntax_position(const Script *script, ScriptPlace *place);
extern void script_error_callback(void *arg);
extern char *script_error_hint(const Script *script, const ErrorData *edata);

/* in execute.c */
extern int	execute_script(Script *script, const char *search_path);
extern int	execute_begin_settings(const char *search_path);
extern void execute_each(Script *script, List *statements,
						 ExecuteStatement run, void *arg);
extern void execute_statement(const char *sql, void *arg);
extern RawStmt *execute_parse(const char *sql);
extern uint64 execute_plans(List *planned_list, const char *sql,
							DestReceiver *dest);

#endif							/* MIGRATE_SCRIPT_SCRIPT_H */
