/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-util.h"

int bus_match_disconnected(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata) {
        return sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", handler,
                                   userdata);
}
