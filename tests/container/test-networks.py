# SPDX-License-Identifier: LGPL-2.1-or-later
"""Taps of type 'ethernet' with scripts, addresses and routes; switches that are processes. What needs the kernel's modules is in host/test-networks.py."""

import os
import signal
import socket

from harness import case, check_equal, check_match, main, run, run_ok, wait_for_unit
from tap_scripts import SCRIPT, SCRIPTS, script_lines, write_script, write_scripts
from vhost_user_net import ADDRESS, SWITCH, Port, interface, plays_with, shares_memory
from vm import nothing_left, talking_vm, vm


def links():
    return set(os.listdir("/sys/class/net"))


def refused(machine, pattern):
    """Does not start, and says why; nothing is left."""
    before = links()
    machine.write()
    result = run(["vmunit", "start", machine.name])
    check_equal(result.rc, 1, "exit status of start")
    check_match(pattern, result.err, "what start says")
    check_equal(links(), before, "network devices after a failed start")


# ---- taps with scripts and addresses


ETHERNET = ("<interface type='ethernet'><source><ip address='192.0.2.1' prefix='24'/>"
            "<route address='198.51.100.0' prefix='24' gateway='192.0.2.2' metric='5'/></source>"
            f"{SCRIPTS}<target dev='web0'/><model type='virtio'/><mtu size='1400'/></interface>")


@case
def ethernet_with_scripts():
    write_scripts()
    before = links()
    with talking_vm("scripted", devices=ETHERNET) as machine:
        machine.start()
        check_equal(machine.console.table("nics")[0]["mtu"], "1400", "MTU in the guest")
        machine.console.ask("ping 192.0.2.1 eth0 192.0.2.2/24", timeout=60)
        check_match(r"^ web0 +52:54:\S+ +ipv4 +192\.0\.2\.2/0$", run_ok(["vmunit", "domifaddr", "scripted", "--source", "arp"]))
        check_match(r"198\.51\.100\.0/24 via 192\.0\.2\.2 metric 5", run_ok(["ip", "route", "show", "dev", "web0"]))
        check_equal(script_lines(), ["up 1 web0 0 0"], "what the scripts have seen")
        os.kill(machine.supervisor(), signal.SIGKILL)
        wait_for_unit(machine.unit)
        check_equal(script_lines(), ["up 1 web0 0 0", "down 1 web0 0 0"], "what the scripts have seen after a crash")
        check_equal(links(), before, "network devices afterwards")


@case
def scripts_that_do_not_run():
    write_scripts()
    with vm("scripted", devices=ETHERNET) as machine:
        write_script("up", "echo no such luck >&2; exit 3")
        refused(machine, r"script '/etc/vmunit-test-up' has failed for 'web0': no such luck \(interface net0\)")
        check_equal(script_lines(), ["down 1 web0 0 0"], "what is undone after a failed script")
        write_script("up", "true", 0o777)
        refused(machine, r"cannot run '/etc/vmunit-test-up' as root: others than root can change it \(interface net0\)")
        os.unlink(SCRIPT.format("up"))
        refused(machine, r"cannot run '/etc/vmunit-test-up' as root: .*does not exist")
        nothing_left(machine)


# ---- a switch that is a process: vhost-user


# QEMU 7.2 without KVM runs into a pointer to nothing as soon as such a card has message-signalled interrupts.
NO_VECTORS = ("<qemu:override><qemu:device alias='net0'><qemu:frontend><qemu:property name='vectors' type='unsigned' value='0'/>"
              "</qemu:frontend></qemu:device></qemu:override>")


@case(timeout=240)
def a_switch_that_is_a_process():
    with Port(SWITCH, ADDRESS) as port, talking_vm("switched", devices=interface("client")) as machine:
        machine.xml = machine.xml.replace("</domain>", f"{NO_VECTORS}</domain>").replace(
            "<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1)
        plays_with(machine, port)


@case
def switches_that_are_not_there():
    with vm("unswitched", devices=interface("client")) as machine:
        shares_memory(machine.without_guest())
        refused(machine, rf"cannot open '{SWITCH}' for interface net0: .*does not exist")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(SWITCH)
        refused(machine, rf"cannot connect to '{SWITCH}' for interface net0: nobody listens there")
        os.unlink(SWITCH)
        with open(SWITCH, "w", encoding="ascii"):
            pass
        refused(machine, rf"cannot open '{SWITCH}' for interface net0: it is a regular file, not a socket")
        os.unlink(SWITCH)
        machine.xml = machine.xml.replace("mode='client'", "mode='server'")
        refused(machine, r"not supported: an interface of type 'vhostuser' with mode='server'")
        machine.xml = machine.xml.replace("mode='server'", "mode='client'").replace("<access mode='shared'/>", "")
        refused(machine, r"interface of type 'vhostuser' needs shared memory")
        nothing_left(machine)


main()
