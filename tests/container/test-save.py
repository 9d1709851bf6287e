#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""save, restore and the managed save: the guest goes on where it was; what is damaged is refused and kept; what fails
leaves the guest running."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess

from harness import case, check, check_equal, check_match, fail, main, run, run_ok, unit_property, wait_for
from vm import configured, vm as machine

DIRECTORY = "/var/tmp/saved"
STATE = "/var/lib/vmunit"


def path(name):
    os.makedirs(DIRECTORY, exist_ok=True)
    return f"{DIRECTORY}/{name}"


@contextlib.contextmanager
def counting(name, *changes):
    """A running VM whose guest has counted to three. Its console is one file, however often QEMU starts."""
    with machine(name, agent=False) as vm:
        for old, new in (("<source path", "<source append='on' path"), *changes):
            check(old in vm.xml, f"there is no {old} in the definition")
            vm.xml = vm.xml.replace(old, new)
        vm.write()
        vm.start()
        vm.serial.expect(r"^vmunit-guest: tick 3$", 60)
        yield vm


def goes_on(vm, ticks):
    """The guest counts on behind TICKS, without a new beginning."""
    vm.serial.expect(rf"^vmunit-guest: tick {ticks[-1] + 2}$", 60, position=0)
    numbers = vm.serial.ticks()
    check_equal(numbers, list(range(1, len(numbers) + 1)), "the guest's numbers")


def refused(command, pattern):
    result = run(command)
    check_equal(result.rc, 1, f"status of {command}")
    check_match(pattern, result.err)
    lines = [line for line in result.err.splitlines() if line]
    check_equal(len(lines), len(set(lines)), f"lines that are said once: {lines}")


@case
def save_and_restore():
    """The same guest goes on, from a file that only its owner can read; the file stays."""
    with counting("alpha") as vm:
        file = path("alpha.save")
        saved = run(["vmunit", "save", "alpha", file, "--verbose"])
        check_equal((saved.rc, saved.err), (0, ""), "progress is for terminals")
        out = saved.out
        check_equal(out, f"\nDomain 'alpha' saved to {file}\n\n", "output of save")
        check_equal(vm.state(), ("shut off", "saved"), "state")
        check_equal(stat.S_IMODE(os.stat(file).st_mode), 0o600, "mode of the file")
        ticks = vm.serial.ticks()
        out = run_ok(["vmunit", "restore", file])
        check_equal(out, f"Domain restored from {file}\n\n", "output of restore")
        check_equal(vm.state(), ("running", "restored"), "state")
        goes_on(vm, ticks)
        check(os.path.exists(file), "the file is gone")
        check(not [n for n in os.listdir("/run/vmunit") if n.startswith(".restore")], "something of the restore is left")
        refused(["vmunit", "restore", file], "Requested operation is not valid: domain 'alpha' is already active")


@case
def save_paused():
    """--paused and a guest that was paused; --running is stronger."""
    with counting("beta") as vm:
        file = path("beta.save")
        run_ok(["vmunit", "suspend", "beta"])
        run_ok(["vmunit", "save", "beta", file])
        run_ok(["vmunit", "restore", file])
        check_equal(vm.state()[0], "paused", "state of a guest that was paused")
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "resume", "beta"])
        goes_on(vm, ticks)
        run_ok(["vmunit", "save", "beta", file, "--paused"])
        run_ok(["vmunit", "restore", file, "--running"])
        check_equal(vm.state()[0], "running", "state with --running")


@case
def save_of_a_transient():
    """A VM without a definition comes back as one."""
    with counting("gamma") as vm:
        run_ok(["vmunit", "undefine", "gamma"])
        run_ok(["vmunit", "save", "gamma", path("gamma.save")])
        ticks = vm.serial.ticks()
        check("gamma" not in run_ok(["vmunit", "list", "--all", "--name"]).split(), "it is still there")
        run_ok(["vmunit", "restore", path("gamma.save")])
        check_match(r"Persistent: +no", run_ok(["vmunit", "dominfo", "gamma"]))
        goes_on(vm, ticks)
        run_ok(["vmunit", "destroy", "gamma"])


