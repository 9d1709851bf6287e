/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-parse-model.h"

/* What is no device: machine, processor, memory, clock, boot. */

Arch parse_emulator_arch(const char *emulator) {
        const char *name = strrchr(emulator, '/');
        const char *arch = startswith(name ? name + 1 : emulator, "qemu-system-");

        if (!arch) /* "qemu" was the one for old PCs; "kvm", "qemu-kvm" and wrappers are for the host's kind */
                return streq(name ? name + 1 : emulator, "qemu") ? ARCH_I686 : ARCH_X86_64;
        if (streq(arch, "i386"))
                return ARCH_I686;
        if (streq(arch, "arm"))
                return ARCH_ARMV7L;
        int v = arch_from_string(arch);
        return v > 0 ? (Arch) v : ARCH_UNSET;
}

static const PropRow machine_rows[] = {
        PROP("type", PROP_STRING, Domain, os.machine),
        PROP("vmport", PROP_TRISTATE, Domain, features.vmport),
        PROP("smm", PROP_TRISTATE, Domain, features.smm),
        PROP_WORDS("gic-version", Domain, features.gic_version, gic_version),
        PROPS_END,
};

/* Nothing is said of a node but what a definition's flash is made of. */
static bool is_plain_node(const Item *i) {
        static const char *const known[] = { "driver", "node-name", "file", "filename", "read-only", "auto-read-only" };

        FOREACH_ARRAY(q, i->props, i->n_props) {
                bool found = streq(q->key, "discard") && streq(q->value, "unmap");
                for (size_t k = 0; k < ELEMENTSOF(known); k++)
                        found |= streq(q->key, known[k]);
                if (!found)
                        return false;
        }
        return true;
}

/* The firmware in a flash: the nodes that the machine names. */
static int parse_flash(Parse *p, Item *machine, const char *key, char **path, DiskFormat *format_word, Tristate *readonly, bool *block) {
        const char *name = item_get(machine, key);
        Item *format = name ? items_find(&p->items, "-blockdev", name) : NULL;
        Item *storage = format ? items_find(&p->items, "-blockdev", item_get(format, "file")) : NULL;

        if (!storage || !item_get(storage, "filename") || !is_plain_node(storage) || !is_plain_node(format))
                return 0;
        const char *driver = strempty(item_get(storage, "driver"));
        int word = (int) disk_format_from_string(strempty(item_get(format, "driver")));
        bool on = streq_ptr(item_get(format, "read-only"), "on");
        *block = streq(driver, "host_device");
        if ((!*block && !streq(driver, "file")) || word <= 0 || (!readonly && on))
                return 0;
        if (word != FORMAT_RAW)
                *format_word = (DiskFormat) word;
        if (readonly)
                *readonly = on ? TRI_YES : TRI_NO;
        if (free_and_strdup(path, item_get(storage, "filename")) < 0)
                return -ENOMEM;
        (void) item_take(machine, key);
        format->used = storage->used = true;
        return 0;
}

static int parse_firmware(Parse *p, Item *i) {
        DomainOs *os = &p->d->os;
        bool block = false; /* set only where a node for the file is found */

        int r = parse_flash(p, i, "pflash0", &os->loader, &os->loader_format, &os->loader_readonly, &block);
        if (r < 0 || !os->loader)
                return r;
        os->loader_type = LOADER_PFLASH;
        if (!item_get(i, "pflash1")) {
                os->loader_stateless = TRI_YES;
                return 0;
        }
        r = parse_flash(p, i, "pflash1", &os->nvram, &os->nvram_format, NULL, &block);
        if (r >= 0 && os->nvram && block)
                os->nvram_type = DISK_BLOCK;
        return r;
}

/* QEMU takes dashes for underscores in the names of properties, and the other way. */
static void rename_keys(Item *i, char from, char to) {
        FOREACH_ARRAY(q, i->props, i->n_props)
                for (char *c = q->key; *c; c++)
                        if (*c == from)
                                *c = to;
}

/* What follows from devices: there they are now. */
static int parse_machine_rest(Parse *p, Item *i) {
        const Domain *d = p->d;
        bool nvdimm = false, hmat = d->cpu.n_interconnects > 0;

        FOREACH_ARRAY(m, d->memories, d->n_memories)
                nvdimm |= m->model == MEMORY_NVDIMM;
        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells)
                hmat |= c->n_caches > 0;
        if (nvdimm)
                (void) item_take_if(i, "nvdimm", "on");
        if (hmat)
                (void) item_take_if(i, "hmat", "on");
        return !item_is_used_up(i);
}

