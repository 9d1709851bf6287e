/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope.h"
#include "string-util.h"

static const VmDirectories of_system = {
        .runtime = "/run/vmunit",
        .transient = "/run/vmunit/.transient",
        .state = "/var/lib/vmunit",
        .cache = "/var/cache/vmunit",
        .definitions = "/etc/vm:/run/vm:/usr/lib/vm",
        .generator = "/run/systemd/generator",
        .overrides = { "/run/systemd/system.control", "/run/systemd/transient" },
        .manager = "/run/systemd/private",
        .notify = "/run/systemd/notify",
};

static VmDirectories of_session, of_test; /* owned, until another's come in their place */
static VmScope scope = VM_SCOPE_SYSTEM;

VmScope vm_scope(void) {
        return scope;
}

const VmDirectories *vm_directories(void) {
        return scope == VM_SCOPE_SESSION ? &of_session : scope == VM_SCOPE_TEST ? &of_test : &of_system;
}

const char *vm_reload_command(void) {
        return scope == VM_SCOPE_SESSION ? "systemctl --user daemon-reload" : "systemctl daemon-reload";
}

void vm_scope_set_system(void) {
        scope = VM_SCOPE_SYSTEM;
}

void vm_scope_return(VmScope s) {
        scope = s;
}

static void directories_done(VmDirectories *d) {
        const char *const all[] = {
                d->runtime,   d->transient,    d->state,        d->cache,  d->definitions,
                d->generator, d->overrides[0], d->overrides[1], d->manager,
                d->notify,
        };

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                free((char *) all[i]);
        *d = (VmDirectories) {};
}

/* Takes D over. */
static int set_directories(VmScope s, VmDirectories *place, VmDirectories *d) {
        if (!d->runtime || !d->transient || !d->state || !d->cache || !d->definitions || !d->generator || !d->overrides[0] ||
            !d->overrides[1] || !d->manager || !d->notify) {
                directories_done(d);
                return -ENOMEM;
        }
        directories_done(place);
        *place = *d;
        scope = s;
        return 0;
}

int vm_scope_set_session(const char *runtime, const char *config, const char *state, const char *cache) {
        return set_directories(VM_SCOPE_SESSION, &of_session, &(VmDirectories) {
                .runtime = strf("%s/vmunit", runtime),
                .transient = strf("%s/vmunit/.transient", runtime),
                .state = strf("%s/vmunit", state),
                .cache = strf("%s/vmunit", cache),
                .definitions = strf("%s/vm:%s/vm", config, runtime),
                .generator = strf("%s/systemd/generator", runtime),
                .overrides = { strf("%s/systemd/user.control", runtime), strf("%s/systemd/transient", runtime) },
                .manager = strf("%s/systemd/private", runtime),
                .notify = strf("%s/systemd/notify", runtime),
        });
}

int vm_scope_set_test(const char *directory) {
        return set_directories(VM_SCOPE_TEST, &of_test, &(VmDirectories) {
                .runtime = strf("%s/run", directory),
                .transient = strf("%s/run/.transient", directory),
                .state = strf("%s/state", directory),
                .cache = strf("%s/cache", directory),
                .definitions = strf("%s/vm", directory),
                /* There is no systemd: nothing is ever there. */
                .generator = strf("%s/systemd/generator", directory),
                .overrides = { strf("%s/systemd/control", directory), strf("%s/systemd/transient", directory) },
                .manager = strf("%s/systemd/private", directory),
                .notify = strf("%s/systemd/notify", directory),
        });
}
