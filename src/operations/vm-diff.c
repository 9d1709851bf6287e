/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "plans.h"
#include "runtime.h"
#include "string-util.h"
#include "text-diff.h"
#include "text.h"
#include "vm-diff.h"

static void vm_change_done(VmChange *c) {
        free(c->part);
}

void vm_diff_done(VmDiff *d) {
        FREE_LIST(d->changes, d->n_changes, vm_change_done);
        free(d->text);
        *d = (VmDiff) {};
}

/* --- what is compared --- */

/* What a start chooses by itself is no difference. */
static void forget_choices(Domain *live, const Domain *defined) {
        domain_forget_aliases(live);
        domain_forget_ports(live);
        for (size_t i = 0; i < MIN(live->n_interfaces, defined->n_interfaces); i++)
                if (!defined->interfaces[i].target_dev)
                        live->interfaces[i].target_dev = mfree(live->interfaces[i].target_dev);
        for (size_t i = 0; i < MIN(live->n_graphics, defined->n_graphics); i++) {
                if (!defined->graphics[i].listen)
                        live->graphics[i].listen = mfree(live->graphics[i].listen);
                if (!defined->graphics[i].listen_address)
                        live->graphics[i].listen_address = mfree(live->graphics[i].listen_address);
        }
        for (size_t i = 0; i < MIN(live->n_vsocks, defined->n_vsocks); i++)
                if (defined->vsocks[i].auto_cid == TRI_YES)
                        live->vsocks[i].cid = defined->vsocks[i].cid;
        domain_forget_labels(live, defined);
}

static int render(const Domain *d, bool secure, char **ret) {
        return domain_to_xml(d, (secure ? DOMAIN_XML_SECURE : 0) | DOMAIN_XML_INACTIVE, ret);
}

/* --- which parts are changed --- */

/* What can be done to a running machine, by the part of the definition it is about. */
static const struct {
        const char *part, *verb;
} live_verbs[] = {
        { "title", "desc --title --live" },
        { "description", "desc --live" },
        { "metadata", "metadata --live" },
        { "currentMemory", "setmem --live" },
        { "vcpu", "setvcpus --live" },
        { "iothreads", "iothreadadd --live" },
        { "iothreadids", "iothreadadd --live" },
        { "cputune", "schedinfo --live" },
        { "memtune", "memtune --live" },
        { "blkiotune", "blkiotune --live" },
        { "numatune", "numatune --live" },
        { "on_poweroff", "set-lifecycle-action --live" },
        { "on_reboot", "set-lifecycle-action --live" },
        { "on_crash", "set-lifecycle-action --live" },
};

/* The part that a line of our own XML begins, with two blanks for each level; NULL: it goes on. */
static char *part_of(const char *line, bool in_devices) {
        const char *name = startswith(line, in_devices ? "    <" : "  <");

        if (!name || !strchr(LETTERS, *name))
                return NULL;
        return strf("%s%.*s", in_devices ? "devices/" : "", (int) strcspn(name, " />\n"), name);
}

/* All lines of PART, one behind the other. */
static char *collect_part(const char *xml, const char *part) {
        bool in_devices = false, in_part = false;
        _cleanup_text_ Text t = {};
        char *ret;

        for (const char *line = xml; *line;) {
                size_t n = strcspn(line, "\n");
                _cleanup_free_ char *name = part_of(line, in_devices);
                if (startswith(line, "  <devices>"))
                        in_devices = true;
                else if (startswith(line, "  </devices>"))
                        in_devices = in_part = false;
                else if (name)
                        in_part = streq(name, part);
                if (in_part)
                        text_append_n(&t, line, n);
                line += n + (line[n] == '\n');
        }
        return text_finish(&t, &ret) < 0 ? NULL : ret;
}

static bool is_listed(const VmDiff *d, const char *part) {
        FOREACH_ARRAY(c, d->changes, d->n_changes)
                if (streq(c->part, part))
                        return true;
        return false;
}

static int add_change(VmDiff *d, const char *part) {
        char *copy = strdup(part);

        if (!copy || !ARRAY_GROW(d->changes, d->n_changes)) {
                free(copy);
                return -ENOMEM;
        }
        VmChange *c = &d->changes[d->n_changes++];
        *c = (VmChange) { .part = copy };
        for (size_t i = 0; i < ELEMENTSOF(live_verbs); i++)
                if (streq(live_verbs[i].part, part))
                        c->live = live_verbs[i].verb;
        return 0;
}

/* The parts of XML that are different in OTHER. */
static int add_changes(VmDiff *d, const char *xml, const char *other) {
        bool in_devices = false;

        for (const char *line = xml; *line;) {
                _cleanup_free_ char *part = part_of(line, in_devices);
                if (startswith(line, "  <devices>") || startswith(line, "  </devices>"))
                        in_devices = line[3] != '/';
                else if (part && !is_listed(d, part)) {
                        _cleanup_free_ char *a = collect_part(xml, part), *b = collect_part(other, part);
                        int r = !a || !b ? -ENOMEM : streq(a, b) ? 0 : add_change(d, part);
                        if (r < 0)
                                return r;
                }
                line += strcspn(line, "\n");
                line += *line == '\n';
        }
        return 0;
}

/* --- */

static int compare(const Domain *live, const Domain *defined, const Vm *vm, VmDiff *ret) {
        _cleanup_free_ char *a = NULL, *b = NULL, *secret_a = NULL, *secret_b = NULL;
        _cleanup_free_ char *title = strf("%s (running)", vm->name);

        int r = title ? render(live, false, &a) : -ENOMEM;
        if (r >= 0)
                r = render(defined, false, &b);
        if (r >= 0)
                r = render(live, true, &secret_a);
        if (r >= 0)
                r = render(defined, true, &secret_b);
        if (r >= 0)
                r = text_diff(a, b, title, strempty(vm->source_path), &ret->text);
        if (r >= 0)
                r = add_changes(ret, secret_a, secret_b);
        if (r >= 0)
                r = add_changes(ret, secret_b, secret_a);
        ret->secrets = r >= 0 && !*ret->text && !streq(secret_a, secret_b);
        return r;
}

int vm_diff(Manager *m, const Vm *vm, Diag *diag, VmDiff *ret) {
        _cleanup_(domain_freep) Domain *live = NULL, *defined = NULL;
        VmDiff d = {};

        if (!vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        if (!vm->persistent)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain '%s' has no definition", vm->name);
        int r = vm_describe(m, vm, false, diag, &live);
        if (r >= 0)
                r = vm_describe(m, vm, true, diag, &defined);
        if (r < 0)
                return r;
        forget_choices(live, defined);
        domain_forget_aliases(defined);
        domain_forget_ports(defined);
        r = compare(live, defined, vm, &d);
        if (r < 0) {
                vm_diff_done(&d);
                return r;
        }
        *ret = d;
        return 0;
}

int vm_definition_changed(Manager *m, const Vm *vm) {
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);
        _cleanup_free_ char *then = NULL, *now = NULL;
        size_t n_then, n_now;

        if (dir < 0)
                return dir;
        int r = runtime_read(dir, RUNTIME_DEFINITION, DOMAIN_XML_MAX, &then, &n_then);
        if (r >= 0)
                r = vm_read_definition(m, vm, &now, &n_now);
        return r < 0 ? r : n_then != n_now || memcmp(then, now, n_now) != 0;
}
