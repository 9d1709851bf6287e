/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the fuzzer changes definitions: as trees, with the words of the element tables, so that most of what it
 * tries is well-formed and much of it means something. Bytes are changed as well, now and then. */

#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>

#include "domain-xml-tables.h"
#include "fuzz.h"
#include "string-util.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *ret,
                                 size_t max_size, unsigned seed);

#define ROWS_MAX 16384U
#define NODES_MAX 4096U
#define PATH_LIMIT 512U

/* What may stand where; sorted by path. Elements whose form depends on @type have several rows for one path. */
typedef struct Place {
        char *path;
        const XmlRow *row;
        unsigned alike; /* places that have this row */
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
        return n > 0 ? (size_t) ((draw() >> 16) % n) : 0;
}

static bool once_in(size_t n) {
        return below(n) == 0;
}

static void add_place(const char *path, const XmlRow *row, void *userdata) {
        unsigned alike = 1;

        if (n_places >= ROWS_MAX)
                return;
        for (size_t i = 0; i < n_places; i++)
                if (places[i].row == row)
                        alike = ++places[i].alike;
        places[n_places++] = (Place) { strdup(path), row, alike };
}

static int compare_places(const void *a, const void *b) {
        return strcmp(((const Place *) a)->path, ((const Place *) b)->path);
}

