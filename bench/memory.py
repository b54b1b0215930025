"""A backend's memory over one run of 10,000 small revisions.

Each revision inserts a row, which leaves nothing in the server's own caches.
Every thousandth revision also takes a sample from inside of the backend: what
its memory contexts have in use, and its private memory (RssAnon).

The server itself keeps something for each row that is changed in the
transaction that wrote it (a "combo command id"), as the one row of the
version table is.  So the same statements are run by psql as well, and the
extension may leave behind what they do and not more.

Copyright (c) 2026, the migrate authors
"""

import project
import report
import server

REVISIONS = 10000
EVERY = 1000

# bytes for a revision above what the statements leave behind in psql
ALLOWANCE = 8

INSERT = 'INSERT INTO small VALUES (%d)'
SAMPLE = '''\
INSERT INTO sample
SELECT %d, name, sum(used_bytes),
    1024 * substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s*(\\d+)')::bigint
FROM pg_get_backend_memory_contexts() GROUP BY name'''


def measure():
    chain = project.Project(REVISIONS, statement,
                            lambda number: 'DELETE FROM small WHERE n = %d' % number)
    script = server.make_folder() / 'with.sql'
    chain.write_script(script, bookkeeping=True)
    ours = run(chain, '-c', server.FUNCTION_CALL)
    psqls = run(chain, '-1', '-f', script)
    return summarize(ours, psqls)


def run(chain, *arguments):
    """Run the revisions with psql; return the samples, and what grew."""
    with server.database('bench_memory') as database, \
            server.connect(database) as connection:
        server.say('memory, loading %d revisions' % REVISIONS)
        server.query(connection, 'CREATE EXTENSION migrate;'
                     'CREATE TABLE small (n integer);'
                     'CREATE TABLE sample (n integer, context text, '
                     'used bigint, private bigint)')
        chain.load(connection)
        server.settle(connection)
        server.say('memory, running them')
        server.psql(database, *arguments)
        samples = server.query(
            connection, 'SELECT n, sum(used)::bigint, min(private) '
            'FROM sample GROUP BY n ORDER BY n')
        contexts = server.query(
            connection, 'SELECT context, sum(CASE n WHEN %s THEN used '
            'ELSE -used END)::bigint FROM sample WHERE n IN (%s, %s) '
            'GROUP BY context ORDER BY 2 DESC LIMIT 2',
            (REVISIONS, EVERY, REVISIONS))
    return samples, contexts


def statement(number):
    return SAMPLE % number if number % EVERY == 0 else INSERT % number


def summarize(ours, psqls):
    what = 'memory over {:,} revisions: '.format(REVISIONS)
    after = ' after each {:,}, kB'.format(EVERY)
    lines = []
    for name, (samples, contexts) in (('migrate', ours), ('psql', psqls)):
        lines += [
            report.line(what + name + ', in use' + after,
                        series(sample[1] for sample in samples)),
            report.line(what + name + ', private (RssAnon)' + after,
                        series(sample[2] for sample in samples)),
            report.line(what + name + ', the contexts that grew most',
                        ', '.join('%s %+.0f kB' % (context, growth / 1000)
                                  for context, growth in contexts)),
        ]
    for column, name in ((1, 'memory in use'), (2, 'private memory')):
        growth = growth_per_revision(ours[0], column)
        server_growth = growth_per_revision(psqls[0], column)
        lines.append(report.line(
            what + '**growth of %s**' % name,
            '%.1f bytes for a revision (psql: %.1f)' % (growth, server_growth),
            'at most psql + %d bytes' % ALLOWANCE,
            growth <= server_growth + ALLOWANCE))
    return lines


def series(values):
    return ', '.join('%.0f' % (value / 1000) for value in values)


def growth_per_revision(samples, column):
    """Bytes, from the first sample to the last."""
    first, last = samples[0], samples[-1]
    return (last[column] - first[column]) / (last[0] - first[0])
