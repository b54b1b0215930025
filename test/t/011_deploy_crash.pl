
# Copyright (c) 2026, the migrate authors

# A deploy that is broken off at a random moment, because its backend, its
# background worker or the server is gone, or because somebody ends it, and then
# run again, comes to what an undisturbed deploy comes to: the same schema,
# rows, version table and log.  Nothing is lost, and nothing is done twice.
#
# TORTURE_MOMENTS tells how many moments there are of each kind.  TORTURE_SEED
# repeats the moments of a run that printed it, as far as moments can be
# repeated.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use DeployTest;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $moments = $ENV{TORTURE_MOMENTS} // 5;
my $seed = $ENV{TORTURE_SEED} // (time ^ $$) % 1_000_000;
my $rows = 24_000;

srand($seed);
note("TORTURE_SEED=$seed TORTURE_MOMENTS=$moments");

my $node = start_server('main');
configure(
	$node,
	restart_after_crash => 'on',
	'migrate.batch_min_size' => 200,
	'migrate.batch_max_size' => 200);

# How the scripts of each revision are run.  What cannot be repeated without a
# trace (n + 1, rows without a key) shows whether it was done once and only
# once.
my %kinds = (
	'001' => 'transaction',
	'002' => 'transaction',
	'003' => 'batches',
	'004' => 'top level',
	'005' => 'batches',
	'006' => 'transaction',
	'007' => 'batches',
	'008' => 'top level',
	'009' => 'transaction');
my @files = (
	revision_file(
		'001', '', 'create accounts', qq(
		CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL, kind text NOT NULL);
		CREATE TABLE events (id int PRIMARY KEY, account int NOT NULL REFERENCES accounts);
		CREATE TABLE parts (id int, day int) PARTITION BY LIST (day);
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
		CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
		CREATE TABLE notes (note text);
		INSERT INTO accounts SELECT i, i % 7, 'kind ' || i % 10 FROM generate_series(1, $rows) i;
		INSERT INTO events SELECT i, i FROM generate_series(1, $rows) i;
		INSERT INTO parts SELECT i, 1 + i % 2 FROM generate_series(1, 100) i;),
		'DROP TABLE accounts, events, parts, notes;'),
	revision_file(
		'002', '001', 'add status', q(
		ALTER TABLE accounts ADD COLUMN status text NOT NULL DEFAULT 'new';
		ALTER TABLE accounts ADD CONSTRAINT accounts_n_check CHECK (n >= 0);
		INSERT INTO notes SELECT '002' FROM pg_sleep(0.05);
		CREATE TABLE archive (id int, n int);),
		q(
		DROP TABLE archive;
		ALTER TABLE accounts DROP COLUMN status, DROP CONSTRAINT accounts_n_check;
		INSERT INTO notes SELECT '002 down' FROM pg_sleep(0.05);)),
	revision_file(
		'003', '002', 'count', q(
		ALTER TABLE accounts ADD COLUMN touched boolean;
		INSERT INTO notes VALUES ('003 before');
		UPDATE accounts SET n = n + 1, touched = true WHERE migrate_batch(accounts.id);
		INSERT INTO notes VALUES ('003 behind');),
		q(
		INSERT INTO notes VALUES ('003 down before');
		UPDATE accounts SET n = n - 1 WHERE migrate_batch(accounts.id);
		ALTER TABLE accounts DROP COLUMN touched;)),
	online_file(
		'004', '003', 'create indexes', q(
		CREATE INDEX CONCURRENTLY accounts_kind ON accounts (kind);
		INSERT INTO notes SELECT '004 first' FROM pg_sleep(0.03);
		SET maintenance_work_mem = '8MB';
		CREATE UNIQUE INDEX CONCURRENTLY accounts_kind_id ON accounts (kind, id);
		INSERT INTO notes SELECT '004 second' FROM pg_sleep(0.03);
		CREATE INDEX CONCURRENTLY ON accounts ((n + 1), id);),
		q(
		DROP INDEX CONCURRENTLY accounts_expr_id_idx;
		DROP INDEX CONCURRENTLY accounts_kind_id;
		INSERT INTO notes SELECT '004 down' FROM pg_sleep(0.03);
		DROP INDEX CONCURRENTLY accounts_kind;)),
	revision_file(
		'005', '004', 'fill archive', q(
		INSERT INTO archive (id, n)
			SELECT a.id, a.n FROM accounts a WHERE migrate_batch(a.id) AND a.id % 2 = 0;),
		q(
		DELETE FROM archive;)),
	revision_file(
		'006', '005', 'note what is deleted', q(
		CREATE TABLE deleted (id int PRIMARY KEY);
		CREATE FUNCTION note_deleted() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN INSERT INTO deleted VALUES (OLD.id); RETURN NULL; END';
		CREATE TRIGGER note_deleted AFTER DELETE ON events
			FOR EACH ROW EXECUTE FUNCTION note_deleted();),
		q(
		DROP TABLE deleted;
		DROP TRIGGER note_deleted ON events;
		DROP FUNCTION note_deleted;)),
	revision_file(
		'007', '006', 'delete events', q(
		DELETE FROM events WHERE migrate_batch(events.id) AND id % 3 = 0;),
		q(
		INSERT INTO events SELECT d.id, d.id FROM deleted d WHERE migrate_batch(d.id);)),
	online_file(
		'008', '007', 'tidy up', q(
		DROP INDEX CONCURRENTLY accounts_kind;
		INSERT INTO notes SELECT '008 first' FROM pg_sleep(0.03);
		REINDEX TABLE CONCURRENTLY accounts;
		VACUUM (ANALYZE) accounts;
		ALTER TABLE parts DETACH PARTITION parts_2 CONCURRENTLY;
		INSERT INTO notes SELECT '008 last' FROM pg_sleep(0.03);),
		q(
		ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2);
		INSERT INTO notes SELECT '008 down' FROM pg_sleep(0.03);
		CREATE INDEX CONCURRENTLY accounts_kind ON accounts (kind);)),
	revision_file(
		'009', '008', 'rename', q(
		ALTER TABLE events RENAME TO account_events;
		CREATE VIEW busy_accounts AS SELECT * FROM accounts WHERE n > 3;
		INSERT INTO notes SELECT '009' FROM pg_sleep(0.05);),
		q(
		DROP VIEW busy_accounts;
		ALTER TABLE account_events RENAME TO events;
		INSERT INTO notes SELECT '009 down' FROM pg_sleep(0.05);)));

