# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial and parallel ports, consoles and channels: what one side says the other one hears. The guest's agent is behind one."""

import contextlib
import json
import os
import pty
import re
import select
import socket
import tty

from harness import check, check_equal, check_match, connect_unix, run as command, run_ok, wait_for
from machines import Kind, Machine
from machines.small import fires, virtio_port

# --- files


def written(path, end):
    """What is in the file, as soon as it ends so."""
    def text():
        with open(path, "rb") as f:
            return f.read().replace(b"\r", b"")
    return wait_for(lambda: (t := text()).endswith(end) and t, 10, f"{path} to end with {end!r}").decode()


def through_file(run):
    """What was in the file before is still there."""
    run.sh("echo into the file >/dev/ttyS1")
    check_equal(written(f"{run.directory}/serial.log", b"\n"), "from before\ninto the file\n", "the file")
    return f"ttyS1: {run.sh('stty -F /dev/ttyS1 speed')} baud; {port_of(run, 'ttyS1')}"


def hypervisor_console(run):
    run.sh("echo on hvc0 >/dev/hvc0")
    written(f"{run.directory}/hvc.log", b"on hvc0\n")
    return f"hvc0: {run.sh('cat /sys/class/tty/hvc0/dev')}"


def debug_port(run):
    """The port of Bochs: it says 0xe9 of itself, and takes a byte after the other."""
    run.sh("printf debugged | dd of=/dev/port bs=1 seek=233 count=1 2>/dev/null")
    written(f"{run.directory}/debug.log", b"d")
    return "port 0xe9: 0x" + run.sh("dd if=/dev/port bs=1 skip=233 count=1 2>/dev/null | hexdump -e '1/1 \"%02x\\n\"'")


# --- both ways


def converses(run, port, receive, send):
    """A line there and one back: the guest says what it has read. On one descriptor: what arrives while a port is closed is
    lost. Telnet begins with what the ends agree upon, three bytes each time."""
    raw = "" if port.startswith("vport") else f"stty -F /dev/{port} raw -echo; "
    run.console.send(f"exec exec 4<>/dev/{port}; {raw}echo from the guest >&4; timeout 30 head -n 1 <&4")
    data = b""
    while b"\n" not in data:
        part = receive(100)
        check(part, "the connection ended")
        data += part
    check_equal(re.sub(rb"\xff[\xfb-\xfe].|\r|\0", b"", data), b"from the guest\n", "what came from the guest")
    send(b"from the host\n")
    run.console.expect(r"^vmunit-guest: done exec 0$", 40)
    match = check_match("^from the host$", run.console.text[-200:], "what the guest read")
    return f"{port}: {match[0]}; {port_of(run, port)}"


def over(run, port, connection):
    with connection as s:
        s.settimeout(30)
        return converses(run, port, s.recv, s.sendall)


def port_of(run, port):
    """Where the guest has it."""
    kind = "virtio-ports" if port.startswith("vport") else "tty"
    return re.sub(r"^/sys/devices/", "", run.sh(f"readlink -f /sys/class/{kind}/{port}/device"))


def unix(port, name):
    return lambda run: over(run, port, connect_unix(f"{run.directory}/{name}"))


def on_pci(run):
    """The ports on PCI, in the order of their numbers."""
    return run.sh("for t in /sys/class/tty/ttyS*; do case $(readlink -f $t/device) in *pci*) echo ${t##*/} ;; esac; done").split()


def through_telnet(run):
    return over(run, on_pci(run)[0], socket.create_connection(("127.0.0.1", 14557), 20))


def through_usb(run):
    """QEMU plugs it in when somebody is at the other end."""
    with socket.create_connection(("127.0.0.1", 14556), 20) as s:
        s.settimeout(30)
        wait_for(lambda: run.sh("ls /dev/ttyUSB0 2>/dev/null; true"), 30, "the port to be plugged in", interval=0.5)
        return converses(run, "ttyUSB0", s.recv, s.sendall)


def through_channel(run):
    return over(run, virtio_port(run, "org.vmunit.test"), connect_unix(f"{run.directory}/channel.sock"))


def through_device(run):
    """The host's end is a terminal."""
    master = run.words["MASTER"]

    def receive(size):
        check(select.select([master], [], [], 30)[0], "nothing comes to the terminal")
        return os.read(master, size)
    return converses(run, "ttyS3", receive, lambda data: os.write(master, data))


# --- others


def through_controller(model):
    """What is said to a port of this controller is in its file."""
    def ask(run):
        port = virtio_port(run, f"org.vmunit.{model}")
        run.sh(f"echo by {model} >/dev/{port}")
        written(f"{run.directory}/{model}.log", f"by {model}\n".encode())
        ids = run.sh(f"cd $(readlink -f /sys/class/virtio-ports/{port}/device/..); cat vendor device").replace("0x", "").replace("\n", ":")
        return f"{port}: pci={ids}"
    return ask


