/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "domain-validate.h"
#include "string-util.h"
#include "vmunit-config.h"

#define SUPPORTED_GRAPHICS                                                                                   \
        (BIT(GRAPHICS_SDL) | BIT(GRAPHICS_VNC) | BIT(GRAPHICS_SPICE) | BIT(GRAPHICS_EGL_HEADLESS) |          \
         BIT(GRAPHICS_DBUS) | BIT(GRAPHICS_UNSET))
#define BESIDE_EGL (BIT(GRAPHICS_VNC) | BIT(GRAPHICS_SPICE) | BIT(GRAPHICS_EGL_HEADLESS))
#define SUPPORTED_VIDEOS                                                                                     \
        (BIT(VIDEO_UNSET) | BIT(VIDEO_VGA) | BIT(VIDEO_CIRRUS) | BIT(VIDEO_VMVGA) | BIT(VIDEO_QXL) |         \
         BIT(VIDEO_VIRTIO) | BIT(VIDEO_NONE) | BIT(VIDEO_BOCHS) | BIT(VIDEO_RAMFB))
/* Adapters of which a machine can have more than one; they have more than one head, too. */
#define SECONDARY_VIDEOS (BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO))
#define RESOLUTION_VIDEOS (BIT(VIDEO_VGA) | BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO) | BIT(VIDEO_BOCHS))
#define VIDEO_MEMORY_MIN 1024U
/* What still can be counted in bytes. */
#define VIDEO_MEMORY_MAX (UINT32_MAX / 1024)

/* --- displays --- */

static void check_listen(const DomainGraphics *g, Diag *diag) {
        if (g->listen_type == LISTEN_ADDRESS && g->listen && g->listen_address &&
            !streq(g->listen, g->listen_address))
                (void) diag_error(diag, g->loc, "graphics @listen is '%s', but <listen> has '%s'", g->listen,
                                  g->listen_address);
        if (g->listen_type == LISTEN_SOCKET && g->socket && g->listen_socket &&
            !streq(g->socket, g->listen_socket))
                (void) diag_error(diag, g->loc, "graphics @socket is '%s', but <listen> has '%s'", g->socket,
                                  g->listen_socket);
        if (g->listen_type == LISTEN_NETWORK && isempty(g->listen_network))
                (void) diag_error(diag, g->loc, "<listen type='network'> needs @network");
        check_path(diag, g->loc, "graphics @socket", g->listen_socket ?: g->socket);
}

static void check_password(const DomainGraphics *g, Diag *diag) {
        struct tm tm;

        if (g->password_valid_to) {
                const char *end = strptime(g->password_valid_to, "%Y-%m-%dT%H:%M:%S", &tm);
                if (!end || *end)
                        (void) diag_error(diag, g->loc,
                                          "graphics @passwdValidTo: '%s' is not a time (2030-12-31T23:59:59)",
                                          g->password_valid_to);
        }
}

static void check_keymap(const DomainGraphics *g, Diag *diag) {
        if (g->keymap && !in_charset(g->keymap, ALPHANUMERICAL "-_"))
                (void) diag_error(diag, g->loc,
                                  "graphics keymap '%s' has characters other than a-z, A-Z, 0-9, - and _",
                                  g->keymap);
}

static void check_vnc(const DomainGraphics *g, Diag *diag) {
        bool by_network = g->listen_type == LISTEN_ADDRESS || g->listen_type == LISTEN_NETWORK;

        check_listen(g, diag);
        check_keymap(g, diag);
        check_password(g, diag);
        if ((g->port > 0 && g->port < 5900) || (by_network && g->port == 0 && g->autoport == TRI_NO))
                (void) diag_error(diag, g->loc, "graphics port %d: ports of vnc are from 5900 to 65535",
                                  g->port);
        /* The password itself stays out of messages. */
        if (g->password && strlen(g->password) > VNC_PASSWORD_MAX)
                (void) diag_error(diag, g->loc, "graphics password: vnc takes %u characters at most",
                                  VNC_PASSWORD_MAX);
        if (g->connected != CONNECTED_UNSET && g->connected != CONNECTED_KEEP)
                (void) diag_error(diag, g->loc, "graphics connected='%s': vnc has 'keep' only",
                                  graphics_connected_to_string(g->connected));
}

static void check_spice(const DomainGraphics *g, Diag *diag) {
        check_listen(g, diag);
        check_keymap(g, diag);
        check_password(g, diag);
        check_path(diag, g->loc, "graphics gl @rendernode", g->rendernode);
}

