/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"

/* What the machine is, before its devices: name, firmware, processor, memory, clock, power, boot. */

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
