--
-- What a target can say, to each of the commands that take one
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- Two branches of one history, and another history that depends on it:
--
--   ae1027a6acf -- 1975ea83b712 --+-- 27c6a30d7c24 (shoppingcart) -- d747a8a8879
--                                 |
--                                 +-- 27c653b1c267 -- 53fffde5ad5
--                                                          :
--   3782d9986ced (networking) -- 109ec7d132bf ------- 3cac04ae8714
--
SELECT count(*) FROM (VALUES
    (1, 'create account', 'ae1027a6acf', 'base', NULL, '{}'),
    (2, 'add a column', '1975ea83b712', 'ae1027a6acf', NULL, '{}'),
    (3, 'add cart', '27c6a30d7c24', '1975ea83b712', 'shoppingcart', '{}'),
    (4, 'add cart column', 'd747a8a8879', '27c6a30d7c24', NULL, '{}'),
    (5, 'add ip number', '27c653b1c267', '1975ea83b712', NULL, '{}'),
    (6, 'add ip account', '53fffde5ad5', '27c653b1c267', NULL, '{}'),
    (7, 'create networking', '3782d9986ced', 'base', 'networking', '{}'),
    (8, 'add dns', '109ec7d132bf', '3782d9986ced', NULL, '{}'),
    (9, 'link dns to ip', '3cac04ae8714', '109ec7d132bf', NULL, '{53fffde5ad5}')
) r (n, message, id, parent, label, dependencies)
CROSS JOIN LATERAL migrate_revision(message, downgrade => '', head => ARRAY[parent], splice => true,
    branch_label => label, depends_on => dependencies::text[], rev_id => id);

-- The steps of a plan, shortened, and the version table after the last one.
CREATE FUNCTION plan(command text, target text, versions text[]) RETURNS text
LANGUAGE sql AS $$
    WITH step AS (SELECT * FROM migrate_plan($1, $2, $3))
    SELECT coalesce(string_agg(left(revision, 5), ' ' ORDER BY step) || ' -> {'
        || (SELECT coalesce(string_agg(left(v, 5), ','), '')
            FROM unnest((SELECT s.versions FROM step s ORDER BY s.step DESC LIMIT 1)) v) || '}',
        'nothing to do')
    FROM step
