/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"
#include "parse-util.h"
#include "string-util.h"
#include "xml-table.h"

static void *field_of(void *object, const XmlRow *row) {
        return (uint8_t *) object + row->offset;
}

static const char *node_name(const xmlNode *node) {
        return (const char *) node->name;
}

const char *xml_row_namespace(const char *row_name, const char **ret_name) {
        static const struct {
                const char *prefix, *uri;
        } namespaces[] = {
                { "qemu:", XML_NAMESPACE_QEMU },
                { "vmunit:", XML_NAMESPACE_VMUNIT },
        };

        for (size_t i = 0; i < ELEMENTSOF(namespaces); i++)
                if ((*ret_name = startswith(row_name, namespaces[i].prefix)))
                        return namespaces[i].uri;
        *ret_name = row_name;
        return NULL;
}

static const char *node_namespace(const xmlNode *node) {
        return node->ns ? (const char *) node->ns->href : NULL;
}

static bool row_matches(const XmlRow *row, const xmlNode *node) {
        const char *name, *uri = row->name ? xml_row_namespace(row->name, &name) : NULL;

        return row->name && streq_ptr(uri, node_namespace(node)) && streq(name, node_name(node));
}

/* Finds the row of a child element. Includes are entered, so the object the row belongs to comes with it.
 * A row that is not meant for this object is the last choice: -ENOENT tells it from none at all (-ESRCH). */
static int find_child(const XmlTable *t, void *object, const xmlNode *node, const XmlRow **ret,
                      void **ret_object) {
        int result = -ESRCH;

        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE) {
                        int r = find_child(row->table, field_of(object, row), node, ret, ret_object);
                        if (r == 0)
                                return 0;
                        if (r == -ENOENT)
                                result = r;
                        continue;
                }
                if (xml_row_is_attribute(row) || !row_matches(row, node))
                        continue;
                if (row->applies && !row->applies(object)) {
                        result = -ENOENT;
                        continue;
                }
                *ret = row;
                *ret_object = object;
                return 0;
        }
        return result;
}

/* The same for the name of an attribute; only whether there is a row. */
static int find_attribute(const XmlTable *t, const void *object, const char *name) {
        int result = -ESRCH;

        if (!t)
                return result;
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE) {
                        int r = find_attribute(row->table, (const uint8_t *) object + row->offset, name);
                        if (r == 0)
                                return 0;
                        if (r == -ENOENT)
                                result = r;
                } else if (xml_row_is_attribute(row) && streq(row->name, name)) {
                        if (!row->applies || row->applies(object))
                                return 0;
                        result = -ENOENT;
                }
        }
        return result;
}

char *xml_node_attribute(const xmlNode *node, const char *name) {
        xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *) name);
        if (!value)
                return NULL;
        char *copy = strdup((const char *) value);
        xmlFree(value);
        return copy;
}

char *xml_node_text(const xmlNode *node, bool trim) {
        _cleanup_text_ Text t = {};
        char *s;

        for (const xmlNode *n = node->children; n; n = n->next)
                if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content)
                        text_append(&t, (const char *) n->content);
        if (text_finish(&t, &s) < 0)
                return NULL;
        if (trim) {
                size_t n = strlen(s), skip = strspn(s, WHITESPACE);
                while (n > skip && strchr(WHITESPACE, s[n - 1]))
                        n--;
                memmove(s, s + skip, n - skip);
                s[n - skip] = 0;
        }
        return s;
}

/* "a number from 0 to 31", "one of file, block, …": what a row wants to see. */
static char *row_expected(const XmlRow *row) {
        if (row->type->expected)
                return strdup(row->type->expected);
        if (row->words) {
                _cleanup_free_ char *words = string_table_words(row->words);
                return words ? strf("one of %s", words) : NULL;
        }
        if (row->max > 0 && row->digits > 0)
                return strf("a number from 0 to 0x%0*llx", (int) row->digits, (unsigned long long) row->max);
        if (row->max > 0)
                return strf("a number from 0 to %llu", (unsigned long long) row->max);
        return strdup("a whole number");
}

