/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "label.h"
#include "names.h"
#include "parse-util.h"
#include "plan.h"
#include "qemu-argv.h"
#include "string-util.h"
#include "strv.h"

/* Until the prepare step has asked systemd. */
#define STOP_TIMEOUT_DEFAULT_USEC (UINT64_C(90) * 1000000)

static int set_names(Plan *p, const Domain *d, const HostFacts *facts) {
        char uuid[37];

        format_uuid(d->uuid, uuid);
        p->name = strdup(d->name);
        p->uuid = strdup(uuid);
        p->unit = vm_unit(d->name);
        p->machine = vm_machine(d->name);
        p->emulator = strdup(d->emulator);
        /* In a session it is whose session it is. */
        int r = facts->session ? 0 : domain_static_user(d, facts, &p->user, &p->group);
        if (r == 0 && !facts->session && !(p->user = vm_user(d->name)))
                r = -ENOMEM;
        if (r < 0 && r != -EINVAL) /* that is said with the unit's properties */
                return r;
        if (!p->name || !p->uuid || !p->unit || !p->machine || !p->emulator)
                return -ENOMEM;
        return free_and_strdup(&p->title, d->title);
}

/* How often the guest tells of its memory. */
static int set_statistics(Plan *p, const Domain *d) {
        FOREACH_ARRAY(b, d->balloons, d->n_balloons)
                if (b->model != BALLOON_NONE && b->stats_period.value > 0) {
                        p->stats_period = b->stats_period.value;
                        return free_and_strdup(&p->stats_balloon, b->info.alias);
                }
        return 0;
}

static void set_policy(Plan *p, const Domain *d) {
        p->on_poweroff = d->on_poweroff;
        p->on_reboot = d->on_reboot;
        p->on_crash = d->on_crash;
        p->watchdog_dumps = domain_watchdog_dumps(d);
        p->ready = d->ready.when;
        p->guest_cid = d->n_vsocks > 0 ? d->vsocks[0].cid.value : 0;
        p->host_shutdown = d->host_shutdown.action;
        p->stop_timeout_usec = STOP_TIMEOUT_DEFAULT_USEC;
        if (d->current_memory.set && d->current_memory.value < d->memory)
                p->memory_current = d->current_memory.value;
}

/* Serial ports first, then the consoles that are devices of their own: the first one is what `vmunit console`
 * opens. A console that only stands for a serial port has that port's alias. */
static int add_consoles(Plan *p, const Domain *d, CharKind kind) {
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (c->kind != kind || !c->info.alias ||
                    (kind == CHAR_CONSOLE && c->target_type == TARGET_SERIAL))
                        continue;
                if (!ARRAY_GROW(p->consoles, p->n_consoles))
                        return -ENOMEM;
                PlanConsole *n = p->consoles + p->n_consoles++;
                *n = (PlanConsole) {
                        .alias = strdup(c->info.alias),
                        .chardev = strf("char%s", c->info.alias),
                        .type = c->source.type,
                };
                if (!n->alias || !n->chardev)
                        return -ENOMEM;
        }
        return 0;
}

/* The time is UTC, and was checked. */
static char *expiry(const char *valid_to) {
        struct tm tm = {};

        return strptime(valid_to, "%Y-%m-%dT%H:%M:%S", &tm) ? strf("%lld", (long long) timegm(&tm)) : NULL;
}

static const DomainGraphics *find_graphics(const Domain *d, GraphicsType type) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == type)
                        return g;
        return NULL;
}

static int set_display(Plan *p, const DomainGraphics *g, const char *listener, const char *tls_listener, const char *password, PlanDisplay *ret) {
        ret->present = true;
        ret->password = plan_find_fd(p, password);
        if (plan_find_fd(p, listener) && free_and_strdup(&ret->listener, listener) < 0)
                return -ENOMEM;
        if (tls_listener && plan_find_fd(p, tls_listener) && free_and_strdup(&ret->tls_listener, tls_listener) < 0)
                return -ENOMEM;
        if (g->password && g->password_valid_to && !(ret->expires = expiry(g->password_valid_to)))
                return -ENOMEM;
        return 0;
}

