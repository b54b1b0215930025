
# Copyright (c) 2026, the migrate authors

# pg_upgrade carries the extension with its rows.  Old and new server are of
# one version here: what is tested is that nothing of ours stands in the way.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = start_server('old');

# pg_upgrade loads the library by the name that it has in an installation.  A
# server that finds it only by a path of its settings cannot be upgraded so,
# which says nothing about the extension.
if (!run_sql($old, 'postgres', q(LOAD '$libdir/migrate'))->{ok})
{
  SKIP:
	{
		skip 'the library is not where the server is installed', 1;
	}
	done_testing();
	exit;
}

my $new = start_server('new');

$old->safe_psql('postgres', 'CREATE ROLE deployer');
create_database($old, 'app');
load_files(
	$old, 'app',
	revision_file('001', '', 'create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;'),
	revision_file('002', '001', 'fill agents', 'INSERT INTO agents VALUES (1);', 'DELETE FROM agents;'),
	revision_file('003', '002', 'create teams', 'CREATE TABLE teams (id int);', 'DROP TABLE teams;'));
$old->safe_psql(
	'app', q(
	SELECT migrate_upgrade('002', tag => 'before');
	SELECT migrate_grant('deployer', 'operator')));
my $log = log_of($old, 'app');
my $rights = $old->safe_psql('app',
	q(SELECT p.oid::regprocedure, p.proacl FROM pg_proc p WHERE proname LIKE 'migrate\_%' ORDER BY p.oid::regprocedure::text));
my $bindir = $old->safe_psql('postgres',
	q(SELECT setting FROM pg_config WHERE name = 'BINDIR'));

$old->stop;
$new->stop;

# it writes into the current directory
my $top = PostgreSQL::Test::Utils::tempdir;
my $run = PostgreSQL::Test::Utils::tempdir_short;
my $where = qx(pwd);
chomp $where;
chdir $top;
my $upgraded = run_log(
	[
		'pg_upgrade', '--old-datadir', $old->data_dir,
		'--new-datadir', $new->data_dir, '--old-bindir', $bindir,
		'--new-bindir', $bindir, '--socketdir', $run,
		'--old-port', $old->port, '--new-port', $new->port
	]);
chdir $where;
ok($upgraded, 'pg_upgrade');

$new->start;
is(versions_of($new, 'app'), '002', 'the version table');
is(log_of($new, 'app'), $log, 'the log');
is( $new->safe_psql('app',
		q(SELECT p.oid::regprocedure, p.proacl FROM pg_proc p WHERE proname LIKE 'migrate\_%' ORDER BY p.oid::regprocedure::text)),
	$rights,
	'rights');
sql_is($new, 'app', 'SELECT current, heads, pending, changed FROM migrate_status()',
	'{002}|{003}|1|{}', 'status');
sql_is($new, 'app', q(SELECT migrate_upgrade('head')), '003', 'upgrade');
sql_is($new, 'app', 'SELECT id, revision FROM migrate_log(max_rows => 1)',
	'3|003', 'the log is continued');
sql_is($new, 'app', q(SELECT migrate_downgrade('base')), '', 'downgrade');

done_testing();
