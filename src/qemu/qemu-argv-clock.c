/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* The clock, its timers, and what power buttons do. */

bool has_machine_switches(const QemuCaps *caps) {
        return caps->version >= 8000000;
}

bool timer_absent(const Domain *d, TimerName name) {
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == name)
                        return t->present == TRI_NO;
        return false;
}

/* --- clock --- */

static int add_rtc_base(Emit *e, Options *o) {
        const DomainClock *c = &e->domain->clock;
        int64_t offset;
        time_t base;
        struct tm tm;
        char text[32];

        switch (c->offset) {
        case CLOCK_OFFSET_LOCALTIME:
        case CLOCK_OFFSET_TIMEZONE: /* the zone is in the environment */
                options_add(o, "base", "localtime");
                return 0;
        case CLOCK_OFFSET_VARIABLE:
                offset = c->basis == BASIS_LOCALTIME ? e->facts->utc_offset : 0;
                if (__builtin_add_overflow(e->facts->now + offset, c->adjustment, &base))
                        base = -1;
                break;
        case CLOCK_OFFSET_ABSOLUTE:
                base = (time_t) c->start.value;
                break;
        default:
                options_add(o, "base", "utc");
                return 0;
        }
        if (base < 0 || !gmtime_r(&base, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
            tm.tm_year < 70)
                return diag_error(e->diag, c->loc, "the clock cannot be set to that time");
        options_add(o, "base", text);
        return 0;
}

/* QEMU's words for what an rtc follows. */
static const char *const rtc_clocks[_TRACK_MAX] = {
        [TRACK_GUEST] = "vm",
        [TRACK_WALL] = "host",
        [TRACK_REALTIME] = "rt",
};

int emit_clock(Emit *e) {
        const Domain *d = e->domain;
        _cleanup_options_ Options o = {};
        int r = add_rtc_base(e, &o);

        if (r < 0)
                return r;
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == TIMER_RTC) {
                        options_add(&o, "clock", rtc_clocks[t->track]);
                        options_add(&o, "driftfix", t->tickpolicy == TICK_CATCHUP ? "slew" : NULL);
                }
        emit_options(e, "-rtc", &o);
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers)
                if (t->name == TIMER_PIT && arch_is_x86(d) && t->tickpolicy != TICK_CATCHUP)
                        emit_optionf(e, "-global", "kvm-pit.lost_tick_policy=%s",
                                     t->tickpolicy == TICK_DISCARD ? "discard" : "delay");
        if (timer_absent(d, TIMER_HPET) && arch_is_x86(d) && !has_machine_switches(e->caps))
                emit_arg(e, "-no-hpet");
        return 0;
}

/* --- power --- */

int emit_power(Emit *e) {
        const Domain *d = e->domain;
        const char *device = machine_is_q35(d) ? "ICH9-LPC" : "PIIX4_PM";

        /* What a shutdown of the guest means is the monitor's business. */
        emit_arg(e, "-no-shutdown");
        if (!d->features.acpi && (arch_is_x86(d) || d->os.arch == ARCH_AARCH64) && !has_machine_switches(e->caps))
                emit_arg(e, "-no-acpi");
        if (!arch_is_x86(d))
                return 0;
        if (d->suspend_to_mem != TRI_UNSET)
                emit_optionf(e, "-global", "%s.disable_s3=%d", device, d->suspend_to_mem == TRI_NO);
        if (d->suspend_to_disk != TRI_UNSET)
                emit_optionf(e, "-global", "%s.disable_s4=%d", device, d->suspend_to_disk == TRI_NO);
        return 0;
}
