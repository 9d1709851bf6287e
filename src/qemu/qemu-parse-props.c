/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-parse-model.h"

static bool read_tristate(const char *s, Tristate *ret) {
        if (streq(s, "on") || streq(s, "yes") || streq(s, "true"))
                *ret = TRI_YES;
        else if (streq(s, "off") || streq(s, "no") || streq(s, "false"))
                *ret = TRI_NO;
        else
                return false;
        return true;
}

/* 0: set; 1: not such a value; -ENOMEM. */
static int apply(const PropRow *row, const char *value, void *field) {
        Tristate t;
        uint64_t n;
        int v;

        switch (row->kind) {
        case PROP_STRING: {
                int r = free_and_strdup(field, value);
                return r < 0 ? r : 0;
        }
        case PROP_UINT:
                if (parse_u64(value, 0, &n) < 0 || n > UINT32_MAX)
                        return 1;
                *(OptUint *) field = OPT_UINT((unsigned) n);
                return 0;
        case PROP_UINT64:
                if (parse_u64(value, 0, &n) < 0)
                        return 1;
                *(OptU64 *) field = OPT_U64(n);
                return 0;
        case PROP_KIB:
                if (parse_u64(value, 10, &n) < 0 || n % 1024 > 0 || n / 1024 > UINT32_MAX)
                        return 1;
                *(OptUint *) field = OPT_UINT((unsigned) (n / 1024));
                return 0;
        case PROP_MIB_KIB:
                if (parse_u64(value, 10, &n) < 0 || n > UINT32_MAX / 1024)
                        return 1;
                *(OptUint *) field = OPT_UINT((unsigned) n * 1024);
                return 0;
        case PROP_TRISTATE:
                return read_tristate(value, field) ? 0 : 1;
        case PROP_FLAG:
                if (!read_tristate(value, &t) || t != TRI_YES)
                        return 1;
                *(bool *) field = true;
                return 0;
        case PROP_ENUM:
                v = string_table_value(row->words, value);
                if (v < 0)
                        return 1;
                *(int *) field = v;
                return 0;
        case PROP_IS:
                return streq(value, row->word) ? 0 : 1;
        case PROP_ANY:
                return 0;
        }
        return 1;
}

int props_apply(Item *i, const PropRow *rows, void *object) {
        for (const PropRow *row = rows; row->name; row++) {
                const char *value = item_get_unused(i, row->name);
                if (!value)
                        continue;
                int r = apply(row, value, (uint8_t *) object + row->offset);
                if (r < 0)
                        return r;
                if (r == 0)
                        (void) item_take(i, row->name);
        }
        return 0;
}

static const PropRow virtio_rows[] = {
        PROP("iommu_platform", PROP_TRISTATE, VirtioOptions, iommu),
        PROP("ats", PROP_TRISTATE, VirtioOptions, ats),
        PROP("packed", PROP_TRISTATE, VirtioOptions, packed),
        PROP("page-per-vq", PROP_TRISTATE, VirtioOptions, page_per_vq),
        PROPS_END,
};

int props_virtio(Item *i, VirtioOptions *o) {
        return props_apply(i, virtio_rows, o);
}

/* --- buses --- */

int parse_add_bus(Parse *p, const char *id, ControllerType type, unsigned index) {
        if (!id)
                return 0;
        if (!ARRAY_GROW(p->buses, p->n_buses))
                return -ENOMEM;
        p->buses[p->n_buses++] = (ParseBus) { id, type, index };
        return 0;
}

const ParseBus *parse_bus(const Parse *p, const char *bus, ControllerType type, unsigned *ret_number) {
        const char *dot = bus ? strrchr(bus, '.') : NULL;
        unsigned number;

        if (!dot || parse_uint(dot + 1, &number) < 0)
                return NULL;
        size_t n = (size_t) (dot - bus);
        FOREACH_ARRAY(b, p->buses, p->n_buses)
                if (b->type == type && strlen(b->id) == n && strncmp(b->id, bus, n) == 0) {
                        if (ret_number)
                                *ret_number = number;
                        return b;
                }
        return NULL;
}

/* The number of a PCI bus: the root's, or that of the bridge with that id. */
static int pci_bus(const Parse *p, const char *bus, unsigned *ret) {
        if (!bus || streq(bus, machine_has_pcie(p->d) ? "pcie.0" : "pci.0")) {
                *ret = 0;
                return 0;
        }
        FOREACH_ARRAY(b, p->buses, p->n_buses)
                if (b->type == CONTROLLER_PCI && streq(b->id, bus)) {
                        *ret = b->index;
                        return 0;
                }
        return -ENOENT;
}

/* "0x1.0x2", "1.2", "01": hexadecimal, with or without saying so. */
static bool read_slot(const char *s, unsigned *slot, unsigned *function) {
        char *end;
        unsigned long a = strtoul(s, &end, 16), b = 0;

        if (end == s)
                return false;
        if (*end == '.') {
                const char *from = end + 1;
                b = strtoul(from, &end, 16);
                if (end == from)
                        return false;
        }
        *slot = (unsigned) a;
        *function = (unsigned) b;
        return !*end && a <= 0x1f && b <= 7 && strchr(ALPHANUMERICAL, *s);
}

static int parse_pci_address(Parse *p, Item *i, DeviceAddress *a) {
        const char *addr = item_get(i, "addr"), *bus = item_get(i, "bus");
        unsigned slot, function, number;

        if (!addr || !read_slot(addr, &slot, &function) || pci_bus(p, bus, &number) < 0)
                return 1;
        *a = (DeviceAddress) {
                .type = ADDRESS_PCI, .domain = OPT_UINT(0), .bus = OPT_UINT(number),
                .slot = OPT_UINT(slot), .function = OPT_UINT(function),
        };
        (void) item_take(i, "addr");
        (void) item_take(i, "bus");
        return 0;
}

static const PropRow info_rows[] = {
        PROP("bootindex", PROP_UINT, DeviceInfo, boot_order),
        PROP("rombar", PROP_TRISTATE, DeviceInfo, rom_bar),
        PROP("romfile", PROP_STRING, DeviceInfo, rom_file),
        PROP("acpi-index", PROP_UINT, DeviceInfo, acpi_index),
        PROPS_END,
};

static const PropRow address_rows[] = {
        PROP("multifunction", PROP_TRISTATE, DeviceAddress, multifunction),
        PROPS_END,
};

int parse_info(Parse *p, Item *i, DeviceInfo *info) {
        const char *id = item_take(i, "id");

        if (id && startswith(id, "ua-") && free_and_strdup(&info->alias, id) < 0)
                return -ENOMEM;
        /* An empty one: no ROM at all. */
        if (streq_ptr(item_get(i, "romfile"), "")) {
                info->rom_enabled = TRI_NO;
                (void) item_take(i, "romfile");
        }
        const char *bar = item_get(i, "rombar");
        if (bar && (streq(bar, "1") || streq(bar, "0"))) {
                info->rom_bar = streq(bar, "1") ? TRI_YES : TRI_NO;
                (void) item_take(i, "rombar");
        }
        int r = props_apply(i, info_rows, info);
        if (r < 0)
                return r;
        if (p->mmio)
                info->address.type = ADDRESS_VIRTIO_MMIO;
        else if (item_get(i, "addr"))
                r = parse_pci_address(p, i, &info->address);
        if (r == 0 && info->address.type == ADDRESS_PCI)
                r = props_apply(i, address_rows, &info->address);
        return r;
}
