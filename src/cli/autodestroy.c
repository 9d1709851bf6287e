/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "autodestroy.h"
#include "machines.h"
#include "string-util.h"
#include "survivor.h"

struct Guards {
        Survivor *items; /* owned: one for each machine */
        size_t n_items;
};

typedef struct Guarded {
        const char *uri, *name;
} Guarded;

/* It is told the id of the machine, as soon as there is one: ids are not given out twice. Or "-": there is no machine.
 * Who ends before it has said anything was about to start the machine called NAME. */
static void destroy(const char *said, _unused_ int keep_fd, const void *userdata) {
        const Guarded *g = userdata;

        /* A name of digits would be taken for an id. */
        if (*said == '-' || (!*said && !g->name[strspn(g->name, DIGITS)]))
                return;
        const char *const argv[] = { "vmunit", "-q", "-c", g->uri, "destroy", *said ? said : g->name, NULL };
        execv("/proc/self/exe", (char *const *) argv);
}

static int add_guard(Cli *cli, const char *name) {
        if (!cli->guards)
                cli->guards = calloc(1, sizeof(Guards));
        Guards *g = cli->guards;
        if (!g || !ARRAY_GROW(g->items, g->n_items))
                return -ENOMEM;
        int r = survivor_start(&g->items[g->n_items], destroy, -EBADF, &(Guarded) { strempty(cli->connection.uri), name });
        if (r >= 0)
                g->n_items++;
        return r;
}

int autodestroy_begin(Cli *cli, const char *name) {
        int r = add_guard(cli, name);

        return r < 0 ? cli_error(cli, "cannot watch over domain '%s': %s", name, strerror(-r)) : 0;
}

void autodestroy_settle(Cli *cli, const char *name, bool started) {
        Survivor *g = &cli->guards->items[cli->guards->n_items - 1];
        _cleanup_free_ char *word = NULL;
        _cleanup_vm_ Vm vm = {};

        if (started && vm_lookup(cli->manager, name, VM_BY_NAME, NULL, &vm) >= 0 && vm.id > 0)
                word = strf("%u", vm.id);
        /* It may have ended already. */
        survivor_tell(g, word ?: "-");
        if (word)
                return;
        survivor_end(g);
        cli->guards->n_items--;
}

void autodestroy_done(Cli *cli) {
        Guards *g = cli->guards;

        if (!g)
                return;
        FOREACH_ARRAY(i, g->items, g->n_items)
                survivor_end(i);
        free(g->items);
        cli->guards = mfree(g);
}
