
# Copyright (c) 2026, the migrate authors

# What migrate_upgrade_sql(), migrate_downgrade_sql() and migrate_stamp_sql()
# return, run with psql in a database without the extension, does what a run in
# the server does; and it does nothing in a database where it does not belong.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $examples = "$FindBin::RealBin/../../examples/agent_platform";
my $nfiles = 0;
my @stop = ('-v', 'ON_ERROR_STOP=1');

# Get a script, and put it into a file, as the documentation says it is done.
sub script_file
{
	my ($database, $call) = @_;
	my $file = "$dir/script" . ++$nfiles . '.sql';
	my $err = '';

	IPC::Run::run(
		[
			'psql', '-XAtq', '-d', $node->connstr($database),
			'-c', "SELECT $call"
		],
		'>', $file, '2>', \$err)
	  or die "$call failed: $err";
	return $file;
}

# Run a file with psql.
sub run_file
{
	my ($database, $file, @options) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(
		[
			'psql', '-Xq', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr($database),
			@options, '-f', $file
		],
		'>', \$out, '2>', \$err);

	return { ok => $ok, out => $out, err => $err };
}

# Get a script in one database and run it in another.
sub run_offline
{
	my ($from, $call, $database, @options) = @_;

	return run_file($database, script_file($from, $call), @options);
}

sub offline_ok
{
	my ($from, $call, $database, $test_name) = @_;
	my $result = run_offline($from, $call, $database, @stop);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($result->{ok}, $test_name) || diag($result->{err});
}

sub create_empty
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	return $name;
}

# Two databases hold the same.  The one without the extension gets it now, so
# that the dumps can be compared as they are.
sub same_database
{
	my ($offline, $online, $test_name) = @_;
	my $copy = "${offline}_copy";

	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE $offline");
	$node->safe_psql($copy, 'CREATE EXTENSION migrate');

	my $got = schema_of($node, $copy);
	my $expected = schema_of($node, $online);

	$node->safe_psql('postgres', "DROP DATABASE $copy");

	# what scripts write by gen_random_uuid() and now()
	foreach my $dump ($got, $expected)
	{
		$dump =~ s/'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'/'uuid'/g;
		$dump =~ s/'\d{4}-\d\d-\d\d [\d:.]+\+00'/'time'/g;
	}

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return same_text($got, $expected, $test_name);
}

# Like is(), but with the lines that differ instead of two whole dumps.
sub same_text
{
	my ($got, $expected, $test_name) = @_;
	my %count;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return pass($test_name) if $got eq $expected;
	$count{$_}++ foreach split /\n/, $got;
	$count{$_}-- foreach split /\n/, $expected;
	fail($test_name);
	diag(($count{$_} > 0 ? 'got:      ' : 'expected: ') . $_)
	  foreach grep { $count{$_} != 0 } sort keys %count;
	return 0;
}

# A script does not run in a database: it raises the guard's error and leaves
# everything as it is, whether psql stops at the error or goes on.
sub refused
{
	my ($file, $database, $detail, $test_name) = @_;
	my $before = schema_of($node, $database);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $options ([], \@stop)
	{
		my $result = run_file($database, $file, @$options);
		my $how = @$options ? 'with' : 'without';

		like(
			$result->{err},
			qr/ERROR:  55000: database is not at the revisions.*$detail.*HINT:  Make a script that starts there: SELECT migrate_/s,
			"$test_name: the guard raises, $how ON_ERROR_STOP");
		same_text(schema_of($node, $database),
			$before, "$test_name: nothing has changed, $how ON_ERROR_STOP");
	}
	return;
}

#
# The example project, up and down
#
create_database($node, 'online');
create_empty('offline');
$node->safe_psql(
	'online', qq(
	SELECT migrate_load_directory('$examples/versions', 'oss');
	SELECT migrate_load_directory('$examples/enterprise', 'enterprise')));

my $up = script_file('online', q(migrate_upgrade_sql('heads')));
my $upgrade = slurp_file($up);

