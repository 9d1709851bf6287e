# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a QEMU that was taken over cannot do, and what refuses it; see tests/lib/confinement.py."""

from confinement_cases import run_all

run_all()
