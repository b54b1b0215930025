--
-- migrate_tenant_lint(): what the expression of a policy says decides, not how
-- it is written
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP SCHEMA IF EXISTS lint CASCADE;
CREATE EXTENSION migrate;
CREATE ROLE regress_tenant_owner;
CREATE ROLE regress_tenant_app;
CREATE SCHEMA lint AUTHORIZATION regress_tenant_owner;
SET ROLE regress_tenant_owner;
CREATE TABLE lint.tenants (id uuid PRIMARY KEY, name text);
CREATE TABLE lint.docs (
    tenant_id uuid NOT NULL REFERENCES lint.tenants,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text,
    amount numeric,
    UNIQUE (tenant_id, id)
);
CREATE TABLE lint.labels (tenant_id uuid REFERENCES lint.tenants, id uuid PRIMARY KEY);
CREATE INDEX ON lint.labels (tenant_id);
CREATE TABLE lint.countries (code text PRIMARY KEY);
CREATE TABLE lint.steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doc_id bigint NOT NULL CONSTRAINT steps_doc REFERENCES lint.docs (id)
);
CREATE TABLE lint.uses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label_id uuid NOT NULL CONSTRAINT uses_label REFERENCES lint.labels (id)
);
CREATE TABLE lint.details (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    use_id bigint NOT NULL CONSTRAINT details_use REFERENCES lint.uses (id)
);
GRANT USAGE ON SCHEMA lint TO regress_tenant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lint TO regress_tenant_app;
RESET ROLE;
SELECT count(*) > 0 AS done FROM migrate_tenant_setup('lint.tenants', app_roles => '{regress_tenant_app}');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.tenants');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.docs');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.labels', 'shared');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.steps', 'parent', via => 'steps_doc');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.uses', 'parent', via => 'uses_label');
SELECT count(*) > 0 AS done FROM migrate_tenant_protect('lint.details', 'parent', via => 'details_use');
SELECT count(*) > 0 AS done FROM migrate_tenant_exempt('lint.countries', 'the same for all');
CREATE VIEW pg_temp.finding AS
SELECT * FROM migrate_tenant_lint() WHERE code NOT IN ('T019', 'T023');
TABLE pg_temp.finding;