# ---- what it should come to ----

my %call = (
	up => q(CALL migrate_deploy('head', tag => 'torture')),
	down => q(CALL migrate_rollback('001', tag => 'torture')));

# statements at top level, each of which has a background worker
my %workers = (up => 11, down => 7);
my (%reference, %duration, %template);

$template{up} = create_database($node, 'project');
load_files($node, 'project', @files);

foreach my $direction (qw(up down))
{
	my $database = "reference_$direction";
	my $begin;

	copy_database($node, $template{$direction}, $database);
	$begin = time;
	deploys($node, $database, "undisturbed, $direction", $call{$direction});
	$duration{$direction} = time - $begin;
	note("it took $duration{$direction} s");
	all_is_done($node, $database, "undisturbed, $direction");
	$reference{$direction} = what_it_came_to($database);
	is(failed_rows($node, $database), '',
		"undisturbed, $direction: nothing failed");
	$template{down} //= $database;
}
is( $reference{up}{log} =~ tr/\n//,
	scalar(@files) - 1,
	'undisturbed: one row of the log for each revision');

# ---- between a statement and its record ----

# What cannot run in a transaction is recorded behind it.  A crash in between is
# too rare for a random moment, so that what it leaves is made by hand.
my $begun = q(INSERT INTO migrate.progress
	(environment, revision, direction, deploy_id, started_at, updated_at, statements, is_begun)
	VALUES ('default', '002', 'upgrade', gen_random_uuid(), now(), now(), 2, true));

create_database($node, 'between');
load_files(
	$node,
	'between',
	revision_file(
		'001', '', 'create accounts', q(
		CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL);
		CREATE INDEX accounts_old ON accounts (n);
		CREATE TABLE parts (id int) PARTITION BY LIST (id);
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
		CREATE TABLE notes (note text);)));
