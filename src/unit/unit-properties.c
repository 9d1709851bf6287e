/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"
#include "names.h"
#include "parse-util.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "unit-emit.h"

/* What the definition cannot tell yet (backing files, queues of a tap) and what the launch itself needs. The
 * store's limit must never be too low: a descriptor over it is dropped silently. */
#define FD_STORE_MARGIN 256U

/* The exit status of vmunit-supervisor that asks for a new start (monitor-protocol.h). */
#define FORCE_RESTART_STATUS "133"

typedef int (*Emit)(const UnitEmit *c, char ***values);

typedef struct Row {
        UnitProperty property; /* values unused */
        Emit emit;             /* NULL: only in transient units */
        const char *template_value;
        bool system_only;      /* needs rights, or units, that a user's systemd does not have */
} Row;

/* -E2BIG when there are too many of them to look at each time. */
#define UNIQUE_MAX 4096U

static int add_unique(char ***values, const char *s) {
        size_t n = 0;

        STRV_FOREACH(v, *values) {
                if (streq(*v, s))
                        return 0;
                n++;
        }
        return n < UNIQUE_MAX ? strv_extend(values, s) : -E2BIG;
}

/* --- [Unit] --- */

#define TITLE_MAX 1024U

static int emit_description(const UnitEmit *c, char ***values) {
        /* systemd takes no lines over 1 MiB, and would take none of the drop-in then. */
        if (!isempty(c->d->title) && strlen(c->d->title) <= TITLE_MAX)
                return strv_extend(values, c->d->title);
        return strv_extendf(values, "Virtual machine %s", c->d->name);
}

static int emit_source_path(const UnitEmit *c, char ***values) {
        return strv_extend(values, c->source_path);
}

/* systemd ignores what is not absolute or has "..", loudly, so that is left out here; domain_validate() and the
 * prepare step have their say about such paths. */
static bool is_mount_path(const char *path) {
        return !isempty(path) && *path == '/' && !strstr(path, "/../") && !endswith(path, "/..");
}

static int add_path(const UnitEmit *c, SrcLoc loc, const char *path, char ***values) {
        if (!is_mount_path(path))
                return 0;
        if (!utf8_is_printable(path))
                return diag_error(c->diag, loc, "path '%s' contains control characters", path);
        return add_unique(values, path);
}

typedef struct SourceWalk {
        const UnitEmit *context;
        char ***values;
        bool found;
} SourceWalk;

static int add_source_mounts(const CharSource *s, SrcLoc loc, void *userdata) {
        SourceWalk *w = userdata;
        bool file = s->type == CHARDEV_FILE || s->type == CHARDEV_PIPE || s->type == CHARDEV_UNIX;
        int r = file ? add_path(w->context, loc, s->path, w->values) : 0;

        return r < 0 ? r : add_path(w->context, loc, s->log_file, w->values);
}

typedef struct RomWalk {
        const UnitEmit *context;
        char ***values;
        int r;
} RomWalk;

static void add_rom_mount(DeviceInfo *info, void *userdata) {
        RomWalk *w = userdata;

        if (w->r >= 0)
                w->r = add_path(w->context, info->loc, info->rom_file, w->values);
}

/* Shared memory and what is made by the launch itself is on file systems of the machine's own. */
static int add_device_mounts(const UnitEmit *c, char ***values) {
        RomWalk w = { .context = c, .values = values };
        int r = 0;

        /* Nothing is changed. */
        domain_for_devices((Domain *) c->d, add_rom_mount, &w);
        for (size_t i = 0; w.r >= 0 && r >= 0 && i < c->d->n_filesystems; i++)
                r = add_path(c, c->d->filesystems[i].info.loc, c->d->filesystems[i].source_dir, values);
        for (size_t i = 0; w.r >= 0 && r >= 0 && i < c->d->n_memories; i++)
                r = add_path(c, c->d->memories[i].info.loc, c->d->memories[i].path, values);
        return w.r < 0 ? w.r : r;
}

