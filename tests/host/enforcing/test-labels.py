# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labels of machines and of what they use, on a host where SELinux refuses: given at start, different for each machine, and
given back, whatever ends it."""

import contextlib
import os
import re
import signal

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property, wait_for
from labels import (CONTENT, IMAGES, OWN, REGISTRY, SHARED, SLOW, Machine, check_given_back, disk, image, label, registered,
                    remembered)


@contextlib.contextmanager
def without_cleanup(machine):
    """Nobody gives anything back for it when it ends, as if all of vmunit had been killed as well."""
    directory = f"/run/systemd/system/{machine.unit}.d"
    os.makedirs(directory)
    with open(f"{directory}/99-test.conf", "w", encoding="ascii") as f:
        f.write("[Service]\nExecStopPost=\n")
    run_ok(["systemctl", "daemon-reload"])
    try:
        yield
    finally:
        os.unlink(f"{directory}/99-test.conf")
        os.rmdir(directory)
        run_ok(["systemctl", "daemon-reload"])


def check_shown(m, pair):
    check_equal(m.qemu_label(), f"system_u:system_r:svirt_prot_exec_t:s0:{pair}", "QEMU's label")
    info = run_ok(["vmunit", "dominfo", m.name])
    check_match(r"Security model: selinux\nSecurity DOI:   0\nSecurity label: system_u:system_r:svirt_prot_exec_t:s0:"
                rf"{pair} \(enforcing\)\n", info, "dominfo")
    xml = run_ok(["vmunit", "dumpxml", m.name])
    check_match(r"""  <seclabel type='dynamic' model='selinux' relabel='yes'>
    <label>system_u:system_r:svirt_prot_exec_t:s0:%s</label>
    <imagelabel>%s:%s</imagelabel>
  </seclabel>
  <seclabel type='dynamic' model='dac' relabel='yes'>
    <label>\+(\d+):\+\1</label>
    <imagelabel>\+\1:\+\1</imagelabel>
  </seclabel>
