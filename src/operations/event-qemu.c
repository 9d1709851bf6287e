/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block-info.h"
#include "control.h"
#include "event-kinds.h"
#include "json-member.h"
#include "string-util.h"

/* One event of QEMU's on its way to ours. Everything in it is checked: what makes no sense is not told. */
typedef struct Translation {
        json_object *data; /* NULL: none */
        const Domain *domain;
        VmEventSink sink;
        void *userdata;
} Translation;

static void tell(const Translation *t, VmEventKind kind, json_object *fields) {
        t->sink(kind, fields ?: json_object_new_object(), t->userdata);
}

static const char *string(const Translation *t, const char *key) {
        return json_member_string(t->data, key);
}

static bool flag(const Translation *t, const char *key) {
        json_object *o = json_member(t->data, key, json_type_boolean);

        return o && json_object_get_boolean(o);
}

static bool number(const Translation *t, const char *key, int64_t *ret) {
        json_object *o = json_member(t->data, key, json_type_int);

        if (o)
                *ret = json_object_get_int64(o);
        return o;
}

static json_object *with_number(json_object *o, const char *key, int64_t value) {
        if (o)
                json_object_object_add(o, key, json_object_new_int64(value));
        return o;
}

/* One of WORDS, up to NULL, or NULL. */
static const char *word_of(const char *word, const char *const *words) {
        for (; word && *words; words++)
                if (streq(word, *words))
                        return *words;
        return NULL;
}

static void on_reset(const Translation *t) {
        tell(t, VM_EVENT_REBOOT, NULL);
}

static void on_wakeup(const Translation *t) {
        tell(t, VM_EVENT_PM_WAKEUP, NULL);
}

static void on_suspend(const Translation *t) {
        tell(t, VM_EVENT_PM_SUSPEND, NULL);
}

static void on_suspend_disk(const Translation *t) {
        tell(t, VM_EVENT_PM_SUSPEND_DISK, NULL);
}

static void on_crashloaded(const Translation *t) {
        tell(t, VM_EVENT_LIFECYCLE, vm_event_lifecycle("Crashed", "Crashloaded"));
}

static void on_control_error(const Translation *t) {
        tell(t, VM_EVENT_CONTROL_ERROR, NULL);
}

static void on_rtc(const Translation *t) {
        int64_t offset;

        if (!number(t, "offset", &offset))
                return;
        /* QEMU counts from where it began. */
        if (t->domain && t->domain->clock.has_adjustment && __builtin_add_overflow(offset, t->domain->clock.adjustment, &offset))
                return;
        tell(t, VM_EVENT_RTC_CHANGE, with_number(json_object_new_object(), "offset", offset));
}

static void on_watchdog(const Translation *t) {
        static const char *const actions[] = { "none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi", NULL };
        const char *action = word_of(string(t, "action"), actions);

        if (action)
                tell(t, VM_EVENT_WATCHDOG, json_strings("action", action, NULL));
}

static void on_balloon(const Translation *t) {
        int64_t actual;

        if (number(t, "actual", &actual) && actual >= 0)
                tell(t, VM_EVENT_BALLOON_CHANGE, with_number(json_object_new_object(), "memory_kib", actual / 1024));
}

static void on_pass(const Translation *t) {
        int64_t pass;

        if (number(t, "pass", &pass) && pass >= 0 && pass <= INT32_MAX)
                tell(t, VM_EVENT_MIGRATION_ITERATION, with_number(json_object_new_object(), "iteration", pass));
}

/* --- devices --- */

/* "virtio-disk0" of that, or of "/machine/peripheral/virtio-disk0/virtio-backend". */
static const DomainDisk *find_disk(const Domain *d, const char *id) {
        if (!d || isempty(id))
                return NULL;
        const char *path = startswith(id, "/machine/peripheral/");
        const char *alias = path ?: id;
        size_t n = strcspn(alias, "/");
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->info.alias && strlen(disk->info.alias) == n && memcmp(disk->info.alias, alias, n) == 0)
                        return disk;
        return NULL;
}

