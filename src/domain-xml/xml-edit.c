/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "domain-xml-tables.h"
#include "string-util.h"
#include "xml-edit.h"
#include "xml-path.h"

/* An edit finds its place in the text as it is now, replaces one stretch of it, and the next edit begins anew. */

typedef struct Work {
        XmlScan scan;
        Diag *diag;
        const XmlEdit *edit;
        XmlPath path;
        Text out; /* the new text */
} Work;

static void work_done(Work *w) {
        xml_scan_done(&w->scan);
        xml_path_done(&w->path);
        text_done(&w->out);
}

static int not_there(Work *w) {
        return diag_error_code(w->diag, -ENOENT, (SrcLoc) {}, "XML: there is no element '%s' to change",
                               w->edit->path);
}

/* --- the lay-out around a place --- */

/* What ends the lines; "" when everything is on one. */
static const char *line_end(const XmlScan *s) {
        const char *p = memchr(s->text, '\n', s->size);

        return !p ? "" : p > s->text && p[-1] == '\r' ? "\r\n" : "\n";
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static size_t line_start(const XmlScan *s, size_t at) {
        while (at > 0 && s->text[at - 1] != '\n')
                at--;
        return at;
}

/* Whether an element is the first thing on its line; then its indentation is *ret_start up to its start. */
static bool begins_line(const XmlScan *s, const XmlElement *e, size_t *ret_start) {
        size_t start = line_start(s, e->start);

        for (size_t i = start; i < e->start; i++)
                if (!is_blank(s->text[i]))
                        return false;
        *ret_start = start;
        return start > 0 || e == s->elements;
}

static char *indentation(const XmlScan *s, const XmlElement *e) {
        size_t start;

        return begins_line(s, e, &start) ? strndup(s->text + start, e->start - start) : strdup("");
}

/* By how much a level is indented: the domain's first child shows it. */
static char *indentation_step(const XmlScan *s) {
        const XmlElement *root = s->elements;
        size_t start;

        for (size_t i = root->first_child; i != XML_NO_ELEMENT; i = s->elements[i].next)
                if (begins_line(s, &s->elements[i], &start) && s->elements[i].start > start)
                        return strndup(s->text + start, s->elements[i].start - start);
        return strdup("  ");
}

/* Comments that follow on the same line belong to what stands before them. */
static size_t behind_comments(const XmlScan *s, size_t at, size_t limit) {
        size_t result = at;

        for (;;) {
                while (at < limit && is_blank(s->text[at]))
                        at++;
                if (limit - at < 4 || memcmp(s->text + at, "<!--", 4) != 0)
                        break;
                const char *stop = memmem(s->text + at, limit - at, "-->", 3);
                size_t behind = stop ? (size_t) (stop - s->text) + 3 : limit;
                if (!stop || memchr(s->text + at, '\n', behind - at))
                        return result;
                at = result = behind;
        }
        /* With something else behind it on the line, it is not clear whose it is. */
        return at >= limit || strchr("\r\n", s->text[at]) ? result : SIZE_MAX;
}

static size_t behind_line(const XmlScan *s, size_t at, size_t limit) {
        size_t behind = behind_comments(s, at, limit);

        return behind == SIZE_MAX ? at : behind;
}

/* --- libvirt's order --- */

/* The number of NAME's row in T, or SIZE_MAX; *n counts the rows. */
static size_t row_number(const XmlTable *t, const char *name, size_t size, size_t *n) {
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE) {
                        size_t found = row_number(row->table, name, size, n);
                        if (found != SIZE_MAX)
                                return found;
                        continue;
                }
                (*n)++;
                if (row->name && !xml_row_is_attribute(row) && strlen(row->name) == size &&
                    memcmp(row->name, name, size) == 0)
                        return *n;
        }
        return SIZE_MAX;
}

