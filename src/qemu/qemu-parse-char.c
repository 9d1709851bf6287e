/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* Character devices: the host's end (-chardev), and the guest's (-device, -serial). */

static const struct {
        const char *word;
        CharType type;
} backends[] = {
        { "null", CHARDEV_NULL },   { "vc", CHARDEV_VC },           { "pty", CHARDEV_PTY },       { "stdio", CHARDEV_STDIO },
        { "file", CHARDEV_FILE },   { "serial", CHARDEV_DEV },      { "tty", CHARDEV_DEV },       { "parallel", CHARDEV_DEV },
        { "pipe", CHARDEV_PIPE },   { "udp", CHARDEV_UDP },         { "spicevmc", CHARDEV_SPICEVMC },
        { "dbus", CHARDEV_DBUS },   { "spiceport", CHARDEV_SPICEPORT }, { "qemu-vdagent", CHARDEV_QEMU_VDAGENT },
};

static const PropRow source_rows[] = {
        PROP("append", PROP_TRISTATE, CharSource, append),
        PROP("logfile", PROP_STRING, CharSource, log_file),
        PROP("logappend", PROP_TRISTATE, CharSource, log_append),
        PROP("host", PROP_STRING, CharSource, host),
        PROP("port", PROP_STRING, CharSource, service),
        PROPS_END,
};
static const PropRow path_rows[] = {
        PROP("path", PROP_STRING, CharSource, path),
        PROPS_END,
};
static const PropRow udp_rows[] = {
        PROP("localaddr", PROP_STRING, CharSource, bind_host),
        PROP("localport", PROP_STRING, CharSource, bind_service),
        PROPS_END,
};
static const PropRow port_rows[] = {
        PROP("name", PROP_STRING, CharSource, channel),
        PROPS_END,
};
static const PropRow agent_rows[] = {
        PROP("clipboard", PROP_TRISTATE, CharSource, clipboard),
        PROP_MUST("name", "vdagent"),
        PROPS_END,
};

/* A socket of vmunit's own making: /run/vmunit/NAME/channel0.sock. */
static bool is_own_socket(const char *path, const char *alias) {
        _cleanup_free_ char *end = alias ? strf("/%s.sock", alias) : NULL;

        return end && startswith(path, "/run/vmunit/") && endswith(path, end);
}

static int read_reconnect(Item *i, CharSource *s) {
        const char *reconnect = item_get(i, "reconnect");
        unsigned n;

        if (!reconnect || parse_uint(reconnect, &n) < 0)
                return 0;
        s->reconnect = n > 0 ? TRI_YES : TRI_NO;
        if (n > 0)
                s->reconnect_timeout = OPT_UINT(n);
        (void) item_take(i, "reconnect");
        return 0;
}

static int read_socket(Item *i, CharSource *s, const char *alias) {
        const char *path = item_get(i, "path"), *server = item_take(i, "server"), *telnet = item_get(i, "telnet");
        bool listens = streq_ptr(server, "on");

        s->type = path ? CHARDEV_UNIX : CHARDEV_TCP;
        s->mode = listens ? SOCKET_BIND : SOCKET_CONNECT;
        if (listens)
                (void) item_take_if(i, "wait", "off");
        if (s->type == CHARDEV_TCP) {
                s->protocol = streq_ptr(telnet, "on") ? PROTOCOL_TELNET : PROTOCOL_RAW;
                (void) item_take(i, "telnet");
        } else if (!is_own_socket(path, alias) && free_and_strdup(&s->path, path) < 0)
                return -ENOMEM;
        (void) item_take(i, "path");
        return read_reconnect(i, s);
}

