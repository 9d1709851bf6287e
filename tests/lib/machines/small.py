# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small devices: random numbers, watchdogs, panics, vsock."""

import contextlib
import os
import socket
import threading

from harness import check, run_ok, wait_for
from machines import Kind, Machine

# --- random numbers


def sources(run):
    return run.sh("cat /sys/class/misc/hw_random/rng_available").split()


def read_from(run, name):
    """Eight bytes, behind what the kernel still has of another one."""
    run.sh(f"echo {name} >/sys/class/misc/hw_random/rng_current; head -c 256 /dev/hwrng >/dev/null")
    return run.sh("head -c 8 /dev/hwrng | hexdump -e '8/1 \"%02x\"'; echo")


def random_of(number):
    """Two reads of that device, which are not alike."""
    def ask(run):
        names = sources(run)
        check(len(names) > number, f"the guest has {names}")
        first, second = (read_from(run, names[number]) for _ in range(2))
        check(first != second or set(first) == set("42"), f"twice {first}")
        return f"{names[number]}: {first}"
    return ask


def served(run):
    """One of them has nothing but what the daemon says."""
    answers = {name: read_from(run, name) for name in sources(run)}
    return "; ".join(f"{name}: {text}" for name, text in answers.items() if set(text) == set("42"))


@contextlib.contextmanager
def entropy_server(path):
    """A daemon that gathers entropy; there is nothing but the answer in it."""
    def serve(connection):
        with contextlib.suppress(OSError), connection:
            while request := connection.recv(2):
                check(len(request) == 2 and request[0] == 2, f"the request {request!r}")
                connection.sendall(b"\x42" * request[1])

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        yield


def rng_source(directory):
    with entropy_server(f"{directory}/egd"):
        yield {}


def random_virtio(model, ids):
    return Kind(f"rng-{model}", f"<rng model='{model}'><backend model='builtin'/></rng>", "pci", rf"^pci .*id={ids} .*driver=virtio-pci")


# --- watchdogs


def fires(identity, module=None):
    """Nobody feeds it any more, and the guest is there anew. The last one of its machine, since all begins anew. One whose driver
    has to be asked for by name is an old one, and has no name of its own."""
    def ask(run):
        if module:
            run.sh(f"modprobe {module}")
            dog = "watchdog"
        else:
            dogs = dict(line.split("=", 1) for line in run.sh(
                "for d in /sys/class/watchdog/watchdog*; do echo ${d##*/}=$(cat $d/identity); done").splitlines())
            dog = next((d for d, name in dogs.items() if identity in name), None)
            check(dog, f"no {identity} among {dogs}")
        run.sh(f"watchdog -T 4 -t 3600 /dev/{dog}")
        run.console.expect_ready(90)
        run.machine.answers()
        uptime = float(run.sh("cat /proc/uptime").split()[0])
        check(uptime < 60, f"it is up for {uptime} s")
        return f"/dev/{dog} ({identity}) fired: vmunit-guest: ready again, up {uptime} s"
    return ask


# --- panics


def panics(run):
    """The guest's last words, and what the host makes of them."""
    # The answer would be the end of a line that never ends.
    run.console.send("panic")
    said = run.console.expect(r"Kernel panic - not syncing: [^\n]*", 60)[0]
    wait_for(lambda: run.machine.state() == ("crashed", "panicked"), 30, "the host to be told")
    run_ok(["vmunit", "destroy", run.machine.name])
    return f"{said}; domstate: crashed (panicked)"


def panic(model, name=None, **keywords):
    return Machine(name or f"panic-{model}", [Kind(f"panic-{model}", f"<panic model='{model}'/>", panics)],
                   lifecycle="<on_crash>preserve</on_crash>", **keywords)


# --- ports of virtio, and vsock


def virtio_port(run, name):
    ports = dict(line.split("=") for line in run.sh(
        "for p in /sys/class/virtio-ports/*; do [ ! -e $p/name ] || echo $(cat $p/name)=${p##*/}; done").splitlines() if not line.startswith("="))
    check(name in ports, f"no port {name} among {ports}")
    return ports[name]


def echo_vsock(run):
    return run.sh("ls /dev/vsock; cat /sys/class/misc/vsock/dev")


MACHINES = [
    Machine("rngs", [
        Kind("rng-random", "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", random_of(0)),
        Kind("rng-builtin", "<rng model='virtio'><backend model='builtin'/></rng>", random_of(1)),
        Kind("rng-egd", "<rng model='virtio'><backend model='egd' type='unix'><source mode='connect' path='@DIR@/egd'/></backend></rng>",
             served, ": 4242424242424242"),
        random_virtio("virtio-transitional", "1af4:1005"),
        random_virtio("virtio-non-transitional", "1af4:1044"),
        Kind("memballoon-non-transitional", "<memballoon model='virtio-non-transitional'/>", "pci", r"^pci .*id=1af4:1045 .*driver=virtio-pci"),
        Kind("watchdog-i6300esb", "<watchdog model='i6300esb' action='reset'/>", fires("i6300ESB")),
    ], prepare=rng_source),
    panic("isa"),
    panic("pvpanic"),
    *(Machine(f"vsocks-{model}", [
        Kind(f"vsock-{model}", f"<vsock model='{model}'><cid auto='yes'/></vsock>", echo_vsock, needs="/dev/vhost-vsock"),
    ]) for model in ("virtio", "virtio-transitional", "virtio-non-transitional")),
]
