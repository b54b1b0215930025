# Copyright (c) 2026, the migrate authors
"""Random graphs, and random walks over them.

Each walk starts from an empty version table and goes on from what Alembic
would leave there, so that the versions of every case are ones that a database
can really have.
"""
import json
import random

import alembic_oracle
import model

WALK_LENGTH = 12
LABELS = ("lib", "core", "auth", "billing", "ext", "shopping")


class Graphs:
    """A random graph, and random names of what is in it."""

    def __init__(self, rnd, clean):
        self.rnd = rnd
        self.dotted = rnd.random() < .1
        self.rows = self.grow()
        if clean:
            self.remove_redundant_parents()
        if rnd.random() < .3:
            rnd.shuffle(self.rows)      # load order is no order of the graph
        self.ids = [row["id"] for row in self.rows]
        self.labels = [x for row in self.rows for x in row["labels"]]

    def new_id(self):
        digits = "".join(self.rnd.choice("abc0123456789def") for _ in range(12))
        if self.dotted:
            return "%s.%s" % (digits[:2], digits[2:])
        return digits

    def grow(self):
        rnd, rows = self.rnd, []
        label_odds, depend_odds, merge_odds, base_odds = (
            rnd.random() * x for x in (.25, .35, .35, .3))
        labels = list(LABELS)
        # a few large ones, where many branches are open at a time
        size = rnd.randint(40, 120) if rnd.random() < .03 else rnd.randint(1, 14)
        for _ in range(size):
            row = {"id": self.new_id(), "down": [], "deps": [], "labels": []}
            older = [x["id"] for x in rows]
            if older and rnd.random() > base_odds:
                revised = {x for y in rows for x in y["down"]}
                tips = [x for x in older if x not in revised] or older
                if len(tips) > 1 and rnd.random() < merge_odds:
                    row["down"] = rnd.sample(tips, rnd.randint(2, min(3, len(tips))))
                else:
                    row["down"] = [rnd.choice(tips if rnd.random() < .7 else older)]
            if older and rnd.random() < depend_odds:
                chosen = rnd.sample(older, rnd.randint(1, min(2, len(older))))
                row["deps"] = sorted(set(chosen) - set(row["down"]))
                rnd.shuffle(row["deps"])
            if labels and rnd.random() < label_odds:
                row["labels"] = [labels.pop(0)]
                if labels and rnd.random() < .1:
                    row["labels"].append(labels.pop(0))
            rows.append(row)
        self.depend_on_labels(rows)
        return rows

    def depend_on_labels(self, rows):
        """Dependencies may be written as labels."""
        by_id = {row["id"]: row for row in rows}
        for row in rows:
            row["deps"] = [
                self.rnd.choice(by_id[x]["labels"] + [x])
                if self.rnd.random() < .3 else x for x in row["deps"]]

    def remove_redundant_parents(self):
        """Leave no parent that another parent rests on.

        That keeps Alembic from most of its mistakes with the version table.
        """
        for row in self.rows:
            for kind in ("deps", "down"):
                for parent in list(row[kind]):
                    others = model.parents(self.rows)[row["id"]]
                    resolved = model.parents(
                        [dict(x, down=[], deps=[parent]) if x is row else x
                         for x in self.rows])[row["id"]][0]
                    others.remove(resolved)
                    if (kind == "deps" or len(row["down"]) > 1) and \
                            resolved in model.ancestors(self.rows, others):
                        row[kind].remove(parent)

    def revision(self):
        length = self.rnd.choice([4, 6, 13, 13, 13])
        return self.rnd.choice(self.ids)[:length]

    def branch(self):
        if self.labels and self.rnd.random() < .8:
            return self.rnd.choice(self.labels)
        return self.revision()


def random_upgrade(g, n):
    return g.rnd.choice([
        "heads", "heads", "head", "base", g.revision(), g.revision(),
        "+%d" % n, "-%d" % n, "head-%d" % n, "base+%d" % n,
        "%s+%d" % (g.revision(), n), "%s-%d" % (g.revision(), n),
        "%s@head" % g.branch(), "%s@heads" % g.branch(),
        "%s@+%d" % (g.branch(), n), "%s@%s" % (g.branch(), g.revision()),
        "%s@%s+%d" % (g.branch(), g.revision(), n),
        "%s@%s-%d" % (g.branch(), g.revision(), n),
        "%s@head-%d" % (g.branch(), n), "%s@-%d" % (g.branch(), n),
        "%s@base" % g.branch(), g.branch(), "nosuch", "nosuch@base", "a:b"])


