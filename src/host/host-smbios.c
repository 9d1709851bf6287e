/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "file-util.h"
#include "host-probe.h"
#include "string-util.h"

/* The host's own SMBIOS tables, as far as the kernel shows them as files. Serial numbers are root's to read. */

#define DMI_DIR "/sys/class/dmi/id"
#define DMI_VALUE_MAX 4096U

static const struct {
        SysinfoTable table;
        const char *name, *file;
} fields[] = {
        { SYSINFO_BIOS, "vendor", "bios_vendor" },
        { SYSINFO_BIOS, "version", "bios_version" },
        { SYSINFO_BIOS, "date", "bios_date" },
        { SYSINFO_BIOS, "release", "bios_release" },
        { SYSINFO_SYSTEM, "manufacturer", "sys_vendor" },
        { SYSINFO_SYSTEM, "product", "product_name" },
        { SYSINFO_SYSTEM, "version", "product_version" },
        { SYSINFO_SYSTEM, "serial", "product_serial" },
        { SYSINFO_SYSTEM, "sku", "product_sku" },
        { SYSINFO_SYSTEM, "family", "product_family" },
        { SYSINFO_BASE_BOARD, "manufacturer", "board_vendor" },
        { SYSINFO_BASE_BOARD, "product", "board_name" },
        { SYSINFO_BASE_BOARD, "version", "board_version" },
        { SYSINFO_BASE_BOARD, "serial", "board_serial" },
        { SYSINFO_BASE_BOARD, "asset", "board_asset_tag" },
        { SYSINFO_CHASSIS, "manufacturer", "chassis_vendor" },
        { SYSINFO_CHASSIS, "version", "chassis_version" },
        { SYSINFO_CHASSIS, "serial", "chassis_serial" },
        { SYSINFO_CHASSIS, "asset", "chassis_asset_tag" },
};

static int add_field(SysinfoBlock *b, const char *name, const char *value) {
        if (!ARRAY_GROW(b->entries, b->n_entries))
                return -ENOMEM;
        SysinfoEntry *e = b->entries + b->n_entries;
        *e = (SysinfoEntry) { .name = strdup(name), .value = strdup(value) };
        b->n_entries++;
        return e->name && e->value ? 0 : -ENOMEM;
}

static SysinfoBlock *block_of(DomainSysinfo *s, SysinfoTable table) {
        switch (table) {
        case SYSINFO_BIOS:
                return &s->bios;
        case SYSINFO_SYSTEM:
                return &s->system;
        case SYSINFO_BASE_BOARD:
                return s->base_boards;
        default:
                return &s->chassis;
        }
}

static int read_fields(DomainSysinfo *s) {
        if (!ARRAY_GROW(s->base_boards, s->n_base_boards))
                return -ENOMEM;
        s->base_boards[s->n_base_boards++] = (SysinfoBlock) {};
        FOREACH_ARRAY(f, fields, ELEMENTSOF(fields)) {
                _cleanup_free_ char *path = strf(DMI_DIR "/%s", f->file), *value = NULL;
                if (!path)
                        return -ENOMEM;
                if (read_file_limited(AT_FDCWD, path, DMI_VALUE_MAX, &value, NULL) < 0)
                        continue;
                value[strcspn(value, "\n")] = 0;
                if (isempty(value) || !utf8_is_printable(value))
                        continue;
                int r = add_field(block_of(s, f->table), f->name, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int host_read_smbios(DomainSysinfo **ret) {
        DomainSysinfo *s;
        int r;

        *ret = NULL;
        if (access(DMI_DIR, F_OK) < 0)
                return 0;
        s = calloc(1, sizeof(DomainSysinfo));
        if (!s)
                return -ENOMEM;
        s->type = SYSINFO_SMBIOS;
        r = read_fields(s);
        if (r < 0) {
                sysinfo_done(s);
                free(s);
                return r;
        }
        *ret = s;
        return 0;
}
