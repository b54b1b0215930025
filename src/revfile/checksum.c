/*-------------------------------------------------------------------------
 *
 * checksum.c
 *	  The checksum of a revision's scripts.
 *
 * SHA-256 over the upgrade script and, if there is one, a zero byte and the
 * downgrade script.  No script holds a zero byte, so that no text can move
 * from one script to the other without a change of the checksum.  The bytes
 * are those of UTF-8, so that the same file has the same checksum in
 * databases of different encodings; where the encoding does not say what the
 * bytes mean (SQL_ASCII, MULE_INTERNAL), they are taken as they are.
 *
 * Copyright (c) 2026, the migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sqlcall.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "revfile/checksum.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(migrate_checksum);

static void add_script(pg_cryptohash_ctx *hash, const char *script);

/*
 * migrate.checksum(upgrade, downgrade)
 *
 * The expression of a generated column: it is what notices a change that is
 * made by a plain UPDATE of the table.
 */
Datum
migrate_checksum(PG_FUNCTION_ARGS)
{
	char	   *checksum;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	checksum = checksum_scripts(sqlcall_text(fcinfo, 0), sqlcall_text(fcinfo, 1));
	PG_RETURN_TEXT_P(cstring_to_text(checksum));
}

/*
 * Return the checksum in hexadecimal, in the current memory context; NULL for
 * the downgrade script means that there is none.
 */
char *
checksum_scripts(const char *upgrade, const char *downgrade)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *result = palloc(2 * sizeof(digest) + 1);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	add_script(hash, upgrade);
	if (downgrade != NULL)
	{
		if (pg_cryptohash_update(hash, (const uint8 *) "", 1) < 0)
			elog(ERROR, "could not compute SHA-256");
		add_script(hash, downgrade);
	}
	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute SHA-256");
	pg_cryptohash_free(hash);

	result[hex_encode((const char *) digest, sizeof(digest), result)] = '\0';
	return result;
}

static void
add_script(pg_cryptohash_ctx *hash, const char *script)
{
	int			encoding = GetDatabaseEncoding();
	const char *bytes = script;

	if (encoding != PG_SQL_ASCII && encoding != PG_MULE_INTERNAL)
		bytes = pg_server_to_any(script, strlen(script), PG_UTF8);
	if (pg_cryptohash_update(hash, (const uint8 *) bytes, strlen(bytes)) < 0)
		elog(ERROR, "could not compute SHA-256");
}
