/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-capabilities.h"
#include "host-capabilities.h"
#include "parse-util.h"
#include "qemu-device.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define KIB UINT64_C(1024)

void host_topology_done(HostTopology *t) {
        FOREACH_ARRAY(c, t->cells, t->n_cells) {
                free(c->pages);
                free(c->distances);
                free(c->cpus);
        }
        free(t->cells);
        FOREACH_ARRAY(c, t->caches, t->n_caches)
                free(c->type);
        free(t->caches);
        free(t->processor.vendor);
        *t = (HostTopology) {};
}

/* How many different sockets, dies of one, cores of one there are; threads: of the first core. */
static void add_cpu_topology(Text *t, const HostTopology *topology) {
        unsigned sockets = 0, dies = 0, cores = 0, threads = 1;

        FOREACH_ARRAY(cell, topology->cells, topology->n_cells)
                FOREACH_ARRAY(c, cell->cpus, cell->n_cpus) {
                        bool new_socket = true, new_die = true, new_core = true;
                        FOREACH_ARRAY(other, topology->cells, topology->n_cells)
                                FOREACH_ARRAY(o, other->cpus, other->n_cpus) {
                                        if (o->id >= c->id)
                                                continue;
                                        new_socket &= o->socket != c->socket;
                                        new_die &= o->socket != c->socket || o->die != c->die;
                                        new_core &= o->socket != c->socket || o->die != c->die || o->core != c->core;
                                }
                        sockets += new_socket;
                        dies += new_die;
                        cores += new_core;
                        threads = MAX(threads, number_set_count(&c->siblings));
                }
        if (sockets > 0 && dies > 0)
                text_appendf(t, "      <topology sockets='%u' dies='%u' cores='%u' threads='%u'/>\n", sockets, MAX(dies / sockets, 1U),
                             MAX(cores / dies, 1U), threads);
}

/* What KVM gives its guests is the host's processor; without it nobody asked. */
static const QemuHostCpu *host_cpu(const HostFacts *f, const HostGuest *guests, size_t n) {
        FOREACH_ARRAY(g, guests, n) {
                const QemuHostCpu *cpu = g->caps->arch == f->arch ? qemu_caps_host_cpu(g->caps, true) : NULL;
                if (cpu && cpu->model)
                        return cpu;
        }
        return NULL;
}

/* PCs only: what the kernel says of the first processor. */
static void add_processor(Text *t, const HostProcessor *p) {
        if (p->microcode > 0)
                text_appendf(t, "      <microcode version='%u'/>\n", p->microcode);
        if (p->family > 0)
                text_appendf(t, "      <signature family='%u' model='%u' stepping='%u'/>\n", p->family, p->model, p->stepping);
}

static void add_host_cpu(Text *t, const HostFacts *f, const HostTopology *topology, const QemuHostCpu *cpu) {
        text_appendf(t, "    <cpu>\n      <arch>%s</arch>\n", strempty(arch_to_string(f->arch)));
        if (cpu)
                text_appendf(t, "      <model>%s</model>\n", cpu->model);
        const char *vendor = cpu && cpu->vendor ? cpu->vendor : topology->processor.vendor;
        if (vendor && utf8_is_printable(vendor) && !strpbrk(vendor, "<>&"))
                text_appendf(t, "      <vendor>%s</vendor>\n", cpu_vendor_word(vendor));
        add_processor(t, &topology->processor);
        add_cpu_topology(t, topology);
        if (topology->processor.address_bits > 0)
                text_appendf(t, "      <maxphysaddr mode='emulate' bits='%u'/>\n", topology->processor.address_bits);
        STRV_FOREACH(name, cpu ? cpu->on : NULL)
                text_appendf(t, "      <feature name='%s'/>\n", *name);
        if (topology->n_cells > 0)
                FOREACH_ARRAY(p, topology->cells[0].pages, topology->cells[0].n_pages)
                        text_appendf(t, "      <pages unit='KiB' size='%llu'/>\n", (unsigned long long) (p->size / KIB));
        text_append(t, "    </cpu>\n");
}

static void add_power(Text *t, const HostTopology *topology) {
        if (!topology->can_suspend_mem && !topology->can_suspend_disk) {
                text_append(t, "    <power_management/>\n");
                return;
        }
        text_append(t, "    <power_management>\n");
        if (topology->can_suspend_mem)
                text_append(t, "      <suspend_mem/>\n");
        if (topology->can_suspend_disk)
                text_append(t, "      <suspend_disk/>\n");
        text_append(t, "    </power_management>\n");
}

static void add_cell(Text *t, const HostTopology *topology, const HostCell *c) {
        text_appendf(t, "        <cell id='%u'>\n          <memory unit='KiB'>%llu</memory>\n", c->id, (unsigned long long) (c->memory / KIB));
        FOREACH_ARRAY(p, c->pages, c->n_pages)
                text_appendf(t, "          <pages unit='KiB' size='%llu'>%llu</pages>\n", (unsigned long long) (p->size / KIB),
                             (unsigned long long) p->count);
        text_append(t, "          <distances>\n");
        for (size_t i = 0; i < c->n_distances && i < topology->n_cells; i++)
                text_appendf(t, "            <sibling id='%u' value='%u'/>\n", topology->cells[i].id, c->distances[i]);
        text_appendf(t, "          </distances>\n          <cpus num='%zu'>\n", c->n_cpus);
        FOREACH_ARRAY(cpu, c->cpus, c->n_cpus) {
                _cleanup_free_ char *siblings = number_set_format(&cpu->siblings);
                if (!siblings)
                        t->failed = true;
                text_appendf(t, "            <cpu id='%u' socket_id='%u' die_id='%u' core_id='%u' siblings='%s'/>\n", cpu->id, cpu->socket,
                             cpu->die, cpu->core, strempty(siblings));
        }
        text_append(t, "          </cpus>\n        </cell>\n");
}

