/*-------------------------------------------------------------------------
 *
 * hint.c
 *	  Hints that can be pasted, also in an environment other than "default".
 *
 * A hint that names a call of ours is written as for the environment
 * "default" by modules that know of no environment.  Pasted as it is, it
 * would act on the wrong version table, so that the environment in hand is
 * put into each call here.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hint.h"
#include "base/migrate.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* the environment in hand; empty for "default" */
static char current_environment[1024];

/* is it a deploy that errors from now on are about? */
static bool online = false;

static char *hint_online(const char *hint);
static const char *end_of_call(const char *arguments);
static bool takes_environment(const char *name, size_t length);

/*
 * Remember the environment that errors from now on are about, until another
 * is set.  One with an absurdly long name is treated as "default".
 */
void
hint_set_environment(const char *environment)
{
	current_environment[0] = '\0';
	if (strcmp(environment, MIGRATE_DEFAULT_ENVIRONMENT) != 0 &&
		strlen(environment) < sizeof(current_environment))
		strcpy(current_environment, environment);
}

/*
 * Remember whether errors from now on are those of a deploy, whose hints name
 * its procedures.
 */
void
hint_set_online(bool is_online)
{
	online = is_online;
}

/*
 * Give the error that is being raised a hint, for use in place of errhint().
 */
int
hint_statement(const char *fmt,...)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&buf, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&buf, needed);
	}
	return errhint("%s", hint_in_environment(buf.data));
}

/*
 * Return a hint in which the functions that run revisions have given way to
 * the procedures that do so online.
 */
static char *
hint_online(const char *hint)
{
	static const char *const calls[][2] = {
		{"SELECT migrate_upgrade(", "CALL migrate_deploy("},
		{"SELECT migrate_downgrade(", "CALL migrate_rollback("},
	};
	char	   *result = pstrdup(hint);

	for (int i = 0; i < lengthof(calls); i++)
	{
		char	   *found;

		while ((found = strstr(result, calls[i][0])) != NULL)
			result = psprintf("%.*s%s%s", (int) (found - result), result,
							  calls[i][1], found + strlen(calls[i][0]));
	}
	return result;
}

/*
 * Return the hint with the environment in hand as an argument of each call of
 * ours, in the current memory context.
 */
char *
hint_in_environment(const char *hint)
{
	StringInfoData buf;
	const char *call;

	if (online)
		hint = hint_online(hint);
	if (current_environment[0] == '\0')
		return pstrdup(hint);

	initStringInfo(&buf);
	while ((call = strstr(hint, "migrate_")) != NULL)
	{
		size_t		length = strspn(call, "abcdefghijklmnopqrstuvwxyz_");
		const char *arguments = call + length + 1;
		const char *end;

		if (call[length] != '(' || !takes_environment(call, length) ||
			(end = end_of_call(arguments)) == NULL)
		{
			appendBinaryStringInfo(&buf, hint, call + length - hint);
			hint = call + length;
			continue;
		}
		appendBinaryStringInfo(&buf, hint, end - hint);
		appendStringInfo(&buf, "%senvironment => %s",
						 end == arguments ? "" : ", ",
						 quote_literal_cstr(current_environment));
		hint = end;
	}
	appendStringInfoString(&buf, hint);
	return buf.data;
}

/*
 * The parenthesis that ends a call's arguments, or NULL.
 */
static const char *
end_of_call(const char *arguments)
{
	bool		quoted = false;
	int			depth = 0;

	for (const char *p = arguments; *p; p++)
	{
		if (*p == '\'')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && depth-- == 0)
			return p;
	}
	return NULL;
}

/*
 * Does this function of ours have an argument "environment"?
 */
static bool
takes_environment(const char *name, size_t length)
{
	static const char *const without[] = {"migrate_batch", "migrate_environment_",
	"migrate_grant", "migrate_revoke", "migrate_tenant_"};

	for (int i = 0; i < lengthof(without); i++)
	{
		if (strncmp(name, without[i], Min(length, strlen(without[i]))) == 0)
			return false;
	}
	return true;
}
