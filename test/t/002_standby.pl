
# Copyright (c) 2026, the migrate authors

# Where nothing can be written, on a standby and in a read-only transaction,
# looking works and everything else says why it does not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = start_server('primary', allows_streaming => 1);
my $dir = PostgreSQL::Test::Utils::tempdir;

$primary->safe_psql('postgres', 'CREATE EXTENSION migrate');
load_files(
	$primary, 'postgres',
	revision_file('001', '', 'create agents', 'CREATE TABLE agents (id int);', 'DROP TABLE agents;'),
	revision_file('002', '001', 'create teams', 'CREATE TABLE teams (id int);', 'DROP TABLE teams;'));
append_to_file("$dir/003.sql",
	revision_file('003', '002', 'create users', 'CREATE TABLE users (id int);'));

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Functions by what they do, with arguments for a call of each.
my %looking = (
	migrate_current => '',
	migrate_heads => '',
	migrate_branches => '',
	migrate_history => '',
	migrate_show => q('002'),
	migrate_status => '',
	migrate_plan => q('upgrade', 'head'),
	migrate_log => '',
	migrate_graph => '',
	migrate_export => '',
	migrate_locks => q('002'),
	migrate_progress => '',
	migrate_batch => '1',
	migrate_upgrade_sql => '',
	migrate_downgrade_sql => q('head:base'),
	migrate_stamp_sql => '');
my %writing = (
	migrate_upgrade => '',
	migrate_downgrade => q('base'),
	migrate_pause => '',
	migrate_resume => '',
	migrate_stamp => '',
	migrate_revision => q('create users'),
	migrate_merge => '',
	migrate_load => quote_literal(slurp_file("$dir/003.sql")),
	migrate_load_files => 'ARRAY[' . quote_literal(slurp_file("$dir/003.sql")) . ']',
	migrate_load_directory => quote_literal($dir),
	migrate_edit => q('002', message => 'make teams'),
	migrate_remove => q('002'),
	migrate_environment_create => q('reports'),
	migrate_environment_alter => q('default', id_style => 'sequence'),
	migrate_environment_drop => q('default'));
my %calling = (
	migrate_deploy => '',
	migrate_rollback => q('base'));

# No function is left out, but for those about tenants, which have tests of
# their own; so has migrate_check_heads(), and the last two do nothing but GRANT
# and REVOKE.
is( $primary->safe_psql(
		'postgres',
		q(SELECT string_agg(DISTINCT proname, ' ' ORDER BY proname) FROM pg_proc
		  WHERE proname LIKE 'migrate\_%' AND proname NOT LIKE 'migrate\_tenant\_%')),
	join(
		' ',
		sort(keys %looking, keys %writing, keys %calling,
			qw(migrate_check_heads migrate_grant migrate_revoke))),
	'every function is tested');

sub check_read_only
{
	my ($node, $where, $begin, $sqlstate, $message) = @_;

	foreach my $function (sort keys %looking)
	{
		my $result = run_sql($node, 'postgres',
			"$begin SELECT * FROM $function($looking{$function})");

		ok($result->{ok}, "$where: $function() works")
		  or diag($result->{err});
	}
	foreach my $function (sort keys %writing)
	{
		sql_fails($node, 'postgres',
			"$begin SELECT $function($writing{$function})",
			$sqlstate, "$message.*", "$where: $function() refuses");
	}
	foreach my $procedure (sort keys %calling)
	{
		sql_fails($node, 'postgres',
			"$begin CALL $procedure($calling{$procedure})",
			$sqlstate, "$message.*", "$where: $procedure() refuses");
	}
	return;
}

# before the version table is there, and after
sub check_standby
{
	my ($state) = @_;

	$primary->wait_for_catchup($standby);
	check_read_only($standby, "standby, $state", '', '25006',
		'cannot execute migrate_[a-z_]+\(\) during recovery');
	check_read_only($primary, "read-only transaction, $state", 'BEGIN READ ONLY;',
		'25006', 'cannot execute migrate_[a-z_]+\(\) in a read-only transaction');
	return;
}

check_standby('no version table');
sql_is($standby, 'postgres', 'SELECT current, pending FROM migrate_status()',
	'{}|2', 'the standby knows the revisions');

$primary->safe_psql('postgres', q(SELECT migrate_upgrade('001')));
check_standby('at 001');
sql_is($standby, 'postgres', 'SELECT revision, is_head FROM migrate_current()',
	'001|f', 'the standby knows where it is');
sql_fails($standby, 'postgres', 'SELECT migrate_check_heads()',
	'MG004', 'Target database is not up to date',
	'the deploy gate is closed on the standby');

$primary->safe_psql('postgres', q(SELECT migrate_upgrade('head')));
$primary->wait_for_catchup($standby);
sql_is($standby, 'postgres', 'SELECT migrate_check_heads()',
	't', 'the deploy gate is open on the standby');
sql_is($standby, 'postgres', 'SELECT revision, direction FROM migrate_log()',
	"002|upgrade\n001|upgrade", 'the log is on the standby');

# looking left no trace
sql_is($primary, 'postgres', 'SELECT count(*) FROM migrate.environment',
	'1', 'no environment was made by looking');

# promotion
$standby->promote;
$standby->safe_psql('postgres', q(SELECT migrate_downgrade('-1')));
sql_is($standby, 'postgres', q(SELECT migrate_upgrade('head')),
	'002', 'a promoted standby goes on');

done_testing();