static void check_combination(const Domain *d, const DomainGraphics *g, Diag *diag) {
        const char *type = strempty(graphics_type_to_string(g->type));
        bool egl = false;

        for (const DomainGraphics *other = d->graphics; other < g; other++)
                if (other->type == g->type) {
                        (void) diag_error(diag, g->loc, "graphics of type '%s' are given twice", type);
                        break;
                }
        FOREACH_ARRAY(other, d->graphics, d->n_graphics)
                egl |= other->type == GRAPHICS_EGL_HEADLESS;
        if (!egl)
                return;
        if (!IN_SET(g->type, BESIDE_EGL))
                (void) diag_error(diag, g->loc,
                                  "graphics of type '%s': beside 'egl-headless' there can be 'vnc' and 'spice' only",
                                  type);
        if (g->type == GRAPHICS_SPICE && g->gl == TRI_YES)
                (void) diag_error(diag, g->loc, "graphics: 'spice' and 'egl-headless' cannot both draw with OpenGL");
}

void check_graphics(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics) {
                if (!IN_SET(g->type, SUPPORTED_GRAPHICS)) {
                        refuse(diag, g->loc, "graphics type", graphics_type_to_string(g->type));
                        continue;
                }
                check_combination(d, g, diag);
                if (g->type == GRAPHICS_VNC)
                        check_vnc(g, diag);
                else if (g->type == GRAPHICS_SPICE)
                        check_spice(g, diag);
                if (g->p2p == TRI_YES && g->address)
                        (void) diag_error(diag, g->loc, "graphics @address: with p2p='yes' there is no bus");
                check_path(diag, g->loc, "graphics @xauth", g->xauth);
                if (g->type != GRAPHICS_SPICE)
                        check_path(diag, g->loc, "graphics gl @rendernode", g->rendernode);
        }
}

/* --- adapters --- */

static void check_size(const DomainVideo *v, OptUint size, const char *attribute, bool qxl_only, Diag *diag) {
        const char *model = strempty(video_model_to_string(v->model));

        if (!size.set)
                return;
        if (qxl_only && v->model != VIDEO_QXL)
                (void) diag_error(diag, v->info.loc, "video '%s' has no @%s, only 'qxl' has", model, attribute);
        else if (size.value > VIDEO_MEMORY_MAX)
                (void) diag_error(diag, v->info.loc, "video '%s': @%s is %u, the most is %u", model, attribute,
                                  size.value, VIDEO_MEMORY_MAX);
}

static bool is_power_of_two(unsigned v) {
        return v > 0 && (v & (v - 1)) == 0;
}

static void check_video_memory(const DomainVideo *v, Diag *diag) {
        const char *model = strempty(video_model_to_string(v->model));

        check_size(v, v->ram, "ram", true, diag);
        check_size(v, v->vram, "vram", false, diag);
        check_size(v, v->vram64, "vram64", true, diag);
        check_size(v, v->vgamem, "vgamem", true, diag);
        if ((v->model == VIDEO_VGA || v->model == VIDEO_VMVGA) && v->vram.set && v->vram.value < VIDEO_MEMORY_MIN)
                (void) diag_error(diag, v->info.loc, "video '%s': @vram is %u, the least is %u", model,
                                  v->vram.value, VIDEO_MEMORY_MIN);
        if (v->model == VIDEO_QXL && v->vgamem.set &&
            (v->vgamem.value < VIDEO_MEMORY_MIN || !is_power_of_two(v->vgamem.value)))
                (void) diag_error(diag, v->info.loc, "video 'qxl': @vgamem is %u, not a power of two from %u on",
                                  v->vgamem.value, VIDEO_MEMORY_MIN);
}

static bool any_virtio_option(const VirtioOptions *o) {
        return o->iommu != TRI_UNSET || o->ats != TRI_UNSET || o->packed != TRI_UNSET || o->page_per_vq != TRI_UNSET;
}

static void check_video_features(const DomainVideo *v, Diag *diag) {
        const char *model = strempty(video_model_to_string(v->model));
        SrcLoc loc = v->info.loc;

        if (v->driver == VIDEO_DRIVER_VHOSTUSER)
                (void) diag_error(diag, loc, "not supported: video driver 'vhostuser'");
        if (v->model != VIDEO_VIRTIO && any_virtio_option(&v->virtio))
                (void) diag_error(diag, loc, "video '%s' is no virtio device: it has no <driver> options", model);
        if (v->accel2d == TRI_YES)
                (void) diag_error(diag, loc, "not supported: video acceleration accel2d");
        if (v->model != VIDEO_VIRTIO && v->accel3d == TRI_YES)
                (void) diag_error(diag, loc, "video '%s' has no 3D, only 'virtio' has", model);
        if (v->model != VIDEO_VIRTIO && v->blob != TRI_UNSET)
                (void) diag_error(diag, loc, "video '%s' has no blob resources, only 'virtio' has", model);
        if (v->rendernode && v->driver != VIDEO_DRIVER_VHOSTUSER)
                (void) diag_error(diag, loc, "video acceleration @rendernode goes with driver 'vhostuser' only");
        if ((v->x.set || v->y.set) && !IN_SET(v->model, RESOLUTION_VIDEOS))
                (void) diag_error(diag, loc, "video '%s' has no <resolution>", model);
        else if ((v->x.set && v->x.value == 0) || (v->y.set && v->y.value == 0))
                (void) diag_error(diag, loc, "video <resolution>: neither of the two can be 0");
}