deploys($node, 'between', 'the revision before');
foreach my $statement (
	'CREATE INDEX CONCURRENTLY accounts_n ON accounts (n, id)',
	'CREATE INDEX CONCURRENTLY ON accounts (n, id)',
	'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS accounts_n ON accounts (n, id)',
	'DROP INDEX CONCURRENTLY accounts_old',
	'DROP INDEX CONCURRENTLY IF EXISTS accounts_old',
	'REINDEX INDEX CONCURRENTLY accounts_old',
	'REINDEX TABLE CONCURRENTLY accounts',
	'VACUUM (FULL) accounts',
	'CLUSTER',
	'ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY',
	'CREATE DATABASE made',
	'DROP DATABASE made')
{
	my $schema;

	copy_database($node, 'between', 'victim');
	load_files($node, 'victim',
		online_file('002', '001', 'online', "$statement;\nINSERT INTO notes VALUES ('done');"));
	$node->safe_psql('victim', $statement);
	$schema = dump_schema($node, 'victim');
	$node->safe_psql('victim', $begun);
	deploys($node, 'victim', "done, but not recorded: $statement");
	is(dump_schema($node, 'victim'), $schema,
		"done, but not recorded: $statement: it is not done again");
	sql_is($node, 'victim', 'SELECT * FROM notes', 'done',
		"done, but not recorded: $statement: the next one is");
	all_is_done($node, 'victim', "done, but not recorded: $statement");
	$node->safe_psql('postgres', 'DROP DATABASE victim WITH (FORCE)');
}

# ---- the moments ----

my %hits;
my %disturb = (
	'kill -9 of the backend' => \&kill_backend,
	'kill -9 of the worker' => \&kill_worker,
	'immediate shutdown' => \&stop_server,
	'pg_cancel_backend' => sub { end_backend('pg_cancel_backend', @_) },
	'pg_terminate_backend' => sub { end_backend('pg_terminate_backend', @_) },
	'pg_terminate_backend of the worker' => \&terminate_worker);

foreach my $kind (sort keys %disturb)
{
	torture($kind, 'up', $_, $moments) foreach 1 .. $moments;

	my $few = int(($moments + 4) / 5);
	torture($kind, 'down', $_, $few) foreach 1 .. $few;
}

