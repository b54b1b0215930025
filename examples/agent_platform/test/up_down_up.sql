--
-- Every downgrade undoes its upgrade: up, down and up again leaves the same
-- schema, for each revision by itself and for all of them together.
--
--     psql -X -A -t -d some_database -f examples/agent_platform/test/up_down_up.sql
--
-- Or with pg_prove, which shows a summary.
--
\ir include/begin.sql

-- For each revision: from a database that has only what it needs, one up, one
-- down, one up.
CREATE TEMPORARY TABLE snapshot (revision text, moment text, object text, definition text);
DO $$
DECLARE
    r record;
    parent text;
BEGIN
    FOR r IN
        SELECT s.revision, s.down_revisions, s.depends_on
        FROM migrate_plan('upgrade', 'heads', '{}') p, migrate_show(p.revision) s
        ORDER BY p.step
    LOOP
        PERFORM migrate_downgrade('base');
        FOREACH parent IN ARRAY r.down_revisions || r.depends_on LOOP
            PERFORM migrate_upgrade(parent);
        END LOOP;

        INSERT INTO snapshot SELECT r.revision, 'before', * FROM pg_temp.schema_objects();
        PERFORM migrate_upgrade(r.revision);
        INSERT INTO snapshot SELECT r.revision, 'up', * FROM pg_temp.schema_objects();
        -- the first base of all, the base of its branch, or the revision below
        PERFORM migrate_downgrade(CASE WHEN r.down_revisions <> '{}' THEN r.down_revisions[1]
                                       WHEN r.depends_on = '{}' THEN 'base'
                                       ELSE r.revision || '@base' END);
        INSERT INTO snapshot SELECT r.revision, 'down', * FROM pg_temp.schema_objects();
        PERFORM migrate_upgrade(r.revision);
        INSERT INTO snapshot SELECT r.revision, 'up again', * FROM pg_temp.schema_objects();
    END LOOP;
END
$$;
SELECT migrate_downgrade('base') \g /dev/null

CREATE FUNCTION pg_temp.same(revision text, earlier text, later text) RETURNS text
LANGUAGE sql AS $$
    SELECT set_eq(
        format('SELECT object, definition FROM snapshot WHERE revision = %L AND moment = %L', $1, $3),
        format('SELECT object, definition FROM snapshot WHERE revision = %L AND moment = %L', $1, $2),
        format('%s, %s: the same schema %s as %s', $1, (SELECT message FROM migrate_show($1)), $3, $2))
$$;

SELECT plan((2 * (SELECT count(*) FROM migrate_history()) + 6)::int);

SELECT is((SELECT count(DISTINCT revision) FROM snapshot), (SELECT count(*) FROM migrate_history()),
          'every revision was tried');
SELECT pg_temp.same(revision, 'before', 'down') FROM migrate_plan('upgrade', 'heads');
SELECT pg_temp.same(revision, 'up', 'up again') FROM migrate_plan('upgrade', 'heads');

-- All at once.
SELECT is_empty('SELECT * FROM pg_temp.schema_objects()', 'at base there is nothing');
SELECT migrate_upgrade('heads') \g /dev/null
CREATE TEMPORARY TABLE whole AS SELECT * FROM pg_temp.schema_objects();
SELECT is((SELECT up_to_date FROM migrate_status()), true, 'all revisions are applied');

-- The enterprise edition comes off by itself ...
SELECT migrate_downgrade('enterprise@base') \g /dev/null
SELECT hasnt_table('sso_connections', 'without the enterprise edition');
SELECT migrate_upgrade('heads') \g /dev/null
SELECT set_eq('SELECT * FROM pg_temp.schema_objects()', 'SELECT * FROM whole',
              'the enterprise edition off and on again: the same schema');

-- ... and everything as well.
SELECT migrate_downgrade('base') \g /dev/null
SELECT migrate_upgrade('heads') \g /dev/null
SELECT set_eq('SELECT * FROM pg_temp.schema_objects()', 'SELECT * FROM whole',
              'down to base and up again: the same schema');

SELECT * FROM finish();
ROLLBACK;
