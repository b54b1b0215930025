# Copyright (c) 2026, the migrate authors
"""What is right by definition, found without Alembic and without migrate.

A graph is a list of {id, down, deps, labels} in load order; dependencies may
be labels.
"""


def parents(graph):
    """The down revisions and dependencies of each revision, as ids."""
    names = {row["id"]: row["id"] for row in graph}
    for row in graph:
        for label in row["labels"]:
            names[label] = row["id"]
    return {row["id"]: [names[x] for x in row["down"] + row["deps"]]
            for row in graph}


def ancestors(graph, revisions):
    above = parents(graph)
    seen, todo = set(), list(revisions)
    while todo:
        revision = todo.pop()
        if revision not in seen:
            seen.add(revision)
            todo.extend(above[revision])
    return seen


def maximal(graph, applied):
    """Those of the applied revisions that none of them rests on, sorted."""
    above = parents(graph)
    covered = ancestors(graph, [p for x in applied for p in above[x]])
    return sorted(x for x in applied if x not in covered)


def down_descendants(graph, revisions):
    found = set(revisions)
    grown = True
    while grown:
        more = {row["id"] for row in graph
                if row["id"] not in found and found.intersection(row["down"])}
        found |= more
        grown = bool(more)
    return found


def lineage(graph, revision):
    """A revision, what it rests on, and what rests on it."""
    return ancestors(graph, [revision]) | {
        row["id"] for row in graph
        if revision in ancestors(graph, [row["id"]])}


def check_walk(graph, heads, steps):
    """Say what is wrong with steps [[what, id, table afterwards]], or None.

    Parents have to be applied before their children and dropped after them,
    and the table has to hold the maximal applied revisions all the time.
    """
    above = parents(graph)
    applied = ancestors(graph, heads)
    for what, revision, table in steps:
        if what == "upgrade":
            if revision in applied:
                return "%s is applied twice" % revision
            if not applied.issuperset(above[revision]):
                return "%s is applied before a parent" % revision
            applied.add(revision)
        else:
            if revision not in applied:
                return "%s is dropped but was not applied" % revision
            applied.remove(revision)
            if any(revision in above[x] for x in applied):
                return "%s is dropped before a child" % revision
        if sorted(table) != maximal(graph, applied):
            return "after %s %s the table is %s and should be %s" % (
                what, revision, sorted(table), maximal(graph, applied))
    return None
