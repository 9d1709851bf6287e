# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines on a host where SELinux refuses: they live their whole lives without a single denial, and what is none of
their business is refused. The policy's dontaudit rules are off: whatever is refused is in the log."""

import glob
import os
import re
import signal
import socket

from boot_sector import gone_afterwards, replace_monitor, ticks_go_on, without_kvm
from denials import denials, no_denial, now
from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for, wait_for_exit
from rfb import VENCRYPT, Rfb, knock
from screens import CA, CERTS, CLIENT, STRANGER, TLS, host
from selinux_labels import context_of
from spice import knock as spice
from vm import nothing_left, vm

SLOW = 400  # seconds: an emulated host that emulates virtualization


# What else is handed over: taps and vhost, a listening socket whose clients the monitor passes on, two that QEMU listens to
# itself, a terminal.
CHANNEL = "/run/test-selinux.sock"
DEVICES = f"""<serial type='pty'/>
    <serial type='tcp'><source mode='bind' host='127.0.0.1' service='5932'/><protocol type='raw'/></serial>
    <channel type='unix'><source mode='bind' path='{CHANNEL}'/><target type='virtio' name='test'/></channel>
    <interface type='bridge'><source bridge='selinux0'/><model type='virtio'/><rom enabled='no'/></interface>
    <graphics type='vnc' autoport='yes' listen='127.0.0.1'/><video><model type='none'/></video>"""


SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def level_of(machine):
    context = run_ok(["systemctl", "show", "-P", "SELinuxContext", machine.unit]).strip()
    return check_match(r"^system_u:system_r:vmunit_supervisor_t:(s0:c\d+,c\d+)$", context, "the unit's SELinuxContext=")[1]


def check_contexts(machine, domain):
    """All three processes in their domains, with the two categories of the unit; those are returned."""
    level = level_of(machine)
    check_equal(context_of(machine.supervisor()), f"system_u:system_r:vmunit_supervisor_t:{level}", "the supervisor's context")
    check_equal(context_of(machine.monitor()), f"system_u:system_r:vmunit_monitor_t:{level}", "the monitor's context")
    check_equal(context_of(machine.qemu()), f"system_u:system_r:{domain}:{level}", "QEMU's context")
    return level


def use_devices(machine):
    out = run(["script", "-qec", f"timeout --foreground 5 vmunit console {machine.name} --devname serial1", "/dev/null"], timeout=60).out
    check_match(f"^Connected to domain '{machine.name}'", out.replace("\r", ""), "the console")
    with socket.create_connection(("127.0.0.1", 5900), timeout=60) as client:
        check_equal(client.recv(4), b"RFB ", "the greeting of VNC")
    with socket.create_connection(("127.0.0.1", 5932), timeout=60) as client:
        client.sendall(b"x")
    run_ok(["runcon", "-l", "s0", "python3", "-c", f"import socket; socket.socket(socket.AF_UNIX).connect('{CHANNEL}')"])
    check_match(r"<[A-Z_,]*\bUP\b.* master selinux0 ", run_ok("ip -o link show master selinux0"), "the tap")


@case
def the_policy_is_loaded():
    check_equal(run_ok(["getenforce"]).strip(), "Enforcing")
    for path, label in {
        "/usr/libexec/vmunit/vmunit-supervisor": "vmunit_supervisor_exec_t",
        "/usr/libexec/vmunit/vmunit-monitor": "vmunit_monitor_exec_t",
        "/run/vmunit": "vmunit_runtime_t",
        "/var/lib/vmunit": "vmunit_var_lib_t",
        "/etc/vm": "etc_t",
    }.items():
        check_equal(run_ok(["stat", "-c", "%C", path]).split(":")[2], label, f"label of {path}")


@case
def a_denial_is_seen():
    since = now()
    result = run(["runcon", "system_u:system_r:ping_t:s0", "cat", "/etc/shadow"])
    check(result.rc != 0, "it was not refused")
    check(any(d[3].split(":")[2] == "ping_t" for d in denials(f"--since=@{since}")), "the denial is not in the journal")