static void on_tray(const Translation *t) {
        const char *id = string(t, "id") ?: string(t, "device");
        const DomainDisk *disk = find_disk(t->domain, id);
        json_object *open = json_member(t->data, "tray-open", json_type_boolean);

        if (open && !isempty(id))
                tell(t, VM_EVENT_TRAY_CHANGE, json_strings("disk", disk ? disk->info.alias : id, "change",
                                                           json_object_get_boolean(open) ? "opened" : "closed", NULL));
}

static void on_io_error(const Translation *t) {
        static const char *const words[][2] = { { "ignore", "none" }, { "stop", "pause" }, { "report", "report" } };
        const DomainDisk *disk = find_disk(t->domain, string(t, "qom-path") ?: string(t, "device"));
        _cleanup_free_ char *path = NULL;
        const char *action = NULL;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq_ptr(string(t, "action"), words[i][0]))
                        action = words[i][1];
        if (!action || (disk && disk_source_text(&disk->source, &path) < 0))
                return;
        const char *alias = disk ? disk->info.alias : "";
        tell(t, VM_EVENT_IO_ERROR, json_strings("path", strempty(path), "disk", alias, "action", action, NULL));
        tell(t, VM_EVENT_IO_ERROR_REASON, json_strings("path", strempty(path), "disk", alias, "action", action,
                                                       "reason", flag(t, "nospace") ? "enospc" : "", NULL));
}

static void on_deleted(const Translation *t) {
        const char *device = string(t, "device");

        /* Virtual CPUs are no devices to libvirt. */
        if (!isempty(device) && !startswith(device, "vcpu"))
                tell(t, VM_EVENT_DEVICE_REMOVED, json_strings("device", device, NULL));
}

static void on_unplug_error(const Translation *t) {
        const char *device = string(t, "device");

        if (!isempty(device))
                tell(t, VM_EVENT_DEVICE_REMOVAL_FAILED, json_strings("device", device, NULL));
}

/* The monitor's own words. */
static void on_job(const Translation *t) {
        json_object *o = string(t, "operation") ? json_strings("operation", string(t, "operation"), NULL) : NULL;

        if (!o)
                return;
        json_object_object_foreach(t->data, key, value)
                if (json_object_is_type(value, json_type_int))
                        json_object_object_add(o, key, json_object_get(value));
        tell(t, VM_EVENT_JOB_COMPLETED, o);
}

static const DomainChar *agent_channel(const Domain *d) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (domain_char_is_agent(c))
                        return c;
        return NULL;
}

bool vm_event_has_agent(const Domain *d) {
        return agent_channel(d);
}

static void on_port(const Translation *t) {
        const DomainChar *agent = t->domain ? agent_channel(t->domain) : NULL;
        const char *id = string(t, "id");

        if (agent && id && streq_ptr(agent->info.alias, id) && json_member(t->data, "open", json_type_boolean))
                tell(t, VM_EVENT_AGENT_LIFECYCLE, json_strings("state", flag(t, "open") ? "connected" : "disconnected",
                                                               "reason", "channel event", NULL));
}

static void on_memory_size(const Translation *t) {
        const char *id = string(t, "id");
        int64_t size;

        if (!isempty(id) && number(t, "size", &size) && size >= 0)
                tell(t, VM_EVENT_MEMORY_DEVICE_SIZE_CHANGE, with_number(json_strings("device", id, NULL), "size_kib", size / 1024));
}

static void on_memory_failure(const Translation *t) {
        static const char *const recipients[] = { "hypervisor", "guest", NULL };
        static const char *const actions[] = { "ignore", "inject", "fatal", "reset", NULL };
        const char *recipient = word_of(string(t, "recipient"), recipients), *action = word_of(string(t, "action"), actions);
        Translation flags = { .data = json_member(t->data, "flags", json_type_object) };

        if (!recipient || !action)
                return;
        json_object *o = json_strings("recipient", recipient, "action", action, NULL);
        if (o) {
                json_object_object_add(o, "action_required", json_object_new_boolean(flag(&flags, "action-required")));
                json_object_object_add(o, "recursive", json_object_new_boolean(flag(&flags, "recursive")));
        }
        tell(t, VM_EVENT_MEMORY_FAILURE, o);
}

