/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "definition-label.h"
#include "label-registry.h"
#include "labels.h"
#include "machine-runs.h"
#include "names.h"
#include "string-util.h"

/* The pair of the unit as it is loaded: 1, or 0. */
static int loaded_pair(Manager *m, const char *name, CategoryPair *ret) {
        _cleanup_free_ char *unit = vm_unit(name);
        VmUnitLoad load = {};

        if (!unit)
                return -ENOMEM;
        if (m->backend->unit_load(m->userdata, unit, &load) < 0)
                return 0;
        int r = load.context ? category_pair_of_context(load.context, ret) : 0;
        vm_unit_load_done(&load);
        return r;
}

static int open_registry(Manager *m, bool create) {
        _cleanup_close_ int base = manager_open_runtime(m, NULL);

        return base < 0 ? base : label_registry_open(base, create);
}

/* What is not there, or may not be read, takes nothing. */
static int gather_taken(Manager *m, const HostFacts *facts, const char *name, CategoryPairs *taken) {
        CategoryPair own;

        _cleanup_close_ int registry = open_registry(m, false);
        if (registry >= 0 && label_registry_read(registry, name, taken, &own) == -ENOMEM)
                return -ENOMEM;
        return definitions_static_pairs(facts, taken) == -ENOMEM ? -ENOMEM : 0;
}

static int none_left(const Domain *d, Diag *diag, int r) {
        return r != -ENOSPC ? r : diag_error_code(diag, r, d->name_loc, "no two categories of SELinux are left for domain '%s'", d->name);
}

static int choose(Manager *m, const HostFacts *facts, const Domain *d, Diag *diag, CategoryPair *ret) {
        _cleanup_category_pairs_ CategoryPairs taken = {};

        int r = gather_taken(m, facts, d->name, &taken);
        if (r >= 0)
                r = category_pair_choose(d->name, &facts->selinux.categories, LABEL_OF_DEFINITION, &taken, ret);
        return none_left(d, diag, r);
}

int labels_foresee(Manager *m, Domain *d, Diag *diag) {
        const HostFacts *facts;
        CategoryPair pair = {};

        int r = manager_facts(m, &facts);
        if (r >= 0 && domain_needs_pair(d, facts)) {
                r = loaded_pair(m, d->name, &pair);
                if (r == 0)
                        r = choose(m, facts, d, diag, &pair);
        }
        return r < 0 ? r : domain_set_labels(d, facts, pair, diag);
}

static int draw(Manager *m, const HostFacts *facts, const Domain *d, CategoryPair *ret) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        _cleanup_(machine_runs_done) MachineRuns runs = {};

        _cleanup_close_ int base = manager_open_runtime(m, NULL);
        _cleanup_close_ int registry = base < 0 ? base : label_registry_open(base, true);
        if (registry < 0)
                return registry;
        runs.base_fd = base;
        int r = gather_taken(m, facts, d->name, &taken);
        if (r < 0)
                return r;
        /* Left behind by an earlier machine of this name: there is none now. */
        (void) label_registry_release(registry, d->name);
        return label_registry_draw(registry, d->name, &facts->selinux.categories, LABEL_OF_TRANSIENT, &taken, machine_runs, &runs, ret);
}

int labels_reserve(Manager *m, Domain *d, Diag *diag, int *ret_hold) {
        _cleanup_close_ int hold = -EBADF;
        const HostFacts *facts;
        CategoryPair pair = {};

        int r = manager_facts(m, &facts);
        if (r < 0)
                return r;
        if (domain_needs_pair(d, facts)) {
                hold = draw(m, facts, d, &pair);
                if (hold < 0)
                        return none_left(d, diag, hold);
        }
        r = domain_set_labels(d, facts, pair, diag);
        if (r >= 0)
                *ret_hold = TAKE_FD(hold);
        return r;
}

void labels_give_up(Manager *m, const Domain *d) {
        _cleanup_close_ int registry = open_registry(m, false);

        if (registry >= 0)
                (void) label_registry_release(registry, d->name);
}

/* vmunit.conf may name another one by now. */
static bool user_is_stale(const Domain *d, const HostFacts *facts, const char *loaded) {
        _cleanup_free_ char *user = NULL, *group = NULL;

        int r = domain_static_user(d, facts, &user, &group);
        if (r == 0)
                user = vm_user(d->name);
        return r >= 0 && loaded && !streq_ptr(user, loaded);
}

bool labels_are_stale(Manager *m, const Domain *d, const VmUnitLoad *load) {
        const HostFacts *facts;

        return manager_facts(m, &facts) >= 0 && (domain_wants_selinux(d, facts) != !isempty(load->context) ||
                                                 domain_wants_apparmor(d, facts) != !isempty(load->profile) ||
                                                 user_is_stale(d, facts, load->user));
}
