#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit against libvirt: the same definitions, the same machines.

  oracle.py [--vmunit PROGRAM] [-v] [PART…] [NAME…]

argv: for every domain of cases.py both say what they would run, and the two command lines are compared as structures.
`same` is equal, `allowed` differs only in what wirings.py lists, `different` is a failure, `no-oracle` is a domain
that libvirt refuses. What one side takes and the other refuses is different unless a table lists it.
selftest: a difference planted into any kind of property is found. dumps: each side takes what the other writes, and
makes the same of it. schemas: what vmunit prints follows libvirt's schema and our own, and what is planted there is
found. wrong: wrong inputs are wrong for both. verbs: the texts of verbs (verbs.py).

NAMEs are patterns of case names; with them unused rows are no error.
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
import planted
import schemas
import verbs
from wirings import EXCEPTIONS, WIRINGS, excepted

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("argv", "selftest", "dumps", "schemas", "wrong", "verbs")
# Where one side refuses what the other takes; each row has a reason. See the files.
# libvirt compares the definition's frequency with that of the CPU it runs on: what it says is another thing on another machine.
ABOUT_THIS_HOST = "TSC scaling is not supported by the host CPU"
TABLES = ("refused-by-vmunit", "refused-by-libvirt", "taken-by-libvirt", "outside-the-schema")