@case(timeout=SLOW)
def emulators_are_asked():
    """An emulator translates code when it is asked what it can do, also by who is not confined."""
    for cached in glob.glob("/var/cache/vmunit/*"):
        os.unlink(cached)
    with no_denial(supervisor=False):
        check_match("<domain>qemu</domain>", run_ok("vmunit domcapabilities --virttype qemu", timeout=SLOW))
    check(glob.glob("/var/cache/vmunit/*.caps"), "nothing was asked")


@case(timeout=SLOW)
def a_label_that_is_not_for_machines():
    """The policy knows the label, but has nobody start a machine with it: the message names it."""
    with vm("stranger", agent=False) as machine:
        label = "system_u:system_r:ping_t:s0:c300,c400"
        seclabel = f"<seclabel type='static' model='selinux' relabel='no'><label>{label}</label></seclabel>"
        machine.xml = re.sub(r"<serial .*</serial>", "", machine.xml).replace("</domain>", f"{seclabel}</domain>")
        machine.write()
        result = run(["vmunit", "start", "stranger"], timeout=SLOW)
        check(result.rc != 0, "it was started")
        check(any(f"cannot execute it: /usr/bin/qemu-system-x86_64 as {label}: " in m for m in machine.journal()),
              "the message does not name the label")
        nothing_left(machine)


@case(timeout=3 * SLOW)
def life_with_kvm():
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    with no_denial(), vm("kvm", type="kvm") as machine:
        machine.xml = machine.xml.replace("<cpu mode='maximum'/>", f"<cpu mode='host-passthrough'/>{SHARED_MEMORY}")
        machine.start(timeout=SLOW)
        level = check_contexts(machine, "svirt_t")
        check_match(f"svirt_t:{level}", run_ok("ps -eZ | grep qemu | grep 'svirt_t:s0:c'"), "the processes")
        machine.ticks_go_on(timeout=SLOW)
        replace_monitor(machine)
        check_equal(check_contexts(machine, "svirt_t"), level, "the level after another monitor")
        machine.ticks_go_on(timeout=SLOW)
        run_ok(["vmunit", "shutdown", "kvm"])
        check_equal(machine.wait_stopped(SLOW), "inactive")
        check_equal(machine.state(), ("shut off", "shutdown"))
        nothing_left(machine)


@case(timeout=2 * SLOW)
def life_without_kvm():
    """A domain that may execute what it has written; rebooted, crashed and started again."""
    run_ok("modprobe tun && modprobe vhost_net && ip link add selinux0 type bridge && ip link set selinux0 up")
    with no_denial(), gone_afterwards(without_kvm("tcg", DEVICES, lifecycle="<on_crash>restart</on_crash>")) as machine:
        machine.start(timeout=SLOW)
        use_devices(machine)
        level = check_contexts(machine, "svirt_prot_exec_t")
        ticks_go_on(machine, SLOW)
        run_ok(["vmunit", "reboot", "tcg"])
        machine.serial.expect_ready(SLOW)
        check_equal(check_contexts(machine, "svirt_prot_exec_t"), level, "the level after a reboot")
        replace_monitor(machine)
        old = machine.qemu()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: machine.qemu() not in (None, old), 60, "a restart")
        machine.watch(timeout=SLOW)
        check_equal(check_contexts(machine, "svirt_prot_exec_t"), level, "the level after a restart")
        ticks_go_on(machine, SLOW)
        run_ok(["machinectl", "poweroff", "tcg"])
        check_equal(machine.wait_stopped(SLOW), "inactive")
        nothing_left(machine)


@case(timeout=2 * SLOW)
def logins_with_tls():
    """Certificates are root's, in a directory of root's; the machine has them as memory. Who has one gets in, and nobody else."""
    closed = "TLS|closed|alert|certificate"
    graphics = "<graphics type='vnc' port='5931'/>"
    with no_denial(), host(TLS), gone_afterwards(without_kvm("tls", graphics)) as machine:
        check_equal(run_ok(["stat", "-c", "%C", f"{CERTS}/server-key.pem"]).split(":")[2], "etc_t", "the key's label")
        machine.start(timeout=SLOW)
        check_contexts(machine, "svirt_prot_exec_t")
        with Rfb("localhost", 5931, timeout=SLOW) as client:
            width, _, name = client.login(**CLIENT)
            check(width > 0 and name == "QEMU (tls)", f"the screen {name} of {width}")
            check_match(r"TLSv1\.[23]", client.socket.version())
        for what, pattern, how in (("no certificate", closed, {"ca": CA}), ("a stranger's", closed, STRANGER), ("no TLS", rf"types \[{VENCRYPT}\]", {})):
            check_match(pattern, knock("localhost", 5931, timeout=SLOW, **how) or "it was let in", f"login with {what}")
        check_equal(knock("localhost", 5931, timeout=SLOW, **CLIENT), None, "the login afterwards")
        replace_monitor(machine)
        check_equal(knock("localhost", 5931, timeout=SLOW, **CLIENT), None, "the login by another monitor")


