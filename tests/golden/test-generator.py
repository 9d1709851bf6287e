#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs vmunit-generator on the trees below generator/ and compares all that it writes.

    test-generator.py GENERATOR [--update] [CASE…]

A case is a directory with
    etc/vm, run/vm, usr/lib/vm   the definitions
    run/vmunit                   what running VMs left there (10-vmunit.conf)
    setup                        a shell script, run in a copy of the case before the generator; for what git cannot keep:
                                 fifos, links out of the tree, files with holes. $NORMAL is the output directory
    selinux, apparmor            the facts of these (src/unit/label.h); without them there is neither
    expected/                    the output directory as it has to be afterwards
    stderr                       what the generator says; one that says "error:" has to exit with 1, any other with 0
Paths of the copy are shown without its own, so they look as on a machine: /etc/vm/web.xml."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generator")
# One case has a file name that is not UTF-8.
TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}
MACHINE_ID = "76d756e6974746573747300000000001"


def tree(directory):
    """Every file below, by its relative path; directories count by what is in them, and when they are empty."""
    files = {}
    for path, directories, names in os.walk(directory):
        relative = os.path.relpath(path, directory)
        if not directories and not names and relative != ".":
            files[relative + "/"] = ""
        for name in names:
            with open(os.path.join(path, name), **TEXT) as f:
                files[os.path.normpath(os.path.join(relative, name))] = f.read()
    return files


def run_generator(generator, case, work, arguments):
    """Returns exit status, stdout, stderr and the three output trees."""
    root = os.path.join(work, "root")
    shutil.copytree(case, root, symlinks=True, copy_function=shutil.copyfile)
    outputs = [os.path.join(work, d) for d in ("normal", "early", "late")]
    for directory in outputs:
        os.mkdir(directory)
    environment = {
        "PATH": os.environ["PATH"],
        "VMUNIT_CONFIG_PATH": ":".join(os.path.join(root, d) for d in ("etc/vm", "run/vm", "usr/lib/vm")),
        "VMUNIT_RUNTIME_DIR": os.path.join(root, "run/vmunit"),
        "VMUNIT_MACHINE_ID": MACHINE_ID,
        "VMUNIT_NUMA_NODES": "0-1",
    }
    for name in ("selinux", "apparmor"):
        facts = os.path.join(root, name)
        if os.path.exists(facts):
            with open(facts, **TEXT) as f:
                environment[f"VMUNIT_{name.upper()}"] = f.read()
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    if os.path.exists(os.path.join(root, "setup")):
        subprocess.run(["sh", "-eu", "setup"], cwd=root, check=True, env={"PATH": os.environ["PATH"], "NORMAL": outputs[0]})
    result = subprocess.run(
        [generator, *(arguments or outputs)], env=environment, capture_output=True, timeout=30, **TEXT
    )

    def shown(text):
        return text.replace(root, "").replace(work, "")

    trees = [{name: shown(text) for name, text in tree(d).items()} for d in outputs]
    return result.returncode, shown(result.stdout), shown(result.stderr), trees


def differences(expected, actual):
    for name in sorted(set(expected) | set(actual)):
        if name not in actual:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} is unexpected:\n{actual[name]}"
        elif expected[name] != actual[name]:
            yield f"{name} is\n{actual[name]}instead of\n{expected[name]}"


def as_dry_run(files):
    """What --dry-run prints for these files."""
    return "".join(f"==> {name} <==\n{files[name]}\n" for name in sorted(files))


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, **TEXT) as f:
        return f.read()


def update(case, stderr, normal):
    shutil.rmtree(os.path.join(case, "expected"), ignore_errors=True)
    for name, text in normal.items():
        path = os.path.join(case, "expected", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", **TEXT) as f:
            f.write(text)
    with open(os.path.join(case, "stderr"), "w", **TEXT) as f:
        f.write(stderr)


def check_case(generator, name, updating):
    case = os.path.join(HERE, name)
    with tempfile.TemporaryDirectory() as work:
        status, stdout, stderr, (normal, early, late) = run_generator(generator, case, work, None)
    if updating:
        update(case, stderr, normal)
    expected, expected_stderr = tree(os.path.join(case, "expected")), read(os.path.join(case, "stderr"))

    problems = list(differences(expected, normal))
    if stderr != expected_stderr:
        problems.append(f"stderr is\n{stderr}instead of\n{expected_stderr}")
    if status != (1 if "error:" in expected_stderr else 0):
        problems.append(f"exit status is {status}")
    if stdout or early or late:
        problems.append(f"something on stdout or in the early or late directory: {stdout} {early} {late}")

    # The same by --dry-run, unless the case is about the output directory.
    if not os.path.exists(os.path.join(case, "setup")) or "NORMAL" not in read(os.path.join(case, "setup")):
        with tempfile.TemporaryDirectory() as work:
            _, stdout, _, trees = run_generator(generator, case, work, ["--dry-run"])
        if sorted(stdout) != sorted(as_dry_run(expected)) or any(trees):
            problems.append(f"--dry-run prints\n{stdout}instead of\n{as_dry_run(expected)}")
    return problems


def main():
    os.umask(0o022)
    arguments = sys.argv[1:]
    updating = "--update" in arguments
    generator, *names = [a for a in arguments if a != "--update"]
    generator = os.path.abspath(generator)
    names = names or sorted(e.name for e in os.scandir(HERE) if e.is_dir())
    assert names, "no cases"
    failed = 0
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        problems = check_case(generator, name, updating)
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print("".join(f"# {line}\n" for line in problem.splitlines()), end="")
    sys.exit(1 if failed else 0)


main()
