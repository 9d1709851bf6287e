# SPDX-License-Identifier: LGPL-2.1-or-later
"""D-Bus to a peer without a bus, as far as the displays of QEMU need it."""

import socket
import struct

from harness import check, check_match


def _string(kind, value):
    data = value.encode()
    return b"\1" + kind.encode() + b"\0" + (struct.pack("<I", len(data)) if kind != "g" else bytes([len(data)])) + data + b"\0"


def _padded(data):
    return data + b"\0" * (-len(data) % 8)


class DbusPeer:
    """A connection to the one who listens at a path, authenticated as root."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        for line, answer in (b"\0AUTH EXTERNAL 30\r\n", "^OK "), (b"NEGOTIATE_UNIX_FD\r\n", "^AGREE_UNIX_FD"):
            self.socket.sendall(line)
            check_match(answer, self.socket.recv(4096).decode(), "authentication")
        self.socket.sendall(b"BEGIN\r\n")
        self.serial = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            check(more, "the peer has hung up")
            data += more
        return data

    def call(self, path, interface, member, fd=None):
        """The body of the answer, as bytes. A descriptor is the only argument there may be."""
        self.serial += 1
        fields = [b"\1" + _string("o", path), b"\2" + _string("s", interface), b"\3" + _string("s", member)]
        body = b""
        if fd is not None:
            fields += [b"\x08" + _string("g", "h"), b"\x09\1u\0" + struct.pack("<I", 1)]
            body = struct.pack("<I", 0)
        array = b""
        for field in fields:
            array = _padded(array) + field
        message = _padded(struct.pack("<BBBBIII", ord("l"), 1, 0, 1, len(body), self.serial, len(array)) + array) + body
        if fd is None:
            self.socket.sendall(message)
        else:
            socket.send_fds(self.socket, [message], [fd])
        return self._answer()

    def _answer(self):
        """The first message that is an answer: what is told in between (signals) is passed over."""
        while True:
            head = self._receive(16)
            check(head[:1] == b"l", f"a message begins with {head!r}")
            size, _, length = struct.unpack("<III", head[4:16])
            fields = self._receive(length + -length % 8)
            body = self._receive(size)
            check(head[1] != 3, f"an error: {fields!r} {body!r}")
            if head[1] == 2:
                return body
