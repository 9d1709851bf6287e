/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The ports that the QEMU guest agent and the SPICE agent in the guest open. */
#define GUEST_AGENT_CHANNEL "org.qemu.guest_agent.0"
#define SPICE_AGENT_CHANNEL "com.redhat.spice.0"
#define ISA_SERIAL_PORTS 4

/* The model of serial and parallel ports, consoles and channels. */

typedef struct DomainChar {
        DeviceInfo info;
        CharKind kind; /* serial, parallel, console, channel */
        CharSource source;
        CharTarget target_type; /* isa-serial, virtio, serial … */
        OptUint target_port;
        char *target_name; /* channel: GUEST_AGENT_CHANNEL … */
        char *target_state; /* channel: "connected", "disconnected" (set when running) */
        char *target_model; /* serial <target><model name=> */
        char *guestfwd_address; /* guestfwd: where the guest connects to; with target_port */
} DomainChar;

/* The channel of the QEMU guest agent, whoever has the other end of it. */
bool domain_char_is_agent(const DomainChar *c) _pure_;
