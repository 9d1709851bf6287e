# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run of faults came to, for people: a line for each row, and a table in Markdown with a line for each fault, as that of README.md."""

import re

from victims import LEFT, LOST

OUTCOMES_MAX = 4


def short(outcome):
    """"done: running (booted), another monitor" is "done", "shut off (crashed), saved" is "shut off"."""
    return re.split(r":| \(|, ", outcome)[0]


def add(into, counts, name=lambda n: n):
    for n, count in counts.items():
        into[name(n)] = into.get(name(n), 0) + count
    return into


def outcome(outcomes, kinds):
    """The most frequent outcomes, and how often something was lost or left behind."""
    known = sorted(((n, o) for o, n in add({}, outcomes, short).items() if o != "problem"), reverse=True)
    words = [f"{o} {n}" for n, o in known[:OUTCOMES_MAX]]
    rest = sum(n for n, _ in known[OUTCOMES_MAX:])
    other = f", other problems {kinds['other']}" if kinds.get("other") else ""
    return ", ".join(words + ([f"other {rest}"] if rest else [])) + f"; lost {kinds.get(LOST, 0)}, left behind {kinds.get(LEFT, 0)}{other}"


def head(result):
    return f"commit {result['commit']}, seed {result['seed']}, {result['times']} times each"


def text(result):
    lines = [head(result), f"{'fault':16} {'stage':16} {'hits':>5} {'of':>5} {'s each':>7} {'s':>6}  outcome"]
    for r in result["rows"]:
        lines.append(f"{r['fault']:16} {r['stage']:16} {r['hits']:5} {r['attempts']:5} {r['seconds_each']:7.2f} {r['seconds']:6.0f}  "
                     f"{outcome(r['outcomes'], r['problem_kinds'])}")
    return "\n".join(lines) + "\n"


def markdown(result):
    faults = {}
    for r in result["rows"]:
        faults.setdefault(r["fault"], []).append(r)
    lines = [head(result), "", "| fault | hits, out of | per stage | outcome | s |", "|---|---|---|---|---|"]
    for fault, rows in faults.items():
        attempts, outcomes, kinds = sum(r["attempts"] for r in rows), {}, {}
        for r in rows:
            add(outcomes, r["outcomes"])
            add(kinds, r["problem_kinds"])
        stages = ", ".join(f"{r['stage']} {r['hits']}" for r in rows)
        each = sum(r["seconds_each"] * r["attempts"] for r in rows) / max(1, attempts)
        lines.append(f"| {fault} | {sum(r['hits'] for r in rows)}, {attempts} | {stages} | {outcome(outcomes, kinds)} | {each:.1f} |")
    return "\n".join(lines) + "\n"
