
# Copyright (c) 2026, the migrate authors

# Making and dropping the extension: in one session, with what it leaves, and
# inside other extensions.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir;

# ---- made, dropped and made again in one session ----

# The functions prepare their statements once for each session; what they
# refer to changes under them.
my $round = q(
	CREATE EXTENSION migrate;
	SELECT migrate_load(
		E'-- create agents\n--\n-- Revision ID: 001\n-- Revises:\n\n'
		'-- migrate:upgrade\nCREATE TABLE agents (id int);\n\n'
		'-- migrate:downgrade\nDROP TABLE agents;\n');
	SELECT migrate_revision('create teams', 'CREATE TABLE teams ()', 'DROP TABLE teams',
		rev_id => '002');
	SELECT migrate_upgrade('head');
	SELECT revision FROM migrate_current();
	SELECT current, pending, up_to_date, changed FROM migrate_status();
	SELECT revision, is_current FROM migrate_history();
	SELECT revision, direction, outcome FROM migrate_log();
	SELECT migrate_edit(migrate_revision('create users', rev_id => '003'), message => 'make users');
	SELECT message FROM migrate_show('003');
	SELECT migrate_remove('003');
	SELECT migrate_downgrade('base');
	SELECT migrate_stamp('001');
	SELECT migrate_stamp('base');
	SELECT migrate_environment_create('reports', version_table => 'reports_version');
	SELECT migrate_environment_drop('reports');
	DROP EXTENSION migrate;
	SELECT nspname FROM pg_namespace WHERE nspname = 'migrate';
);
my $once = "001\n002\n002\n002\n{002}|0|t|{}\n002|t\n001|f\n"
  . "002|upgrade|done\n001|upgrade|done\n003\nmake users\n003\n001\nreports\nreports";
sql_is($node, 'postgres', $round x 3, join("\n", ($once) x 3),
	'CREATE and DROP EXTENSION three times in one session');

# in another schema, which gives the functions other names
$node->safe_psql('postgres', 'DROP TABLE alembic_version; CREATE SCHEMA tools');
sql_is($node, 'postgres',
	q(CREATE EXTENSION migrate SCHEMA tools;
	  SELECT tools.migrate_revision('create agents', 'CREATE TABLE agents ()', rev_id => '001');
	  SELECT tools.migrate_upgrade();
	  SELECT to_regprocedure('public.migrate_current(text)') IS NULL;
	  DROP EXTENSION migrate),
	"001\n001\nt", 'CREATE EXTENSION ... SCHEMA');

# the schema of the tables is the extension's alone
sql_fails($node, 'postgres', 'CREATE SCHEMA migrate; CREATE EXTENSION migrate',
	'42P06', 'schema "migrate" already exists',
	'a schema that is there already is not taken over');
$node->safe_psql('postgres', 'DROP SCHEMA migrate');

# ---- what DROP EXTENSION leaves ----

create_database($node, 'dropped');
load_files(
	$node, 'dropped',
	revision_file('001', '', 'create agents',
		'CREATE TABLE agents (id int); INSERT INTO agents VALUES (1);',
		'DROP TABLE agents;'));
$node->safe_psql('dropped', q(SELECT migrate_upgrade('head')));
sql_is($node, 'dropped',
	'DROP EXTENSION migrate; SELECT id FROM agents; SELECT version_num FROM alembic_version',
	"1\n001", 'DROP EXTENSION leaves the tables and the version table');
sql_is($node, 'dropped',
	q(SELECT count(*) FROM pg_depend WHERE deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'plpgsql')
		AND objid IN ('agents'::regclass, 'alembic_version'::regclass)),
	'0', 'they belong to no extension');
$node->safe_psql('dropped', 'CREATE EXTENSION migrate');
sql_is($node, 'dropped', 'SELECT unknown, up_to_date FROM migrate_status()',
	'{001}|f', 'the version table is found again');
load_files(
	$node, 'dropped',
	revision_file('001', '', 'create agents',
		'CREATE TABLE agents (id int); INSERT INTO agents VALUES (1);',
		'DROP TABLE agents;'));
sql_is($node, 'dropped', q(SELECT migrate_check_heads()), 't',
	'loading the revisions is all it takes');

# while another session has used it
my $session = $node->background_psql('dropped', on_error_stop => 0);
$session->query('SELECT * FROM migrate_status()');
$session->query(q(SELECT migrate_revision('create teams', rev_id => '002')));
$node->safe_psql('dropped', 'DROP EXTENSION migrate');
$session->query('SELECT * FROM migrate_status()');
$node->safe_psql('dropped', 'CREATE EXTENSION migrate');
is($session->query('SELECT heads, unknown FROM migrate_status()'),
	'{}|{001}', 'DROP and CREATE EXTENSION by another session');
