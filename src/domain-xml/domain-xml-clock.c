/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

DEFINE_STATIC_XML_TABLE(catchup,
        ATTRIBUTE("threshold", DomainTimer, catchup_threshold, xml_uint, "nanoseconds before ticks are made up for; means nothing for QEMU"),
        ATTRIBUTE("slew", DomainTimer, catchup_slew, xml_uint, "how fast; means nothing for QEMU"),
        ATTRIBUTE("limit", DomainTimer, catchup_limit, xml_uint, "how many; means nothing for QEMU"));

DEFINE_STATIC_XML_TABLE(timer,
        ATTRIBUTE_ENUM("name", DomainTimer, name, timer_name, "which timer", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("present", DomainTimer, present, yes_no, "whether the guest has it"),
        ATTRIBUTE_ENUM("tickpolicy", DomainTimer, tickpolicy, tick_policy, "what happens to ticks the guest missed"),
        ATTRIBUTE_ENUM("track", DomainTimer, track, timer_track, "what an rtc follows"),
        ATTRIBUTE("frequency", DomainTimer, frequency, xml_u64, "of a tsc, in Hz"),
        ATTRIBUTE_ENUM("mode", DomainTimer, mode, timer_mode, "mode of a tsc; means nothing for QEMU"),
        CHILD("catchup", catchup, "limits for catching up"));

static ClockOffset offset_of(const void *object) {
        return ((const DomainClock *) object)->offset;
}

static bool has_adjustment(const void *object) {
        return offset_of(object) != CLOCK_OFFSET_TIMEZONE && offset_of(object) != CLOCK_OFFSET_ABSOLUTE;
}

static bool is_variable(const void *object) {
        return offset_of(object) == CLOCK_OFFSET_VARIABLE;
}

static bool is_timezone(const void *object) {
        return offset_of(object) == CLOCK_OFFSET_TIMEZONE;
}

static bool is_absolute(const void *object) {
        return offset_of(object) == CLOCK_OFFSET_ABSOLUTE;
}

/* A number of seconds, or "reset": the clock starts anew each time. */
static int parse_adjustment(const XmlRow *row, const char *s, void *field) {
        DomainClock *c = (DomainClock *) ((uint8_t *) field - offsetof(DomainClock, adjustment));

        c->adjustment_reset = streq(s, "reset");
        int r = c->adjustment_reset ? 1 : xml_int64.parse(row, s, field);
        c->has_adjustment = r == 0;
        return r;
}

static bool format_adjustment(const XmlRow *row, const void *field, Text *t) {
        const DomainClock *c = (const DomainClock *) ((const uint8_t *) field - offsetof(DomainClock, adjustment));

        if (c->has_adjustment)
                return xml_int64.format(row, field, t);
        if (c->adjustment_reset)
                text_append(t, "reset");
        return c->adjustment_reset;
}

static const XmlType xml_adjustment = { "a whole number, or reset", parse_adjustment, format_adjustment };

DEFINE_XML_TABLE(clock,
        ATTRIBUTE_ENUM("sync", DomainClock, offset, clock_offset, "offset, as libvirt spelled it before 0.7", .flags = XML_READ_ONLY),
        ATTRIBUTE_ENUM("offset", DomainClock, offset, clock_offset, "what the guest's clock shows"),
        ATTRIBUTE("adjustment", DomainClock, adjustment, xml_adjustment, "seconds it is ahead", .applies = has_adjustment),
        ATTRIBUTE_ENUM("basis", DomainClock, basis, clock_basis, "of what", .applies = is_variable),
        ATTRIBUTE("timezone", DomainClock, timezone, xml_string, "name of the time zone", .applies = is_timezone),
        ATTRIBUTE("start", DomainClock, start, xml_u64, "seconds since the epoch", .max = UINT64_C(253402300799), .applies = is_absolute),
        LIST("timer", DomainClock, timers, timer, "time source of the guest"));
