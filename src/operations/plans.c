/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "change-live.h"
#include "char-state.h"
#include "config-file.h"
#include "definition.h"
#include "disk-chain.h"
#include "domain-xml.h"
#include "host-resources.h"
#include "labels.h"
#include "names.h"
#include "open-files.h"
#include "path-walk.h"
#include "plan-complete.h"
#include "plans.h"
#include "runtime.h"
#include "qemu-argv.h"
#include "qemu-device.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "qemu-pages.h"
#include "tap.h"
#include "text.h"
#include "unit-host.h"
#include "usb-device.h"
#include "xml-schema.h"

/* The facts that hold for a look at a definition: a machine made up, or this one. */
static int planning_facts(Manager *m, PlanningFlags flags, const HostFacts **ret) {
        if (flags & PLANNING_GENERIC) {
                *ret = &host_facts_generic;
                return 0;
        }
        return manager_facts(m, ret);
}

static int emulator_caps(Manager *m, const Domain *d, const HostFacts *facts, PlanningFlags flags, Diag *diag,
                         QemuCaps **ret) {
        const char *emulator = d->emulator ?: arch_default_emulator(d->os.arch ?: facts->arch);

        if (!emulator)
                return diag_error(diag, d->os.loc, "there is no emulator for this architecture");
        return m->backend->emulator_caps(m->userdata, emulator, !(flags & PLANNING_HOST), diag, ret);
}

int definition_complete(Manager *m, Domain **d, const char *text, size_t size, PlanningFlags flags, Diag *diag,
                        QemuCaps **ret_caps) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const HostFacts *facts;

        if (m->made_up && !ret_caps)
                return 0; /* there is nobody who would add anything */
        int r = planning_facts(m, flags, &facts);
        if (r >= 0)
                r = emulator_caps(m, *d, facts, flags, diag, &caps);
        if (r >= 0)
                r = plan_complete_domain(d, text, size, caps, facts, diag);
        if (r < 0)
                return r;
        if (ret_caps)
                *ret_caps = TAKE_PTR(caps);
        return 0;
}

static ParseFlags parse_flags(PlanningFlags flags) {
        return (flags & PLANNING_STRICT ? PARSE_STRICT : 0) | (flags & PLANNING_GENERIC ? PARSE_GENERIC : 0);
}

/* CHAIN_DIAG: where problems of images go; NULL where they are of no interest. */
static int plan_parsed(Manager *m, ParsedDefinition *p, const char *source_path, PlanningFlags flags,
                       Diag *diag, Diag *chain_diag, Plan **ret) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        const HostFacts *facts;
        NumberSet nodes;

        int r = definition_complete(m, &p->domain, p->text, p->size, flags, diag, &caps);
        if (r >= 0)
                r = flags & PLANNING_HOST ? manager_facts_now(m, &facts) : planning_facts(m, flags, &facts);
        if (r < 0)
                return r;

        HostFacts mine = *facts; /* with the images of this definition; the rest stays the manager's */
        mine.chains = NULL;
        mine.n_chains = 0;
        if (flags & PLANNING_HOST) {
                r = disk_chains_resolve(p->domain, chain_diag, &mine);
                if (r >= 0)
                        r = usb_devices_resolve("", p->domain, chain_diag);
                if (r < 0 && chain_diag) {
                        host_facts_forget_chains(&mine);
                        return r;
                }
                (void) domain_place(p->domain, &mine.resources, &nodes);
        }
        r = flags & PLANNING_GENERIC ? 0 : labels_foresee(m, p->domain, diag);
        if (r >= 0)
                r = plan_new(p->domain, caps, &mine, p->digest, source_path, diag, &plan);
        host_facts_forget_chains(&mine);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(plan);
        return 0;
}

int definition_plan(Manager *m, const char *text, size_t size, const char *source_path, PlanningFlags flags,
                    Diag *diag, Plan **ret) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};

        int r = definition_parse(m, text, size, parse_flags(flags), diag, &p);
        return r < 0 ? r : plan_parsed(m, &p, source_path, flags, diag, NULL, ret);
}

/* --- verify --- */