@case
def managed_save():
    """The next start goes on, by whomever; a second one begins anew."""
    with counting("delta") as vm:
        run_ok(["vmunit", "managedsave", "delta"])
        file = f"{STATE}/delta/saved"
        check(os.path.exists(file), "there is no file")
        check_equal(vm.state(), ("shut off", "saved"), "state")
        check_match(r"Managed save: +yes", run_ok(["vmunit", "dominfo", "delta"]))
        check_match(r"- +delta +saved", run_ok(["vmunit", "list", "--all", "--managed-save"]))
        check_equal(run_ok(["vmunit", "list", "--all", "--with-managed-save", "--name"]).split(), ["delta"], "list")
        check_match("<name>delta</name>", run_ok(["vmunit", "managedsave-dumpxml", "delta"]))
        check_match("<nodes>.*<name>delta</name>", run_ok(["vmunit", "managedsave-dumpxml", "delta", "--xpath", "//name", "--wrap"]).replace("\n", ""))
        # A refusal changes nothing: the next boot is still to start it.
        with open(f"{file}.boot", "w", encoding="ascii"):
            pass
        refused(["vmunit", "managedsave", "delta"], "Requested operation is not valid: domain is not running")
        check(os.path.exists(f"{file}.boot"), "the mark for the next boot is gone")
        ticks = vm.serial.ticks()
        run_ok(["systemctl", "start", vm.unit])
        check_equal(vm.state(), ("running", "restored"), "state")
        goes_on(vm, ticks)
        wait_for(lambda: not os.path.exists(file), 10, "the managed save to be gone")
        check_match(r"Managed save: +no", run_ok(["vmunit", "dominfo", "delta"]))
        run_ok(["vmunit", "destroy", "delta"])
        run_ok(["vmunit", "start", "delta"])
        check_equal(vm.state(), ("running", "booted"), "state after a start without one")
        run_ok(["vmunit", "managedsave", "delta"])
        refused(["vmunit", "undefine", "delta"], "Refusing to undefine while domain managed save image exists")
        run_ok(["vmunit", "start", "delta", "--force-boot"])
        check_equal(vm.state(), ("running", "booted"), "state after --force-boot")
        check(not os.path.exists(file), "the managed save is still there")
        run_ok(["vmunit", "managedsave", "delta"])
        run_ok(["vmunit", "undefine", "delta", "--managed-save"])
        check(not os.path.exists(file), "the managed save is still there")


@case
def host_shutdown_is_the_definitions():
    """The machine is the one that was saved; what becomes of it when the host goes down is its unit's matter, as it is now."""
    wish = "<metadata xmlns:vmunit='urn:vmunit:metadata'><vmunit:host-shutdown action='save'/></metadata>"
    with counting("sigma", ("<vcpu", f"{wish}<vcpu")) as vm:
        check_match("vmunit-guests", unit_property(vm.unit, "ExecStop"))
        run_ok(["vmunit", "managedsave", "sigma"])
        ticks = vm.serial.ticks()
        vm.xml = vm.xml.replace(wish, "")
        vm.write()
        run_ok(["vmunit", "start", "sigma"])
        goes_on(vm, ticks)
        check_equal(unit_property(vm.unit, "ExecStop"), "", "ExecStop= of a machine that is asked to power off")
        with open("/run/vmunit/sigma/plan.json", encoding="utf-8") as f:
            check_equal(json.load(f).get("hostShutdown"), None, "what the plan says of it")


@case
def damaged_managed_save():
    """Cut off, or changed in any place: the start is refused, says why, and the file is kept."""
    with counting("epsilon") as vm:
        run_ok(["vmunit", "managedsave", "epsilon"])
        file, whole = f"{STATE}/epsilon/saved", path("epsilon.whole")
        shutil.copy(file, whole)
        size = os.path.getsize(file)

        def cut(f):
            f.truncate(size - 4096)

        def change(offset):
            def do(f):
                f.seek(offset)
                byte = f.read(1)
                f.seek(offset)
                f.write(bytes([byte[0] ^ 1]))
            return do

        for what, damage, why in (("cut off", cut, "it is not complete"), ("magic", change(3), "it is no saved machine"),
                                  ("definition", change(4096 + 100), "it is damaged"),
                                  ("stream", change(size // 2), None), ("end", change(size - 1), None)):
            shutil.copy(whole, file)
            with open(file, "r+b") as f:
                damage(f)
            with open(file, "rb") as f:
                before = f.read()
            refused(["vmunit", "start", "epsilon"], why or "Failed to start domain 'epsilon'")
            with open(file, "rb") as f:
                check(f.read() == before, f"{what}: the file has changed")
            check_equal(vm.state()[0], "shut off", f"{what}: state")
        shutil.copy(whole, file)
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "start", "epsilon"])
        goes_on(vm, ticks)


@case
def damaged_file():
    """The same for `restore`, also of a compressed file and of what is no such file at all."""
    with counting("zeta"):
        file = path("zeta.save")
        run_ok(["vmunit", "save", "zeta", file])
        with open(file, "r+b") as f:
            f.truncate(os.path.getsize(file) - 1)
        refused(["vmunit", "restore", file], "operation failed: save image is incomplete")
        check(os.path.exists(file), "the file is gone")
        refused(["vmunit", "restore", "/etc/passwd"], "operation failed: image magic is incorrect")
        refused(["vmunit", "restore", path("absent")], "No such file or directory")


@case
def files_of_other_machines():
    """One that says it is another machine, or is one of the same name, starts nothing; nor does it touch what is there."""
    with counting("sigma") as vm:
        file, forged = path("sigma.save"), path("forged.save")
        run_ok(["vmunit", "save", "sigma", file])
        with open(file, "rb") as f:
            whole = f.read()
        check_equal(whole.count(b"\nname=sigma\n"), 1, "names in the header")
        with machine("other", agent=False) as other:
            other.without_guest().write()
            before = run_ok(["vmunit", "dumpxml", "other"])
            unlike = "operation failed: it says that it is '{}', and its definition is that of 'sigma'"
            for name, why in (("other", unlike), ("nobod", unlike), ("../ab", "image magic is incorrect"), (".tra ", "image magic is incorrect")):
                with open(forged, "wb") as f:
                    f.write(whole.replace(b"\nname=sigma\n", f"\nname={name}\n".encode(), 1))
                refused(["vmunit", "restore", forged], why.format(name))
                check_equal(sorted(n for n in os.listdir("/run/vmunit") if n.startswith(".restore")), [], "what is left")
            check_equal(other.state()[0], "shut off", "the other machine")
            check_equal(run_ok(["vmunit", "dumpxml", "other"]), before, "its definition")
        check_equal(run_ok(["vmunit", "list", "--name"]).split(), [], "what runs")
        # Another machine by that name now.
        uuid = run_ok(["vmunit", "domuuid", "sigma"]).strip()
        run_ok(["vmunit", "undefine", "sigma"])
        definition = vm.xml
        vm.xml = definition.replace("</name>", "</name><uuid>11111111-2222-4333-8444-555555555555</uuid>")
        vm.write()
        refused(["vmunit", "restore", file], "what was saved is of another machine: its UUID is not that of 'sigma'")
        check(os.path.exists(file), "the file is gone")
        vm.xml = definition
        vm.write()
        check_equal(run_ok(["vmunit", "domuuid", "sigma"]).strip(), uuid, "UUID that is derived")
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "restore", file])
        goes_on(vm, ticks)


