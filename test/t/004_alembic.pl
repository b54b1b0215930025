
# Copyright (c) 2026, the migrate authors

# Adopting a database of Alembic's: loading the same revisions is all it takes.
# Alembic itself makes the project and the database, upgrades it, and says in
# the end what it thinks of ours; the two take turns.
#
# Alembic is required, not optional: without it the test fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use File::Path qw(make_path);
use IPC::Run;
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';
my $dir = PostgreSQL::Test::Utils::tempdir;

# id, down revisions, message, upgrade, downgrade, and by name: depends, label
my @revisions = (
	[
		'1975ea83b712', [], 'create account table',
		'CREATE TABLE account (id serial PRIMARY KEY, name varchar(50) NOT NULL)',
		'DROP TABLE account'
	],
	[
		'ae1027a6acf', ['1975ea83b712'], 'add last transaction date',
		'ALTER TABLE account ADD last_transaction_date timestamp',
		'ALTER TABLE account DROP last_transaction_date'
	],
	[
		'27c6a30d7c24', ['ae1027a6acf'], 'create shopping cart',
		'CREATE TABLE cart (id int PRIMARY KEY, account int REFERENCES account)',
		'DROP TABLE cart', label => 'shoppingcart'
	],
	[
		'd747a8a8879', ['27c6a30d7c24'], 'add cart items',
		'CREATE TABLE item (cart int REFERENCES cart, name text)',
		'DROP TABLE item'
	],
	[
		'3cac04ae8714', ['ae1027a6acf'], 'add check',
		"ALTER TABLE account ADD CONSTRAINT named CHECK (name <> '')",
		'ALTER TABLE account DROP CONSTRAINT named'
	],
	[
		'53fffde5ad5', [ 'd747a8a8879', '3cac04ae8714' ], 'merge both',
		'SELECT 1', 'SELECT 1'
	],
	[
		'55af2cb1c267', [], 'create reports', 'CREATE TABLE reports (id int)',
		'DROP TABLE reports', label => 'reports', depends => 'd747a8a8879'
	]);

sub python_list
{
	my (@items) = @_;

	return 'None' unless @items;
	return '(' . join(', ', map { "'$_'" } @items) . ',)';
}

sub write_file
{
	my ($name, $text) = @_;

	open(my $file, '>', "$dir/$name") or die "could not write $dir/$name: $!";
	print $file $text;
	close($file);
	return;
}

# the revision as Alembic has it, and as we have it
sub write_revision
{
	my ($id, $down, $message, $upgrade, $downgrade, %more) = @_;
	my $down_python = python_list(@$down);
	my $depends_python = python_list(grep { defined } $more{depends});
	my $label_python = python_list(grep { defined } $more{label});
	my $down_list = join(', ', @$down);
	my $depends = $more{depends} // '';
	my $label = $more{label} // '';

	write_file("versions/$id.py", <<"EOT");
"""$message

Revision ID: $id
Revises: $down_list
"""
from alembic import op

revision = '$id'
down_revision = $down_python
branch_labels = $label_python
depends_on = $depends_python


def upgrade():
    op.execute("$upgrade")


def downgrade():
    op.execute("$downgrade")
EOT
	write_file("sql/$id.sql", <<"EOT");
-- $message
--
-- Revision ID: $id
-- Revises: $down_list
-- Branch Labels: $label
-- Depends On: $depends

-- migrate:upgrade
$upgrade;

-- migrate:downgrade
$downgrade;
EOT
	return;
}

my $node = start_server('main');

# Run Alembic on a database and return what it prints, its log included.
sub alembic
{
	my ($database, @arguments) = @_;
	my $output = '';

	local $ENV{DATABASE_URL} = sprintf('postgresql+psycopg2:///%s?host=%s&port=%s',
		$database, $node->host, $node->port);
	local $ENV{PYTHONDONTWRITEBYTECODE} = 1;
	my $ok = IPC::Run::run(
		[ $python, '-m', 'alembic.config', '-c', "$dir/alembic.ini", @arguments ],
		'>', \$output, '2>&1');

	note("alembic @arguments ($database):\n$output");
	return $ok ? $output : "failed: $output";
}

