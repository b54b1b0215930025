
# Copyright (c) 2026, the migrate authors

# Tenants behind PgBouncer in transaction mode: clients take turns in one
# server session, and what one of them sets for the session the next one has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pgbouncer = find_pgbouncer();
plan skip_all => 'PgBouncer is not installed' unless defined $pgbouncer;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir_short;
my $port = 6432;
my $bouncer;

# Debian puts it where only root looks.
sub find_pgbouncer
{
	foreach my $folder (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin')
	{
		return "$folder/pgbouncer" if -x "$folder/pgbouncer";
	}
	return;
}

# Start it, with so many server sessions for all clients.
sub start_pgbouncer
{
	my ($pool_size) = @_;
	my $host = $node->host;
	my $node_port = $node->port;

	open(my $ini, '>', "$dir/pgbouncer.ini") or die "pgbouncer.ini: $!";
	print $ini <<"EOT";
[databases]
app = host=$host port=$node_port dbname=app user=app

[pgbouncer]
listen_port = $port
unix_socket_dir = $dir
auth_type = any
pool_mode = transaction
default_pool_size = $pool_size
logfile = $dir/pgbouncer.log
EOT
	close($ini);

	my $errors = '';
	$bouncer = IPC::Run::start([ $pgbouncer, '-q', "$dir/pgbouncer.ini" ],
		'<', \'', '>', \$errors, '2>&1');
	foreach (1 .. 100)
	{
		return if client('SELECT 1')->{ok};
		select(undef, undef, undef, 0.1);
	}
	BAIL_OUT("PgBouncer does not answer: $errors"
		  . (slurp_file("$dir/pgbouncer.log") // ''));
}

sub stop_pgbouncer
{
	return unless defined $bouncer;
	$bouncer->signal('TERM');
	$bouncer->finish;
	undef $bouncer;
	return;
}

END
{
	# what a child process returns is not what this test does
	local $?;
	stop_pgbouncer();
}

# A client that sends statements, each by itself, and goes.
sub client
{
	my (@statements) = @_;
	my ($out, $err) = ('', '');
	my @command = (
		'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose',
		'-d', "host=$dir port=$port dbname=app user=app");

	push @command, map { ('-c', $_) } @statements;
	my $ok = IPC::Run::run(\@command, '<', \'', '>', \$out, '2>', \$err);
	chomp($out, $err);
	return { ok => $ok, out => $out, err => $err };
}

sub client_is
{
	my ($statements, $expected, $test_name) = @_;
	my $result = client(@$statements);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($result->{out}, $expected, $test_name) || diag($result->{err});
}

create_database($node, 'app');
$node->safe_psql(
	'app', q(
	CREATE ROLE app LOGIN;
	CREATE TABLE note (tenant integer NOT NULL DEFAULT migrate_tenant_current_int4(), body text);
	INSERT INTO note SELECT t, 'note ' || n FROM generate_series(1, 4) t, generate_series(1, t) n;
	-- the same, in partitions
	CREATE TABLE event (tenant integer NOT NULL, body text) PARTITION BY LIST (tenant);
	CREATE TABLE event_odd PARTITION OF event FOR VALUES IN (1, 3);
	CREATE TABLE event_even PARTITION OF event FOR VALUES IN (2, 4);
	INSERT INTO event SELECT * FROM note;
	GRANT SELECT, INSERT ON note, event TO app;
	CREATE POLICY tenant ON note TO app USING (tenant = migrate_tenant_current_int4());
	CREATE POLICY tenant ON event TO app USING (tenant = migrate_tenant_current_int4());
	ALTER TABLE note ENABLE ROW LEVEL SECURITY;
	ALTER TABLE event ENABLE ROW LEVEL SECURITY;

	CREATE TABLE account (id integer PRIMARY KEY);
	INSERT INTO account SELECT generate_series(1, 4);
	GRANT SELECT ON account TO app;
	CREATE TABLE job (tenant integer, notes bigint);
	GRANT SELECT, INSERT ON job TO app;

	-- whose plans a session keeps
	CREATE FUNCTION seen(OUT tenants text, OUT notes bigint, OUT events bigint)
	LANGUAGE plpgsql STABLE AS $$
	BEGIN
		SELECT string_agg(DISTINCT tenant::text, ','), count(*) INTO tenants, notes FROM note;
		SELECT count(*) INTO events FROM event WHERE tenants IS NULL OR tenant::text = tenants;
	END
	$$;));
my $seen = 'SELECT * FROM seen()';
my $nothing = '|0|0';

start_pgbouncer(1);

# ---- what does not leak ----

is(client('SELECT pg_backend_pid()')->{out},
	client('SELECT pg_backend_pid()')->{out},
	'clients share one server session');
client_is([$seen], $nothing, 'without a tenant nothing is seen');

client_is(
	[ 'BEGIN', q(SELECT migrate_tenant_set('2')), $seen, 'COMMIT', $seen ],
	"\n2|2|2\n$nothing", 'migrate_tenant_set() ends with the transaction');
client_is([$seen], $nothing, 'the next client has no tenant');

client_is([ 'BEGIN', q(SET LOCAL migrate.tenant = '3'), $seen, 'COMMIT', $seen ],
	"3|3|3\n$nothing", 'so does SET LOCAL');
client_is([$seen], $nothing, 'the next client has no tenant');

client_is(
	[
		'BEGIN', q(SELECT migrate_tenant_set('2')),
		'SELECT 1 / 0', 'ROLLBACK', $seen
	],
	"\n$nothing",
	'an error takes it back');
client_is([$seen], $nothing, 'the next client has no tenant');

# gone in the middle of a transaction
client_is([ 'BEGIN', q(SELECT migrate_tenant_set('2')), $seen ],
	"\n2|2|2", 'a client leaves in the middle of a transaction');
client_is([$seen], $nothing, 'the next client has no tenant');

my $result = client(q(SELECT migrate_tenant_set('2')), $seen);
like(
	$result->{err},
	qr/ERROR:  25P01: migrate_tenant_set\(\) can only be used in transaction blocks/,
	'outside of a transaction it is refused');
is($result->{out}, $nothing, 'and sets nothing');

# a whole transaction in one message
client_is(
	[qq(SELECT migrate_tenant_set('4'); $seen; SELECT migrate_tenant_current_int4()), $seen],
	"\n4|4|4\n4\n$nothing", 'a string of statements is a transaction');
client_is([$seen], $nothing, 'the next client has no tenant');

# each tenant in a transaction of its own, all in one statement
client_is(
	[
		q(CALL migrate_tenant_each('INSERT INTO job SELECT migrate_tenant_require_int4(), count(*) FROM note',
			tenants => 'SELECT id FROM account')),
		'SELECT * FROM job ORDER BY 1',
		$seen
	],
	"1|1\n2|2\n3|3\n4|4\n$nothing",
	'migrate_tenant_each()');
client_is([$seen], $nothing, 'the next client has no tenant');

# ---- what leaks ----

client_is([ q(SET migrate.tenant = '1'), $seen ],
	'1|1|1', 'SET outside of a transaction is for the session');
client_is([$seen], '1|1|1', 'which the next client has, too');
client_is([ 'BEGIN', q(SET migrate.tenant = '3'), 'COMMIT' ],
	'', 'as is a SET that is committed');
client_is([$seen], '3|3|3', 'which the next client has, too');

# Whoever sets a tenant, or says that there is none, is safe even so.
client_is([ 'BEGIN', q(SELECT migrate_tenant_set('2')), $seen, 'COMMIT', $seen ],
	"\n2|2|2\n3|3|3", 'migrate_tenant_set() covers what is left over');
client_is([ 'BEGIN', 'SELECT migrate_tenant_clear()', $seen, 'COMMIT' ],
	"\n$nothing", 'so does migrate_tenant_clear()');
client_is([ 'RESET migrate.tenant', $seen ], $nothing, 'RESET removes it');
client_is([$seen], $nothing, 'the next client has no tenant');

# ---- clients that take turns, with plans that hold the tenant and without ----

foreach my $fold ('off', 'on')
{
	$node->safe_psql('app', "ALTER ROLE app SET migrate.tenant_fold = $fold");
	stop_pgbouncer();
	start_pgbouncer(1);

	my @wrong;
	foreach my $turn (1 .. 20)
	{
		my $tenant = $turn % 4 + 1;
		my $out = client('BEGIN', "SELECT migrate_tenant_set('$tenant')",
			$seen, 'COMMIT', $seen)->{out};

		push @wrong, "$tenant: $out"
		  if $out ne "\n$tenant|$tenant|$tenant\n$nothing";
	}
	is("@wrong", '', "clients in turn, migrate.tenant_fold = $fold");

	# many at once
	stop_pgbouncer();
	start_pgbouncer(3);
	append_to_file("$dir/turns.$fold.sql", q(
\set tenant random(1, 4)
BEGIN;
SELECT migrate_tenant_set(CAST(:tenant AS text));
SELECT 1 / (tenants = CAST(:tenant AS text) AND notes = :tenant AND events = :tenant)::integer FROM seen();
COMMIT;
SELECT 1 / (notes = 0 AND events = 0)::integer FROM seen();
));
	my ($out, $err);
	my $ok = IPC::Run::run(
		[
			'pgbench', '-n', '-c', '8', '-t', '50', '-h', $dir, '-p', $port,
			'-U', 'app', '-f', "$dir/turns.$fold.sql", 'app'
		],
		'<', \'', '>', \$out, '2>', \$err);
	ok($ok && $out =~ m{transactions actually processed: 400/400},
		"eight clients on three sessions, migrate.tenant_fold = $fold")
	  or diag($err);
}

done_testing();
