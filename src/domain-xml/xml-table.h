/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain-xml.h"
#include "libxml.h"
#include "string-table.h"
#include "text.h"

/* One ordered table per element: a row is how one attribute or child element is read, written and documented.
 * What libvirt knows and vmunit does not is a row too (UNSUPPORTED or IGNORED, with the reason), so that the
 * tables are the whole truth about coverage and a wrong word is told from an unsupported one.
 *
 * Rows stand in the order in which libvirt writes the elements. Lookups walk the table. */

typedef struct XmlRow XmlRow;
typedef struct XmlTable XmlTable;
typedef struct XmlType XmlType;

#define XML_NAMESPACE_QEMU "http://libvirt.org/schemas/domain/qemu/1.0"
#define XML_NAMESPACE_VMUNIT "urn:vmunit:metadata"

/* The namespace of a row's element, NULL for none, and its name in there: "qemu:arg" and "vmunit:ready" have one. */
const char *xml_row_namespace(const char *row_name, const char **ret_name);

/* --- reading --- */

typedef struct XmlReader {
        Diag *diag;
        xmlDoc *doc;  /* owned */
        SrcLoc *locs; /* owned; node->_private is an index into it, plus one */
        size_t n_locs;
        bool failed; /* an error was reported */
        bool no_memory;
        bool too_many; /* a list was cut off, and that was said */
        bool foreign; /* a domain of another hypervisor: refused as a whole, so not row by row */
} XmlReader;

/* Parses TEXT into r->doc under the limits of domain-xml.h: no DTD, no entities but the five, no network,
 * nothing printed. The caller calls xml_reader_done() in any case. 0, -EINVAL (see r->diag) or -ENOMEM. */
int xml_reader_load(XmlReader *r, const char *text, size_t size);
void xml_reader_done(XmlReader *r);
#define _cleanup_xml_reader_ _cleanup_(xml_reader_done)

/* The place of an element's start tag. */
SrcLoc xml_reader_loc(const XmlReader *r, const xmlNode *node);
/* Whether one of the first N messages is an error about NODE; or about NODE or what is in it. */
bool xml_reader_is_wrong(const XmlReader *r, const xmlNode *node, size_t n);
bool xml_reader_is_wrong_within(const XmlReader *r, const xmlNode *node, size_t n);
/* Adds an error and remembers that there was one. */
void xml_reader_error(XmlReader *r, SrcLoc loc, const char *format, ...) _printf_(3, 4);
/* Reads the element NODE into OBJECT. Problems go into r->diag and reading goes on. */
void xml_reader_element(XmlReader *r, const XmlTable *t, xmlNode *node, void *object);
/* The same for the child NODE of an element whose table is T. */
void xml_reader_child(XmlReader *r, const XmlTable *t, xmlNode *node, void *object);
/* The text of a node without the white space around it, or NULL; owned by the caller. */
char *xml_node_text(const xmlNode *node, bool trim);
/* The value of an attribute, or NULL; owned by the caller. */
char *xml_node_attribute(const xmlNode *node, const char *name);

/* --- writing --- */

typedef struct XmlWriter {
        Text text;
        unsigned depth;
        DomainXmlFlags flags;
} XmlWriter;

void xml_write_indent(XmlWriter *w);
/* Appends S with the characters that mean something in XML escaped. */
void xml_write_escaped(XmlWriter *w, const char *s, bool attribute);
void xml_write_attribute(XmlWriter *w, const char *name, const char *value);
/* Writes OBJECT as the element NAME. When it has neither attributes nor content nothing is written, unless
 * ALWAYS. */
void xml_write_element(XmlWriter *w, const char *name, const XmlTable *t, const void *object, bool always);

/* --- tables --- */

/* How a string becomes a field and the other way. */
struct XmlType {
        const char *expected; /* for messages: "a MAC address (52:54:00:12:34:56)"; NULL: made from the row */
        /* 0: set; 1: S means "not given"; negative: S is wrong (-EINVAL) or memory is out (-ENOMEM). */
        int (*parse)(const XmlRow *row, const char *s, void *field);
        /* Appends the value; false when the field is not set. */
        bool (*format)(const XmlRow *row, const void *field, Text *t);
        const char *pattern; /* a regular expression for the schema; NULL: any text */
        bool verbatim; /* white space around the text of an element belongs to the value */
};