/* Files that are made when they are missing need only their directory, or what they are made from. */
static int check_path(const PlanFd *fd, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        const char *path = fd->template && access(fd->path, F_OK) < 0 ? fd->template : fd->path;

        if (startswith(path, vm_directories()->state) && endswith(path, "/" CLOUD_INIT_FILE)) /* made by a start */
                return 0;
        int r = path_walk(path, fd->create || fd->may_miss ? PATH_WALK_MAY_MISS : 0, &w, &reason);
        return r < 0 ? diag_error_code(diag, r, fd->loc, "%s: %s", fd->element, reason ?: strerror(-r)) : 0;
}

/* What that file is made of. */
static int check_cloud_init(const Domain *d, Diag *diag) {
        const DomainCloudInit *c = &d->cloud_init;
        const char *const paths[] = { c->user_data, c->meta_data, c->network_config, c->vendor_data };
        int ret = 0;

        FOREACH_ARRAY(path, paths, ELEMENTSOF(paths)) {
                PlanFd fd = { .path = (char *) *path, .element = (char *) "cloud-init", .loc = c->loc };
                int r = *path ? check_path(&fd, diag) : 0;
                ret = ret < 0 ? ret : r;
        }
        return ret;
}

static int check_net_device(const PlanFd *fd, Diag *diag) {
        _cleanup_free_ char *reason = NULL;

        int r = fd->bridge ? bridge_check(fd->bridge, &reason) : fd->device ? net_device_check(fd->device, &reason) : 0;
        return r < 0 ? diag_error_code(diag, r, fd->loc, "%s: %s", fd->element, strempty(reason)) : 0;
}

static int check_fd(const PlanFd *fd, Diag *diag) {
        switch (fd->kind) {
        case PLAN_FD_CONNECT:
                if (fd->path && startswith(fd->path, vm_directories()->runtime)) /* the start listens there itself */
                        return 0;
                return check_path(fd, diag);
        case PLAN_FD_FILE:
        case PLAN_FD_COPY:
        case PLAN_FD_SOCKET:
        case PLAN_FD_FOLDER:
                return check_path(fd, diag);
        case PLAN_FD_TAP:
        case PLAN_FD_MACVTAP:
                return check_net_device(fd, diag);
        default:
                return 0;
        }
}

int definition_check_config(Diag *diag) {
        _cleanup_diag_ Diag problems = {};
        _cleanup_config_ Config config = {};

        int r = config_load(&config, &problems);
        if (r >= 0 || !(config.wrong & CONFIG_FOR_START))
                return 0;
        FOREACH_ARRAY(e, problems.entries, problems.n_entries)
                if (e->severity == DIAG_ERROR)
                        (void) diag_error_code(diag, r, (SrcLoc) {}, "%s", e->text);
        return r;
}

int definition_check_unit(Manager *m, const Domain *d, Diag *diag) {
        _cleanup_(unit_properties_done) UnitProperties properties = {};
        const HostFacts *facts;

        int r = manager_facts(m, &facts);
        return r < 0 ? r : unit_properties_new(d, facts, "", "", diag, &properties);
}

/* As the prepare step does. */
int definition_check_resources(Manager *m, const Domain *d, Diag *diag) {
        const HostFacts *facts;

        if (!domain_wants_resources(d))
                return 0;
        int r = manager_facts_now(m, &facts);
        if (r < 0)
                return r;
        r = domain_check_resources(d, facts, diag);
        int k = m->made_up ? 0 : host_check_block_devices(d, facts->lenient, diag);
        return r < 0 ? r : k;
}

static int check_host(Manager *m, const Domain *d, Diag *diag) {
        const HostFacts *facts;

        int c = definition_check_config(diag);
        int r = manager_facts(m, &facts);
        if (r >= 0)
                r = host_facts_check(facts, d, diag);
        if (r >= 0)
                r = domain_check_selinux(d, facts, diag);
        if (r >= 0)
                r = domain_check_apparmor(d, facts, diag);
        int k = definition_check_resources(m, d, diag), i = check_cloud_init(d, diag);
        k = k < 0 ? k : i;
        return c < 0 ? c : r < 0 ? r : k;
}

