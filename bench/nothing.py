"""A call that finds nothing to do, on a fresh connection.

That is what an application sends each time it starts.  A fresh backend has
nothing cached: what the call costs there includes loading the library and the
server's own first look at each table, and this is the time that is limited.

Against Alembic, which connects by itself, connecting is counted as well.  What
the process of psql takes is shown: most of it is starting psql.

Calls this short are hit hard by whatever else the machine does.  So the
processor time that the backend spent on the call is shown, too, and tells how
the call grows.

Copyright (c) 2026, the migrate authors
"""

import contextlib
import statistics
import time

import project
import report
import server

CALLS = 101

# number of revisions -> how often Alembic runs, the limit in seconds
SIZES = {
    100: (5, None),
    1000: (5, 0.002),
    10000: (3, 0.010),
}

# A first statement that has the server read our tables, to compare with
FIRST_LOOK = ('SELECT count(*) FROM migrate.revision r '
              'JOIN migrate.revision_edge e USING (environment, revision)')


class Figures:
    """Durations, all in seconds."""

    def __init__(self):
        self.call = []          # of the call alone
        self.processor = []     # that the backend spent on it
        self.connected = []     # of connecting and the call
        self.process = []       # of psql, from start to end
        self.look = []          # of FIRST_LOOK
        self.alembic = []       # of Alembic, from start to end


def measure():
    folder = server.make_folder()
    with contextlib.ExitStack() as databases:
        for size in SIZES:
            name = databases.enter_context(
                server.database('bench_nothing_%d' % size))
            make_database(name, size, folder / str(size))
        figures = {size: Figures() for size in SIZES}
        for number in range(CALLS):
            if number % 20 == 0:
                server.say('nothing to do, call %d of %d' % (number + 1, CALLS))
            for size, (alembic_runs, _) in SIZES.items():
                measure_once('bench_nothing_%d' % size, figures[size],
                             folder / str(size), number < alembic_runs)
    return summarize(figures)


def measure_once(name, figures, folder, with_alembic):
    process, call = server.psql(name, '-c', server.FUNCTION_CALL)
    figures.process.append(process)
    figures.call.append(call)

    begin = time.perf_counter()
    with server.connect(name) as connection:
        before = server.run_time(connection)
        server.query(connection, server.FUNCTION_CALL)
        figures.connected.append(time.perf_counter() - begin)
        figures.processor.append(server.run_time(connection) - before)

    figures.look.append(server.psql(name, '-c', FIRST_LOOK)[1])
    if with_alembic:
        figures.alembic.append(server.alembic(folder, name, 'upgrade', 'head'))


def make_database(name, size, folder):
    """A database at the head of a chain, reached by running it."""
    server.say('nothing to do, making %d revisions' % size)
    chain = project.Project(size, lambda number: 'SELECT %d' % number,
                            lambda number: 'SELECT -%d' % number)
    chain.write_alembic(folder)
    with server.connect(name) as connection:
        server.query(connection, 'CREATE EXTENSION migrate')
        chain.load(connection)
        server.query(connection, server.FUNCTION_CALL)
        server.settle(connection)
    # Python compiles the revision files once
    server.alembic(folder, name, 'upgrade', 'head')


def summarize(figures):
    lines = []
    previous = None
    for size, (_, limit) in SIZES.items():
        what = 'nothing to do at {:,}: '.format(size)
        figure = figures[size]
        call = statistics.median(figure.call)
        alembic = statistics.median(figure.alembic)

        if limit is None:
            lines.append(report.timing(what + 'the call', figure.call))
        else:
            lines.append(report.line(
                what + '**the call**', report.durations(figure.call),
                'at most %s' % report.duration(limit), call <= limit))
        lines.append(report.timing(what + 'the call, processor time',
                                   figure.processor))
        if previous is not None:
            lines.append(report.at_most(
                what + '**growth of that** against {:,}'.format(previous),
                statistics.median(figure.processor) /
                statistics.median(figures[previous].processor),
                size / previous, '%.1f x'))
        lines += [
            report.timing(what + 'a first join of our tables instead',
                          figure.look),
            report.timing(what + 'connecting and the call', figure.connected),
            report.timing(what + '`psql -c` with the call', figure.process),
            report.timing(what + '`alembic upgrade head`', figure.alembic),
            report.at_least(what + '**Alembic / connecting and the call**',
                            alembic / statistics.median(figure.connected), 50,
                            '%.0f x'),
            report.line(what + 'Alembic / the call; Alembic / `psql -c`',
                        '%.0f x; %.0f x' % (
                            alembic / call,
                            alembic / statistics.median(figure.process))),
        ]
        previous = size
    return lines
