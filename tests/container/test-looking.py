#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tells about machines that run, and virsh does not have: JSON of all queries, status, logs, diff, top, the pager, and a
list that a machine that hangs neither delays nor hides in."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

from harness import case, check, check_equal, fail, main, run, run_ok, unit_property, wait_for
from vm import vm

PAGE = "/usr/share/man/man1/vmunit.1"


# --- JSON ---

def shapes():
    """{verb: what its document is like}, from the manual page."""
    with open(PAGE, encoding="utf-8") as f:
        text = re.sub(r"\\f.", "", f.read().replace("\\-", "-"))
    section = re.search(r"^\.SH JSON\n(.*?)^\.SH ", text, re.M | re.S).group(1)
    return {v: " ".join(t.split()) for v, t in re.findall(r"^\.TP\n\.B (\S+)\n((?:[^.\n].*\n)+)", section, re.M)}


class Shape:
    """As tests/unit/json-shape.h says."""

    def __init__(self, text):
        self.words = re.findall(r"\.\.\.|[a-z_]+|[][{}?|,:]", text)
        self.tree = self.type()
        check(not self.words, f"more behind the shape {text}: {self.words}")

    def take(self, word):
        if self.words and self.words[0] == word:
            return self.words.pop(0)
        return None

    def type(self):
        if self.take("{"):
            one = ("object", [self.member()])
            while self.take(","):
                one[1].append(self.member())
            check(self.take("}"), "no end of an object")
        elif self.take("["):
            one = ("list", self.type())
            check(self.take("]"), "no end of a list")
        else:
            one = ("simple", self.words.pop(0))
        kinds = [one]
        while self.take("|"):
            kinds += self.type()
        if self.take("?"):
            kinds.append(("null", None))
        return kinds

    def member(self):
        optional = bool(self.take("["))
        name = self.words.pop(0)
        check(self.take(":"), f"no type of {name}")
        kinds = self.type()
        check(not optional or self.take("]"), f"no end of {name}")
        return name, optional, kinds

    def fits(self, value, kinds=None):
        return any(self.fits_one(value, *k) for k in kinds or self.tree)

    def fits_one(self, value, kind, what):
        if kind == "null":
            return value is None
        if kind == "list":
            return isinstance(value, list) and all(self.fits(v, what) for v in value)
        if kind == "simple":
            types = {"string": str, "boolean": bool, "number": (int, float)}[what]
            return isinstance(value, types) and (what == "boolean" or not isinstance(value, bool))
        if not isinstance(value, dict):
            return False
        known = {name: (optional, kinds) for name, optional, kinds in what}
        others = known.pop("...", None)
        return (all(name in value or optional for name, (optional, _) in known.items()) and
                all((name in known and self.fits(v, known[name][1])) or (name not in known and others and self.fits(v, others[1]))
                    for name, v in value.items()))


def ask(words, expected=0):
    result = run(["vmunit", *words, "--json"])
    check_equal(result.rc, expected, f"exit status of {words}: {result.err}")
    try:
        return json.loads(result.out)
    except ValueError:
        fail(f"{words} --json printed {result.out!r}")


# Words behind the verb; None: not without something that this guest has not.
ARGUMENTS = {
    "list": ["--all", "--uuid", "--title"], "version": [], "hostname": [], "uri": [], "nodeinfo": [], "nodecpumap": [],
    "nodecpustats": [], "nodememstats": [], "freecell": ["--all"], "freepages": ["--all"], "maxvcpus": [], "hostinfo": [],
    "cpu-models": ["x86_64"], "domstats": ["NAME"], "domname": ["ID"], "domif-getlink": ["NAME", "52:54:00:00:00:07"],
    "blkdeviotune": ["NAME", "vda"], "domblkinfo": ["NAME", "--all"], "cpu-stats": ["NAME", "--total"], "domdisplay": ["NAME", "--all"],
    "metadata": None, "get-user-sshkeys": None, "domifstat": None, "ttyconsole": None, "guestvcpus": None, "domjobinfo": ["NAME"],
    "guestinfo": ["NAME", "--hostname"], "diff": ["NAME"], "top": ["--batch", "-n1", "-d1"], "domifaddr": ["NAME", "--source", "agent"],
    "schedinfo": None, "memtune": None, "numatune": None, "blkiotune": None,
}


