"""What row level security by tenant costs, against a literal WHERE.

Each query is run in four forms, on the same tables: by a role that row level
security does not touch, with the tenant written into the query; and by three
roles with policies that compare the tenant with migrate_tenant_current(), with
current_setting(...)::uuid, and with the same in a sub-select.  Every role has
a permissive and a restrictive policy.

A statement is run inside the server, with parsing and planning and without the
way to a client, which would hide the differences.  What counts is the time
that the backend was on a processor: all data is in memory.  A sample is the
mean of as many runs as take some milliseconds.  The forms take turns, each
round begins with another one, and a ratio is the median of the ratios in each
round.  Ours is measured twice in a round, which shows how much the machine
alone makes of a difference.

Copyright (c) 2026, the migrate authors
"""

import statistics

import report
import server

TENANTS = 1000
ROWS = 1000000
PARTITIONS = 64

ROUNDS = 41
SAMPLE = 0.010          # seconds that a sample is to take
SLOW = 0.100            # what takes longer is run in some rounds only
SLOW_ROUNDS = 7

# how much slower than the literal, and than the other forms, ours may be; the
# last is what counts as noise, unless ours against ours shows more
LIMIT = 1.10
LIMIT_PARTITIONS = 1.2
NOISE = 1.05

LITERAL = 'literal'
OURS = 'ours'
AGAIN = 'ours again'
BARE = 'bare'
WRAPPED = 'wrapped'
FOLDED = 'folded'

# form -> the role that runs it
ROLES = {
    LITERAL: 'bench_tenants_literal',
    OURS: 'bench_tenants_ours',
    AGAIN: 'bench_tenants_ours',
    FOLDED: 'bench_tenants_ours',
    BARE: 'bench_tenants_bare',
    WRAPPED: 'bench_tenants_wrapped',
}

# role -> what its policies compare the tenant with
EXPRESSIONS = {
    ROLES[OURS]: 'migrate_tenant_current()',
    ROLES[BARE]: "current_setting('bench.tenant', true)::uuid",
    ROLES[WRAPPED]: "(SELECT current_setting('bench.tenant', true)::uuid)",
}

# tables with a column of the tenant
PROTECTED = ('doc', 'item', 'unindexed', 'inserted', 'skewed', 'parted')

TABLES = f'''
CREATE TABLE tenant AS
    SELECT n, md5('tenant ' || n)::uuid AS id FROM generate_series(1, {TENANTS}) n;

-- each tenant has as many rows as the next, all over the table
CREATE TABLE doc AS
    SELECT i AS id, t.id AS tenant_id, 'document ' || i AS title
    FROM generate_series(1, {ROWS // 10}) i JOIN tenant t ON t.n = i % {TENANTS} + 1
    ORDER BY i;
ALTER TABLE doc ADD PRIMARY KEY (id);
CREATE INDEX ON doc (tenant_id);

CREATE TABLE item AS
    SELECT i AS id, t.id AS tenant_id, (i - 1) % {ROWS // 10} + 1 AS doc_id, i % 97 AS amount
    FROM generate_series(1, {ROWS}) i JOIN tenant t ON t.n = i % {TENANTS} + 1
    ORDER BY i;
ALTER TABLE item ADD PRIMARY KEY (id);
CREATE INDEX ON item (tenant_id);
CREATE INDEX ON item (doc_id);

CREATE TABLE unindexed AS SELECT * FROM item ORDER BY id;

CREATE TABLE inserted (id integer PRIMARY KEY, tenant_id uuid, doc_id integer, amount integer);
CREATE INDEX ON inserted (tenant_id);

-- the rows of a document without a column of the tenant
CREATE TABLE step AS SELECT id, doc_id, amount FROM item ORDER BY id;
ALTER TABLE step ADD PRIMARY KEY (id);
CREATE INDEX ON step (doc_id);

-- the n-th tenant has 1/n of the rows of the first; the last ones came late
CREATE TABLE skewed AS
    SELECT row_number() OVER (ORDER BY place, t.n)::integer AS id, t.id AS tenant_id
    FROM (SELECT t.*, round({ROWS} / sum(1.0 / n) OVER () / n)::integer AS n_rows
          FROM tenant t) t
        CROSS JOIN LATERAL (SELECT CASE WHEN t.n > {TENANTS // 2} THEN 0.9 ELSE 0 END
                + g::float8 / n_rows AS place
            FROM generate_series(1, n_rows) g) p;
ALTER TABLE skewed ADD PRIMARY KEY (id);
CREATE INDEX ON skewed (tenant_id);
-- have statistics of every tenant
ALTER TABLE skewed ALTER tenant_id SET STATISTICS {TENANTS};

CREATE TABLE parted (id integer NOT NULL, tenant_id uuid NOT NULL, doc_id integer,
    amount integer, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (tenant_id);
SELECT format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER %s)', n, n)
FROM generate_series(0, {PARTITIONS} - 1) n
'''

