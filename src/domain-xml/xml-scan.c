/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <strings.h>

#include "domain-xml.h"
#include "string-util.h"
#include "text.h"
#include "xml-scan.h"

static bool is_space(char c) {
        return c && strchr(WHITESPACE, c);
}

static bool is_name_character(char c) {
        return c && !is_space(c) && !strchr("<>/=\"'&", c);
}

static bool at_string(const XmlScan *s, size_t at, const char *string) {
        size_t n = strlen(string);

        return s->size - at >= n && memcmp(s->text + at, string, n) == 0;
}

static size_t skip_space(const XmlScan *s, size_t at) {
        while (at < s->size && is_space(s->text[at]))
                at++;
        return at;
}

static size_t skip_name(const XmlScan *s, size_t at) {
        while (at < s->size && is_name_character(s->text[at]))
                at++;
        return at;
}

SrcLoc xml_scan_loc(const XmlScan *s, size_t offset) {
        SrcLoc loc = {1, 1};

        for (size_t i = 0; i < offset && i < s->size; i++)
                loc = s->text[i] == '\n' ? (SrcLoc) {loc.line + 1, 1} : (SrcLoc) {loc.line, loc.column + 1};
        return loc;
}

static int scan_error(const XmlScan *s, size_t at, Diag *diag, const char *what) {
        return diag_error(diag, xml_scan_loc(s, at), "XML: cannot find my way: %s", what);
}

bool xml_scan_is_named(const XmlScan *s, const XmlElement *e, const char *name) {
        return strlen(name) == e->name_size && memcmp(s->text + e->start + 1, name, e->name_size) == 0;
}

/* --- comments and the like --- */

static const struct {
        const char *start, *stop;
        XmlPieceKind kind;
} sections[] = {
        {"<!--", "-->", XML_PIECE_ASIDE},
        {"<?", "?>", XML_PIECE_ASIDE},
        {"<![CDATA[", "]]>", XML_PIECE_CDATA},
};

/* Behind the section that begins at AT; 0 if none does, s->size + 1 if it does not end. */
static size_t skip_section(const XmlScan *s, size_t at, XmlPieceKind *ret_kind) {
        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                if (!at_string(s, at, sections[i].start))
                        continue;
                *ret_kind = sections[i].kind;
                for (size_t p = at + strlen(sections[i].start); p < s->size; p++)
                        if (at_string(s, p, sections[i].stop))
                                return p + strlen(sections[i].stop);
                return s->size + 1;
        }
        return 0;
}

/* --- tags --- */

/* The attribute at AT; behind it, or 0. */
static size_t read_attribute(const XmlScan *s, size_t at, XmlScanAttribute *ret) {
        XmlScanAttribute a = {.start = at};

        at = skip_name(s, at);
        a.name_size = at - a.start;
        at = skip_space(s, at);
        if (a.name_size == 0 || at >= s->size || s->text[at] != '=')
                return 0;
        at = skip_space(s, at + 1);
        if (at >= s->size || (s->text[at] != '"' && s->text[at] != '\''))
                return 0;
        a.quote = s->text[at];
        a.value = ++at;
        while (at < s->size && s->text[at] != a.quote && s->text[at] != '<')
                at++;
        if (at >= s->size || s->text[at] != a.quote)
                return 0;
        a.value_size = at - a.value;
        *ret = a;
        return at + 1;
}

bool xml_scan_next_attribute(const XmlScan *s, const XmlElement *e, size_t *at, XmlScanAttribute *ret) {
        size_t p = *at ?: e->start + 1 + e->name_size;

        if (p >= e->attributes_end)
                return false;
        p = read_attribute(s, skip_space(s, p), ret);
        if (p == 0)
                return false;
        *at = p;
        return true;
}

bool xml_scan_find_attribute(const XmlScan *s, const XmlElement *e, const char *name, XmlScanAttribute *ret) {
        XmlScanAttribute a;

        for (size_t at = 0; xml_scan_next_attribute(s, e, &at, &a);)
                if (strlen(name) == a.name_size && memcmp(s->text + a.start, name, a.name_size) == 0) {
                        *ret = a;
                        return true;
                }
        return false;
}

/* Fills in what the start tag says. */
static int read_start_tag(const XmlScan *s, XmlElement *e, Diag *diag) {
        size_t at = skip_name(s, e->start + 1), next;
        XmlScanAttribute a;

        e->name_size = at - e->start - 1;
        if (e->name_size == 0)
                return scan_error(s, e->start, diag, "a tag without a name");
        e->foreign |= memchr(s->text + e->start + 1, ':', e->name_size) != NULL;
        for (;;) {
                e->attributes_end = at;
                next = skip_space(s, at);
                if (next < s->size && (s->text[next] == '>' || s->text[next] == '/'))
                        break;
                at = next > at ? read_attribute(s, next, &a) : 0;
                if (at == 0)
                        return scan_error(s, next, diag, "not an attribute");
        }
        e->empty_tag = s->text[next] == '/';
        next += e->empty_tag;
        if (next >= s->size || s->text[next] != '>')
                return scan_error(s, next, diag, "a tag that does not end");
        e->content = e->content_end = e->end = next + 1;
        e->foreign |= xml_scan_find_attribute(s, e, "xmlns", &a) && a.value_size > 0;
        return 0;
}