int parse_machine(Parse *p, Item *i) {
        Domain *d = p->d;
        const char *accel = item_get(i, "accel");

        if (p->phase == PHASE_DEVICES) /* among the other cards, which are numbered */
                return parse_speaker(p, i);
        if (p->phase == PHASE_AFTERWARDS)
                return parse_machine_rest(p, i);
        rename_keys(i, '_', '-');
        int r = props_apply(i, machine_rows, d);
        if (r < 0)
                return r;
        if (accel && (startswith(accel, "kvm") || startswith(accel, "tcg"))) {
                d->type = startswith(accel, "kvm") ? DOMAIN_KVM : DOMAIN_QEMU;
                (void) item_take(i, "accel");
        }
        if (d->features.gic_version != GIC_UNSET)
                d->features.gic = true;
        if (streq_ptr(item_take(i, "dump-guest-core"), "on"))
                d->dump_core = TRI_YES;
        if (streq_ptr(item_get(i, "mem-merge"), "off")) {
                d->memory_backing.nosharepages = true;
                (void) item_take(i, "mem-merge");
        }
        const char *chip = item_get(i, "kernel-irqchip");
        if (streq_ptr(chip, "on") || streq_ptr(chip, "split")) {
                d->features.ioapic = streq(chip, "on") ? IOAPIC_KVM : IOAPIC_QEMU;
                (void) item_take(i, "kernel-irqchip");
        }
        if (streq_ptr(item_get(i, "iommu"), "smmuv3") && !arch_is_x86(d)) {
                DomainIommu *iommu = PARSE_ADD(p, iommus);
                if (!iommu)
                        return -ENOMEM;
                iommu->model = IOMMU_SMMUV3;
                (void) item_take(i, "iommu");
        }
        if (streq_ptr(item_get(i, "usb"), "on"))
                p->usb = true;
        (void) item_take(i, "usb");
        (void) item_take_if(i, "vmport", "auto");
        r = parse_ram(p, i);
        if (r < 0)
                return r;
        r = parse_firmware(p, i);
        if (r < 0)
                return r;
        if (streq_ptr(item_get(i, "graphics"), "off") && arch_is_x86(d)) {
                d->os.bios_useserial = TRI_YES;
                (void) item_take(i, "graphics");
        }
        if (streq_ptr(item_get(i, "acpi"), "off")) {
                p->no_acpi = true;
                (void) item_take(i, "acpi");
        }
        if (streq_ptr(item_get(i, "hpet"), "off")) {
                r = parse_no_hpet(p, i);
                (void) item_take(i, "hpet");
        }
        return r < 0 ? r : item_is_used_up(i) ? 0 : 2;
}

int parse_accel(Parse *p, Item *i) {
        DomainFeatures *f = &p->d->features;
        const char *word = item_get(i, "accel"), *tb = item_get(i, "tb-size");
        const PropRow rows[] = { PROP("dirty-ring-size", PROP_UINT, DomainFeatures, kvm_dirty_ring_size), PROPS_END };
        uint64_t mib;

        if (!word || (!streq(word, "kvm") && !streq(word, "tcg")))
                return 1;
        if (p->accel_said)
                return diag_warning(p->diag, (SrcLoc) {}, "-accel %s is left out: a definition has one, and another one stands before", i->value);
        p->accel_said = true;
        (void) item_take(i, "accel");
        int r = streq(word, "kvm") ? props_apply(i, rows, f) : 0;
        if (r < 0)
                return r;
        if (f->kvm_dirty_ring_size.set)
                f->kvm_dirty_ring = TRI_YES;
        if (streq(word, "tcg") && tb && parse_u64(tb, 10, &mib) >= 0 && mib < (1U << 24)) {
                f->tb_cache = OPT_U64(mib << 20);
                (void) item_take(i, "tb-size");
        }
        p->d->type = streq(word, "kvm") ? DOMAIN_KVM : DOMAIN_QEMU;
        return !item_is_used_up(i);
}

