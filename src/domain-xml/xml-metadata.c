/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "libxml.h"
#include "string-util.h"
#include "strv.h"
#include "xml-metadata.h"

static void free_doc(xmlDoc **d) {
        xmlFreeDoc(*d);
}

static void free_buffer(xmlBuffer **b) {
        if (*b)
                xmlBufferFree(*b);
}

#define PARSE_FLAGS (XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOERROR)

static int say_not_xml(xmlParserCtxt *ctxt, Diag *diag) {
        const xmlError *e = xmlCtxtGetLastError(ctxt);
        const char *message = e && e->message ? e->message : "not well-formed\n";

        return diag_error(diag, (SrcLoc) {}, "(metadata_xml):%d: %.*s", e ? e->line : 0, (int) strcspn(message, "\n"), message);
}

static int parse_xml(const char *text, Diag *diag, xmlDoc **ret) {
        size_t size = strlen(text);

        if (size > DOMAIN_XML_MAX)
                return -EFBIG;
        xmlParserCtxt *ctxt = xmlNewParserCtxt();
        if (!ctxt)
                return -ENOMEM;
        xmlDoc *doc = xmlCtxtReadMemory(ctxt, text, (int) size, "metadata_xml", NULL, PARSE_FLAGS);
        int r = 0;
        if (!doc || !xmlDocGetRootElement(doc))
                r = say_not_xml(ctxt, diag);
        else if (doc->intSubset)
                r = diag_error(diag, (SrcLoc) {}, "XML: a document type is not taken");
        xmlFreeParserCtxt(ctxt);
        if (r < 0)
                xmlFreeDoc(doc);
        else
                *ret = doc;
        return r;
}

static bool is_of(const xmlNode *n, const char *uri) {
        return n->type == XML_ELEMENT_NODE && n->ns && n->ns->href && streq((const char *) n->ns->href, uri);
}

/* The next node of the tree below ROOT. */
static xmlNode *next_node(xmlNode *n, const xmlNode *root) {
        if (n->type == XML_ELEMENT_NODE && n->children)
                return n->children;
        while (n != root && !n->next)
                n = n->parent;
        return n == root ? NULL : n->next;
}

static xmlNode *find_namespace(xmlNode *metadata, const char *uri) {
        for (xmlNode *n = metadata->children; n; n = n->next)
                if (is_of(n, uri))
                        return n;
        return NULL;
}

/* INDENTED: where there are elements only. */
static int dump(xmlNode *node, bool indented, char **ret) {
        _cleanup_(free_buffer) xmlBuffer *buffer = xmlBufferCreate();

        if (!buffer || xmlNodeDump(buffer, node->doc, node, 0, indented) < 0)
                return -ENOMEM;
        *ret = strdup((const char *) xmlBufferContent(buffer));
        return *ret ? 0 : -ENOMEM;
}

/* Without the namespace, as it is written when it is set. */
static void strip_namespace(xmlNode *root, const char *uri) {
        for (xmlNode *n = root; n; n = next_node(n, root))
                if (is_of(n, uri))
                        xmlSetNs(n, NULL);
        for (xmlNs **p = &root->nsDef; *p;) {
                xmlNs *ns = *p;
                if (!ns->href || !streq((const char *) ns->href, uri)) {
                        p = &ns->next;
                        continue;
                }
                *p = ns->next;
                xmlFreeNs(ns);
        }
}

int xml_metadata_uris(const char *metadata, char ***ret) {
        _cleanup_(free_doc) xmlDoc *doc = NULL;
        _cleanup_strv_ char **uris = NULL;

        int r = metadata ? parse_xml(metadata, NULL, &doc) : 0;
        for (xmlNode *n = doc ? xmlDocGetRootElement(doc)->children : NULL; r >= 0 && n; n = n->next)
                if (n->type == XML_ELEMENT_NODE && n->ns && n->ns->href && !strv_contains(uris, (const char *) n->ns->href))
                        r = strv_extend(&uris, (const char *) n->ns->href);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(uris);
        return 0;
}

static bool names_uri(const xmlNode *root, const char *uri) {
        for (xmlNode *n = (xmlNode *) root; n; n = next_node(n, root))
                for (const xmlAttr *a = n->type == XML_ELEMENT_NODE ? n->properties : NULL; a; a = a->next)
                        if (a->ns && a->ns->href && streq((const char *) a->ns->href, uri))
                                return true;
        return false;
}

