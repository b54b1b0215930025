"""A new column of 5 million rows is filled.

Each contestant begins with a fresh copy of the same database, after a
checkpoint.  It is migrate_deploy(), which chooses the size of its batches by
itself; the procedure that one would write by hand, with batches of 10,000 keys
and of as many as migrate_deploy() has come to; and a single UPDATE.  More than
a gigabyte of WAL is written by each, so that all depends on what the disk has
to do besides; what the backend spent on a processor does not.

A row that a transaction has changed is locked to its end.  So how long rows are
locked is how long transactions last that have changed something, and that is
read from pg_stat_activity every 5 milliseconds.

Copyright (c) 2026, the migrate authors
"""

import statistics
import threading
import time

import project
import report
import server

ROWS = 5000000
ROUNDS = 5
TARGET = 0.5                    # migrate.batch_target_duration, in seconds
HAND_SIZE = 10000

TEMPLATE = 'bench_backfill_template'
DATABASE = 'bench_backfill'

TABLE = '''\
CREATE TABLE orders AS
SELECT id, (id * 7919 %% 100003)::integer AS customer,
    (id %% 1000)::integer AS quantity, 250 AS price,
    md5(id::text) AS reference
FROM generate_series(1, %d::bigint) id;
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE orders ADD COLUMN total integer''' % ROWS

UPDATE = 'UPDATE orders SET total = quantity * price WHERE total IS NULL'

PROCEDURE = '''\
CREATE PROCEDURE fill_total(size bigint) LANGUAGE plpgsql AS $$
DECLARE
    last bigint := (SELECT max(id) FROM orders);
    from_id bigint := (SELECT min(id) FROM orders);
BEGIN
    WHILE from_id <= last LOOP
        UPDATE orders SET total = quantity * price
        WHERE id >= from_id AND id < from_id + size AND total IS NULL;
        COMMIT;
        from_id := from_id + size;
    END LOOP;
END $$'''


class Watch:
    """Watches the transactions of a database while a block runs."""

    def __init__(self, connection):
        self.connection = connection
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.longest = {}       # transaction -> seconds
        self.sizes = {}         # of batches: their number -> the size

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.ended.set()
        self.thread.join()

    def watch(self):
        looks = 0
        while not self.ended.wait(0.005):
            for transaction, seconds in server.query(self.connection, '''\
                    SELECT (pid, xact_start)::text,
                        extract(epoch FROM clock_timestamp() - xact_start)::float8
                    FROM pg_stat_activity
                    WHERE datname = current_database()
                    AND backend_type = 'client backend'
                    AND backend_xid IS NOT NULL'''):
                self.longest[transaction] = seconds
            looks += 1
            if looks % 10 == 0:
                self.sizes.update(server.query(
                    self.connection,
                    'SELECT batch_count, batch_size FROM migrate.progress'))

    def longest_transaction(self):
        return max(self.longest.values())

    def settled_size(self):
        """The usual size of batches in the second half of the run."""
        sizes = [self.sizes[number] for number in sorted(self.sizes)]
        return int(statistics.median(sizes[len(sizes) // 2:]))


class Figures:
    """What was measured of a contestant, in seconds."""

    def __init__(self):
        self.seconds = []       # from begin to end
        self.processor = []     # that the backend spent
        self.locked = []        # the longest transaction


def measure():
    figures = {key: Figures() for key in ('deploy', 'hand', 'same', 'update')}
    size = batches = None
    with server.database(TEMPLATE):
        make_template()
        for number in range(1, ROUNDS + 1):
            server.say('backfill, round %d of %d' % (number, ROUNDS))
            for key in turn(number):
                watch = run_once({
                    'deploy': 'CALL migrate_deploy()',
                    'hand': 'CALL fill_total(%d)' % HAND_SIZE,
                    'same': 'CALL fill_total(%s)' % size,
                    'update': UPDATE}[key], figures[key])
                if key == 'deploy':
                    size, batches = watch.settled_size(), max(watch.sizes)
    return summarize(figures, size, batches)


def turn(number):
    """The contestants of a round, each round beginning with another one."""
    keys = ['deploy', 'hand', 'same']
    first = (number - 1) % len(keys)
    keys = keys[first:] + keys[:first]
    # once is enough of what is not judged
    return keys + ['update'] if number == 1 else keys


def make_template():
    server.say('backfill, making the table')
    chain = project.Project(
        1, lambda number: UPDATE + ' AND migrate_batch(orders.id)',
        lambda number: 'UPDATE orders SET total = NULL')
    with server.connect(TEMPLATE) as connection:
        server.query(connection, 'CREATE EXTENSION migrate')
        server.query(connection, TABLE)
        server.query(connection, PROCEDURE)
        chain.load(connection)
        server.settle(connection)


def run_once(statement, figures):
    """Measure a statement; return what was seen meanwhile."""
    # copied as files: else all of it goes through the WAL
    with server.database(DATABASE, TEMPLATE + ' STRATEGY file_copy'), \
            server.connect(DATABASE) as connection, \
            server.connect(DATABASE) as watching:
        server.checkpoint()
        with Watch(watching) as watch:
            before = server.run_time(connection)
            begin = time.perf_counter()
            server.query(connection, statement)
            figures.seconds.append(time.perf_counter() - begin)
            figures.processor.append(server.run_time(connection) - before)
        figures.locked.append(watch.longest_transaction())
        left = server.query(connection, 'SELECT count(*) FROM orders '
                            'WHERE total IS DISTINCT FROM quantity * price')
        if left != [(0,)]:
            raise SystemExit('%d rows were left out' % left[0][0])
    return watch


def summarize(figures, size, batches):
    what = 'backfill of {:,} rows: '.format(ROWS)
    by_hand = 'a loop by hand, {:,} keys each'
    names = {
        'deploy': '`migrate_deploy`',
        'hand': by_hand.format(HAND_SIZE),
        'same': by_hand.format(size),
        'update': 'one `UPDATE`',
    }
    lines = [report.timing(what + name, figures[key].seconds)
             for key, name in names.items()]
    for title, attribute in (('processor time', 'processor'),
                             ('rows were locked for up to', 'locked')):
        lines.append(report.line(what + title, ', '.join(
            '%s %s' % (short, report.duration(statistics.median(
                getattr(figures[key], attribute))))
            for key, short in (('deploy', 'migrate'), ('hand', 'loop'),
                               ('same', 'loop with larger batches'),
                               ('update', '`UPDATE`')))))
    longest = max(figures['deploy'].locked)
    lines.append(report.line(
        what + 'batches of `migrate_deploy`',
        '{:,}, at last of {:,} rows each'.format(batches, size)))
    for key, short in (('hand', 'the loop'),
                       ('same', 'the loop with larger batches')):
        lines.append(report.at_most(
            what + '**migrate / %s**' % short,
            ratio(figures['deploy'].seconds, figures[key].seconds),
            1.3, '%.2f x'))
    return lines + [
        report.at_most(what + '**longest row lock / '
                       '`migrate.batch_target_duration`**',
                       longest / TARGET, 2, '%.2f x'),
        report.line(what + 'longest row lock, one `UPDATE` / migrate',
                    '%.0f x' % (max(figures['update'].locked) / longest)),
    ]


def ratio(ours, theirs):
    """The median of the ratios in each round."""
    return statistics.median(a / b for a, b in zip(ours, theirs))
