/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what a person sees and touches: displays, graphics adapters, input devices. */

/* <channel> of spice: whether it may, must or must not be encrypted. */
typedef struct SpiceChannel {
        SrcLoc loc;
        SpiceChannelName name;
        SpiceMode mode;
} SpiceChannel;

typedef struct DomainGraphics {
        SrcLoc loc;
        GraphicsType type;
        int port; /* 0: not given; -1: allocate (autoport) */
        int tls_port, websocket; /* the same */
        Tristate autoport;
        char *listen; /* the old attribute; equals the first <listen address=> */
        GraphicsListen listen_type;
        char *listen_address, *listen_socket, *listen_network;
        char *socket; /* vnc socket= */
        char *keymap;
        char *password, *password_valid_to;
        GraphicsConnected connected;
        VncSharePolicy share_policy;
        Tristate power_control;
        OptUint audio; /* id of the <audio> for the clients */
        /* spice */
        SpiceMode default_mode;
        SpiceChannel *channels;
        size_t n_channels;
        SpiceImage image;
        SpiceCompression jpeg, zlib;
        Tristate playback;
        SpiceStreaming streaming;
        MouseMode mouse;
        Tristate copypaste, filetransfer;
        /* spice, sdl, dbus, egl-headless */
        Tristate gl;
        char *rendernode;
        /* sdl */
        char *display, *xauth;
        Tristate fullscreen;
        /* dbus */
        Tristate p2p;
        char *address;
} DomainGraphics;

typedef struct DomainVideo {
        DeviceInfo info;
        VideoModel model;
        VideoDriver driver;
        VirtioOptions virtio;
        OptUint ram, vram, vgamem, vram64; /* KiB */
        OptUint heads;
        Tristate primary;
        Tristate blob;
        Tristate accel2d, accel3d;
        char *rendernode;
        OptUint x, y; /* <resolution> */
} DomainVideo;

typedef struct DomainInput {
        DeviceInfo info;
        InputType type;
        InputBus bus;
        InputModel model;
        VirtioOptions virtio;
        char *source; /* path of the host's device: passthrough, evdev */
        InputGrab grab;
        InputGrabToggle grab_toggle;
        Tristate repeat;
} DomainInput;
