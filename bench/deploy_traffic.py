"""ALTER TABLE on a table that 20 clients use and one reader does not let go.

The clients are those of pgbench, as fast as they can: each transaction updates
a row of the table, reads it, and inserts a row elsewhere.  One process of
pgbench runs throughout, so that no client ever has to connect; its log tells
when each transaction began and how long it took.

The reader has a transaction open in which it has read from the table.  Beside
it the clients run for a while, with nobody else (the baseline) or with
somebody who wants to add a column and cannot have it yet; then the reader ends
and the column is added.  What is called the worst latency is that of the
transactions that were in hand while the reader was.

Copyright (c) 2026, the migrate authors
"""

import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import time

import project
import report
import server

CLIENTS = 20
SCALE = 10                      # a million accounts
SECONDS = 10                    # that the reader stays
ROUNDS = 5
COMPARISON_ROUNDS = 1           # for those whose outcome is no matter of chance
PAUSE = 1                       # between one and the next, in seconds

DATABASE = 'bench_deploy_traffic'
ADD_COLUMN = 'ALTER TABLE pgbench_accounts ADD COLUMN %s%d integer'


class Contestant:
    """Somebody who adds columns, one in each round, or nobody."""

    def __init__(self, rounds, start):
        self.rounds = rounds
        self.start = start      # makes a process of a round's number, or None
        self.windows = []       # when the clients ran beside the reader
        self.after = []         # from its end to the column
        self.worst = []         # each the worst latency of a window
        self.late = []          # of 1 in 1,000 transactions in a window
        self.rate = []          # transactions that ended per second
        self.worst_after = []   # the worst latency when the lock was had


def measure():
    contestants = {
        'nobody': Contestant(ROUNDS, lambda number: None),
        'deploy': Contestant(ROUNDS, lambda number: start_psql(
            'CALL migrate_deploy(\'+1\')')),
        'psql': Contestant(COMPARISON_ROUNDS, lambda number: start_psql(
            ADD_COLUMN % ('psql', number))),
        'patient': Contestant(COMPARISON_ROUNDS, lambda number: start_retrying(
            ADD_COLUMN % ('patient', number))),
    }
    folder = server.make_folder()
    with server.database(DATABASE):
        make_database()
        with pgbench(folder):
            time.sleep(2 * PAUSE)
            for number in range(1, ROUNDS + 1):
                server.say('deploy beside %d clients, round %d of %d'
                           % (CLIENTS, number, ROUNDS))
                for contestant in contestants.values():
                    if number <= contestant.rounds:
                        run_once(contestant, number)
                        time.sleep(PAUSE)
    transactions = read_log(folder)
    for contestant in contestants.values():
        judge(contestant, transactions)
    return summarize(contestants)


def make_database():
    chain = project.Project(
        ROUNDS, lambda number: ADD_COLUMN % ('deploy', number),
        lambda number: 'ALTER TABLE pgbench_accounts DROP COLUMN deploy%d' % number)
    server.say('deploy beside %d clients, making the table' % CLIENTS)
    server.run(['pgbench', '--initialize', '--quiet', '--scale=%d' % SCALE],
               DATABASE)
    with server.connect(DATABASE) as connection:
        server.query(connection, 'CREATE EXTENSION migrate')
        chain.load(connection)
        server.settle(connection)
    server.checkpoint()


