# SPDX-License-Identifier: LGPL-2.1-or-later
"""Directories of the host in the guest, on a host where SELinux refuses: what their label lets a machine do, it does."""

import contextlib
import os
import shutil

from denials import denials, no_denial, now
from harness import case, check_equal, check_match, main, run_ok
from selinux_labels import context_of
from vm import talking_vm

FOLDER, OWNER = "/srv/labelled", 4711
SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def devices(attributes, inside=""):
    return f"<filesystem type='mount'{attributes}>{inside}<source dir='{FOLDER}'/><target dir='t'/></filesystem>"


@contextlib.contextmanager
def folder():
    """One that all machines may have."""
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    os.mkdir(FOLDER)
    try:
        with open(f"{FOLDER}/hello", "w", encoding="utf-8") as f:
            f.write("from the host\n")
        for path in (FOLDER, f"{FOLDER}/hello"):
            os.chown(path, OWNER, OWNER)
            run_ok(["chcon", "-t", "svirt_image_t", "-l", "s0", path])
        yield
    finally:
        shutil.rmtree(FOLDER)


def use(machine, mount, domain, look=None):
    """The one with a machine's label is read and written; another one is not."""
    with no_denial():
        machine.start()
        check_equal(machine.console.ask(mount), ["mounted"], "mount")
        check_equal(machine.console.ask("exec cat /t/hello; mkdir /t/d && echo x >/t/d/new && mv /t/d/new /t/d/newer && cat /t/d/newer"),
                    ["from the host", "x"], "the guest")
        if look:
            look(machine)
        run_ok(["vmunit", "destroy", machine.name])
        machine.wait_stopped()
    st = os.stat(f"{FOLDER}/d/newer")
    check_equal((st.st_uid, st.st_gid), (OWNER, OWNER), "owner")
    run_ok(["chcon", "-R", "-t", "etc_t", FOLDER])
    since = now()
    machine.start()
    check_equal(machine.console.ask(mount), ["mounted"], "mount")
    check_equal(machine.console.ask("exec echo y 2>/dev/null >/t/d/newer; cat /t/d/newer")[-1:], ["x"], "what is not labelled for machines, after a write")
    check_match(domain, "\n".join(map(str, denials(f"--since=@{since}"))), "the denial")


@case(timeout=900)
def by_9p():
    mount = "exec modprobe 9p; mkdir /t; mount -t 9p -o trans=virtio,version=9p2000.L t /t && echo mounted"
    with folder(), talking_vm("labelled", type="kvm", devices=devices(" accessmode='squash'")) as machine:
        use(machine, mount, "svirt_t")


@case(timeout=900)
def by_virtiofs():
    """virtiofsd has a domain of its own, and the categories of its machine."""
    def look(machine):
        context = context_of(machine.supervisor()).replace(":vmunit_supervisor_t:", ":vmunit_virtiofsd_t:")
        check_equal(context_of(machine.pid_of("virtiofsd")), context, "virtiofsd's context")
        check_equal(machine.console.ask("exec ln -s newer /t/d/link && cat /t/d/link && rm /t/d/link"), ["x"], "a link")

    mount = "exec modprobe virtiofs; mkdir /t; mount -t virtiofs t /t && echo mounted"
    with folder(), talking_vm("served", type="kvm", lifecycle=SHARED_MEMORY, devices=devices("", "<driver type='virtiofs'/>")) as machine:
        use(machine, mount, "vmunit_virtiofsd_t", look)


main()
