
# Copyright (c) 2026, the migrate authors

# Revisions, their graph, the version table, the log and the rights that
# migrate_grant() gave survive pg_dump in all its formats, and the restored
# database goes on from there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir;

# what stands in the tables, without the columns that are computed
my %contents = (
	environments => 'SELECT * FROM migrate.environment ORDER BY name',
	revisions => 'SELECT * FROM migrate.revision ORDER BY environment, load_order',
	edges => 'SELECT * FROM migrate.revision_edge ORDER BY 1, 2, 3, 4',
	log => 'SELECT * FROM migrate.log ORDER BY id',
	'version tables' => q(SELECT 'default', version_num FROM alembic_version
		UNION ALL SELECT 'reports', version_num FROM reports.version ORDER BY 1, 2),
	sequences => q(SELECT last_value, is_called FROM migrate.revision_load_order_seq
		UNION ALL SELECT last_value, is_called FROM migrate.log_id_seq),
	'rights on tables' => q(SELECT c.relname, a::text FROM pg_class c, unnest(c.relacl) a
		WHERE c.relnamespace = 'migrate'::regnamespace AND c.relkind = 'r'
		ORDER BY 1, 2),
	'rights on functions' => q(SELECT p.oid::regprocedure::text, a::text
		FROM pg_proc p, unnest(p.proacl) a
		WHERE p.proname LIKE 'migrate\_%' ORDER BY 1, 2),
	'rights on the schema' => q(SELECT a::text FROM pg_namespace, unnest(nspacl) a
		WHERE nspname = 'migrate' ORDER BY 1),
	status => 'SELECT * FROM migrate_status()',
	history => 'SELECT * FROM migrate_history()',
	export => 'SELECT * FROM migrate_export()',
);

sub contents_of
{
	my ($database) = @_;

	return {
		map { $_ => $node->safe_psql($database, $contents{$_}) }
		  keys %contents
	};
}

# The original, with everything that there is to be saved.  Children are
# loaded before their parents, which INSERTs have to survive.
create_database($node, 'original');
$node->safe_psql(
	'original', q(
	CREATE ROLE dump_viewer;
	CREATE ROLE dump_operator;
	CREATE ROLE dump_author;
	CREATE SCHEMA reports;
	GRANT CREATE ON SCHEMA public TO dump_operator));
load_files(
	$node, 'original',
	revision_file('003', '002', 'fill agents', q(INSERT INTO agents VALUES (1, 'it''s \ here');), ''),
	revision_file('002', '001', 'add name', 'ALTER TABLE agents ADD name text;', 'ALTER TABLE agents DROP name;'),
	revision_file('001', '', 'create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;'),
	revision_file('m01', '001', 'create memory', 'CREATE TABLE memory (fact text);', 'DROP TABLE memory;'));
$node->safe_psql(
	'original', q(
	SELECT migrate_merge('{003,m01}', 'join', rev_id => 'j01');
	SELECT migrate_revision('above', rev_id => 'top', depends_on => '{m01}',
		upgrade => 'CREATE TABLE top ()', downgrade => 'DROP TABLE top',
		branch_label => 'product', origin => 'oss');
	SELECT migrate_upgrade('j01', tag => 'release 1');
	SELECT migrate_downgrade('003');
	SELECT migrate_upgrade('j01', tag => E'tab\there');
	SELECT migrate_environment_create('reports', 'version', 'reports', search_path => 'reports, public', id_style => 'sequence');
	SELECT migrate_revision('create report', 'CREATE TABLE report ()', environment => 'reports');
	SELECT migrate_stamp('head', environment => 'reports');
	SELECT migrate_grant('dump_viewer', 'viewer');
	SELECT migrate_grant('dump_operator', 'operator');
	SELECT migrate_grant('dump_author', 'author')));
my $expected = contents_of('original');
my $schema = schema_of($node, 'original');

