
# Copyright (c) 2026, the migrate authors

=pod

=head1 NAME

DeployTest - what the TAP tests of migrate_deploy() share

=head1 SYNOPSIS

  use FindBin;
  use lib "$FindBin::RealBin/../perl";
  use DeployTest;
  use MigrateTest;

  my $session = start_session($node, 'app', q(CALL migrate_deploy('head')));
  wait_for($node, waits_for_sql($session, 'PgSleep'), 'the script to sleep');
  ...
  finish_session($session);
  runs_no_more($node, 'app', 'afterwards');

=cut

package DeployTest;

use strict;
use warnings;

use Exporter qw(import);
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(
  configure
  online_file
  copy_database
  start_session
  wait_until_said
  is_running
  finish_session
  deploys
  backend_of
  waits_for_sql
  done_rows
  failed_rows
  runs_no_more
  all_is_done
);

=pod

=head1 FUNCTIONS

=over

=item configure($node, %settings)

Change settings of the server, and restart it.

=cut

sub configure
{
	my ($node, %settings) = @_;

	$node->append_conf('postgresql.conf',
		join('', map { "$_ = '$settings{$_}'\n" } sort keys %settings));
	$node->restart;
	return;
}

=pod

=item online_file($id, $revises, $message, $upgrade, $downgrade)

Return the text of a revision file whose scripts run outside of a transaction.

=cut

sub online_file
{
	my $text = revision_file(@_);

	$text =~ s/^(-- migrate:\w+)$/$1 transaction:no/mg;
	return $text;
}

=pod

=item copy_database($node, $template, $name)

Make a database that is a copy of another, to which nobody may be connected.

The files are copied.  In a database whose creation goes through the WAL, as is
the default, a sequence that the template has used hands out a number twice if
the server crashes soon after.

=cut

sub copy_database
{
	my ($node, $template, $name) = @_;

	$node->safe_psql('postgres',
		"CREATE DATABASE $name TEMPLATE $template STRATEGY = file_copy");
	return $name;
}

=pod

=item start_session($node, $database, $sql, %options)

Start a psql that runs the statements, each by itself, and return a hash
reference with the members run, out and err.  C<options> go to the server,
C<name> is the application's name; with C<connect> the connection is another
one than the node's own.

=cut

sub start_session
{
	my ($node, $database, $sql, %options) = @_;
	my $session =
	  { out => '', err => '', name => $options{name} // 'deploy' };
	my @statements = ref $sql ? @$sql : ($sql);

	local $ENV{PGAPPNAME} = $session->{name};
	local $ENV{PGOPTIONS} = $options{options} // '';
	$session->{run} = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-q',
			'-v', 'VERBOSITY=verbose',
			'-v', 'ON_ERROR_STOP=1',
			'-d', $options{connect} // $node->connstr($database),
			map { ('-c', $_) } @statements
		],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

=pod

=item wait_until_said($session, $pattern)

Wait until a message that matches has come.

=cut

sub wait_until_said
{
	my ($session, $pattern) = @_;

	$session->{run}->pump
	  until $session->{err} =~ $pattern || !$session->{run}->pumpable;
	return $session->{err} =~ $pattern || die "was not said: $session->{err}";
}

=pod

=item is_running($session)

Has the session not ended yet?

=cut

sub is_running
{
	my ($session) = @_;

	$session->{run}->pump_nb if $session->{run}->pumpable;
	return $session->{run}->pumpable;
}

=pod

=item finish_session($session)

Wait for the end of a session, and return whether all went well.

=cut

sub finish_session
{
	my ($session) = @_;

	# a psql that was killed has no status
	return eval { $session->{run}->finish } ? 1 : 0;
}

=pod

=item deploys($node, $database, $test_name, $call)

Pass if a deploy to the head, or the call that is given, ends well; and return
what it said.

=cut

sub deploys
{
	my ($node, $database, $name, $call) = @_;
	my $result =
	  run_sql($node, $database, $call // q(CALL migrate_deploy('head')));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($result->{ok}, $name) || diag($result->{err});
	return $result->{err};
}

=pod

=item backend_of($node, $session)

Return the process id of a session's backend, once it is there.

=cut

sub backend_of
{
	my ($node, $session) = @_;
	my $sql = "SELECT max(pid) FROM pg_stat_activity
		WHERE application_name = '$session->{name}' AND backend_type = 'client backend'";

	for (my $i = 0; $i < 1000 * $PostgreSQL::Test::Utils::timeout_default; $i += 10)
	{
		my $pid = $node->safe_psql('postgres', $sql);

		return $pid if $pid ne '';
		usleep(10_000);
	}
	die "session $session->{name} did not begin";
}

=pod

=item waits_for_sql($session, $wait_event)

Return a condition, for wait_for(): the session waits for this event.

=cut

sub waits_for_sql
{
	my ($session, $event) = @_;

	return "SELECT EXISTS (SELECT FROM pg_stat_activity
		WHERE application_name = '$session->{name}' AND wait_event = '$event')";
}

=pod

=item done_rows($node, $database)

Return the log's rows of steps that were done, without what differs from run
to run.

=cut

sub done_rows
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		q(SELECT environment, revision, direction, versions_before,
			versions_after, role, session_role, statements,
			failed_statement, sqlstate, error, checksum, search_path, tag
		  FROM migrate.log WHERE outcome = 'done' ORDER BY id));
}

=pod

=item failed_rows($node, $database)

Return the log's rows of steps that failed: revision, statement, SQLSTATE.

=cut

sub failed_rows
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		q(SELECT revision, failed_statement, sqlstate
		  FROM migrate.log WHERE outcome = 'failed' ORDER BY id));
}

=pod

=item runs_no_more($node, $database, $test_name, @pids)

Pass if no process works for a deploy, none of its locks is held and no
transaction is open, but for the sessions of these processes.

=cut

sub runs_no_more
{
	my ($node, $database, $name, @pids) = @_;
	my $others = 'ALL (ARRAY[' . join(', ', 0, @pids) . '])';
	my $found = $node->safe_psql(
		$database, qq(
		SELECT 'process: ' || backend_type || ', ' || coalesce(query, '')
		FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> $others
			AND application_name <> 'pg_dump'
			AND (backend_type NOT IN ('client backend', 'autovacuum worker', 'parallel worker')
				OR backend_type = 'client backend' AND state <> 'idle')
		UNION ALL
		SELECT 'lock: ' || mode || ', purpose ' || objid
		FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 19783 AND pid <> $others
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($found, '', "$name: no worker, no lock, no transaction is left");
}

=pod

=item all_is_done($node, $database, $test_name)

Pass if nothing is half done: no revision, no index.

=back

=cut

sub all_is_done
{
	my ($node, $database, $name) = @_;
	my $found = $node->safe_psql(
		$database, q(
		SELECT 'progress: ' || p::text FROM migrate.progress p
		UNION ALL
		SELECT 'invalid index: ' || indexrelid::regclass
		FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)
		UNION ALL
		SELECT 'pending detach: ' || inhrelid::regclass
		FROM pg_inherits WHERE inhdetachpending));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($found, '', "$name: nothing is half done");
}

1;