static int emit_mounts(const UnitEmit *c, char ***values) {
        const DomainOs *os = &c->d->os;
        const char *const boot[] = { os->loader, os->nvram_template, os->nvram, os->kernel, os->initrd, os->dtb };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(boot); i++) {
                r = add_path(c, os->loc, boot[i], values);
                if (r < 0)
                        return r;
        }
        FOREACH_ARRAY(disk, c->d->disks, c->d->n_disks) {
                /* The VM shall start without such a disk, so it must not depend on the mount either. */
                if (disk->source.startup == STARTUP_OPTIONAL)
                        continue;
                for (const DiskSource *source = &disk->source; source; source = source->backing) {
                        r = disk_source_is_local(source) ? add_path(c, disk->info.loc, source->path, values) : 0;
                        if (r < 0)
                                return r;
                }
        }
        r = domain_for_sources(c->d, add_source_mounts, &(SourceWalk) { .context = c, .values = values });
        return r < 0 ? r : add_device_mounts(c, values);
}

/* A bridge that a network manager makes may come up later than we do, and so may the device below a macvtap. Where there
 * is no udev, systemd answers at once that it does not know devices, and the prepare step looks for itself. */
static int emit_net_devices(const UnitEmit *c, char ***values) {
        FOREACH_ARRAY(i, c->d->interfaces, c->d->n_interfaces) {
                const char *device = i->type == INTERFACE_BRIDGE ? i->source_bridge : i->type == INTERFACE_DIRECT ? i->source_dev : NULL;
                if (isempty(device))
                        continue;
                _cleanup_free_ char *unit = net_device_unit(device);
                if (!unit)
                        return -ENOMEM;
                int r = add_unique(values, unit);
                /* The device rule has the number that the driver gets when it is loaded. */
                if (r >= 0 && i->type == INTERFACE_DIRECT)
                        r = add_unique(values, "modprobe@macvtap.service");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int find_network_source(const CharSource *s, SrcLoc loc, void *userdata) {
        ((SourceWalk *) userdata)->found |= s->type == CHARDEV_UDP || (s->type == CHARDEV_TCP && s->mode != SOCKET_BIND);
        return 0;
}

static bool has_network_char(const Domain *d) {
        SourceWalk w = {};

        (void) domain_for_sources(d, find_network_source, &w);
        return w.found;
}

/* A connection to another host is made once, by the prepare step. */
static int emit_wants(const UnitEmit *c, char ***values) {
        /* A user's systemd knows neither; both are there when he is. */
        if (c->facts->session)
                return 0;
        int r = has_network_char(c->d) ? strv_extend(values, "network-online.target") : 0;
        return r < 0 ? r : emit_net_devices(c, values);
}

static int emit_after(const UnitEmit *c, char ***values) {
        int r = emit_wants(c, values);

        FOREACH_ARRAY(a, c->d->afters, c->d->n_afters) {
                _cleanup_free_ char *unit = NULL;

                if (r >= 0)
                        r = vm_name_check(a->vm, a->loc, c->diag);
                if (r >= 0 && !(unit = vm_unit(a->vm)))
                        r = -ENOMEM;
                if (r >= 0)
                        r = add_unique(values, unit);
        }
        return r;
}

/* --- [Service] --- */

/* It is systemd's own limit and nothing beside it, so that `systemctl show` tells it and an administrator's drop-in has the
 * last word. */
static int emit_start_timeout(const UnitEmit *c, char ***values) {
        unsigned timeout = c->d->ready.timeout.set ? c->d->ready.timeout.value : 0;

        return timeout > 0 ? strv_extendf(values, "%u000000", timeout) : 0;
}

static int static_user(const UnitEmit *c, char **ret_user, char **ret_group) {
        int r = domain_static_user(c->d, c->facts, ret_user, ret_group);

        if (r != -EINVAL && (r <= 0 || (!streq(*ret_user, "0") && !streq(*ret_user, "root"))))
                return r;
        FOREACH_ARRAY(s, c->d->seclabels, c->d->n_seclabels)
                if (streq_ptr(s->model, "dac"))
                        return r == -EINVAL ? diag_error(c->diag, s->loc, "label '%s' is no user and group ('+107:+107', 'name:name')",
                                                         strempty(s->label)) :
                                              diag_error(c->diag, s->loc, "a virtual machine cannot run as root");
        return -EINVAL;
}

static int emit_user(const UnitEmit *c, char ***values) {
        _cleanup_free_ char *user = NULL, *group = NULL;

        int r = static_user(c, &user, &group);
        return r < 0 ? r : r > 0 ? strv_extend(values, user) : strv_consume(values, vm_user(c->d->name));
}

static int emit_group(const UnitEmit *c, char ***values) {
        _cleanup_free_ char *user = NULL, *group = NULL;

        int r = domain_static_user(c->d, c->facts, &user, &group);
        return r > 0 ? strv_extend(values, group) : r;
}

static int emit_dynamic_user(const UnitEmit *c, char ***values) {
        _cleanup_free_ char *user = NULL, *group = NULL;

        int r = domain_static_user(c->d, c->facts, &user, &group);
        return r > 0 ? strv_extend(values, "no") : r;
}

static int emit_selinux_context(const UnitEmit *c, char ***values) {
        _cleanup_free_ char *context = NULL;

        int r = domain_supervisor_context(c->d, c->facts, &context);
        return r < 0 || !context ? r : strv_consume(values, TAKE_PTR(context));
}

static int emit_apparmor_profile(const UnitEmit *c, char ***values) {
        const char *profile = domain_apparmor_profile(c->d, c->facts);

        return profile ? strv_extend(values, profile) : 0;
}

static int emit_environment(const UnitEmit *c, char ***values) {
        int r = strv_extendf(values, "VMUNIT_NAME=%s", c->d->name);
        if (r >= 0)
                r = strv_extendf(values, "VMUNIT_DIGEST=%s", c->digest);
        return r < 0 ? r : strv_extendf(values, "VMUNIT_SOURCE=%s", c->source_path);
}

static unsigned queues_of(const DomainInterface *i) {
        return i->queues.set ? MAX(i->queues.value, 1U) : 1U;
}

static int emit_fd_store_max(const UnitEmit *c, char ***values) {
        const Domain *d = c->d;
        /* Two for a disk (see auto-read-only), a tap and a vhost descriptor for a queue, a source and a log for a
         * character device. */
        size_t n = FD_STORE_MARGIN + 2 * d->n_disks + 2 * d->n_chars + 2 * d->n_graphics + 2 * d->n_rngs +
                   2 * d->n_smartcards + 2 * d->n_redirdevs + d->n_vsocks + d->n_credentials + d->n_filesystems +
                   (d->ready.when == READY_VSOCK_NOTIFY ? 2 : 0);

        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                n += 2 * (size_t) queues_of(i) + 1;
        return strv_extendf(values, "%zu", n);
}

static int emit_syslog_identifier(const UnitEmit *c, char ***values) {
        return strv_extendf(values, "vm-%s", c->d->name);
}

static int emit_log_fields(const UnitEmit *c, char ***values) {
        char uuid[37];

        int r = strv_extendf(values, "VM_NAME=%s", c->d->name);
        if (r < 0 || !c->d->has_uuid)
                return r;
        format_uuid(c->d->uuid, uuid);
        return strv_extendf(values, "VM_UUID=%s", uuid);
}

static int emit_slice(const UnitEmit *c, char ***values) {
        _cleanup_free_ char *slice = NULL;

        if (isempty(c->d->partition))
                return 0;
        int r = partition_slice(c->d->partition, domain_loc_or(c->d, c->d->partition_loc), c->diag, &slice);
        return r < 0 ? r : strv_consume(values, TAKE_PTR(slice));
}

static bool crash_restarts(const Domain *d) {
        return d->on_crash == ACTION_RESTART || d->on_crash == ACTION_RENAME_RESTART ||
                d->on_crash == ACTION_COREDUMP_RESTART;
}

static int emit_restart(const UnitEmit *c, char ***values) {
        return crash_restarts(c->d) ? strv_extend(values, "on-abnormal") : 0;
}

/* A reboot of the guest is a reset in the running QEMU; these are what a new QEMU is needed for. */
static int emit_force_restart(const UnitEmit *c, char ***values) {
        LifecycleAction off = c->d->on_poweroff;
        if (!crash_restarts(c->d) && off != ACTION_RESTART && off != ACTION_RENAME_RESTART)
                return 0;
        return strv_extend(values, FORCE_RESTART_STATUS);
}

int unit_stop_command(const HostFacts *facts, HostShutdown action, char **ret) {
        if (facts->session || action == HOST_SHUTDOWN_UNSET || action == HOST_SHUTDOWN_SHUTDOWN)
                return 0;
        *ret = strf("+-%s/vmunit-guests stop %%i", facts->libexec_dir);
        return *ret ? 1 : -ENOMEM;
}

static int emit_stop(const UnitEmit *c, char ***values) {
        char *command;

        int r = unit_stop_command(c->facts, c->d->host_shutdown.action ?: c->facts->host_shutdown, &command);
        return r <= 0 ? r : strv_consume(values, command);
}

static bool is_kvm(const Domain *d) {
        return d->type == DOMAIN_KVM;
}

static int emit_groups(const UnitEmit *c, char ***values) {
        return is_kvm(c->d) ? strv_extend(values, "kvm") : 0;
}

/* The prepare step makes it, if need be, and the mounts are made for that one as well. Takes PATH over. */
static int add_optional(char ***values, char *path) {
        int r = path ? strv_extendf(values, "-%s", path) : -ENOMEM;

        free(path);
        return r;
}

/* In the /dev that systemd makes for the unit. */
static bool in_every_dev(const char *path) {
        static const char *const names[] = { "null", "zero", "full", "random", "urandom", "tty", "ptmx", "kvm" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(path + strlen("/dev/"), names[i]))
                        return true;
        return false;
}

static int emit_bind_paths(const UnitEmit *c, char ***values) {
        /* "-": whether there is a /dev/kvm is for the prepare step to say, in better words. */
        int r = is_kvm(c->d) ? strv_extend(values, "-/dev/kvm") : 0;
        STRV_FOREACH(device, c->facts->devices)
                if (r >= 0 && !in_every_dev(*device))
                        r = strv_extendf(values, "-%s", *device);
        if (r >= 0)
                r = add_optional(values, vm_runtime_path(c->d->name, NULL));
        /* What a session's machine has there comes as descriptors, and its home is not seen at all. */
        return r < 0 || c->facts->session ? r : add_optional(values, vm_state_path(c->d->name, NULL));
}

/* What /etc/resolv.conf is a link to. */
static int emit_bind_read_only_paths(const UnitEmit *c, char ***values) {
        static const char *const resolvers[] = { "-/run/systemd/resolve", "-/run/NetworkManager/resolv.conf", "-/run/resolvconf/resolv.conf" };
        int r = c->facts->session ? strv_extend(values, vm_directories()->notify) : 0;

        for (size_t i = 0; r >= 0 && unit_needs_network(c->d) && i < ELEMENTSOF(resolvers); i++)
                r = strv_extend(values, resolvers[i]);
        return r;
}

/* Code that QEMU translates is written and then executed. */
static int emit_write_execute(const UnitEmit *c, char ***values) {
        return is_kvm(c->d) ? 0 : strv_extend(values, "no");
}

static int add_device(const UnitEmit *c, SrcLoc loc, const char *path, const char *access, char ***values) {
        if (!path || !startswith(path, "/dev/") || !is_mount_path(path))
                return 0;
        if (!utf8_is_printable(path))
                return diag_error(c->diag, loc, "path '%s' contains control characters", path);
        _cleanup_free_ char *device = strf("%s %s", path, access);
        return device ? add_unique(values, device) : -ENOMEM;
}

static bool needs_tap(const DomainInterface *i) {
        return i->type == INTERFACE_BRIDGE || i->type == INTERFACE_NETWORK || i->type == INTERFACE_ETHERNET;
}

/* The device of a macvtap is made together with it, so it is known by its driver alone. */
static int add_tap(const UnitEmit *c, const DomainInterface *i, char ***values) {
        if (i->type == INTERFACE_DIRECT)
                return add_unique(values, "char-macvtap rw");
        return add_device(c, i->info.loc, i->backend_tap ?: "/dev/net/tun", "rw", values);
}

static int add_tap_devices(const UnitEmit *c, const DomainInterface *i, char ***values) {
        if (!needs_tap(i) && i->type != INTERFACE_DIRECT)
                return 0;
        int r = add_tap(c, i, values);
        if (r < 0 || i->driver == NET_DRIVER_QEMU)
                return r;
        return add_device(c, i->info.loc, i->backend_vhost ?: "/dev/vhost-net", "rw", values);
}

/* Where one is that is known by what it is, is found out when the machine starts. */
static int add_usb(const UnitEmit *c, const DomainHostdev *h, char ***values) {
        _cleanup_free_ char *path = NULL;

        if (!h->usb_bus.set || h->startup_policy == HOSTDEV_OPTIONAL)
                return add_unique(values, "char-usb_device rw");
        path = strf("/dev/bus/usb/%03u/%03u", h->usb_bus.value, h->usb_device.value);
        return path ? add_device(c, h->info.loc, path, "rw", values) : -ENOMEM;
}

static int add_source_device(const CharSource *s, SrcLoc loc, void *userdata) {
        SourceWalk *w = userdata;

        return s->type == CHARDEV_DEV ? add_device(w->context, loc, s->path, "rw", w->values) : 0;
}

/* The device rules of a unit bind its root steps too: without these the prepare step could not open what it
 * hands over. QEMU itself sees none of these nodes but /dev/kvm. */
static int emit_device_allow(const UnitEmit *c, char ***values) {
        int r = is_kvm(c->d) ? add_device(c, c->d->loc, "/dev/kvm", "rw", values) : 0;

        if (r < 0)
                return r;
        FOREACH_ARRAY(disk, c->d->disks, c->d->n_disks) {
                bool readonly = disk_is_read_only(disk);
                for (const DiskSource *source = &disk->source; source; source = source->backing) {
                        bool below = source != &disk->source;
                        r = disk_source_is_local(source) ? add_device(c, disk->info.loc, source->path, readonly || below ? "r" : "rw", values) : 0;
                        if (r < 0)
                                return r;
                }
        }
        FOREACH_ARRAY(i, c->d->interfaces, c->d->n_interfaces) {
                r = add_tap_devices(c, i, values);
                if (r < 0)
                        return r;
        }
        r = domain_for_sources(c->d, add_source_device, &(SourceWalk) { .context = c, .values = values });
        if (r < 0)
                return r;
        FOREACH_ARRAY(h, c->d->hostdevs, c->d->n_hostdevs) {
                r = h->type == HOSTDEV_USB ? add_usb(c, h, values) : 0;
                if (r < 0)
                        return r;
        }
        FOREACH_ARRAY(i, c->d->inputs, c->d->n_inputs) {
                r = i->source ? add_device(c, i->info.loc, i->source, "rw", values) : 0;
                if (r < 0)
                        return r;
        }
        FOREACH_ARRAY(v, c->d->vsocks, c->d->n_vsocks) {
                r = add_device(c, v->info.loc, "/dev/vhost-vsock", "rw", values);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(device, c->facts->devices) {
                r = in_every_dev(*device) ? 0 : add_device(c, c->d->loc, *device, "rw", values);
                if (r < 0)
                        return r;
        }
        if (c->d->os.nvram_type == DISK_BLOCK)
                r = add_device(c, c->d->os.loc, c->d->os.nvram, "rw", values);
        if (r < 0)
                return r;
        FOREACH_ARRAY(rng, c->d->rngs, c->d->n_rngs) {
                r = add_device(c, rng->info.loc, rng->backend_path, "r", values);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The order is that of the drop-in. A setting stands either here or in units/hardening.conf, never in both: the
 * latter would win in a transient unit; but paths to be mounted add up. A template_value is what units/vm@.service.in says. */
#define ROW(s, n, b, k) .section = (s), .name = (n), .bus_name = (b), .kind = (k)
#define LIVE(n, b, k) ROW("Service", n, b, k), .live = true, .kept = true
static const Row rows[] = {
        { { ROW("Unit", "Description", "Description", UNIT_STRING) }, emit_description, "Virtual machine %i" },
        { { ROW("Unit", "SourcePath", "SourcePath", UNIT_STRING) }, emit_source_path },
        { { ROW("Unit", "RequiresMountsFor", "RequiresMountsFor", UNIT_STRV) }, emit_mounts, .system_only = true },
        { { ROW("Unit", "Wants", "Wants", UNIT_NAMES) }, emit_wants },
        { { ROW("Unit", "After", "After", UNIT_NAMES) }, emit_after, "network.target vmunit-host-tuning.service vmunit-guests.service" },
        { { ROW("Unit", "CollectMode", "CollectMode", UNIT_STRING) } },
        { { ROW("Service", "User", "User", UNIT_STRING) }, emit_user, .system_only = true },
        { { ROW("Service", "Group", "Group", UNIT_STRING) }, emit_group, .system_only = true },
        { { ROW("Service", "DynamicUser", "DynamicUser", UNIT_BOOL),
            .comment = "The definition names a user (<seclabel type='static' model='dac'>), or vmunit.conf does (User=)." },
          emit_dynamic_user, "yes", .system_only = true },
        { { ROW("Service", "SELinuxContext", "SELinuxContext", UNIT_STRING), .kept = true }, emit_selinux_context },
        { { ROW("Service", "AppArmorProfile", "AppArmorProfile", UNIT_STRING), .kept = true }, emit_apparmor_profile },
        { { ROW("Service", "Environment", "Environment", UNIT_ENVIRONMENT) }, emit_environment },
        { { ROW("Service", "FileDescriptorStoreMax", "FileDescriptorStoreMax", UNIT_U32) }, emit_fd_store_max, "64" },
        { { ROW("Service", "SyslogIdentifier", "SyslogIdentifier", UNIT_STRING) }, emit_syslog_identifier },
        { { ROW("Service", "LogExtraFields", "LogExtraFields", UNIT_LOG_FIELDS) }, emit_log_fields },
        { { ROW("Service", "Restart", "Restart", UNIT_STRING),
            .comment = "<on_crash> is restart." }, emit_restart },
        { { ROW("Service", "RestartForceExitStatus", "RestartForceExitStatus", UNIT_EXIT_STATUS),
            .comment = "The supervisor ends with this when the guest's end has to be followed by a new start." },
          emit_force_restart },
        { { ROW("Service", "TimeoutStartSec", "TimeoutStartUSec", UNIT_USEC),
            .comment = "How long the guest may take to be ready (<vmunit:ready timeout>)." },
          emit_start_timeout, "300s" },
        { { ROW("Service", "ExecStop", NULL, UNIT_COMMAND),
            .comment = "When the host goes down, the guest is saved or ended (<vmunit:host-shutdown>, or HostShutdown= in vmunit.conf)." },
          emit_stop, .system_only = true },
        { { ROW("Service", "Slice", "Slice", UNIT_STRING) }, emit_slice, "machine.slice" },
        { { LIVE("CPUWeight", "CPUWeight", UNIT_U64) }, emit_cpu_weight },
        { { LIVE("CPUQuota", "CPUQuotaPerSecUSec", UNIT_CPU_QUOTA) }, emit_cpu_quota },
        { { LIVE("CPUQuotaPeriodSec", "CPUQuotaPeriodUSec", UNIT_USEC) }, emit_cpu_quota_period },
        { { LIVE("AllowedCPUs", "AllowedCPUs", UNIT_CPUSET) }, emit_allowed_cpus },
        { { LIVE("AllowedMemoryNodes", "AllowedMemoryNodes", UNIT_CPUSET) }, emit_allowed_memory_nodes },
        { { ROW("Service", "NUMAPolicy", "NUMAPolicy", UNIT_NUMA_POLICY), .kept = true }, emit_numa_policy },
        { { ROW("Service", "NUMAMask", "NUMAMask", UNIT_CPUSET), .kept = true }, emit_numa_mask },
        { { LIVE("MemoryMin", "MemoryMin", UNIT_BYTES) }, emit_memory_min },
        { { LIVE("MemoryHigh", "MemoryHigh", UNIT_BYTES) }, emit_memory_high },
        { { LIVE("MemoryMax", "MemoryMax", UNIT_BYTES) }, emit_memory_max },
        { { LIVE("MemorySwapMax", "MemorySwapMax", UNIT_BYTES) }, emit_memory_swap_max },
        { { LIVE("IOWeight", "IOWeight", UNIT_U64) }, emit_io_weight },
        { { LIVE("IODeviceWeight", "IODeviceWeight", UNIT_DEVICE_VALUES) }, emit_io_device_weight },
        { { LIVE("IOReadBandwidthMax", "IOReadBandwidthMax", UNIT_DEVICE_VALUES) }, emit_io_read_bandwidth },
        { { LIVE("IOWriteBandwidthMax", "IOWriteBandwidthMax", UNIT_DEVICE_VALUES) }, emit_io_write_bandwidth },
        { { LIVE("IOReadIOPSMax", "IOReadIOPSMax", UNIT_DEVICE_VALUES) }, emit_io_read_iops },
        { { LIVE("IOWriteIOPSMax", "IOWriteIOPSMax", UNIT_DEVICE_VALUES) }, emit_io_write_iops },
        { { ROW("Service", "LimitMEMLOCK", "LimitMEMLOCK", UNIT_BYTES),
            .comment = "All of the VM's memory is locked." },
          emit_limit_memlock, "67108864", .system_only = true },
        { { ROW("Service", "LimitRTPRIO", "LimitRTPRIO", UNIT_U64) }, emit_limit_rtprio, .system_only = true },
        { { ROW("Service", "RestrictRealtime", "RestrictRealtime", UNIT_BOOL),
            .comment = "Threads of this VM have a scheduler of real time." },
          emit_restrict_realtime, "yes" },
        { { ROW("Service", "SupplementaryGroups", "SupplementaryGroups", UNIT_STRV) }, emit_groups, .system_only = true },
        { { ROW("Service", "DeviceAllow", "DeviceAllow", UNIT_DEVICE_ALLOW),
            .comment = "For the root step that opens devices and hands them over; "
                       "of these QEMU itself sees /dev/kvm only." },
          emit_device_allow, .system_only = true },
        { { ROW("Service", "BindPaths", "BindPaths", UNIT_BIND_PATHS),
            .comment = "All that is to be seen of /run and /var." },
          emit_bind_paths },
        { { ROW("Service", "BindReadOnlyPaths", "BindReadOnlyPaths", UNIT_BIND_PATHS),
            .comment = "For names of hosts." },
          emit_bind_read_only_paths, "/run/systemd/notify" },
        { { ROW("Service", "MemoryDenyWriteExecute", "MemoryDenyWriteExecute", UNIT_BOOL),
            .comment = "Without KVM, QEMU translates the guest's code: it has to write what it executes." },
          emit_write_execute, "yes" },
        { { ROW("Service", "CapabilityBoundingSet", "CapabilityBoundingSet", UNIT_CAPABILITIES),
            .comment = "A disk of this VM has rawio='yes': QEMU may send any SCSI command to the disks it was handed." },
          emit_capabilities, "" },
        { { ROW("Service", "AmbientCapabilities", "AmbientCapabilities", UNIT_CAPABILITIES) }, emit_capabilities, "" },
        { { ROW("Service", "PrivateUsers", "PrivateUsers", UNIT_BOOL) }, emit_no_for_rawio, "yes" },
        { { ROW("Service", "PrivateDevices", "PrivateDevices", UNIT_BOOL) }, emit_no_for_rawio, "yes" },
        { { ROW("Service", "PrivateNetwork", "PrivateNetwork", UNIT_BOOL),
            .comment = "A device of this VM lets QEMU itself, or a process beside it, speak to the network." },
          emit_private_network, "yes" },
        { { ROW("Service", "RestrictAddressFamilies", "RestrictAddressFamilies", UNIT_ADDRESS_FAMILIES) },
          emit_address_families, "AF_UNIX" },
        { { ROW("Service", "ProcSubset", "ProcSubset", UNIT_STRING),
            .comment = "With virtio-mem, QEMU reads in /proc/sys how the kernel counts memory that is only reserved; virtiofsd, how many "
                       "files there can be." },
          emit_proc_subset, "pid" },
        { { ROW("Service", "RestrictNamespaces", "RestrictNamespaces", UNIT_NAMESPACES),
            .comment = "A process beside QEMU (virtiofsd, passt) locks itself in with these two; the supervisor's filter refuses both to QEMU "
                       "and the monitor." },
          emit_namespaces, "yes" },
        { { ROW("Service", "SystemCallFilter", "SystemCallFilter", UNIT_ADDRESS_FAMILIES) },
          emit_system_calls, "@system-service seccomp" },
};

static const Row *find_row(const char *section, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].property.section, section) && streq(rows[i].property.name, name))
                        return rows + i;
        return NULL;
}

bool unit_property_row(size_t i, UnitPropertyRow *ret) {
        if (i >= ELEMENTSOF(rows))
                return false;
        *ret = (UnitPropertyRow) { rows[i].property, rows[i].template_value };
        return true;
}

void unit_properties_done(UnitProperties *p) {
        FOREACH_ARRAY(i, p->items, p->n_items)
                strv_free(i->values);
        free(p->items);
        *p = (UnitProperties) {};
}

/* Takes VALUES over, also on failure. */
static int append(UnitProperties *p, const Row *row, char **values) {
        if (!ARRAY_GROW(p->items, p->n_items)) {
                strv_free(values);
                return -ENOMEM;
        }
        p->items[p->n_items] = row->property;
        p->items[p->n_items++].values = values;
        return 0;
}

int unit_properties_add(UnitProperties *p, const char *section, const char *name, char *const *values) {
        _cleanup_strv_ char **copy = NULL;

        const Row *row = find_row(section, name);
        if (!row)
                return -EINVAL;
        STRV_FOREACH(v, values) {
                int r = strv_extend(&copy, *v);
                if (r < 0)
                        return r;
        }
        return append(p, row, TAKE_PTR(copy));
}

const UnitProperty *unit_properties_find(const UnitProperties *p, const char *name) {
        FOREACH_ARRAY(i, p->items, p->n_items)
                if (streq(i->name, name))
                        return i;
        return NULL;
}

/* What could not be read back after the start would not be what a reload keeps. */
static int check_size(const Domain *d, const UnitProperties *p, const char *source_path, Diag *diag) {
        _cleanup_free_ char *text = NULL;
        size_t n = 16384; /* heads and comments */

        FOREACH_ARRAY(i, p->items, p->n_items)
                STRV_FOREACH(v, i->values)
                        n += 4 * strlen(*v) + 64;
        if (n < UNIT_DROPIN_MAX)
                return 0;
        int r = unit_properties_to_dropin(p, source_path, &text);
        if (r < 0)
                return r;
        if (strlen(text) >= UNIT_DROPIN_MAX)
                return diag_error(diag, d->loc, "the unit's settings would have %zu bytes, %u are the most: there are too many paths, "
                                  "or they are too long", strlen(text), UNIT_DROPIN_MAX);
        return 0;
}

int unit_properties_new(const Domain *d, const HostFacts *facts, const char *digest, const char *source_path,
                        Diag *diag, UnitProperties *ret) {
        _cleanup_(unit_properties_done) UnitProperties p = {};
        _cleanup_diag_ Diag all = {};
        UnitEmit c = { d, facts, digest, source_path, &all };
        int first = 0;

        for (size_t i = 0; first != -ENOMEM && i < ELEMENTSOF(rows); i++) {
                _cleanup_strv_ char **values = NULL;

                if (!rows[i].emit || (facts->session && rows[i].system_only))
                        continue;
                int r = rows[i].emit(&c, &values);
                if (r == -E2BIG)
                        r = diag_error(&all, d->loc, "the unit would have more than %u times %s=", UNIQUE_MAX,
                                       rows[i].property.name);
                if (r >= 0 && values)
                        r = append(&p, rows + i, TAKE_PTR(values));
                if (r < 0)
                        first = r == -ENOMEM || first == 0 ? r : first;
        }
        /* Several rows may have the same to say. */
        diag_add(diag, &all);
        if (first < 0)
                return first;
        int r = check_size(d, &p, source_path, diag);
        if (r < 0)
                return r;
        *ret = p;
        p = (UnitProperties) {};
        return 0;
}

/* --- transient units --- */

/* Settings of a list add to what the template has. */
static bool is_list(UnitPropertyKind k) {
        return k == UNIT_STRV || k == UNIT_NAMES || k == UNIT_ADDRESS_FAMILIES || k == UNIT_BIND_PATHS;
}

/* systemd 252 writes the paths into the unit's file as they are, and does not understand some of them when it
 * reads it again. The mounts have been waited for by then. */
static bool survives_reload(const Row *row, const char *value) {
        return !streq(row->property.name, "RequiresMountsFor") || !strpbrk(value, " \t\"'\\%");
}

/* Seconds are what the template's file has. */
static int add_template_value(const Row *row, char ***values) {
        const char *s = row->template_value;

        return row->property.kind == UNIT_USEC ? strv_extendf(values, "%.*s000000", (int) strcspn(s, "s"), s) : strv_extend(values, s);
}

static int transient_values(const Row *row, const UnitProperty *set, const char *instance, bool session, char ***values) {
        int r = 0;

        if (streq(row->property.name, "CollectMode"))
                return strv_extend(values, "inactive-or-failed");
        if (row->template_value && !(session && streq(row->property.name, "After")) && (!set || is_list(row->property.kind)))
                r = is_list(row->property.kind) ? strv_split(row->template_value, " ", values) :
                        add_template_value(row, values);
        STRV_FOREACH(v, set ? set->values : NULL) {
                if (r >= 0 && survives_reload(row, *v))
                        r = add_unique(values, *v);
        }
        if (r >= 0 && streq(row->property.name, "Environment"))
                r = strv_extendf(values, "VMUNIT_INSTANCE=%s", instance);
        return r;
}

int unit_properties_for_transient(const UnitProperties *p, const char *vm_name, bool session, UnitProperties *ret) {
        _cleanup_(unit_properties_done) UnitProperties t = {};
        _cleanup_free_ char *instance = vm_instance(vm_name);
        int r;

        if (!instance)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_strv_ char **values = NULL;

                if (session && rows[i].system_only)
                        continue;
                r = transient_values(rows + i, unit_properties_find(p, rows[i].property.name), instance, session, &values);
                if (r >= 0 && values)
                        r = append(&t, rows + i, TAKE_PTR(values));
                if (r < 0)
                        return r;
        }
        *ret = t;
        t = (UnitProperties) {};
        return 0;
}
