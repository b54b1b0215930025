
# Copyright (c) 2026, the migrate authors

# Large input: a script of 10 MB, and many revisions.  MIGRATE_TEST_REVISIONS
# says how many.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $revisions = $ENV{MIGRATE_TEST_REVISIONS} || 10_000;
my $node = start_server('main');
my $start = time;

sub elapsed
{
	my ($what) = @_;

	note(sprintf('%s: %.1f s', $what, time - $start));
	$start = time;
	return;
}

# ---- one script of 10 MB ----

create_database($node, 'script');

# a literal of 9 MB, and a thousand statements of 1 kB each around it
$node->safe_psql(
	'script', q(
	SELECT migrate_load(
		E'-- fill\n--\n-- Revision ID: 001\n-- Revises:\n\n-- migrate:upgrade\n'
		'CREATE TABLE filled (line int, body text);'
		|| (SELECT string_agg(format(E'\n-- %s\nINSERT INTO filled VALUES (%s, %L);', repeat('-', 470), i, repeat('é', 250)), '')
			FROM generate_series(1, 500) i)
		|| format(E'\nINSERT INTO filled VALUES (0, %L);', repeat('0123456789', 900000))
		|| (SELECT string_agg(format(E'\n-- %s\nINSERT INTO filled VALUES (%s, %L);', repeat('-', 470), i, repeat('é', 250)), '')
			FROM generate_series(501, 1000) i)
		|| E'\n\n-- migrate:downgrade\nDROP TABLE filled;\n',
		'001_fill.sql')));
elapsed('10 MB: load');
cmp_ok(
	$node->safe_psql('script',
		'SELECT octet_length(upgrade) FROM migrate.revision'),
	'>', 10_000_000, 'a script of 10 MB is loaded');
sql_is($node, 'script', q(SELECT migrate_upgrade('head')), '001', 'it is run');
elapsed('10 MB: upgrade');
sql_is($node, 'script',
	q(SELECT count(*), sum(length(body)), count(DISTINCT line) FROM filled),
	'1001|9250000|1001', 'all of it');
sql_is($node, 'script', 'SELECT statements FROM migrate_log()', '1002',
	'and the log counts its statements');
sql_is($node, 'script',
	q(SELECT md5(script) = md5((SELECT header || upgrade || separator || downgrade FROM migrate.revision))
	  FROM migrate_export()),
	't', 'it is exported');
elapsed('10 MB: export');

# an error in the last line: that is where it is said to be, and the error
# shows the statement and not the script
$node->safe_psql(
	'script', q(
	SELECT migrate_revision('fails', rev_id => '002',
		upgrade => (SELECT upgrade FROM migrate.revision)
			|| E'SELECT 1;\nSELECT ''ü'', nowhere;\n')));
my $result = run_sql($node, 'script',
	q(DROP TABLE filled; SELECT migrate_upgrade('head')));
like($result->{err},
	qr/ERROR:  42703: column "nowhere" does not exist\nLINE 1: SELECT 'ü', nowhere\n {20}\^\nQUERY:  SELECT 'ü', nowhere\nCONTEXT:  revision "002" upgrade, statement 1004, line \d+/,
	'an error in the last line of 10 MB');
cmp_ok(length($result->{err}), '<', 2000, 'is a short one');
sql_is($node, 'script', 'SELECT revision FROM migrate_current()', '001',
	'and nothing has happened');
elapsed('10 MB: error');

# ---- many revisions ----

create_database($node, 'many');
$start = time;

# a chain, with a branch that leaves and joins it every hundred revisions
sql_is($node, 'many', qq(
	SELECT count(*) FROM migrate_load_files((
		SELECT array_agg(format(
			E'-- Number %s\\n--\\n-- Revision ID: r%s\\n-- Revises: %s\\n\\n'
			'-- migrate:upgrade\\n%s\\n\\n-- migrate:downgrade\\n%s\\n',
			i, i,
			CASE WHEN i = 1 THEN ''
				WHEN i % 100 = 51 THEN 'r' || i - 2
				WHEN i % 100 = 52 THEN 'r' || i - 1 || ', r' || i - 2
				ELSE 'r' || i - 1 END,
			CASE WHEN i % 10 = 0 THEN format('CREATE TABLE t%s (id int);', i)
				ELSE 'UPDATE counter SET n = n + 1;' END,
			CASE WHEN i % 10 = 0 THEN format('DROP TABLE t%s;', i)
				ELSE 'UPDATE counter SET n = n - 1;' END)
			ORDER BY i * 7919 % ($revisions + 1))
		FROM generate_series(1, $revisions) i))),
	$revisions, "$revisions revisions in one call, in any order");
elapsed('load');
$node->safe_psql('many', 'CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)');

sql_is($node, 'many', 'SELECT current, heads, pending FROM migrate_status()',
	"{}|{r$revisions}|$revisions", 'status');
elapsed('status');
sql_is($node, 'many',
	'SELECT count(*), count(*) FILTER (WHERE is_merge_point) FROM migrate_history()',
	"$revisions|" . int(($revisions + 48) / 100), 'history');
elapsed('history');
sql_is($node, 'many', q(SELECT migrate_upgrade('head')), "r$revisions",
	'upgrade');
elapsed('upgrade');
sql_is($node, 'many', q(SELECT n FROM counter), $revisions - int($revisions / 10),
	'each was run');
sql_is($node, 'many', q(SELECT count(*), count(DISTINCT revision) FROM migrate.log),
	"$revisions|$revisions", 'and logged');
sql_is($node, 'many', q(SELECT migrate_upgrade('head')), "r$revisions",
	'nothing to do');
elapsed('nothing to do');
sql_is($node, 'many', q(SELECT count(*) FROM migrate_plan('downgrade', 'base')),
	$revisions, 'plan of a downgrade');
elapsed('plan');
sql_is($node, 'many', q(SELECT migrate_downgrade('-5')),
	'r' . ($revisions - 5), 'downgrade by five');
elapsed('downgrade');
sql_is($node, 'many', q(SELECT migrate_downgrade('base')), '', 'downgrade to base');
sql_is($node, 'many', q(SELECT n FROM counter), '0', 'all the way');
elapsed('downgrade to base');
sql_is($node, 'many', q(SELECT count(*), count(DISTINCT filename) FROM migrate_export()),
	"$revisions|$revisions", 'export');
elapsed('export');

# a cycle in it is found, and told in a message that can be read
$result = run_sql($node, 'many', qq(
	SELECT migrate_load(
		E'-- Number 1\\n--\\n-- Revision ID: r1\\n-- Revises: r$revisions\\n\\n'
		'-- migrate:upgrade\\n\\n-- migrate:downgrade\\n')));
like($result->{err}, qr/ERROR:  MG007: Cycle is detected in revisions \(r\d+, r\d+/, 'a cycle through all of them');
cmp_ok(length($result->{err}), '<', 5000, 'in a message of readable length');
elapsed('cycle');

done_testing();
