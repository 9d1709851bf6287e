/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml-tables.h"
#include "libxml.h"
#include "string-util.h"
#include "xml-schema.h"

/* The tables as RELAX NG. Attributes and elements of one name may be several rows, of which the parser takes
 * the one that applies: here any of them will do. */

#define ROWS_MAX 256
#define ELEMENTS_MAX 1024

/* The rows of a table, includes resolved; namespaces are no attributes here. */
typedef struct Rows {
        const XmlRow *rows[ROWS_MAX];
        size_t n;
} Rows;

/* An element that has a definition: what is inside, and its name in the grammar. */
typedef struct Element {
        const XmlTable *table;
        char *name; /* owned */
} Element;

typedef struct Schema {
        Text *text;
        Element elements[ELEMENTS_MAX];
        size_t n;
} Schema;

static void collect_rows(const XmlTable *t, Rows *ret) {
        if (!t)
                return;
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE)
                        collect_rows(row->table, ret);
                else if (!(row->flags & XML_UNSUPPORTED) && !(row->name && startswith(row->name, "xmlns")) && ret->n < ROWS_MAX)
                        ret->rows[ret->n++] = row;
        }
}

/* Whether two rows stand for the same attribute, or for the same element. */
static bool is_same(const XmlRow *a, const XmlRow *b) {
        return xml_row_is_attribute(a) == xml_row_is_attribute(b) && streq_ptr(a->name, b->name);
}

/* Whether an earlier row of the list has the name: then it has taken this one along. */
static bool is_repeated(const Rows *rows, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (is_same(rows->rows[k], rows->rows[i]))
                        return true;
        return false;
}

static unsigned count_named(const Rows *rows, const XmlRow *row) {
        unsigned n = 0;

        for (size_t k = 0; k < rows->n; k++)
                n += is_same(rows->rows[k], row);
        return n;
}

/* A note for readers of the schema: what is written there has no effect. */
static const char *ignored_note(const Rows *rows, const XmlRow *row) {
        for (size_t k = 0; k < rows->n; k++)
                if (is_same(rows->rows[k], row) && !(rows->rows[k]->flags & XML_IGNORED))
                        return "";
        return " vmunit:effect=\"none\"";
}

/* --- values --- */

/* Names of the tables are plain words; patterns have no characters that XML would mind. */
static void add_pattern(Schema *s, const char *pattern) {
        text_appendf(s->text, "<data type=\"token\"><param name=\"pattern\">%s</param></data>", pattern);
}

static void add_words(Schema *s, const StringTable *words) {
        text_append(s->text, "<choice>");
        for (size_t i = 0; i < words->n_words; i++)
                if (words->words[i])
                        text_appendf(s->text, "<value>%s</value>", words->words[i]);
        text_append(s->text, "</choice>");
}

static void add_value(Schema *s, const XmlRow *row) {
        if (row->type && row->words)
                add_words(s, row->words);
        else if (row->type && row->type->pattern)
                add_pattern(s, row->type->pattern);
        else
                text_append(s->text, "<text/>");
}

/* --- attributes --- */

/* Attributes that may be absent and take the same values are one pattern with several names. A validator that keeps
 * a state for every way to match, as libxml2's does, has two to the power of the attributes otherwise: minutes for
 * an element with eighteen of them. */
typedef struct AttributeGroup {
        char *value; /* owned: the pattern */
        const XmlRow *rows[ROWS_MAX]; /* the first one of each name */
        size_t n;
} AttributeGroup;

typedef struct AttributeGroups {
        AttributeGroup *list; /* owned */
        size_t n_list;
} AttributeGroups;

/* Where states would still be more than this, attributes with different words are taken together, too. */
#define STATES_MAX 300

static void attribute_groups_done(AttributeGroups *g) {
        FOREACH_ARRAY(i, g->list, g->n_list)
                free(i->value);
        free(g->list);
}

