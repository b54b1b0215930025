
# Copyright (c) 2026, the migrate authors

# The manual says what is true: README.md and the pages of doc/.
#
# Every fenced block has a language, and each language one of these meanings.
#
#	sql			run by psql with ON_ERROR_STOP; it must succeed
#	sql file=x	written to the file x in the folder /srv/agents, not run
#	console		a psql session: each statement behind a prompt is run, and what
#				stands below it must be what psql prints
#	sh			not run, but sh must find it well-formed
#	text, python, ini
#				shown only; a text with statements of SQL in it is refused
#
# A block in another language, or without one, fails the test, and so does code
# that is indented instead of fenced: nothing is passed over in silence.
#
# The blocks of a page run in their order, each in a psql of its own, in one
# database called app.  "<!-- test: new database -->" begins an empty one.
#
# Two paths stand for others: /path/to/migrate for this tree, and /srv/agents
# for a folder of the page's own.  Sessions have UTC as their time zone, and
# blanks at the ends of lines do not count.  That is all that is replaced.
#
# The pages as they should be are left in tmp_check/docs, to be compared or
# copied.

use strict;
use warnings;

use Cwd qw(realpath);
use File::Basename qw(basename dirname);
use File::Find qw(find);
use File::Path qw(make_path);
use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../perl";
use MigrateTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = realpath("$FindBin::RealBin/../..");
my $node = start_server('main');
my $corrected = "$PostgreSQL::Test::Utils::tmp_check/docs";

# what is shown but cannot be run here
my %shown_only = map { $_ => 1 } qw(text python ini);

# at the beginning of a line, it is SQL
my $looks_like_sql =
  qr/^\s*(?:SELECT|CALL|CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|GRANT|REVOKE|BEGIN|COMMIT|SET|WITH)\b/m;

