/*-------------------------------------------------------------------------
 *
 * task.c
 *	  What a session hands over to the background worker that it starts.
 *
 * It is a segment of dynamic shared memory with a table of contents: numbers,
 * texts one behind the other, the session's libraries and settings, and the
 * queue on which the worker sends its messages back.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/shm_toc.h"
#include "utils/guc.h"
#include "worker/task.h"

/* tells a segment of ours from others */
#define TASK_MAGIC 0x4D475754

/* the worker waits when so many bytes are in the queue */
#define QUEUE_SIZE 65536

/* keys of the table of contents */
#define KEY_NUMBERS 1
#define KEY_TEXTS 2
#define KEY_LIBRARIES 3
#define KEY_SETTINGS 4
#define KEY_RESETS 5
#define KEY_QUEUE 6
#define KEY_COUNT 6

/* what is no text */
typedef struct TaskNumbers
{
	char		version[32];	/* of the library that wrote it */
	Oid			database;
	Oid			session_user;
	Oid			current_user;
	Direction	direction;
	int			lock_timeout;
	int			statements;
	int			prelude;		/* how many texts */
	bool		transactional;
	bool		has_search_path;
} TaskNumbers;

static void write_numbers(TaskNumbers *numbers, const WorkerRequest *request);
static void append_texts(StringInfo buf, const WorkerRequest *request);
static void append_text(StringInfo buf, const char *text);
static void read_numbers(WorkerTask *task, const TaskNumbers *numbers);
static void read_texts(WorkerTask *task, const TaskNumbers *numbers,
					   const char *texts);
static char *next_text(const char **texts);

/*
 * Make the segment for a worker, and the queue in it, from which the current
 * process will receive.
 *
 * The segment belongs to the current resource owner until the caller pins it.
 */
dsm_segment *
workertask_create(const WorkerRequest *request, shm_mq **queue)
{
	StringInfoData texts;
	Size		libraries_size = EstimateLibraryStateSpace();
	Size		settings_size = EstimateGUCStateSpace();
	Size		resets_size;
	char	   *resets = workersession_resets(&resets_size);
	shm_toc_estimator estimator;
	Size		size;
	dsm_segment *segment;
	shm_toc    *toc;
	void	   *chunk;

	initStringInfo(&texts);
	append_texts(&texts, request);

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(TaskNumbers));
	shm_toc_estimate_chunk(&estimator, texts.len);
	shm_toc_estimate_chunk(&estimator, libraries_size);
	shm_toc_estimate_chunk(&estimator, settings_size);
	shm_toc_estimate_chunk(&estimator, resets_size);
	shm_toc_estimate_chunk(&estimator, QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, KEY_COUNT);
	size = shm_toc_estimate(&estimator);

	segment = dsm_create(size, 0);
	toc = shm_toc_create(TASK_MAGIC, dsm_segment_address(segment), size);

	chunk = shm_toc_allocate(toc, sizeof(TaskNumbers));
	write_numbers(chunk, request);
	shm_toc_insert(toc, KEY_NUMBERS, chunk);

	chunk = shm_toc_allocate(toc, texts.len);
	memcpy(chunk, texts.data, texts.len);
	shm_toc_insert(toc, KEY_TEXTS, chunk);

	chunk = shm_toc_allocate(toc, libraries_size);
	SerializeLibraryState(libraries_size, chunk);
	shm_toc_insert(toc, KEY_LIBRARIES, chunk);

	chunk = shm_toc_allocate(toc, settings_size);
	SerializeGUCState(settings_size, chunk);
	shm_toc_insert(toc, KEY_SETTINGS, chunk);

	chunk = shm_toc_allocate(toc, resets_size);
	memcpy(chunk, resets, resets_size);
	shm_toc_insert(toc, KEY_RESETS, chunk);

	*queue = shm_mq_create(shm_toc_allocate(toc, QUEUE_SIZE), QUEUE_SIZE);
	shm_toc_insert(toc, KEY_QUEUE, *queue);
	shm_mq_set_receiver(*queue, MyProc);
	return segment;
}

