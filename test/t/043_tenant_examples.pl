
# Copyright (c) 2026, the migrate authors

# The examples for tenants, run by an owner that is no superuser: what they set
# up holds, is found right by lint and self-test, and is taken back to what
# pg_dump said before.

use strict;
use warnings;

use Cwd qw(realpath);
use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $examples = realpath("$FindBin::RealBin/../../examples");
my ($A, $B) = map { "00000000-0000-0000-0000-00000000000$_" } qw(a b);
my $node = start_server('main');

$node->safe_psql(
	'postgres', q(
	CREATE ROLE example_owner;
	CREATE ROLE example_app));

# A database with the revisions of an example, of which those before $before
# are applied, as the owner.
sub load_example
{
	my ($database, $before, @folders) = @_;

	create_database($node, $database);
	$node->safe_psql(
		$database, q(
		ALTER SCHEMA public OWNER TO example_owner;
		SELECT migrate_grant('example_owner', 'operator');));
	$node->safe_psql($database,
		"SELECT migrate_load_directory('$examples/$_')")
	  foreach @folders;
	as_owner($database, "SELECT migrate_upgrade('$before')");
	return;
}

sub as_owner
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database,
		"SET ROLE example_owner; SET client_min_messages = warning;\n$sql");
}

# What the application sees and does as a tenant, in a transaction.
sub as_tenant
{
	my ($database, $tenant, $sql) = @_;

	return $node->safe_psql(
		$database, qq(
		BEGIN;
		SET LOCAL ROLE example_app;
		SET LOCAL migrate.tenant = '$tenant';
		$sql;
		COMMIT));
}

# What lint finds.  T023 is about the server that runs this; what is info is
# about speed.
sub findings_of
{
	my ($database) = @_;

	return $node->safe_psql(
		$database,
		q(SELECT code, severity, object, problem FROM migrate_tenant_lint()
		  WHERE code <> 'T023' AND severity <> 'info' ORDER BY 1, 3));
}

# Up, down and up again; $rows makes rows of two tenants.  $untried has the
# probes of the self-test that cannot be tried.
sub proves_itself
{
	my ($database, $before, $target, $root, $untried, $rows) = @_;
	my $unprotected = dump_schema($node, $database);
	my $protected;

	as_owner($database, "SELECT migrate_upgrade('$target')");
	as_owner($database,
		q(SELECT * FROM migrate_tenant_grant('example_app', '{public}')));
	$protected = dump_schema($node, $database);
	$node->safe_psql($database, $rows);

	is( $node->safe_psql(
			$database,
			q(SELECT relation, missing FROM migrate_tenant_plan('public')
			  WHERE mode = 'unknown')),
		'',
		"$database: nothing is left to decide");
	is(findings_of($database), '', "$database: lint finds nothing");
	sql_is($node, $database, 'SELECT migrate_tenant_check()',
		't', "$database: it passes the check");
	is( $node->safe_psql(
			$database,
			q(SELECT DISTINCT "table"::text COLLATE "C", result, detail FROM migrate_tenant_selftest('example_app')
			  WHERE result <> 'ok' ORDER BY 1, 2)),
		$untried,
		"$database: nothing leaks in the self-test, which tries everything else");
	cmp_ok(
		$node->safe_psql($database,
			q(SELECT count(*) FROM migrate_tenant_selftest('example_app'))),
		'>', 50, "$database: and that is a lot");

	foreach my $tenant ($A, $B)
	{
		is(as_tenant($database, $tenant, "SELECT * FROM $root"),
			$node->safe_psql($database,
				"SELECT * FROM $root WHERE id = '$tenant'"),
			"$database: a tenant sees itself alone");
	}
	sql_is(
		$node, $database,
		"SET ROLE example_app; SELECT count(*) FROM $root",
		'0', "$database: without a tenant there is nothing");

	as_owner($database,
		q(SELECT * FROM migrate_tenant_revoke('example_app')));
	as_owner($database, "SELECT migrate_downgrade('$before')");
	same_schema(dump_schema($node, $database),
		$unprotected, "$database: the schema from before");
	as_owner($database, "SELECT migrate_upgrade('$target')");
	as_owner($database,
		q(SELECT * FROM migrate_tenant_grant('example_app', '{public}')));
	same_schema(dump_schema($node, $database),
		$protected, "$database: and that of the head again");
	return;
}

# ---- examples/tenants ----

load_example('tenants', 'a2d96b40ef58', 'tenants/versions');
proves_itself(
	'tenants', 'a2d96b40ef58', 'head', 'tenant',
	'playbook_step|waived|its rows can refer to rows of another tenant; accepted: '
	  . 'a step may use a shared tool, which has no tenant',
	qq(
	INSERT INTO tenant VALUES ('$A', 'Acme'), ('$B', 'Bolt');
	INSERT INTO domain_pack_version (domain, version) VALUES ('payments', 1);
	CALL migrate_tenant_each(\$\$
		INSERT INTO tenant_policy_pack_version (domain_pack_version_id, version)
		SELECT id, 1 FROM domain_pack_version
	\$\$);
	CALL migrate_tenant_each(\$\$
		WITH e AS (INSERT INTO exception (kind) VALUES ('settlement failed') RETURNING id)
		INSERT INTO exception_event (exception_id, kind) SELECT id, 'raised' FROM e
	\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO tool_definition (name) VALUES ('own')\$\$);
	CALL migrate_tenant_each(\$\$
		WITH p AS (INSERT INTO playbook (name) VALUES ('first') RETURNING id)
		INSERT INTO playbook_step (playbook_id, position, instruction) SELECT id, CASE WHEN migrate_tenant_current() = '$A' THEN 1 ELSE 2 END, 'look' FROM p
	\$\$);));

