/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"

/* What the machine is, before its devices: name, firmware, processor, memory, clock, power, boot. */

#define MIB (UINT64_C(1) << 20)

int emit_name(Emit *e) {
        _cleanup_options_ Options o = {};

        options_add(&o, "guest", e->domain->name);
        options_add(&o, "debug-threads", "on"); /* names the threads, so that vCPUs can be told apart */
        emit_options(e, "-name", &o);
        return 0;
}

int emit_paused(Emit *e) {
        emit_arg(e, "-S");
        return 0;
}

bool has_pflash(const Domain *d) {
        return d->os.loader && d->os.loader_type == LOADER_PFLASH;
}

static void emit_flash(Emit *e, unsigned unit, const char *path, bool writable) {
        _cleanup_qjson_ Json storage = {}, format = {};
        _cleanup_free_ char *name = strf("pflash%u", unit), *node = strf("libvirt-pflash%u-storage", unit),
                            *file = NULL;

        if (!name || !node) {
                e->failed = true;
                return;
        }
        file = emit_file(e, &(FileRequest){ .name = name,
                                           .path = path,
                                           .loc = e->domain->os.loc,
                                           .writable = writable,
                                           .element = unit == 0 ? "loader" : "nvram",
                                           .read_only_image = !writable});
        json_add_string(&storage, "driver", "file");
        json_add_string(&storage, "filename", file);
        json_add_string(&storage, "node-name", node);
        json_add_bool(&storage, e->native ? "auto-read-only" : "read-only", e->native || !writable);
        json_add_string(&storage, "discard", "unmap");
        emit_json(e, "-blockdev", &storage);
        json_add_stringf(&format, "node-name", "libvirt-pflash%u-format", unit);
        json_add_bool(&format, "read-only", !writable);
        json_add_string(&format, "driver", "raw");
        json_add_string(&format, "file", node);
        emit_json(e, "-blockdev", &format);
}

int emit_pflash(Emit *e) {
        const DomainOs *os = &e->domain->os;

        emit_flash(e, 0, os->loader, os->loader_readonly == TRI_NO);
        if (os->nvram)
                emit_flash(e, 1, os->nvram, true);
        return 0;
}

static const char *ram_id(const Domain *d) {
        return arch_is_x86(d) ? "pc.ram" : "mach-virt.ram";
}

/* -no-hpet and -no-acpi became machine options, and went away later. */
static bool has_machine_switches(const QemuCaps *caps) {
        return caps->version >= 8000000;
}

static bool timer_absent(const Domain *d, TimerName name) {
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == name)
                        return t->present == TRI_NO;
        return false;
}

int emit_machine(Emit *e) {
        const Domain *d = e->domain;
        const DomainFeatures *f = &d->features;
        _cleanup_options_ Options o = {};

        options_word(&o, d->os.machine);
        options_add(&o, "usb", "off");
        options_add(&o, "vmport", on_off_to_string(f->vmport));
        options_add(&o, "smm", on_off_to_string(f->smm));
        options_add(&o, "dump-guest-core", "off");
        if (machine_is_virt(d))
                options_add(&o, "gic-version", f->gic_version);
        options_add(&o, "memory-backend", ram_id(d));
        if (has_pflash(d)) {
                options_add(&o, "pflash0", "libvirt-pflash0-format");
                if (d->os.nvram)
                        options_add(&o, "pflash1", "libvirt-pflash1-format");
        }
        if (d->os.bios_useserial == TRI_YES)
                options_add(&o, "graphics", "off"); /* the firmware then talks to the serial port */
        if (has_machine_switches(e->caps)) {
                if (timer_absent(d, TIMER_HPET))
                        options_add(&o, "hpet", "off");
                if (!f->acpi)
                        options_add(&o, "acpi", "off");
        }
        emit_options(e, "-machine", &o);
        return 0;
}

int emit_accel(Emit *e) {
        emit_option(e, "-accel", e->domain->type == DOMAIN_KVM ? "kvm" : "tcg");
        return 0;
}

/* libvirt's names of features that QEMU spells otherwise. */
static void add_feature(Options *o, const CpuFeature *f) {
        _cleanup_free_ char *name = strdup(streq(f->name, "pclmuldq") ? "pclmulqdq" : f->name);
        bool on = f->policy == POLICY_FORCE || f->policy == POLICY_REQUIRE;

        if (!name) {
                o->text.failed = true;
                return;
        }
        if (f->policy == POLICY_OPTIONAL)
                return;
        for (char *c = name; *c; c++)
                if (*c == '_')
                        *c = '-';
        options_bool(o, name, on);
}

static void add_cpu_timers(Options *o, const Domain *d) {
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers) {
                if (t->name == TIMER_KVMCLOCK && t->present != TRI_UNSET)
                        options_bool(o, "kvmclock", t->present == TRI_YES);
                if (t->name == TIMER_HYPERVCLOCK && t->present == TRI_YES)
                        options_add(o, "hv-time", "on");
                if (t->name == TIMER_TSC && t->frequency.set)
                        options_addf(o, "tsc-frequency", "%llu", (unsigned long long) t->frequency.value);
        }
}

