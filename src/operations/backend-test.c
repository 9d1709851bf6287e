/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "backend-test.h"
#include "definition.h"
#include "domain-xml.h"
#include "file-util.h"
#include "host-resources.h"
#include "names.h"
#include "private-directory.h"
#include "runtime.h"
#include "scope.h"
#include "start-options.h"
#include "string-util.h"

/* A unit that runs, or is enabled; what nobody has done anything with is none. */
typedef struct TestUnit {
        char *name; /* owned: the machine's */
        bool active, transient, enabled;
        LifecycleAction on_reboot; /* as it was started */
} TestUnit;

struct TestBackend {
        PrivateDirectory *directory; /* owned */
        char *host_root;             /* owned */
        TestUnit *units;             /* owned */
        size_t n_units;
};

/* libvirt's, word by word. */
static const char default_definition[] =
        "<domain type='test'>\n"
        "  <name>test</name>\n"
        "  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>\n"
        "  <memory unit='KiB'>8388608</memory>\n"
        "  <currentMemory unit='KiB'>2097152</currentMemory>\n"
        "  <vcpu placement='static'>2</vcpu>\n"
        "  <os>\n"
        "    <type arch='i686'>hvm</type>\n"
        "    <boot dev='hd'/>\n"
        "  </os>\n"
        "  <clock offset='utc'/>\n"
        "  <on_poweroff>destroy</on_poweroff>\n"
        "  <on_reboot>restart</on_reboot>\n"
        "  <on_crash>destroy</on_crash>\n"
        "  <devices>\n"
        "    <disk type='file' device='disk'>\n"
        "      <source file='/guest/diskimage1'/>\n"
        "      <target dev='vda' bus='virtio'/>\n"
        "      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
        "    </disk>\n"
        "    <interface type='network'>\n"
        "      <mac address='aa:bb:cc:dd:ee:ff'/>\n"
        "      <source network='default'/>\n"
        "      <target dev='testnet0'/>\n"
        "      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>\n"
        "    </interface>\n"
        "    <memballoon model='virtio'>\n"
        "      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>\n"
        "    </memballoon>\n"
        "  </devices>\n"
        "</domain>\n";

static int refuse(Diag *diag, const char *what) {
        return manager_check_real(&(Manager) { .made_up = true }, what, diag);
}

/* --- units --- */

static TestUnit *find_unit(TestBackend *b, const char *name) {
        FOREACH_ARRAY(u, b->units, b->n_units)
                if (streq(u->name, name))
                        return u;
        return NULL;
}

static int add_unit(TestBackend *b, const char *name, TestUnit **ret) {
        *ret = find_unit(b, name);
        if (*ret)
                return 0;
        char *copy = strdup(name);
        if (!copy || !ARRAY_GROW(b->units, b->n_units)) {
                free(copy);
                return -ENOMEM;
        }
        *ret = &b->units[b->n_units++];
        **ret = (TestUnit) { .name = copy };
        return 0;
}

/* By the unit's name; NULL: there is none. */
static TestUnit *find_by_unit(TestBackend *b, const char *unit) {
        _cleanup_free_ char *name = NULL;
        bool transient;

        return vm_name_from_unit(unit, &name, &transient) >= 0 ? find_unit(b, name) : NULL;
}

static int list_units(void *userdata, VmUnit **ret, size_t *ret_n) {
        TestBackend *b = userdata;
        size_t n = 0;

        VmUnit *units = calloc(b->n_units + 1, sizeof(VmUnit));
        if (!units)
                return -ENOMEM;
        FOREACH_ARRAY(u, b->units, b->n_units) {
                if (!u->active)
                        continue;
                units[n] = (VmUnit) {
                        .unit = u->transient ? vm_transient_unit(u->name) : vm_unit(u->name), .name = strdup(u->name),
                        .transient = u->transient, .activity = UNIT_ACTIVE,
                };
                if (!units[n].unit || !units[n].name) {
                        vm_units_free(units, n + 1);
                        return -ENOMEM;
                }
                n++;
        }
        *ret = units;
        *ret_n = n;
        return 0;
}

