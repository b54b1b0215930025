/*-------------------------------------------------------------------------
 *
 * session.c
 *	  Making a background worker's session like the one that started it.
 *
 * The worker has the libraries of that session, for what they hook into, its
 * settings, and its current role.  Whatever the session could not do, or no
 * longer could, is an error here: the settings are set as the session user,
 * with the server's own checks.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "worker/task.h"

static void restore_resets(const char *resets);
static void restore_role(const WorkerTask *task);

/*
 * What RESET would give for the settings that this session has SET: names and
 * values, one behind the other, and an empty name at the end.
 *
 * RestoreGUCState() restores values only, so that RESET in the worker would
 * go back to what is compiled in, and not to what the configuration or ALTER
 * ROLE and ALTER DATABASE say.  What only superusers may look at is left out.
 */
char *
workersession_resets(Size *size)
{
	int			count;
	struct config_generic **variables = COMPAT_GUC_VARIABLES(&count);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < count; i++)
	{
		const struct config_generic *variable = variables[i];
		const char *value;

		/* the session user is the one that the worker connects as */
		if (variable->source <= PGC_S_OVERRIDE ||
			variable->reset_source == PGC_S_DEFAULT ||
			(variable->flags & GUC_SUPERUSER_ONLY) != 0 ||
			strcmp(variable->name, "session_authorization") == 0)
			continue;
		value = GetConfigOptionResetString(variable->name);
		if (value == NULL)
			continue;
		appendBinaryStringInfo(&buf, variable->name,
							   strlen(variable->name) + 1);
		appendBinaryStringInfo(&buf, value, strlen(value) + 1);
	}
	appendStringInfoChar(&buf, '\0');
	*size = buf.len;
	return buf.data;
}

/*
 * Make this session like the one that started it; to be called in a
 * transaction, in which nothing was done yet.
 */
void
workersession_restore(const WorkerTask *task)
{
	RestoreLibraryState(task->libraries);
	RestoreGUCState(task->settings);
	restore_resets(task->resets);
	restore_role(task);
}

/*
 * Set what RESET gives.  The values in force, which come from SET, stay as
 * they are; a value that is no longer valid is left out.
 */
static void
restore_resets(const char *resets)
{
	while (resets[0] != '\0')
	{
		const char *name = resets;
		const char *value = name + strlen(name) + 1;

		(void) set_config_option(name, value, PGC_SUSET, PGC_S_CLIENT,
								 GUC_ACTION_SET, true, DEBUG1, false);
		resets = value + strlen(value) + 1;
	}
}

/*
 * See to it that the current role is the one that the session has, as SET
 * ROLE would, and that no role was given another's name in between.
 */
static void
restore_role(const WorkerTask *task)
{
	if (GetUserId() != task->current_user)
		workersession_set("role",
						  task->current_user == task->session_user ? "none" :
						  GetUserNameFromId(task->current_user, false));
	if (GetSessionUserId() != task->session_user ||
		GetUserId() != task->current_user)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("a role of the session was renamed while the session was using it"),
				 errhint("Connect anew, then try again.")));
}

/*
 * Set a configuration parameter for the rest of the worker's life, as SET
 * does; to be called in a transaction that will commit.
 */
void
workersession_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SET, true, 0, false);
}
