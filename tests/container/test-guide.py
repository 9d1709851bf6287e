#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command blocks of the guides on a real guest: by vmunit, by vmunit called virsh, and by virsh, with the same answers
expected of all three. lib/guide.py says how they are written down; scenes that need cgroup controllers are host/test-guide.py's."""

import guide_cases

guide_cases.main(host=False)
