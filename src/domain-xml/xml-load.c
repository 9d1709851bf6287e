/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "string-util.h"
#include "xml-table.h"

/* What the callbacks of libxml2 need besides the parser's context. */
typedef struct Load {
        XmlReader *reader;
        const char *text;
        size_t size;
        size_t at;   /* up to here … */
        SrcLoc here; /* … lines have been counted */
        startElementNsSAX2Func start_element;
        bool stopped; /* the first error is enough: what libxml2 says behind it follows from it */
} Load;

static Load *load_of(void *context) {
        return ((xmlParserCtxt *) context)->_private;
}

static void load_stop(xmlParserCtxt *c) {
        load_of(c)->stopped = true;
        xmlStopParser(c);
}

/* Turns an offset into a place. Offsets only grow, so all of them together cost one pass. */
static SrcLoc load_advance(Load *l, size_t offset) {
        for (; l->at < offset; l->at++)
                if (l->text[l->at] == '\n')
                        l->here = (SrcLoc){l->here.line + 1, 1};
                else
                        l->here.column++;
        return l->here;
}

/* The parser stands behind the attributes of the tag. As no attribute can hold a "<", the tag begins at the
 * next one to the left. Where the input was converted from another encoding the offset means nothing: then
 * the line has to do. */
static SrcLoc load_tag_loc(Load *l, xmlParserCtxt *c) {
        const xmlParserInput *in = c->input;
        const xmlChar *p = in->cur;

        while (p > in->base && *p != '<')
                p--;
        size_t offset = in->consumed + (size_t) (p - in->base);
        bool converted = in->buf && in->buf->encoder;
        if (!converted && offset >= l->at && offset < l->size && l->text[offset] == '<')
                return load_advance(l, offset);
        return (SrcLoc){in->line > 0 ? (unsigned) in->line : 1, 1};
}

static void load_start_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                               int n_namespaces, const xmlChar **namespaces, int n_attributes,
                               int n_defaulted, const xmlChar **attributes) {
        xmlParserCtxt *c = context;
        Load *l = load_of(context);
        XmlReader *r = l->reader;

        SrcLoc loc = load_tag_loc(l, c);
        if (c->nodeNr >= (int) DOMAIN_XML_DEPTH_MAX) {
                xml_reader_error(r, loc, "elements are nested deeper than %u levels", DOMAIN_XML_DEPTH_MAX);
                load_stop(c);
                return;
        }
        l->start_element(context, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_defaulted,
                         attributes);
        if (!c->node || !ARRAY_GROW(r->locs, r->n_locs)) {
                r->no_memory = true;
                load_stop(c);
                return;
        }
        r->locs[r->n_locs++] = loc;
        c->node->_private = (void *) (uintptr_t) r->n_locs;
}

/* The start of a DTD. Stopping here means that no entity is ever defined, let alone expanded. */
static void load_dtd(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system) {
        Load *l = load_of(context);

        xml_reader_error(l->reader, load_tag_loc(l, context), "document type declarations are not allowed");
        load_stop(context);
}

static void load_error(void *context, xmlError *e) {
        Load *l = load_of(context);

        if (l->stopped)
                return;
        if (e->code == XML_ERR_NO_MEMORY) {
                l->reader->no_memory = true;
                return;
        }
        SrcLoc loc = {e->line > 0 ? (unsigned) e->line : 1, e->int2 > 0 ? (unsigned) e->int2 : 1};
        _cleanup_free_ char *message = strdup(strempty(e->message));
        if (!message)
                return;
        for (size_t n = strlen(message); n > 0 && strchr(WHITESPACE, message[n - 1]); n--)
                message[n - 1] = 0;
        if (e->level < XML_ERR_FATAL) {
                diag_warning(l->reader->diag, loc, "XML: %s", message);
                return;
        }
        xml_reader_error(l->reader, loc, "not well-formed XML: %s", message);
        l->stopped = true;
}

/* --- in which encoding it is --- */

