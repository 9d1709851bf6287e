/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of the machine's features, clock and life, and of what QEMU is told besides. */

#define MIB (UINT64_C(1) << 20)
#define HYPERV_VENDOR_MAX 12U
/* QEMU takes fewer, but the specification does not. */
#define HYPERV_RETRIES_MIN 4095U
#define DIRTY_RING_MIN 1024U
#define DIRTY_RING_MAX 65536U

static bool is_arm(const Domain *d) {
        return d->os.arch == ARCH_AARCH64 || d->os.arch == ARCH_ARMV7L;
}

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

static void check_hyperv(const Domain *d, Diag *diag) {
        const DomainHyperv *h = &d->features.hyperv;

        if (h->loc.line == 0)
                return;
        if (d->os.arch != ARCH_UNSET && !is_x86(d))
                (void) diag_error(diag, h->loc, "hyperv is for x86 machines, not for '%s'", arch_to_string(d->os.arch));
        if (h->spinlocks == TRI_YES && !h->spinlock_retries.set)
                (void) diag_error(diag, h->loc, "hyperv spinlocks needs @retries");
        if (h->spinlocks == TRI_YES && h->spinlock_retries.set && h->spinlock_retries.value < HYPERV_RETRIES_MIN)
                (void) diag_error(diag, h->loc, "hyperv spinlocks @retries: %u is less than %u", h->spinlock_retries.value,
                                  HYPERV_RETRIES_MIN);
        if (h->vendor_id != TRI_YES)
                return;
        if (!h->vendor)
                (void) diag_error(diag, h->loc, "hyperv vendor_id needs @value");
        else if (strlen(h->vendor) > HYPERV_VENDOR_MAX)
                (void) diag_error(diag, h->loc, "hyperv vendor_id @value: '%s' is longer than %u characters", h->vendor,
                                  HYPERV_VENDOR_MAX);
        else if (strchr(h->vendor, ',') || !utf8_is_printable(h->vendor))
                (void) diag_error(diag, h->loc, "hyperv vendor_id @value: '%s' has a comma or control characters", h->vendor);
}

static void check_dirty_ring(const Domain *d, Diag *diag) {
        const DomainFeatures *f = &d->features;
        unsigned size = f->kvm_dirty_ring_size.value;

        if (f->kvm_dirty_ring != TRI_YES)
                return;
        if (!f->kvm_dirty_ring_size.set)
                (void) diag_error(diag, f->loc, "kvm dirty-ring needs @size");
        else if (size < DIRTY_RING_MIN || size > DIRTY_RING_MAX || (size & (size - 1)) != 0)
                (void) diag_error(diag, f->loc, "kvm dirty-ring @size: %u is not a power of two from %u to %u", size,
                                  DIRTY_RING_MIN, DIRTY_RING_MAX);
}

void check_features(const Domain *d, Diag *diag) {
        const DomainFeatures *f = &d->features;

        check_hyperv(d, diag);
        check_dirty_ring(d, diag);
        if ((f->gic || f->gic_version != GIC_UNSET) && !is_arm(d))
                (void) diag_error(diag, f->loc, "gic is for ARM machines, not for '%s'",
                                  strempty(arch_to_string(d->os.arch)));
        if (f->tseg.set && f->tseg.value % MIB != 0)
                (void) diag_error(diag, f->loc, "smm tseg is not a whole number of MiB");
        if (f->tseg.set && f->smm == TRI_YES && f->tseg.value / MIB > UINT16_MAX)
                (void) diag_error(diag, f->loc, "smm tseg is larger than %u MiB", UINT16_MAX);
        if (f->tb_cache.set && d->type == DOMAIN_KVM)
                (void) diag_error(diag, f->loc, "tcg is for type='qemu', not for type='kvm'");
        if (f->tb_cache.set && f->tb_cache.value % MIB != 0)
                (void) diag_error(diag, f->loc, "tcg tb-cache is not a whole number of MiB");
        if (is_arm(d) && f->vmport == TRI_YES)
                (void) diag_error(diag, f->loc, "vmport is for x86 machines, not for '%s'", arch_to_string(d->os.arch));
}

#define POLICY(tick) BIT(TICK_##tick)
#define ALL_POLICIES (POLICY(DELAY) | POLICY(CATCHUP) | POLICY(MERGE) | POLICY(DISCARD))