extern const XmlType xml_string;     /* char * */
extern const XmlType xml_enum;       /* any enum; row->words */
extern const XmlType xml_uint;       /* OptUint; row->max */
extern const XmlType xml_u64;        /* OptU64; row->max */
/* Numbers as C has them: 0x10 and 020 are 16. The others are decimal, whatever zeros they begin with. */
extern const XmlType xml_c_uint;     /* OptUint; row->max */
extern const XmlType xml_c_u64;      /* OptU64; row->max */
extern const XmlType xml_hex;        /* OptUint, written with row->digits hexadecimal digits; row->max */
extern const XmlType xml_hex64;      /* OptU64; hexadecimal, with 0x or without */
extern const XmlType xml_int;        /* int; row->has */
extern const XmlType xml_int64;      /* int64_t; row->has; "reset" means not given */
extern const XmlType xml_port;       /* int: -1 to 65535; 0 when absent */
extern const XmlType xml_uuid;       /* uint8_t[16]; row->has */
extern const XmlType xml_mac;        /* uint8_t[6]; row->has */
extern const XmlType xml_number_set; /* NumberSet */

typedef enum XmlKind {
        XML_ATTRIBUTE = 1, /* attribute → field */
        XML_CONTENT,       /* text of the element itself → field */
        XML_TEXT_CHILD,    /* text of a child element → field */
        XML_FLAG_CHILD,    /* presence of a child → bool; its attributes by ->table into the same object */
        XML_STATE_CHILD,   /* child with @state='on|off', on when absent → Tristate; ->table as above */
        XML_SIZE_CHILD,    /* text of a child with @unit, KiB when absent → OptU64 or uint64_t; ->table as above */
        XML_CHILD,         /* child → the struct at ->offset, by ->table */
        XML_LIST,          /* children → {pointer, count}, one struct each, by ->table */
        XML_INCLUDE,       /* the rows of ->table as if they stood here, for the struct at ->offset */
        XML_CUSTOM,        /* child with functions of its own */
        XML_KNOWN_ATTRIBUTE, /* an attribute that is only known: UNSUPPORTED or IGNORED */
        XML_KNOWN_CHILD,     /* the same for an element, with all that is in it */
} XmlKind;

typedef enum XmlFlags {
        XML_MANDATORY = 1 << 0,
        XML_UNSUPPORTED = 1 << 1, /* refused; ->doc is why */
        XML_IGNORED = 1 << 2,     /* read over; ->doc is why */
        XML_SECRET = 1 << 3,      /* written with DOMAIN_XML_SECURE only */
        XML_READ_ONLY = 1 << 4,   /* an old spelling: read, written in today's way by another row */
        XML_WRITE_ONLY = 1 << 5,  /* of a running domain: written, forgotten when read */
        XML_HAS_LOC = 1 << 6,     /* XML_CHILD: the struct begins with its SrcLoc */
        XML_OPTIONAL = 1 << 7,    /* XML_SIZE_CHILD: the field is an OptU64 */
        XML_REPEAT = 1 << 8,      /* XML_CUSTOM: may stand there more than once */
        XML_OPEN = 1 << 9,        /* XML_CUSTOM: beside what the table has, there may be anything of other namespaces */
} XmlFlags;

struct XmlRow {
        XmlKind kind;
        XmlFlags flags;
        const char *name; /* NULL for XML_CONTENT and XML_INCLUDE; see xml_row_namespace() */
        size_t offset;    /* of the field in the object */
        const XmlType *type;
        const StringTable *words;
        uint64_t max;     /* numbers: the largest one; 0: what fits */
        unsigned digits;  /* xml_hex */
        unsigned divisor; /* XML_SIZE_CHILD: the field counts in so many bytes; 0: in bytes */
        const char *unit; /* XML_SIZE_CHILD: read without @unit, and written when it fits; NULL: KiB */
        size_t has;       /* offset of a bool that says whether the field is set, plus one; 0: there is none */
        size_t loc;       /* offset of a SrcLoc for the place of the element, plus one; 0: there is none */
        const XmlTable *table;
        size_t count;        /* XML_LIST: offset of the count */
        size_t element_size; /* XML_LIST */
        size_t tag;          /* XML_LIST: offset of an enum in the element, plus one, that … */
        int tag_value;       /* … is TAG_VALUE for the elements of this row */
        /* Whether the row is meant for this object (elements whose form depends on @type); NULL: always. */
        bool (*applies)(const void *object);
        void (*parse)(XmlReader *r, const XmlRow *row, xmlNode *node, void *object); /* XML_CUSTOM */
        void (*format)(XmlWriter *w, const XmlRow *row, const void *object);         /* XML_CUSTOM */
        const char *doc; /* what it is, or why it is not supported: one line for the manual */
};

static inline bool xml_row_is_attribute(const XmlRow *row) {
        return row->kind == XML_ATTRIBUTE || row->kind == XML_KNOWN_ATTRIBUTE;
}

struct XmlTable {
        const XmlRow *rows;
        size_t n_rows;
};

