/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "string-util.h"

/* As libvirt for fully virtualised machines: the first console and the first serial port are one device that
 * appears twice. Whichever was written, both are there afterwards; the serial port says what they are. */

static DomainChar *first_char(Domain *d, CharKind kind) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == kind)
                        return c;
        return NULL;
}

static bool is_serial_console(const DomainChar *c) {
        return c->target_type == TARGET_UNSET || c->target_type == TARGET_SERIAL;
}

static int seclabels_copy(const CharSource *from, CharSource *to) {
        to->seclabels = NULL;
        to->n_seclabels = 0;
        FOREACH_ARRAY(s, from->seclabels, from->n_seclabels) {
                if (!ARRAY_GROW(to->seclabels, to->n_seclabels))
                        return -ENOMEM;
                DeviceSeclabel *copy = to->seclabels + to->n_seclabels++;
                *copy = (DeviceSeclabel) { .loc = s->loc, .relabel = s->relabel };
                if (free_and_strdup(&copy->model, s->model) < 0 || free_and_strdup(&copy->label, s->label) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int char_source_copy(const CharSource *from, CharSource *to) {
        CharSource copy = *from;

        copy.path = copy.host = copy.service = copy.bind_host = copy.bind_service = copy.log_file =
                copy.channel = NULL;
        if (seclabels_copy(from, &copy) < 0 || free_and_strdup(&copy.path, from->path) < 0 ||
            free_and_strdup(&copy.host, from->host) < 0 ||
            free_and_strdup(&copy.service, from->service) < 0 ||
            free_and_strdup(&copy.bind_host, from->bind_host) < 0 ||
            free_and_strdup(&copy.bind_service, from->bind_service) < 0 ||
            free_and_strdup(&copy.log_file, from->log_file) < 0 ||
            free_and_strdup(&copy.channel, from->channel) < 0) {
                char_source_done(&copy);
                return -ENOMEM;
        }
        char_source_done(to);
        *to = copy;
        return 0;
}

/* Inserts a new character device at POSITION; NULL when memory is out. */
static DomainChar *insert_char(Domain *d, size_t position, CharKind kind) {
        if (!ARRAY_GROW(d->chars, d->n_chars))
                return NULL;
        DomainChar *c = d->chars + position;
        memmove(c + 1, c, (d->n_chars - position) * sizeof(DomainChar));
        d->n_chars++;
        *c = (DomainChar){.kind = kind, .target_port = OPT_UINT(0)};
        return c;
}

/* Whether the port is one that a machine has on board, which its console can be. */
static bool is_onboard_serial(const DomainChar *c) {
        return c->target_type != TARGET_USB_SERIAL && c->target_type != TARGET_PCI_SERIAL &&
               c->target_type != TARGET_ISA_DEBUG;
}

static int serial_from_console(Domain *d, size_t console) {
        CharSource source = {};

        if (char_source_copy(&d->chars[console].source, &source) < 0)
                return -ENOMEM;
        DomainChar *serial = insert_char(d, console, CHAR_SERIAL);
        if (!serial) {
                char_source_done(&source);
                return -ENOMEM;
        }
        serial->source = source;
        /* What the user said about the device is about the serial port; the console is its shadow. */
        serial->info = serial[1].info;
        serial[1].info = (DeviceInfo){.loc = serial->info.loc};
        return 0;
}

static int pair_console(Domain *d) {
        DomainChar *serial = first_char(d, CHAR_SERIAL), *console = first_char(d, CHAR_CONSOLE);

        if (d->os.type != OS_HVM || (!serial && !console))
                return 0;
        if (!serial) {
                if (!is_serial_console(console))
                        return 0;
                int r = serial_from_console(d, (size_t) (console - d->chars));
                if (r < 0)
                        return r;
        } else if (!console || !is_serial_console(console)) {
                if (!is_onboard_serial(serial))
                        return 0;
                SrcLoc loc = serial->info.loc;
                console = insert_char(d, console ? (size_t) (console - d->chars) : d->n_chars, CHAR_CONSOLE);
                if (!console)
                        return -ENOMEM;
                console->info.loc = loc;
        }
        serial = first_char(d, CHAR_SERIAL);
        console = first_char(d, CHAR_CONSOLE);
        console->target_type = TARGET_SERIAL;
        console->target_port = serial->target_port;
        if (serial->info.address.type == ADDRESS_ISA)
                console->info.address = serial->info.address;
        return char_source_copy(&serial->source, &console->source);
}

/* The first of a machine's ISA ports that is not taken; the one after the last when all are. */
static unsigned free_isa_port(const Domain *d) {
        for (unsigned port = 0; port < ISA_SERIAL_PORTS; port++) {
                bool taken = false;
                FOREACH_ARRAY(c, d->chars, d->n_chars)
                        taken = taken || (c->kind == CHAR_SERIAL && c->target_type == TARGET_ISA_SERIAL &&
                                          c->target_port.set && c->target_port.value == port);
                if (!taken)
                        return port;
        }
        return ISA_SERIAL_PORTS;
}

/* Ports that are written as ISA ports count among themselves, and first; each other one without a number gets the
 * one after the greatest of all. */
static void complete_serial_ports(Domain *d) {
        unsigned next = 0;

        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL && c->target_type == TARGET_ISA_SERIAL && !c->target_port.set)
                        c->target_port = OPT_UINT(free_isa_port(d));
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL && c->target_port.set && c->target_port.value >= next)
                        next = c->target_port.value + 1;
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL && !c->target_port.set)
                        c->target_port = OPT_UINT(next++);
}