/* Stores a value in its field, or reports that it is none. ATTRIBUTE is NULL for the text of an element. */
static void read_value(XmlReader *r, const XmlRow *row, const xmlNode *node, const char *attribute,
                       const char *value, void *object) {
        if (!utf8_is_printable(value) && !row->type->verbatim) {
                xml_reader_error(r, xml_reader_loc(r, node), "<%s>%s%s: control characters in the value",
                                 node_name(node), attribute ? " @" : "", strempty(attribute));
                return;
        }
        /* What is not kept is checked all the same, in a field of its own. */
        union {
                uint64_t number;
                uint8_t bytes[sizeof(NumberSet)];
                OptU64 optional;
        } forgotten = {};
        bool forget = row->flags & XML_WRITE_ONLY;
        if (forget && row->type == &xml_string)
                return;
        int k = row->type->parse(row, value, forget ? (void *) &forgotten : field_of(object, row));
        if (k == 0) {
                if (row->has && !forget)
                        *((bool *) object + row->has - 1) = true;
                return;
        }
        if (k > 0)
                return;
        if (k == -ENOMEM) {
                r->no_memory = true;
                return;
        }
        _cleanup_free_ char *expected = row_expected(row);
        xml_reader_error(r, xml_reader_loc(r, node), "<%s>%s%s: '%s' is not %s", node_name(node),
                         attribute ? " @" : "", strempty(attribute), value, strempty(expected));
}

static void report_known(XmlReader *r, const XmlRow *row, const xmlNode *node, const char *attribute) {
        if (!(row->flags & XML_UNSUPPORTED) || r->foreign)
                return;
        const xmlNode *parent = node->parent;
        if (attribute)
                xml_reader_error(r, xml_reader_loc(r, node), "not supported: @%s of <%s> (%s)", attribute,
                                 node_name(node), row->doc);
        else if (parent && parent->type == XML_ELEMENT_NODE)
                xml_reader_error(r, xml_reader_loc(r, node), "not supported: <%s> in <%s> (%s)", row->name,
                                 node_name(parent), row->doc);
        else
                xml_reader_error(r, xml_reader_loc(r, node), "not supported: <%s> (%s)", row->name, row->doc);
}

/* Attributes are taken in the order of the rows, not of the file: so an old spelling gives way to today's,
 * and what other rows' `applies` looks at is there before them. */
static void read_known_attributes(XmlReader *r, const XmlTable *t, const xmlNode *node, void *object) {
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE) {
                        read_known_attributes(r, row->table, node, field_of(object, row));
                        continue;
                }
                if (!xml_row_is_attribute(row) || (row->applies && !row->applies(object)))
                        continue;
                _cleanup_free_ char *value = xml_node_attribute(node, row->name);
                if (row->kind == XML_KNOWN_ATTRIBUTE) {
                        if (value)
                                report_known(r, row, node, row->name);
                } else if (value)
                        read_value(r, row, node, row->name, value, object);
                else if (row->flags & XML_MANDATORY)
                        xml_reader_error(r, xml_reader_loc(r, node), "<%s>: attribute @%s is missing",
                                         node_name(node), row->name);
        }
}

/* OWN is an attribute that the kind of row reads by itself, or NULL. */
static void read_attributes(XmlReader *r, const XmlTable *t, const xmlNode *node, void *object,
                            const char *own) {
        if (t)
                read_known_attributes(r, t, node, object);
        for (const xmlAttr *a = node->properties; a; a = a->next) {
                const char *name = (const char *) a->name;
                if (!a->ns && own && streq(name, own))
                        continue;
                int k = a->ns ? -ESRCH : find_attribute(t, object, name);
                if (k == -ESRCH)
                        diag_warning(r->diag, xml_reader_loc(r, node), "unknown attribute @%s of <%s>", name,
                                     node_name(node));
                else if (k < 0)
                        diag_warning(r->diag, xml_reader_loc(r, node),
                                     "attribute @%s of <%s> means nothing here", name, node_name(node));
        }
}

static const XmlTable empty_table;

/* T may be NULL, for elements that have no children: then every child is unknown. */
static void read_children(XmlReader *r, const XmlTable *t, const xmlNode *node, void *object) {
        for (xmlNode *n = node->children; n; n = n->next)
                if (n->type == XML_ELEMENT_NODE)
                        xml_reader_child(r, t ?: &empty_table, n, object);
}

static bool has_text(const xmlNode *node) {
        for (const xmlNode *n = node->children; n; n = n->next)
                if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content && *n->content)
                        return true;
        return false;
}

/* An element without any text gives no value; libvirt takes it as if it were not there. White space is a value,
 * and a wrong one. */
