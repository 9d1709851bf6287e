# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts of an interface of type 'ethernet': each adds what it has seen, as a line, to the log."""

import contextlib
import os

SCRIPT = "/etc/vmunit-test-{}"
LOG = "/run/vmunit-test-scripts"
# Inside of <interface>
SCRIPTS = f"<script path='{SCRIPT.format('up')}'/><downscript path='{SCRIPT.format('down')}'/>"


def write_script(word, text, mode=0o755):
    with open(SCRIPT.format(word), "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\n{text}\n")
    os.chmod(SCRIPT.format(word), mode)


def write_scripts():
    """Both, and an empty log: "WORD how-many-arguments first-argument uid how-many-variables-of-vmunit"."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(LOG)
    for word in ("up", "down"):
        write_script(word, f"test -d /sys/class/net/$1 && echo {word} $# $1 $(id -u) $(env | grep -c VMUNIT) >>{LOG}")


def script_lines():
    with open(LOG, encoding="ascii") as f:
        return f.read().splitlines()
