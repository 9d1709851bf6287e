# SPDX-License-Identifier: LGPL-2.1-or-later
"""What strace has written, as numbers that do not depend on how busy the machine was: which program made how many system calls,
sent how many D-Bus messages, made how many processes and executed how many programs."""

import collections
import os
import re

BUSES = ("/run/dbus/system_bus_socket", "/run/systemd/private")
FORKS = ("clone", "clone3", "fork", "vfork")
LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)")


class Count:
    def __init__(self):
        self.syscalls, self.messages, self.forks, self.execs = 0, 0, 0, 0

    def numbers(self):
        return {"syscalls": self.syscalls, "messages": self.messages, "forks": self.forks, "execs": self.execs}


def lines_of(text):
    """(pid, call, is it the beginning of the call, all that is known of its arguments and result)."""
    begun = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        pid, call, rest = int(match[1]), match[2], match[3]
        first = " resumed>" not in line[:match.start(3)]
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            yield pid, call, True, ""
        else:
            yield pid, call, first, rest if first else begun.pop(pid, "") + rest


def result(rest):
    match = re.search(r"\) += (-?\d+)", rest)
    return int(match[1]) if match else None


def program(rest):
    """What to call the program of an execve: ours with the step they are there for."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
    name = os.path.basename(words[0]) if words else "?"
    return f"{name} {words[2]}" if name in ("vmunit-prepare", "vmunit-guests") and len(words) > 2 else name


def parents_of(text):
    """{pid: the pid it was made by}. The child may have said something before its parent has its number."""
    return {result(rest): pid for pid, call, _, rest in lines_of(text) if call in FORKS and (result(rest) or 0) > 0}


def count(text, known):
    """{program: Count}. `known` are the programs of the pids that were there before."""
    parents, names, buses = parents_of(text), dict(known), collections.defaultdict(set)
    counts = collections.defaultdict(Count)

    def name_of(pid):
        if pid not in names:
            names[pid] = name_of(parents[pid]) if pid in parents else "?"
        return names[pid]

    for pid, call, first, rest in lines_of(text):
        c = counts[name_of(pid)]
        c.syscalls += first
        fd = re.match(r"\d+", rest)
        if call == "connect" and any(f'"{bus}"' in rest for bus in BUSES):
            buses[pid].add(fd[0])
        elif call == "close" and fd:
            buses[pid].discard(fd[0])
        elif call == "sendmsg" and fd and fd[0] in buses[pid]:
            c.messages += 1
        elif call in FORKS and (result(rest) or 0) > 0 and "CLONE_THREAD" not in rest:
            c.forks += 1
        elif call in ("execve", "execveat") and result(rest) == 0:
            names[pid] = program(rest)
            buses[pid].clear()
            counts[names[pid]].execs += 1
    return counts
