/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-parse-model.h"
#include "text.h"

/* What QEMU adds of its own accord unless -nodefaults forbids it, as it does for every definition. What the guest
 * would miss becomes part of the definition; of the rest, a warning says that it is gone. */

typedef enum Default {
        DEFAULT_NIC = 1 << 0,
        DEFAULT_VGA = 1 << 1,
        DEFAULT_SERIAL = 1 << 2,
        DEFAULT_PARALLEL = 1 << 3,
        DEFAULT_CDROM = 1 << 4,
        DEFAULT_FLOPPY = 1 << 5,
        DEFAULT_DISPLAY = 1 << 6,
} Default;

#define DEFAULT_PC (DEFAULT_NIC | DEFAULT_VGA | DEFAULT_SERIAL | DEFAULT_PARALLEL | DEFAULT_CDROM)

static const struct {
        bool (*is)(const Domain *d);
        const char *nic; /* the card of -net nic */
        unsigned has;
} machines[] = {
        { machine_is_i440fx, "e1000", DEFAULT_PC | DEFAULT_FLOPPY },
        { machine_is_q35, "e1000e", DEFAULT_PC },
        { machine_is_virt, "virtio", DEFAULT_NIC | DEFAULT_SERIAL },
};

/* Options and devices with which QEMU leaves it to the user. */
static const struct {
        const char *option, *driver;
        unsigned what;
} stops[] = {
        { "-net", NULL, DEFAULT_NIC },           { "-nic", NULL, DEFAULT_NIC },
        { "-netdev", NULL, DEFAULT_NIC },        { "-vga", NULL, DEFAULT_VGA },
        { "-serial", NULL, DEFAULT_SERIAL },     { "-parallel", NULL, DEFAULT_PARALLEL },
        { "-cdrom", NULL, DEFAULT_CDROM },       { "-hdc", NULL, DEFAULT_CDROM },
        { "-fda", NULL, DEFAULT_FLOPPY },        { "-nographic", NULL, DEFAULT_DISPLAY },
        { "-display", NULL, DEFAULT_DISPLAY },   { "-vnc", NULL, DEFAULT_DISPLAY },
        { "-spice", NULL, DEFAULT_DISPLAY },     { "-sdl", NULL, DEFAULT_DISPLAY },
        { "-curses", NULL, DEFAULT_DISPLAY },
        { "-device", "isa-serial", DEFAULT_SERIAL },
        { "-device", "isa-parallel", DEFAULT_PARALLEL },
        { "-device", "isa-fdc", DEFAULT_FLOPPY },
        { "-device", "floppy", DEFAULT_FLOPPY },
        { "-device", "ide-hd", DEFAULT_CDROM },
        { "-device", "ide-cd", DEFAULT_CDROM },
        { "-device", "scsi-hd", DEFAULT_CDROM },
        { "-device", "scsi-cd", DEFAULT_CDROM },
        { "-device", "VGA", DEFAULT_VGA },
        { "-device", "isa-vga", DEFAULT_VGA },
        { "-device", "cirrus-vga", DEFAULT_VGA },
        { "-device", "isa-cirrus-vga", DEFAULT_VGA },
        { "-device", "vmware-svga", DEFAULT_VGA },
        { "-device", "qxl-vga", DEFAULT_VGA },
        { "-device", "virtio-vga", DEFAULT_VGA },
        { "-device", "virtio-vga-gl", DEFAULT_VGA },
        { "-device", "ati-vga", DEFAULT_VGA },
};

/* What a machine is when nothing is said. */
static bool is_machine(const Domain *d, size_t k) {
        return machines[k].is(d) || (!d->os.machine && arch_is_x86(d) && machines[k].is == machine_is_i440fx);
}

const char *parse_default_nic(const Parse *p) {
        for (size_t k = 0; k < ELEMENTSOF(machines); k++)
                if (is_machine(p->d, k))
                        return machines[k].nic;
        return NULL;
}

static bool has_option(const Parse *p, const char *option, const char *driver) {
        FOREACH_ARRAY(i, p->items.list, p->items.n)
                if (streq(i->option, option) && (!driver || streq_ptr(item_get(i, "driver"), driver)))
                        return true;
        return false;
}

static unsigned find_defaults(const Parse *p) {
        unsigned ret = DEFAULT_DISPLAY;

        for (size_t k = 0; k < ELEMENTSOF(machines); k++)
                if (is_machine(p->d, k))
                        ret |= machines[k].has;
        FOREACH_ARRAY(s, stops, ELEMENTSOF(stops))
                if ((ret & s->what) && has_option(p, s->option, s->driver))
                        ret &= ~s->what;
        FOREACH_ARRAY(disk, p->d->disks, p->d->n_disks) {
                if (disk->device == DEVICE_CDROM)
                        ret &= ~(unsigned) DEFAULT_CDROM;
                if (disk->device == DEVICE_FLOPPY)
                        ret &= ~(unsigned) DEFAULT_FLOPPY;
        }
        return ret;
}

/* --- the ones that are carried over --- */

static int add_nic(Parse *p) {
        DomainInterface *n = PARSE_ADD(p, interfaces);

        if (!n)
                return -ENOMEM;
        n->type = INTERFACE_USER;
        return free_and_strdup(&n->model, parse_default_nic(p));
}

static int add_vga(Parse *p) {
        DomainVideo *v = PARSE_ADD(p, videos);

        if (!v)
                return -ENOMEM;
        v->model = VIDEO_VGA;
        return 0;
}

