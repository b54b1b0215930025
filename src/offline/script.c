/*-------------------------------------------------------------------------
 *
 * script.c
 *	  A revision's script as a part of an offline script.
 *
 * It is copied as it is, but for the calls of migrate_batch(): in one
 * transaction they are true, and where the script is run there may be no
 * function of that name.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "batch/batch.h"
#include "lib/stringinfo.h"
#include "offline/script.h"

static List *calls_of_script(const Script *script);

/*
 * The text of a script without blank lines around it, complete with the final
 * semicolon, in the current memory context.
 */
char *
offline_script_text(const Script *script)
{
	const char *text = script->text;
	int			begin = 0;
	int			end = strlen(text);
	StringInfoData buf;
	ListCell   *lc;

	while (text[begin] == '\n' || text[begin] == '\r')
		begin++;
	while (end > begin && strchr(" \t\n\r\f\v", text[end - 1]) != NULL)
		end--;

	initStringInfo(&buf);
	foreach(lc, calls_of_script(script))
	{
		int			call = lfirst_int(lc);

		/* one in the arguments of another went with that */
		if (call < begin)
			continue;
		appendBinaryStringInfo(&buf, &text[begin], call - begin);
		appendStringInfoString(&buf, "true");
		begin = script_call_end(text, call);
	}
	appendBinaryStringInfo(&buf, &text[begin], end - begin);

	/* the parser tells no length for a statement that the text ends with */
	if (script->statements != NIL &&
		((ScriptStatement *) llast(script->statements))->raw->stmt_len == 0)
		appendStringInfoString(&buf, "\n;");
	return buf.data;
}

/*
 * Where migrate_batch() is called, in the order of the text.
 */
static List *
calls_of_script(const Script *script)
{
	List	   *calls = NIL;
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		const ScriptStatement *statement = lfirst(lc);

		if (batch_is_marked(script, statement))
			calls = list_concat(calls, batch_calls(statement));
	}
	return calls;
}
