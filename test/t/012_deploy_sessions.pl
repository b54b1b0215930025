
# Copyright (c) 2026, the migrate authors

# Deploys among sessions: many at once, those that are cancelled, terminated or
# lose their client, those that others pause, and those that get no background
# worker.  Whatever happens, no worker, no lock and no transaction is left
# behind, and the next deploy finishes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use DeployTest;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = start_server('main');
configure(
	$node,
	max_connections => 50,
	deadlock_timeout => '10ms',
	client_connection_check_interval => '50ms',
	'migrate.batch_min_size' => 100,
	'migrate.batch_max_size' => 100);

# Scripts can be held up by a row of this table, for longer than any
# lock_timeout and without waiting for a lock; held_row() is the same for each
# row of a table.
my $hold = q(SELECT hold(););

create_database($node, 'project');
load_files(
	$node,
	'project',
	revision_file(
		'001', '', 'create accounts', q(
		CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL, note text);
		CREATE INDEX accounts_note ON accounts (note);
		INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 1000) i;
		CREATE TABLE parts (id int) PARTITION BY LIST (id);
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
		CREATE TABLE holds ();
		CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql AS '
		BEGIN
			WHILE EXISTS (SELECT FROM holds) LOOP
				PERFORM pg_sleep(0.01);
			END LOOP;
			RETURN true;
		END';), 'DROP TABLE accounts, parts, holds; DROP FUNCTION hold;'));
deploys($node, 'project', 'the revision that others build on');
runs_no_more($node, 'project', 'a deploy');

# ---- twenty at once ----

my %projects = (
	transactional => [
		map {
			revision_file(
				"00$_", '00' . ($_ - 1), "number $_",
				"CREATE TABLE t$_ (); UPDATE accounts SET n = n + 1; SELECT pg_sleep(0.01);")
		} 2 .. 9
	],
	mixed => [
		online_file(
			'002', '001', 'create index', q(
			CREATE INDEX CONCURRENTLY accounts_n ON accounts (n);
			INSERT INTO accounts VALUES (0, 0);)),
		revision_file('003', '002', 'count',
			'UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);'),
		online_file(
			'004', '003', 'drop index', q(
			DROP INDEX CONCURRENTLY accounts_n;
			VACUUM accounts;
			CREATE UNIQUE INDEX CONCURRENTLY accounts_n ON accounts (n, id);)),
		revision_file('005', '004', 'create table', 'CREATE TABLE t5 ();')
	]);

foreach my $project (sort keys %projects)
{
	my $count = @{ $projects{$project} };

	copy_database($node, 'project', $project);
	load_files($node, $project, @{ $projects{$project} });
	my @sessions =
	  map { start_session($node, $project, q(CALL migrate_deploy('head')), name => "deploy $_") }
	  1 .. 20;
	my $well = grep { finish_session($_) } @sessions;

	is($well, 20, "twenty sessions at once, $project: all end well")
	  || diag(map { $_->{err} } @sessions);
	sql_is(
		$node, $project,
		q(SELECT count(*), count(DISTINCT revision), count(*) FILTER (WHERE outcome <> 'done')
		  FROM migrate.log WHERE revision > '001'),
		"$count|$count|0",
		"twenty sessions at once, $project: each revision is in the log once");
	sql_is(
		$node, $project,
		q(SELECT DISTINCT n FROM accounts),
		$project eq 'mixed' ? '1' : $count,
		"twenty sessions at once, $project: each revision was run once");
	is(
		scalar(grep { $_->{err} =~ /^NOTICE:  00000: nothing to upgrade: the database is at \d+/m } @sessions),
		19,
		"twenty sessions at once, $project: nineteen found nothing to do");
	runs_no_more($node, $project, "twenty sessions at once, $project");
	all_is_done($node, $project, "twenty sessions at once, $project");
}

# ---- waiting for a deploy that builds an index ----

my $blocked_build = online_file('002', '001', 'create index',
	'CREATE INDEX CONCURRENTLY accounts_n ON accounts (n);');
my $worker_waits = q(SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity USING (pid)
	WHERE NOT granted AND l.locktype = 'virtualxid' AND backend_type = 'migrate worker'));
my $worker_sleeps = q(SELECT EXISTS (SELECT FROM pg_stat_activity
	WHERE backend_type = 'migrate worker' AND wait_event = 'PgSleep'));