/* The value of encoding="…" in the XML declaration that TEXT begins with; *RET_SIZE is 0 when there is none. */
static const char *find_encoding(const char *text, size_t size, size_t *ret_size) {
        const char *end = text && size >= 5 && memcmp(text, "<?xml", 5) == 0 ? memmem(text, size, "?>", 2) : NULL;

        *ret_size = 0;
        if (!end)
                return NULL;
        const char *p = memmem(text, (size_t) (end - text), "encoding", 8);
        if (!p)
                return NULL;
        for (p += 8; p < end && strchr(WHITESPACE "=", *p); p++)
                ;
        const char *stop = p < end && (*p == '"' || *p == '\'') ? memchr(p + 1, *p, (size_t) (end - p - 1)) : NULL;
        if (!stop)
                return NULL;
        *ret_size = (size_t) (stop - p - 1);
        return p + 1;
}

/* What is looked for in the bytes of a definition (attributes that are counted, "<" where a tag begins) is there only
 * in encodings in which ASCII is ASCII. libxml2 is told which one it is, so that it does not find another one.
 * *RET is NULL for UTF-8, the usual one. */
static bool load_encoding(Load *l, const char **ret) {
        static const struct {
                const char *name, *decoder;
        } encodings[] = {{"UTF-8", NULL}, {"UTF8", NULL}, {"US-ASCII", NULL}, {"ASCII", NULL},
                         {"ISO-8859-1", "ISO-8859-1"}, {"ISO-LATIN-1", "ISO-8859-1"}, {"ISO LATIN 1", "ISO-8859-1"}};
        const char *text = l->text;
        size_t size = l->size, n;
        bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0; /* UTF-8, whatever is declared */

        if (marked) {
                text += 3;
                size -= 3;
        }
        *ret = NULL;
        /* UTF-16 and UTF-32 have zeros, and what they begin with is in no UTF-8; EBCDIC has no "<" where ASCII has. */
        if (memchr(text, 0, size) || (size >= 2 && (memcmp(text, "\xfe\xff", 2) == 0 || memcmp(text, "\xff\xfe", 2) == 0)) ||
            (size >= 4 && memcmp(text, "\x4c\x6f\xa7\x94", 4) == 0)) {
                xml_reader_error(l->reader, (SrcLoc){1, 1}, "not well-formed XML: it is not text in UTF-8, US-ASCII or ISO-8859-1");
                return false;
        }
        const char *name = find_encoding(text, size, &n);
        if (!name)
                return true;
        FOREACH_ARRAY(e, encodings, ELEMENTSOF(encodings))
                if (strlen(e->name) == n && strncasecmp(e->name, name, n) == 0) {
                        *ret = marked ? NULL : e->decoder;
                        return true;
                }
        for (size_t i = 0; i < n; i++) /* no more of it than can be printed */
                if (name[i] <= ' ' || name[i] > '~')
                        n = i;
        xml_reader_error(l->reader, load_advance(l, (size_t) (name - l->text)),
                         "the encoding '%.*s' is not supported: UTF-8, US-ASCII and ISO-8859-1 are", (int) MIN(n, (size_t) 40), name);
        return false;
}

/* --- what costs libxml2 too much --- */

/* Behind a comment, a CDATA section or a processing instruction that begins at P; NULL if none does. */
static const char *skip_section(const char *p, const char *end) {
        static const struct {
                const char *start, *stop;
        } sections[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                size_t n = strlen(sections[i].start), m = strlen(sections[i].stop);
                if ((size_t) (end - p) < n || memcmp(p, sections[i].start, n) != 0)
                        continue;
                for (p += n; (size_t) (end - p) >= m; p++)
                        if (memcmp(p, sections[i].stop, m) == 0)
                                return p + m;
                return end;
        }
        return NULL;
}

/* Behind the tag at P; N is how many "=" stand in it outside of quotes. */
static const char *skip_tag(const char *p, const char *end, size_t *n) {
        char quote = 0;

        for (*n = 0; p < end; p++)
                if (quote)
                        quote = *p == quote ? 0 : quote;
                else if (*p == '"' || *p == '\'')
                        quote = *p;
                else if (*p == '>')
                        return p + 1;
                else
                        *n += *p == '=';
        return end;
}

