# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that need no privilege: the user's own, and sockets between two machines."""

from harness import check, check_equal, run_ok
from machines import Kind, Machine
from vm import talking_vm

# Both ends: a wire between two machines. Numbers of ports are nobody else's here.
WIRES = {
    "mcast": ("<source address='239.192.7.1' port='14571'/>",) * 2,
    "udp": ("<source address='127.0.0.1' port='14573'><local address='127.0.0.1' port='14572'/></source>",
            "<source address='127.0.0.1' port='14572'><local address='127.0.0.1' port='14573'/></source>"),
    "server": ("<source address='127.0.0.1' port='14574'/>", "<source address='127.0.0.1' port='14574'/>"),
}
OTHER_END = {"server": "client"}


def wire(kind, number, end):
    kind_here = OTHER_END.get(kind, kind) if end else kind
    return (f"<interface type='{kind_here}'><mac address='52:54:00:00:{number:02x}:{end:02x}'/>{WIRES[kind][end]}"
            "<model type='virtio'/></interface>")


def nic(console, number, end):
    mac = f"52:54:00:00:{number:02x}:{end:02x}"
    name = next((row["name"] for row in console.table("nics") if row["mac"] == mac), None)
    check(name, f"the guest has no interface {mac}")
    return name


def other_machine(run):
    """The machine at the other end of all wires, started by the first who asks."""
    if not hasattr(run, "other"):
        devices = "".join(wire(kind, number, 1) for number, kind in enumerate(WIRES))
        run.other = run.stack.enter_context(talking_vm("wired-other", devices=devices))
        run.other.start()
    return run.other


def reaches(number):
    """The two guests ping each other."""
    def ask(run):
        other = other_machine(run)
        for console, end in ((run.console, 0), (other.console, 1)):
            name = nic(console, number, end)
            console.ask(f"exec ip link set {name} up; ip address add 198.51.{100 + number}.{end + 1}/24 dev {name}")
        answer = run.ask(f"ping 198.51.{100 + number}.2 {nic(run.console, number, 0)}", timeout=60)
        return next(line for line in answer if "bytes from" in line)
    return ask


def user(run, number=9):
    """An address from the network's own DHCP, and its router answers."""
    lease = run.ask("dhcp " + nic(run.console, number, 0), timeout=60)
    check_equal([line for line in lease if line.startswith("dhcp ")][0].split()[1], "address=10.0.2.15/24")
    return f"{' '.join(lease[-1:])}; {next(line for line in run.ask('exec ping -c 1 10.0.2.2') if 'bytes from' in line)}"


CARDS = {"e1000": "e1000", "e1000e": "e1000e", "rtl8139": "8139cp", "vmxnet3": "vmxnet3", "virtio-non-transitional": "virtio_net",
         "virtio-transitional": "virtio_net", "usb-net": "cdc_ether"}


def card(number, model):
    mac = f"52:54:00:00:0a:{number:02x}"
    # QEMU's card on USB begins with a byte of its own.
    return Kind(f"card-{model}", f"<interface type='user'><mac address='{mac}'/><model type='{model}'/></interface>",
                f"exec for n in /sys/class/net/*; do grep -q {mac[2:]} $n/address && echo ${{n##*/}} driver=$(basename $(readlink -f $n/device/driver)); done; true",
                f"driver={CARDS[model]}$")


def group_route(_):
    """Groups are found by a route, as other addresses are; a machine that has a network has one."""
    run_ok("ip link set lo multicast on && ip route replace 239.192.7.0/24 dev lo")


MACHINES = [
    Machine("wired", [
        *(Kind(f"net-{kind}", wire(kind, number, 0), reaches(number), "64 bytes from|bytes from",
               alias=[f"interface@type={OTHER_END[kind]}"] if kind in OTHER_END else ()) for number, kind in enumerate(WIRES)),
        Kind("net-user", "<interface type='user'><mac address='52:54:00:00:09:00'/><model type='virtio'/></interface>", user, "10.0.2.15"),
    ], prepare=group_route, boots=180),
    Machine("cards", [card(number, model) for number, model in enumerate(CARDS)] + [
        Kind("net-backend-default", "<interface type='user'><mac address='52:54:00:00:08:00'/><backend type='default'/><model type='virtio'/></interface>",
             lambda run: user(run, 8), "10.0.2.15"),
    ], boots=180),
]
