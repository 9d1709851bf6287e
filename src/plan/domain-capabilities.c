/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-capabilities.h"
#include "domain-xml.h"
#include "names.h"
#include "plan.h"
#include "qemu-domain.h"
#include "qemu-firmware.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Where the words of a row stand in the trial definition. */
typedef enum Where {
        IN_DEVICES = 1,
        IN_DOMAIN,
        IN_OS,
        IN_OS_WITH_SMM,
        IN_FEATURES,
} Where;

typedef struct Candidate {
        const char *section;   /* "disk"; the sections stand in libvirt's order */
        const char *name;      /* of the <enum>; NULL: only whether there is such a thing */
        const char *value;     /* NULL: the enum is there without it */
        Where where;
        const char *text;
} Candidate;

#define DISK(device, target, bus) "<disk type='file' device='" device "'><source file='/t'/><target dev='" target "' bus='" bus "'/></disk>"
#define USB_HOSTDEV(policy) "<hostdev mode='subsystem' type='usb'><source" policy "><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>"
#define CHANNEL(type, source) "<channel type='" type "'>" source "<target type='virtio' name='a'/></channel>"
#define SPICE "<graphics type='spice'/>"
#define HYPERV(word) IN_FEATURES, "<hyperv><" word " state='on'/></hyperv>"
#define RNG(model, backend) "<rng model='" model "'>" backend "</rng>"
#define RANDOM "<backend model='random'>/dev/urandom</backend>"
#define TPM(model, backend) "<tpm model='" model "'>" backend "</tpm>"

static const Candidate os_candidates[] = {
        { "os", "firmware", "bios", 0, NULL },
        { "os", "firmware", "efi", 0, NULL },
        { "loader", "type", "rom", IN_OS, "<loader type='rom'>/t</loader>" },
        { "loader", "type", "pflash", IN_OS, "<loader type='pflash' readonly='yes'>/t</loader>" },
        { "loader", "readonly", "yes", IN_OS, "<loader readonly='yes' type='pflash'>/t</loader>" },
        { "loader", "readonly", "no", IN_OS, "<loader readonly='no' type='pflash'>/t</loader>" },
        { "loader", "secure", "yes", IN_OS_WITH_SMM, "<loader readonly='yes' secure='yes' type='pflash'>/t</loader>" },
        { "loader", "secure", "no", IN_OS, "<loader readonly='yes' secure='no' type='pflash'>/t</loader>" },
};

static const Candidate memory_candidates[] = {
        { "memoryBacking", "sourceType", "file", IN_DOMAIN, "<memoryBacking><source type='file'/></memoryBacking>" },
        { "memoryBacking", "sourceType", "anonymous", IN_DOMAIN, "<memoryBacking><source type='anonymous'/></memoryBacking>" },
        { "memoryBacking", "sourceType", "memfd", IN_DOMAIN, "<memoryBacking><source type='memfd'/></memoryBacking>" },
};

