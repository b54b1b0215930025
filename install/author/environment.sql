-- ---------------------------------------------------------------------------
-- Environments
-- ---------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_environment_create(
	name text,
	version_table text DEFAULT 'alembic_version',
	version_table_schema text DEFAULT 'public',
	search_path text DEFAULT NULL,
	id_style text DEFAULT 'random',
	file_template text DEFAULT '%(rev)s_%(slug)s',
	truncate_slug_length integer DEFAULT 40,
	timezone text DEFAULT 'UTC')
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_environment_create'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_environment_create(text, text, text, text, text, text, integer, text) IS
	'add an environment: a revision graph with a version table of its own';

CREATE FUNCTION @extschema@.migrate_environment_alter(
	name text,
	version_table text DEFAULT NULL,
	version_table_schema text DEFAULT NULL,
	search_path text DEFAULT NULL,
	id_style text DEFAULT NULL,
	file_template text DEFAULT NULL,
	truncate_slug_length integer DEFAULT NULL,
	timezone text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_environment_alter'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_environment_alter(text, text, text, text, text, text, integer, text) IS
	'change settings of an environment; what is NULL stays as it is';

CREATE FUNCTION @extschema@.migrate_environment_drop(name text)
RETURNS text
AS 'MODULE_PATHNAME', 'migrate_environment_drop'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_environment_drop(text) IS
	'remove an environment that holds no revision; its log stays';