static int unit_activity(void *userdata, const char *unit, UnitActivity *ret) {
        const TestUnit *u = find_by_unit(userdata, unit);

        *ret = u && u->active ? UNIT_ACTIVE : UNIT_INACTIVE;
        return 0;
}

static int unit_load(_unused_ void *userdata, _unused_ const char *unit, VmUnitLoad *ret) {
        *ret = (VmUnitLoad) {};
        return 0;
}

static bool unit_enabled(void *userdata, const char *unit) {
        const TestUnit *u = find_by_unit(userdata, unit);

        return u && u->enabled;
}

static int set_unit_enabled(void *userdata, const char *unit, bool enabled, _unused_ Diag *diag) {
        _cleanup_free_ char *name = NULL;
        bool transient;
        TestUnit *u;

        int r = vm_name_from_unit(unit, &name, &transient);
        if (r >= 0)
                r = add_unit(userdata, name, &u);
        if (r >= 0)
                u->enabled = enabled;
        return r;
}

static int reload(_unused_ void *userdata, _unused_ Diag *diag) {
        return 0; /* definitions are read when they are needed */
}

/* --- machines --- */

static int write_state(const char *name, DomainState state, DomainReason reason) {
        _cleanup_close_ int dir = runtime_open(name, true);
        _cleanup_close_ int fd = dir < 0 ? dir : runtime_open_state(dir);

        return fd < 0 ? fd : runtime_write_state(fd, state, reason);
}

static int host_facts(void *userdata, HostFacts *ret) {
        *ret = host_facts_generic;
        ret->made_up = true;
        ret->arch = ARCH_I686;
        ret->has_kvm = false;
        ret->state_dir = vm_directories()->state;
        int r = host_resources_gather(((const TestBackend *) userdata)->host_root, &ret->resources);
        /* Limits hold nobody back: they may be set. */
        ret->resources.controllers = CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_MEMORY | CONTROLLER_IO;
        return r;
}

/* What runs is told with all that was only implied. */
static int complete(TestBackend *b, const Definition *d, Diag *diag, Domain **ret, char **ret_text) {
        _cleanup_(domain_freep) Domain *domain = NULL;
        HostFacts facts;

        int r = domain_from_xml(d->text, d->size, diag, &domain);
        if (r < 0)
                return r;
        r = host_facts(b, &facts);
        if (r < 0)
                return r;
        r = domain_complete(domain, &facts, diag);
        host_facts_done(&facts);
        if (r >= 0)
                r = domain_to_xml(domain, DOMAIN_XML_SECURE, ret_text);
        if (r >= 0)
                *ret = TAKE_PTR(domain);
        return r;
}

/* What the prepare step and the supervisor leave behind. *ret_flags: of this start. */
static int write_runtime(const char *name, const Definition *d, const char *text, StartOptionFlags *ret_flags) {
        _cleanup_close_ int base = runtime_open(NULL, true), dir = runtime_open(name, true);
        unsigned id = 0;
        uint32_t job;

        int r = base < 0 ? base : dir < 0 ? dir : start_options_take(base, name, ret_flags, &job);
        if (r >= 0)
                r = runtime_allocate_id(base, &id);
        _cleanup_free_ char *line = strf("%u\n", id);
        if (r >= 0)
                r = line ? runtime_write(dir, RUNTIME_ID, line, strlen(line), 0600) : -ENOMEM;
        if (r >= 0)
                r = runtime_write(dir, RUNTIME_DEFINITION, d->text, d->size, 0600);
        return r < 0 ? r : runtime_write(dir, RUNTIME_DOMAIN, text, strlen(text), 0600);
}