/* A file in one of the directories of definitions must be called as what it defines. */
static int check_place(const char *source_path, const Domain *d, Diag *diag) {
        _cleanup_strv_ char **dirs = NULL;

        if (!source_path || definition_directories(&dirs) < 0)
                return 0;
        STRV_FOREACH(dir, dirs) {
                const char *rest = startswith(source_path, *dir);
                if (rest && *rest == '/' && !strchr(rest + 1, '/'))
                        return definition_check_file_name(source_path, d, diag);
        }
        return 0;
}

/* Without a look at this machine, what counts is whether there is a machine like this: not whether vmunit can
 * start it yet. */
static int check_rendering(Manager *m, ParsedDefinition *p, const char *source_path, PlanningFlags flags,
                           Diag *diag) {
        _cleanup_(unit_properties_done) UnitProperties properties = {};
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_qemu_argv_ QemuArgv argv = {};
        const HostFacts *facts;

        int r = definition_complete(m, &p->domain, p->text, p->size, flags, diag, &caps);
        if (r >= 0)
                r = planning_facts(m, flags, &facts);
        if (r >= 0)
                r = qemu_argv_new(p->domain, caps, facts, QEMU_ARGV_NATIVE, "/run/vmunit", diag, &argv);
        return r < 0 ? r : unit_properties_new(p->domain, facts, p->digest, source_path, diag, &properties);
}

Plan *vm_read_plan(Manager *m, const char *name) {
        _cleanup_close_ int dir_fd = manager_open_runtime(m, name);
        _cleanup_free_ char *text = NULL;
        Plan *plan = NULL;
        size_t size;

        if (dir_fd < 0 || runtime_read(dir_fd, RUNTIME_PLAN, RUNTIME_PLAN_MAX, &text, &size) < 0)
                return NULL;
        return plan_from_json(text, size, &plan) < 0 ? NULL : plan;
}

int definition_verify(Manager *m, const char *text, size_t size, const char *source_path, PlanningFlags flags,
                      Diag *diag) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_(plan_freep) Plan *plan = NULL;
        int problem = 0;

        if (m->made_up) /* there is no other machine */
                flags &= ~(PlanningFlags) (PLANNING_GENERIC | PLANNING_HOST);
        int r = definition_parse(m, text, size, parse_flags(flags), diag, &p);
        if (flags & PLANNING_SCHEMA)
                problem = domain_check_schema(text, size, diag);
        if (r < 0)
                return r;
        r = check_place(source_path, p.domain, diag);
        if (r < 0)
                problem = r;
        if (m->made_up)
                return problem; /* nor an emulator */
        if (flags & PLANNING_HOST) {
                r = check_host(m, p.domain, diag);
                if (r < 0)
                        problem = r;
        }
        if (!(flags & PLANNING_HOST)) {
                r = check_rendering(m, &p, source_path, flags, diag);
                /* Nothing is known of the emulator, and it may not be asked: what can be said without it was said. */
                return r == -ENOENT || r >= 0 ? problem : r;
        }
        r = plan_parsed(m, &p, source_path, flags, diag, diag, &plan);
        if (r < 0)
                return r;
        r = qemu_check_huge_pages(p.domain, &m->facts, diag);
        if (r < 0)
                problem = r;
        leave_out_missing(plan);
        r = check_helpers(plan, diag);
        if (r < 0)
                problem = r;
        FOREACH_ARRAY(fd, plan->fds, plan->n_fds) {
                r = check_fd(fd, diag);
                if (r < 0)
                        problem = r;
        }
        return problem;
}

/* --- dumpxml --- */

/* Root may find out what an emulator can do, and whose own machines they are. */
static bool may_ask_emulators(void) {
        return geteuid() == 0 || vm_is_session();
}

static int load_inactive(Manager *m, const Vm *vm, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        bool live;

        int r = vm_load_domain_text(m, vm, true, diag, &text, &size, &live, &d);
        if (r < 0)
                return r;
        /* Addresses, controllers and the like are the emulator's business; without knowledge of it, what was
         * written is shown. Root may find out. */
        (void) definition_complete(m, &d, text, size, may_ask_emulators() ? PLANNING_HOST : 0, NULL, NULL);
        *ret = TAKE_PTR(d);
        return 0;
}