copy_database($node, 'project', 'waiting');
load_files(
	$node,
	'waiting',
	online_file(
		'002', '001', 'create index',
		"$hold\nCREATE INDEX CONCURRENTLY accounts_n ON accounts (n);"));
my $holder = hold_scripts('waiting');
my $first = start_session($node, 'waiting', q(CALL migrate_deploy('head')));
wait_for($node, $worker_sleeps, 'the script to sleep');

# One that waits with a deploy of its own has nothing that a build waits for.
my $second = start_session($node, 'waiting', q(CALL migrate_deploy('head')),
	name => 'deploy 2');
wait_until_said($second, qr/waiting for another run/);
my $pid = backend_of($node, $second);
wait_for($node, waits_for_sql($second, 'Extension'), 'the second to sleep');
# It wakes now and then to look, and holds a lock on what it reads as it does.
ok( $node->poll_query_until(
		'postgres', "SELECT backend_xmin IS NULL AND backend_xid IS NULL
		FROM pg_stat_activity WHERE pid = $pid"),
	'a deploy that waits for another has no snapshot');
ok( $node->poll_query_until(
		'postgres', "SELECT string_agg(DISTINCT locktype, ', ') FROM pg_locks
		WHERE pid = $pid AND locktype <> 'virtualxid'",
		'advisory'),
	'a deploy that waits for another has no lock on a table');

# A function is called with a snapshot, which the build waits for.  One side
# has to give up, and it is not the deploy.
my $function = start_session($node, 'waiting', q(SELECT migrate_upgrade('head')),
	name => 'deploy 3');
wait_until_said($function, qr/waiting for another run/);
release($holder, 'waiting');
ok(!finish_session($function), 'a function that waits for a build gives up');
like($function->{err}, qr/ERROR:  40P01: deadlock detected/,
	'and says that this was a deadlock');
ok(finish_session($first), 'the deploy that builds ends well')
  || diag($first->{err});
ok(finish_session($second), 'the deploy that waited ends well')
  || diag($second->{err});
like($second->{err}, qr/nothing to upgrade: the database is at 002/,
	'the deploy that waited found nothing to do');
runs_no_more($node, 'waiting', 'after all of them');
all_is_done($node, 'waiting', 'after all of them');

# A deploy that waits holds nothing but what its session had before the call.
# If the other one waits for that, neither can go on.
copy_database($node, 'project', 'circle');
load_files($node, 'circle',
	revision_file('002', '001', 'lock', "SELECT pg_advisory_xact_lock($MigrateTest::LOCK);"));
$holder = $node->background_psql('circle', on_error_stop => 0);
$holder->query_safe("SELECT pg_advisory_lock($MigrateTest::LOCK)");
$first = start_session($node, 'circle',
	q(CALL migrate_deploy('head', lock_timeout => '1 min')));
wait_for($node,
	q(SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory')),
	'the script to wait');
$holder->query(q(CALL migrate_deploy('head')));
like($holder->{stderr}, qr/ERROR:  deadlock detected/,
	'a deploy that waits for one that waits for its session gives up');
$holder->quit;
ok(finish_session($first), 'the other one ends well') || diag($first->{err});
runs_no_more($node, 'circle', 'after both of them');

# ---- ends that come too early ----

# Each is a place in which a deploy can be: the revision that leads there, what
# keeps it there, how to see that it is there, and the statement that the log
# says has failed.
my %places = (
	'a statement' => {
		file => revision_file('002', '001', 'slow',
			"CREATE TABLE t2 ();\n$hold\nCREATE TABLE t3 ();"),
		hold => \&hold_scripts,
		wait_event => 'PgSleep',
		failed => '002|2'
	},
	'a batch' => {
		file => revision_file('002', '001', 'batches',
			'UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id) AND (id <> 555 OR hold());'),
		hold => \&hold_scripts,
		wait_event => 'PgSleep',
		failed => '002|1'
	},
	'a statement in a worker' => {
		file => online_file('002', '001', 'slow', $hold),
		hold => \&hold_scripts,
		wait_sql => $worker_sleeps,
		failed => '002|1'
	},
	'CREATE INDEX CONCURRENTLY' => {
		file => $blocked_build,
		hold => \&old_snapshot,
		wait_sql => $worker_waits,
		failed => '002|1'
	},
	'CREATE INDEX CONCURRENTLY, not named' => {
		file => online_file('002', '001', 'create index',
			'CREATE INDEX CONCURRENTLY ON accounts (n, lower(note));'),
		hold => \&old_snapshot,
		wait_sql => $worker_waits,
		failed => '002|1'
	},
	'DROP INDEX CONCURRENTLY' => {
		file => online_file('002', '001', 'drop index',
			'DROP INDEX CONCURRENTLY accounts_note;'),
		hold => \&old_snapshot,
		wait_sql => $worker_waits,
		failed => '002|1'
	},
	'REINDEX CONCURRENTLY' => {
		file => online_file('002', '001', 'reindex',
			'REINDEX TABLE CONCURRENTLY accounts;'),
		hold => \&old_snapshot,
		wait_sql => $worker_waits,
		failed => '002|1'
	},
	'DETACH PARTITION CONCURRENTLY' => {
		file => online_file('002', '001', 'detach',
			'ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY;'),
		hold => \&old_snapshot,
		wait_sql => $worker_waits,
		failed => '002|1'
	},
	'the wait for a table' => {
		file => revision_file('002', '001', 'alter',
			'ALTER TABLE accounts ADD COLUMN status text;'),
		hold => \&read_table,
		wait_event => 'Extension',
		failed => '002|'
	},
	'the wait for another run' => {
		file => revision_file('002', '001', 'create table', 'CREATE TABLE t2 ();'),
		hold => \&hold_run,
		wait_event => 'Extension',
		failed => ''
	});

# how a deploy ends, what is said, and the SQLSTATE in the log, if it can
# write there
my %ends = (
	'cancel' => {
		do => sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[1])") },
		said => qr/ERROR:  57014: canceling statement due to user request/,
		sqlstate => '57014'
	},
	'terminate' => {
		do => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[1])") },
		said => qr/FATAL:  57P01: terminating connection due to administrator command/
	},
	'disconnect' => {
		do => sub { $_[0]->{run}->signal('KILL') },
		said => qr//
	},
	'statement_timeout' => {
		do => sub { },
		options => '-c statement_timeout=1s',
		said => qr/ERROR:  57014: canceling statement due to statement timeout/,
		sqlstate => '57014'
	});

