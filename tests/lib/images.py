# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that a case makes, and that are gone after it."""

import contextlib
import os

IMAGES = "/var/lib/test-images"
MIB = 1 << 20


@contextlib.contextmanager
def images():
    """The directory of them, which is empty afterwards."""
    os.makedirs(IMAGES, exist_ok=True)
    try:
        yield
    finally:
        for name in os.listdir(IMAGES):
            os.unlink(f"{IMAGES}/{name}")


def raw(name, size):
    """The path of an image of so many bytes with nothing in it."""
    path = f"{IMAGES}/{name}"
    with open(path, "wb") as f:
        f.truncate(size)
    return path