-- What the expression says decides, not how it is written.
BEGIN;
DROP POLICY migrate_tenant ON lint.docs;
DROP POLICY migrate_tenant_floor ON lint.docs;
-- what somebody calls equal need not be
CREATE FUNCTION lint.f(uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION lint.equal(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR lint.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = lint.equal, COMMUTATOR = OPERATOR(lint.=), MERGES);
CREATE FUNCTION lint.is_admin() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false';
CREATE FUNCTION lint.my_tenant() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
CREATE TABLE lint.members (member name, tenant_id uuid, PRIMARY KEY (member, tenant_id));
CREATE TEMP TABLE expression (n serial, expression text);
INSERT INTO expression (expression) VALUES
    -- bound
    ('tenant_id = migrate_tenant_current()'),
    ('migrate_tenant_current() = tenant_id'),
    ('tenant_id = (SELECT migrate_tenant_current())'),
    ('tenant_id = migrate_tenant_require()'),
    ('tenant_id = nullif(current_setting(''migrate.tenant'', true), '''')::uuid'),
    ('tenant_id = (SELECT nullif(current_setting(''migrate.tenant'', true), '''')::uuid)'),
    ('tenant_id::text = current_setting(''Migrate.Tenant'', true)'),
    ('slug IS NOT NULL AND tenant_id = migrate_tenant_current() AND amount > 0'),
    ('(tenant_id = migrate_tenant_current() AND amount > 0) OR (amount < 0 AND tenant_id = migrate_tenant_current())'),
    ('tenant_id = migrate_tenant_current() OR tenant_id IS NULL'),
    ('tenant_id IS NULL'),
    ('tenant_id IS NOT DISTINCT FROM migrate_tenant_current()'),
    ('(tenant_id = migrate_tenant_current()) IS TRUE'),
    ('coalesce(tenant_id = migrate_tenant_current(), false)'),
    ('CASE WHEN amount > 0 THEN tenant_id = migrate_tenant_current() END'),
    ('false OR tenant_id = migrate_tenant_current()'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id)'),
    ('tenant_id IN (SELECT id FROM lint.tenants)'),
    ('tenant_id = ANY (ARRAY(SELECT id FROM lint.tenants))'),
    ('EXISTS (SELECT FROM lint.members m JOIN lint.tenants t ON t.id = m.tenant_id WHERE m.member = slug AND m.tenant_id = docs.tenant_id)'),
    ('NOT (tenant_id <> migrate_tenant_current())'),
    ('NOT (tenant_id <> migrate_tenant_current() OR amount > 0)'),
    ('(tenant_id <> migrate_tenant_current()) IS FALSE'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id) IS NOT FALSE'),
    ('CASE WHEN tenant_id = migrate_tenant_current() THEN true ELSE false END'),
    ('tenant_id = ANY (ARRAY[migrate_tenant_current()])'),
    ('tenant_id::text::varchar = migrate_tenant_current()::text COLLATE "C"'),
    -- not bound
    ('true'),
    ('1 = 1'),
    ('amount > 0 OR true'),
    ('tenant_id = tenant_id'),
    ('amount > 0'),
    ('tenant_id IS NOT NULL'),
    ('tenant_id = migrate_tenant_current() OR lint.is_admin()'),
    ('tenant_id = migrate_tenant_current() OR migrate_tenant_current() IS NULL'),
    ('tenant_id = migrate_tenant_current() OR current_setting(''app.admin'', true) = ''on'''),
    ('tenant_id = migrate_tenant_current() OR amount = 0'),
    ('NOT (tenant_id = migrate_tenant_current())'),
    ('tenant_id <> migrate_tenant_current()'),
    ('tenant_id >= migrate_tenant_current()'),
    ('tenant_id = coalesce(migrate_tenant_current(), tenant_id)'),
    ('tenant_id = coalesce(migrate_tenant_current(), ''00000000-0000-0000-0000-000000000000'')'),
    ('tenant_id = ''00000000-0000-0000-0000-000000000000'''),
    ('tenant_id = current_setting(''app.tenant'', true)::uuid'),
    ('tenant_id = lint.my_tenant()'),
    ('tenant_id IN (SELECT tenant_id FROM lint.members WHERE member = current_user)'),
    ('tenant_id::text = current_user'),
    ('lower(tenant_id::text) = migrate_tenant_current()::text'),
    ('CASE WHEN lint.is_admin() THEN true ELSE tenant_id = migrate_tenant_current() END'),
    ('coalesce(tenant_id = migrate_tenant_current(), true)'),
    ('EXISTS (SELECT FROM lint.tenants t)'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.name = slug)'),
    ('EXISTS (SELECT count(*) FROM lint.tenants t WHERE t.id = tenant_id)'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id OR lint.is_admin())'),
    ('EXISTS (SELECT FROM lint.countries c LEFT JOIN lint.tenants t ON t.id = tenant_id)'),
    ('EXISTS (SELECT FROM lint.countries c WHERE c.code = slug)'),
    -- the column is mentioned, and nothing else
    ('tenant_id::text <> '''''),
    ('length(tenant_id::text) > 0'),
    ('tenant_id <> ''00000000-0000-0000-0000-000000000000'''),
    ('tenant_id IN (''00000000-0000-0000-0000-000000000000'', ''00000000-0000-0000-0000-000000000001'')'),
    ('tenant_id >= ''00000000-0000-0000-0000-000000000000'' AND tenant_id <= ''ffffffff-ffff-ffff-ffff-ffffffffffff'''),
    ('tenant_id >= migrate_tenant_current() AND tenant_id <= ''ffffffff-ffff-ffff-ffff-ffffffffffff'''),
    ('tenant_id = gen_random_uuid()'),
    ('tenant_id = md5(slug)::uuid'),
    ('EXISTS (SELECT WHERE tenant_id IS NOT NULL)'),
    -- it holds where there is no such row
    ('tenant_id = ALL (SELECT id FROM lint.tenants WHERE false)'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id HAVING true)'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id GROUP BY ())'),
    ('EXISTS (SELECT 1 FROM lint.tenants t WHERE t.id = tenant_id UNION ALL SELECT 1)'),
    ('(SELECT count(*) FROM lint.tenants t WHERE t.id = tenant_id) >= 0'),
    ('-1 < (SELECT count(t.id) FROM lint.tenants t WHERE t.id = tenant_id)'),
    ('NOT EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id)'),
    -- or where there is no tenant
    ('(tenant_id = migrate_tenant_current()) IS NOT FALSE'),
    ('(tenant_id <> migrate_tenant_current()) IS NOT TRUE'),
    ('(tenant_id IN (SELECT id FROM lint.tenants)) IS NOT FALSE'),
    ('tenant_id = greatest(migrate_tenant_current()::text, ''0'')::uuid'),
    -- or for all others
    ('(tenant_id = migrate_tenant_current()) IS FALSE'),
    ('(tenant_id = migrate_tenant_current()) IS NULL'),
    ('(tenant_id <> migrate_tenant_current()) IS NOT NULL'),
    ('(tenant_id = migrate_tenant_current()) IS UNKNOWN'),
    ('NOT (tenant_id = migrate_tenant_current() AND amount > 0)'),
    ('tenant_id IS DISTINCT FROM migrate_tenant_current()'),
    ('tenant_id <> ALL (ARRAY[migrate_tenant_current()])'),
    -- it may be right, but who knows
    ('(SELECT count(*) FROM lint.tenants t WHERE t.id = tenant_id) > 0'),
    ('EXISTS (SELECT 1 FROM lint.tenants t WHERE t.id = tenant_id GROUP BY t.id)'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id GROUP BY ROLLUP (t.id))'),
    ('EXISTS (SELECT FROM lint.tenants t WHERE t.id = tenant_id HAVING lint.is_admin())'),
    ('EXISTS (SELECT 1 FROM lint.tenants t WHERE t.id = tenant_id INTERSECT SELECT 1)'),
    ('tenant_id = ALL (SELECT migrate_tenant_current())'),
    ('tenant_id = greatest(migrate_tenant_current())'),
    ('tenant_id = CASE WHEN true THEN migrate_tenant_current() END'),
    ('tenant_id >= migrate_tenant_current() AND tenant_id <= migrate_tenant_current()'),
    ('migrate_tenant_current() >= tenant_id AND tenant_id >= migrate_tenant_current()'),
    ('(SELECT d.tenant_id FROM lint.labels d WHERE d.id = docs.tenant_id) = migrate_tenant_current()'),
    ('tenant_id = (SELECT migrate_tenant_current() LIMIT 0)'),
    ('tenant_id = (SELECT migrate_tenant_current() OFFSET 1)'),
    ('tenant_id::text = migrate_tenant_current()::text::varchar(3)'),
    ('tenant_id::text::char(36) = migrate_tenant_current()::text::char(36)'),
    ('tenant_id OPERATOR(lint.=) migrate_tenant_current()'),
    ('tenant_id OPERATOR(lint.=) ANY (ARRAY[migrate_tenant_current()])'),
    ('lint.f(tenant_id)');