/* The table of the element that the DEPTH names lead to and that has a row for CHILD; NULL if none is known. */
static const XmlTable *find_table(const XmlTable *t, char *const *names, size_t depth, const char *child) {
        size_t n = 0;

        if (depth == 0)
                return row_number(t, child, strlen(child), &n) == SIZE_MAX ? NULL : t;
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                const XmlTable *found = NULL;
                if (row->kind == XML_INCLUDE)
                        found = find_table(row->table, names, depth, child);
                else if (row->name && row->table && !xml_row_is_attribute(row) && streq(row->name, names[0]))
                        found = find_table(row->table, names + 1, depth - 1, child);
                if (found)
                        return found;
        }
        return NULL;
}

/* The child behind which libvirt would write a new child NAME; XML_NO_ELEMENT: it would be the first. */
static size_t find_predecessor(const Work *w, const XmlElement *parent, size_t depth, const char *name) {
        const XmlScan *s = &w->scan;
        char *names[XML_PATH_STEPS_MAX];
        size_t n = 0, best = 0, result = XML_NO_ELEMENT;

        for (size_t i = 0; i < depth; i++)
                names[i] = w->path.steps[i].name;
        const XmlTable *t = find_table(&domain_xml, names, depth, name);
        if (!t)
                return parent->last_child;
        size_t wanted = row_number(t, name, strlen(name), &n);
        for (size_t i = parent->first_child; i != XML_NO_ELEMENT; i = s->elements[i].next) {
                const XmlElement *e = &s->elements[i];
                n = 0;
                size_t number = row_number(t, s->text + e->start + 1, e->name_size, &n);
                if (number != SIZE_MAX && number <= wanted && number >= best) {
                        best = number;
                        result = i;
                }
        }
        return result;
}

/* --- writing --- */

static bool is_writable(const char *value) {
        for (; *value; value++)
                if ((unsigned char) *value < 0x20 && !strchr(WHITESPACE, *value))
                        return false;
        return true;
}

/* QUOTE 0: as text. */
static void append_escaped(Text *t, const char *value, char quote) {
        for (; *value; value++)
                if (*value == '&')
                        text_append(t, "&amp;");
                else if (*value == '<')
                        text_append(t, "&lt;");
                else if (*value == '>')
                        text_append(t, "&gt;");
                else if (*value == '\r' || (quote && strchr("\n\t", *value)))
                        text_appendf(t, "&#%d;", *value);
                else if (*value == quote)
                        text_append(t, quote == '"' ? "&quot;" : "&apos;");
                else
                        text_append_char(t, *value);
}

static void append_attribute(Text *t, const char *name, const char *value, char quote) {
        text_appendf(t, " %s=%c", name, quote);
        append_escaped(t, value, quote);
        text_append_char(t, quote);
}

/* The quotes of the attribute before, or else of the domain's first one. */
static char usual_quote(const XmlScan *s, const XmlElement *e) {
        XmlScanAttribute a = {};

        for (size_t at = 0; xml_scan_next_attribute(s, e, &at, &a);)
                ;
        if (!a.quote && e != s->elements)
                return usual_quote(s, s->elements);
        return a.quote ?: '\'';
}

/* How new lines begin: LINE_END + BASE + some STEPs. All empty: everything on one line. */
typedef struct Layout {
        const char *line_end;
        char *base, *step; /* owned */
        char quote;
} Layout;

static void layout_done(Layout *l) {
        free(l->base);
        free(l->step);
}

static void append_line(Text *t, const Layout *l, size_t level) {
        if (!*l->line_end)
                return;
        text_append(t, l->line_end);
        text_append(t, l->base);
        while (level-- > 0)
                text_append(t, l->step);
}

