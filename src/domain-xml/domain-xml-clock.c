/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_STATIC_XML_TABLE(timer,
        ATTRIBUTE_ENUM("name", DomainTimer, name, timer_name, "which timer", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("present", DomainTimer, present, yes_no, "whether the guest has it"),
        ATTRIBUTE_ENUM("tickpolicy", DomainTimer, tickpolicy, tick_policy, "what happens to ticks the guest missed"),
        ATTRIBUTE("track", DomainTimer, track, xml_string, "what an rtc follows: guest, wall, boot"),
        ATTRIBUTE("frequency", DomainTimer, frequency, xml_u64, "of a tsc, in Hz"),
        UNSUPPORTED_ATTRIBUTE("mode", "mode of a tsc"),
        UNSUPPORTED("catchup", "limits for catching up"));

DEFINE_XML_TABLE(clock,
        ATTRIBUTE_ENUM("sync", DomainClock, offset, clock_offset, "offset, as libvirt spelled it before 0.7", .flags = XML_READ_ONLY),
        ATTRIBUTE_ENUM("offset", DomainClock, offset, clock_offset, "what the guest's clock shows"),
        ATTRIBUTE("adjustment", DomainClock, adjustment, xml_int64, "seconds it is ahead", .has = HAS(DomainClock, has_adjustment)),
        ATTRIBUTE_ENUM("basis", DomainClock, basis, clock_basis, "of what"),
        ATTRIBUTE("timezone", DomainClock, timezone, xml_string, "name of the time zone"),
        ATTRIBUTE("start", DomainClock, start, xml_u64, "seconds since the epoch, for offset='absolute'"),
        LIST("timer", DomainClock, timers, timer, "time source of the guest"));
