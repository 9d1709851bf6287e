/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

void refuse(Diag *diag, SrcLoc loc, const char *what, const char *word) {
        (void) diag_error(diag, loc, "not supported: %s '%s'", what, strempty(word));
}

void check_path(Diag *diag, SrcLoc loc, const char *what, const char *path) {
        if (path && *path != '/')
                (void) diag_error(diag, loc, "%s: '%s' is not an absolute path", what, path);
}

static void check_name(const Domain *d, Diag *diag) {
        if (isempty(d->name))
                (void) diag_error(diag, d->loc, "<name> is missing: a machine needs one");
}

static void check_memory(const Domain *d, Diag *diag) {
        if (d->memory == 0)
                (void) diag_error(diag, d->memory_loc.line > 0 ? d->memory_loc : d->loc,
                                  "memory is 0: a machine needs some");
}

static void check_vcpus(const Domain *d, Diag *diag) {
        unsigned n = d->vcpus.set ? d->vcpus.value : 1;

        if (n == 0)
                (void) diag_error(diag, d->loc, "vcpu is 0: a machine needs one");
        else if (n > NUMBER_SET_MAX)
                (void) diag_error(diag, d->loc, "vcpu is %u: there can be %u", n, NUMBER_SET_MAX);
        if (d->current_vcpus.set && d->current_vcpus.value == 0)
                (void) diag_error(diag, d->loc, "vcpu @current is 0: a machine needs one to start with");
        else if (d->current_vcpus.set && d->current_vcpus.value > n)
                (void) diag_error(diag, d->loc, "vcpu @current is %u, but there are %u at most",
                                  d->current_vcpus.value, n);
        if (d->vcpu_placement == PLACEMENT_AUTO)
                refuse(diag, d->loc, "vcpu placement", "auto");
        if (d->iothreads.set && d->iothreads.value > NUMBER_SET_MAX)
                (void) diag_error(diag, d->loc, "iothreads is %u: there can be %u", d->iothreads.value,
                                  NUMBER_SET_MAX);
}

static void check_cpu(const Domain *d, Diag *diag) {
        const DomainCpu *c = &d->cpu;

        if (c->sockets.set || c->cores.set || c->threads.set) {
                unsigned sockets = c->sockets.set ? c->sockets.value : 1,
                         dies = c->dies.set ? c->dies.value : 1;
                unsigned cores = c->cores.set ? c->cores.value : 1,
                         threads = c->threads.set ? c->threads.value : 1;
                unsigned vcpus = d->vcpus.set ? d->vcpus.value : 1;
                uint64_t product;

                if (__builtin_mul_overflow((uint64_t) sockets * dies, (uint64_t) cores * threads, &product))
                        product = UINT64_MAX;
                if (product != vcpus)
                        (void) diag_error(
                                diag, c->loc,
                                "cpu topology: %u sockets x %u dies x %u cores x %u threads are %" PRIu64
                                ", but vcpu is %u",
                                sockets, dies, cores, threads, product, vcpus);
        }
        if ((c->mode == CPU_CUSTOM || c->mode == CPU_UNSET) && !c->model && c->n_features > 0)
                (void) diag_error(diag, c->loc, "cpu has features ('%s') but no model", c->features[0].name);
        for (size_t i = 0; i < c->n_features; i++) {
                const CpuFeature *f = c->features + i;
                if (f->name && (isempty(f->name) || !in_charset(f->name, ALPHANUMERICAL "_.-")))
                        (void) diag_error(diag, f->loc, "cpu feature '%s' has characters other than a-z, A-Z, 0-9, _, . and -",
                                          f->name);
                for (size_t k = 0; k < i; k++)
                        if (streq_ptr(c->features[i].name, c->features[k].name)) {
                                (void) diag_error(diag, c->features[i].loc, "cpu feature '%s' is given twice",
                                                  c->features[i].name);
                                break;
                        }
        }
}

/* All of them run, whatever the earlier ones found; so each looks only at what it is about. */
static const DomainCheck checks[] = {
        check_name,         check_memory,     check_vcpus,         check_os,
        check_firmware,     check_features,   check_cpu,           check_clock,
        check_lifecycle,    check_disks,      check_disk_targets,  check_disk_addresses,
        check_controllers,  check_interfaces, check_chars,         check_consoles,
        check_serial_ports, check_inputs,     check_graphics,      check_videos,
        check_watchdogs,    check_balloons,   check_rngs,          check_panics,
        check_tpms,                 check_boot_order,   check_aliases,    check_pci_addresses, check_qemu,
};

int domain_validate(const Domain *d, Diag *diag) {
        _cleanup_diag_ Diag own = {};
        size_t before;

        /* Without a Diag of the caller's there would be nothing to tell the result from. */
        if (!diag)
                diag = &own;
        before = diag->n_errors;

        /* For another hypervisor everything else would be noise. */
        if (d->type != DOMAIN_QEMU && d->type != DOMAIN_KVM && d->type != DOMAIN_UNSET)
                refuse(diag, d->loc, "domain type", domain_type_to_string(d->type));
        else
                for (size_t i = 0; i < ELEMENTSOF(checks); i++)
                        checks[i](d, diag);
        return diag->n_errors > before ? -EINVAL : 0;
}
