/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>

#include "domain-validate.h"
#include "string-util.h"

#define SERIAL_TARGETS                                                                                       \
        (BIT(TARGET_ISA_SERIAL) | BIT(TARGET_USB_SERIAL) | BIT(TARGET_PCI_SERIAL) |                          \
         BIT(TARGET_SYSTEM_SERIAL) | BIT(TARGET_ISA_DEBUG) | BIT(TARGET_UNSET))
#define X86_TARGETS (SERIAL_TARGETS & ~BIT(TARGET_SYSTEM_SERIAL))
#define ARM_TARGETS (SERIAL_TARGETS & ~(BIT(TARGET_ISA_SERIAL) | BIT(TARGET_ISA_DEBUG)))
#define CONSOLE_TARGETS (BIT(TARGET_UNSET) | BIT(TARGET_SERIAL) | BIT(TARGET_VIRTIO))
#define CHANNEL_TARGETS (BIT(TARGET_UNSET) | BIT(TARGET_VIRTIO) | BIT(TARGET_GUESTFWD))
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

static bool has_spice(const Domain *d) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == GRAPHICS_SPICE)
                        return true;
        return false;
}

/* What a type cannot do without. */
static const struct {
        CharType type;
        bool path, host, service, channel, spice;
        const char *example;
} needs[] = {
        {CHARDEV_FILE, .path = true, .example = "path='PATH'"},
        {CHARDEV_DEV, .path = true, .example = "path='PATH'"},
        {CHARDEV_PIPE, .path = true, .example = "path='PATH'"},
        {CHARDEV_UNIX, .path = true, .example = "path='PATH'"},
        {CHARDEV_TCP, .host = true, .service = true, .example = "host='HOST' service='PORT'"},
        {CHARDEV_UDP, .service = true, .example = "mode='connect' host='HOST' service='PORT'"},
        {CHARDEV_SPICEPORT, .channel = true, .spice = true, .example = "channel='NAME'"},
        {CHARDEV_DBUS, .channel = true, .example = "channel='NAME'"},
        {CHARDEV_SPICEVMC, .spice = true},
};

static void check_needs(const Domain *d, const CharSource *s, SrcLoc loc, const char *kind, bool may_lack_path,
                        Diag *diag) {
        const char *type = strempty(char_type_to_string(s->type));

        for (size_t i = 0; i < ELEMENTSOF(needs); i++) {
                if (needs[i].type != s->type)
                        continue;
                if ((needs[i].path && !may_lack_path && isempty(s->path)) ||
                    (needs[i].host && isempty(s->host)) || (needs[i].service && isempty(s->service)) ||
                    (needs[i].channel && isempty(s->channel)))
                        (void) diag_error(diag, loc, "%s of type '%s' needs <source %s/>", kind, type,
                                          needs[i].example);
                if (needs[i].spice && !has_spice(d))
                        (void) diag_error(diag, loc, "%s of type '%s' needs <graphics type='spice'/>", kind,
                                          type);
        }
}

void check_char_source(const Domain *d, const CharSource *s, SrcLoc loc, const char *kind, bool may_lack_path,
                       Diag *diag) {
        if (s->type == CHARDEV_NMDM) {
                (void) diag_error(diag, loc, "not supported: %s type 'nmdm'", kind);
                return;
        }
        check_needs(d, s, loc, kind, may_lack_path, diag);
        if (!isempty(s->path) && *s->path != '/')
                (void) diag_error(diag, loc, "%s: source '%s' is not an absolute path", kind, s->path);
        /* Without the encryption that was asked for nothing shall be sent. */
        if (s->protocol == PROTOCOL_TLS || s->protocol == PROTOCOL_TELNETS)
                refuse(diag, loc, "tcp protocol", char_protocol_to_string(s->protocol));
        if (s->log_file && *s->log_file != '/')
                (void) diag_error(diag, loc, "%s: log '%s' is not an absolute path", kind, s->log_file);
        if (s->reconnect == TRI_UNSET)
                return;
        if (s->mode == SOCKET_BIND)
                (void) diag_error(diag, loc, "%s: <reconnect> goes with mode='connect', not with 'bind'", kind);
        if (s->reconnect == TRI_YES && (!s->reconnect_timeout.set || s->reconnect_timeout.value == 0))
                (void) diag_error(diag, loc, "%s: <reconnect enabled='yes'> needs a @timeout of 1 or more seconds",
                                  kind);
}

