/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"

/* Memory, and the threads of devices. */

#define MIB (UINT64_C(1) << 20)

const char *ram_id(const Domain *d) {
        return arch_is_x86(d) ? "pc.ram" : "mach-virt.ram";
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

int emit_iothreads(Emit *e) {
        for (unsigned i = 1; i <= e->domain->iothreads.value; i++) {
                _cleanup_qjson_ Json j = {};
                json_add_string(&j, "qom-type", "iothread");
                json_add_stringf(&j, "id", "iothread%u", i);
                emit_json(e, "-object", &j);
        }
        return 0;
}
