/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "change-live.h"
#include "change.h"
#include "definition.h"
#include "definitions.h"
#include "domain-complete.h"
#include "domain-validate.h"
#include "domain-xml.h"
#include "qemu-device.h"
#include "plans.h"
#include "runtime.h"
#include "string-util.h"

int vm_change_scope(const Vm *vm, ChangeFlags *flags, Diag *diag) {
        if ((*flags & CHANGE_LIVE) && !vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        if ((*flags & CHANGE_CONFIG) && !vm->persistent)
                return diag_error(diag, (SrcLoc) {},
                                  "Requested operation is not valid: transient domains do not have any persistent config");
        if (!(*flags & (CHANGE_LIVE | CHANGE_CONFIG)))
                *flags = vm->active ? CHANGE_LIVE : CHANGE_CONFIG;
        return 0;
}

static int parse(Manager *m, const char *text, size_t size, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        const HostFacts *facts;

        int r = domain_from_xml(text, size, diag, &d);
        if (r >= 0)
                r = manager_facts(m, &facts);
        if (r >= 0)
                r = domain_complete(d, facts, diag);
        if (r >= 0)
                *ret = TAKE_PTR(d);
        return r;
}

/* What others have told systemd becomes part of the text, so that it is shown, and a change of something else leaves it
 * alone. */
static int reconcile(Manager *m, const Vm *vm, bool shown, Diag *diag, char **text, size_t *size, Domain **d) {
        int r = change_live_reconcile(m, vm, *d, shown, diag, text, size);

        if (r <= 0)
                return r;
        *d = domain_free(*d);
        return parse(m, *text, *size, diag, d);
}

/* Where it may not be read, the definition would be shown in its place; what is said of what runs has to be true. */
static int check_readable(Manager *m, const Vm *vm, Diag *diag) {
        _cleanup_close_ int dir_fd = manager_open_runtime(m, vm->name);

        if (dir_fd < 0 || faccessat(dir_fd, RUNTIME_DOMAIN, R_OK, AT_EACCESS) >= 0 || errno != EACCES)
                return 0;
        return diag_error_code(diag, -EACCES, (SrcLoc) {}, "cannot read what runs as domain '%s': %s", vm->name, strerror(EACCES));
}

int vm_change_load(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        bool live;

        int r = vm_change_scope(vm, &flags, diag);
        if (r >= 0 && (flags & CHANGE_LIVE))
                r = check_readable(m, vm, diag);
        if (r >= 0)
                r = vm_load_domain_text(m, vm, !(flags & CHANGE_LIVE), diag, &text, &size, &live, &d);
        /* Only here: who looks for a UUID among a thousand machines asks systemd about none of them. */
        if (r >= 0 && live && vm->active)
                r = reconcile(m, vm, true, diag, &text, &size, &d);
        if (r >= 0)
                *ret = TAKE_PTR(d);
        if (r < 0 && diag && diag->n_errors == 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read the definition of domain '%s': %s", vm->name,
                                       strerror(-r));
        return r;
}

/* One of the two texts, as it is and as it shall be. */
typedef struct Side {
        char *text, *new_text; /* owned */
        size_t size, new_size;
        Domain *domain, *new_domain; /* owned; completed */
        char digest[33];             /* of a definition */
        int dir_fd, lock_fd;         /* owned; of what runs: its directory, and the file in it that is locked */
        char *id;                    /* owned; of this start; NULL: not known */
        bool same;                   /* the text does not change */
} Side;

static void side_done(Side *s) {
        free(s->text);
        free(s->new_text);
        domain_free(s->domain);
        domain_free(s->new_domain);
        safe_close(s->lock_fd);
        safe_close(s->dir_fd);
        free(s->id);
}

static int edit(Side *s, bool live, ChangeBuild build, void *userdata, Diag *diag) {
        _cleanup_xml_edits_ XmlEdits edits = {};

        int r = build(s->domain, live, userdata, diag, &edits);
        if (r >= 0)
                r = xml_edit_apply(s->text, s->size, edits.items, edits.n_items, diag, &s->new_text, &s->new_size);
        if (r >= 0)
                s->same = s->size == s->new_size && memcmp(s->text, s->new_text, s->size) == 0;
        return r;
}

static bool says(const Diag *d, const char *text) {
        FOREACH_ARRAY(e, d->entries, d->n_entries)
                if (streq(e->text, text))
                        return true;
        return false;
}

/* What CHECK says of the domain as it is already is not the change's fault. */
static int check_new(Manager *m, const Side *s, int (*check)(Manager *m, const Domain *d, Diag *diag), Diag *diag) {
        _cleanup_diag_ Diag before = {}, after = {};
        size_t errors = 0;

        int r = check(m, s->new_domain, &after);
        if (r >= 0)
                return r;
        (void) check(m, s->domain, &before);
        FOREACH_ARRAY(e, after.entries, after.n_entries)
                /* Places are not told: the text that they are in is not kept. */
                if (e->severity == DIAG_ERROR && !says(&before, e->text)) {
                        (void) diag_error(diag, (SrcLoc) {}, "%s", e->text);
                        errors++;
                }
        return errors > 0 || after.n_errors == 0 ? r : 0;
}

/* --- what runs --- */

/* Changes come one after the other: who has the lock has read the text that it replaces. */
static int lock_live(Manager *m, const Vm *vm, Side *s) {
        s->dir_fd = manager_open_runtime(m, vm->name);
        if (s->dir_fd < 0)
                return s->dir_fd;
        s->lock_fd = runtime_lock(s->dir_fd, RUNTIME_LOCK);
        if (s->lock_fd < 0)
                return s->lock_fd;
        (void) runtime_read_line(s->dir_fd, RUNTIME_ID, &s->id);
        return runtime_read(s->dir_fd, RUNTIME_DOMAIN, DOMAIN_XML_MAX, &s->text, &s->size);
}

static int prepare_live(Manager *m, const Vm *vm, ChangeBuild build, void *userdata, Diag *diag, Side *s) {
        int r = lock_live(m, vm, s);

        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read what runs as domain '%s': %s", vm->name,
                                       strerror(-r));
        r = parse(m, s->text, s->size, diag, &s->domain);
        if (r >= 0)
                r = reconcile(m, vm, false, diag, &s->text, &s->size, &s->domain);
        if (r >= 0)
                r = edit(s, true, build, userdata, diag);
        if (r >= 0)
                r = parse(m, s->new_text, s->new_size, diag, &s->new_domain);
        if (r >= 0)
                r = domain_validate(s->new_domain, diag);
        /* QEMU knows the devices by these, which are more than a definition may have. */
        if (r >= 0)
                r = qemu_complete_aliases(s->domain, diag);
        if (r >= 0)
                r = qemu_complete_aliases(s->new_domain, diag);
        /* Somebody may have told systemd about a device that is gone, or about a file on one. */
        if (r >= 0 && !s->same)
                r = check_new(m, s, definition_check_resources, diag);
        return r < 0 ? r : change_live_check(s->domain, s->new_domain, diag);
}

