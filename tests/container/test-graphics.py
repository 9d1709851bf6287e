#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who gets in to see a machine's screen: TLS, certificates, passwords; and where passwords are not."""

import contextlib
import json
import os
import pwd
import re
import shutil
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import (case, check, check_equal, check_match, journal, main, run, run_ok, unit_property, wait_for)
from hiding import everything_said, hidden, readable
from rfb import SASL, VENCRYPT, VNC, Rfb, knock
from screens import CA, CERTS, CLIENT, PKI, SPICE_CERTS, STRANGER, TLS, host
from spice import AUTH_SASL, INPUTS, Spice
from spice import knock as spice
from vm import vm

PASSWORD = "n8VfjbFK"
PORT = 5931


def screen(name, graphics=f"<graphics type='vnc' port='{PORT}'/>"):
    return vm(name, devices=graphics, cmdline="")


def refused(pattern, *where, **how):
    check_match(pattern, knock(*where, **how) or "it was let in", f"login with {sorted(how)}")


def local(**how):
    return knock("localhost", PORT, **how)


@case
def tls_with_certificates():
    with host(TLS), screen("tls") as machine:
        machine.start(ready=False)
        # First who is to get in, the control of all that follows.
        with Rfb("localhost", PORT) as client:
            width, _, name = client.login(**CLIENT)
            check(width > 0, "no picture")
            check_equal(name, "QEMU (tls)", "the screen's name")
            check_match(r"TLSv1\.[23]", client.socket.version())
        refused(r"TLS|closed|alert|certificate", "localhost", PORT, ca=CA)
        refused(r"TLS|closed|alert|certificate", "localhost", PORT, **STRANGER)
        refused(rf"types \[{VENCRYPT}\]", "localhost", PORT)
        # And still the one that may.
        check_equal(local(**CLIENT), None, "the login afterwards")
        # QEMU has its certificates from nowhere but its descriptors, and no network.
        check_equal(unit_property(machine.unit, "PrivateNetwork"), "yes", "PrivateNetwork")
        with open(f"/proc/{machine.qemu()}/cmdline", "rb") as f:
            check(CERTS.encode() not in f.read(), "QEMU is told the directory of root's certificates")


@case
def tls_without_certificates_of_clients():
    with host("[QEMU]\nVNCTLS=yes\n"), screen("tls2") as machine:
        machine.start(ready=False)
        check_equal(local(ca=CA), None, "a client without a certificate")
        check_equal(local(**CLIENT), None, "a client with one")
        refused(rf"types \[{VENCRYPT}\]", "localhost", PORT)


@case
def tls_and_a_password():
    graphics = f"<graphics type='vnc' port='{PORT}' passwd='{PASSWORD}'/>"
    with host(TLS), screen("tls3", graphics) as machine:
        machine.start(ready=False)
        check_equal(local(password=PASSWORD, **CLIENT), None, "the right one")
        refused("[Aa]uthentication|password", "localhost", PORT, password="wrong", **CLIENT)
        refused(r"types", "localhost", PORT, **CLIENT)
        refused(r"TLS|closed|alert|certificate", "localhost", PORT, password=PASSWORD, **STRANGER)
        # A monitor that is replaced takes the next clients.
        monitor = machine.monitor()
        os.kill(monitor, 9)
        wait_for(lambda: machine.monitor() not in (None, monitor), 30, "another monitor")
        check_equal(local(password=PASSWORD, **CLIENT), None, "the login after the monitor's death")


@case
def tls_with_a_revoked_certificate():
    revoked = {"ca": CA, "cert": f"{PKI}/revoked-cert.pem", "key": f"{PKI}/revoked-key.pem"}
    with host(TLS), screen("revoked") as machine:
        machine.start(ready=False)
        check_equal(local(**revoked), None, "a login without a list of revoked certificates")
    with host(TLS), screen("revoked") as machine:
        shutil.copy(f"{PKI}/ca-crl.pem", CERTS)
        machine.start(ready=False)
        check_equal(local(**CLIENT), None, "the other client")
        refused(r"TLS|closed|alert|certificate", "localhost", PORT, **revoked)