@case
def json_of_all_queries():
    devices = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/var/lib/looking.img'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/></interface>
    <graphics type='vnc' port='5919'/>"""
    with open("/var/lib/looking.img", "wb") as f:
        f.truncate(1 << 20)
    with vm("looking", devices=devices) as machine:
        machine.start()
        number = run_ok(["vmunit", "domid", "looking"]).strip()
        wait_for(lambda: run(["vmunit", "domtime", "looking"]).rc == 0, 60, "the agent")
        wrong = []
        for verb, text in shapes().items():
            words = ARGUMENTS.get(verb, ["NAME"])
            if words is None:
                continue
            document = ask([verb, *({"NAME": "looking", "ID": number}.get(w, w) for w in words)])
            if not Shape(text).fits(document):
                wrong.append(f"{verb}: {document} is not {text}")
        check(not wrong, "\n".join(wrong))
        check_equal(ask(["dominfo", "looking"])["id"], int(number))
        [mine] = [v for v in ask(["list"]) if v["name"] == "looking"]
        check_equal((mine["id"], mine["state"], mine["answering"]), (int(number), "running", True))


# --- status, logs, diff ---

@case
def status_of_one():
    check_equal(run(["vmunit", "status", "nothing"]).rc, 4)
    with vm("status") as machine:
        machine.write()
        check_equal(run(["vmunit", "status", "status"]).rc, 3)
        machine.start()
        text = run_ok(["vmunit", "status", "status"])
        for line in (r"● status - vm@status\.service", r" +Loaded: /etc/vm/status\.xml \(disabled\)",
                     r" +Active: active \(running\) since .*; \d+(s|min) ago", r" +Guest: running \(booted\)", r" +Id: \d+",
                     rf" +Main PID: {machine.supervisor()}", r" +vCPUs: 1", r" +CPU: \d+\.\ds \(now: \d+\.\d%\)", r" +Memory: \d+\.\d MiB \(the guest's: 256\.0 MiB\)"):
            check(re.search(f"^{line}$", text, re.M), f"no line '{line}' in\n{text}")
        check("\x1b" not in text, "colours in a pipe")
        check("Changed:" not in text, text)
        log = text.split("\n\n", 1)[1].splitlines()
        check(0 < len(log) <= 10, f"log lines: {log}")
        check(any("systemd[1]: Started" in line for line in log), f"the log: {log}")

        with open(machine.path, "a", encoding="utf-8") as f:
            f.write("<!-- changed -->\n")
        check("Changed:" in run_ok(["vmunit", "status", "status"]), "a changed definition is not said")

        os.kill(machine.qemu(), signal.SIGSTOP)
        text = run_ok(["vmunit", "status", "status"], timeout=5)
        check("running (booted), not answering" in text, text)
        os.kill(machine.qemu(), signal.SIGCONT)


@case
def logs_of_one():
    with vm("logged") as machine:
        machine.start()
        run_ok(["vmunit", "destroy", "logged"])
        wait_for(lambda: "systemd[1]: Stopped" in run_ok(["vmunit", "logs", "logged", "-b"]), 20, "systemd's last word")
        text = run_ok(["vmunit", "logs", "logged", "-b"])
        check("systemd[1]: Started" in text and "vmunit-" in text, f"the log: {text}")
        check_equal(len([x for x in run_ok(["vmunit", "logs", "logged", "-n", "2"]).splitlines() if not x.startswith("-- ")]), 2)
        check_equal(run_ok(["vmunit", "logs", "logged", "--since", "2099-01-01", "-n5"]).strip(), "-- No entries --")
    check("systemd[1]: Started" in run_ok(["vmunit", "logs", "logged"]), "the log of a domain that is gone")
    check_equal(run(["vmunit", "logs", "../x"]).rc, 1)


@case
def diff_of_one():
    devices = """
    <interface type='user'><model type='virtio'/></interface>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <graphics type='vnc' autoport='yes' passwd='a'/>"""
    with vm("different", devices=devices) as machine:
        machine.start()
        result = run(["vmunit", "diff", "different"])
        check_equal((result.rc, result.out), (0, ""))
        check_equal(ask(["diff", "different"])["same"], True)
        with open(machine.path, encoding="utf-8") as f:
            text = f.read()

        def change(old, new):
            with open(machine.path, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            return run(["vmunit", "diff", "different"])

        result = change("<vcpu>1</vcpu>", "<vcpu>2</vcpu><memtune><hard_limit unit='GiB'>1</hard_limit></memtune>")
        check_equal(result.rc, 1)
        for line in ("-  <vcpu placement='static'>1</vcpu>", "+  <vcpu placement='static'>2</vcpu>",
                     "vcpu: from the next start on, or now by 'vmunit setvcpus --live'",
                     "memtune: from the next start on, or now by 'vmunit memtune --live'"):
            check(line in result.out.splitlines(), f"no line '{line}' in\n{result.out}")
        result = change("passwd='a'", "passwd='b'")
        check_equal((result.rc, result.out), (1, "Only passwords differ.\n\ndevices/graphics: from the next start on\n"))
        check_equal(change("x" * 500, "").rc, 0, "exit status of what is the same again")
        check_equal(change("</domain>", "").rc, 2)
        change("x" * 500, "")
        run_ok(["vmunit", "desc", "different", "--live", "--title", "another"])
        result = run(["vmunit", "diff", "different"])
        check("-  <title>another</title>" in result.out, result.out)


@case
def top_of_two():
    with vm("busy") as machine, vm("quiet") as other:
        machine.start(ready=False)
        other.start(ready=False)
        run_ok(["vmunit", "suspend", "quiet"])
        lines = run_ok(["vmunit", "top", "--batch", "-n2", "-d1"]).splitlines()
        check_equal(lines[0].split()[:3], ["Id", "Name", "CPU"])
        check_equal(len(lines), 2 * 4 + 1, f"lines of {lines}")
        rows = {r["name"]: r for r in ask(["top"])}
        check(rows["busy"]["cpu"] > rows["quiet"]["cpu"] and rows["busy"]["cpu"] > 0.01, f"CPU time of {rows}")
        check_equal(rows["quiet"]["state"], "paused")
        check(all(r["resident"] > 10 << 20 for r in rows.values()), f"memory of {rows}")
        os.kill(other.qemu(), signal.SIGSTOP)
        check(re.search(r"quiet .* paused \(not answering\)$", run_ok(["vmunit", "top"], timeout=10), re.M), "one that hangs is not marked")
        os.kill(other.qemu(), signal.SIGCONT)
        code, text = on_terminal(["vmunit", "top", "-n1", "-d1"])
        check_equal(code, 0)
        check(text.startswith("\x1b[?25l\x1b[H\x1b[J Id ") and text.endswith("\x1b[?25h") and text.count("\x1b[H\x1b[J") == 2, repr(text))


# --- terminals ---

def on_terminal(words, **environment):
    """What they print on a terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(words[0], words, {**os.environ, "TERM": "xterm", **environment})
    data = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(fd, 65536):
            data += chunk
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), data.decode().replace("\r", "")


