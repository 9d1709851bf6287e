/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static bool is_vnc(const void *object) {
        return ((const DomainGraphics *) object)->type == GRAPHICS_VNC;
}

static bool is_refused(const void *object) {
        return !is_vnc(object);
}

static bool has_port(const void *object) {
        return ((const DomainGraphics *) object)->listen_type != LISTEN_SOCKET;
}

#define REFUSED_TYPE "for types of graphics that are refused by their name"
#define OTHER_ATTRIBUTE(name_) IGNORED_ATTRIBUTE(name_, REFUSED_TYPE, .applies = is_refused)
#define OTHER_CHILD(name_) IGNORED(name_, REFUSED_TYPE, .applies = is_refused)

static bool listens_on_socket(const void *object) {
        const DomainGraphics *g = object;
        return g->listen_type == LISTEN_SOCKET;
}

static bool listens_on_address(const void *object) {
        const DomainGraphics *g = object;
        return g->listen_type == LISTEN_ADDRESS || g->listen_type == LISTEN_NETWORK;
}

DEFINE_STATIC_XML_TABLE(listen,
        ATTRIBUTE_ENUM("type", DomainGraphics, listen_type, graphics_listen, "on what is listened", .flags = XML_MANDATORY),
        ATTRIBUTE("address", DomainGraphics, listen_address, xml_string, "address of the host", .applies = listens_on_address),
        ATTRIBUTE("socket", DomainGraphics, listen_socket, xml_string, "path of the socket", .applies = listens_on_socket),
        IGNORED_ATTRIBUTE("network", "for listening on a network, which is refused by its name"));

DEFINE_XML_TABLE(graphics,
        ATTRIBUTE_ENUM("type", DomainGraphics, type, graphics_type, "kind of display", .flags = XML_MANDATORY),
        ATTRIBUTE("port", DomainGraphics, port, xml_port, "TCP port; -1: any from 5900 on", .applies = has_port),
        OTHER_ATTRIBUTE("tlsPort"),
        ATTRIBUTE_ENUM("autoport", DomainGraphics, autoport, yes_no, "choose the port at the start", .applies = has_port),
        ATTRIBUTE("websocket", DomainGraphics, websocket, xml_port, "port for WebSocket clients; -1: any", .applies = is_vnc),
        ATTRIBUTE("listen", DomainGraphics, listen, xml_string, "address, as it was written before there was <listen>"),
        ATTRIBUTE("socket", DomainGraphics, socket, xml_string, "path of a unix socket, as it was written before", .applies = is_vnc),
        ATTRIBUTE("keymap", DomainGraphics, keymap, xml_string, "layout of the keyboard", .applies = is_vnc),
        OTHER_ATTRIBUTE("keymap"),
        ATTRIBUTE_ENUM("sharePolicy", DomainGraphics, share_policy, vnc_share_policy, "several clients at once", .applies = is_vnc),
        ATTRIBUTE("passwd", DomainGraphics, password, xml_string, "password, in clear text", .flags = XML_SECRET),
        ATTRIBUTE("passwdValidTo", DomainGraphics, password_valid_to, xml_string, "when it expires, UTC", .flags = XML_SECRET),
        UNSUPPORTED_ATTRIBUTE("connected", "what a change of the password does to clients"),
        UNSUPPORTED_ATTRIBUTE("powerControl", "clients that turn the VM off"),
        OTHER_ATTRIBUTE("display"),
        OTHER_ATTRIBUTE("xauth"),
        OTHER_ATTRIBUTE("fullscreen"),
        OTHER_ATTRIBUTE("replaceUser"),
        OTHER_ATTRIBUTE("multiUser"),
        OTHER_ATTRIBUTE("defaultMode"),
        OTHER_ATTRIBUTE("address"),
        OTHER_ATTRIBUTE("p2p"),
        CHILD("listen", listen, "on what is listened"),
        OTHER_CHILD("gl"),
        OTHER_CHILD("channel"),
        OTHER_CHILD("image"),
        OTHER_CHILD("jpeg"),
        OTHER_CHILD("zlib"),
        OTHER_CHILD("playback"),
        OTHER_CHILD("streaming"),
        OTHER_CHILD("mouse"),
        OTHER_CHILD("clipboard"),
        OTHER_CHILD("filetransfer"),
        UNSUPPORTED("audio", "sound over VNC"));

DEFINE_STATIC_XML_TABLE(acceleration,
        ATTRIBUTE_ENUM("accel3d", DomainVideo, accel3d, yes_no, "3D"),
        UNSUPPORTED_ATTRIBUTE("accel2d", "2D"),
        UNSUPPORTED_ATTRIBUTE("rendernode", "the host's device for rendering"));

DEFINE_STATIC_XML_TABLE(video_model,
        ATTRIBUTE_ENUM("type", DomainVideo, model, video_model, "kind of adapter", .flags = XML_MANDATORY),
        ATTRIBUTE("ram", DomainVideo, ram, xml_uint, "KiB of memory, qxl"),
        ATTRIBUTE("vram", DomainVideo, vram, xml_uint, "KiB of video memory"),
        ATTRIBUTE("vram64", DomainVideo, vram64, xml_uint, "KiB of the second bar, qxl"),
        ATTRIBUTE("vgamem", DomainVideo, vgamem, xml_uint, "KiB of the frame buffer, qxl"),
        ATTRIBUTE("heads", DomainVideo, heads, xml_uint, "screens"),
        ATTRIBUTE_ENUM("primary", DomainVideo, primary, yes_no, "the adapter the guest boots with"),
        UNSUPPORTED_ATTRIBUTE("blob", "blob resources"),
        CHILD("acceleration", acceleration, "acceleration"),
        UNSUPPORTED("resolution", "first resolution"));

DEFINE_XML_TABLE(video,
        UNSUPPORTED("driver", "back end of the adapter"),
        CHILD("model", video_model, "the adapter"),
        INCLUDE(DomainVideo, info, device_info));

DEFINE_XML_TABLE(input,
        ATTRIBUTE_ENUM("type", DomainInput, type, input_type, "what it is", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("bus", DomainInput, bus, input_bus, "what it is plugged into"),
        UNSUPPORTED_ATTRIBUTE("model", "virtio's older and newer interface"),
        UNSUPPORTED("driver", "options of virtio devices"),
        INCLUDE(DomainInput, info, device_info),
        UNSUPPORTED("source", "the host's input devices"));