# For a root step of a unit, which has no /var otherwise.
IN_THE_HOST = "/usr/bin/nsenter --mount=/proc/1/ns/mnt"


@case
def interrupted_restore():
    """^C while systemd is still busy with the start: nothing of the restore is left, and the next one works."""
    with counting("theta") as vm:
        file, gate, drop_in = path("theta.save"), path("gate"), "/run/systemd/system/vm@theta.service.d/90-gate.conf"
        run_ok(["vmunit", "save", "theta", file])
        os.mkfifo(gate)
        os.makedirs(os.path.dirname(drop_in), exist_ok=True)
        with open(drop_in, "w", encoding="utf-8") as f:
            f.write(f"[Service]\nExecStartPre=+{IN_THE_HOST} /bin/cat {gate}\n")
        run_ok(["systemctl", "daemon-reload"])
        left = "/run/vmunit/.restore-theta"
        try:
            for number in (signal.SIGINT, signal.SIGKILL):
                restore = subprocess.Popen(["vmunit", "restore", file])
                wait_for(lambda: unit_property(vm.unit, "SubState") == "start-pre", 20, "the start to wait")
                check_equal(sorted(os.listdir(left)), ["head", "stream"], "what the start will read")
                restore.send_signal(number)
                restore.wait(20)
                wait_for(lambda: not os.path.exists(left), 20, f"what is left after signal {int(number)} to go")
                run(["systemctl", "stop", vm.unit])
        finally:
            os.unlink(drop_in)
            run_ok(["systemctl", "daemon-reload"])
        run(["systemctl", "reset-failed", vm.unit])
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "restore", file])
        goes_on(vm, ticks)
        check(not os.path.exists(left), "the directory is left")


@case
def started_while_it_ends():
    """Somebody starts the domain while the unit that was saved is still ending: the save has worked, and so does the start."""
    with counting("iota") as vm:
        gate, drop_in = path("iota-gate"), "/run/systemd/system/vm@iota.service.d/90-gate.conf"
        os.mkfifo(gate)
        os.makedirs(os.path.dirname(drop_in), exist_ok=True)
        with open(drop_in, "w", encoding="utf-8") as f:
            f.write(f"[Service]\nExecStopPost=+{IN_THE_HOST} /bin/cat {gate}\n")
        run_ok(["systemctl", "daemon-reload"])
        try:
            save = subprocess.Popen(["vmunit", "managedsave", "iota"])
            wait_for(lambda: unit_property(vm.unit, "SubState") == "stop-post", 60, "the unit to end")
            run_ok(["systemctl", "start", "--no-block", vm.unit])
            # From now on nothing is waited for.
            os.rename(gate, f"{gate}.open")
            os.symlink("/dev/null", gate)
            os.close(os.open(f"{gate}.open", os.O_RDWR))
            check_equal(save.wait(60), 0, "status of the save")
            wait_for(lambda: vm.state()[0] == "running", 60, "the domain to run again")
            goes_on(vm, vm.serial.ticks())
        finally:
            os.unlink(drop_in)
            run_ok(["systemctl", "daemon-reload"])


