# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disc with a few files in its root directory (ECMA-119, level 1), for guests to mount."""

import struct

SECTOR = 2048


def both(n, size):
    """A number in both orders of bytes."""
    kind = {2: "H", 4: "I"}[size]
    return struct.pack(f"<{kind}", n) + struct.pack(f">{kind}", n)


def record(name, sector, size, directory=False):
    data = (bytes([0]) + both(sector, 4) + both(size, 4) + bytes([126, 1, 1, 0, 0, 0, 0]) + bytes([2 if directory else 0, 0, 0]) +
            both(1, 2) + bytes([len(name)]) + name)
    data += b"\0" * (1 - len(data) % 2)
    return bytes([len(data) + 1]) + data


def padded(data, size=SECTOR):
    return data.ljust(-(-len(data) // size) * size, b"\0")


def write_iso(path, label, files):
    """`files` is {"NAME.TXT": bytes}."""
    root, first = 20, 21
    entries, bodies, sector = [record(b"\0", root, SECTOR, True), record(b"\1", root, SECTOR, True)], [], first
    for name, data in sorted(files.items()):
        entries.append(record(f"{name};1".encode(), sector, len(data)))
        bodies.append(padded(data))
        sector += len(bodies[-1]) // SECTOR
    table = [bytes([1, 0]) + struct.pack(order + "IH", root, 1) + b"\0\0" for order in "<>"]
    blank = b" "
    volume = (b"\1CD001\1\0" + blank * 32 + label.encode().ljust(32) + bytes(8) + both(sector, 4) + bytes(32) + both(1, 2) + both(1, 2) +
              both(SECTOR, 2) + both(10, 4) + struct.pack("<II", 18, 0) + struct.pack(">II", 19, 0) + record(b"\0", root, SECTOR, True) +
              blank * (128 * 4 + 37 * 3) + (b"0" * 16 + b"\0") * 4 + b"\1\0")
    with open(path, "wb") as f:
        f.write(bytes(16 * SECTOR) + padded(volume) + padded(b"\xffCD001\1") + padded(table[0]) + padded(table[1]) +
                padded(b"".join(entries)) + b"".join(bodies))
