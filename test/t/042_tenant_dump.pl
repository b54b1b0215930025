
# Copyright (c) 2026, the migrate authors

# What keeps tenants apart, and what is known about how it came about, survives
# pg_dump in its formats; policies of the style "inline" also where the
# extension is not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql(
	'postgres', q(
	CREATE ROLE owner;
	CREATE ROLE app));

# what stands in the tables, but for what tables that were dropped have left
# behind, and what the server says
my $is_there = 'IN (SELECT oid FROM pg_class)';
my %contents = (
	models => "SELECT * FROM migrate.tenant_model WHERE root $is_there ORDER BY 1",
	schemas => 'SELECT schema, model, role, created_at FROM migrate.tenant_schema ORDER BY 1',
	tables => "SELECT * FROM migrate.tenant_table WHERE relation $is_there AND (parent IS NULL OR parent $is_there)
		ORDER BY relation::text",
	columns => "SELECT * FROM migrate.tenant_column WHERE relation $is_there AND parent $is_there ORDER BY relation::text",
	links => "SELECT * FROM migrate.tenant_link WHERE relation $is_there AND parent $is_there ORDER BY relation::text",
	grants => 'SELECT role, schema, kind, relation, owner, model, privileges, granted_by
		FROM migrate.tenant_grant WHERE relation = 0 OR EXISTS (SELECT FROM pg_class WHERE oid = relation)
		ORDER BY schema, kind, relation::text',
	policies => 'SELECT * FROM pg_policies ORDER BY 1, 2, 3',
	plan => q(SELECT * FROM migrate_tenant_plan('saas')),
);

# numbers of tables that are not there, or not the same in a copy
my $numbers = q(
	SELECT 'model', root::text FROM migrate.tenant_model WHERE root::text ~ '^\d+$'
	UNION SELECT 'table', relation::text FROM migrate.tenant_table WHERE relation::text ~ '^\d+$'
	UNION SELECT 'table by way of', relation::text FROM migrate.tenant_table WHERE parent::text ~ '^\d+$'
	UNION SELECT 'column', relation::text FROM migrate.tenant_column WHERE relation::text || parent ~ '\d+$'
	UNION SELECT 'link', constraint_name FROM migrate.tenant_link WHERE relation::text || parent ~ '\d+$');

sub contents_of
{
	my ($database) = @_;

	return {
		map { $_ => $node->safe_psql($database, $contents{$_}) }
		  keys %contents
	};
}

