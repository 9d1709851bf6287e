#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of CDs: read here by the letter of the standard, and by the programs for it that are installed.

   test-iso9660.py WRITE-ISO
"""
import os
import shutil
import subprocess
import sys
import tempfile

SECTOR = 2048
# Name, the same for old readers, size.
FILES = [
    [],
    [("user-data", "USERDATA", 14)],
    [("meta-data", "METADATA", 1), ("network-config", "NETWORKC", 0), ("user-data", "USERDATA", 2048), ("vendor-data", "VENDORDA", 2049)],
    [("a" * 64, "A", 2047), ("B c", "B", 1000000), ("d", "D8765432", 3)],
]
REFUSED = [
    ("x" * 33, []),
    ("cidata", [("", "A", 1)]),
    ("cidata", [("a/b", "A", 1)]),
    ("cidata", [("a" * 65, "A", 1)]),
    ("cidata", [("a", "a", 1)]),
    ("cidata", [("a", "ABCDEFGHI", 1)]),
    ("cidata", [("b", "B", 1), ("a", "A", 1)]),
    ("cidata", [("a", "A", 1), ("b", "A", 1)]),
    ("cidata", [(f"f{i}", f"F{i}", 1) for i in range(9)]),
]


def content(name, size):
    return (name.encode() * (size // len(name) + 1))[:size]


def both(data):
    half = len(data) // 2
    little, big = int.from_bytes(data[:half], "little"), int.from_bytes(data[half:], "big")
    assert little == big, f"{data!r}: {little} is not {big}"
    return little


def records(image, at, size):
    """The entries of a directory: name, first sector, size, whether it is a directory, Rock Ridge's fields."""
    end = at + size
    while at < end and image[at]:
        record = image[at:at + image[at]]
        assert len(record) == image[at] and len(record) % 2 == 0
        length = record[32]
        rest, fields = record[33 + length + (length % 2 == 0):], {}
        while len(rest) >= 4:
            assert rest[3] == 1 and rest[2] >= 4, rest
            fields[rest[:2].decode()] = rest[4:rest[2]]
            rest = rest[rest[2]:]
        assert both(record[28:32]) == 1
        yield record[33:33 + length], both(record[2:10]), both(record[10:18]), bool(record[25] & 2), fields
        at += len(record)


def read(image, label):
    """The files of an image: {name: content}, and the names for old readers."""
    assert len(image) % SECTOR == 0 and not any(image[:16 * SECTOR])
    volume = image[16 * SECTOR:17 * SECTOR]
    assert volume[:7] == b"\1CD001\1" and volume[881] == 1
    assert volume[40:72].decode().rstrip(" ") == label
    assert both(volume[80:88]) * SECTOR == len(image)
    assert both(volume[120:124]) == both(volume[124:128]) == 1 and both(volume[128:132]) == SECTOR
    assert image[17 * SECTOR:17 * SECTOR + 7] == b"\xffCD001\1"
    (_, root, size, directory, _), = records(volume, 156, 34)
    assert directory and size == SECTOR
    for order, place in ("little", volume[140:144]), ("big", volume[148:152]):
        path = image[int.from_bytes(place, order) * SECTOR:][:both(volume[132:140])]
        assert (path[0], int.from_bytes(path[2:6], order), int.from_bytes(path[6:8], order)) == (1, root, 1), path
    entries = list(records(image, root * SECTOR, size))
    (own, own_sector, _, own_directory, own_fields), (parent, parent_sector, _, _, _) = entries[:2]
    assert (own, parent) == (b"\0", b"\1") and own_sector == parent_sector == root and own_directory
    assert own_fields["SP"] == b"\xbe\xef\0" and b"RRIP_1991A" in own_fields["ER"]
    files, plain, last = {}, [], root
    for name, sector, size, directory, fields in entries[2:]:
        assert not directory and fields["NM"][0] == 0
        mode, links, uid, gid, _ = (both(fields["PX"][i:i + 8]) for i in range(0, 40, 8))
        assert (mode, links, uid, gid) == (0o100444, 1, 0, 0)
        assert sector > last or size == 0, "files lie over one another"
        last = sector + max(size - 1, 0) // SECTOR if size else last
        data = image[sector * SECTOR:sector * SECTOR + size]
        assert len(data) == size
        files[fields["NM"][1:].decode()] = data
        plain.append(name)
    assert plain == sorted(plain)
    return files, plain


def run(*argv, **kwargs):
    return subprocess.run(argv, capture_output=True, check=True, **kwargs).stdout


def main(program):
    others = [name for name in ("blkid", "isoinfo", "bsdtar") if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    with tempfile.TemporaryDirectory() as directory:
        def write(label, files):
            argv = [program, label]
            for number, (name, plain, size) in enumerate(files):
                path = f"{directory}/{number}"
                with open(path, "wb") as file:
                    file.write(content(name or "x", size))
                argv += [name, plain, path]
            return subprocess.run(argv, capture_output=True)

        for files in FILES:
            made = write("cidata", files)
            assert made.returncode == 0, made
            assert made.stdout == write("cidata", files).stdout, "two images of the same differ"
            found, plain = read(made.stdout, "cidata")
            assert found == {name: content(name, size) for name, _, size in files}
            assert plain == [f"{short}.;1".encode() for _, short, _ in files]
            image = f"{directory}/image"
            with open(image, "wb") as file:
                file.write(made.stdout)
            if "blkid" in others:
                said = run(shutil.which("blkid", path=f"{os.environ['PATH']}:/usr/sbin"), "-p", "-o", "export", image, text=True).split("\n")
                assert "LABEL=cidata" in said and "TYPE=iso9660" in said, said
            for name, _, size in files:
                if "isoinfo" in others:
                    assert run("isoinfo", "-R", "-i", image, "-x", f"/{name}") == content(name, size), name
                if "bsdtar" in others:
                    assert run("bsdtar", "-xOf", image, name) == content(name, size), name
        for label, files in REFUSED:
            assert write(label, files).returncode == 1, (label, files)
    print(f"{len(FILES)} images, {len(REFUSED)} refused; read by {', '.join(['this test'] + others)}")


main(*sys.argv[1:])
