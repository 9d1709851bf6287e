/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* HANDLER is called when the connection ends, whoever has ended it. 0 or negative errno. */
int bus_match_disconnected(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata);
