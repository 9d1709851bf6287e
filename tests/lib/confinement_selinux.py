# SPDX-License-Identifier: LGPL-2.1-or-later
"""What SELinux has to do with an emulator that was taken over: its two layers, and the attempts that are there for its sake.

Its layers are asked as the others are, by root's puppet in front of which there is nothing else. *Type enforcement* is
QEMU's domain with every category there is. *MCS* is what is refused to that domain with this machine's categories, and is not
with every category; by the user of the other VM, in its user namespace, as well as by root, so that nothing else stands before
it."""

import errno
import os
import re
import socket
import subprocess

from confinement import ATTEMPTS, Layer, Puppet, attempt
from harness import check
from selinux_labels import FS, context_of, is_enforcing, is_there, label, level_of, sockets_as, sockets_for_all

IMAGE, EVERY = "system_u:object_r:svirt_image_t", "s0-s0:c0.c1023"
# Where every machine sees it.
VISIBLE = "/usr/local/share"


# ---- the layers


def spawn_as(emulator, context, like=None):
    """A puppet in that context, with nothing in front of it but SELinux; as root, or as the user of the process LIKE, in its user
    namespace."""
    with sockets_for_all():
        ours, theirs = socket.socketpair()
    user = []
    if like:
        # That namespace has no way to set groups.
        uid = os.stat(f"/proc/{like}").st_uid
        user = ["nsenter", f"--target={like}", "--user", "--preserve-credentials",
                "setpriv", f"--reuid={uid}", f"--regid={uid}", "--keep-groups"]
    # By a name that is an emulator's: no other one begins in that domain.
    process = subprocess.Popen([*user, "runcon", context, emulator, "--control", str(theirs.fileno())],
                               pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
    theirs.close()
    return Puppet(ours, process)


class Categories:
    """What is refused for the lack of a category."""

    name = "MCS"

    def __init__(self, emulator, domain, level, victim_pid):
        self.pairs = [(Layer("every category", lambda p=p: spawn_as(emulator, f"{domain}:{EVERY}", p)),
                       Layer("its own categories", lambda p=p: spawn_as(emulator, f"{domain}:{level}", p))) for p in (None, victim_pid)]

    def attempt(self, tried, world):
        for every, own in self.pairs:
            if every.attempt(tried, world) is None and (e := own.attempt(tried, world)) is not None:
                return e
        return None


def selinux_layers(world):
    context = context_of(world.machine.qemu())
    domain = ":".join(context.split(":")[:3])
    return [Layer("type enforcement", lambda: spawn_as(world.emulator, f"{domain}:{EVERY}")),
            Categories(world.emulator, domain, level_of(context), world.victim_pid)]


# ---- what there is to be attacked


def extend(world):
    """What only somebody with the categories of the other VM, or of another domain, may have; everybody else may, as far as
    owners and modes are concerned."""
    world.level, world.victim_level = level_of(context_of(world.machine.qemu())), level_of(context_of(world.victim_pid))
    check(re.fullmatch(r"s0:c\d+,c\d+", world.level) and re.fullmatch(r"s0:c\d+,c\d+", world.victim_level), "no two categories each")
    check(world.level != world.victim_level, "both machines have the same categories")
    labels = {"theirs": f"{IMAGE}:{world.victim_level}", "ours": f"{IMAGE}:{world.level}", "shared": f"{IMAGE}:s0",
              "foreign": "system_u:object_r:vmunit_var_lib_t:s0"}
    # Its private /tmp is one that it may write to.
    for directory in (VISIBLE, "/tmp", f"/proc/{world.machine.qemu()}/root/tmp"):
        for name, context in labels.items():
            path = f"{directory}/confinement-{name}"
            with open(path, "w", encoding="ascii") as f:
                f.write("secret")
            os.chmod(path, 0o666)
            label(path, context)
            if not directory.startswith("/proc"):
                world.stack.callback(os.unlink, path)
    world.listener = f"{VISIBLE}/confinement.sock"
    with sockets_as(context_of(world.victim_pid)):
        listener = world.stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(world.listener)
    listener.listen(1000)
    os.chmod(world.listener, 0o666)
    label(world.listener, labels["theirs"])
    world.stack.callback(os.unlink, world.listener)


# ---- the attempts


def of_selinux(*by, alone=False, **keywords):
    """An attempt that there is where the kernel has SELinux. ALONE: nothing else is in the way; so the control is the same
    attempt, inside, while SELinux refuses nothing, and where it never does there is nothing to show."""

    def register(function):
        if is_there():
            attempt(*by, **keywords)(function)
            ATTEMPTS[-1].alone = alone
        return function

    return register


@of_selinux("MCS", alone=True)
def read_a_file_with_the_categories_of_another_vm(p, _):
    check(p.read(f"{VISIBLE}/confinement-ours") == b"secret", "it cannot even read a file with its own")
    check(p.read(f"{VISIBLE}/confinement-shared") == b"secret", "it cannot even read a file without categories")
    p.read(f"{VISIBLE}/confinement-theirs")


@of_selinux("MCS", alone=True)
def write_a_file_with_the_categories_of_another_vm(p, _):
    p.write("/tmp/confinement-ours", b"secret")
    p.write("/tmp/confinement-theirs", b"secret")


@of_selinux("type enforcement", alone=True)
def connect_to_a_socket_that_another_vm_has_made(p, w):
    p.call("close", p.connect(w.listener))


@of_selinux("type enforcement", alone=True)
def read_a_file_that_is_not_for_machines(p, _):
    p.read(f"{VISIBLE}/confinement-foreign")


def relabel(p, context):
    path = f"/tmp/confinement-{os.urandom(4).hex()}"
    fd = p.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        value = context.encode() + b"\0"
        p.call("fsetxattr", fd, "security.selinux", value, len(value), 0)
    finally:
        p.call("close", fd)
        p.call("unlink", path)


@of_selinux("type enforcement", alone=True)
def label_its_file_for_another_vm(p, w):
    relabel(p, f"{IMAGE}:{w.victim_level}")


@of_selinux("type enforcement", alone=True)
def label_its_file_for_all_vms(p, _):
    relabel(p, f"{IMAGE}:s0")


@of_selinux("type enforcement", alone=True)
def label_its_file_as_a_program(p, _):
    relabel(p, "system_u:object_r:qemu_exec_t:s0")


def own_context(p):
    return p.read("/proc/thread-self/attr/current", 256).rstrip(b"\0\n").decode()


def set_attribute(p, name, context):
    """And takes it back, where it could."""
    path, before = f"/proc/thread-self/attr/{name}", own_context(p)
    p.write(path, context.encode() + b"\0")
    p.write(path, before.encode() + b"\0" if name == "current" else b"\0")


def with_level(context, level):
    return ":".join(context.split(":")[:3]) + ":" + level


@of_selinux("type enforcement", alone=True)
def take_the_categories_of_another_vm(p, w):
    set_attribute(p, "current", with_level(own_context(p), w.victim_level))


@of_selinux("type enforcement", alone=True)
def take_every_category(p, _):
    set_attribute(p, "current", with_level(own_context(p), EVERY))


@of_selinux("type enforcement", alone=True)
def leave_its_domain(p, _):
    set_attribute(p, "current", "system_u:system_r:initrc_t:s0")


@of_selinux("type enforcement", alone=True)
def execute_with_the_categories_of_another_vm(p, w):
    set_attribute(p, "exec", with_level(own_context(p), w.victim_level))


@of_selinux("type enforcement", alone=True)
def execute_in_another_domain(p, _):
    set_attribute(p, "exec", "system_u:system_r:initrc_t:s0")


@of_selinux("type enforcement", alone=True)
def make_files_for_another_vm(p, w):
    set_attribute(p, "fscreate", f"{IMAGE}:{w.victim_level}")


@of_selinux("type enforcement", alone=True)
def make_sockets_as_another_vm(p, w):
    set_attribute(p, "sockcreate", with_level(own_context(p), w.victim_level))


@of_selinux("type enforcement", alone=True)
def make_keys_as_another_vm(p, w):
    set_attribute(p, "keycreate", with_level(own_context(p), w.victim_level))


@of_selinux("uid", "type enforcement")
def let_selinux_refuse_nothing(p, _):
    # Set to what it is, where it works.
    p.write(f"{FS}/enforce", b"1" if is_enforcing() else b"0")


@of_selinux("uid", "type enforcement", passes=(errno.EINVAL,))
def load_another_policy(p, _):
    p.write(f"{FS}/load", b"no policy")


@of_selinux("uid", "type enforcement")
def switch_a_part_of_the_policy(p, _):
    p.write(f"{FS}/booleans/vmunit_use_rawio", b"0")