/* An element of the caller's, whose lines are indented anew where a line ends between tags. */
static void append_element(Text *t, const Layout *l, size_t level, const XmlEdit *edit) {
        const char *element = edit->element, *p = element + strspn(element, WHITESPACE), *end = element + strlen(element);
        bool behind_tag = false;

        while (end > p && strchr(WHITESPACE, end[-1]))
                end--;
        while (p < end) {
                size_t space = strspn(p, WHITESPACE);
                if (space > 0 && behind_tag && !edit->verbatim && p[space] == '<' && memchr(p, '\n', space)) {
                        const char *line = (const char *) memrchr(p, '\n', space) + 1;
                        append_line(t, l, level);
                        /* The caller's own indentation, in steps of two blanks. */
                        for (size_t n = (size_t) (p + space - line) / 2; *l->line_end && n > 0; n--)
                                text_append(t, l->step);
                        p += space;
                }
                behind_tag = *p == '>' || (behind_tag && strchr(WHITESPACE, *p));
                text_append_char(t, *p++);
        }
}

/* A condition with elements in between, or a position, can only be met, not made. */
static bool can_be_made(const XmlStep *step) {
        FOREACH_ARRAY(c, step->conditions, step->n_conditions)
                if (!c->value || (c->names && c->names[0] && (c->attribute || c->names[1])))
                        return false;
        return true;
}

static bool has_made_children(const XmlStep *step) {
        FOREACH_ARRAY(c, step->conditions, step->n_conditions)
                if (c->names)
                        return true;
        return false;
}

/* The elements of the path from step I on, which are not there yet. */
static int append_steps(Text *t, const Work *w, const Layout *l, size_t i, size_t level) {
        const XmlStep *step = &w->path.steps[i];
        const XmlEdit *edit = w->edit;
        bool last = i + 1 == w->path.n_steps;
        bool lines = (last && edit->element) || !last || has_made_children(step);

        text_appendf(t, "<%s", step->name);
        FOREACH_ARRAY(c, step->conditions, step->n_conditions)
                if (c->attribute && !(last && edit->attribute && streq(c->attribute, edit->attribute)))
                        append_attribute(t, c->attribute, c->value, l->quote);
        if (last && edit->attribute)
                append_attribute(t, edit->attribute, edit->value, l->quote);
        bool text = last && !edit->attribute && edit->value && *edit->value;
        if (!lines && !text) {
                text_append(t, "/>");
                return 0;
        }
        if (lines && text)
                return -EINVAL; /* elements and text in one */
        text_append_char(t, '>');
        if (text)
                append_escaped(t, edit->value, 0);
        FOREACH_ARRAY(c, step->conditions, step->n_conditions)
                if (c->names) {
                        append_line(t, l, level + 1);
                        text_appendf(t, "<%s>", c->names[0]);
                        append_escaped(t, c->value, 0);
                        text_appendf(t, "</%s>", c->names[0]);
                }
        if (last && edit->element) {
                append_line(t, l, level + 1);
                append_element(t, l, level + 1, edit);
        } else if (!last) {
                append_line(t, l, level + 1);
                int r = append_steps(t, w, l, i + 1, level + 1);
                if (r < 0)
                        return r;
        }
        if (lines)
                append_line(t, l, level);
        text_appendf(t, "</%s>", step->name);
        return 0;
}

/* The new text up to START; what follows is the caller's, and then finish_from(). */
static void keep_until(Work *w, size_t start) {
        text_append_n(&w->out, w->scan.text, start);
}

static void keep_from(Work *w, size_t end) {
        text_append_n(&w->out, w->scan.text + end, w->scan.size - end);
}

/* --- new elements --- */

/* What is new below PARENT: the steps from DEPTH on, or the element of the edit. */
static int append_new(Work *w, const Layout *l, size_t depth, size_t level) {
        if (depth < w->path.n_steps)
                return append_steps(&w->out, w, l, depth, level);
        append_element(&w->out, l, level, w->edit);
        return 0;
}

static int layout_of(const XmlScan *s, const XmlElement *sibling, Layout *l) {
        size_t start;

        l->line_end = begins_line(s, sibling, &start) ? line_end(s) : "";
        l->quote = usual_quote(s, s->elements);
        l->base = indentation(s, sibling);
        l->step = indentation_step(s);
        return l->base && l->step ? 0 : -ENOMEM;
}