note("moments in a revision that runs in $_: " . ($hits{$_} // 0))
  foreach sort values %{ { map { $_ => $_ } values %kinds } };
if ($moments >= 30)
{
	ok($hits{$_}, "some moments were in a revision that runs in $_")
	  foreach sort values %{ { map { $_ => $_ } values %kinds } };
}

done_testing();

# Break off a deploy at a moment in this part of its time, then run it again.
sub torture
{
	my ($kind, $direction, $number, $count) = @_;
	my $name = "$kind, $direction $number of $count";

	for (my $tries = 0;; $tries++)
	{
		copy_database($node, $template{$direction}, 'victim');
		last
		  if $disturb{$kind}->($direction, ($number - rand) / $count * 0.97**$tries);

		# it came too late: nothing was left to be broken off
		$node->safe_psql('postgres', 'DROP DATABASE victim WITH (FORCE)');
	}
	note("$name: " . where_it_was($direction));
	is( $node->safe_psql(
			'victim',
			q(SELECT coalesce((SELECT array_agg(revision ORDER BY revision) FROM migrate_current()), '{}')
				= coalesce((SELECT versions_after FROM migrate.log WHERE outcome = 'done' ORDER BY id DESC LIMIT 1), '{}'))),
		't',
		"$name: version table and log agree");
	runs_no_more($node, 'victim', $name);

	deploys($node, 'victim', "$name: deploy again", $call{$direction});
	is_deeply(what_it_came_to('victim'), $reference{$direction},
		"$name: same schema, rows, version table and log");
	all_is_done($node, 'victim', $name);
	runs_no_more($node, 'victim', "$name, then deployed");
	$node->safe_psql('postgres', 'DROP DATABASE victim WITH (FORCE)');
	return;
}

# Say in which revision, and count it.
sub where_it_was
{
	my ($direction) = @_;
	my $where = $node->safe_psql(
		'victim', qq(
		SELECT (SELECT revision FROM migrate_plan('@{[ $direction eq 'up' ? 'upgrade' : 'downgrade' ]}',
				'@{[ $direction eq 'up' ? 'head' : '001' ]}') ORDER BY step LIMIT 1),
			(SELECT format('statements done: %s, begun: %s, batches: %s',
				cardinality(statement_hashes), is_begun, batch_count) FROM migrate.progress)));
	my ($revision, $progress) = split /\|/, $where;

	return 'all was done' if $revision eq '';
	$hits{ $kinds{$revision} }++;
	return "in revision $revision, $progress";
}

sub what_it_came_to
{
	my ($database) = @_;
	my $tables = $node->safe_psql($database,
		q(SELECT string_agg(format('SELECT %L, count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM %I t', relname, relname),
			' UNION ALL ' ORDER BY relname)
		  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'));

	return {
		schema => dump_schema($node, $database),
		rows => $node->safe_psql($database, "$tables ORDER BY 1"),
		versions => versions_of($node, $database),
		log => done_rows($node, $database)
	};
}

# ---- breaking it off behind a share of it; returns false if it came too late ----

# Start a deploy, and return its session and its backend's process id.
sub start_deploy
{
	my ($direction) = @_;
	my $session = start_session(
		$node, 'victim',
		[
			q(DO $$ BEGIN RAISE NOTICE 'process %.', pg_backend_pid(); END $$),
			$call{$direction}
		]);

	wait_until_said($session, qr/process \d+\./);
	return ($session, $session->{err} =~ /process (\d+)\./);
}

sub kill_backend
{
	my ($direction, $share) = @_;
	my $log_end = -s $node->logfile;
	my ($session, $pid) = start_deploy($direction);

	usleep(1_000_000 * $share * $duration{$direction});
	return kill_9($pid, $session, $log_end);
}

sub kill_worker
{
	my ($direction, $share) = @_;
	my $log_end = -s $node->logfile;
	my ($session, $worker) = find_worker($direction, $share);

	return kill_9($worker, $session, $log_end);
}

sub terminate_worker
{
	my ($direction, $share) = @_;
	my ($session, $worker) = find_worker($direction, $share);

	kill('TERM', $worker) if $worker != 0;
	return !finish_session($session);
}

# Start a deploy, and return its session and the process id of one of its
# workers a moment after that was seen.  Who looks for it does so from another
# database, where no snapshot is in the way of a build.
sub find_worker
{
	my ($direction, $share) = @_;
	my $number = 1 + int($share * $workers{$direction});
	my $rest = rand(0.02);
	my $watcher = start_session(
		$node,
		'postgres', qq(
		DO \$\$
		DECLARE
			worker int := 0;
			next int;
			seen int := 0;
			begun bool := false;
			running bool;
		BEGIN
			RAISE NOTICE 'ready';
			WHILE seen < $number LOOP
				PERFORM pg_stat_clear_snapshot();
				SELECT min(pid) FILTER (WHERE backend_type = 'migrate worker' AND pid <> worker), count(*) > 0
					INTO next, running
					FROM pg_stat_activity WHERE datname = 'victim';
				IF next IS NOT NULL THEN
					worker := next;
					seen := seen + 1;
				END IF;
				-- one that was missed is not waited for
				EXIT WHEN begun AND NOT running;
				begun := running;
				PERFORM pg_sleep(0.0005);
			END LOOP;
			PERFORM pg_sleep($rest);
			RAISE NOTICE 'worker %.', worker;
		END \$\$), name => 'watcher');

	wait_until_said($watcher, qr/ready/);
	my ($session) = start_deploy($direction);
	wait_until_said($watcher, qr/worker \d+\./);
	my ($worker) = $watcher->{err} =~ /worker (\d+)\./;
	finish_session($watcher);
	return ($session, $worker);
}

# What pg_cancel_backend() and pg_terminate_backend() do, without the time that
# it takes to call them.
sub end_backend
{
	my ($function, $direction, $share) = @_;
	my ($session, $pid) = start_deploy($direction);

	usleep(1_000_000 * $share * $duration{$direction});
	kill($function eq 'pg_cancel_backend' ? 'INT' : 'TERM', $pid);
	return 0 if finish_session($session);
	wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)",
		'the backend to be gone');
	return 1;
}

# Kill a process, after which the server restarts all of them: unless it has
# exited by itself, and only waits for the server to notice.
sub kill_9
{
	my ($pid, $session, $log_end) = @_;

	kill('KILL', $pid) if $pid != 0;
	usleep(1000) while $pid != 0 && kill(0, $pid);
	usleep(50_000);
	if (slurp_file($node->logfile, $log_end) !~ /was terminated by signal 9/)
	{
		finish_session($session);
		return 0;
	}
	$node->wait_for_log(
		qr/all server processes terminated; reinitializing.*database system is ready to accept connections/s,
		$log_end);
	return !finish_session($session);
}

sub stop_server
{
	my ($direction, $share) = @_;
	my ($session) = start_deploy($direction);

	usleep(1_000_000 * $share * $duration{$direction});
	$node->stop('immediate');
	$node->start;
	return !finish_session($session);
}
