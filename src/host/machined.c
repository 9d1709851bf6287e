/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-bus.h>

#include "machined.h"

#define MACHINED "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"
#define REGISTER_USEC (UINT64_C(10) * 1000000)

/* Errors that say "there is no machined here". */
static bool is_absent(const sd_bus_error *e) {
        return sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
                sd_bus_error_has_name(e, "org.freedesktop.systemd1.NoSuchUnit") ||
                sd_bus_error_has_name(e, "org.freedesktop.systemd1.UnitMasked");
}

static int open_bus(uint64_t limit_usec, sd_bus **ret) {
        int r = sd_bus_open_system(ret);

        if (r < 0)
                return -ENOTCONN;
        return sd_bus_set_method_call_timeout(*ret, limit_usec);
}

int machined_register(const MachineInfo *info, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = open_bus(REGISTER_USEC, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, MACHINED, "RegisterMachineWithNetwork");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", info->name);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', info->uuid, sizeof(info->uuid));
        if (r >= 0)
                r = sd_bus_message_append(m, "ssus", "vmunit", "vm", (uint32_t) info->leader, "");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'i', info->ifindices, info->n_ifindices * sizeof(int));
        if (r < 0)
                return r;
        r = sd_bus_call(bus, m, 0, &error, NULL);
        if (r >= 0)
                return 0;
        if (is_absent(&error))
                return -ENOTCONN;
        return diag_error_code(diag, r, (SrcLoc) {}, "cannot register machine '%s' with systemd-machined: %s", info->name,
                               error.message ?: strerror(-r));
}

int machined_unregister(const char *name, uint64_t limit_usec) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = open_bus(limit_usec, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, MACHINED, "UnregisterMachine");
        /* A machined that is not running has no machines; it must not be started at shutdown for this. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_call(bus, m, limit_usec, &error, NULL);
        if (r >= 0 || sd_bus_error_has_name(&error, "org.freedesktop.machine1.NoSuchMachine"))
                return 0;
        return is_absent(&error) ? -ENOTCONN : r;
}