is($session->query(q(SELECT migrate_revision('create agents', rev_id => '001'))),
	'001', 'writing after that');
$session->quit;

# ---- inside another extension's script ----

# Where the server looks for extensions, a folder is put that has one whose
# scripts call ours.
sub add_extension
{
	my ($script, $update) = @_;
	my $sharedir = $node->safe_psql('postgres',
		q(SELECT setting FROM pg_config WHERE name = 'SHAREDIR'));
	my $destdir = $node->safe_psql('postgres',
		q(SELECT current_setting('extension_destdir', true)));
	my $has_destdir = $node->safe_psql('postgres',
		q(SELECT count(*) FROM pg_settings WHERE name = 'extension_destdir'));
	my $path = $node->safe_psql('postgres',
		q(SELECT current_setting('extension_control_path', true)));
	my ($folder, $setting);

	if ($has_destdir)
	{
		# Debian's: a folder that comes before all others, with the paths of
		# an installation
		PostgreSQL::Test::RecursiveCopy::copypath($destdir, "$dir/dest")
		  if $destdir ne '';
		$folder = "$dir/dest$sharedir/extension";
		$setting = "extension_destdir = '$dir/dest'";
	}
	elsif ($path ne '')
	{
		$folder = "$dir/share/extension";
		$setting = "extension_control_path = '$dir/share:$path'";
	}
	else
	{
		return 0;
	}

	make_path($folder);
	append_to_file("$folder/caller.control",
		"default_version = '1.0'\nrelocatable = true\n");
	append_to_file("$folder/caller--1.0.sql", $script);
	append_to_file("$folder/caller--empty.sql", 'SELECT 1;');
	append_to_file("$folder/caller--empty--1.1.sql", $update);
	$node->append_conf('postgresql.conf', $setting);
	$node->restart;
	return 1;
}

SKIP:
{
	skip 'this server finds extensions only where it is installed', 7
	  unless add_extension(
		q(SELECT public.migrate_upgrade('head');),
		q(SELECT public.migrate_revision('create users');));

	create_database($node, 'inside');
	load_files(
		$node, 'inside',
		revision_file('001', '', 'create agents',
			'CREATE TABLE agents (id int);', 'DROP TABLE agents;'));

	sql_fails($node, 'inside', 'CREATE EXTENSION caller', '0A000',
		q{migrate_upgrade\(\) cannot be called from an extension's script.*HINT:  Call it after CREATE EXTENSION has finished},
		'an upgrade in the script of CREATE EXTENSION');
	sql_is($node, 'inside',
		q(SELECT to_regclass('agents') IS NULL, to_regclass('alembic_version') IS NULL,
		  (SELECT count(*) FROM pg_extension WHERE extname = 'caller')),
		't|t|0', 'nothing has happened');
	sql_fails($node, 'inside',
		q(CREATE EXTENSION caller VERSION 'empty'; ALTER EXTENSION caller UPDATE TO '1.1'),
		'0A000',
		q{migrate_revision\(\) cannot be called from an extension's script},
		'a new revision in the script of ALTER EXTENSION');
	sql_is($node, 'inside',
		q(SELECT migrate_upgrade('head');
		  SELECT extversion FROM pg_extension WHERE extname = 'caller';
		  SELECT count(*) FROM pg_depend
		  WHERE deptype = 'e' AND objid = 'agents'::regclass),
		"001\nempty\n0", 'after it, an upgrade works');

	# the reverse is nothing special: a revision that makes an extension
	sql_is($node, 'inside',
		q(SELECT migrate_revision('create extension',
			'DROP EXTENSION caller; CREATE EXTENSION caller VERSION ''empty''; CREATE TABLE own ()',
			rev_id => '002');
		  SELECT migrate_upgrade('head');
		  SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND objid = 'own'::regclass),
		"002\n002\n0", 'CREATE EXTENSION in a revision');
	sql_fails($node, 'inside',
		q(SELECT migrate_revision('create extension',
			'DROP EXTENSION caller; CREATE EXTENSION caller',
			rev_id => '003');
		  SELECT migrate_upgrade('head')),
		'0A000', q{migrate_upgrade\(\) cannot be called from},
		'CREATE EXTENSION in a revision that calls back');
	sql_is($node, 'inside', 'SELECT current, heads FROM migrate_status()',
		'{002}|{003}', 'the database is where it was');
}

done_testing();