RUN = '''
CREATE FUNCTION run(query text, runs integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
END
$$
'''


class Query:
    """A query, its literal form, and what is asked of it."""

    def __init__(self, what, sql, literal, forms=(LITERAL, OURS, AGAIN, BARE,
                                                  WRAPPED), limit=None):
        self.what = what
        self.sql = sql
        self.literal = literal
        self.forms = forms
        self.limit = limit
        self.runs = {}
        self.samples = {form: [] for form in forms}


def queries(tenant, small_tenant):
    with_fold = (LITERAL, FOLDED, OURS, AGAIN, BARE, WRAPPED)
    join = 'SELECT count(*) FROM doc d JOIN item i ON i.doc_id = d.id'
    child = 'SELECT count(*), sum(amount) FROM step s'
    through = (" WHERE EXISTS (SELECT FROM doc d WHERE d.id = s.doc_id"
               " AND d.tenant_id = '%s')" % tenant)
    insert = ("INSERT INTO inserted SELECT n, '%s', n, n"
              " FROM generate_series(1, 2000) n" % tenant)
    limited = 'SELECT * FROM skewed%s ORDER BY id LIMIT 10'
    where = " WHERE tenant_id = '%s'" % tenant
    return (
        Query('count by index', 'SELECT count(*) FROM item',
              'SELECT count(*) FROM item' + where, limit=LIMIT),
        Query('key lookup', 'SELECT * FROM item WHERE id = 500000',
              'SELECT * FROM item' + where + ' AND id = 500000', limit=LIMIT),
        Query('sequential scan', 'SELECT count(*) FROM unindexed',
              'SELECT count(*) FROM unindexed' + where, limit=LIMIT),
        Query('join', join, join + " WHERE d.tenant_id = '%s' AND "
              "i.tenant_id = '%s'" % (tenant, tenant), limit=LIMIT),
        Query('2,000 inserts', insert, insert, limit=LIMIT),
        Query('ORDER BY id LIMIT 10, tenant of few rows', limited % '',
              limited % (" WHERE tenant_id = '%s'" % small_tenant),
              limit=LIMIT),
        Query('%d partitions, count' % PARTITIONS,
              'SELECT count(*) FROM parted',
              'SELECT count(*) FROM parted' + where, with_fold,
              LIMIT_PARTITIONS),
        Query('%d partitions, key lookup' % PARTITIONS,
              'SELECT * FROM parted WHERE id = 500000',
              'SELECT * FROM parted' + where + ' AND id = 500000', with_fold,
              LIMIT_PARTITIONS),
        Query('child through parent, one document',
              child + ' WHERE doc_id = 50000',
              child + through + ' AND doc_id = 50000'),
        Query('child through parent, all of a tenant', child, child + through),
    )


def measure():
    try:
        drop_roles()
        with server.database('bench_tenants') as database:
            with server.connect(database) as connection:
                return measure_in(connection)
    finally:
        # the policies, which need them, are gone with the database
        drop_roles()


def measure_in(connection):
    make_tables(connection)
    tenant, small_tenant = server.query(
        connection, 'SELECT (SELECT tenant_id FROM item WHERE id = 500000), '
        '(SELECT id FROM tenant WHERE n = %d)' % TENANTS)[0]
    queries_ = queries(tenant, small_tenant)
    settings = prepare(connection, queries_, tenant, small_tenant)
    for number in range(ROUNDS):
        if number % 10 == 0:
            server.say('tenants, round %d of %d' % (number + 1, ROUNDS))
        for query in queries_:
            measure_round(connection, query, number)
    lines = []
    for query in queries_:
        lines += summarize(query)
    return lines + settings


def make_tables(connection):
    server.say('tenants, making the tables')
    server.query(connection, 'CREATE EXTENSION migrate')
    for (statement,) in server.query(connection, TABLES):
        server.query(connection, statement)
    server.query(connection, 'INSERT INTO parted SELECT id, tenant_id, doc_id, amount FROM item')
    server.query(connection, RUN)
    for role in sorted(set(ROLES.values())):
        server.query(connection, 'CREATE ROLE %s%s' % (
            role, ' BYPASSRLS' if role == ROLES[LITERAL] else ''))
        server.query(connection, 'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO ' + role)
    for role, expression in EXPRESSIONS.items():
        for table in PROTECTED:
            protect(connection, table, role, 'tenant_id = ' + expression)
        protect(connection, 'step', role,
                'EXISTS (SELECT FROM doc d WHERE d.id = step.doc_id)')
    for table in PROTECTED + ('step',):
        server.query(connection, 'ALTER TABLE %s ENABLE ROW LEVEL SECURITY' % table)
    server.settle(connection)


def protect(connection, table, role, condition):
    for kind in 'PERMISSIVE', 'RESTRICTIVE':
        server.query(connection, 'CREATE POLICY %s_%s ON %s AS %s TO %s USING (%s)' % (
            role, kind, table, kind, role, condition))


