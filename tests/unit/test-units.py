#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the units to systemd-analyze: what systemd reads without a word, and how much is exposed.

    test-units.py VM_SERVICE TRANSIENT_DROPIN HOST_TUNING_SERVICE GENERATOR_CASES"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

# In tenths, as systemd-analyze(1) has it; what is left is delegation, a private socket and the file system.
EXPOSURE_MAX = 9
# Root without capabilities, and the kernel's settings can be written: that is its work.
EXPOSURE_TUNING_MAX = 11


def fail(text):
    print(f"not ok: {text}")
    sys.exit(1)


def with_programs_that_exist(text):
    """verify looks for the commands, which are not installed yet."""
    return re.sub(r"^(Exec\w+=\+?)\S+", r"\1/bin/true", text, flags=re.MULTILINE)


def lay_out(directory, vm_service, transient_dropin, host_tuning, cases):
    with open(host_tuning) as source, open(os.path.join(directory, "vmunit-host-tuning.service"), "w") as f:
        f.write(with_programs_that_exist(source.read()))
    with open(vm_service) as source, open(os.path.join(directory, "vm@.service"), "w") as f:
        f.write(with_programs_that_exist(source.read()))
    os.mkdir(os.path.join(directory, "vmunit-vm-.service.d"))
    with open(transient_dropin) as source, open(os.path.join(directory, "vmunit-vm-.service.d/10-hardening.conf"), "w") as f:
        f.write(with_programs_that_exist(source.read()))
    with open(os.path.join(directory, "vmunit-vm-a.service"), "w") as f:
        # What StartTransientUnit() is given; see unit_properties_for_transient().
        f.write("[Service]\nUser=vm-a\nMemoryDenyWriteExecute=yes\nPrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX\n")
    units = ["vm@plain.service", "vmunit-vm-a.service", "vmunit-host-tuning.service"]
    for case in ("settings", "names", "injection", "resources"):
        expected = os.path.join(cases, case, "expected")
        for name in sorted(os.listdir(expected)):
            shutil.copytree(os.path.join(expected, name), os.path.join(directory, name))
            units.append(name.removesuffix(".d"))
    return units


def verify(directory, units):
    paths = [os.path.join(directory, u) for u in units]
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths],
                            capture_output=True, text=True, env={**os.environ, "SYSTEMD_LOG_LEVEL": "notice"})
    # Only what is about our files: the machine's own units are not ours to judge.
    lines = [l for l in (result.stdout + result.stderr).splitlines() if "vm@" in l or "vmunit" in l]
    return lines, result.returncode


def check_exposure(directory, unit, limit=EXPOSURE_MAX):
    result = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={limit}", "--no-pager",
                             os.path.join(directory, unit)], capture_output=True, text=True)
    if result.returncode != 0:
        fail(f"{unit} is exposed more than {limit / 10}:\n{result.stdout}{result.stderr}")


def main():
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        units = lay_out(directory, *sys.argv[1:])
        lines, status = verify(directory, units)
        if lines or status != 0:
            fail(f"systemd-analyze verify ({status}):\n" + "\n".join(lines))
        check_exposure(directory, "vm@.service")
        check_exposure(directory, "vmunit-vm-a.service")
        check_exposure(directory, "vmunit-host-tuning.service", EXPOSURE_TUNING_MAX)

        # The same with a word that systemd does not know has to be found.
        with open(os.path.join(directory, "vm@tcg.service.d/20-bad.conf"), "w") as f:
            f.write("[Service]\nDynamikUser=yes\n")
        lines, _ = verify(directory, units)
        if not any("DynamikUser" in l for l in lines):
            fail("verify does not see a wrong setting in a drop-in")
    print(f"ok: {len(units)} units")


main()
