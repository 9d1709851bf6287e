/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-argv.h"
#include "qemu-emit.h"
#include "strv.h"

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

static bool has_kernel(const Domain *d) {
        return d->os.kernel || d->os.initrd || d->os.cmdline || d->os.dtb;
}

static bool has_uuid(const Domain *d) {
        return d->has_uuid;
}

static bool has_loader(const Domain *d) {
        return d->os.flash.path;
}

/* The order is libvirt's, so that the two command lines can be compared line by line. */
static const Emitter emitters[] = {
        { "name", NULL, emit_name },
        { "compat", has_compat, emit_compat },
        { "paused", NULL, emit_paused },
        { "reservations", NULL, emit_reservations },
        { "pflash", has_pflash, emit_pflash },
        { "machine", NULL, emit_machine },
        { "accel", NULL, emit_accel },
        { "tseg", has_tseg, emit_tseg },
        { "cpu", NULL, emit_cpu },
        { "loader", has_loader, emit_loader },
        { "memory", NULL, emit_memory },
        { "smp", NULL, emit_smp },
        { "iothreads", NULL, emit_iothreads },
        { "numa", has_cells, emit_numa },
        { "uuid", has_uuid, emit_uuid },
        { "smbios", has_smbios, emit_smbios },
        { "fwcfg", has_fwcfg, emit_fwcfg },
        { "credentials", has_credentials, emit_credentials },
        { "genid", has_genid, emit_genid },
        { "no-display", has_no_graphics, emit_no_display },
        { "no-defaults", NULL, emit_no_defaults },
        { "monitor", NULL, emit_monitor },
        { "clock", NULL, emit_clock },
        { "power", NULL, emit_power },
        { "boot", NULL, emit_boot },
        { "kernel", has_kernel, emit_kernel },
        { "acpi-table", has_acpi_table, emit_acpi_table },
        { "iommus", NULL, emit_iommus },
        { "pci-hole", is_x86, emit_pci_hole },
        { "controllers", NULL, emit_controllers },
        { "memory-modules", NULL, emit_memory_modules },
        { "hubs", NULL, emit_hubs },
        { "disks", NULL, emit_disks },
        { "filesystems", NULL, emit_filesystems },
        { "interfaces", NULL, emit_interfaces },
        { "smartcards", NULL, emit_smartcards },
        { "serials", NULL, emit_serials },
        { "parallels", NULL, emit_parallels },
        { "channels", NULL, emit_channels },
        { "consoles", NULL, emit_consoles },
        { "tpms", NULL, emit_tpms },
        { "inputs", NULL, emit_inputs },
        { "audio", NULL, emit_audio },
        { "graphics", NULL, emit_graphics },
        { "videos", NULL, emit_videos },
        { "sounds", NULL, emit_sounds },
        { "watchdogs", NULL, emit_watchdogs },
        { "dumps", domain_dumps, emit_dumps },
        { "redirdevs", NULL, emit_redirdevs },
        { "hostdevs", NULL, emit_hostdevs },
        { "balloon", NULL, emit_balloon },
        { "rngs", NULL, emit_rngs },
        { "vmcoreinfo", has_vmcoreinfo, emit_vmcoreinfo },
        { "user-args", NULL, emit_user_args },
        { "sandbox", NULL, emit_sandbox },
        { "panics", NULL, emit_panics },
        { "shmems", NULL, emit_shmems },
        { "vsocks", NULL, emit_vsocks },
        { "cryptos", NULL, emit_cryptos },
        { "messages", NULL, emit_messages },
};

/* QEMU's whole environment: nothing is inherited. */
static void make_env(Emit *e) {
        const Domain *d = e->domain;

        emit_env(e, "LC_ALL", "C");
        emit_env(e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if (d->clock.offset == CLOCK_OFFSET_TIMEZONE && d->clock.timezone)
                emit_env(e, "TZ", d->clock.timezone);
        FOREACH_ARRAY(i, d->qemu_env, d->n_qemu_env)
                emit_env(e, i->name, i->value ?: "");
}

static int check_counts(const Emit *e) {
        const QemuArgv *out = e->out;
        unsigned running = 0;

        FOREACH_ARRAY(h, out->helpers, out->n_helpers)
                running += h->when == HELPER_RUNS;
        if (running > PLAN_HELPERS_MAX)
                return diag_error(e->diag, e->domain->loc, "more than %u processes beside QEMU (virtiofsd, passt, swtpm)", PLAN_HELPERS_MAX);
        if (e->next_number > PLAN_FD_MAX || out->n_fds > PLAN_FD_MAX)
                return diag_error(e->diag, e->domain->loc, "more than %u files, taps and sockets", PLAN_FD_MAX - PLAN_FD_FIRST);
        return 0;
}

int qemu_argv_new(const Domain *d, const QemuCaps *caps, const HostFacts *facts, QemuArgvMode mode,
                  const char *runtime_dir, Diag *diag, QemuArgv *ret) {
        _cleanup_qemu_argv_ QemuArgv out = {};
        Emit e = {
                .domain = d,
                .caps = caps,
                .facts = facts,
                .runtime_dir = runtime_dir,
                .diag = diag,
                .out = &out,
                .native = mode == QEMU_ARGV_NATIVE,
                .next_number = PLAN_FD_FIRST,
                .next_fdset = 1,
        };
        int first = 0;

        _cleanup_free_ bool *overridden = calloc(d->n_qemu_overrides + 1, sizeof(bool));
        if (!overridden)
                return -ENOMEM;
        e.overridden = overridden;
        make_env(&e);
        emit_arg(&e, d->emulator);
        /* All problems are reported, not just the first. */
        for (size_t i = 0; i < ELEMENTSOF(emitters); i++) {
                if (emitters[i].applies && !emitters[i].applies(d))
                        continue;
                int r = emitters[i].emit(&e);
                if (r < 0 && first == 0)
                        first = r;
        }
        if (e.failed)
                return -ENOMEM;
        if (first >= 0)
                first = check_overrides(&e);
        if (first >= 0)
                first = check_counts(&e);
        if (first < 0)
                return first;
        *ret = out;
        out = (QemuArgv) {};
        return 0;
}

void qemu_argv_done(QemuArgv *a) {
        strv_free(a->argv);
        strv_free(a->env);
        FOREACH_ARRAY(fd, a->fds, a->n_fds)
                plan_fd_done(fd);
        free(a->fds);
        FOREACH_ARRAY(h, a->helpers, a->n_helpers)
                plan_helper_done(h);
        free(a->helpers);
        free(a->vnc_id);
        free(a->agent_channel);
        strv_free(a->links_down);
        *a = (QemuArgv) {};
}