@case(timeout=3 * SLOW)
def an_encrypted_disk_and_spice_with_tls():
    """The passphrase, the password and the key are in memory as well; the port that spice must have to encrypt is QEMU's own."""
    image, secret, passphrase = "/srv/encrypted.luks", "/etc/credstore/vmunit.secret.of_the_test", "Zk7rT1"
    os.makedirs("/etc/credstore", exist_ok=True)
    with open(secret, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(passphrase)
    run_ok(["qemu-img", "create", "-q", "--object", f"secret,id=key,file={secret}", "-f", "luks", "-o", "key-secret=key,iter-time=10",
            image, "1M"], timeout=SLOW)
    disk = (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{image}'><encryption format='luks'>"
            "<secret type='passphrase' usage='of_the_test'/></encryption></source><target dev='vdb' bus='virtio'/></disk>")
    graphics = "<graphics type='spice' port='5931' tlsPort='5932' passwd='sesame'/>"
    # Spice is not to read OpenSSL's settings, which are among certificates; that QEMU is told so does not count here, where the
    # C library trusts nothing that it is told.
    with no_denial(beside="cert_t"), host("[QEMU]\nspice_tls = 1\n"), gone_afterwards(without_kvm("spice", disk + graphics)) as machine:
        machine.start(timeout=SLOW)
        level = check_contexts(machine, "svirt_prot_exec_t")
        check_equal(run_ok(["stat", "-c", "%C", image]).strip(), f"system_u:object_r:svirt_image_t:{level}", "the image's label")
        for port, how in ((5931, {}), (5932, {"ca": CA})):
            check_equal(spice("localhost", port, timeout=SLOW, password="sesame", **how), None, f"the login at {port}")
            check_equal(spice("localhost", port, timeout=SLOW, password="x", **how), "permission denied", f"another at {port}")


@case(timeout=SLOW)
def dies_with_its_supervisor():
    """The kernel forgets a child's wish to die with its parent when it enters another domain; systemd does not."""
    with gone_afterwards(without_kvm("orphan")) as machine:
        machine.start(timeout=SLOW)
        qemu = machine.qemu()
        os.kill(machine.supervisor(), signal.SIGKILL)
        wait_for_exit(qemu, 60)
        check_equal(machine.wait_stopped(), "failed")
        nothing_left(machine)


@case(timeout=2 * SLOW)
def saved_and_restored():
    """The guest's state goes to a file anywhere and to the machine's own, and comes back from both."""
    file = "/root/saved-machine"
    with no_denial(), gone_afterwards(without_kvm("sleeper")) as machine:
        machine.xml = machine.xml.replace("<source path", "<source append='on' path")
        machine.write()
        machine.start(timeout=SLOW)
        ticks_go_on(machine, SLOW)
        run_ok(["vmunit", "save", "sleeper", file], timeout=SLOW)
        run_ok(["vmunit", "restore", file], timeout=SLOW)
        check_equal(machine.state(), ("running", "restored"))
        ticks_go_on(machine, SLOW)
        run_ok(["vmunit", "managedsave", "sleeper"], timeout=SLOW)
        run_ok(["systemctl", "start", machine.unit], timeout=SLOW)
        check_equal(machine.state(), ("running", "restored"))
        ticks_go_on(machine, SLOW)
        wait_for(lambda: not os.path.exists("/var/lib/vmunit/sleeper/saved"), 60, "the managed save to be gone")
        nothing = [n for n in os.listdir("/run/vmunit") if n.startswith(".restore")]
        check_equal(nothing, [], "what is left of the restore")


if __name__ == "__main__":
    main()
