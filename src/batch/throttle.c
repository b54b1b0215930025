/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Whether a walk over a table should wait for others to catch up: the
 *	  standbys that replay its changes, and the archiver that keeps them.
 *
 * What pg_stat_replication calls the replay lag was measured when the standby
 * last reported to have replayed something.  A standby whose replay stands
 * still reports nothing, and its lag stays what it was; one that is connected
 * again after a while has none at all; and one that has caught up keeps its
 * last for a while.  So where the WAL ends is noted here from time to time:
 * a standby that has not yet replayed what was written so long ago is so far
 * behind.  The server's own figure counts for as long as these notes do not
 * reach back far enough.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "base/configuration.h"
#include "batch/throttle.h"
#include "catalog/bookkeeping.h"
#include "catalog/records.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

/* Up to where WAL was flushed at some time */
typedef struct Position
{
	TimestampTz noted_at;
	XLogRecPtr	lsn;
} Position;

/* they reach back at least as far as the limit, at this many to the limit */
#define POSITIONS_PER_LIMIT 16
#define MAX_POSITIONS (2 * POSITIONS_PER_LIMIT)

/* columns of the query about standbys */
enum StandbyColumn
{
	STANDBY_NAME = 1,
	STANDBY_ADDRESS,
	STANDBY_REPLAY_LSN,
	STANDBY_REPLAY_LAG
};

/* the oldest first; facts about this server, and so as true in a later run */
static Position positions[MAX_POSITIONS];
static int	npositions = 0;

static char *replication_reason(void);
static void note_position(TimestampTz now, XLogRecPtr lsn);
static double lag_by_position(XLogRecPtr replay_lsn, TimestampTz now,
							  bool *exact);
static char *archive_reason(void);
static int	count_unarchived(void);
static const char *shown_limit(const char *name);

/*
 * A sentence, without its full stop, that says why the walk should wait; NULL
 * if there is no reason to.  Allocated in the current memory context.
 */
char *
throttle_reason(void)
{
	char	   *reason = NULL;

	if (configuration_max_replay_lag > 0)
		reason = replication_reason();
	if (reason == NULL && configuration_max_archive_queue > 0 &&
		XLogArchivingActive())
		reason = archive_reason();
	return reason;
}

/*
 * The reason that the standby gives which is the furthest behind.
 *
 * Only the owner of our tables, and not each caller, sees the figures of
 * pg_stat_replication.
 */
static char *
replication_reason(void)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	Bookkeeping scope;
	char	   *name = NULL;
	char	   *address = NULL;
	double		worst = configuration_max_replay_lag;

	note_position(now, GetFlushRecPtr(NULL));

	bookkeeping_begin_as_owner(&scope, catalog_owner());
	bookkeeping_execute(bookkeeping_prepare(&plan,
											"SELECT s.application_name, pg_catalog.host(s.client_addr), s.replay_lsn, "
											"pg_catalog.date_part('epoch', s.replay_lag) OPERATOR(pg_catalog.*) 1000 "
											"FROM pg_catalog.pg_stat_replication s "
											"WHERE s.replay_lsn IS NOT NULL",
											0, NULL),
						NULL, NULL, SPI_OK_SELECT);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		bool		exact;
		XLogRecPtr	replay_lsn;
		Datum		value;
		double		lag;

		replay_lsn = DatumGetLSN(SPI_getbinval(tuple, desc, STANDBY_REPLAY_LSN,
											   &isnull));
		lag = lag_by_position(replay_lsn, now, &exact);
		value = SPI_getbinval(tuple, desc, STANDBY_REPLAY_LAG, &isnull);
		if (!exact && !isnull)
			lag = Max(lag, DatumGetFloat8(value));

		if (lag > worst)
		{
			MemoryContext spi_context = MemoryContextSwitchTo(caller);

			worst = lag;
			name = bookkeeping_string(tuple, desc, STANDBY_NAME);
			address = bookkeeping_string(tuple, desc, STANDBY_ADDRESS);
			MemoryContextSwitchTo(spi_context);
		}
	}
	bookkeeping_end(&scope);

	if (name == NULL)
		return NULL;
	return psprintf("standby \"%s\"%s%s%s replays what was written %.1f s ago, and migrate.max_replay_lag is %s",
					name, address ? " (" : "", address ? address : "",
					address ? ")" : "", worst / 1000,
					shown_limit("migrate.max_replay_lag"));
}

/*
 * Note where WAL ends now, unless that was done a moment ago.
 */
static void
note_position(TimestampTz now, XLogRecPtr lsn)
{
	int64		spacing = (int64) configuration_max_replay_lag * 1000 /
	POSITIONS_PER_LIMIT;

	if (npositions > 0)
	{
		TimestampTz last = positions[npositions - 1].noted_at;

		/* the clock was set back: nothing that was noted can be compared */
		if (now < last)
			npositions = 0;
		else if (now - last < spacing)
			return;
	}

	if (npositions == MAX_POSITIONS)
		memmove(&positions[0], &positions[1],
				--npositions * sizeof(Position));
	positions[npositions].noted_at = now;
	positions[npositions].lsn = lsn;
	npositions++;
}

/*
 * For how many milliseconds, at least, something has been waiting to be
 * replayed by a standby that is at this point.
 *
 * "exact" tells whether there is a note that the standby is past, so that the
 * figure is right up to the distance of two notes.
 */
static double
lag_by_position(XLogRecPtr replay_lsn, TimestampTz now, bool *exact)
{
	int			i = 0;

	while (i < npositions && positions[i].lsn <= replay_lsn)
		i++;
	*exact = i > 0;
	return i < npositions ? (now - positions[i].noted_at) / 1000.0 : 0;
}

static char *
archive_reason(void)
{
	int			waiting = count_unarchived();

	if (waiting <= configuration_max_archive_queue)
		return NULL;
	return psprintf("%d WAL segments wait to be archived, and migrate.max_archive_queue is %s",
					waiting, shown_limit("migrate.max_archive_queue"));
}

/*
 * Count the segments that the archiver has yet to archive.
 *
 * Each has a file whose name says so.  What pg_stat_archiver knows is not
 * enough: the last segment that was archived need not be a segment, need not
 * be the last, and is not there before archiving has succeeded once.
 */
static int
count_unarchived(void)
{
	const char *folder = XLOGDIR "/archive_status";
	DIR		   *dir = AllocateDir(folder);
	struct dirent *entry;
	int			count = 0;

	while ((entry = ReadDir(dir, folder)) != NULL)
	{
		if (strspn(entry->d_name, "0123456789ABCDEF") == XLOG_FNAME_LEN &&
			strcmp(entry->d_name + XLOG_FNAME_LEN, ".ready") == 0)
			count++;
	}
	FreeDir(dir);
	return count;
}

/*
 * The value of a setting, with its unit.
 */
static const char *
shown_limit(const char *name)
{
	return GetConfigOptionByName(name, NULL, false);
}