int parse_source(Item *i, CharSource *s, const char *alias, const char *spice) {
        const char *word = item_take(i, "backend");
        int r = 0;

        (void) item_take(i, "id");
        if (isempty(word))
                return 1;
        if (streq(word, "socket") || streq(word, "unix") || streq(word, "tcp"))
                r = read_socket(i, s, alias);
        FOREACH_ARRAY(b, backends, ELEMENTSOF(backends))
                if (streq(b->word, word))
                        s->type = b->type;
        if (s->type == CHARDEV_UNSET)
                return 1;
        if (r >= 0 && (s->type == CHARDEV_FILE || s->type == CHARDEV_DEV || s->type == CHARDEV_PIPE))
                r = props_apply(i, path_rows, s);
        if (r >= 0 && s->type == CHARDEV_UDP)
                r = props_apply(i, udp_rows, s);
        if (r >= 0 && (s->type == CHARDEV_SPICEPORT || s->type == CHARDEV_DBUS))
                r = props_apply(i, port_rows, s);
        if (s->type == CHARDEV_SPICEVMC)
                (void) item_take_if(i, "name", spice);
        if (r >= 0 && s->type == CHARDEV_QEMU_VDAGENT) {
                const char *mouse = item_take(i, "mouse");
                if (mouse)
                        s->mouse = streq(mouse, "on") ? MOUSE_CLIENT : MOUSE_SERVER;
                r = props_apply(i, agent_rows, s);
        }
        if (r >= 0)
                r = props_apply(i, source_rows, s);
        if (s->bind_host && !*s->bind_host)
                s->bind_host = mfree(s->bind_host);
        return r < 0 ? r : !item_is_used_up(i);
}

static const struct {
        const char *driver;
        CharKind kind;
        CharTarget target;
} char_devices[] = {
        { "isa-serial", CHAR_SERIAL, TARGET_ISA_SERIAL },   { "pci-serial", CHAR_SERIAL, TARGET_PCI_SERIAL },
        { "usb-serial", CHAR_SERIAL, TARGET_USB_SERIAL },   { "isa-debugcon", CHAR_SERIAL, TARGET_ISA_DEBUG },
        { "isa-parallel", CHAR_PARALLEL, TARGET_UNSET },    { "virtserialport", CHAR_CHANNEL, TARGET_VIRTIO },
        { "virtconsole", CHAR_CONSOLE, TARGET_VIRTIO },
};

bool is_char_device(const char *driver) {
        FOREACH_ARRAY(c, char_devices, ELEMENTSOF(char_devices))
                if (streq(c->driver, driver))
                        return true;
        return false;
}

static int read_place(Parse *p, Item *i, DomainChar *c) {
        DeviceAddress *a = &c->info.address;
        const char *bus = item_get(i, "bus"), *nr = item_get(i, "nr"), *port = item_get(i, "port"), *iobase = item_get(i, "iobase"),
                   *irq = item_get(i, "irq");
        const ParseBus *serial = parse_bus(p, bus, CONTROLLER_VIRTIO_SERIAL, NULL);
        const ParseBus *usb = parse_bus(p, bus, CONTROLLER_USB, NULL);
        uint64_t n;

        if (serial && nr) {
                a->type = ADDRESS_VIRTIO_SERIAL;
                a->controller = OPT_UINT(serial->index);
                a->bus = OPT_UINT(0);
                (void) item_take(i, "nr");
        } else if (usb && port) {
                a->type = ADDRESS_USB;
                a->bus = OPT_UINT(usb->index);
                nr = port;
                (void) item_take(i, "port");
        } else {
                if (iobase && parse_u64(iobase, 0, &n) >= 0) {
                        a->type = ADDRESS_ISA;
                        a->iobase = OPT_U64(n);
                        (void) item_take(i, "iobase");
                }
                if (irq && parse_u64(irq, 0, &n) >= 0) {
                        a->type = ADDRESS_ISA;
                        a->irq = OPT_U64(n);
                        (void) item_take(i, "irq");
                }
                return 0;
        }
        (void) item_take(i, "bus");
        return free_and_strdup(&a->port, nr);
}

int parse_char_device(Parse *p, Item *i, const char *driver) {
        static const PropRow rows[] = {
                PROP("name", PROP_STRING, DomainChar, target_name),
                PROP("index", PROP_UINT, DomainChar, target_port),
                PROPS_END,
        };
        const char *id = item_get(i, "id");
        Item *backend = items_find(&p->items, "-chardev", item_get(i, "chardev"));
        DomainChar *c = PARSE_ADD(p, chars);
        int r = 1;

        if (!c)
                return -ENOMEM;
        FOREACH_ARRAY(k, char_devices, ELEMENTSOF(char_devices))
                if (streq(k->driver, driver)) {
                        c->kind = k->kind;
                        c->target_type = k->target;
                }
        if (backend && !backend->used)
                r = parse_source(backend, &c->source, id, "vdagent");
        if (r == 0) {
                (void) item_take(i, "chardev");
                (void) item_take(i, "driver");
                if (c->kind == CHAR_SERIAL && c->target_type != TARGET_UNSET)
                        r = free_and_strdup(&c->target_model, driver);
                if (r >= 0)
                        r = read_place(p, i, c);
                if (r >= 0)
                        r = props_apply(i, rows, c);
                if (r >= 0)
                        r = parse_info(p, i, &c->info);
        }
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        r = PARSE_FINISH(p, i, chars);
        if (r == 0)
                backend->used = true;
        return r;
}

