--
-- Graphs on which Alembic breaks off, or leaves a version table that it cannot
-- work with: after every step the version table holds those applied revisions
-- that no other applied revision rests on, whether by revising or by depending
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;

CREATE FUNCTION make(VARIADIC revisions text[]) RETURNS SETOF text LANGUAGE sql AS $$
    -- each is "id, down revisions, dependencies", the lists with blanks
    SELECT migrate_load_files(array_agg(format(E'-- %1$s\n-- Revision ID: %1$s\n-- Revises: %2$s\n-- Depends On: %3$s\n-- migrate:upgrade\n-- migrate:downgrade\n',
        split_part(r, ',', 1), replace(split_part(r, ',', 2), ' ', ','), replace(split_part(r, ',', 3), ' ', ',')) ORDER BY n))
    FROM unnest(revisions) WITH ORDINALITY AS u (r, n)
$$;
CREATE FUNCTION start_again() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('client_min_messages', 'warning', true);
    PERFORM migrate_stamp('base', purge => true);
    PERFORM migrate_remove(revision) FROM migrate_history();
END $$;
-- the order of a version table's rows says nothing
CREATE FUNCTION versions() RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(SELECT version_num FROM alembic_version ORDER BY version_num COLLATE "C");
END $$;

-- A dependency that is also below a down revision: "upgrade heads" dies there.
SELECT make('a', 'b,a', 'c', 'd,a,b c');
SELECT migrate_upgrade('heads');
SELECT versions();
SELECT migrate_downgrade('a');
SELECT versions();
SELECT migrate_downgrade('base');
SELECT start_again();

-- A merge with a dependency on an ancestor that says nothing new
SELECT make('a', 'b1,a', 'b2,a', 'm,b1 b2,a');
SELECT migrate_upgrade('heads');
SELECT migrate_downgrade('b1');
SELECT versions();
SELECT start_again();

-- A downgrade below a dependency: a row and its ancestor would be left.
SELECT make('a', 'b,a', 'c,b', 'd,a,c', 'e');
SELECT migrate_upgrade('heads');
SELECT versions();
SELECT migrate_downgrade('b');
SELECT versions();
SELECT migrate_upgrade('heads');
SELECT start_again();

-- Stamps in which the order of the arguments would matter
SELECT make('a', 'p1,a', 'p2,a', 'm,p1 p2');
SELECT migrate_upgrade('m');
SELECT migrate_stamp(ARRAY['p1', 'p2']);
SELECT migrate_stamp('m');
SELECT migrate_stamp(ARRAY['p2', 'p1']);
SELECT versions();
SELECT migrate_stamp(ARRAY['head', 'heads']);
-- to one parent of a merge: the other branch is no longer declared applied
SELECT migrate_stamp('p1');
SELECT versions();
SELECT start_again();

-- A head that another branch depends on: the database is up to date without a
-- row for it.
SELECT make('a', 'b,a', 'x', 'y,x,b');
SELECT migrate_upgrade('heads');
SELECT versions();
SELECT migrate_check_heads();
SELECT revision FROM migrate_current();
-- it can be stamped beside, but not with what depends on it
SELECT migrate_stamp(ARRAY['b', 'x']);
SELECT migrate_stamp(ARRAY['b', 'y']);
SELECT start_again();

-- Dependencies alone, without any down revision
SELECT make('a', 'b,,a', 'c,,b', 'd,,a');
SELECT migrate_upgrade('heads');
SELECT versions();
SELECT migrate_downgrade('-1');
SELECT versions();
SELECT migrate_downgrade('base');
SELECT start_again();

-- A branch's last revision going past the branch point takes the other branch
-- with it, as everything there rests on what is dropped.
SELECT make('a', 'b,a', 'l1,b', 'l2,l1', 'r1,b');
SELECT migrate_upgrade('heads');
SELECT migrate_downgrade('l2@-3');
SELECT versions();

DROP FUNCTION versions;
DROP FUNCTION make;
DROP FUNCTION start_again;
DROP TABLE alembic_version;