# what there is after each, if nothing gets in its way
foreach my $place (values %places)
{
	copy_database($node, 'project', 'undisturbed');
	load_files($node, 'undisturbed', $place->{file});
	deploys($node, 'undisturbed', 'undisturbed');
	$place->{result} = what_there_is('undisturbed');
	$node->safe_psql('postgres', 'DROP DATABASE undisturbed WITH (FORCE)');
}

foreach my $end (sort keys %ends)
{
	end_early($_, $end) foreach sort keys %places;
}

sub end_early
{
	my ($place_name, $end_name) = @_;
	my $place = $places{$place_name};
	my $end = $ends{$end_name};
	my $name = "$end_name in $place_name";

	copy_database($node, 'project', 'early');
	load_files($node, 'early', $place->{file});
	my $holder = $place->{hold}->('early');
	my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
	my $session = start_session(
		$node, 'early',
		q(CALL migrate_deploy('head', lock_timeout => '1 min')),
		options => $end->{options});
	my $pid = backend_of($node, $session);

	wait_for($node, $place->{wait_sql} // waits_for_sql($session, $place->{wait_event}), $name);
	$end->{do}->($session, $pid);
	ok(!finish_session($session), "$name: the call fails");
	like($session->{err}, $end->{said}, "$name: and says so");

	# its client has the message before it is gone
	wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)",
		"$name: the backend to be gone");
	runs_no_more($node, 'early', $name, $holder_pid);
	is( failed_rows($node, 'early'),
		$end->{sqlstate} && $place->{failed} ? "$place->{failed}|$end->{sqlstate}" : '',
		"$name: the row of the log");

	release($holder, 'early');
	deploys($node, 'early', "$name: the next deploy finishes");
	sql_is(
		$node, 'early',
		q(SELECT revision, versions_after FROM migrate.log WHERE outcome = 'done' ORDER BY id),
		"001|{001}\n002|{002}",
		"$name: the next deploy has done it");
	is(what_there_is('early'), $place->{result}, "$name: and nothing else");
	runs_no_more($node, 'early', "$name, then deployed");
	all_is_done($node, 'early', "$name, then deployed");
	$node->safe_psql('postgres', 'DROP DATABASE early WITH (FORCE)');
	return;
}

