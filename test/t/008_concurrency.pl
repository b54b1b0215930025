
# Copyright (c) 2026, the migrate authors

# What a session says that waits for another run: who holds the lock, and then
# that nothing is left to do.  The isolation tests cannot show these texts,
# which hold process ids.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->restart;

create_database($node, 'app');
load_files(
	$node, 'app',
	revision_file('001', '', 'create agents',
		'CREATE TABLE agents (id int);', 'DROP TABLE agents;'));
$node->safe_psql(
	'app', q(
	CREATE ROLE deployer LOGIN;
	GRANT CREATE ON SCHEMA public TO deployer;
	SELECT migrate_grant('deployer', 'operator')));

# the first run, not committed yet
my $first = $node->background_psql('app');
$first->query_safe(
	q(SET client_min_messages = warning; SET application_name = 'deploy "1"'));
my $pid = $first->query_safe('SELECT pg_backend_pid()');
$first->query_safe('BEGIN');
$first->query_safe(q(SELECT migrate_upgrade('head')));

# how it shows in pg_locks
sql_is($node, 'app',
	q(SELECT locktype, mode, granted, objsubid FROM pg_locks
	  WHERE locktype = 'advisory'),
	'advisory|ExclusiveLock|t|19783',
	'the run lock in pg_locks');

# nobody can take it away by SQL
sql_is($node, 'app',
	q(SELECT count(*) FROM pg_locks l, LATERAL pg_try_advisory_lock(classid::int, objid::int)
	  WHERE l.locktype = 'advisory' AND objsubid = 19783;
	  SELECT pg_advisory_unlock_all();
	  SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 19783),
	"1\n\n1", "SQL's advisory locks are others");
$first->query_safe(q(DISCARD PLANS; SELECT pg_advisory_unlock_all()));
sql_is($node, 'app',
	q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 19783),
	'1', 'pg_advisory_unlock_all() does not release it');

# the second one, by a role that may not see others' activity
my ($in, $out, $err) = ('', '', '');
my $timer = IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default);
my $second = IPC::Run::start(
	[
		'psql', '-X', '-A', '-t', '-v', 'VERBOSITY=default',
		'-d', $node->connstr('app') . ' user=deployer',
		'-c', q(SELECT migrate_upgrade('head'))
	],
	'<', \$in, '>', \$out, '2>', \$err, $timer);
$second->pump until $err =~ /DETAIL:.*\n/ || $timer->is_expired;
like($err,
	qr/^NOTICE:  waiting for another run in environment "default" to end\nDETAIL:  Held by process $pid \(role "[^"]+", application "deploy "1""\) since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^\n]*\.\n$/,
	'the second session says who holds the lock');

# it takes no lock that the first could wait for, but sleeps
sql_is($node, 'app',
	q(SELECT count(*) FROM pg_locks WHERE NOT granted),
	'0', 'nothing waits in the lock manager');
sql_is($node, 'app',
	q(SELECT wait_event_type, state FROM pg_stat_activity WHERE usename = 'deployer'),
	'Extension|active', 'the second session sleeps');

$first->query_safe(
	'GRANT SELECT, INSERT, UPDATE, DELETE ON alembic_version TO deployer; COMMIT');
$second->finish;
is($out, "001\n", 'the second session returns the current revision');
like($err, qr/\nNOTICE:  nothing to upgrade: the database is at 001\n$/,
	'and says that there was nothing to do');
$first->quit;

# lock_timeout
$first = $node->background_psql('app');
$first->query_safe('SET client_min_messages = warning; BEGIN');
$first->query_safe(q(SELECT migrate_downgrade('base')));
sql_fails($node, 'app',
	q(SET lock_timeout = '50ms'; SELECT migrate_upgrade('head')),
	'55P03',
	'could not obtain the run lock of environment "default" within lock_timeout.*DETAIL:  Held by process \d+ \(role .*HINT:  Wait for that session to end, then try again\.  To end it: SELECT pg_terminate_backend\(\d+\);',
	'lock_timeout');
$first->query_safe('ROLLBACK');
$first->quit;