int parse_enable_kvm(Parse *p, Item *i) {
        p->d->type = DOMAIN_KVM;
        return 0;
}

/* --- processor --- */

static int add_feature(Parse *p, const char *name, CpuPolicy policy) {
        DomainCpu *cpu = &p->d->cpu;

        if (!ARRAY_GROW(cpu->features, cpu->n_features))
                return -ENOMEM;
        CpuFeature *f = cpu->features + cpu->n_features++;
        *f = (CpuFeature) { .policy = policy, .name = strdup(name) };
        return f->name ? 0 : -ENOMEM;
}

int parse_timer(Parse *p, TimerName name, DomainTimer **ret) {
        DomainClock *c = &p->d->clock;

        FOREACH_ARRAY(t, c->timers, c->n_timers)
                if (t->name == name) {
                        *ret = t;
                        return 0;
                }
        if (!ARRAY_GROW(c->timers, c->n_timers))
                return -ENOMEM;
        *ret = c->timers + c->n_timers++;
        **ret = (DomainTimer) { .name = name };
        return 0;
}

/* What Windows finds useful. */
static int parse_hyperv(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP("hv-relaxed", PROP_TRISTATE, DomainHyperv, relaxed),
                PROP("hv-vapic", PROP_TRISTATE, DomainHyperv, vapic),
                PROP("hv-vpindex", PROP_TRISTATE, DomainHyperv, vpindex),
                PROP("hv-runtime", PROP_TRISTATE, DomainHyperv, runtime),
                PROP("hv-synic", PROP_TRISTATE, DomainHyperv, synic),
                PROP("hv-stimer", PROP_TRISTATE, DomainHyperv, stimer),
                PROP("hv-stimer-direct", PROP_TRISTATE, DomainHyperv, stimer_direct),
                PROP("hv-reset", PROP_TRISTATE, DomainHyperv, reset),
                PROP("hv-frequencies", PROP_TRISTATE, DomainHyperv, frequencies),
                PROP("hv-reenlightenment", PROP_TRISTATE, DomainHyperv, reenlightenment),
                PROP("hv-tlbflush", PROP_TRISTATE, DomainHyperv, tlbflush),
                PROP("hv-ipi", PROP_TRISTATE, DomainHyperv, ipi),
                PROP("hv-evmcs", PROP_TRISTATE, DomainHyperv, evmcs),
                PROP("hv-avic", PROP_TRISTATE, DomainHyperv, avic),
                PROP("hv-emsr-bitmap", PROP_TRISTATE, DomainHyperv, emsr_bitmap),
                PROP("hv-xmm-input", PROP_TRISTATE, DomainHyperv, xmm_input),
                PROP("hv-spinlocks", PROP_UINT, DomainHyperv, spinlock_retries),
                PROP("hv-vendor-id", PROP_STRING, DomainHyperv, vendor),
                PROPS_END,
        };
        DomainHyperv *h = &p->d->features.hyperv;
        bool any = false;

        FOREACH_ARRAY(q, i->props, i->n_props)
                any |= startswith(q->key, "hv-") && !streq(q->key, "hv-time") && !streq(q->key, "hv-crash");
        if (!any)
                return 0;
        int r = props_apply(i, rows, h);
        if (r < 0)
                return r;
        h->loc.line = 1;
        h->mode = HYPERV_CUSTOM;
        if (streq_ptr(item_take(i, "hv-passthrough"), "on"))
                h->mode = HYPERV_PASSTHROUGH;
        if (h->spinlock_retries.set)
                h->spinlocks = TRI_YES;
        if (h->vendor)
                h->vendor_id = TRI_YES;
        return 0;
}

