# Copyright (c) 2026, the migrate authors
"""What migrate says to cases, in the database that psql connects to.

Everything happens in one transaction that is rolled back in the end, so the
database may be any in which the extension is not yet.
"""
import itertools
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """psql could not run the cases at all."""


def revision_file(row):
    return """-- new

-- Revision ID: %s
-- Revises: %s
-- Branch Labels: %s
-- Depends On: %s

-- migrate:upgrade

-- migrate:downgrade
""" % (row["id"], ", ".join(row["down"]), ", ".join(row["labels"]),
       ", ".join(row["deps"]))


def copy_field(value):
    """A value as JSON, as COPY wants it."""
    return json.dumps(value).replace("\\", "\\\\")


def script(cases):
    with open(os.path.join(HERE, "functions.sql"), encoding="utf-8") as file:
        functions = file.read()
    yield "BEGIN;\nSET LOCAL client_min_messages = error;\n"
    yield "CREATE EXTENSION migrate;\n"
    yield functions
    yield "CREATE TABLE alembic_version (version_num text PRIMARY KEY);\n"
    yield "CREATE TEMP TABLE oracle_input (id serial, files jsonb, cases jsonb);\n"
    yield "COPY oracle_input (files, cases) FROM STDIN;\n"
    numbered = enumerate(cases)
    for graph, group in itertools.groupby(numbered, lambda x: x[1]["graph"]):
        yield "%s\t%s\n" % (
            copy_field([revision_file(row) for row in graph]),
            copy_field([{"number": number, "command": case["command"],
                         "heads": case["heads"]} for number, case in group]))
    yield "\\.\n"
    yield """SELECT number || ' ' || answer
	FROM oracle_input, oracle_graph(
		ARRAY(SELECT jsonb_array_elements_text(files)), cases);
"""
    yield "ROLLBACK;\n"


def answers(cases):
    """The answers to a list of cases, in the same order."""
    result = subprocess.run(
        [os.environ.get("PSQL", "psql"), "-X", "-q", "-A", "-t",
         "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input="".join(script(cases)), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", check=False)
    if result.returncode != 0:
        raise Failure("psql failed: " + result.stderr)
    found = {}
    for line in result.stdout.splitlines():
        number, answer = line.split(" ", 1)
        found[int(number)] = json.loads(answer)
    return [found[number] for number in range(len(cases))]