/* libxml2 compares each attribute of an element with all others, so they are counted before it sees them. */
static bool load_attributes_fit(Load *l) {
        const char *end = l->text + l->size;

        for (const char *p = l->text; (p = memchr(p, '<', (size_t) (end - p)));) {
                const char *behind = skip_section(p, end);
                size_t n = 0;

                if (!behind)
                        behind = skip_tag(p, end, &n);
                if (n > DOMAIN_XML_ATTRIBUTES_MAX) {
                        xml_reader_error(l->reader, load_advance(l, (size_t) (p - l->text)),
                                         "an element has more than %u attributes", DOMAIN_XML_ATTRIBUTES_MAX);
                        return false;
                }
                p = behind;
        }
        return true;
}

int xml_reader_load(XmlReader *r, const char *text, size_t size) {
        if (size > DOMAIN_XML_MAX) {
                xml_reader_error(r, (SrcLoc){}, "the definition has %zu bytes, more than %u are not read",
                                 size, DOMAIN_XML_MAX);
                return -EINVAL;
        }
        if (size == 0) {
                xml_reader_error(r, (SrcLoc){1, 1}, "the definition is empty");
                return -EINVAL;
        }
        Load l = {.reader = r, .text = text, .size = size, .here = {1, 1}};
        const char *encoding;
        if (!load_encoding(&l, &encoding) || !load_attributes_fit(&l))
                return r->no_memory ? -ENOMEM : -EINVAL;
        xmlParserCtxt *c = xmlNewParserCtxt();
        if (!c)
                return -ENOMEM;

        l.start_element = c->sax->startElementNs;
        c->_private = &l;
        c->sax->startElementNs = load_start_element;
        c->sax->internalSubset = load_dtd;
        c->sax->externalSubset = NULL;
        c->sax->entityDecl = NULL;
        c->sax->resolveEntity = NULL;
        c->sax->serror = load_error;
        r->doc = xmlCtxtReadMemory(c, text, (int) size, NULL, encoding,
                                   XML_PARSE_IGNORE_ENC | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        if (!r->doc && c->errNo == XML_ERR_NO_MEMORY)
                r->no_memory = true;
        xmlFreeParserCtxt(c);
        /* What was read is in UTF-8 now, and what of it is written again shall be too. */
        if (r->doc && !r->doc->encoding && !(r->doc->encoding = xmlStrdup((const xmlChar *) "UTF-8")))
                r->no_memory = true;

        if (r->no_memory)
                return -ENOMEM;
        if (!r->doc && !r->failed)
                xml_reader_error(r, (SrcLoc){1, 1}, "not well-formed XML");
        return r->failed ? -EINVAL : 0;
}

void xml_reader_done(XmlReader *r) {
        if (r->doc)
                xmlFreeDoc(r->doc);
        free(r->locs);
        *r = (XmlReader){};
}

SrcLoc xml_reader_loc(const XmlReader *r, const xmlNode *node) {
        size_t i = (uintptr_t) node->_private;
        return i > 0 && i <= r->n_locs ? r->locs[i - 1] : (SrcLoc){};
}

bool xml_reader_is_wrong(const XmlReader *r, const xmlNode *node, size_t n) {
        SrcLoc loc = xml_reader_loc(r, node);

        for (size_t i = 0; i < n; i++) {
                const DiagEntry *e = r->diag->entries + i;
                if (e->severity == DIAG_ERROR && e->loc.line == loc.line && e->loc.column == loc.column)
                        return true;
        }
        return false;
}

bool xml_reader_is_wrong_within(const XmlReader *r, const xmlNode *node, size_t n) {
        if (xml_reader_is_wrong(r, node, n))
                return true;
        for (const xmlNode *child = node->children; child; child = child->next)
                if (child->type == XML_ELEMENT_NODE && xml_reader_is_wrong_within(r, child, n))
                        return true;
        return false;
}

void xml_reader_error(XmlReader *r, SrcLoc loc, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        if (r->foreign)
                return;
        r->failed = true;
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text)
                (void) diag_error(r->diag, loc, "%s", text);
        else
                r->no_memory = true;
}
