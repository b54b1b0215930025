
# Copyright (c) 2026, the migrate authors

=pod

=head1 NAME

MigrateTest - what the TAP tests of migrate share

=head1 SYNOPSIS

  use FindBin;
  use lib "$FindBin::RealBin/../perl";
  use MigrateTest;

  my $node = start_server('primary');
  my $file = revision_file('001', '', 'create agents',
      'CREATE TABLE agents (id int);', 'DROP TABLE agents;');
  load_files($node, 'postgres', $file);
  my $result = run_sql($node, 'postgres', q(SELECT migrate_upgrade('head')));

=head1 DESCRIPTION

Servers get their settings, among them where the extension is found, from the
file that TEMP_CONFIG names, as those of PostgreSQL's own tests do.

=cut

package MigrateTest;

use strict;
use warnings;

use Exporter qw(import);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  start_server
  create_database
  revision_file
  quote_literal
  load_files
  run_sql
  sql_is
  sql_fails
  versions_of
  log_of
  schema_of
  dump_schema
  same_schema
  wait_for
  hold_lock
);

# The advisory lock with which a script can be held up; see hold_lock().
our $LOCK = 4711;

=pod

=head1 FUNCTIONS

=over

=item start_server($name, %init_options)

Make a server and start it.

=cut

sub start_server
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	# the same as pg_regress, so that texts and their order are, too
	$node->init(
		%options,
		extra => [
			'--no-locale', '--encoding=UTF8', @{ $options{extra} // [] }
		]);
	$node->append_conf('postgresql.conf', "lc_messages = 'C'");
	$node->start;
	return $node;
}

=pod

=item create_database($node, $name)

Make a database that has the extension.

=cut

sub create_database
{
	my ($node, $name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql($name, 'CREATE EXTENSION migrate');
	return $name;
}

=pod

=item revision_file($id, $revises, $message, $upgrade, $downgrade)

Return the text of a revision file; without $downgrade it is irreversible.

=cut

sub revision_file
{
	my ($id, $revises, $message, $upgrade, $downgrade) = @_;
	my $text = <<"EOT";
-- $message
--
-- Revision ID: $id
-- Revises: $revises

-- migrate:upgrade
$upgrade
EOT

	$text .= "\n-- migrate:downgrade\n$downgrade\n" if defined $downgrade;
	return $text;
}

=pod

=item quote_literal($text)

Return the text as an SQL literal.

=cut

sub quote_literal
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

=pod

=item load_files($node, $database, @texts)

Load revision files, all in one call.

=cut

sub load_files
{
	my ($node, $database, @texts) = @_;
	my $scripts = join(",\n", map { quote_literal($_) } @texts);

	$node->safe_psql($database,
		"SET standard_conforming_strings = on;\n"
		  . "SELECT migrate_load_files(ARRAY[$scripts])");
	return;
}

=pod

=item run_sql($node, $database, $sql, %psql_options)

Run SQL with psql, which stops at the first error, and return a hash reference
with the members ok, out and err.

=cut

sub run_sql
{
	my ($node, $database, $sql, %options) = @_;
	my ($out, $err);
	my $status = $node->psql(
		$database, $sql,
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		extra_params => [ '-v', 'VERBOSITY=verbose' ],
		%options);

	return { ok => $status == 0, out => $out, err => $err };
}

=pod

=item sql_is($node, $database, $sql, $expected, $test_name)

Pass if the SQL prints what is expected.

=cut

sub sql_is
{
	my ($node, $database, $sql, $expected, $test_name) = @_;
	my $result = run_sql($node, $database, $sql);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($result->{out}, $expected, $test_name)
	  || diag($result->{err});
}

=pod

=item sql_fails($node, $database, $sql, $sqlstate, $message, $test_name)

Pass if the SQL raises an error with that SQLSTATE whose text, DETAIL, HINT and
CONTEXT included, matches the regular expression.

=cut

sub sql_fails
{
	my ($node, $database, $sql, $sqlstate, $message, $test_name) = @_;
	my $result = run_sql($node, $database, $sql);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return fail($test_name) if $result->{ok};
	return like($result->{err}, qr/(?:ERROR|FATAL):  $sqlstate: .*$message/s,
		$test_name);
}

=pod

=item versions_of($node, $database)

Return the rows of the version table, joined by commas.

=cut

sub versions_of
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		q(SELECT string_agg(version_num, ',' ORDER BY version_num COLLATE "C")
		  FROM alembic_version));
}

=pod

=item log_of($node, $database)

Return the log without what differs from run to run: ids, times, and where
the session came from.

=cut

sub log_of
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		q(SELECT environment, revision, direction, versions_before,
			versions_after, role, session_role, outcome, statements,
			failed_statement, failed_line, sqlstate, error, checksum,
			search_path, deploy_id, tag
		  FROM migrate.log ORDER BY id));
}

=pod

=item schema_of($node, $database)

Return what pg_dump says about a database, rows of the users' own tables
included; the tables of the extension, whose rows hold times, are left out.

=cut

sub schema_of
{
	my ($node, $database) = @_;

	return pg_dump($node, $database, '--inserts',
		'--exclude-table-data=migrate.*');
}

=pod

=item dump_schema($node, $database)

Return what pg_dump says of a database's schema.

=cut

sub dump_schema
{
	my ($node, $database) = @_;

	return pg_dump($node, $database, '--schema-only');
}

sub pg_dump
{
	my ($node, $database, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(
		[
			'pg_dump', '--no-sync', @options, '-d',
			$node->connstr($database)
		],
		'>', \$out, '2>', \$err)
	  or die "pg_dump failed: $err";
	is($err, '', 'pg_dump gives no warning') if $err ne '';

	# newer minor releases print a random key
	$out =~ s/^\\(?:un)?restrict .*\n//mg;
	return $out;
}

=pod

=item same_schema($found, $expected, $test_name)

Pass if two dumps are the same, byte for byte; show where they differ.

=cut

sub same_schema
{
	my ($found, $expected, $test_name) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir;
	my $difference = '';

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return 1 if ok($found eq $expected, $test_name);
	append_to_file("$dir/expected", $expected);
	append_to_file("$dir/found", $found);
	IPC::Run::run([ 'diff', '-u', "$dir/expected", "$dir/found" ],
		'>', \$difference);
	diag($difference);
	return 0;
}

=pod

=item wait_for($node, $sql, $what)

Wait until the SQL returns true.

=cut

sub wait_for
{
	my ($node, $sql, $what) = @_;

	$node->poll_query_until('postgres', $sql)
	  or die "timed out waiting for $what";
	return;
}

=pod

=item hold_lock($node, $database)

Return a background session that holds the advisory lock C<$LOCK>, so that a
script which takes it is held up.

=back

=cut

sub hold_lock
{
	my ($node, $database) = @_;
	my $session = $node->background_psql($database);

	$session->query_safe("SELECT pg_advisory_lock($LOCK)");
	return $session;
}

1;
