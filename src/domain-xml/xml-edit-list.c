/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "string-util.h"
#include "xml-edit.h"

/* Lists of edits that own their strings. */

static void edit_done(XmlEdit *e) {
        free((char *) e->path);
        free((char *) e->attribute);
        free((char *) e->value);
        free((char *) e->element);
}

void xml_edits_done(XmlEdits *e) {
        FREE_LIST(e->items, e->n_items, edit_done);
        *e = (XmlEdits) {};
}

static bool copy_to(const char *s, const char **ret) {
        *ret = s ? strdup(s) : NULL;
        return !s || *ret;
}

int xml_edits_copy(XmlEdits *e, const XmlEdit *edits, size_t n) {
        FOREACH_ARRAY(i, edits, n) {
                XmlEdit copy = {.replace = i->replace, .verbatim = i->verbatim};

                if (!copy_to(i->path, &copy.path) || !copy_to(i->attribute, &copy.attribute) ||
                    !copy_to(i->value, &copy.value) || !copy_to(i->element, &copy.element) ||
                    !ARRAY_GROW(e->items, e->n_items)) {
                        edit_done(&copy);
                        return -ENOMEM;
                }
                e->items[e->n_items++] = copy;
        }
        return 0;
}

static int add_edit(XmlEdits *e, const char *attribute, const char *value, const char *element,
                    const char *format, va_list ap) {
        _cleanup_free_ char *path = strfv(format, ap);
        XmlEdit edit = {.path = path, .attribute = attribute, .value = value, .element = element};

        return path ? xml_edits_copy(e, &edit, 1) : -ENOMEM;
}

#define WITH_FORMAT(call)                                                                         \
        ({                                                                                        \
                va_list ap;                                                                       \
                va_start(ap, path);                                                               \
                int _r = (call);                                                                  \
                va_end(ap);                                                                       \
                _r;                                                                               \
        })

int xml_edits_text(XmlEdits *e, const char *value, const char *path, ...) {
        return WITH_FORMAT(add_edit(e, NULL, value, NULL, path, ap));
}

int xml_edits_attribute(XmlEdits *e, const char *attribute, const char *value, const char *path, ...) {
        return WITH_FORMAT(add_edit(e, attribute, value, NULL, path, ap));
}

int xml_edits_u64(XmlEdits *e, uint64_t value, const char *path, ...) {
        char number[24];

        snprintf(number, sizeof(number), "%llu", (unsigned long long) value);
        return WITH_FORMAT(add_edit(e, NULL, number, NULL, path, ap));
}

int xml_edits_remove(XmlEdits *e, const char *path, ...) {
        return WITH_FORMAT(add_edit(e, NULL, NULL, NULL, path, ap));
}

int xml_edits_element(XmlEdits *e, const char *element, const char *path, ...) {
        return WITH_FORMAT(add_edit(e, NULL, NULL, element, path, ap));
}
