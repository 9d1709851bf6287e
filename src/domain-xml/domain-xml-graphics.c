/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static GraphicsType type_of(const void *object) {
        return ((const DomainGraphics *) object)->type;
}

static bool is_vnc(const void *object) {
        return type_of(object) == GRAPHICS_VNC;
}

static bool is_spice(const void *object) {
        return type_of(object) == GRAPHICS_SPICE;
}

static bool is_sdl(const void *object) {
        return type_of(object) == GRAPHICS_SDL;
}

static bool is_dbus(const void *object) {
        return type_of(object) == GRAPHICS_DBUS;
}

static bool is_remote(const void *object) {
        return is_vnc(object) || is_spice(object);
}

static bool is_refused(const void *object) {
        return type_of(object) == GRAPHICS_RDP || type_of(object) == GRAPHICS_DESKTOP;
}

static bool has_listen(const void *object) {
        return is_remote(object) || is_refused(object);
}

static bool has_window(const void *object) {
        return is_sdl(object) || is_refused(object);
}

static bool has_audio(const void *object) {
        return is_vnc(object) || is_dbus(object);
}

static bool has_gl_switch(const void *object) {
        return is_spice(object) || is_sdl(object) || is_dbus(object);
}

static bool has_rendernode(const void *object) {
        return is_spice(object) || is_dbus(object) || type_of(object) == GRAPHICS_EGL_HEADLESS;
}

static bool has_gl(const void *object) {
        return has_gl_switch(object) || has_rendernode(object);
}

static bool has_port(const void *object) {
        return has_listen(object) && ((const DomainGraphics *) object)->listen_type != LISTEN_SOCKET;
}

static bool is_spice_with_port(const void *object) {
        return is_spice(object) && has_port(object);
}

#define REFUSED_TYPE "of the types rdp and desktop, which are refused"
#define OTHER_ATTRIBUTE(name_) IGNORED_ATTRIBUTE(name_, REFUSED_TYPE, .applies = is_refused)

static bool listens_on_socket(const void *object) {
        const DomainGraphics *g = object;
        return g->listen_type == LISTEN_SOCKET;
}

static bool listens_on_address(const void *object) {
        const DomainGraphics *g = object;
        return g->listen_type == LISTEN_ADDRESS || g->listen_type == LISTEN_NETWORK;
}

static bool listens_on_network(const void *object) {
        const DomainGraphics *g = object;
        return g->listen_type == LISTEN_NETWORK;
}

DEFINE_STATIC_XML_TABLE(listen,
        ATTRIBUTE_ENUM("type", DomainGraphics, listen_type, graphics_listen, "on what is listened", .flags = XML_MANDATORY),
        ATTRIBUTE("address", DomainGraphics, listen_address, xml_string, "address of the host", .applies = listens_on_address),
        ATTRIBUTE("network", DomainGraphics, listen_network, xml_string, "name of the network whose address of the host it is", .applies = listens_on_network),
        ATTRIBUTE("socket", DomainGraphics, listen_socket, xml_string, "path of the socket", .applies = listens_on_socket));

