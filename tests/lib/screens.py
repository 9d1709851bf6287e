# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings and certificates of the host for machines with a screen."""

import contextlib
import os
import shutil

PKI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pki")
CERTS = "/etc/pki/libvirt-vnc"
SPICE_CERTS = "/etc/pki/libvirt-spice"
CONF = "/etc/vm/vmunit.conf.d/50-graphics.conf"

CA = f"{PKI}/ca-cert.pem"
CLIENT = {"ca": CA, "cert": f"{PKI}/client-cert.pem", "key": f"{PKI}/client-key.pem"}
STRANGER = {"ca": CA, "cert": f"{PKI}/stranger-cert.pem", "key": f"{PKI}/stranger-key.pem"}

# As the guide has it for qemu.conf.
TLS = f"""[QEMU]
vnc_tls = 1                     # with TLS
vnc_tls_x509_cert_dir = "{CERTS}"        # where the certificates are
vnc_tls_x509_verify = 1
"""


@contextlib.contextmanager
def host(conf, *, server="server"):
    """Settings of the host, and the certificates as the guide puts them: root's alone."""
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    for directory in (CERTS, SPICE_CERTS):
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o750)
        for name, source in (("ca-cert", "ca-cert"), ("server-cert", f"{server}-cert"), ("server-key", f"{server}-key")):
            shutil.copy(f"{PKI}/{source}.pem", f"{directory}/{name}.pem")
            os.chmod(f"{directory}/{name}.pem", 0o600)
    with open(CONF, "w", encoding="utf-8") as f:
        f.write(conf)
    os.chmod(CONF, 0o600)
    try:
        yield
    finally:
        os.unlink(CONF)
        shutil.rmtree(CERTS)
        shutil.rmtree(SPICE_CERTS)
