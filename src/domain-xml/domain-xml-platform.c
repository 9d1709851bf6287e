/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_XML_TABLE(panic,
        ATTRIBUTE_ENUM("model", DomainPanic, model, panic_model, "kind of device"),
        INCLUDE(DomainPanic, info, device_info));

DEFINE_XML_TABLE(watchdog,
        ATTRIBUTE_ENUM("model", DomainWatchdog, model, watchdog_model, "kind of watchdog", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("action", DomainWatchdog, action, watchdog_action, "what happens when the guest hangs"),
        INCLUDE(DomainWatchdog, info, device_info));