/* The directory outlives a stop: what was changed may be gone by now, and another start's text be there. */
static int write_live(Side *s, const char *text, size_t size, Diag *diag) {
        _cleanup_free_ char *id = NULL;

        (void) runtime_read_line(s->dir_fd, RUNTIME_ID, &id);
        if (!streq_ptr(id, s->id))
                return diag_error_code(diag, -ECANCELED, (SrcLoc) {}, "operation failed: the domain that was changed runs no more");
        int r = runtime_write(s->dir_fd, RUNTIME_DOMAIN, text, size, 0600);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot write what runs: %s", strerror(-r)) : 0;
}

static int apply_live(Manager *m, const Vm *vm, Side *s, Diag *diag) {
        int r = change_live_apply(m, vm, s->domain, s->new_domain, diag);

        if (r < 0)
                return r;
        r = write_live(s, s->new_text, s->new_size, diag);
        if (r < 0 && r != -ECANCELED)
                (void) change_live_apply(m, vm, s->new_domain, s->domain, NULL);
        return r;
}

static void undo_live(Manager *m, const Vm *vm, Side *s) {
        /* What could not be taken back is what runs. */
        if (change_live_apply(m, vm, s->new_domain, s->domain, NULL) >= 0)
                (void) write_live(s, s->text, s->size, NULL);
}

