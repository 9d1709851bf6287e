#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which pager runs on a terminal, and that those who came by sudo and the like get none that they could leave for a shell.

Usage: test-pager.py VMUNIT
"""
import os
import pathlib
import pty
import sys
import tempfile
import unittest

VMUNIT = None
PAGER = "#!/bin/sh\ncat >/dev/null\necho {name} secure=$LESSSECURE less=$LESS\n"


class Pager(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        for name in ("less", "pager", "own"):
            (self.path / name).write_text(PAGER.format(name=name))
            (self.path / name).chmod(0o755)

    def said(self, **environment):
        """What comes out of the terminal of `vmunit help`."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(VMUNIT, [VMUNIT, "help"], {"PATH": f"{self.path}:/usr/bin:/bin", "TERM": "dumb", **environment})
        out = b""
        try:
            while data := os.read(fd, 4096):
                out += data
        except OSError:
            pass  # the end of a terminal
        os.close(fd)
        self.assertEqual(os.waitpid(pid, 0)[1], 0, out)
        return out.decode().strip()

    def test_usual(self):
        self.assertEqual(self.said(), "pager secure= less=FRSXMK")
        self.assertEqual(self.said(PAGER="own", SYSTEMD_LESS="X"), "own secure= less=X")
        self.assertEqual(self.said(PAGER="less", SYSTEMD_PAGER="own"), "own secure= less=FRSXMK")

    def test_none(self):
        self.assertIn("Grouped commands", self.said(PAGER="cat"))
        self.assertIn("Grouped commands", self.said(PAGER="own", SYSTEMD_PAGER=""))

    def test_secure(self):
        for variable in ("SUDO_UID", "DOAS_USER", "PKEXEC_UID"):
            self.assertEqual(self.said(PAGER="own", **{variable: "1000"}), "less secure=1 less=FRSXMK")
        self.assertEqual(self.said(PAGER="own", SYSTEMD_PAGERSECURE="1"), "less secure=1 less=FRSXMK")
        self.assertEqual(self.said(PAGER="own", SYSTEMD_PAGERSECURE="nonsense"), "less secure=1 less=FRSXMK")
        self.assertEqual(self.said(PAGER="own", SYSTEMD_PAGERSECURE="0", SUDO_UID="1000"), "own secure= less=FRSXMK")


if __name__ == "__main__":
    VMUNIT = os.path.abspath(sys.argv.pop(1))
    unittest.main()
