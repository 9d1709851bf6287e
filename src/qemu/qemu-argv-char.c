/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Character devices: first the host's end (-chardev), then the guest's (-device). */


/* --- the host's end --- */

typedef struct Backend {
        const CharSource *source;
        const char *element; /* "serial0": also part of the names of its files */
        SrcLoc loc;
        bool agent; /* the guest agent's channel */
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
        request.loc = b->loc;
        request.labelling = LABELLING_IMAGE;
        file_request_seclabel(&request, b->source->seclabels, b->source->n_seclabels);
        return emit_file(e, &request);
}

static int backend_file(Emit *e, Backend *b) {
        const CharSource *s = b->source;
        _cleanup_free_ char *path = open_char_file(e, b, "", (FileRequest) {
                .path = s->path, .writable = true, .create = true, .append = s->append == TRI_YES });

        options_add(&b->options, "path", path);
        options_add(&b->options, "append", on_off_to_string(s->append));
        return 0;
}

static int backend_device(Emit *e, Backend *b) {
        _cleanup_free_ char *path = open_char_file(e, b, "", (FileRequest) {
                .path = b->source->path, .writable = true, .char_device = true });

        options_add(&b->options, "path", path);
        return 0;
}

static int backend_plain(Emit *e, Backend *b) {
        return 0;
}

/* A socket that is made for QEMU, which gets it ready. */
static PlanFd *socket_fd(Emit *e, Backend *b, bool listens) {
        PlanFd *fd = emit_fd(e, listens ? PLAN_FD_LISTEN : PLAN_FD_CONNECT, b->element, b->element,
                             b->loc, 1);

        if (fd)
                options_addf(&b->options, "fd", "%u", fd->number);
        return fd;
}

static int copy_to(Emit *e, char **to, const char *s) {
        if (free_and_strdup(to, s) < 0)
                e->failed = true;
        return 0;
}

/* The native form of a connection; a confined QEMU gets it ready, unless it has to make it again and again. */
static void options_stream(Backend *b, bool listens) {
        const CharSource *s = b->source;

        if (listens) {
                options_add(&b->options, "server", "on");
                options_add(&b->options, "wait", "off");
        }
        if (s->reconnect != TRI_UNSET)
                options_addf(&b->options, "reconnect", "%u", s->reconnect == TRI_YES ? s->reconnect_timeout.value : 0);
}

static int backend_unix(Emit *e, Backend *b) {
        const CharSource *s = b->source;
        bool listens = s->mode != SOCKET_CONNECT || isempty(s->path);
        _cleanup_free_ char *path =
                isempty(s->path) ? strf("%s/%s.sock", e->runtime_dir, b->element) : strdup(s->path);
        PlanFd *fd;

        if (!path)
                return -ENOMEM;
        if (e->native || s->reconnect == TRI_YES) {
                options_add(&b->options, "path", path);
                options_stream(b, listens);
                return s->reconnect != TRI_YES ? 0 :
                        emit_refused(e, b->loc, "a character device of type 'unix' with <reconnect>",
                                     "QEMU would have to find the socket again by its path, which it does not see: use type 'tcp'");
        }
        if (b->agent && !e->out->has_agent) {
                fd = emit_fd(e, PLAN_FD_PAIR, QEMU_FD_AGENT, b->element, b->loc, 1);
                if (fd)
                        options_addf(&b->options, "fd", "%u", fd->number);
                e->out->has_agent = true;
                copy_to(e, &e->out->agent_channel, b->element);
                return 0;
        }
        fd = socket_fd(e, b, listens);
        if (!fd)
                return 0;
        copy_to(e, &fd->path, path);
        if (listens)
                options_stream(b, listens);
        return 0;
}

static int emit_tls(Emit *e, const Backend *b, bool listens) {
        _cleanup_qjson_ Json j = {};

        if (b->source->tls != TRI_YES)
                return 0;
        _cleanup_free_ char *dir = emit_tls_dir(e, TLS_CHARDEV, listens, b->element, b->loc);
        if (!dir)
                return -ENOMEM;
        json_add_string(&j, "qom-type", "tls-creds-x509");
        json_add_stringf(&j, "id", "objchar%s_tls0", b->element);
        json_add_string(&j, "dir", dir);
        json_add_string(&j, "endpoint", listens ? "server" : "client");
        json_add_bool(&j, "verify-peer", true);
        emit_json(e, "-object", &j);
        return 0;
}