/* --- displays --- */

static json_object *address(json_object *end) {
        static const char *const families[][2] = { { "ipv4", "IPv4" }, { "ipv6", "IPv6" }, { "unix", "unix" } };
        const char *host = json_member_string(end, "host"), *port = json_member_string(end, "service") ?: json_member_string(end, "port");

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (streq_ptr(json_member_string(end, "family"), families[i][0]))
                        return json_strings("family", families[i][1], "address", strempty(host), "service", strempty(port), NULL);
        return NULL;
}

static void add_identity(json_object *list, json_object *client, const char *key, const char *type) {
        const char *name = json_member_string(client, key);

        if (name)
                json_object_array_add(list, json_strings("type", type, "name", name, NULL));
}

static void tell_graphics(const Translation *t, const char *phase) {
        json_object *server = json_member(t->data, "server", json_type_object), *client = json_member(t->data, "client", json_type_object);
        json_object *local = address(server), *remote = address(client), *o = json_strings("phase", phase, NULL);
        json_object *identities = json_object_new_array();

        if (!local || !remote || !o || !identities) {
                json_object_put(local);
                json_object_put(remote);
                json_object_put(o);
                json_object_put(identities);
                return;
        }
        add_identity(identities, client, "x509_dname", "x509dname");
        add_identity(identities, client, "sasl_username", "saslUsername");
        json_object_object_add(o, "local", local);
        json_object_object_add(o, "remote", remote);
        json_object_object_add(o, "auth", json_object_new_string(strempty(json_member_string(server, "auth"))));
        json_object_object_add(o, "identities", identities);
        tell(t, VM_EVENT_GRAPHICS, o);
}

static void on_client_connected(const Translation *t) {
        tell_graphics(t, "connect");
}

static void on_client_initialized(const Translation *t) {
        tell_graphics(t, "initialize");
}

static void on_client_disconnected(const Translation *t) {
        tell_graphics(t, "disconnect");
}

/* --- the table --- */

static const struct {
        const char *name;
        void (*translate)(const Translation *t);
        bool needs_domain;
} rows[] = {
        { "BALLOON_CHANGE", on_balloon, false },
        { "BLOCK_IO_ERROR", on_io_error, true },
        { "DEVICE_DELETED", on_deleted, false },
        { "DEVICE_TRAY_MOVED", on_tray, true },
        { "DEVICE_UNPLUG_GUEST_ERROR", on_unplug_error, false },
        { "GUEST_CRASHLOADED", on_crashloaded, false },
        { "MEMORY_DEVICE_SIZE_CHANGE", on_memory_size, false },
        { "MEMORY_FAILURE", on_memory_failure, false },
        { "MEM_UNPLUG_ERROR", on_unplug_error, false },
        { "MIGRATION_PASS", on_pass, false },
        { "RESET", on_reset, false },
        { "RTC_CHANGE", on_rtc, true },
        { "SPICE_CONNECTED", on_client_connected, false },
        { "SPICE_DISCONNECTED", on_client_disconnected, false },
        { "SPICE_INITIALIZED", on_client_initialized, false },
        { "SUSPEND", on_suspend, false },
        { "SUSPEND_DISK", on_suspend_disk, false },
        { "VNC_CONNECTED", on_client_connected, false },
        { "VNC_DISCONNECTED", on_client_disconnected, false },
        { "VNC_INITIALIZED", on_client_initialized, false },
        { "VSERPORT_CHANGE", on_port, true },
        { "WAKEUP", on_wakeup, false },
        { "WATCHDOG", on_watchdog, false },
        { CONTROL_EVENT_ERROR, on_control_error, false },
        { CONTROL_EVENT_JOB, on_job, false },
        { CONTROL_EVENT_VNC, on_client_connected, false },
};

void vm_event_from_qemu(const char *name, json_object *data, const Domain *d, VmEventSink sink, void *userdata) {
        Translation t = { .data = data, .domain = d, .sink = sink, .userdata = userdata };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].name, name))
                        rows[i].translate(&t);
}

bool vm_event_needs_domain(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].name, name))
                        return rows[i].needs_domain;
        return false;
}
