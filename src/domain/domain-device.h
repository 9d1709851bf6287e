/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of the smaller devices. */

typedef struct DomainBalloon {
        DeviceInfo info;
        BalloonModel model;
        Tristate autodeflate, free_page_reporting;
        OptUint stats_period; /* seconds */
        VirtioOptions virtio;
} DomainBalloon;

typedef struct DomainRng {
        DeviceInfo info;
        RngModel model;
        RngBackend backend;
        char *backend_path; /* random: "/dev/random" when absent, as in libvirt */
        OptUint rate_bytes, rate_period; /* bytes per milliseconds */
        CharSource source; /* egd */
        VirtioOptions virtio;
} DomainRng;