def drop_roles():
    with server.connect('postgres') as connection:
        for role in sorted(set(ROLES.values())):
            server.query(connection, 'DROP ROLE IF EXISTS ' + role)


def prepare(connection, queries_, tenant, small_tenant):
    """Warm up, see how often to run each, and time setting the tenant."""
    for setting, value in (
            # two workers on two cores measure the machine, not the query
            ('max_parallel_workers_per_gather', 0),
            ('jit', 'off'),
            ('bench.tenant', tenant),
            ('migrate.tenant', tenant)):
        server.query(connection, "SET %s = '%s'" % (setting, value))
    for query in queries_:
        if query.what.startswith('ORDER BY'):
            query.tenant = small_tenant
        else:
            query.tenant = tenant
        for form in query.forms:
            run(connection, query, form, 1)
            seconds = run(connection, query, form, 1)
            query.runs[form] = max(1, min(1000, int(SAMPLE / seconds)))
            if is_insert(query):
                # the keys are the same each time
                query.runs[form] = 1

    setting = []
    for what, sql in (
            ('`migrate_tenant_set()`', "SELECT migrate_tenant_set('%s')"),
            ("`set_config('bench.tenant', ..., true)`",
             "SELECT set_config('bench.tenant', '%s', true)")):
        seconds = [run_sql(connection, sql % tenant, 1000)
                   for _ in range(ROUNDS)]
        setting.append(report.line('tenants: ' + what, durations(seconds)))
    return setting


def measure_round(connection, query, number):
    forms = list(query.forms)
    shift = number % len(forms)
    for form in forms[shift:] + forms[:shift]:
        samples = query.samples[form]
        if (number >= SLOW_ROUNDS and query.runs[form] == 1 and
                statistics.median(samples) > SLOW):
            continue
        samples.append(run(connection, query, form, query.runs[form]))


def run(connection, query, form, runs):
    """The seconds that a run of a query takes in one of its forms."""
    sql = query.literal if form == LITERAL else query.sql
    server.query(connection, "SET bench.tenant = '%s'" % query.tenant)
    server.query(connection, "SET migrate.tenant = '%s'" % query.tenant)
    server.query(connection, 'SET migrate.tenant_fold = %s' % (
        'on' if form == FOLDED else 'off'))
    server.query(connection, 'SET ROLE ' + ROLES[form])
    try:
        return run_sql(connection, sql, runs)
    finally:
        server.query(connection, 'RESET ROLE')
        if is_insert(query):
            server.query(connection, 'TRUNCATE inserted')


def run_sql(connection, sql, runs):
    before = server.run_time(connection)
    server.query(connection, 'SELECT run(%s, %s)', (sql, runs))
    return (server.run_time(connection) - before) / runs


def is_insert(query):
    return query.sql.startswith('INSERT')


def summarize(query):
    what = 'tenants, %s: ' % query.what
    best = FOLDED if FOLDED in query.forms else OURS

    lines = [report.line(what + 'a literal WHERE and no row level security',
                         durations(query.samples[LITERAL]))]
    for form in query.forms:
        if form not in (LITERAL, AGAIN):
            lines.append(report.line(what + NAMES[form], '%s, %s' % (
                show_ratio(ratio(query, form, LITERAL)),
                durations(query.samples[form]))))
    if query.limit is not None:
        lines.append(report.at_most(
            what + '**%s / literal**' % NAMES[best],
            ratio(query, best, LITERAL), query.limit, '%.2f x',
            ' (%.2f x by the shortest)' % (min(query.samples[best]) /
                                           min(query.samples[LITERAL]))))
    noise = ratio(query, OURS, AGAIN)
    for form in (BARE, WRAPPED):
        lines.append(report.at_most(
            what + '**%s / %s**' % (NAMES[OURS], NAMES[form]),
            ratio(query, OURS, form), max(NOISE, noise, 1 / noise), '%.2f x',
            ' (ours / ours: %.2f x)' % noise))
    return lines


def ratio(query, form, other):
    """The median of the ratios of samples that were taken in one round."""
    return statistics.median(
        seconds / other_seconds for seconds, other_seconds
        in zip(query.samples[form], query.samples[other]))


NAMES = {
    OURS: '`migrate_tenant_current()`',
    FOLDED: 'with `migrate.tenant_fold`',
    BARE: '`current_setting()::uuid`',
    WRAPPED: '`(SELECT current_setting()::uuid)`',
}


def show_ratio(value):
    return '%.2f x' % value if value < 100 else '%.0f x' % value


def durations(seconds):
    return '%s (%s to %s, %d samples)' % (
        duration(statistics.median(seconds)), duration(min(seconds)),
        duration(max(seconds)), len(seconds))


def duration(seconds):
    if seconds < 0.001:
        return '%.1f us' % (seconds * 1e6)
    return report.duration(seconds)