# Restore under another name, compare, and go on.
sub check_restored
{
	my ($name, $database) = @_;
	my $found = contents_of($database);

	is($found->{$_}, $expected->{$_}, "$name: $_")
	  foreach sort keys %contents;
	is(schema_of($node, $database), $schema, "$name: everything else");

	sql_is($node, $database, q(SELECT migrate_upgrade('head')),
		'top', "$name: the upgrade goes on");
	sql_is($node, $database,
		q(SELECT count(DISTINCT id) = count(*) AND
			max(id) = (SELECT id FROM migrate.log WHERE revision = 'top')
		  FROM migrate.log),
		't', "$name: the log is continued");
	sql_is($node, $database,
		q(SELECT migrate_revision('next', rev_id => 'next');
		  SELECT revision FROM migrate.revision ORDER BY load_order DESC LIMIT 1),
		"next\nnext", "$name: the load order is continued");
	sql_is($node, $database,
		q(SELECT migrate_revision('create index', environment => 'reports')),
		'002', "$name: ids are continued");
	sql_fails($node, $database,
		q(SET ROLE dump_viewer; SELECT migrate_upgrade('head')),
		'42501', 'permission denied for function migrate_upgrade',
		"$name: a viewer still cannot run");
	sql_is($node, $database,
		q(GRANT SELECT, INSERT, UPDATE, DELETE ON alembic_version TO dump_operator;
		  SET ROLE dump_operator; SELECT migrate_upgrade('head')),
		'next', "$name: an operator still can");
	return;
}

sub restore_script
{
	my ($name, $database, @options) = @_;
	my $file = "$dir/$database.sql";

	$node->command_ok(
		[ 'pg_dump', '--no-sync', @options, '-f', $file, '-d', 'original' ],
		"$name: pg_dump");
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	$node->command_ok(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $file ],
		"$name: psql");
	return;
}

restore_script('plain', 'plain');
check_restored('plain', 'plain');

restore_script('inserts', 'inserts', '--inserts');
check_restored('inserts', 'inserts');

restore_script('column inserts, several rows each', 'column_inserts',
	'--column-inserts', '--rows-per-insert=3');
check_restored('column inserts, several rows each', 'column_inserts');

# custom format
$node->command_ok(
	[ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/custom", '-d', 'original' ],
	'custom: pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE custom TEMPLATE template0');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', 'custom', "$dir/custom" ],
	'custom: pg_restore');
check_restored('custom', 'custom');

# the same file, by two processes at once
$node->safe_psql('postgres', 'CREATE DATABASE parallel TEMPLATE template0');
check_restored('parallel', 'parallel')
  if ok(
	$node->run_log(
		[
			'pg_restore', '--exit-on-error', '-j2', '-d', 'parallel',
			"$dir/custom"
		]),
	'parallel: pg_restore');

# pg_dump has nothing to warn about
$node->command_checks_all(
	[ 'pg_dump', '--no-sync', '-f', "$dir/quiet.sql", '-d', 'original' ],
	0, [qr/^$/], [qr/^$/], 'pg_dump gives no warning');

# A dump of the schema alone carries no rows, neither ours nor those of the
# version table: load and stamp.
restore_script('schema only', 'schema_only', '--schema-only');
sql_is($node, 'schema_only', 'SELECT count(*) FROM migrate.revision',
	'0', 'schema only: no revisions');
sql_is($node, 'schema_only', 'SELECT * FROM migrate_current()',
	'', 'schema only: nothing is current');
my $files = $node->safe_psql('original',
	q(SELECT quote_literal(array_agg(script)) FROM migrate_export(':j01')));
$node->safe_psql('schema_only', "SELECT migrate_load_files($files)");
sql_is($node, 'schema_only', q(SELECT migrate_stamp('head')),
	'j01', 'schema only: stamp');
sql_is($node, 'schema_only',
	'SELECT current, pending, up_to_date FROM migrate_status()',
	'{j01}|0|t', 'schema only: up to date');
sql_is($node, 'schema_only', q(SELECT migrate_downgrade('001')),
	'001', 'schema only: downgrade');

done_testing();