/* What each kind of serial port is made by, and what it is plugged into. */
static const struct {
        CharTarget target;
        const char *models[3];
        AddressType address;
} serials[] = {
        {TARGET_ISA_SERIAL, {"isa-serial"}, ADDRESS_ISA},
        {TARGET_USB_SERIAL, {"usb-serial"}, ADDRESS_USB},
        {TARGET_PCI_SERIAL, {"pci-serial"}, ADDRESS_PCI},
        {TARGET_ISA_DEBUG, {"isa-debugcon"}, ADDRESS_ISA},
        {TARGET_SYSTEM_SERIAL, {"pl011", "16550a"}, ADDRESS_UNSET},
};

static void check_serial(const Domain *d, const DomainChar *c, Diag *diag) {
        bool x86 = d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
        const char *target = char_target_to_string(c->target_type);

        if (!IN_SET(c->target_type, x86 ? X86_TARGETS : ARM_TARGETS)) {
                (void) diag_error(diag, c->info.loc, "serial target type '%s' is not there on %s machines", target,
                                  strempty(arch_to_string(d->os.arch)));
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(serials); i++) {
                if (serials[i].target != c->target_type)
                        continue;
                if (c->target_model && !streq_ptr(c->target_model, serials[i].models[0]) &&
                    !streq_ptr(c->target_model, serials[i].models[1]))
                        (void) diag_error(diag, c->info.loc, "serial target type '%s' has no model '%s'", target,
                                          c->target_model);
                if (c->info.address.type != ADDRESS_UNSET && c->info.address.type != serials[i].address)
                        (void) diag_error(diag, c->info.address.loc,
                                          "serial target type '%s' does not go with an address of type '%s'",
                                          target, address_type_to_string(c->info.address.type));
        }
}

static void check_guestfwd(const DomainChar *c, Diag *diag) {
        struct in_addr address;

        if (c->guestfwd_address && inet_pton(AF_INET, c->guestfwd_address, &address) != 1)
                (void) diag_error(diag, c->info.loc, "channel guestfwd: '%s' is not an IPv4 address",
                                  c->guestfwd_address);
}

/* The console that is the first serial port has nothing of its own that could be wrong. */
bool char_repeats_serial(const Domain *d, const DomainChar *c) {
        if (c->kind != CHAR_CONSOLE || c->target_type != TARGET_SERIAL)
                return false;
        FOREACH_ARRAY(other, d->chars, d->n_chars)
                if (other->kind == CHAR_SERIAL)
                        return true;
        return false;
}

void check_chars(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (char_repeats_serial(d, c))
                        continue;
                if (!IN_SET(c->target_type, targets[c->kind])) {
                        refuse_type(c, diag, "target type", char_target_to_string(c->target_type));
                        continue;
                }
                check_char_source(d, &c->source, c->info.loc, char_kind_to_string(c->kind),
                                  c->target_type == TARGET_VIRTIO && c->kind == CHAR_CHANNEL &&
                                          c->source.type == CHARDEV_UNIX, diag);
                if (c->kind == CHAR_SERIAL)
                        check_serial(d, c, diag);
                if (c->target_type == TARGET_GUESTFWD)
                        check_guestfwd(c, diag);
                if (c->source.type == CHARDEV_SPICEVMC && c->target_type != TARGET_VIRTIO)
                        (void) diag_error(diag, c->info.loc, "%s of type 'spicevmc': only virtio devices can be",
                                          char_kind_to_string(c->kind));
                if (c->source.type == CHARDEV_SPICEVMC && c->target_name && !streq(c->target_name, SPICE_AGENT_CHANNEL))
                        (void) diag_error(diag, c->info.loc, "%s of type 'spicevmc': the name is '%s' or none, not '%s'",
                                          char_kind_to_string(c->kind), SPICE_AGENT_CHANNEL, c->target_name);
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

static bool same_isa_port(const DomainChar *a, const DomainChar *b) {
        return a->kind == CHAR_SERIAL && b->kind == CHAR_SERIAL && a->target_type == TARGET_ISA_SERIAL &&
               b->target_type == TARGET_ISA_SERIAL && a->target_port.set && b->target_port.set &&
               a->target_port.value == b->target_port.value;
}

/* The number of an ISA port is its place in the machine; that of another one is a number only. */
void check_serial_ports(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL && c->target_type == TARGET_ISA_SERIAL && c->target_port.value >= ISA_SERIAL_PORTS)
                        (void) diag_error(diag, c->info.loc, "serial port %u: a machine has ISA ports 0 to %d", c->target_port.value,
                                          ISA_SERIAL_PORTS - 1);
        for (size_t i = 0; i < d->n_chars; i++)
                for (size_t k = 0; k < i; k++)
                        if (same_isa_port(d->chars + k, d->chars + i)) {
                                (void) diag_error(diag, d->chars[i].info.loc, "serial port %u is used twice",
                                                  d->chars[i].target_port.value);
                                break;
                        }
}
