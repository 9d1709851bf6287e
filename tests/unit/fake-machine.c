/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "definition.h"
#include "fake-machine.h"
#include "file-util.h"
#include "names.h"
#include "runtime.h"
#include "string-util.h"
#include "systemd.h"
#include "strv.h"

static void must(bool ok, const char *what) {
        if (!ok) {
                fprintf(stderr, "fake machine: %s: %m\n", what);
                abort();
        }
}

static const char *signal_word(int signo) {
        return signo == SIGRTMIN + 14 ? "destroy" : signo == SIGRTMIN + 15 ? "reset" : signo == SIGRTMIN + 4 ?
                "poweroff" :
                signo == SIGKILL ? "SIGKILL" : signo == SIGINT ? "SIGINT" : "another signal";
}

static FakeUnit *find_by_unit(FakeMachine *f, const char *unit) {
        _cleanup_free_ char *name = NULL;
        bool transient;

        must(vm_name_from_unit(unit, &name, &transient) >= 0, unit);
        FakeUnit *u = fake_unit(f, name);
        u->transient = transient;
        return u;
}

static int list_units(void *userdata, VmUnit **ret, size_t *ret_n) {
        FakeMachine *f = userdata;

        text_append(&f->calls, "list-units\n");
        if (f->no_systemd)
                return -ENOTCONN;
        VmUnit *units = calloc(f->n_units + 1, sizeof(VmUnit));
        must(units, "memory");
        FOREACH_ARRAY(u, f->units, f->n_units)
                units[(*ret_n)++] = (VmUnit) {
                        .unit = u->transient ? vm_transient_unit(u->name) : vm_unit(u->name),
                        .name = strdup(u->name), .transient = u->transient, .activity = u->activity,
                };
        *ret = units;
        return 0;
}

static int unit_activity(void *userdata, const char *unit, UnitActivity *ret) {
        *ret = find_by_unit(userdata, unit)->activity;
        return 0;
}

static int unit_load(void *userdata, const char *unit, VmUnitLoad *ret) {
        const FakeUnit *u = find_by_unit(userdata, unit);

        *ret = (VmUnitLoad) { .needs_reload = u->needs_reload, .masked = u->masked };
        return free_and_strdup(&ret->digest, u->digest);
}

static bool unit_enabled(void *userdata, const char *unit) {
        return find_by_unit(userdata, unit)->enabled;
}

static int set_unit_enabled(void *userdata, const char *unit, bool enabled, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "%s %s\n", enabled ? "enable" : "disable", unit);
        find_by_unit(f, unit)->enabled = enabled;
        return 0;
}

static int reload(void *userdata, Diag *diag) {
        FakeMachine *f = userdata;

        text_append(&f->calls, "reload\n");
        FOREACH_ARRAY(u, f->units, f->n_units) {
                _cleanup_definition_ Definition d = {};
                u->needs_reload = false;
                if (definition_load(u->name, &d) >= 0)
                        must(free_and_strdup(&u->digest, d.digest) >= 0, "memory");
        }
        return 0;
}

static void note_start_options(FakeMachine *f, const char *name) {
        _cleanup_free_ char *path = strf("run/.start-%s", name);
        _cleanup_free_ char *text = fake_read(f, path);

        if (text && *text)
                text_appendf(&f->calls, "  with %s", text);
        /* Several stand there with a NUL between: the first one shows. */
        _cleanup_free_ char *credentials_path = strf("run/.credentials-%s", name);
        _cleanup_free_ char *credentials = fake_read(f, credentials_path);
        if (credentials)
                text_appendf(&f->calls, "  with credential %s\n", credentials);
}

static int finish_start(FakeMachine *f, FakeUnit *u, const SystemdJobNote *note, Diag *diag) {
        note_start_options(f, u->name);
        systemd_note_job(note, NULL);
        systemd_note_job(note, "/org/freedesktop/systemd1/job/7");
        if (f->start_error < 0) {
                u->activity = UNIT_FAILED;
                return f->start_text ? diag_error_code(diag, f->start_error, (SrcLoc) {}, "%s",
                                                       f->start_text) :
                                       f->start_error;
        }
        u->activity = UNIT_ACTIVE;
        fake_runtime(f, u->name, "running/booted", "7");
        return 0;
}

static int start_unit(void *userdata, const char *unit, const SystemdJobNote *note, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "start %s\n", unit);
        return finish_start(f, find_by_unit(f, unit), note, diag);
}