/* --- -serial, -parallel --- */

/* "tcp:host:port,server,nowait", "file:/path", "unix:/path", "udp:host:port@localaddr:localport", "/dev/ttyS0" */
static int read_old_source(const char *value, CharSource *s) {
        _cleanup_free_ char *copy = strdup(value);
        char *rest, *options;

        if (!copy)
                return -ENOMEM;
        rest = strchr(copy, ':');
        if (rest)
                *rest++ = 0;
        if (*copy == '/') {
                s->type = CHARDEV_DEV;
                return free_and_strdup(&s->path, value);
        }
        if (!rest) {
                FOREACH_ARRAY(b, backends, ELEMENTSOF(backends))
                        if (streq(b->word, copy) && (b->type == CHARDEV_PTY || b->type == CHARDEV_NULL || b->type == CHARDEV_STDIO ||
                                                     b->type == CHARDEV_VC)) {
                                s->type = b->type;
                                return 0;
                        }
                return 1;
        }
        if (streq(copy, "mon")) /* the monitor besides is vmunit's own business */
                return read_old_source(rest, s);
        if (streq(copy, "file") || streq(copy, "pipe")) {
                s->type = *copy == 'f' ? CHARDEV_FILE : CHARDEV_PIPE;
                return free_and_strdup(&s->path, rest);
        }
        options = strchr(rest, ',');
        if (options)
                *options++ = 0;
        s->mode = options && (startswith(options, "server")) ? SOCKET_BIND : SOCKET_CONNECT;
        if (streq(copy, "unix")) {
                s->type = CHARDEV_UNIX;
                return free_and_strdup(&s->path, rest);
        }
        char *port = strrchr(rest, ':');
        if (!port)
                return 1;
        *port++ = 0;
        if (streq(copy, "tcp") || streq(copy, "telnet")) {
                s->type = CHARDEV_TCP;
                s->protocol = *copy == 't' && copy[1] == 'e' ? PROTOCOL_TELNET : PROTOCOL_RAW;
        } else if (streq(copy, "udp") && !strchr(value, '@'))
                s->type = CHARDEV_UDP;
        else
                return 1;
        int r = free_and_strdup(&s->host, *rest ? rest : s->mode == SOCKET_BIND ? "0.0.0.0" : "127.0.0.1");
        return r < 0 ? r : free_and_strdup(&s->service, port);
}

int parse_old_char(Parse *p, Item *i) {
        CharKind kind = streq(i->option, "-parallel") ? CHAR_PARALLEL : CHAR_SERIAL;
        const char *id = startswith(i->value, "chardev:");
        unsigned port = 0;
        int r;

        if (streq(i->value, "none"))
                return 0;
        FOREACH_ARRAY(k, p->d->chars, p->d->n_chars)
                port += k->kind == kind;
        Item *backend = id ? items_find(&p->items, "-chardev", id) : NULL;
        if (id && (!backend || backend->used))
                return 1;
        DomainChar *c = PARSE_ADD(p, chars);
        if (!c)
                return -ENOMEM;
        c->kind = kind;
        const char *alias = id ? startswith(id, "char") : NULL;
        r = id ? parse_source(backend, &c->source, alias, "vdagent") : read_old_source(i->value, &c->source);
        if (r < 0)
                return r;
        if (r > 0) {
                if (!ARRAY_GROW(p->scrap->chars, p->scrap->n_chars))
                        return -ENOMEM;
                p->scrap->chars[p->scrap->n_chars++] = p->d->chars[--p->d->n_chars];
                return 1;
        }
        c->target_port = OPT_UINT(port);
        if (alias && startswith(alias, "ua-") && free_and_strdup(&c->info.alias, alias) < 0)
                return -ENOMEM;
        if (backend)
                backend->used = true;
        return 0;
}