static int begin(TestBackend *b, const char *name, const Definition *d, bool transient, Diag *diag) {
        _cleanup_(domain_freep) Domain *domain = NULL;
        _cleanup_free_ char *text = NULL;
        StartOptionFlags flags = 0;
        TestUnit *u;

        int r = complete(b, d, diag, &domain, &text);
        if (r >= 0)
                r = add_unit(b, name, &u);
        if (r >= 0)
                r = write_runtime(name, d, text, &flags);
        if (r >= 0)
                r = flags & START_OPTION_PAUSED ? write_state(name, STATE_PAUSED, REASON_USER) :
                                                  write_state(name, STATE_RUNNING, REASON_BOOTED);
        if (r < 0)
                return r;
        u->active = true;
        u->transient = transient;
        u->on_reboot = domain->on_reboot;
        return 0;
}

static int start_unit(void *userdata, const char *unit, _unused_ const SystemdJobNote *note, Diag *diag) {
        _cleanup_definition_ Definition d = {};
        _cleanup_free_ char *name = NULL;
        bool transient;

        int r = vm_name_from_unit(unit, &name, &transient);
        if (r >= 0)
                r = definition_load(name, &d);
        return r < 0 ? r : begin(userdata, name, &d, false, diag);
}

static int start_transient(void *userdata, const TransientStart *start, _unused_ const SystemdJobNote *note, Diag *diag) {
        _cleanup_definition_ Definition d = {};

        int r = definition_load_transient(start->name, &d);
        return r < 0 ? r : begin(userdata, start->name, &d, true, diag);
}

static int end(TestUnit *u, DomainReason reason) {
        _cleanup_free_ char *file = strf("%s/%s.xml", vm_directories()->transient, u->name);

        int r = runtime_clean(u->name, NULL);
        if (r >= 0)
                r = write_state(u->name, STATE_SHUT_OFF, reason);
        if (file && u->transient)
                (void) unlink(file);
        u->active = u->transient = false;
        return r;
}

static int stop_unit(void *userdata, const char *unit, _unused_ uint64_t limit_usec, _unused_ Diag *diag) {
        TestUnit *u = find_by_unit(userdata, unit);

        return u && u->active ? end(u, REASON_DESTROYED) : 0;
}

static int kill_unit(_unused_ void *userdata, _unused_ const char *unit, _unused_ bool main_only, _unused_ int signo, _unused_ Diag *diag) {
        return 0; /* who kills a machine stops its unit then */
}

static int check_state(const char *name, DomainState wanted, const char *word, Diag *diag) {
        _cleanup_close_ int dir = runtime_open(name, false);
        DomainReason reason;
        DomainState state;

        if (dir >= 0 && runtime_read_state(dir, &state, &reason) >= 0 && state == wanted)
                return 0;
        return diag_error(diag, (SrcLoc) {}, "internal error: domain '%s' not %s", name, word);
}

static int monitor_call(void *userdata, const char *name, MonitorVerb verb, _unused_ const char *mode, Diag *diag) {
        TestUnit *u = find_unit(userdata, name);
        int r;

        if (!u || !u->active)
                return -ENOENT;
        switch (verb) {
        case MONITOR_VERB_SUSPEND:
                r = check_state(name, STATE_RUNNING, "running", diag);
                return r < 0 ? r : write_state(name, STATE_PAUSED, REASON_USER);
        case MONITOR_VERB_RESUME:
                r = check_state(name, STATE_PAUSED, "paused", diag);
                return r < 0 ? r : write_state(name, STATE_RUNNING, REASON_UNPAUSED);
        case MONITOR_VERB_SHUTDOWN:
                return end(u, REASON_SHUTDOWN);
        case MONITOR_VERB_QUIT:
                return end(u, REASON_DESTROYED);
        case MONITOR_VERB_REBOOT:
                if (u->on_reboot == ACTION_DESTROY || u->on_reboot == ACTION_PRESERVE)
                        return end(u, REASON_SHUTDOWN);
                return write_state(name, STATE_RUNNING, REASON_BOOTED);
        case MONITOR_VERB_RESET:
                return 0;
        }
        return -EINVAL;
}

/* --- what only a QEMU could answer --- */

