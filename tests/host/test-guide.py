#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Those command blocks of the guides that need cgroup controllers; container/test-guide.py has the others."""

import guide_cases

guide_cases.main(host=True, controllers=("cpu", "cpuacct", "cpuset", "memory", "blkio"))
