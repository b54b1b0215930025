/*-------------------------------------------------------------------------
 *
 * configuration.c
 *	  The configuration parameters of deploys.
 *
 * They are defined when the library is loaded.  The prefix is not reserved
 * here: other modules define parameters of the same prefix.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "base/configuration.h"
#include "utils/guc.h"

/*
 * How long a batch ought to take, its commit included.  For so long other
 * writers of the same rows wait, and for so long a standby that replays the
 * batch is behind.
 */
int			configuration_batch_target_duration = 500;

/*
 * The fewest and the most rows that a batch walks over.  The first batch has
 * the fewest; where the two contradict each other the second holds.
 */
int			configuration_batch_min_size = 100;
int			configuration_batch_max_size = 1000000;

/* How long to rest between two batches. */
int			configuration_batch_pause = 0;

/* A standby that replays later than this holds a walk up. */
int			configuration_max_replay_lag = 10000;

/* More segments of WAL than this that wait to be archived hold a walk up. */
int			configuration_max_archive_queue = 42;

/* Have scripts meet all rows of a table or an error. */
bool		configuration_row_security_guard = true;

/*
 * Define the parameters.  To be called once, when the library is loaded.
 */
void
configuration_define(void)
{
	DefineCustomIntVariable("migrate.batch_max_size",
							"Sets the most rows that a batch of migrate_deploy walks over.",
							NULL,
							&configuration_batch_max_size,
							1000000, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.batch_min_size",
							"Sets the fewest rows that a batch of migrate_deploy walks over, and those of the first batch.",
							NULL,
							&configuration_batch_min_size,
							100, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.batch_pause",
							"Sets the time to rest between two batches of migrate_deploy.",
							NULL,
							&configuration_batch_pause,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.batch_target_duration",
							"Sets the time that a batch of migrate_deploy ought to take.",
							"The number of rows of a batch follows from how long the batches before it took.",
							&configuration_batch_target_duration,
							500, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.max_archive_queue",
							"Sets the number of WAL segments waiting to be archived above which migrate_deploy holds its batches up.",
							"A value of 0 turns this off.",
							&configuration_max_archive_queue,
							42, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("migrate.row_security_guard",
							 "Runs scripts with row_security = off and no tenant set.",
							 "A statement of a script that row level security would hide rows from then raises an error.",
							 &configuration_row_security_guard,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.max_replay_lag",
							"Sets the time that a standby may be behind before migrate_deploy holds its batches up.",
							"A value of 0 turns this off.",
							&configuration_max_replay_lag,
							10000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}
