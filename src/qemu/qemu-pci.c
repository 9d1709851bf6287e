/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdio.h>

#include "qemu-pci.h"
#include "string-util.h"

/* PCI addresses as libvirt gives them out. Two passes: the first on paper, to learn which bridges and root
 * ports must be added for what has no address yet; the second, with these in the domain, assigns. */

#define PCI_SLOTS 32U
#define PCI_FUNCTIONS 8U
#define PCI_BUSES_MAX 256U
#define PCI_NO_BUS UINT_MAX

typedef struct PciSlot {
        uint8_t functions; /* a bit for each that is taken */
        bool aggregate;    /* its first user does not mind others beside it */
        char *owners[PCI_FUNCTIONS]; /* owned: who they are, for messages */
        SrcLoc locs[PCI_FUNCTIONS];
} PciSlot;

typedef struct PciBus {
        const PciModel *model;
        unsigned accepts; /* the model's, or less */
        unsigned parent;  /* the bus that it is plugged into; its own number for the root and what is added; or PCI_NO_BUS */
        PciSlot slots[PCI_SLOTS];
} PciBus;

typedef struct PciSet {
        Domain *domain;
        Diag *diag;
        bool on_paper;
        PciBus *buses; /* owned */
        size_t n_buses;
} PciSet;

static void pci_set_done(PciSet *s) {
        FOREACH_ARRAY(bus, s->buses, s->n_buses)
                FOREACH_ARRAY(slot, bus->slots, PCI_SLOTS)
                        FOREACH_ARRAY(owner, slot->owners, PCI_FUNCTIONS)
                                free(*owner);
        free(s->buses);
        *s = (PciSet) {};
}

typedef struct PciPlace {
        unsigned bus, slot, function;
} PciPlace;

static PciPlace place_of(const DeviceAddress *a) {
        return (PciPlace) { a->bus.value, a->slot.value, a->function.value };
}

/* All zeros is the root's own place: to libvirt such an address says nothing. */
static bool is_wanted(const DeviceInfo *info) {
        const DeviceAddress *a = &info->address;

        return a->type == ADDRESS_UNSET ||
               (a->type == ADDRESS_PCI && a->domain.value == 0 && a->bus.value == 0 && a->slot.value == 0 &&
                a->function.value == 0);
}

static bool is_given(const DeviceInfo *info) {
        return info->address.type == ADDRESS_PCI && !is_wanted(info);
}

static void set_place(DeviceInfo *info, PciPlace p) {
        DeviceAddress *a = &info->address;

        a->type = ADDRESS_PCI;
        a->domain = OPT_UINT(0);
        a->bus = OPT_UINT(p.bus);
        a->slot = OPT_UINT(p.slot);
        a->function = OPT_UINT(p.function);
}

/* --- buses --- */

static int add_bus(PciSet *s, const PciModel *model) {
        if (s->n_buses >= PCI_BUSES_MAX)
                return diag_error(s->diag, s->domain->loc, "more than %u PCI buses", PCI_BUSES_MAX);
        if (!ARRAY_GROW(s->buses, s->n_buses))
                return -ENOMEM;
        s->buses[s->n_buses] = (PciBus) { .model = model, .accepts = model->accepts, .parent = (unsigned) s->n_buses };
        s->n_buses++;
        return 0;
}

/* Whether what is plugged into the bus is there: not so if its bridge is nowhere yet, or behind itself. */
static bool leads_to_root(const PciSet *s, unsigned bus) {
        for (size_t i = 0; i < s->n_buses && bus < s->n_buses; i++) {
                if (s->buses[bus].parent == bus)
                        return true;
                bus = s->buses[bus].parent;
        }
        return false;
}

static bool is_bridge(unsigned connect) {
        return !(connect & (PCI_DEVICE | PCIE_DEVICE));
}

static bool any_bus_accepts(const PciSet *s, unsigned connect) {
        FOREACH_ARRAY(bus, s->buses, s->n_buses)
                if (bus->accepts & connect & PCI_CONNECT_MASK)
                        return true;
        return false;
}