# app=#, app-#, app(#, app$#, app=*# and so on
my $prompt = qr/^\w+([=\-('"\$*])[*!]?[#>](?: (.*))?$/;

delete @ENV{qw(PSQLRC PAGER PSQL_PAGER COLUMNS PGOPTIONS)};
$ENV{PGTZ} = 'UTC';
$ENV{PGCLIENTENCODING} = 'UTF8';

my @pages = ("$top/README.md", sort glob("$top/doc/*.md"));
my %text = map { $_ => slurp_file($_) } @pages;

sub page_name
{
	my ($page) = @_;

	return substr($page, length("$top/"));
}

# ---- taking a page apart ----

# Return the blocks and directives of a page: hash references with the members
# line and either directive, or language, info and lines.
sub blocks_of
{
	my ($page) = @_;
	my $name = page_name($page);
	my @lines = split /\n/, $text{$page}, -1;
	my (@blocks, @complaints, $block, $fence);

	for my $i (0 .. $#lines)
	{
		my $line = $lines[$i];

		if ($block)
		{
			if ($line eq $fence)
			{
				push @blocks, $block;
				$block = undef;
			}
			else
			{
				push @{ $block->{lines} }, $line;
			}
		}
		elsif ($line =~ /^(`{3,})(\w*)(?: (.*))?$/)
		{
			$fence = $1;
			$block = {
				line => $i + 1,
				language => $2,
				info => $3 // '',
				lines => []
			};
		}
		elsif ($line =~ /^<!-- test: (.*) -->$/)
		{
			push @blocks, { line => $i + 1, directive => $1 };
		}
		elsif ($line =~ /^\s*(?:```|~~~)|^(?: {4}|\t)\s*\S|<!--\s*test/)
		{
			push @complaints, sprintf '%s:%d: %s', $name, $i + 1, $line;
		}
	}
	push @complaints, "$name:$block->{line}: no end of the block" if $block;
	is(join("\n", @complaints), '', "$name: code stands in fenced blocks");
	return @blocks;
}

# ---- running it ----

# Run psql with this input; return its status and all that it printed.
sub psql
{
	my ($input, @options) = @_;
	my $output = '';

	IPC::Run::run(
		[ 'psql', '-X', @options, '-d', $node->connstr('app') ],
		'<', \$input, '>', \$output, '2>&1');
	return ($? >> 8, $output);
}

sub new_database
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS app');
	$node->safe_psql('postgres', 'CREATE DATABASE app TEMPLATE template0');
	return;
}

# Put the paths of this machine in, or take them out again.
sub real_paths
{
	my ($text, $folder) = @_;

	$text =~ s!/path/to/migrate\b!$top!g;
	$text =~ s!/srv/agents\b!$folder!g;
	return $text;
}

sub shown_paths
{
	my ($text, $folder) = @_;

	$text =~ s!\Q$folder\E!/srv/agents!g;
	$text =~ s!\Q$top\E!/path/to/migrate!g;
	return $text;
}

# Split a session into what is typed: array references of lines.
sub statements_of
{
	my ($block) = @_;
	my @statements;

	foreach my $line (@{ $block->{lines} })
	{
		next unless $line =~ $prompt;
		push @statements, [] if $1 eq '=' || $1 eq '*';
		return if !@statements;
		push @{ $statements[-1] }, $line;
	}
	return @statements;
}

# Run a session, and return it as it should be shown.
sub run_session
{
	my ($folder, @statements) = @_;
	my $end = 'end of statement';
	my $input = '';
	my $session = '';

	foreach my $statement (@statements)
	{
		foreach my $line (@$statement)
		{
			$line =~ $prompt;
			$input .= ($2 // '') . "\n";
		}
		$input .= "\\echo $end\n";
	}

	my (undef, $output) = psql(real_paths($input, $folder));
	my @outputs = split /^\Q$end\E\n/m, shown_paths($output, $folder), -1;
	foreach my $statement (@statements)
	{
		$session .= join("\n", @$statement) . "\n" . (shift(@outputs) // '');
	}
	$session .= join('', @outputs);
	$session =~ s/[ \t]+$//mg;
	$session =~ s/\n+\z/\n/;
	return $session;
}

sub test_console
{
	my ($block, $label, $folder) = @_;
	my @statements = statements_of($block);
	my $shown = join("\n", @{ $block->{lines} }) . "\n";

	$shown =~ s/[ \t]+$//mg;
	return fail("$label: a session begins with a prompt")
	  if !@statements || $block->{lines}[0] !~ $prompt;

	my $actual = run_session($folder, @statements);
	is($shown, $actual, "$label: session");
	$block->{lines} = [ split /\n/, $actual ];
	return;
}

sub test_sql
{
	my ($block, $label, $folder) = @_;
	my $sql = join("\n", @{ $block->{lines} }) . "\n";

	if ($block->{info} =~ /^file=([\w.\/-]+)$/)
	{
		make_path(dirname("$folder/$1"));
		append_to_file("$folder/$1", $sql) if !-e "$folder/$1";
		return is(slurp_file("$folder/$1"), $sql, "$label: file $1");
	}
	return fail("$label: unknown word \"$block->{info}\"") if $block->{info};

	my ($status, $output) =
	  psql(real_paths($sql, $folder), '-v', 'ON_ERROR_STOP=1');
	is($status, 0, "$label: runs") || diag($output);
	return;
}

sub test_sh
{
	my ($block, $label) = @_;
	my $script = join("\n", @{ $block->{lines} }) . "\n";
	my $output = '';

	IPC::Run::run([ 'sh', '-n' ], '<', \$script, '>', \$output, '2>&1');
	is($output, '', "$label: sh finds no mistake");
	return;
}

sub test_block
{
	my ($block, $label, $folder) = @_;
	my $language = $block->{language};

	return test_console($block, $label, $folder) if $language eq 'console';
	return test_sql($block, $label, $folder) if $language eq 'sql';
	return test_sh($block, $label) if $language eq 'sh';
	return fail("$label: unknown language \"$language\"")
	  if !$shown_only{$language};
	unlike(join("\n", @{ $block->{lines} }),
		$looks_like_sql, "$label: no SQL that is not run");
	return;
}

sub test_page
{
	my ($page) = @_;
	my $name = page_name($page);
	my @blocks = blocks_of($page);
	my $folder = PostgreSQL::Test::Utils::tempdir;
	my @lines = split /\n/, $text{$page}, -1;
	my @starts;

	# the server reads the files that are written there
	chmod 0755, $folder;
	new_database();
	foreach my $block (@blocks)
	{
		my $label = "$name:$block->{line}";

		if (defined $block->{directive})
		{
			is($block->{directive}, 'new database', "$label: directive");
			new_database();
			next;
		}
		push @starts,
		  [ $block, $block->{line}, scalar @{ $block->{lines} } ];
		test_block($block, $label, $folder);
	}

	foreach my $start (reverse @starts)
	{
		my ($block, $line, $length) = @$start;
		splice @lines, $line, $length, @{ $block->{lines} };
	}
	make_path(dirname("$corrected/$name"));
	unlink "$corrected/$name";
	append_to_file("$corrected/$name", join("\n", @lines));
	return;
}

# ---- is everything there, and nothing else? ----

sub rows_of
{
	my ($query) = @_;

	return map { [ split /\|/, $_, -1 ] }
	  split /\n/, $node->safe_psql('app', $query);
}

sub set_of
{
	my ($query) = @_;

	return map { $_->[0] => 1 } rows_of($query);
}

# the members of the extension, for FROM
sub members
{
	my ($class) = @_;

	return qq(pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = e.oid AND d.classid = '$class'::regclass AND d.deptype = 'e'
		AND e.extname = 'migrate' JOIN $class c ON c.oid = d.objid);
}

# The C sources and headers.
sub source_files
{
	my @files;

	find(sub { push @files, $File::Find::name if /\.[ch]$/ }, "$top/src");
	return sort @files;
}

# Of the reference, the text below a heading, up to the next one.
sub section_of
{
	my ($heading) = @_;
	my ($section) = $text{"$top/doc/reference.md"} =~
	  /^#{2,4} `?\Q$heading\E`?\n(.*?)(?=^#{2,4} |\z)/ms;

	return $section;
}

# A signature in its shortest form.
sub plain
{
	my ($signature) = @_;

	$signature =~ s/::(?:timestamp with time zone|text|boolean|integer|interval|name)(?:\[\])?//g;
	# as one writes them
	$signature =~ s/'00:00:0?(\d+)'/'$1 s'/g;
	$signature =~ s/'00:0?(\d+):00'/'$1 min'/g;
	$signature =~ s/\s+/ /g;
	$signature =~ s/\( /(/g;
	return $signature =~ s/^ | $//gr;
}

# Does a section hold a table with one row for each of these columns, in order?
sub columns_are
{
	my ($section, $columns, $label) = @_;
	my @shown = $section =~ /^\| `(\w+)` \| ([\w \[\]]+) \|/mg;
	my @wanted = map { @$_ } @$columns;

	is("@shown", "@wanted", "$label: columns");
	return;
}

sub test_functions
{
	my @functions = rows_of(
		q(SELECT n.nspname, c.proname,
			array_to_string(ARRAY(SELECT regexp_replace(a, '^IN ', '') FROM unnest(string_to_array(
				pg_get_function_arguments(c.oid), ', ')) a WHERE a NOT LIKE 'OUT %'), ', '),
			coalesce(' RETURNS ' || pg_get_function_result(c.oid), ''), coalesce(t.typrelid, 0), c.oid
		  FROM ) . members('pg_proc') . q( JOIN pg_namespace n ON n.oid = c.pronamespace
			LEFT JOIN pg_type t ON t.oid = c.prorettype
		  ORDER BY 1, 2, 3));

	cmp_ok(scalar @functions, '>', 30, 'functions of the extension');
	foreach my $function (@functions)
	{
		my ($schema, $name, $arguments, $result, $row_type, $oid) = @$function;
		my $heading = $schema eq 'migrate' ? "migrate.$name" : $name;
		my $section = section_of($heading);
		my $signature = plain("$heading($arguments)$result");

		if (!defined $section)
		{
			fail("reference.md has $heading");
			next;
		}
		my ($shown) =
		  grep { $_ eq $signature }
		  map { plain($_) } map { split /\n\n/ } $section =~ /^```text\n(.*?)^```$/msg;
		is($shown, $signature, "reference.md: signature of $heading");
		like($section, qr/\bSince\s+1\.\d+\b/, "reference.md: $heading has a version");

		my @columns =
		  $row_type
		  ? rows_of("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
			WHERE attrelid = $row_type AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
		  : rows_of("SELECT a.name, format_type(a.type, NULL)
			FROM pg_proc p, unnest(p.proallargtypes, p.proargnames, p.proargmodes) a(type, name, mode)
			WHERE p.oid = $oid AND a.mode = 'o'");
		columns_are($section, \@columns, "reference.md: $heading")
		  if @columns && $section !~ /\[`migrate\.\w+`\]\(#migrate/;
	}
	return;
}

sub test_tables
{
	foreach my $table (
		rows_of("SELECT c.relname, c.oid FROM " . members('pg_class')
			  . " WHERE c.relkind = 'r' ORDER BY 1"))
	{
		my ($name, $oid) = @$table;
		my $section = section_of("migrate.$name");

		if (!defined $section)
		{
			fail("reference.md has migrate.$name");
			next;
		}
		columns_are(
			$section,
			[
				rows_of("SELECT attname, format_type(atttypid, atttypmod)
				FROM pg_attribute WHERE attrelid = $oid AND attnum > 0
					AND NOT attisdropped ORDER BY attnum")
			],
			"reference.md: migrate.$name");
	}
	return;
}

# The settings of the extension, which are there once its library is loaded,
# with what SHOW says.
sub settings
{
	return rows_of(
		q(DO $$ BEGIN PERFORM migrate.checksum('', NULL); END $$;
		  SELECT name, current_setting(name) FROM pg_settings WHERE name ~ '^migrate\.' ORDER BY name COLLATE "C"));
}

# All settings are in the reference, with their defaults.
sub test_settings
{
	my %shown = section_of('Settings') =~ /^\| `(migrate\.\w+)` \| (.*?) \|/mg;
	my %wanted = map { $_->[0] => $_->[1] eq '' ? 'empty' : "`$_->[1]`" } settings();

	cmp_ok(scalar keys %wanted, '>', 5, 'settings of the extension');
	is_deeply(\%shown, \%wanted, 'reference.md: settings');
	return;
}

# Every function, table, type and setting that a page names is there.
sub test_names
{
	my %known = (
		map({ $_->[0] => 1 } settings()),
		set_of('SELECT c.proname FROM ' . members('pg_proc')),
		map { ("migrate.$_" => 1) } (
			keys %{ { set_of('SELECT c.proname FROM ' . members('pg_proc')) } },
			keys %{ { set_of('SELECT c.relname FROM ' . members('pg_class')) } },
			keys %{ { set_of('SELECT c.typname FROM ' . members('pg_type')) } }));

	# names that are not SQL's
	$known{$_} = 1 foreach qw(migrate.c migrate.control migrate.h migrate_offline
		migrate_tenant migrate_tenant_admin migrate_tenant_floor);

	my %source_file = map { basename($_) => 1 } source_files();

	foreach my $page (@pages)
	{
		my %unknown = map { $_ => 1 }
		  grep { !$known{$_} && !$source_file{$_} }
		  $text{$page} =~ /(?<![\w\/])(migrate[_.][a-z_0-9]+)/g;

		is(join(' ', sort keys %unknown),
			'', page_name($page) . ': names only what there is');
	}
	return;
}

# Every SQLSTATE of ours, and every one of the server's that we raise, is
# listed, with the code that belongs to the name.
sub test_sqlstates
{
	my $section = section_of('SQLSTATEs');
	my $source = join '', map { slurp_file($_) } source_files();
	# PL/pgSQL leaves prefixes such as the T_R_ of transaction rollbacks out of
	# their names, and has one of the two names of 3D000 and 3F000
	my %wanted = map { lc(s/^(?:T_R|E_R_I_E)_//r =~ s/^UNDEFINED_DATABASE$/INVALID_CATALOG_NAME/r =~ s/^UNDEFINED_SCHEMA$/INVALID_SCHEMA_NAME/r) => 1 }
	  grep { !/^(?:MIGRATE_|TO_CATEGORY$)/ } $source =~ /\bERRCODE_([A-Z_]+)\b/g;
	my %shown = reverse $section =~ /^\| (\w{5}) \| `(\w+)` \|/mg;
	my %ours = map { join('', /'(.)'/g) => 1 }
	  slurp_file("$top/src/base/error.h") =~ /MAKE_SQLSTATE\((.*?)\)/g;
	my %ours_shown = map { $_ => 1 } $section =~ /^\| (MG\d{3}) \|/mg;

	cmp_ok(scalar keys %ours, '>', 5, 'SQLSTATEs of error.h');
	is("@{[ sort keys %ours_shown ]}", "@{[ sort keys %ours ]}",
		'reference.md: SQLSTATEs of our own');
	delete @shown{ grep { $shown{$_} =~ /^MG/ } keys %shown };
	is("@{[ sort keys %shown ]}", "@{[ sort keys %wanted ]}",
		'reference.md: SQLSTATEs of the server');
	foreach my $name (sort keys %shown)
	{
		my (undef, undef, $error) = $node->psql('app',
			"\\set VERBOSITY sqlstate\nDO \$\$ BEGIN RAISE EXCEPTION USING ERRCODE = '$name'; END \$\$");

		like($error, qr/ERROR:  $shown{$name}$/m, "reference.md: code of $name");
	}
	foreach my $page (@pages)
	{
		my @unknown = grep { !$ours{$_} } $text{$page} =~ /\b(MG\d{3})\b/g;

		is("@unknown", '', page_name($page) . ': SQLSTATEs of our own');
	}
	return;
}

# Every message is in the reference, with an ellipsis for what varies.
sub test_messages
{
	my $section = section_of('Messages');
	my @missing;
	my $count = 0;

	foreach my $file (source_files())
	{
		my $source = slurp_file($file);

		while ($source =~ /\berrmsg(?:_internal)?\(\s*((?:"(?:[^"\\]|\\.)*"\s*(?:UINT64_FORMAT\s*)?)+)/g)
		{
			my $message = $1 =~ s/UINT64_FORMAT/"%s"/gr;

			$message = join '', $message =~ /"((?:[^"\\]|\\.)*)"/g;
			$message =~ s/\\"/"/g;
			$message =~ s/%[sdmu]/\x{2026}/g;
			utf8::encode($message);
			$count++;
			push @missing, basename($file) . ": $message"
			  if index($section, "`$message`") < 0;
		}
	}
	cmp_ok($count, '>', 80, 'messages of the sources');
	is(join("\n", @missing), '', 'reference.md: messages');
	return;
}

# Links within the tree lead to a file, and to a heading of it.
sub test_links
{
	my ($page) = @_;
	my @broken;

	# not in what is shown as code
	my $prose = $text{$page} =~ s/^```.*?^```$//msgr =~ s/`[^`\n]*`//gr;

	foreach my $link ($prose =~ /\]\(([^)\s]+)\)/g)
	{
		next if $link =~ /^https?:/;
		my ($path, $anchor) = split /#/, $link, 2;
		my $target =
		  $path eq '' ? $page : realpath(dirname($page) . "/$path");

		push @broken, $link
		  if !defined $target
		  || !-e $target
		  || (defined $anchor && !grep { $_ eq $anchor } anchors_of($target));
	}
	is("@broken", '', page_name($page) . ': links');
	return;
}

# What GitHub makes of the headings of a page.
sub anchors_of
{
	my ($page) = @_;
	my $page_text = slurp_file($page) =~ s/^```.*?^```$//msgr;

	return map { lc($_ =~ s/[^\w\- ]//gr) =~ s/ /-/gr }
	  $page_text =~ /^#+ (.*)$/mg;
}

test_page($_) foreach @pages;
test_links($_) foreach @pages;

new_database();
$node->safe_psql('app', 'CREATE EXTENSION migrate');
test_functions();
test_tables();
test_settings();
test_names();
test_sqlstates();
test_messages();

$node->stop;
done_testing();