int emit_cpu(Emit *e) {
        const Domain *d = e->domain;
        const DomainFeatures *f = &d->features;
        _cleanup_options_ Options o = {};

        switch (d->cpu.mode) {
        case CPU_HOST_PASSTHROUGH:
                options_word(&o, "host");
                options_add(&o, "migratable", on_off_to_string(d->cpu.migratable));
                break;
        case CPU_MAXIMUM:
                options_word(&o, "max");
                options_add(&o, "migratable", on_off_to_string(d->cpu.migratable));
                break;
        default:
                if (!d->cpu.model)
                        return 0;
                options_word(&o, d->cpu.model);
        }
        FOREACH_ARRAY(i, d->cpu.features, d->cpu.n_features)
                add_feature(&o, i);
        add_cpu_timers(&o, d);
        options_add(&o, "kvm-pv-eoi", on_off_to_string(f->apic_eoi));
        options_add(&o, "kvm-pv-unhalt", on_off_to_string(f->pvspinlock));
        if (f->kvm_hidden == TRI_YES)
                options_add(&o, "kvm", "off");
        options_add(&o, "pmu", on_off_to_string(f->pmu));
        emit_options(e, "-cpu", &o);
        return 0;
}

int emit_loader(Emit *e) {
        const DomainOs *os = &e->domain->os;
        _cleanup_free_ char *path = NULL;

        if (os->loader_type == LOADER_PFLASH) {
                if (os->loader_secure == TRI_YES)
                        emit_option(e, "-global", "driver=cfi.pflash01,property=secure,value=on");
                return 0;
        }
        path = emit_copy(
                e, &(FileRequest) { .name = "loader", .path = os->loader, .element = "loader", .loc = os->loc });
        if (path)
                emit_option(e, "-bios", path);
        return 0;
}

uint64_t ram_size(const Domain *d) {
        return DIV_ROUND_UP(d->memory, MIB) * MIB;
}

int emit_memory(Emit *e) {
        _cleanup_qjson_ Json j = {};
        uint64_t size = ram_size(e->domain);

        emit_optionf(e, "-m", "%llu", (unsigned long long) (size / MIB));
        json_add_string(&j, "qom-type", "memory-backend-ram");
        json_add_string(&j, "id", ram_id(e->domain));
        json_add_uint(&j, "size", size);
        emit_json(e, "-object", &j);
        emit_option(e, "-overcommit", "mem-lock=off");
        return 0;
}

int emit_smp(Emit *e) {
        const Domain *d = e->domain;
        const DomainCpu *cpu = &d->cpu;
        unsigned n = d->vcpus.value, current = d->current_vcpus.set ? d->current_vcpus.value : n;
        bool topology = cpu->sockets.set || cpu->cores.set || cpu->threads.set;
        _cleanup_text_ Text t = {};

        text_appendf(&t, "%u", current);
        if (current != n)
                text_appendf(&t, ",maxcpus=%u", n);
        text_appendf(&t, ",sockets=%u", topology ? MAX(cpu->sockets.value, 1U) : n);
        if (topology && arch_is_x86(d))
                text_appendf(&t, ",dies=%u", MAX(cpu->dies.value, 1U));
        text_appendf(&t, ",cores=%u,threads=%u", MAX(cpu->cores.value, 1U), MAX(cpu->threads.value, 1U));
        if (t.failed)
                e->failed = true;
        else
                emit_option(e, "-smp", t.data);
        return 0;
}

int emit_iothreads(Emit *e) {
        for (unsigned i = 1; i <= e->domain->iothreads.value; i++) {
                _cleanup_qjson_ Json j = {};
                json_add_string(&j, "qom-type", "iothread");
                json_add_stringf(&j, "id", "iothread%u", i);
                emit_json(e, "-object", &j);
        }
        return 0;
}

int emit_uuid(Emit *e) {
        char uuid[37];

        format_uuid(e->domain->uuid, uuid);
        emit_option(e, "-uuid", uuid);
        return 0;
}

bool has_no_graphics(const Domain *d) {
        return d->n_graphics == 0;
}

int emit_no_display(Emit *e) {
        emit_option(e, "-display", "none");
        return 0;
}

int emit_no_defaults(Emit *e) {
        emit_arg(e, "-no-user-config");
        emit_arg(e, "-nodefaults");
        return 0;
}

int emit_monitor(Emit *e) {
        _cleanup_options_ Options o = {};

        options_word(&o, "socket");
        options_add(&o, "id", "charmonitor");
        if (e->native) {
                options_addf(&o, "path", "%s/monitor.sock", e->runtime_dir);
                options_add(&o, "server", "on");
                options_add(&o, "wait", "off");
        } else
                options_addf(&o, "fd", "%u", PLAN_FD_QMP);
        emit_options(e, "-chardev", &o);
        emit_option(e, "-mon", "chardev=charmonitor,id=monitor,mode=control");
        return 0;
}

/* --- clock --- */