static int set_displays(Plan *p, const Domain *d, QemuArgv *a) {
        const DomainGraphics *vnc = find_graphics(d, GRAPHICS_VNC), *spice = find_graphics(d, GRAPHICS_SPICE),
                             *dbus = find_graphics(d, GRAPHICS_DBUS);
        int r = vnc ? set_display(p, vnc, QEMU_FD_VNC, NULL, QEMU_FD_VNC_PASSWORD, &p->vnc) : 0;

        p->vnc.id = TAKE_PTR(a->vnc_id);
        if (r >= 0 && spice)
                r = set_display(p, spice, QEMU_FD_SPICE, QEMU_FD_SPICE_TLS, QEMU_FD_SPICE_PASSWORD, &p->spice);
        if (r >= 0 && dbus)
                r = set_display(p, dbus, QEMU_FD_DBUS, NULL, "", &p->dbus);
        return r;
}

/* What QEMU needs of the system calls that the supervisor's filter refuses otherwise, and of capabilities. */
static int set_filter(Plan *p, const Domain *d, const QemuArgv *a) {
        int r = domain_has_io_uring(d) ? strv_extend(&p->allow, "io_uring") : 0;
        if (r >= 0 && a->places_threads)
                r = strv_extend(&p->allow, "affinity");
        if (r >= 0 && unit_qemu_needs_network(d))
                r = strv_extend(&p->allow, "network");
        if (r >= 0 && unit_needs_uevents(d))
                r = strv_extend(&p->allow, "uevents");
        if (r >= 0 && unit_needs_rawio(d))
                r = strv_extend(&p->capabilities, "SYS_RAWIO");
        return r;
}

static void take_argv(Plan *p, QemuArgv *a) {
        p->argv = TAKE_PTR(a->argv);
        p->env = TAKE_PTR(a->env);
        p->fds = TAKE_PTR(a->fds);
        p->n_fds = a->n_fds;
        a->n_fds = 0;
        p->helpers = TAKE_PTR(a->helpers);
        p->n_helpers = a->n_helpers;
        a->n_helpers = 0;
        p->links_down = TAKE_PTR(a->links_down);
        p->has_agent = a->has_agent;
        p->agent_channel = TAKE_PTR(a->agent_channel);
}

/* What is below has the range of QEMU's own context, or none: several machines can use it. */
static const char *label_of(const PlanFd *fd, const HostFacts *facts, const Plan *p) {
        switch (fd->labelling) {
        case LABELLING_IMAGE:
                return p->file_label;
        case LABELLING_SHARED:
                return facts->selinux.image;
        case LABELLING_CONTENT:
                return facts->selinux.content;
        default:
                return NULL;
        }
}

/* The labels that the domain was given (label.h). */
static int set_labels(Plan *p, const Domain *d, const HostFacts *facts) {
        const DomainSeclabel *s = domain_wants_selinux(d, facts) ? domain_selinux(d) : NULL;
        bool relabels = s && s->relabel == TRI_YES;
        const char *profile;
        int r = 0;

        if (s)
                r = free_and_strdup(&p->label, s->label);
        if (r >= 0 && (profile = domain_apparmor_profile(d, facts))) {
                r = free_and_strdup(&p->profile, profile);
                p->own_profile = domain_apparmor(d)->type != SECLABEL_STATIC;
        }
        if (r >= 0 && relabels)
                r = free_and_strdup(&p->file_label, s->imagelabel);
        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                if (!relabels)
                        fd->label = mfree(fd->label);
                else if (r >= 0 && !fd->label)
                        r = free_and_strdup(&fd->label, label_of(fd, facts, p));
        }
        return r;
}

