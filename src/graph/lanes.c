/*-------------------------------------------------------------------------
 *
 * lanes.c
 *	  The lines to the left of a drawn revision graph.
 *
 * Revisions are drawn one below the other, newest first.  A lane is a column
 * in which a line runs down to a revision that is still to be drawn; at any
 * time there is at most one for each revision.  A revision is drawn in the
 * lane that leads to it, or in a new one at the right if it is a head, and
 * its lane then leads on to its first down revision.  Lines between the rows
 * show where lanes split, join, move and end.
 *
 *	*   merge		its lane splits
 *	|\
 *	| *	right
 *	* |	left
 *	|/				both lead to the same revision: one lane is left
 *	*	base
 *
 * Lane k is drawn in character 2k of a line.  A line between rows costs time
 * in proportion to the number of lanes, and a revision causes at most two of
 * them for each of its down revisions.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/lanes.h"
#include "lib/stringinfo.h"

struct Lanes
{
	const Graph *graph;
	int		   *awaited;		/* revision that a lane leads to; -1: the one
								 * being drawn */
	int			nlanes;
	int			maxlanes;
	int		   *lane_of;		/* lane that leads to a revision, or -1 */
	int			ended;			/* lane that the last revision has left
								 * without a trace, or -1 */
};

static int	take_lane(Lanes *lanes, int revision, List **lines);
static char *revision_row(const Lanes *lanes, int lane, char mark,
						  const char *text);
static List *end_lane(Lanes *lanes, int lane);
static List *split_lane(Lanes *lanes, int lane, int revision);
static List *join_lanes(Lanes *lanes, int from, int to);
static List *connect_lanes(const Lanes *lanes, int from, int to);
static void insert_lane(Lanes *lanes, int lane, int revision);
static void remove_lane(Lanes *lanes, int lane);
static char *straight_line(const Lanes *lanes, int nlanes);
static void underline(char *line, int from, int to);

/*
 * Begin to draw a graph.  Everything is allocated in the current memory
 * context.
 */
Lanes *
lanes_begin(const Graph *graph)
{
	Lanes	   *lanes = palloc0(sizeof(Lanes));

	lanes->graph = graph;
	lanes->maxlanes = 8;
	lanes->awaited = palloc(sizeof(int) * lanes->maxlanes);
	lanes->lane_of = palloc(sizeof(int) * Max(graph->nrevisions, 1));
	for (int i = 0; i < graph->nrevisions; i++)
		lanes->lane_of[i] = -1;
	lanes->ended = -1;
	return lanes;
}

/*
 * Draw the next revision, with its mark and with a text behind it, and return
 * the lines (char *).  No line ends with a blank if the text does not.
 *
 * Revisions have to come in an order in which each stands before its down
 * revisions.
 */
List *
lanes_place(Lanes *lanes, int revision, char mark, const char *text)
{
	List	   *down = lanes->graph->revisions[revision]->down;
	List	   *lines = NIL;
	int			lane = take_lane(lanes, revision, &lines);
	int			first;
	int			other;

	lines = lappend(lines, revision_row(lanes, lane, mark, text));

	lanes->ended = -1;
	if (down == NIL)
		return list_concat(lines, end_lane(lanes, lane));

	/* from the last to the second, so that they stand in their order */
	for (int i = list_length(down) - 1; i > 0; i--)
	{
		int			parent = list_nth_int(down, i);

		if (lanes->lane_of[parent] >= 0)
			lines = list_concat(lines,
								connect_lanes(lanes, lane,
											  lanes->lane_of[parent]));
		else
			lines = list_concat(lines, split_lane(lanes, lane, parent));
	}

	first = linitial_int(down);
	other = lanes->lane_of[first];
	if (other >= 0)
	{
		lines = list_concat(lines, join_lanes(lanes, Max(lane, other),
											  Min(lane, other)));
		lane = Min(lane, other);
	}
	lanes->awaited[lane] = first;
	lanes->lane_of[first] = lane;
	return lines;
}

/*
 * The lane that a revision is drawn in.  It belongs to nobody afterwards.
 */
static int
take_lane(Lanes *lanes, int revision, List **lines)
{
	int			lane = lanes->lane_of[revision];

	if (lane < 0)
	{
		lane = lanes->nlanes;

		/* right below a base it would look like what that one revises */
		if (lane == lanes->ended)
			*lines = lappend(*lines, straight_line(lanes, lanes->nlanes));
		insert_lane(lanes, lane, -1);
	}
	lanes->lane_of[revision] = -1;
	lanes->awaited[lane] = -1;
	return lane;
}

static char *
revision_row(const Lanes *lanes, int lane, char mark, const char *text)
{
	char	   *line = straight_line(lanes, lanes->nlanes);

	line[2 * lane] = mark;
	return psprintf("%s %s", line, text);
}

