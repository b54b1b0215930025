"""Planning on a graph of 100,000 revisions with branches and merges.

Each call is made on a connection of its own, so that nothing is cached and
memory is seen from its start.  The rows of the plan are counted and not sent:
printing 100,000 rows is psql's work.

Copyright (c) 2026, the migrate authors
"""

import random
import statistics
import time

import report
import server

REVISIONS = 100000
RUNS = 7
CALL = "SELECT count(*) FROM migrate_plan('upgrade', 'heads', '{}'::text[])"

# chances, per revision
BRANCH = 0.05
MERGE = 0.05
DEPENDS = 0.02
MAX_HEADS = 8


def measure():
    with server.database('bench_planning') as database:
        server.say('planning, making the graph')
        with server.connect(database) as connection:
            server.query(connection, 'CREATE EXTENSION migrate')
            edges = load(connection)
            server.settle(connection)
        times, growths = [], []
        for number in range(1, RUNS + 1):
            server.say('planning, run %d of %d' % (number, RUNS))
            seconds, growth = run_once(database)
            times.append(seconds)
            growths.append(growth)

    what = 'plan of {:,} revisions: '.format(REVISIONS)
    median = statistics.median(times)
    return [
        report.line(what + 'the graph', '%d branch points, %d merge points, '
                    '%d dependencies' % shape(edges)),
        report.line(what + "**`migrate_plan('upgrade', 'heads', '{}')`**",
                    report.durations(times), 'under 1 s', median < 1),
        report.line(what + "**the backend's peak of private memory**",
                    '%.0f MB (most of %d runs)' % (max(growths) / 1e6, RUNS),
                    'under 200 MB', max(growths) < 200e6),
    ]


def run_once(database):
    with server.connect(database) as connection, \
            server.MemoryWatch(connection) as watch:
        begin = time.perf_counter()
        rows = server.query(connection, CALL)
        seconds = time.perf_counter() - begin
    if rows != [(REVISIONS,)]:
        raise SystemExit('not all revisions are in the plan: %s' % rows)
    return seconds, watch.growth


def make_edges():
    """For each revision its down revisions and its dependencies."""
    chance = random.Random(20241209)
    heads, edges = [], []
    for number in range(REVISIONS):
        if not heads:
            down = []
        elif len(heads) > 1 and chance.random() < MERGE:
            down = chance.sample(heads, 2)
        elif len(heads) < MAX_HEADS and chance.random() < BRANCH:
            down = [chance.randrange(max(0, number - 200), number)]
        else:
            down = [chance.choice(heads)]
        depends = []
        if number > 200 and chance.random() < DEPENDS:
            depends = [chance.randrange(number - 200, number)]
        heads = [head for head in heads if head not in down] + [number]
        edges.append((down, depends))
    return edges


def load(connection):
    """Write the tables directly: loading files is not what is measured."""
    edges = make_edges()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO migrate.environment (name) VALUES ('default')")
        cursor.execute('''\
            INSERT INTO migrate.revision (environment, revision, load_order,
                message, upgrade, header, filename, loaded_checksum)
            SELECT 'default', substr(md5(n::text), 1, 12), n + 1,
                'change number ' || n, u, '-- migrate:upgrade' || chr(10),
                n || '.sql', migrate.checksum(u, NULL)
            FROM (SELECT n, 'SELECT ' || n || ';' || chr(10) AS u
                FROM generate_series(0, %s - 1) n) s''', (REVISIONS,))
        cursor.execute('CREATE TEMP TABLE edge (child integer, kind text, '
                       'position integer, parent integer)')
        rows = [(child, kind, position, parent)
                for child, kinds in enumerate(edges)
                for kind, parents in zip(('down', 'depends'), kinds)
                for position, parent in enumerate(parents, 1)]
        columns = [list(column) for column in zip(*rows)]
        cursor.execute('INSERT INTO edge SELECT * FROM unnest(%s::integer[], '
                       '%s::text[], %s::integer[], %s::integer[])',
                       (columns[0], columns[1], columns[2], columns[3]))
        cursor.execute('''\
            INSERT INTO migrate.revision_edge
            SELECT 'default', substr(md5(child::text), 1, 12), kind, position,
                substr(md5(parent::text), 1, 12)
            FROM edge''')
    return edges


def shape(edges):
    """How many branch points, merge points and dependencies there are."""
    children = [0] * len(edges)
    for down, _ in edges:
        for parent in down:
            children[parent] += 1
    return (sum(count > 1 for count in children),
            sum(len(down) > 1 for down, _ in edges),
            sum(len(depends) for _, depends in edges))