@case
def certificates_that_miss():
    for name in ("ca-cert", "server-cert", "server-key"):
        with host(TLS), screen("nocert") as machine:
            os.unlink(f"{CERTS}/{name}.pem")
            machine.write()
            check(run(["vmunit", "start", "nocert"]).rc != 0, "it starts")
            check(any(f"{CERTS}/{name}.pem" in m for m in machine.journal()), f"nobody names {name}.pem: {machine.journal()}")
            check(not any("qemu-system" in m for m in machine.journal()), "QEMU was started")


@case
def certificates_that_are_wrong():
    with host(TLS, server="expired"), screen("expired") as machine:
        machine.write()
        out = run(["vmunit", "start", "expired"])
        check(out.rc != 0, "it starts")
        check_match(f"cannot use '{CERTS}/server-cert.pem' for graphics vnc: TLS: the certificate has expired on 2020-12-31 00:00:00 UTC",
                    "\n".join(machine.journal()), "the journal")
    with host(TLS), screen("garbage") as machine:
        with open(f"{CERTS}/ca-cert.pem", "w", encoding="ascii") as f:
            f.write("no certificate")
        machine.write()
        check(run(["vmunit", "start", "garbage"]).rc != 0, "it starts")
        check_match(f"cannot use '{CERTS}/ca-cert.pem' for graphics vnc: TLS: it is not a certificate in PEM", "\n".join(machine.journal()), "the journal")


@case
def password_right_and_wrong():
    with screen("word", f"<graphics type='vnc' port='{PORT}' passwd='{PASSWORD}'/>") as machine:
        machine.start(ready=False)
        check_equal(local(password=PASSWORD), None, "the right one")
        for wrong in ("", PASSWORD[:-1], PASSWORD.lower()):
            refused("[Aa]uthentication|password", "localhost", PORT, password=wrong)
        refused(rf"types \[{VNC}\]", "localhost", PORT)


@case
def password_that_expires():
    for year, works in ((2001, False), (2099, True)):
        graphics = f"<graphics type='vnc' port='{PORT}' passwd='{PASSWORD}' passwdValidTo='{year}-01-01T00:00:00'/>"
        with screen(f"till{year}", graphics) as machine:
            machine.start(ready=False)
            check_equal(local(password=PASSWORD) is None, works, f"valid to {year}")


@case
def password_of_the_host():
    with host(f'[QEMU]\nvnc_password = "{PASSWORD}"\nvnc_auto_unix_socket = 1\n'):
        with screen("hostword", "<graphics type='vnc'/>") as machine:
            machine.start(ready=False)
            path = "/run/vmunit/hostword/vnc.sock"
            check_equal(knock(path, password=PASSWORD), None, "the host's")
            refused("[Aa]uthentication|password", path, password="sesame")
            hidden(machine, PASSWORD)
        with screen("ownword", "<graphics type='vnc' passwd='sesame'/>") as machine:
            machine.start(ready=False)
            path = "/run/vmunit/ownword/vnc.sock"
            check_equal(knock(path, password="sesame"), None, "its own")
            refused("[Aa]uthentication|password", path, password=PASSWORD)


