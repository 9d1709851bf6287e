# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network for passt, which takes the addresses that it gives to guests from the host: those of the tests have none."""

import contextlib

from harness import run_ok

GATEWAY = "10.7.0.2"


@contextlib.contextmanager
def route():
    """An address, and a route to everywhere by a gateway that does not exist."""
    run_ok("ip link add route0 type veth peer name route1")
    try:
        run_ok("ip address add 10.7.0.1/24 dev route0 && ip link set route0 up && ip link set route1 up && ip link set lo up")
        run_ok(f"ip route add default via {GATEWAY} dev route0 metric 9999")
        yield
    finally:
        run_ok("ip link delete route0")
