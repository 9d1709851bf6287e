# SPDX-License-Identifier: LGPL-2.1-or-later
"""The texts of verbs about a machine that runs, vmunit's against virsh's: a libvirtd of the test's own starts the same
definition, and each row of a list is asked of both, one machine after the other."""

import contextlib
import os
import shlex
import subprocess
import tempfile

from harness import check, fail, wait_for
from harness import run as harness_run
from verb_rows import difference, rows, run

NAME = "verbs"


@contextlib.contextmanager
def libvirtd(controllers, sockets=None):
    """A libvirtd that runs QEMU as root and leaves the machine's devices as they are; yields virsh's words. Its sockets
    are where nobody looks for them, unless it is said where."""
    with tempfile.TemporaryDirectory() as directory:
        sockets = sockets or directory
        os.makedirs(sockets, exist_ok=True)
        os.makedirs("/etc/libvirt", exist_ok=True)
        with open("/etc/libvirt/qemu.conf", "w", encoding="ascii") as f:
            f.write('user = "root"\ngroup = "root"\nstdio_handler = "file"\nsecurity_driver = "none"\nnamespaces = []\n'
                    f'remember_owner = 0\ncgroup_controllers = [{", ".join(repr(c) for c in controllers)}]\n'.replace("'", '"'))
        with open(f"{directory}/conf", "w", encoding="ascii") as f:
            f.write(f'unix_sock_dir = "{sockets}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                    f'log_outputs = "3:file:{directory}/log"\n')
        # Before it reads that it shall not be used, it looks for the user that its other package makes.
        harness_run(["systemd-sysusers", "-"], input="u libvirt-qemu -\n", check=True)
        daemon = subprocess.Popen(["libvirtd", "-f", f"{directory}/conf", "-p", f"{directory}/pid"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        virsh = ["virsh", "-q", "-c", f"qemu+unix:///system?socket={sockets}/libvirt-sock"]
        try:
            # It asks every QEMU there is what it can do before it answers, and in an emulated host these are slow.
            wait_for(lambda: run([*virsh, "version"], timeout=300)[2] == 0 or daemon.poll() is not None, 300, "libvirtd to answer",
                     interval=0.2)
            if daemon.poll() is not None:
                with open(f"{directory}/log", encoding="utf-8") as f:
                    fail(f"libvirtd ended: {f.read()[-1000:]}")
            yield virsh
        finally:
            run([*virsh, "destroy", NAME])
            run([*virsh, "undefine", NAME])
            daemon.terminate()
            daemon.wait()


def answers(command, file, text, ready):
    """What a side says to each row."""
    for words in (["define", file], ["start", NAME]):
        done = run([*command, *words])
        check(done[2] == 0, f"{command[0]} {words[0]}: {done[1]}")
    try:
        ready(command)
        return [run([*command, *shlex.split(line)]) for line, _ in rows(text)]
    finally:
        run([*command, "destroy", NAME])
        run([*command, "undefine", NAME])


ROOT = "tainted: running with undesirable elevated privileges"


def without_root(result):
    """What it says of its own QEMU, which runs as root."""
    lines = result[0].splitlines()
    for i, line in enumerate(lines):
        if line.endswith(ROOT):
            del lines[i]
            if line.startswith("Messages:") and lines[i:] and lines[i].startswith(" "):
                lines[i] = line[: -len(ROOT)] + lines[i].strip()
            break
    return "\n".join(lines).strip(), *result[1:]


def same_texts(xml, text, *, controllers=(), ready=lambda _: None):
    """Fails if any row's texts differ that may not, or do not differ that shall."""
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(xml)
        file.flush()
        os.chmod(file.name, 0o644)
        with libvirtd(controllers) as virsh:
            theirs = [without_root(a) for a in answers(virsh, file.name, text, ready)]
        ours = answers(["vmunit", "-q"], file.name, text, ready)
    problems = [(line, problem) for (line, mark), expected, got in zip(rows(text), theirs, ours)
                if (problem := difference(mark, expected, got))]
    for line, problem in problems:
        print(f"    {line}\n{problem}")
    print(f"    {len(theirs)} command lines, {len(problems)} wrong")
    check(not problems, f"{len(problems)} of {len(theirs)} command lines")