@case
def pager_and_colours():
    with vm("paged") as machine:
        machine.write()
        plain = run_ok(["vmunit", "help"])
        check_equal(on_terminal(["vmunit", "help"], SYSTEMD_PAGER="sed s/^/P:/")[1], re.sub("^", "P:", plain, flags=re.M)[:-2])
        check_equal(on_terminal(["vmunit", "help"], SYSTEMD_PAGER="", PAGER="false")[1], plain)
        check_equal(on_terminal(["vmunit", "--no-pager", "help"], SYSTEMD_PAGER="sed s/^/P:/")[1], plain)
        code, text = on_terminal(["vmunit", "status", "paged"], PAGER="echo LESS=$LESS MORE=$MORE; cat")
        check_equal(code, 3)
        check(text.startswith("LESS=FRSXMK MORE=-e\n") and "paged - vm@paged.service" in text, text)
        # one that is left early does no harm
        check_equal(on_terminal(["vmunit", "help"], SYSTEMD_PAGER="head -n1")[0], 0)
        check("\x1b[1m" in on_terminal(["vmunit", "status", "paged"], SYSTEMD_PAGER="")[1], "no colours on a terminal")
        check("\x1b" not in on_terminal(["vmunit", "status", "paged"], SYSTEMD_PAGER="", NO_COLOR="1")[1], "NO_COLOR is not heard")