/* Caches and the width of addresses, where they are the host's. */
static void parse_cpu_host(Parse *p, Item *i) {
        DomainCpu *cpu = &p->d->cpu;
        const char *host = item_get(i, "host-cache-info"), *l3 = item_get(i, "l3-cache"), *limit = item_get(i, "host-phys-bits-limit");
        unsigned n;

        if (host || l3)
                cpu->cache = streq_ptr(host, "on") ? CPU_CACHE_PASSTHROUGH : streq_ptr(l3, "on") ? CPU_CACHE_EMULATE : CPU_CACHE_DISABLE;
        if (cpu->cache == CPU_CACHE_EMULATE)
                cpu->cache_level = OPT_UINT(3);
        (void) item_take(i, "host-cache-info");
        (void) item_take(i, "l3-cache");
        if (streq_ptr(item_get(i, "host-phys-bits"), "on")) {
                cpu->maxphysaddr = PHYS_ADDR_PASSTHROUGH;
                (void) item_take(i, "host-phys-bits");
                if (limit && parse_uint(limit, &n) >= 0) {
                        cpu->physaddr_limit = OPT_UINT(n);
                        (void) item_take(i, "host-phys-bits-limit");
                }
        }
        const char *bits = item_get(i, "phys-bits");
        if (bits && parse_uint(bits, &n) >= 0) {
                cpu->maxphysaddr = PHYS_ADDR_EMULATE;
                cpu->physaddr_bits = OPT_UINT(n);
                (void) item_take(i, "phys-bits");
        }
}

/* Where nothing is said of what libvirt's model lacks of QEMU's, the host may have it. */
static int keep_removed(Parse *p, const Item *i, const char *model) {
        const char *feature = qemu_cpu_removed_feature(model);

        return feature && !item_get(i, feature) ? add_feature(p, feature, POLICY_OPTIONAL) : 0;
}

/* What is said of the processor and is no feature of its. */
static int parse_cpu_extra(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP("kvm-pv-eoi", PROP_TRISTATE, DomainFeatures, apic_eoi),
                PROP("kvm-pv-unhalt", PROP_TRISTATE, DomainFeatures, pvspinlock),
                PROP("pmu", PROP_TRISTATE, DomainFeatures, pmu),
                PROP("kvm-hint-dedicated", PROP_TRISTATE, DomainFeatures, kvm_hint_dedicated),
                PROP("kvm-poll-control", PROP_TRISTATE, DomainFeatures, kvm_poll_control),
                PROP("kvm-pv-ipi", PROP_TRISTATE, DomainFeatures, kvm_pv_ipi),
                PROPS_END,
        };
        const char *clock = item_take(i, "kvmclock"), *crash = item_take(i, "hv-crash"), *hv = item_take(i, "hv-time"), *tsc = item_get(i, "tsc-frequency");
        DomainTimer *t;
        uint64_t n;

        int r = props_apply(i, rows, &p->d->features);
        if (r >= 0)
                r = parse_hyperv(p, i);
        if (r >= 0 && p->d->features.apic_eoi != TRI_UNSET)
                p->d->features.apic = true;
        if (r >= 0 && streq_ptr(item_get(i, "kvm"), "off"))
                p->d->features.kvm_hidden = TRI_YES;
        (void) item_take(i, "kvm");
        if (r >= 0 && clock && (r = parse_timer(p, TIMER_KVMCLOCK, &t)) >= 0)
                t->present = streq(clock, "on") ? TRI_YES : TRI_NO;
        if (r >= 0 && streq_ptr(crash, "on")) {
                DomainPanic *panic = PARSE_ADD(p, panics);
                if (!panic)
                        return -ENOMEM;
                panic->model = PANIC_HYPERV;
        }
        if (r >= 0 && streq_ptr(hv, "on") && (r = parse_timer(p, TIMER_HYPERVCLOCK, &t)) >= 0)
                t->present = TRI_YES;
        if (r >= 0 && tsc && parse_u64(tsc, 10, &n) >= 0 && (r = parse_timer(p, TIMER_TSC, &t)) >= 0) {
                t->frequency = OPT_U64(n);
                (void) item_take(i, "tsc-frequency");
        }
        return r;
}

/* Switches of QEMU's processors that are no features of a processor and have no element. */
static bool is_cpu_switch(const char *name, bool custom) {
        static const char *const names[] = {
                "legacy-cache", "fill-mtrr-mask", "full-cpuid-auto-level", "cpuid-0xb", "tcg-cpuid", "vmware-cpuid-freq",
                "kvm-no-smi-migration", "start-powered-off", "realized", "hotplugged", "hv-no-nonarch-coresharing",
                "hv-enforce-cpuid", "hv-syndbg", "lbr-fmt", "memory", "unavailable-features", "feature-words",
                "filtered-features", "crash-information",
        };

        FOREACH_ARRAY(n, names, ELEMENTSOF(names))
                if (streq(*n, name))
                        return true;
        return startswith(name, "x-") || startswith(name, "hv-version-id-") || (custom && streq(name, "migratable"));
}

