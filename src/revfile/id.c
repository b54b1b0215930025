/*-------------------------------------------------------------------------
 *
 * id.c
 *	  Making revision ids, in the styles that an environment may have.
 *
 * An id made here need not be free; the caller checks that.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "revfile/revfile.h"
#include "revfile/time.h"

/* bytes of a random id, each two hex digits of it */
#define RANDOM_ID_BYTES 6

/* digits of the first sequence number */
#define SEQUENCE_ID_DIGITS 3

/*
 * A random id of twelve hex digits, as Alembic makes them; palloc'd.
 */
char *
revid_random(void)
{
	uint8		bytes[RANDOM_ID_BYTES];
	char	   *result = (char *) palloc(2 * RANDOM_ID_BYTES + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random revision id")));
	for (int i = 0; i < RANDOM_ID_BYTES; i++)
		snprintf(result + 2 * i, 3, "%02x", bytes[i]);
	return result;
}

/*
 * An id such as 20241208_130000, the date in a time zone, UTC if it is NULL;
 * palloc'd.  Raises an error for an unknown time zone.
 */
char *
revid_timestamp(TimestampTz date, const char *timezone)
{
	struct pg_tm tm;
	int			offset;

	revtime_break_down(date, timezone, &tm, &offset);
	return psprintf("%04d%02d%02d_%02d%02d%02d",
					tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
 * The number after the greatest id that has only digits, palloc'd: 001 if
 * there is none.  It gets zeros in front until it is as wide as the widest of
 * them, so that ids sort as they are numbered.  Ids of other styles are passed
 * over.
 *
 * Numbers may have any length, so they are compared and counted as text.
 */
char *
revid_sequence(List *existing_ids)
{
	const char *greatest = "";	/* without zeros in front */
	size_t		width = SEQUENCE_ID_DIGITS;
	size_t		length;
	char	   *result;
	ListCell   *lc;

	foreach(lc, existing_ids)
	{
		const char *id = (const char *) lfirst(lc);
		size_t		digits = strspn(id, "0123456789");

		if (digits == 0 || id[digits] != '\0')
			continue;
		width = Max(width, digits);
		id += strspn(id, "0");
		if (strlen(id) > strlen(greatest) ||
			(strlen(id) == strlen(greatest) && strcmp(id, greatest) > 0))
			greatest = id;
	}

	/* one digit more than the greatest, for a carry */
	length = Max(width, strlen(greatest) + 1);
	result = (char *) palloc(length + 1);
	memset(result, '0', length);
	memcpy(result + length - strlen(greatest), greatest, strlen(greatest) + 1);
	for (size_t i = length; i > 0; i--)
	{
		if (result[i - 1] != '9')
		{
			result[i - 1]++;
			break;
		}
		result[i - 1] = '0';
	}

	/* the extra digit goes if nothing was carried into it */
	if (length > width && result[0] == '0')
		memmove(result, result + 1, length);
	return result;
}