def random_downgrade(g, n):
    return g.rnd.choice([
        "base", "-%d" % n, "-1", "-1", g.revision(), g.revision(),
        "+%d" % n, "head", "heads", "head-%d" % n, "base+%d" % n,
        "%s-%d" % (g.revision(), n), "%s+%d" % (g.revision(), n),
        "%s@base" % g.branch(), "%s@-%d" % (g.branch(), n),
        "%s@%s" % (g.branch(), g.revision()),
        "%s@%s+%d" % (g.branch(), g.revision(), n),
        "%s@%s-%d" % (g.branch(), g.revision(), n),
        "%s@head-%d" % (g.branch(), n), g.branch(), "nosuch"])


def random_stamp(g, n):
    def target():
        return g.rnd.choice([
            "heads", "head", "base", g.revision(), g.revision(), g.branch(),
            "%s@head" % g.branch(), "%s@base" % g.branch(),
            "%s@%s" % (g.branch(), g.revision()), "nosuch", "+%d" % n,
            "%s-%d" % (g.revision(), n)])

    targets = [target() for _ in range(g.rnd.choice([1, 1, 1, 2]))]
    return targets + (["--purge"] if g.rnd.random() < .2 else [])


def random_range(g, n):
    start = g.rnd.choice([
        "", "", "base", "current", g.revision(), g.revision(), "-%d" % n,
        "%s@base" % g.branch(), "%s-%d" % (g.revision(), n)])
    end = g.rnd.choice([
        "", "", "head", "heads", g.revision(), g.revision(), "+%d" % n,
        "%s@head" % g.branch(), "%s@head-%d" % (g.branch(), n),
        "%s@+%d" % (g.branch(), n), "%s+%d" % (g.revision(), n),
        "%s-%d" % (g.revision(), n)] + ["current"] * (start != "current"))
    return g.rnd.choice(["%s:%s" % (start, end)] * 9 + [g.revision()])


def random_look(g, n):
    return g.rnd.choice([
        ["resolve", g.rnd.choice([
            g.revision(), g.branch(), "heads", "head", "base", "nosuch",
            "%s@head" % g.branch(), "%s@heads" % g.branch(),
            "%s@%s" % (g.branch(), g.revision()), "-%d" % n])],
        ["history"], ["heads"], ["heads", "--resolve-dependencies"],
        ["branches"], ["current"], ["current"], ["info"]])


def random_author(g, n):
    flags = ["--splice"] * (g.rnd.random() < .3)
    if g.rnd.random() < .4:
        return ["merge"] + g.rnd.choice([
            ["heads"], [g.revision(), g.revision()],
            ["%s@head" % g.branch(), g.revision()]]) + flags
    if g.rnd.random() < .3:
        flags += ["--depends-on=" + g.rnd.choice([
            g.revision(), g.branch(), "head", "nosuch",
            "%s@head" % g.branch()])]
    return ["newrev", g.rnd.choice([
        "head", "heads", "base", g.revision(), g.revision(),
        "%s@head" % g.branch()])] + flags


def random_command(g):
    n = g.rnd.randint(1, 4)
    kind = g.rnd.choice(["upgrade"] * 6 + ["downgrade"] * 5 + ["stamp"] * 3 +
                        ["history"] * 3 + ["look", "author"])
    if kind == "upgrade":
        return ["upgrade", random_upgrade(g, n)]
    if kind == "downgrade":
        return ["downgrade", random_downgrade(g, n)]
    if kind == "stamp":
        return ["stamp"] + random_stamp(g, n)
    if kind == "history":
        return ["history", random_range(g, n)]
    return random_look(g, n) if kind == "look" else random_author(g, n)


def as_alembic_sees_it(case):
    """Alembic takes no dots in relative targets; give it underscores there.

    Ids with dots are to work as any others do, so nothing else changes.
    """
    return json.loads(json.dumps(case).replace(".", "_"))


def walks(count, seed):
    """Yield that many cases, each with Alembic's answer as "expect".

    In every other walk, no revision has a redundant parent.
    """
    rnd = random.Random(seed)
    number = 0
    while number < count:
        clean = rnd.random() < .5
        g = Graphs(rnd, clean)
        heads = []
        for _ in range(min(WALK_LENGTH, count - number)):
            case = {"graph": g.rows, "heads": heads, "command": random_command(g)}
            case["expect"] = expect = solve(case)
            yield case
            number += 1
            if expect["ok"] and "steps" in expect:
                heads = model.maximal(g.rows,
                                      model.ancestors(g.rows, expect["heads"]))
                rnd.shuffle(heads)


def solve(case):
    """Alembic's answer to a case, in terms of the case's own ids."""
    expect = alembic_oracle.answer(as_alembic_sees_it(case))
    text = json.dumps(expect)
    for row in case["graph"]:
        text = text.replace(row["id"].replace(".", "_"), row["id"])
    return json.loads(text)
