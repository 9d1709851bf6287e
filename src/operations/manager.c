/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-file.h"
#include "host-resources.h"
#include "manager.h"
#include "names.h"
#include "runtime.h"
#include "scope.h"
#include "string-util.h"

int manager_new(const ManagerBackend *backend, void *userdata, const char *runtime_dir, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = calloc(1, sizeof(Manager));

        if (!m)
                return -ENOMEM;
        m->backend = backend;
        m->userdata = userdata;
        m->host_root = "";
        m->runtime_dir = strdup(runtime_dir ?: vm_directories()->runtime);
        if (!m->runtime_dir)
                return -ENOMEM;
        m->remembers = !runtime_dir;
        *ret = TAKE_PTR(m);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        if (m->has_facts)
                host_facts_done(&m->facts);
        free(m->runtime_dir);
        return mfree(m);
}

int manager_facts(Manager *m, const HostFacts **ret) {
        if (!m->has_facts) {
                _cleanup_config_ Config config = {};
                int r = m->backend->host_facts(m->userdata, &m->facts);
                if (r < 0)
                        return r;
                m->has_facts = true;
                /* What is wrong in the files is for `vmunit hostinfo` and `verify --host` to say. */
                if (!m->made_up)
                        (void) config_load(&config, NULL);
                r = host_facts_configure(&m->facts, &config);
                if (r < 0)
                        return r;
        }
        *ret = &m->facts;
        return 0;
}

int manager_facts_now(Manager *m, const HostFacts **ret) {
        int r = manager_facts(m, ret);

        return r < 0 || m->facts.resources.known ? r : host_resources_gather("", &m->facts.resources);
}

int manager_check_real(const Manager *m, const char *what, Diag *diag) {
        return !m->made_up ? 0 : diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {}, "this function is not supported by the connection "
                                                 "driver: machines of test:///default have no %s", what);
}

bool manager_has_systemd(Manager *m) {
        VmUnit *units = NULL;
        size_t n = 0;

        int r = m->backend->list_units(m->userdata, &units, &n);
        if (r >= 0)
                vm_units_free(units, n);
        return r != -ENOTCONN;
}

int manager_open_runtime(Manager *m, const char *name) {
        return runtime_open_in(m->runtime_dir, name);
}

void vm_units_free(VmUnit *units, size_t n) {
        FOREACH_ARRAY(u, units, n) {
                free(u->unit);
                free(u->name);
        }
        free(units);
}

void vm_unit_load_done(VmUnitLoad *l) {
        free(l->digest);
        free(l->source);
        free(l->context);
        free(l->profile);
        free(l->user);
        *l = (VmUnitLoad) {};
}

void vm_unit_status_done(VmUnitStatus *s) {
        free(s->active);
        free(s->sub);
        free(s->result);
        *s = (VmUnitStatus) {};
}

void vm_consoles_free(VmConsole *consoles, size_t n) {
        FOREACH_ARRAY(c, consoles, n) {
                free(c->alias);
                free(c->device);
        }
        free(consoles);
}
