# SPDX-License-Identifier: LGPL-2.1-or-later
"""The arguments of the golden cases, started for real: every device is where the plan says."""

import os
import pathlib

import argv_starts
from harness import Failure, add_case, main, skip

DIRECTORY = pathlib.Path(os.environ["VMUNIT_TESTS"]) / "golden" / "domain"
argv_starts.KERNEL = os.environ["VMUNIT_GUEST"] + "/vmlinuz"


def started(name):
    def case():
        args = argv_starts.read_lines(DIRECTORY / f"{name}.args")
        # What only a real KVM takes: the host's CPU, and its clock.
        if "kvm" in args and any(a.startswith(("host", "host,")) or "kvmclock" in a or "kvm-pit" in a for a in args):
            skip("needs KVM")
        try:
            argv_starts.run(DIRECTORY, name, None)
        except argv_starts.Skip as e:
            skip(str(e))
        except (AssertionError, ValueError) as e:
            raise Failure(str(e)) from e
    return case


for path in sorted(DIRECTORY.glob("*.args")):
    add_case(path.stem, started(path.stem))

if __name__ == "__main__":
    main()
