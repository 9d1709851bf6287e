# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of machine, one line each: what its guest says of it. `tests/run machines`

A kind is one row; kinds that get on with each other share a machine, which is one boot. To add one, put a Kind into a
Machine of the family's file beside this one, or a Machine into its list MACHINES; a new file is found by itself.

    MACHINES = [
        Machine("discs", [
            Kind("disk-virtio", "<disk …><source file='@DIR@/a'/>…</disk>", "disks", r"^disk name=vd. .* serial=first"),
            Kind("disk-readonly", "<disk …/>", writes_are_refused),
        ], prepare=images, machine="pc"),
    ]

What a row has:
    name    what is printed, and chosen by: container/test-machines.py 'disk-*'
    xml     its part of <devices>. @DIR@ is the machine's directory; other words in @ @ are what prepare() returned
    ask     a command of the test guest (tests/guest/commands; "exec …" is its shell), or a function of a Run, which returns
            what the guest said
    says    the expression that what the guest says has to match. The lines that match are what is printed
    needs   a path that must be there on the host; without it the kind is left out, and the line names it
    alias   what it shows beside what is in its xml: rows of coverage.py, as "graphics@type=vnc"

A machine has a name, its kinds, and: prepare(directory), which makes what it needs on the host and returns {word: text}, or
is a context manager that does; elements, what stands outside of <devices>; edit(xml), for all else; boots, the seconds that a
boot may take; alone, for what must not run beside another machine (fixed ports); and what TalkingVm takes (memory,
vcpus, machine, type, cmdline, lifecycle, agent). Two machines run at a time: names, ports and addresses are one's own.

That these kinds are all that vm.xml(5) promises is shown by coverage.py, which is a test of the suite unit."""

import contextlib
import importlib
import inspect
import os
import pkgutil
import re
import shutil

from harness import Failure, check, skip
from vm import TalkingVm

ROOT = "/var/lib/vm-machines"


class Kind:
    def __init__(self, name, xml, ask, says=None, *, needs=None, alias=()):
        self.name, self.xml, self.ask, self.says, self.needs, self.alias = name, xml, ask, says, needs, tuple(alias)

    def is_possible(self):
        return not self.needs or os.path.exists(self.needs)


class Machine:
    def __init__(self, name, kinds, *, prepare=None, elements="", edit=None, boots=120, alone=False, **keywords):
        self.name, self.kinds, self.prepare, self.elements, self.edit = name, kinds, prepare, elements, edit
        self.boots, self.alone, self.keywords = boots, alone, keywords


class Run:
    """A machine that runs: `machine` (vm.TalkingVm), `console`, `directory`, `words`."""

    def __init__(self, spec, kinds):
        self.spec, self.kinds = spec, [kind for kind in kinds if kind.is_possible()]
        self.directory, self.machine, self.words, self.failed = f"{ROOT}/{spec.name}", None, {}, None
        self.in_step = True
        self.stack, self.asked = contextlib.ExitStack(), {}

    @property
    def console(self):
        return self.machine.console

    def start(self):
        """Once; when that has failed, the others need not wait for it again."""
        check(not self.failed, f"its machine did not start: {self.failed}")
        if not self.machine:
            try:
                self._start()
            except BaseException as e:
                self.failed = str(e).splitlines()[0][:200] if str(e) else type(e).__name__
                raise

    def _start(self):
        os.makedirs(self.directory, exist_ok=True)
        self.stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        if self.spec.prepare:
            made = self.spec.prepare(self.directory)
            if inspect.isgenerator(made):
                made = contextlib.contextmanager(lambda: made)()
            self.words = (self.stack.enter_context(made) if hasattr(made, "__enter__") else made) or {}
        self.machine = TalkingVm(self.spec.name, devices="\n    ".join(kind.xml for kind in self.kinds), **self.spec.keywords)
        self.stack.callback(self.machine.remove)
        xml = self.machine.xml.replace("  <devices>", f"  {self.spec.elements}\n  <devices>", 1)
        self.machine.xml = self.fill(self.spec.edit(xml) if self.spec.edit else xml)
        self.machine.start()

    def fill(self, text):
        """A text with the machine's own words in it."""
        for word, value in {"DIR": self.directory, "NAME": self.spec.name, **self.words}.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    # --- what functions of kinds ask

    def ask(self, line, timeout=60):
        """What the guest answers to a command that must succeed, as lines."""
        return self.console.ask(self.fill(line), timeout)

    def sh(self, script, timeout=60):
        """The same of its shell, as one text."""
        return "\n".join(self.ask(f"exec {script}", timeout))

    def table(self, line, key=None):
        """A table of the guest's, as it was when first asked for; with a key {value: row}."""
        if ("table", line) not in self.asked:
            self.asked["table", line] = self.console.table(line)
        rows = self.asked["table", line]
        return rows if key is None else {row[key]: row for row in rows if row.get(key)}

    def forget(self, line):
        """The next one to ask for this table gets another one."""
        self.asked.pop(("table", line), None)

    def catch_up(self):
        """After a kind that failed, the guest may still be at what it was asked."""
        if self.machine and not self.in_step:
            try:
                self.machine.answers()
            except Failure:
                self.failed = "its guest no longer answers"
                raise
        self.in_step = True

    def observe(self, kind):
        """What the guest says of the kind, as one line."""
        if not kind.is_possible():
            skip(f"missing on this host: {kind.needs}")
        self.start()
        self.catch_up()
        self.in_step = False
        said = self._observe(kind)
        self.in_step = True
        return f"guest: {' '.join(said.split())[:240]}"

    def _observe(self, kind):
        if callable(kind.ask):
            said = kind.ask(self)
        elif kind.ask in ("cpus", "disks", "dmi", "input", "memory", "nics", "numa", "pci", "topology"):
            if kind.ask not in self.asked:
                self.asked[kind.ask] = self.ask(kind.ask)
            said = "\n".join(self.asked[kind.ask])
        else:
            said = "\n".join(self.ask(kind.ask))
        if kind.says:
            lines = [line for line in said.splitlines() if re.search(self.fill(kind.says), line)]
            if not lines:
                raise Failure(f"the guest does not say {kind.says!r}, but {said[-600:]!r}")
            said = "; ".join(dict.fromkeys(lines))
        check(said, "the guest says nothing")
        return said

    def close(self):
        self.stack.close()


def families():
    """The modules beside this one that have machines."""
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda i: i.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "MACHINES"):
            yield module


def all_machines():
    machines = [machine for module in families() for machine in module.MACHINES]
    for names in [m.name for m in machines], [kind.name for m in machines for kind in m.kinds]:
        twice = sorted({name for name in names if names.count(name) > 1})
        check(not twice, f"used twice: {twice}")
    return machines
