-- ---------------------------------------------------------------------------
-- Deploys: what they are doing, and keeping them from going on
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_progress(
	environment text DEFAULT NULL,
	OUT environment text,
	OUT deploy_id uuid,
	OUT pid integer,
	OUT role name,
	OUT direction text,
	OUT target text,
	OUT revision text,
	OUT revision_number integer,
	OUT revision_count integer,
	OUT statement integer,
	OUT statement_count integer,
	OUT command text,
	OUT phase text,
	OUT waiting_for text,
	OUT rows_done bigint,
	OUT rows_estimate bigint,
	OUT rows_per_second double precision,
	OUT elapsed interval,
	OUT statement_elapsed interval,
	OUT remaining interval,
	OUT blocks_done bigint,
	OUT blocks_total bigint,
	OUT worker_pid integer,
	OUT started_at timestamp with time zone,
	OUT updated_at timestamp with time zone)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'migrate_progress'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_progress(text) IS
	'the deploys that are running, left unfinished or paused, in one environment or (NULL) in all';

CREATE FUNCTION @extschema@.migrate_pause(
	reason text DEFAULT NULL,
	environment text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'migrate_pause'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_pause(text, text) IS
	'keep deploys from starting and from going on, once this transaction is committed; false if they were paused already';

CREATE FUNCTION @extschema@.migrate_resume(environment text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'migrate_resume'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_resume(text) IS
	'let deploys start again, once this transaction is committed; false if they were not paused';