$$;
CREATE FUNCTION up(target text, versions text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT plan('upgrade', target, versions) $$;
CREATE FUNCTION down(target text, versions text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT plan('downgrade', target, versions) $$;

--
-- Upgrade
--

-- a full id, the start of one, a label, the start of one
SELECT up('ae1027a6acf');
SELECT up('1975');
SELECT up('27c6a');
SELECT up('shoppingcart');
SELECT up('shop');
-- an id that is part of another history brings along what it depends on
SELECT up('3cac');
-- heads, which leaves out those that others depend on
SELECT up('heads');
SELECT up('shoppingcart@head');
SELECT up('networking@head');
SELECT up('27c653b1c267@head');
SELECT up('networking@heads');
SELECT up('1975@heads');
-- a branch narrows what the start of an id can mean
SELECT up('shoppingcart@27c6');
SELECT up('networking@109e');
-- what is applied already, and below: nothing to do
SELECT up('1975', '{d747a8a8879}');
SELECT up('ae10', '{d747a8a8879}');
SELECT up('base', '{d747a8a8879}');
SELECT up('current', '{d747a8a8879}');
SELECT up('heads', '{d747a8a8879,3cac04ae8714}');
SELECT up('53ff', '{3cac04ae8714}');
SELECT up('networking@base', '{}');

-- relative: to what is current
SELECT up('+1', '{ae1027a6acf}');
SELECT up('+2', '{27c6a30d7c24}');
SELECT up('current+1', '{ae1027a6acf}');
SELECT up('shoppingcart@+1');
SELECT up('shoppingcart@+3');
SELECT up('shoppingcart@+1', '{53fffde5ad5}');
SELECT up('networking@+2', '{d747a8a8879}');
SELECT up('networking@+1', '{d747a8a8879,109ec7d132bf}');
-- relative to a revision
SELECT up('ae10+1');
SELECT up('shop+1');
SELECT up('d747-1');
SELECT up('shoppingcart@head-1');
SELECT up('networking@base+2');

-- What is no target: each error says why, and what to do.
SELECT up('nowhere');
SELECT up('27c6');
SELECT up('nothere@head');
SELECT up('networking@27c6');
SELECT up('networking@d747');
SELECT up('ae1x');
SELECT up('head');
SELECT up('1975@head');
SELECT up('shoppingcart@head@head');
SELECT up('@head');
SELECT up('shoppingcart@');
SELECT up('head,heads');
SELECT up(' head');
SELECT up('HEAD');
SELECT up('+1');
SELECT up('+1', '{1975ea83b712}');
SELECT up('+1', '{d747a8a8879,109ec7d132bf}');
SELECT up('+2', '{d747a8a8879}');
SELECT up('-1', '{d747a8a8879}');
SELECT up('+0', '{d747a8a8879}');
SELECT up('ae10-1');
SELECT up('ae10-2');
SELECT up('d747+1');
SELECT up('1975+1');
SELECT up('base+1');
SELECT up('base-1');
SELECT up('d747+1junk');
SELECT up('+1+1');
SELECT up('+');
SELECT up('+99999999999999999999');
SELECT up('shoppingcart@+5');
SELECT up('ae10:d747');
SELECT up('');
SELECT up(NULL);

--
-- Downgrade
--
SELECT down('1975', '{d747a8a8879}');
SELECT down('shop', '{d747a8a8879}');
SELECT down('base', '{d747a8a8879,3cac04ae8714}');
SELECT down('-1', '{d747a8a8879}');
SELECT down('-4', '{d747a8a8879}');
SELECT down('current-1', '{d747a8a8879}');
SELECT down('d747-2', '{d747a8a8879}');
SELECT down('ae10+1', '{d747a8a8879}');
SELECT down('current', '{d747a8a8879}');
SELECT down('d747', '{d747a8a8879}');
-- one branch only
SELECT down('shoppingcart@1975', '{d747a8a8879,53fffde5ad5}');
SELECT down('shoppingcart@-1', '{d747a8a8879,53fffde5ad5}');
SELECT down('networking@base', '{d747a8a8879,3cac04ae8714}');
-- whatever depends on it goes first, and what is no longer depended on stays
SELECT down('27c653b1c267', '{d747a8a8879,3cac04ae8714}');
SELECT down('109e', '{3cac04ae8714}');
SELECT down('base', '{}');
-- of several, the first; that is said
SELECT down('-1', '{d747a8a8879,3cac04ae8714}');

SELECT down('3cac', '{d747a8a8879}');
SELECT down('nowhere', '{d747a8a8879}');
SELECT down('27c6', '{d747a8a8879}');
SELECT down('53ff', '{3cac04ae8714}');
SELECT down('-5', '{d747a8a8879}');
SELECT down('-1');
SELECT down('base-1', '{d747a8a8879}');
SELECT down('+1', '{1975ea83b712}');
SELECT down('-0', '{1975ea83b712}');
SELECT down('networking@-1', '{d747a8a8879}');
SELECT down('head', '{d747a8a8879}');
SELECT down('shoppingcart@head-9', '{d747a8a8879}');
SELECT down('d747+1', '{d747a8a8879}');
SELECT down('nothere@-1', '{d747a8a8879}');
SELECT down('ae10:base', '{d747a8a8879}');
SELECT down('', '{d747a8a8879}');
SELECT down(NULL, '{d747a8a8879}');

--
-- A merge point has two ways down
--
SELECT migrate_merge('{d747,53ff}', rev_id => 'merged', message => 'merge');
SELECT up('merged');
SELECT up('+1', '{d747a8a8879,53fffde5ad5}');
SELECT up('merged', '{d747a8a8879}');
SELECT down('-1', '{merged}');
SELECT down('d747', '{merged}');
SELECT down('shoppingcart@1975', '{merged}');

--
-- History and export: ranges
--
CREATE FUNCTION history(range text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(left(revision, 5), ' ') FROM migrate_history(range)
$$;
SET client_min_messages = warning;
SELECT migrate_stamp('27c6a');
RESET client_min_messages;
SELECT history(NULL);
SELECT history(':');
SELECT history('1975:');
SELECT history(':27c6a');
SELECT history('ae10:shop');
SELECT history('shop:shop');
SELECT history('base:1975');
SELECT history('current:');
SELECT history(':current');
SELECT history('ae10:current');
SELECT history('ae10:+1');
SELECT history('current:+1');
SELECT history('shop:heads');
SELECT history(':networking@head');
SELECT history('networking@base:');
SELECT history(':merged-1');
SELECT history('-1:');
SELECT history('1975:shoppingcart@+1');
SELECT history(' ae10:1975 ');

SELECT history('ae10');
SELECT history('');
SELECT history('ae10:1975:');
SELECT history('shop:ae10');
SELECT history('27c653:shop');
SELECT history('nowhere:');
SELECT history(':nowhere');
SELECT history('27c6:');
SELECT history('merged-1:');
SELECT history(':-1');
SELECT history('current:current+9');

--
-- Show: a symbol that stands for one revision or several
--
CREATE FUNCTION show(revision text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(left(d.revision, 5), ' ') FROM migrate_show($1) d
$$;
SELECT show('current');
SELECT show('heads');
SELECT show('1975');
SELECT show('networking@head');
SELECT show('base');
SELECT show('head');
SELECT show('-1');
SELECT show('merged-1');
SELECT show('27c6');
SELECT show('nowhere');
SELECT show('');
SELECT show(NULL);

--
-- Ids may have dots, which relative targets take like any other
--
SELECT migrate_environment_create('dots', version_table => 'dots_version');
SELECT migrate_revision('one', downgrade => '', rev_id => '1.0', environment => 'dots');
SELECT migrate_revision('one', downgrade => '', rev_id => '1.0.1', environment => 'dots');
SELECT migrate_revision('two', downgrade => '', rev_id => '2.0', branch_label => 'v2.x', environment => 'dots');
SELECT revision, versions FROM migrate_plan('upgrade', '1.0+1', environment => 'dots');
SELECT revision, versions FROM migrate_plan('upgrade', 'v2.x@+2', environment => 'dots');
SELECT revision, versions FROM migrate_plan('upgrade', 'v2.x-1', environment => 'dots');
SELECT revision, versions FROM migrate_plan('downgrade', '1.0.1-1', '{2.0}', environment => 'dots');
-- an id is shorter than four characters: only in full
SELECT revision, versions FROM migrate_plan('upgrade', '2', environment => 'dots');
SELECT revision, versions FROM migrate_plan('upgrade', '1.0.', environment => 'dots');

DROP FUNCTION up;
DROP FUNCTION down;
DROP FUNCTION plan;
DROP FUNCTION history;
DROP FUNCTION show;
DROP TABLE alembic_version;
