/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Character devices: first the host's end (-chardev), then the guest's (-device). */

#define AGENT_CHANNEL "org.qemu.guest_agent.0"

/* --- the host's end --- */

typedef struct Backend {
        const DomainChar *character;
        const char *element; /* "serial0": also part of the names of its files */
        Options options;
} Backend;

static char *open_char_file(Emit *e, const Backend *b, const char *suffix, FileRequest request) {
        _cleanup_free_ char *name = strf("%s%s", b->element, suffix);

        if (!name) {
                e->failed = true;
                return NULL;
        }
        request.name = name;
        request.element = b->element;
        request.loc = b->character->info.loc;
        return emit_file(e, &request);
}

static int backend_file(Emit *e, Backend *b) {
        const CharSource *s = &b->character->source;
        _cleanup_free_ char *path = open_char_file(e, b, "", (FileRequest) {
                .path = s->path, .writable = true, .create = true, .append = s->append == TRI_YES });

        options_add(&b->options, "path", path);
        options_add(&b->options, "append", on_off_to_string(s->append));
        return 0;
}

static int backend_device(Emit *e, Backend *b) {
        _cleanup_free_ char *path = open_char_file(e, b, "", (FileRequest) {
                .path = b->character->source.path, .writable = true, .char_device = true });

        options_add(&b->options, "path", path);
        return 0;
}

static int backend_plain(Emit *e, Backend *b) {
        return 0;
}

/* A socket that is made for QEMU, which gets it ready. */
static PlanFd *socket_fd(Emit *e, Backend *b, bool listens) {
        PlanFd *fd = emit_fd(e, listens ? PLAN_FD_LISTEN : PLAN_FD_CONNECT, b->element, b->element,
                             b->character->info.loc, 1);

        if (fd)
                options_addf(&b->options, "fd", "%u", fd->number);
        return fd;
}

static int copy_to(Emit *e, char **to, const char *s) {
        if (free_and_strdup(to, s) < 0)
                e->failed = true;
        return 0;
}

static void options_server(Options *o, bool listens) {
        if (listens) {
                options_add(o, "server", "on");
                options_add(o, "wait", "off");
        }
}

/* The agent's channel is a pair of sockets that QEMU and the monitor hold, unless the user wants a path. */
static bool is_agent(const DomainChar *c) {
        return c->kind == CHAR_CHANNEL && isempty(c->source.path) && streq_ptr(c->target_name, AGENT_CHANNEL);
}

static int backend_unix(Emit *e, Backend *b) {
        const CharSource *s = &b->character->source;
        bool listens = s->mode != SOCKET_CONNECT || isempty(s->path);
        _cleanup_free_ char *path =
                isempty(s->path) ? strf("%s/%s.sock", e->runtime_dir, b->element) : strdup(s->path);
        PlanFd *fd;

        if (!path)
                return -ENOMEM;
        if (e->native) {
                options_add(&b->options, "path", path);
                options_server(&b->options, listens);
                return 0;
        }
        if (is_agent(b->character) && !e->out->has_agent) {
                fd = emit_fd(e, PLAN_FD_PAIR, QEMU_FD_AGENT, b->element, b->character->info.loc, 1);
                if (fd)
                        options_addf(&b->options, "fd", "%u", fd->number);
                e->out->has_agent = true;
                return 0;
        }
        fd = socket_fd(e, b, listens);
        if (!fd)
                return 0;
        copy_to(e, &fd->path, path);
        options_server(&b->options, listens);
        return 0;
}

static int backend_tcp(Emit *e, Backend *b) {
        const CharSource *s = &b->character->source;
        bool listens = s->mode == SOCKET_BIND;

        if (s->protocol != PROTOCOL_UNSET && s->protocol != PROTOCOL_RAW && s->protocol != PROTOCOL_TELNET)
                return diag_error(e->diag, b->character->info.loc, "%s: not supported: <protocol type='%s'>",
                                  b->element, char_protocol_to_string(s->protocol));
        if (e->native) {
                options_add(&b->options, "host", s->host);
                options_add(&b->options, "port", s->service);
        } else {
                PlanFd *fd = socket_fd(e, b, listens);
                if (!fd)
                        return 0;
                copy_to(e, &fd->host, s->host);
                copy_to(e, &fd->service, s->service);
        }
        if (s->protocol == PROTOCOL_TELNET)
                options_add(&b->options, "telnet", "on");
        options_server(&b->options, listens);
        return 0;
}

/* There is no descriptor for a pair of datagram addresses: QEMU makes the socket itself, which needs the
 * host's network as <interface type='user'> does. */
static int backend_udp(Emit *e, Backend *b) {
        const CharSource *s = &b->character->source;

        options_add(&b->options, "host", isempty(s->host) ? "127.0.0.1" : s->host);
        options_add(&b->options, "port", s->service);
        options_add(&b->options, "localaddr", strempty(s->bind_host));
        options_add(&b->options, "localport", isempty(s->bind_service) ? "0" : s->bind_service);
        return 0;
}

