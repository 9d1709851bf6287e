#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other hosts by ssh, with an ssh that runs the command on this one: what is said is what arrives there.

Usage: test-remote.py VMUNIT
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

VMUNIT = None

# As sshd does: the words behind the host, with blanks between them, are for the user's shell.
SSH = """#!{python}
import json, os, sys
words = sys.argv[1:]
behind = words.index("--") + 2
with open({log!r}, "a") as log:
    log.write(json.dumps(words[:behind]) + "\\n")
os.environ["PATH"] = {remote!r} + ":" + os.environ["PATH"]
os.execv("/bin/sh", ["sh", "-c", " ".join(words[behind:])])
"""
# The other host's vmunit.
REMOTE = """#!{python}
import json, sys
print(json.dumps(sys.argv[1:]))
if "cat" in sys.argv:
    print(sys.stdin.read())
sys.exit(3 if "destroy" in sys.argv else 255 if "reset" in sys.argv else 0)
"""
ODD = ["two words", "it's", '"quoted"', "$HOME", "`id`", "$(id)", "a;b", "a\nb", "*", "~", "", "back\\slash", "#x", "&", "|", "<", ">", "é", "-x",
       "\\", "'", "''", "a\tb", "!!", "{a,b}", "[a]", "x=y"]


class Remote(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.log = self.path / "log"
        self.environment = {"PATH": f"{self.path}/bin:{os.environ['PATH']}", "HOME": directory.name, "LC_ALL": "C.UTF-8",
                            "VMUNIT_CONFIG_PATH": f"{self.path}/vm", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        self.script("bin/ssh", SSH)
        self.script("remote/vmunit", REMOTE)
        (self.path / "vm").mkdir()

    def script(self, name, text):
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.format(python=sys.executable, log=str(self.log), remote=str(self.path / "remote")))
        file.chmod(0o755)

    def run_vmunit(self, *words, text=None, **environment):
        return subprocess.run([VMUNIT, *words], env=self.environment | environment, capture_output=True, text=True, input=text,
                              timeout=30, check=False)

    def expect(self, arrived, *words, ssh=None, status=0, **environment):
        done = self.run_vmunit(*words, **environment)
        self.assertEqual((done.stdout, done.stderr), (json.dumps(arrived) + "\n", ""))
        self.assertEqual(done.returncode, status)
        if ssh:
            self.assertEqual(json.loads(self.log.read_text().splitlines()[-1]), ssh)

    def refused(self, reason, *words):
        done = self.run_vmunit(*words)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.splitlines(), ["error: failed to connect to the hypervisor", "error: " + reason])
        self.assertFalse(self.log.exists())

    def test_words(self):
        for word in ODD:
            self.expect(["-c", "qemu:///system", "--", "desc", "web", "--new-desc", word],
                        "-c", "qemu+ssh://host/system", "desc", "web", "--new-desc", word)
        self.expect(["-c", "qemu:///system", "--", "schedinfo", "web", *ODD[:17], "--", *ODD[17:]], "-H", "host", "schedinfo", "web", *ODD[:17], "--", *ODD[17:])
        self.expect(["-c", "qemu:///system", "-q", "-r", "-e", "^A", "--", "domstate", "web"],
                    "-q", "-r", "-e", "^a", "-H", "host", "domstate", "web")

    def test_line(self):
        done = self.run_vmunit("-c", "qemu+ssh://host/system", "dominfo 'a b'; pwd; destroy x")
        self.assertEqual(done.stdout, json.dumps(["-c", "qemu:///system", "--", "dominfo", "a b"]) + f"\n{os.getcwd()}\n\n" +
                         json.dumps(["-c", "qemu:///system", "--", "destroy", "x"]) + "\n")
        self.assertEqual(done.returncode, 1)

    def test_shell(self):
        """The lines behind a command are no input of its."""
        done = self.run_vmunit("-q", "-c", "qemu+ssh://host/system", text="domstate cat\ncd /\npwd\nuri\n")
        self.assertEqual(done.stdout, "vmunit # domstate cat\n" + json.dumps(["-c", "qemu:///system", "-q", "--no-pager", "--", "domstate", "cat"]) +
                         "\n\nvmunit # cd /\nvmunit # pwd\n/\nvmunit # uri\nqemu+ssh://host/system\nvmunit # \n")

    def test_input(self):
        done = self.run_vmunit("-c", "qemu+ssh://host/system", "define", "cat", text="<domain/>")
        self.assertEqual(done.stdout.splitlines()[1], "<domain/>")

    def test_options(self):
        system = ["-c", "qemu:///system", "--", "domstate", "web"]
        self.expect(system, "-c", "qemu+ssh://host/system", "domstate", "web", ssh=["-T", "-e", "none", "--", "host"])
        self.expect(system, "--connect=qemu+ssh://me@host:2222/system?keyfile=/my%20key&no_verify=1&no_tty=1", "domstate", "web",
                    ssh=["-p", "2222", "-l", "me", "-i", "/my key", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-T", "-e", "none",
                         "--", "host"])
        self.expect(system, "-c", "qemu+ssh://[::1]/system?command=ssh", "domstate", "web", ssh=["-T", "-e", "none", "--", "::1"])
        self.expect(system, "-H", "me@host", "domstate", "web", ssh=["-l", "me", "-T", "-e", "none", "--", "host"])
        self.expect(["-c", "qemu:///session", "--", "domstate", "web"], "-c", "qemu+ssh:///session", "domstate", "web",
                    ssh=["-T", "-e", "none", "--", "localhost"])

    def test_status(self):
        self.expect(["-c", "qemu:///system", "--", "destroy", "web"], "-H", "host", "destroy", "web", status=1)
        done = self.run_vmunit("-H", "host", "reset", "web")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: failed to connect to the hypervisor\n", done.stderr)
        done = self.run_vmunit("-c", "qemu+ssh://host/system?command=/no/such", "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: cannot run '/no/such': No such file or directory\n", done.stderr)

    def test_autodestroy(self):
        done = self.run_vmunit("-H", "host", "start", "web", "--autodestroy")
        self.assertEqual((done.returncode, done.stderr.strip()),
                         (1, "error: --autodestroy on another host needs --console: vmunit there ends with this command, and the domain with it"))
        self.assertFalse(self.log.exists())
        self.expect(["-c", "qemu:///system", "--", "start", "web", "--autodestroy", "--console"],
                    "-H", "host", "start", "web", "--autodestroy", "--console")

    def test_refused(self):
        no_host, no_user = "invalid argument: '%s' is no name of a host", "invalid argument: '%s' is no name of a user"
        self.refused(no_host % "-oProxyCommand=x", "-H", "-oProxyCommand=x", "list")
        self.refused(no_host % "-x", "-c", "qemu+ssh://-x/system", "list")
        self.refused(no_host % "a b", "-H", "a b", "list")
        self.refused(no_host % "", "-H", "me@", "list")
        self.refused(no_user % "-x", "-c", "qemu+ssh://-x@host/system", "list")
        self.refused(no_user % "`id`", "-H", "`id`@host", "list")
        for parameter in ("socket=/run/x", "netcat=nc", "proxy=native", "known_hosts=/x", "mode=direct", "foo=bar"):
            self.refused(f"not supported: the parameter '{parameter.split('=')[0]}' of URI 'qemu+ssh://host/system?{parameter}'",
                         "-c", f"qemu+ssh://host/system?{parameter}", "list")
        self.refused("invalid argument: '-x' is no name of a program", "-c", "qemu+ssh://host/system?command=-x", "list")
        self.refused("invalid argument: Failed to parse value of URI component no_tty", "-c", "qemu+ssh://host/system?no_tty=x", "list")
        self.refused("internal error: unexpected qemu URI path '/x', try qemu:///system", "-c", "qemu+ssh://host/x", "list")
        self.refused("not supported: the transport of URI 'qemu+tls://host/system': ssh and unix are there", "-c", "qemu+tls://host/system", "list")
        self.refused("no connection driver available for xen:///", "-c", "xen:///", "list")
        done = self.run_vmunit("-H", "a", "-c", "qemu:///system", "list")
        self.assertEqual(done.stderr, "error: Options --connect and --host are mutually exclusive\n")

    def test_default(self):
        web, variables = ["-c", "qemu:///system", "--", "domstate", "web"], {}
        (self.path / "vm/vmunit.conf").write_text('[Connect]\nuri_default = "there"\nuri_aliases = [\n  "there=qemu+ssh://c/system",\n'
                                                  '  "hail=qemu+ssh://root@hail.example.com/system",\n]\n')
        for name, host in (("", "c"), ("LIBVIRT_DEFAULT_URI", "l"), ("VIRSH_DEFAULT_CONNECT_URI", "v"), ("VMUNIT_DEFAULT_URI", "u")):
            if name:
                variables[name] = f"qemu+ssh://{host}/system"
            self.expect(web, "domstate", "web", ssh=["-T", "-e", "none", "--", host], **variables)
        self.expect(web, "-c", "hail", "domstate", "web", ssh=["-l", "root", "-T", "-e", "none", "--", "hail.example.com"])
        self.assertEqual(self.run_vmunit("-c", "hail", "uri").stdout, "qemu+ssh://root@hail.example.com/system\n\n")
        self.log.unlink()
        self.assertEqual(self.run_vmunit("-c", "qemu:///system", "uri").stdout, "qemu:///system\n\n")
        self.refused("no connection driver available for URI 'nobody' does not include a driver name", "-c", "nobody", "uri")


if __name__ == "__main__":
    VMUNIT = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
