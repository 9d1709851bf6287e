#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the policy module for what must not be in it. What must follow from it together with the rest of the policy are
its neverallow rules, which tests/host/policy has checked.

    test-selinux-policy.py VMUNIT_TE"""

import re
import sys

# Who starts emulators to ask them what they can do.
MAY_BE_NAMED = {"unconfined_t": 4, "unconfined_r": 2}
NEVER = ("vmunit_process self:{ capability capability2 cap2_userns } *", "vmunit_monitor_t self:cap_userns *",
         "vmunit_supervisor_t self:cap_userns ~{ setpcap sys_admin }", "vmunit_process *:file execute_no_trans", "vmunit_process *:process ptrace",
         "vmunit_process self:process { execmem execstack execheap }", "vmunit_process *:{ security system } *",
         "vmunit_any_helper self:{ capability capability2 cap2_userns } *", "vmunit_helper_t self:cap_userns *",
         "{ vmunit_helper_t vmunit_virtiofsd_t } *:{ dir file lnk_file sock_file fifo_file blk_file chr_file } mounton")
DOMAINS = {"vmunit_supervisor_t": "vmunit_process", "vmunit_monitor_t": "vmunit_process", "vmunit_helper_t": "vmunit_any_helper",
           "vmunit_virtiofsd_t": "vmunit_any_helper", "vmunit_passt_t": "vmunit_any_helper"}


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
        if f"neverallow {rule};" not in code:
            yield f"there is no 'neverallow {rule};'"
    for domain, attribute in DOMAINS.items():
        if f"mcs_constrained({domain})" not in code or f"typeattribute {domain} {attribute};" not in code:
            yield f"{domain} is not held to its categories, or to the rules of {attribute}"


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