/* Adds what a device that connects as CONNECT can be plugged into; *ret_bus is its number. */
static int grow(PciSet *s, unsigned connect, unsigned *ret_bus) {
        int r;

        if ((connect & PCI_DEVICE) && !any_bus_accepts(s, PCI_BRIDGE)) {
                /* Nothing but PCI Express so far: a root port with a bridge to conventional PCI in it. The
                 * port is for the bridge alone, so that it is not mistaken for a free one. */
                if ((r = add_bus(s, pci_model_find("pcie-root-port"))) < 0)
                        return r;
                s->buses[s->n_buses - 1].accepts = PCI_PCIE_TO_PCI_BRIDGE;
                r = add_bus(s, pci_model_find("pcie-to-pci-bridge"));
        } else if (connect & PCI_DEVICE)
                r = add_bus(s, pci_model_find("pci-bridge"));
        else if (connect & (PCIE_DEVICE | PCIE_SWITCH_UPSTREAM))
                r = add_bus(s, pci_model_find("pcie-root-port"));
        else
                return -ENOSPC;
        if (r < 0)
                return r;
        *ret_bus = (unsigned) s->n_buses - 1;
        return 0;
}

static int buses_of_domain(PciSet *s) {
        const Domain *d = s->domain;
        unsigned n = 0;
        int r;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                if (c->type != CONTROLLER_PCI)
                        continue;
                n = MAX(n, c->index.value + 1);
        }
        for (unsigned i = 0; i < n; i++) {
                const DomainController *c = controller_find(d, CONTROLLER_PCI, i);
                const PciModel *model = c && c->model ? pci_model_find(c->model) :
                                        pci_model_find(machine_has_pcie(d) ? "pcie-root-port" : "pci-bridge");
                assert(model);
                if ((r = add_bus(s, model)) < 0)
                        return r;
                if (c && i > 0)
                        s->buses[i].parent = PCI_NO_BUS;
        }
        return 0;
}

/* --- reserving --- */

/* Whether what the user wrote can be so. He may put PCI devices into PCI Express slots and the other way
 * round, and on buses that are not given out by themselves. */
static int check_place(PciSet *s, PciPlace p, unsigned connect, SrcLoc loc, const char *owner) {
        assert(p.bus < s->n_buses && p.function < PCI_FUNCTIONS);
        if ((connect & PCI_INTEGRATED) && p.bus != 0)
                return diag_error(s->diag, loc, "%s: it is part of the root, so on PCI bus 0, not %u", owner, p.bus);
        const PciBus *bus = s->buses + p.bus;
        unsigned accepts =
                bus->accepts | (bus->accepts & (PCI_DEVICE | PCIE_DEVICE) ? PCI_DEVICE | PCIE_DEVICE : 0);
        if (connect & PCI_BRIDGE)
                connect |= PCI_DEVICE;
        if (!(accepts & connect & PCI_CONNECT_MASK))
                return diag_error(s->diag, loc, "%s cannot be plugged into PCI bus %u, a %s", owner, p.bus,
                                  bus->model->name);
        if (p.slot < bus->model->min_slot || p.slot > bus->model->max_slot)
                return diag_error(
                        s->diag, loc, "%s: PCI bus %u, a %s, has slots 0x%02x to 0x%02x, not 0x%02x", owner,
                        p.bus, bus->model->name, bus->model->min_slot, bus->model->max_slot, p.slot);
        return 0;
}