void check_videos(const Domain *d, Diag *diag) {
        unsigned primaries = 0;

        FOREACH_ARRAY(v, d->videos, d->n_videos) {
                const char *model = strempty(video_model_to_string(v->model));

                if (!IN_SET(v->model, SUPPORTED_VIDEOS))
                        refuse(diag, v->info.loc, "video model", model);
                if (v->model == VIDEO_NONE && d->n_videos > 1)
                        (void) diag_error(diag, v->info.loc, "video model 'none' must be the only one");
                if (v->primary == TRI_YES && primaries++ == 1)
                        (void) diag_error(diag, v->info.loc, "video '%s': there is a primary one already",
                                          model);
                if (v->primary != TRI_YES && v->model != VIDEO_UNSET && v->model != VIDEO_NONE &&
                    d->n_videos > 1 && !IN_SET(v->model, SECONDARY_VIDEOS))
                        (void) diag_error(diag, v->info.loc, "video '%s' can be the primary one only", model);
                if (v->heads.set && v->heads.value == 0)
                        (void) diag_error(diag, v->info.loc, "video '%s': heads is 0", model);
                if (v->heads.set && v->heads.value > 1 && !IN_SET(v->model, SECONDARY_VIDEOS))
                        (void) diag_error(diag, v->info.loc, "video '%s' has one head only", model);
                check_video_memory(v, diag);
                check_video_features(v, diag);
        }
}

/* --- input --- */

static const struct {
        InputType type;
        uint64_t buses;
} input_buses[] = {
        {INPUT_MOUSE, BIT(INPUT_BUS_PS2) | BIT(INPUT_BUS_USB) | BIT(INPUT_BUS_VIRTIO)},
        {INPUT_KEYBOARD, BIT(INPUT_BUS_PS2) | BIT(INPUT_BUS_USB) | BIT(INPUT_BUS_VIRTIO)},
        {INPUT_TABLET, BIT(INPUT_BUS_USB) | BIT(INPUT_BUS_VIRTIO)},
        {INPUT_PASSTHROUGH, BIT(INPUT_BUS_VIRTIO)},
        {INPUT_EVDEV, BIT(INPUT_BUS_UNSET)},
};

static void check_input(const Domain *d, const DomainInput *i, Diag *diag) {
        bool x86 = d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
        const char *type = strempty(input_type_to_string(i->type));

        if (i->bus == INPUT_BUS_XEN || i->bus == INPUT_BUS_PARALLELS || i->bus == INPUT_BUS_NONE) {
                refuse(diag, i->info.loc, "input bus", input_bus_to_string(i->bus));
                return;
        }
        for (size_t k = 0; k < ELEMENTSOF(input_buses); k++)
                if (input_buses[k].type == i->type && !IN_SET(i->bus, input_buses[k].buses))
                        (void) diag_error(diag, i->info.loc, "input: bus '%s' has no '%s'",
                                          strempty(input_bus_to_string(i->bus)), type);
        if (i->bus == INPUT_BUS_PS2 && !x86)
                (void) diag_error(diag, i->info.loc, "input: %s machines have no bus 'ps2'",
                                  strempty(arch_to_string(d->os.arch)));
        if (i->model != INPUT_VIRTIO_UNSET && i->bus != INPUT_BUS_VIRTIO)
                (void) diag_error(diag, i->info.loc, "input model '%s' goes with bus 'virtio' only",
                                  input_model_to_string(i->model));
        else if (i->model == INPUT_VIRTIO_TRANSITIONAL || i->model == INPUT_VIRTIO_NON_TRANSITIONAL)
                refuse(diag, i->info.loc, "input model", input_model_to_string(i->model));
        if (i->bus == INPUT_BUS_VIRTIO && i->info.address.type == ADDRESS_USB)
                (void) diag_error(diag, i->info.address.loc, "input: bus 'virtio' does not go with an address of type 'usb'");
        if (isempty(i->source) && (i->type == INPUT_PASSTHROUGH || i->type == INPUT_EVDEV))
                (void) diag_error(diag, i->info.loc, "input of type '%s' needs <source %s='/dev/input/eventN'/>", type,
                                  i->type == INPUT_EVDEV ? "dev" : "evdev");
        check_path(diag, i->info.loc, "input source", i->source);
}

void check_inputs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->inputs, d->n_inputs)
                check_input(d, i, diag);
}