# Tables with their columns, indexes, partitions, and what the batches changed.
sub what_there_is
{
	my ($database) = @_;

	return $node->safe_psql(
		$database, q(
		SELECT relname, relkind, relispartition,
			(SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
		FROM pg_class c WHERE relnamespace = 'public'::regnamespace ORDER BY relname;
		SELECT DISTINCT n FROM accounts));
}

# The worker alone is cancelled or terminated.
foreach my $function (qw(pg_cancel_backend pg_terminate_backend))
{
	copy_database($node, 'project', $function);
	load_files($node, $function, $blocked_build);
	my $holder = old_snapshot($function);
	my $session = start_session($node, $function, q(CALL migrate_deploy('head')));

	wait_for($node, $worker_waits, 'the build to wait');
	is( $node->safe_psql('postgres',
			"SELECT $function(pid) FROM pg_stat_activity WHERE backend_type = 'migrate worker'"),
		't', "$function of the worker");
	ok(!finish_session($session), "$function of the worker: the call fails");
	like(
		$session->{err},
		$function eq 'pg_cancel_backend'
		? qr/ERROR:  57014: canceling statement due to user request/
		: qr/ERROR:  57P01: terminating (?:connection|background worker .*)due to administrator command/,
		"$function of the worker: and says so");
	runs_no_more($node, $function, "$function of the worker",
		$holder->query_safe('SELECT pg_backend_pid()'));
	is( failed_rows($node, $function),
		$function eq 'pg_cancel_backend' ? '002|1|57014' : '002|1|57P01',
		"$function of the worker: the row of the log");
	$holder->quit;
	deploys($node, $function, "$function of the worker: the next deploy finishes");
	all_is_done($node, $function, "$function of the worker");
}

# ---- no worker ----

# One database has the only one, beside that which the server itself uses.
configure($node, max_worker_processes => 2);
copy_database($node, 'project', $_) foreach qw(with_worker without_worker);
load_files($node, $_, $blocked_build) foreach qw(with_worker without_worker);
$holder = old_snapshot('with_worker');
$first = start_session($node, 'with_worker', q(CALL migrate_deploy('head')));
wait_for($node, $worker_waits, 'the build to wait');
sql_fails(
	$node,
	'without_worker',
	q(CALL migrate_deploy('head')),
	'53400',
	'no background worker is free to run a statement outside of a transaction.*HINT:  Try again later, or increase "max_worker_processes"\.',
	'no worker is free');
is(failed_rows($node, 'without_worker'), '002|1|53400',
	'no worker is free: the row of the log');
runs_no_more($node, 'without_worker', 'no worker is free');
$holder->quit;
ok(finish_session($first), 'the deploy that has the worker ends well');
deploys($node, 'without_worker', 'then one is free');
all_is_done($node, 'without_worker', 'then one is free');
configure($node, max_worker_processes => 8);

# ---- a shutdown ----

copy_database($node, 'project', 'shutdown');
load_files($node, 'shutdown', $blocked_build);
$holder = old_snapshot('shutdown');
$first = start_session($node, 'shutdown', q(CALL migrate_deploy('head')));
wait_for($node, $worker_waits, 'the build to wait');
$node->stop('fast');
ok(!finish_session($first), 'a shutdown: the call fails');
like($first->{err}, qr/FATAL:  57P01/, 'a shutdown: and says so');
eval { $holder->quit };
$node->start;
runs_no_more($node, 'shutdown', 'a shutdown');
deploys($node, 'shutdown', 'a shutdown: the next deploy finishes');
all_is_done($node, 'shutdown', 'a shutdown');

# ---- two environments ----

# They have a lock each, and builds that do not wait for each other.
copy_database($node, 'project', 'two');
$node->safe_psql('two',
	q(SELECT migrate_environment_create('other', version_table => 'version_other')));
load_files($node, 'two',
	online_file('002', '001', 'create index',
		'CREATE INDEX CONCURRENTLY accounts_n ON accounts ((n + 1)); CREATE INDEX CONCURRENTLY accounts_n2 ON accounts ((n + 2));'));
$node->safe_psql('two',
	q(CREATE TABLE teams AS SELECT i AS id FROM generate_series(1, 1000) i;
	SELECT migrate_revision('create index',
		'CREATE INDEX CONCURRENTLY teams_id ON teams ((id + 1)); CREATE INDEX CONCURRENTLY teams_id2 ON teams ((id + 2));',
		transactional => false, rev_id => 't1', environment => 'other')));
my @both = (
	start_session($node, 'two', q(CALL migrate_deploy('head'))),
	start_session($node, 'two', q(CALL migrate_deploy('head', environment => 'other')), name => 'deploy 2'));
is(scalar(grep { finish_session($_) } @both), 2,
	'two environments at once: both end well')
  || diag(map { $_->{err} } @both);
runs_no_more($node, 'two', 'two environments at once');
all_is_done($node, 'two', 'two environments at once');

# ---- statements that fail ----

# What has failed has not been done, and fails again.
copy_database($node, 'project', 'failing');
foreach my $case (
	[ 'CREATE INDEX CONCURRENTLY i ON missing (n)', '42P01' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY i ON accounts (n)', '23505' ],
	[ 'DROP INDEX CONCURRENTLY missing', '42704' ],
	[ 'REINDEX TABLE CONCURRENTLY missing', '42P01' ],
	[ 'VACUUM missing', '42P01' ],
	[ 'ALTER TABLE parts DETACH PARTITION missing CONCURRENTLY', '42P01' ],
	[ 'ALTER TABLE parts DETACH PARTITION accounts CONCURRENTLY', '42P01' ],
	[ 'CREATE DATABASE project', '42P04' ],
	[ 'DROP DATABASE missing', '3D000' ],
	[ 'INSERT INTO missing VALUES (1)', '42P01' ],
	[ 'INSERT INTO accounts VALUES (1, 1)', '23505' ])
{
	my ($sql, $sqlstate) = @$case;

	$node->safe_psql('failing',
		"SELECT migrate_load(" . quote_literal(online_file('002', '001', 'fail', "$sql;")) . ")");
	foreach my $time (qw(first second third))
	{
		my $result = run_sql($node, 'failing', q(CALL migrate_deploy('head')));

		ok(!$result->{ok} && $result->{err} =~ /ERROR:  (?:$sqlstate):/, "$sql: fails the $time time")
		  || diag($result->{err});
	}
	is(versions_of($node, 'failing'), '001', "$sql: the revision is not done");
	runs_no_more($node, 'failing', $sql);
	$node->safe_psql('failing', q(DROP INDEX IF EXISTS i; SELECT migrate_stamp('001')));
}

# ---- pause ----

copy_database($node, 'project', 'paused');
load_files(
	$node, 'paused', $places{'a batch'}{file},
	revision_file('003', '002', 'create table', 'CREATE TABLE t3 ();'));
$holder = hold_scripts('paused');
$first = start_session($node, 'paused', q(CALL migrate_deploy('head')));
wait_for($node, waits_for_sql($first, 'PgSleep'), 'the batch to sleep');
sql_is($node, 'paused', q(SELECT migrate_pause('too busy')), 't', 'pause');
release($holder, 'paused');
ok(!finish_session($first), 'a deploy that is paused fails');
like($first->{err}, qr/ERROR:  MG010: deploys of environment "default" are paused\nDETAIL:  Paused by role "[^"]+": too busy/,
	'and says who paused it, and why');
sql_is($node, 'paused',
	q(SELECT batch_cursor IS NOT NULL, batch_rows BETWEEN 1 AND 999 FROM migrate.progress),
	't|t', 'pause: the batch in hand was finished, and no other begun');
runs_no_more($node, 'paused', 'pause');
sql_fails($node, 'paused', q(CALL migrate_deploy('head')), 'MG010',
	'deploys of environment "default" are paused', 'pause: no deploy starts');
sql_is($node, 'paused', q(SELECT migrate_resume()), 't', 'resume');
deploys($node, 'paused', 'resume: the next deploy finishes');
sql_is($node, 'paused', 'SELECT DISTINCT n FROM accounts', '1',
	'resume: each row was changed once');
all_is_done($node, 'paused', 'resume');

# ---- a script that releases advisory locks ----

copy_database($node, 'project', 'unlocking');
load_files(
	$node, 'unlocking',
	revision_file('002', '001', 'unlock',
		"SELECT pg_advisory_unlock_all();\nCREATE TABLE t2 ();"),
	online_file('003', '002', 'discard', 'DISCARD ALL; CREATE TABLE t3 ();'),
	revision_file('004', '003', 'unlock in batches',
		"UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);\nSELECT pg_advisory_unlock_all();\nUPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);"),
	revision_file('005', '004', 'create table', 'CREATE TABLE t5 ();'));
deploys($node, 'unlocking', 'a script that releases all advisory locks');
sql_is($node, 'unlocking',
	q(SELECT string_agg(revision, ' ' ORDER BY id) FROM migrate.log WHERE outcome = 'done'),
	'001 002 003 004 005', 'a script that releases all advisory locks: all is done');
runs_no_more($node, 'unlocking', 'a script that releases all advisory locks');

# Another deploy waits for the lock meanwhile.  It must not do at the same time
# what the first one does; whichever goes on, the other one says why it cannot.
my %unlocking = (
	'a statement by itself' => qq(
		SELECT pg_advisory_unlock_all();
		$hold
		UPDATE accounts SET n = n + 1;
		UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);
		UPDATE accounts SET n = n + 1;),
	'a statement that goes on' => q(
		SELECT pg_advisory_unlock_all(), hold();
		UPDATE accounts SET n = n + 2;
		UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);),
	'a whole script' => qq(
		SELECT pg_advisory_unlock_all();
		$hold
		UPDATE accounts SET n = n + 3;));