</domain>""" % (pair, SHARED, pair), xml, "dumpxml")
    run_ok(["systemctl", "daemon-reload"])
    check_equal(m.pair(), pair, "the pair after a daemon-reload")


@case(timeout=SLOW)
def files_are_labelled_and_given_back():
    own, shared, read_only, alone, special = (image(f"{n}.img") for n in ("own", "shared", "read-only", "alone", "special"))
    run_ok(["chcon", CONTENT, alone])
    left_alone = "<seclabel model='selinux' relabel='no'/>"
    other = f"<seclabel model='selinux' relabel='yes'><label>{SHARED}</label></seclabel>"
    with Machine("files", disk(own, "vda"), disk(shared, "vdb", "<shareable/>"), disk(read_only, "vdc", "<readonly/>"),
                 disk(alone, "vdd", "<readonly/>", left_alone), disk(special, "vde", source=other)) as m:
        plan = run_ok(["vmunit", "plan", m.name])
        m.start()
        pair = m.pair()
        check_match(rf"\nLabel:   system_u:system_r:svirt_prot_exec_t:s0:{pair}\n", plan, "the plan")
        check_match(rf"own.img  as {SHARED}:{pair}  # disk vda\n", plan, "the plan")
        check_equal(label(own), f"{SHARED}:{pair}", "an image's label")
        check_equal(label(shared), SHARED, "a shareable image's label")
        check_equal(label(read_only), CONTENT, "a read-only image's label")
        check_equal(label(f"{IMAGES}/files.log"), f"{SHARED}:{pair}", "a log's label")
        check_equal(label(special), SHARED, "an image with a label of its own")
        check(all(remembered(p) for p in (own, shared, read_only, special)), "what they were is not remembered")
        check(not remembered(alone), "an image that is left alone is remembered")
        check_equal(registered(), [pair], "the pairs in use")
        check_shown(m, pair)
        m.stop()
        check("Security label" not in run_ok(["vmunit", "dominfo", m.name]), "a label of a machine that does not run")
        check_given_back(own, shared, read_only, special)
        check_equal(label(alone), CONTENT, "the label of an image that is left alone")
        check_equal(registered(), [], "the pairs in use")


@case(timeout=SLOW)
def two_machines():
    base, one, two = image("base.img"), image("one.img"), image("two.img")
    with Machine("one", disk(one, "vda"), disk(base, "vdb", "<readonly/>")) as a, \
            Machine("two", disk(two, "vda"), disk(base, "vdb", "<readonly/>")) as b:
        a.start()
        b.start()
        check(a.pair() != b.pair(), f"both have {a.pair()}")
        check_equal(sorted([a.pair(), b.pair()]), registered(), "the pairs in use")
        check(label(one) != label(two), "their images have one label")
        check_equal(label(base), CONTENT, "the label of what both read")
        a.stop()
        check_equal(label(base), CONTENT, "the label of what one still reads")
        check_given_back(one)
        # It is used by one, with another label.
        with Machine("three", disk(base, "vda")) as c:
            result = c.try_start()
            check(result.rc != 0, "a machine writes to what another one reads")
            check_match("domain 'two' uses it with another label|has it open", result.err, "the refusal")
            check_equal(label(base), CONTENT, "the label of what one still reads")
        b.stop()
        check_given_back(base, two)


@case(timeout=SLOW)
def static_labels():
    path = image("static.img")
    seclabel = ("<seclabel type='static' model='selinux' relabel='{}'><label>system_u:system_r:svirt_prot_exec_t:s0:c392,c662"
                "</label></seclabel>")
    with Machine("static", disk(path, "vda"), seclabel=seclabel.format("yes")) as m, \
            Machine("same", seclabel=seclabel.format("no")) as other:
        m.start()
        check_equal(m.qemu_label(), "system_u:system_r:svirt_prot_exec_t:s0:c392,c662", "QEMU's label")
        check_equal(label(path), f"{SHARED}:c392,c662", "the image's label")
        check_equal(registered(), ["c392,c662"], "the pairs in use")
        result = other.try_start()
        check(result.rc != 0, "two machines have one static label")
        check_match("are those of domain 'static', which is running", result.err, "the refusal")
        check_equal(registered(), ["c392,c662"], "the pairs in use")
    check_given_back(path)


@case(timeout=SLOW)
def without_a_file():
    path = image("transient.img")
    machine = Machine("passing", disk(path, "vda"))
    machine.unit = "vmunit-vm-passing.service"
    xml = "/run/test-passing.xml"
    with open(xml, "w", encoding="utf-8") as f:
        f.write(machine.xml)
    run_ok(["vmunit", "create", xml, "--paused"], timeout=SLOW)
    try:
        pair = machine.pair()
        check_equal(sum(int(n) for n in re.findall(r"\d+", pair)) % 2, 1, f"the sum of {pair}")
        check_equal(label(path), f"{SHARED}:{pair}", "the image's label")
        check_equal(registered(), [pair], "the pairs in use")
        run_ok(["systemctl", "daemon-reload"])
        check_equal(machine.pair(), pair, "the pair after a daemon-reload")
    finally:
        machine.stop()
    check_given_back(path)
    check_equal(registered(), [], "the pairs in use")


@case(timeout=2 * SLOW)
def all_of_it_is_killed():
    """What a machine leaves that ended without a cleanup is put right by the next one that needs it, and by itself; and of
    the end in a crash of the host nothing is known but what its files remember: /run is empty at boot."""
    path = image("left.img")
    with Machine("left", disk(path, "vda")) as m, Machine("next", disk(path, "vda")) as other:
        m.start()
        pair = m.pair()
        m.kill()
        check_given_back(path)
        check_equal(registered(), [], "the pairs in use")
        with without_cleanup(m):
            m.start()
            check_equal(m.pair(), pair, "the pair at another start")
            m.kill()
        check_equal(label(path), f"{SHARED}:{pair}", "the label that was left")
        check_equal(registered(), [pair], "the pairs in use")
        other.start()
        check_equal(label(path), f"{SHARED}:{other.pair()}", "the label for the next machine")
        other.stop()
        check_given_back(path)
        with without_cleanup(m):
            m.start()
            m.kill()
        run_ok(["rm", "-rf", REGISTRY, f"/run/vmunit/{m.name}"])
        check(remembered(path), "nothing is remembered")
        m.start()
        check_equal(label(path), f"{SHARED}:{pair}", "the label after a crash")
        m.stop()
        check_given_back(path)
        check_equal(registered(), [], "the pairs in use")


@case(timeout=SLOW)
def the_start_is_killed_half_way():
    path = image("half.img")
    nowhere = ("<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'>"
               "<host name='192.0.2.1' port='10809'/></source><target dev='vdb' bus='virtio'/></disk>")
    run_ok("ip link add nowhere0 type bridge && ip link set nowhere0 up && ip addr add 192.0.2.2/24 dev nowhere0 && "
           "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev nowhere0")
    try:
        with Machine("half", disk(path, "vda"), nowhere) as m:
            run_ok(["systemctl", "daemon-reload"])
            run_ok(["systemctl", "start", "--no-block", m.unit])
            wait_for(lambda: label(path) != OWN, 60, "the label")
            os.kill(int(unit_property(m.unit, "ControlPID")), signal.SIGKILL)
            wait_for(lambda: unit_property(m.unit, "ActiveState") in ("failed", "inactive"), 60, "the end of the start")
            check_given_back(path)
            check_equal(registered(), [], "the pairs in use")
    finally:
        run(["ip", "link", "del", "nowhere0"])


@case(timeout=SLOW)
def file_systems_without_labels():
    """Mounted with a context, a file system has that, and nothing is set."""
    where = "/run/test-unlabelled"
    os.makedirs(where, exist_ok=True)
    run_ok(["mount", "-t", "tmpfs", "-o", f"context={SHARED}", "tmpfs", where])
    try:
        with open(f"{where}/disk.img", "wb") as f:
            f.truncate(1 << 20)
        with Machine("unlabelled", disk(f"{where}/disk.img", "vda")) as m:
            m.start()
            check_equal(label(f"{where}/disk.img"), SHARED, "its label")
            check_match(f"'{where}/disk.img' of disk vda was not labelled", run_ok(["journalctl", "-b", "-u", m.unit]), "the journal")
    finally:
        run_ok(["umount", "-l", where])


@case(timeout=SLOW)
def a_user_of_the_definition():
    seclabel = "<seclabel type='static' model='dac' relabel='yes'><label>{}</label></seclabel>"
    path = image("user.img")
    with Machine("user", disk(path, "vda"), seclabel=seclabel.format("daemon:+1")) as m:
        m.start()
        pid = next(p for c, p in m.processes().items() if c.startswith("qemu"))
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            check_match(r"\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\n", f.read(), "QEMU's user")
        check_equal((os.stat(path).st_uid, os.stat(path).st_gid), (0, 0), "the image's owner")
        check_match(r"<seclabel type='static' model='dac' relabel='yes'>\s*<label>daemon:\+1</label>",
                    run_ok(["vmunit", "dumpxml", m.name]), "dumpxml")
    with Machine("root", seclabel=seclabel.format("+0:+0")) as m:
        result = m.try_start()
        check(result.rc != 0 and "cannot run as root" in result.err, f"root: {result}")
    with Machine("nobody-there", seclabel=seclabel.format("no-such-user:kvm")) as m:
        result = m.try_start()
        check(result.rc != 0, f"no such user: {result}")
        # This is systemd's to say, and its journal may be late for what `vmunit start` tells.
        wait_for(lambda: any("user credentials" in str(e["MESSAGE"]) for e in journal(f"UNIT={m.unit}")), 20,
                 "the journal does not name the user's credentials")


if __name__ == "__main__":
    main()
