--
-- migrate_stamp(): the version table is written, and nothing is run
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

-- two branches and their merge, and another history
SELECT count(*) FROM (VALUES
    (1, 'a', '{base}', NULL), (2, 'b1', '{a}', 'left'), (3, 'b2', '{b1}', NULL),
    (4, 'c1', '{a}', 'right'), (5, 'x1', '{base}', 'extra'), (6, 'x2', '{x1}', NULL)
) r (n, id, parents, label)
CROSS JOIN LATERAL migrate_revision('create ' || id, format('CREATE TABLE t_%s ();', id), '',
    head => parents::text[], splice => true, branch_label => label, rev_id => id);

-- A database whose schema was made in another way is declared to be where it
-- is.  Nothing is run, and the version table is made.
SELECT migrate_stamp('b1');
SELECT * FROM alembic_version;
SELECT to_regclass('t_a');
-- in line with it, above or below: it moves
SELECT migrate_stamp('b2');
SELECT migrate_stamp('a');
SELECT migrate_stamp('b2');
-- beside it: it is added
SELECT migrate_stamp('x1');
SELECT migrate_stamp('c1');
SELECT * FROM alembic_version ORDER BY 1;
-- the same again
SELECT migrate_stamp('c1');
SELECT migrate_stamp('heads');
SELECT * FROM alembic_version ORDER BY 1;
-- below both branches: they give way
SELECT migrate_stamp('a');
SELECT * FROM alembic_version ORDER BY 1;
-- several at once
SELECT migrate_stamp(ARRAY['b2', 'c1']);
SELECT migrate_stamp(ARRAY['x1', 'b1']);
SELECT * FROM alembic_version ORDER BY 1;
-- of a branch: its head; its base, which takes out what is in line with it
SELECT migrate_stamp('left@head');
SELECT migrate_stamp('extra@base');
SELECT * FROM alembic_version ORDER BY 1;
-- relative to the heads
SELECT migrate_stamp('extra@-1');
-- nothing at all
DELETE FROM alembic_version;
SELECT migrate_stamp('heads');
SELECT migrate_stamp('base');
SELECT * FROM alembic_version;
SELECT migrate_stamp('base');
SELECT migrate_stamp('current');

-- With purge whatever the table holds goes first: rows that no revision
-- matches, rows that are there twice.
ALTER TABLE alembic_version DROP CONSTRAINT alembic_version_pkc;
INSERT INTO alembic_version VALUES ('gone'), ('a'), ('a'), ('b2');
SELECT migrate_stamp('b2');
SELECT migrate_stamp('b2', purge => true);
SELECT * FROM alembic_version;
INSERT INTO alembic_version VALUES ('gone');
SELECT migrate_stamp('base', purge => true);
SELECT direction, revision, versions_before, versions_after FROM migrate.log ORDER BY id DESC LIMIT 2;
SELECT * FROM alembic_version;
SELECT migrate_stamp(ARRAY['c1', 'x2'], purge => true);
SELECT * FROM alembic_version ORDER BY 1;
TRUNCATE alembic_version;
ALTER TABLE alembic_version ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

-- It is never half right.
SELECT migrate_stamp('b2');
SELECT migrate_stamp('head');
SELECT migrate_stamp(ARRAY['a', 'b2']);
SELECT migrate_stamp(ARRAY['b2', 'a']);
SELECT migrate_stamp(ARRAY['c1', 'nowhere']);
SELECT migrate_stamp('nowhere');
SELECT migrate_stamp('left@x1');
SELECT migrate_stamp('+1');
SELECT migrate_stamp('b2-1');
SELECT migrate_stamp('-9');
SELECT migrate_stamp('');
SELECT migrate_stamp(NULL::text);
SELECT migrate_stamp('{}'::text[]);
SELECT migrate_stamp(NULL::text[]);
SELECT migrate_stamp(ARRAY['c1', NULL]);
SELECT migrate_stamp(ARRAY['c1', '']);
SELECT * FROM alembic_version;
-- a label stands for the revision that it is written on
SELECT migrate_stamp('right');
SELECT * FROM alembic_version ORDER BY 1;

-- Rolled back, it leaves no trace.
BEGIN;
SELECT migrate_stamp('base');
ROLLBACK;
SELECT * FROM alembic_version ORDER BY 1;

-- What was stamped is taken for applied.
SELECT migrate_stamp('base');
CREATE TABLE t_a ();
SELECT migrate_stamp('a');
SELECT migrate_upgrade('left@head');
SELECT direction, revision, versions_before, versions_after, statements FROM migrate.log ORDER BY id DESC LIMIT 3;

DROP TABLE alembic_version, t_a, t_b1, t_b2;