@case
def password_is_nowhere():
    with screen("nowhere", f"<graphics type='vnc' port='{PORT}' passwd='{PASSWORD}'/>") as machine:
        machine.start(ready=False)
        check_equal(local(password=PASSWORD), None, "the password is in use")
        hidden(machine, PASSWORD)
        # The controls: it is found where it is, and the search finds what is there to be found.
        check(PASSWORD in run_ok(["vmunit", "dumpxml", "--security-info", "nowhere"]), "dumpxml --security-info has no password")
        seen = dict(everything_said(machine))
        check_match("vnc-password", seen["vmunit plan nowhere"], "the plan")
        check_match("qemu-system", "".join(t for w, t in seen.items() if w.endswith("cmdline")), "the command lines")
        check(os.stat("/run/vmunit/nowhere/domain.xml").st_mode & 0o077 == 0, "others can read domain.xml")
        # Nor is it kept by a machine that has stopped, or was killed.
        os.kill(machine.qemu(), 9)
        machine.wait_stopped()
        check(PASSWORD not in json.dumps(journal()), "the password is in the journal")
        for directory, _, names in os.walk("/run/vmunit"):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.isfile(path):
                    with open(path, encoding="utf-8", errors="replace") as f:
                        check(PASSWORD not in f.read(), f"the password is left in {path}")