static int reserve(PciSet *s, PciPlace p, unsigned connect, SrcLoc loc, const char *owner) {
        PciSlot *slot;

        /* On paper the user's addresses may ask for buses that are still to come. */
        while (s->on_paper && p.bus >= s->n_buses && p.bus < PCI_BUSES_MAX) {
                unsigned bus;
                int r = grow(s,
                             connect & (PCI_DEVICE | PCIE_DEVICE)
                                     ? connect
                                     : (unsigned) (machine_has_pcie(s->domain) ? PCIE_DEVICE : PCI_DEVICE),
                             &bus);
                if (r < 0)
                        return r;
        }
        int r = check_place(s, p, connect, loc, owner);
        if (r < 0)
                return r;
        slot = s->buses[p.bus].slots + p.slot;
        if (slot->functions & (1U << p.function))
                /* What the machine brings along stands nowhere: then the other is to blame. */
                return diag_error(s->diag, loc.line > 0 ? loc : slot->locs[p.function],
                                  "PCI address 0000:%02x:%02x.%x is used twice: by %s and by %s", p.bus,
                                  p.slot, p.function, strempty(slot->owners[p.function]), owner);
        if (!slot->functions && (connect & PCI_AGGREGATE))
                slot->aggregate = true;
        slot->functions |= (uint8_t) (1U << p.function);
        slot->locs[p.function] = loc;
        slot->owners[p.function] = strdup(owner);
        return slot->owners[p.function] ? 0 : -ENOMEM;
}

static bool find_function(const PciSlot *slot, unsigned connect, int function, unsigned *ret) {
        unsigned f = function < 0 ? 0 : (unsigned) function;

        if (!slot->functions) {
                *ret = f;
                return true;
        }
        if (!(connect & PCI_AGGREGATE) || !slot->aggregate)
                return false;
        for (; f < PCI_FUNCTIONS; f++) {
                if (!(slot->functions & (1U << f))) {
                        *ret = f;
                        return true;
                }
                if (function >= 0)
                        return false;
        }
        return false;
}

static bool find_place(const PciSet *s, unsigned connect, int function, PciPlace *ret) {
        for (unsigned b = 0; b < s->n_buses; b++) {
                const PciBus *bus = s->buses + b;
                unsigned accepts = bus->accepts;

                if ((connect & PCI_INTEGRATED) && b > 0)
                        continue;
                if (connect & PCI_INTEGRATED)
                        accepts |= PCI_AUTO | PCI_DEVICE;
                if (!(connect & accepts & PCI_CONNECT_MASK) ||
                    ((connect & PCI_AUTO) && !(accepts & PCI_AUTO)))
                        continue;
                if (is_bridge(connect) && !leads_to_root(s, b))
                        continue;
                for (unsigned slot = bus->model->min_slot; slot <= bus->model->max_slot; slot++)
                        if (find_function(bus->slots + slot, connect, function, &ret->function)) {
                                ret->bus = b;
                                ret->slot = slot;
                                return true;
                        }
        }
        return false;
}

/* Finds a free place, with a new bus if need be, and takes it; returns its bus. INFO gets it in the second pass only; NULL
 * is for a place that is kept for later. */
static int reserve_next(PciSet *s, DeviceInfo *info, unsigned connect, int function, const char *owner) {
        /* What was added stands nowhere. */
        SrcLoc loc = info && info->loc.line > 0 ? info->loc : s->domain->loc;
        PciPlace p = {};

        if (!find_place(s, connect, function, &p)) {
                int r = s->on_paper ? grow(s, connect, &p.bus) : -ENOSPC;
                if (r == -ENOSPC && !any_bus_accepts(s, connect))
                        return diag_error(s->diag, loc, "machine '%s': there is no PCI bus that takes %s",
                                          s->domain->os.machine, owner);
                if (r == -ENOSPC)
                        return diag_error(s->diag, loc, "no free PCI slot for %s", owner);
                if (r < 0)
                        return r;
                p.slot = s->buses[p.bus].model->min_slot;
                p.function = function < 0 ? 0 : (unsigned) function;
        }
        int r = reserve(s, p, connect, loc, owner);
        if (r < 0)
                return r;
        if (info && !s->on_paper)
                set_place(info, p);
        return (int) p.bus;
}

