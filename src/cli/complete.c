/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines.h"
#include "manager.h"
#include "parse-util.h"
#include "plans.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* What may come next on a command line. The shells ask for it by `vmunit complete`, so that there is one place that knows;
 * it is made from the table of verbs, and from what domains there are. */

typedef struct Completion {
        Cli *cli;
        const Command *command; /* what is there already */
        const char *stem; /* what all candidates begin with: "--domain=" */
        size_t stem_size;
        const char *begun; /* what is there of the word behind the stem */
        bool describe, files;
        char **found; /* owned by the caller */
        int error;
} Completion;

static void add(Completion *x, const char *word, const char *description) {
        if (x->error < 0 || isempty(word) || strpbrk(word, "\n\t") || !startswith(word, x->begun))
                return;
        x->error = strv_extendf(&x->found, "%.*s%s%s%s", (int) x->stem_size, x->stem, word, x->describe && description ? "\t" : "",
                                x->describe ? strempty(description) : "");
}

/* --- domains and what they have: nothing is asked of another host while somebody types --- */

static void add_domains(Completion *x, VmListFlags flags) {
        size_t n = 0;
        Vm *vms;

        if (x->cli->connection.host || vm_list(x->cli->manager, flags, &vms, &n) < 0)
                return;
        FOREACH_ARRAY(vm, vms, n)
                add(x, vm->name, domain_state_to_string(vm->state));
        vms_free(vms, n);
}

/* The domain whose name is on the line already. */
static Domain *find_domain(const Completion *x) {
        const Option *o = verb_option(x->command->verb, "domain", strlen("domain"));
        const char *word = o ? x->command->values[o - x->command->verb->options] : NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        Domain *d = NULL;

        if (!word || x->cli->connection.host || vm_lookup(x->cli->manager, word, VM_BY_ANY, &diag, &vm) < 0 ||
            vm_describe(x->cli->manager, &vm, false, &diag, &d) < 0)
                return NULL;
        return d;
}

static void add_disks(Completion *x) {
        _cleanup_(domain_freep) Domain *d = find_domain(x);

        FOREACH_ARRAY(disk, d ? d->disks : NULL, d ? d->n_disks : 0)
                add(x, disk->target_dev, disk_device_to_string(disk->device));
}

/* By its name, as long as it has one; whoever begins to write the address gets that. */
static void add_interfaces(Completion *x) {
        _cleanup_(domain_freep) Domain *d = find_domain(x);

        FOREACH_ARRAY(i, d ? d->interfaces : NULL, d ? d->n_interfaces : 0) {
                char mac[18];
                format_mac(i->mac, mac);
                if (i->target_dev)
                        add(x, i->target_dev, mac);
                if (!i->target_dev || *x->begun)
                        add(x, mac, i->target_dev);
        }
}

/* --- values of options --- */

static void add_verbs(Completion *x, bool groups) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, false);

        for (const Verb **v = verbs; v && *v; v++)
                add(x, (*v)->name, (*v)->summary);
        for (VerbGroup g = 0; groups && g < _GROUP_MAX; g++)
                add(x, verb_groups[g].keyword, verb_groups[g].title);
}

/* Is WORD one of those in the N characters of LIST? Behind each stands a comma. */
static bool is_in_list(const char *list, size_t n, const char *word) {
        for (const char *p = list, *comma; p < list + n; p = comma + 1) {
                comma = strchr(p, ',');
                if (strlen(word) == (size_t) (comma - p) && startswith(p, word))
                        return true;
        }
        return false;
}

/* "acpi|agent|…"; of a list, the last word of it. */
static void add_choices(Completion *x, const Option *o) {
        _cleanup_strv_ char **words = NULL;
        const char *comma = o->list ? strrchr(x->begun, ',') : NULL;
        size_t behind = comma ? (size_t) (comma + 1 - x->begun) : 0;

        x->error = strv_split(o->words, "|", &words);
        STRV_FOREACH(w, words) {
                if (is_in_list(x->begun, behind, *w))
                        continue;
                _cleanup_free_ char *whole = strf("%.*s%s", (int) behind, x->begun, *w);
                add(x, whole, NULL);
        }
}