# the revisions that "alembic current" shows
sub alembic_current
{
	my ($database) = @_;
	my $output = alembic($database, 'current');

	return join(',',
		sort map { /^([0-9a-z]+)(?: \(.*\))?$/ ? $1 : () }
		  split(/\n/, $output));
}

# both agree on where the database is
sub both_at
{
	my ($database, $expected, $name) = @_;

	$expected = join(',', sort split(/,/, $expected));
	is(alembic_current($database), $expected, "$name: alembic current");
	sql_is($node, $database,
		q(SELECT string_agg(revision, ',' ORDER BY revision COLLATE "C") FROM migrate_current()),
		$expected, "$name: migrate_current()");
	return;
}

sub load_project
{
	my ($database) = @_;

	return $node->safe_psql($database,
		'SELECT count(*) FROM migrate_load_directory('
		  . quote_literal("$dir/sql") . ')');
}

make_path("$dir/versions", "$dir/sql");
write_file('alembic.ini', <<"EOT");
[alembic]
script_location = $dir

[loggers]
keys = root,alembic

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARN
handlers = console
qualname =

[logger_alembic]
level = INFO
handlers =
qualname = alembic

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)s %(message)s
EOT
write_file('env.py', <<'EOT');
import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine

fileConfig(context.config.config_file_name)
with create_engine(os.environ['DATABASE_URL']).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
EOT
write_revision(@$_) foreach @revisions;

# Alembic has to be there.
my $version = '';
ok( IPC::Run::run(
		[ $python, '-c', 'import alembic, psycopg2; print(alembic.__version__)' ],
		'>', \$version, '2>&1'),
	"$python has alembic and psycopg2")
  or die "Alembic is missing, install alembic and python3-psycopg2: $version";
note("Alembic $version");

# What Alembic makes by itself.
$node->safe_psql('postgres', 'CREATE DATABASE by_alembic');
like(alembic('by_alembic', 'upgrade', 'heads'),
	qr/Running upgrade .*-> 55af2cb1c267/, 'Alembic upgrades by itself');
my $schema = schema_of($node, 'by_alembic');

# Alembic begins, we finish.
$node->safe_psql('postgres', 'CREATE DATABASE adopted');
alembic('adopted', 'upgrade', 'ae1027a6acf');
sql_is($node, 'adopted',
	q(SELECT format_type(atttypid, atttypmod) FROM pg_attribute
	  WHERE attrelid = 'alembic_version'::regclass AND attname = 'version_num'),
	'character varying(32)', 'the version table is one of Alembic\'s');
$node->safe_psql('adopted', 'CREATE EXTENSION migrate');
is(load_project('adopted'), scalar(@revisions), 'the revisions are loaded');
both_at('adopted', 'ae1027a6acf', 'after loading');
sql_is($node, 'adopted',
	'SELECT current, pending, unknown FROM migrate_status()',
	'{ae1027a6acf}|5|{}', 'what Alembic applied is not pending');
sql_is($node, 'adopted', q(SELECT migrate_upgrade('heads')),
	"53fffde5ad5\n55af2cb1c267", 'we apply the rest');
both_at('adopted', '53fffde5ad5,55af2cb1c267', 'after our upgrade');
unlike(alembic('adopted', 'upgrade', 'heads'),
	qr/Running|failed/, 'nothing is left for Alembic to do');
is( schema_of($node, 'adopted') =~ s/^--.*\n|^(?:CREATE|COMMENT ON) EXTENSION.*\n|^\s*\n|.*migrate.*\n//mgr,
	$schema =~ s/^--.*\n|^\s*\n//mgr,
	'schema and version table are what Alembic makes');
sql_is($node, 'adopted', 'SELECT current, up_to_date, changed FROM migrate_status()',
	'{53fffde5ad5,55af2cb1c267}|t|{}', 'our status agrees');

# Two versions at once, of which one is a dependency that the other implies.
alembic('adopted', 'downgrade', 'shoppingcart@27c6a30d7c24');
both_at('adopted', '27c6a30d7c24,3cac04ae8714', 'after a downgrade by Alembic');