/* What the attribute of ROW's name may be, as pattern; NULL when memory is out. */
static char *attribute_value(const Rows *rows, const XmlRow *row) {
        _cleanup_text_ Text t = {};
        Schema s = { .text = &t };
        bool several = count_named(rows, row) > 1;
        char *value;

        text_append(&t, several ? "<choice>" : "");
        for (size_t k = 0; k < rows->n; k++)
                if (is_same(rows->rows[k], row))
                        add_value(&s, rows->rows[k]);
        text_append(&t, several ? "</choice>" : "");
        return text_finish(&t, &value) < 0 ? NULL : value;
}

static bool is_mandatory(const XmlRow *row) {
        return row->flags & XML_MANDATORY && !row->applies;
}

static int group_attribute(AttributeGroups *g, const Rows *rows, const XmlRow *row) {
        char *value = attribute_value(rows, row);

        if (!value)
                return -ENOMEM;
        FOREACH_ARRAY(i, g->list, g->n_list)
                if (streq(i->value, value) && !is_mandatory(row) && !is_mandatory(i->rows[0])) {
                        free(value);
                        i->rows[i->n++] = row;
                        return 0;
                }
        if (!ARRAY_GROW(g->list, g->n_list)) {
                free(value);
                return -ENOMEM;
        }
        g->list[g->n_list++] = (AttributeGroup) { .value = value, .rows = { row }, .n = 1 };
        return 0;
}

static size_t count_states(const AttributeGroups *g) {
        size_t states = 1;

        FOREACH_ARRAY(i, g->list, g->n_list)
                if (!is_mandatory(i->rows[0]) && states < SIZE_MAX / (i->n + 1))
                        states *= i->n + 1;
        return states;
}

/* Takes all groups with words together. */
static int merge_words(AttributeGroups *g) {
        AttributeGroup *first = NULL;
        size_t kept = 0;

        for (size_t i = 0; i < g->n_list; i++) {
                AttributeGroup *group = g->list + i;
                bool words = startswith(group->value, "<choice>") && !is_mandatory(group->rows[0]);
                if (!words || !first) {
                        g->list[kept] = *group;
                        first = words ? g->list + kept : first;
                        kept++;
                        continue;
                }
                char *both = strf("<choice>%s%s</choice>", first->value, group->value);
                if (!both)
                        return -ENOMEM;
                free(first->value);
                free(group->value);
                group->value = NULL;
                first->value = both;
                for (size_t k = 0; k < group->n; k++)
                        first->rows[first->n++] = group->rows[k];
        }
        g->n_list = kept;
        return 0;
}

static void add_attribute_group(Schema *s, const Rows *rows, const AttributeGroup *g) {
        const XmlRow *row = g->rows[0];

        if (g->n == 1) {
                text_append(s->text, is_mandatory(row) ? "" : "<optional>");
                text_appendf(s->text, "<attribute name=\"%s\"%s>%s</attribute>", row->name, ignored_note(rows, row), g->value);
                text_append(s->text, is_mandatory(row) ? "\n" : "</optional>\n");
                return;
        }
        text_append(s->text, "<zeroOrMore><attribute><choice>");
        for (size_t i = 0; i < g->n; i++)
                text_appendf(s->text, "<name%s>%s</name>", ignored_note(rows, g->rows[i]), g->rows[i]->name);
        text_appendf(s->text, "</choice>%s</attribute></zeroOrMore>\n", g->value);
}

static void add_attributes(Schema *s, const Rows *rows) {
        _cleanup_(attribute_groups_done) AttributeGroups g = {};
        int r = 0;

        for (size_t i = 0; i < rows->n && r >= 0; i++)
                if (xml_row_is_attribute(rows->rows[i]) && !is_repeated(rows, i))
                        r = group_attribute(&g, rows, rows->rows[i]);
        if (r >= 0 && count_states(&g) > STATES_MAX)
                r = merge_words(&g);
        if (r < 0)
                s->text->failed = true;
        FOREACH_ARRAY(i, g.list, g.n_list)
                if (i->value)
                        add_attribute_group(s, rows, i);
}

/* --- elements --- */

