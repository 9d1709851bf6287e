# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of VNC servers, as far as the login, one picture and a few keys go: RFB 3.8 without security or with a password,
both also inside of TLS (VeNCrypt with X.509 certificates). Python's ssl does TLS; the DES of the password is below, since hardly
anything else has it any more. Standard library only.

    with Rfb("127.0.0.1", 5900) as c:
        width, height, name = c.login(password="sesame", ca="ca-cert.pem", cert="client-cert.pem", key="client-key.pem")
        c.picture().write("screen.png")
"""

import socket
import ssl
import struct
import zlib

NONE, VNC, VENCRYPT, SASL = 1, 2, 19, 20
RAW, DESKTOP_SIZE = 0, -223
X509_NONE, X509_VNC, X509_SASL = 260, 261, 264


class Refused(Exception):
    """The server does not let the client in; the text is what it says."""


# ---- DES, for one block (FIPS 46-3). Tables count bits from 1, the highest first.

_IP = [r + 8 * (7 - i) for r in (2, 4, 6, 8, 1, 3, 5, 7) for i in range(8)]
_FP = [_IP.index(i) + 1 for i in range(1, 65)]
_E = [(4 * (i // 6) + i % 6 - 1) % 32 + 1 for i in range(48)]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
_PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
        63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
        41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_S = [box.replace(" ", "") for box in (
    "e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d",
    "f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9",
    "a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c",
    "7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e",
    "2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453",
    "c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d",
    "4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c",
    "d2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b")]


def _permute(value, bits, table):
    result = 0
    for i in table:
        result = result << 1 | value >> (bits - i) & 1
    return result


def des(key, block):
    k, keys = _permute(int.from_bytes(key, "big"), 64, _PC1), []
    c, d = k >> 28, k & 0xFFFFFFF
    for i in range(16):
        n = 1 if i in (0, 1, 8, 15) else 2
        c, d = [(h << n | h >> (28 - n)) & 0xFFFFFFF for h in (c, d)]
        keys.append(_permute(c << 28 | d, 56, _PC2))
    b = _permute(int.from_bytes(block, "big"), 64, _IP)
    left, right = b >> 32, b & 0xFFFFFFFF
    for k in keys:
        x, f = _permute(right, 32, _E) ^ k, 0
        for i, box in enumerate(_S):
            v = x >> (42 - 6 * i) & 63
            f = f << 4 | int(box[16 * (v >> 4 & 2 | v & 1) + (v >> 1 & 15)], 16)
        left, right = right, left ^ _permute(f, 32, _P)
    return _permute(right << 32 | left, 64, _FP).to_bytes(8, "big")


def answer(password, challenge):
    """VNC turns the bits of each byte of the password round."""
    key = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
    return des(key, challenge[:8]) + des(key, challenge[8:])


# ---- RFB


class Rfb:
    def __init__(self, host, port=None, *, timeout=20):
        """A TCP port of a host, or the path of a socket."""
        if port is None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(host)
        else:
            self.socket = socket.create_connection((host, port), timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, n):
        data = b""
        while len(data) < n:
            try:
                part = self.socket.recv(n - len(data))
            except (ssl.SSLError, ConnectionError) as e:
                raise Refused(str(e)) from e
            if not part:
                raise Refused("the connection was closed")
            data += part
        return data

    def number(self):
        return struct.unpack(">I", self.read(4))[0]

    def types(self):
        """The types of security there are to choose from."""
        version = self.read(12)
        if version != b"RFB 003.008\n":
            raise Refused(f"not RFB 3.8: {version!r}")
        self.socket.sendall(version)
        n = self.read(1)[0]
        if n == 0:
            raise Refused(self.read(self.number()).decode())
        return list(self.read(n))

    def vencrypt(self):
        """The types inside of VeNCrypt."""
        self.socket.sendall(bytes([VENCRYPT]))
        version = self.read(2)
        self.socket.sendall(version)
        if version != b"\0\2" or self.read(1) != b"\0":
            raise Refused(f"VeNCrypt {version!r}")
        return [self.number() for _ in range(self.read(1)[0])]

    def tls(self, kind, ca, cert, key, name):
        self.socket.sendall(struct.pack(">I", kind))
        if self.read(1) != b"\1":
            raise Refused("the server does not begin with TLS")
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except (ssl.SSLError, ConnectionError) as e:
            raise Refused(f"TLS: {e}") from e

    def login(self, *, password=None, ca=None, cert=None, key=None, name="localhost"):
        """Width, height and name of what it shows. With CA it has to be TLS; without, it must not."""
        wanted = VENCRYPT if ca else VNC if password is not None else NONE
        types = self.types()
        if wanted not in types:
            raise Refused(f"the server has the types {types}")
        if ca:
            inner = X509_NONE if password is None else X509_VNC
            types = self.vencrypt()
            if inner not in types:
                raise Refused(f"the server has the types {types} of VeNCrypt")
            self.tls(inner, ca, cert, key, name)
        else:
            self.socket.sendall(bytes([wanted]))
        if password is not None:
            self.socket.sendall(answer(password, self.read(16)))
        if self.number() != 0:
            raise Refused(self.read(self.number()).decode())
        self.socket.sendall(b"\1")
        self.width, self.height = struct.unpack(">HH", self.read(20)[:4])
        return self.width, self.height, self.read(self.number()).decode()

    def picture(self):
        """All that the screen shows now, after login()."""
        # Four bytes a pixel, blue first; pixels as they are; and that the size may change.
        self.socket.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.socket.sendall(struct.pack(">BxHii", 2, 2, RAW, DESKTOP_SIZE))
        while True:
            lines, seen = [bytearray(4 * self.width) for _ in range(self.height)], 0
            self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
            while seen < self.width * self.height:
                n = self._update(lines)
                if n is None:
                    break
                seen += n
            else:
                return Picture(self.width, self.height, lines)

    def _update(self, lines):
        """One message of the server: how many pixels came, or None when the size is another one now."""
        kind = self.read(1)[0]
        if kind == 2:  # bell
            return 0
        if kind == 3:  # text that was cut
            self.read(3)
            self.read(self.number())
            return 0
        if kind != 0:
            raise Refused(f"message {kind} of the server")
        seen = 0
        for _ in range(struct.unpack(">xH", self.read(3))[0]):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            if encoding == DESKTOP_SIZE:
                self.width, self.height = width, height
                return None
            for line in range(y, y + height):
                lines[line][4 * x : 4 * (x + width)] = self.read(4 * width)
            seen += width * height
        return seen

    def key(self, symbol):
        """Presses a key and lets it go: an X keysym."""
        for down in (1, 0):
            self.socket.sendall(struct.pack(">BBxxI", 4, down, symbol))

    def pointer(self, x, y, buttons=0):
        self.socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))


class Picture:
    def __init__(self, width, height, lines):
        """Lines of pixels, blue, green, red and nothing each."""
        self.width, self.height, self.lines = width, height, lines

    def pixel(self, x, y):
        """(red, green, blue)"""
        return tuple(self.lines[y][4 * x : 4 * x + 3][::-1])

    def share(self, colour, top, bottom):
        """How much of the lines from the one to the other (parts of 1) has about this colour."""
        rows, step = range(int(self.height * top), int(self.height * bottom), 4), range(0, self.width, 4)
        hits = sum(all(abs(a - b) < 24 for a, b in zip(self.pixel(x, y), colour)) for y in rows for x in step)
        return hits / (len(rows) * len(step))

    def write(self, path):
        """As PNG."""
        rows = b"".join(b"\0" + bytes(c for x in range(0, 4 * self.width, 4) for c in (line[x + 2], line[x + 1], line[x])) for line in self.lines)
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        with open(path, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n")
            for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
                f.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def knock(host, port=None, *, timeout=20, **how):
    """None when the login works, or what the refusal says."""
    with Rfb(host, port, timeout=timeout) as client:
        try:
            client.login(**how)
        except Refused as e:
            return str(e) or "refused"
    return None
