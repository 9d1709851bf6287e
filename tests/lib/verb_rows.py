# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines whose texts are compared, vmunit's with virsh's: how they are written down, and what is equal.

A row is a command line. `~ words`: but for its numbers, which move. `% words`: but for the order of its lines. `! words`:
known to differ, with the reason behind "#"; a row marked so that is equal fails. A line that begins with "#" says what
follows."""

import re
import subprocess


def rows(text):
    """Yields each row's command line and mark."""
    for line in text.splitlines():
        mark = line[0] if line[:2] in ("! ", "~ ", "% ") else ""
        line = line.removeprefix(mark + " ").split(" # ")[0].rstrip() if mark else line
        if line and not line.startswith("#"):
            yield line, mark


def run(command, environment=None, timeout=60):
    """(stdout, stderr, exit status) of a command, which calls itself vmunit in any case."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=timeout, check=False)
    return done.stdout.strip().replace("virsh", "vmunit"), done.stderr.strip().replace("virsh", "vmunit"), done.returncode


def _without_numbers(result):
    """Whatever stands to the right of the names, its width included."""
    output, error, status = result
    return [(re.sub(r"[ 0-9.]+(KiB| ?s| seconds|%)?$", "", line), re.sub(r"[0-9. ]+", "", line)) for line in output.splitlines()], error, status


def _without_order(result):
    return sorted(line.strip() for line in result[0].splitlines()), *result[1:]


FORMS = {"~": _without_numbers, "%": _without_order}


def difference(mark, expected, got):
    """What is wrong about two results of a row, or None."""
    form = FORMS.get(mark, lambda result: result)
    return f"  virsh:  {expected}\n  vmunit: {got}" if (form(expected) == form(got)) == (mark == "!") else None