static const char *find_definition(const Schema *s, const XmlTable *t) {
        FOREACH_ARRAY(e, s->elements, s->n)
                if (e->table == t)
                        return e->name;
        return NULL;
}

static bool is_taken(const Schema *s, const char *name) {
        FOREACH_ARRAY(e, s->elements, s->n)
                if (streq(e->name, name))
                        return true;
        return false;
}

/* Names a table: by its element, with that of the one around it when that is taken, and a number as well when
 * even that is. */
static const char *add_definition(Schema *s, const XmlTable *t, const char *element, const char *around) {
        const char *word;

        (void) xml_row_namespace(element, &word);
        char *name = strdup(word);

        for (unsigned i = 1; name && is_taken(s, name); i++) {
                free(name);
                name = i == 1 ? strf("%s-%s", around, word) : strf("%s-%s-%u", around, word, i);
        }
        if (!name || s->n >= ELEMENTS_MAX) {
                free(name);
                s->text->failed = true;
                return "";
        }
        s->elements[s->n++] = (Element) { t, name };
        return name;
}

static void add_size(Schema *s) {
        text_append(s->text, "<optional><attribute name=\"unit\"><text/></attribute></optional>");
        add_pattern(s, "[0-9]+");
}

/* What stands in the element of ROW; AROUND is the definition of the element around it. */
static void add_inside(Schema *s, const XmlRow *row, const char *around) {
        const char *definition;

        switch (row->kind) {
        case XML_KNOWN_CHILD:
                text_append(s->text, "<ref name=\"anything\"/>");
                return;
        case XML_CUSTOM:
                if (!row->table) {
                        text_append(s->text, "<ref name=\"anything\"/>");
                        return;
                }
                break;
        case XML_TEXT_CHILD:
                add_value(s, row);
                break;
        case XML_SIZE_CHILD:
                add_size(s);
                break;
        case XML_STATE_CHILD:
                text_append(s->text, "<optional><attribute name=\"state\"><choice><value>on</value><value>off</value>"
                                     "</choice></attribute></optional>");
                break;
        default:
                break;
        }
        if (!row->table) {
                if (row->kind == XML_FLAG_CHILD || row->kind == XML_STATE_CHILD)
                        text_append(s->text, "<empty/>");
                return;
        }
        definition = find_definition(s, row->table) ?: add_definition(s, row->table, row->name, around);
        if (row->flags & XML_OPEN)
                text_appendf(s->text, "<zeroOrMore><attribute><anyName/></attribute></zeroOrMore><interleave><ref name=\"%s\"/>"
                                      "<zeroOrMore><element><anyName><except><nsName ns=\"" XML_NAMESPACE_VMUNIT "\"/></except></anyName>"
                                      "<ref name=\"anything\"/></element></zeroOrMore><text/></interleave>", definition);
        else
                text_appendf(s->text, "<ref name=\"%s\"/>", definition);
}

static void add_element(Schema *s, const Rows *rows, const XmlRow *row, const char *around) {
        const char *name, *uri = xml_row_namespace(row->name, &name), *note = ignored_note(rows, row);

        if (uri)
                text_appendf(s->text, "<element name=\"%s\" ns=\"%s\"%s>", name, uri, note);
        else
                text_appendf(s->text, "<element name=\"%s\"%s>", name, note);
        add_inside(s, row, around);
        text_append(s->text, "</element>");
}

static void add_child(Schema *s, const Rows *rows, const XmlRow *row, const char *around) {
        bool list = false, mandatory = row->flags & XML_MANDATORY && !row->applies;
        bool several = count_named(rows, row) > 1;

        for (size_t k = 0; k < rows->n; k++)
                if (is_same(rows->rows[k], row))
                        list = list || rows->rows[k]->kind == XML_LIST || rows->rows[k]->kind == XML_KNOWN_CHILD ||
                               rows->rows[k]->flags & XML_REPEAT;
        const char *wrap = list ? (mandatory ? "oneOrMore" : "zeroOrMore") : mandatory ? "group" : "optional";
        text_appendf(s->text, "<%s>%s", wrap, several ? "<choice>" : "");
        for (size_t k = 0; k < rows->n; k++)
                if (is_same(rows->rows[k], row))
                        add_element(s, rows, rows->rows[k], around);
        text_appendf(s->text, "%s</%s>\n", several ? "</choice>" : "", wrap);
}

