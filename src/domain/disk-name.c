/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "string-util.h"

static const struct {
        const char *prefix;
        DiskBus bus;
} prefixes[] = {
        {"fd", BUS_FDC},    {"hd", BUS_IDE},  {"sd", BUS_SCSI},
        {"vd", BUS_VIRTIO}, {"xvd", BUS_XEN}, {"ubd", BUS_UML},
};

int disk_name_parse(const char *name, DiskBus *ret_bus, unsigned *ret_index) {
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                const char *p = startswith(name, prefixes[i].prefix);
                if (!p)
                        continue;

                unsigned index = 0, letters = 0;
                for (; *p >= 'a' && *p <= 'z'; p++, letters++)
                        index = (index + (letters > 0)) * 26 + (unsigned) (*p - 'a');
                if (letters == 0 || letters > 4 || !in_charset(p, DIGITS))
                        return -EINVAL;
                if (ret_bus)
                        *ret_bus = prefixes[i].bus;
                if (ret_index)
                        *ret_index = index;
                return *p ? -ENOTUNIQ : 0;
        }
        return -EINVAL;
}
