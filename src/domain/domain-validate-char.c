/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

#define SUPPORTED_TYPES                                                                                      \
        (BIT(CHARDEV_UNSET) | BIT(CHARDEV_PTY) | BIT(CHARDEV_FILE) | BIT(CHARDEV_UNIX) | BIT(CHARDEV_TCP) |  \
         BIT(CHARDEV_NULL))
#define SUPPORTED_CHANNELS (BIT(CHARDEV_UNSET) | BIT(CHARDEV_UNIX))
#define SERIAL_TARGETS                                                                                       \
        (BIT(TARGET_UNSET) | BIT(TARGET_ISA_SERIAL) | BIT(TARGET_USB_SERIAL) | BIT(TARGET_PCI_SERIAL) |      \
         BIT(TARGET_SPAPR_VIO_SERIAL) | BIT(TARGET_SYSTEM_SERIAL) | BIT(TARGET_SCLP_SERIAL))
#define CONSOLE_TARGETS (BIT(TARGET_UNSET) | BIT(TARGET_SERIAL) | BIT(TARGET_VIRTIO))
#define CHANNEL_TARGETS (BIT(TARGET_UNSET) | BIT(TARGET_VIRTIO))
#define PARALLEL_TARGETS BIT(TARGET_UNSET)

static const uint64_t targets[_CHAR_MAX] = {
        [CHAR_SERIAL] = SERIAL_TARGETS,
        [CHAR_PARALLEL] = PARALLEL_TARGETS,
        [CHAR_CONSOLE] = CONSOLE_TARGETS,
        [CHAR_CHANNEL] = CHANNEL_TARGETS,
};

/* "serial type": what messages call the type of this device. */
static void refuse_type(const DomainChar *c, Diag *diag, const char *what, const char *word) {
        (void) diag_error(diag, c->info.loc, "not supported: %s %s '%s'", char_kind_to_string(c->kind), what,
                          strempty(word));
}

static void check_end(const DomainChar *c, Diag *diag) {
        const CharSource *s = &c->source;
        const char *kind = char_kind_to_string(c->kind), *type = strempty(char_type_to_string(s->type));

        if ((s->type == CHARDEV_FILE || (s->type == CHARDEV_UNIX && c->kind != CHAR_CHANNEL)) &&
            isempty(s->path))
                (void) diag_error(diag, c->info.loc, "%s of type '%s' needs <source path='PATH'/>", kind,
                                  type);
        else if (!isempty(s->path) && *s->path != '/')
                (void) diag_error(diag, c->info.loc, "%s: source '%s' is not an absolute path", kind,
                                  s->path);
        if (s->type == CHARDEV_TCP && (isempty(s->host) || isempty(s->service)))
                (void) diag_error(diag, c->info.loc,
                                  "%s of type 'tcp' needs <source host='HOST' service='PORT'/>", kind);
        if (s->protocol == PROTOCOL_TLS || s->protocol == PROTOCOL_TELNETS)
                refuse(diag, c->info.loc, "tcp protocol", char_protocol_to_string(s->protocol));
        if (s->log_file && *s->log_file != '/')
                (void) diag_error(diag, c->info.loc, "%s: log '%s' is not an absolute path", kind,
                                  s->log_file);
}

/* The console that is the first serial port has nothing of its own that could be wrong. */
static bool is_shadow(const Domain *d, const DomainChar *c) {
        if (c->kind != CHAR_CONSOLE || c->target_type != TARGET_SERIAL)
                return false;
        FOREACH_ARRAY(other, d->chars, d->n_chars)
        if (other->kind == CHAR_SERIAL)
                return true;
        return false;
}

void check_chars(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (is_shadow(d, c))
                        continue;
                uint64_t types = c->kind == CHAR_CHANNEL ? SUPPORTED_CHANNELS : SUPPORTED_TYPES;

                if (c->kind == CHAR_PARALLEL)
                        (void) diag_error(diag, c->info.loc, "not supported: <parallel>");
                else if (!IN_SET(c->source.type, types))
                        refuse_type(c, diag, "type", char_type_to_string(c->source.type));
                else if (!IN_SET(c->target_type, targets[c->kind]))
                        refuse_type(c, diag, "target type", char_target_to_string(c->target_type));
                else
                        check_end(c, diag);
                if (c->kind == CHAR_CHANNEL && c->target_name && strlen(c->target_name) > 63)
                        (void) diag_error(diag, c->info.loc, "channel name '%s' is longer than 63 characters",
                                          c->target_name);
        }
}

void check_consoles(const Domain *d, Diag *diag) {
        unsigned n = 0;

        FOREACH_ARRAY(c, d->chars, d->n_chars)
        if (c->kind == CHAR_CONSOLE && n++ > 0 &&
            (c->target_type == TARGET_SERIAL || c->target_type == TARGET_UNSET))
                (void) diag_error(diag, c->info.loc,
                                  "console %u: only the first console can be a serial port", n);
}

void check_serial_ports(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_chars; i++)
                for (size_t k = 0; k < i; k++) {
                        const DomainChar *a = d->chars + k, *b = d->chars + i;
                        if (a->kind != CHAR_SERIAL || b->kind != CHAR_SERIAL || !a->target_port.set ||
                            !b->target_port.set || a->target_port.value != b->target_port.value)
                                continue;
                        (void) diag_error(diag, b->info.loc, "serial port %u is used twice",
                                          b->target_port.value);
                        break;
                }
}