foreach my $where (sort keys %unlocking)
{
	my $name = "$where releases the run lock";

	copy_database($node, 'project', 'lost');
	load_files(
		$node, 'lost',
		revision_file('002', '001', 'unlock', $unlocking{$where}),
		revision_file('003', '002', 'create table', 'CREATE TABLE t3 ();'));
	$holder = hold_scripts('lost');
	$first = start_session($node, 'lost', q(CALL migrate_deploy('head')));
	wait_for($node, waits_for_sql($first, 'PgSleep'), 'the script to sleep');
	$second = start_session($node, 'lost', q(CALL migrate_deploy('head')), name => 'deploy 2');
	wait_until_said($second, qr/NOTICE/);
	usleep(300_000);
	release($holder, 'lost');
	foreach my $session ($first, $second)
	{
		ok( finish_session($session)
			  || $session->{err} =~
			  /ERROR:  55006: lost the run lock of environment "default" to another session.*released this session's advisory locks/s,
			"$name: $session->{name} ends well, or has lost the lock")
		  || diag($session->{err});
	}
	deploys($node, 'lost', "$name: then deployed");
	sql_is($node, 'lost', 'SELECT DISTINCT n FROM accounts', '3',
		"$name: each statement was run once");
	sql_is($node, 'lost',
		q(SELECT string_agg(revision, ' ' ORDER BY id) FROM migrate.log WHERE outcome = 'done'),
		'001 002 003', "$name: each revision was run once");
	runs_no_more($node, 'lost', $name);
	all_is_done($node, 'lost', $name);
	$node->safe_psql('postgres', 'DROP DATABASE lost WITH (FORCE)');
}

done_testing();

# ---- what keeps a deploy from going on ----

# Hold up the scripts that call hold().
sub hold_scripts
{
	my ($database) = @_;

	$node->safe_psql($database, 'INSERT INTO holds DEFAULT VALUES');
	return $node->background_psql($database);
}

# A transaction with a snapshot and locks, which who builds an index waits for,
# and who takes something away from a table.
sub old_snapshot
{
	my ($database) = @_;
	my $session = $node->background_psql($database);

	$session->query_safe(
		'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM accounts, parts LIMIT 0');
	return $session;
}

# A transaction that has read a table.
sub read_table
{
	my ($database) = @_;
	my $session = $node->background_psql($database);

	$session->query_safe('BEGIN; SELECT count(*) FROM accounts');
	return $session;
}

# Another run, which is not committed yet.
sub hold_run
{
	my ($database) = @_;
	my $session = $node->background_psql($database);

	$session->query_safe('SET client_min_messages = warning');
	$session->query_safe(q(BEGIN; SELECT migrate_upgrade('001')));
	return $session;
}

sub release
{
	my ($session, $database) = @_;

	$node->safe_psql($database, 'DELETE FROM holds');
	$session->quit;
	return;
}