@case
def failed_saves():
    """No room, no such directory, a saver that is killed: the guest runs on, nothing is left behind."""
    with counting("eta") as vm:
        refused(["vmunit", "save", "eta", "/nowhere/eta"], "cannot create '/nowhere/eta': No such file or directory")
        refused(["vmunit", "save", "eta", "/dev/null"], "cannot create '/dev/null': Invalid argument")
        check_equal(vm.state(), ("running", "booted"), "state")
        small = path("small")
        os.makedirs(small, exist_ok=True)
        run_ok(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small])
        try:
            refused(["vmunit", "save", "eta", f"{small}/eta"], f"cannot write '{small}/eta': No space left on device")
            check_equal(os.listdir(small), [], "what is left")
            wait_for(lambda: vm.state() == ("running", "save canceled"), 20, "the guest to go on")
        finally:
            run_ok(["umount", small])
        ticks = vm.serial.ticks()
        goes_on(vm, ticks)
        # It is killed while it writes.
        saver = subprocess.Popen(["vmunit", "save", "eta", path("eta.save")])
        wait_for(lambda: vm.state()[1] == "saving" or saver.poll() is not None, 20, "the guest to be saved", interval=0.005)
        saver.kill()
        if saver.wait() != 0:
            wait_for(lambda: vm.state() == ("running", "save canceled"), 20, "the guest to go on")
            goes_on(vm, vm.serial.ticks())
            check(not [n for n in os.listdir(DIRECTORY) if n.startswith("eta")], "something is left")


# Stands in for the program, which the container does not have: the same call, a format of its own.
COMPRESSOR = """#!/usr/bin/python3
import sys, zlib
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(b"PACKED" + zlib.compress(data, 1) if sys.argv[1] == "-qc" else zlib.decompress(data[6:]))
"""


@case(timeout=300)
def compressed():
    """SaveImageFormat=: what is saved is compressed, but for a managed save; a word that is not known is named with its line."""
    program = "/usr/local/bin/zstd"
    with counting("pi") as vm:
        file = path("pi.save")
        with configured('save_image_format = "lzop"\n'):
            refused(["vmunit", "save", "pi", file], "in no section")
        with configured("[QEMU]\nSaveImageFormat=lzop\n"):
            refused(["vmunit", "save", "pi", file], r"/etc/vm/vmunit\.conf:2.*SaveImageFormat.*raw, zstd")
        check_equal(vm.state()[0], "running", "state after what was refused")
        with configured('[QEMU]\nsave_image_format = "zstd"\n'):
            if not shutil.which("zstd"):
                result = run(["vmunit", "save", "pi", file])
                check_equal(result.rc, 0, "status without the program")
                check_match("there is no program 'zstd' here", result.err)
                with open(file, "rb") as f:
                    check(b"\ncompression=raw\n" in f.read(512), "it is not raw")
                run_ok(["vmunit", "restore", file])
                with open(program, "w", encoding="ascii") as f:
                    f.write(COMPRESSOR)
                os.chmod(program, 0o755)
            run_ok(["vmunit", "save", "pi", file])
            with open(file, "rb") as f:
                check(b"\ncompression=zstd\n" in f.read(512), "it is not compressed")
        # What the file says holds, whatever the setting is now.
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "restore", file])
        goes_on(vm, ticks)
        with configured("[QEMU]\nSaveImageFormat=zstd\n"):
            run_ok(["vmunit", "managedsave", "pi"])
        with open(f"{STATE}/pi/saved", "rb") as f:
            check(b"\ncompression=raw\n" in f.read(512), "the managed save is compressed")
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "start", "pi"])
        goes_on(vm, ticks)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(program)