$node->safe_psql('online', q(SELECT migrate_upgrade('heads')));
my $result = run_file('offline', $up, @stop);
ok($result->{ok}, 'example: upgrade from nothing') || diag($result->{err});
same_database('offline', 'online', 'example: same schema and version table');

refused($up, 'offline',
	'it is at 07fa6e8d92cb, b76d10e9a4c3; the script starts from base',
	'example: upgrade once more');

is( slurp_file(
		script_file('online', q(migrate_upgrade_sql('base:heads')))),
	$upgrade,
	'example: the same script for a range');

offline_ok('online', q(migrate_downgrade_sql('heads:base')),
	'offline', 'example: downgrade');
$node->safe_psql('online', q(SELECT migrate_downgrade('base')));
same_database('offline', 'online', 'example: same after the downgrade');

# step by step, each script starting where the one before ended
foreach my $target ('c3f21d79e804', 'memory', '39d2e76a1fb5', 'enterprise@head', 'heads')
{
	offline_ok('online', "migrate_upgrade_sql('$target')",
		'offline', "example: on to $target");
	$node->safe_psql('online', "SELECT migrate_upgrade('$target')");
	is( versions_of($node, 'offline'),
		versions_of($node, 'online'),
		"example: at the same versions after $target");
}
same_database('offline', 'online', 'example: same after several scripts');

#
# Where a script does not belong
#
create_empty('elsewhere');
my $part = script_file('online', q(migrate_upgrade_sql('c3f21d79e804:heads')));
refused($part, 'elsewhere', 'it is at base; the script starts from c3f21d79e804',
	'no version table');