static void add_content(Schema *s, const XmlRow *row, bool alone) {
        if (!alone) {
                text_append(s->text, "<text/>\n"); /* RELAX NG has no data beside elements */
                return;
        }
        text_append(s->text, "<choice>");
        add_value(s, row);
        if (!(row->flags & XML_MANDATORY))
                text_append(s->text, "<empty/>");
        text_append(s->text, "</choice>\n");
}

static void add_table(Schema *s, const Element *e) {
        _cleanup_free_ char *name = strdup(e->name);
        Rows rows = {};
        size_t n_children = 0;
        const XmlRow *content = NULL;

        collect_rows(e->table, &rows);
        text_appendf(s->text, "<define name=\"%s\">\n", strempty(name));
        for (size_t i = 0; i < rows.n; i++) {
                if (rows.rows[i]->kind == XML_CONTENT)
                        content = rows.rows[i];
                else if (!xml_row_is_attribute(rows.rows[i]))
                        n_children++;
        }
        add_attributes(s, &rows);
        if (n_children > 0) {
                text_append(s->text, "<interleave>\n");
                for (size_t i = 0; i < rows.n; i++)
                        if (!xml_row_is_attribute(rows.rows[i]) && rows.rows[i]->kind != XML_CONTENT && !is_repeated(&rows, i))
                                add_child(s, &rows, rows.rows[i], strempty(name));
                if (content)
                        add_content(s, content, false);
                text_append(s->text, "</interleave>\n");
        } else if (content)
                add_content(s, content, true);
        else if (rows.n == 0)
                text_append(s->text, "<empty/>\n");
        text_append(s->text, "</define>\n");
}

/* --- the grammar --- */

static void schema_done(Schema *s) {
        FOREACH_ARRAY(e, s->elements, s->n)
                free(e->name);
}

/* Definitions are added while others are written, each once. */
static void write_definitions(Schema *s) {
        add_definition(s, &domain_xml, "domain", "");
        for (size_t i = 0; i < s->n; i++)
                add_table(s, &s->elements[i]);
}

void domain_schema(Text *t) {
        _cleanup_(schema_done) Schema s = { .text = t };

        text_append(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
                       "<!-- Made from the tables of src/domain-xml. -->\n"
                       "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\" ns=\"\"\n"
                       "         xmlns:vmunit=\"urn:vmunit:schema\"\n"
                       "         datatypeLibrary=\"http://www.w3.org/2001/XMLSchema-datatypes\">\n"
                       "<start><element name=\"domain\"><ref name=\"domain\"/></element></start>\n");
        write_definitions(&s);
        text_append(t, "<define name=\"anything\"><zeroOrMore><choice><text/>"
                       "<attribute><anyName/></attribute><element><anyName/><ref name=\"anything\"/></element>"
                       "</choice></zeroOrMore></define>\n</grammar>\n");
}

void domain_schema_parts(void (*function)(const char *element, const char *definition, void *userdata),
                         void *userdata) {
        _cleanup_text_ Text unused = {};
        _cleanup_(schema_done) Schema s = { .text = &unused };

        write_definitions(&s);
        function("domain", "domain", userdata);
        FOREACH_ARRAY(row, devices_xml.rows, devices_xml.n_rows) {
                const char *definition = row->kind == XML_LIST ? find_definition(&s, row->table) : NULL;
                if (definition)
                        function(row->name, definition, userdata);
        }
}

/* --- checking --- */

/* libxml2 says what is wrong in several steps: of the way that it went, of what could have stood there instead, and
 * of what is wrong. */
typedef struct Finding {
        const xmlNode *node; /* an element */
        char *text; /* owned */
        bool vague; /* another one may say it better */
} Finding;

