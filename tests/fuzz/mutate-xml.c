/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the fuzzer changes definitions: as trees, with the words of the element tables, so that most of what it
 * tries is well-formed and much of it means something. Bytes are changed as well, now and then. */

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "domain-xml-tables.h"
#include "fuzz.h"
#include "string-util.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *ret,
                                 size_t max_size, unsigned seed);

#define ROWS_MAX 8192U
#define NODES_MAX 4096U

typedef struct Place {
        char *path;
        const XmlRow *row;
} Place;

static Place places[ROWS_MAX];
static size_t n_places;
static uint64_t state;

static uint64_t draw(void) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static size_t below(size_t n) {
        return n > 0 ? (size_t) (draw() % n) : 0;
}

static void add_place(const char *path, const XmlRow *row, void *userdata) {
        if (n_places < ROWS_MAX)
                places[n_places++] = (Place) { strdup(path), row };
}

/* --- values --- */

static const char *const numbers[] = {
        "0",   "1",   "2",     "3",     "4",     "7",          "8",          "15",         "16",  "31",        "32",
        "63",  "64",  "255",   "256",   "1023",  "1024",       "4096",       "65535",      "65536", "262144", "1048576",
        "0x0", "0x1", "0x1f", "0x1d", "0xffff", "2147483647", "2147483648", "4294967295", "-1", "18446744073709551615", "0-3,^2",
};
static const char *const strings[] = {
        "",    "on",   "off",  "yes",    "no",   "a",    "vda",   "vdb",      "sda",     "hda",        "hdc",       "fda",
        "sdaa", "ubda", "virtio", "virtio-transitional", "e1000", "rtl8139", "pci.0", "pcie-root", "pcie-root-port", "pci-bridge",
        "qemu-xhci", "ich9-ehci1", "ich9-uhci1", "lsilogic", "virtio-scsi", "isa-serial", "16550a", "pci-serial", "usb-serial",
        "/srv/vm/a.img", "/dev/vg/lv", "/", "relative", "/a,b=c", "/srv/../etc", "a\nb", "ä", "%s%n", "ua-x", "52:54:00:11:22:33",
        "ff:ff:ff:ff:ff:ff", "c7a5fdbd-edaf-9455-926a-d65c16db1809", "q35", "pc", "virt", "pc-q35-7.2", "x86_64", "aarch64",
        "i686", "qemu64", "EPYC", "avx2", "127.0.0.1", "::1", "example.org", "br0", "tap0", "1.2", "1.2.3.4", "guest", "50000000000000e1",
        "org.qemu.guest_agent.0", "com.redhat.spice.0", "KiB", "MiB", "GiB", "b", "Europe/Berlin", "/usr/bin/qemu-system-x86_64",
};

static const char *value_for(const XmlRow *row) {
        if (row && row->words && below(8) > 0) {
                const char *word = row->words->words[below(row->words->n_words)];
                return word ?: "";
        }
        bool number = row && row->type && row->type != &xml_string && row->type != &xml_enum;
        if (number ? below(8) > 0 : below(4) == 0)
                return numbers[below(ELEMENTSOF(numbers))];
        /* A word of any other row, for elements that are read by functions of their own. */
        const XmlRow *other = places[below(n_places)].row;
        if (below(3) == 0 && other->words)
                return other->words->words[below(other->words->n_words)] ?: "";
        return strings[below(ELEMENTSOF(strings))];
}

/* --- trees --- */

typedef struct Nodes {
        xmlNode *items[NODES_MAX];
        size_t n;
} Nodes;

static void collect(xmlNode *node, Nodes *l) {
        for (; node && l->n < NODES_MAX; node = node->next)
                if (node->type == XML_ELEMENT_NODE) {
                        l->items[l->n++] = node;
                        collect(node->children, l);
                }
}

static xmlNode *random_node(xmlDoc *doc, bool not_root) {
        static Nodes l;

        l.n = 0;
        collect(xmlDocGetRootElement(doc), &l);
        if (l.n <= not_root)
                return NULL;
        return l.items[not_root + below(l.n - not_root)];
}

static xmlAttr *random_attribute(const xmlNode *node) {
        size_t n = 0;

        for (xmlAttr *a = node->properties; a; a = a->next)
                n++;
        size_t k = below(n);
        for (xmlAttr *a = node->properties; a; a = a->next)
                if (k-- == 0)
                        return a;
        return NULL;
}

static xmlNode *random_child(xmlNode *node, const char *name) {
        xmlNode *found = NULL;
        size_t n = 0;

        for (xmlNode *c = node->children; c; c = c->next)
                if (c->type == XML_ELEMENT_NODE && streq((const char *) c->name, name) && below(++n) == 0)
                        found = c;
        return found;
}

static void set_text(xmlNode *node, const char *value) {
        for (xmlNode *c = node->children, *next; c; c = next) {
                next = c->next;
                if (c->type == XML_TEXT_NODE) {
                        xmlUnlinkNode(c);
                        xmlFreeNode(c);
                }
        }
        xmlAddChild(node, xmlNewText((const xmlChar *) value));
}

