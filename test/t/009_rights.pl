
# Copyright (c) 2026, the migrate authors

# What a role that has logged in, and is no superuser, gets out of a script, a
# version table or a search path that somebody else has prepared.  sql/acl.sql
# has the rest; there the session is a superuser's, who may become anybody.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');

create_database($node, 'app');
$node->safe_psql(
	'app', q(
	CREATE ROLE operator LOGIN;
	CREATE ROLE author LOGIN;
	CREATE ROLE viewer LOGIN;
	CREATE ROLE mallory LOGIN;
	GRANT ALL ON SCHEMA public TO operator, mallory;
	SELECT migrate_grant('operator', 'operator');
	SELECT migrate_grant('author', 'author');
	SELECT migrate_grant('viewer', 'viewer');
	CREATE TABLE witness (by_role name, what text);
	GRANT INSERT, SELECT ON witness TO PUBLIC));
my $superuser = $node->safe_psql('app', 'SELECT current_user');

sub as
{
	my ($role) = @_;

	return (extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
}

sub run_as
{
	my ($role, $sql) = @_;

	return run_sql($node, 'app', $sql, as($role));
}

sub fails_as
{
	my ($role, $sql, $sqlstate, $message, $name) = @_;
	my $result = run_as($role, $sql);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like($result->{err}, qr/ERROR:  $sqlstate: .*$message/s, $name);
}

sub is_as
{
	my ($role, $sql, $expected, $name) = @_;
	my $result = run_as($role, $sql);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($result->{out}, $expected, $name) || diag($result->{err});
}

is_as('author', q(SELECT migrate_revision('create agents',
	'CREATE TABLE agents (id int)', 'DROP TABLE agents', rev_id => '001')),
	'001', 'an author writes a revision');
fails_as('author', 'SELECT migrate_upgrade()', '42501',
	'permission denied for function migrate_upgrade', 'and cannot run it');
is_as('operator', 'SELECT migrate_upgrade()', '001', 'an operator runs it');
is_as('operator',
	q(SELECT string_agg(tablename || ' ' || tableowner, ', ' ORDER BY tablename)
	  FROM pg_tables WHERE tablename IN ('agents', 'alembic_version')),
	'agents operator, alembic_version operator', 'and owns what it makes');
is_as('operator',
	q(GRANT SELECT ON alembic_version TO viewer, author;
	  SELECT role, session_role, client_address, application_name IS NOT NULL
	  FROM migrate_log()),
	'operator|operator||t', 'the log says who it was');

# ---- scripts that try to become somebody else ----

# Each is a script, whether it is to fail, and the role that it then was.
my @attempts = (
	[ "SET SESSION AUTHORIZATION $superuser", '42501' ],
	[ "SET ROLE $superuser", '42501' ],
	[ 'RESET ROLE', undef ],
	[ 'SET ROLE NONE', undef ],
	[ 'RESET SESSION AUTHORIZATION', undef ],
	[ 'DISCARD ALL', '25001' ],
	[ 'RESET ALL', undef ],
	[ q(SELECT set_config('role', 'none', false)), undef ],
	[ "SELECT set_config('session_authorization', '$superuser', false)", '42501' ],
	[ "SELECT set_config('role', '$superuser', true)", '42501' ],
	[ "DO 'BEGIN EXECUTE ''SET ROLE $superuser''; END'", '42501' ],
	[ 'UPDATE migrate.revision SET upgrade = upgrade', '42501' ],
	[ 'DELETE FROM migrate.log', '42501' ],
	[ 'ALTER TABLE migrate.log DISABLE TRIGGER ALL', '42501' ],
	[ 'GRANT operator TO mallory', '42501' ],
	[ "SELECT migrate_grant('operator', 'author')", '42501' ],
	[ 'DROP EXTENSION migrate', '42501' ]);

foreach my $attempt (@attempts)
{
	my ($script, $sqlstate) = @$attempt;
	my $witness =
	  "INSERT INTO witness VALUES (current_user, session_user || ' ' || current_setting('is_superuser'))";

	is_as('author',
		"SELECT migrate_revision('attempt', rev_id => '002', downgrade => '', upgrade => "
		  . quote_literal("$script; $witness") . ')',
		'002', "an author writes: $script");
	if (defined $sqlstate)
	{
		fails_as('operator', 'SELECT migrate_upgrade()', $sqlstate,
			'revision "002"', "$script: refused");
	}
	else
	{
		is_as('operator', 'SELECT migrate_upgrade()', '002', "$script: runs");
		is_as('operator', 'SELECT * FROM witness', 'operator|operator off',
			"$script: as the caller");
		is_as('operator', q(SELECT migrate_downgrade('001')), '001',
			"$script: and back");
		$node->safe_psql('app', 'TRUNCATE witness');
	}
	is_as('author', q(SELECT migrate_remove('002')), '002', "$script: removed");
}

# In a session that has become another role, RESET ROLE leads back to the role
# that logged in, for the script and no longer.
$node->safe_psql('app', 'GRANT operator TO mallory');
is_as('author',
	q(SELECT migrate_revision('reset', rev_id => '002', downgrade => '',
		upgrade => 'RESET ROLE; INSERT INTO witness VALUES (current_user)')),
	'002', 'RESET ROLE, with another role set');
is_as('mallory',
	q(SET ROLE operator; SELECT migrate_upgrade(); SELECT current_user;
	  SELECT by_role FROM witness; SELECT role, session_role FROM migrate_log(max_rows => 1)),
	"002\noperator\nmallory\noperator|mallory",
	'ends with the script');
$node->safe_psql('app', 'TRUNCATE witness; REVOKE operator FROM mallory');
is_as('operator', q(SELECT migrate_downgrade('001')), '001', 'and back');
is_as('author', q(SELECT migrate_remove('002')), '002', 'removed');

# ---- a version table that belongs to somebody else ----

# Whoever owns it can make others run what its triggers hold.  It must run
# with no rights but those of the one who called.
create_database($node, 'trap');
$node->safe_psql(
	'trap', q(
	GRANT ALL ON SCHEMA public TO mallory, operator;
	SELECT migrate_grant('operator', 'operator');
	SELECT migrate_grant('viewer', 'viewer');
	SELECT migrate_revision('create agents', 'CREATE TABLE agents ()', 'DROP TABLE agents', rev_id => '001');
	SELECT migrate_revision('create teams', 'CREATE TABLE teams ()', 'DROP TABLE teams', rev_id => '002');
	CREATE TABLE witness (by_role name, superuser text, path text);
	GRANT INSERT ON witness TO PUBLIC;
	SET ROLE mallory;
	CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.witness
		VALUES (current_user, current_setting('is_superuser'), TG_OP);
		RETURN coalesce(NEW, OLD);
	END $$;
	CREATE FUNCTION spy_check(text) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.witness
		VALUES (current_user, current_setting('is_superuser'), 'CHECK');
		RETURN true;
	END $$;
	CREATE FUNCTION spy_policy() RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.witness
		VALUES (current_user, current_setting('is_superuser'), 'POLICY');
		RETURN true;
	END $$;
	CREATE TABLE alembic_version (
		version_num varchar(32) PRIMARY KEY CHECK (spy_check(version_num)));
	CREATE TRIGGER spy AFTER INSERT OR UPDATE OR DELETE ON alembic_version
		FOR EACH ROW EXECUTE FUNCTION spy();
	CREATE CONSTRAINT TRIGGER spy_late AFTER INSERT OR UPDATE ON alembic_version
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spy();
	GRANT ALL ON alembic_version TO operator;
	GRANT SELECT ON alembic_version TO viewer));

sub witnesses
{
	return $node->safe_psql('trap',
		q(SELECT DISTINCT by_role, superuser FROM witness; DELETE FROM witness));
}

my $result = run_sql($node, 'trap',
	q(SELECT migrate_upgrade('001'); SELECT migrate_upgrade('002');
	  SELECT migrate_downgrade('-1'); SELECT migrate_stamp('base');
	  SELECT migrate_stamp('002'); SELECT migrate_stamp('001', purge => true)),
	as('operator'));
ok($result->{ok}, 'an operator runs on a table of somebody else')
  or diag($result->{err});
is(witnesses(), 'operator|off', 'triggers and checks run as the operator');
$result = run_sql($node, 'trap',
	q(SELECT * FROM migrate_current(); SELECT * FROM migrate_status()),
	as('viewer'));
ok($result->{ok}, 'a viewer looks') or diag($result->{err});
is(witnesses(), '', 'and nothing runs');

# Row level security would hide rows, and a policy is code as well.
$node->safe_psql(
	'trap', q(
	SET ROLE mallory;
	ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY;
	CREATE POLICY spy ON alembic_version USING (spy_policy())));
$result = run_sql($node, 'trap', 'SELECT * FROM migrate_status()', as('viewer'));
like($result->{err},
	qr/ERROR:  42501: query would be affected by row-level security policy for table "alembic_version"/,
	'hidden rows are an error');
is(witnesses(), '', 'the policy is not asked');
$node->safe_psql('trap',
	'SET ROLE mallory; ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY');

# a view in place of the table
$node->safe_psql(
	'trap', q(
	SET ROLE mallory;
	ALTER TABLE alembic_version RENAME TO hidden;
	CREATE VIEW alembic_version AS SELECT '001'::text AS version_num WHERE spy_policy();
	GRANT ALL ON alembic_version TO operator, viewer));
$result = run_sql($node, 'trap', 'SELECT * FROM migrate_status()', as('viewer'));
like($result->{err},
	qr/ERROR:  42809: version table public.alembic_version is not a table/,
	'a view is not accepted');
is(witnesses(), '', 'and not read');

# a column of a type of mallory's own, with a cast of mallory's own
$node->safe_psql(
	'trap', q(
	SET ROLE mallory;
	DROP VIEW alembic_version;
	CREATE TYPE version AS (number text);
	CREATE FUNCTION spy_cast(version) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.witness
		VALUES (current_user, current_setting('is_superuser'), 'CAST');
		RETURN ($1).number;
	END $$;
	CREATE CAST (version AS text) WITH FUNCTION spy_cast(version) AS IMPLICIT;
	CREATE TABLE alembic_version (version_num version);
	INSERT INTO alembic_version VALUES (ROW('001'));
	GRANT ALL ON alembic_version TO operator, viewer));
$result = run_sql($node, 'trap', 'SELECT * FROM migrate_status()', as('operator'));
like($result->{err},
	qr/ERROR:  42804: column "version_num" of version table public.alembic_version is not of a character type/,
	'a type with a cast of its own is not accepted');
is(witnesses(), '', 'and its cast not called');

# ---- planted in the schema that everybody uses ----

# mallory may create in "public", which is in everybody's search path: while
# somebody waits for the run lock, and otherwise, nothing of it is called.
$node->safe_psql(
	'app', q(
	SET ROLE mallory;
	CREATE FUNCTION public.planted() RETURNS text LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'planted code was called by %', current_user; END $$;
	CREATE FUNCTION public.format(text, integer, name, text, timestamptz) RETURNS text LANGUAGE sql AS 'SELECT public.planted()';
	CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT public.planted()';
	CREATE FUNCTION public.date_trunc(text, timestamptz) RETURNS timestamptz LANGUAGE sql AS 'SELECT public.planted()::timestamptz';
	CREATE FUNCTION public.same(oid, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT public.planted() IS NULL';
	CREATE FUNCTION public.same(text, name) RETURNS boolean LANGUAGE sql AS 'SELECT public.planted() IS NULL';
	CREATE FUNCTION public.same(text, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT public.planted() IS NULL';
	CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = oid, RIGHTARG = bigint);
	CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = text, RIGHTARG = name);
	CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = text, RIGHTARG = varchar);
	CREATE VIEW public.pg_locks AS SELECT public.planted();
	CREATE VIEW public.pg_stat_activity AS SELECT public.planted()));
$node->safe_psql('app',
	q(ALTER ROLE operator SET search_path = public, pg_catalog));
my $first = $node->background_psql('app');
$first->query_safe('SET client_min_messages = warning; BEGIN');
$first->query_safe(q(SELECT migrate_stamp('base')));
fails_as('operator', q(SET lock_timeout = '50ms'; SELECT migrate_upgrade()),
	'55P03', 'DETAIL:  Held by process \d+ \(role',
	'waiting for the run lock calls nothing that is planted');
$first->query_safe('ROLLBACK');
$first->quit;
is_as('operator',
	q(SELECT migrate_downgrade('base'); SELECT migrate_upgrade(); SELECT revision FROM migrate_current()),
	"001\n001", 'nor does running');

done_testing();
