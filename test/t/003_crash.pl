
# Copyright (c) 2026, the migrate authors

# A run that ends in the middle, because the server or the session does, leaves
# nothing behind.  The next upgrade gives the same schema, version table and
# log as one that nothing disturbed.
#
# The scripts of revision 003 wait for an advisory lock, which another session
# holds: there the run is when it is hit.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $wait = "SELECT pg_advisory_xact_lock($MigrateTest::LOCK);";

sub make_database
{
	my ($database) = @_;

	create_database($node, $database);
	load_files(
		$node, $database,
		revision_file('001', '', 'create agents',
			'CREATE TABLE agents (id int, name text); CREATE TYPE mood AS ENUM ();',
			'DROP TABLE agents; DROP TYPE mood;'),
		revision_file('002', '001', 'fill agents',
			"INSERT INTO agents SELECT i, 'agent ' || i FROM generate_series(1, 1000) i;\n"
			. "ALTER TYPE mood ADD VALUE 'calm';",
			'DELETE FROM agents;'),
		revision_file('003', '002', 'create index',
			"CREATE INDEX agents_name ON agents (name);\n$wait\nCREATE TABLE teams (id int);",
			"DROP INDEX agents_name;\n$wait\nDROP TABLE teams;"),
		revision_file('004', '003', 'create users',
			'CREATE TABLE users (id int);', 'DROP TABLE users;'));
	$node->safe_psql($database, q(SELECT migrate_upgrade('001')));
	return;
}

# Begin a run that is held up, and return both sessions: who holds the lock,
# and who runs.
sub begin_run
{
	my ($database, $sql) = @_;
	my $holder = hold_lock($node, $database);
	my $runner = $node->background_psql($database, on_error_stop => 0);

	$runner->query_until(qr/begun/, "\\echo begun\n$sql;\n");
	wait_for(
		$node,
		"SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		 WHERE d.datname = '$database' AND l.locktype = 'advisory' AND NOT l.granted)",
		'the script to wait');
	return ($holder, $runner);
}

sub crash
{
	my (@sessions) = @_;

	$node->stop('immediate');
	# psql notices that the server is gone
	foreach my $session (@sessions)
	{
		eval { $session->quit };
	}
	$node->start;
	return;
}

sub same_as_undisturbed
{
	my ($database, $reference, $name) = @_;

	is(versions_of($node, $database), versions_of($node, $reference),
		"$name: same version table");
	is(log_of($node, $database), log_of($node, $reference), "$name: same log");
	is(rows_sorted(schema_of($node, $database)),
		rows_sorted(schema_of($node, $reference)),
		"$name: same schema and rows");
	return;
}

# Where in a table its rows are depends on the free space that was found, which
# may differ after a crash.
sub rows_sorted
{
	my ($dump) = @_;

	$dump =~ s/((?:^INSERT INTO .*\n)+)/join '', sort split m{(?<=\n)}, $1/gme;
	return $dump;
}

# what it should come to
make_database('reference_up');
sql_is($node, 'reference_up', q(SELECT migrate_upgrade('head')), '004',
	'undisturbed upgrade');
make_database('reference_down');
$node->safe_psql('reference_down', q(SELECT migrate_upgrade('head')));
sql_is($node, 'reference_down', q(SELECT migrate_downgrade('base')), '',
	'undisturbed downgrade');

# the server crashes in the middle of an upgrade
make_database('crash_up');
my $before = schema_of($node, 'crash_up');
my $log_before = log_of($node, 'crash_up');
crash(begin_run('crash_up', q(SELECT migrate_upgrade('head'))));
is(versions_of($node, 'crash_up'), '001', 'after the crash: version table');
is(log_of($node, 'crash_up'), $log_before, 'after the crash: log');
is(schema_of($node, 'crash_up'), $before, 'after the crash: schema and rows');
sql_is($node, 'crash_up', 'SELECT current, pending FROM migrate_status()',
	'{001}|3', 'after the crash: status');
sql_is($node, 'crash_up', q(SELECT migrate_upgrade('head')), '004',
	'after the crash: upgrade');
same_as_undisturbed('crash_up', 'reference_up', 'after the crash');

# in the middle of a downgrade
make_database('crash_down');
$node->safe_psql('crash_down', q(SELECT migrate_upgrade('head')));
$before = schema_of($node, 'crash_down');
crash(begin_run('crash_down', q(SELECT migrate_downgrade('base'))));
is(versions_of($node, 'crash_down'), '004',
	'after the crash of a downgrade: version table');
is(schema_of($node, 'crash_down'), $before,
	'after the crash of a downgrade: schema and rows');
sql_is($node, 'crash_down', q(SELECT migrate_downgrade('base')), '',
	'after the crash: downgrade');
same_as_undisturbed('crash_down', 'reference_down',
	'after the crash of a downgrade');

# after the run, but before the end of the caller's transaction
make_database('crash_open');
my ($holder, $runner) =
  begin_run('crash_open', q(BEGIN; SELECT migrate_upgrade('head')));
$holder->quit;
wait_for(
	$node,
	q(SELECT state = 'idle in transaction' FROM pg_stat_activity
	  WHERE datname = 'crash_open' AND query LIKE '%migrate_upgrade%'),
	'the upgrade to end');
crash($runner);
is(versions_of($node, 'crash_open'), '001',
	'after a crash before COMMIT: version table');
sql_is($node, 'crash_open', q(SELECT migrate_upgrade('head')), '004',
	'after a crash before COMMIT: upgrade');
same_as_undisturbed('crash_open', 'reference_up',
	'after a crash before COMMIT');

# Only the session is killed: its lock goes with it, and the session that
# waits for it takes over.
foreach my $function (qw(pg_terminate_backend pg_cancel_backend))
{
	my $database = "by_$function";

	make_database($database);
	($holder, $runner) =
	  begin_run($database, q(SELECT migrate_upgrade('head')));
	my $next = $node->background_psql($database, on_error_stop => 0);
	$next->query_until(qr/begun/,
		"\\echo begun\nSELECT migrate_upgrade('head');\n");
	wait_for(
		$node,
		"SELECT EXISTS (SELECT FROM pg_stat_activity
		 WHERE datname = '$database' AND wait_event_type = 'Extension')",
		'the second session to wait');
	is( $node->safe_psql(
			$database,
			"SELECT $function(pid) FROM pg_locks
			 WHERE locktype = 'advisory' AND NOT granted"),
		't',
		"$function: the runner is ended");
	$holder->quit;
	wait_for(
		$node,
		"SELECT NOT EXISTS (SELECT FROM pg_stat_activity
		 WHERE datname = '$database' AND state = 'active')",
		'the second session to end');
	$next->quit;
	eval { $runner->quit };
	same_as_undisturbed($database, 'reference_up', $function);
}

done_testing();