static int add_rtc_base(Emit *e, Options *o) {
        const DomainClock *c = &e->domain->clock;
        time_t base;
        struct tm tm;
        char text[32];

        switch (c->offset) {
        case CLOCK_OFFSET_LOCALTIME:
        case CLOCK_OFFSET_TIMEZONE: /* the zone is in the environment */
                options_add(o, "base", "localtime");
                return 0;
        case CLOCK_OFFSET_VARIABLE:
                if (c->basis == BASIS_LOCALTIME)
                        return diag_error(e->diag, c->loc,
                                          "not supported: <clock offset='variable' basis='localtime'>");
                if (c->adjustment == 0) {
                        options_add(o, "base", "utc");
                        return 0;
                }
                base = (time_t) (e->facts->now + c->adjustment);
                break;
        case CLOCK_OFFSET_ABSOLUTE:
                base = (time_t) c->start.value;
                break;
        default:
                options_add(o, "base", "utc");
                return 0;
        }
        if (!gmtime_r(&base, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
            tm.tm_year < 70)
                return diag_error(e->diag, c->loc, "the clock cannot be set to that time");
        options_add(o, "base", text);
        return 0;
}

int emit_clock(Emit *e) {
        const Domain *d = e->domain;
        _cleanup_options_ Options o = {};
        int r = add_rtc_base(e, &o);

        if (r < 0)
                return r;
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == TIMER_RTC) {
                        if (streq_ptr(t->track, "boot"))
                                return diag_error(e->diag, t->loc,
                                                  "not supported: <timer name='rtc' track='boot'>");
                        options_add(&o, "clock",
                                    streq_ptr(t->track, "guest")  ? "vm"
                                    : streq_ptr(t->track, "wall") ? "host"
                                                                  : NULL);
                        options_add(&o, "driftfix", t->tickpolicy == TICK_CATCHUP ? "slew" : NULL);
                }
        emit_options(e, "-rtc", &o);
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == TIMER_PIT && (t->tickpolicy == TICK_DELAY || t->tickpolicy == TICK_DISCARD))
                        emit_optionf(e, "-global", "kvm-pit.lost_tick_policy=%s",
                                     tick_policy_to_string(t->tickpolicy));
        if (timer_absent(d, TIMER_HPET) && arch_is_x86(d) && !has_machine_switches(e->caps))
                emit_arg(e, "-no-hpet");
        return 0;
}

/* --- power and boot --- */

int emit_power(Emit *e) {
        const Domain *d = e->domain;
        const char *device = machine_is_q35(d) ? "ICH9-LPC" : "PIIX4_PM";

        /* What a shutdown of the guest means is the monitor's business. */
        emit_arg(e, "-no-shutdown");
        if (!d->features.acpi && arch_is_x86(d) && !has_machine_switches(e->caps))
                emit_arg(e, "-no-acpi");
        if (!arch_is_x86(d))
                return 0;
        if (d->suspend_to_mem != TRI_UNSET)
                emit_optionf(e, "-global", "%s.disable_s3=%d", device, d->suspend_to_mem == TRI_NO);
        if (d->suspend_to_disk != TRI_UNSET)
                emit_optionf(e, "-global", "%s.disable_s4=%d", device, d->suspend_to_disk == TRI_NO);
        return 0;
}

int emit_boot(Emit *e) {
        const DomainOs *os = &e->domain->os;
        _cleanup_options_ Options o = {};

        options_add(&o, "menu", on_off_to_string(os->bootmenu));
        if (os->has_reboot_timeout)
                options_addf(&o, "reboot-timeout", "%d", os->reboot_timeout);
        if (os->bootmenu == TRI_YES && os->bootmenu_timeout.set)
                options_addf(&o, "splash-time", "%u", os->bootmenu_timeout.value);
        options_add(&o, "strict", "on"); /* nothing that was not asked for is booted */
        emit_options(e, "-boot", &o);
        return 0;
}

int emit_kernel(Emit *e) {
        const DomainOs *os = &e->domain->os;
        const struct { const char *option, *name, *path;
        } files[] = {
                { "-kernel", "kernel", os->kernel },
                { "-initrd", "initrd", os->initrd },
                { "-append", NULL, os->cmdline },
                { "-dtb", "dtb", os->dtb },
        };

        FOREACH_ARRAY(f, files, ELEMENTSOF(files)) {
                if (!f->path)
                        continue;
                if (!f->name) {
                        emit_option(e, f->option, f->path);
                        continue;
                }
                _cleanup_free_ char *path = emit_copy(
                        e,
                        &(FileRequest) { .name = f->name, .path = f->path, .element = f->name, .loc = os->loc });
                if (path)
                        emit_option(e, f->option, path);
        }
        return 0;
}

/* --- the end --- */

int emit_user_args(Emit *e) {
        FOREACH_ARRAY(a, e->domain->qemu_args, e->domain->n_qemu_args)
                emit_arg(e, strempty(a->value));
        return 0;
}

int emit_sandbox(Emit *e) {
        emit_option(e, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        return 0;
}

int emit_messages(Emit *e) {
        emit_option(e, "-msg", "timestamp=on");
        return 0;
}