static int add_serial(Parse *p) {
        unsigned port = 0;

        FOREACH_ARRAY(c, p->d->chars, p->d->n_chars)
                port += c->kind == CHAR_SERIAL;
        DomainChar *c = PARSE_ADD(p, chars);
        if (!c)
                return -ENOMEM;
        c->kind = CHAR_SERIAL;
        c->source.type = CHARDEV_PTY;
        c->target_port = OPT_UINT(port);
        return 0;
}

static const struct {
        Default what;
        const char *words;
        int (*add)(Parse *p); /* NULL: it is not carried over */
} defaults[] = {
        { DEFAULT_NIC, "a network card on a network of QEMU's own", add_nic },
        { DEFAULT_VGA, "a VGA card", add_vga },
        { DEFAULT_SERIAL, "a serial port on a pseudoterminal", add_serial },
        { DEFAULT_PARALLEL, "a parallel port", NULL },
        { DEFAULT_CDROM, "an empty CD-ROM drive", NULL },
        { DEFAULT_FLOPPY, "an empty floppy drive", NULL },
};

static int add_defaults(Parse *p, unsigned what) {
        /* Who says that there is no screen does not miss the card for one. */
        bool blind = has_option(p, "-nographic", NULL);
        _cleanup_text_ Text has = {}, lacks = {};
        _cleanup_free_ char *first = NULL, *second = NULL;

        FOREACH_ARRAY(d, defaults, ELEMENTSOF(defaults)) {
                bool add = d->add && !(blind && d->what == DEFAULT_VGA);
                Text *t = add ? &has : &lacks;
                if (!(what & d->what))
                        continue;
                text_appendf(t, "%s%s", t->length > 0 ? ", " : "", d->words);
                if (add && d->add(p) < 0)
                        return -ENOMEM;
        }
        bool some = has.length > 0, gone = lacks.length > 0;
        if (text_finish(&has, &first) < 0 || text_finish(&lacks, &second) < 0)
                return -ENOMEM;
        if (some || gone)
                (void) diag_warning(p->diag, (SrcLoc) {}, "without -nodefaults QEMU adds devices of its own: the definition has %s%s%s",
                                    some ? first : "", some && gone ? ", but not " : gone ? "none of them: " : "",
                                    gone ? second : "");
        return 0;
}

/* --- USB --- */

/* The board's own one of a q35. Other boards have what a definition has that says nothing. */
static int add_board_usb(Parse *p) {
        static const struct { const char *model; unsigned function; OptUint port; } parts[] = {
                { "ich9-ehci1", 7, {} },
                { "ich9-uhci1", 0, { true, 0 } },
                { "ich9-uhci2", 1, { true, 2 } },
                { "ich9-uhci3", 2, { true, 4 } },
        };

        FOREACH_ARRAY(part, parts, ELEMENTSOF(parts)) {
                DomainController *c = PARSE_ADD(p, controllers);
                if (!c || !(c->model = strdup(part->model)))
                        return -ENOMEM;
                c->type = CONTROLLER_USB;
                c->index = OPT_UINT(0);
                c->master_startport = part->port;
                c->info.address = (DeviceAddress) {
                        .type = ADDRESS_PCI, .domain = OPT_UINT(0), .bus = OPT_UINT(0), .slot = OPT_UINT(0x1d),
                        .function = OPT_UINT(part->function), .multifunction = part->function == 0 ? TRI_YES : TRI_UNSET,
                };
        }
        return 0;
}

static int complete_usb(Parse *p) {
        Domain *d = p->d;

        if (!arch_is_x86(d))
                return 0;
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_USB)
                        return 0;
        if (p->usb)
                return machine_is_q35(d) ? add_board_usb(p) : 0;
        DomainController *c = PARSE_ADD(p, controllers);
        if (!c || !(c->model = strdup("none")))
                return -ENOMEM;
        c->type = CONTROLLER_USB;
        c->index = OPT_UINT(0);
        return 0;
}

/* --- all together --- */

/* QEMU finds out what an image is; a definition says so, or it is raw. */
static void check_formats(const Parse *p) {
        FOREACH_ARRAY(disk, p->d->disks, p->d->n_disks) {
                const char *name = disk->source.path ?: disk->source.name;
                if (name && disk->source.format == FORMAT_UNSET && disk->device != DEVICE_CDROM)
                        (void) diag_warning(p->diag, (SrcLoc) {}, "%s: QEMU would find out its format; the definition takes it "
                                            "as raw: set <driver type=> where it is not", name);
        }
}

int parse_defaults(Parse *p) {
        Domain *d = p->d;

        check_formats(p);
        if (d->n_balloons == 0) {
                DomainBalloon *b = PARSE_ADD(p, balloons);
                if (!b)
                        return -ENOMEM;
                b->model = BALLOON_NONE;
        }
        int r = complete_usb(p);
        if (r < 0 || p->no_defaults)
                return r;
        unsigned what = find_defaults(p);
        if (!parse_default_nic(p))
                (void) diag_warning(p->diag, (SrcLoc) {}, "without -nodefaults QEMU may add devices of its own to a machine '%s': "
                                    "the definition has none of them", strempty(d->os.machine));
        r = add_defaults(p, what);
        if (r >= 0 && (what & DEFAULT_DISPLAY))
                (void) diag_warning(p->diag, (SrcLoc) {}, "QEMU would open a window, or VNC on port 5900 of 127.0.0.1; "
                                    "a service has none: add <graphics>");
        return r;
}