/* Behind the end tag at AT, which has to be E's; or 0. */
static size_t read_end_tag(const XmlScan *s, const XmlElement *e, size_t at) {
        if (s->size - at < 2 + e->name_size || memcmp(s->text + at + 2, s->text + e->start + 1, e->name_size) != 0)
                return 0;
        at = skip_space(s, at + 2 + e->name_size);
        return at < s->size && s->text[at] == '>' ? at + 1 : 0;
}

/* --- the whole --- */

static int check_encoding(const XmlScan *s, Diag *diag) {
        static const char *const known[] = {"utf-8", "utf8", "us-ascii", "ascii"};
        /* The declaration is written as a tag is, with the name "?xml". */
        XmlElement declaration = {.name_size = 4};
        XmlScanAttribute a;

        if (memchr(s->text, 0, s->size) || at_string(s, 0, "\xfe\xff") || at_string(s, 0, "\xff\xfe"))
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {1, 1},
                                       "XML: a definition in this encoding cannot be changed: write it in UTF-8");
        size_t start = at_string(s, 0, "\xef\xbb\xbf") ? 3 : 0;
        if (!at_string(s, start, "<?xml") || s->size - start < 6 || !is_space(s->text[start + 5]))
                return 0;
        const char *stop = memmem(s->text + start, s->size - start, "?>", 2);
        if (!stop)
                return scan_error(s, start, diag, "a declaration that does not end");
        declaration.start = start;
        declaration.attributes_end = (size_t) (stop - s->text);
        while (declaration.attributes_end > start + 5 && is_space(s->text[declaration.attributes_end - 1]))
                declaration.attributes_end--;
        if (!xml_scan_find_attribute(s, &declaration, "encoding", &a))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strlen(known[i]) == a.value_size &&
                    strncasecmp(known[i], s->text + a.value, a.value_size) == 0)
                        return 0;
        return diag_error_code(diag, -EOPNOTSUPP, xml_scan_loc(s, a.value),
                               "XML: a definition in encoding '%.*s' cannot be changed: write it in UTF-8",
                               (int) MIN(a.value_size, (size_t) 40), s->text + a.value);
}

static int add_element(XmlScan *s, size_t parent, size_t start, Diag *diag) {
        size_t i = s->n_elements;

        if (!ARRAY_GROW(s->elements, s->n_elements))
                return -ENOMEM;
        XmlElement *e = &s->elements[s->n_elements++];
        *e = (XmlElement) {
                .parent = parent, .start = start, .first_child = XML_NO_ELEMENT, .last_child = XML_NO_ELEMENT,
                .next = XML_NO_ELEMENT,
        };
        if (parent != XML_NO_ELEMENT) {
                XmlElement *p = &s->elements[parent];
                e->foreign = p->foreign;
                if (p->last_child == XML_NO_ELEMENT)
                        p->first_child = i;
                else
                        s->elements[p->last_child].next = i;
                p->last_child = i;
        }
        return read_start_tag(s, e, diag);
}

/* One tag at AT; *OPEN is the innermost element that is open. */
static int scan_tag(XmlScan *s, size_t *at, size_t *open, unsigned *depth, Diag *diag) {
        if (at_string(s, *at, "</")) {
                if (*open == XML_NO_ELEMENT)
                        return scan_error(s, *at, diag, "an end without a start");
                XmlElement *e = &s->elements[*open];
                e->content_end = *at;
                e->end = read_end_tag(s, e, *at);
                if (e->end == 0)
                        return scan_error(s, *at, diag, "the end of another element");
                *at = e->end;
                *open = e->parent;
                (*depth)--;
                return 0;
        }
        if (*open == XML_NO_ELEMENT && s->n_elements > 0)
                return scan_error(s, *at, diag, "something behind the end");
        int r = add_element(s, *open, *at, diag);
        if (r < 0)
                return r;
        *at = s->elements[s->n_elements - 1].content;
        if (!s->elements[s->n_elements - 1].empty_tag) {
                *open = s->n_elements - 1;
                if (++*depth > DOMAIN_XML_DEPTH_MAX)
                        return scan_error(s, *at, diag, "elements are nested too deeply");
        }
        return 0;
}