@case(timeout=300)
def jobs():
    """What is under way can be asked about and given up; what has completed is told, once."""
    with counting("omicron") as vm:
        check_equal(run_ok(["vmunit", "domjobinfo", "omicron"]), "Job type:         None        \n\n")
        refused(["vmunit", "domjobabort", "omicron"], "^error: Requested operation is not valid: no job is active on the domain$")

        # Held in the middle: QEMU waits for somebody to read.
        saver = subprocess.Popen(["vmunit", "save", "omicron", path("omicron.save")], stderr=subprocess.PIPE, text=True)
        wait_for(lambda: vm.state()[1] == "saving", 20, "the guest to be saved", interval=0.0005)
        os.kill(saver.pid, signal.SIGSTOP)
        wait_for(lambda: "Unbounded" in run_ok(["vmunit", "domjobinfo", "omicron"]), 20, "the job to begin")
        out = run_ok(["vmunit", "domjobinfo", "omicron"])
        check_match(r"\AJob type:         Unbounded   \nOperation:        Save        \nTime elapsed:     [0-9]+ +ms\n", out)
        abort = subprocess.Popen(["vmunit", "domjobabort", "omicron"], stderr=subprocess.PIPE, text=True)
        wait_for(lambda: run_ok(["vmunit", "domjobinfo", "omicron"]).startswith("Job type:         None"), 20, "the job to be given up")
        os.kill(saver.pid, signal.SIGCONT)
        _, err = saver.communicate(timeout=60)
        check_equal(saver.returncode, 1, "status of the saver")
        check_equal(err, f"error: Failed to save domain 'omicron' to {path('omicron.save')}\n"
                    "error: operation aborted: domain save job: canceled by client\n", "what the saver says")
        check_equal((abort.communicate(timeout=60)[1], abort.returncode), ("", 0), "domjobabort")
        wait_for(lambda: vm.state() == ("running", "save canceled"), 20, "the guest to go on")
        goes_on(vm, vm.serial.ticks())
        check(not os.path.exists(path("omicron.save")), "there is a file")

        # The memory alone is written without a way to stop it; how far it is is told. It may be over before anybody has asked.
        for _ in range(10):
            dumper = subprocess.Popen(["vmunit", "dump", "omicron", path("omicron.core"), "--memory-only"])
            wait_for(lambda d=dumper: "Memory total" in run_ok(["vmunit", "domjobinfo", "omicron"]) or d.poll() is not None, 60,
                     "progress", interval=0.0005)
            dumper.send_signal(signal.SIGSTOP)
            if "Memory total" in run_ok(["vmunit", "domjobinfo", "omicron"]):
                break
            dumper.send_signal(signal.SIGCONT)
            check_equal(dumper.wait(timeout=60), 0, "status of a dump that nobody has seen")
        else:
            fail("no dump was seen while it was written")
        out = run_ok(["vmunit", "domjobinfo", "omicron", "--rawstats"])
        check_match(r"\AJob type: 2\n\noperation: 8\ntime_elapsed: [0-9]+\nmemory_total: 268435456\nmemory_processed: [1-9][0-9]*\n"
                    r"memory_remaining: [0-9]+\n\n\Z", out)
        refused(["vmunit", "domjobabort", "omicron"], "^error: Requested operation is not valid: cannot abort memory-only dump$")
        dumper.send_signal(signal.SIGCONT)
        check_equal(dumper.wait(timeout=60), 0, "status of the dump")
        check_equal(run_ok(["vmunit", "domjobinfo", "omicron", "--completed"]), "Job type:         None        \n\n")

        # What QEMU counted is told when it is done, and kept until somebody has read it.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(path("omicron.notify"))
            ready.settimeout(30)
            watcher = subprocess.Popen(["vmunit", "event", "omicron", "--event", "job-completed", "--timeout", "60"], stdout=subprocess.PIPE,
                                       text=True, env={**os.environ, "NOTIFY_SOCKET": path("omicron.notify")})
            check_match("READY=1", ready.recv(4096).decode(), "the watcher's notification")
        run_ok(["vmunit", "dump", "omicron", path("omicron.dump")])
        raw = run_ok(["vmunit", "domjobinfo", "omicron", "--completed", "--keep-completed", "--rawstats"])
        check_match(r"\AJob type: 3\n\noperation: 8\ntime_elapsed: [0-9]+\ndowntime: [0-9]+\nsetup_time: [0-9]+\ndata_total: [1-9][0-9]*\n", raw)
        check_match(r"\AJob type:         Completed   \nOperation:        Dump        \n(.*\n)*Memory total:     256\.[0-9]+ MiB\n(.*\n)*Total downtime: ",
                    run_ok(["vmunit", "domjobinfo", "omicron", "--completed"]))
        check_equal(run_ok(["vmunit", "domjobinfo", "omicron", "--completed"]), "Job type:         None        \n\n")
        out, _ = watcher.communicate(timeout=70)
        check_match(r"\Aevent 'job-completed' for domain 'omicron':\n\toperation: 8\n\ttime_elapsed: [0-9]+\n\tdowntime: ", out)
        goes_on(vm, vm.serial.ticks())


@case
def name_is_taken_meanwhile():
    """The machine has ended when that is found out: what there is of the guest is kept, and named."""
    with counting("omicron") as vm:
        file = path("omicron.save")
        for _ in range(20):
            saver = subprocess.Popen(["vmunit", "save", "omicron", file], stderr=subprocess.PIPE, text=True)
            wait_for(lambda: vm.state()[1] == "saving" or saver.poll() is not None, 20, "the guest to be saved", interval=0.001)
            with contextlib.suppress(FileExistsError):
                os.mkdir(file)
            _, err = saver.communicate(timeout=60)
            if saver.returncode != 0:
                break
            run_ok(["vmunit", "restore", file])
            os.unlink(file)
        os.rmdir(file)
        left = re.search("saved to '(.*)', which cannot be renamed to '(.*)': Is a directory", err)
        check(left and left[2] == file, f"what was said: {err}")
        vm.wait_state("shut off")
        check_equal(vm.state()[1], "saved", "reason")
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "restore", left[1]])
        goes_on(vm, ticks)