static const struct {
        CharType type;
        const char *word; /* QEMU's */
        int (*add)(Emit *e, Backend *b);
        bool needs_path;
} backends[] = {
        { CHARDEV_NULL, "null", backend_plain },        { CHARDEV_VC, "vc", backend_plain },
        { CHARDEV_PTY, "pty", backend_plain },          { CHARDEV_STDIO, "stdio", backend_plain },
        { CHARDEV_FILE, "file", backend_file, true },   { CHARDEV_DEV, "serial", backend_device, true },
        { CHARDEV_PIPE, "pipe", backend_device, true }, { CHARDEV_UNIX, "socket", backend_unix },
        { CHARDEV_TCP, "socket", backend_tcp },         { CHARDEV_UDP, "udp", backend_udp },
};

static void add_log(Emit *e, Backend *b) {
        const CharSource *s = &b->character->source;
        _cleanup_free_ char *path = NULL;

        if (!s->log_file)
                return;
        path = open_char_file(e, b, "-log", (FileRequest) {
                .path = s->log_file, .writable = true, .create = true, .append = s->log_append == TRI_YES });
        options_add(&b->options, "logfile", path);
        options_add(&b->options, "logappend", on_off_to_string(s->log_append));
}

static int emit_backend(Emit *e, const DomainChar *c) {
        Backend b = { .character = c, .element = c->info.alias };

        for (size_t i = 0; i < ELEMENTSOF(backends); i++) {
                if (backends[i].type != c->source.type)
                        continue;
                if (backends[i].needs_path && isempty(c->source.path))
                        return diag_error(e->diag, c->info.loc, "%s: <source path=> is missing",
                                          c->info.alias);
                options_word(&b.options, c->kind == CHAR_PARALLEL && c->source.type == CHARDEV_DEV
                                                 ? "parallel"
                                                 : backends[i].word);
                options_addf(&b.options, "id", "char%s", c->info.alias);
                int r = backends[i].add(e, &b);
                if (r < 0) {
                        options_done(&b.options);
                        return r;
                }
                add_log(e, &b);
                emit_options(e, "-chardev", &b.options);
                return 0;
        }
        return diag_error(e->diag, c->info.loc, "%s: not supported: type '%s'", c->info.alias,
                          strempty(char_type_to_string(c->source.type)));
}

/* --- the guest's end --- */

static int emit_serial(Emit *e, const DomainChar *c) {
        _cleanup_qjson_ Json j = {};

        switch (c->target_type) {
        case TARGET_ISA_SERIAL:
        case TARGET_PCI_SERIAL:
        case TARGET_USB_SERIAL:
        case TARGET_ISA_DEBUG:
                break;
        case TARGET_SYSTEM_SERIAL: /* on the board of ARM machines */
                emit_optionf(e, "-serial", "chardev:char%s", c->info.alias);
                return 0;
        default:
                return diag_error(e->diag, c->info.loc, "not supported: <serial> with <target type='%s'>",
                                  strempty(char_target_to_string(c->target_type)));
        }
        json_add_string(&j, "driver", c->target_model ?: char_target_to_string(c->target_type));
        json_add_stringf(&j, "chardev", "char%s", c->info.alias);
        json_add_string(&j, "id", c->info.alias);
        if (c->target_type == TARGET_ISA_SERIAL)
                json_add_uint(&j, "index", c->target_port.value);
        json_address(e, &j, &c->info);
        emit_json(e, "-device", &j);
        return 0;
}

static int emit_parallel(Emit *e, const DomainChar *c) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "driver", "isa-parallel");
        json_add_stringf(&j, "chardev", "char%s", c->info.alias);
        json_add_string(&j, "id", c->info.alias);
        json_address(e, &j, &c->info);
        emit_json(e, "-device", &j);
        return 0;
}

static int emit_port(Emit *e, const DomainChar *c, const char *driver, const char *name) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "driver", driver);
        json_address(e, &j, &c->info);
        json_add_stringf(&j, "chardev", "char%s", c->info.alias);
        json_add_string(&j, "id", c->info.alias);
        json_add_string(&j, "name", name);
        emit_json(e, "-device", &j);
        return 0;
}

static int emit_channel(Emit *e, const DomainChar *c) {
        if (c->target_type != TARGET_VIRTIO)
                return diag_error(e->diag, c->info.loc, "not supported: <channel> with <target type='%s'>",
                                  strempty(char_target_to_string(c->target_type)));
        return emit_port(e, c, "virtserialport", c->target_name);
}

static int emit_console(Emit *e, const DomainChar *c) {
        if (c->target_type != TARGET_VIRTIO)
                return diag_error(e->diag, c->info.loc,
                                  "not supported: a second <console> with <target type='%s'>",
                                  strempty(char_target_to_string(c->target_type)));
        return emit_port(e, c, "virtconsole", NULL);
}

static int emit_kind(Emit *e, CharKind kind, int (*emit)(Emit *e, const DomainChar *c)) {
        int ret = 0;

        FOREACH_ARRAY(c, e->domain->chars, e->domain->n_chars) {
                if (c->kind != kind || char_is_shadow(e->domain, c))
                        continue;
                int r = emit_backend(e, c);
                if (r >= 0)
                        r = emit(e, c);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

int emit_serials(Emit *e) {
        return emit_kind(e, CHAR_SERIAL, emit_serial);
}

int emit_parallels(Emit *e) {
        return emit_kind(e, CHAR_PARALLEL, emit_parallel);
}

int emit_channels(Emit *e) {
        return emit_kind(e, CHAR_CHANNEL, emit_channel);
}

int emit_consoles(Emit *e) {
        return emit_kind(e, CHAR_CONSOLE, emit_console);
}
