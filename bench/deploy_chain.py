"""500 cheap revisions, each committed by itself.

The same statements are run by one psql, which commits each of them, too.  What
migrate_deploy() adds is the row of the version table, the row of the log, and
the look at the locks that a script will take.

Copyright (c) 2026, the migrate authors
"""

import statistics

import project
import report
import server

REVISIONS = 500
ROUNDS = 7

TABLE = 'CREATE TABLE bench%04d (id integer)'
OTHERS = (
    'ALTER TABLE bench%04d ADD COLUMN note text',
    "COMMENT ON TABLE bench%04d IS 'a table'",
    'ALTER TABLE bench%04d ALTER COLUMN note SET DEFAULT now()',
    "COMMENT ON COLUMN bench%04d.note IS 'a column'",
)


def measure():
    chain = project.Project(REVISIONS, statement, lambda number: 'SELECT 1')
    script = server.make_folder() / 'statements.sql'
    chain.write_script(script, bookkeeping=False)
    contestants = {
        'migrate': ('-c', 'CALL migrate_deploy()'),
        'psql': ('-f', script),
    }
    processes = {key: [] for key in contestants}
    served = {key: [] for key in contestants}
    with server.database('bench_template') as template:
        with server.connect(template) as connection:
            server.query(connection, 'CREATE EXTENSION migrate')
            chain.load(connection)
            server.settle(connection)
        for number in range(1, ROUNDS + 1):
            server.say('deploy of a chain, round %d of %d' % (number, ROUNDS))
            for key, arguments in contestants.items():
                times = run_once(template, arguments)
                processes[key].append(times[0])
                served[key].append(times[1])
    return summarize(processes, served)


def statement(number):
    """The first of five makes a table, the others change it."""
    table, kind = divmod(number - 1, 5)
    return (TABLE if kind == 0 else OTHERS[kind - 1]) % table


def run_once(template, arguments):
    with server.database('bench_deploy_chain', template) as database:
        server.checkpoint()
        times = server.psql(database, *arguments)
        with server.connect(database) as connection:
            done = server.query(connection, "SELECT count(*) FROM pg_description "
                                "WHERE description = 'a column'")
    if done != [(REVISIONS // 5,)]:
        raise SystemExit('%d revisions were run' % (5 * done[0][0]))
    return times


def summarize(processes, served):
    what = 'deploy of %d revisions: ' % REVISIONS
    medians = {key: statistics.median(times)
               for key, times in processes.items()}
    return [
        report.timing(what + '`migrate_deploy`', processes['migrate']),
        report.timing(what + '`psql -f`, the same statements',
                      processes['psql']),
        report.line(what + 'the statements alone (`\\timing`)',
                    'migrate %s, psql %s' % (
                        report.duration(statistics.median(served['migrate'])),
                        report.duration(statistics.median(served['psql'])))),
        report.at_most(what + '**migrate / psql**',
                       medians['migrate'] / medians['psql'], 1.1, '%.2f x'),
    ]