# A database of either style, with everything that there is to be saved, and a
# table that was dropped.
sub create_saas
{
	my ($name, $style) = @_;

	create_database($node, $name);
	$node->safe_psql(
		$name, qq(
		SET client_min_messages = warning;
		SELECT migrate_grant('owner', 'operator');
		CREATE SCHEMA saas AUTHORIZATION owner;
		CREATE SCHEMA old AUTHORIZATION owner;
		SET ROLE owner;
		CREATE TABLE saas.orgs (id bigint PRIMARY KEY);
		CREATE TABLE saas.docs (id serial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES saas.orgs, title text);
		CREATE TABLE saas.steps (id serial PRIMARY KEY, doc_id integer NOT NULL REFERENCES saas.docs);
		CREATE TABLE saas.parts (id serial PRIMARY KEY, step_id integer NOT NULL REFERENCES saas.steps);
		CREATE TABLE saas.events (id integer, tenant_id bigint NOT NULL) PARTITION BY LIST (id);
		CREATE TABLE saas.events_1 PARTITION OF saas.events DEFAULT;
		CREATE TABLE saas."Odd ""T" (tenant_id bigint NOT NULL);
		CREATE TABLE saas.dropped (tenant_id bigint NOT NULL);
		CREATE TABLE saas.countries (code text);
		INSERT INTO saas.orgs VALUES (1), (2);
		INSERT INTO saas.docs (tenant_id, title) VALUES (1, 'of 1'), (2, 'of 2');
		INSERT INTO saas.steps (doc_id) VALUES (1), (2);
		INSERT INTO saas.parts (step_id) VALUES (1), (2);
		INSERT INTO saas.events VALUES (1, 1), (2, 2);
		SELECT migrate_tenant_setup('saas.orgs', app_roles => '{app}', policy_style => '$style');
		SELECT migrate_tenant_exempt('saas.countries', 'the same for all');
		SELECT migrate_tenant_add_column('saas.steps');
		SELECT migrate_tenant_link('steps_doc_id_fkey', 'saas.steps');
		SELECT migrate_tenant_protect_schema('saas');
		SELECT migrate_tenant_grant('app', '{saas}');
		-- hangs on what will not be there: a parent, a table whose partition stays, a root
		CREATE TABLE old.parents (id integer PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES saas.orgs);
		CREATE TABLE old.children (id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES old.parents);
		CREATE TABLE old.lines (id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES old.parents);
		CREATE TABLE old.events (id integer, tenant_id bigint NOT NULL) PARTITION BY LIST (id);
		CREATE TABLE old.part PARTITION OF old.events DEFAULT;
		CREATE TABLE old.roots (id bigint PRIMARY KEY);
		CREATE TABLE old.rooted (tenant_id bigint NOT NULL);
		SELECT migrate_tenant_protect('old.parents');
		SELECT migrate_tenant_protect('old.children', 'parent');
		SELECT migrate_tenant_add_column('old.lines');
		SELECT migrate_tenant_link('lines_parent_id_fkey', 'old.lines');
		SELECT migrate_tenant_protect('old.events');
		SELECT migrate_tenant_setup('old.roots', model => 'old', app_roles => '{app}', policy_style => '$style');
		SELECT migrate_tenant_protect('old.rooted', model => 'old');
		RESET ROLE;
		SELECT migrate_tenant_guard('refuse');
		DROP TABLE saas.dropped;
		DROP TABLE old.parents CASCADE;
		ALTER TABLE old.events DETACH PARTITION old.part;
		DROP TABLE old.events, old.roots));
	return $name;
}

my $as_one = q(SET ROLE app; SET migrate.tenant = 1;);

# Compare, and go on.
sub check_restored
{
	my ($name, $database, $expected) = @_;
	my $found = contents_of($database);

	is($found->{$_}, $expected->{$_}, "$name: $_")
	  foreach sort keys %contents;
	sql_is($node, $database, $numbers, '', "$name: no number of a table that was dropped");
	sql_is($node, $database, 'SET ROLE app; SELECT count(*) FROM saas.docs',
		'0', "$name: nothing is seen without a tenant");
	sql_is($node, $database,
		"$as_one SELECT title FROM saas.docs; SELECT count(*) FROM saas.parts; SELECT id FROM saas.events",
		"of 1\n1\n1", "$name: a tenant sees its own");
	sql_fails($node, $database, "$as_one INSERT INTO saas.docs (id, tenant_id) VALUES (9, 2)",
		'42501', 'row-level security', "$name: and writes no other");
	sql_fails($node, $database, 'CREATE TABLE saas.unknown (id integer)',
		'55000', 'nobody has said', "$name: the guard is there");

	# a table of a model whose root was dropped
	my $old = run_sql($node, $database, q(SELECT migrate_tenant_teardown('old', cascade => true)));
	ok($old->{ok}, "$name: the model without a root is taken back") || diag($old->{err});
	sql_is($node, $database,
		q(SELECT count(*) FROM pg_policies WHERE tablename = 'rooted'),
		'0', "$name: and what it protected");
	$node->safe_psql($database, 'DROP SCHEMA old CASCADE');

	# what is known is what is there
	sql_is($node, $database, q(SELECT * FROM migrate_tenant_protect_schema('saas')),
		'', "$name: there is nothing to do");
	my $result = run_sql($node, $database, q(SELECT migrate_tenant_teardown(cascade => true)));
	ok($result->{ok}, "$name: all of it is taken back") || diag($result->{err});
	sql_is($node, $database,
		q(SELECT (SELECT count(*) FROM pg_policies),
			(SELECT count(*) FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND (relrowsecurity OR relforcerowsecurity)),
			(SELECT count(*) FROM migrate.tenant_table),
			(SELECT count(*) FROM pg_event_trigger),
			(SELECT count(*) FROM pg_index WHERE indrelid = 'saas.docs'::regclass),
			(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'steps_doc_id_fkey'),
			has_schema_privilege('app', 'saas', 'USAGE')),
		'0|0|0|0|1|FOREIGN KEY (doc_id) REFERENCES saas.docs(id)|f',
		"$name: and gone");
	return;
}

