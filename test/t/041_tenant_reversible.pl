
# Copyright (c) 2026, the migrate authors

# The functions that set tenants up stand in revision scripts, their inverses in
# the downgrades: up, down and up again leaves what pg_dump says of the schema
# byte for byte as it was, for each pair of functions, with both styles of
# policies, as an owner that is no superuser and whom its own policies bind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');

$node->safe_psql(
	'postgres', q(
	CREATE ROLE owner;
	CREATE ROLE app;
	CREATE ROLE admin));

# A database with tables of all kinds, of which some have rows, and some have
# already what is going to be made.
sub create_saas
{
	my ($name) = @_;

	create_database($node, $name);
	$node->safe_psql(
		$name, q(
		SELECT migrate_grant('owner', 'operator');
		CREATE SCHEMA saas AUTHORIZATION owner;
		CREATE SCHEMA "Parts" AUTHORIZATION owner;
		SET ROLE owner;
		SET search_path = saas;
		CREATE TABLE orgs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text UNIQUE);
		CREATE TABLE docs (id serial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES orgs, day date);
		CREATE TABLE notes (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, tenant_id uuid REFERENCES orgs);
		CREATE TABLE steps (id serial PRIMARY KEY, doc_id integer NOT NULL
			CONSTRAINT "to Doc" REFERENCES docs ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
		COMMENT ON CONSTRAINT "to Doc" ON steps IS E'it''s \\\\ odd';
		CREATE TABLE parts (step_id integer REFERENCES steps ON DELETE SET NULL, x integer);
		CREATE TABLE remarks (id integer PRIMARY KEY, note_id integer NOT NULL REFERENCES notes MATCH FULL);
		CREATE TABLE "Odd Table" ("Id" integer, tenant_id uuid NOT NULL, doc_id integer,
			CONSTRAINT odd FOREIGN KEY (doc_id) REFERENCES docs NOT VALID);
		CREATE TABLE events (id integer, tenant_id uuid NOT NULL, PRIMARY KEY (id)) PARTITION BY LIST (id);
		CREATE TABLE "Parts"."Events 1" PARTITION OF events FOR VALUES IN (1);
		CREATE TABLE "Parts"."Events 2" PARTITION OF events FOR VALUES IN (2, 3) PARTITION BY LIST (id);
		CREATE TABLE "Parts".events_2_2 PARTITION OF "Parts"."Events 2" DEFAULT;
		CREATE TABLE people (id integer PRIMARY KEY, tenant_id uuid NOT NULL);
		CREATE TABLE staff () INHERITS (people);
		CREATE TABLE countries (code text PRIMARY KEY);
		-- what was there before
		ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
		ALTER TABLE docs FORCE ROW LEVEL SECURITY;
		CREATE POLICY migrate_tenant ON docs AS RESTRICTIVE FOR UPDATE TO app, admin
			USING (day > '2024-02-01' OR id = ANY ('{1,2}')) WITH CHECK (day IS NOT NULL);
		COMMENT ON POLICY migrate_tenant ON docs IS 'ours before yours';
		CREATE POLICY migrate_tenant_floor ON docs AS RESTRICTIVE USING (true);
		CREATE POLICY other ON notes USING (true);
		ALTER TABLE "Odd Table" ALTER COLUMN tenant_id SET DEFAULT '00000000-0000-0000-0000-000000000001';
		CREATE UNIQUE INDEX mine ON docs (tenant_id, id);
		GRANT SELECT ON docs TO app;
		GRANT INSERT (id) ON notes TO app;
		INSERT INTO orgs (name) VALUES ('A'), ('B');
		INSERT INTO docs (tenant_id) SELECT id FROM orgs;
		INSERT INTO steps (doc_id) SELECT id FROM docs;
		INSERT INTO parts (step_id) SELECT id FROM steps;
		RESET ROLE;
		GRANT USAGE, CREATE ON SCHEMA public TO owner));
	return $name;
}