is( as_tenant(
		'tenants', $A,
		'SELECT tenant_id IS NULL, name FROM tool_definition ORDER BY 1, 2'),
	"f|own\nt|notify\nt|open_ticket",
	'tenants: shared tools are for all, own ones for one');
is(as_tenant('tenants', $A, 'SELECT count(*) FROM domain_pack_version'),
	'1', 'tenants: packs are the same for everybody');
sql_fails(
	$node, 'tenants', qq(
	SET ROLE example_app; SET migrate.tenant = '$A';
	INSERT INTO tool_definition (tenant_id, name) VALUES (NULL, 'for all')),
	'42501', 'row-level security policy.*"tool_definition"',
	'tenants: nobody makes a shared one');
my $of_b = $node->safe_psql('tenants',
	"SELECT id FROM exception WHERE tenant_id = '$B'");
sql_fails(
	$node, 'tenants', qq(
	SET ROLE example_app; SET migrate.tenant = '$A';
	INSERT INTO exception_event (exception_id, kind) VALUES ('$of_b', 'raised')),
	'23503', 'exception_event_exception_id_fkey',
	'tenants: an event cannot be one of somebody else\'s exception');

# ---- examples/agent_platform ----

load_example(
	'agent_platform', 'b76d10e9a4c3', 'agent_platform/versions',
	'agent_platform/tenants');
proves_itself(
	'agent_platform', 'tenants@base', 'tenants@head', 'organizations',
	join("\n",
		'audit_log|inconclusive|entries of table "audit_log" cannot be changed (SQLSTATE 42501)',
		'playbook_steps|waived|its rows can refer to rows of another tenant; accepted: '
		  . 'a step may use a shared tool, which has no organization'),
	qq(
	INSERT INTO organizations (id, name, slug) VALUES ('$A', 'Acme', 'acme'), ('$B', 'Bolt', 'bolt');
	INSERT INTO tool_definitions (name, description) VALUES ('search', 'for all');
	CALL migrate_tenant_each(\$\$INSERT INTO tool_definitions (name, description) VALUES ('own', 'for one')\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO teams (name) VALUES ('first')\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO users (email, display_name) VALUES ('a\@example.com', 'A')\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO team_members (team_id, user_id)
		SELECT t.id, u.id FROM teams t, users u
		WHERE t.organization_id = migrate_tenant_current() AND u.organization_id = migrate_tenant_current()\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO agents (name, model) VALUES ('helper', 'm1')\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO api_keys (name, prefix, key_hash)
		VALUES ('key', 'sk_' || left(md5(migrate_tenant_current()::text), 8), sha256(migrate_tenant_current()::text::bytea))\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO sessions (agent_id)
		SELECT id FROM agents WHERE organization_id = migrate_tenant_current()\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO episodes (session_id, kind, content)
		SELECT id, 'message', 'hello' FROM sessions WHERE organization_id = migrate_tenant_current()\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO memory_facts (agent_id, subject, predicate, object)
		SELECT id, 'sky', 'is', 'blue' FROM agents WHERE organization_id = migrate_tenant_current()\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO playbooks (name) VALUES ('first')\$\$);
	CALL migrate_tenant_each(\$\$INSERT INTO playbook_steps (playbook_id, position, instruction)
		SELECT id, 1, 'look' FROM playbooks WHERE organization_id = migrate_tenant_current()\$\$);));

is( as_tenant(
		'agent_platform', $A,
		'SELECT organization_id IS NULL, name FROM tool_definitions ORDER BY 1, 2'),
	"f|own\nt|remember\nt|search\nt|search_memory",
	'agent_platform: shared tools are for all, own ones for one');
is( as_tenant(
		'agent_platform', $A,
		q(SELECT count(*) FROM playbook_steps; SELECT count(*) FROM playbook_steps s
		  JOIN playbooks p ON p.id = s.playbook_id)),
	"1\n1",
	'agent_platform: steps are those of the own playbooks');
is( as_tenant(
		'agent_platform', $A,
		q(UPDATE agents SET model = 'm2'; SELECT table_name, action FROM audit_log ORDER BY id)),
	"agents|INSERT\napi_keys|INSERT\nagents|UPDATE",
	'agent_platform: a change is in the log, and read by its organization');
foreach my $change ('UPDATE audit_log SET actor = \'x\'', 'DELETE FROM audit_log')
{
	sql_fails(
		$node, 'agent_platform', qq(
		SET ROLE example_app; SET migrate.tenant = '$A'; $change),
		'42501', 'cannot be changed',
		"agent_platform: the log is append-only: $change");
}

done_testing();
