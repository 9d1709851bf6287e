#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Directories of the host in the guest: what the guest sees and makes there, whose it is on the host, and that nothing leads out."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from vm import talking_vm, vm

FOLDER = "/srv/folder"
OWNER = 4711


def on_overlay(path):
    """Whether it is where the container has its files, and not a disk as the host tier has."""
    return run_ok(["stat", "--file-system", "--format=%T", path]).strip() == "overlayfs"


@contextlib.contextmanager
def folder(path=FOLDER, owner=OWNER):
    """A directory with a file of its owner's, one that is root's alone, and links that lead out of it. The container's own
    file system, an overlay, has no mapping of owners."""
    os.makedirs(path)
    own = on_overlay(path)
    if own:
        run_ok(["mount", "-t", "tmpfs", "-o", "mode=0755", "folder", path])
    os.makedirs(f"{path}/below")
    with open(f"{path}/hello", "w", encoding="utf-8") as f:
        f.write("from the host\n")
    for name in ("", "hello", "below"):
        os.chown(f"{path}/{name}", owner, owner)
    with open(f"{path}/roots", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write("only root's\n")
    with open("/srv/outside", "w", encoding="utf-8") as f:
        f.write("outside\n")
    os.chmod("/srv/outside", 0o666)
    os.symlink("/srv/outside", f"{path}/out")
    os.symlink("../outside", f"{path}/up")
    os.symlink("/srv", f"{path}/outdir")
    try:
        yield path
    finally:
        if own:
            run_ok(["umount", path])
        shutil.rmtree(path)
        os.unlink("/srv/outside")


def ninep(tag, path=FOLDER, access="", inside=""):
    mode = f" accessmode='{access}'" if access else ""
    return f"<filesystem type='mount'{mode}><source dir='{path}'/><target dir='{tag}'/>{inside}</filesystem>"


def mount(machine, tag, kind="9p", options="-o trans=virtio,version=9p2000.L"):
    out = machine.console.ask(f"exec modprobe {kind}; mkdir -p /mnt/{tag} && mount -t {kind} {options} {tag} /mnt/{tag} && echo mounted")
    check_equal(out, ["mounted"], f"mount of {tag}")


def says(machine, command):
    """The lines a command of the guest's shell answers, with what it complains of."""
    return machine.console.ask(f"exec {{ {command}; }} 2>&1; true")


def owner(path):
    st = os.lstat(path)
    return st.st_uid, st.st_gid


@case(timeout=240)
def a_folder_by_9p():
    """The guest mounts it, reads, writes; the host sees the owner's files; nobody's rights but his; readonly; no way out."""
    devices = ninep("squash", access="squash") + ninep("mapped", access="mapped") + ninep("plain") + \
        ninep("ro", access="squash", inside="<readonly/>")
    with folder() as path, talking_vm("folder", devices=devices) as machine:
        machine.start()
        for tag in ("squash", "mapped", "plain", "ro"):
            mount(machine, tag)
        for tag in ("squash", "plain", "ro"):
            check_equal(says(machine, f"cat /mnt/{tag}/hello"), ["from the host"], f"a file of the host's in {tag}")

        # squash: what the guest makes is the owner's.
        check_equal(says(machine, "cd /mnt/squash; echo hi >new && mkdir dir && echo in >dir/in && chmod 640 new && mv new newer && cat newer"),
                    ["hi"], "squash")
        check_equal(open(f"{path}/newer", encoding="utf-8").read(), "hi\n", "on the host")
        for name in ("newer", "dir", "dir/in"):
            check_equal(owner(f"{path}/{name}"), (OWNER, OWNER), f"owner of {name}")
        check_equal(oct(os.stat(f"{path}/newer").st_mode), oct(0o100640), "mode")
        # mapped: whose it is in the guest is kept beside the file.
        check_equal(says(machine, "cd /mnt/mapped; echo mine >mine && chown 12:34 mine && chmod 4755 mine && stat -c '%u %g %a' mine"),
                    ["12 34 4755"], "mapped")
        check_equal((owner(f"{path}/mine"), oct(os.stat(f"{path}/mine").st_mode & 0o7777)), ((OWNER, OWNER), "0o600"), "mapped on the host")
        # passthrough: nobody can give files away who is not root.
        check_match("can't create", "\n".join(says(machine, "echo x >/mnt/plain/other")), "passthrough")
        check(not os.path.exists(f"{path}/other"), "the refused file was left")
        check_equal(says(machine, "echo more >>/mnt/plain/hello && cat /mnt/plain/hello"), ["from the host", "more"], "passthrough, a file that is there")

        check_match("denied", "\n".join(says(machine, "cat /mnt/squash/roots")), "a file of root's")
        check_match("[Rr]ead-only", "\n".join(says(machine, "echo x >/mnt/ro/x")), "readonly")
        check_match("[Rr]ead-only", "\n".join(says(machine, "echo x >/mnt/ro/hello")), "readonly")
        for name in ("out", "up", "outdir/outside"):
            check_match("No such file|can't open", "\n".join(says(machine, f"cat /mnt/squash/{name}")), f"by the link {name}")
        check(not os.path.exists("/srv/x"), "outside")

        # Not even QEMU itself sees more of the host than this.
        pid = machine.qemu()
        fds = [n for n in os.listdir(f"/proc/{pid}/fd") if os.path.isdir(f"/proc/{pid}/fd/{n}/.")]
        seen = [sorted(os.listdir(f"/proc/{pid}/fd/{n}/..")) for n in fds if os.path.exists(f"/proc/{pid}/fd/{n}/hello")]
        check(seen and all("hello" in s and "outside" not in s for s in seen), f"above the directory there is {seen}")
        run_ok(["vmunit", "destroy", "folder"])
        machine.wait_stopped()
        check_equal(run_ok(["systemctl", "show", "-P", "NFileDescriptorStore", machine.unit]).strip(), "0", "descriptors left")


CAP_CHOWN, CAP_SETFCAP = 0, 31
SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def virtiofs(tag, source, inside=""):
    return f"<filesystem type='mount'><driver type='virtiofs'/>{inside}<source {source}/><target dir='{tag}'/></filesystem>"


@case(timeout=240)
def a_folder_by_virtiofs():
    """The same by virtiofsd, which has the machine's uid and nothing but the directory; its end is the machine's."""
    with folder() as path, talking_vm("virtio", lifecycle=SHARED_MEMORY, devices=virtiofs("t", f"dir='{path}'")) as machine:
        machine.write()
        run_ok(["vmunit", "verify", "--host", "virtio"])
        machine.start()
        mount(machine, "t", "virtiofs", "")
        check_equal(says(machine, "cat /mnt/t/hello"), ["from the host"], "a file of the host's")
        check_equal(says(machine, "cd /mnt/t; echo hi >new && mkdir dir && echo in >dir/in && chmod 640 new && mv new newer && cat newer"),
                    ["hi"], "what the guest makes")
        check_equal(open(f"{path}/newer", encoding="utf-8").read(), "hi\n", "on the host")
        for name in ("newer", "dir", "dir/in"):
            check_equal(owner(f"{path}/{name}"), (OWNER, OWNER), f"owner of {name}")
        check_equal(oct(os.stat(f"{path}/newer").st_mode), oct(0o100640), "mode")
        check_match("denied|not permitted", "\n".join(says(machine, "cat /mnt/t/roots")), "a file of root's")
        for name in ("out", "up", "outdir/outside"):
            check_match("No such file|can't open", "\n".join(says(machine, f"cat /mnt/t/{name}")), f"by the link {name}")

        pid = machine.pid_of("virtiofsd")
        check_equal(os.stat(f"/proc/{pid}/root/hello").st_size, len("from the host\n"), "virtiofsd's root directory")
        check("outside" not in os.listdir(f"/proc/{pid}/root"), "virtiofsd sees more")
        status = open(f"/proc/{pid}/status", encoding="ascii").read()
        check_match(rf"(?m)^Uid:\s+{os.stat(f'/proc/{machine.qemu()}').st_uid}\s", status, "virtiofsd's uid")
        held = {kind: int(re.search(rf"(?m)^Cap{kind}:\s+(\S+)$", status)[1], 16) for kind in ("Prm", "Eff", "Bnd")}
        check(held["Eff"] & 1 << CAP_CHOWN and not any(sets & 1 << CAP_SETFCAP for sets in held.values()), f"capabilities are {held}")
        run_ok(["vmunit", "destroy", "virtio"])
        machine.wait_stopped()


@case(timeout=120)
def a_transient_machine_with_a_folder():
    """Its unit gets over the bus what the drop-in says of others."""
    with folder() as path, bare_vm("passing", lifecycle=SHARED_MEMORY, devices=virtiofs("t", f"dir='{path}'")) as machine:
        with open("/var/tmp/passing.xml", "w", encoding="utf-8") as f:
            f.write(machine.xml)
        run_ok(["vmunit", "create", "/var/tmp/passing.xml"])
        unit = "vmunit-vm-passing.service"
        check_equal(run_ok(["systemctl", "show", "-P", "RestrictNamespaces", unit]).strip(), "user", "the unit's namespaces")
        check_match(r"\bchroot\b", run_ok(["systemctl", "show", "-P", "SystemCallFilter", unit]), "the unit's system calls")
        check_match("(?m)^ *[0-9]+ virtiofsd$", run_ok(["ps", "-e", "-o", "pid=,comm="]), "processes")
        run_ok(["vmunit", "destroy", "passing"])


@case(timeout=120)
def virtiofsd_that_ends():
    """A device is gone: on_crash says what becomes of the machine."""
    with folder() as path, bare_vm("lost", lifecycle=f"{SHARED_MEMORY}<on_crash>destroy</on_crash>",
                                   devices=virtiofs("t", f"dir='{path}'")) as machine:
        machine.start(ready=False)
        os.kill(machine.pid_of("virtiofsd"), signal.SIGKILL)
        machine.wait_stopped()
        check_match("virtiofsd-fs0: its process ended with signal 9, before QEMU", "\n".join(machine.journal()), "the journal")


@case(timeout=120)
def virtiofsd_that_cannot_start():
    """The folder is missing, the program is, or it ends at once: the start fails with a line that says so, and waits for nothing."""
    with folder() as path, bare_vm("unserved", lifecycle=SHARED_MEMORY) as machine:
        empty = machine.xml
        for source, binary, reason in (
                ("/srv/none", "", "cannot hand over directory '/srv/none' for filesystem 't': '/srv/none' does not exist"),
                (path, "/usr/lib/none", "cannot execute '/usr/lib/none' for filesystem 't': No such file or directory"),
                (path, "/usr/bin/false", "virtiofsd-fs0: its process ended with status 1, before QEMU: a device of the machine is gone")):
            inside = f"<binary path='{binary}'/>" if binary else ""
            machine.xml = empty.replace("</devices>", virtiofs("t", f"dir='{source}'", inside) + "</devices>")
            machine.write()
            check_equal(run(["vmunit", "start", "unserved"], timeout=60).rc, 1, f"start with {source}, {binary or 'virtiofsd'}")
            check_match(re.escape(reason), "\n".join(machine.journal()), source)
            run(["systemctl", "reset-failed", machine.unit])


@case(timeout=240)
def a_virtiofsd_that_runs_already():
    """<source socket=>: somebody else's."""
    path = "/run/test-virtiofsd.sock"
    with folder() as shared:
        daemon = subprocess.Popen(["/usr/lib/qemu/virtiofsd", "-f", f"--socket-path={path}", "-o", f"source={shared},sandbox=chroot"])
        try:
            wait_for(lambda: os.path.exists(path), 20, "virtiofsd's socket")
            with talking_vm("external", lifecycle=SHARED_MEMORY, devices=virtiofs("t", f"socket='{path}'")) as machine:
                machine.start()
                mount(machine, "t", "virtiofs", "")
                check_equal(says(machine, "cat /mnt/t/hello"), ["from the host"], "a file of the host's")
                run_ok(["vmunit", "destroy", "external"])
                machine.wait_stopped()
        finally:
            daemon.kill()
            daemon.wait()


@contextlib.contextmanager
def bare_vm(name, **keywords):
    """One that only the host is asked about."""
    with vm(name, cmdline="", **keywords) as machine:
        yield machine.without_guest()


@case(timeout=120)
def what_cannot_be_handed_over():
    """A path that is none is refused; a file system without a mapping of owners is handed over as it is, which is said."""
    with folder() as path, bare_vm("nofolder") as machine:
        for source, reason in (("/srv/none", "'/srv/none' does not exist"), (f"{path}/hello", "it is not a directory"),
                               (f"{path}/out", "the link .* is not followed")):
            machine.xml = re.sub(r" *<filesystem.*</filesystem>", "", machine.xml).replace("</devices>", f"{ninep('t', source)}</devices>")
            machine.write()
            check(run(["vmunit", "start", "nofolder"]).rc != 0, f"{source} is handed over")
            check_match(f"cannot hand over directory '{source}' for filesystem 't': {reason}", "\n".join(machine.journal()), source)
            run(["systemctl", "reset-failed", machine.unit])
    if not on_overlay("/srv"):
        return
    os.makedirs("/srv/overlay")
    with bare_vm("overlaid", devices=ninep("t", "/srv/overlay")) as machine:
        machine.start(ready=False)
        said = "\n".join(machine.journal())
        check_match(r"filesystem 't': owners in '/srv/overlay' are not mapped \(its file system cannot do that\)", said, "mapping")
        check_match("filesystem 't': with accessmode='passthrough' the guest can make no files there", said, "passthrough")
    os.rmdir("/srv/overlay")


main()