static const Candidate device_candidates[] = {
        { "disk", "diskDevice", "disk", IN_DEVICES, DISK("disk", "vda", "virtio") },
        { "disk", "diskDevice", "cdrom", IN_DEVICES, DISK("cdrom", "sda", "scsi") },
        { "disk", "diskDevice", "floppy", IN_DEVICES, DISK("floppy", "fda", "fdc") },
        { "disk", "diskDevice", "lun", IN_DEVICES, "<disk type='block' device='lun'><source dev='/dev/t'/><target dev='sda' bus='scsi'/></disk>" },
        { "disk", "bus", "ide", IN_DEVICES, DISK("disk", "hda", "ide") },
        { "disk", "bus", "fdc", IN_DEVICES, DISK("floppy", "fda", "fdc") },
        { "disk", "bus", "scsi", IN_DEVICES, DISK("disk", "sda", "scsi") },
        { "disk", "bus", "virtio", IN_DEVICES, DISK("disk", "vda", "virtio") },
        { "disk", "bus", "usb", IN_DEVICES, DISK("disk", "sda", "usb") },
        { "disk", "bus", "sata", IN_DEVICES, DISK("disk", "sda", "sata") },
        { "disk", "model", "virtio", IN_DEVICES, DISK("disk' model='virtio", "vda", "virtio") },
        { "disk", "model", "virtio-transitional", IN_DEVICES, DISK("disk' model='virtio-transitional", "vda", "virtio") },
        { "disk", "model", "virtio-non-transitional", IN_DEVICES, DISK("disk' model='virtio-non-transitional", "vda", "virtio") },
        { "graphics", "type", "sdl", IN_DEVICES, "<graphics type='sdl' display=':0'/>" },
        { "graphics", "type", "vnc", IN_DEVICES, "<graphics type='vnc'/>" },
        { "graphics", "type", "spice", IN_DEVICES, SPICE },
        { "graphics", "type", "egl-headless", IN_DEVICES, "<graphics type='egl-headless'/>" },
        { "graphics", "type", "dbus", IN_DEVICES, "<graphics type='dbus'/>" },
        { "video", "modelType", "vga", IN_DEVICES, "<video><model type='vga'/></video>" },
        { "video", "modelType", "cirrus", IN_DEVICES, "<video><model type='cirrus'/></video>" },
        { "video", "modelType", "vmvga", IN_DEVICES, "<video><model type='vmvga'/></video>" },
        { "video", "modelType", "qxl", IN_DEVICES, "<video><model type='qxl'/></video>" },
        { "video", "modelType", "virtio", IN_DEVICES, "<video><model type='virtio'/></video>" },
        { "video", "modelType", "none", IN_DEVICES, "<video><model type='none'/></video>" },
        { "video", "modelType", "bochs", IN_DEVICES, "<video><model type='bochs'/></video>" },
        { "video", "modelType", "ramfb", IN_DEVICES, "<video><model type='ramfb'/></video>" },
        { "hostdev", "mode", "subsystem", IN_DEVICES, USB_HOSTDEV("") },
        { "hostdev", "startupPolicy", "default", 0, NULL },
        { "hostdev", "startupPolicy", "mandatory", IN_DEVICES, USB_HOSTDEV(" startupPolicy='mandatory'") },
        { "hostdev", "startupPolicy", "requisite", IN_DEVICES, USB_HOSTDEV(" startupPolicy='requisite'") },
        { "hostdev", "startupPolicy", "optional", IN_DEVICES, USB_HOSTDEV(" startupPolicy='optional'") },
        { "hostdev", "subsysType", "usb", IN_DEVICES, USB_HOSTDEV("") },
        { "hostdev", "subsysType", "pci", IN_DEVICES, "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>" },
        { "hostdev", "subsysType", "scsi", IN_DEVICES, "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source></hostdev>" },
        { "hostdev", "capsType", NULL, 0, NULL },
        { "hostdev", "pciBackend", NULL, 0, NULL },
        { "rng", "model", "virtio", IN_DEVICES, RNG("virtio", RANDOM) },
        { "rng", "model", "virtio-transitional", IN_DEVICES, RNG("virtio-transitional", RANDOM) },
        { "rng", "model", "virtio-non-transitional", IN_DEVICES, RNG("virtio-non-transitional", RANDOM) },
        { "rng", "backendModel", "random", IN_DEVICES, RNG("virtio", RANDOM) },
        { "rng", "backendModel", "egd", IN_DEVICES, RNG("virtio", "<backend model='egd' type='unix'><source mode='connect' path='/t'/></backend>") },
        { "rng", "backendModel", "builtin", IN_DEVICES, RNG("virtio", "<backend model='builtin'/>") },
        { "filesystem", "driverType", "path", IN_DEVICES, "<filesystem type='mount'><source dir='/t'/><target dir='t'/></filesystem>" },
        { "filesystem", "driverType", "handle", IN_DEVICES, "<filesystem type='mount'><driver type='handle'/><source dir='/t'/><target dir='t'/></filesystem>" },
        { "filesystem", "driverType", "virtiofs", IN_DEVICES, "<filesystem type='mount'><driver type='virtiofs'/><source dir='/t'/><target dir='t'/></filesystem>" },
        { "tpm", "model", "tpm-tis", IN_DEVICES, TPM("tpm-tis", "<backend type='emulator' version='2.0'/>") },
        { "tpm", "model", "tpm-crb", IN_DEVICES, TPM("tpm-crb", "<backend type='emulator' version='2.0'/>") },
        { "tpm", "backendModel", "passthrough", IN_DEVICES, TPM("tpm-tis", "<backend type='passthrough'><device path='/dev/tpm0'/></backend>") },
        { "tpm", "backendModel", "emulator", IN_DEVICES, TPM("tpm-tis", "<backend type='emulator' version='2.0'/>") },
        { "tpm", "backendModel", "external", IN_DEVICES, TPM("tpm-tis", "<backend type='external'><source type='unix' mode='connect' path='/t'/></backend>") },
        { "tpm", "backendVersion", "1.2", IN_DEVICES, TPM("tpm-tis", "<backend type='emulator' version='1.2'/>") },
        { "tpm", "backendVersion", "2.0", IN_DEVICES, TPM("tpm-tis", "<backend type='emulator' version='2.0'/>") },
        { "redirdev", "bus", "usb", IN_DEVICES, "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4000'/></redirdev>" },
        { "channel", "type", "pty", IN_DEVICES, CHANNEL("pty", "") },
        { "channel", "type", "unix", IN_DEVICES, CHANNEL("unix", "") },
        { "channel", "type", "spicevmc", IN_DEVICES, SPICE "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>" },
};

