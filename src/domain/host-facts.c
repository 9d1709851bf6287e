/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-facts.h"
#include "string-util.h"
#include "strv.h"

#define CERT_DIR_VNC "/etc/pki/libvirt-vnc"
#define CERT_DIR_SPICE "/etc/pki/libvirt-spice"

const HostFacts host_facts_generic = {
        .arch = ARCH_X86_64,
        .machine_id = {0x6d, 0x61, 0x63, 0x68, 0x69, 0x6e, 0x65, 0x2d, 0x69, 0x64, 0x2d, 0x30, 0x30, 0x30,
                       0x30, 0x31},
        .has_kvm = true,
        .any_processor = true,
        .has_vhost_net = true,
        .page_size = 4096,
        .numa_nodes.bits = { [0 ... NUMBER_SET_MAX / 64 - 1] = UINT64_MAX },
        .state_dir = "/var/lib/vmunit",
        .data_dir = "/usr/share/vmunit",
        .libexec_dir = "/usr/libexec/vmunit",
        .now = 1700000000,
};

int host_facts_check(const HostFacts *f, const Domain *d, Diag *diag) {
        if (d->type == DOMAIN_KVM && !f->has_kvm)
                return diag_error_code(diag, -ENODEV, d->loc,
                                       "domain type 'kvm' needs /dev/kvm, which this machine does "
                                       "not have (use type='qemu' for emulation)");
        return 0;
}

void host_facts_forget_chains(HostFacts *f) {
        FOREACH_ARRAY(chain, f->chains, f->n_chains) {
                FOREACH_ARRAY(image, chain->images, chain->n_images)
                        free(image->path);
                free(chain->images);
                free(chain->target_dev);
        }
        free(f->chains);
        f->chains = NULL;
        f->n_chains = 0;
}

void host_resources_done(HostResources *r) {
        FOREACH_ARRAY(n, r->nodes, r->n_nodes)
                free(n->pools);
        free(r->nodes);
        *r = (HostResources) {};
}

const HostNode *host_resources_node(const HostResources *r, unsigned id) {
        FOREACH_ARRAY(n, r->nodes, r->n_nodes)
                if (n->id == id)
                        return n;
        return NULL;
}

void selinux_facts_done(SelinuxFacts *s) {
        free(s->process);
        free(s->process_emulated);
        free(s->image);
        free(s->content);
        *s = (SelinuxFacts) {};
}

static int configure_display(DisplayConfig *d, DisplayConfig *from, const char *cert_dir) {
        display_config_done(d);
        *d = *from;
        *from = (DisplayConfig) {};
        return d->cert_dir ? 0 : free_and_strdup(&d->cert_dir, cert_dir);
}

int host_facts_configure(HostFacts *f, Config *c) {
        if (c->no_selinux)
                selinux_facts_done(&f->selinux);
        if (c->no_apparmor)
                f->apparmor = (ApparmorFacts) {};
        f->user = TAKE_PTR(c->user);
        f->group = TAKE_PTR(c->group);
        f->devices = TAKE_PTR(c->devices);
        f->host_shutdown = c->host_shutdown;
        f->lenient = c->missing_resources == MISSING_RESOURCES_IGNORE;
        if (!number_set_is_empty(&c->selinux_categories))
                number_set_intersect(&f->selinux.categories, &c->selinux_categories);
        free(f->chardev_cert_dir);
        free(f->nbd_cert_dir);
        f->chardev_cert_dir = c->chardev_cert_dir ? TAKE_PTR(c->chardev_cert_dir) : c->cert_dir ? strdup(c->cert_dir) : NULL;
        f->nbd_cert_dir = c->nbd_cert_dir ? TAKE_PTR(c->nbd_cert_dir) : c->cert_dir ? strdup(c->cert_dir) : NULL;
        int r = configure_display(&f->vnc, &c->vnc, c->cert_dir ?: CERT_DIR_VNC);
        return r < 0 ? r : configure_display(&f->spice, &c->spice, c->cert_dir ?: CERT_DIR_SPICE);
}

void host_facts_done(HostFacts *f) {
        display_config_done(&f->vnc);
        display_config_done(&f->spice);
        free(f->chardev_cert_dir);
        free(f->nbd_cert_dir);
        selinux_facts_done(&f->selinux);
        f->user = mfree(f->user);
        f->group = mfree(f->group);
        strv_free(f->devices);
        f->devices = NULL;
        host_facts_forget_chains(f);
        host_resources_done(&f->resources);
        if (f->sysinfo)
                sysinfo_done(f->sysinfo);
        free(f->sysinfo);
        f->sysinfo = NULL;
        firmware_list_done(&f->firmwares);
}

const char *arch_default_emulator(Arch arch) {
        static const char *const emulators[_ARCH_MAX] = {
                [ARCH_X86_64] = "/usr/bin/qemu-system-x86_64",
                /* The 64-bit emulator is a superset, but libvirt takes the one of the name. */
                [ARCH_I686] = "/usr/bin/qemu-system-i386",
                [ARCH_AARCH64] = "/usr/bin/qemu-system-aarch64",
                [ARCH_ARMV7L] = "/usr/bin/qemu-system-arm",
                [ARCH_PPC64] = "/usr/bin/qemu-system-ppc64",
                [ARCH_PPC64LE] = "/usr/bin/qemu-system-ppc64",
                [ARCH_RISCV64] = "/usr/bin/qemu-system-riscv64",
                [ARCH_S390X] = "/usr/bin/qemu-system-s390x",
        };

        return arch > ARCH_UNSET && arch < _ARCH_MAX ? emulators[arch] : NULL;
}
