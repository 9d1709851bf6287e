/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "domain.h"
#include "host-facts.h"
#include "parse-util.h"
#include "siphash.h"
#include "string-util.h"
#include "text.h"

/* Derives 16 bytes from the machine, the VM's name and what they are for. */
static int derive(const Domain *d, const HostFacts *facts, const char *purpose, unsigned a, unsigned b,
                  uint8_t ret[16]) {
        _cleanup_text_ Text t = {};

        text_append(&t, purpose);
        text_append_char(&t, 0);
        text_append(&t, strempty(d->name));
        if (a > 0 || b > 0) {
                text_append_char(&t, 0);
                text_appendf(&t, "%u/%u", a, b);
        }
        if (t.failed)
                return -ENOMEM;
        siphash128(t.data, t.length, facts->machine_id, ret);
        return 0;
}

/* The bits of RFC 4122 that say: made of random numbers. */
static void mark_random(uint8_t uuid[16]) {
        uuid[6] = (uuid[6] & 0x0f) | 0x40;
        uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

int domain_derive_uuid(const Domain *d, const HostFacts *facts, const char *purpose, unsigned position,
                       uint8_t ret[16]) {
        int r = derive(d, facts, purpose, position, 0, ret);
        if (r >= 0)
                mark_random(ret);
        return r;
}

static int complete_uuid(Domain *d, const HostFacts *facts) {
        if (d->has_uuid)
                return 0;
        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos) {
                const char *uuid = sysinfo_value(&s->system, "uuid");
                if (uuid && parse_uuid(uuid, d->uuid) >= 0) {
                        d->has_uuid = true;
                        return 0;
                }
        }
        int r = domain_derive_uuid(d, facts, "uuid", 0, d->uuid);
        if (r >= 0)
                d->has_uuid = true;
        return r;
}

static int complete_genid(Domain *d, const HostFacts *facts) {
        if (!d->has_genid || d->has_genid_value)
                return 0;
        int r = domain_derive_uuid(d, facts, "genid", 0, d->genid);
        d->has_genid_value = r >= 0;
        return r;
}

static bool mac_is_used(const Domain *d, const uint8_t mac[6]) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (i->has_mac && memcmp(i->mac, mac, 6) == 0)
                        return true;
        return false;
}

static int complete_macs(Domain *d, const HostFacts *facts) {
        unsigned position = 0;
        int q = domain_remember_macs(d);

        if (q < 0)
                return q;
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                position++;
                if (i->has_mac)
                        continue;
                uint8_t hash[16], mac[6];
                unsigned attempt = 0;
                do {
                        int r = derive(d, facts, "mac", position, attempt++, hash);
                        if (r < 0)
                                return r;
                        /* QEMU's prefix. */
                        mac[0] = 0x52, mac[1] = 0x54, mac[2] = 0x00;
                        memcpy(mac + 3, hash, 3);
                } while (mac_is_used(d, mac));
                memcpy(i->mac, mac, sizeof(mac));
                i->has_mac = i->mac_added = true;
        }
        return 0;
}

static int complete_base(Domain *d, const HostFacts *facts) {
        if (d->type == DOMAIN_UNSET)
                d->type = DOMAIN_QEMU;
        if (d->os.arch == ARCH_UNSET)
                d->os.arch = facts->arch;
        if (!d->vcpus.set)
                d->vcpus = OPT_UINT(1);
        if (d->vcpu_placement == PLACEMENT_UNSET)
                d->vcpu_placement = PLACEMENT_STATIC;
        if (d->on_poweroff == ACTION_UNSET)
                d->on_poweroff = ACTION_DESTROY;
        if (d->on_reboot == ACTION_UNSET)
                d->on_reboot = ACTION_RESTART;
        if (d->on_crash == ACTION_UNSET)
                d->on_crash = ACTION_DESTROY;
        d->made_up = facts->made_up;
        if (!d->emulator && !d->made_up && arch_default_emulator(d->os.arch))
                return free_and_strdup(&d->emulator, arch_default_emulator(d->os.arch));
        return 0;
}

static void find_boot_order(DeviceInfo *info, void *found) {
        *(bool *) found |= info->boot_order.set;
}

static bool any_boot_order(Domain *d) {
        bool found = false;

        domain_for_devices(d, find_boot_order, &found);
        return found;
}

static int complete_boot(Domain *d, const HostFacts *facts) {
        if (d->os.n_boot > 0 || any_boot_order(d) || d->os.type != OS_HVM)
                return 0;
        if (!ARRAY_GROW(d->os.boot, d->os.n_boot))
                return -ENOMEM;
        d->os.boot[d->os.n_boot++] = BOOT_HD;
        return 0;
}