# Alembic upgrades further, with revisions that we load before or after.
sql_is($node, 'adopted', q(SELECT migrate_upgrade('heads')),
	"53fffde5ad5\n55af2cb1c267", 'and up again');
write_revision(
	'cafe01', [ '53fffde5ad5' ], 'add age',
	'ALTER TABLE account ADD age int', 'ALTER TABLE account DROP age');
like(alembic('adopted', 'upgrade', 'heads'),
	qr/Running upgrade 53fffde5ad5 -> cafe01/, 'Alembic upgrades further');
sql_fails($node, 'adopted', q(SELECT migrate_upgrade('heads')),
	'.....', 'cafe01', 'a version that is not loaded is an error that names it');
sql_is($node, 'adopted', 'SELECT unknown, up_to_date FROM migrate_status()',
	'{cafe01}|f', 'and shows in the status');
load_project('adopted');
both_at('adopted', '55af2cb1c267,cafe01', 'after Alembic went further');
sql_is($node, 'adopted', q(SELECT migrate_check_heads()), 't',
	'nothing is left for us to do');

# turn by turn, down to nothing
sql_is($node, 'adopted', q(SELECT migrate_downgrade('cafe01-1')),
	"53fffde5ad5\n55af2cb1c267", 'we downgrade');
both_at('adopted', '53fffde5ad5,55af2cb1c267', 'after our downgrade');
unlike(alembic('adopted', 'downgrade', 'base'), qr/failed/,
	'Alembic downgrades to base');
both_at('adopted', '', 'after Alembic went to base');
sql_is($node, 'adopted', q(SELECT migrate_upgrade('shoppingcart@head')), 'cafe01',
	'we upgrade from there');
both_at('adopted', 'cafe01', 'after our upgrade from base');
unlike(alembic('adopted', 'stamp', 'heads'), qr/failed/, 'Alembic stamps');
both_at('adopted', '55af2cb1c267,cafe01', 'after a stamp by Alembic');
sql_is($node, 'adopted', q(SELECT migrate_stamp('ae1027a6acf', purge => true)),
	'ae1027a6acf', 'we stamp');
both_at('adopted', 'ae1027a6acf', 'after our stamp');

# The other way round: a database that began with us, whose version table is
# ours, is understood by Alembic.
create_database($node, 'ours');
load_project('ours');
$node->safe_psql('ours', q(SELECT migrate_upgrade('d747a8a8879')));
both_at('ours', 'd747a8a8879', 'a version table of ours');
like(alembic('ours', 'upgrade', 'heads'),
	qr/Running upgrade 53fffde5ad5 -> cafe01/, 'Alembic takes it over');
both_at('ours', '55af2cb1c267,cafe01', 'after Alembic took over');
sql_is($node, 'ours', q(SELECT migrate_downgrade('base')), '',
	'and we take it back down');

# An id that is too long for Alembic's table: an error that knows the cure, and
# nothing has happened.
create_database($node, 'narrow');
alembic('narrow', 'stamp', '1975ea83b712');
load_project('narrow');
load_files($node, 'narrow',
	revision_file('twothousandtwentyfour_december_02', '1975ea83b712', 'long',
		'CREATE TABLE long ();', ''));
sql_fails($node, 'narrow',
	q(SELECT migrate_upgrade('twothousandtwentyfour_december_02')),
	'22001',
	'revision identifier "twothousandtwentyfour_december_02" is too long for version table public.alembic_version'
	  . '.*DETAIL:  Its column version_num takes 32 characters'
	  . '.*HINT:  ALTER TABLE public.alembic_version ALTER COLUMN version_num TYPE text;',
	'an id that is too long');
both_at('narrow', '1975ea83b712', 'after that');
$node->safe_psql('narrow',
	'ALTER TABLE public.alembic_version ALTER COLUMN version_num TYPE text;');
sql_is($node, 'narrow',
	q(SELECT migrate_upgrade('twothousandtwentyfour_december_02')),
	'twothousandtwentyfour_december_02', 'the cure');

done_testing();