@case
def monitor_dies_while_saving():
    """The next one lets the guest go on."""
    with counting("theta") as vm:
        monitor = vm.monitor()
        saver = subprocess.Popen(["vmunit", "save", "theta", path("theta.save")], stderr=subprocess.PIPE, text=True)
        wait_for(lambda: vm.state()[1] == "saving" or saver.poll() is not None, 20, "the guest to be saved", interval=0.005)
        os.kill(monitor, signal.SIGKILL)
        _, err = saver.communicate(timeout=60)
        if saver.returncode == 0:
            return  # it was faster
        check_match("Failed to save domain 'theta'", err)
        wait_for(lambda: vm.state()[0] == "running", 30, "the guest to go on")
        ticks = vm.serial.ticks()
        goes_on(vm, ticks)


@case
def savers_that_are_killed_at_any_time():
    """Also in the first milliseconds, when QEMU has hardly begun: the guest goes on each time, under the same monitor."""
    with counting("lambda") as vm:
        monitor = vm.monitor()
        for n in range(30):
            saver = subprocess.Popen(["vmunit", "save", "lambda", path("lambda.save")], stderr=subprocess.DEVNULL)
            wait_for(lambda: vm.state()[1] == "saving" or saver.poll() is not None, 20, "the guest to be saved", interval=0.001 * (n % 7))
            saver.send_signal((signal.SIGKILL, signal.SIGINT)[n % 2])
            if saver.wait() == 0 or vm.state()[1] == "saved":
                run_ok(["vmunit", "restore", path("lambda.save")])
                monitor = vm.monitor()
            wait_for(lambda: vm.state()[0] == "running", 20, f"the guest to go on after saver {n}")
        check_equal(vm.monitor(), monitor, "the monitor")
        check_equal([n for n in os.listdir(DIRECTORY) if n.startswith("lambda.save.")], [], "what is left")
        goes_on(vm, vm.serial.ticks())


@case
def savers_that_are_killed_when_all_is_written():
    """The file is whole and has another name: the machine ends and the file gets its own, or the guest goes on and there is none."""
    with counting("rho") as vm:
        file, hits = path("rho.save"), 0

        def others():
            return [n for n in os.listdir(DIRECTORY) if n.startswith("rho.save.")]

        for _ in range(40):
            saver = subprocess.Popen(["vmunit", "save", "rho", file], stderr=subprocess.DEVNULL)
            wait_for(lambda: others() or saver.poll() is not None, 20, "the file", interval=0.0002)
            saver.kill()
            hits += saver.wait() != 0
            wait_for(lambda: not others() and vm.state()[1] in ("saved", "save canceled"), 20, "an end of it", interval=0.01)
            check_equal(os.path.exists(file), vm.state()[1] == "saved", "whether there is a file")
            if os.path.exists(file):
                run_ok(["vmunit", "restore", file])
                os.unlink(file)
            goes_on(vm, vm.serial.ticks())
            if hits == 5:
                break
        check(hits == 5, f"only {hits} were killed then")


@case
def a_guest_that_went_on_is_not_restored():
    """A restore from elsewhere makes the managed save stale; so does a saver that could not end the machine."""
    with counting("mu") as vm:
        file, managed = path("mu.save"), f"{STATE}/mu/saved"
        run_ok(["vmunit", "save", "mu", file])
        run_ok(["vmunit", "restore", file])
        run_ok(["vmunit", "managedsave", "mu"])
        run_ok(["vmunit", "restore", file])
        wait_for(lambda: not os.path.exists(managed), 20, "the managed save to be gone")
        # What a host that crashed while the guest went on has left behind.
        run_ok(["vmunit", "managedsave", "mu"])
        with open(managed + ".used", "w", encoding="ascii") as f:
            f.write("used\n")
        check_match(r"Managed save: +no", run_ok(["vmunit", "dominfo", "mu"]))
        run_ok(["vmunit", "start", "mu"])
        check_equal(vm.state(), ("running", "booted"), "state")
        check(not os.path.exists(managed) and not os.path.exists(managed + ".used"), "it is still there")


@case
def restores_that_are_killed():
    """What one leaves behind is in nobody's way."""
    with counting("nu") as vm:
        file = path("nu.save")
        run_ok(["vmunit", "save", "nu", file])
        left = "/run/vmunit/.restore-nu"
        os.mkdir(left, 0o700)
        with open(f"{left}/head", "w", encoding="ascii") as f:
            f.write("left behind")
        run_ok(["vmunit", "restore", file])
        check(not os.path.exists(left), "it is still there")
        goes_on(vm, vm.serial.ticks())


