/*-------------------------------------------------------------------------
 *
 * relation.c
 *	  Taking the locks that a script needs before it runs.
 *
 * A statement that waits for a strong lock keeps everybody waiting who comes
 * after it, even for a lock that the holder would share.  A lock that is only
 * tried stands in nobody's way.
 *
 * A relation may be dropped between the time it was found and the time it is
 * locked.  To lock its OID does no harm then: a lock is only an entry under
 * that number in the lock manager's table, and nobody else asks for it.  But
 * the name that led to it may stand for another relation by now.  So whoever
 * has got the locks has to find out again which are needed; with them held,
 * the answer is final.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "locks/relation.h"
#include "miscadmin.h"
#include "storage/lmgr.h"

static void release(List *needs, int count);

/*
 * Take all of these locks (LockNeed *), in their order and until the end of
 * the transaction, or none of them: false if one is not to be had at once.
 *
 * Never waits, and never stands in a queue.  What the transaction held before
 * it still holds.
 */
bool
relationlock_try(List *needs)
{
	for (int i = 0; i < list_length(needs); i++)
	{
		LockNeed   *need = list_nth(needs, i);

		if (!ConditionalLockRelationOid(need->relid, need->mode))
		{
			release(needs, i);
			return false;
		}
	}
	return true;
}

/*
 * Take all of these locks, in their order and until the end of the
 * transaction, and wait for each as long as lock_timeout allows.
 *
 * Raises what the server raises for a lock that is not obtained; the locks
 * that were go with the (sub)transaction.
 */
void
relationlock_wait(List *needs)
{
	ListCell   *lc;

	foreach(lc, needs)
	{
		LockNeed   *need = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		LockRelationOid(need->relid, need->mode);
	}
}

/*
 * Release the first so many, the last one first.
 */
static void
release(List *needs, int count)
{
	while (--count >= 0)
	{
		LockNeed   *need = list_nth(needs, count);

		UnlockRelationOid(need->relid, need->mode);
	}
}