int xml_metadata_get(const char *metadata, const char *uri, Diag *diag, char **ret) {
        _cleanup_(free_doc) xmlDoc *doc = NULL;

        int r = metadata ? parse_xml(metadata, diag, &doc) : 0;
        if (r < 0)
                return r;
        xmlNode *found = doc ? find_namespace(xmlDocGetRootElement(doc), uri) : NULL;
        if (!found)
                return diag_error_code(diag, -ENOENT, (SrcLoc) {},
                                       "metadata not found: Requested metadata element is not present");
        /* With the declarations it needs from around it. */
        xmlNode *copy = xmlDocCopyNode(found, doc, 1);
        if (!copy)
                return -ENOMEM;
        /* An attribute of that namespace would be left without its meaning. */
        if (!names_uri(copy, uri))
                strip_namespace(copy, uri);
        r = dump(copy, true, ret);
        xmlFreeNode(copy);
        return r;
}

static bool is_blank_text(const xmlNode *n) {
        return n->type == XML_TEXT_NODE && n->content && (size_t) xmlStrlen(n->content) == strspn((const char *) n->content, " \t\r\n");
}

static void drop_node(xmlNode *n) {
        xmlUnlinkNode(n);
        xmlFreeNode(n);
}

/* All elements of the namespace go, each with the white space before it. */
static void drop_namespace(xmlNode *metadata, const char *uri) {
        for (xmlNode *n = metadata->children, *next; n; n = next) {
                next = n->next;
                if (!is_of(n, uri))
                        continue;
                if (n->prev && is_blank_text(n->prev))
                        drop_node(n->prev);
                drop_node(n);
        }
}

/* Behind the others, indented as they are; the only one as libvirt writes it. */
static int append_child(xmlNode *metadata, xmlNode *element) {
        xmlNode *first = metadata->children, *last = metadata->last;
        bool indented = first && is_blank_text(first) && first != last;
        const xmlChar *lead = indented ? first->content : BAD_CAST "\n    ";

        if (first && first == last && is_blank_text(first)) {
                drop_node(first);
                first = last = NULL;
        }
        xmlNode *space = xmlNewDocText(metadata->doc, lead);
        if (!space)
                return -ENOMEM;
        if (last && is_blank_text(last)) {
                /* Not the other way round: texts side by side become one. */
                xmlAddPrevSibling(last, element);
                xmlAddPrevSibling(element, space);
                return 0;
        }
        xmlAddChild(metadata, space);
        xmlAddChild(metadata, element);
        if (!first) {
                space = xmlNewDocText(metadata->doc, BAD_CAST "\n  ");
                if (!space)
                        return -ENOMEM;
                xmlAddChild(metadata, space);
        }
        return 0;
}

/* Every element that has no namespace of its own gets this one. */
static int inject_namespace(xmlNode *root, const char *uri, const char *key, Diag *diag) {
        if (xmlValidateNCName(BAD_CAST key, 1) != 0)
                return diag_error(diag, (SrcLoc) {}, "internal error: failed to validate prefix for a new XML namespace");
        xmlNs *ns = xmlNewNs(root, BAD_CAST uri, BAD_CAST key);
        if (!ns)
                return diag_error(diag, (SrcLoc) {}, "internal error: failed to create a new XML namespace");
        for (xmlNode *n = root; n; n = next_node(n, root))
                if (n->type == XML_ELEMENT_NODE && !n->ns)
                        xmlSetNs(n, ns);
        return 0;
}

int xml_metadata_set(const char *metadata, const char *uri, const char *key, const char *element, Diag *diag, char **ret) {
        _cleanup_(free_doc) xmlDoc *doc = NULL, *given = NULL;
        xmlNode *copy = NULL;

        int r = parse_xml(metadata ?: "<metadata/>", diag, &doc);
        if (r >= 0 && element)
                r = parse_xml(element, diag, &given);
        if (r >= 0 && element)
                r = inject_namespace(xmlDocGetRootElement(given), uri, key, diag);
        if (r >= 0 && element) {
                copy = xmlDocCopyNode(xmlDocGetRootElement(given), doc, 1);
                r = copy ? 0 : -ENOMEM;
        }
        if (r < 0)
                return r;
        xmlNode *root = xmlDocGetRootElement(doc);
        drop_namespace(root, uri);
        if (copy) {
                r = append_child(root, copy);
                if (r < 0)
                        return r;
        }
        *ret = NULL;
        bool empty = !root->children || (root->children == root->last && is_blank_text(root->children));
        return empty ? 0 : dump(root, false, ret);
}