/* What can be said of each timer. */
static const struct {
        bool supported, track, frequency;
        uint64_t policies;
} timers[_TIMER_MAX] = {
        [TIMER_PIT] = { true, .policies = POLICY(DELAY) | POLICY(CATCHUP) | POLICY(DISCARD) },
        [TIMER_RTC] = { true, .track = true, .policies = POLICY(DELAY) | POLICY(CATCHUP) },
        [TIMER_HPET] = { true, .policies = ALL_POLICIES },
        [TIMER_TSC] = { true, .frequency = true, .policies = ALL_POLICIES },
        [TIMER_KVMCLOCK] = { true },
        [TIMER_HYPERVCLOCK] = { true },
        [TIMER_ARMVTIMER] = { true, .policies = POLICY(DELAY) | POLICY(DISCARD) },
};

static void check_timer(const Domain *d, const DomainTimer *t, Diag *diag) {
        const char *name = timer_name_to_string(t->name);

        if (t->name == TIMER_UNSET) /* that was said */
                return;
        if (!timers[t->name].supported) {
                refuse(diag, t->loc, "timer", name);
                return;
        }
        if (t->tickpolicy != TICK_UNSET && !IN_SET(t->tickpolicy, timers[t->name].policies))
                (void) diag_error(diag, t->loc, "timer '%s' has no tickpolicy '%s'", name, tick_policy_to_string(t->tickpolicy));
        if ((t->track != TRACK_UNSET && !timers[t->name].track) || t->track == TRACK_BOOT)
                (void) diag_error(diag, t->loc, "timer '%s' has no track '%s'", name, timer_track_to_string(t->track));
        if (t->frequency.set && !timers[t->name].frequency)
                (void) diag_error(diag, t->loc, "timer '%s' has no frequency", name);
        if (t->mode != TIMER_MODE_UNSET && !timers[t->name].frequency)
                (void) diag_error(diag, t->loc, "timer '%s' has no mode", name);
        if ((t->catchup_threshold.set || t->catchup_slew.set || t->catchup_limit.set) && t->tickpolicy != TICK_CATCHUP)
                (void) diag_error(diag, t->loc, "timer '%s': <catchup> goes with tickpolicy='catchup' only", name);
        bool pc = t->name == TIMER_HYPERVCLOCK || (t->name == TIMER_KVMCLOCK && t->present == TRI_YES) || t->frequency.set;
        if (pc && d->os.arch != ARCH_UNSET && !is_x86(d))
                (void) diag_error(diag, t->loc, "timer '%s' is for x86 machines, not for '%s'", name, arch_to_string(d->os.arch));
        if (t->name == TIMER_ARMVTIMER && (d->os.arch != ARCH_AARCH64 || d->type != DOMAIN_KVM))
                (void) diag_error(diag, t->loc, "timer '%s' is for aarch64 machines with type='kvm'", name);
}

void check_clock(const Domain *d, Diag *diag) {
        const DomainClock *c = &d->clock;

        if (c->offset == CLOCK_OFFSET_TIMEZONE && isempty(c->timezone))
                (void) diag_error(diag, c->loc, "clock offset 'timezone' needs @timezone");
        if (c->offset == CLOCK_OFFSET_ABSOLUTE && !c->start.set)
                (void) diag_error(diag, c->loc, "clock offset 'absolute' needs @start");
        for (size_t i = 0; i < c->n_timers; i++) {
                check_timer(d, c->timers + i, diag);
                for (size_t k = 0; k < i; k++)
                        if (c->timers[i].name == c->timers[k].name && c->timers[i].name != TIMER_UNSET) {
                                (void) diag_error(diag, c->timers[i].loc, "timer '%s' is given twice",
                                                  timer_name_to_string(c->timers[i].name));
                                break;
                        }
        }
}

void check_lifecycle(const Domain *d, Diag *diag) {
        const struct {
                const char *what;
                LifecycleAction action;
                SrcLoc loc;
                bool crash;
        } events[] = {
                {"on_poweroff", d->on_poweroff, d->on_poweroff_loc, false},
                {"on_reboot", d->on_reboot, d->on_reboot_loc, false},
                {"on_crash", d->on_crash, d->on_crash_loc, true},
        };

        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                LifecycleAction a = events[i].action;
                bool coredump = a == ACTION_COREDUMP_DESTROY || a == ACTION_COREDUMP_RESTART;
                if ((coredump || a == ACTION_PRESERVE) && !events[i].crash)
                        (void) diag_error(diag, events[i].loc, "%s: '%s' is for on_crash only", events[i].what,
                                          lifecycle_action_to_string(a));
                else if (a == ACTION_RENAME_RESTART)
                        refuse(diag, events[i].loc, events[i].what, lifecycle_action_to_string(a));
        }
        /* The guest's two requests are one event in QEMU, once rebooting is turned off. */
        if (d->on_poweroff == ACTION_RESTART && d->on_reboot == ACTION_DESTROY)
                (void) diag_error(diag, d->on_poweroff_loc, "on_poweroff 'restart' does not go with on_reboot 'destroy'");
}

