# SPDX-License-Identifier: LGPL-2.1-or-later
"""What vmunit prints, held against libvirt's schema and our own: one xmllint for all files, as virt-xml-validate runs
one for each."""

import pathlib
import subprocess

LIBVIRTS = pathlib.Path("/usr/share/libvirt/schemas/domain.rng")
# So many files at once: a command line has an end.
MANY = 1000


def our_schema(vmunit, directory):
    """Our own schema, from the program that is built beside VMUNIT."""
    program = pathlib.Path(vmunit).resolve().parent.parent.parent / "xml-schemas" / "print-schema"
    pathlib.Path(directory).mkdir()
    subprocess.run([program, directory], check=True)
    return pathlib.Path(directory) / "domain.rng"


def violations(schema, paths):
    """{path: what is wrong} of the files that do not follow the schema."""
    wrong, said = {}, {}
    for start in range(0, len(paths), MANY):
        some = [str(p) for p in paths[start:start + MANY]]
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", schema, *some], capture_output=True,
                              text=True, errors="replace", check=False)
        judged = 0
        for line in done.stderr.splitlines():
            if line.endswith((" validates", " fails to validate")):
                judged += 1
            if line.endswith(" fails to validate"):
                path = line.removesuffix(" fails to validate")
                wrong[pathlib.Path(path)] = said.get(path, "")
            elif ":" in line:
                said.setdefault(line.split(":")[0], line)
        if judged != len(some):
            raise SystemExit(f"xmllint has no word on {len(some) - judged} files:\n{done.stderr[-500:]}")
    return wrong


def tool_takes(path):
    """The word of virt-xml-validate itself."""
    return subprocess.run(["virt-xml-validate", path], capture_output=True, check=False).returncode == 0


def plant(path, directory):
    """Files like the one at PATH, each with one thing in it that no schema allows: an attribute, an element, a word."""
    text = path.read_text()
    for name, old, new in (("attribute", "<os", "<os nosuch='1'"), ("element", "<devices>", "<devices><nosuch/>"),
                           ("word", "<on_reboot>restart", "<on_reboot>nosuch")):
        planted = pathlib.Path(directory) / f"planted-{name}.xml"
        planted.write_text(text.replace(old, new, 1))
        yield planted