/* Beside elements that are there. PREDECESSOR may be XML_NO_ELEMENT. */
static int insert_beside(Work *w, const XmlElement *parent, size_t predecessor, size_t depth) {
        _cleanup_(layout_done) Layout l = {};
        const XmlScan *s = &w->scan;
        const XmlElement *sibling =
                &s->elements[predecessor == XML_NO_ELEMENT ? parent->first_child : predecessor];

        int r = layout_of(s, sibling, &l);
        if (r < 0)
                return r;
        size_t at = predecessor == XML_NO_ELEMENT ? parent->content : sibling->end;
        if (*l.line_end)
                at = behind_line(s, at, parent->content_end);
        keep_until(w, at);
        append_line(&w->out, &l, 0);
        r = append_new(w, &l, depth, 0);
        keep_from(w, at);
        return r;
}

/* Where the content ends but for white space; -EINVAL if there is text in it. */
static int find_content_end(const XmlScan *s, const XmlElement *e, size_t *ret) {
        size_t at = e->content, child = e->first_child;
        XmlPiece p;

        *ret = e->content;
        while (xml_scan_next_piece(s, e, &at, &child, &p)) {
                if (p.kind == XML_PIECE_TEXT) {
                        for (size_t i = p.start; i < p.end; i++)
                                if (!strchr(WHITESPACE, s->text[i]))
                                        return -EINVAL;
                } else if (p.kind == XML_PIECE_CDATA)
                        return -EINVAL;
                else
                        *ret = p.end;
        }
        return 0;
}

/* Into an element without any. */
static int insert_into_empty(Work *w, const XmlElement *parent, size_t depth) {
        _cleanup_(layout_done) Layout l = {};
        const XmlScan *s = &w->scan;
        size_t at;

        int r = find_content_end(s, parent, &at);
        if (r < 0)
                return diag_error_code(w->diag, r, xml_scan_loc(s, parent->start),
                                       "XML: <%.*s> holds a text: no element can be put into it",
                                       (int) parent->name_size, s->text + parent->start + 1);
        r = layout_of(s, parent, &l);
        if (r < 0)
                return r;
        if (parent->empty_tag) {
                keep_until(w, parent->attributes_end);
                text_append_char(&w->out, '>');
        } else
                keep_until(w, at);
        append_line(&w->out, &l, 1);
        r = append_new(w, &l, depth, 1);
        append_line(&w->out, &l, 0);
        if (parent->empty_tag) {
                text_appendf(&w->out, "</%.*s>", (int) parent->name_size, s->text + parent->start + 1);
                keep_from(w, parent->end);
        } else
                keep_from(w, parent->content_end);
        return r;
}

/* The steps from DEPTH on are not there, or the element of the edit is to come below PARENT. */
static int insert_below(Work *w, size_t parent, size_t depth) {
        const XmlElement *e = &w->scan.elements[parent];
        _cleanup_free_ char *name = NULL;

        for (size_t i = depth; i < w->path.n_steps; i++)
                if (!can_be_made(&w->path.steps[i]))
                        return not_there(w);
        if (depth < w->path.n_steps)
                name = strdup(w->path.steps[depth].name);
        else {
                const char *p = w->edit->element + strspn(w->edit->element, WHITESPACE "<");
                name = strndup(p, strcspn(p, WHITESPACE "/>"));
        }
        if (!name)
                return -ENOMEM;
        if (e->first_child == XML_NO_ELEMENT)
                return insert_into_empty(w, e, depth);
        return insert_beside(w, e, find_predecessor(w, e, depth, name), depth);
}

/* --- values --- */

static int set_attribute(Work *w, const XmlElement *e) {
        const XmlScan *s = &w->scan;
        XmlScanAttribute a;

        if (!xml_scan_find_attribute(s, e, w->edit->attribute, &a)) {
                keep_until(w, e->attributes_end);
                append_attribute(&w->out, w->edit->attribute, w->edit->value, usual_quote(s, e));
                keep_from(w, e->attributes_end);
                return 0;
        }
        _cleanup_free_ char *old = xml_scan_decode(s, a.value, a.value_size);
        if (old && streq(old, w->edit->value)) {
                keep_from(w, 0);
                return 0;
        }
        keep_until(w, a.value);
        append_escaped(&w->out, w->edit->value, a.quote);
        keep_from(w, a.value + a.value_size);
        return 0;
}

