# Copyright (c) 2026, the migrate authors
"""Where migrate's answer to a case differs from Alembic's.

Three kinds of answers are told apart:
    agree   Alembic's answer is right: ours is the same
    refuse  Alembic raises an error: so do we, with its message
    mend    Alembic crashes, or spoils the version table: we do it right, or
            raise an error

Where Alembic's answer is not the one to follow, DEVIATIONS says why, each for
a set of cases as small as it can be described.
"""
import re

import alembic_oracle
import cases as case_module
import model


def kind(expect):
    if expect["ok"] and "model_heads" not in expect:
        return "agree"
    return "refuse" if expect.get("clean") else "mend"


def difference(case, ours):
    """Say how our answer differs from what it should be, or None."""
    found = difference_from(case, case["expect"], ours)
    if found is not None and case["command"][0] == "history":
        # '-N:current' may go by the first row, but a table has no order
        for head in case["heads"][1:]:
            rows = [head] + [x for x in case["heads"] if x != head]
            other = case_module.solve(dict(case, heads=rows))
            if difference_from(case, other, ours) is None:
                return None
    return found


def difference_from(case, expect, ours):
    if kind(expect) == "refuse" and ours["ok"]:
        return "Alembic refuses this: %s" % expect["error"]
    wrong = invalid(case, ours)
    if wrong is not None:
        return wrong
    if kind(expect) == "refuse":
        if not same_text(expect["error"], ours["error"]) and \
                not blames_another_target(case, ours):
            return "another message than Alembic's: %s" % expect["error"]
        return None
    if kind(expect) == "mend" and "model_heads" not in expect:
        return None             # invalid() has looked at it
    if not ours["ok"]:
        return "refused"
    for key, value in sorted(expect.items()):
        if key == "heads" and "model_heads" in expect:
            continue
        if key == "model_heads":
            key = "heads"
        if key == "steps" and case["command"][0] == "stamp":
            continue
        if key in ("ok", "clean", "error"):
            continue
        got = ours[key]
        if key == "steps":
            got = [step[:2] for step in got]
        if case["command"][0] == "info":
            value, got = unordered(value), unordered(got)
        if got != value:
            return "%s: %s instead of %s" % (key, got, value)
    return None


def unordered(rows):
    return sorted(rows, key=lambda x: x["id"] if isinstance(x, dict) else x)


def invalid(case, ours):
    """What is wrong with our answer in any case, whatever Alembic says."""
    if not ours["ok"]:
        if ours["code"] in ("XX000", "P0001") or ours["code"] == "":
            return "no clean error"
        if not ours["detail"] and not ours["hint"]:
            return "an error without detail and hint"
        return None
    if "steps" not in ours:
        return None
    command = case["command"][0]
    heads = [] if "--purge" in case["command"] else case["heads"]
    if command != "stamp":
        wrong = model.check_walk(case["graph"], heads, ours["steps"])
        if wrong is not None:
            return wrong
    else:
        wrong = invalid_stamp(case, heads, ours)
        if wrong is not None:
            return wrong
    last = ours["steps"][-1][2] if ours["steps"] else heads
    if sorted(last) != ours["heads"]:
        return "the plan ends at %s, running it at %s" % (sorted(last), ours["heads"])
    return None


def invalid_stamp(case, heads, ours):
    """What is wrong with a stamp: it writes what it names, and touches nothing
    that is not in line with that."""
    for _, _, table in ours["steps"]:
        if sorted(table) != model.maximal(case["graph"], table):
            return "a stamp leaves %s" % table
    named = stamp_targets(case)
    if not named.issubset(ours["heads"]):
        return "not all of %s is in the table" % sorted(named)
    if any("@" in x or x == "base" for x in case["command"][1:]):
        return None
    concerned = set().union(*(model.lineage(case["graph"], x) for x in named))
    if set(heads) - concerned != set(ours["heads"]) - named:
        return "rows other than those in line with %s changed" % sorted(named)
    return None


def same_text(theirs, ours):
    return plain(theirs) == plain(ours)


