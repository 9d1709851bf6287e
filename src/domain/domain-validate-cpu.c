/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

/* The processor. */

#define VENDOR_ID_LENGTH 12

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

static void check_topology(const Domain *d, Diag *diag) {
        const DomainCpu *c = &d->cpu;
        const struct { const char *name; OptUint value;
        } parts[] = {
                { "sockets", c->sockets }, { "dies", c->dies }, { "cores", c->cores }, { "threads", c->threads },
        };
        unsigned vcpus = domain_written_vcpus(d);
        uint64_t product = 1;

        if (!c->sockets.set && !c->cores.set && !c->threads.set)
                return;
        FOREACH_ARRAY(p, parts, ELEMENTSOF(parts)) {
                if (p->value.set && p->value.value == 0) {
                        (void) diag_error(diag, c->loc, "cpu topology: %s is 0", p->name);
                        return;
                }
                if (p->value.set && __builtin_mul_overflow(product, (uint64_t) p->value.value, &product))
                        product = UINT64_MAX;
        }
        if (product != vcpus)
                (void) diag_error(diag, c->loc,
                                  "cpu topology: %u sockets x %u dies x %u cores x %u threads are %" PRIu64 ", but vcpu is %u",
                                  c->sockets.value, c->dies.set ? c->dies.value : 1, c->cores.value, c->threads.value,
                                  product, vcpus);
}

static bool is_host_mode(const DomainCpu *c) {
        return c->mode == CPU_HOST_PASSTHROUGH || c->mode == CPU_MAXIMUM;
}

static void check_cpu_cache(const Domain *d, Diag *diag) {
        const DomainCpu *c = &d->cpu;

        if (c->cache == CPU_CACHE_UNSET)
                return;
        if (!is_x86(d))
                (void) diag_error(diag, c->loc, "cpu cache is for x86 machines, not for '%s'", strempty(arch_to_string(d->os.arch)));
        if (c->cache == CPU_CACHE_EMULATE && c->cache_level.value != 3)
                (void) diag_error(diag, c->loc, "cpu cache mode='emulate' needs level='3'");
        if (c->cache != CPU_CACHE_EMULATE && c->cache_level.set)
                (void) diag_error(diag, c->loc, "cpu cache mode='%s' has no level", cpu_cache_mode_to_string(c->cache));
        if (c->cache == CPU_CACHE_PASSTHROUGH && !is_host_mode(c))
                (void) diag_error(diag, c->loc, "cpu cache mode='passthrough' needs the mode 'host-passthrough' or 'maximum'");
}

static void check_maxphysaddr(const Domain *d, Diag *diag) {
        const DomainCpu *c = &d->cpu;

        if (c->maxphysaddr == PHYS_ADDR_UNSET)
                return;
        if (!is_x86(d))
                (void) diag_error(diag, c->loc, "cpu maxphysaddr is for x86 machines, not for '%s'", strempty(arch_to_string(d->os.arch)));
        if (c->maxphysaddr == PHYS_ADDR_EMULATE && !c->physaddr_bits.set)
                (void) diag_error(diag, c->loc, "cpu maxphysaddr mode='emulate' needs @bits");
        if (c->maxphysaddr == PHYS_ADDR_PASSTHROUGH && c->physaddr_bits.set)
                (void) diag_error(diag, c->loc, "cpu maxphysaddr mode='passthrough' has no @bits: they are the host's");
        if (c->maxphysaddr == PHYS_ADDR_EMULATE && c->physaddr_limit.set)
                (void) diag_error(diag, c->loc, "cpu maxphysaddr @limit goes with mode='passthrough'");
}

static void check_model(const DomainCpu *c, Diag *diag) {
        bool custom = c->mode == CPU_CUSTOM || c->mode == CPU_UNSET;

        if (custom && !c->model && c->n_features > 0)
                (void) diag_error(diag, c->loc, "cpu has features ('%s') but no model", c->features[0].name);
        if (!c->model && c->vendor)
                (void) diag_error(diag, c->loc, "cpu has a vendor ('%s') but no model", c->vendor);
        if (c->vendor_id && (strlen(c->vendor_id) != VENDOR_ID_LENGTH || strchr(c->vendor_id, ',')))
                (void) diag_error(diag, c->loc, "cpu vendor_id '%s' is not %d characters (and no comma)", c->vendor_id,
                                  VENDOR_ID_LENGTH);
        if (c->migratable != TRI_UNSET && !is_host_mode(c))
                (void) diag_error(diag, c->loc, "cpu @migratable needs the mode 'host-passthrough' or 'maximum'");
        if (c->model && !in_charset(c->model, ALPHANUMERICAL "_.+-"))
                (void) diag_error(diag, c->loc, "cpu model '%s' has characters other than a-z, A-Z, 0-9, _, ., + and -", c->model);
}

void check_cpu(const Domain *d, Diag *diag) {
        const DomainCpu *c = &d->cpu;

        check_topology(d, diag);
        check_model(c, diag);
        check_cpu_cache(d, diag);
        check_maxphysaddr(d, diag);
        FOREACH_ARRAY(f, c->features, c->n_features) {
                if (f->name && (isempty(f->name) || !in_charset(f->name, ALPHANUMERICAL "_.-")))
                        (void) diag_error(diag, f->loc, "cpu feature '%s' has characters other than a-z, A-Z, 0-9, _, . and -",
                                          f->name);
                for (const CpuFeature *o = c->features; o < f; o++)
                        if (streq_ptr(f->name, o->name)) {
                                (void) diag_error(diag, f->loc, "cpu feature '%s' is given twice", f->name);
                                break;
                        }
        }
}
