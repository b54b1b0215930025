"""The same revisions for all: as revision files, as a script with the
bookkeeping written out, as a script without, and as an Alembic project.

Copyright (c) 2026, the migrate authors
"""

import hashlib
import re

import server

# a message as people write them, and what a step costs to record
MESSAGE = 'change number %d of the schema'

REVISION_FILE = '''\
-- %(message)s
--
-- Revision ID: %(id)s
-- Revises: %(parent)s
-- Branch Labels:
-- Depends On:
-- Create Date: 2024-12-09 10:00:00+00

-- migrate:upgrade
%(upgrade)s

-- migrate:downgrade
%(downgrade)s
'''

ALEMBIC_FILE = '''\
"""%(message)s

Revision ID: %(id)s
Revises: %(parent)s
Create Date: 2024-12-09 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '%(id)s'
down_revision = %(parent_or_none)s
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(%(upgrade)r)


def downgrade() -> None:
    op.execute(%(downgrade)r)
'''

# what migrate_upgrade() writes for a step, as literals
LOG_ROW = '''\
INSERT INTO migrate.log (environment, revision, direction, versions_before, \
versions_after, started_at, duration, role, session_role, application_name, \
client_address, outcome, statements, checksum, search_path, tag) VALUES \
('default', '%(id)s', 'upgrade', '{%(parent)s}', '{%(id)s}', \
'2024-12-09 10:00:00.123456+00', '00:00:00.000456', 'postgres', SESSION_USER, \
current_setting('application_name'), inet_client_addr(), 'done', 1, \
'%(checksum)s', '"$user", public', NULL);
'''


class Project:
    """A chain of revisions; upgrade and downgrade make their one statement,
    without its semicolon, of a number that counts from 1."""

    def __init__(self, size, upgrade, downgrade):
        self.revisions = []
        parent = ''
        for number in range(1, size + 1):
            name = hashlib.md5(b'%d' % number).hexdigest()[:12]
            self.revisions.append({
                'number': number,
                'id': name,
                'parent': parent,
                'parent_or_none': repr(parent) if parent else 'None',
                'message': MESSAGE % number,
                'upgrade': upgrade(number),
                'downgrade': downgrade(number),
                'checksum': hashlib.sha256(name.encode()).hexdigest(),
            })
            parent = name

    def load(self, connection):
        """Load the revisions into a database."""
        scripts = [REVISION_FILE % dict(
            revision, upgrade=revision['upgrade'] + ';',
            downgrade=revision['downgrade'] + ';')
            for revision in self.revisions]
        server.query(connection,
                     'SELECT count(*) FROM migrate_load_files(%s)', (scripts,))

    def write_script(self, path, bookkeeping):
        """Write the script for psql, with or without the bookkeeping."""
        with open(path, 'w', encoding='ascii') as script:
            if bookkeeping:
                script.write('CREATE TABLE public.alembic_version ('
                             'version_num text NOT NULL, CONSTRAINT '
                             'alembic_version_pkc PRIMARY KEY (version_num));\n')
            for revision in self.revisions:
                script.write(revision['upgrade'] + ';\n')
                if not bookkeeping:
                    continue
                if revision['parent']:
                    script.write("UPDATE public.alembic_version "
                                 "SET version_num = '%(id)s' "
                                 "WHERE version_num = '%(parent)s';\n"
                                 % revision)
                else:
                    script.write("INSERT INTO public.alembic_version "
                                 "(version_num) VALUES ('%(id)s');\n"
                                 % revision)
                script.write(LOG_ROW % revision)

    def write_alembic(self, folder):
        """Make an Alembic project as "alembic init" makes it, but for the
        URL, which leaves all to the environment."""
        folder.mkdir()
        server.run([server.PYTHON, '-m', 'alembic', 'init', 'alembic'],
                   'postgres', cwd=folder)
        ini = folder / 'alembic.ini'
        ini.write_text(re.sub('^sqlalchemy.url = .*$',
                              'sqlalchemy.url = postgresql+psycopg2://',
                              ini.read_text(), flags=re.MULTILINE))
        versions = folder / 'alembic' / 'versions'
        for revision in self.revisions:
            name = '%s_%s.py' % (revision['id'],
                                 revision['message'].replace(' ', '_'))
            (versions / name).write_text(ALEMBIC_FILE % revision)