/* The text takes the place of the first text there is; others go, comments stay. */
static void append_content(Work *w, const XmlElement *e) {
        const XmlScan *s = &w->scan;
        size_t at = e->content, child = e->first_child;
        bool placed = false;
        Text t = {};
        XmlPiece p;

        while (xml_scan_next_piece(s, e, &at, &child, &p)) {
                size_t start = p.start, end = p.end;

                if (p.kind == XML_PIECE_ASIDE) {
                        text_append_n(&t, s->text + start, end - start);
                        continue;
                }
                while (p.kind == XML_PIECE_TEXT && start < end && strchr(WHITESPACE, s->text[start]))
                        start++;
                while (p.kind == XML_PIECE_TEXT && end > start && strchr(WHITESPACE, s->text[end - 1]))
                        end--;
                text_append_n(&t, s->text + p.start, start - p.start);
                if (start < end && !placed) {
                        append_escaped(&t, w->edit->value, 0);
                        placed = true;
                }
                text_append_n(&t, s->text + end, p.end - end);
        }
        if (!placed)
                append_escaped(&w->out, w->edit->value, 0);
        text_append_n(&w->out, strempty(t.data), t.length);
        w->out.failed |= t.failed;
        text_done(&t);
}

static int set_text(Work *w, const XmlElement *e) {
        const XmlScan *s = &w->scan;

        if (e->first_child != XML_NO_ELEMENT)
                return diag_error(w->diag, xml_scan_loc(s, e->start), "XML: <%.*s> holds elements, not a text",
                                  (int) e->name_size, s->text + e->start + 1);
        _cleanup_free_ char *old = xml_scan_element_text(s, e);
        if (old && streq(old, w->edit->value))
                keep_from(w, 0);
        else if (e->empty_tag) {
                keep_until(w, e->attributes_end);
                text_append_char(&w->out, '>');
                append_escaped(&w->out, w->edit->value, 0);
                text_appendf(&w->out, "</%.*s>", (int) e->name_size, s->text + e->start + 1);
                keep_from(w, e->end);
        } else {
                keep_until(w, e->content);
                if (memchr(s->text + e->content, '<', e->content_end - e->content))
                        append_content(w, e);
                else
                        append_escaped(&w->out, w->edit->value, 0);
                keep_from(w, e->content_end);
        }
        return 0;
}

static int replace_element(Work *w, const XmlElement *e) {
        _cleanup_(layout_done) Layout l = {};

        int r = layout_of(&w->scan, e, &l);
        if (r < 0)
                return r;
        keep_until(w, e->start);
        append_element(&w->out, &l, 0, w->edit);
        keep_from(w, e->end);
        return 0;
}

/* --- removal --- */

/* Marks what is named by the steps from I on below element PARENT. */
static int mark_matches(Work *w, size_t parent, size_t i, bool *gone, bool *ret_any) {
        size_t child = XML_NO_ELEMENT;

        for (;;) {
                int r = xml_path_next(&w->scan, parent, &w->path.steps[i], &child);
                if (r < 0 || child == XML_NO_ELEMENT)
                        return r;
                if (i + 1 == w->path.n_steps)
                        gone[child] = *ret_any = true;
                else
                        r = mark_matches(w, child, i + 1, gone, ret_any);
                if (r < 0)
                        return r;
        }
}

