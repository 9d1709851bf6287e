#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the policy module for what must not be in it. What must follow from it together with the rest of the policy are
its neverallow rules, which tests/host/policy has checked.

    test-selinux-policy.py VMUNIT_TE"""

import re
import sys

# Who starts emulators to ask them what they can do.
MAY_BE_NAMED = {"unconfined_t": 4, "unconfined_r": 2}
NEVER = ("self:{ capability capability2 cap_userns cap2_userns } *", "*:file execute_no_trans", "*:process ptrace",
         "self:process { execmem execstack execheap }", "*:{ security system } *")


def problems(text):
    code = re.sub(r"#.*", "", text)
    for word in ("permissive", "unconfined_domain", "files_unconfined", "dontaudit"):
        if re.search(rf"\b{word}", code):
            yield f"'{word}' is in the module"
    for word in set(re.findall(r"\bunconfined\w*", code)) - set(MAY_BE_NAMED):
        yield f"'{word}' is in the module"
    for word, times in MAY_BE_NAMED.items():
        if len(re.findall(rf"\b{word}\b", code)) != times:
            yield f"'{word}' is named more or less than {times} times"
    if re.findall(r"(\w*tunable\w*)\W+(\w+)", code) != [("gen_tunable", "vmunit_use_rawio"), ("tunable_policy", "vmunit_use_rawio")]:
        yield "another switch than vmunit_use_rawio"
    allowed = code.split("neverallow", 1)[0]
    if re.search(r"\b(vmunit_\w+|virt_domain)\s+\*|~|\*\s*;", allowed):
        yield "a rule allows everything, or all but something"
    for rule in NEVER:
        if f"neverallow vmunit_process {rule};" not in code:
            yield f"there is no 'neverallow vmunit_process {rule};'"
    for domain in ("vmunit_supervisor_t", "vmunit_monitor_t"):
        if f"mcs_constrained({domain})" not in code or f"typeattribute {domain} vmunit_process;" not in code:
            yield f"{domain} is not held to its categories, or to the rules of vmunit_process"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    found = list(problems(text))
    # What would be found.
    for planted in ("permissive vmunit_monitor_t;", "unconfined_domain(vmunit_supervisor_t)", "unconfined_use_fds(vmunit_monitor_t)",
                    "allow vmunit_monitor_t self:capability *;", "allow vmunit_monitor_t unconfined_t:process signal;",
                    "gen_tunable(vmunit_use_more, true)", "dontaudit vmunit_monitor_t etc_t:file read;"):
        if not list(problems(planted + "\n" + text)):
            found.append(f"'{planted}' was not found")
    for line in found:
        print(f"not ok: {line}")
    sys.exit(1 if found else 0)


main()