/* "+hv_time" is "hv-time=on". */
static int spell_features(Item *i) {
        FOREACH_ARRAY(q, i->props, i->n_props) {
                bool plus = *q->key == '+', minus = *q->key == '-';
                if (!plus && !minus)
                        continue;
                memmove(q->key, q->key + 1, strlen(q->key));
                if (free_and_strdup(&q->value, plus ? "on" : "off") < 0)
                        return -ENOMEM;
        }
        rename_keys(i, '_', '-');
        return 0;
}

/* Whether all of it can be part of the model: what is not understood at the end must not have changed it. */
static bool cpu_is_plain(const Item *i, bool custom) {
        static const char *const numbers[] = { "tsc-frequency", "hv-spinlocks", "phys-bits", "host-phys-bits-limit" };
        bool host_bits = streq_ptr(item_get(i, "host-phys-bits"), "on");
        uint64_t n;

        FOREACH_ARRAY(q, i->props, i->n_props) {
                bool number = false;
                if (q->used || streq(q->key, "hv-vendor-id"))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(numbers); k++)
                        number |= streq(q->key, numbers[k]);
                if (number && parse_u64(q->value, streq(q->key, "hv-spinlocks") ? 0 : 10, &n) < 0)
                        return false;
                if (number && n > UINT32_MAX && !streq(q->key, "tsc-frequency"))
                        return false;
                if (!number && !streq(q->value, "on") && !streq(q->value, "off"))
                        return false;
                if (!*q->key || is_cpu_switch(q->key, custom) || (!host_bits && startswith(q->key, "host-phys-bits")))
                        return false;
        }
        return true;
}

int parse_cpu(Parse *p, Item *i) {
        DomainCpu *cpu = &p->d->cpu;
        const char *model = item_take(i, "model");
        int r = 0;

        if (isempty(model))
                return 1;
        if (spell_features(i) < 0)
                return -ENOMEM;
        bool custom = !streq(model, "host") && !streq(model, "max");
        if (!cpu_is_plain(i, custom))
                return 1;
        if (!custom) {
                cpu->mode = streq(model, "host") ? CPU_HOST_PASSTHROUGH : CPU_MAXIMUM;
                const char *migratable = item_take(i, "migratable");
                if (migratable)
                        cpu->migratable = streq(migratable, "on") ? TRI_YES : TRI_NO;
        } else {
                cpu->mode = CPU_CUSTOM;
                cpu->match = MATCH_EXACT;
                cpu->check = CHECK_NONE;
                cpu->fallback = FALLBACK_FORBID;
                r = free_and_strdup(&cpu->model, model);
        }
        const char *check = item_take(i, "check"), *enforce = item_take(i, "enforce");
        if (streq_ptr(enforce, "on"))
                cpu->check = CHECK_FULL;
        else if (streq_ptr(check, "on"))
                cpu->check = CHECK_PARTIAL;
        cpu->loc.line = 1;
        if (r >= 0)
                r = parse_cpu_extra(p, i);
        if (r >= 0 && cpu->mode == CPU_CUSTOM)
                r = keep_removed(p, i, model);
        parse_cpu_host(p, i);
        FOREACH_ARRAY(q, i->props, i->n_props) {
                if (r < 0 || q->used)
                        continue;
                r = add_feature(p, q->key, streq(q->value, "on") ? POLICY_REQUIRE : POLICY_DISABLE);
                q->used = true;
        }
        return r < 0 ? r : 0;
}

/* Where a topology is not said in full, machines before 6.2 put what is missing into sockets, others into cores. */
static bool machine_prefers_cores(const Domain *d) {
        const char *dash = d->os.machine ? strrchr(d->os.machine, '-') : NULL;
        unsigned major, minor;

        return !dash || sscanf(dash + 1, "%3u.%3u", &major, &minor) != 2 || major > 6 || (major == 6 && minor >= 2);
}

static uint64_t saturated(uint64_t n) {
        return MIN(n, (uint64_t) UINT32_MAX);
}

