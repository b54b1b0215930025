/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Taking the text of a tenant apart.
 *
 * The forms are those that the server's own input functions take, without
 * the blanks around them, the notations for other bases and the underscores
 * that integers may have there: no program writes a key like that.  Nothing
 * is raised here, for this runs where a configuration parameter is set.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "tenant/setting/setting.h"

static bool parse_uuid(pg_uuid_t *uuid, const char *string);
static bool parse_integer(int64 *integer, const char *string);
static int	hex_digit(char c);

/*
 * Find out what a text is.  The empty one is no tenant.
 *
 * The text is not copied.  The value gets no serial number.
 */
void
tenantvalue_parse(TenantValue *value, const char *string)
{
	memset(value, 0, sizeof(TenantValue));
	value->string = string;
	value->length = strlen(string);
	if (value->length == 0)
		return;

	value->is_set = true;
	value->hash = hash_bytes_extended((const unsigned char *) string,
									  value->length, 0);
	if (value->hash == 0)
		value->hash = 1;
	value->is_uuid = parse_uuid(&value->uuid, string);
	value->is_int8 = parse_integer(&value->integer, string);
	value->is_int4 = value->is_int8 &&
		value->integer >= PG_INT32_MIN && value->integer <= PG_INT32_MAX;
}

/*
 * Could this be the key of a tenant of such a type?  Of a type that we know
 * nothing about, anything could.
 */
bool
tenantvalue_is_of_type(const TenantValue *value, Oid type)
{
	switch (type)
	{
		case UUIDOID:
			return value->is_uuid;
		case INT8OID:
			return value->is_int8;
		case INT4OID:
			return value->is_int4;
		default:
			return true;
	}
}

/*
 * 32 hexadecimal digits, with or without hyphens between groups of four, and
 * with or without braces around them.
 */
static bool
parse_uuid(pg_uuid_t *uuid, const char *string)
{
	bool		braces = string[0] == '{';

	if (braces)
		string++;
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high;
		int			low;

		/* the second digit is looked at only if there is a first */
		if ((high = hex_digit(string[0])) < 0 || (low = hex_digit(string[1])) < 0)
			return false;
		uuid->data[i] = (unsigned char) (high << 4 | low);
		string += 2;
		if (string[0] == '-' && i % 2 == 1 && i < UUID_LEN - 1)
			string++;
	}
	if (braces && *string++ != '}')
		return false;
	return *string == '\0';
}

/*
 * Decimal digits that make an integer of eight bytes, maybe with a sign.
 */
static bool
parse_integer(int64 *integer, const char *string)
{
	const char *digits = string[0] == '-' || string[0] == '+' ? string + 1 : string;
	char	   *end;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	*integer = strtoi64(string, &end, 10);
	return errno == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