static int start_transient(void *userdata, const TransientStart *start, const SystemdJobNote *note, Diag *diag) {
        FakeMachine *f = userdata;

        const char *place = startswith(start->source_path, f->dir);
        text_appendf(&f->calls, "start-transient %s from %s\n", start->unit, place ? place + 1 :
                     start->source_path);
        return finish_start(f, find_by_unit(f, start->unit), note, diag);
}

static int stop_unit(void *userdata, const char *unit, uint64_t limit_usec, Diag *diag) {
        FakeMachine *f = userdata;
        int r = f->stop_error;

        text_appendf(&f->calls, "stop %s\n", unit);
        f->stop_error = 0;
        if (r < 0)
                return r;
        find_by_unit(f, unit)->activity = UNIT_INACTIVE;
        return 0;
}

static int kill_unit(void *userdata, const char *unit, bool main_only, int signo, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "kill %s of %s: %s\n", main_only ? "main process" : "all", unit,
                     signal_word(signo));
        return 0;
}

static int unit_cpu_usage(void *userdata, const char *unit, uint64_t *ret_nsec) {
        *ret_nsec = 12345678901;
        return 0;
}

static int unit_status(void *userdata, const char *unit, VmUnitStatus *ret) {
        static const char *const words[][2] = {
                [UNIT_INACTIVE] = { "inactive", "dead" },     [UNIT_FAILED] = { "failed", "failed" },
                [UNIT_ACTIVATING] = { "activating", "start" }, [UNIT_ACTIVE] = { "active", "running" },
                [UNIT_DEACTIVATING] = { "deactivating", "stop" },
        };
        _cleanup_free_ char *name = NULL;
        UnitActivity a;
        bool transient;

        must(vm_name_from_unit(unit, &name, &transient) >= 0, unit);
        a = fake_unit(userdata, name)->activity;
        *ret = (VmUnitStatus) {
                .active = strdup(words[a][0]),
                .sub = strdup(words[a][1]),
                .result = strdup(a == UNIT_FAILED ? "exit-code" : "success"),
                .since_usec = a == UNIT_INACTIVE ? 0 : UINT64_C(1700000000) * 1000000,
                .main_pid = a == UNIT_ACTIVE ? 4242 : 0,
        };
        return 0;
}

static int unit_log(void *userdata, const char *const *units, unsigned n, char ***ret) {
        FakeMachine *f = userdata;

        *ret = NULL;
        for (; *units; units++)
                text_appendf(&f->calls, "last %u lines of %s\n", n, *units);
        return strv_extend(ret, "Nov 14 22:13:20 vmunit-monitor[42]: the guest runs");
}

static int unit_cgroup(void *userdata, const char *unit, char **ret) {
        *ret = strf("/machine.slice/%s", unit);
        return *ret ? 0 : -ENOMEM;
}

static int set_unit_properties(void *userdata, const char *unit, const UnitProperties *p, Diag *diag) {
        FakeMachine *f = userdata;

        FOREACH_ARRAY(i, p->items, p->n_items) {
                _cleanup_free_ char *values = strv_join(i->values, ", ");
                text_appendf(&f->calls, "set %s of %s: %s\n", i->name, unit, strempty(values));
        }
        return 0;
}

static int get_unit_properties(void *userdata, const char *unit, UnitProperties *ret) {
        FakeMachine *f = userdata;

        FOREACH_ARRAY(i, f->properties.items, f->properties.n_items)
                must(unit_properties_add(ret, i->section, i->name, i->values) >= 0, "memory");
        return 0;
}

static int monitor_result(FakeMachine *f, Diag *diag) {
        int r = f->monitor_error;

        f->monitor_error = 0;
        return r < 0 && f->monitor_text ? diag_error_code(diag, r, (SrcLoc) {}, "%s", f->monitor_text) : r;
}

static int monitor_call(void *userdata, const char *name, MonitorVerb verb, const char *mode, Diag *diag) {
        static const char *const words[] = { "suspend", "resume", "shutdown", "reboot", "reset", "quit" };
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: %s%s%s\n", name, words[verb], mode ? " " : "",
                     strempty(mode));
        return monitor_result(f, diag);
}

static int monitor_open_console(void *userdata, const char *name, const char *alias, bool force, ConsoleWatch **ret_watch,
                                Diag *diag) {
        FakeMachine *f = userdata;
        int pair[2];

        text_appendf(&f->calls, "monitor of %s: console %s%s\n", name, alias ?: "(first)", force ?
                     " by force" : "");
        int r = monitor_result(f, diag);
        if (r < 0)
                return r;
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) >= 0, "socketpair");
        close(pair[1]);
        *ret_watch = NULL;
        return pair[0];
}

