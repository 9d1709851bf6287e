# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the list of devices of a running unit lets through: root in the unit's control group opens them, where nothing but
that list is in the way. It is asked when a device is opened, and at no other time."""

import contextlib
import errno
import os
import threading

from confinement import Refused, in_group
from harness import check_equal, run_ok


@contextlib.contextmanager
def loop_devices(directory, n, size=1 << 20):
    """Block devices of our own."""
    run_ok(["modprobe", "loop"])
    paths, files = [], [f"{directory}/loop{i}" for i in range(n)]
    try:
        for file in files:
            with open(file, "wb") as f:
                f.truncate(size)
            paths.append(run_ok(["losetup", "--find", "--show", file]).strip())
        yield paths
    finally:
        for path in paths:
            run_ok(["losetup", "--detach", path])
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file)


class Opener(threading.Thread):
    """Opens devices that are in the list and such as are not, one after the other, as fast as it can."""

    def __init__(self, group, allowed, refused):
        super().__init__(daemon=True)
        self.puppet = in_group(group)
        self.allowed, self.refused = allowed, refused
        self.goes_on, self.n, self.lost, self.leaked = True, 0, [], []

    def can_open(self, path):
        try:
            self.puppet.touch(path, os.O_RDWR)
        except Refused as e:
            check_equal(e.errno, errno.EPERM, f"error of opening {path}")
            return False
        return True

    def look(self):
        """Once at all of them."""
        self.lost += [p for p in self.allowed if not self.can_open(p)]
        self.leaked += [p for p in self.refused if self.can_open(p)]
        self.n += 1

    def run(self):
        while self.goes_on:
            self.look()

    def check(self):
        check_equal((self.lost, self.leaked), ([], []), f"devices that were lost, and such as came in, in {self.n} rounds")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.goes_on = False
        if self.is_alive():
            self.join()
        self.puppet.close()
