/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "json-shape.h"
#include "string-util.h"

#define MEMBERS_MAX 32U
#define ELLIPSIS "..."

typedef struct Matcher {
        const char *at; /* in the shape */
        char *why; /* owned: the first thing that was wrong */
} Matcher;

static bool type(Matcher *m, bool there, json_object *o);

static bool take(Matcher *m, const char *word) {
        const char *behind = startswith(m->at, word);

        if (behind)
                m->at = behind;
        return behind;
}

static void need(Matcher *m, const char *word) {
        if (take(m, word))
                return;
        fprintf(stderr, "the shape has no '%s' at: %s\n", word, m->at);
        abort();
}

static bool wrong(Matcher *m, const char *text, const char *name) {
        if (!m->why)
                m->why = strf("%s%s", text, name);
        return false;
}

static bool list(Matcher *m, bool there, json_object *o) {
        const char *item = m->at;
        bool ok = true;

        for (size_t i = 0; there && i < json_object_array_length(o); i++) {
                m->at = item;
                ok = type(m, true, json_object_array_get_idx(o, i)) && ok;
        }
        m->at = item;
        (void) type(m, false, NULL);
        need(m, "]");
        return ok;
}

typedef struct Members {
        char *names[MEMBERS_MAX];
        size_t n;
} Members;

static bool knows(const Members *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->names[i], name))
                        return true;
        return false;
}

/* All that the shape does not name. */
static bool others(Matcher *m, const Members *known, bool there, json_object *o) {
        const char *start = m->at;
        bool ok = true;

        if (there) {
                json_object_object_foreach(o, key, value) {
                        if (knows(known, key))
                                continue;
                        m->at = start;
                        ok = type(m, true, value) && ok;
                }
        }
        m->at = start;
        (void) type(m, false, NULL);
        return ok;
}

static bool member(Matcher *m, Members *known, bool there, json_object *o) {
        bool optional = take(m, "[");
        json_object *value = NULL;

        if (take(m, ELLIPSIS ": "))
                return others(m, known, there, o);
        size_t n = strcspn(m->at, ":");
        char *name = strndup(m->at, n);
        if (!name || known->n >= MEMBERS_MAX)
                abort();
        known->names[known->n++] = name;
        m->at += n;
        need(m, ": ");
        bool has = there && json_object_object_get_ex(o, name, &value), ok = type(m, has, value);
        if (optional)
                need(m, "]");
        return (!there || has || optional || wrong(m, "no member ", name)) && (ok || wrong(m, "wrong value of ", name));
}

static bool object(Matcher *m, bool there, json_object *o) {
        Members known = {};
        bool ok = true, open = false;

        do {
                open = open || startswith(m->at, ELLIPSIS);
                ok = member(m, &known, there, o) && ok;
        } while (take(m, ", "));
        need(m, "}");
        if (there && !open) {
                json_object_object_foreach(o, key, value) {
                        (void) value;
                        if (!knows(&known, key))
                                ok = wrong(m, "nobody knows of ", key);
                }
        }
        for (size_t i = 0; i < known.n; i++)
                free(known.names[i]);
        return ok;
}

static bool simple(Matcher *m, bool there, json_object *o) {
        if (take(m, "string"))
                return !there || json_object_is_type(o, json_type_string);
        if (take(m, "boolean"))
                return !there || json_object_is_type(o, json_type_boolean);
        need(m, "number");
        return !there || json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double);
}

/* THERE: O is to be looked at; else the shape is only read. */
static bool type(Matcher *m, bool there, json_object *o) {
        bool ok;

        if (take(m, "{"))
                ok = object(m, there && json_object_is_type(o, json_type_object), o) && (!there || json_object_is_type(o, json_type_object));
        else if (take(m, "["))
                ok = list(m, there && json_object_is_type(o, json_type_array), o) && (!there || json_object_is_type(o, json_type_array));
        else
                ok = simple(m, there, o);
        if (take(m, "|"))
                ok = type(m, there, o) || ok;
        if (take(m, "?"))
                ok = ok || !o;
        return ok;
}

bool json_has_shape(json_object *o, const char *shape, char **ret_why) {
        Matcher m = { .at = shape };

        bool ok = type(&m, true, o) && !*m.at;
        *ret_why = m.why ?: strdup("not of that type");
        return ok;
}