$node->safe_psql(
	'elsewhere', q(
	CREATE TABLE alembic_version (version_num varchar(32) NOT NULL,
		CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
	INSERT INTO alembic_version VALUES ('c3f21d79e804'), ('another')));
refused($part, 'elsewhere', 'it is at another, c3f21d79e804; the script starts from c3f21d79e804',
	'a row too many');
refused(script_file('online', q(migrate_stamp_sql('c3f21d79e804:heads'))),
	'elsewhere', 'it is at another, c3f21d79e804', 'a stamp');
refused(script_file('online', q(migrate_upgrade_sql('heads'))),
	'elsewhere', 'the script starts from b76d10e9a4c3, 07fa6e8d92cb', 'nothing to do');

# a stamp, in a version table of Alembic's
$node->safe_psql('elsewhere', q(DELETE FROM alembic_version WHERE version_num = 'another'));
offline_ok('online', q(migrate_stamp_sql('c3f21d79e804:heads')), 'elsewhere', 'stamp');
is(versions_of($node, 'elsewhere'), '07fa6e8d92cb,b76d10e9a4c3', 'stamp: version table');
my $before = schema_of($node, 'elsewhere');
offline_ok('online', q(migrate_upgrade_sql('heads')), 'elsewhere', 'nothing to do');
same_text(schema_of($node, 'elsewhere'), $before, 'nothing to do: nothing has changed');
offline_ok('online', q(migrate_stamp_sql('heads:base')), 'elsewhere', 'stamp to base');
is(versions_of($node, 'elsewhere'), '', 'stamp to base: version table');

# two at once: the second waits for the first, and is refused
create_database($node, 'locks');
load_files(
	$node, 'locks',
	revision_file('l1', '', 'first', 'CREATE TABLE l1 ();', 'DROP TABLE l1;'),
	revision_file('l2', 'l1', 'second',
		"SELECT pg_advisory_xact_lock($MigrateTest::LOCK);\nCREATE TABLE l2 ();", 'DROP TABLE l2;'));
create_empty('locks_offline');
offline_ok('locks', q(migrate_upgrade_sql('l1')), 'locks_offline', 'two at once: first revision');
my $file = script_file('locks', q(migrate_upgrade_sql('l1:l2')));
my $holder = hold_lock($node, 'locks_offline');
my @runs;
foreach my $waiting ('l.locktype = \'advisory\'', 'l.mode = \'ShareRowExclusiveLock\'')
{
	my ($out, $err) = ('', '');
	my $run = { out => \$out, err => \$err };

	$run->{handle} = IPC::Run::start(
		[
			'psql', '-Xq', '-d', $node->connstr('locks_offline'),
			@stop, '-f', $file
		],
		'>', $run->{out}, '2>', $run->{err});
	push @runs, $run;
	wait_for($node,
		"SELECT count(*) = 1 FROM pg_locks l WHERE NOT l.granted AND $waiting",
		"a session to wait where $waiting");
}
$holder->quit;
ok(IPC::Run::finish($runs[0]{handle}), 'two at once: the first succeeds')
  || diag(${ $runs[0]{err} });
ok(!IPC::Run::finish($runs[1]{handle}), 'two at once: the second fails');
like(
	${ $runs[1]{err} },
	qr/database is not at the revisions.*it is at l2; the script starts from l1/s,
	'two at once: because of the first');
$node->safe_psql('locks', q(SELECT migrate_upgrade('head')));
same_database('locks_offline', 'locks', 'two at once: done once');

# as an ordinary user
$node->safe_psql(
	'postgres', q(
	CREATE ROLE plain LOGIN;
	CREATE DATABASE plain OWNER plain TEMPLATE template0));
$file = script_file('locks', q(migrate_upgrade_sql('base:head')));
$result = run_file('plain', $file, @stop, '-U', 'plain');
ok($result->{ok}, 'as an ordinary user: upgrade') || diag($result->{err});
is(versions_of($node, 'plain'), 'l2', 'as an ordinary user: version table');

#
# What a script sets ends with it
#
create_database($node, 'settings');
create_empty('settings_offline');
$node->safe_psql('postgres', q(CREATE ROLE app_owner; CREATE ROLE app_user SUPERUSER));
foreach my $database ('settings', 'settings_offline')
{
	$node->safe_psql(
		$database, q(
		CREATE SCHEMA app;
		CREATE SCHEMA other;
		GRANT USAGE, CREATE ON SCHEMA app, other TO app_owner));
}
$node->safe_psql(
	'postgres', q(
	ALTER DATABASE settings SET search_path = app, public;
	ALTER DATABASE settings_offline SET search_path = app, public));
my $show = q(SELECT concat_ws('|', current_user, session_user, current_setting('search_path'),
	current_setting('work_mem'), current_setting('lock_timeout'), coalesce(current_setting('my.parameter', true), ''),
	current_setting('default_transaction_deferrable'), current_setting('TimeZone')));
my $number = 0;
my @settings = (
	'SET search_path = other',
	'SET LOCAL search_path TO other',
	q(SELECT set_config('search_path', 'other', false)),
	q(DO $$ BEGIN SET search_path = other; SET ROLE app_owner; END $$),
	'SET ROLE app_owner',
	'SET SESSION AUTHORIZATION app_user',
	q(SET ROLE app_owner; SET SESSION AUTHORIZATION app_user; SET ROLE app_owner; SET search_path = app),
	q(SET work_mem = '77MB'; SET LOCAL lock_timeout = '5s'),
	q(SET my.parameter = 'x'; SET TIME ZONE 'Asia/Tokyo'; RESET work_mem),
	'SET SESSION CHARACTERISTICS AS TRANSACTION DEFERRABLE',
	q(SET standard_conforming_strings = on; SET client_min_messages = error));
my @files;
foreach my $setting (@settings)
{
	my $previous = $number ? "s$number" : '';

	$number++;
	push @files,
	  revision_file("s$number", $previous, "setting $number",
		"$setting;\nCREATE TABLE t$number AS $show", "$setting; DROP TABLE IF EXISTS app.t$number, other.t$number");

	# what the next script finds
	push @files,
	  revision_file("s${number}x", "s$number", "after setting $number",
		"CREATE TABLE x$number AS $show;", "DROP TABLE x$number;");
	$files[-2] =~ s/Revises: (s\d+)$/Revises: $1x/m;
}
load_files($node, 'settings', @files);
my $settings_up = script_file('settings', 'migrate_upgrade_sql()');
$node->safe_psql('settings', "SET work_mem = '5MB'; SELECT migrate_upgrade()");

# in a session with a setting of its own, which is there afterwards
append_to_file("$dir/session.sql",
	"SET work_mem = '5MB';\n$show;\n\\i $settings_up\n$show;\n");
$result = run_file('settings_offline', "$dir/session.sql", @stop, '-At');
ok($result->{ok}, 'settings: upgrade') || diag($result->{err});
like($result->{out}, qr/^(.*\|app, public\|5MB\|.*)\n(?:.*\n)*\1\n\z/, 'settings: those of the session are left alone');
same_database('settings_offline', 'settings', 'settings: same schema and rows');

$node->safe_psql('settings', q(SELECT migrate_downgrade('base')));
offline_ok('settings', q(migrate_downgrade_sql('s11x:base')), 'settings_offline', 'settings: downgrade');
same_database('settings_offline', 'settings', 'settings: same after the downgrade');

#
# An environment with a search path and a version table of its own, texts that
# need care, and a database whose defaults are against us
#
create_database($node, 'texts');
create_empty('texts_offline');
foreach my $database ('texts', 'texts_offline')
{
	$node->safe_psql($database, <<'EOT');
CREATE SCHEMA "My App";
CREATE SCHEMA evil;
CREATE FUNCTION evil.planted(text, text) RETURNS boolean LANGUAGE plpgsql AS
	'BEGIN RAISE ''planted operator called''; END';
CREATE FUNCTION evil.planted(text[], text[]) RETURNS boolean LANGUAGE plpgsql AS
	'BEGIN RAISE ''planted operator called''; END';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.planted);
CREATE OPERATOR evil.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = evil.planted);
CREATE OPERATOR evil.<> (LEFTARG = text[], RIGHTARG = text[], FUNCTION = evil.planted);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false);
EOT
}
$node->safe_psql('postgres', <<'EOT');
ALTER DATABASE texts_offline SET search_path = evil, pg_catalog;
ALTER DATABASE texts_offline SET standard_conforming_strings = off;
ALTER DATABASE texts_offline SET default_transaction_isolation = serializable;
EOT
$node->safe_psql('texts', <<'EOT');
SELECT migrate_environment_create('it''s', version_table => 'Version Table',
	version_table_schema => 'My App', search_path => '"My App", public');
