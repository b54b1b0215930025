"""1,000 revisions of one cheap DDL statement each.

Timed is the whole process of the client, from nothing done to the commit, on
a fresh copy of the same database.  All take turns, so that whatever else the
machine does hits all of them.

Copyright (c) 2026, the migrate authors
"""

import statistics
import typing

import project
import report
import server

REVISIONS = 1000
ROUNDS = 15
ALEMBIC_ROUNDS = 5


class Statement(typing.NamedTuple):
    """A statement, with a number to be put in."""
    name: str
    before: str                 # run beforehand
    upgrade: str
    downgrade: str
    count: str                  # a query for how many were run


# CREATE TABLE is what a revision would hold; COMMENT ON is about the cheapest
# DDL there is, and so the one in which the work around it weighs most.
STATEMENTS = (
    Statement(
        'CREATE TABLE', '',
        'CREATE TABLE bench%04d (id integer)', 'DROP TABLE bench%04d',
        "SELECT count(*) FROM pg_class WHERE relname ~ '^bench'"),
    Statement(
        'COMMENT ON COLUMN',
        'CREATE TABLE wide (%s)' % ', '.join(
            'c%04d integer' % number for number in range(1, REVISIONS + 1)),
        "COMMENT ON COLUMN wide.c%04d IS 'a comment'",
        'COMMENT ON COLUMN wide.c%04d IS NULL',
        "SELECT count(*) FROM pg_description WHERE description = 'a comment'"),
)


def measure():
    lines = []
    for statement in STATEMENTS:
        lines += measure_statement(statement)
    return lines


def measure_statement(statement):
    chain = project.Project(REVISIONS,
                            lambda number: statement.upgrade % number,
                            lambda number: statement.downgrade % number)
    folder = server.make_folder()
    with_books, bare = folder / 'with.sql', folder / 'bare.sql'
    chain.write_script(with_books, bookkeeping=True)
    chain.write_script(bare, bookkeeping=False)
    chain.write_alembic(folder / 'project')

    # Each returns the seconds of the process and, or None, of its statements.
    contestants = {
        'migrate': lambda database: server.psql(
            database, '-c', server.FUNCTION_CALL),
        'psql': lambda database: server.psql(database, '-1', '-f', with_books),
        'bare': lambda database: server.psql(database, '-1', '-f', bare),
        'alembic': lambda database: (server.alembic(
            folder / 'project', database, 'upgrade', 'head'), None),
    }
    processes = {key: [] for key in contestants}
    served = {key: [] for key in contestants}

    with server.database('bench_template') as template:
        make_template(template, statement, chain)
        # Python compiles the revision files once
        run_once(contestants['alembic'], template, statement)
        for number in range(1, ROUNDS + 1):
            server.say('%s, round %d of %d' % (statement.name, number, ROUNDS))
            for key, contestant in contestants.items():
                if key == 'alembic' and number > ALEMBIC_ROUNDS:
                    continue
                times, log_rows = run_once(contestant, template, statement)
                if log_rows != (REVISIONS if key in ('migrate', 'psql') else 0):
                    raise SystemExit('%s left %d log rows' % (key, log_rows))
                processes[key].append(times[0])
                served[key].append(times[1])

    return summarize(statement.name, processes, served)


def make_template(template, statement, chain):
    with server.connect(template) as connection:
        server.query(connection, 'CREATE EXTENSION migrate')
        if statement.before:
            server.query(connection, statement.before)
        chain.load(connection)
        server.settle(connection)


def run_once(contestant, template, statement):
    """Time one contestant; return its times and the number of log rows."""
    with server.database('bench_upgrade', template) as database:
        server.checkpoint()
        times = contestant(database)
        with server.connect(database) as connection:
            done = server.query(connection, statement.count)[0][0]
            log_rows = server.query(
                connection, 'SELECT count(*) FROM migrate.log')[0][0]
    if done != REVISIONS:
        raise SystemExit('%d of %d revisions were run' % (done, REVISIONS))
    return times, log_rows


def summarize(name, processes, served):
    median = {key: statistics.median(times)
              for key, times in processes.items()}
    what = '1,000 x %s: ' % name
    served_median = {key: statistics.median(served[key])
                     for key in ('migrate', 'psql', 'bare')}
    return [
        report.timing(what + '`migrate_upgrade`', processes['migrate']),
        report.timing(what + '`psql -1 -f`, version table and log included',
                      processes['psql']),
        report.timing(what + '`psql -1 -f`, the DDL alone', processes['bare']),
        report.timing(what + '`alembic upgrade head`', processes['alembic']),
        report.line(what + 'the statements alone (`\\timing`)', ', '.join((
            'migrate %s' % report.duration(served_median['migrate']),
            'psql %s' % report.duration(served_median['psql']),
            'the DDL alone %s' % report.duration(served_median['bare'])))),
        report.at_most(what + '**migrate / psql**',
                       median['migrate'] / median['psql'], 1.1, '%.2f x'),
        report.line(what + 'migrate / psql with the DDL alone',
                    '%.2f x' % (median['migrate'] / median['bare'])),
        report.at_least(what + '**Alembic / migrate**',
                        median['alembic'] / median['migrate'], 2, '%.1f x'),
    ]