static int monitor_consoles(void *userdata, const char *name, VmConsole **ret, size_t *ret_n, Diag *diag) {
        FakeMachine *f = userdata;

        int r = monitor_result(f, diag);
        if (r < 0)
                return r;
        *ret = calloc(1, sizeof(VmConsole));
        must(*ret, "memory");
        **ret = (VmConsole) { .alias = strdup("serial0"), .device = strdup(strempty(f->tty)) };
        *ret_n = 1;
        return 0;
}

/* The next of the replies to this command, or NULL; the last one stays. */
static const char *next_reply(FakeMachine *f, const char *command) {
        FakeReply *found = NULL;

        FOREACH_ARRAY(r, f->replies, f->n_replies) {
                _cleanup_free_ char *execute = strf("\"execute\":\"%s\"", r->command);
                if (r->used || !strstr(command, execute))
                        continue;
                if (found) {
                        found->used = true;
                        break;
                }
                found = r;
        }
        return found ? found->text : NULL;
}

/* As QEMU tells them: the last one first. */
static char *list_vcpus(const FakeMachine *f) {
        Text t = {};
        char *text;

        for (unsigned i = f->max_vcpus; i-- > 0;) {
                text_appendf(&t, "%c{\"props\":{\"core-id\":0,\"thread-id\":0,\"socket-id\":%u},\"vcpus-count\":1,", i + 1 < f->max_vcpus ? ',' : '[', i);
                if (number_set_has(&f->vcpus, i))
                        text_appendf(&t, "\"qom-path\":\"/machine/%s%u\",", i < f->fixed_vcpus ? "unattached/device" : "peripheral/vcpu", i);
                text_append(&t, "\"type\":\"max-x86_64-cpu\"}");
        }
        text_append(&t, "]");
        must(text_finish(&t, &text) >= 0, "memory");
        return text;
}

static char *answer(FakeMachine *f, const char *command) {
        const char *added = strstr(command, "\"id\":\"vcpu"), *reply = next_reply(f, command);

        if (added && strstr(command, "\"device_add\""))
                number_set_add(&f->vcpus, (unsigned) strtoul(added + strlen("\"id\":\"vcpu"), NULL, 10));
        if (!reply && f->max_vcpus > 0 && strstr(command, "\"query-hotpluggable-cpus\""))
                return list_vcpus(f);
        return strdup(reply ?: f->qmp_reply ?: "{}");
}

static int monitor_qmp(void *userdata, const char *name, const char *command, char **ret, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: qmp %s\n", name, command);
        int r = strstr(command, "\"query-hotpluggable-cpus\"") ? 0 : monitor_result(f, diag);
        if (r < 0)
                return r;
        *ret = answer(f, command);
        return 0;
}

static int monitor_qmp_with_fd(void *userdata, const char *name, const char *command, int fd, char **ret, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: with a descriptor:\n", name);
        must(fcntl(fd, F_GETFD) >= 0, "descriptor");
        /* What QEMU would write there. */
        must(write(fd, "P6\n", 3) == 3, "write");
        return monitor_qmp(userdata, name, command, ret, diag);
}

/* What limit a command has, if it is not the usual one. */
static int monitor_agent(void *userdata, const char *name, const char *command, uint64_t limit_usec, char **ret, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: agent %s\n", name, command);
        if (limit_usec == 0)
                text_append(&f->calls, "  without waiting\n");
        else if (limit_usec != UINT64_C(20000000))
                text_appendf(&f->calls, "  within %" PRIu64 " s\n", limit_usec / 1000000);
        int r = monitor_result(f, diag);
        if (r < 0)
                return r;
        *ret = answer(f, command);
        return 0;
}

static int monitor_set_threads(void *userdata, const char *name, const char *settings, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: threads %s\n", name, settings);
        return monitor_result(f, diag);
}

static int monitor_set_actions(void *userdata, const char *name, const char *actions, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: actions %s\n", name, actions);
        return monitor_result(f, diag);
}

static int monitor_job(void *userdata, const char *name, bool completed, bool keep, char **ret, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "job %s%s%s\n", name, completed ? " completed" : "", keep ? " keep" : "");
        int r = monitor_result(f, diag);
        if (r >= 0)
                *ret = strdup(f->job ?: "{}");
        return r;
}

static int monitor_abort_job(void *userdata, const char *name, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "abort job %s\n", name);
        return monitor_result(f, diag);
}