sub restore_script
{
	my ($name, $from, $database, @options) = @_;

	$node->command_ok(
		[ 'pg_dump', '--no-sync', @options, '-f', "$dir/$database.sql", '-d', $from ],
		"$name: pg_dump");
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	$node->command_ok(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', "$dir/$database.sql" ],
		"$name: psql");
	return;
}

foreach my $style ('function', 'inline')
{
	my $original = create_saas("original_$style", $style);
	my $expected = contents_of($original);

	# their rows are there, and show the numbers that are left
	like($node->safe_psql($original, $numbers . ' ORDER BY 1, 2'),
		qr/\Acolumn\|old\.lines\nlink\|lines_parent_id_fkey\nmodel\|\d+\n(?:table\|\d+\n)+table by way of\|old\.children\ntable by way of\|old\.part\z/,
		"$style: rows of tables that were dropped");

	restore_script("$style, plain", $original, "${style}_plain");
	check_restored("$style, plain", "${style}_plain", $expected);

	restore_script("$style, inserts", $original, "${style}_inserts", '--inserts');
	check_restored("$style, inserts", "${style}_inserts", $expected);

	$node->command_ok(
		[ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/$style.custom", '-d', $original ],
		"$style, custom: pg_dump");
	$node->safe_psql('postgres', "CREATE DATABASE ${style}_parallel TEMPLATE template0");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', '-j2', '-d', "${style}_parallel", "$dir/$style.custom" ],
		"$style, two processes: pg_restore");
	check_restored("$style, two processes", "${style}_parallel", $expected);

	$node->command_checks_all(
		[ 'pg_dump', '--no-sync', '-f', "$dir/quiet.sql", '-d', $original ],
		0, [qr/^$/], [qr/^$/], "$style: pg_dump gives no warning");
}

# ---- without the extension ----

# the schema alone, restored where there is none
restore_script('without the extension', 'original_inline', 'plain_server', '-n', 'saas');
sql_is($node, 'plain_server', 'SELECT count(*) FROM pg_extension WHERE extname = $$migrate$$',
	'0', 'without the extension: it is not there');
sql_is($node, 'plain_server', 'SET ROLE app; SELECT count(*) FROM saas.docs',
	'0', 'without the extension: nothing is seen without a tenant');
sql_is($node, 'plain_server', "$as_one SELECT title FROM saas.docs; SELECT count(*) FROM saas.parts",
	"of 1\n1", 'without the extension: a tenant sees its own');
sql_is($node, 'plain_server',
	"$as_one INSERT INTO saas.docs (title) VALUES ('more') RETURNING tenant_id",
	'1', 'without the extension: the default is there');
sql_fails($node, 'plain_server', "$as_one INSERT INTO saas.docs (id, tenant_id) VALUES (9, 2)",
	'42501', 'row-level security', 'without the extension: a tenant writes no other');

# and taken away where it was
sql_fails($node, 'original_function', 'DROP EXTENSION migrate', '2BP01',
	'policy migrate_tenant on table saas', 'function: the policies need the extension');
$node->safe_psql('original_inline', q(SELECT migrate_tenant_guard('off'); DROP EXTENSION migrate));
sql_is($node, 'original_inline', "$as_one SELECT title FROM saas.docs",
	'of 1', 'inline: they do not');

done_testing();
