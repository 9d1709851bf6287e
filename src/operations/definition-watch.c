/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/inotify.h>

#include "definition-watch.h"
#include "definition.h"
#include "domain-xml.h"
#include "event-notes.h"
#include "names.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"

#define DIRECTORIES_MAX 16U
#define SUFFIX ".xml"

/* A definition as it was last seen. */
typedef struct Known {
        char *name; /* owned */
        char digest[33]; /* of the text */
        char rest[33];   /* of what it says without the following */
        EventNotes notes;
        bool has_uuid;
        uint8_t uuid[16];
} Known;

struct DefinitionWatch {
        Manager *manager;
        void (*sink)(const char *name, VmEventKind kind, json_object *fields, void *userdata);
        void *userdata;
        sd_event_source *sources[DIRECTORIES_MAX]; /* owned */
        size_t n_sources;
        Known *items; /* owned */
        size_t n_items;
};

static void known_done(Known *k) {
        free(k->name);
        event_notes_done(&k->notes);
        *k = (Known) {};
}

DefinitionWatch *definition_watch_free(DefinitionWatch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < w->n_sources; i++)
                sd_event_source_disable_unref(w->sources[i]);
        FREE_LIST(w->items, w->n_items, known_done);
        return mfree(w);
}

/* --- reading one --- */

static void digest_of_rest(const Domain *d, const Definition *file, char ret[33]) {
        _cleanup_free_ char *text = NULL;

        if (domain_to_xml(d, DOMAIN_XML_SECURE, &text) >= 0)
                digest_hex(text, strlen(text), ret);
        else
                memcpy(ret, file->digest, 33);
}

/* As far as it can be understood. */
static void take_content(Manager *m, Known *k, const Definition *file) {
        _cleanup_(domain_freep) Domain *d = NULL;
        const HostFacts *facts;

        memcpy(k->digest, file->digest, sizeof(k->digest));
        memcpy(k->rest, file->digest, sizeof(k->rest));
        if (domain_from_xml(file->text, file->size, NULL, &d) < 0)
                return;
        event_notes_take(d, &k->notes);
        digest_of_rest(d, file, k->rest);
        /* One that is not written follows from the name. */
        if (manager_facts(m, &facts) >= 0 && domain_complete(d, facts, NULL) >= 0 && d->has_uuid) {
                k->has_uuid = true;
                memcpy(k->uuid, d->uuid, sizeof(k->uuid));
        }
}

/* -ENOENT: there is none, or it is masked. */
static int read_known(Manager *m, const char *name, Known *ret) {
        _cleanup_definition_ Definition d = {};
        Known k = {};

        int r = definition_load(name, &d);
        if (r == -ENOENT || r == -ERFKILL)
                return -ENOENT;
        k.name = strdup(name);
        if (!k.name)
                return -ENOMEM;
        if (r >= 0)
                take_content(m, &k, &d);
        *ret = k;
        return 0;
}

/* --- telling --- */

static void tell(DefinitionWatch *w, const char *name, const char *type, const char *detail) {
        w->sink(name, VM_EVENT_LIFECYCLE, vm_event_lifecycle(type, detail), w->userdata);
}

typedef struct Named {
        DefinitionWatch *watch;
        const char *name;
} Named;

static void on_note(VmEventKind kind, json_object *fields, void *userdata) {
        const Named *n = userdata;

        n->watch->sink(n->name, kind, fields, n->watch->userdata);
}

static void tell_update(DefinitionWatch *w, const Known *a, const Known *b) {
        if (!streq(a->rest, b->rest)) {
                tell(w, b->name, "Defined", "Updated");
                return;
        }
        event_notes_tell(&a->notes, &b->notes, on_note, &(Named) { w, b->name });
}

/* --- looking again --- */

static Known *find(DefinitionWatch *w, const char *name) {
        FOREACH_ARRAY(k, w->items, w->n_items)
                if (streq(k->name, name))
                        return k;
        return NULL;
}

static void drop(DefinitionWatch *w, Known *k) {
        known_done(k);
        *k = w->items[--w->n_items];
}

