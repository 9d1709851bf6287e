#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passphrases of encrypted disks: where they are kept, that they open the disk, and that nobody else learns them."""

import contextlib
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import case, check, check_equal, check_match, journal, main, run, run_ok
from hiding import everything_said, hidden, readable
from qemu_img import qemu_img
from vm import talking_vm, vm

UUID = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"
NAME = f"vmunit.secret.{UUID}"
PASSPHRASE = "Zk7rT1-of-the-disk"
STORES = ("/etc/credstore", "/etc/credstore.encrypted", "/run/credstore")
IMAGES, MADE = "/srv/secrets", "/srv/secrets-made"
ROOTS = ("/run/vmunit", "/run/vm", "/run/systemd", "/var/lib/vmunit", "/etc/vm", "/var/cache/vmunit", "/run/log", "/var/log")


def write(path, data, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def qemu_img_with_key(*arguments):
    """With the passphrase as object "key", from a file."""
    path = write(f"{IMAGES}/key", PASSPHRASE.encode())
    try:
        return qemu_img(arguments[0], "--object", f"secret,id=key,file={path}", *arguments[1:])
    finally:
        os.unlink(path)


@contextlib.contextmanager
def images():
    """A LUKS image, and a qcow2 that is encrypted; no secret is kept anywhere yet."""
    os.makedirs(IMAGES, mode=0o700, exist_ok=True)
    if not os.path.exists(MADE):  # a matter of seconds
        os.makedirs(MADE)
        qemu_img_with_key("create", "-q", "-f", "luks", "-o", "key-secret=key,iter-time=10", f"{MADE}/a.luks", "4M")
        qemu_img_with_key("create", "-q", "-f", "qcow2", "-o", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10", f"{MADE}/b.qcow2", "4M")
    shutil.copytree(MADE, IMAGES, dirs_exist_ok=True)
    try:
        yield
    finally:
        for path in (IMAGES, *STORES):
            shutil.rmtree(path, ignore_errors=True)


def disk(dev="vda", file="a.luks", format="raw", secret=f"uuid='{UUID}'"):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='{format}'/>"
            f"<source file='{IMAGES}/{file}'><encryption format='luks'><secret type='passphrase' {secret}/></encryption></source>"
            f"<target dev='{dev}' bus='virtio'/></disk>")


def kept(data=PASSPHRASE.encode(), store="/etc/credstore", name=NAME, mode=0o600):
    return write(f"{store}/{name}", data, mode)


def refused(machine, pattern, *, qemu=False):
    """The start fails, with one message; QEMU was not even started, unless it is the one who says so."""
    before = len(machine.journal())
    machine.write()
    out = run(["vmunit", "start", machine.name])
    check(out.rc != 0, "it starts")
    said = [m for m in machine.journal()[before:] if "error:" in m or "qemu-system" in m]
    check_match(pattern, "\n".join(said), "the journal")
    check_equal(any("qemu-system" in m for m in said), qemu, "QEMU said something")
    if not qemu:
        check_equal(len(said), 1, f"messages of {said}")
    run(["systemctl", "reset-failed", machine.unit])


@case(timeout=180)
def disks_are_opened():
    """Both kinds, by UUID and by usage; what the guest writes is encrypted, and there the next time."""
    kept_by_usage = "vmunit.secret.-srv-secrets-b.qcow2"
    with images(), talking_vm("opened", devices=disk() + disk("vdb", "b.qcow2", "qcow2", f"usage='{IMAGES}/b.qcow2'")) as machine:
        kept()
        kept(name=kept_by_usage)
        machine.start()
        for dev in ("vda", "vdb"):
            machine.console.ask(f"write {dev} {dev}word")
            check_equal(machine.console.ask(f"read {dev}"), [f"pattern word={dev}word"], dev)
        run_ok(["vmunit", "destroy", "opened"])
        machine.wait_stopped()
        for file, driver in (("a.luks", '"driver":"luks","key-secret":"key"'),
                             ("b.qcow2", '"driver":"qcow2","encrypt":{"format":"luks","key-secret":"key"}')):
            with open(f"{IMAGES}/{file}", "rb") as f:
                check(b"vmunit-guest pattern" not in f.read(), f"{file} is not encrypted")
            qemu_img_with_key("convert", f"json:{{{driver},\"file\":{{\"driver\":\"file\",\"filename\":\"{IMAGES}/{file}\"}}}}", "-O", "raw", f"{IMAGES}/plain")
            with open(f"{IMAGES}/plain", "rb") as f:
                check_match("vmunit-guest pattern vd.word", f.read(64).decode(errors="replace"), file)


@case(timeout=180)
def wrong_passphrase():
    with images(), vm("wrong", devices=disk(), cmdline="") as machine:
        kept(b"another one")
        refused(machine, "Invalid password, cannot unlock any keyslot", qemu=True)
        # The control: the same machine with the right one.
        kept()
        machine.start(ready=False)


@case(timeout=180)
def secrets_that_miss_or_are_open():
    where = r"miss\.xml:\d+:\d+: error: "
    with images(), vm("miss", devices=disk(), cmdline="") as machine:
        refused(machine, rf"{where}there is no credential '{NAME}' in /etc/credstore\.encrypted or /etc/credstore \(the passphrase of disk vda\)")
        for mode in (0o640, 0o604):
            kept(mode=mode)
            refused(machine, rf"{where}cannot use '/etc/credstore/{NAME}': others can read it, run: chmod 0600 '/etc/credstore/{NAME}' \(the pass")
        kept(bytes(65537))
        refused(machine, rf"{where}cannot use '/etc/credstore/{NAME}': it is larger than 64 KiB")
        kept(b"")
        refused(machine, rf"{where}cannot use '/etc/credstore/{NAME}': it is empty")
        kept()
        os.chown(f"/etc/credstore/{NAME}", 4711, 0)
        refused(machine, rf"{where}cannot use '/etc/credstore/{NAME}': it belongs to somebody else")
        kept(PASSPHRASE.encode() + b"\n")
        refused(machine, "Invalid password", qemu=True)
        check(any(f"credential '{NAME}' ends with a newline, which is taken as part of it" in m for m in machine.journal()), "nobody speaks of the newline")


@case(timeout=180)
def encrypted_by_systemd():
    with images(), vm("creds", devices=disk(), cmdline="") as machine:
        os.makedirs("/etc/credstore.encrypted", mode=0o700)
        run_ok(["systemd-creds", "encrypt", "--with-key=host", f"--name={NAME}", "-", f"/etc/credstore.encrypted/{NAME}"], input=PASSPHRASE)
        machine.start(ready=False)
        hidden(machine, PASSPHRASE, "passphrase")
        run_ok(["vmunit", "destroy", "creds"])
        machine.wait_stopped()
        # One that was encrypted under another name is not taken for this one.
        run_ok(["systemd-creds", "encrypt", "--with-key=host", "--name=other", "-", f"/etc/credstore.encrypted/{NAME}"], input=PASSPHRASE)
        refused(machine, rf"cannot use '/etc/credstore\.encrypted/{NAME}': .*(name|match)")
        kept(b"garbage", store="/etc/credstore.encrypted")
        refused(machine, rf"cannot use '/etc/credstore\.encrypted/{NAME}': ")


@case(timeout=180)
def given_to_the_unit():
    """What an administrator's own drop-in loads comes first."""
    directory = "/run/systemd/system/vm@given.service.d"
    with images(), vm("given", devices=disk(), cmdline="") as machine:
        kept(b"not this one")
        write("/run/elsewhere", PASSPHRASE.encode())
        write(f"{directory}/secret.conf", f"[Service]\nLoadCredential={NAME}:/run/elsewhere\n".encode(), 0o644)
        try:
            machine.write()
            run_ok(["systemctl", "daemon-reload"])
            check_match("secret.conf", run_ok(["systemctl", "show", "-P", "DropInPaths", machine.unit]), "what systemd has loaded")
            machine.start(ready=False)
        finally:
            shutil.rmtree(directory)
            os.unlink("/run/elsewhere")


@case(timeout=180)
def passphrase_is_nowhere():
    with images(), vm("nowhere", devices=disk(), cmdline="") as machine:
        kept()
        machine.start(ready=False)
        hidden(machine, PASSPHRASE, "passphrase")
        # The controls: the plan says where it is kept, QEMU has it.
        check_match(f"disk-vda-passphrase +secret +{NAME}", run_ok(["vmunit", "plan", "nowhere"]), "the plan")
        seen = dict(everything_said(machine))
        arguments = "".join(t for w, t in seen.items() if w.endswith("cmdline"))
        number = check_match(r'"file":"/proc/self/fd/(\d+)"', arguments, "QEMU's arguments").group(1)
        with open(f"/proc/{machine.qemu()}/fd/{number}", "rb") as f:
            check_equal(f.read().decode(), PASSPHRASE, "what QEMU reads")
        # The monitor, who talks to others, does not.
        fds = f"/proc/{machine.monitor()}/fd"
        for fd in os.listdir(fds):
            check("passphrase" not in os.readlink(f"{fds}/{fd}"), f"the monitor has the passphrase at {fd}")
        for path, text in readable(*ROOTS):
            check(PASSPHRASE not in text, f"the passphrase is in {path}")
        check(PASSPHRASE not in run_ok(["vmunit", "dumpxml", "--security-info", "nowhere"]), "dumpxml knows the passphrase")
        os.kill(machine.qemu(), 9)
        machine.wait_stopped()
        check(PASSPHRASE not in json.dumps(journal()), "the passphrase is in the journal")


@case(timeout=180)
def machine_for_once():
    with images(), vm("once", devices=disk(), cmdline="") as machine:
        kept()
        os.makedirs("/var/log/vm", exist_ok=True)
        write("/root/once.xml", machine.xml.encode())
        run_ok(["vmunit", "create", "/root/once.xml"])
        check_equal(run_ok(["vmunit", "domstate", "once"]).strip(), "running", "the state")
        for path, text in readable(*ROOTS):
            check(PASSPHRASE not in text, f"the passphrase is in {path}")
        check(PASSPHRASE not in json.dumps(journal()), "the passphrase is in the journal")
        run_ok(["vmunit", "destroy", "once"])


main()