static void set_value(xmlNode *node, const char *attribute, const char *value) {
        if (attribute)
                xmlSetProp(node, (const xmlChar *) attribute, (const xmlChar *) value);
        else
                set_text(node, value);
}

/* Puts a row of the tables where it belongs, with the elements above it. */
static void insert_place(xmlDoc *doc, const Place *p) {
        _cleanup_free_ char *copy = strdup(p->path);
        xmlNode *node = xmlDocGetRootElement(doc);
        char *save = NULL;

        (void) strtok_r(copy, "/", &save);
        for (char *word; (word = strtok_r(NULL, "/", &save));) {
                if (*word == '@') {
                        set_value(node, word + 1, value_for(p->row));
                        return;
                }
                if (streq(word, "text()"))
                        break;
                xmlNode *child = below(6) > 0 ? random_child(node, word) : NULL;
                node = child ?: xmlNewChild(node, NULL, (const xmlChar *) word, NULL);
        }
        if (p->row->type)
                set_text(node, value_for(p->row));
}

/* The rows whose path ends as the place does: what might stand there. */
static const XmlRow *row_of(const xmlNode *node, const char *attribute) {
        _cleanup_free_ char *end = attribute ? strf("/%s/@%s", (const char *) node->name, attribute)
                                             : strf("/%s", (const char *) node->name);
        size_t from = below(n_places);

        for (size_t i = 0; i < n_places; i++) {
                const Place *p = places + (from + i) % n_places;
                if (endswith(p->path, end))
                        return p->row;
        }
        return NULL;
}

static void change_value(xmlDoc *doc) {
        xmlNode *node = random_node(doc, false);
        xmlAttr *a = node ? random_attribute(node) : NULL;

        if (a) {
                const char *name = (const char *) a->name;
                set_value(node, name, value_for(row_of(node, name)));
        } else if (node && !xmlFirstElementChild(node))
                set_text(node, value_for(row_of(node, NULL)));
}

static void remove_something(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true);
        xmlAttr *a = node && below(2) == 0 ? random_attribute(node) : NULL;

        if (a)
                xmlRemoveProp(a);
        else if (node) {
                xmlUnlinkNode(node);
                xmlFreeNode(node);
        }
}

static void repeat_element(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true);

        if (node)
                xmlAddNextSibling(node, xmlCopyNode(node, 1));
}

static void move_element(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true), *to = random_node(doc, false);

        if (node && to && node != to)
                xmlAddChild(to, xmlCopyNode(node, 1));
}

static void mutate(xmlDoc *doc) {
        for (size_t n = 1 + below(4); n > 0; n--)
                switch (below(10)) {
                case 0:
                case 1:
                        remove_something(doc);
                        break;
                case 2:
                        repeat_element(doc);
                        break;
                case 3:
                        if (below(4) == 0)
                                move_element(doc);
                        break;
                case 4:
                case 5:
                case 6:
                        insert_place(doc, places + below(n_places));
                        break;
                default:
                        change_value(doc);
                }
}

static xmlDoc *parse(const uint8_t *data, size_t size) {
        int flags = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOENT;
        xmlDoc *doc = size < (1U << 20) ? xmlReadMemory((const char *) data, (int) size, NULL, NULL, flags) : NULL;

        if (n_places == 0)
                xml_table_walk(&domain_xml, "domain", add_place, NULL);
        if (doc && xmlDocGetRootElement(doc))
                return doc;
        xmlFreeDoc(doc);
        return NULL;
}

/* 0 when it does not fit. */
static size_t dump(xmlDoc *doc, uint8_t *ret, size_t max_size) {
        xmlChar *text = NULL;
        int size = 0;

        xmlDocDumpMemory(doc, &text, &size);
        size_t n = text && size > 0 && (size_t) size <= max_size ? (size_t) size : 0;
        if (n > 0)
                memcpy(ret, text, n);
        xmlFree(text);
        return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
        state = (uint64_t) seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        xmlDoc *doc = draw() % 8 > 0 ? parse(data, size) : NULL;
        size_t n = 0;

        if (doc) {
                mutate(doc);
                n = dump(doc, data, max_size);
                xmlFreeDoc(doc);
        }
        return n > 0 ? n : LLVMFuzzerMutate(data, size, max_size);
}

/* An element of the other definition is put beside its like in this one. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *ret,
                                 size_t max_size, unsigned seed) {
        state = (uint64_t) seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        xmlDoc *to = parse(a, a_size), *from = parse(b, b_size);
        size_t n = 0;

        for (size_t k = 1 + below(3); to && from && k > 0; k--) {
                xmlNode *node = random_node(from, true);
                xmlNode *parent = NULL;
                static Nodes l;
                l.n = 0;
                collect(xmlDocGetRootElement(to), &l);
                for (size_t i = 0; node && i < l.n; i++)
                        if (streq((const char *) l.items[i]->name, (const char *) node->parent->name))
                                parent = l.items[i];
                if (parent)
                        xmlAddChild(parent, xmlDocCopyNode(node, to, 1));
        }
        if (to && from)
                n = dump(to, ret, max_size);
        xmlFreeDoc(to);
        xmlFreeDoc(from);
        return n;
}