@case
def password_of_a_transient_machine():
    """What is defined for once, and what `vmunit define` keeps: no file that others may read has the password."""
    with screen("once", f"<graphics type='vnc' port='{PORT}' passwd='{PASSWORD}'/>") as machine:
        with open("/root/once.xml", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(machine.xml)
        os.makedirs("/var/log/vm", exist_ok=True)
        run_ok(["vmunit", "create", "/root/once.xml"])
        check_equal(local(password=PASSWORD), None, "the password is in use")
        roots = ("/run/vmunit", "/run/vm", "/run/systemd", "/var/lib/vmunit", "/etc/vm", "/var/cache/vmunit")
        seen = 0
        for path, text in readable(*roots):
            seen += path.startswith("/run/vmunit/once/")
            check(PASSWORD not in text, f"the password is in {path}")
        check(seen > 0, "the machine has no files at all")
        run_ok(["vmunit", "destroy", "once"])
        run_ok(["vmunit", "define", "/root/once.xml"])
        check_equal(os.stat(machine.path).st_mode & 0o077, 0, "who else may read the definition")
        for path, text in readable(*roots):
            check(PASSWORD not in text, f"the password is in {path}")
        check(PASSWORD not in json.dumps(journal()), "the password is in the journal")


def listening(port):
    """Hexadecimal addresses that are listened on."""
    found = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(path, encoding="ascii") as f:
            for line in f.read().splitlines()[1:]:
                address, state = line.split()[1], line.split()[3]
                if state == "0A" and int(address.split(":")[1], 16) == port:
                    found.append(address.split(":")[0])
    return found


def abstract_sockets(pid):
    """The names of the sockets on which the process listens."""
    own = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            own.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    with open(f"/proc/{pid}/net/unix", encoding="ascii", errors="replace") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    return [r[7] for r in rows if len(r) > 7 and r[7].startswith("@") and f"socket:[{r[6]}]" in own]


def spice_in(pid, name):
    """A knock at an abstract socket of the process's network namespace, without TLS."""
    code = f"import sys; sys.path.insert(0, {os.path.dirname(PKI)!r}); import spice; print(spice.knock('\\0' + {name[1:]!r}))"
    return run_ok(["nsenter", f"--net=/proc/{pid}/ns/net", "python3", "-c", code]).strip()


@case
def where_it_listens():
    own = f"<graphics type='vnc' port='{PORT}' listen='127.0.0.2'/>"
    for conf, graphics, expected in (("", None, "0100007F"), ("[QEMU]\nvnc_listen = \"0.0.0.0\"\n", None, "00000000"),
                                     ("[QEMU]\nVNCListen=0.0.0.0\n", own, "0200007F")):
        with host(conf), (screen("where", graphics) if graphics else screen("where")) as machine:
            machine.start(ready=False)
            check_equal(listening(PORT), [expected], f"the address with {conf!r}")


@case
def sasl():
    with host('[QEMU]\nvnc_sasl = 1\nvnc_sasl_dir = "/etc/sasl-of-tests"\n'), screen("sasl") as machine:
        machine.start(ready=False)
        with Rfb("localhost", PORT) as client:
            check_equal(client.types(), [SASL], "the types of security")
        with open(f"/proc/{machine.qemu()}/environ", "rb") as f:
            check(b"SASL_CONF_PATH=/etc/sasl-of-tests" in f.read().split(b"\0"), "no SASL_CONF_PATH")
        refused("types", "localhost", PORT)


@case
def settings_that_are_elsewhere():
    with host('[QEMU]\nuser = "daemon"\nmax_processes = 100\nsecurity_driver = "none"\n'), screen("elsewhere") as machine:
        machine.start(ready=False)
        check_equal(local(), None, "a login")
        check(any("MaxProcesses has no effect: TasksMax= of the unit limits them" in m for m in machine.journal()), "nobody says it")
        check_equal(os.stat(f"/proc/{machine.qemu()}").st_uid, pwd.getpwnam("daemon").pw_uid, "QEMU's user")


# ---- what runs is described as it is


def described(machine, *options):
    """The attributes of each display, and of where it listens."""
    text = run_ok(["vmunit", "dumpxml", *options, machine.name])
    displays = re.findall(r"<graphics ([^>]*?)/?>\s*(?:<listen ([^>]*)/>)?", text)
    return [(dict(re.findall(r"(\w+)='([^']*)'", g)), dict(re.findall(r"(\w+)='([^']*)'", listen))) for g, listen in displays]


@case
def ports_are_described():
    with contextlib.ExitStack() as stack:
        # Taken by somebody else, so that it is another one.
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 5900)))
        check(taken, "no socket")
        stack.enter_context(host("[QEMU]\nSpiceTLS=yes\n"))
        machine = stack.enter_context(screen("described", "<graphics type='vnc'/><graphics type='spice' autoport='yes'/>"))
        machine.start(ready=False)
        address = {"type": "address", "address": "127.0.0.1"}
        vnc = {"type": "vnc", "port": "5901", "autoport": "yes", "listen": "127.0.0.1"}
        spices = {"type": "spice", "port": "5902", "tlsPort": "5903", "autoport": "yes", "listen": "127.0.0.1"}
        live = sorted(described(machine), key=lambda d: d[0]["type"], reverse=True)
        check_equal(live, [(vnc, address), (spices, address)], "what runs")
        check_equal(run_ok(["vmunit", "vncdisplay", "described"]).strip(), "127.0.0.1:1", "vncdisplay")
        check_equal(run_ok(["vmunit", "domdisplay", "--all", "described"]).split(),
                    ["vnc://127.0.0.1:1", "spice://127.0.0.1:5902?tls-port=5903"], "domdisplay")
        check_equal(knock("localhost", int(live[0][0]["port"])), None, "a login there")
        check_equal(spice("localhost", int(live[1][0]["port"])), None, "another there")
        check_equal(spice("localhost", int(live[1][0]["tlsPort"]), ca=CA), None, "and with TLS")
        later = sorted(described(machine, "--inactive"), key=lambda d: d[0]["type"], reverse=True)
        check_equal(later, [({"type": "vnc", "port": "-1", "autoport": "yes"}, {"type": "address"}),
                            ({"type": "spice", "autoport": "yes"}, {"type": "address"})], "the next start")
        # A change of what runs keeps them.
        run_ok(["vmunit", "setmem", "described", "200M", "--live"])
        check_equal(sorted(described(machine), key=lambda d: d[0]["type"], reverse=True), live, "after a change")


