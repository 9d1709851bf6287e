#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""AppArmor's own parser takes the profiles among the expected texts (DIRECTORY/*.profile). Nothing is loaded."""

import glob
import os
import shutil
import subprocess
import sys

parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
profiles = []
for path in sorted(glob.glob(f"{sys.argv[1]}/*.profile")):
    with open(path, encoding="utf-8") as f:
        if not f.read().startswith("error:"):
            profiles.append(path)


def parse(text):
    return subprocess.run([parser, "--skip-kernel-load", "--skip-cache", "--names"], input=text, capture_output=True, text=True, check=False)


def parse_all(text):
    """What it says of a profile that it does not take; the first run names what is in it, the second compiles it."""
    result = parse(text)
    compiled = subprocess.run([parser, "--skip-kernel-load", "--skip-cache", "--stdout"], input=text.encode(), capture_output=True, check=False)
    return "" if result.returncode == 0 and compiled.returncode == 0 else result.stderr + compiled.stderr.decode()


if not parser or not profiles:
    print("1..0 # SKIP there is no apparmor_parser")
    sys.exit(0)
print(f"1..{len(profiles) + 1}")
for n, path in enumerate(profiles, 1):
    with open(path, encoding="utf-8") as f:
        said = parse_all(f.read())
    print("".join(f"# {line}\n" for line in said.splitlines()), end="")
    print(f"{'not ' if said else ''}ok {n} - {os.path.basename(path)}")
# And it does look at them.
print(f"{'' if parse_all('profile x { /a } ') else 'not '}ok {len(profiles) + 1} - what is wrong is refused")
