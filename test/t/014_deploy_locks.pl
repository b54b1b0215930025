
# Copyright (c) 2026, the migrate authors

# A deploy that cannot have a lock stands in nobody's way: it does not wait in
# the queue for the table, tries again, and says who keeps it out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use DeployTest;
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
configure(
	$node,
	max_connections => 50,
	deadlock_timeout => '50ms',
	autovacuum_naptime => '1s');

create_database($node, 'project');
load_files(
	$node,
	'project',
	revision_file(
		'001', '', 'create accounts', q(
		CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL) WITH (autovacuum_enabled = false);
		CREATE TABLE teams (id int PRIMARY KEY, n int NOT NULL);
		INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 1000) i;
		INSERT INTO teams VALUES (1, 0);),
		'DROP TABLE accounts, teams;'),
	revision_file(
		'002', '001', 'add status',
		'ALTER TABLE accounts ADD COLUMN status text;',
		'ALTER TABLE accounts DROP COLUMN status;'));
deploys($node, 'project', 'the revision that others build on',
	q(CALL migrate_deploy('001')));

# ---- readers and writers behind a deploy ----

# It would be in their way for as long as lock_timeout, if it queued.
copy_database($node, 'project', 'patient');
my ($reader, $pid) = begin_reading('patient');
my $session = start_session($node, 'patient',
	q(CALL migrate_deploy('head', lock_timeout => '2 min')));
wait_for($node, waits_for_sql($session, 'Extension'), 'the deploy to wait');
ok(all_go_through('patient', 20),
	'readers and writers go through while a deploy waits for a lock');
sql_is($node, 'patient', q(SELECT count(*) FROM pg_locks WHERE NOT granted),
	'0', 'nothing waits in the lock manager');
ok(is_running($session), 'the deploy still waits');
$reader->quit;
ok(finish_session($session), 'it goes on when the reader has ended')
  || diag($session->{err});
is(failed_rows($node, 'patient'), '', 'and has not failed before');

# ---- a reader that stays ----

foreach my $direction (qw(upgrade downgrade))
{
	my $database = "reader_$direction";
	my $call =
	  $direction eq 'upgrade'
	  ? q(CALL migrate_deploy('head', lock_timeout => '200ms'))
	  : q(CALL migrate_rollback('001', lock_timeout => '200ms'));

	copy_database($node, 'project', $database);
	deploys($node, $database, 'what is rolled back') if $direction eq 'downgrade';
	my ($reader, $pid) = begin_reading($database);
	my $session = start_session($node, $database, $call);

	wait_until_said($session, qr/tried again/);
	ok(all_go_through($database, 20),
		"$direction: readers and writers go through while a deploy waits for a lock");
	ok(is_running($session), "$direction: and it still waits");
	wait_until_said($session, qr/tried again.*tried again/s);
	sql_is(
		$node, $database,
		q(SELECT count(*) FROM pg_locks WHERE NOT granted),
		'0', "$direction: nothing waits in the lock manager");

	$reader->quit;
	ok(finish_session($session), "$direction: it goes on when the reader has ended")
	  || diag($session->{err});
	unlike($session->{err}, qr/ERROR/, "$direction: without an error");

	my $blocker = blocker_pattern($pid);
	like($session->{err},
		qr/NOTICE:  00000: revision "002" $direction is tried again: could not obtain the locks of revision "002" $direction within lock_timeout\nDETAIL:  [^\n]*$blocker/,
		"$direction: a notice names the reader");
	my $failures = $node->safe_psql(
		$database, q(SELECT DISTINCT revision, direction, versions_before = versions_after, sqlstate, error, failed_statement
			FROM migrate.log WHERE outcome = 'failed'));
	is( $failures,
		"002|$direction|t|55P03|could not obtain the locks of revision \"002\" $direction within lock_timeout|",
		"$direction: each try that failed is in the log");
	like(
		$node->safe_psql($database,
			q(SELECT error_detail FROM migrate.log WHERE outcome = 'failed' ORDER BY id LIMIT 1)),
		qr/^$blocker[^\n]*$/,
		"$direction: with the reader");
	cmp_ok(
		$node->safe_psql($database,
			q(SELECT count(*) FROM migrate.log WHERE outcome = 'failed')),
		'>=', 2, "$direction: there was more than one");
	sql_is(
		$node, $database,
		q(SELECT count(*) FROM migrate.log
		  WHERE outcome = 'done' AND deploy_id = (SELECT max(deploy_id::text)::uuid FROM migrate.log WHERE outcome = 'failed')),
		'1', "$direction: and one was done, in the same deploy");
	runs_no_more($node, $database, $direction);
	all_is_done($node, $database, $direction);
}

# ---- locks that cannot be foreseen ----