int parse_smp(Parse *p, Item *i) {
        struct { OptUint cpus, max, sockets, dies, cores, threads; } n = {};
        const PropRow rows[] = {
                PROP("cpus", PROP_UINT, typeof(n), cpus),       PROP("maxcpus", PROP_UINT, typeof(n), max),
                PROP("sockets", PROP_UINT, typeof(n), sockets), PROP("dies", PROP_UINT, typeof(n), dies),
                PROP("cores", PROP_UINT, typeof(n), cores),     PROP("threads", PROP_UINT, typeof(n), threads),
                PROPS_END,
        };
        Domain *d = p->d;
        int r = props_apply(i, rows, &n);

        if (r < 0)
                return r;
        unsigned sockets = n.sockets.value, dies = MAX(n.dies.value, 1U), cores = n.cores.value, threads = n.threads.value;
        unsigned max = n.max.value > 0 ? n.max.value : n.cpus.value;
        unsigned *first = machine_prefers_cores(d) ? &cores : &sockets, *second = first == &cores ? &sockets : &cores;
        unsigned *missing = *first == 0 ? first : *second == 0 ? second : threads == 0 ? &threads : NULL;
        bool derive = missing && *missing == 0 && max > 0;
        sockets = MAX(sockets, 1U);
        cores = MAX(cores, 1U);
        threads = MAX(threads, 1U);
        uint64_t product = saturated(saturated(saturated((uint64_t) sockets * dies) * cores) * threads);
        if (derive)
                *missing = (unsigned) MAX(max / product, 1U);
        if (max == 0)
                max = (unsigned) product;
        d->vcpus = OPT_UINT(max);
        if (n.cpus.value > 0 && n.cpus.value != max)
                d->current_vcpus = n.cpus;
        if (sockets != max || dies > 1 || cores > 1 || threads > 1) {
                d->cpu.sockets = OPT_UINT(sockets);
                if (dies > 1)
                        d->cpu.dies = OPT_UINT(dies);
                d->cpu.cores = OPT_UINT(cores);
                d->cpu.threads = OPT_UINT(threads);
                d->cpu.loc.line = 1;
        }
        return !item_is_used_up(i);
}

/* --- objects --- */

/* The key with which libvirt would hand over secrets. */
static bool is_master_key(const Parse *p, const Item *i) {
        const char *id = item_get(i, "id");

        if (!streq_ptr(item_get(i, "qom-type"), "secret") || !streq_ptr(id, "masterKey0"))
                return false;
        FOREACH_ARRAY(k, p->items.list, p->items.n)
                if (streq_ptr(item_get(k, "keyid"), id))
                        return false;
        return true;
}

void parse_iothread(const Parse *p, Item *i, OptUint *ret) {
        const char *id = item_get(i, "iothread"), *number = id ? startswith(id, "iothread") : NULL;
        unsigned n;

        if (!number || parse_uint(number, &n) < 0 || !domain_find_iothread(p->d, n))
                return;
        *ret = OPT_UINT(n);
        (void) item_take(i, "iothread");
}

/* The threads have their numbers in their names. */
static int read_iothread(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP("thread-pool-min", PROP_UINT, DomainIothread, pool_min),
                PROP("thread-pool-max", PROP_UINT, DomainIothread, pool_max),
                PROP("poll-max-ns", PROP_UINT64, DomainIothread, poll_max),
                PROP("poll-grow", PROP_UINT64, DomainIothread, poll_grow),
                PROP("poll-shrink", PROP_UINT64, DomainIothread, poll_shrink),
                PROP_REST("qom-type"),
                PROP_REST("id"),
                PROPS_END,
        };
        Domain *d = p->d;
        bool main_loop = streq(strempty(item_get(i, "qom-type")), "main-loop");
        const char *id = item_get(i, "id"), *number = id ? startswith(id, "iothread") : NULL;
        DomainIothread t = {};
        unsigned n = 0;

        if (!main_loop && (!number || parse_uint(number, &n) < 0 || n == 0 || domain_find_iothread(p->d, n)))
                return 1;
        int r = props_apply(i, rows, &t);
        if (r < 0 || !item_is_used_up(i))
                return r < 0 ? r : 1;
        t.loc.line = 1;
        if (main_loop) {
                d->default_iothread = t;
                return 0;
        }
        t.id = OPT_UINT(n);
        if (!ARRAY_GROW(d->iothread_ids, d->n_iothread_ids))
                return -ENOMEM;
        d->iothread_ids[d->n_iothread_ids++] = t;
        d->iothreads = OPT_UINT((unsigned) d->n_iothread_ids);
        return 0;
}

