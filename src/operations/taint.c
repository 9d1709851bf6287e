/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "runtime.h"
#include "taint.h"

/* Empty files of the runtime directory: they go with all of it when the machine ends. */
static const struct {
        DomainTaint taint;
        const char *file;
} marks[] = {
        { TAINT_CUSTOM_MONITOR, "taint-custom-monitor" },
        { TAINT_CUSTOM_GA_COMMAND, "taint-custom-ga-command" },
};

static bool is_marked(int dir_fd, const char *file) {
        return faccessat(dir_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

void vm_taint(Manager *m, const Vm *vm, DomainTaint t) {
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);

        FOREACH_ARRAY(mark, marks, ELEMENTSOF(marks))
                if (dir >= 0 && mark->taint == t && !is_marked(dir, mark->file))
                        (void) runtime_write(dir, mark->file, "", 0, 0644);
}

unsigned vm_taints(Manager *m, const Vm *vm, const Domain *d) {
        _cleanup_close_ int dir = vm->active ? manager_open_runtime(m, vm->name) : -EBADF;
        unsigned taints = vm->active ? domain_taints(d) : 0;

        FOREACH_ARRAY(mark, marks, ELEMENTSOF(marks))
                if (dir >= 0 && is_marked(dir, mark->file))
                        taints |= TAINT_MASK(mark->taint);
        return taints;
}