@case
def sockets_are_described():
    with host("[QEMU]\nvnc_auto_unix_socket = 1\n"), screen("sockets", "<graphics type='vnc'/><graphics type='spice'><listen type='socket'/></graphics>") as machine:
        machine.start(ready=False)
        paths = [f"/run/vmunit/sockets/{name}.sock" for name in ("vnc", "spice")]
        live = sorted(described(machine), key=lambda d: d[0]["type"], reverse=True)
        check_equal(live, [({"type": "vnc", "socket": paths[0]}, {"type": "socket", "socket": paths[0]}),
                           ({"type": "spice"}, {"type": "socket", "socket": paths[1]})], "what runs")
        check_equal(knock(paths[0]), None, "a login there")
        check_equal(run_ok(["vmunit", "domdisplay", "--all", "sockets"]).split(), [f"vnc+unix://{paths[0]}", f"spice+unix://{paths[1]}"],
                    "domdisplay")


@case
def ports_of_a_transient_machine():
    with screen("described2", "<graphics type='vnc'/>") as machine:
        os.makedirs("/var/log/vm", exist_ok=True)
        with open("/root/described2.xml", "w", encoding="utf-8") as f:
            f.write(machine.xml)
        run_ok(["vmunit", "create", "/root/described2.xml"])
        check_equal(described(machine)[0][0]["port"], "5900", "what runs")
        check_equal(described(machine, "--inactive")[0][0]["port"], "-1", "what would be started again")
        run_ok(["vmunit", "destroy", "described2"])


# ---- spice


TLS_PORT = 5932


@case
def spice_with_a_password():
    graphics = f"<graphics type='spice' port='{PORT}' passwd='{PASSWORD}-longer-than-for-vnc'/>"
    with screen("spice", graphics) as machine:
        machine.start(ready=False)
        right = PASSWORD + "-longer-than-for-vnc"
        check_equal(listening(PORT), ["0100007F"], "the address")
        with Spice("localhost", PORT) as client:
            session = client.login(password=right)
            # Another channel of the same session.
            with Spice("localhost", PORT) as second:
                second.login(password=right, channel=INPUTS, session=session)
        for wrong in ("", right[:-1], PASSWORD):
            check_equal(spice("localhost", PORT, password=wrong), "permission denied", f"the login with {wrong!r}")
        hidden(machine, right)
        check_equal(unit_property(machine.unit, "PrivateNetwork"), "yes", "PrivateNetwork")
        monitor = machine.monitor()
        os.kill(monitor, 9)
        wait_for(lambda: machine.monitor() not in (None, monitor), 30, "another monitor")
        check_equal(spice("localhost", PORT, password=right), None, "the login after the monitor's death")
        check_equal(spice("localhost", PORT, password="x"), "permission denied", "a wrong one after it")


@case
def spice_password_that_expires():
    for year, expected in ((2001, "permission denied"), (2099, None)):
        graphics = f"<graphics type='spice' port='{PORT}' passwd='{PASSWORD}' passwdValidTo='{year}-01-01T00:00:00'/>"
        with screen(f"spicetill{year}", graphics) as machine:
            machine.start(ready=False)
            check_equal(spice("localhost", PORT, password=PASSWORD), expected, f"valid to {year}")


@case
def spice_on_a_socket():
    with screen("spicesocket", "<graphics type='spice'><listen type='socket'/></graphics>") as machine:
        machine.start(ready=False)
        check_equal(spice("/run/vmunit/spicesocket/spice.sock"), None, "a login without a password")
    with host(f'[QEMU]\nspice_password = "{PASSWORD}"\nspice_auto_unix_socket = 1\n'):
        with screen("spicehost", "<graphics type='spice' autoport='yes'/>") as machine:
            machine.start(ready=False)
            path = "/run/vmunit/spicehost/spice.sock"
            check_equal(spice(path, password=PASSWORD), None, "the host's password")
            check_equal(spice(path, password="sesame"), "permission denied", "another one")