@case
def saved_again_before_it_is_ready():
    """A guest that has gone on, in a unit that still waits for its agent: what it was restored from is of no use any more,
    what is saved now is."""
    with machine("xi", cmdline="vmunit.count vmunit.no-agent") as vm:
        vm.xml = vm.xml.replace("<source path", "<source append='on' path")
        vm.xml = vm.xml.replace("<memory", "<metadata xmlns:vmunit='urn:vmunit:metadata'><vmunit:ready when='guest-agent' "
                                "timeout='200'/></metadata>\n  <memory", 1)
        vm.write()
        run_ok(["systemctl", "daemon-reload"])
        for tick in (3, 6):
            run_ok(["systemctl", "start", "--no-block", vm.unit])
            vm.wait_state("running", 60)
            if tick == 3:
                vm.watch(ready=False)
            vm.serial.expect(rf"^vmunit-guest: tick {tick}$", 60)
            check_equal(unit_property(vm.unit, "ActiveState"), "activating", "state of the unit")
            run_ok(["vmunit", "managedsave", "xi"])
            check_match(r"Managed save: +yes", run_ok(["vmunit", "dominfo", "xi"]))
        ticks = vm.serial.ticks()
        run_ok(["systemctl", "start", "--no-block", vm.unit])
        vm.wait_state("running", 60)
        check_equal(vm.state(), ("running", "restored"), "state")
        goes_on(vm, ticks)


@case
def hot_machine():
    """What was changed while it ran is in what is saved: CPUs that were plugged in."""
    with counting("iota", ("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>")) as vm:
        run_ok(["vmunit", "setvcpus", "iota", "2", "--live"])
        vm.serial.expect(r"^vmunit-guest: tick 5$", 60)
        run_ok(["vmunit", "managedsave", "iota"])
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "start", "iota"])
        goes_on(vm, ticks)
        check_equal(run_ok(["vmunit", "vcpucount", "iota", "--live", "--active"]).strip(), "2", "CPUs")


@case
def definitions_of_files():
    """save-image-define replaces the definition, of the same machine only."""
    with counting("kappa") as vm:
        file = path("kappa.save")
        screen, terminal = pty.openpty()
        subprocess.run(["vmunit", "-q", "save", "kappa", file, "--verbose"], stderr=terminal, check=True)
        check_match(r"^\rSave: \[.*\rSave: \[100 %\]$", os.read(screen, 65536).decode(), "progress on a terminal")
        os.close(terminal)
        os.close(screen)
        xml = run_ok(["vmunit", "save-image-dumpxml", file])
        check_match("<name>kappa</name>", xml)
        check_equal(run_ok(["vmunit", "-q", "save-image-dumpxml", file, "--xpath", "/domain/name"]), "<name>kappa</name>\n")
        with open(path("kappa.xml"), "w", encoding="utf-8") as f:
            f.write(xml.replace("<name>", "<title>once saved</title><name>"))
        check_equal(run_ok(["vmunit", "save-image-define", file, path("kappa.xml")]), f"State file {file} updated.\n\n", "output")
        check_match("<title>once saved</title>", run_ok(["vmunit", "save-image-dumpxml", file]))
        with open(path("other.xml"), "w", encoding="utf-8") as f:
            f.write(xml.replace("kappa", "other"))
        refused(["vmunit", "save-image-define", file, path("other.xml")], "Target domain name 'other' does not match source 'kappa'")
        uuid = re.search("<uuid>(.*)</uuid>", xml)[1]
        with open(path("other.xml"), "w", encoding="utf-8") as f:
            f.write(xml.replace(uuid, "11111111-2222-4333-8444-555555555555"))
        refused(["vmunit", "save-image-define", file, path("other.xml")],
                f"Failed to update {file}\nerror: .*Target domain uuid 11111111-2222-4333-8444-555555555555 does not match source {uuid}")
        # In an editor: what is good is taken, what is not asks, and is kept in the file that is named.
        editor = {**os.environ, "EDITOR": "sed -i 's/once saved/edited/'"}
        edit = ["vmunit", "save-image-edit", file]
        check_equal(run_ok(edit, env=editor), f"State file {file} edited.\n\n", "output of an edit")
        check_match("<title>edited</title>", run_ok(["vmunit", "save-image-dumpxml", file]))
        check_equal(run_ok(edit, env=editor), f"Saved image {file} XML configuration not changed.\n\n", "output without one")
        result = run(edit, env={**os.environ, "EDITOR": "sed -i 's/kappa/other/'"})
        check_equal(result.rc, 1, "status of a bad edit")
        check_match("Target domain name 'other' does not match source 'kappa'", result.err)
        with open(re.search("what you wrote is in (/.*)", result.err)[1], encoding="utf-8") as f:
            check_match("<name>other</name>", f.read())
        check_match("<title>edited</title>", run_ok(["vmunit", "save-image-dumpxml", file]))
        ticks = vm.serial.ticks()
        run_ok(["vmunit", "restore", file])
        goes_on(vm, ticks)
        # The same of the managed save, with the state it goes on in.
        run_ok(["vmunit", "managedsave", "kappa"])
        refused(["vmunit", "managedsave-define", "kappa", path("other.xml")],
                "Failed to update kappa XML configuration\nerror: .*Target domain uuid 11111111-2222-4333-8444-555555555555 does not match")
        edit = ["vmunit", "managedsave-edit", "kappa", "--paused"]
        editor["EDITOR"] = "sed -i 's/edited/once more/'"
        check_equal(run_ok(edit, env=editor), "Managed save image of Domain 'kappa' XML configuration edited.\n\n", "output of an edit")
        check_equal(run_ok(edit, env=editor), "Managed save image of domain 'kappa' XML configuration not changed.\n\n", "output without one")
        run_ok(["vmunit", "start", "kappa"])
        check_equal(vm.state()[0], "paused", "state after an edit with --paused")
        check_equal(run_ok(["vmunit", "desc", "kappa", "--live", "--title"]).strip(), "once more", "title of what runs")