@contextlib.contextmanager
def pgbench(folder):
    """Run pgbench while the block runs."""
    process = subprocess.Popen(
        ['pgbench', '--no-vacuum', '--builtin=simple-update',
         '--client=%d' % CLIENTS, '--time=3600', '--log',
         '--log-prefix=%s' % (folder / 'log')],
        env=dict(os.environ, PGDATABASE=DATABASE), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        # so --time tells it that the time is over
        process.send_signal(signal.SIGALRM)
        _, messages = process.communicate()
    if process.returncode != 0:
        raise SystemExit('pgbench failed:\n' + messages[-2000:])


def start_psql(sql):
    return start(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', sql])


def start_retrying(sql):
    """As a script does it: until it succeeds, with a second between."""
    return start(['sh', '-c', 'until psql -X -q -v ON_ERROR_STOP=1 '
                  '-c "SET lock_timeout = \'2s\'" -c "$1"; do sleep 1; done',
                  'sh', sql])


def start(command):
    return subprocess.Popen(command,
                            env=dict(os.environ, PGDATABASE=DATABASE),
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def run_once(contestant, number):
    """Let the clients run beside the reader and a contestant."""
    with server.connect(DATABASE) as connection:
        server.query(connection, 'BEGIN; DECLARE reader CURSOR FOR '
                     'SELECT * FROM pgbench_accounts; FETCH reader')
        time.sleep(PAUSE)
        begin = time.time()
        process = contestant.start(number)
        time.sleep(SECONDS)
        if process is not None and process.poll() is not None:
            raise SystemExit('the column was added in spite of the reader')
        end = time.time()
    contestant.windows.append((begin, end))
    if process is not None:
        if process.wait() != 0:
            raise SystemExit('a column could not be added')
        contestant.after.append(time.time() - end)


def read_log(folder):
    """When each transaction began and ended."""
    transactions = []
    for path in pathlib.Path(folder).glob('log.*'):
        with open(path, encoding='ascii') as log:
            for text in log:
                _, _, latency, _, seconds, microseconds = text.split()[:6]
                end = int(seconds) + int(microseconds) / 1e6
                transactions.append((end - int(latency) / 1e6, end))
    return transactions


def judge(contestant, transactions):
    for begin, end in contestant.windows:
        latencies = latencies_in(transactions, begin, end)
        contestant.worst.append(latencies[-1])
        contestant.late.append(latencies[len(latencies) * 999 // 1000])
        contestant.rate.append(
            sum(begin <= last < end for _, last in transactions) / SECONDS)
    for (_, end), after in zip(contestant.windows, contestant.after):
        contestant.worst_after.append(
            latencies_in(transactions, end, end + after)[-1])


def latencies_in(transactions, begin, end):
    """How long those took that were in hand at some time, the least first."""
    return sorted(last - first for first, last in transactions
                  if first < end and last >= begin)


def summarize(contestants):
    what = 'ADD COLUMN beside %d clients: ' % CLIENTS
    names = {
        'nobody': 'nobody waits',
        'deploy': '`migrate_deploy` waits',
        'psql': '`psql` waits',
        'patient': '`psql` with `lock_timeout`, again and again',
    }
    lines = []
    for key, name in names.items():
        lines.append(report.timing(what + name + ', the worst latency',
                                   contestants[key].worst))
    for title, attribute, form in (
            ('99.9 % of latencies are below', 'late', report.duration),
            ('transactions per second', 'rate', '{:,.0f}'.format)):
        lines.append(report.line(what + title, ', '.join(
            '%s %s' % (short, form(statistics.median(
                getattr(contestants[key], attribute))))
            for key, short in (('nobody', 'nobody'), ('deploy', 'migrate'),
                               ('psql', 'psql'),
                               ('patient', 'with `lock_timeout`')))))
    lines += [
        report.timing(what + 'from the end of the reader to the column, '
                      '`migrate_deploy`', contestants['deploy'].after),
        report.timing(what + 'the worst latency in this time',
                      contestants['deploy'].worst_after),
    ]
    worst = {key: statistics.median(contestant.worst)
             for key, contestant in contestants.items()}
    lines += [
        report.at_most(what + '**worst latency, migrate / nobody**',
                       worst['deploy'] / worst['nobody'], 3, '%.2f x'),
        report.line(what + 'worst latency, psql / nobody; with `lock_timeout`',
                    '%.0f x; %.0f x' % (worst['psql'] / worst['nobody'],
                                        worst['patient'] / worst['nobody'])),
    ]
    return lines