static bool is_pci_root(const DomainController *c) {
        return c->type == CONTROLLER_PCI && c->model &&
               (streq(c->model, "pci-root") || streq(c->model, "pcie-root"));
}

static bool index_is_used(const Domain *d, ControllerType type, unsigned index) {
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == type && c->index.set && c->index.value == index)
                        return true;
        return false;
}

/* A usb companion has the number of the ehci controller before it. Else it is the first that is free; 0 is
 * kept for the pci root, which need not be written down. */
static unsigned controller_index(const Domain *d, const DomainController *c) {
        const DomainController *main = NULL;

        if (c->type == CONTROLLER_USB && c->model && startswith(c->model, "ich9-uhci"))
                for (const DomainController *i = d->controllers; i < c; i++)
                        if (i->type == CONTROLLER_USB && i->model && startswith(i->model, "ich9-"))
                                main = i;
        if (main)
                return main->index.value;
        unsigned index = c->type == CONTROLLER_PCI && !is_pci_root(c);
        while (index_is_used(d, c->type, index))
                index++;
        return index;
}

/* Where libvirt puts a controller when it reads one: among its type by index, the master of a USB 2 controller
 * before its companions; one without an index after those that are there. */
static size_t controller_place(const DomainController *list, size_t n, const DomainController *c) {
        size_t at = n;
        bool found = false;

        for (size_t i = n; i-- > 0;) {
                const DomainController *other = list + i;

                if (other->type != c->type)
                        continue;
                if (!c->index.set)
                        return i + 1;
                bool before = other->index.set &&
                              (other->index.value > c->index.value ||
                               (other->index.value == c->index.value && other->master_startport.set &&
                                !c->master_startport.set));
                if (before)
                        at = i;
                else if (!found)
                        at = i + 1;
                found = true;
        }
        return at;
}

void domain_sort_controllers(Domain *d) {
        for (size_t i = 1; i < d->n_controllers; i++) {
                DomainController c = d->controllers[i];
                size_t at = controller_place(d->controllers, i, &c);

                memmove(d->controllers + at + 1, d->controllers + at, (i - at) * sizeof(DomainController));
                d->controllers[at] = c;
        }
}

static void note_positions(Domain *d) {
        for (size_t i = 0; i < d->n_controllers; i++)
                d->controllers[i].position = i;
}

void domain_settle_controllers(Domain *d) {
        domain_sort_controllers(d);
        note_positions(d);
}

void domain_unsort_controllers(Domain *d) {
        for (size_t i = 1; i < d->n_controllers; i++) {
                DomainController c = d->controllers[i];
                size_t at = i;

                while (at > 0 && d->controllers[at - 1].position > c.position)
                        at--;
                memmove(d->controllers + at + 1, d->controllers + at, (i - at) * sizeof(DomainController));
                d->controllers[at] = c;
        }
}

#define HOSTDEV_CONTROLLERS_MAX 64U /* what is beyond is refused later */

/* libvirt adds what a SCSI device of the host needs while it reads: before a controller without an index has one, and
 * without an address the device needs number 0. */
static int add_hostdev_controllers(Domain *d) {
        unsigned n = 0;

        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs)
                /* No mode at all is that one, too. */
                if (h->type == HOSTDEV_SCSI && h->mode != HOSTDEV_CAPABILITIES)
                        n = MAX(n, (h->info.address.type == ADDRESS_DRIVE ? h->info.address.controller.value : 0) + 1);
        for (unsigned i = 0; i < n && i < HOSTDEV_CONTROLLERS_MAX; i++) {
                if (index_is_used(d, CONTROLLER_SCSI, i))
                        continue;
                if (!ARRAY_GROW(d->controllers, d->n_controllers))
                        return -ENOMEM;
                d->controllers[d->n_controllers++] =
                        (DomainController) { .type = CONTROLLER_SCSI, .index = OPT_UINT(i), .added = true };
        }
        return 0;
}

static int complete_controllers(Domain *d, const HostFacts *facts) {
        domain_sort_controllers(d);
        int r = add_hostdev_controllers(d);
        if (r < 0)
                return r;
        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                if (c->type == CONTROLLER_UNSET)
                        c->type = CONTROLLER_IDE;
                if (!c->index.set)
                        c->index = OPT_UINT(controller_index(d, c));
                /* The companions of a USB 2 controller take its ports two by two. */
                const char *number = c->type == CONTROLLER_USB && c->model ? startswith(c->model, "ich9-uhci") : NULL;
                if (number && !c->master_startport.set)
                        c->master_startport = OPT_UINT((unsigned) (*number - '1') * 2);
                /* "none" is said by a 0, too. */
                OptUint *zero[] = { &c->queues, &c->cmd_per_lun, &c->max_sectors, &c->iothread };
                for (size_t i = 0; i < ELEMENTSOF(zero); i++)
                        if (zero[i]->value == 0)
                                *zero[i] = (OptUint) {};
        }
        note_positions(d);
        domain_sort_controllers(d); /* those have an index now that had none */
        FOREACH_ARRAY(i, d->iommus, d->n_iommus)
                if (i->aw_bits.value == 0)
                        i->aw_bits = (OptUint) {};
        return 0;
}

