/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "xml-edit.h"
#include "xml-path.h"

#define NAME_CHARACTERS ALPHANUMERICAL "-_."

static void condition_done(XmlCondition *c) {
        strv_free(c->names);
        free(c->attribute);
        free(c->value);
}

void xml_path_done(XmlPath *p) {
        FOREACH_ARRAY(s, p->steps, p->n_steps) {
                free(s->name);
                FREE_LIST(s->conditions, s->n_conditions, condition_done);
        }
        *p = (XmlPath) {};
}

/* --- from text --- */

static int take_name(const char **p, char **ret) {
        size_t n = strspn(*p, NAME_CHARACTERS);

        if (n == 0)
                return -EINVAL;
        *ret = strndup(*p, n);
        *p += n;
        return *ret ? 0 : -ENOMEM;
}

static int take_quoted(const char **p, char **ret) {
        _cleanup_text_ Text t = {};
        char quote = **p;

        if (quote != '\'' && quote != '"')
                return -EINVAL;
        for ((*p)++; **p && (**p != quote || (*p)[1] == quote); (*p)++) {
                text_append_char(&t, **p);
                *p += **p == quote;
        }
        if (**p != quote)
                return -EINVAL;
        (*p)++;
        return text_finish(&t, ret);
}

/* a/b/@c='v', @c='v', a='v' or 3, up to the bracket. */
static int take_condition(const char **p, XmlCondition *c) {
        size_t n = strspn(*p, DIGITS);
        int r = 0;

        if (n > 0 && (*p)[n] == ']') {
                _cleanup_free_ char *digits = strndup(*p, n);
                *p += n;
                r = !digits ? -ENOMEM : parse_uint(digits, &c->position);
                return r < 0 || c->position > 0 ? r : -EINVAL;
        }
        while (**p != '@') {
                _cleanup_free_ char *name = NULL;
                r = take_name(p, &name);
                if (r >= 0)
                        r = strv_extend(&c->names, name);
                if (r < 0)
                        return r;
                if (**p != '/')
                        break;
                (*p)++;
        }
        if (**p == '@') {
                (*p)++;
                r = take_name(p, &c->attribute);
        }
        if (r >= 0 && **p != '=')
                r = -EINVAL;
        if (r < 0)
                return r;
        (*p)++;
        return take_quoted(p, &c->value);
}

static int take_step(const char **p, XmlStep *step) {
        int r = take_name(p, &step->name);

        while (r >= 0 && **p == '[') {
                if (step->n_conditions > 0 && step->conditions[step->n_conditions - 1].position > 0)
                        return -EINVAL;
                if (!ARRAY_GROW(step->conditions, step->n_conditions))
                        return -ENOMEM;
                XmlCondition *c = &step->conditions[step->n_conditions++];
                *c = (XmlCondition) {};
                (*p)++;
                r = take_condition(p, c);
                if (r >= 0 && **p != ']')
                        r = -EINVAL;
                if (r >= 0)
                        (*p)++;
        }
        return r;
}

int xml_path_parse(const char *path, XmlPath *ret) {
        _cleanup_xml_path_ XmlPath p = {};

        while (*path) {
                if (p.n_steps == XML_PATH_STEPS_MAX)
                        return -EINVAL;
                int r = take_step(&path, &p.steps[p.n_steps++]);
                if (r < 0)
                        return r;
                if (*path == '/' && path[1])
                        path++;
                else if (*path)
                        return -EINVAL;
        }
        *ret = p;
        p = (XmlPath) {};
        return 0;
}

char *xml_path_quote(const char *value) {
        _cleanup_text_ Text t = {};
        char *result;

        text_append_char(&t, '\'');
        for (; *value; value++)
                text_append(&t, *value == '\'' ? "''" : (char[]) {*value, 0});
        text_append_char(&t, '\'');
        return text_finish(&t, &result) < 0 ? NULL : result;
}

/* --- in a text --- */

/* White space around VALUE does not count, and "02" is 2. */
static int same_value(char *written, const char *value) {
        uint64_t a, b;

        if (!written)
                return -EINVAL;
        value += strspn(value, WHITESPACE);
        size_t n = strlen(value);
        while (n > 0 && strchr(WHITESPACE, value[n - 1]))
                n--;
        bool same = strlen(written) == n && memcmp(written, value, n) == 0;
        if (!same && parse_u64(written, 10, &a) >= 0 && parse_u64(value, 10, &b) >= 0)
                same = a == b;
        free(written);
        return same;
}

/* Whether what the names from NAME on lead to, below element I, has the value. */
static int condition_holds(const XmlScan *s, size_t i, char *const *name, const XmlCondition *c) {
        const XmlElement *e = &s->elements[i];
        XmlScanAttribute a;

        if (!name || !*name) {
                if (!c->attribute)
                        return same_value(xml_scan_element_text(s, e), c->value);
                return xml_scan_find_attribute(s, e, c->attribute, &a) &&
                        same_value(xml_scan_decode(s, a.value, a.value_size), c->value);
        }
        for (size_t child = e->first_child; child != XML_NO_ELEMENT; child = s->elements[child].next) {
                if (s->elements[child].foreign || !xml_scan_is_named(s, &s->elements[child], *name))
                        continue;
                int r = condition_holds(s, child, name + 1, c);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Whether all conditions hold but a position. */
static int step_matches(const XmlScan *s, size_t i, const XmlStep *step) {
        if (s->elements[i].foreign || !xml_scan_is_named(s, &s->elements[i], step->name))
                return 0;
        FOREACH_ARRAY(c, step->conditions, step->n_conditions) {
                int r = c->value ? condition_holds(s, i, c->names, c) : 1;
                if (r <= 0)
                        return r;
        }
        return 1;
}

int xml_path_next(const XmlScan *s, size_t parent, const XmlStep *step, size_t *ret) {
        unsigned position =
                step->n_conditions > 0 ? step->conditions[step->n_conditions - 1].position : 0, n = 0;
        size_t i = *ret == XML_NO_ELEMENT ? s->elements[parent].first_child : s->elements[*ret].next;

        if (position > 0 && *ret != XML_NO_ELEMENT)
                i = XML_NO_ELEMENT; /* there is one only */
        for (; i != XML_NO_ELEMENT; i = s->elements[i].next) {
                int r = step_matches(s, i, step);
                if (r < 0)
                        return r;
                if (r > 0 && (position == 0 || ++n == position))
                        break;
        }
        *ret = i;
        return 0;
}