static const Candidate gic_candidates[] = {
        { "gic", "version", "2", IN_FEATURES, "<gic version='2'/>" },
        { "gic", "version", "3", IN_FEATURES, "<gic version='3'/>" },
};
static const Candidate switches[] = {
        { "vmcoreinfo", NULL, NULL, IN_FEATURES, "<vmcoreinfo state='on'/>" },
        { "genid", NULL, NULL, IN_DOMAIN, "<genid/>" },
        { "backingStoreInput", NULL, NULL, IN_DEVICES, "<disk type='file' device='disk'><driver type='qcow2'/><source file='/t'/><backingStore type='file'><format type='raw'/><source file='/b'/></backingStore><target dev='vda' bus='virtio'/></disk>" },
        { "backup", NULL, NULL, 0, NULL },
        { "sev", NULL, NULL, IN_DOMAIN, "<launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>0x1</policy></launchSecurity>" },
        { "sgx", NULL, NULL, 0, NULL },
};
static const Candidate hyperv_candidates[] = {
        { "hyperv", "features", "relaxed", HYPERV("relaxed") },
        { "hyperv", "features", "vapic", HYPERV("vapic") },
        { "hyperv", "features", "spinlocks", IN_FEATURES, "<hyperv><spinlocks state='on' retries='4096'/></hyperv>" },
        { "hyperv", "features", "vpindex", HYPERV("vpindex") },
        { "hyperv", "features", "runtime", HYPERV("runtime") },
        { "hyperv", "features", "synic", IN_FEATURES, "<hyperv><vpindex state='on'/><synic state='on'/></hyperv>" },
        { "hyperv", "features", "reset", HYPERV("reset") },
        { "hyperv", "features", "vendor_id", IN_FEATURES, "<hyperv><vendor_id state='on' value='t'/></hyperv>" },
        { "hyperv", "features", "frequencies", HYPERV("frequencies") },
        { "hyperv", "features", "reenlightenment", HYPERV("reenlightenment") },
        { "hyperv", "features", "tlbflush", HYPERV("tlbflush") },
        { "hyperv", "features", "ipi", HYPERV("ipi") },
        { "hyperv", "features", "evmcs", HYPERV("evmcs") },
        { "hyperv", "features", "avic", HYPERV("avic") },
        { "hyperv", "features", "emsr_bitmap", HYPERV("emsr_bitmap") },
        { "hyperv", "features", "xmm_input", HYPERV("xmm_input") },
};

/* --- trying --- */

static char *trial_text(const CapabilitiesFor *c, const char *machine, Where where, const char *text, const char *os_attributes) {
        bool x86 = c->caps->arch == ARCH_X86_64 || c->caps->arch == ARCH_I686;

        return strf("<domain type='%s'><name>trial</name><memory>1048576</memory>%s<os%s><type arch='%s' machine='%s'>hvm</type>%s</os>"
                    "<features>%s%s</features><devices><emulator>%s</emulator>%s%s</devices></domain>",
                    domain_type_to_string(c->type), where == IN_DOMAIN ? text : "", strempty(os_attributes),
                    arch_to_string(c->caps->arch), machine, where == IN_OS || where == IN_OS_WITH_SMM ? text : "", x86 ? "<acpi/>" : "",
                    where == IN_FEATURES ? text : where == IN_OS_WITH_SMM ? "<smm state='on'/>" : "", c->emulator,
                    /* PCs come with one. */
                    where == IN_DEVICES && !x86 ? "<controller type='usb' model='qemu-xhci'/>" : "", where == IN_DEVICES ? text : "");
}

