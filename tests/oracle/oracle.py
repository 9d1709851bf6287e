#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit against libvirt: the same definitions, the same machines.

  oracle.py [--vmunit PROGRAM] [-v] [PART…] [NAME…]

For every domain of cases.py both say what they would run, and the two command lines are compared as structures.
`same` is equal, `allowed` differs only in what wirings.py lists, `different` is a failure, `no-oracle` is a domain
that libvirt refuses; one that libvirt takes and vmunit refuses is different unless refused-by-vmunit lists it.

Parts: argv, dumps (each takes what the other writes), wrong (wrong inputs are wrong for both), selftest (planted
differences are found). NAMEs are patterns of case names; with them unused rows are no error.
Needs root: it runs itself in namespaces of its own. The last line is "N passed, N failed, N skipped"."""

import argparse
import collections
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import argv as argvs
import cases
from wirings import WIRINGS

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("selftest", "argv", "dumps", "wrong")


class Refused(Exception):
    """vmunit does not take it; the text is what it says."""


class Vmunit:
    """The program that is tested, with a directory of definitions of its own."""

    def __init__(self, program, directory):
        self.program, self.definitions = program, pathlib.Path(directory) / "definitions"
        self.definitions.mkdir()
        self.environment = os.environ | {"VMUNIT_CONFIG_PATH": str(self.definitions), "LC_ALL": "C.UTF-8"}
        self.file = pathlib.Path(directory) / "domain.xml"

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, errors="replace",
                              env=self.environment, timeout=60, check=False)
        if done.returncode < 0:
            raise SystemExit(f"{self.program} {' '.join(arguments)} was killed by signal {-done.returncode}")
        if done.returncode:
            text = done.stderr.replace(str(self.file) + ":", "")
            raise Refused("; ".join(l.removeprefix("error: ") for l in text.strip().splitlines()
                                    if "warning: " not in l))
        return done.stdout

    def native(self, xml):
        self.file.write_text(xml)
        return self.run("domxml-to-native", "qemu-argv", "--xml", str(self.file))

    def effective(self, xml):
        self.file.write_text(xml)
        try:
            out = self.run("define", str(self.file))
            name = re.search(r"Domain '(.*?)' defined", out)
            return self.run("dumpxml", name[1], "--inactive", "--security-info")
        finally:
            for path in self.definitions.iterdir():
                path.unlink()


def table(path):
    """{name: text} of a file with "NAME TEXT" lines."""
    rows = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, text = line.partition(" ")
            rows[name] = text.strip()
    return rows


class Suite:
    def __init__(self, options):
        # Only where it is installed, so not at the top.
        from libvirt_oracle import Oracle
        from libvirt_oracle import Refused as OracleRefused
        self.options, self.OracleRefused = options, OracleRefused
        self.directory = tempfile.mkdtemp(prefix="vmunit-oracle.", dir="/run")
        self.vmunit = Vmunit(options.vmunit, self.directory)
        self.oracle = Oracle(self.directory)
        self.count = collections.Counter()
        self.passed = self.failed = 0
        self.types = {}
        self.listed = table(HERE / "refused-by-vmunit")
        self.used = set()

    def close(self):
        self.oracle.close()
        subprocess.run(["rm", "-rf", self.directory], check=True)

    def types_of(self, arch):
        if arch not in self.types:
            self.types[arch] = self.oracle.types(arch)
        return self.types[arch]

    def chosen(self, name):
        return not self.options.names or any(fnmatch.fnmatchcase(name, p) for p in self.options.names)

    def say(self, text):
        print(text, flush=True)

    def verdict(self, word, case, *reasons):
        self.count[word] += 1
        if word == "different":
            self.failed += 1
        elif word != "no-oracle":
            self.passed += 1
        if word == "different" or self.options.verbose:
            self.say(f"{word} {case.group}/{case.name}" + "".join(f"\n    {r}" for r in reasons))

    # --- argv ---

    def judged(self, case, ours, theirs):
        """The differences that no wiring allows, and how many others there are."""
        bad, allowed = [], 0
        for d in argvs.compare(ours, theirs):
            if any(w.allows(d, case) for w in WIRINGS):
                allowed += 1
            else:
                bad.append(d)
        return bad, allowed

    def ours(self, xml):
        return argvs.parse(self.vmunit.native(xml))

    def argv_case(self, case):
        refused = problem = None
        try:
            ours = self.ours(case.xml)
        except Refused as e:
            refused = str(e)
        try:
            effective = self.oracle.effective(case.xml)
            theirs = self.oracle.native(effective)
        except self.OracleRefused as e:
            problem = str(e)
        if problem:
            both = f"refused by both: {refused}" if refused else "taken by vmunit"
            self.count["refused by both" if refused else "taken by vmunit only"] += 1
            return self.verdict("no-oracle", case, problem, both)
        if refused:
            key = case.name.split("@")[0]
            if key in self.listed and self.listed[key] in refused:
                self.used.add(key)
                return self.verdict("refused", case, refused)
            return self.verdict("different", case, "libvirt takes it, vmunit says: " + refused)
        bad, allowed = self.judged(case, ours, theirs)
        if bad:
            return self.verdict("different", case, *bad)
        return self.verdict("allowed" if allowed else "same", case)

    def argv(self):
        for case in cases.everything(self.types_of):
            if self.chosen(case.name):
                self.argv_case(case)
        if not self.options.names:
            for w in WIRINGS:
                if not w.hits:
                    self.failed += 1
                    self.say(f"not ok: no case needs the wiring {w.where.pattern}")
            for name in sorted(set(self.listed) - self.used):
                self.failed += 1
                self.say(f"not ok: refused-by-vmunit has {name}, which is not refused that way")
        words = ("same", "allowed", "different", "no-oracle", "refused", "refused by both", "taken by vmunit only")
        self.say("argv: " + ", ".join(f"{self.count[w]} {w}" for w in words))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmunit", default="vmunit")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.parts = [p for p in PARTS if p in options.names] or PARTS
    options.names = [n for n in options.names if n not in PARTS]

    if not os.environ.get("VMUNIT_ORACLE_INSIDE"):
        # All that could outlive us dies with the PID namespace. Its first process is a shell because that one buries
        # the dead: libvirt waits for the daemons it has ended to be gone.
        os.environ["VMUNIT_ORACLE_INSIDE"] = "1"
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child",
                              "--mount-proc", "sh", "-c", '"$0" "$@" & wait $!', sys.executable, *sys.argv])
    started = time.monotonic()
    suite = Suite(options)
    try:
        for part in options.parts:
            if hasattr(suite, part):
                getattr(suite, part)()
    finally:
        suite.close()
    if options.verbose:
        print(f"{time.monotonic() - started:.0f} s")
    print(f"{suite.passed} passed, {suite.failed} failed, 0 skipped")
    return 1 if suite.failed or not suite.passed else 0


if __name__ == "__main__":
    sys.exit(main())