CREATE FUNCTION pg_temp.try() RETURNS TABLE (n integer, expression text, severity text, gap text) LANGUAGE plpgsql AS $$
DECLARE
    e record;
BEGIN
    FOR e IN SELECT * FROM expression x ORDER BY x.n LOOP
        EXECUTE format('CREATE POLICY try ON lint.docs FOR SELECT USING (%s)', e.expression);
        RETURN QUERY SELECT e.n, e.expression, f.severity,
            regexp_replace(f.problem, '^the policy (.*), which opens SELECT to role regress_tenant_app .*', '\1')
            FROM (VALUES (1)) x LEFT JOIN migrate_tenant_lint() f ON f.code IN ('T004') AND f.object = 'try on lint.docs';
        DROP POLICY try ON lint.docs;
    END LOOP;
END
$$;
SELECT * FROM pg_temp.try();
ROLLBACK;
-- The operator by which values of a type of somebody's are unique is one.
BEGIN;
CREATE TYPE lint.key AS (n integer);
CREATE FUNCTION lint.key_equal(lint.key, lint.key) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.n = $2.n';
CREATE OPERATOR lint.= (LEFTARG = lint.key, RIGHTARG = lint.key, FUNCTION = lint.key_equal,
    COMMUTATOR = OPERATOR(lint.=), MERGES);
CREATE TABLE lint.codes (k lint.key);
CREATE FUNCTION lint.key() RETURNS lint.key LANGUAGE sql STABLE AS 'SELECT NULL::lint.key';
CREATE POLICY p ON lint.codes USING (k OPERATOR(lint.=) lint.key());
CREATE VIEW pg_temp.bound AS
SELECT p.polname, b.bind
FROM pg_policy p, migrate.tenant_binding(p.polqual, p.polrelid, 1::int2,
    'migrate.tenant', ARRAY['lint.key()'::regprocedure]::oid[], '{}', '{}') b
WHERE p.polrelid = 'lint.codes'::regclass;
TABLE pg_temp.bound;
CREATE FUNCTION lint.key_compare(lint.key, lint.key) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.n - $2.n';
CREATE FUNCTION lint.key_less(lint.key, lint.key) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.n < $2.n';
CREATE OPERATOR lint.< (LEFTARG = lint.key, RIGHTARG = lint.key, FUNCTION = lint.key_less);
CREATE OPERATOR CLASS lint.key_ops DEFAULT FOR TYPE lint.key USING btree AS
    OPERATOR 1 lint.<, OPERATOR 3 lint.=, FUNCTION 1 lint.key_compare(lint.key, lint.key);
