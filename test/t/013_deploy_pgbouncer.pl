
# Copyright (c) 2026, the migrate authors

# A deploy through PgBouncer in transaction mode.  A CALL is one statement, and
# keeps its connection to the server until it has ended, commits included; so
# that all works but what a session would have to remember between statements.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use DeployTest;
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) =
  grep { -x $_ } map { "$_/pgbouncer" } (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin');

if (!$pgbouncer)
{
	plan skip_all => 'PgBouncer is not installed';
}

my $node = start_server('main');
configure(
	$node,
	max_connections => 50,
	client_connection_check_interval => '50ms');

create_database($node, 'project');
load_files(
	$node,
	'project',
	revision_file(
		'001', '', 'create accounts', q(
		CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL);
		INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 1000) i;),
		'DROP TABLE accounts;'),
	online_file(
		'002', '001', 'create index', q(
		CREATE INDEX CONCURRENTLY accounts_n ON accounts (n);
		INSERT INTO accounts VALUES (0, 0);),
		q(
		DROP INDEX CONCURRENTLY accounts_n;
		DELETE FROM accounts WHERE id = 0;)),
	revision_file(
		'003', '002', 'count',
		'UPDATE accounts SET n = n + 1 WHERE migrate_batch(accounts.id);',
		'UPDATE accounts SET n = n - 1 WHERE migrate_batch(accounts.id);'));
copy_database($node, 'project', $_)
  foreach qw(direct bounced reset two cancelled killed forgets);

my %schema;
deploys($node, 'direct', 'a deploy without PgBouncer');
$schema{up} = schema_of($node, 'direct');
deploys($node, 'direct', 'a rollback without PgBouncer',
	q(CALL migrate_rollback('base')));
$schema{down} = schema_of($node, 'direct');

# ---- transaction mode ----

my $bouncer = start_pgbouncer();

bounced_deploys('bounced', q(CALL migrate_deploy('head', tag => 'bounced')),
	'a deploy through PgBouncer');
is(schema_of($node, 'bounced'), $schema{up},
	'a deploy through PgBouncer: same schema and rows');
sql_is(
	$node,
	'bounced',
	q(SELECT string_agg(revision || ' ' || outcome || ' ' || tag, ', ' ORDER BY id), count(DISTINCT deploy_id) FROM migrate.log),
	'001 done bounced, 002 done bounced, 003 done bounced|1',
	'a deploy through PgBouncer: the log');
runs_no_more($node, 'bounced', 'a deploy through PgBouncer');
bounced_deploys('bounced', q(CALL migrate_deploy('head')),
	'again through PgBouncer');
bounced_deploys('bounced', q(CALL migrate_rollback('base')),
	'a rollback through PgBouncer');
is(schema_of($node, 'bounced'), $schema{down},
	'a rollback through PgBouncer: same schema and rows');
runs_no_more($node, 'bounced', 'a rollback through PgBouncer');
all_is_done($node, 'bounced', 'a rollback through PgBouncer');

# Two at once, the second of which waits for the first.
my @both = map { bounced_session('two', q(CALL migrate_deploy('head')), name => "deploy $_") } 1 .. 2;
is(scalar(grep { finish_session($_) } @both),
	2, 'two deploys at once through PgBouncer: both end well')
  || diag(map { $_->{err} } @both);
sql_is($node, 'two', q(SELECT count(*), count(DISTINCT revision) FROM migrate.log),
	'3|3', 'two deploys at once through PgBouncer: each revision is run once');
runs_no_more($node, 'two', 'two deploys at once through PgBouncer');

# A cancel request finds its way, and so does the end of the client.
foreach my $signal (qw(INT KILL))
{
	my $database = $signal eq 'INT' ? 'cancelled' : 'killed';
	my $name = "a client that is sent SIG$signal";
	my $reader = $node->background_psql($database);
	my $session;

	deploys($node, $database, "$name: what comes before", q(CALL migrate_deploy('001')));
	$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	$session = bounced_session($database, q(CALL migrate_deploy('head')));
	wait_for(
		$node,
		q(SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid')),
		'the build to wait');
	$session->{run}->signal($signal);
	ok(!finish_session($session), "$name: it fails");
	like($session->{err}, qr/ERROR:  57014: canceling statement due to user request/,
		"$name: it is cancelled")
	  if $signal eq 'INT';
	wait_for(
		$node,
		"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '$database'
			AND (state = 'active' OR backend_type = 'migrate worker'))",
		'the deploy to end');
	runs_no_more($node, $database, $name,
		$reader->query_safe('SELECT pg_backend_pid()'));
	$reader->quit;
	bounced_deploys($database, q(CALL migrate_deploy('head')),
		"$name: the next deploy finishes");
	is(schema_of($node, $database), $schema{up}, "$name: same schema and rows");
	runs_no_more($node, $database, "$name, then deployed");
	all_is_done($node, $database, "$name, then deployed");
}

