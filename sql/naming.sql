--
-- How ids and file names are made: the settings of an environment
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
SET timezone = 'UTC';

-- Ids can be points in time.  The next free second is taken if there was one
-- in the same second already, so that a script may make several.
SELECT migrate_environment_create('timestamps', version_table => 'timestamps_version', id_style => 'timestamp');
SELECT migrate_revision('one', create_date => '2024-12-08 13:00:00+00', environment => 'timestamps');
SELECT migrate_revision('two', create_date => '2024-12-08 13:00:00+00', environment => 'timestamps');
SELECT migrate_revision('three', create_date => '2024-12-08 13:00:00.999+00', environment => 'timestamps');
SELECT revision, down_revisions, create_date FROM migrate_history(environment => 'timestamps');
-- They are in the time zone of the environment.
SELECT migrate_environment_alter('timestamps', timezone => 'Asia/Kolkata');
SELECT migrate_revision('four', create_date => '2024-12-08 13:00:00+00', environment => 'timestamps');
SELECT split_part(script, E'\n', 7) AS create_date
FROM migrate_export(environment => 'timestamps') WHERE script LIKE '-- four%';
SELECT migrate_environment_alter('timestamps', timezone => 'Mars/Olympus');

-- Or they can be numbers, counted on from the highest that is there.
SELECT migrate_environment_create('numbers', version_table => 'numbers_version', id_style => 'sequence');
SELECT migrate_revision('one', environment => 'numbers');
SELECT migrate_revision('two', environment => 'numbers');
SELECT migrate_revision('an id of its own', rev_id => 'hotfix', environment => 'numbers');
SELECT migrate_revision('three', environment => 'numbers');
SELECT migrate_revision('nine hundred ninety-nine', rev_id => '999', environment => 'numbers');
SELECT migrate_revision('a thousand', environment => 'numbers');
SELECT migrate_environment_alter('numbers', id_style => 'roman');

-- File names follow a template with Alembic's placeholders.  Three conventions
-- that are in use:
CREATE FUNCTION file_name(file_template text, message text, slug_length int DEFAULT 40,
    zone text DEFAULT 'UTC') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM migrate_environment_alter('numbers', file_template => file_template,
        truncate_slug_length => slug_length, timezone => zone);
    PERFORM migrate_revision(message, rev_id => 'ae1027a6acf',
        create_date => '2024-12-08 23:05:09+00', environment => 'numbers');
    SELECT filename INTO result FROM migrate_show('ae1027a6acf', environment => 'numbers');
    PERFORM migrate_remove('ae1027a6acf', environment => 'numbers');
    RETURN result;
END $$;
SELECT file_name('%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d_%(rev)s_%(slug)s', 'Create agents table');
SELECT file_name('%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d_%(rev)s_%(slug)s', 'Create agents table');
SELECT file_name('%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d%(second).2d_%(rev)s_%(slug)s', 'Create agents table');
SELECT file_name('%(epoch)s_%(rev)s', 'Create agents table');
SELECT file_name('100%%_%(rev)s', 'Create agents table');
-- the time zone moves the day
SELECT file_name('%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d_%(rev)s', 'x', 40, 'Europe/Vienna');
SELECT file_name('%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d_%(rev)s', 'x', 40, 'America/New_York');
-- The slug ends with its last whole word.
SELECT n, file_name('%(slug)s-%(rev)s', 'Add last-seen column (and "index") to agents', n)
FROM unnest('{60,40,30,12,11,3}'::int[]) n;
-- letters of any script are words, punctuation is none
SELECT file_name('%(rev)s_%(slug)s', 'Größe – „naïve“ 名前を変更 … ✔');
SELECT file_name('%(rev)s_%(slug)s', '!!');
-- Templates that could not work are refused.
SELECT migrate_environment_alter('numbers', file_template => '%(slug)s');
SELECT migrate_environment_alter('numbers', file_template => '%%(rev)s_%%(slug)s');
SELECT migrate_environment_alter('numbers', file_template => '%(rev)s_%(title)s');
SELECT migrate_environment_alter('numbers', file_template => '%(rev)s_%(year)x');
SELECT migrate_environment_alter('numbers', file_template => '%(rev)s_%');
SELECT migrate_environment_alter('numbers', file_template => '%(rev)s_%(year');
SELECT migrate_environment_alter('numbers', file_template => '%(year)d/%(rev)s');
SELECT migrate_environment_alter('numbers', file_template => '.%(rev)s');
SELECT migrate_environment_alter('numbers', truncate_slug_length => 0);

-- The template names new files; a file that was loaded under a name keeps it.
-- One that was loaded without is named by the template when it is exported.
SELECT migrate_environment_alter('numbers', file_template => '%(year)d-%(rev)s', timezone => 'UTC');
SELECT migrate_load($$-- with a name
-- Revision ID: a
-- Revises: 1000
-- Create Date: 2024-12-08
-- migrate:upgrade
$$, 'as_it_was.sql', environment => 'numbers');
SELECT migrate_load($$-- without
-- Revision ID: b
-- Revises: a
-- Create Date: 2024-12-08
-- migrate:upgrade
$$, environment => 'numbers');
SELECT filename FROM migrate_export('1000:', environment => 'numbers') WHERE filename !~ '1000';
DROP FUNCTION file_name;