# --- one that hangs ---

def fastest_list(times=15):
    def once():
        start = time.monotonic()
        run_ok(["vmunit", "list", "--all"])
        return time.monotonic() - start
    return min(once() for _ in range(times))


@case
def list_with_one_that_hangs():
    with vm("hangs") as machine, vm("lives") as other:
        machine.start(ready=False)
        other.start(ready=False)
        before = fastest_list()
        pids = [machine.qemu(), machine.monitor()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        after = fastest_list()
        text = run_ok(["vmunit", "list"])
        check(re.search(r"^ \d+ +hangs +running \(not answering\)$", text, re.M), text)
        check(re.search(r"^ \d+ +lives +running$", text, re.M), text)
        check_equal({v["name"]: v["answering"] for v in ask(["list"]) if v["name"] in ("hangs", "lives")}, {"hangs": False, "lives": True})
        print(f"list: {before * 1000:.1f} ms, with one that hangs {after * 1000:.1f} ms: ratio {after / before:.2f}")
        check(after <= before * 1.5, f"list took {after * 1000:.1f} ms instead of {before * 1000:.1f} ms")
        # nor do the numbers of the others wait for it, and of it there is what needs no answer
        start = time.monotonic()
        text = run_ok(["vmunit", "domstats"], timeout=60)
        check(time.monotonic() - start < 5, f"domstats took {time.monotonic() - start:.1f} s")
        stuck, well = (re.search(rf"^Domain: '{name}'\n((?:  .*\n)*)", text, re.M).group(1) for name in ("hangs", "lives"))
        check("  state.state=1\n" in stuck and "  cpu.time=" in stuck and "balloon.rss" not in stuck, f"of the one that hangs: {stuck}")
        check("balloon.rss" in well and "vcpu.0.time" in well, f"of the other one: {well}")
        # the supervisor has replaced the monitor by now: it does not leave one that is stopped
        os.kill(pids[0], signal.SIGCONT)
        wait_for(lambda: "(not answering)" not in run_ok(["vmunit", "list"]), 10, "both to go on")
        run_ok(["systemctl", "freeze", machine.unit])
        check("(not answering)" in run_ok(["vmunit", "list"]), "a frozen unit is not seen")
        run_ok(["systemctl", "thaw", machine.unit])
        check("(not answering)" not in run_ok(["vmunit", "list"]), "a thawed unit is marked")


# Its child waits for somebody who writes, before it has become a program of its own: until then the kernel holds it, as it holds
# who waits for a disk.
HELD = """import os
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/tmp/held", os.O_RDONLY, 0)])
"""


@case
def one_that_waits_for_storage():
    with vm("waits") as machine:
        machine.start(ready=False)
        os.mkfifo("/tmp/held")
        held = subprocess.Popen([sys.executable, "-c", HELD])
        # One of the machine's processes, which QEMU itself cannot be made to be.
        with open(f"/sys/fs/cgroup{unit_property(machine.unit, 'ControlGroup')}/vm/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(held.pid))
        wait_for(lambda: re.search(r"^ \d+ +waits +running \(not answering\)$", run_ok(["vmunit", "list"]), re.M), 20, "the mark")
        check("running (booted), not answering" in run_ok(["vmunit", "status", "waits"]), "status does not say so")
        os.close(os.open("/tmp/held", os.O_WRONLY))
        check_equal(held.wait(timeout=20), 0)
        check("(not answering)" not in run_ok(["vmunit", "list"]), "it is marked when it goes on")


main()
