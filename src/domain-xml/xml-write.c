/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain.h"
#include "string-util.h"
#include "parse-util.h"
#include "xml-table.h"

void xml_write_indent(XmlWriter *w) {
        for (unsigned i = 0; i < w->depth; i++)
                text_append(&w->text, "  ");
}

void xml_write_escaped(XmlWriter *w, const char *s, bool attribute) {
        for (; *s; s++) {
                unsigned char c = (unsigned char) *s;
                if (c == '&')
                        text_append(&w->text, "&amp;");
                else if (c == '<')
                        text_append(&w->text, "&lt;");
                else if (c == '>')
                        text_append(&w->text, "&gt;");
                else if (c == '\'')
                        text_append(&w->text, "&apos;");
                else if (c == '"')
                        text_append(&w->text, "&quot;");
                else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
                        text_appendf(&w->text, "&#%u;", c);
                else if (c >= 0x20 || c == '\n' || c == '\t')
                        text_append_char(&w->text, *s);
                /* Other control characters cannot stand in XML at all. */
        }
}

void xml_write_attribute(XmlWriter *w, const char *name, const char *value) {
        text_appendf(&w->text, " %s='", name);
        xml_write_escaped(w, value, true);
        text_append_char(&w->text, '\'');
}

static const void *field_of(const void *object, const XmlRow *row) {
        return (const uint8_t *) object + row->offset;
}

/* Whether the row has anything to say about this object. */
static bool row_is_written(const XmlWriter *w, const XmlRow *row, const void *object) {
        if (row->flags & (XML_UNSUPPORTED | XML_IGNORED | XML_READ_ONLY))
                return false;
        if ((row->flags & XML_WRITE_ONLY) && (w->flags & DOMAIN_XML_INACTIVE))
                return false;
        if ((row->flags & XML_SECRET) && !(w->flags & DOMAIN_XML_SECURE))
                return false;
        if (row->has && !*((const bool *) object + row->has - 1))
                return false;
        return !row->applies || row->applies(object);
}

/* The value of a row with a type; NULL when it is not set. Owned by the caller. */
static char *row_value(XmlWriter *w, const XmlRow *row, const void *object) {
        _cleanup_text_ Text t = {};
        char *s;

        if (!row->type->format(row, field_of(object, row), &t))
                return NULL;
        if (text_finish(&t, &s) < 0) {
                w->text.failed = true;
                return NULL;
        }
        return s;
}

static bool write_attributes(XmlWriter *w, const XmlTable *t, const void *object) {
        bool any = false;

        if (!t)
                return false;
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (!row_is_written(w, row, object))
                        continue;
                if (row->kind == XML_INCLUDE) {
                        any |= write_attributes(w, row->table, field_of(object, row));
                        continue;
                }
                if (row->kind != XML_ATTRIBUTE)
                        continue;
                _cleanup_free_ char *value = row_value(w, row, object);
                if (!value)
                        continue;
                xml_write_attribute(w, row->name, value);
                any = true;
        }
        return any;
}

static void write_text(XmlWriter *w, const XmlRow *row, const void *object, const char *value) {
        xml_write_indent(w);
        text_appendf(&w->text, "<%s", row->name);
        (void) write_attributes(w, row->table, object);
        text_append_char(&w->text, '>');
        xml_write_escaped(w, value, false);
        text_appendf(&w->text, "</%s>\n", row->name);
}

static void write_size(XmlWriter *w, const XmlRow *row, const void *object) {
        const void *field = field_of(object, row);
        uint64_t v;

        if (row->flags & XML_OPTIONAL) {
                const OptU64 *o = field;
                if (!o->set)
                        return;
                v = o->value;
        } else
                v = *(const uint64_t *) field;

        const char *unit = row->unit && v > 0 && v * (row->divisor ?: 1) % unit_size(row->unit) == 0 ? row->unit : "KiB";
        xml_write_indent(w);
        text_appendf(&w->text, "<%s", row->name);
        (void) write_attributes(w, row->table, object);
        text_appendf(&w->text, " unit='%s'>%" PRIu64 "</%s>\n", unit, DIV_ROUND_UP(v * (row->divisor ?: 1), unit_size(unit)),
                     row->name);
}

