/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Firmware, the order of booting, and kernels that are booted without them. */

bool has_pflash(const Domain *d) {
        return d->os.flash.path && d->os.flash.type == LOADER_PFLASH;
}

/* FILE is unit 0, the code, or 1, the variables. */
static void emit_flash(Emit *e, unsigned unit, const FileRequest *file, bool writable) {
        _cleanup_qjson_ Json storage = {}, format = {};
        _cleanup_free_ char *node = strf("libvirt-pflash%u-storage", unit), *path = NULL;

        if (!node) {
                e->failed = true;
                return;
        }
        path = emit_file(e, file);
        json_add_string(&storage, "driver", file->block_device ? "host_device" : "file");
        json_add_string(&storage, "filename", path);
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
        const OsFlash *flash = &e->domain->os.flash;
        SrcLoc loc = e->domain->os.loc;

        emit_flash(e, 0, &(FileRequest) { .name = "pflash0", .path = flash->path, .element = "loader", .loc = loc,
                                          .writable = flash->writable, .read_only_image = !flash->writable,
                                          .labelling = flash->writable ? LABELLING_IMAGE : LABELLING_NONE },
                   flash->writable);
        if (!flash->nvram)
                return 0;
        emit_flash(e, 1, &(FileRequest) { .name = QEMU_FD_NVRAM, .path = flash->nvram, .template = flash->nvram_template,
                                          .element = "nvram", .loc = loc, .writable = true, .labelling = LABELLING_IMAGE,
                                          .block_device = flash->nvram_is_block },
                   true);
        return 0;
}

int emit_loader(Emit *e) {
        const OsFlash *flash = &e->domain->os.flash;
        _cleanup_free_ char *path = NULL;

        if (flash->type == LOADER_PFLASH) {
                if (flash->secure)
                        emit_option(e, "-global", "driver=cfi.pflash01,property=secure,value=on");
                return 0;
        }
        path = emit_copy(e, &(FileRequest) { .name = "loader", .path = flash->path, .element = "loader", .loc = e->domain->os.loc });
        if (path)
                emit_option(e, "-bios", path);
        return 0;
}

/* --- boot --- */

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

bool has_acpi_table(const Domain *d) {
        return d->os.acpi_table;
}

int emit_acpi_table(Emit *e) {
        const DomainOs *os = &e->domain->os;
        _cleanup_free_ char *path = emit_copy(
                e, &(FileRequest) { .name = "acpi-table", .path = os->acpi_table, .element = "acpi table", .loc = os->loc });
        _cleanup_options_ Options o = {};

        options_add(&o, "sig", "SLIC");
        options_add(&o, "file", path);
        emit_options(e, "-acpitable", &o);
        return 0;
}