#define DEFINE_XML_TABLE(name, ...)                                                               \
        static const XmlRow name##_rows[] = { __VA_ARGS__ };                                      \
        const XmlTable name##_xml = { name##_rows, ELEMENTSOF(name##_rows) }
#define DEFINE_STATIC_XML_TABLE(name, ...)                                                        \
        static const XmlRow name##_rows[] = { __VA_ARGS__ };                                      \
        static const XmlTable name##_xml = { name##_rows, ELEMENTSOF(name##_rows) }

/* The usual rows; further members of the row can follow the documentation: `.flags = XML_MANDATORY`. */
#define ATTRIBUTE(name_, object, field, type_, doc_, ...)                                         \
        { .kind = XML_ATTRIBUTE, .name = name_, .offset = offsetof(object, field), .type = &(type_), .doc = doc_, ##__VA_ARGS__ }
#define ATTRIBUTE_ENUM(name_, object, field, words_, doc_, ...)                                   \
        ATTRIBUTE(name_, object, field, xml_enum, doc_, .words = &words_##_table, ##__VA_ARGS__)
#define CONTENT(object, field, type_, doc_, ...)                                                  \
        { .kind = XML_CONTENT, .offset = offsetof(object, field), .type = &(type_), .doc = doc_, ##__VA_ARGS__ }
#define TEXT_CHILD(name_, object, field, type_, doc_, ...)                                        \
        { .kind = XML_TEXT_CHILD, .name = name_, .offset = offsetof(object, field), .type = &(type_), .doc = doc_, ##__VA_ARGS__ }
#define FLAG_CHILD(name_, object, field, doc_, ...)                                               \
        { .kind = XML_FLAG_CHILD, .name = name_, .offset = offsetof(object, field), .doc = doc_, ##__VA_ARGS__ }
#define STATE_CHILD(name_, object, field, doc_, ...)                                              \
        { .kind = XML_STATE_CHILD, .name = name_, .offset = offsetof(object, field), .doc = doc_, ##__VA_ARGS__ }
#define SIZE_CHILD(name_, object, field, doc_, ...)                                               \
        { .kind = XML_SIZE_CHILD, .name = name_, .offset = offsetof(object, field), .doc = doc_, ##__VA_ARGS__ }
/* A child element whose rows fill the same object. */
#define CHILD(name_, table_, doc_, ...)                                                           \
        { .kind = XML_CHILD, .name = name_, .table = &table_##_xml, .doc = doc_, ##__VA_ARGS__ }
#define STRUCT_CHILD(name_, object, field, table_, doc_, ...)                                     \
        { .kind = XML_CHILD, .name = name_, .offset = offsetof(object, field), .table = &table_##_xml, .doc = doc_, ##__VA_ARGS__ }
#define LIST(name_, object, field, table_, doc_, ...)                                             \
        { .kind = XML_LIST, .name = name_, .offset = offsetof(object, field), .count = offsetof(object, n_##field), \
          .element_size = sizeof(((object *) 0)->field[0]), .table = &table_##_xml, .doc = doc_, ##__VA_ARGS__ }
#define INCLUDE(object, field, table_)                                                            \
        { .kind = XML_INCLUDE, .offset = offsetof(object, field), .table = &table_##_xml }
#define CUSTOM(name_, parse_, format_, doc_, ...)                                                 \
        { .kind = XML_CUSTOM, .name = name_, .parse = parse_, .format = format_, .doc = doc_, ##__VA_ARGS__ }
#define UNSUPPORTED_ATTRIBUTE(name_, doc_, ...) { .kind = XML_KNOWN_ATTRIBUTE, .flags = XML_UNSUPPORTED, .name = name_, .doc = doc_, ##__VA_ARGS__ }
#define UNSUPPORTED(name_, doc_, ...) { .kind = XML_KNOWN_CHILD, .flags = XML_UNSUPPORTED, .name = name_, .doc = doc_, ##__VA_ARGS__ }
#define IGNORED_ATTRIBUTE(name_, doc_, ...) { .kind = XML_KNOWN_ATTRIBUTE, .flags = XML_IGNORED, .name = name_, .doc = doc_, ##__VA_ARGS__ }
#define IGNORED(name_, doc_, ...) { .kind = XML_KNOWN_CHILD, .flags = XML_IGNORED, .name = name_, .doc = doc_, ##__VA_ARGS__ }
#define HAS(object, field) (offsetof(object, field) + 1)

/* Calls FUNCTION for every row below TABLE, with its path: "domain/devices/disk/@type". Includes are
 * resolved, so they are not seen. */
typedef void (*XmlWalk)(const char *path, const XmlRow *row, void *userdata);
void xml_table_walk(const XmlTable *t, const char *path, XmlWalk function, void *userdata);