# They are waited for in the queue, for as long as lock_timeout, and then left
# alone for a while.
copy_database($node, 'project', 'unforeseen');
$node->safe_psql('unforeseen', q(SELECT migrate_edit('002',
	upgrade => 'DO $$ BEGIN EXECUTE ''ALTER TABLE accounts ADD COLUMN status text''; END $$')));
($reader, $pid) = begin_reading('unforeseen');
$session = start_session($node, 'unforeseen',
	q(CALL migrate_deploy('head', lock_timeout => '50ms')));
wait_until_said($session, qr/tried again.*tried again/s);
ok(all_go_through('unforeseen', 5),
	'an unforeseen lock: readers and writers go through between the tries');
$reader->quit;
ok(finish_session($session), 'an unforeseen lock: it goes on when the reader has ended')
  || diag($session->{err});
like(failed_rows($node, 'unforeseen'), qr/^002\|1\|55P03$/m,
	'an unforeseen lock: the rows of the log');
runs_no_more($node, 'unforeseen', 'an unforeseen lock');

# ---- one that stays too long ----

copy_database($node, 'project', 'too_long');
($reader, $pid) = begin_reading('too_long');
sql_fails(
	$node,
	'too_long',
	q(CALL migrate_deploy('head', lock_timeout => '50ms', max_wait => '400ms')),
	'55P03',
	'could not obtain the locks of revision "002" upgrade within lock_timeout, and max_wait is over.*DETAIL:  [^\n]*'
	  . blocker_pattern($pid)
	  . '.*HINT:  See who is in the way and when it will end, then deploy again; what was done before this revision stays\..*CONTEXT:  .*migrate_deploy\(\), revision 1 of 1',
	'max_wait');
runs_no_more($node, 'too_long', 'max_wait', $pid);
sql_fails(
	$node,
	'too_long',
	q(CALL migrate_deploy('head', lock_timeout => '0', max_wait => '200ms')),
	'55P03',
	'could not obtain the locks of revision "002" upgrade within .*max_wait',
	'max_wait without a lock_timeout');
is($node->safe_psql('too_long', q(SELECT count(*) FROM accounts)), '1000',
	'max_wait: the table can be read');
$reader->quit;
deploys($node, 'too_long', 'max_wait: the next deploy finishes');

# ---- traffic that never leaves the table alone ----

# Transactions that overlap, all of them short: there is no instant at which
# the lock is free, so that it has to be queued for.
copy_database($node, 'project', 'traffic');
my $script = PostgreSQL::Test::Utils::tempdir() . '/traffic.sql';
append_to_file($script, "BEGIN;\nSELECT count(*) FROM accounts;\n\\sleep 50 ms\nCOMMIT;\n");
my ($traffic_out, $traffic_err) = ('', '');
my $traffic = IPC::Run::start(
	[
		'pgbench', '-n', '-c', '16', '-T', '60', '-f', $script,
		$node->connstr('traffic')
	],
	'<', \undef, '>', \$traffic_out, '2>', \$traffic_err);
wait_for($node,
	q(SELECT count(*) >= 8 FROM pg_stat_activity WHERE state = 'idle in transaction'),
	'the traffic to begin');
$session = start_session($node, 'traffic',
	q(CALL migrate_deploy('head', lock_timeout => '500ms')));
ok(finish_session($session), 'a deploy goes through traffic that never stops')
  || diag($session->{err});
$traffic->signal('INT');
eval { $traffic->finish };
unlike($traffic_err, qr/ERROR/, 'and the traffic goes on');
all_is_done($node, 'traffic', 'traffic');

# ---- a deadlock ----

# The script waits for the session, which waits for the script, and the script
# is the one that notices.
copy_database($node, 'project', 'deadlock');
load_files(
	$node,
	'deadlock',
	revision_file(
		'003', '002', 'count', q(
		UPDATE accounts SET n = n + 1 WHERE id = 1;
		SELECT pg_advisory_xact_lock(1);
		UPDATE teams SET n = n + 1 WHERE id = 1;)));
my $gate = $node->background_psql('deadlock');
$gate->query_safe('SELECT pg_advisory_lock(1)');
my $rival = $node->background_psql('deadlock');
$rival->query_safe(q(SET deadlock_timeout = '1 h'));
$rival->query_safe('BEGIN; UPDATE teams SET n = n + 10 WHERE id = 1');
$session = start_session($node, 'deadlock',
	q(CALL migrate_deploy('head', lock_timeout => '1 min')));
