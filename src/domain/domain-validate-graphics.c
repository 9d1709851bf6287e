/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "domain-validate.h"
#include "string-util.h"

#define VNC_PASSWORD_MAX 8U

#define SUPPORTED_VIDEOS                                                                                     \
        (BIT(VIDEO_UNSET) | BIT(VIDEO_VGA) | BIT(VIDEO_CIRRUS) | BIT(VIDEO_VMVGA) | BIT(VIDEO_QXL) |         \
         BIT(VIDEO_VIRTIO) | BIT(VIDEO_NONE) | BIT(VIDEO_BOCHS) | BIT(VIDEO_RAMFB))
/* Adapters of which a machine can have more than one. */
#define SECONDARY_VIDEOS (BIT(VIDEO_QXL) | BIT(VIDEO_VIRTIO))

static void check_listen(const DomainGraphics *g, Diag *diag) {
        if (g->listen_type == LISTEN_NETWORK)
                refuse(diag, g->loc, "graphics listen type", "network");
        if (g->listen_type == LISTEN_ADDRESS && g->listen && g->listen_address &&
            !streq(g->listen, g->listen_address))
                (void) diag_error(diag, g->loc, "graphics @listen is '%s', but <listen> has '%s'", g->listen,
                                  g->listen_address);
        if (g->listen_type == LISTEN_SOCKET && g->socket && g->listen_socket &&
            !streq(g->socket, g->listen_socket))
                (void) diag_error(diag, g->loc, "graphics @socket is '%s', but <listen> has '%s'", g->socket,
                                  g->listen_socket);
        check_path(diag, g->loc, "graphics @socket", g->listen_socket ?: g->socket);
}

static void check_vnc(const DomainGraphics *g, Diag *diag) {
        struct tm tm;

        check_listen(g, diag);
        if (g->port > 0 && g->port < 5900)
                (void) diag_error(diag, g->loc, "graphics port %d: ports of vnc are from 5900 to 65535",
                                  g->port);
        if (g->keymap && !in_charset(g->keymap, ALPHANUMERICAL "-_"))
                (void) diag_error(diag, g->loc,
                                  "graphics keymap '%s' has characters other than a-z, A-Z, 0-9, - and _",
                                  g->keymap);
        /* The password itself stays out of messages. */
        if (g->password && strlen(g->password) > VNC_PASSWORD_MAX)
                (void) diag_error(diag, g->loc, "graphics password: vnc takes %u characters at most",
                                  VNC_PASSWORD_MAX);
        if (g->password_valid_to) {
                const char *end = strptime(g->password_valid_to, "%Y-%m-%dT%H:%M:%S", &tm);
                if (!end || *end)
                        (void) diag_error(diag, g->loc,
                                          "graphics @passwdValidTo: '%s' is not a time (2030-12-31T23:59:59)",
                                          g->password_valid_to);
        }
}

void check_graphics(const Domain *d, Diag *diag) {
        unsigned n = 0;

        FOREACH_ARRAY(g, d->graphics, d->n_graphics) {
                if (g->type != GRAPHICS_VNC) {
                        refuse(diag, g->loc, "graphics type", graphics_type_to_string(g->type));
                        continue;
                }
                if (n++ == 1)
                        (void) diag_error(diag, g->loc, "graphics of type 'vnc' are given twice");
                check_vnc(g, diag);
        }
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
        }
}
