# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of spice servers, as far as the login goes: the link of a channel with its ticket, also inside of TLS. The RSA of the
ticket is openssl(1)'s; all else is the standard library.

    with Spice("127.0.0.1", 5900) as c:
        c.login(password="sesame", ca="ca-cert.pem")
"""

import socket
import ssl
import struct
import subprocess
import tempfile

MAGIC = b"REDQ"
MAIN, DISPLAY, INPUTS = 1, 2, 3
AUTH_SELECTION, AUTH_SPICE, AUTH_SASL = 0, 1, 2
MAIN_INIT = 103
ERRORS = ["ok", "error", "invalid magic", "invalid data", "version mismatch", "need secured", "need unsecured",
          "permission denied", "bad connection id", "channel not available"]


class Refused(Exception):
    """The server does not let the client in; the text is what it says."""


def encrypt(key, text):
    """RSA-OAEP with a public key in DER."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(key)
        f.flush()
        return subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", f.name,
                               "-pkeyopt", "rsa_padding_mode:oaep"], input=text, capture_output=True, check=True).stdout


class Spice:
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

    def result(self):
        error = struct.unpack("<I", self.read(4))[0]
        if error != 0:
            raise Refused(ERRORS[error] if error < len(ERRORS) else f"error {error}")

    def link(self, channel=MAIN, session=0):
        """The server's public key and its capabilities, a set of bits."""
        capabilities = struct.pack("<I", 1 << AUTH_SELECTION | 1 << AUTH_SPICE)
        message = struct.pack("<IBBIII", session, channel, 0, 1, 0, 18) + capabilities
        self.socket.sendall(MAGIC + struct.pack("<III", 2, 2, len(message)) + message)
        if (magic := self.read(4)) != MAGIC:
            raise Refused(f"not spice: {magic!r}")
        major, _, size = struct.unpack("<III", self.read(12))
        if major != 2:
            raise Refused(f"version {major}")
        reply = self.read(size)
        error, = struct.unpack_from("<I", reply)
        if error != 0:
            raise Refused(ERRORS[error] if error < len(ERRORS) else f"error {error}")
        n, _, offset = struct.unpack_from("<III", reply, 166)
        return reply[4:166], struct.unpack_from("<I", reply, offset)[0] if n else 0

    def tls(self, ca, name):
        context = ssl.create_default_context(cafile=ca)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except (ssl.SSLError, ConnectionError) as e:
            raise Refused(f"TLS: {e}") from e

    def login(self, *, password="", ca=None, name="localhost", channel=MAIN, session=0):
        """The id of the session, with which other channels can be linked to it; None for those."""
        if ca:
            self.tls(ca, name)
        key, _ = self.link(channel, session)
        try:
            self.socket.sendall(struct.pack("<I", AUTH_SPICE))
            self.socket.sendall(encrypt(key, password.encode() + b"\0"))
        except (ssl.SSLError, ConnectionError) as e:
            raise Refused(str(e)) from e
        self.result()
        if channel != MAIN:
            return None
        _, kind, size, _ = struct.unpack("<QHII", self.read(18))
        message = self.read(size)
        if kind != MAIN_INIT:
            raise Refused(f"begins with message {kind}")
        return struct.unpack_from("<I", message)[0]


def knock(host, port=None, *, timeout=20, **how):
    """None when the login works, or what the refusal says."""
    with Spice(host, port, timeout=timeout) as client:
        try:
            client.login(**how)
        except Refused as e:
            return str(e) or "refused"
    return None