# Load revisions, which are pairs of an upgrade and a downgrade script, run them
# up, down and up again one by one and all at once, and compare.  The version
# table is there from the start.
sub check_round_trip
{
	my ($name, $setup, @scripts) = @_;
	my $database = create_saas($name);
	my $previous = '';
	my $number = 0;
	my @files;
	my @dumps;
	my $result;

	foreach my $pair ([ 'SELECT 1;', 'SELECT 1;' ],
		[ "SELECT migrate_tenant_setup('saas.orgs'$setup);", 'SELECT migrate_tenant_teardown();' ],
		@scripts)
	{
		my $id = sprintf('%03d', $number++);

		push @files,
		  revision_file($id, $previous, "step $id", $pair->[0], $pair->[1]);
		$previous = $id;
	}
	load_files($node, $database, @files);

	my $run = "SET client_min_messages = warning; SET ROLE owner; ";
	$result = run_sql($node, $database, "$run SELECT migrate_upgrade('000')");
	ok($result->{ok}, "$name: 000") || diag($result->{err});
	push @dumps, dump_schema($node, $database);
	for my $i (1 .. $number - 1)
	{
		$result = run_sql($node, $database,
			sprintf("%s SELECT migrate_upgrade('%03d')", $run, $i));
		ok($result->{ok}, "$name: upgrade to $i") || diag($result->{err});
		push @dumps, dump_schema($node, $database);
	}
	for my $i (reverse(0 .. $number - 2))
	{
		$result = run_sql($node, $database,
			sprintf("%s SELECT migrate_downgrade('%03d')", $run, $i));
		ok($result->{ok}, "$name: downgrade to $i") || diag($result->{err});
		same_schema(dump_schema($node, $database), $dumps[$i], "$name: schema of $i again");
	}
	sql_is(
		$node, $database,
		q(SELECT (SELECT count(*) FROM migrate.tenant_model) + (SELECT count(*) FROM migrate.tenant_table)
			+ (SELECT count(*) FROM migrate.tenant_column) + (SELECT count(*) FROM migrate.tenant_link)
			+ (SELECT count(*) FROM migrate.tenant_grant) + (SELECT count(*) FROM migrate.tenant_schema)),
		'0', "$name: no row is left");

	# in one transaction, there and back
	$result = run_sql($node, $database, "$run SELECT migrate_upgrade('head')");
	ok($result->{ok}, "$name: all of it") || diag($result->{err});
	same_schema(dump_schema($node, $database), $dumps[-1], "$name: schema of the head again");
	$result = run_sql($node, $database, "$run SELECT migrate_downgrade('000')");
	ok($result->{ok}, "$name: all of it back") || diag($result->{err});
	same_schema(dump_schema($node, $database), $dumps[0], "$name: schema of the beginning again");
	isnt($dumps[-1], $dumps[0], "$name: there was something to do");
	return;
}

my $app = ", app_roles => '{app}'";

# ---- each pair by itself ----

check_round_trip('protecting', $app,
	[ q(SELECT migrate_tenant_protect('saas.orgs');), q(SELECT migrate_tenant_unprotect('saas.orgs');) ],
	[ q(SELECT migrate_tenant_protect('saas.docs');), q(SELECT migrate_tenant_unprotect('saas.docs');) ],
	[ q(SELECT migrate_tenant_protect('saas.notes', 'shared');), q(SELECT migrate_tenant_unprotect('saas.notes');) ],
	[ q(SELECT migrate_tenant_protect('saas.remarks');), q(SELECT migrate_tenant_unprotect('saas.remarks');) ],
	[ q(SELECT migrate_tenant_protect('saas.steps');), q(SELECT migrate_tenant_unprotect('saas.steps');) ],
	[ q(SELECT migrate_tenant_protect('saas.parts');), q(SELECT migrate_tenant_unprotect('saas.parts');) ],
	[ q(SELECT migrate_tenant_protect('saas."Odd Table"');), q(SELECT migrate_tenant_unprotect('saas."Odd Table"');) ],
	[ q(SELECT migrate_tenant_protect('saas.events');), q(SELECT migrate_tenant_unprotect('saas.events');) ],
	[ q(CREATE TABLE "Parts".later PARTITION OF saas.events DEFAULT; SELECT migrate_tenant_protect('saas.events');),
		q(DROP TABLE "Parts".later;) ],
	[ q(SELECT migrate_tenant_protect('saas.people');), q(SELECT migrate_tenant_unprotect('saas.people');) ],
	[ q(SELECT migrate_tenant_exempt('saas.countries', 'the same for all');), q(SELECT migrate_tenant_unexempt('saas.countries');) ]);

check_round_trip('columns', '',
	[ q(SELECT migrate_tenant_protect('saas.docs');), q(SELECT migrate_tenant_unprotect('saas.docs');) ],
	[ q(SELECT migrate_tenant_add_column('saas.steps');), q(SELECT migrate_tenant_drop_column('saas.steps');) ],
	[ q(SELECT migrate_tenant_protect('saas.steps');), q(SELECT migrate_tenant_unprotect('saas.steps');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts', step => 'column');), q(SELECT migrate_tenant_drop_column('saas.parts', 'column');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts', step => 'backfill');), q(SELECT migrate_tenant_drop_column('saas.parts', 'backfill');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts', step => 'check');), q(SELECT migrate_tenant_drop_column('saas.parts', 'check');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts', step => 'not_null');), q(SELECT migrate_tenant_drop_column('saas.parts', 'not_null');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts', step => 'index');), q(SELECT migrate_tenant_drop_column('saas.parts', 'index');) ],
	[ q(SELECT migrate_tenant_protect('saas.parts');), q(SELECT migrate_tenant_unprotect('saas.parts');) ]);

