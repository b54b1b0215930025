-- ---------------------------------------------------------------------------
-- Locks
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_locks(
	revision text,
	direction text DEFAULT 'upgrade',
	environment text DEFAULT NULL,
	OUT relation regclass,
	OUT mode text,
	OUT permitted boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_locks'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_locks(text, text, text) IS
	'the locks on existing relations that a revision''s script will take; nothing is run or locked';
