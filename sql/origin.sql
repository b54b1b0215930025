--
-- One graph, fed from several packages: origins
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

-- The open-source package, and an enterprise package on top of it: a revision
-- that branches off, one that depends on the other package, and a history of
-- its own.
CREATE TABLE package (origin text, filename text, script text);
INSERT INTO package VALUES
('oss', 'o1.sql', E'-- organizations\n-- Revision ID: o1\n-- migrate:upgrade\nCREATE TABLE organizations (id int);\n-- migrate:downgrade\nDROP TABLE organizations;\n'),
('oss', 'o2.sql', E'-- agents\n-- Revision ID: o2\n-- Revises: o1\n-- Branch Labels: product\n-- migrate:upgrade\nCREATE TABLE agents (id int);\n-- migrate:downgrade\nDROP TABLE agents;\n'),
('enterprise', 'e1.sql', E'-- single sign-on\n-- Revision ID: e1\n-- Revises: o1\n-- Branch Labels: sso\n-- migrate:upgrade\nALTER TABLE organizations ADD sso text;\n-- migrate:downgrade\nALTER TABLE organizations DROP sso;\n'),
('enterprise', 'e2.sql', E'-- sso for agents\n-- Revision ID: e2\n-- Revises: e1\n-- Depends On: product\n-- migrate:upgrade\nALTER TABLE agents ADD sso text;\n-- migrate:downgrade\nALTER TABLE agents DROP sso;\n'),
('enterprise', 'x1.sql', E'-- audit\n-- Revision ID: x1\n-- Branch Labels: audit\n-- Depends On: o2\n-- migrate:upgrade\nCREATE TABLE audit (agent int);\n-- migrate:downgrade\nDROP TABLE audit;\n');
CREATE FUNCTION load(package text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT migrate_load_files(array_agg(script ORDER BY filename), array_agg(filename ORDER BY filename), $1)
    FROM package WHERE origin = $1
$$;
\set SHOW_CONTEXT never

-- The enterprise package needs the other one.
SELECT load('enterprise');
-- That runs on its own.
SELECT load('oss');
SELECT migrate_upgrade('head');

-- Loaded into the running database, the enterprise package is applied by one
-- upgrade.
SELECT load('enterprise');
SELECT current, heads, pending FROM migrate_status();
SELECT migrate_upgrade('heads');
SELECT * FROM alembic_version ORDER BY 1;
SELECT migrate_check_heads();
SELECT * FROM organizations, agents, audit;

-- Each is exported by itself, and is what was loaded.
SELECT p.origin, p.filename, e.script = p.script AS same
FROM package p LEFT JOIN LATERAL migrate_export(origin => p.origin) e USING (filename)
ORDER BY p.origin COLLATE "C", p.filename COLLATE "C";
SELECT count(*) FROM migrate_export(origin => 'oss');
SELECT count(*) FROM migrate_export(origin => 'enterprise');
SELECT count(*) FROM migrate_export();
SELECT filename FROM migrate_export(':e2', origin => 'enterprise');

-- The product goes on; a new release of each is loaded by itself.
INSERT INTO package VALUES
('oss', 'o3.sql', E'-- sessions\n-- Revision ID: o3\n-- Revises: o2\n-- migrate:upgrade\nCREATE TABLE sessions (id int);\n-- migrate:downgrade\nDROP TABLE sessions;\n');
SELECT load('oss');
SELECT migrate_upgrade('product@head');
SELECT migrate_upgrade('heads');

-- An edition can be taken away again, branch by branch.
SELECT migrate_downgrade('audit@base');
SELECT migrate_downgrade('sso@o1');
SELECT * FROM alembic_version;
SELECT migrate_remove(r) FROM unnest('{x1,e2,e1}'::text[]) r;
SELECT migrate_check_heads();

-- One origin does not overwrite the other's revision; without an origin, a load
-- leaves it as it is.
SELECT migrate_load(script, filename, 'enterprise') FROM package WHERE filename = 'o3.sql';
SELECT migrate_load(script, filename) FROM package WHERE filename = 'o3.sql';
SELECT origin FROM migrate_show('o3');

SELECT migrate_downgrade('base');
DROP FUNCTION load;
DROP TABLE package, alembic_version;
