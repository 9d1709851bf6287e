# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces that passt serves, on a host where SELinux refuses."""

import socket

from denials import no_denial
from harness import case, check_equal, check_match, main, run_ok, wait_for
from route import GATEWAY, route
from selinux_labels import context_of
from vm import talking_vm

INTERFACE = ("<interface type='user'><mac address='52:54:00:11:22:33'/><ip address='10.7.0.5' family='ipv4' prefix='24'/>"
             "<portForward proto='tcp' address='127.0.0.1'><range start='2022' to='22'/></portForward><model type='virtio'/>"
             "<backend type='passt' logFile='/var/log/vm/passt.log'/></interface>")


@case(timeout=900)
def a_guest_and_the_network():
    """passt has a domain of its own with its machine's categories, gives the guest an address, speaks to the host, and listens."""
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    with route(), socket.create_server(("127.0.0.1", 8080)) as listener, talking_vm("passt", type="kvm", devices=INTERFACE) as machine, no_denial():
        machine.start()
        machine.console.ask("dhcp eth0")
        check_match(r"inet 10\.7\.0\.5/24", "\n".join(machine.console.ask("exec ip address show dev eth0")), "the guest's address")
        machine.console.ask(f"exec {{ sleep 1000 | nc {GATEWAY} 8080 >/tmp/heard; }} >/dev/null 2>&1 & true")
        listener.settimeout(120)
        client, _ = listener.accept()
        client.sendall(b"from the host\n")
        wait_for(lambda: machine.console.ask("exec cat /tmp/heard") == ["from the host"], 120, "the host's words in the guest")
        client.close()
        socket.create_connection(("127.0.0.1", 2022), timeout=60).close()
        context = context_of(machine.supervisor()).replace(":vmunit_supervisor_t:", ":vmunit_passt_t:")
        check_equal(context_of(machine.pid_of("passt")), context, "passt's context")
        run_ok(["vmunit", "destroy", "passt"])
        machine.wait_stopped()


main()
