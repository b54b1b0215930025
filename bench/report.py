"""The table that a run prints.

Copyright (c) 2026, the migrate authors
"""

import os
import statistics
import time

import server

COLUMNS = ('what', 'measured', 'limit', '')


def line(what, measured, limit='', met=None):
    """One line of the table; without a limit it is there to compare with."""
    verdict = '' if met is None else 'ok' if met else '**MISSED**'
    return what, measured, limit, verdict


def at_most(what, value, limit, form, note=''):
    """A line whose value must not be above the limit."""
    return line(what, form % value + note, 'at most ' + form % limit,
                value <= limit)


def at_least(what, value, limit, form):
    """A line whose value must not be below the limit."""
    return line(what, form % value, 'at least ' + form % limit, value >= limit)


def timing(what, seconds):
    """A line with the median of some durations, and their range."""
    return line(what, durations(seconds))


def durations(seconds):
    """Their median, and in brackets the range and their number."""
    return '%s (%s to %s, %d runs)' % (
        duration(statistics.median(seconds)), duration(min(seconds)),
        duration(max(seconds)), len(seconds))


def duration(seconds):
    if seconds < 0.1:
        return '%.2f ms' % (seconds * 1000)
    if seconds < 1:
        return '%.0f ms' % (seconds * 1000)
    return '%.2f s' % seconds


def show(lines):
    """Print the machine and the table."""
    print()
    for name, value in machine():
        print('- %s: %s' % (name, value))
    print()
    rows = [COLUMNS] + lines
    widths = [max(3, *(len(row[i]) for row in rows))
              for i in range(len(COLUMNS))]
    rows.insert(1, tuple('-' * width for width in widths))
    for row in rows:
        print('| ' + ' | '.join(cell.ljust(width)
                                for cell, width in zip(row, widths)) + ' |')


def machine():
    """What the figures were measured on."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as cpuinfo:
        models = [text.split(':', 1)[1].strip() for text in cpuinfo
                  if text.startswith('model name')]
    return (
        ('CPU', models[0] if models else os.uname().machine),
        ('cores', str(os.cpu_count())),
        ('memory', '%.0f GB' % (memory / 2 ** 30)),
        ('PostgreSQL', server.version()),
        ('Alembic', server.alembic_version()),
        ('date', time.strftime('%Y-%m-%d')),
    )
