/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "displays.h"
#include "string-util.h"
#include "text.h"

#define VNC_PORT_FIRST 5900

static const char *listen_address(const DomainGraphics *g) {
        return g->listen_address ?: g->listen;
}

/* Everywhere is here, for who asks here. */
static bool is_wildcard(const char *address) {
        return streq(address, "0.0.0.0") || streq(address, "::");
}

static void append_host(Text *t, const DomainGraphics *g) {
        const char *address = listen_address(g);

        if (!address || is_wildcard(address))
                text_append(t, "localhost");
        else
                text_appendf(t, strchr(address, ':') ? "[%s]" : "%s", address);
}

static void append_ports(Text *t, const DomainGraphics *g) {
        if (g->port > 0)
                text_appendf(t, ":%d", g->type == GRAPHICS_VNC ? g->port - VNC_PORT_FIRST : g->port);
        if (g->tls_port > 0)
                text_appendf(t, "?tls-port=%d", g->tls_port);
}

static const char *socket_path(const DomainGraphics *g) {
        const char *path = g->type == GRAPHICS_DBUS ? g->address ? startswith(g->address, "unix:path=") : NULL
                                                    : g->listen_socket ?: g->socket;
        return isempty(path) ? NULL : path;
}

int display_uri(const DomainGraphics *g, bool password, char **ret) {
        const char *path = socket_path(g), *scheme = graphics_type_to_string(g->type);
        bool has_password = password && g->password;
        _cleanup_text_ Text t = {};

        *ret = NULL;
        if (!scheme || (!path && g->port <= 0 && g->tls_port <= 0))
                return 0;
        text_appendf(&t, path ? "%s+unix://" : "%s://", scheme);
        if (has_password && g->type == GRAPHICS_VNC)
                text_appendf(&t, ":%s@", g->password);
        if (path)
                text_append(&t, path);
        else {
                append_host(&t, g);
                append_ports(&t, g);
        }
        if (has_password && g->type == GRAPHICS_SPICE)
                text_appendf(&t, "%spassword=%s", !path && g->tls_port > 0 ? "&" : "?", g->password);
        return text_finish(&t, ret);
}

int vnc_display(const DomainGraphics *g, char **ret) {
        const char *address = listen_address(g);

        *ret = NULL;
        if (g->port <= 0)
                return 0;
        *ret = strf("%s:%d", !address || streq(address, "0.0.0.0") ? "" : address, g->port - VNC_PORT_FIRST);
        return *ret ? 0 : -ENOMEM;
}