@case
def spice_with_tls():
    conf = f'[QEMU]\nspice_tls = 1\nspice_tls_x509_cert_dir = "{SPICE_CERTS}"\n'
    graphics = (f"<graphics type='spice' port='{PORT}' tlsPort='{TLS_PORT}' passwd='{PASSWORD}'>"
                "<channel name='main' mode='secure'/></graphics>")
    with host(conf), screen("spicetls", graphics) as machine:
        machine.start(ready=False)
        with Spice("localhost", TLS_PORT) as client:
            client.login(password=PASSWORD, ca=CA)
            check_match(r"TLSv1\.[23]", client.socket.version())
        check_equal(spice("localhost", TLS_PORT, password="x", ca=CA), "permission denied", "a wrong password")
        check_match("TLS: .*CERTIFICATE_VERIFY_FAILED", spice("localhost", TLS_PORT, ca=CA, name="other") or "", "another host's name")
        check_equal(spice("localhost", PORT, password=PASSWORD), "need secured", "the main channel in the clear")
        check(spice("localhost", TLS_PORT, password=PASSWORD) is not None, "no TLS at the port for it")
        check_equal(unit_property(machine.unit, "PrivateNetwork"), "yes", "PrivateNetwork")
        with open(f"/proc/{machine.qemu()}/cmdline", "rb") as f:
            check(SPICE_CERTS.encode() not in f.read(), "QEMU is told the directory of root's certificates")
        with open(f"/proc/{machine.qemu()}/environ", "rb") as f:
            check(b"OPENSSL_CONF=/dev/null" in f.read().split(b"\0"), "QEMU reads settings from beside the host's certificates")
    with host(conf), screen("spicetls2", f"<graphics type='spice' tlsPort='{TLS_PORT}'/>") as machine:
        machine.start(ready=False)
        check_equal(spice("localhost", TLS_PORT, ca=CA), None, "the only port")
        # Nor is there another way in, by the port of its own that QEMU must have to encrypt.
        own = abstract_sockets(machine.qemu())
        check(own, "QEMU has no such port")
        said = [spice_in(machine.qemu(), name) for name in own]
        check("need secured" in said and "None" not in said, f"QEMU's own ports: {said}")


@case
def spice_certificates_that_miss():
    for name in ("ca-cert", "server-cert", "server-key"):
        with host("[QEMU]\nSpiceTLS=yes\n"), screen("spicenocert", f"<graphics type='spice' tlsPort='{TLS_PORT}'/>") as machine:
            os.unlink(f"{SPICE_CERTS}/{name}.pem")
            machine.write()
            check(run(["vmunit", "start", "spicenocert"]).rc != 0, "it starts")
            check(any(f"{SPICE_CERTS}/{name}.pem" in m for m in machine.journal()), f"nobody names {name}.pem: {machine.journal()}")
            check(not any("qemu-system" in m for m in machine.journal()), "QEMU was started")


@case
def spice_sasl():
    with host('[QEMU]\nspice_sasl = 1\nspice_sasl_dir = "/etc/sasl-of-tests"\n'), screen("spicesasl", f"<graphics type='spice' port='{PORT}'/>") as machine:
        machine.start(ready=False)
        with Spice("localhost", PORT) as client:
            _, capabilities = client.link()
            check(capabilities & 1 << AUTH_SASL, f"no SASL among {capabilities:#x}")
        check(spice("localhost", PORT) is not None, "it was let in without")
        with open(f"/proc/{machine.qemu()}/environ", "rb") as f:
            check(b"SASL_CONF_PATH=/etc/sasl-of-tests" in f.read().split(b"\0"), "no SASL_CONF_PATH")


@case
def spice_and_vnc():
    graphics = f"<graphics type='spice' port='{PORT}' passwd='{PASSWORD}'/><graphics type='vnc' port='{PORT + 9}' passwd='sesame'/>"
    with screen("both", graphics) as machine:
        machine.start(ready=False)
        check_equal(spice("localhost", PORT, password=PASSWORD), None, "spice")
        check_equal(knock("localhost", PORT + 9, password="sesame"), None, "vnc")
        check_equal(spice("localhost", PORT, password="sesame"), "permission denied", "spice with the password of vnc")


main()