/* 1: it would run, 0: it is refused. */
static int try(const CapabilitiesFor *c, const char *machine, Where where, const char *text, const char *os_attributes) {
        _cleanup_free_ char *xml = trial_text(c, machine, where, text, os_attributes);
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_diag_ Diag diag = {};

        if (!xml)
                return -ENOMEM;
        int r = domain_from_xml(xml, strlen(xml), &diag, &d);
        if (r >= 0)
                r = domain_complete(d, c->facts, &diag);
        if (r >= 0)
                r = domain_validate(d, &diag);
        if (r >= 0)
                r = qemu_domain_complete(d, c->caps, c->facts, &diag);
        if (r >= 0)
                r = plan_new(d, c->caps, c->facts, "", "/t", &diag, &plan);
        /* What is not known would be read over, with a warning. */
        return r == -ENOMEM ? r : r >= 0 && diag.n_entries == 0;
}

static int try_candidate(const CapabilitiesFor *c, const char *machine, const Candidate *i) {
        if (streq_ptr(i->name, "firmware")) {
                _cleanup_free_ char *attribute = strf(" firmware='%s'", i->value);
                return attribute ? try(c, machine, 0, "", attribute) : -ENOMEM;
        }
        return i->where ? try(c, machine, i->where, i->text, NULL) : 0;
}

/* --- writing --- */

typedef struct Render {
        const CapabilitiesFor *c;
        const char *machine;
        Text text;
} Render;

static void end_enum(Text *out, const char *open, unsigned indent, unsigned n_values) {
        if (open && n_values > 0)
                text_appendf(out, "%*s</enum>\n", (int) indent, "");
        else if (open)
                text_append(out, "/>\n");
}

/* The enums of the candidates from FIRST on that are of one section. Returns how many; -ENOMEM. *ret_any: whether
 * any is accepted. */
static int add_enums(Render *r, const Candidate *list, size_t n, unsigned indent, Text *out, bool *ret_any) {
        const char *open = NULL;
        unsigned n_values = 0;
        size_t k = 0;

        *ret_any = false;
        for (; k < n && streq(list[k].section, list[0].section); k++) {
                int accepted = list[k].value ? try_candidate(r->c, r->machine, list + k) : 0;
                /* The default of a list stands for itself. */
                if (list[k].value && streq(list[k].value, "default"))
                        accepted = true;
                if (accepted < 0)
                        return accepted;
                if (!streq_ptr(open, list[k].name)) {
                        end_enum(out, open, indent, n_values);
                        open = list[k].name;
                        n_values = 0;
                        text_appendf(out, "%*s<enum name='%s'", (int) indent, "", open);
                }
                if (accepted)
                        text_appendf(out, "%s%*s<value>%s</value>\n", n_values++ == 0 ? ">\n" : "", (int) indent + 2, "", list[k].value);
                *ret_any |= accepted && !streq(list[k].value, "default");
        }
        end_enum(out, open, indent, n_values);
        return (int) k;
}

/* The firmware that the host has for the machine, each file once. */
static int add_loaders(const Render *r, unsigned indent, Text *out) {
        _cleanup_strv_ char **paths = NULL;
        const FirmwareList *l = &r->c->facts->firmwares;

        FOREACH_ARRAY(f, l->list, l->n)
                if (f->executable && !f->missing && firmware_is_for(f, r->c->caps->arch, r->machine) && !strv_contains(paths, f->executable) &&
                    strv_extend(&paths, f->executable) < 0)
                        return -ENOMEM;
        STRV_FOREACH(p, paths)
                if (utf8_is_printable(*p) && !strpbrk(*p, "<>&"))
                        text_appendf(out, "%*s<value>%s</value>\n", (int) indent, "", *p);
        return 0;
}