static void complete_sources(Domain *d) {
        FOREACH_ARRAY(r, d->rngs, d->n_rngs) {
                domain_complete_char_source(&r->source);
                if (r->rate_bytes.set && r->rate_bytes.value == 0)
                        r->rate_bytes = r->rate_period = (OptUint){};
        }
        FOREACH_ARRAY(s, d->smartcards, d->n_smartcards)
                domain_complete_char_source(&s->source);
        FOREACH_ARRAY(r, d->redirdevs, d->n_redirdevs) {
                domain_complete_char_source(&r->source);
                r->bus = REDIRDEV_USB;
        }
}

static void complete_filesystems(Domain *d) {
        FOREACH_ARRAY(f, d->filesystems, d->n_filesystems) {
                if (f->type == FILESYSTEM_UNSET)
                        f->type = FILESYSTEM_MOUNT;
                if (f->access == FS_ACCESS_UNSET && !f->source_socket)
                        f->access = FS_PASSTHROUGH;
                if (f->multidevs == MULTIDEVS_DEFAULT)
                        f->multidevs = MULTIDEVS_UNSET;
                if (f->model == FS_VIRTIO && f->driver == FS_DRIVER_VIRTIOFS)
                        f->model = FS_MODEL_UNSET;
                if (f->driver != FS_DRIVER_VIRTIOFS || f->queue.value == 0)
                        f->queue = (OptUint){};
        }
}

static PanicModel default_panic(const Domain *d) {
        switch (d->os.arch) {
        case ARCH_X86_64:
        case ARCH_I686:
                return PANIC_ISA;
        case ARCH_S390X:
                return PANIC_S390;
        case ARCH_PPC64:
        case ARCH_PPC64LE:
                return PANIC_PSERIES;
        default:
                return PANIC_UNSET;
        }
}

static int complete_rest(Domain *d, const HostFacts *facts) {
        bool arm = d->os.arch == ARCH_AARCH64 || d->os.arch == ARCH_ARMV7L;

        if (d->n_balloons == 0 && d->os.type == OS_HVM && !arm && !d->made_up) {
                if (!ARRAY_GROW(d->balloons, d->n_balloons))
                        return -ENOMEM;
                d->balloons[d->n_balloons++] = (DomainBalloon) { .model = BALLOON_VIRTIO };
        }
        complete_sources(d);
        complete_filesystems(d);
        FOREACH_ARRAY(b, d->balloons, d->n_balloons)
                if (b->stats_period.value == 0)
                        b->stats_period = (OptUint) {};
        if (d->n_redirfilters == 1 && d->redirfilters->n_rules == 0)
                d->n_redirfilters = 0;
        FOREACH_ARRAY(r, d->rngs, d->n_rngs)
                if (r->backend == RNG_BACKEND_RANDOM && !r->backend_path &&
                    free_and_strdup(&r->backend_path, "/dev/random") < 0)
                        return -ENOMEM;
        FOREACH_ARRAY(p, d->panics, d->n_panics)
                if (p->model == PANIC_UNSET)
                        p->model = default_panic(d);
        FOREACH_ARRAY(w, d->watchdogs, d->n_watchdogs)
                if (w->action == WATCHDOG_ACTION_UNSET)
                        w->action = WATCHDOG_ACTION_RESET;
        return 0;
}

/* In this order: later steps look at what earlier ones have filled in. */
static int complete_aliases(Domain *d, const HostFacts *facts) {
        domain_forget_aliases(d);
        return 0;
}

static int (*const steps[])(Domain *, const HostFacts *) = {
        complete_base,         domain_complete_tune, domain_complete_memory, domain_complete_seclabels,
        complete_aliases,     complete_uuid,        complete_macs,       complete_boot,
        domain_complete_cloud_init,
        domain_complete_disks, complete_controllers, domain_complete_interfaces, domain_complete_chars,
        domain_complete_hostdevs,
        domain_complete_inputs, domain_complete_graphics, domain_complete_videos, domain_complete_audio, complete_rest,
        complete_genid,        domain_complete_platform, domain_complete_sysinfos,
};

int domain_complete(Domain *d, const HostFacts *facts, Diag *diag) {
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int r = steps[i](d, facts);
                if (r < 0)
                        return r;
        }
        return 0;
}