def blames_another_target(case, ours):
    """Of several wrong targets of a stamp, either may be complained about."""
    targets = [x for x in case["command"][1:] if not x.startswith("--")]
    if case["command"][0] != "stamp" or len(targets) < 2:
        return False
    alone = [case_module.solve(dict(case, command=["stamp", x])) for x in targets]
    return any(x.get("clean") and same_text(x["error"], ours["error"])
               for x in alone)


def plain(text):
    """A message without what is meant to differ, or left to chance."""
    text = text.replace(".", "_")
    # a set of revisions, printed in any order
    match = re.match(r"(Requested revision \S+ overlaps with other requested "
                     r"revisions )(.*)$", text)
    if match:
        return match[1] + ", ".join(sorted(match[2].split(", ")))
    # "current" is a tuple to Alembic
    return re.sub(r"(Requested range \S*?:?)\([^)]*\)", r"\1current", text)


# ---- deviations ----

def stamp_targets(case):
    """The revisions that a stamp names."""
    rows = case_module.as_alembic_sees_it(case)
    directory = alembic_oracle.script_directory(rows["graph"])
    found = []
    for target in rows["command"][1:]:
        if not target.startswith("--"):
            found += [x.revision for x in directory.get_revisions(target)]
    original = {row["id"].replace(".", "_"): row["id"] for row in case["graph"]}
    return {original[x] for x in found}


def stamp_overlaps(case, ours):
    if case["command"][0] != "stamp" or not case["expect"]["ok"]:
        return False
    named = stamp_targets(case)
    return not ours["ok"] and ours["code"] == "MG003" and \
        sorted(named) != model.maximal(case["graph"], named)


def stamp_forgets(case, ours):
    if case["command"][0] != "stamp" or not case["expect"]["ok"]:
        return False
    named = stamp_targets(case)
    return ours["ok"] and named.issubset(ours["heads"]) and \
        not named.issubset(case["expect"]["heads"])


def stamp_ignores_base(case, ours):
    command = case["command"]
    return command[0] == "stamp" and case["expect"]["ok"] and ours["ok"] and \
        len([x for x in command[1:] if not x.startswith("--")]) > 1 and \
        any(x == "base" or x.endswith("@base") for x in command[1:]) and \
        set(ours["heads"]) < set(case["expect"]["heads"])


def show_leaves_the_graph(case, ours):
    return case["command"][0] == "resolve" and case["expect"]["ok"] and \
        not ours["ok"] and ours["code"] == "MG008" and \
        any(x is None or x == "base" for x in case["expect"]["revisions"])


def history_below_base(case, ours):
    expect = case["expect"]
    return case["command"][0] == "history" and kind(expect) == "refuse" and \
        re.match(r"-\d+:", case["command"][1]) is not None and \
        not ours["ok"] and ours["code"] == "MG008"


def base_of_no_branch(case, ours):
    match = re.search(r"(?:^|[ :])([^ :@]+)@base(?:$|[ :])",
                      " ".join(case["command"][1:]))
    if match is None or not case["expect"]["ok"] or ours["ok"]:
        return False
    branch = case_module.solve(dict(case, command=["resolve", match[1]]))
    return not branch["ok"] and same_text(branch["error"], ours["error"])


DEVIATIONS = [
    ("the branch in branch@base has to exist",
     "Alembic does not look at it, and takes any base, or none.",
     base_of_no_branch),
    ("a stamp of a revision and one that it rests on is refused",
     "Alembic writes both rows, or drops one of them without a word.",
     stamp_overlaps),
    ("a stamp leaves every revision that it names in the version table",
     "Where another target collapses the branches, Alembic forgets those that "
     "are rows already.", stamp_forgets),
    ("a stamp to a base together with other revisions goes to base",
     "Alembic leaves rows of that base if none is in line with the others.",
     stamp_ignores_base),
    ("showing -N is refused where that is no revision",
     "Alembic finds base or None there, and its command then crashes.",
     show_leaves_the_graph),
    ("a history from -N below a base says so",
     "Alembic looks for a revision called 'heads', or raises for several "
     "heads that nobody has asked for.", history_below_base),
]


def deviation(case, ours):
    for name, _, applies in DEVIATIONS:
        if applies(case, ours):
            return name
    return None
