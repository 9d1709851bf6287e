/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"
#include "domain-capabilities.h"
#include "host-capabilities.h"
#include "host-topology.h"
#include "string-util.h"

static int emulator_caps(Manager *m, const char *emulator, Diag *diag, QemuCaps **ret) {
        return m->backend->emulator_caps(m->userdata, emulator, false, diag, ret);
}

/* ARCH by its name; NULL: FALLBACK. UNKNOWN: what libvirt says when there is none of it. */
static int find_arch(const char *word, Arch fallback, const char *unknown, Diag *diag, Arch *ret) {
        int arch = word ? (int) arch_from_string(word) : (int) fallback;

        if (arch <= 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: %s %s", unknown, strempty(word));
        *ret = (Arch) arch;
        return 0;
}

static int find_emulator(Arch arch, const char *wanted, Diag *diag, const char **ret) {
        const char *emulator = wanted ?: arch_default_emulator(arch);

        if (!emulator)
                return diag_error(diag, (SrcLoc) {}, "there is no emulator for architecture '%s'", strempty(arch_to_string(arch)));
        if (*emulator != '/' || !utf8_is_printable(emulator) || strpbrk(emulator, "<>&'\""))
                return diag_error(diag, (SrcLoc) {}, "'%s' is not the absolute path of an emulator", emulator);
        *ret = emulator;
        return 0;
}

int capabilities_host(Manager *m, Diag *diag, char **ret) {
        _cleanup_host_topology_ HostTopology topology = {};
        QemuCaps *caps[_ARCH_MAX] = {};
        HostGuest guests[_ARCH_MAX];
        const HostFacts *facts;
        size_t n = 0;

        int r = manager_facts(m, &facts);
        if (r >= 0)
                r = host_topology_gather(m->host_root, &topology);
        for (int arch = 1; r >= 0 && !m->made_up && arch < _ARCH_MAX; arch++) {
                const char *emulator = arch_default_emulator((Arch) arch);
                /* One that cannot be asked is none. */
                if (!emulator || access(emulator, X_OK) < 0 || emulator_caps(m, emulator, NULL, &caps[n]) < 0)
                        continue;
                guests[n] = (HostGuest) { .emulator = emulator, .caps = caps[n] };
                n++;
        }
        if (r >= 0)
                r = host_capabilities_to_xml(facts, &topology, guests, n, ret);
        for (size_t i = 0; i < n; i++)
                qemu_caps_free(caps[i]);
        return r;
}

int capabilities_domain(Manager *m, const DomainCapabilitiesRequest *request, Diag *diag, char **ret) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const HostFacts *facts;
        const char *emulator = NULL;
        Arch arch = ARCH_UNSET;

        int r = manager_facts(m, &facts);
        if (r >= 0)
                r = find_arch(request->arch, facts->arch, "unknown architecture:", diag, &arch);
        if (r >= 0)
                r = find_emulator(arch, request->emulator, diag, &emulator);
        if (r >= 0)
                r = emulator_caps(m, emulator, diag, &caps);
        if (r < 0)
                return r;
        if (request->arch && caps->arch != arch && !(caps->arch == ARCH_X86_64 && arch == ARCH_I686))
                return diag_error(diag, (SrcLoc) {}, "architecture from emulator '%s' doesn't match given architecture '%s'",
                                  arch_to_string(caps->arch), request->arch);
        bool kvm = facts->has_kvm && caps->has_kvm && arch_runs_on(caps->arch, facts->arch);
        int type = request->type ? (int) domain_type_from_string(request->type) : (int) (kvm ? DOMAIN_KVM : DOMAIN_QEMU);
        if (type != DOMAIN_KVM && type != DOMAIN_QEMU)
                return diag_error(diag, (SrcLoc) {}, "unknown virttype: %s", strempty(request->type));
        if (type == DOMAIN_KVM && !kvm)
                return diag_error(diag, (SrcLoc) {}, "KVM is not supported by '%s' on this host", emulator);
        CapabilitiesFor c = {
                .type = (DomainType) type, .emulator = emulator, .machine = request->machine, .caps = caps, .facts = facts,
        };
        r = domain_capabilities_to_xml(&c, ret);
        if (r == -EINVAL)
                return diag_error(diag, (SrcLoc) {}, "the machine '%s' is not supported by emulator '%s'", strempty(request->machine), emulator);
        return r;
}

int capabilities_cpu_models(Manager *m, const char *arch_word, Diag *diag, char ***ret) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const char *emulator = NULL;
        Arch arch = ARCH_UNSET;

        int r = find_arch(arch_word, ARCH_UNSET, "cannot find architecture", diag, &arch);
        if (r >= 0)
                r = find_emulator(arch, NULL, diag, &emulator);
        if (r >= 0)
                r = emulator_caps(m, emulator, diag, &caps);
        return r < 0 ? r : cpu_models(caps, ret);
}