@case(timeout=240)
def options_of_saves():
    """--xml, --running, --paused and --bypass-cache of all that writes and reads saved states; who asks for them sees passwords."""
    password = "<graphics type='vnc' port='-1' passwd='Jk3-secr'/>"
    with counting("tau", ("<serial", password + "<serial")) as vm:
        file, xml, other = path("tau.save"), path("tau.xml"), path("tau-other.xml")

        def retitled(title, target):
            with open(target, "w", encoding="utf-8") as f:
                f.write(run_ok(["vmunit", "dumpxml", "tau", "--security-info"]).replace("<name>", f"<title>{title}</title><name>", 1))

        def title():
            return run_ok(["vmunit", "desc", "tau", "--title", "--live"]).strip()

        def ended():
            run_ok(["vmunit", "destroy", "tau"])

        retitled("first", xml)
        retitled("second", other)
        run_ok(["vmunit", "save", "tau", file, "--bypass-cache", "--xml", xml])
        ticks = vm.serial.ticks()
        for verb in (["save-image-dumpxml", file],):
            check("Jk3-secr" not in run_ok(["vmunit", *verb]), "a password without being asked for")
            check_match("Jk3-secr", run_ok(["vmunit", *verb, "--security-info"]))
            check_equal(run_ok(["vmunit", "-q", *verb, "--xpath", "/domain/title", "--wrap"]), "<nodes>\n  <title>first</title>\n</nodes>\n")
            check_equal(run(["vmunit", "-r", *verb, "--security-info"]).rc, 1, "status with --readonly")
        run_ok(["vmunit", "restore", file, "--bypass-cache"])
        check_equal((vm.state(), title()), (("running", "restored"), "first"), "of what --xml was saved with")
        goes_on(vm, ticks)
        ended()
        run_ok(["vmunit", "restore", file, "--xml", other, "--paused"])
        check_equal((vm.state()[0], title()), ("paused", "second"), "of what was restored with another --xml")
        ended()
        check_match("<title>first</title>", run_ok(["vmunit", "save-image-dumpxml", file]), "the file itself")
        for word, state in (("--paused", "paused"), ("--running", "running")):
            run_ok(["vmunit", "save-image-define", file, other, word])
            run_ok(["vmunit", "restore", file])
            check_equal((vm.state()[0], title()), (state, "second"), f"of what was defined with {word}")
            ended()
        # A change of the machine itself is none that the guest would survive: QEMU refuses the state, and the file stays.
        with open(other, encoding="utf-8") as f:
            text = f.read()
        with open(other, "w", encoding="utf-8") as f:
            f.write(text.replace("<memory unit='KiB'>262144", "<memory unit='KiB'>131072").replace("262144</currentMemory>", "131072</currentMemory>"))
        check_equal(run(["vmunit", "restore", file, "--xml", other]).rc, 1, "status with less memory")
        check_equal(vm.state()[0], "shut off", "state with less memory")
        check(os.path.exists(file), "the file is gone")
        run(["systemctl", "reset-failed", vm.unit])

        run_ok(["vmunit", "restore", file, "--running"])
        screen, terminal = pty.openpty()
        subprocess.run(["vmunit", "-q", "managedsave", "tau", "--verbose", "--bypass-cache"], stderr=terminal, check=True)
        check_match(r"\rManagedsave: \[100 %\]$", os.read(screen, 65536).decode(), "progress on a terminal")
        os.close(terminal)
        os.close(screen)
        check("Jk3-secr" not in run_ok(["vmunit", "managedsave-dumpxml", "tau"]), "a password without being asked for")
        check_match("Jk3-secr", run_ok(["vmunit", "managedsave-dumpxml", "tau", "--security-info"]))
        run_ok(["vmunit", "start", "tau", "--bypass-cache"])
        check_equal(vm.state(), ("running", "restored"), "state")


main()