static bool is_as_if_absent(XmlReader *r, const XmlRow *row, const xmlNode *node) {
        if (has_text(node) || (row->flags & XML_MANDATORY))
                return false;
        diag_warning(r->diag, xml_reader_loc(r, node), "<%s> is empty, as if it were not there", node_name(node));
        return true;
}

static void read_text_child(XmlReader *r, const XmlRow *row, const xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, !row->type->verbatim);

        read_attributes(r, row->table, node, object, NULL);
        read_children(r, NULL, node, object);
        if (!text)
                r->no_memory = true;
        else if (*text)
                read_value(r, row, node, NULL, text, object);
        else if ((row->flags & XML_MANDATORY) || (!row->type->verbatim && !is_as_if_absent(r, row, node)))
                xml_reader_error(r, xml_reader_loc(r, node), "<%s> is empty", node_name(node));
}

static void read_state_child(XmlReader *r, const XmlRow *row, const xmlNode *node, void *object) {
        _cleanup_free_ char *state = xml_node_attribute(node, "state");
        Tristate *field = field_of(object, row);

        *field = TRI_YES;
        if (state) {
                Tristate v = on_off_from_string(state);
                if ((int) v < 0)
                        xml_reader_error(r, xml_reader_loc(r, node),
                                         "<%s> @state: '%s' is not one of on, off", node_name(node), state);
                else
                        *field = v;
        }
        read_attributes(r, row->table, node, object, "state");
        read_children(r, row->table, node, object);
}

static void read_size_child(XmlReader *r, const XmlRow *row, const xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, true), *unit = xml_node_attribute(node, "unit");
        unsigned divisor = row->divisor ?: 1;
        SrcLoc loc = xml_reader_loc(r, node);
        uint64_t number, size = unit_size(unit ?: row->unit ?: "KiB");

        read_attributes(r, row->table, node, object, "unit");
        read_children(r, NULL, node, object);
        if (!text) {
                r->no_memory = true;
                return;
        }
        if (is_as_if_absent(r, row, node))
                return;
        if (size == 0) {
                xml_reader_error(
                        r, loc,
                        "<%s> @unit: '%s' is not a unit (b, KiB, MiB, GiB, TiB, KB, MB, GB and so on)",
                        node_name(node), unit);
                return;
        }
        int k = parse_u64(text, 10, &number);
        if (k == -EINVAL) {
                xml_reader_error(r, loc, "<%s>: '%s' is not a size (a whole number, unit in @unit)",
                                 node_name(node), text);
                return;
        }
        /* Half of what 64 bits hold, so that no sum of sizes overflows. Rounded up to KiB, as libvirt does.
         */
        if (k < 0 || number > INT64_MAX / size) {
                xml_reader_error(r, loc, "<%s>: '%s' %s is too large", node_name(node), text, unit ?: row->unit ?: "KiB");
                return;
        }
        uint64_t bytes = DIV_ROUND_UP(number * size, UINT64_C(1024)) * 1024;
        if (row->flags & XML_OPTIONAL)
                *(OptU64 *) field_of(object, row) = OPT_U64(bytes / divisor);
        else
                *(uint64_t *) field_of(object, row) = bytes / divisor;
}

static void read_list_element(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        uint8_t **list = field_of(object, row);
        size_t *n = (size_t *) ((uint8_t *) object + row->count);

        if (*n >= DOMAIN_XML_LIST_MAX) {
                if (!r->too_many)
                        xml_reader_error(r, xml_reader_loc(r, node), "more than %u <%s>", DOMAIN_XML_LIST_MAX,
                                         node_name(node));
                r->too_many = true;
                return;
        }
        if (!array_grow(list, *n, row->element_size)) {
                r->no_memory = true;
                return;
        }
        uint8_t *element = *list + *n * row->element_size;
        memset(element, 0, row->element_size);
        (*n)++;
        *(SrcLoc *) element = xml_reader_loc(r, node);
        if (row->tag)
                *(int *) (element + row->tag - 1) = row->tag_value;
        xml_reader_element(r, row->table, node, element);
}

static bool row_is_single(const XmlRow *row) {
        return row->kind != XML_LIST && row->kind != XML_KNOWN_CHILD && !(row->flags & XML_REPEAT);
}

static bool seen_before(const xmlNode *node) {
        for (const xmlNode *n = node->prev; n; n = n->prev)
                if (n->type == XML_ELEMENT_NODE && streq(node_name(n), node_name(node)) &&
                    streq_ptr(node_namespace(n), node_namespace(node)))
                        return true;
        return false;
}