int xml_scan(const char *text, size_t size, Diag *diag, XmlScan *s) {
        size_t open = XML_NO_ELEMENT;
        unsigned depth = 0;

        *s = (XmlScan) {.text = text, .size = size};
        int r = check_encoding(s, diag);
        for (size_t at = 0; r >= 0 && at < size;) {
                const char *p = memchr(text + at, '<', size - at);
                XmlPieceKind kind;

                if (!p)
                        break;
                at = (size_t) (p - text);
                size_t behind = skip_section(s, at, &kind);
                if (behind > size || (behind > 0 && kind == XML_PIECE_CDATA && open == XML_NO_ELEMENT))
                        return scan_error(s, at, diag, "a section that does not end, or in the wrong place");
                if (behind == 0 && at_string(s, at, "<!"))
                        return scan_error(s, at, diag, "a declaration");
                if (behind > 0)
                        at = behind;
                else
                        r = scan_tag(s, &at, &open, &depth, diag);
        }
        if (r >= 0 && (open != XML_NO_ELEMENT || s->n_elements == 0))
                r = scan_error(s, size, diag, "it does not end");
        return r;
}

void xml_scan_done(XmlScan *s) {
        free(s->elements);
        *s = (XmlScan) {};
}

/* --- content --- */

bool xml_scan_next_piece(const XmlScan *s, const XmlElement *e, size_t *at, size_t *child, XmlPiece *ret) {
        XmlPiece p = {.start = *at};

        if (*at >= e->content_end)
                return false;
        if (*child != XML_NO_ELEMENT && s->elements[*child].start == *at) {
                p.kind = XML_PIECE_ELEMENT;
                p.end = s->elements[*child].end;
                *child = s->elements[*child].next;
        } else {
                p.end = s->text[*at] == '<' ? skip_section(s, *at, &p.kind) : 0;
                if (p.end == 0) {
                        const char *stop = memchr(s->text + *at, '<', e->content_end - *at);
                        p.kind = XML_PIECE_TEXT;
                        p.end = stop ? (size_t) (stop - s->text) : e->content_end;
                }
        }
        *ret = p;
        *at = p.end;
        return true;
}

/* Appends the character with the number N; false if there is none. */
static bool append_character(Text *t, unsigned long n) {
        if (n == 0 || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
                return false;
        if (n < 0x80)
                text_append_char(t, (char) n);
        else if (n < 0x800)
                text_appendf(t, "%c%c", (char) (0xc0 | n >> 6), (char) (0x80 | (n & 0x3f)));
        else if (n < 0x10000)
                text_appendf(t, "%c%c%c", (char) (0xe0 | n >> 12), (char) (0x80 | (n >> 6 & 0x3f)),
                             (char) (0x80 | (n & 0x3f)));
        else
                text_appendf(t, "%c%c%c%c", (char) (0xf0 | n >> 18), (char) (0x80 | (n >> 12 & 0x3f)),
                             (char) (0x80 | (n >> 6 & 0x3f)), (char) (0x80 | (n & 0x3f)));
        return true;
}

/* The reference between "&" and ";". */
static bool append_reference(Text *t, const char *name, size_t size) {
        static const struct {
                const char *name;
                char character;
        } entities[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
        char word[12] = {}, *end;

        if (size == 0 || size >= sizeof(word))
                return false;
        memcpy(word, name, size);
        for (size_t i = 0; i < ELEMENTSOF(entities); i++)
                if (streq(entities[i].name, word)) {
                        text_append_char(t, entities[i].character);
                        return true;
                }
        bool hex = word[0] == '#' && word[1] == 'x';
        const char *digits = word + 1 + hex;
        if (word[0] != '#' || !*digits || !in_charset(digits, hex ? DIGITS "abcdefABCDEF" : DIGITS))
                return false;
        unsigned long n = strtoul(digits, &end, hex ? 16 : 10);
        return append_character(t, n);
}

static bool append_decoded(Text *t, const char *p, size_t size) {
        const char *end = p + size;

        while (p < end) {
                const char *semicolon = *p == '&' ? memchr(p, ';', (size_t) (end - p)) : NULL;
                if (*p != '&') {
                        text_append_char(t, *p++);
                        continue;
                }
                if (!semicolon || !append_reference(t, p + 1, (size_t) (semicolon - p - 1)))
                        return false;
                p = semicolon + 1;
        }
        return true;
}

static char *trimmed(Text *t) {
        char *all;

        if (text_finish(t, &all) < 0)
                return NULL;
        size_t start = strspn(all, WHITESPACE), n = strlen(all + start);
        while (n > 0 && is_space(all[start + n - 1]))
                n--;
        memmove(all, all + start, n);
        all[n] = 0;
        return all;
}

char *xml_scan_decode(const XmlScan *s, size_t start, size_t size) {
        _cleanup_text_ Text t = {};

        return append_decoded(&t, s->text + start, size) ? trimmed(&t) : NULL;
}

char *xml_scan_element_text(const XmlScan *s, const XmlElement *e) {
        _cleanup_text_ Text t = {};
        size_t at = e->content, child = e->first_child;
        XmlPiece p;

        while (xml_scan_next_piece(s, e, &at, &child, &p))
                if (p.kind == XML_PIECE_CDATA)
                        text_append_n(&t, s->text + p.start + 9, p.end - p.start - 12);
                else if (p.kind == XML_PIECE_TEXT && !append_decoded(&t, s->text + p.start, p.end - p.start))
                        return NULL;
        return trimmed(&t);
}