/* The number after the greatest one of those that stand before. */
static void complete_parallel_ports(Domain *d) {
        unsigned next = 0;

        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (c->kind != CHAR_PARALLEL)
                        continue;
                if (!c->target_port.set)
                        c->target_port = OPT_UINT(next++);
                else if (c->target_port.value >= next && c->target_port.value < 1024)
                        next = c->target_port.value + 1;
        }
}

static const char *serial_model(CharTarget target, Arch arch) {
        switch (target) {
        case TARGET_ISA_SERIAL:
                return "isa-serial";
        case TARGET_USB_SERIAL:
                return "usb-serial";
        case TARGET_PCI_SERIAL:
                return "pci-serial";
        case TARGET_SPAPR_VIO_SERIAL:
                return "spapr-vty";
        case TARGET_SCLP_SERIAL:
                return "sclpconsole";
        case TARGET_ISA_DEBUG:
                return "isa-debugcon";
        case TARGET_SYSTEM_SERIAL:
                return arch == ARCH_RISCV64 ? "16550a" : "pl011";
        default:
                return NULL;
        }
}

static CharTarget default_serial(Arch arch) {
        switch (arch) {
        case ARCH_AARCH64:
        case ARCH_ARMV7L:
        case ARCH_RISCV64:
                return TARGET_SYSTEM_SERIAL;
        case ARCH_PPC64:
        case ARCH_PPC64LE:
                return TARGET_SPAPR_VIO_SERIAL;
        case ARCH_S390X:
                return TARGET_SCLP_SERIAL;
        default:
                return TARGET_ISA_SERIAL;
        }
}

static int complete_serial(DomainChar *c, Arch arch) {
        if (c->target_type == TARGET_UNSET)
                c->target_type = default_serial(arch);
        const char *model = serial_model(c->target_type, arch);
        return c->target_model || !model ? 0 : free_and_strdup(&c->target_model, model);
}

void domain_complete_char_source(CharSource *s) {
        if (s->type == CHARDEV_TCP && s->protocol == PROTOCOL_UNSET)
                s->protocol = PROTOCOL_RAW;
        if (s->mode == SOCKET_UNSET &&
            (s->type == CHARDEV_TCP || s->type == CHARDEV_UNIX || s->type == CHARDEV_UDP))
                s->mode = SOCKET_CONNECT;
        if (s->reconnect != TRI_YES)
                s->reconnect_timeout = (OptUint){};
}

static void complete_source(DomainChar *c) {
        CharSource *s = &c->source;

        if (s->type == CHARDEV_UNSET)
                s->type = CHARDEV_PTY;
        domain_complete_char_source(s);
        /* Without a path vmunit makes both ends, so there is nothing to say about them. */
        if (s->type == CHARDEV_UNIX && c->kind == CHAR_CHANNEL && isempty(s->path))
                s->mode = SOCKET_UNSET;
}

/* Consoles are numbered as they stand there. */
static void complete_console_ports(Domain *d) {
        unsigned next = 0;

        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (c->kind != CHAR_CONSOLE)
                        continue;
                if (!c->target_port.set)
                        c->target_port = OPT_UINT(next);
                next++;
        }
}

int domain_complete_chars(Domain *d, const HostFacts *facts) {

        FOREACH_ARRAY(c, d->chars, d->n_chars)
                complete_source(c);
        /* Numbers are given to what was written; a console or port that is added is number 0. */
        complete_serial_ports(d);
        complete_parallel_ports(d);
        complete_console_ports(d);
        int r = pair_console(d);
        if (r < 0)
                return r;
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (c->kind == CHAR_SERIAL)
                        r = complete_serial(c, d->os.arch);
                else if (c->kind == CHAR_CONSOLE && c->target_type == TARGET_UNSET)
                        c->target_type = TARGET_SERIAL;
                if (r < 0)
                        return r;
        }
        return 0;
}