/* An element that would be left without attributes and content but white space. GONE is about its children. */
static bool would_be_empty(const XmlScan *s, size_t i, const bool *gone) {
        const XmlElement *e = &s->elements[i];
        size_t at = e->content, child = e->first_child, this_child = child;
        XmlPiece p;

        if (i == 0 || e->attributes_end > e->start + 1 + e->name_size ||
            (e->parent == 0 && xml_scan_is_named(s, e, "devices")))
                return false;
        while (xml_scan_next_piece(s, e, &at, &child, &p)) {
                if (p.kind == XML_PIECE_ELEMENT && gone[this_child]) {
                        this_child = child;
                        continue;
                }
                if (p.kind != XML_PIECE_TEXT)
                        return false;
                for (size_t k = p.start; k < p.end; k++)
                        if (!strchr(WHITESPACE, s->text[k]))
                                return false;
        }
        return true;
}

/* The stretch of text that goes with an element: its line, if it has one for itself. */
static void find_stretch(const XmlScan *s, const XmlElement *e, size_t *ret_start, size_t *ret_end) {
        size_t start, end = e->end;

        *ret_start = e->start;
        *ret_end = e->end;
        while (end < s->size && is_blank(s->text[end]))
                end++;
        if (!begins_line(s, e, &start) || (end < s->size && !strchr("\r\n", s->text[end])))
                return;
        start--; /* the line feed */
        if (start > 0 && s->text[start - 1] == '\r')
                start--;
        *ret_start = start;
        *ret_end = end;
}

static void drop_marked(Work *w, const bool *gone) {
        const XmlScan *s = &w->scan;
        size_t kept = 0;

        for (size_t i = 0; i < s->n_elements; i++) {
                size_t start, end;

                if (!gone[i] || s->elements[i].start < kept)
                        continue; /* goes with one around it */
                find_stretch(s, &s->elements[i], &start, &end);
                if (start > kept)
                        text_append_n(&w->out, s->text + kept, start - kept);
                kept = end;
        }
        keep_from(w, kept);
}

/* Parents have smaller numbers than their children, so going back marks them in the right order. */
static int drop_with_parents(Work *w, bool *gone) {
        const XmlScan *s = &w->scan;

        for (size_t i = s->n_elements; i-- > 1;) {
                size_t parent = s->elements[i].parent;
                if (gone[i] && !gone[parent] && s->elements[parent].first_child == i &&
                    would_be_empty(s, parent, gone))
                        gone[parent] = true;
        }
        drop_marked(w, gone);
        return 0;
}

static int remove_elements(Work *w) {
        _cleanup_free_ bool *gone = calloc(w->scan.n_elements, sizeof(bool));
        bool any = false;

        if (!gone)
                return -ENOMEM;
        if (w->path.n_steps == 0)
                return diag_error(w->diag, (SrcLoc) {}, "XML: <domain> cannot be removed");
        int r = mark_matches(w, 0, 0, gone, &any);
        return r < 0 ? r : drop_with_parents(w, gone);
}

static int remove_attribute(Work *w, size_t i) {
        const XmlScan *s = &w->scan;
        const XmlElement *e = &s->elements[i];
        XmlScanAttribute a;

        if (!xml_scan_find_attribute(s, e, w->edit->attribute, &a)) {
                keep_from(w, 0);
                return 0;
        }
        size_t start = a.start, end = a.value + a.value_size + 1, content;
        while (strchr(WHITESPACE, s->text[start - 1]))
                start--;
        bool only = start == e->start + 1 + e->name_size && end == e->attributes_end;
        if (only && i > 0 && e->first_child == XML_NO_ELEMENT && find_content_end(s, e, &content) >= 0 &&
            content == e->content) {
                _cleanup_free_ bool *gone = calloc(s->n_elements, sizeof(bool));
                if (!gone)
                        return -ENOMEM;
                gone[i] = true;
                return drop_with_parents(w, gone);
        }
        keep_until(w, start);
        keep_from(w, end);
        return 0;
}

/* --- one edit, all edits --- */