/* Threads 1 to n of which nothing is said are a number. */
void parse_iothreads_done(Parse *p) {
        Domain *d = p->d;

        for (size_t k = 0; k < d->n_iothread_ids; k++) {
                const DomainIothread *t = d->iothread_ids + k;
                if (t->id.value != k + 1 || t->pool_min.set || t->pool_max.set || t->poll_max.set || t->poll_grow.set ||
                    t->poll_shrink.set)
                        return;
        }
        d->n_iothread_ids = 0;
}

int parse_object(Parse *p, Item *i) {
        const char *type = strempty(item_get(i, "qom-type"));

        if (is_master_key(p, i))
                return 0;
        return streq(type, "iothread") || streq(type, "main-loop") ? read_iothread(p, i) : 1;
}

/* --- clock --- */

int parse_localtime(Parse *p, Item *i) {
        p->d->clock.offset = CLOCK_OFFSET_LOCALTIME;
        return 0;
}

int parse_no_hpet(Parse *p, Item *i) {
        DomainTimer *t;
        int r = parse_timer(p, TIMER_HPET, &t);

        if (r < 0)
                return r;
        t->present = TRI_NO;
        return 0;
}

int parse_no_acpi(Parse *p, Item *i) {
        p->no_acpi = true;
        return 0;
}

int parse_rtc(Parse *p, Item *i) {
        DomainClock *c = &p->d->clock;
        const char *base = item_get(i, "base"), *clock = item_get(i, "clock"), *fix = item_get(i, "driftfix");
        DomainTimer *t;
        struct tm tm = {};
        int r = 0;

        if (base) {
                const char *end = strptime(base, "%Y-%m-%dT%H:%M:%S", &tm);
                if (streq(base, "utc"))
                        c->offset = CLOCK_OFFSET_UTC;
                else if (streq(base, "localtime"))
                        c->offset = c->timezone ? CLOCK_OFFSET_TIMEZONE : CLOCK_OFFSET_LOCALTIME;
                else if (end && !*end && timegm(&tm) >= 0) {
                        c->offset = CLOCK_OFFSET_ABSOLUTE;
                        c->start = OPT_U64((uint64_t) timegm(&tm));
                } else
                        return 1;
                (void) item_take(i, "base");
        }
        TimerTrack track = !clock ? TRACK_UNSET : streq(clock, "vm") ? TRACK_GUEST : streq(clock, "host") ? TRACK_WALL :
                           streq(clock, "rt") ? TRACK_REALTIME : TRACK_UNSET;
        bool catchup = streq_ptr(fix, "slew");
        if ((track != TRACK_UNSET || catchup) && (r = parse_timer(p, TIMER_RTC, &t)) >= 0) {
                t->track = track;
                if (track != TRACK_UNSET)
                        (void) item_take(i, "clock");
                if (catchup) {
                        t->tickpolicy = TICK_CATCHUP;
                        (void) item_take(i, "driftfix");
                }
        }
        return r < 0 ? r : !item_is_used_up(i);
}

/* --- boot --- */

static int parse_boot_order(Parse *p, const char *order) {
        DomainOs *os = &p->d->os;

        for (const char *c = order; *c; c++) {
                BootDevice b = *c == 'a' || *c == 'b' ? BOOT_FD : *c == 'c' ? BOOT_HD : *c == 'd' ? BOOT_CDROM :
                               *c == 'n'              ? BOOT_NETWORK : BOOT_UNSET;
                if (b == BOOT_UNSET)
                        return 1;
                bool known = false;
                FOREACH_ARRAY(k, os->boot, os->n_boot)
                        known |= *k == b;
                if (known)
                        continue;
                if (!ARRAY_GROW(os->boot, os->n_boot))
                        return -ENOMEM;
                os->boot[os->n_boot++] = b;
        }
        return 0;
}