static void add_values(Completion *x, const Option *o) {
        switch (o->hint) {
        case HINT_DOMAIN_OR_FILE:
                x->files = true;
                return add_domains(x, VM_LIST_ACTIVE | VM_LIST_INACTIVE);
        case HINT_DOMAIN:
                return add_domains(x, VM_LIST_ACTIVE | VM_LIST_INACTIVE);
        case HINT_DOMAIN_ACTIVE:
                return add_domains(x, VM_LIST_ACTIVE);
        case HINT_DOMAIN_OFF:
                return add_domains(x, VM_LIST_INACTIVE);
        case HINT_DISK:
                return add_disks(x);
        case HINT_INTERFACE:
                return add_interfaces(x);
        case HINT_VERB:
                return add_verbs(x, true);
        case HINT_FILE:
                x->files = true;
                return;
        case HINT_NONE:
                if (o->words)
                        add_choices(x, o);
        }
}

/* --- the word --- */

/* Those that are not there yet. */
static void add_options(Completion *x) {
        FOREACH_OPTION(o, x->command->verb) {
                _cleanup_free_ char *word = strf("--%s", o->name);
                if (!x->command->values[o - x->command->verb->options] || o->type == OPTION_ARGV)
                        add(x, word, o->help);
        }
        if (verb_has_common_json(x->command->verb) && !x->command->json)
                add(x, "--json", "answer as JSON");
}

static void add_globals(Completion *x) {
        for (size_t i = 0; cli_global_name(i); i++) {
                _cleanup_free_ char *word = strf("--%s", cli_global_name(i));
                if (!streq_ptr(word, "--"))
                        add(x, word, NULL);
        }
}

/* LAST stands behind WORDS, which are V's. */
static int complete_verb(Completion *x, const Verb *v, char *const *words) {
        _cleanup_command_ Command c = {};
        const char *last = x->begun, *equals = strchr(last, '=');
        const Option *option = NULL;
        bool data;

        int r = command_parse_begun(v, words, &c, &option, &data);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        x->command = &c;
        if (!option && !data && *last == '-' && (!startswith(last, "--") || !equals)) {
                add_options(x);
                return 0;
        }
        if (!option && !data && *last == '-') {
                option = verb_option(v, last + 2, (size_t) (equals - last) - 2);
                if (!option || option->type == OPTION_BOOL)
                        return 0;
                x->stem = last;
                x->begun = equals + 1;
                x->stem_size = (size_t) (x->begun - last);
                add_values(x, option);
                return 0;
        }
        const Option *next = option ?: command_next_data(&c);
        if (next)
                add_values(x, next);
        /* Where nothing is known of a value, it is not the only thing that may come. */
        if (!option && !data && !*last && !x->found && !x->files)
                add_options(x);
        return 0;
}

int complete_words(Cli *cli, char *const *words, size_t n, bool describe, char ***ret, bool *ret_files) {
        _cleanup_strv_ char **begun = NULL, **found = NULL;
        Completion x = { .cli = cli, .stem = "", .describe = describe };
        size_t i = 0;
        int r = 0;

        *ret = NULL;
        *ret_files = false;
        if (n == 0)
                return 0;
        x.begun = words[n - 1];
        while (i + 1 < n && words[i][0] == '-') {
                unsigned k = cli_global_words(words[i]);
                if (k == 0)
                        return 0;
                i += k;
        }
        if (i + 1 == n && *x.begun == '-')
                add_globals(&x);
        else if (i + 1 == n)
                add_verbs(&x, false);
        else if (i + 1 < n) {
                const Verb *v = verb_find(words[i]);
                for (size_t k = i + 1; r >= 0 && k + 1 < n; k++)
                        r = strv_extend(&begun, words[k]);
                if (r >= 0 && v && v->run)
                        r = complete_verb(&x, v, begun);
        }
        found = x.found;
        if (r < 0 || x.error < 0)
                return r < 0 ? r : x.error;
        *ret = TAKE_PTR(found);
        *ret_files = x.files;
        return 0;
}
