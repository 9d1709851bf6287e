# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest's card is connected with, as far as the kernel's modules are needed for it: bridges with limits, Open vSwitch,
macvtap. Each is seen by the guest, held against a control, and gone afterwards. container/test-networks.py has the rest."""

import contextlib
import os
import shutil
import signal
import socket
import time

from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for, wait_for_unit
from tap_scripts import SCRIPTS, script_lines, write_scripts
from vhost_user_net import ADDRESS, SWITCH, Port, interface, plays_with
from vm import talking_vm

SLOW = 600  # seconds: an emulated host that emulates virtualization
KB = 1000
MAC = "<mac address='52:54:00:00:00:{:02x}'/>"
VIRTIO = "<model type='virtio'/><rom enabled='no'/>"


def card(number, kind, inside, attributes=""):
    return f"<interface type='{kind}'{attributes}>{MAC.format(number)}{inside}{VIRTIO}</interface>"


@contextlib.contextmanager
def guest(name, devices, **keywords):
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    with talking_vm(name, type="kvm", agent=False, devices=devices, **keywords) as machine:
        machine.xml = machine.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
        machine.answers = lambda: wait_for(machine._answers, SLOW / 2, f"{name} to answer")
        yield machine


def start(machine):
    machine.write()
    run_ok(["vmunit", "start", machine.name], timeout=180)
    machine.connect()


@contextlib.contextmanager
def host_link(words):
    """`ip link add NAME …`, and its removal."""
    run_ok(f"ip link add {words}")
    try:
        yield
    finally:
        run_ok(["ip", "link", "delete", words.split()[0]])


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def links():
    return set(os.listdir("/sys/class/net"))


def pings(machine, address, nic, own=""):
    return machine.console.command(f"ping {address} {nic} {own}".strip(), 120)[0] == 0


def target(machine, number=1):
    """What the host's end is called."""
    rows = [line.split() for line in run_ok(["vmunit", "domiflist", machine.name]).splitlines()]
    return next(row[0] for row in rows if row and row[-1] == f"52:54:00:00:00:{number:02x}")


def refused(machine, pattern):
    """Does not start, and says why in one line; nothing is left."""
    before = links()
    machine.write()
    result = run(["vmunit", "start", machine.name], timeout=180)
    check_equal(result.rc, 1, "exit status of start")
    check_match(pattern, result.err, "what start says")
    check_equal(links(), before, "network devices after a failed start")


# ---- how much goes through


PORT = 9001
SECONDS = 8


def transfer(machine, address, word, work):
    """Bytes per second of a connection from the guest, for SECONDS after the first ones."""
    with socket.create_server((address, PORT)) as server:
        server.settimeout(60)
        machine.console.send(f"exec {word.format(f'nc {address} {PORT}')}")
        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            amount = work(connection)
    machine.console.expect(r"^vmunit-guest: done exec \d+$", 60)
    return amount / SECONDS