static void add_caches(Text *t, const HostTopology *topology) {
        if (topology->n_caches == 0)
                return;
        text_append(t, "    <cache>\n");
        FOREACH_ARRAY(c, topology->caches, topology->n_caches) {
                _cleanup_free_ char *cpus = number_set_format(&c->cpus);
                bool mib = c->size % (KIB * KIB) == 0;
                if (!cpus)
                        t->failed = true;
                text_appendf(t, "      <bank id='%u' level='%u' type='%s' size='%llu' unit='%s' cpus='%s'/>\n", c->id, c->level,
                             strempty(c->type), (unsigned long long) (c->size / (mib ? KIB * KIB : KIB)), mib ? "MiB" : "KiB", strempty(cpus));
        }
        text_append(t, "    </cache>\n");
}

static void add_host(Text *t, const HostFacts *f, const HostTopology *topology, const QemuHostCpu *cpu) {
        uint8_t uuid[16];
        char text[37];

        /* As the kernel has it, with the marks of a random one: those of a machine-id. */
        memcpy(uuid, f->machine_id, sizeof(uuid));
        format_uuid(uuid, text);
        text_appendf(t, "  <host>\n    <uuid>%s</uuid>\n", text);
        add_host_cpu(t, f, topology, cpu);
        add_power(t, topology);
        text_appendf(t, "    <iommu support='%s'/>\n", topology->has_iommu ? "yes" : "no");
        text_appendf(t, "    <topology>\n      <cells num='%zu'>\n", topology->n_cells);
        FOREACH_ARRAY(c, topology->cells, topology->n_cells)
                add_cell(t, topology, c);
        text_append(t, "      </cells>\n    </topology>\n");
        add_caches(t, topology);
        if (f->selinux.enabled)
                text_appendf(t, "    <secmodel>\n      <model>selinux</model>\n      <doi>0</doi>\n"
                             "      <baselabel type='kvm'>%s</baselabel>\n      <baselabel type='qemu'>%s</baselabel>\n"
                             "    </secmodel>\n", f->selinux.process, f->selinux.process_emulated);
        else if (f->apparmor.enabled && f->apparmor.has_parser)
                text_append(t, "    <secmodel>\n      <model>apparmor</model>\n      <doi>0</doi>\n    </secmodel>\n");
        else
                text_append(t, "    <secmodel>\n      <model>none</model>\n      <doi>0</doi>\n    </secmodel>\n");
        text_append(t, "    <secmodel>\n      <model>dac</model>\n      <doi>0</doi>\n    </secmodel>\n  </host>\n\n");
}

static unsigned word_size(Arch arch) {
        return arch == ARCH_I686 || arch == ARCH_ARMV7L ? 32 : 64;
}

/* Of the emulator's machines those that definitions may have. */
static bool is_for_definitions(Arch arch, const QemuMachine *m) {
        const Domain d = { .os = { .arch = arch, .machine = m->name } };

        return machine_is_i440fx(&d) || machine_is_q35(&d) || machine_is_virt(&d);
}

static void add_machine(Text *t, const QemuMachine *m) {
        _cleanup_free_ char *max = m->max_cpus > 0 ? strf(" maxCpus='%u'", m->max_cpus) : strdup("");

        if (!max)
                t->failed = true;
        text_appendf(t, "      <machine%s%s>%s</machine>\n", strempty(max), m->deprecated ? " deprecated='yes'" : "", m->name);
        if (m->alias)
                text_appendf(t, "      <machine canonical='%s'%s>%s</machine>\n", m->name, strempty(max), m->alias);
}

static void add_guest(Text *t, const HostFacts *f, const HostGuest *g, Arch arch) {
        bool x86 = arch == ARCH_X86_64 || arch == ARCH_I686, kvm = f->has_kvm && g->caps->has_kvm;

        text_appendf(t, "  <guest>\n    <os_type>hvm</os_type>\n    <arch name='%s'>\n      <wordsize>%u</wordsize>\n"
                     "      <emulator>%s</emulator>\n", strempty(arch_to_string(arch)), word_size(arch), g->emulator);
        FOREACH_ARRAY(m, g->caps->machines, g->caps->n_machines)
                if (is_for_definitions(arch, m))
                        add_machine(t, m);
        text_append(t, "      <domain type='qemu'/>\n");
        if (kvm && arch_runs_on(arch, f->arch))
                text_append(t, "      <domain type='kvm'/>\n");
        text_append(t, "    </arch>\n    <features>\n");
        if (arch == ARCH_I686)
                text_append(t, "      <pae/>\n      <nonpae/>\n");
        if (arch != ARCH_ARMV7L)
                text_append(t, "      <acpi default='on' toggle='yes'/>\n");
        if (x86)
                text_append(t, "      <apic default='on' toggle='no'/>\n");
        text_append(t, "      <cpuselection/>\n      <deviceboot/>\n    </features>\n  </guest>\n\n");
}

int host_capabilities_to_xml(const HostFacts *facts, const HostTopology *topology, const HostGuest *guests, size_t n_guests, char **ret) {
        Text t = {};

        text_append(&t, "<capabilities>\n\n");
        add_host(&t, facts, topology, host_cpu(facts, guests, n_guests));
        FOREACH_ARRAY(g, guests, n_guests)
                add_guest(&t, facts, g, g->caps->arch);
        text_append(&t, "</capabilities>\n");
        return text_finish(&t, ret);
}