/* An element of the caller's has to be one, and nothing else. */
static int check_element(const char *element, Diag *diag) {
        _cleanup_xml_scan_ XmlScan s = {};
        size_t n = strlen(element), start = strspn(element, WHITESPACE);

        int r = xml_scan(element, n, diag, &s);
        if (r < 0)
                return r;
        n = s.elements[0].end;
        return s.elements[0].start == start && n + strspn(element + n, WHITESPACE) == strlen(element) ? 0 : -EINVAL;
}

static int check_edit(Work *w) {
        const XmlEdit *e = w->edit;

        int r = xml_path_parse(e->path, &w->path);
        if (r == -EINVAL || (e->value && !is_writable(e->value)) ||
            (e->element && (e->attribute || e->value)) || ((e->replace || e->verbatim) && !e->element))
                return diag_error(w->diag, (SrcLoc) {}, "XML: '%s' cannot be changed in this way", e->path);
        FOREACH_ARRAY(step, w->path.steps, w->path.n_steps)
                FOREACH_ARRAY(c, step->conditions, step->n_conditions)
                        if (c->value && !is_writable(c->value))
                                return -EINVAL;
        return r >= 0 && e->element ? check_element(e->element, w->diag) : r;
}

static int apply_at(Work *w, size_t i) {
        const XmlElement *e = &w->scan.elements[i];

        if (w->edit->element)
                return w->edit->replace ? replace_element(w, e) : insert_below(w, i, w->path.n_steps);
        if (w->edit->attribute)
                return w->edit->value ? set_attribute(w, e) : remove_attribute(w, i);
        return set_text(w, e);
}

static int apply_edit(Work *w) {
        bool removes = !w->edit->value && !w->edit->element;
        size_t at = 0;

        if (removes && !w->edit->attribute)
                return remove_elements(w);
        for (size_t i = 0; i < w->path.n_steps; i++) {
                size_t child = XML_NO_ELEMENT;
                int r = xml_path_next(&w->scan, at, &w->path.steps[i], &child);
                if (r < 0)
                        return r;
                if (child == XML_NO_ELEMENT && removes) {
                        keep_from(w, 0);
                        return 0;
                }
                if (child == XML_NO_ELEMENT)
                        return w->edit->replace ? not_there(w) : insert_below(w, at, i);
                at = child;
        }
        return apply_at(w, at);
}

static int apply_one(const char *text, size_t size, const XmlEdit *edit, Diag *diag, char **ret,
                     size_t *ret_size) {
        _cleanup_(work_done) Work w = {.diag = diag, .edit = edit};

        int r = check_edit(&w);
        if (r >= 0)
                r = xml_scan(text, size, diag, &w.scan);
        if (r >= 0 && (!xml_scan_is_named(&w.scan, w.scan.elements, "domain") || w.scan.elements[0].foreign))
                r = diag_error(diag, xml_scan_loc(&w.scan, w.scan.elements[0].start), "XML: this is no <domain>");
        if (r >= 0)
                r = apply_edit(&w);
        if (r < 0)
                return r;
        if (w.out.length > DOMAIN_XML_MAX)
                return diag_error_code(diag, -EFBIG, (SrcLoc) {}, "XML: the definition would become too large");
        size_t n = w.out.length;
        r = text_finish(&w.out, ret);
        if (r >= 0)
                *ret_size = n;
        return r;
}

int xml_edit_apply(const char *text, size_t size, const XmlEdit *edits, size_t n_edits, Diag *diag, char **ret,
                   size_t *ret_size) {
        _cleanup_free_ char *now = malloc(size + 1);

        if (!now)
                return -ENOMEM;
        memcpy(now, text, size);
        now[size] = 0;
        FOREACH_ARRAY(e, edits, n_edits) {
                char *next = NULL;
                int r = apply_one(now, size, e, diag, &next, &size);
                if (r == -EINVAL && diag && diag->n_errors == 0)
                        return diag_error(diag, (SrcLoc) {}, "XML: '%s' cannot be changed in this way", e->path);
                if (r < 0)
                        return r;
                free(now);
                now = next;
        }
        *ret = TAKE_PTR(now);
        if (ret_size)
                *ret_size = size;
        return 0;
}
