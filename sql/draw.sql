--
-- The revision graph as a picture
--
-- A database of its own, because the pictures show every revision there is.
SELECT current_database() AS home \gset
CREATE DATABASE regress_draw TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\c regress_draw
CREATE EXTENSION migrate;
\pset format unaligned
\pset tuples_only on

-- formats
SELECT migrate_graph('svg');
SELECT migrate_graph('');
SELECT migrate_graph('text', 'nowhere');

-- nothing to draw
SELECT migrate_graph();
SELECT migrate_graph('dot');
SELECT migrate_graph('mermaid');

-- a graph from lines "id|down revisions|dependencies|labels", in load order
CREATE FUNCTION load_graph(environment text, lines text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM migrate_environment_create(environment, version_table => 'version_' || environment);
	PERFORM migrate_load_files(array_agg(format(
		E'-- revision %1$s\n--\n-- Revision ID: %1$s\n-- Revises: %2$s\n-- Depends On: %3$s\n-- Branch Labels: %4$s\n\n'
		'-- migrate:upgrade\nSELECT 1;\n\n-- migrate:downgrade\nSELECT 1;\n',
		l[1], l[2], l[3], l[4]) ORDER BY n), environment => environment)
	FROM string_to_table(lines, E'\n') WITH ORDINALITY AS s(line, n), string_to_array(line, '|') l;
END $$;

-- a chain, of which a part is applied
SELECT load_graph('chain', $$a
b|a
c|b||lab1, lab2
d|c$$);
SELECT migrate_graph('text', 'chain');
SELECT migrate_upgrade('b', environment => 'chain');
SELECT migrate_graph('text', 'chain');
SELECT migrate_graph('dot', 'chain');
SELECT migrate_graph('mermaid', 'chain');
SELECT migrate_upgrade('head', environment => 'chain');
SELECT migrate_graph(NULL, 'chain');

-- a branch and its merge, with a dependency
SELECT load_graph('merge', $$a
b|a||left
c|a||right
d|b
e|c|b
f|d, e
g|f$$);
SELECT migrate_graph('text', 'merge');
SELECT migrate_graph('dot', 'merge');
SELECT migrate_graph('mermaid', 'merge');

-- several bases and heads; dependencies between them; some revised, some not
SELECT load_graph('bases', $$a
b
c|b
d||a
e
f|e|d$$);
SELECT migrate_upgrade('c', environment => 'bases'), migrate_upgrade('d', environment => 'bases');
SELECT migrate_graph('text', 'bases');

-- many branches from one revision
SELECT load_graph('fan', $$a
b|a
c|a
d|a
e|a
f|b$$);
SELECT migrate_graph('text', 'fan');

-- a merge of several revisions, and merges across
SELECT load_graph('octopus', $$a
b|a
c|a
d|a
e|b, c, d
f|b
g|d, f
h|e
i|e, g
j|c$$);
SELECT migrate_graph('text', 'octopus');

-- lanes that end or join far away, with others in between
SELECT load_graph('wide', $$r1
r2
r3
a|r1
b|r2
c|r3
d|a, b, c
e|a
f|r2
g|c
h|d, e, f, g
i|a
j|r3, i
k|r1, r2, r3$$);
SELECT migrate_graph('text', 'wide');

-- texts that could get out of the picture
SELECT migrate_environment_create('q"\<b>', version_table => 'version_q');
SELECT migrate_revision(E'it''s "quoted" \\n & #35; <br> `x`\ttab', rev_id => 'a"b#<&>`', branch_label => 'l"b', environment => 'q"\<b>');
SELECT migrate_graph('text', 'q"\<b>');
SELECT migrate_graph('dot', 'q"\<b>');
SELECT migrate_graph('mermaid', 'q"\<b>');

-- no line ends with a blank
SELECT name, format, line
FROM migrate.environment, unnest('{text,dot,mermaid}'::text[]) format, migrate_graph(format, name) line
WHERE line ~ '\s$' OR line ~ '[\n\r]';

-- a long chain
DO $$
BEGIN
	PERFORM load_graph('long', string_agg(concat('r', i, '|', 'r' || nullif(i - 1, 0)), E'\n' ORDER BY i))
	FROM generate_series(1, 3000) i;
END $$;
SELECT count(*), min(line), max(line) FROM migrate_graph('text', 'long') line;

\c :home
DROP DATABASE regress_draw;
