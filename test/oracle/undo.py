# Copyright (c) 2026, the migrate authors
"""Downgrades that have to take back an upgrade.

An upgrade can be taken back by one downgrade if there is a target above which
exactly the upgraded revisions are applied.  Where there is, the downgrade has
to drop them and leave the version table as it was.
"""
import model


def ways_back(case, ours):
    """The cases of downgrades that undo what this case did, at most one."""
    if case["command"][0] != "upgrade" or not ours["ok"] or not ours["steps"]:
        return
    graph = case["graph"]
    upgraded = {step[1] for step in ours["steps"]}
    applied = model.ancestors(graph, ours["heads"])
    targets = {parent for row in graph if row["id"] in upgraded
               for parent in row["down"]}
    for target in ["base"] + sorted(targets):
        roots = [row["id"] for row in graph
                 if (target in row["down"] if target != "base" else not row["down"])]
        if {x for x in applied
                if model.ancestors(graph, [x]).intersection(roots)} == upgraded:
            yield {"graph": graph, "heads": ours["heads"],
                   "command": ["downgrade", target],
                   "before": sorted(case["heads"]),
                   "upgraded": upgraded}
            return


def difference(case, ours):
    if not ours["ok"]:
        return "refused"
    if {step[1] for step in ours["steps"]} != case["upgraded"]:
        return "other revisions are dropped than were upgraded"
    if ours["heads"] != case["before"]:
        return "the version table was %s before" % case["before"]
    return model.check_walk(case["graph"], case["heads"], ours["steps"])
