# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces that passt serves: the guest has an address and reaches the host, ports of the host lead to the guest, and passt has
locked itself in."""

import contextlib
import os
import re
import signal
import socket

from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from route import GATEWAY, route
from vm import talking_vm, vm

LOG = "/var/log/vm/passt.log"


def interface(inside="", backend=""):
    return f"<interface type='user'><mac address='52:54:00:11:22:33'/>{inside}<model type='virtio'/><backend type='passt'{backend}/></interface>"


def netcat(machine, words, heard):
    """One of the guest's, whose own side stays open; what it hears is in a file. Debian's passt loses the end of a connection that
    comes right behind what was said, so nobody waits for one."""
    machine.console.ask(f"exec {{ sleep 1000 | nc {words} >/tmp/{heard}; }} >/dev/null 2>&1 & true")


def heard(machine, name, text):
    return machine.console.ask(f"exec grep -c '^{text}$' /tmp/{name}; true") == ["1"]


def tell(clients, port, text):
    """Debian's passt takes a connection to the guest only when something is said from here, and with nobody in the guest who
    listens yet it ends: then there is another one."""
    with contextlib.suppress(OSError):
        clients.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        clients[-1].sendall(text)


@case(timeout=300)
def a_guest_and_the_network():
    forward = "<portForward proto='tcp' address='127.0.0.1'><range start='2022' to='22'/></portForward>"
    inside, clients = f"<ip address='10.7.0.5' family='ipv4' prefix='24'/>{forward}", []
    with route(), socket.create_server(("127.0.0.1", 8080)) as listener, \
            talking_vm("passt", devices=interface(inside, f" logFile='{LOG}'")) as machine:
        machine.start()
        machine.console.ask("dhcp eth0")
        check_match(r"inet 10\.7\.0\.5/24", "\n".join(machine.console.ask("exec ip address show dev eth0")), "the guest's address")
        # To passt, the gateway is the host itself, on its loopback.
        netcat(machine, f"{GATEWAY} 8080", "out")
        listener.settimeout(60)
        client, _ = listener.accept()
        client.sendall(b"from the host\n")
        wait_for(lambda: heard(machine, "out", "from the host"), 60, "the host's words in the guest")
        netcat(machine, "-l -p 22", "in")

        def told():
            tell(clients, 2022, b"from outside\n")
            return heard(machine, "in", "from outside")
        wait_for(told, 60, "what was said at the host's port, in the guest")
        for c in (client, *clients):
            c.close()

        pid = machine.pid_of("passt")
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = f.read()
        check_match(r"(?m)^CapEff:\t0+$", status, "passt's capabilities")
        check_match(rf"(?m)^Uid:\s+{os.stat(f'/proc/{machine.qemu()}').st_uid}\s", status, "passt's uid")
        check_equal(os.listdir(f"/proc/{pid}/root"), [], "what passt sees of files")
        for namespace in ("user", "mnt", "ipc", "uts"):
            check(os.readlink(f"/proc/{pid}/ns/{namespace}") != os.readlink(f"/proc/{machine.qemu()}/ns/{namespace}"), f"its namespace: {namespace}")
        check(os.path.exists(LOG), "there is no log")
        run_ok(["vmunit", "destroy", "passt"])
        machine.wait_stopped()


@case(timeout=120)
def passt_that_ends():
    with route(), vm("lost", cmdline="", lifecycle="<on_crash>destroy</on_crash>", devices=interface()) as machine:
        machine.without_guest().start(ready=False)
        os.kill(machine.pid_of("passt"), signal.SIGKILL)
        machine.wait_stopped()
        check_match("passt-net0: its process ended with signal 9, before QEMU", "\n".join(machine.journal()), "the journal")


@case(timeout=120)
def passt_that_cannot_start():
    """Not there, or without a network to take an address from: what it says is in the journal, and nobody waits for it."""
    with vm("alone", cmdline="", devices=interface()) as machine:
        machine.without_guest().write()
        os.rename("/usr/bin/passt", "/usr/bin/passt.away")
        try:
            results = [run(["vmunit", *words, "alone"]) for words in (["start"], ["verify", "--host"])]
        finally:
            os.rename("/usr/bin/passt.away", "/usr/bin/passt")
        check_equal([r.rc for r in results], [1, 1], "start and verify without passt")
        for said in ("\n".join(machine.journal()), results[1].err):
            check_match("cannot execute '/usr/bin/passt' for interface net0: No such file or directory", said)
        run_ok(["vmunit", "verify", "--host", "alone"])
        run(["systemctl", "reset-failed", machine.unit])
        check_equal(run(["vmunit", "start", "alone"], timeout=60).rc, 1, "start without a network")
        said = "\n".join(machine.journal())
        check_match("passt-net0: its process ended with status 1, before QEMU: a device of the machine is gone", said, "the journal")
        check(re.search("[Ii]nterface|route", said.split("No such file or directory")[-1]), f"passt says nothing: {said}")


if __name__ == "__main__":
    main()