/* `domrename` writes the new one before it takes the old one away: for that time there are two with one UUID. */
static Known *find_renamed(DefinitionWatch *w, const Known *new) {
        FOREACH_ARRAY(k, w->items, w->n_items)
                if (new->has_uuid && k->has_uuid && memcmp(k->uuid, new->uuid, sizeof(k->uuid)) == 0)
                        return k;
        return NULL;
}

static void add(DefinitionWatch *w, Known *new, bool silent) {
        Known *old = silent ? NULL : find_renamed(w, new);

        if (old) {
                tell(w, old->name, "Undefined", "Renamed");
                drop(w, old);
        }
        if (!ARRAY_GROW(w->items, w->n_items)) {
                known_done(new);
                return;
        }
        w->items[w->n_items++] = *new;
        if (!silent)
                tell(w, new->name, "Defined", old ? "Renamed" : "Added");
}

static void look(DefinitionWatch *w, const char *name) {
        Known *old = find(w, name), new = {};

        int r = read_known(w->manager, name, &new);
        if (r == -ENOENT && old) {
                tell(w, name, "Undefined", "Removed");
                drop(w, old);
        } else if (r >= 0 && !old)
                add(w, &new, false);
        else if (r >= 0 && !streq(old->digest, new.digest)) {
                tell_update(w, old, &new);
                known_done(old);
                *old = new;
        } else
                known_done(&new);
}

/* Whatever has happened, when the kernel could not keep up. */
static void look_at_all(DefinitionWatch *w) {
        _cleanup_definition_list_ DefinitionList list = {};
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < w->n_items; i++)
                r = strv_extend(&names, w->items[i].name);
        STRV_FOREACH(name, names)
                look(w, *name);
        if (r >= 0 && definition_list(NULL, &list) >= 0)
                FOREACH_ARRAY(d, list.items, list.n_items)
                        look(w, d->name);
}

static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        DefinitionWatch *w = userdata;

        if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED)) {
                look_at_all(w);
                return 0;
        }
        if (e->len == 0 || e->name[0] == '.' || !endswith(e->name, SUFFIX))
                return 0;
        _cleanup_free_ char *name = strndup(e->name, strlen(e->name) - strlen(SUFFIX));
        if (name && vm_name_check(name, (SrcLoc) {}, NULL) >= 0)
                look(w, name);
        return 0;
}

static int watch_directories(DefinitionWatch *w, sd_event *event, Diag *diag) {
        /* A file that is being written is looked at when that is done; IN_CREATE is for links. */
        const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR;
        _cleanup_strv_ char **directories = NULL;

        int r = definition_directories(&directories);
        STRV_FOREACH(d, directories) {
                if (r < 0 || w->n_sources >= DIRECTORIES_MAX)
                        break;
                r = sd_event_add_inotify(event, w->sources + w->n_sources, *d, mask, on_change, w);
                if (r >= 0)
                        w->n_sources++;
                else if (r == -ENOENT)
                        r = 0;
                else
                        return diag_error_code(diag, r, (SrcLoc) {}, "cannot watch '%s': %s", *d, strerror(-r));
        }
        return r < 0 ? r : 0;
}

int definition_watch_new(sd_event *event, Manager *m, void (*sink)(const char *name, VmEventKind kind, json_object *fields, void *userdata),
                         void *userdata, Diag *diag, DefinitionWatch **ret) {
        _cleanup_(definition_watch_freep) DefinitionWatch *w = calloc(1, sizeof(DefinitionWatch));
        _cleanup_definition_list_ DefinitionList list = {};

        if (!w)
                return -ENOMEM;
        *w = (DefinitionWatch) { .manager = m, .sink = sink, .userdata = userdata };
        /* First the watch, then the list: what comes in between is looked at twice, and is the same then. */
        int r = watch_directories(w, event, diag);
        if (r >= 0)
                r = definition_list(NULL, &list);
        if (r < 0)
                return r;
        FOREACH_ARRAY(d, list.items, list.n_items) {
                Known k = {};
                if (read_known(m, d->name, &k) >= 0)
                        add(w, &k, true);
        }
        *ret = TAKE_PTR(w);
        return 0;
}