check_round_trip('links', $app,
	[ q(SELECT migrate_tenant_add_column('saas.steps');), q(SELECT migrate_tenant_drop_column('saas.steps');) ],
	[ q(SELECT migrate_tenant_add_column('saas.parts');), q(SELECT migrate_tenant_drop_column('saas.parts');) ],
	[ q(SELECT migrate_tenant_link('to Doc', 'saas.steps');), q(SELECT migrate_tenant_unlink('to Doc', 'saas.steps');) ],
	[ q(SELECT migrate_tenant_protect_schema('saas', exclude => '{saas.countries,saas.notes,saas.remarks}');),
		q(SELECT migrate_tenant_unprotect_schema('saas');) ],
	[ q(SELECT migrate_tenant_link('parts_step_id_fkey', 'saas.parts');), q(SELECT migrate_tenant_unlink('parts_step_id_fkey', 'saas.parts');) ],
	[ q(SELECT migrate_tenant_link('odd', 'saas."Odd Table"');), q(SELECT migrate_tenant_unlink('odd', 'saas."Odd Table"');) ]);

check_round_trip('schemas', ", app_roles => '{app}', admin_role => 'admin', policy_style => 'inline', setting => 'my.tenant'",
	[ q(SELECT migrate_tenant_protect('saas.notes', 'shared'); SELECT migrate_tenant_exempt('saas.countries', 'the same for all');),
		q(SELECT migrate_tenant_unexempt('saas.countries'); SELECT migrate_tenant_unprotect('saas.notes');) ],
	[ q(SELECT migrate_tenant_protect_schema('saas'); SELECT migrate_tenant_protect_schema('"Parts"');),
		q(SELECT migrate_tenant_unprotect_schema('"Parts"'); SELECT migrate_tenant_unprotect_schema('saas');) ],
	[ q(SELECT migrate_tenant_grant('app', '{saas}');), q(SELECT migrate_tenant_revoke('app', '{saas}');) ],
	# a change of the model, and back
	[ q(SELECT migrate_tenant_setup('saas.orgs');),
		q(SELECT migrate_tenant_setup('saas.orgs', app_roles => '{app}', admin_role => 'admin', policy_style => 'inline', setting => 'my.tenant');) ]);

# all at once, by the inverse of the first
check_round_trip('cascading', $app,
	[ q(SELECT migrate_tenant_add_column('saas.steps');
		SELECT migrate_tenant_add_column('saas.parts');
		SELECT migrate_tenant_protect('saas.notes', 'shared');
		SELECT migrate_tenant_exempt('saas.countries', 'the same for all');
		SELECT migrate_tenant_protect_schema('saas');
		SELECT migrate_tenant_link('to Doc', 'saas.steps');
		SELECT migrate_tenant_link('parts_step_id_fkey', 'saas.parts');
		SELECT migrate_tenant_grant('app', '{saas}');),
		qq(SELECT migrate_tenant_teardown(cascade => true); SELECT migrate_tenant_setup('saas.orgs'$app);) ]);

# the guard needs a superuser
create_saas('guarded');
my $before = dump_schema($node, 'guarded');
my $guard = q(SELECT migrate_tenant_setup('saas.orgs');
	SELECT migrate_tenant_protect_schema('saas', '{saas.notes,saas.remarks,saas.countries}');
	SELECT migrate_tenant_guard('protect'););
$node->safe_psql('guarded', "SET client_min_messages = warning; $guard");
my $guarded = dump_schema($node, 'guarded');
like($guarded, qr/CREATE EVENT TRIGGER migrate_tenant_guard/, 'guard: the event trigger is dumped');
$node->safe_psql('guarded', q(SELECT migrate_tenant_guard('off'); SELECT migrate_tenant_teardown(cascade => true)));
same_schema(dump_schema($node, 'guarded'), $before, 'guard: schema of the beginning again');
$node->safe_psql('guarded', "SET client_min_messages = warning; $guard");
same_schema(dump_schema($node, 'guarded'), $guarded, 'guard: and of the end');

done_testing();