/* There are no limits: what is set stands in the text of what runs. */
static int set_unit_properties(_unused_ void *userdata, _unused_ const char *unit, _unused_ const UnitProperties *p, _unused_ Diag *diag) {
        return 0;
}

static int get_unit_properties(_unused_ void *userdata, _unused_ const char *unit, _unused_ UnitProperties *ret) {
        return -EOPNOTSUPP;
}

static int unit_cpu_usage(_unused_ void *userdata, _unused_ const char *unit, uint64_t *ret_nsec) {
        *ret_nsec = 0; /* nothing runs */
        return 0;
}

static int unit_cgroup(_unused_ void *userdata, _unused_ const char *unit, _unused_ char **ret) {
        return -EOPNOTSUPP;
}

static int monitor_open_console(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *alias, _unused_ bool force,
                                _unused_ ConsoleWatch **ret_watch, Diag *diag) {
        return refuse(diag, "console");
}

static int monitor_view_console(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *alias, Diag *diag) {
        return refuse(diag, "console");
}

static int monitor_consoles(_unused_ void *userdata, _unused_ const char *name, VmConsole **ret, size_t *ret_n, _unused_ Diag *diag) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
}

static int monitor_qmp(_unused_ void *userdata, _unused_ const char *name, const char *command, char **ret, Diag *diag) {
        /* The polite way to destroy a machine, and whether it answers. */
        if (!streq(command, "{\"execute\":\"quit\"}") && !streq(command, "{\"execute\":\"query-status\"}"))
                return refuse(diag, "monitor");
        *ret = strdup("{}");
        return *ret ? 0 : -ENOMEM;
}

static int monitor_agent(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *command, _unused_ uint64_t limit_usec,
                         _unused_ char **ret, Diag *diag) {
        return refuse(diag, "guest agent");
}

static int monitor_qmp_with_fd(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *command, _unused_ int fd,
                               _unused_ char **ret, Diag *diag) {
        return refuse(diag, "monitor");
}

static int monitor_set_threads(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *settings, Diag *diag) {
        return refuse(diag, "threads");
}

static int monitor_threads(_unused_ void *userdata, _unused_ const char *name, _unused_ VmThread **ret, _unused_ size_t *ret_n, Diag *diag) {
        return refuse(diag, "threads");
}

static int monitor_unplug(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *device, Diag *diag) {
        return refuse(diag, "devices that could be unplugged");
}

static int monitor_save(_unused_ void *userdata, _unused_ const char *name, Diag *diag, _unused_ SaveSession **ret_session,
                        _unused_ int *ret_fd) {
        return refuse(diag, "memory that could be saved");
}

static int monitor_wait_saved(_unused_ void *userdata, _unused_ SaveSession *session, Diag *diag) {
        return refuse(diag, "memory that could be saved");
}

static void monitor_save_close(_unused_ void *userdata, _unused_ SaveSession *session) {
}

static int monitor_dump(_unused_ void *userdata, _unused_ const char *name, _unused_ const char *format, _unused_ bool live,
                        _unused_ int file, Diag *diag, _unused_ SaveSession **ret_session, _unused_ int *ret_fd) {
        return refuse(diag, "memory that could be dumped");
}

static int monitor_end_dump(_unused_ void *userdata, _unused_ SaveSession *session, _unused_ const char *then, Diag *diag) {
        return refuse(diag, "memory that could be dumped");
}

static int emulator_caps(_unused_ void *userdata, _unused_ const char *emulator, _unused_ bool only_cached, Diag *diag,
                         _unused_ QemuCaps **ret) {
        return refuse(diag, "emulator");
}

/* --- who watches --- */

/* Nobody else knows these machines: while somebody waits, nothing happens to them. */
static int watch_units(void *userdata, _unused_ sd_event *event,
                       _unused_ void (*changed)(const char *unit, UnitActivity activity, bool lost, void *changed_userdata),
                       _unused_ void *changed_userdata, void **ret) {
        *ret = userdata;
        return 0;
}

