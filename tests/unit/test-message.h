/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>

#include "unit-dbus.h"

/* A message that goes nowhere, and is to be filled. */
static inline sd_bus_message *message_new(void) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        sd_bus_message *m = NULL;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_int_equal(sd_bus_message_new_method_call(bus, &m, "a.b", "/a", "a.b", "Call"), 0);
        close(fds[1]);
        return m;
}

/* From here on it is read. */
static inline void message_seal(sd_bus_message *m) {
        assert_int_equal(sd_bus_message_seal(m, 1, 0), 0);
        assert_true(sd_bus_message_rewind(m, true) >= 0);
}

/* One that holds P; EXPECTED is 0, or the error that there has to be. */
static inline sd_bus_message *message_of(const UnitProperties *p, UnitAppendWhat what, int expected) {
        sd_bus_message *m = message_new();

        int r = unit_properties_append(m, p, what);
        assert_int_equal(r < 0 ? r : 0, expected);
        if (r >= 0)
                message_seal(m);
        return m;
}
