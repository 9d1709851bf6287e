/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "traffic-limit.h"

/* Ports of Open vSwitch. They are in its database until somebody removes them, whatever becomes of their interface. */

typedef struct SwitchPort {
        const char *bridge, *ifname;
        char *const *settings; /* of the port: "tag=42" */
        char *const *ids;      /* of its interface, in quotes as ovs-vsctl wants them: "iface-id=\"…\"" */
        TrafficLimit inbound, outbound; /* what the guest receives: there the switch knows only the rate; and what it sends */
} SwitchPort;

/* Makes the port. One of the name that an earlier run has left goes, with what it was given. 0 or negative errno with the reason,
 * owned by the caller. */
int switch_port_add(const SwitchPort *p, char **ret_reason);
/* The command by which that is done; owned by the caller. 0 or -ENOMEM. */
int switch_port_command(const SwitchPort *p, char ***ret);
/* 0 also when there is none. */
int switch_port_remove(const char *ifname, char **ret_reason);