/*
 * A lane ends with its revision, and those to its right move up.
 */
static List *
end_lane(Lanes *lanes, int lane)
{
	int			nlanes = lanes->nlanes;
	char	   *line;

	remove_lane(lanes, lane);
	if (lane == nlanes - 1)
	{
		lanes->ended = lane;
		return NIL;
	}

	line = straight_line(lanes, nlanes);
	for (int i = lane; i < nlanes; i++)
	{
		line[2 * i] = ' ';
		if (i > lane)
			line[2 * i - 1] = '/';
	}
	line[2 * (nlanes - 1)] = '\0';
	return list_make1(line);
}

/*
 * Let a new lane, to another down revision, begin at the right of a lane.
 */
static List *
split_lane(Lanes *lanes, int lane, int revision)
{
	char	   *line;

	insert_lane(lanes, lane + 1, revision);
	line = straight_line(lanes, lanes->nlanes);
	for (int i = lane + 1; i < lanes->nlanes; i++)
	{
		line[2 * i - 1] = '\\';
		line[2 * i] = ' ';
	}
	line[2 * (lanes->nlanes - 1)] = '\0';
	return list_make1(line);
}

/*
 * Let a lane end in one to its left, and those to its right move up.  One
 * that is not its neighbour is reached below the lanes in between.
 */
static List *
join_lanes(Lanes *lanes, int from, int to)
{
	int			nlanes = lanes->nlanes;
	char	   *line = straight_line(lanes, nlanes);
	List	   *lines;

	for (int i = from; i < nlanes; i++)
	{
		line[2 * i - 1] = '/';
		line[2 * i] = ' ';
	}
	line[2 * (nlanes - 1)] = '\0';
	underline(line, to + 1, from - 1);
	lines = list_make1(line);

	remove_lane(lanes, from);
	if (from - to > 1)
	{
		line = straight_line(lanes, lanes->nlanes);
		line[2 * to + 1] = '/';
		lines = lappend(lines, line);
	}
	return lines;
}

/*
 * Draw a line from a lane to another that leads to a down revision already.
 */
static List *
connect_lanes(const Lanes *lanes, int from, int to)
{
	char	   *line = straight_line(lanes, lanes->nlanes);
	List	   *lines = list_make1(line);
	char		slope = from < to ? '\\' : '/';

	line[from < to ? 2 * from + 1 : 2 * from - 1] = slope;
	underline(line, Min(from, to) + 1, Max(from, to) - 1);
	if (abs(from - to) > 1)
	{
		line = straight_line(lanes, lanes->nlanes);
		line[from < to ? 2 * to - 1 : 2 * to + 1] = slope;
		lines = lappend(lines, line);
	}
	return lines;
}

/*
 * Make room for a lane; those from there on move to the right.
 */
static void
insert_lane(Lanes *lanes, int lane, int revision)
{
	if (lanes->nlanes == lanes->maxlanes)
	{
		lanes->maxlanes *= 2;
		lanes->awaited = repalloc(lanes->awaited,
								  sizeof(int) * lanes->maxlanes);
	}
	for (int i = lanes->nlanes; i > lane; i--)
	{
		lanes->awaited[i] = lanes->awaited[i - 1];
		if (lanes->awaited[i] >= 0)
			lanes->lane_of[lanes->awaited[i]] = i;
	}
	lanes->nlanes++;
	lanes->awaited[lane] = revision;
	if (revision >= 0)
		lanes->lane_of[revision] = lane;
}

/*
 * Take a lane out; those to its right move to the left.
 */
static void
remove_lane(Lanes *lanes, int lane)
{
	if (lanes->awaited[lane] >= 0)
		lanes->lane_of[lanes->awaited[lane]] = -1;
	lanes->nlanes--;
	for (int i = lane; i < lanes->nlanes; i++)
	{
		lanes->awaited[i] = lanes->awaited[i + 1];
		if (lanes->awaited[i] >= 0)
			lanes->lane_of[lanes->awaited[i]] = i;
	}
}

/*
 * A line on which every lane just goes on.
 */
static char *
straight_line(const Lanes *lanes, int nlanes)
{
	char	   *line = palloc(2 * nlanes + 1);

	for (int i = 0; i < nlanes; i++)
	{
		line[2 * i] = '|';
		line[2 * i + 1] = ' ';
	}
	line[Max(2 * nlanes - 1, 0)] = '\0';
	return line;
}

/*
 * Draw a line along the bottom, between two lanes.
 */
static void
underline(char *line, int from, int to)
{
	for (int i = from; i < to; i++)
		line[2 * i + 1] = '_';
}