def swallows(run):
    """Nobody hears it, but it goes there: the driver counts."""
    port = on_pci(run)[-1]
    run.sh(f"echo nothing >/dev/{port}")
    said = run.sh(f"grep '^{port.removeprefix('ttyS')}:' /proc/tty/driver/serial")
    return f"{port}: {said}"


def parallel(run):
    run.sh("modprobe parport_pc; modprobe ppdev")
    return run.sh("for p in /sys/class/ppdev/*; do echo ${p##*/}: $(grep -h . /proc/sys/dev/parport/${p##*/}/base-addr); done")


def agent(run):
    """By the agent: a program of the guest's, which it is told to run."""
    def guest(name, **arguments):
        text = run_ok(["vmunit", "qemu-agent-command", run.machine.name, json.dumps({"execute": name, "arguments": arguments})])
        return json.loads(text)["return"]
    host = wait_for(lambda: command(["vmunit", "qemu-agent-command", run.machine.name, '{"execute":"guest-ping"}']).rc == 0 and
                    guest("guest-get-host-name"), 30, "the agent")
    return f"agent {guest('guest-info')['version']}: host name {host['host-name']}"


# --- the machine


def first_port(xml):
    """The console's port is the guest's first one, whatever others there are: what has no number comes after all that have."""
    return xml.replace("<serial type='pty'/>", "<serial type='pty'><target port='0'/></serial>", 1)


@contextlib.contextmanager
def prepare_ports(directory):
    with open(f"{directory}/serial.log", "w", encoding="ascii") as f:
        f.write("from before\n")
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield {"TERMINAL": os.ttyname(slave), "MASTER": master}
    finally:
        os.close(master)
        os.close(slave)


def isa(kind, source, port, ask):
    return Kind(f"serial-{kind}", f"<serial type='{kind}'>{source}<target type='isa-serial' port='{port}'/></serial>", ask, f"^ttyS{port}: ")


def tcp(service, protocol, target):
    return (f"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='{service}'/><protocol type='{protocol}'/>"
            f"<target type='{target}'/></serial>")


def controller(index, model, ids):
    """A controller of ports, with one."""
    return Kind(f"virtio-serial-{model}", f"<controller type='virtio-serial' index='{index}' model='{model}'/>"
                f"<channel type='file'><source path='@DIR@/{model}.log'/><target type='virtio' name='org.vmunit.{model}'/>"
                f"<address type='virtio-serial' controller='{index}' bus='0' port='1'/></channel>",
                through_controller(model), f"pci={ids}$")


MACHINES = [
    Machine("ports", [
        Kind("serial-pty", "<console type='pty'><target type='serial' port='0'/></console>", lambda run: run.sh("cat /run/console"),
             "^/dev/ttyS0$", alias=("serial", "char@type=pty")),
        isa("file", "<source path='@DIR@/serial.log' append='on'/>", 1, through_file),
        isa("unix", "<source mode='bind' path='@DIR@/serial.sock'/>", 2, unix("ttyS2", "serial.sock")),
        isa("dev", "<source path='@TERMINAL@'/>", 3, through_device),
        Kind("serial-debug", "<serial type='file'><source path='@DIR@/debug.log'/><target type='isa-debug'/></serial>", debug_port, "0xe9: 0xe9"),
        Kind("serial-pci-telnet", tcp(14557, "telnet", "pci-serial"), through_telnet, r"^ttyS\d: from the host; pci"),
        Kind("serial-null", "<serial type='null'><target type='pci-serial'/></serial>", swallows, r"uart:16\S* .*tx:9 "),
        Kind("serial-usb-tcp", tcp(14556, "raw", "usb-serial"), through_usb, "^ttyUSB0: from the host; .*usb"),
        Kind("parallel", "<parallel type='vc'/>", parallel, "parport0: 888"),
        Kind("console-virtio", "<console type='file'><source path='@DIR@/hvc.log'/><target type='virtio'/></console>", hypervisor_console, r"hvc0: 229:\d+"),
        Kind("channel-virtio", "<channel type='unix'><source mode='bind' path='@DIR@/channel.sock'/><target type='virtio' name='org.vmunit.test'/></channel>",
             through_channel),
        controller(1, "virtio", "1af4:1043"),
        controller(2, "virtio-transitional", "1af4:1003"),
        controller(3, "virtio-non-transitional", "1af4:1043"),
        Kind("guest-agent", "", agent, "host name vmunit-guest"),
        Kind("watchdog-itco", "<watchdog model='itco' action='reset'/>", fires("iTCO")),
    ], prepare=prepare_ports, edit=first_port, cmdline="8250.nr_uarts=8"),
]