typedef struct Findings {
        XmlReader *r;
        Finding *list; /* owned */
        size_t n_list;
} Findings;

static void findings_done(Findings *l) {
        FOREACH_ARRAY(f, l->list, l->n_list)
                free(f->text);
        free(l->list);
}

static bool is_vague(const char *text) {
        return (startswith(text, "Expecting an element") && endswith(text, "got nothing")) || endswith(text, "in interleave") ||
               endswith(text, "failed to validate content");
}

static void add_finding(void *userdata, xmlError *e) {
        Findings *l = userdata;
        const xmlNode *node = e->node;

        while (node && node->type != XML_ELEMENT_NODE)
                node = node->parent;
        if (!ARRAY_GROW(l->list, l->n_list)) {
                l->r->no_memory = true;
                return;
        }
        Finding *f = l->list + l->n_list++;
        *f = (Finding) { .node = node ?: xmlDocGetRootElement(l->r->doc), .text = strdup(strempty(e->message)) };
        if (!f->text) {
                l->r->no_memory = true;
                return;
        }
        for (size_t n = strlen(f->text); n > 0 && strchr(WHITESPACE, f->text[n - 1]); n--)
                f->text[n - 1] = 0;
        f->vague = is_vague(f->text);
}

/* Whether it has been told already, in the words of whoever read the definition: of the element, of one around it,
 * and for what is vague, of one in it. */
static bool is_told(const XmlReader *r, const Finding *f, size_t n) {
        for (const xmlNode *node = f->node; node && node->type == XML_ELEMENT_NODE; node = node->parent)
                if (xml_reader_is_wrong(r, node, n))
                        return true;
        return f->vague && xml_reader_is_wrong_within(r, f->node, n);
}

/* F: NULL where the validator says nothing. */
static void report(XmlReader *r, const Finding *f) {
        xml_reader_error(r, f ? xml_reader_loc(r, f->node) : (SrcLoc) { 1, 1 }, "schema: %s",
                         f ? f->text : "the definition does not follow it");
}

/* What is clear is reported, or one of what is not. Something must have been: the definition is wrong. */
static void report_findings(const Findings *l) {
        XmlReader *r = l->r;
        size_t n = r->diag ? r->diag->n_entries : 0;
        const Finding *best = NULL;
        bool any = r->diag && r->diag->n_errors > 0;

        FOREACH_ARRAY(f, l->list, l->n_list) {
                if (!f->text || !f->node || is_told(r, f, n))
                        continue;
                best = f; /* the last one is about the place where it came to a halt */
                if (!f->vague) {
                        report(r, f);
                        any = true;
                }
        }
        if (!any)
                report(r, best);
}

static int validate(XmlReader *r, const Text *schema) {
        xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewMemParserCtxt(schema->data, (int) schema->length);
        xmlRelaxNG *grammar = parser ? xmlRelaxNGParse(parser) : NULL;
        xmlRelaxNGValidCtxt *context = grammar ? xmlRelaxNGNewValidCtxt(grammar) : NULL;
        _cleanup_(findings_done) Findings found = { .r = r };
        int result = -ENOMEM; /* the grammar is ours, so what else */

        if (context) {
                xmlRelaxNGSetValidStructuredErrors(context, add_finding, &found);
                result = xmlRelaxNGValidateDoc(context, r->doc) == 0 ? 0 : -EINVAL;
                if (result < 0)
                        report_findings(&found);
                xmlRelaxNGFreeValidCtxt(context);
        }
        if (grammar)
                xmlRelaxNGFree(grammar);
        if (parser)
                xmlRelaxNGFreeParserCtxt(parser);
        return r->no_memory ? -ENOMEM : result;
}

int domain_check_schema(const char *text, size_t size, Diag *diag) {
        _cleanup_xml_reader_ XmlReader r = {};
        _cleanup_text_ Text schema = {};

        int k = xml_reader_load(&r, text, size);
        if (k < 0)
                return k;
        r.diag = diag;
        domain_schema(&schema);
        return schema.failed ? -ENOMEM : validate(&r, &schema);
}
