/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"
#include "xml-select.h"
#include "xml-table.h"

static bool is_blank(const xmlNode *node) {
        return node->type == XML_TEXT_NODE && xmlIsBlankNode(node);
}

/* Where there is nothing but elements, what is printed is indented anew. */
static void strip_blanks(xmlNode *node) {
        bool elements = false, text = false;
        xmlNode *next;

        for (xmlNode *c = node->children; c; c = c->next) {
                elements = elements || c->type == XML_ELEMENT_NODE;
                text = text || ((c->type == XML_TEXT_NODE && !is_blank(c)) || c->type == XML_CDATA_SECTION_NODE);
        }
        for (xmlNode *c = node->children; c; c = next) {
                next = c->next;
                if (c->type == XML_ELEMENT_NODE)
                        strip_blanks(c);
                else if (elements && !text && is_blank(c)) {
                        xmlUnlinkNode(c);
                        xmlFreeNode(c);
                }
        }
}

static int render_node(xmlDoc *doc, xmlNode *node, bool format, Text *t) {
        xmlBuffer *buffer = xmlBufferCreate();

        if (!buffer)
                return -ENOMEM;
        int n = xmlNodeDump(buffer, doc, node, 0, format);
        if (n >= 0) {
                text_append(t, (const char *) xmlBufferContent(buffer));
                text_append_char(t, '\n');
        }
        xmlBufferFree(buffer);
        return n < 0 ? -ENOMEM : 0;
}

/* What XPath calls a namespace node is none of the tree: libxml2 cannot copy it. */
static bool is_in_tree(const xmlNode *node) {
        return node->type != XML_NAMESPACE_DECL;
}

static int render_each(xmlDoc *doc, const xmlNodeSet *nodes, Text *t) {
        int r = 0;

        for (int i = 0; nodes && i < nodes->nodeNr && r >= 0; i++)
                if (is_in_tree(nodes->nodeTab[i]))
                        r = render_node(doc, nodes->nodeTab[i], true, t);
        return r;
}

/* Copies, since the nodes stand in their own document still. */
static int render_wrapped(xmlDoc *doc, const xmlNodeSet *nodes, Text *t) {
        xmlNode *root = xmlNewDocNode(doc, NULL, (const xmlChar *) "nodes", NULL);
        int r = root ? 0 : -ENOMEM;

        for (int i = 0; nodes && i < nodes->nodeNr && r >= 0; i++) {
                if (!is_in_tree(nodes->nodeTab[i]))
                        continue;
                xmlNode *copy = xmlDocCopyNode(nodes->nodeTab[i], doc, 1);
                if (!copy || !xmlAddChild(root, copy))
                        r = -ENOMEM;
        }
        if (r >= 0)
                r = render_node(doc, root, true, t);
        xmlFreeNode(root);
        return r;
}

static void ignore_error(void *userdata, xmlErrorPtr error) {}

int xml_select(const char *xml, const char *xpath, bool wrap, Diag *diag, char **ret) {
        _cleanup_xml_reader_ XmlReader r = { .diag = diag };
        _cleanup_text_ Text t = {};

        int k = xml_reader_load(&r, xml, strlen(xml));
        if (k < 0)
                return k;
        strip_blanks((xmlNode *) r.doc);
        xmlXPathContext *context = xmlXPathNewContext(r.doc);
        if (!context)
                return -ENOMEM;
        context->error = ignore_error;
        xmlXPathObject *found = xmlXPathEval((const xmlChar *) xpath, context);
        if (!found || found->type != XPATH_NODESET)
                k = diag_error(diag, (SrcLoc) {}, "internal error: Incorrect xpath '%s'", xpath);
        else
                k = wrap ? render_wrapped(r.doc, found->nodesetval, &t) : render_each(r.doc, found->nodesetval, &t);
        if (found)
                xmlXPathFreeObject(found);
        xmlXPathFreeContext(context);
        return k < 0 ? k : text_finish(&t, ret);
}