static int add_section(Render *r, const Candidate *list, size_t n, unsigned indent) {
        _cleanup_text_ Text inside = {};
        _cleanup_free_ char *s = NULL;
        bool any;

        if (streq(list->section, "loader") && add_loaders(r, indent + 2, &inside) < 0)
                return -ENOMEM;
        int k = add_enums(r, list, n, indent + 2, &inside, &any);
        if (k < 0 || text_finish(&inside, &s) < 0)
                return -ENOMEM;
        if (any)
                text_appendf(&r->text, "%*s<%s supported='yes'>\n%s%*s</%s>\n", (int) indent, "", list->section, s, (int) indent, "",
                             list->section);
        else
                text_appendf(&r->text, "%*s<%s supported='no'/>\n", (int) indent, "", list->section);
        return k;
}

static int add_sections(Render *r, const Candidate *list, size_t n, unsigned indent) {
        for (size_t k = 0; k < n;) {
                int m = add_section(r, list + k, n - k, indent);
                if (m < 0)
                        return m;
                k += (size_t) m;
        }
        return 0;
}

static int add_os(Render *r) {
        bool any;

        text_append(&r->text, "  <os supported='yes'>\n");
        int k = add_enums(r, os_candidates, ELEMENTSOF(os_candidates), 4, &r->text, &any);
        if (k >= 0)
                k = add_sections(r, os_candidates + k, ELEMENTSOF(os_candidates) - (size_t) k, 4);
        text_append(&r->text, "  </os>\n");
        return k;
}

static const char *vendor_of(const char *model) {
        static const struct { const char *prefix, *vendor; } vendors[] = {
                { "EPYC", "AMD" }, { "Opteron", "AMD" }, { "athlon", "AMD" }, { "phenom", "AMD" }, { "Dhyana", "Hygon" },
                { "n270", "Intel" }, { "core", "Intel" }, { "Conroe", "Intel" }, { "Penryn", "Intel" }, { "Nehalem", "Intel" },
                { "Westmere", "Intel" }, { "SandyBridge", "Intel" }, { "IvyBridge", "Intel" }, { "Haswell", "Intel" },
                { "Broadwell", "Intel" }, { "Skylake", "Intel" }, { "Cascadelake", "Intel" }, { "Cooperlake", "Intel" },
                { "Icelake", "Intel" }, { "Snowridge", "Intel" }, { "KnightsMill", "Intel" }, { "Denverton", "Intel" }, { "SapphireRapids", "Intel" }, { "GraniteRapids", "Intel" },
        };

        FOREACH_ARRAY(v, vendors, ELEMENTSOF(vendors))
                if (startswith(model, v->prefix))
                        return v->vendor;
        return "unknown";
}

/* libvirt's word for what the processor says of itself. */
const char *cpu_vendor_word(const char *vendor) {
        static const struct { const char *cpuid, *word; } words[] = {
                { "GenuineIntel", "Intel" }, { "AuthenticAMD", "AMD" }, { "HygonGenuine", "Hygon" },
        };

        FOREACH_ARRAY(w, words, ELEMENTSOF(words))
                if (streq_ptr(w->cpuid, vendor))
                        return w->word;
        return vendor;
}

static void add_host_model(Render *r) {
        const QemuHostCpu *cpu = qemu_caps_host_cpu(r->c->caps, r->c->type == DOMAIN_KVM);

        if (!cpu || !cpu->model)
                return;
        text_appendf(&r->text, "      <model fallback='forbid'>%s</model>\n", cpu->model);
        if (cpu->vendor)
                text_appendf(&r->text, "      <vendor>%s</vendor>\n", cpu_vendor_word(cpu->vendor));
        STRV_FOREACH(f, cpu->on)
                text_appendf(&r->text, "      <feature policy='require' name='%s'/>\n", *f);
        STRV_FOREACH(f, cpu->off)
                text_appendf(&r->text, "      <feature policy='disable' name='%s'/>\n", *f);
}

static int add_mode(Render *r, const char *name, const char *migratable) {
        _cleanup_free_ char *cpu = strf("<cpu mode='%s'/>", name);
        int accepted = cpu ? try(r->c, r->machine, IN_DOMAIN, cpu, NULL) : -ENOMEM;

        if (accepted < 0)
                return accepted;
        if (!accepted) {
                text_appendf(&r->text, "    <mode name='%s' supported='no'/>\n", name);
                return 0;
        }
        text_appendf(&r->text, "    <mode name='%s' supported='yes'>\n", name);
        if (migratable)
                text_appendf(&r->text, "      <enum name='%s'>\n        <value>on</value>\n        <value>off</value>\n      </enum>\n", migratable);
        else
                add_host_model(r);
        text_append(&r->text, "    </mode>\n");
        return 0;
}

