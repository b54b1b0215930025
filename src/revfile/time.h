/*-------------------------------------------------------------------------
 *
 * time.h
 *	  Create dates: reading, writing, and taking them apart in a time zone.
 *
 * Pure logic, as revfile.h.  Nothing here depends on the session's TimeZone,
 * DateStyle or IntervalStyle.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVFILE_TIME_H
#define MIGRATE_REVFILE_TIME_H

#include "datatype/timestamp.h"
#include "pgtime.h"

/* in time.c */
extern TimestampTz revtime_parse(const char *value);
extern char *revtime_format(TimestampTz date, const char *timezone);
extern void revtime_break_down(TimestampTz date, const char *timezone,
							   struct pg_tm *tm, int *offset);
extern TimestampTz revtime_whole_second(TimestampTz date);

#endif							/* MIGRATE_REVFILE_TIME_H */
