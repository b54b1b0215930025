/*-------------------------------------------------------------------------
 *
 * live.c
 *	  What a running deploy shows to other sessions.
 *
 * What a transaction writes is seen by others when it is committed, which is
 * too late to tell what is being done.  A deploy therefore has a small
 * segment of dynamic shared memory, for which the extension need not be
 * loaded when the server starts.  Others find it through the lock manager:
 * the deploying session holds an advisory lock of our class whose second
 * field is the handle of the segment.  Lock and segment are the session's,
 * so that they outlive the transactions of the deploy, and go with it,
 * however it ends.
 *
 * There is one who writes.  A counter, which is odd while that goes on, tells
 * a reader to read again; readers write nothing, and cannot hold up a deploy.
 *
 * Nothing depends on it.  Where there is no room for a segment the deploy
 * says so and goes on, and all these functions do nothing.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "deploy/live.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "run/lock.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

/* "MGLV": tells our segments from those of others */
#define LIVE_MAGIC 0x4D474C56

/* how often to read what is being written before sleeping in between */
#define BUSY_TRIES 100

/* What is in the segment */
typedef struct LiveSegment
{
	uint32		magic;
	uint32		size;			/* another version of the library may have
								 * made it */
	volatile uint32 changes;	/* odd: is being written */
	Live		live;
} LiveSegment;

/* of the deploy in this session, or NULL */
static dsm_segment *segment = NULL;

/* what this session shows, or is about to */
static Live mine;

static void create_segment(void);
static LOCKTAG segment_tag(void);
static void keep_lock(void);
static void publish(void);
static void cut(char *to, size_t size, const char *from);
static bool copy_published(const LiveSegment *shared, Live *result);

/*
 * Begin to show a deploy of this session.
 *
 * Needs a transaction, of which it uses a subtransaction.  Where there is no
 * room the deploy is warned and not shown.  What this session showed before is
 * taken away.
 */
void
live_begin(const char *environment, Direction direction, const char *target,
		   const char *deploy_id)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	live_end();

	memset(&mine, 0, sizeof(mine));
	mine.pid = MyProcPid;
	mine.database = MyDatabaseId;
	cut(mine.environment, sizeof(mine.environment), environment);
	namestrcpy(&mine.role, GetUserNameFromId(GetUserId(), false));
	cut(mine.deploy_id, sizeof(mine.deploy_id), deploy_id);
	mine.direction = direction;
	cut(mine.target, sizeof(mine.target), target);
	mine.rows = mine.estimate = -1;
	mine.begun_at = GetCurrentTimestamp();

	/* no deploy fails because nobody can watch it */
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		create_segment();
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(caller);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		live_end();
		ereport(WARNING,
				(errcode(edata->sqlerrcode),
				 errmsg("migrate_progress() cannot show this deploy: %s",
						edata->message)));
		FreeErrorData(edata);
	}
	PG_END_TRY();
}

/*
 * Show that a step has begun: a revision, its place among the steps, and how
 * many statements its script has.
 */
void
live_step(const char *revision, int number, int count, int statements)
{
	if (segment == NULL)
		return;
	keep_lock();
	cut(mine.revision, sizeof(mine.revision), revision);
	mine.number = number;
	mine.count = count;
	mine.statements = statements;
	mine.phase = LIVE_RUNNING;
	mine.detail[0] = '\0';
	live_statement(0, NULL);
}

/*
 * Show that a statement of the step is being run, and what it is.
 */
void
live_statement(int number, const char *command)
{
	if (segment == NULL)
		return;
	keep_lock();
	mine.statement = number;
	cut(mine.command, sizeof(mine.command), command);
	mine.statement_begun_at = GetCurrentTimestamp();
	mine.rows = mine.estimate = -1;
	publish();
}

/*
 * Show what the deploy is doing.  "detail" says for whom it waits, or why it
 * is throttled, or is NULL.
 */
void
live_phase(LivePhase phase, const char *detail)
{
	mine.phase = phase;
	cut(mine.detail, sizeof(mine.detail), detail);
	publish();
}

/*
 * Show how many rows a statement has done in its batches, and an estimate of
 * all rows, or -1.
 *
 * The first call for a statement tells where it starts from, which is not 0
 * where it was begun by an earlier deploy.
 */