int cpu_models(const QemuCaps *caps, char ***ret) {
        static const char *const own[] = { "host", "max", "base" };
        _cleanup_strv_ char **l = NULL;

        STRV_FOREACH(m, caps->cpu_models) {
                const char *version = strstr(*m, "-v");
                bool skip = version && version[2] && in_charset(version + 2, DIGITS);
                for (size_t k = 0; k < ELEMENTSOF(own); k++)
                        skip |= streq(own[k], *m);
                if (!skip && strv_extend(&l, *m) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

static int add_cpu(Render *r) {
        _cleanup_strv_ char **models = NULL;

        text_append(&r->text, "  <cpu>\n");
        if (add_mode(r, "host-passthrough", "hostPassthroughMigratable") < 0 || add_mode(r, "maximum", "maximumMigratable") < 0 ||
            add_mode(r, "host-model", NULL) < 0 || cpu_models(r->c->caps, &models) < 0)
                return -ENOMEM;
        text_append(&r->text, "    <mode name='custom' supported='yes'>\n");
        const QemuHostCpu *cpu = qemu_caps_host_cpu(r->c->caps, r->c->type == DOMAIN_KVM);
        for (size_t n = strv_length(models); n-- > 0;) {
                const char *usable = !cpu ? "unknown" : strv_length(qemu_host_cpu_missing(cpu, models[n])) > 0 ? "no" : "yes";
                text_appendf(&r->text, "      <model usable='%s' vendor='%s'>%s</model>\n", usable, vendor_of(models[n]), models[n]);
        }
        text_append(&r->text, "    </mode>\n  </cpu>\n");
        return 0;
}

static int add_features(Render *r) {
        text_append(&r->text, "  <features>\n");
        int k = add_sections(r, gic_candidates, ELEMENTSOF(gic_candidates), 4);
        FOREACH_ARRAY(i, switches, ELEMENTSOF(switches)) {
                if (k < 0)
                        return k;
                k = try_candidate(r->c, r->machine, i);
                text_appendf(&r->text, "    <%s supported='%s'/>\n", i->section, k > 0 ? "yes" : "no");
        }
        if (k >= 0 && (r->c->caps->arch == ARCH_X86_64 || r->c->caps->arch == ARCH_I686))
                k = add_sections(r, hyperv_candidates, ELEMENTSOF(hyperv_candidates), 4);
        text_append(&r->text, "  </features>\n");
        return k;
}

static const QemuMachine *default_machine(const QemuCaps *caps) {
        FOREACH_ARRAY(m, caps->machines, caps->n_machines)
                if (m->is_default)
                        return m;
        return qemu_caps_machine(caps, "virt");
}

int domain_capabilities_to_xml(const CapabilitiesFor *c, char **ret) {
        const QemuMachine *m = c->machine ? qemu_caps_machine(c->caps, c->machine) : default_machine(c->caps);
        Render r = { .c = c, .machine = m ? m->name : NULL };

        if (!m)
                return -EINVAL;
        text_appendf(&r.text, "<domainCapabilities>\n  <path>%s</path>\n  <domain>%s</domain>\n  <machine>%s</machine>\n  <arch>%s</arch>\n",
                     c->emulator, domain_type_to_string(c->type), m->name, arch_to_string(c->caps->arch));
        if (m->max_cpus > 0)
                text_appendf(&r.text, "  <vcpu max='%u'/>\n", m->max_cpus);
        text_appendf(&r.text, "  <iothreads supported='%s'/>\n", qemu_caps_has_type(c->caps, "iothread") ? "yes" : "no");
        int k = add_os(&r);
        if (k >= 0)
                k = add_cpu(&r);
        if (k >= 0)
                k = add_sections(&r, memory_candidates, ELEMENTSOF(memory_candidates), 2);
        text_append(&r.text, "  <devices>\n");
        if (k >= 0)
                k = add_sections(&r, device_candidates, ELEMENTSOF(device_candidates), 4);
        text_append(&r.text, "  </devices>\n");
        if (k >= 0)
                k = add_features(&r);
        text_append(&r.text, "</domainCapabilities>\n");
        if (k < 0) {
                text_done(&r.text);
                return k;
        }
        return text_finish(&r.text, ret);
}