static void write_list(XmlWriter *w, const XmlRow *row, const void *object) {
        const uint8_t *element = *(uint8_t *const *) field_of(object, row);
        size_t n = *(const size_t *) ((const uint8_t *) object + row->count);

        for (size_t i = 0; i < n; i++, element += row->element_size)
                if (!row->tag || *(const int *) (element + row->tag - 1) == row->tag_value)
                        xml_write_element(w, row->name, row->table, element, true);
}

static void write_child(XmlWriter *w, const XmlRow *row, const void *object);

static void write_children(XmlWriter *w, const XmlTable *t, const void *object) {
        if (t)
                FOREACH_ARRAY(row, t->rows, t->n_rows)
        if (row_is_written(w, row, object))
                write_child(w, row, object);
}

static void text_truncate(Text *t, size_t length) {
        if (t->failed)
                return;
        t->length = length;
        t->data[length] = 0;
}

/* A flag or state, with what else its element holds. */
static void write_tag(XmlWriter *w, const XmlRow *row, const char *state, const void *object) {
        xml_write_indent(w);
        text_appendf(&w->text, "<%s", row->name);
        if (state)
                xml_write_attribute(w, "state", state);
        (void) write_attributes(w, row->table, object);
        size_t end_of_tag = w->text.length;
        text_append(&w->text, ">\n");

        size_t before = w->text.length;
        w->depth++;
        write_children(w, row->table, object);
        w->depth--;
        if (w->text.length > before) {
                xml_write_indent(w);
                text_appendf(&w->text, "</%s>\n", row->name);
                return;
        }
        text_truncate(&w->text, end_of_tag);
        text_append(&w->text, "/>\n");
}

static void write_child(XmlWriter *w, const XmlRow *row, const void *object) {
        const void *field = field_of(object, row);

        switch (row->kind) {
        case XML_TEXT_CHILD: {
                _cleanup_free_ char *value = row_value(w, row, object);
                if (!isempty(value))
                        write_text(w, row, object, value);
                break;
        }
        case XML_FLAG_CHILD:
                if (*(const bool *) field)
                        write_tag(w, row, NULL, object);
                break;
        case XML_STATE_CHILD:
                if (*(const Tristate *) field != TRI_UNSET)
                        write_tag(w, row, on_off_to_string(*(const Tristate *) field), object);
                break;
        case XML_SIZE_CHILD:
                write_size(w, row, object);
                break;
        case XML_CHILD:
                xml_write_element(w, row->name, row->table, field, false);
                break;
        case XML_LIST:
                write_list(w, row, object);
                break;
        case XML_INCLUDE:
                write_children(w, row->table, field);
                break;
        case XML_CUSTOM:
                row->format(w, row, object);
                break;
        case XML_ATTRIBUTE:
        case XML_CONTENT:
        case XML_KNOWN_ATTRIBUTE:
        case XML_KNOWN_CHILD:
                break;
        }
}

/* The text of the element itself: there is one row for it at most. */
static char *element_content(XmlWriter *w, const XmlTable *t, const void *object) {
        FOREACH_ARRAY(row, t->rows, t->n_rows)
                if (row->kind == XML_CONTENT && row_is_written(w, row, object))
                        return row_value(w, row, object);
        return NULL;
}

void xml_write_element(XmlWriter *w, const char *name, const XmlTable *t, const void *object, bool always) {
        size_t start = w->text.length;

        xml_write_indent(w);
        text_appendf(&w->text, "<%s", name);
        bool any = write_attributes(w, t, object) || always;
        size_t end_of_tag = w->text.length;
        text_append_char(&w->text, '>');

        _cleanup_free_ char *content = element_content(w, t, object);
        if (!isempty(content)) {
                xml_write_escaped(w, content, false);
                text_appendf(&w->text, "</%s>\n", name);
                return;
        }
        text_append_char(&w->text, '\n');
        size_t before = w->text.length;
        w->depth++;
        write_children(w, t, object);
        w->depth--;
        if (w->text.length > before) {
                xml_write_indent(w);
                text_appendf(&w->text, "</%s>\n", name);
                return;
        }
        text_truncate(&w->text, any ? end_of_tag : start);
        if (any)
                text_append(&w->text, "/>\n");
}