/* Takes place P for INFO if the slot is free; 0 also if it is not. */
static int prefer(PciSet *s, DeviceInfo *info, PciPlace p, unsigned connect, const char *owner) {
        if (p.bus >= s->n_buses || s->buses[p.bus].slots[p.slot].functions)
                return 0;
        int r = reserve(s, p, connect, info->loc, owner);
        if (r < 0)
                return r;
        set_place(info, p);
        return 0;
}

/* --- what is where on the two chipsets --- */

/* The device at a fixed place: it gets it, or must have it. */
static int must_be_at(PciSet *s, DomainController *c, PciPlace p, const char *what) {
        PciPlace q = place_of(&c->info.address);

        if (is_given(&c->info) && (q.bus != p.bus || q.slot != p.slot || q.function != p.function))
                return diag_error(s->diag, c->info.address.loc,
                                  "%s of machine '%s' is at PCI address 0000:%02x:%02x.%x and nowhere else",
                                  what, s->domain->os.machine, p.bus, p.slot, p.function);
        set_place(&c->info, p);
        return reserve(s, p, PCI_DEVICE | PCI_AUTO, c->info.loc, what);
}

static bool is_piix3(const DomainController *c) {
        return c->index.value == 0 && (c->type == CONTROLLER_IDE ||
                                       (c->type == CONTROLLER_USB && streq_ptr(c->model, "piix3-uhci")));
}

static bool has_fixed_place(const Domain *d, const DomainController *c) {
        return (machine_is_i440fx(d) && is_piix3(c)) ||
               (machine_is_q35(d) && c->type == CONTROLLER_SATA && c->index.value == 0);
}

static int place_video(PciSet *s, PciPlace p) {
        Domain *d = s->domain;

        if (d->n_videos == 0 || !pci_video_connect(d, &d->videos[0]) || !is_wanted(&d->videos[0].info))
                return 0;
        if (s->buses[p.bus].slots[p.slot].functions)
                return reserve_next(s, &d->videos[0].info, pci_video_connect(d, &d->videos[0]), -1,
                                    "video 1");
        return prefer(s, &d->videos[0].info, p, PCI_DEVICE | PCI_AUTO, "video 1");
}

static int place_i440fx(PciSet *s) {
        Domain *d = s->domain;
        int r;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                if (!is_piix3(c))
                        continue;
                r = c->type == CONTROLLER_IDE
                            ? must_be_at(s, c, (PciPlace) { 0, 1, 1 }, "the IDE controller")
                            : must_be_at(s, c, (PciPlace) { 0, 1, 2 }, "the PIIX3 USB controller");
                if (r < 0)
                        return r;
        }
        if ((r = reserve(s, (PciPlace) { 0, 1, 0 }, PCI_DEVICE, (SrcLoc) {}, "the ISA bridge of the machine")) <
                    0 ||
            (r = reserve(s, (PciPlace) { 0, 1, 3 }, PCI_DEVICE, (SrcLoc) {},
                         "the power management of the machine")) < 0)
                return r;
        return place_video(s, (PciPlace) { 0, 2, 0 });
}

static int place_q35_usb(PciSet *s, DomainController *c) {
        static const unsigned slots[] = { 0x1d, 0x1a }; /* where they are on real boards */

        for (size_t i = 0; i < ELEMENTSOF(slots) && is_wanted(&c->info); i++) {
                int r = prefer(s, &c->info, (PciPlace) { 0, slots[i], 0 }, PCIE_DEVICE, "controller usb");
                if (r < 0)
                        return r;
                if (!is_wanted(&c->info))
                        c->info.address.multifunction = TRI_YES;
        }
        return 0;
}

static int place_q35_bridge(PciSet *s, DomainController *c) {
        int r = prefer(s, &c->info, (PciPlace) { 0, 0x1e, 0 }, PCIE_DEVICE, "controller pci");

        if (r >= 0 && !is_wanted(&c->info))
                s->buses[c->index.value].parent = 0;
        return r;
}