/* What QEMU connects to itself needs the host's network, as <interface type='user'> does (unit_qemu_needs_network()). To check whose
 * certificate it is that it is shown, it must know whom it has wanted. */
static int backend_tcp(Emit *e, Backend *b) {
        const CharSource *s = b->source;
        bool listens = s->mode == SOCKET_BIND, 
             by_itself = e->native || s->reconnect == TRI_YES || (s->tls == TRI_YES && !listens);
        int r = emit_tls(e, b, listens);

        if (r < 0)
                return r;
        if (by_itself) {
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
        if (by_itself || listens)
                options_stream(b, listens);
        if (s->tls == TRI_YES)
                options_addf(&b->options, "tls-creds", "objchar%s_tls0", b->element);
        return 0;
}

/* There is no descriptor for a pair of datagram addresses: QEMU makes the socket itself, which needs the
 * host's network as <interface type='user'> does. */
static int backend_udp(Emit *e, Backend *b) {
        const CharSource *s = b->source;

        options_add(&b->options, "host", strempty(s->host));
        options_add(&b->options, "port", s->service);
        options_add(&b->options, "localaddr", strempty(s->bind_host));
        options_add(&b->options, "localport", isempty(s->bind_service) ? "0" : s->bind_service);
        return 0;
}

/* One of the two, to which a link in the runtime directory leads. */
static int link_pipe(Emit *e, const Backend *b, const char *suffix) {
        _cleanup_free_ char *path = strf("%s.%s", b->source->path, suffix), *name = strf("%s-%s", b->element, suffix), *file = NULL;
        FileRequest request = {
                .name = name, .path = path, .element = b->element, .loc = b->loc, .writable = true, .fifo = true,
                .labelling = LABELLING_IMAGE,
        };

        if (!path || !name)
                return -ENOMEM;
        file_request_seclabel(&request, b->source->seclabels, b->source->n_seclabels);
        file = emit_reopened(e, &request);
        if (!file)
                return -ENOMEM;
        char **link = &e->out->fds[e->out->n_fds - 1].link;
        *link = strf("%s.%s", b->element, suffix);
        return *link ? 0 : -ENOMEM;
}

/* QEMU opens PATH.in and PATH.out by these names. (It would take PATH alone for both, if need be, which is of no use here:
 * the guest would read what it has written.) */
static int backend_pipe(Emit *e, Backend *b) {
        int r = 0;

        if (e->native)
                options_add(&b->options, "path", b->source->path);
        else {
                options_addf(&b->options, "path", "%s/%s", e->runtime_dir, b->element);
                r = link_pipe(e, b, "in");
                if (r >= 0)
                        r = link_pipe(e, b, "out");
        }
        return r;
}

static int backend_stdio(Emit *e, Backend *b) {
        return emit_refused(e, b->loc, "a character device of type 'stdio'",
                            "a service has no terminal: `vmunit console` opens type 'pty', type 'file' keeps what the guest says");
}

static int backend_port(Emit *e, Backend *b) {
        options_add(&b->options, "name", b->source->channel);
        return 0;
}

/* QEMU makes the path of an object on D-Bus of the alias. With what cannot be in a path it has no object, and crashes. */
static int backend_dbus(Emit *e, Backend *b) {
        backend_port(e, b);
        return in_charset(b->element, ALPHANUMERICAL "_") ? 0 :
                emit_refused(e, b->loc, "a character device of type 'dbus' with an <alias>",
                             "QEMU makes a name on D-Bus of it, and none has a '-'");
}

/* What spice calls the device by its use. */
static int backend_spicevmc(Emit *e, Backend *b) {
        options_add(&b->options, "name",
                    startswith(b->element, "redir") ? "usbredir"
                    : startswith(b->element, "smartcard") ? "smartcard" : "vdagent");
        return 0;
}

static int backend_vdagent(Emit *e, Backend *b) {
        const CharSource *s = b->source;

        options_add(&b->options, "name", "vdagent");
        options_add(&b->options, "clipboard", on_off_to_string(s->clipboard));
        if (s->mouse != MOUSE_UNSET)
                options_bool(&b->options, "mouse", s->mouse == MOUSE_CLIENT);
        return 0;
}

static const struct {
        CharType type;
        const char *word; /* QEMU's */
        int (*add)(Emit *e, Backend *b);
} backends[] = {
        { CHARDEV_NULL, "null", backend_plain },
        { CHARDEV_VC, "vc", backend_plain },
        { CHARDEV_PTY, "pty", backend_plain },
        { CHARDEV_STDIO, "stdio", backend_stdio },
        { CHARDEV_FILE, "file", backend_file },
        { CHARDEV_DEV, "serial", backend_device },
        { CHARDEV_PIPE, "pipe", backend_pipe },
        { CHARDEV_UNIX, "socket", backend_unix },
        { CHARDEV_TCP, "socket", backend_tcp },
        { CHARDEV_UDP, "udp", backend_udp },
        { CHARDEV_SPICEVMC, "spicevmc", backend_spicevmc },
        { CHARDEV_SPICEPORT, "spiceport", backend_port },
        { CHARDEV_DBUS, "dbus", backend_dbus },
        { CHARDEV_QEMU_VDAGENT, "qemu-vdagent", backend_vdagent },
};

static void add_log(Emit *e, Backend *b) {
        const CharSource *s = b->source;
        _cleanup_free_ char *path = NULL;

        if (!s->log_file)
                return;
        path = open_char_file(e, b, "-log", (FileRequest) {
                .path = s->log_file, .writable = true, .create = true, .append = s->log_append == TRI_YES });
        options_add(&b->options, "logfile", path);
        options_add(&b->options, "logappend", on_off_to_string(s->log_append));
}

static int emit_backend(Emit *e, Backend *b, bool parallel) {
        CharType type = b->source->type;

        for (size_t i = 0; i < ELEMENTSOF(backends); i++) {
                if (backends[i].type != type)
                        continue;
                options_word(&b->options, parallel && type == CHARDEV_DEV ? "parallel" : backends[i].word);
                options_addf(&b->options, "id", "char%s", b->element);
                int r = backends[i].add(e, b);
                if (r < 0) {
                        options_done(&b->options);
                        return r;
                }
                add_log(e, b);
                emit_options(e, "-chardev", &b->options);
                return 0;
        }
        return diag_error(e->diag, b->loc, "%s: not supported: type '%s'", b->element,
                          strempty(char_type_to_string(type)));
}

int emit_chardev(Emit *e, const CharSource *source, const char *alias, SrcLoc loc) {
        return emit_backend(e, &(Backend) { .source = source, .element = alias, .loc = loc }, false);
}

/* The agent's channel is a pair of sockets that QEMU and the monitor hold, unless the user wants a path. */
static bool is_agent(const DomainChar *c) {
        return domain_char_is_agent(c) && isempty(c->source.path);
}

static int emit_char_backend(Emit *e, const DomainChar *c) {
        return emit_backend(e, &(Backend) { .source = &c->source, .element = c->info.alias, .loc = c->info.loc,
                                            .agent = is_agent(c) }, c->kind == CHAR_PARALLEL);
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

/* A port of QEMU's own network that is the channel; no interface has to go with it. */
static int emit_guestfwd(Emit *e, const DomainChar *c) {
        _cleanup_qjson_ Json j = {};
        Json rule = {};

        json_add_stringf(&rule, "str", "tcp:%s:%u-chardev:char%s", c->guestfwd_address, c->target_port.value,
                         c->info.alias);
        json_add_string(&j, "type", "user");
        json_add_list(&j, "guestfwd", &rule, 1);
        json_add_string(&j, "id", c->info.alias);
        emit_json(e, "-netdev", &j);
        return 0;
}

static int emit_channel(Emit *e, const DomainChar *c) {
        if (c->target_type == TARGET_GUESTFWD)
                return emit_guestfwd(e, c);
        if (c->target_type != TARGET_VIRTIO)
                return diag_error(e->diag, c->info.loc, "not supported: <channel> with <target type='%s'>",
                                  strempty(char_target_to_string(c->target_type)));
        return emit_port(e, c, "virtserialport",
                         c->target_name ?: c->source.type == CHARDEV_SPICEVMC ? SPICE_AGENT_CHANNEL : NULL);
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
                int r = emit_char_backend(e, c);
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