TABLE pg_temp.bound;
ROLLBACK;
-- a child reaches the tenant through its parent, by the parent's key
BEGIN;
DROP POLICY migrate_tenant_floor ON lint.steps;
CREATE POLICY try ON lint.steps FOR SELECT USING (doc_id IN (SELECT id FROM lint.docs));
SELECT object, problem FROM pg_temp.finding WHERE code = 'T004';
DROP POLICY try ON lint.steps;
CREATE POLICY try ON lint.steps FOR SELECT USING (EXISTS (SELECT FROM lint.docs d WHERE d.amount = doc_id));
SELECT object, problem FROM pg_temp.finding WHERE code = 'T004';
-- of which there is always one
DROP POLICY try ON lint.steps;
CREATE POLICY try ON lint.steps FOR SELECT USING (EXISTS (SELECT 1 FROM lint.docs d WHERE d.id = doc_id HAVING true));
SELECT severity, object, problem FROM pg_temp.finding WHERE code = 'T004';
-- or looks up the tenant itself
DROP POLICY try ON lint.steps;
CREATE POLICY try ON lint.steps FOR SELECT
    USING ((SELECT d.tenant_id FROM lint.docs d WHERE d.id = doc_id) = migrate_tenant_current());
SELECT severity, object, problem FROM pg_temp.finding WHERE code = 'T004';
ROLLBACK;
-- that key must be unique, for all rows and for certain
BEGIN;
ALTER TABLE lint.docs ADD n bigint;
DROP POLICY migrate_tenant_floor ON lint.steps;
CREATE POLICY try ON lint.steps FOR SELECT USING (EXISTS (SELECT FROM lint.docs d WHERE d.n = doc_id));
CREATE UNIQUE INDEX partial ON lint.docs (n) WHERE n > 0;
SELECT object, problem FROM pg_temp.finding WHERE code = 'T004';
CREATE UNIQUE INDEX whole ON lint.docs (n);
SELECT object, problem FROM pg_temp.finding WHERE code = 'T004';
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'lint.whole'::regclass;
SELECT object, problem FROM pg_temp.finding WHERE code = 'T004';
ROLLBACK;
-- and may write only where the parent is the tenant's own
BEGIN;
DROP POLICY migrate_tenant_floor_insert ON lint.uses;
DROP POLICY migrate_tenant_floor_insert ON lint.details;
DROP POLICY migrate_tenant_floor_delete ON lint.details;
CREATE POLICY try ON lint.uses FOR INSERT WITH CHECK (EXISTS (SELECT FROM lint.labels l WHERE l.id = label_id));
CREATE POLICY try ON lint.details FOR INSERT WITH CHECK (EXISTS (SELECT FROM lint.uses u WHERE u.id = use_id));
CREATE POLICY fine ON lint.details FOR DELETE USING (EXISTS (SELECT FROM lint.uses u WHERE u.id = use_id
    AND EXISTS (SELECT FROM lint.labels l WHERE l.id = u.label_id AND migrate_tenant_current() = l.tenant_id)));
SELECT code, object, problem FROM pg_temp.finding WHERE code IN ('T004', 'T006');
ROLLBACK;

-- What is nested deeply takes no longer for every level than for the one above.
BEGIN;
SET LOCAL statement_timeout = '60s';
DROP POLICY migrate_tenant_floor ON lint.docs;
DROP POLICY migrate_tenant_floor ON lint.uses;
DO $$
DECLARE
    tested text := 'tenant_id = migrate_tenant_current()';
    unknown text := 'tenant_id = migrate_tenant_current()';
    found text := '';
BEGIN
    FOR n IN REVERSE 40..1 LOOP
        tested := format('((%s) IS NULL AND id > %s)', tested, n);
        unknown := format('((%s) IS NOT UNKNOWN OR NOT id > %s)', unknown, n);
        found := format('EXISTS (SELECT FROM lint.labels a%1$s JOIN lint.labels b%1$s ON b%1$s.id = a%1$s.id WHERE %2$s%3$s)', n,
            CASE WHEN n = 1 THEN 'a1.id = label_id' ELSE format('a%1$s.id = a%2$s.id AND a%1$s.id = b%2$s.id', n, n - 1) END,
            CASE WHEN n < 40 THEN ' AND ' || found END);
    END LOOP;
    EXECUTE format('CREATE POLICY tested ON lint.docs USING (%s)', tested);
    EXECUTE format('CREATE POLICY unknown ON lint.docs USING (%s)', unknown);
    EXECUTE format('CREATE POLICY found ON lint.uses USING (%s)', found);
END
$$;
SELECT code, severity, object, left(problem, 90) AS problem FROM pg_temp.finding;
ROLLBACK;

SET client_min_messages = warning;
DROP EXTENSION migrate CASCADE;
DROP SCHEMA lint CASCADE;
DROP ROLE regress_tenant_owner, regress_tenant_app;
