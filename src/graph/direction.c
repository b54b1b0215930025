/*-------------------------------------------------------------------------
 *
 * direction.c
 *	  The words for what a command does.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/direction.h"

/* in the order of Direction */
static const char *const names[] = {"upgrade", "downgrade", "stamp"};

/*
 * The word for a direction, as in messages, in migrate_plan() and in the log.
 * The string is constant.
 */
const char *
direction_name(Direction direction)
{
	return names[direction];
}

/*
 * The direction of that name; raises an error if there is none.
 */
Direction
direction_from_name(const char *name)
{
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return (Direction) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown command \"%s\"", name),
			 errhint("The commands are \"upgrade\", \"downgrade\" and \"stamp\".")));
	return DIRECTION_UPGRADE;	/* keep compiler quiet */
}