SELECT migrate_revision(E'one\n-- two; \\q $$ $guard$', environment => 'it''s', rev_id => 'i$guard$d',
	upgrade => E'CREATE TABLE t (\r\n\tx text DEFAULT ''a\\nb\\c\u00e9''\r\n);\r\n\r\n'
		'/* a /* nested */ comment; */ CREATE FUNCTION f() RETURNS text LANGUAGE sql\r\n'
		'BEGIN ATOMIC SELECT ''x;y''::text; SELECT ''\\''; END;\r\n'
		'CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $x$\r\nBEGIN\r\n\tRETURN ''\\'';\r\nEND $x$;\r\n'
		'INSERT INTO t DEFAULT VALUES; INSERT INTO t VALUES ($x$ :name :"VERSION" :''VERSION'' $guard$ ; $x$) -- :end',
	downgrade => 'DROP FUNCTION f(); DROP FUNCTION g(); DROP TABLE t -- all');
SELECT migrate_revision('nothing', environment => 'it''s', rev_id => 'it''s', downgrade => '/* nothing */');
SELECT migrate_revision('two', environment => 'it''s', rev_id => 'é',
	upgrade => E'\n\n  CREATE RULE r AS ON UPDATE TO t DO ALSO (DELETE FROM t; SELECT 1)',
	downgrade => 'DROP RULE r ON t;');
EOT
offline_ok('texts', q(migrate_upgrade_sql('head', 'it''s')), 'texts_offline', 'texts: upgrade');
my $texts_up = script_file('texts', q(migrate_upgrade_sql('base:head', 'it''s')));
$node->safe_psql('texts', q(SELECT migrate_upgrade(environment => 'it''s')));
same_database('texts_offline', 'texts', 'texts: same after the upgrade');
refused($texts_up, 'texts_offline', 'it is at é; the script starts from base', 'texts');
offline_ok('texts', q(migrate_downgrade_sql('base', 'it''s')), 'texts_offline', 'texts: downgrade');
$node->safe_psql('texts', q(SELECT migrate_downgrade('base', environment => 'it''s')));
same_database('texts_offline', 'texts', 'texts: same after the downgrade');

