/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

/* What <metadata> may hold of vmunit's own namespace, xmlns:vmunit="urn:vmunit:metadata". libvirt keeps it as it keeps any
 * note. These rows are for reading: <metadata> is written as it was read. */

#define READY_TIMEOUT_MAX (7U * 24 * 3600)

DEFINE_STATIC_XML_TABLE(ready,
        ATTRIBUTE_ENUM("when", DomainReady, when, ready_when,
                       "when the guest runs (none), its agent answers, or its systemd says so", .flags = XML_MANDATORY),
        ATTRIBUTE("timeout", DomainReady, timeout, xml_uint, "seconds from the start of QEMU; the unit's TimeoutStartSec=", .max = READY_TIMEOUT_MAX));

DEFINE_STATIC_XML_TABLE(host_shutdown,
        ATTRIBUTE_ENUM("action", DomainHostShutdown, action, host_shutdown,
                       "shutdown, save (the next boot goes on from there) or destroy", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(after,
        ATTRIBUTE("vm", DomainAfter, vm, xml_string, "the other VM's name", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(metadata,
        STRUCT_CHILD("vmunit:ready", Domain, ready, ready, "when the unit counts as started", .flags = XML_HAS_LOC),
        STRUCT_CHILD("vmunit:host-shutdown", Domain, host_shutdown, host_shutdown, "what becomes of the VM when the host goes down", .flags = XML_HAS_LOC),
        LIST("vmunit:after", Domain, afters, after, "the VM starts after another one, and is shut down before it"),
        { .kind = XML_INCLUDE, .table = &first_boot_xml });