int parse_boot(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP("menu", PROP_TRISTATE, DomainOs, bootmenu),
                PROP("splash-time", PROP_UINT, DomainOs, bootmenu_timeout),
                PROP_MUST("strict", "on"),
                PROPS_END,
        };
        DomainOs *os = &p->d->os;
        const char *order = item_get(i, "order"), *reboot = item_get(i, "reboot-timeout");
        int r = props_apply(i, rows, os);

        if (r < 0)
                return r;
        if (order && (r = parse_boot_order(p, order)) == 0)
                (void) item_take(i, "order");
        if (r < 0)
                return r;
        if (reboot && parse_int(reboot, &os->reboot_timeout) >= 0) {
                os->has_reboot_timeout = true;
                (void) item_take(i, "reboot-timeout");
        }
        return !item_is_used_up(i);
}

int parse_path_option(Parse *p, Item *i) {
        DomainOs *os = &p->d->os;
        const struct { const char *option; char **field; } fields[] = {
                { "-kernel", &os->kernel }, { "-initrd", &os->initrd }, { "-append", &os->cmdline },
                { "-dtb", &os->dtb },       { "-bios", &os->loader },
        };

        FOREACH_ARRAY(f, fields, ELEMENTSOF(fields))
                if (streq(f->option, i->option)) {
                        if (f->field == &os->loader)
                                os->loader_type = LOADER_ROM;
                        return free_and_strdup(f->field, i->value);
                }
        return 1;
}

/* --- properties of what the machine brings along --- */

static int parse_pci_hole(Parse *p, const char *value) {
        size_t n = strspn(value, DIGITS);
        _cleanup_free_ char *number = strndup(value, n);
        uint64_t kib;

        if (!number || !streq(value + n, "K") || parse_u64(number, 10, &kib) < 0)
                return 1;
        DomainController *c = PARSE_ADD(p, controllers);
        if (!c)
                return -ENOMEM;
        c->type = CONTROLLER_PCI;
        c->index = OPT_UINT(0);
        c->pcihole64 = OPT_U64(kib);
        return free_and_strdup(&c->model, machine_has_pcie(p->d) ? "pcie-root" : "pci-root");
}

int parse_global(Parse *p, Item *i) {
        Domain *d = p->d;
        const char *equals = strchr(i->value, '=');
        const char *value = equals ? equals + 1 : "";
        _cleanup_free_ char *key = strndup(i->value, equals ? (size_t) (equals - i->value) : 0);
        DomainTimer *t;
        unsigned n;

        if (!key)
                return -ENOMEM;
        const char *power = startswith(key, machine_is_q35(d) ? "ICH9-LPC." : "PIIX4_PM.");
        if (power && (streq(value, "0") || streq(value, "1"))) {
                Tristate offered = streq(value, "1") ? TRI_NO : TRI_YES;
                if (streq(power, "disable_s3"))
                        d->suspend_to_mem = offered;
                else if (streq(power, "disable_s4"))
                        d->suspend_to_disk = offered;
                else
                        return 1;
                return 0;
        }
        if (streq(key, "kvm-pit.lost_tick_policy") && (streq(value, "delay") || streq(value, "discard"))) {
                int r = parse_timer(p, TIMER_PIT, &t);
                if (r >= 0)
                        t->tickpolicy = tick_policy_from_string(value);
                return r;
        }
        if (streq(key, machine_is_q35(d) ? "q35-pcihost.pci-hole64-size" : "i440FX-pcihost.pci-hole64-size"))
                return parse_pci_hole(p, value);
        const char *floppy = startswith(key, "isa-fdc.bootindex");
        if (floppy && (streq(floppy, "A") || streq(floppy, "B")) && parse_uint(value, &n) >= 0 && n > 0) {
                p->floppy_boot[*floppy - 'A'] = n;
                p->floppy_item[*floppy - 'A'] = i;
                return 0;
        }
        if (streq(i->value, "ICH9-LPC.noreboot=off") || streq(i->value, "ICH9-LPC.noreboot=false")) {
                DomainWatchdog *w = PARSE_ADD(p, watchdogs);
                if (!w)
                        return -ENOMEM;
                w->model = WATCHDOG_ITCO;
                return 0;
        }
        if (streq(key, "mch.extended-tseg-mbytes") && parse_uint(value, &n) >= 0 && d->features.smm == TRI_YES) {
                d->features.tseg = OPT_U64((uint64_t) n << 20);
                return 0;
        }
        if (streq(i->value, "driver=cfi.pflash01,property=secure,value=on")) {
                d->os.loader_secure = TRI_YES;
                return 0;
        }
        return 1;
}