/* The first place that is not before PATH. */
static size_t find_place(const char *path) {
        size_t from = 0, to = n_places;

        while (from < to) {
                size_t middle = from + (to - from) / 2;
                if (strcmp(places[middle].path, path) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

/* One of the rows of PATH, or NULL. */
static const XmlRow *row_at(const char *path) {
        size_t from = find_place(path), n = 0;

        while (from + n < n_places && streq(places[from + n].path, path))
                n++;
        return n > 0 ? places[from + below(n)].row : NULL;
}

/* Half the time every row is as likely as any other, however many places it has: what stands below each of twenty
 * devices would crowd out what is there only once. */
static const Place *random_place(void) {
        const Place *p = places;

        for (unsigned n = 0; n < 64; n++) {
                p = places + below(n_places);
                if (p->row->flags & XML_UNSUPPORTED ? once_in(16) : once_in(2) || once_in(p->alike))
                        break;
        }
        return p;
}

/* Where NODE stands: "domain/devices/disk"; what is behind END, if anything, is added. */
static const char *path_of(const xmlNode *node, const char *mark, const char *end, char buffer[PATH_LIMIT]) {
        const xmlNode *chain[64];
        size_t n = 0, at = 0;

        for (; node && node->type == XML_ELEMENT_NODE && n < ELEMENTSOF(chain); node = node->parent)
                chain[n++] = node;
        *buffer = 0;
        for (bool first = true; n > 0 && at < PATH_LIMIT; first = false) {
                const xmlNode *e = chain[--n];
                at += (size_t) snprintf(buffer + at, PATH_LIMIT - at, "%s%s%s%s", first ? "" : "/",
                                        e->ns && e->ns->prefix ? (const char *) e->ns->prefix : "",
                                        e->ns && e->ns->prefix ? ":" : "", (const char *) e->name);
        }
        if (end && at < PATH_LIMIT)
                snprintf(buffer + at, PATH_LIMIT - at, "/%s%s", mark, end);
        return buffer;
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

/* Small numbers, limits with their neighbours, and any number of digits. */
static const char *number_for(const XmlRow *row, char buffer[32]) {
        uint64_t n = draw() % (UINT64_C(1) << (1 + below(63)));

        switch (below(8)) {
        case 0:
                return numbers[below(ELEMENTSOF(numbers))];
        case 1:
                if (row->max > 0)
                        n = row->max + below(3) - 1;
                break;
        case 2:
                n = below(1000) * 1024;
                break;
        case 3:
                n = UINT64_C(1) << below(64);
                break;
        case 4:
                n %= 100000;
                break;
        default:
                n %= 17;
        }
        bool hexadecimal = row->type == &xml_hex || row->type == &xml_hex64;
        snprintf(buffer, 32, hexadecimal ? "0x%" PRIx64 : "%" PRIu64, n);
        return buffer;
}

static const char *value_for(const XmlRow *row, char buffer[32]) {
        if (row && row->words && !once_in(16)) {
                const char *word = row->words->words[below(row->words->n_words)];
                return word ?: "";
        }
        bool number = row && (row->kind == XML_SIZE_CHILD ||
                              (row->type && row->type != &xml_string && row->type != &xml_enum &&
                               row->type != &xml_mac && row->type != &xml_uuid));
        if (number ? !once_in(16) : once_in(6))
                return row ? number_for(row, buffer) : numbers[below(ELEMENTSOF(numbers))];
        if (row && row->type == &xml_mac) {
                snprintf(buffer, 32, "52:54:00:00:00:%02x", (unsigned) below(256));
                return buffer;
        }
        /* A word of any other row, for elements that are read by functions of their own. */
        const XmlRow *other = places[below(n_places)].row;
        if (once_in(3) && other->words)
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

/* Gives NODE, which has just been made, what its rows demand, and half of what they allow of attributes. */
static void fill(xmlNode *node, const XmlTable *t, unsigned depth) {
        char buffer[32];

        for (size_t i = 0; t && depth < 4 && i < t->n_rows; i++) {
                const XmlRow *row = t->rows + i;
                bool wanted = row->flags & XML_MANDATORY;
                if (row->kind == XML_INCLUDE)
                        fill(node, row->table, depth + 1);
                else if (row->flags & XML_UNSUPPORTED)
                        continue;
                else if (row->kind == XML_ATTRIBUTE && row->type && (wanted || once_in(3)))
                        set_value(node, row->name, value_for(row, buffer));
                else if (row->kind == XML_CONTENT)
                        set_text(node, value_for(row, buffer));
                else if (wanted && row->name && row->kind != XML_KNOWN_CHILD && row->kind != XML_KNOWN_ATTRIBUTE &&
                         row->kind != XML_ATTRIBUTE) {
                        xmlNode *child = xmlNewChild(node, NULL, (const xmlChar *) row->name, NULL);
                        if (row->type)
                                set_text(child, value_for(row, buffer));
                        fill(child, row->table, depth + 1);
                }
        }
}

/* Whether an element may stand there more than once. */
static bool is_list(const xmlNode *node) {
        char path[PATH_LIMIT];
        const XmlRow *row = row_at(path_of(node, "", NULL, path));

        return row && (row->kind == XML_LIST || row->flags & XML_REPEAT);
}

/* --- what is in other definitions: the last elements that were seen, by path --- */

#define SHELVES 1024U

static xmlNode *shelf[SHELVES];

static size_t shelf_of(const char *path) {
        size_t h = 5381;

        while (*path)
                h = h * 33 + (uint8_t) *path++;
        return h % SHELVES;
}

static void put_away(const xmlNode *node) {
        char path[PATH_LIMIT];

        if (!node || !node->parent || node->parent->type != XML_ELEMENT_NODE)
                return;
        size_t i = shelf_of(path_of(node, "", NULL, path));
        xmlFreeNode(shelf[i]);
        shelf[i] = xmlDocCopyNode((xmlNode *) node, NULL, 1);
}

/* A copy beside another: mostly without what there can be only one of. */
static void make_unique(xmlNode *node) {
        static const char *const own[] = { "address", "alias", "mac" };
        char name[8];

        if (once_in(6))
                return;
        for (xmlNode *c = node->children, *next; c; c = next) {
                next = c->next;
                if (c->type != XML_ELEMENT_NODE)
                        continue;
                for (size_t i = 0; i < ELEMENTSOF(own); i++)
                        if (streq((const char *) c->name, own[i])) {
                                xmlUnlinkNode(c);
                                xmlFreeNode(c);
                                c = NULL;
                                break;
                        }
                _cleanup_free_ xmlChar *dev = c && streq((const char *) c->name, "target") ? xmlGetProp(c, (const xmlChar *) "dev") : NULL;
                if (dev && strlen((const char *) dev) > 1) {
                        snprintf(name, sizeof(name), "%.2s%c", (const char *) dev, (char) ('a' + below(26)));
                        set_value(c, "dev", name);
                }
        }
        if (streq((const char *) node->name, "controller"))
                set_value(node, "index", numbers[below(8)]);
}

/* Where NAME stands below NODE; made when it is not there, mostly as one that was seen elsewhere. */
static xmlNode *child_for(xmlNode *node, const char *name, const char *path) {
        xmlNode *child = random_child(node, name);
        const XmlRow *row = row_at(path);

        if (child && !(row && row->kind == XML_LIST && once_in(8)))
                return child;
        const xmlNode *seen = shelf[shelf_of(path)];
        if (seen && streq((const char *) seen->name, name) && !once_in(8)) {
                child = xmlDocCopyNode((xmlNode *) seen, node->doc, 1);
                make_unique(child);
                return xmlAddChild(node, child);
        }
        child = xmlNewChild(node, NULL, (const xmlChar *) name, NULL);
        if (row)
                fill(child, row->table, 0);
        return child;
}

/* Puts a row of the tables where it belongs, with the elements above it. */
static void insert_place(xmlDoc *doc, const Place *p) {
        xmlNode *node = xmlDocGetRootElement(doc);
        char path[PATH_LIMIT], buffer[32];
        const char *word = strchr(p->path, '/');

        while (word && strlen(p->path) < PATH_LIMIT) {
                const char *end = strchr(++word, '/');
                if (*word == '@') {
                        set_value(node, word + 1, value_for(p->row, buffer));
                        return;
                }
                if (streq(word, "text()"))
                        break;
                size_t length = end ? (size_t) (end - p->path) : strlen(p->path);
                memcpy(path, p->path, length);
                path[length] = 0;
                node = child_for(node, path + (word - p->path), path);
                word = end;
        }
        if (p->row->type || p->row->kind == XML_SIZE_CHILD)
                set_text(node, value_for(p->row, buffer));
}

/* The rows for the place, or those whose path ends as it does: what might stand there. */
static const XmlRow *row_of(const xmlNode *node, const char *attribute) {
        char path[PATH_LIMIT];
        const XmlRow *row = row_at(path_of(node, "@", attribute, path));

        if (!row && !attribute)
                row = row_at(path_of(node, "", "text()", path));
        if (row)
                return row;
        _cleanup_free_ char *end = attribute ? strf("/%s/@%s", (const char *) node->name, attribute)
                                             : strf("/%s", (const char *) node->name);
        for (size_t i = 0, from = below(n_places); i < n_places; i++) {
                const Place *p = places + (from + i) % n_places;
                if (endswith(p->path, end))
                        return p->row;
        }
        return NULL;
}

static void change_value(xmlDoc *doc) {
        xmlNode *node = random_node(doc, false);
        xmlAttr *a = node ? random_attribute(node) : NULL;
        char buffer[32];

        if (a) {
                const char *name = (const char *) a->name;
                set_value(node, name, value_for(row_of(node, name), buffer));
        } else if (node && !xmlFirstElementChild(node))
                set_text(node, value_for(row_of(node, NULL), buffer));
}

/* An attribute that is not there yet, to an element that is. */
static void add_attribute(xmlDoc *doc) {
        xmlNode *node = random_node(doc, false);
        char path[PATH_LIMIT], buffer[32];

        if (!node)
                return;
        path_of(node, "@", "", path);
        size_t from = find_place(path), n = 0;
        while (from + n < n_places && startswith(places[from + n].path, path))
                n++;
        if (n == 0)
                return;
        const Place *p = places + from + below(n);
        if (!(p->row->flags & XML_UNSUPPORTED))
                set_value(node, p->path + strlen(path), value_for(p->row, buffer));
}

static void remove_something(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true);
        xmlAttr *a = node && once_in(2) ? random_attribute(node) : NULL;

        if (a)
                xmlRemoveProp(a);
        else if (node) {
                xmlUnlinkNode(node);
                xmlFreeNode(node);
        }
}

static void repeat_element(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true);

        for (unsigned n = 0; n < 8 && node && !is_list(node); n++)
                node = random_node(doc, true);
        if (!node)
                return;
        /* Now and then as many as there may be, and more. */
        for (size_t n = once_in(6) ? 1U << below(8) : 1; n > 0; n--) {
                xmlNode *copy = xmlCopyNode(node, 1);
                make_unique(copy);
                xmlAddNextSibling(node, copy);
        }
}

static void move_element(xmlDoc *doc) {
        xmlNode *node = random_node(doc, true), *to = random_node(doc, false);

        if (node && to && node != to)
                xmlAddChild(to, xmlCopyNode(node, 1));
}

static void mutate_once(xmlDoc *doc) {
        switch (below(16)) {
        case 0:
        case 1:
                remove_something(doc);
                break;
        case 2:
                repeat_element(doc);
                break;
        case 3:
                if (once_in(4))
                        move_element(doc);
                else
                        add_attribute(doc);
                break;
        case 4:
        case 5:
        case 6:
                add_attribute(doc);
                break;
        case 7:
        case 8:
        case 9:
        case 10:
                insert_place(doc, random_place());
                break;
        default:
                change_value(doc);
        }
}

/* Mostly one change at a time: what is refused for one does not show what another would have done. */
static void mutate(xmlDoc *doc) {
        put_away(random_node(doc, true));
        for (size_t n = once_in(4) ? 1 + below(4) : 1; n > 0; n--)
                mutate_once(doc);
}

static xmlDoc *parse(const uint8_t *data, size_t size) {
        int flags = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOENT;
        xmlDoc *doc = size < (1U << 20) ? xmlReadMemory((const char *) data, (int) size, NULL, NULL, flags) : NULL;

        if (n_places == 0) {
                xml_table_walk(&domain_xml, "domain", add_place, NULL);
                qsort(places, n_places, sizeof(Place), compare_places);
        }
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
        xmlDoc *doc = !once_in(12) ? parse(data, size) : NULL;
        size_t n = 0;

        if (doc) {
                mutate(doc);
                n = dump(doc, data, max_size);
                xmlFreeDoc(doc);
        }
        return n > 0 ? n : LLVMFuzzerMutate(data, size, max_size);
}

/* An element of the other definition comes to where it belongs in this one: beside its like, or for it. */
static void adopt(xmlDoc *to, xmlNode *node) {
        char path[PATH_LIMIT], other[PATH_LIMIT];
        xmlNode *parent = NULL;
        static Nodes l;
        size_t n = 0;

        if (!node || !node->parent)
                return;
        path_of(node->parent, "", NULL, path);
        l.n = 0;
        collect(xmlDocGetRootElement(to), &l);
        for (size_t i = 0; i < l.n; i++)
                if (streq((const char *) l.items[i]->name, (const char *) node->parent->name) &&
                    streq(path_of(l.items[i], "", NULL, other), path) && once_in(++n))
                        parent = l.items[i];
        if (!parent)
                return;
        xmlNode *old = random_child(parent, (const char *) node->name), *copy = xmlDocCopyNode(node, to, 1);
        if (old && !once_in(is_list(node) ? 3 : 16)) {
                xmlReplaceNode(old, copy);
                xmlFreeNode(old);
        } else {
                make_unique(copy);
                xmlAddChild(parent, copy);
        }
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *ret,
                                 size_t max_size, unsigned seed) {
        state = (uint64_t) seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        xmlDoc *to = parse(a, a_size), *from = parse(b, b_size);
        size_t n = 0;

        for (size_t k = once_in(3) ? 1 + below(3) : 1; to && from && k > 0; k--)
                adopt(to, random_node(from, true));
        if (to && from) {
                put_away(random_node(from, true));
                n = dump(to, ret, max_size);
        }
        xmlFreeDoc(to);
        xmlFreeDoc(from);
        return n;
}
