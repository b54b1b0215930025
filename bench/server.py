"""Databases, and the programs that are timed.

Every program that is timed is a process of its own, found on the PATH, which
connects by the environment (PGHOST and the like).

Copyright (c) 2026, the migrate authors
"""

import atexit
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

PYTHON = '/usr/bin/python3'
FUNCTION_CALL = "SELECT migrate_upgrade('head')"


def say(text):
    """Tell on standard error how far the run is; the table goes to stdout."""
    print(text, file=sys.stderr, flush=True)


def make_folder():
    """A folder for files: in tmp/ of the tree if dev/bench made it there."""
    parent = pathlib.Path(__file__).resolve().parent.parent / 'tmp' / 'bench'
    folder = tempfile.mkdtemp(
        prefix='files.', dir=parent if os.access(parent, os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


# ---- databases ----

@contextlib.contextmanager
def connect(database):
    """An autocommitting connection, which the end of the block closes."""
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def query(connection, sql, arguments=None):
    """The rows of a query, or nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else None


@contextlib.contextmanager
def database(name, template='template0'):
    """A database that is dropped at the end of the block."""
    with connect('postgres') as connection:
        query(connection, 'DROP DATABASE IF EXISTS %s WITH (FORCE)' % name)
        query(connection, 'CREATE DATABASE %s TEMPLATE %s' % (name, template))
    try:
        yield name
    finally:
        with connect('postgres') as connection:
            query(connection, 'DROP DATABASE IF EXISTS %s WITH (FORCE)' % name)


def checkpoint():
    """Have what was written before on disk, so that no timed run pays it."""
    with connect('postgres') as connection:
        query(connection, 'CHECKPOINT')


def settle(connection):
    """Do what autovacuum does within a minute of a large change."""
    query(connection, 'VACUUM ANALYZE')


def version():
    with connect('postgres') as connection:
        return query(connection, 'SHOW server_version')[0][0]


# ---- programs ----

def run(command, database_name, **options):
    """Run a program to its end, and return its output and how long it took."""
    environment = dict(os.environ, PGDATABASE=database_name)
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, **options)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit('%s failed:\n%s' % (' '.join(map(str, command)),
                                     done.stderr[-2000:]))
    return done.stdout, seconds


def psql(database_name, *arguments):
    """Run psql; return how long the process and its statements took."""
    output, seconds = run(
        ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', r'\timing on',
         *arguments], database_name)
    times = re.findall(r'^Time: ([0-9.]+) ms', output, re.MULTILINE)
    return seconds, sum(map(float, times)) / 1000


def alembic(folder, database_name, *arguments):
    """Run Alembic in its project's folder; return how long it took."""
    return run([PYTHON, '-m', 'alembic', *arguments], database_name,
               cwd=folder)[1]


def alembic_version():
    return run([PYTHON, '-c', 'import alembic; print(alembic.__version__)'],
               'postgres')[0].strip()


# ---- a backend, seen from outside ----

def run_time(connection):
    """The seconds that a connection's backend has been on a processor."""
    path = '/proc/%d/schedstat' % connection.get_backend_pid()
    with open(path, encoding='ascii') as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


class MemoryWatch:
    """Watches the private memory of a backend while a block runs.

    Counted is RssAnon: the pages that no other process shares and no file
    backs.  Shared buffers and the server's own code are left out.  It is read
    every half millisecond, by another thread.
    """

    def __init__(self, connection):
        self.path = '/proc/%d/status' % connection.get_backend_pid()
        self.before = self.peak = self.read()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.ended.set()
        self.thread.join()

    def watch(self):
        while not self.ended.wait(0.0005):
            self.peak = max(self.peak, self.read())

    def read(self):
        with open(self.path, encoding='ascii') as status:
            return 1024 * int(re.search(r'^RssAnon:\s*(\d+) kB', status.read(),
                                        re.MULTILINE).group(1))

    @property
    def growth(self):
        return self.peak - self.before
