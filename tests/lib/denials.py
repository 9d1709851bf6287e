# SPDX-License-Identifier: LGPL-2.1-or-later
"""What SELinux has refused, as the log has it. The policy's dontaudit rules are off (boot --audit-all)."""

import contextlib
import re

from harness import check, check_equal, journal, run_ok

DENIAL = re.compile(r"avc:  denied  \{ (.*?) \} .*?comm=\"?(\S+?)\"? .*?scontext=(\S+) tcontext=(\S+) tclass=(\S+)")
# Refused on purpose at each start of QEMU and a monitor: so the C library trusts none of the environment, and signals are
# as they are for a program that nobody has started. Both are dontaudit rules: seeing them shows that those are off.
MEANT = {"noatsecure", "siginh"}


def denials(*which):
    """[(permissions, command, source, target, class)] in those entries of the journal ("--since=@TIME")."""
    found = []
    for entry in journal("_TRANSPORT=audit", *which):
        match = DENIAL.search(str(entry["MESSAGE"]))
        if match:
            found.append((set(match[1].split()), *match.groups()[1:]))
    return found


def ours(denial):
    _, command, source, target, _ = denial
    return re.search(r":(svirt_|vmunit_)", source + target) or command.startswith(("vmunit", "qemu"))


def now():
    return run_ok(["date", "+%s.%N"]).strip()


def check_denials(*which, supervisor=True, beside=None):
    """Nothing of a machine was refused anything in those entries, but for what is meant to be, and to read files of type BESIDE;
    and where it has a supervisor, that is seen."""
    seen = [d for d in denials(*which) if ours(d)]
    meant = [d for d in seen if d[0] <= MEANT and d[2].split(":")[2] == "vmunit_supervisor_t"
             or d[0] == {"read"} and d[3].split(":")[2] == beside]
    if supervisor:
        check(any("noatsecure" in d[0] for d in meant), "what must be refused was not logged: so nothing would have been")
    unexpected = sorted({f"{' '.join(sorted(p))} {c}: {s} {t} {k}" for p, c, s, t, k in seen if (p, c, s, t, k) not in meant})
    check_equal(unexpected, [], "denials")


@contextlib.contextmanager
def no_denial(**keywords):
    """None in the meantime."""
    since = now()
    yield
    check_denials(f"--since=@{since}", **keywords)