static int load_live(Manager *m, const Vm *vm, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;

        int r = vm_read_live(m, vm, &text, &size);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {},
                                       "cannot read the definition of the running domain: %s",
                                       strerror(-r));
        r = domain_from_xml(text, size, diag, &d);
        if (r < 0)
                return r;
        r = change_live_reconcile(m, vm, d, true, diag, &text, &size);
        if (r > 0) {
                d = domain_free(d);
                r = domain_from_xml(text, size, diag, &d);
        }
        if (r < 0)
                return r;
        d->id = OPT_UINT(vm->id);
        *ret = TAKE_PTR(d);
        return 0;
}

static int update_cpu(Manager *m, Domain *d, Diag *diag) {
        PlanningFlags flags = may_ask_emulators() ? PLANNING_HOST : 0;
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const HostFacts *facts;

        int r = planning_facts(m, flags, &facts);
        if (r >= 0)
                r = emulator_caps(m, d, facts, flags, diag, &caps);
        return r < 0 ? r : qemu_update_cpu(d, caps, diag);
}

int vm_describe(Manager *m, const Vm *vm, bool inactive, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        bool live = vm->active && !(inactive && vm->persistent);

        int r = live ? load_live(m, vm, diag, &d) : load_inactive(m, vm, diag, &d);
        if (r < 0)
                return r;
        if (!live)
                domain_forget_aliases(d);
        *ret = TAKE_PTR(d);
        return 0;
}

int vm_dump_xml(Manager *m, const Vm *vm, DumpFlags flags, Diag *diag, char **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        bool live = vm->active && !(flags & DUMP_INACTIVE);

        int r = vm_describe(m, vm, flags & DUMP_INACTIVE, diag, &d);
        if (r < 0)
                return r;
        if (!live) {
                domain_forget_aliases(d);
                domain_forget_ports(d);
        } else if ((r = vm_add_char_state(m, vm, d)) < 0)
                return r;
        if (flags & DUMP_UPDATE_CPU && (r = update_cpu(m, d, diag)) < 0)
                return r;
        if (flags & DUMP_MIGRATABLE) {
                domain_forget_aliases(d);
                domain_drop_implicit(d);
        }
        bool secure = flags & (DUMP_SECURE | DUMP_MIGRATABLE);
        return domain_to_xml(d, (secure ? DOMAIN_XML_SECURE : 0) | (live ? 0 : DOMAIN_XML_INACTIVE), ret);
}

/* --- domxml-to-native --- */

int argv_to_shell(char *const *env, char *const *argv, char **ret) {
        _cleanup_text_ Text t = {};

        STRV_FOREACH(e, env) {
                const char *equals = strchr(*e, '=');
                size_t n = equals ? (size_t) (equals + 1 - *e) : strlen(*e);
                text_append_n(&t, *e, n);
                text_append_shell(&t, *e + n);
                text_append_char(&t, ' ');
        }
        STRV_FOREACH(a, argv) {
                if (a != argv)
                        text_append_char(&t, ' ');
                text_append_shell(&t, *a);
        }
        return text_finish(&t, ret);
}

int definition_to_shell(Manager *m, const char *text, size_t size, PlanningFlags flags, Diag *diag, char **ret) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_free_ char *runtime_dir = NULL;
        _cleanup_qemu_argv_ QemuArgv argv = {};
        const HostFacts *facts;

        int r = definition_parse(m, text, size, parse_flags(flags), diag, &p);
        if (r >= 0)
                r = definition_complete(m, &p.domain, text, size, flags, diag, &caps);
        if (r >= 0)
                r = planning_facts(m, flags, &facts);
        if (r < 0)
                return r;
        runtime_dir = vm_runtime_path(p.domain->name, NULL);
        if (!runtime_dir)
                return -ENOMEM;
        r = qemu_argv_new(p.domain, caps, facts, QEMU_ARGV_NATIVE, runtime_dir, diag, &argv);
        return r < 0 ? r : argv_to_shell(argv.env, argv.argv, ret);
}
