# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same attempts from the domain that machines with KVM have, which may not execute what it has written; see
tests/lib/confinement.py."""

from confinement_cases import run_all
from harness import run_ok

run_ok("modprobe kvm_amd || modprobe kvm_intel")
run_all(kvm=True)
