/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what a person sees and touches: displays, graphics adapters, input devices. */

typedef struct DomainGraphics {
        SrcLoc loc;
        GraphicsType type;
        int port; /* 0: not given; -1: allocate (autoport) */
        int websocket; /* the same */
        Tristate autoport;
        char *listen; /* the old attribute; equals the first <listen address=> */
        GraphicsListen listen_type;
        char *listen_address, *listen_socket;
        char *socket; /* vnc socket= */
        char *keymap;
        char *password, *password_valid_to;
        VncSharePolicy share_policy;
} DomainGraphics;

typedef struct DomainVideo {
        DeviceInfo info;
        VideoModel model;
        OptUint ram, vram, vgamem, vram64; /* KiB */
        OptUint heads;
        Tristate primary;
        Tristate accel3d;
} DomainVideo;

typedef struct DomainInput {
        DeviceInfo info;
        InputType type;
        InputBus bus;
} DomainInput;
