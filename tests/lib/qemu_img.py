# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu-img, which is in need of patience."""

import subprocess


def qemu_img(*arguments):
    """Says what it said; an AssertionError when it failed. How long a key of LUKS takes is measured by the time of a thread's work,
    which is in ticks of the clock: one that was made within a tick took none, and is refused. Then it is tried again."""
    for _ in range(20):
        done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False)
        if "Unable to get accurate CPU usage" not in done.stderr:
            break
    assert done.returncode == 0, f"qemu-img {arguments}: {done.stderr}"
    return done.stdout