/* The first of them, as on real boards. */
static int place_q35_sound(PciSet *s) {
        FOREACH_ARRAY(i, s->domain->sounds, s->domain->n_sounds)
                if (i->model == SOUND_ICH9 && is_wanted(&i->info))
                        return prefer(s, &i->info, (PciPlace) { 0, 0x1b, 0 }, PCI_DEVICE, "sound");
        return 0;
}

static int place_q35(PciSet *s) {
        Domain *d = s->domain;
        int r = 0;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                if (c->type == CONTROLLER_SATA && c->index.value == 0)
                        r = must_be_at(s, c, (PciPlace) { 0, 0x1f, 2 }, "the SATA controller");
                else if (c->type == CONTROLLER_USB && streq_ptr(c->model, "ich9-uhci1") &&
                         is_wanted(&c->info))
                        r = place_q35_usb(s, c);
                else if (c->type == CONTROLLER_PCI && streq_ptr(c->model, "dmi-to-pci-bridge") &&
                         is_wanted(&c->info))
                        r = place_q35_bridge(s, c);
                if (r < 0)
                        return r;
        }
        if ((r = reserve(s, (PciPlace) { 0, 0x1f, 0 }, PCIE_DEVICE, (SrcLoc) {},
                         "the ISA bridge of the machine")) < 0 ||
            (r = reserve(s, (PciPlace) { 0, 0x1f, 3 }, PCIE_DEVICE, (SrcLoc) {}, "the SMBus of the machine")) < 0)
                return r;
        if ((r = place_video(s, (PciPlace) { 0, 1, 0 })) < 0)
                return r;
        return place_q35_sound(s);
}

static int place_builtin(PciSet *s) {
        return machine_is_i440fx(s->domain) ? place_i440fx(s) : machine_is_q35(s->domain) ? place_q35(s) : 0;
}

/* --- a pass --- */

static bool is_pci_controller(const QemuDevice *i) {
        return i->kind == DEVICE_KIND_CONTROLLER && i->controller->type == CONTROLLER_PCI;
}

/* Takes what has an address already. The fixed ones are place_builtin()'s. */
static int collect(PciSet *s, const QemuDevice *list, size_t n) {
        FOREACH_ARRAY(i, list, n) {
                if (!is_given(i->info) ||
                    (i->kind == DEVICE_KIND_CONTROLLER && has_fixed_place(s->domain, i->controller)))
                        continue;
                if (i->kind == DEVICE_KIND_CHAR && char_is_shadow(s->domain, i->character))
                        continue;
                _cleanup_free_ char *owner = qemu_device_describe(i);
                if (!owner)
                        return -ENOMEM;
                DeviceAddress *a = &i->info->address;
                unsigned connect = pci_device_connect(s->domain, i);
                if (!connect)
                        return diag_error(s->diag, a->loc, "%s is no PCI device", owner);
                a->domain.set = a->bus.set = a->slot.set = a->function.set = true;
                if (a->domain.value != 0)
                        return diag_error(s->diag, a->loc, "%s: there is only PCI domain 0", owner);
                int r = reserve(s, place_of(a), connect, a->loc.line ? a->loc : i->info->loc, owner);
                if (r < 0)
                        return r;
                if (is_pci_controller(i))
                        s->buses[i->controller->index.value].parent = a->bus.value;
        }
        return 0;
}

