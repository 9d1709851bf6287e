#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-machines.py PRINT-VM-XML VM.XML.5.IN SOURCE-ROOT VMUNIT: each kind of device of vm.xml(5) is shown by a kind of machine of
tests/lib/machines, or is left out for a reason; and what is said to be refused is refused."""

import os
import subprocess
import sys
import tempfile

page = subprocess.run(sys.argv[1:3], capture_output=True, text=True, check=True).stdout
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[3], "tests/lib"))

from machines import coverage



def argv(definition):
    """What vmunit says against a definition."""
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(definition)
        file.flush()
        return subprocess.run([sys.argv[4], "domxml-to-native", "qemu-argv", "--xml", file.name], capture_output=True, text=True).stderr


found, (promised, shown, left_out) = coverage.problems(page, sys.argv[3])
found += coverage.refusals(set(coverage.rows(page, sys.argv[3])), argv)
print("\n".join(found) or f"{promised} rows: {shown} shown, {left_out} left out")
sys.exit(bool(found) or promised < 200)