def download(machine, address):
    """What the guest has received, as it counts it itself."""
    def work(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            connection.sendall(bytes(4096))
        return 0

    with contextlib.suppress(FileNotFoundError):
        transfer(machine, address, "{} </dev/null | wc -c >/run/received", work)
    return int(machine.console.ask("cat /run/received")[0]) / SECONDS


def upload(machine, address):
    def work(connection):
        amount, end = 0, time.monotonic() + SECONDS
        while time.monotonic() < end:
            amount += len(connection.recv(65536))
        return amount

    return transfer(machine, address, "{} </dev/zero; true", work)


def limited(machine, address, inbound, outbound, take_away):
    """Both directions stay below their limits, and go beyond them once those are taken away."""
    down, up = download(machine, address), upload(machine, address)
    print(f"# {machine.name}: received {down / KB:.0f} of {inbound} kB/s, sent {up / KB:.0f} of {outbound} kB/s", flush=True)
    check(0.4 * inbound * KB < down < 1.15 * inbound * KB, f"the guest has received {down:.0f} bytes/s")
    check(0.05 * outbound * KB < up < 1.3 * outbound * KB, f"the guest has sent {up:.0f} bytes/s")
    take_away()
    down, up = download(machine, address), upload(machine, address)
    print(f"# {machine.name}: without limits received {down / KB:.0f} kB/s, sent {up / KB:.0f} kB/s", flush=True)
    check(down > 2 * inbound * KB and up > 2 * outbound * KB, f"the control has {down:.0f} and {up:.0f} bytes/s")


# ---- bridges, taps, macvtap


BANDWIDTH = "<bandwidth><inbound average='200' burst='20'/><outbound average='150' burst='40'/></bandwidth>"
HOST_END = ("<source><ip address='198.18.0.1' prefix='24'/><route address='198.51.100.0' prefix='24' gateway='198.18.0.2' metric='5'/>"
            f"</source>{SCRIPTS}<target dev='web0'/>")


@contextlib.contextmanager
def bridge():
    """br0 with 192.0.2.1, and at another port of it, which is isolated, 192.0.2.3."""
    with host_link("br0 type bridge"):
        run_ok("ip address add 192.0.2.1/24 dev br0 && ip link set br0 up && ip netns add peer && "
               "ip link add peer0 type veth peer name peer1 netns peer && ip link set peer0 master br0 up && "
               "ip -n peer address add 192.0.2.3/24 dev peer1 && ip -n peer link set peer1 up && bridge link set dev peer0 isolated on")
        try:
            yield
        finally:
            run_ok("ip link delete peer0 && ip netns delete peer")


@contextlib.contextmanager
def low_device():
    """low0, and 203.0.113.1 at the other end of its cable."""
    with host_link("low0 type veth peer name high0"):
        run_ok("ip link set high0 up && ip address add 203.0.113.1/24 dev high0")
        yield


def check_bridge(machine):
    nics = {nic["mac"][-2:]: nic for nic in machine.console.table("nics")}
    check_equal((nics["01"]["queues"], nics["01"]["mtu"]), ("4", "1400"), "queues and MTU in the guest")
    opened = [os.readlink(f"/proc/{machine.qemu()}/fd/{fd}") for fd in os.listdir(f"/proc/{machine.qemu()}/fd")]
    check(opened.count("/dev/vhost-net") >= 4, f"QEMU has {opened.count('/dev/vhost-net')} descriptors of vhost")
    check(pings(machine, "192.0.2.1", "eth0", "192.0.2.2/24"), "no ping over the bridge")
    # Of two ports that are isolated neither reaches the other; the bridge itself does.
    check(not pings(machine, "192.0.2.3", "eth0"), "an isolated port is reached by another")
    run_ok("bridge link set dev peer0 isolated off")
    check(pings(machine, "192.0.2.3", "eth0"), "the control, a port that is not isolated, is not reached")
    print("# bridge: guest has 4 queues, MTU 1400, reaches the bridge, and an isolated port only when that is no more", flush=True)


def check_limits(machine):
    tap = target(machine)
    check_match(r"rate 1600Kbit ceil 1600Kbit burst 20Kb", run_ok(["tc", "class", "show", "dev", tap]))
    check_match(r"qdisc sfq 2: parent 1:1 .*perturb 10sec", run_ok(["tc", "qdisc", "show", "dev", tap]))
    check_match(r"police 0x\w+ rate 1200Kbit burst 40Kb mtu 64Kb action drop",
                run_ok(["tc", "filter", "show", "dev", tap, "parent", "ffff:"]))
    limited(machine, "192.0.2.1", 200, 150, lambda: run_ok(f"tc qdisc del dev {tap} root && tc qdisc del dev {tap} ingress"))


def check_ethernet(machine):
    check(pings(machine, "198.18.0.1", "eth1", "198.18.0.2/24"), "no ping to the host's end")
    check_match(r"198\.51\.100\.0/24 via 198\.18\.0\.2 metric 5", run_ok(["ip", "route", "show", "dev", "web0"]))
    check_equal(script_lines(), ["up 1 web0 0 0"], "what the scripts have seen")
    print("# ethernet: guest reaches the address of the host's end", flush=True)


def check_macvtap(machine):
    check_equal((target(machine, 3), read("/sys/class/net/macvtap0/address")), ("macvtap0", "52:54:00:00:00:03"))
    check_match(r"macvtap +mode bridge", run_ok(["ip", "-details", "link", "show", "macvtap0"]))
    check(pings(machine, "203.0.113.1", "eth2", "203.0.113.2/24"), "no ping through the macvtap")
    check_match(r"rate 1200Kbit", run_ok(["tc", "class", "show", "dev", "macvtap0"]), "what the guest may send")
    check_match(r"police 0x\w+ rate 1600Kbit", run_ok(["tc", "filter", "show", "dev", "macvtap0", "parent", "ffff:"]))
    print("# direct: guest reaches what is behind the device below", flush=True)


@case(timeout=2 * SLOW)
def bridge_ethernet_and_direct():
    write_scripts()
    bridged = f"<source bridge='br0'/>{BANDWIDTH}<driver name='vhost' queues='4'/><mtu size='1400'/><port isolated='yes'/>"
    with bridge(), low_device():
        before = links()
        with guest("cabled", card(1, "bridge", bridged) + card(2, "ethernet", HOST_END) +
                   card(3, "direct", f"<source dev='low0' mode='bridge'/>{BANDWIDTH}"), vcpus=4) as machine:
            start(machine)
            check_bridge(machine)
            check_ethernet(machine)
            check_macvtap(machine)
            check_limits(machine)
            os.kill(machine.supervisor(), signal.SIGKILL)
            wait_for_unit(machine.unit)
            check_equal(links(), before, "network devices after a crash")
            check_equal(script_lines(), ["up 1 web0 0 0", "down 1 web0 0 0"], "what the scripts have seen after a crash")


@case(timeout=SLOW)
def direct_refusals():
    with low_device():
        address = read("/sys/class/net/low0/address")
        with guest("nowhere", card(1, "direct", "<source dev='low9' mode='bridge'/>")) as machine:
            refused(machine, r"network device 'low9' does not exist")
        through = "<source dev='low0' mode='passthrough'/>"
        with guest("busy", card(1, "direct", through) + card(2, "direct", through)) as machine:
            refused(machine, r"cannot make interface 'macvtap1' on 'low0': ")
            check_equal(read("/sys/class/net/low0/address"), address, "address of the device below")


# ---- Open vSwitch


OVS_RUN, OVS_DATABASE = "/run/openvswitch", "/run/openvswitch-test.db"


@contextlib.contextmanager
def switch_daemons():
    os.makedirs(OVS_RUN, exist_ok=True)
    run_ok("modprobe openvswitch")
    run_ok(["ovsdb-tool", "create", OVS_DATABASE, "/usr/share/openvswitch/vswitch.ovsschema"])
    try:
        run_ok(["systemd-run", "--quiet", "--unit=test-ovsdb", "ovsdb-server", f"--remote=punix:{OVS_RUN}/db.sock", OVS_DATABASE])
        wait_for(lambda: run(["ovs-vsctl", "--timeout=5", "--no-wait", "init"]).rc == 0, 60, "the switch's database", interval=0.5)
        run_ok(["systemd-run", "--quiet", "--unit=test-vswitchd", "ovs-vswitchd", f"unix:{OVS_RUN}/db.sock"])
        run_ok(["ovs-vsctl", "--timeout=60", "add-br", "ovs0"], timeout=90)
        yield
    finally:
        run(["ovs-vsctl", "--timeout=20", "--if-exists", "del-br", "ovs0"])
        run(["systemctl", "stop", "test-vswitchd", "test-ovsdb"])
        os.unlink(OVS_DATABASE)


@contextlib.contextmanager
def open_vswitch():
    """The bridge ovs0, with 192.0.42.1 in VLAN 42 and 192.0.7.1 in VLAN 7."""
    with switch_daemons():
        for tag in (42, 7):
            run_ok(["ovs-vsctl", "--timeout=20", "add-port", "ovs0", f"in{tag}", f"tag={tag}", "--", "set", "Interface", f"in{tag}",
                    "type=internal"])
            run_ok(f"ip address add 192.0.{tag}.1/24 dev in{tag} && ip link set in{tag} up")
        yield


def ports():
    return set(run_ok(["ovs-vsctl", "list-ports", "ovs0"]).split()) - {"in42", "in7"}


def rows_of_qos():
    return run_ok(["ovs-vsctl", "--bare", "--no-heading", "--columns=_uuid", "list", "QoS"]).split()


OVS = "<source bridge='ovs0'/><virtualport type='openvswitch'>{}</virtualport>"
INTERFACE_ID = "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f"


@case(timeout=SLOW)
def openvswitch_port():
    parameters = f"<parameters interfaceid='{INTERFACE_ID}' profileid='web'/>"
    with open_vswitch():
        before = links()
        with guest("switched", card(1, "bridge", "<vlan><tag id='42'/></vlan>" + OVS.format(parameters) + BANDWIDTH) +
                   card(2, "bridge", "<vlan trunk='yes'><tag id='42'/><tag id='7' nativeMode='untagged'/></vlan>" + OVS.format(""))) as machine:
            start(machine)
            check_equal(ports(), {target(machine), target(machine, 2)}, "ports of the switch")
            ids = run_ok(["ovs-vsctl", "get", "Interface", target(machine), "external_ids"])
            uuid = run_ok(["vmunit", "domuuid", machine.name]).strip()
            check_equal(ids.strip(), f'{{attached-mac="52:54:00:00:00:01", iface-id="{INTERFACE_ID}", iface-status=active, '
                        f'port-profile=web, vm-id="{uuid}"}}', "ids of the port")
            derived = run_ok(["ovs-vsctl", "get", "Interface", target(machine, 2), "external_ids:iface-id"]).strip().strip('"')
            check(derived in run_ok(["vmunit", "dumpxml", machine.name]), "the id of the port is not that of the XML")
            check_equal(run_ok(["ovs-vsctl", "get", "Port", target(machine, 2), "trunks", "tag", "vlan_mode"]).split("\n")[:3],
                        ["[7, 42]", "7", "native-untagged"], "VLANs of the trunk")
            # In VLAN 42, and not in the other one.
            check(pings(machine, "192.0.42.1", "eth0", "192.0.42.2/24"), "no ping in the own VLAN")
            check(not pings(machine, "192.0.7.1", "eth0", "192.0.7.2/24"), "a ping into another VLAN")
            machine.console.ask("exec ip address flush dev eth0")
            check(pings(machine, "192.0.7.1", "eth1", "192.0.7.2/24"), "no ping over the trunk's native VLAN")
            machine.console.ask("exec ip link set eth1 down; ip address replace 192.0.42.2/24 dev eth0")
            tap = target(machine)
            limited(machine, "192.0.42.1", 200, 150,
                    lambda: run_ok(["ovs-vsctl", "clear", "Port", tap, "qos", "--", "set", "Interface", tap,
                                    "ingress_policing_rate=0", "ingress_policing_burst=0"]))
            run_ok(["ovs-vsctl", "--all", "destroy", "QoS"])
            run_ok(["vmunit", "destroy", machine.name])
            check_equal((ports(), links()), (set(), before), "what is left of the ports")
            # A crash leaves none either.
            machine.disconnect()
            run_ok(["vmunit", "start", machine.name], timeout=180)
            check_equal(len(rows_of_qos()), 1, "limits in the switch")
            os.kill(machine.supervisor(), signal.SIGKILL)
            wait_for_unit(machine.unit)
            check_equal((ports(), links(), rows_of_qos()), (set(), before, []), "what is left after a crash")


@case(timeout=SLOW)
def openvswitch_refusals():
    # systemd would wait for a bridge that is not there; one that is no switch does as well.
    with host_link("noovs0 type dummy"), guest("unswitched", card(1, "bridge", OVS.format("").replace("ovs0", "noovs0"))) as machine:
        refused(machine, r"cannot add 'vnet0' to bridge 'noovs0' of Open vSwitch: .*database connection failed")
        with switch_daemons():
            refused(machine, r"cannot add 'vnet0' to bridge 'noovs0' of Open vSwitch: no bridge named noovs0 \(interface net0\)")
            program = shutil.which("ovs-vsctl")
            os.rename(program, f"{program}.away")
            try:
                refused(machine, r"cannot add 'vnet0' to bridge 'noovs0' of Open vSwitch: there is no program 'ovs-vsctl' of Open vSwitch")
            finally:
                os.rename(f"{program}.away", program)


@case(timeout=SLOW)
def passthrough():
    """The guest's card has the address of the device below, which gets its own back."""
    through = "<source dev='low0' mode='passthrough'/><driver queues='2'/>"
    with low_device():
        before, address = links(), read("/sys/class/net/low0/address")
        with guest("through", card(1, "direct", through), vcpus=2) as machine:
            start(machine)
            check_equal(read("/sys/class/net/low0/address"), "52:54:00:00:00:01", "address of the device below")
            check_equal(machine.console.table("nics")[0]["queues"], "2", "queues in the guest")
            check(pings(machine, "203.0.113.1", "eth0", "203.0.113.2/24"), "no ping through the macvtap")
            print("# direct (passthrough): guest has 2 queues and reaches what is behind the device below", flush=True)
            run_ok(["vmunit", "destroy", machine.name])
            check_equal((links(), read("/sys/class/net/low0/address")), (before, address), "what is left")


# ---- a switch that is a process


@case(timeout=SLOW)
def a_switch_that_is_a_process():
    """By vhost-user, with the kernel waking both sides up; the container's case does without KVM."""
    with Port(SWITCH, ADDRESS) as port, guest("switched", interface("client")) as machine:
        plays_with(machine, port, start)


main()