/* The channel that the monitor itself has the other end of. */
static bool has_agent_channel(const Domain *d) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (domain_char_is_agent(c) && c->source.type == CHARDEV_UNIX && isempty(c->source.path))
                        return true;
        return false;
}

int domain_check_notify_credential(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->credentials, d->n_credentials)
                if (d->ready.when == READY_VSOCK_NOTIFY && streq_ptr(c->name, NOTIFY_CREDENTIAL))
                        return diag_error(diag, c->loc, "credential '%s' does not go with ready when='vsock-notify', which makes it", c->name);
        return 0;
}

void check_metadata(const Domain *d, Diag *diag) {
        if (d->ready.when == READY_VSOCK_NOTIFY && d->n_vsocks == 0)
                (void) diag_error(diag, d->ready.loc, "ready when='vsock-notify' needs a way from the guest: <vsock><cid auto='yes'/></vsock>");
        (void) domain_check_notify_credential(d, diag);
        if (d->ready.when == READY_GUEST_AGENT && !has_agent_channel(d))
                (void) diag_error(diag, d->ready.loc, "ready when='guest-agent' needs the agent's channel: <channel type='unix'> without "
                                  "a path, with <target type='virtio' name='" GUEST_AGENT_CHANNEL "'/>");
        FOREACH_ARRAY(a, d->afters, d->n_afters)
                if (streq_ptr(a->vm, d->name))
                        (void) diag_error(diag, a->loc, "after: a VM cannot start after itself");
}

static bool is_variable_name(const char *s) {
        return in_charset(s, ALPHANUMERICAL "_") && !strchr(DIGITS, *s);
}

static bool is_number(const char *s, bool negative) {
        s += negative && *s == '-';
        return *s && in_charset(s, DIGITS) && strlen(s) <= 18;
}

static void check_property(const QemuProperty *p, Diag *diag) {
        bool good = true;

        if (isempty(p->name))
                (void) diag_error(diag, p->loc, "qemu:property: the name is empty");
        if (p->type == QEMU_PROPERTY_REMOVE) {
                if (p->value)
                        (void) diag_error(diag, p->loc, "qemu:property '%s': to remove it needs no value", strempty(p->name));
                return;
        }
        if (!p->value) {
                (void) diag_error(diag, p->loc, "qemu:property '%s' has no value", strempty(p->name));
                return;
        }
        if (p->type == QEMU_PROPERTY_BOOL)
                good = streq(p->value, "true") || streq(p->value, "false");
        else if (p->type == QEMU_PROPERTY_SIGNED || p->type == QEMU_PROPERTY_UNSIGNED)
                good = is_number(p->value, p->type == QEMU_PROPERTY_SIGNED);
        if (!good)
                (void) diag_error(diag, p->loc, "qemu:property '%s': '%s' is not of type '%s'", strempty(p->name), p->value,
                                  qemu_property_type_to_string(p->type));
}

/* A name of libvirt's cannot be translated: what it stands for has changed from release to release. */
static void check_capability(const QemuCapability *c, Diag *diag) {
        if (isempty(c->name))
                (void) diag_error(diag, c->loc, "qemu:capabilities: @capability is empty");
        else
                (void) diag_warning(diag, c->loc, "qemu:capabilities: '%s' has no effect, the emulator is asked itself", c->name);
}

void check_qemu(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->qemu_caps_added, d->n_qemu_caps_added)
                check_capability(c, diag);
        FOREACH_ARRAY(c, d->qemu_caps_deleted, d->n_qemu_caps_deleted)
                check_capability(c, diag);
        FOREACH_ARRAY(e, d->qemu_env, d->n_qemu_env)
                if (isempty(e->name) || !is_variable_name(e->name))
                        (void) diag_error(diag, e->loc, "qemu:env: '%s' is not the name of a variable", strempty(e->name));
        FOREACH_ARRAY(o, d->qemu_overrides, d->n_qemu_overrides)
                FOREACH_ARRAY(p, o->properties, o->n_properties)
                        check_property(p, diag);
}
