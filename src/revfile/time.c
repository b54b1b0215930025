/*-------------------------------------------------------------------------
 *
 * time.c
 *	  Create dates: reading, writing, and taking them apart in a time zone.
 *
 * A revision file must mean the same in every session.  So only ISO 8601 is
 * read, which no setting of DateStyle makes ambiguous, with a numeric offset
 * or none, for which UTC is taken; and a date is written in a time zone that
 * is named, never in the session's.
 *
 * Dates are those of Python's datetime, years 1 to 9999, so that a file can
 * go back to Alembic and a file name has a year of four digits.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "revfile/scan.h"
#include "revfile/time.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* what a value is made of, besides its date and time */
typedef struct DateShape
{
	bool		valid;
	bool		has_offset;		/* and that is numeric */
} DateShape;

static DateShape date_shape(const char *value);
static bool read_number(const char **p, int digits, int min, int max);
static bool read_offset(const char **p);
static pg_tz *find_timezone(const char *timezone);
static void date_out_of_range(void) pg_attribute_noreturn();

/*
 * Read a create date, such as "2024-12-09 10:00:00+00".  The time may be
 * missing, or have a fraction, or have no offset, as Alembic writes it.
 *
 * Raises an error if it is malformed or out of range.
 */
TimestampTz
revtime_parse(const char *value)
{
	DateShape	shape = date_shape(value);
	TimestampTz date;
	struct pg_tm tm;
	int			offset;

	if (!shape.valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				 errmsg("invalid create date \"%s\"", value),
				 errhint("Write a date such as \"2024-12-09 10:00:00+00\".")));

	/*
	 * The server's own functions do the rest.  They count a timestamp without
	 * time zone as they count one that is in UTC, and reading it they pass
	 * over a name such as UTC.
	 */
	if (shape.has_offset)
		date = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
													   CStringGetDatum(value),
													   ObjectIdGetDatum(InvalidOid),
													   Int32GetDatum(-1)));
	else
		date = DatumGetTimestamp(DirectFunctionCall3(timestamp_in,
													 CStringGetDatum(value),
													 ObjectIdGetDatum(InvalidOid),
													 Int32GetDatum(-1)));

	/* an offset may have moved it out of the years that we write */
	revtime_break_down(date, NULL, &tm, &offset);
	return date;
}

/*
 * Write a create date in a time zone, palloc'd.  Offsets are as short as they
 * can be, as the server writes them.
 */
char *
revtime_format(TimestampTz date, const char *timezone)
{
	struct pg_tm tm;
	int			offset;
	char	   *result;
	int			seconds;

	revtime_break_down(date, timezone, &tm, &offset);
	seconds = abs(offset);
	result = psprintf("%04d-%02d-%02d %02d:%02d:%02d%c%02d",
					  tm.tm_year, tm.tm_mon, tm.tm_mday,
					  tm.tm_hour, tm.tm_min, tm.tm_sec,
					  offset < 0 ? '-' : '+', seconds / SECS_PER_HOUR);
	seconds %= SECS_PER_HOUR;
	if (seconds != 0)
		result = psprintf("%s:%02d", result, seconds / SECS_PER_MINUTE);
	seconds %= SECS_PER_MINUTE;
	if (seconds != 0)
		result = psprintf("%s:%02d", result, seconds);
	return result;
}

/*
 * Take a create date apart in a time zone: UTC if it is NULL.  *offset is
 * seconds east of Greenwich; fractions of a second are left out.
 *
 * Raises an error for an unknown time zone, and for a date out of range.
 */
void
revtime_break_down(TimestampTz date, const char *timezone,
				   struct pg_tm *tm, int *offset)
{
	pg_tz	   *tz = find_timezone(timezone ? timezone : "UTC");
	fsec_t		fsec;
	int			west;

	if (TIMESTAMP_NOT_FINITE(date) ||
		timestamp2tm(date, &west, tm, &fsec, NULL, tz) != 0 ||
		tm->tm_year < 1 || tm->tm_year > 9999)
		date_out_of_range();
	*offset = -west;
}

/*
 * The last whole second that is not after a date.
 */
TimestampTz
revtime_whole_second(TimestampTz date)
{
	TimestampTz fraction;

	if (TIMESTAMP_NOT_FINITE(date))
		date_out_of_range();
	fraction = date % USECS_PER_SEC;
	return date - (fraction < 0 ? fraction + USECS_PER_SEC : fraction);
}

/*
 * Look at the form of a date: YYYY-MM-DD [HH:MM[:SS[.F]] [Z|UTC|GMT|+HH[[:]MM[:SS]]]],
 * with T or blanks before the time.
 */
static DateShape
date_shape(const char *value)
{
	DateShape	shape = {false, false};
	const char *p = value;

	if (!read_number(&p, 4, 1, 9999) || *p++ != '-' ||
		!read_number(&p, 2, 1, 12) || *p++ != '-' ||
		!read_number(&p, 2, 1, 31))
		return shape;
	if (*p == '\0')
	{
		shape.valid = true;
		return shape;
	}

	if (*p == 'T' || *p == 't')
		p++;
	else if (*p == ' ')
	{
		while (*p == ' ')
			p++;
	}
	else
		return shape;
	if (!read_number(&p, 2, 0, 24) || *p++ != ':' ||
		!read_number(&p, 2, 0, 59))
		return shape;
	if (*p == ':')
	{
		p++;
		if (!read_number(&p, 2, 0, 60))
			return shape;
		if (*p == '.')
		{
			p++;
			if (strspn(p, "0123456789") == 0)
				return shape;
			p += strspn(p, "0123456789");
		}
	}

	while (*p == ' ')
		p++;
	if (*p == '\0' || pg_strcasecmp(p, "Z") == 0 ||
		pg_strcasecmp(p, "UTC") == 0 || pg_strcasecmp(p, "GMT") == 0)
		shape.valid = true;
	else
	{
		shape.has_offset = true;
		shape.valid = read_offset(&p) && *p == '\0';
	}
	return shape;
}

/*
 * Read a number of so many digits, and check that it is within bounds.
 */
static bool
read_number(const char **p, int digits, int min, int max)
{
	int			number = 0;

	for (int i = 0; i < digits; i++, (*p)++)
	{
		if (**p < '0' || **p > '9')
			return false;
		number = number * 10 + (**p - '0');
	}
	return number >= min && number <= max;
}

static bool
read_offset(const char **p)
{
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!read_number(p, 2, 0, 15))
		return false;
	if (**p == '\0')
		return true;
	if (**p != ':')
		return read_number(p, 2, 0, 59);
	(*p)++;
	if (!read_number(p, 2, 0, 59))
		return false;
	if (**p != ':')
		return true;
	(*p)++;
	return read_number(p, 2, 0, 59);
}

/*
 * Look a time zone up, as SET TIME ZONE does, with Alembic's error if there
 * is none.
 */
static pg_tz *
find_timezone(const char *timezone)
{
	pg_tz	   *tz = *timezone ? pg_tzset(timezone) : NULL;

	if (tz == NULL || !pg_tz_acceptable(tz))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("Can't locate timezone: %s", timezone),
				 errhint("The view pg_timezone_names lists the time zones.")));
	return tz;
}

static void
date_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
			 errmsg("create date out of range"),
			 errdetail("The year is from 1 to 9999.")));
}