static int watch_monitor(void *userdata, _unused_ sd_event *event, _unused_ const char *name, _unused_ const ControlEventsHandlers *handlers,
                         _unused_ void *handlers_userdata, void **ret) {
        *ret = userdata;
        return 0;
}

static void unwatch(_unused_ void *userdata, _unused_ void *watch) {
}

/* --- all of it --- */

const ManagerBackend manager_backend_test = {
        .list_units = list_units,
        .unit_activity = unit_activity,
        .unit_load = unit_load,
        .unit_enabled = unit_enabled,
        .set_unit_enabled = set_unit_enabled,
        .reload = reload,
        .start_unit = start_unit,
        .start_transient = start_transient,
        .stop_unit = stop_unit,
        .settle_unit = stop_unit,
        .kill_unit = kill_unit,
        .set_unit_properties = set_unit_properties,
        .get_unit_properties = get_unit_properties,
        .unit_cpu_usage = unit_cpu_usage,
        .unit_cgroup = unit_cgroup,
        .monitor_call = monitor_call,
        .monitor_open_console = monitor_open_console,
        .monitor_view_console = monitor_view_console,
        .monitor_consoles = monitor_consoles,
        .monitor_qmp = monitor_qmp,
        .monitor_agent = monitor_agent,
        .monitor_qmp_with_fd = monitor_qmp_with_fd,
        .monitor_set_threads = monitor_set_threads,
        .monitor_threads = monitor_threads,
        .monitor_unplug = monitor_unplug,
        .monitor_save = monitor_save,
        .monitor_wait_saved = monitor_wait_saved,
        .monitor_end_saved = monitor_wait_saved,
        .monitor_save_close = monitor_save_close,
        .monitor_dump = monitor_dump,
        .monitor_end_dump = monitor_end_dump,
        .watch_units = watch_units,
        .unwatch_units = unwatch,
        .watch_monitor = watch_monitor,
        .drain_monitor = unwatch,
        .unwatch_monitor = unwatch,
        .emulator_caps = emulator_caps,
        .host_facts = host_facts,
};

/* The machine that is there from the beginning, and nobody knows since when. */
static int begin_default(TestBackend *b, Diag *diag) {
        _cleanup_free_ char *unit = vm_unit("test");
        int r = unit ? test_file_write(b->directory->path, "vm/test.xml", default_definition) : -ENOMEM;

        if (r >= 0)
                r = start_unit(b, unit, NULL, diag);
        return r < 0 ? r : write_state("test", STATE_RUNNING, REASON_UNKNOWN);
}

int test_backend_new(Diag *diag, TestBackend **ret) {
        _cleanup_(test_backend_freep) TestBackend *b = calloc(1, sizeof(TestBackend));

        VmScope before = vm_scope();

        if (!b)
                return -ENOMEM;
        int r = private_directory_new("vmunit-test-default", &b->directory);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot make a temporary directory: %s", strerror(-r));
        b->host_root = strf("%s/host", b->directory->path);
        r = b->host_root ? vm_scope_set_test(b->directory->path) : -ENOMEM;
        if (r >= 0)
                r = mkdir_parents(vm_directories()->state, 0700);
        if (r >= 0)
                r = test_host_write(b->directory->path);
        if (r >= 0)
                r = begin_default(b, diag);
        if (r < 0) {
                vm_scope_return(before);
                return r;
        }
        *ret = TAKE_PTR(b);
        return 0;
}

TestBackend *test_backend_free(TestBackend *b) {
        if (!b)
                return NULL;
        FOREACH_ARRAY(u, b->units, b->n_units)
                free(u->name);
        free(b->units);
        free(b->host_root);
        private_directory_free(b->directory);
        return mfree(b);
}

int test_backend_manager(TestBackend *b, Manager **ret) {
        int r = manager_new(&manager_backend_test, b, NULL, ret);

        if (r < 0)
                return r;
        (*ret)->made_up = true;
        (*ret)->host_root = b->host_root;
        return 0;
}
