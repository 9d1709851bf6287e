#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the units to systemd-analyze: what systemd reads without a word, and how much is exposed.

    test-units.py VM_SERVICE TRANSIENT_DROPIN HOST_TUNING_SERVICE GENERATOR_CASES GENERATOR SESSION_VM_SERVICE SESSION_TRANSIENT_DROPIN"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# In tenths, as systemd-analyze(1) has it; what is left has its reasons in units/hardening.conf and vm@.service.in.
EXPOSURE_MAX = 6
EXPOSURE_NETWORK_MAX = 13
# What is exposed then, by systemd-analyze's names, and nothing else. Of these the last line is for a VM that has the network.
EXPOSED = {
    "SystemCallFilter=~@resources", "SystemCallFilter=~@privileged", "SupplementaryGroups=",
    "RestrictAddressFamilies=~AF_UNIX", "Delegate=", "DeviceAllow=", "IPAddressDeny=",
}
EXPOSED_NETWORK = EXPOSED | {"PrivateNetwork=", "RestrictAddressFamilies=~AF_(INET|INET6)"}

DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>256</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='block'><source dev='/dev/vg/{name}'/><target dev='vda' bus='virtio'/></disk>
    {devices}
  </devices>
</domain>
"""
BRIDGED = "<interface type='bridge'><source bridge='br0'/></interface><graphics type='vnc'><listen type='socket'/></graphics>"
NETWORKED = "<interface type='user'/><graphics type='vnc' autoport='yes' listen='0.0.0.0'/>"
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
        f.write("[Service]\nUser=vm-a\nMemoryDenyWriteExecute=yes\nPrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX\nRestrictRealtime=yes\n"
                "CapabilityBoundingSet=\nAmbientCapabilities=\nPrivateUsers=yes\nPrivateDevices=yes\nProcSubset=pid\n"
                "RestrictNamespaces=yes\nSystemCallFilter=@system-service seccomp\n")
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


# What a session's units have otherwise than the system's, or not at all; the reasons are in units/hardening-session.conf.
SESSION_OTHERWISE = {
    "TemporaryFileSystem", "InaccessiblePaths", "ProtectHome", "ProtectKernelLogs", "DevicePolicy", "RemoveIPC", "DynamicUser", "LimitMEMLOCK",
    "BindReadOnlyPaths", "BindPaths", "ReadOnlyPaths", "ProtectControlGroups", "RootDirectory", "RootDirectoryStartOnly", "MountAPIVFS",
    "WorkingDirectory", "ExecStartPre", "ExecStartPost", "ExecStopPost",
}
# The same for those of transient machines, which are not sent all of it, and have every command that may be needed.
SESSION_TRANSIENT = SESSION_OTHERWISE - {"DynamicUser", "LimitMEMLOCK"} | {"ExecStop"}


def settings(path):
    found = {}
    with open(path) as f:
        for line in f.read().partition("[Service]")[2].partition("[Install]")[0].splitlines():
            if line and line[0] not in "#[":
                name, _, value = line.partition("=")
                found.setdefault(name, []).append(value)
    return found


def check_session(system, session, otherwise):
    """A protection that is new in the system's units is one of the session's, too, or has its reason not to be."""
    ours, theirs = settings(system), settings(session)
    differ = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    if differ != otherwise:
        fail(f"{session}: otherwise than {system}: {sorted(differ - otherwise)}; the same: {sorted(otherwise - differ)}")
    # These two would let no step see the user's files: see units/hardening-session.conf.
    for name in ("TemporaryFileSystem", "DynamicUser"):
        if name in theirs:
            fail(f"{session} has {name}=")


def generate(directory, generator):
    """A plain VM, and one that speaks to the network itself, as the generator has them."""
    definitions = os.path.join(directory, "definitions")
    os.mkdir(definitions)
    for name, devices in (("bridged", BRIDGED), ("networked", NETWORKED)):
        with open(os.path.join(definitions, name + ".xml"), "w") as f:
            f.write(DOMAIN.format(name=name, devices=devices))
    subprocess.run([generator, *[directory] * 3], check=True, env={**os.environ, "VMUNIT_CONFIG_PATH": definitions})


def check_exposed(directory, unit, expected):
    """Each word that systemd-analyze has against the unit has its reason."""
    result = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--json=short",
                             os.path.join(directory, unit)], capture_output=True, text=True, check=True)
    found = {row["name"] for row in json.loads(result.stdout) if not row["set"]}
    if found != expected:
        fail(f"{unit}: exposed besides what is known: {found - expected}; not exposed any more: {expected - found}")


def main():
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        check_session(sys.argv[1], sys.argv[6], SESSION_OTHERWISE)
        check_session(sys.argv[2], sys.argv[7], SESSION_TRANSIENT)
        units = lay_out(directory, *sys.argv[1:5])
        generate(directory, sys.argv[5])
        lines, status = verify(directory, units)
        if lines or status != 0:
            fail(f"systemd-analyze verify ({status}):\n" + "\n".join(lines))
        check_exposure(directory, "vm@bridged.service")
        check_exposed(directory, "vm@bridged.service", EXPOSED)
        check_exposure(directory, "vm@networked.service", EXPOSURE_NETWORK_MAX)
        check_exposed(directory, "vm@networked.service", EXPOSED_NETWORK)
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
