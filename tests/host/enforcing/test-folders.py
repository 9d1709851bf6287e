# SPDX-License-Identifier: LGPL-2.1-or-later
"""Directories of the host in the guest, on a host where SELinux refuses: what their label lets a machine do, it does."""

import os
import shutil

from denials import denials, no_denial, now
from harness import case, check_equal, check_match, main, run_ok
from vm import talking_vm

FOLDER, OWNER = "/srv/labelled", 4711


def devices(path):
    return f"<filesystem type='mount' accessmode='squash'><source dir='{path}'/><target dir='t'/></filesystem>"


@case(timeout=900)
def by_9p():
    """The one with a machine's label is read and written; another one is not."""
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    os.mkdir(FOLDER)
    try:
        with open(f"{FOLDER}/hello", "w", encoding="utf-8") as f:
            f.write("from the host\n")
        for path in (FOLDER, f"{FOLDER}/hello"):
            os.chown(path, OWNER, OWNER)
            run_ok(["chcon", "-t", "svirt_image_t", "-l", "s0", path])
        mount = "exec modprobe 9p; mkdir /t; mount -t 9p -o trans=virtio,version=9p2000.L t /t && echo mounted"
        with talking_vm("labelled", type="kvm", devices=devices(FOLDER)) as machine:
            with no_denial():
                machine.start()
                check_equal(machine.console.ask(mount), ["mounted"], "mount")
                check_equal(machine.console.ask("exec cat /t/hello; mkdir /t/d && echo x >/t/d/new && cat /t/d/new"), ["from the host", "x"], "the guest")
            st = os.stat(f"{FOLDER}/d/new")
            check_equal((st.st_uid, st.st_gid), (OWNER, OWNER), "owner")
            run_ok(["vmunit", "destroy", "labelled"])
            machine.wait_stopped()
            run_ok(["chcon", "-R", "-t", "etc_t", FOLDER])
            since = now()
            machine.start()
            check_equal(machine.console.ask(mount), ["mounted"], "mount")
            check_equal(machine.console.ask("exec echo y 2>/dev/null >/t/d/new; cat /t/d/new")[-1:], ["x"], "what is not labelled for machines, after a write")
            check_match("svirt_t", "\n".join(map(str, denials(f"--since=@{since}"))), "the denial")
    finally:
        shutil.rmtree(FOLDER)


main()