static int monitor_unplug(void *userdata, const char *name, const char *device, Diag *diag) {
        FakeMachine *f = userdata;

        text_appendf(&f->calls, "monitor of %s: unplug %s\n", name, device);
        int r = f->unplug_error ?: monitor_result(f, diag);
        f->unplug_error = 0;
        if (r >= 0 && startswith(device, "vcpu"))
                number_set_remove(&f->vcpus, (unsigned) strtoul(device + strlen("vcpu"), NULL, 10));
        return r;
}

static int monitor_threads(void *userdata, const char *name, VmThread **ret, size_t *ret_n, Diag *diag) {
        FakeMachine *f = userdata;

        int r = monitor_result(f, diag);
        if (r < 0)
                return r;
        *ret = calloc(f->n_threads + 1, sizeof(VmThread));
        must(*ret, "memory");
        if (f->n_threads > 0)
                memcpy(*ret, f->threads, f->n_threads * sizeof(VmThread));
        *ret_n = f->n_threads;
        return 0;
}

static int emulator_caps(void *userdata, const char *emulator, bool only_cached, Diag *diag, QemuCaps **ret) {
        FakeMachine *f = userdata;

        if (only_cached)
                return -ENOENT;
        text_appendf(&f->calls, "ask %s\n", emulator);
        /* The only one that is "installed"; what it can do is in the golden tests' record. */
        if (!streq(emulator, "/usr/bin/qemu-system-x86_64"))
                return diag_error_code(diag, -ENOENT, (SrcLoc) {}, "there is no emulator '%s'", emulator);
        _cleanup_free_ char *json = NULL;
        int r = read_file_limited(AT_FDCWD, VMUNIT_CAPS, 1U << 20, &json, NULL);
        return r < 0 ? r : qemu_caps_from_json(json, ret);
}

static int host_facts(void *userdata, HostFacts *ret) {
        HostResources *r = &ret->resources;

        *ret = host_facts_generic;
        /* Eight CPUs and two nodes. */
        *r = (HostResources) { .known = true, .nodes = calloc(2, sizeof(HostNode)), .n_nodes = 2,
                               .controllers = CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_MEMORY | CONTROLLER_IO };
        must(r->nodes, "memory");
        for (unsigned i = 0; i < 8; i++)
                number_set_add(&r->cpus, i);
        for (unsigned i = 0; i < 2; i++)
                r->nodes[i].id = i;
        return 0;
}

/* --- who watches --- */

static int watch_units(void *userdata, sd_event *event, void (*changed)(const char *unit, UnitActivity activity, bool lost, void *u),
                       void *changed_userdata, void **ret) {
        FakeMachine *f = userdata;

        f->unit_changed = changed;
        f->unit_userdata = changed_userdata;
        *ret = f;
        return 0;
}

static void unwatch_units(void *userdata, void *watch) {
        FakeMachine *f = userdata;

        f->unit_changed = NULL;
}

static int watch_monitor(void *userdata, sd_event *event, const char *name, const ControlEventsHandlers *handlers,
                         void *handlers_userdata, void **ret) {
        FakeMachine *f = userdata;

        if (f->watch_error < 0)
                return f->watch_error;
        f->monitor_watch = handlers;
        f->monitor_userdata = handlers_userdata;
        *ret = f;
        return 0;
}

static void drain_monitor(void *userdata, void *watch) {
}

static void unwatch_monitor(void *userdata, void *watch) {
        FakeMachine *f = userdata;

        f->monitor_watch = NULL;
}

void fake_unit_changed(FakeMachine *f, const char *unit, UnitActivity activity) {
        f->unit_changed(unit, activity, false, f->unit_userdata);
}

void fake_monitor_state(FakeMachine *f, DomainState state, DomainReason reason, bool agreed) {
        f->monitor_watch->state(state, reason, agreed, f->monitor_userdata);
}

void fake_monitor_event(FakeMachine *f, const char *name, uint64_t usec, const char *data) {
        f->monitor_watch->event(name, usec, data, f->monitor_userdata);
}

void fake_monitor_gone(FakeMachine *f) {
        f->monitor_watch->gone(f->monitor_userdata);
}

