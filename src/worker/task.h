/*-------------------------------------------------------------------------
 *
 * task.h
 *	  What a session hands over to the background worker that it starts.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_WORKER_TASK_H
#define MIGRATE_WORKER_TASK_H

/*
 * The message with which a worker says that it is connected: before that it
 * has run nothing, whatever becomes of it.  None of the protocol's has this
 * type.
 */
#define WORKER_MESSAGE_BEGUN 'b'

#include "storage/dsm.h"
#include "storage/shm_mq.h"
#include "worker/worker.h"

/* The request and the session it came from, as the worker sees them */
typedef struct WorkerTask
{
	WorkerRequest request;
	Oid			database;
	Oid			session_user;
	Oid			current_user;
	char	   *libraries;		/* as SerializeLibraryState() wrote it */
	char	   *settings;		/* as SerializeGUCState() wrote it */
	const char *resets;			/* as workersession_resets() wrote it */
} WorkerTask;

/* in task.c */
extern dsm_segment *workertask_create(const WorkerRequest *request,
									  shm_mq **queue);
extern WorkerTask *workertask_attach(dsm_handle handle);

/* in session.c */
extern char *workersession_resets(Size *size);
extern void workersession_restore(const WorkerTask *task);
extern void workersession_set(const char *name, const char *value);

#endif							/* MIGRATE_WORKER_TASK_H */