DEFINE_STATIC_XML_TABLE(spice_channel,
        ATTRIBUTE_ENUM("name", SpiceChannel, name, spice_channel, "the channel", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("mode", SpiceChannel, mode, spice_mode, "whether it is encrypted", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_image,
        ATTRIBUTE_ENUM("compression", DomainGraphics, image, spice_image, "how images are compressed", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_jpeg,
        ATTRIBUTE_ENUM("compression", DomainGraphics, jpeg, spice_compression, "whether images are compressed with loss", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_zlib,
        ATTRIBUTE_ENUM("compression", DomainGraphics, zlib, spice_compression, "whether images are compressed further", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_playback,
        ATTRIBUTE_ENUM("compression", DomainGraphics, playback, on_off, "whether sound is compressed", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_streaming,
        ATTRIBUTE_ENUM("mode", DomainGraphics, streaming, spice_streaming, "what is sent as a video", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_mouse,
        ATTRIBUTE_ENUM("mode", DomainGraphics, mouse, mouse_mode, "client: the agent moves the pointer", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_clipboard,
        ATTRIBUTE_ENUM("copypaste", DomainGraphics, copypaste, yes_no, "share the clipboard with the guest", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(spice_filetransfer,
        ATTRIBUTE_ENUM("enable", DomainGraphics, filetransfer, yes_no, "files can be dropped into the guest", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(gl,
        ATTRIBUTE_ENUM("enable", DomainGraphics, gl, yes_no, "draw with OpenGL", .applies = has_gl_switch, .flags = XML_MANDATORY),
        ATTRIBUTE("rendernode", DomainGraphics, rendernode, xml_string, "the host's device for drawing", .applies = has_rendernode));
DEFINE_STATIC_XML_TABLE(graphics_audio,
        ATTRIBUTE("id", DomainGraphics, audio, xml_uint, "number of the <audio>", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(graphics,
        ATTRIBUTE_ENUM("type", DomainGraphics, type, graphics_type, "kind of display", .flags = XML_MANDATORY),
        ATTRIBUTE("socket", DomainGraphics, socket, xml_string, "path of a unix socket, as it was written before there was <listen>", .applies = is_vnc),
        ATTRIBUTE("port", DomainGraphics, port, xml_port, "TCP port; -1: any from 5900 on", .applies = has_port),
        ATTRIBUTE("tlsPort", DomainGraphics, tls_port, xml_port, "TCP port for encrypted channels", .applies = is_spice_with_port),
        ATTRIBUTE_ENUM("autoport", DomainGraphics, autoport, yes_no, "choose the port at the start", .applies = has_port),
        ATTRIBUTE("websocket", DomainGraphics, websocket, xml_port, "port for WebSocket clients; -1: any", .applies = is_vnc),
        ATTRIBUTE("listen", DomainGraphics, listen, xml_string, "address, as it was written before there was <listen>", .applies = has_listen),
        ATTRIBUTE("keymap", DomainGraphics, keymap, xml_string, "layout of the keyboard", .applies = is_remote),
        ATTRIBUTE_ENUM("sharePolicy", DomainGraphics, share_policy, vnc_share_policy, "several clients at once", .applies = is_vnc),
        ATTRIBUTE_ENUM("powerControl", DomainGraphics, power_control, yes_no, "clients can turn the VM off", .applies = is_vnc),
        ATTRIBUTE_ENUM("defaultMode", DomainGraphics, default_mode, spice_mode, "whether channels are encrypted", .applies = is_spice),
        ATTRIBUTE("passwd", DomainGraphics, password, xml_string, "password, in clear text", .flags = XML_SECRET, .applies = is_remote),
        ATTRIBUTE("passwdValidTo", DomainGraphics, password_valid_to, xml_string, "when it expires, UTC", .flags = XML_SECRET, .applies = is_remote),
        ATTRIBUTE_ENUM("connected", DomainGraphics, connected, graphics_connected, "what a change of the password does to clients", .flags = XML_SECRET, .applies = is_remote),
        ATTRIBUTE("display", DomainGraphics, display, xml_string, "X display", .applies = has_window),
        ATTRIBUTE("xauth", DomainGraphics, xauth, xml_string, "file with the key of the X display", .applies = is_sdl),
        ATTRIBUTE_ENUM("fullscreen", DomainGraphics, fullscreen, yes_no, "fill the screen", .applies = has_window),
        ATTRIBUTE_ENUM("p2p", DomainGraphics, p2p, yes_no, "clients are handed over, without a bus", .applies = is_dbus),
        ATTRIBUTE("address", DomainGraphics, address, xml_string, "address of the D-Bus bus", .applies = is_dbus),
        OTHER_ATTRIBUTE("replaceUser"),
        OTHER_ATTRIBUTE("multiUser"),
        CHILD("listen", listen, "on what is listened", .applies = has_listen),
        LIST("channel", DomainGraphics, channels, spice_channel, "encryption of one channel", .applies = is_spice),
        CHILD("image", spice_image, "compression of images", .applies = is_spice),
        CHILD("jpeg", spice_jpeg, "compression with loss", .applies = is_spice),
        CHILD("zlib", spice_zlib, "further compression", .applies = is_spice),
        CHILD("playback", spice_playback, "compression of sound", .applies = is_spice),
        CHILD("streaming", spice_streaming, "videos", .applies = is_spice),
        CHILD("mouse", spice_mouse, "who moves the pointer", .applies = is_spice),
        CHILD("clipboard", spice_clipboard, "the clipboard", .applies = is_spice),
        CHILD("filetransfer", spice_filetransfer, "files from the client", .applies = is_spice),
        CHILD("gl", gl, "OpenGL", .applies = has_gl),
        CHILD("audio", graphics_audio, "where the clients' sound comes from", .applies = has_audio));

DEFINE_STATIC_XML_TABLE(acceleration,
        ATTRIBUTE_ENUM("accel2d", DomainVideo, accel2d, yes_no, "2D: no adapter of QEMU has it"),
        ATTRIBUTE_ENUM("accel3d", DomainVideo, accel3d, yes_no, "3D"),
        ATTRIBUTE("rendernode", DomainVideo, rendernode, xml_string, "the host's device for drawing, for a vhostuser driver"));

DEFINE_STATIC_XML_TABLE(resolution,
        ATTRIBUTE("x", DomainVideo, x, xml_uint, "pixels in a line", .flags = XML_MANDATORY),
        ATTRIBUTE("y", DomainVideo, y, xml_uint, "lines", .flags = XML_MANDATORY));

static int parse_video_model(const XmlRow *row, const char *s, void *field) {
        int v = string_table_value(row->words, s);

        if (v < 0)
                return v;
        *(int *) field = v == VIDEO_DEFAULT ? VIDEO_UNSET : v;
        return 0;
}

static bool format_video_model(const XmlRow *row, const void *field, Text *t) {
        return xml_enum.format(row, field, t);
}

static const XmlType xml_video_model = { NULL, parse_video_model, format_video_model };

DEFINE_STATIC_XML_TABLE(video_model,
        ATTRIBUTE("type", DomainVideo, model, xml_video_model, "kind of adapter; the machine's usual one when absent or 'default'", .words = &video_model_table),
        ATTRIBUTE("ram", DomainVideo, ram, xml_uint, "KiB of memory, qxl"),
        ATTRIBUTE("vram", DomainVideo, vram, xml_uint, "KiB of video memory"),
        ATTRIBUTE("vram64", DomainVideo, vram64, xml_uint, "KiB of the second bar, qxl"),
        ATTRIBUTE("vgamem", DomainVideo, vgamem, xml_uint, "KiB of the frame buffer, qxl"),
        ATTRIBUTE("heads", DomainVideo, heads, xml_uint, "screens"),
        ATTRIBUTE_ENUM("primary", DomainVideo, primary, yes_no, "the adapter the guest boots with"),
        ATTRIBUTE_ENUM("blob", DomainVideo, blob, on_off, "blob resources, virtio"),
        CHILD("acceleration", acceleration, "acceleration"),
        CHILD("resolution", resolution, "first resolution"));

DEFINE_STATIC_XML_TABLE(video_driver,
        ATTRIBUTE_ENUM("name", DomainVideo, driver, video_driver, "who draws: QEMU or a process of its own"),
        IGNORED_ATTRIBUTE("vgaconf", "for bhyve", .applies = xml_never),
        INCLUDE(DomainVideo, virtio, virtio_options));

DEFINE_XML_TABLE(video,
        CHILD("driver", video_driver, "options of virtio devices"),
        CHILD("model", video_model, "the adapter"),
        INCLUDE(DomainVideo, info, device_info));

static InputType input_of(const void *object) {
        return ((const DomainInput *) object)->type;
}

static bool is_passthrough(const void *object) {
        return input_of(object) == INPUT_PASSTHROUGH;
}

static bool is_evdev(const void *object) {
        return input_of(object) == INPUT_EVDEV;
}

static bool has_source(const void *object) {
        return is_passthrough(object) || is_evdev(object);
}

DEFINE_STATIC_XML_TABLE(input_driver,
        INCLUDE(DomainInput, virtio, virtio_options));

DEFINE_STATIC_XML_TABLE(input_source,
        ATTRIBUTE("evdev", DomainInput, source, xml_string, "the host's device", .applies = is_passthrough, .flags = XML_MANDATORY),
        ATTRIBUTE("dev", DomainInput, source, xml_string, "the host's device", .applies = is_evdev, .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("grab", DomainInput, grab, input_grab, "take all of the host's devices at once", .applies = is_evdev),
        ATTRIBUTE_ENUM("grabToggle", DomainInput, grab_toggle, input_grab_toggle, "keys that give them back", .applies = is_evdev),
        ATTRIBUTE_ENUM("repeat", DomainInput, repeat, on_off, "repeat keys", .applies = is_evdev));

DEFINE_XML_TABLE(input,
        ATTRIBUTE_ENUM("type", DomainInput, type, input_type, "what it is", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("bus", DomainInput, bus, input_bus, "what it is plugged into"),
        ATTRIBUTE_ENUM("model", DomainInput, model, input_model, "virtio's older and newer interface"),
        CHILD("driver", input_driver, "options of virtio devices"),
        INCLUDE(DomainInput, info, device_alias),
        CHILD("source", input_source, "the host's input device", .applies = has_source),
        INCLUDE(DomainInput, info, device_place));