/* EHCI and its companions are functions of one slot. */
static int assign_usb2(PciSet *s, DomainController *c, const char *owner) {
        static const struct { const char *model; unsigned function; } functions[] = {
                { "ich9-uhci1", 0 }, { "ich9-uhci2", 1 }, { "ich9-uhci3", 2 }, { "ich9-ehci1", 7 },
        };
        Domain *d = s->domain;
        unsigned function = 0;
        int r;

        FOREACH_ARRAY(f, functions, ELEMENTSOF(functions))
                if (streq(c->model, f->model))
                        function = f->function;
        FOREACH_ARRAY(other, d->controllers, d->n_controllers) {
                if (other->type != CONTROLLER_USB || other->index.value != c->index.value || !other->model ||
                    !startswith(other->model, "ich9-") || !is_given(&other->info))
                        continue;
                PciPlace p = place_of(&other->info.address);
                p.function = function;
                if ((r = reserve(s, p, pci_controller_connect(d, c), c->info.loc, owner)) < 0)
                        return r;
                set_place(&c->info, p);
                if (function == 0)
                        c->info.address.multifunction = TRI_YES;
                return 0;
        }
        if ((r = reserve_next(s, &c->info, pci_controller_connect(d, c), (int) function, owner)) < 0)
                return r;
        if (function == 0)
                c->info.address.multifunction = TRI_YES;
        return 0;
}

static bool is_usb2(const QemuDevice *i) {
        return i->kind == DEVICE_KIND_CONTROLLER && i->controller->type == CONTROLLER_USB &&
               i->controller->model && startswith(i->controller->model, "ich9-");
}

/* libvirt's order, which decides who gets which slot; bridges come before all of them. */
static const QemuDeviceKind pci_order[] = {
        DEVICE_KIND_FILESYSTEM,
        DEVICE_KIND_INTERFACE,
        DEVICE_KIND_SOUND,
        DEVICE_KIND_CONTROLLER,
        DEVICE_KIND_DISK,
        DEVICE_KIND_HOSTDEV_INTERFACE,
        DEVICE_KIND_HOSTDEV,
        DEVICE_KIND_BALLOON,
        DEVICE_KIND_RNG,
        DEVICE_KIND_WATCHDOG,
        DEVICE_KIND_VIDEO,
        DEVICE_KIND_SHMEM,
        DEVICE_KIND_INPUT,
        DEVICE_KIND_CHAR,
        DEVICE_KIND_IOMMU,
        DEVICE_KIND_PANIC,
        DEVICE_KIND_MEMORY,
        DEVICE_KIND_VSOCK,
        DEVICE_KIND_CRYPTO,
};

static int assign_one(PciSet *s, const QemuDevice *i, unsigned connect) {
        _cleanup_free_ char *owner = qemu_device_describe(i);

        if (!owner)
                return -ENOMEM;
        return is_usb2(i) ? assign_usb2(s, i->controller, owner) : reserve_next(s, i->info, connect, -1, owner);
}

/* The bridge whose turn it is: the first that there is room for, else the first that a bus can be added for, else the
 * first. NULL if all have their places. */
static const QemuDevice *next_bridge(const PciSet *s, const QemuDevice *list, size_t n) {
        const QemuDevice *first = NULL, *grows = NULL;
        PciPlace p;

        FOREACH_ARRAY(i, list, n) {
                unsigned connect = is_pci_controller(i) && is_wanted(i->info) ? pci_device_connect(s->domain, i) : 0;

                if (!connect || s->buses[i->controller->index.value].parent != PCI_NO_BUS)
                        continue;
                if (find_place(s, connect, -1, &p))
                        return i;
                first = first ?: i;
                if (connect & PCIE_SWITCH_UPSTREAM)
                        grows = grows ?: i;
        }
        return grows ?: first;
}

/* Bridges go before all else, none of them behind one that is nowhere yet: it might be behind itself then. */
static int assign_bridges(PciSet *s, const QemuDevice *list, size_t n) {
        const QemuDevice *i;

        while ((i = next_bridge(s, list, n))) {
                int r = assign_one(s, i, pci_device_connect(s->domain, i));
                if (r < 0)
                        return r;
                s->buses[i->controller->index.value].parent = (unsigned) r;
        }
        FOREACH_ARRAY(c, s->domain->controllers, s->domain->n_controllers)
                if (c->type == CONTROLLER_PCI && is_given(&c->info) && !leads_to_root(s, c->index.value))
                        return diag_error(s->diag, c->info.address.loc, "pci controller %u is plugged in behind itself",
                                          c->index.value);
        return 0;
}

