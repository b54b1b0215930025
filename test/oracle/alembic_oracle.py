# Copyright (c) 2026, the migrate authors
"""What Alembic itself says to a case: its own ScriptDirectory, RevisionMap and
HeadMaintainer, on a graph that is given as data, without files or database.

A case is a dict:
    graph     [{id, down: [...], deps: [...], labels: [...]}], in load order
    heads     rows of the version table, in the order in which they are read
    command   a list of strings, one of
                  upgrade TARGET, downgrade TARGET, stamp TARGET... [--purge]
                  history [RANGE], resolve SYMBOL, current, heads
                  [--resolve-dependencies], branches, info
                  newrev HEAD [--splice] [--depends-on=X]..., merge REV...

The answer is a dict.  If "ok" is true, it holds
    steps     [[what, id]] and
    heads     the version table afterwards, for upgrade, downgrade and stamp
    revisions a list of ids, for history, resolve and others
or what else the command yields.  Otherwise it holds
    error     the message, and
    clean     whether the command line would have shown it as an error; if
              not, Alembic itself crashes there

Where Alembic's steps are right but its updates of the version table are not,
"model_heads" holds what the table should be, which is what model.py says.
"""
import warnings
from types import SimpleNamespace
from unittest import mock

import alembic
from alembic import util
from alembic.runtime import migration
from alembic.script import ScriptDirectory
from alembic.script import revision as revisions

import model

VERSION = alembic.__version__


class GraphRevision(revisions.Revision):
    """A revision as a migration step wants it, without a file."""

    doc = ""

    def __init__(self, row):
        self.module = SimpleNamespace(upgrade=_script("upgrade"),
                                      downgrade=_script("downgrade"))
        super().__init__(row["id"], tuple(row["down"]) or None,
                         dependencies=tuple(row["deps"]) or None,
                         branch_labels=tuple(row["labels"]) or None)


def _script(name):
    def script(**keywords):
        pass

    script.__name__ = name
    return script


class RecordingHeads(migration.HeadMaintainer):
    """The version table, without a database."""

    def __init__(self, heads):
        context = mock.Mock()
        context.as_sql = True
        super().__init__(context, heads)


def script_directory(graph):
    directory = ScriptDirectory.__new__(ScriptDirectory)
    directory.revision_map = revisions.RevisionMap(
        lambda: [GraphRevision(row) for row in graph])

    # Alembic keeps these in a set, so that the order of steps depends on the
    # seed of Python's hashes; put them back as they were written.
    for revision in directory.revision_map._revision_map.values():
        if revision is not None:
            normalized = set(revision._normalized_resolved_dependencies)
            revision._normalized_resolved_dependencies = tuple(
                name for name in revision._resolved_dependencies
                if name in normalized)
    return directory


def ids(found):
    return [x.revision if isinstance(x, revisions.Revision) else x
            for x in found]


def walk(graph, steps, heads):
    """Take steps, and see what becomes of the version table."""
    table = RecordingHeads(heads)
    plan = [["upgrade" if step.is_upgrade else "downgrade",
             step.revision.revision]
            for step in steps if isinstance(step, migration.RevisionStep)]
    answer = {"ok": True, "steps": plan}
    applied = model.ancestors(graph, heads)
    for what, name in plan:
        (applied.add if what == "upgrade" else applied.discard)(name)
    try:
        for step in steps:
            table.update_to_step(step)
    except (KeyError, AssertionError) as error:
        if not plan:
            raise
        answer.update(ok=False, clean=False, model_heads=model.maximal(graph, applied),
                      error="%s: %s" % (type(error).__name__, error))
        return answer
    answer["heads"] = sorted(table.heads)
    if plan and answer["heads"] != model.maximal(graph, applied):
        answer["model_heads"] = model.maximal(graph, applied)
    return answer


def history(directory, heads, arguments):
    base = head = None
    if arguments:
        if arguments[0].count(":") != 1:
            raise util.CommandError("History range requires [start]:[end], "
                                    "[start]:, or :[end]")
        base, head = arguments[0].strip().split(":")
    lower, upper = base or "base", head or "heads"
    if head == "current":
        upper = heads
    elif base == "current":
        lower = heads
    return ids(directory.walk_revisions(base=lower or "base",
                                        head=upper or "heads"))


def new_revision(directory, name, arguments, flags):
    """What "alembic revision" and "alembic merge" look up and check."""
    heads = (arguments[0] if name == "newrev" else tuple(arguments)) \
        if arguments else "head"
    with directory._catch_revision_errors(multiple_heads=(
            "Multiple heads are present; please specify the head revision on "
            "which the new revision should be based, or perform a merge.")):
        found = directory.revision_map.get_revisions(heads)
        for head in found:
            assert head != "base"
    if len(set(found)) != len(found):
        raise util.CommandError("Duplicate head revisions specified")
    if "--splice" not in flags:
        for head in found:
            if head is not None and not head.is_head:
                raise util.CommandError(
                    "Revision %s is not a head revision; please specify "
                    "--splice to create a new branch from this revision"
                    % head.revision)
    depends_on = []
    with directory._catch_revision_errors():
        for flag in flags:
            if flag.startswith("--depends-on="):
                symbol = flag.split("=", 1)[1]
                revision = directory.revision_map.get_revision(symbol)
                depends_on.append(symbol if symbol in revision.branch_labels
                                  else revision.revision)
    return {"ok": True, "down": ids(found), "depends_on": depends_on}


def information(directory):
    rows = directory.revision_map._revision_map
    return {"ok": True, "heads": list(directory.revision_map.heads),
            "bases": list(directory.revision_map.bases),
            "revisions": [
                {"id": row.revision, "is_head": row.is_head,
                 "is_branch_point": row.is_branch_point,
                 "is_merge_point": row.is_merge_point,
                 "labels": sorted(row.branch_labels)}
                for key, row in rows.items()
                if key and row.revision == key]}


def execute(graph, heads, command):
    directory = script_directory(graph)
    heads = tuple(heads)
    name = command[0]
    arguments = [x for x in command[1:] if not x.startswith("--")]
    flags = [x for x in command[1:] if x.startswith("--")]

    if name in ("upgrade", "downgrade"):
        if ":" in arguments[0]:
            raise util.CommandError("Range revision not allowed")
        plan = directory._upgrade_revs if name == "upgrade" \
            else directory._downgrade_revs
        return walk(graph, plan(arguments[0], heads), heads)
    if name == "stamp":
        if "--purge" in flags:
            heads = ()
        return walk(graph, directory._stamp_revs(tuple(arguments), heads), heads)
    if name in ("newrev", "merge"):
        return new_revision(directory, name, arguments, flags)
    if name == "info":
        return information(directory)

    if name == "history":
        found = history(directory, heads, arguments)
    elif name == "resolve":
        found = ids(directory.get_revisions(arguments[0]))
    elif name == "current":
        found = sorted(ids(directory.get_all_current(heads)))
    elif name == "heads":
        found = ids(directory.get_revisions(
            "heads" if flags else directory.get_heads()))
    elif name == "branches":
        found = [x.revision for x in directory.walk_revisions()
                 if x.is_branch_point]
    else:
        raise ValueError("unknown command %r" % name)
    return {"ok": True, "revisions": found}


def answer(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return execute(case["graph"], case["heads"], case["command"])
        except (util.CommandError, revisions.RevisionError) as error:
            return {"ok": False, "clean": True, "error": str(error)}
        except Exception as error:
            return {"ok": False, "clean": False,
                    "error": "%s: %s" % (type(error).__name__, error)}