#
# Outside of a transaction
#
create_database($node, 'outside');
create_empty('outside_offline');
load_files(
	$node, 'outside',
	revision_file('o1', '', 'create a', "CREATE TABLE a (i int);\nINSERT INTO a VALUES (1);", 'DROP TABLE a;'),
	revision_file('o2', 'o1', 'index', "SET lock_timeout = '1s';\nCREATE UNIQUE INDEX CONCURRENTLY a_i_idx ON a (i)", 'DROP INDEX CONCURRENTLY a_i_idx'),
	revision_file('o3', 'o2', 'after', "CREATE TABLE b AS SELECT current_setting('lock_timeout');", 'DROP TABLE b;'),
	revision_file('o4', 'o3', 'vacuum', 'VACUUM a; ANALYZE a;', ''));
my $outside_up = script_file('outside', q(migrate_upgrade_sql('base:head')));
my $stops = qr/^\\set ON_ERROR_STOP on$/m;
like(slurp_file($outside_up), $stops, 'outside: the script stops by itself');
unlike($upgrade, qr/^\\/m, 'the others hold no commands of psql');

$result = run_file('outside_offline', $outside_up);
ok($result->{ok}, 'outside: upgrade') || diag($result->{err});
is(versions_of($node, 'outside_offline'), 'o4', 'outside: version table');
is( $node->safe_psql('outside_offline',
		q(SELECT indisvalid, b.* FROM pg_index, b WHERE indexrelid = 'a_i_idx'::regclass)),
	't|0', 'outside: the index is there, and its setting is gone');
offline_ok('outside', q(migrate_downgrade_sql('o4:o1')), 'outside_offline', 'outside: downgrade');
is(versions_of($node, 'outside_offline'), 'o1', 'outside: version table after the downgrade');
is($node->safe_psql('outside_offline', q(SELECT to_regclass('a_i_idx') IS NULL)), 't', 'outside: the index is gone');

# where it does not belong, not even the index is made
my $outside_part = script_file('outside', q(migrate_upgrade_sql('o2:o4')));
refused($outside_part, 'outside_offline', 'it is at o1; the script starts from o2', 'outside');
create_empty('outside_elsewhere');
$node->safe_psql('outside_elsewhere', 'CREATE TABLE a (i int)');
refused(script_file('outside', q(migrate_upgrade_sql('o1:o2'))),
	'outside_elsewhere', 'it is at base; the script starts from o1', 'outside, elsewhere');

# a failing statement: what went before stays, what comes after is not run
$node->safe_psql('outside_offline', 'INSERT INTO a VALUES (1)');
$result = run_file('outside_offline', script_file('outside', q(migrate_upgrade_sql('o1:head'))));
like($result->{err}, qr/ERROR:  23505: could not create unique index "a_i_idx"/, 'outside: a failing statement');
is(versions_of($node, 'outside_offline'), 'o1', 'outside: the version table tells');
is($node->safe_psql('outside_offline', q(SELECT to_regclass('b') IS NULL)), 't', 'outside: nothing was run behind it');

# the version table is changed in the meantime
load_files($node, 'outside', <<'EOT');
-- meddle
--
-- Revision ID: o5
-- Revises: o4

-- migrate:upgrade transaction:no
UPDATE alembic_version SET version_num = 'other';
EOT
$node->safe_psql('outside_offline', q(UPDATE alembic_version SET version_num = 'o4'));
$result = run_offline('outside', q(migrate_upgrade_sql('o4:o5')), 'outside_offline');
like(
	$result->{err},
	qr/ERROR:  55000: version table was changed while this script was running.*is at other; it was at o4/s,
	'outside: a version table that changes is noticed');
is(versions_of($node, 'outside_offline'), 'other', 'outside: and not overwritten');

$node->stop;
done_testing();