void
live_rows(int64 done, int64 estimate)
{
	if (mine.rows < 0)
	{
		mine.rows_before = done;
		mine.rows_begun_at = GetCurrentTimestamp();
	}
	mine.rows = done;
	mine.estimate = estimate;
	publish();
}

/*
 * Show which background worker runs the statement; 0 is none.
 */
void
live_worker(int pid)
{
	mine.worker_pid = pid;
	publish();
}

/*
 * Take away what this session shows, if anything.
 *
 * To be called at the end of a deploy, also after an error.  At the end of
 * the session the server does it.
 */
void
live_end(void)
{
	dsm_segment *ended = segment;
	LOCKTAG		tag;

	if (ended == NULL)
		return;
	tag = segment_tag();
	segment = NULL;
	if (COMPAT_LOCK_HELD_BY_ME(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
	dsm_detach(ended);
}

/*
 * Read what a process shows, given the handle in its lock.
 *
 * Returns false if the deploy has ended since the lock was seen.  Its handle
 * may then be that of anybody's segment, which is recognized by what is in it.
 */
bool
live_read(dsm_handle handle, int pid, Live *result)
{
	dsm_segment *found = dsm_find_mapping(handle);
	dsm_segment *attached = NULL;
	bool		valid = false;

	/* one's own cannot be attached a second time */
	if (found == NULL)
		found = attached = dsm_attach(handle);
	if (found == NULL)
		return false;

	if (dsm_segment_map_length(found) >= sizeof(LiveSegment))
		valid = copy_published(dsm_segment_address(found), result) &&
			result->pid == pid && result->database == MyDatabaseId;
	if (attached != NULL)
		dsm_detach(attached);
	return valid;
}

/*
 * Make the segment, and the lock by which it is found.
 */
static void
create_segment(void)
{
	LiveSegment *shared;

	segment = dsm_create(sizeof(LiveSegment), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("too many dynamic shared memory segments")));
	dsm_pin_mapping(segment);

	shared = dsm_segment_address(segment);
	shared->magic = LIVE_MAGIC;
	shared->size = sizeof(LiveSegment);
	shared->changes = 0;
	publish();
	keep_lock();
}

/*
 * The lock whose tag tells others where the segment is.
 */
static LOCKTAG
segment_tag(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, dsm_segment_handle(segment),
						 LOCK_LIVE, LOCK_CLASS);
	return tag;
}

/*
 * Take the lock unless we have it.  A script may have called
 * pg_advisory_unlock_all(), which releases it.
 */
static void
keep_lock(void)
{
	LOCKTAG		tag = segment_tag();

	if (!COMPAT_LOCK_HELD_BY_ME(&tag, ExclusiveLock))
		(void) LockAcquire(&tag, ExclusiveLock, true, true);
}

/*
 * Put what this session shows into the segment, if there is one.
 */
static void
publish(void)
{
	LiveSegment *shared;

	if (segment == NULL)
		return;
	mine.updated_at = GetCurrentTimestamp();

	shared = dsm_segment_address(segment);
	shared->changes++;
	pg_write_barrier();
	memcpy(&shared->live, &mine, sizeof(mine));
	pg_write_barrier();
	shared->changes++;
}

/*
 * Copy a string, or (NULL) an empty one, as far as there is room for whole
 * characters.
 */
static void
cut(char *to, size_t size, const char *from)
{
	size_t		length;

	if (from == NULL)
		from = "";
	length = pg_mbcliplen(from, strlen(from), size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}

/*
 * Copy what is in a segment.  Returns false if it is none of ours.
 */
static bool
copy_published(const LiveSegment *shared, Live *result)
{
	if (shared->magic != LIVE_MAGIC || shared->size != sizeof(LiveSegment))
		return false;

	for (int tries = 0;; tries++)
	{
		uint32		before = shared->changes;

		pg_read_barrier();
		memcpy(result, &shared->live, sizeof(*result));
		pg_read_barrier();
		if (before == shared->changes && before % 2 == 0)
			return true;
		if (tries > BUSY_TRIES)
			pg_usleep(1000L);
		CHECK_FOR_INTERRUPTS();
	}
}
