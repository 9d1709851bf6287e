# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of VNC servers, as far as the login goes: RFB 3.8, no security, a password (DES by the code below), and
VeNCrypt with X.509 certificates, whose TLS is that of Python's ssl. Standard library only.

    with Rfb("127.0.0.1", 5900) as c:
        c.login(password="sesame", ca="ca-cert.pem", cert="client-cert.pem", key="client-key.pem")
        print(c.size, c.name)
"""

import socket
import ssl
import struct

NONE, VNC, SASL, VENCRYPT = 1, 2, 20, 19
X509_NONE, X509_VNC, X509_SASL = 260, 261, 264


class Refused(Exception):
    """The server does not let the client in; the text is what it says."""


# ---- DES, only to encrypt (FIPS 46-3)

_IP = [58 - 8 * (i % 8) + 2 * (i // 8) - (57 + 8 - 8 if False else 0) for i in range(32)]
_IP = [58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
       57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7]
_FP = [_IP.index(i) + 1 for i in range(1, 65)]
_E = [(4 * (i // 6) + i % 6 - 1) % 32 + 1 for i in range(48)]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
_PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
        63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
        41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_S = [  # a row is a box, four lines of 16 hexadecimal digits
    "e4d12fb83a6c5907 0f74e2d1a6cbb953841e8d62bfc973a50 fc8249175b3ea006d",
]
_S = [
    "e4d12fb83a6c5907" "0f74e2d1a6cbb953"[:16] + "41e8d62bfc973a50" "fc8249175b3ea06d",
]