wait_for($node,
	q(SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory')),
	'the script to wait');
$rival->query_until(qr/going/,
	"\\echo going\nUPDATE accounts SET n = n + 10 WHERE id = 1;\nCOMMIT;\n");
wait_for($node,
	q(SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')),
	'the other session to wait');
$gate->quit;
ok(finish_session($session), 'a deploy that was in a deadlock ends well')
  || diag($session->{err});
like($session->{err},
	qr/NOTICE:  00000: revision "003" upgrade is tried again: deadlock detected\nDETAIL:  Process \d+ waits for/,
	'a deadlock: it is tried again');
is(failed_rows($node, 'deadlock'), '003|3|40P01',
	'a deadlock: the row of the log');
$rival->quit;
sql_is($node, 'deadlock',
	'SELECT a.n, t.n FROM accounts a, teams t WHERE a.id = 1 AND t.id = 1',
	'11|11', 'a deadlock: both have done their work, once');
runs_no_more($node, 'deadlock', 'a deadlock');

# ---- a build that waits ----

# CREATE INDEX CONCURRENTLY waits for transactions, not behind lock_timeout but
# for max_wait; nobody waits behind it.
copy_database($node, 'project', 'build');
load_files(
	$node, 'build',
	online_file(
		'003', '002', 'create index',
		'CREATE INDEX CONCURRENTLY accounts_n ON accounts (n);'));
deploys($node, 'build', 'the revision before it', q(CALL migrate_deploy('002')));
($reader, $pid) = begin_reading('build', 'REPEATABLE READ');
$session = start_session($node, 'build',
	q(CALL migrate_deploy('head', lock_timeout => '50ms', max_wait => '2s')));
wait_until_said($session, qr/statement 1 waits for other transactions to end/);
my $blocker = blocker_pattern($pid);
like($session->{err},
	qr/NOTICE:  00000: revision "003" upgrade, statement 1 waits for other transactions to end\nDETAIL:  [^\n]*$blocker/,
	'a build that waits names whom it waits for');
ok(all_go_through('build', 5), 'readers and writers go through while a build waits');
ok(!finish_session($session), 'a build that waits for too long fails');
like($session->{err},
	qr/ERROR:  55P03: statement 1 of revision "003" upgrade has waited for other transactions for as long as max_wait allows/,
	'and says so');
runs_no_more($node, 'build', 'a build that waits for too long', $pid);
$reader->quit;
like(deploys($node, 'build', 'the next deploy finishes'),
	qr/NOTICE: .* index (?:public\.)?accounts_n is invalid; it is dropped and built again/,
	'the next deploy drops the invalid index');
all_is_done($node, 'build', 'a build that waits for too long');

# ---- autovacuum ----

# It gives way to who waits in the queue, which a deploy does not do.
copy_database($node, 'project', 'vacuum');
$node->safe_psql(
	'vacuum', q(
	UPDATE accounts SET n = n + 1;
	ALTER TABLE accounts SET (autovacuum_enabled = true, autovacuum_vacuum_threshold = 0,
		autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)));
wait_for($node,
	q(SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'
		AND query LIKE 'autovacuum: VACUUM%public.accounts%')),
	'autovacuum to come');
my $said = deploys($node, 'vacuum', 'a deploy that autovacuum keeps out',
	q(CALL migrate_deploy('head', lock_timeout => '100ms')));
like($said, qr/tried again: could not obtain the locks .*autovacuum/s,
	'a deploy that autovacuum keeps out: is tried again');
sql_is($node, 'vacuum',
	q(SELECT count(*), bool_and(error_detail LIKE '%autovacuum%') FROM migrate.log WHERE outcome = 'failed'),
	'1|t', 'a deploy that autovacuum keeps out: only once, as it is cancelled');

done_testing();

# A session that has read the table in a transaction that goes on, and its
# process id.
sub begin_reading
{
	my ($database, $isolation) = @_;
	my $session = $node->background_psql($database);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	$session->query_safe(q(SET application_name = 'long reader'));
	$session->query_safe('BEGIN ISOLATION LEVEL ' . ($isolation // 'READ COMMITTED'));
	$session->query_safe('SELECT count(*) FROM accounts');
	return wantarray ? ($session, $pid) : $session;
}

# What names such a session.
sub blocker_pattern
{
	my ($pid) = @_;

	return qr/process $pid\b[^\n]*long reader[^\n]*SELECT count\(\*\) FROM accounts/;
}

# Have new sessions read and write the table; an error is one of time.
sub all_go_through
{
	my ($database, $count) = @_;
	my @sessions = map {
		start_session(
			$node, $database,
			[
				'SELECT count(*) FROM accounts',
				"UPDATE accounts SET n = n WHERE id = $_",
				"INSERT INTO accounts VALUES (-$_, 0)",
				"DELETE FROM accounts WHERE id = -$_"
			],
			name => "client $_",
			options => '-c statement_timeout=10s')
	} 1 .. $count;
	my $well = grep { finish_session($_) } @sessions;

	return $well == $count;
}