static void read_row(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        if (row->loc)
                *(SrcLoc *) ((uint8_t *) object + row->loc - 1) = xml_reader_loc(r, node);
        switch (row->kind) {
        case XML_TEXT_CHILD:
                read_text_child(r, row, node, object);
                break;
        case XML_FLAG_CHILD:
                *(bool *) field_of(object, row) = true;
                read_attributes(r, row->table, node, object, NULL);
                read_children(r, row->table, node, object);
                break;
        case XML_STATE_CHILD:
                read_state_child(r, row, node, object);
                break;
        case XML_SIZE_CHILD:
                read_size_child(r, row, node, object);
                break;
        case XML_CHILD:
                if (row->flags & XML_HAS_LOC)
                        *(SrcLoc *) field_of(object, row) = xml_reader_loc(r, node);
                xml_reader_element(r, row->table, node, field_of(object, row));
                break;
        case XML_LIST:
                read_list_element(r, row, node, object);
                break;
        case XML_CUSTOM:
                row->parse(r, row, node, object);
                break;
        case XML_KNOWN_CHILD:
                report_known(r, row, node, NULL);
                break;
        case XML_ATTRIBUTE:
        case XML_CONTENT:
        case XML_INCLUDE:
        case XML_KNOWN_ATTRIBUTE:
                assert(false);
        }
}

void xml_reader_child(XmlReader *r, const XmlTable *t, xmlNode *node, void *object) {
        const XmlRow *row;
        void *target;

        int k = find_child(t, object, node, &row, &target);
        if (k == 0) {
                if (row_is_single(row) && seen_before(node))
                        xml_reader_error(r, xml_reader_loc(r, node), "<%s> stands in <%s> more than once",
                                         node_name(node), node_name(node->parent));
                else
                        read_row(r, row, node, target);
        } else if (k == -ENOENT)
                diag_warning(r->diag, xml_reader_loc(r, node), "element <%s> in <%s> means nothing here",
                             node_name(node), node_name(node->parent));
        else if (node->ns && !streq_ptr(node_namespace(node), XML_NAMESPACE_VMUNIT))
                diag_warning(r->diag, xml_reader_loc(r, node), "element <%s> of the foreign namespace %s",
                             node_name(node), (const char *) node->ns->href);
        else
                diag_warning(r->diag, xml_reader_loc(r, node), "unknown element <%s> in <%s>",
                             node_name(node), node_name(node->parent));
}

static void read_content(XmlReader *r, const XmlTable *t, const xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, true);
        const XmlRow *content = NULL;

        if (!text) {
                r->no_memory = true;
                return;
        }
        FOREACH_ARRAY(row, t->rows, t->n_rows)
                if (row->kind == XML_CONTENT)
                        content = row;
        if (*text && content)
                read_value(r, content, node, NULL, text, object);
        else if (*text)
                diag_warning(r->diag, xml_reader_loc(r, node), "stray text in <%s>", node_name(node));
        else if (content && (content->flags & XML_MANDATORY))
                xml_reader_error(r, xml_reader_loc(r, node), "<%s> is empty", node_name(node));
}

static void check_mandatory(XmlReader *r, const XmlTable *t, const xmlNode *node) {
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (!(row->flags & XML_MANDATORY) || row->kind == XML_CONTENT || xml_row_is_attribute(row))
                        continue;
                bool found = false;
                for (const xmlNode *n = node->children; n && !found; n = n->next)
                        found = n->type == XML_ELEMENT_NODE && row_matches(row, n);
                if (!found)
                        xml_reader_error(r, xml_reader_loc(r, node), "<%s>: element <%s> is missing",
                                         node_name(node), row->name);
        }
}

void xml_reader_element(XmlReader *r, const XmlTable *t, xmlNode *node, void *object) {
        read_attributes(r, t, node, object, NULL);
        read_content(r, t, node, object);
        read_children(r, t, node, object);
        check_mandatory(r, t, node);
}

void xml_table_walk(const XmlTable *t, const char *path, XmlWalk function, void *userdata) {
        if (!t)
                return;
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE) {
                        xml_table_walk(row->table, path, function, userdata);
                        continue;
                }
                _cleanup_free_ char *below =
                        row->name ? strf("%s/%s%s", path, xml_row_is_attribute(row) ? "@" : "", row->name)
                                  : strf("%s/text()", path);
                if (!below)
                        return;
                function(below, row, userdata);
                xml_table_walk(row->table, below, function, userdata);
        }
}
