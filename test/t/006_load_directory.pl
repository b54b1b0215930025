
# Copyright (c) 2026, the migrate authors

# Loading a directory of the server: all of its files or none, an error that
# names file and line, and who may do it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $path = quote_literal("$dir/versions");

create_database($node, 'app');

sub write_file
{
	my ($name, $text) = @_;

	open(my $file, '>:raw', "$dir/versions/$name")
	  or die "could not write $name: $!";
	print $file $text;
	close($file);
	return;
}

# Load the directory, which fails, and see that nothing was loaded.
sub load_fails
{
	my ($sqlstate, $message, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	sql_fails($node, 'app', "SELECT migrate_load_directory($path)",
		$sqlstate, $message, $name);
	is($node->safe_psql('app', 'SELECT count(*) FROM migrate.revision'),
		'0', "$name: nothing is loaded");
	return;
}

# ---- the directory ----

load_fails('58P01', 'could not open directory "[^"]+/versions": No such file or directory',
	'missing directory');

mkdir "$dir/versions";
load_fails('58P01', 'no revision files in directory.*HINT:  The path is one on the server',
	'empty directory');

write_file('README', 'not for us');
write_file('.hidden.sql', 'nor this');
write_file('.sql', 'nor this');
mkdir "$dir/versions/folder.sql";
load_fails('58P01', 'no revision files in directory', 'other files only');

# ---- fifty files ----

# The names do not follow the order of the revisions.
my %name = map { $_ => sprintf('%02d_revision_%03d.sql', 51 - $_, $_) } 1 .. 50;
my %text;
foreach my $i (1 .. 50)
{
	$text{$i} = revision_file(
		sprintf('%03d', $i), $i == 1 ? '' : sprintf('%03d', $i - 1),
		"create table $i", "CREATE TABLE t$i (id int);", "DROP TABLE t$i;");
	write_file($name{$i}, $text{$i});
}

# Each kind of bad file: what it holds in place of file 37, and the error.
my @bad = (
	[
		'syntax error',
		"-- create table 37\n--\n-- Revision ID: 037\n-- Revises: 036\n\n"
		  . "-- migrate:upgrade\nCREATE TABLE t37 (id int);\nCREATE TABEL x ();\n",
		'42601',
		'syntax error at or near "TABEL".*CONTEXT:  .*line 8\nfile "14_revision_037.sql"'
	],
	[
		'no header',
		"-- migrate:upgrade\nCREATE TABLE t37 (id int);\n",
		'.....', '14_revision_037.sql'
	],
	[
		'no section',
		"-- create table 37\n--\n-- Revision ID: 037\n-- Revises: 036\n\nCREATE TABLE t37 (id int);\n",
		'.....', '(?=.*14_revision_037.sql)(?=.*line 6)'
	],
	[
		'missing parent',
		$text{37} =~ s/Revises: 036/Revises: 036x/r,
		'42704',
		'Revision 036x referenced from 037 is not present.*DETAIL:  Line 4 .*file "14_revision_037.sql"'
	],
	[
		'duplicate id',
		$text{37} =~ s/Revision ID: 037/Revision ID: 012/r,
		'42710', '012.*(?=.*14_revision_037.sql)(?=.*39_revision_012.sql)'
	],
	[
		'self-loop',
		$text{37} =~ s/Revises: 036/Revises: 037/r,
		'MG007', '037'
	],
	[
		'cycle',
		$text{37} =~ s/Revises: 036/Revises: 050/r,
		'MG007', '(?=.*037)(?=.*050)'
	],
	[
		'COPY FROM STDIN',
		$text{37} =~ s/CREATE TABLE t37.*/COPY t36 FROM STDIN;/r,
		'.....', '14_revision_037.sql'
	],
	[
		'illegal id',
		$text{37} =~ s/Revision ID: 037/Revision ID: 0+37/r,
		'.....', '14_revision_037.sql'
	],
	[
		'not UTF-8', $text{37} =~ s/create table/cr\xe9er table/r,
		'22021', 'invalid byte sequence for encoding "UTF8": 0xe9.*14_revision_037.sql'
	],
	[
		'zero byte', $text{37} =~ s/create table/create\0table/r,
		'22021', '14_revision_037.sql" holds a zero byte'
	],
	[ 'empty file', '', '.....', '14_revision_037.sql' ]);

foreach my $bad (@bad)
{
	my ($kind, $text, $sqlstate, $message) = @$bad;

	write_file($name{37}, $text);
	load_fails($sqlstate, $message, "one bad file of fifty: $kind");
}

# and with nothing bad
write_file($name{37}, $text{37});
sql_is($node, 'app', "SELECT count(*) FROM migrate_load_directory($path, 'oss')",
	'50', 'fifty good files');
sql_is($node, 'app', 'SELECT heads, pending FROM migrate_status()',
	'{050}|50', 'they are a chain');
sql_is($node, 'app',
	q(SELECT filename, origin FROM migrate.revision WHERE revision = '037'),
	"$name{37}|oss", 'file name and origin are kept');
sql_is($node, 'app', "SELECT count(*) FROM migrate_load_directory($path, 'oss')",
	'50', 'once more');
sql_is($node, 'app', q(SELECT migrate_upgrade('head')), '050', 'and run');

# export gives the bytes back
my $exported = $node->safe_psql('app',
	q(SELECT string_agg(encode(convert_to(script, 'UTF8'), 'hex'), ' ' ORDER BY filename)
	  FROM migrate_export()));
is( $exported,
	join(' ', map { unpack('H*', $text{$_}) } reverse 1 .. 50),
	'exported byte for byte');

# a changed file of a revision that is applied stops all, also new ones
write_file($name{20}, $text{20} =~ s/id int/id bigint/r);
write_file('51.sql',
	revision_file('051', '050', 'create table 51', 'CREATE TABLE t51 ();'));
sql_fails($node, 'app', "SELECT migrate_load_directory($path)",
	'MG005',
	'revision "020" is applied and cannot be changed.*DETAIL:  It would differ in the upgrade script \(first in line 1\)',
	'a changed file of an applied revision');
sql_is($node, 'app', 'SELECT heads FROM migrate_status()', '{050}',
	'nothing is loaded');
write_file($name{20}, $text{20});
sql_is($node, 'app', "SELECT max(id) FROM migrate_load_directory($path) id",
	'051', 'restored, the new one is loaded');

# ---- rights ----

$node->safe_psql(
	'app', q(
	CREATE ROLE writer;
	SELECT migrate_grant('writer', 'author');
	GRANT SELECT ON alembic_version TO writer));
sql_fails($node, 'app', "SET ROLE writer; SELECT migrate_load_directory($path)",
	'42501',
	q(permission denied to read the server's files.*pg_read_server_files.*HINT:  Send the files' texts with migrate_load),
	'an author who may not read files');
$node->safe_psql('app', 'GRANT pg_read_server_files TO writer');
sql_is($node, 'app',
	"SET ROLE writer; SELECT count(*) FROM migrate_load_directory($path)",
	'51', 'an author who may');

# a file that the server may not read
SKIP:
{
	skip 'this user can read everything', 1 if $> == 0;
	chmod 0, "$dir/versions/51.sql";
	sql_fails($node, 'app', "SELECT migrate_load_directory($path)",
		'42501', 'could not open file "[^"]+/51.sql" for reading: Permission denied',
		'a file that cannot be read');
	chmod 0600, "$dir/versions/51.sql";
}

# NULL
sql_fails($node, 'app', 'SELECT migrate_load_directory(NULL)',
	'22004', 'argument "path" must not be NULL', 'NULL');

done_testing();