static int assign(PciSet *s, const QemuDevice *list, size_t n) {
        int r = assign_bridges(s, list, n);

        if (r < 0)
                return r;
        for (size_t k = 0; k < ELEMENTSOF(pci_order); k++)
                FOREACH_ARRAY(i, list, n) {
                        unsigned connect;

                        if (i->kind != pci_order[k] || is_pci_controller(i) || !is_wanted(i->info) ||
                            !(connect = pci_device_connect(s->domain, i)))
                                continue;
                        if (i->kind == DEVICE_KIND_CHAR && char_is_shadow(s->domain, i->character))
                                continue;
                        if ((r = assign_one(s, i, connect)) < 0)
                                return r;
                }
        return 0;
}

/* Writes the buses that were added on paper into the domain and finds a place for each. */
static int add_controllers(PciSet *s) {
        for (unsigned i = 1; i < s->n_buses; i++) {
                const PciModel *model = s->buses[i].model;
                int r = controller_add(s->domain, CONTROLLER_PCI, i, model->name);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                char owner[32];
                snprintf(owner, sizeof(owner), "controller pci %u", i);
                DomainController *c = controller_find(s->domain, CONTROLLER_PCI, i);
                if ((r = reserve_next(s, &c->info, model->connect, -1, owner)) < 0)
                        return r;
        }
        return 0;
}

static bool is_full(const PciSet *s) {
        FOREACH_ARRAY(bus, s->buses, s->n_buses)
                for (unsigned slot = bus->model->min_slot; slot <= bus->model->max_slot; slot++)
                        if (!bus->slots[slot].functions)
                                return false;
        return true;
}

static int pass(Domain *d, bool on_paper, Diag *diag) {
        _cleanup_(pci_set_done) PciSet s = { .domain = d, .diag = diag, .on_paper = on_paper };
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n, n_given;
        int r;

        if ((r = qemu_devices(d, &list, &n)) < 0 || (r = buses_of_domain(&s)) < 0)
                return r;
        if (s.n_buses == 0) /* a machine without PCI */
                return 0;
        n_given = s.n_buses;
        if ((r = collect(&s, list, n)) < 0 || (r = place_builtin(&s)) < 0)
                return r;
        /* A conventional machine keeps a slot free for a bridge, to be able to grow. */
        if (on_paper && !machine_has_pcie(d) && !is_full(&s) &&
            (r = reserve_next(&s, NULL, PCI_DEVICE | PCI_AUTO, -1, "a later bridge")) < 0)
                return r;
        if ((r = assign(&s, list, n)) < 0)
                return r;
        if (!on_paper)
                return 0;
        /* Where the user left all root ports to us, there is one more for hot-plugging. */
        if (machine_has_pcie(d) && n_given <= 1 && s.n_buses > n_given &&
            (r = reserve_next(&s, NULL, PCIE_DEVICE | PCI_AUTO, -1, "a later device")) < 0)
                return r;
        return add_controllers(&s);
}

/* --- afterwards --- */

/* Function 0 says whether there are others. The first companion of EHCI says so wherever it was placed for its user, and
 * so it does where it was placed once. */
static void complete_multifunction(const QemuDevice *list, size_t n) {
        FOREACH_ARRAY(i, list, n) {
                DeviceAddress *a = &i->info->address;

                if (a->remembered && a->function.value == 0 && is_usb2(i) && streq(i->controller->model, "ich9-uhci1"))
                        a->multifunction = TRI_YES;
                if (a->type != ADDRESS_PCI || a->function.value != 0 || a->multifunction != TRI_UNSET)
                        continue;
                FOREACH_ARRAY(other, list, n) {
                        const DeviceAddress *b = &other->info->address;
                        if (b->type == ADDRESS_PCI && b->function.value > 0 && b->bus.value == a->bus.value &&
                            b->slot.value == a->slot.value)
                                a->multifunction = TRI_YES;
                }
        }
}