/* --- the definition --- */

/* What no unit could be made of is not stored. What is no definition at all is said by who writes it. */
static int check_config(Manager *m, Side *s, Diag *diag) {
        if (parse(m, s->new_text, s->new_size, NULL, &s->new_domain) < 0 || domain_validate(s->new_domain, NULL) < 0)
                return 0;
        return check_new(m, s, definition_check_unit, diag);
}

/* CHECK: before anything else is changed; otherwise it is checked where it is written. */
static int prepare_config(Manager *m, const Vm *vm, bool check, ChangeBuild build, void *userdata, Diag *diag, Side *s) {
        _cleanup_definition_ Definition d = {};

        int r = definition_load(vm->name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s: %s", d.path ?: vm->name, definition_error(r));
        s->size = d.size;
        s->text = TAKE_PTR(d.text);
        memcpy(s->digest, d.digest, sizeof(s->digest));
        r = parse(m, s->text, s->size, diag, &s->domain);
        if (r >= 0)
                r = edit(s, false, build, userdata, diag);
        if (r >= 0 && !s->same)
                r = check_config(m, s, diag);
        if (r >= 0 && check && !s->same)
                r = vm_redefine(m, vm, s->digest, s->new_text, s->new_size, PARSE_DRY_RUN, diag);
        return r;
}

static int apply_config(Manager *m, const Vm *vm, Side *s, Diag *diag) {
        return s->same ? 0 : vm_redefine(m, vm, s->digest, s->new_text, s->new_size, 0, diag);
}

/* --- both --- */

static int change_once(Manager *m, const Vm *vm, ChangeFlags flags, ChangeBuild build, void *userdata, Diag *diag) {
        _cleanup_(side_done) Side config = { .dir_fd = -EBADF, .lock_fd = -EBADF }, live = { .dir_fd = -EBADF, .lock_fd = -EBADF };
        int r = 0;

        /* In libvirt's order, so that of two errors it is libvirt's that is said. */
        for (unsigned i = 0; r >= 0 && i < 2; i++) {
                bool first = i == 0, with_config = first == !!(flags & CHANGE_CONFIG_FIRST);
                if (with_config && (flags & CHANGE_CONFIG))
                        r = prepare_config(m, vm, flags & CHANGE_LIVE, build, userdata, diag, &config);
                else if (!with_config && (flags & CHANGE_LIVE))
                        r = prepare_live(m, vm, build, userdata, diag, &live);
        }
        if (r >= 0 && (flags & CHANGE_LIVE))
                r = apply_live(m, vm, &live, diag);
        if (r < 0 || !(flags & CHANGE_CONFIG))
                return r;
        r = apply_config(m, vm, &config, diag);
        if (r < 0 && (flags & CHANGE_LIVE))
                undo_live(m, vm, &live);
        return r;
}

/* Each time that somebody else was faster, he is done: this is how many may be at it at once. */
#define TRIES 100U

int vm_change_build(Manager *m, const Vm *vm, ChangeFlags flags, ChangeBuild build, void *userdata, Diag *diag) {
        int r = vm_change_scope(vm, &flags, diag);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < TRIES; i++) {
                _cleanup_diag_ Diag first = {};

                r = change_once(m, vm, flags, build, userdata, i + 1 < TRIES ? &first : diag);
                /* Somebody else wrote the file in between: again, from what it is now. */
                if (r == -ESTALE && i + 1 < TRIES)
                        continue;
                diag_add(diag, &first);
                break;
        }
        if (r < 0 && diag && diag->n_errors == 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot change domain '%s': %s", vm->name, strerror(-r));
        return r;
}

typedef struct Fixed {
        const XmlEdit *edits;
        size_t n;
} Fixed;

static int build_fixed(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const Fixed *f = userdata;

        return xml_edits_copy(edits, f->edits, f->n);
}

int vm_change(Manager *m, const Vm *vm, ChangeFlags flags, const XmlEdit *edits, size_t n_edits, Diag *diag) {
        return vm_change_build(m, vm, flags, build_fixed, &(Fixed) { edits, n_edits }, diag);
}