static void
write_numbers(TaskNumbers *numbers, const WorkerRequest *request)
{
	memset(numbers, 0, sizeof(TaskNumbers));
	strlcpy(numbers->version, MIGRATE_VERSION, sizeof(numbers->version));
	numbers->database = MyDatabaseId;
	numbers->session_user = GetSessionUserId();
	numbers->current_user = GetUserId();
	numbers->direction = request->direction;
	numbers->lock_timeout = request->lock_timeout;
	numbers->statements = request->statements;
	numbers->prelude = list_length(request->prelude);
	numbers->transactional = request->transactional;
	numbers->has_search_path = request->search_path != NULL;
}

/*
 * The texts, in the order in which read_texts() takes them.
 */
static void
append_texts(StringInfo buf, const WorkerRequest *request)
{
	ListCell   *lc;

	append_text(buf, request->sql);
	append_text(buf, request->search_path);
	append_text(buf, request->environment);
	append_text(buf, request->revision);
	append_text(buf, request->hash);
	append_text(buf, request->deploy_id);
	foreach(lc, request->prelude)
		append_text(buf, lfirst(lc));
}

static void
append_text(StringInfo buf, const char *text)
{
	if (text == NULL)
		text = "";

	appendBinaryStringInfo(buf, text, strlen(text) + 1);
}

/*
 * Attach to the segment in the worker, have all messages from now on go to
 * the session's queue, and return the task.
 *
 * All but the settings and libraries is copied into the current memory
 * context: messages can tell of the statement when the segment is gone.
 */
WorkerTask *
workertask_attach(dsm_handle handle)
{
	WorkerTask *task = palloc0(sizeof(WorkerTask));
	dsm_segment *segment;
	shm_toc    *toc;
	shm_mq	   *queue;
	const TaskNumbers *numbers;

	segment = dsm_attach(handle);
	toc = segment == NULL ? NULL :
		shm_toc_attach(TASK_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not map dynamic shared memory segment")));

	queue = shm_toc_lookup(toc, KEY_QUEUE, false);
	shm_mq_set_sender(queue, MyProc);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(queue, segment, NULL));

	numbers = shm_toc_lookup(toc, KEY_NUMBERS, false);
	if (strcmp(numbers->version, MIGRATE_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"migrate\" was replaced while the session was using it"),
				 errhint("Connect anew, then try again.")));
	read_numbers(task, numbers);
	read_texts(task, numbers, shm_toc_lookup(toc, KEY_TEXTS, false));
	task->libraries = shm_toc_lookup(toc, KEY_LIBRARIES, false);
	task->settings = shm_toc_lookup(toc, KEY_SETTINGS, false);
	task->resets = shm_toc_lookup(toc, KEY_RESETS, false);
	return task;
}

static void
read_numbers(WorkerTask *task, const TaskNumbers *numbers)
{
	task->database = numbers->database;
	task->session_user = numbers->session_user;
	task->current_user = numbers->current_user;
	task->request.direction = numbers->direction;
	task->request.lock_timeout = numbers->lock_timeout;
	task->request.statements = numbers->statements;
	task->request.transactional = numbers->transactional;
}

static void
read_texts(WorkerTask *task, const TaskNumbers *numbers, const char *texts)
{
	WorkerRequest *request = &task->request;

	request->sql = next_text(&texts);
	request->search_path = next_text(&texts);
	if (!numbers->has_search_path)
		request->search_path = NULL;
	request->environment = next_text(&texts);
	request->revision = next_text(&texts);
	request->hash = next_text(&texts);
	request->deploy_id = next_text(&texts);
	for (int i = 0; i < numbers->prelude; i++)
		request->prelude = lappend(request->prelude, next_text(&texts));
}

static char *
next_text(const char **texts)
{
	char	   *text = pstrdup(*texts);

	*texts += strlen(text) + 1;
	return text;
}