# All that is printed, and as it is printed for another host: without secrets and what this host has given.
FORMS = ("--security-info", "--migratable")


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
            text = re.sub(r"Failed to convert domain XML of [^\n]*\n*", "", text)
            raise Refused("; ".join(l.removeprefix("error: ") for l in text.strip().splitlines()
                                    if "warning: " not in l))
        return done.stdout

    def native(self, xml):
        self.file.write_text(xml)
        return self.run("domxml-to-native", "qemu-argv", "--xml", str(self.file))

    def dumps(self, xml, *forms):
        """The effective definition in each of the forms, which are options of dumpxml."""
        self.file.write_text(xml)
        try:
            out = self.run("define", str(self.file))
            name = re.search(r"Domain '(.*?)' defined", out)
            return [self.run("dumpxml", name[1], "--inactive", form) for form in forms]
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
        self.tables = {name: table(HERE / name) for name in TABLES}
        self.used, self.excepted = set(), set()
        # What both sides take, and what vmunit takes.
        self.taken, self.accepted = [], []

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

    def fail(self, text):
        self.failed += 1
        self.say("not ok: " + text)

    def listed(self, name, case, message):
        """Whether the table has a row for the case, whose text is part of the message (None: any text)."""
        key = case.name.split("@")[0]
        text = self.tables[name].get(key, self.tables[name].get(key + "?"))
        if text is None or message is not None and text not in message:
            return False
        self.used.add((name, key))
        return True

    def unused_rows(self, name):
        for key in self.tables[name]:
            # With a question mark: not on every machine.
            if (name, key) not in self.used and not key.endswith("?"):
                self.fail(f"{name} has a row {key} that no case needs")

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
            if any(w.allows(d, case) for w in WIRINGS) or excepted(d.where, case, self.excepted):
                allowed += 1
            else:
                bad.append(d)
        return bad, allowed

    def ours(self, xml):
        return argvs.parse(self.vmunit.native(xml))

    def argv_case(self, case):
        refused = problem = None
        try:
            case.ours = self.ours(case.xml)
            self.accepted.append(case)
        except Refused as e:
            refused = str(e)
        try:
            case.effective = self.oracle.effective(case.xml)
            case.theirs = self.oracle.native(case.effective)
        except self.OracleRefused as e:
            problem = str(e)
        if problem:
            return self.no_oracle(case, problem, refused)
        if refused:
            if self.listed("refused-by-vmunit", case, refused):
                return self.verdict("refused", case, refused)
            return self.verdict("different", case, "libvirt takes it, vmunit says: " + refused)
        bad, allowed = self.judged(case, case.ours, case.theirs)
        if bad:
            return self.verdict("different", case, *bad)
        self.taken.append(case)
        return self.verdict("allowed" if allowed else "same", case)

    def no_oracle(self, case, problem, refused):
        if refused:
            self.count["refused by both"] += 1
            return self.verdict("no-oracle", case, problem, "refused by both: " + refused)
        self.count["taken by vmunit only"] += 1
        if ABOUT_THIS_HOST in problem or self.listed("refused-by-libvirt", case, problem):
            return self.verdict("no-oracle", case, problem, "taken by vmunit")
        return self.verdict("different", case, "vmunit takes it, libvirt says: " + problem)

    def argv(self):
        for case in cases.everything(self.types_of):
            if self.chosen(case.name):
                self.argv_case(case)
        words = ("same", "allowed", "different", "no-oracle", "refused", "refused by both", "taken by vmunit only")
        self.say("argv: " + ", ".join(f"{self.count[w]} {w}" for w in words))

    def unused(self):
        for w in WIRINGS:
            if not w.hits:
                self.fail(f"no case needs the wiring {w.where.pattern}")
        for name in sorted(set(EXCEPTIONS) - self.excepted):
            self.fail(f"{name} needs no exception")
        for name in TABLES:
            self.unused_rows(name)

    # --- dumps ---

    def dumps(self):
        """libvirt makes the same machine of our effective definition as of what was written, and we of libvirt's."""
        n = 0
        for case in self.taken:
            problems = []
            try:
                dump, = self.vmunit.dumps(case.xml, "--security-info")
                theirs = self.oracle.native(self.oracle.effective(dump))
                problems += [f"libvirt, of vmunit's dump: {d}" for d in self.judged(case, theirs, case.theirs)[0]]
                problems += [f"vmunit, of its own dump: {d}" for d in self.judged(case, self.ours(dump), case.ours)[0]]
                ours = self.ours(case.effective)
                problems += [f"vmunit, of libvirt's dump: {d}" for d in self.judged(case, ours, case.ours)[0]]
            except self.OracleRefused as e:
                problems.append(f"libvirt refuses vmunit's dump: {e}")
            except Refused as e:
                problems.append(f"vmunit refuses libvirt's dump: {e}")
            n += 1
            if problems and not excepted("dump", case, self.excepted):
                self.fail(f"dump of {case.group}/{case.name}" + "".join(f"\n    {p}" for p in problems))
            else:
                self.passed += 1
        self.say(f"dumps: {n} taken by both sides")

    # --- schemas ---

    def schemas(self):
        """All that vmunit prints of what it takes follows both schemas."""
        directory = pathlib.Path(self.directory) / "dumps"
        directory.mkdir()
        paths = {}
        for case in self.accepted:
            for form, dump in zip(FORMS, self.vmunit.dumps(case.xml, *FORMS)):
                path = directory / f"{case.group}-{case.name}{form}.xml"
                path.write_text(dump)
                paths[path] = case
        ours = schemas.our_schema(self.vmunit.program, directory / "ours")
        outside = set()
        for schema in (schemas.LIBVIRTS, ours):
            for path, said in schemas.violations(schema, list(paths)).items():
                if schema == ours or not self.listed("outside-the-schema", paths[path], None):
                    self.fail(f"{path.name} does not follow {schema}: {said}")
                outside.add(paths[path])
        self.passed += len(set(self.accepted) - outside)
        self.say(f"schemas: {len(paths)} dumps of {len(self.accepted)} definitions, {len(outside)} outside libvirt's")
        self.planted_violations([p for p in paths if paths[p] not in outside][0], ours)

    def planted_violations(self, good, ours):
        bad = list(schemas.plant(good, good.parent))
        missed = [f"{p} by {schema}" for schema in (schemas.LIBVIRTS, ours)
                  for p in set(bad) - set(schemas.violations(schema, bad))]
        missed += [f"{p} by virt-xml-validate" for p in bad if schemas.tool_takes(p)]
        if not schemas.tool_takes(good):
            missed.append(f"virt-xml-validate refuses {good}, which follows the schema")
        for problem in missed:
            self.fail("planted violation is not seen: " + problem)
        self.passed += 0 if missed else 1

    # --- wrong inputs ---

    def wrong(self):
        """What vmunit refuses, libvirt refuses as well, or there is a reason in taken-by-libvirt."""
        count = collections.Counter()
        for case in cases.wrong(self.types_of):
            if not self.chosen(case.name):
                continue
            try:
                self.oracle.native(self.oracle.effective(case.xml))
                problem = None
            except self.OracleRefused as e:
                problem = str(e)
            word = "refused by both" if problem else "taken by libvirt"
            count[word] += 1
            if problem or self.listed("taken-by-libvirt", case, None):
                self.passed += 1
                if self.options.verbose:
                    self.say(f"{word} {case.group}/{case.name}: {problem or 'there is a reason'}")
            else:
                self.fail(f"libvirt takes {case.group}/{case.name}, vmunit says: {case.said}")
        self.say(f"wrong inputs: {sum(count.values())}, {count['refused by both']} refused by both, "
                 f"{count['taken by libvirt']} taken by libvirt")

    # --- texts ---

    def verbs(self):
        """What virsh prints for a definition, vmunit prints for it."""
        if self.options.names:
            return
        virsh = ["virsh", "-q", "-c", f"qemu+unix:///system?socket={self.oracle.directory}/libvirt-sock"]
        for line, problem in verbs.compare(self.vmunit.program, virsh):
            if problem:
                self.fail(f"verbs: {line}\n{problem}")
            else:
                self.passed += 1
                if self.options.verbose:
                    self.say(f"same text: {line}")

    # --- the comparison itself ---

    def selftest(self):
        """Every property of every kind of thing that was equal is changed once, and that must be seen."""
        seen, missed = set(), []
        for case in self.taken:
            if case.name in EXCEPTIONS:
                continue
            for place, changed in planted.changes(case.theirs.words):
                if place in seen:
                    continue
                seen.add(place)
                differences = list(argvs.compare(argvs.parse_words(changed), case.theirs))
                if not differences:
                    missed.append(f"{case.name}: {place} is not seen")
                elif planted.matters(place) and not any(
                        not any(w.would_allow(d, case) for w in WIRINGS) for d in differences):
                    missed.append(f"{case.name}: {place} is seen and allowed: {differences[0]}")
        for problem in missed:
            self.fail("planted difference: " + problem)
        self.passed += 0 if missed else 1
        self.say(f"selftest: {len(seen)} planted differences, {len(missed)} missed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmunit", default="vmunit")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.parts = [p for p in PARTS if p in options.names] or PARTS
    if {"selftest", "dumps", "schemas"} & set(options.parts) and "argv" not in options.parts:
        options.parts = ["argv", *options.parts]
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
            getattr(suite, part)()
        if not options.names and set(options.parts) == set(PARTS):
            suite.unused()
    finally:
        suite.close()
    if options.verbose:
        print(f"{time.monotonic() - started:.0f} s")
    print(f"{suite.passed} passed, {suite.failed} failed, 0 skipped")
    return 1 if suite.failed or not suite.passed else 0


if __name__ == "__main__":
    sys.exit(main())