# What is SET in one statement is not there in the next, if that gets another
# connection: here because a transaction of another client has taken it.
my $forgetful = bounced_psql('forgets');
my $other = bounced_psql('forgets');
$forgetful->query_safe(q(SET lock_timeout = '17s'));
is($forgetful->query_safe('SHOW lock_timeout'),
	'17s', 'a setting is there while the connection is the same');
$other->query_safe('BEGIN');
is($forgetful->query_safe('SHOW lock_timeout'),
	'0', 'a setting is not there on another connection');
$other->query_safe('COMMIT');
$_->quit foreach ($forgetful, $other);

# Arguments are part of the statement, and what is set for the database or the
# role is there in all connections.
$node->safe_psql('forgets',
	'ALTER DATABASE forgets SET migrate.batch_min_size = 100; ALTER DATABASE forgets SET migrate.batch_max_size = 100');
$bouncer = restart_pgbouncer($bouncer);
bounced_deploys(
	'forgets',
	q(CALL migrate_deploy('head', lock_timeout => '300ms', max_wait => '5s')),
	'what is set for the database, and arguments');

# In one string with the CALL they would be in one transaction.
my $refused = bounced_session('forgets',
	q(SET lock_timeout = '1s'; CALL migrate_rollback('base')));
ok(!finish_session($refused), 'a string of several statements is refused');
like($refused->{err},
	qr/ERROR:  25001: migrate_rollback\(\) cannot run inside a transaction block.*HINT:  Send CALL migrate_rollback\('-1'\) as a statement of its own/s,
	'with a hint');

# ---- with a query that resets the connection behind each transaction ----

$bouncer = restart_pgbouncer($bouncer, 'server_reset_query_always = 1');
bounced_deploys('reset', q(CALL migrate_deploy('head')),
	'a deploy with server_reset_query_always');
is(schema_of($node, 'reset'), $schema{up},
	'a deploy with server_reset_query_always: same schema and rows');
bounced_deploys('reset', q(CALL migrate_rollback('base')),
	'a rollback with server_reset_query_always');
is(schema_of($node, 'reset'), $schema{down},
	'a rollback with server_reset_query_always: same schema and rows');
runs_no_more($node, 'reset', 'server_reset_query_always');

stop_pgbouncer($bouncer);
done_testing();

# ---- PgBouncer ----

# Only a socket leads there.
sub start_pgbouncer
{
	my (@settings) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $bouncer = { folder => $folder, port => $port, out => '' };
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	my $settings = join("\n", @settings);

	append_to_file(
		"$folder/pgbouncer.ini", qq(
[databases]
* = host=@{[ $node->host ]} port=@{[ $node->port ]} user=$user

[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $folder
auth_type = any
pool_mode = transaction
default_pool_size = 2
$settings
));
	$bouncer->{run} = IPC::Run::start(
		[ $pgbouncer, "$folder/pgbouncer.ini" ],
		'<', \undef, '>&', \$bouncer->{out});
	$bouncer->{connstr} = "host=$folder port=$port user=$user";
	for (my $i = 0; $i < 10 * $PostgreSQL::Test::Utils::timeout_default; $i++)
	{
		return $bouncer if -S "$folder/.s.PGSQL.$port";
		select(undef, undef, undef, 0.1);
	}
	die "PgBouncer did not start: $bouncer->{out}";
}

sub stop_pgbouncer
{
	my ($bouncer) = @_;

	$bouncer->{run}->kill_kill;
	return;
}

sub restart_pgbouncer
{
	my ($bouncer, @settings) = @_;

	stop_pgbouncer($bouncer);
	return start_pgbouncer(@settings);
}

sub bounced_session
{
	my ($database, $sql, %options) = @_;

	return start_session($node, $database, $sql, %options,
		connect => "$bouncer->{connstr} dbname=$database");
}

# psql through PgBouncer that waits for statements.
sub bounced_psql
{
	my ($database) = @_;

	return $node->background_psql($database,
		extra_params => [ '-d', "$bouncer->{connstr} dbname=$database" ]);
}

sub bounced_deploys
{
	my ($database, $call, $name) = @_;
	my $session = bounced_session($database, $call);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok(finish_session($session), $name) || diag($session->{err});
}

END
{
	$bouncer->{run}->kill_kill if $bouncer && $bouncer->{run}->pumpable;
}