static const ManagerBackend fake_backend = {
        .list_units = list_units,
        .unit_activity = unit_activity,
        .unit_load = unit_load,
        .unit_enabled = unit_enabled,
        .set_unit_enabled = set_unit_enabled,
        .set_unit_properties = set_unit_properties,
        .get_unit_properties = get_unit_properties,
        .unit_status = unit_status,
        .unit_log = unit_log,
        .unit_cpu_usage = unit_cpu_usage,
        .unit_cgroup = unit_cgroup,
        .reload = reload,
        .start_unit = start_unit,
        .start_transient = start_transient,
        .stop_unit = stop_unit,
        .settle_unit = stop_unit,
        .kill_unit = kill_unit,
        .monitor_call = monitor_call,
        .monitor_open_console = monitor_open_console,
        .monitor_consoles = monitor_consoles,
        .monitor_qmp = monitor_qmp,
        .monitor_agent = monitor_agent,
        .monitor_qmp_with_fd = monitor_qmp_with_fd,
        .monitor_set_threads = monitor_set_threads,
        .monitor_set_actions = monitor_set_actions,
        .monitor_threads = monitor_threads,
        .monitor_unplug = monitor_unplug,
        .monitor_job = monitor_job,
        .monitor_abort_job = monitor_abort_job,
        .watch_units = watch_units,
        .unwatch_units = unwatch_units,
        .watch_monitor = watch_monitor,
        .drain_monitor = drain_monitor,
        .unwatch_monitor = unwatch_monitor,
        .emulator_caps = emulator_caps,
        .host_facts = host_facts,
};

/* --- the machine itself --- */

FakeMachine *fake_machine_new(void) {
        FakeMachine *f = calloc(1, sizeof(FakeMachine));

        must(f && private_directory_new("vmunit-test", &f->directory) >= 0, "temporary directory");
        const char *dir = f->dir = f->directory->path;
        _cleanup_free_ char *path = strf("%s/etc:%s/run-vm:%s/lib", dir, dir, dir);
        _cleanup_free_ char *run = strf("%s/run", dir);
        must(path && run, "memory");
        must(mkdir(run, 0755) >= 0 && setenv("VMUNIT_CONFIG_PATH", path, 1) >= 0, "directories");
        must(manager_new(&fake_backend, f, run, &f->manager) >= 0, "manager");
        f->host_root = strf("%s/host", dir);
        must(f->host_root, "memory");
        f->manager->host_root = f->host_root;
        fake_file(f, "host/sys/devices/system/cpu/present", "0-3\n");
        fake_file(f, "host/sys/devices/system/cpu/online", "0-3\n");
        return f;
}

FakeMachine *fake_machine_free(FakeMachine *f) {
        if (!f)
                return NULL;
        manager_free(f->manager);
        private_directory_free(f->directory);
        for (size_t i = 0; i < f->n_units; i++) {
                free(f->units[i].name);
                free(f->units[i].digest);
        }
        unit_properties_done(&f->properties);
        text_done(&f->calls);
        free(f->host_root);
        free(f->start_text);
        free(f->monitor_text);
        free(f->qmp_reply);
        FOREACH_ARRAY(r, f->replies, f->n_replies) {
                free(r->command);
                free(r->text);
        }
        free(f->tty);
        free(f->job);
        return mfree(f);
}

FakeUnit *fake_unit(FakeMachine *f, const char *name) {
        for (size_t i = 0; i < f->n_units; i++)
                if (streq(f->units[i].name, name))
                        return &f->units[i];
        must(f->n_units < ELEMENTSOF(f->units), "too many units");
        FakeUnit *u = &f->units[f->n_units++];
        *u = (FakeUnit) { .name = strdup(name) };
        return u;
}

void fake_file(FakeMachine *f, const char *path, const char *text) {
        _cleanup_free_ char *full = strf("%s/%s", f->dir, path);
        _cleanup_free_ char *dir = strndup(full, (size_t) (strrchr(full, '/') - full));

        must(mkdir_parents(dir, 0755) >= 0, dir);
        must(write_file_atomic(AT_FDCWD, full, text, strlen(text), 0644) >= 0, full);
}

char *fake_read(FakeMachine *f, const char *path) {
        _cleanup_free_ char *full = strf("%s/%s", f->dir, path);
        char *text;

        return read_file_limited(AT_FDCWD, full, 1 << 20, &text, NULL) < 0 ? NULL : text;
}

void fake_runtime(FakeMachine *f, const char *name, const char *state, const char *id) {
        char line[DOMAIN_STATE_LINE + 1];
        _cleanup_free_ char *state_path = strf("run/%s/state", name), *id_path = strf("run/%s/id", name);
        _cleanup_free_ char *id_line = strf("%s\n", id);

        snprintf(line, sizeof(line), "%-63s\n", state);
        fake_file(f, state_path, line);
        fake_file(f, id_path, id_line);
}

char *fake_calls(FakeMachine *f) {
        char *s;

        must(text_finish(&f->calls, &s) >= 0, "memory");
        return s;
}