static const DomainController *chassis_user(const Domain *d, const DomainController *except,
                                            unsigned chassis) {
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c != except && c->type == CONTROLLER_PCI && c->chassis.set && c->chassis.value == chassis)
                        return c;
        return NULL;
}

/* The index, as in libvirt, unless the user has given that number to another one: QEMU would not start. */
static int complete_chassis(const Domain *d, DomainController *c, Diag *diag) {
        const DomainController *other;

        if (!c->chassis.set) {
                unsigned chassis = c->index.value;
                while (chassis_user(d, c, chassis))
                        chassis++;
                c->chassis = OPT_UINT(chassis);
        } else if ((other = chassis_user(d, c, c->chassis.value)) && other < c)
                return diag_error(diag, c->info.loc, "pci controllers %u and %u have the same chassis, %u",
                                  other->index.value, c->index.value, c->chassis.value);
        return 0;
}

/* Expanders number their buses from above, as libvirt does: two below the lowest there is, for the bus itself
 * and a bridge in it. */
static bool next_bus_number(const Domain *d, OptUint *ret) {
        unsigned lowest = 256;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_PCI && c->bus_nr.set)
                        lowest = MIN(lowest, c->bus_nr.value);
        if (lowest <= 2)
                return false;
        *ret = OPT_UINT(lowest - 2);
        return true;
}

static int complete_bridge(const Domain *d, DomainController *c, Diag *diag) {
        const PciModel *model = pci_model_find(c->model);
        const DeviceAddress *a = &c->info.address;
        bool root_port = streq(model->name, "pcie-root-port");

        if (!c->pci_model_name && free_and_strdup(&c->pci_model_name, model->device) < 0)
                return -ENOMEM;
        if (streq(model->name, "pci-bridge") && !c->chassis_nr.set)
                c->chassis_nr = OPT_UINT(c->index.value);
        if (root_port || streq(model->name, "pcie-switch-downstream-port")) {
                int r = complete_chassis(d, c, diag);
                if (r < 0)
                        return r;
                if (!c->port.set)
                        c->port = OPT_UINT(root_port ? (a->slot.value << 3) + a->function.value
                                                     : a->slot.value);
        }
        if (endswith(model->name, "-expander-bus") && !c->bus_nr.set && !next_bus_number(d, &c->bus_nr))
                return diag_error(diag, c->info.loc,
                                  "pci controller %u: no bus number below those of the other expanders is left; "
                                  "give <target busNr=>",
                                  c->index.value);
        if (a->type == ADDRESS_PCI && c->index.value > 0 && streq(model->name, "pci-bridge") &&
            c->index.value <= a->bus.value)
                return diag_error(diag, c->info.loc,
                                  "pci controller %u is plugged into bus %u: a bridge's index must be "
                                  "greater than its bus's",
                                  c->index.value, a->bus.value);
        return 0;
}

/* They are functions of a chip that only i440fx boards have; elsewhere such a USB controller is a card. */
static int check_chip_places(const Domain *d, Diag *diag) {
        int ret = 0;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                const DeviceAddress *a = &c->info.address;
                if (machine_has_pcie(d) && is_piix3(c) && a->type == ADDRESS_PCI && a->bus.set && a->bus.value == 0 &&
                    a->slot.value > 0)
                        ret = diag_error(diag, c->info.loc, "controller %s 0: a PIIX3 is not on bus 0 of machine '%s'",
                                         strempty(controller_type_to_string(c->type)), strempty(d->os.machine));
        }
        return ret;
}

int qemu_complete_pci(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n;
        int r;

        if ((r = check_chip_places(d, diag)) < 0 || (r = pass(d, true, diag)) < 0 || (r = pass(d, false, diag)) < 0 ||
            (r = qemu_devices(d, &list, &n)) < 0)
                return r;
        complete_multifunction(list, n);
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_PCI && (r = complete_bridge(d, c, diag)) < 0)
                        return r;
        return 0;
}
