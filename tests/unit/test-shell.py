#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shell of vmunit on a terminal and on a pipe.

Usage: test-shell.py VMUNIT with-libedit|without
"""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

LIMIT = 20.0
VMUNIT = None
EDITING = False


class Terminal:
    """vmunit on a pseudo terminal; what is typed is waited for by what it prints."""

    def __init__(self, environment):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvpe(VMUNIT, ["vmunit"], environment)
        self.pid, self.text = pid, ""

    def expect(self, text):
        end = time.monotonic() + LIMIT
        while text not in self.text:
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            try:
                data = os.read(self.fd, 4096) if ready else b""
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"no {text!r} in {self.text!r}")
            self.text += data.decode()
        self.text = self.text.split(text, 1)[1]

    def type(self, text):
        """At the prompt: before it the terminal is not the editor's, and keys mean something else."""
        self.expect("vmunit # ")
        self.write(text)

    def write(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The exit status."""
        end = time.monotonic() + LIMIT
        try:
            while select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                if not os.read(self.fd, 4096):
                    break
            else:
                raise AssertionError("it goes on")
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Shell(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        path = pathlib.Path(self.directory.name)
        (path / "vm").mkdir()
        for name in ("web", "west"):
            (path / "vm" / f"{name}.xml").write_text("<domain/>\n")
        self.history = path / "cache/vmunit/history"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(path), "XDG_CACHE_HOME": str(path / "cache"), "TERM": "vt100",
                            "VMUNIT_CONFIG_PATH": str(path / "vm"), "LC_ALL": "C.UTF-8",
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def test_pipe(self):
        done = subprocess.run([VMUNIT], input="echo a; pwd\nnonsense\n\ncd /\npwd", env=self.environment, cwd="/usr", capture_output=True,
                              text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.stdout, "Welcome to vmunit, the virtualization interactive terminal.\n\n"
                         "Type:  'help' for help with commands\n       'quit' to quit\n\n"
                         "vmunit # echo a; pwd\na\n/usr\n\nvmunit # nonsense\nvmunit # \nvmunit # cd /\n\nvmunit # pwd\n/\n\nvmunit # \n")
        self.assertEqual(done.stderr, "error: unknown command: 'nonsense'\n")
        self.assertEqual(done.returncode, 0)

    def test_terminal(self):
        t = Terminal(self.environment)
        t.expect("'quit' to quit")
        t.type("echo 'a'b\r")
        t.expect("\nab\r")
        t.type("quit\r")
        self.assertEqual(t.end(), 0)

    @unittest.skipUnless(EDITING or "with-libedit" in sys.argv, "built without libedit")
    def test_completion_and_history(self):
        t = Terminal(self.environment)
        t.type("hostna\t--nonsense\r")
        t.expect("command 'hostname' doesn't support option --nonsense")
        t.type("undefine 'we\tb\x01echo \r")  # to the beginning of the line
        t.expect("\nundefine web\r")
        t.type("cd /pro\tself/tas\t\r")  # no blank behind a directory
        t.type("pwd\r")
        t.expect("/task\r")
        t.type("edit wes\t--x\r")
        t.expect("doesn't support option --x")
        t.type("\x10\x10\x10\x10\r")  # three lines before the last one
        t.expect("\nundefine web\r")
        # The library prints its prompt before it takes the terminal, and ^D means something else until then.
        t.type("\x10")
        t.expect("undefine 'web")
        t.write("\x15\x04")
        self.assertEqual(t.end(), 0)
        self.assertEqual(self.history.stat().st_mode & 0o777, 0o600)
        t = Terminal(self.environment)
        t.type("\x10\r")
        t.expect("\nundefine web\r")
        t.type("exit\r")
        self.assertEqual(t.end(), 0)


if __name__ == "__main__":
    VMUNIT = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