int plan_new(const Domain *d, const QemuCaps *caps, const HostFacts *facts, const char *digest,
             const char *source_path, Diag *diag, Plan **ret) {
        _cleanup_free_ char *runtime_dir = vm_runtime_path(d->name, NULL);
        _cleanup_qemu_argv_ QemuArgv argv = {};
        _cleanup_(plan_freep) Plan *p = calloc(1, sizeof(Plan));

        if (!runtime_dir || !p)
                return -ENOMEM;
        int r = set_names(p, d, facts);
        if (r < 0)
                return r;
        set_policy(p, d);
        if ((r = set_statistics(p, d)) < 0)
                return r;
        r = qemu_argv_new(d, caps, facts, QEMU_ARGV_WIRED, runtime_dir, diag, &argv);
        if (r < 0)
                return r;
        take_argv(p, &argv);
        r = set_labels(p, d, facts);
        if (r >= 0)
                r = add_consoles(p, d, CHAR_SERIAL);
        if (r >= 0)
                r = add_consoles(p, d, CHAR_CONSOLE);
        if (r >= 0)
                r = set_displays(p, d, &argv);
        if (r >= 0)
                r = set_filter(p, d, &argv);
        if (r >= 0 && d->type == DOMAIN_KVM)
                r = strv_extend(&p->devices, "/dev/kvm");
        STRV_FOREACH(device, facts->devices)
                if (r >= 0 && !strv_contains(p->devices, *device))
                        r = strv_extend(&p->devices, *device);
        if (r >= 0 && facts->session)
                r = free_and_strdup(&p->runtime, runtime_dir);
        if (r >= 0)
                r = free_and_strdup(&p->digest, digest);
        if (r >= 0)
                r = free_and_strdup(&p->source_path, source_path);
        if (r >= 0)
                r = thread_settings_new(d, &p->threads, &p->n_threads);
        if (r >= 0)
                r = plugged_vcpus_new(d, &p->plugged_vcpus, &p->n_plugged_vcpus);
        if (r >= 0)
                r = unit_properties_new(d, facts, digest, source_path, diag, &p->properties);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

const PlanFd *plan_find_fd(const Plan *p, const char *name) {
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                if (streq(fd->name, name))
                        return fd;
        return NULL;
}

Plan *plan_free(Plan *p) {
        if (!p)
                return NULL;
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                plan_fd_done(fd);
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                plan_helper_done(h);
        free(p->helpers);
        FOREACH_ARRAY(c, p->consoles, p->n_consoles) {
                free(c->alias);
                free(c->chardev);
        }
        char *const strings[] = {
                p->name,   p->uuid,        p->unit,     p->user,   p->machine,      p->title,
                p->digest, p->source_path, p->emulator, p->vnc.id, p->vnc.listener,
                p->vnc.expires, p->vnc.tls_listener, p->spice.id, p->spice.listener, p->spice.tls_listener,
                p->spice.expires, p->dbus.listener, p->stats_balloon, p->label, p->file_label, p->group, p->profile, p->runtime,
        };
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(strings[i]);
        strv_free(p->argv);
        strv_free(p->env);
        strv_free(p->directories);
        strv_free(p->capabilities);
        strv_free(p->allow);
        strv_free(p->devices);
        strv_free(p->links_down);
        free(p->saved_digest);
        free(p->agent_channel);
        unit_properties_done(&p->properties);
        free(p->fds);
        free(p->threads);
        free(p->plugged_vcpus);
        free(p->consoles);
        free(p);
        return NULL;
}

int plan_restore(Plan *p, const SavedHeader *h) {
        p->restores = true;
        p->start_paused = !h->running;
        p->saved_size = h->data_size;
        int r = free_and_strdup(&p->saved_digest, h->data_digest);
        if (r >= 0)
                r = strv_extend(&p->argv, "-incoming");
        return r < 0 ? r : strv_extend(&p->argv, "defer");
}
