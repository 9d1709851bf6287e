# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labels of SELinux, by the kernel's files alone; the image has no library for it."""

import contextlib
import os

FS = "/sys/fs/selinux"


def context_of(pid):
    with open(f"/proc/{pid}/attr/current", encoding="ascii") as f:
        return f.read().rstrip("\0\n")


def level_of(context):
    return context.split(":", 3)[3]


def is_there():
    return os.path.exists(f"{FS}/enforce")


def is_enforcing():
    if not is_there():
        return False
    with open(f"{FS}/enforce", encoding="ascii") as f:
        return f.read() == "1"


@contextlib.contextmanager
def sockets_as(context):
    """The sockets that are made meanwhile have this label. A machine's processes may use none with categories they lack."""
    def write(text):
        with open("/proc/thread-self/attr/sockcreate", "wb", buffering=0) as f:
            f.write(text.encode() or b"\0")
    if not is_there():
        yield
        return
    write(context)
    try:
        yield
    finally:
        write("")


def sockets_for_all():
    """Of the lowest level, as `vmunit` makes them."""
    return sockets_as(":".join(context_of("thread-self").split(":")[:3]) + ":s0" if is_there() else "")


@contextlib.contextmanager
def refusing_nothing():
    with open(f"{FS}/enforce", "w", encoding="ascii") as f:
        f.write("0")
    try:
        yield
    finally:
        with open(f"{FS}/enforce", "w", encoding="ascii") as f:
            f.write("1")


def label(path, context):
    os.setxattr(path, "security.selinux", context.encode() + b"\0")
