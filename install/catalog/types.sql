-- ---------------------------------------------------------------------------
-- Row types of functions whose columns share a name with an argument
-- ---------------------------------------------------------------------------

CREATE TYPE migrate.plan_step AS (
	step integer,
	action text,
	revision text,
	message text,
	versions text[]
);
COMMENT ON TYPE migrate.plan_step IS 'what migrate_plan() returns';

CREATE TYPE migrate.status AS (
	environment text,
	current text[],
	heads text[],
	pending integer,
	up_to_date boolean,
	version_table text,
	changed text[],
	unknown text[]
);
COMMENT ON TYPE migrate.status IS 'what migrate_status() returns';

CREATE TYPE migrate.revision_detail AS (
	revision text,
	down_revisions text[],
	depends_on text[],
	branch_labels text[],
	message text,
	description text,
	upgrade text,
	downgrade text,
	upgrade_transactional boolean,
	downgrade_transactional boolean,
	is_head boolean,
	is_branch_point boolean,
	is_merge_point boolean,
	is_current boolean,
	is_applied boolean,
	next_revisions text[],
	origin text,
	filename text,
	author text,
	create_date timestamp with time zone,
	checksum text
);
COMMENT ON TYPE migrate.revision_detail IS 'what migrate_show() returns';

CREATE TYPE migrate.log_entry AS (
	id bigint,
	environment text,
	revision text,
	direction text,
	versions_before text[],
	versions_after text[],
	started_at timestamp with time zone,
	duration interval,
	role name,
	session_role name,
	application_name text,
	client_address inet,
	outcome text,
	statements integer,
	failed_statement integer,
	failed_line integer,
	sqlstate text,
	error text,
	error_detail text,
	checksum text,
	search_path text,
	row_security_guard boolean,
	deploy_id uuid,
	tag text
);
COMMENT ON TYPE migrate.log_entry IS 'what migrate_log() returns';