# A circle of waits, of which the server's deadlock detector sees only a part.
# The holder of the run lock waits for a table of the session that waits for
# the run lock.
$node->safe_psql('app', 'CREATE TABLE side ()');
$first = $node->background_psql('app');
$first->query_safe('SET client_min_messages = warning; BEGIN');
$first->query_safe(q(SELECT migrate_downgrade('base')));
my $waiting = start_session(q(BEGIN; LOCK TABLE side; SELECT migrate_upgrade('head')));
wait_until_said($waiting, qr/DETAIL:  Held by process/);
$first->query_until(qr/going/, "\\echo going\nSELECT count(*) FROM side;\n");
$waiting->{run}->finish;
like($waiting->{err},
	qr/ERROR:  40P01: deadlock detected\nDETAIL:  This session waits for the run lock of environment "default", whose holder waits for a lock of this session\.  Held by process \d+ /,
	'a circle by way of a table');
$first->query_safe('ROLLBACK');
$first->quit;

# Two transactions that run two environments crosswise: one of them gives up.
$node->safe_psql(
	'app', q(
	SELECT migrate_environment_create('two', version_table => 'version_two');
	SELECT migrate_revision('first', 'SELECT 1', '', rev_id => 't1', environment => 'two')));
my @crosswise = map { start_session($_) } (
	q(BEGIN; SELECT migrate_downgrade('base'); SELECT pg_sleep(0.5); SELECT migrate_upgrade(environment => 'two'); ROLLBACK),
	q(BEGIN; SELECT migrate_upgrade(environment => 'two'); SELECT pg_sleep(0.5); SELECT migrate_downgrade('base'); ROLLBACK));
$_->{run}->finish foreach @crosswise;
cmp_ok(scalar(grep { $_->{err} =~ /ERROR:  40P01: deadlock detected/ } @crosswise),
	'>=', 1, 'a circle by way of two environments');
is(scalar(grep { $_->{err} =~ /ERROR:/ && $_->{err} !~ /40P01/ } @crosswise),
	0, 'and no other error');

# a prepared transaction has no process that could be named
$node->safe_psql('app', q(BEGIN; SELECT migrate_downgrade('base'); PREPARE TRANSACTION 'half'));
sql_fails($node, 'app',
	q(SET lock_timeout = '50ms'; SELECT migrate_upgrade('head')),
	'55P03', 'DETAIL:  Held by a prepared transaction; pg_prepared_xacts shows it\.',
	'the lock of a prepared transaction');
$node->safe_psql('app', q(ROLLBACK PREPARED 'half'));

# Many at once: each revision is run exactly once, whoever comes first.
load_files(
	$node, 'app',
	map {
		revision_file(
			sprintf('%03d', $_), sprintf('%03d', $_ - 1), "number $_",
			"CREATE TABLE t$_ (); SELECT pg_sleep(0.01);", "DROP TABLE t$_;")
	} 2 .. 9);
my @sessions;
foreach my $i (1 .. 6)
{
	my $session = { out => '', err => '' };

	$session->{run} = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-d', $node->connstr('app'),
			'-c', q(SELECT migrate_upgrade('head'))
		],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	push @sessions, $session;
}
$_->{run}->finish foreach @sessions;
is_deeply(
	[ map { $_->{out} } @sessions ],
	[ ("009\n") x @sessions ],
	'six sessions at once: all come to the head');
is(scalar(grep { $_->{err} =~ /Running upgrade 001 -> 002/ } @sessions),
	1, 'one of them has run the revisions');
is( scalar(
		grep { $_->{err} =~ /nothing to upgrade: the database is at 009/ }
		  @sessions),
	5,
	'five found nothing to do');
sql_is($node, 'app',
	q(SELECT count(*), count(DISTINCT revision) FROM migrate.log),
	'9|9', 'each revision is in the log once');

done_testing();

# a session of psql that runs by itself
sub start_session
{
	my ($sql) = @_;
	my $session = { out => '', err => '' };

	$session->{run} = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-v', 'VERBOSITY=verbose',
			'-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('app'),
			map { ('-c', $_) } split /; /, $sql
		],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

sub wait_until_said
{
	my ($session, $pattern) = @_;

	$session->{run}->pump until $session->{err} =~ $pattern;
}
