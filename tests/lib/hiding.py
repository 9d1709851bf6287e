# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for a secret wherever it could be told without being meant to."""

import contextlib
import json
import os

from harness import check, journal, run


def everything_said(machine):
    """(where, text) of all that could tell a password without being meant to."""
    for program, pids in machine.processes().items():
        for pid in pids:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(ProcessLookupError), open(f"/proc/{pid}/{name}", "rb") as f:
                    yield f"/proc/{program}/{name}", f.read().decode(errors="replace")
    yield "the journal", json.dumps(journal())
    for command in (["vmunit", "plan", machine.name], ["vmunit", "plan", "--json", machine.name], ["vmunit", "dumpxml", machine.name],
                    ["vmunit", "dumpxml", "--inactive", machine.name], ["vmunit", "dominfo", machine.name],
                    ["vmunit", "domxml-to-native", "qemu-argv", "--domain", machine.name], ["vmunit", "hostinfo"],
                    ["systemctl", "show", "--all", machine.unit], ["systemctl", "cat", machine.unit]):
        yield " ".join(command), run(command).out
    directory = f"/run/vmunit/{machine.name}"
    for name in os.listdir(directory):
        path = f"{directory}/{name}"
        if os.path.isfile(path) and (name not in ("domain.xml", "definition.xml") or os.stat(path).st_mode & 0o077):
            with open(path, encoding="utf-8", errors="replace") as f:
                yield path, f.read()


def hidden(machine, password, what="password"):
    for where, text in everything_said(machine):
        check(text is not None, f"nothing to look at: {where}")
        check(password not in text, f"the {what} is in {where}")


def readable(*roots):
    """(path, text) of all files that others than root may read."""
    for root in roots:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                with contextlib.suppress(FileNotFoundError):
                    if os.path.isfile(path) and not os.path.islink(path) and os.stat(path).st_mode & 0o044:
                        with open(path, encoding="utf-8", errors="replace") as f:
                            yield path, f.read()
