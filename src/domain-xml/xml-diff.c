/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "strv.h"
#include "xml-diff.h"
#include "xml-table.h"

/* Both texts have the order of the tables, so elements of the same name stand against each other in turn. */

static const char *node_name(const xmlNode *n) {
        return (const char *) n->name;
}

static char *child_path(const char *path, const char *prefix, const char *name) {
        return strf("%s%s%s%s", path, *path ? "/" : "", prefix, name);
}

static int add_path(char ***paths, char *path) {
        _cleanup_free_ char *p = path;

        return !p ? -ENOMEM : strv_contains(*paths, p) ? 0 : strv_extend(paths, p);
}

/* What A has and B has not, or otherwise. */
static int diff_attributes(const xmlNode *a, const xmlNode *b, const char *path, char ***paths) {
        for (const xmlAttr *i = a->properties; i; i = i->next) {
                const char *name = (const char *) i->name;
                _cleanup_free_ char *x = xml_node_attribute(a, name), *y = xml_node_attribute(b, name);
                int r = streq_ptr(x, y) ? 0 : add_path(paths, child_path(path, "@", name));
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool has_sibling(const xmlNode *n, const char *name) {
        for (; n; n = xmlNextElementSibling((xmlNode *) n))
                if (streq(node_name(n), name))
                        return true;
        return false;
}

static int diff_elements(const xmlNode *a, const xmlNode *b, const char *path, char ***paths);

static int diff_children(const xmlNode *a, const xmlNode *b, const char *path, char ***paths) {
        const xmlNode *x = xmlFirstElementChild((xmlNode *) a), *y = xmlFirstElementChild((xmlNode *) b);
        int r = 0;

        while (r >= 0 && (x || y)) {
                if (x && y && streq(node_name(x), node_name(y))) {
                        _cleanup_free_ char *below = child_path(path, "", node_name(x));
                        r = below ? diff_elements(x, y, below, paths) : -ENOMEM;
                        x = xmlNextElementSibling((xmlNode *) x);
                        y = xmlNextElementSibling((xmlNode *) y);
                } else if (x && (!y || !has_sibling(y, node_name(x)))) {
                        r = add_path(paths, child_path(path, "", node_name(x)));
                        x = xmlNextElementSibling((xmlNode *) x);
                } else {
                        r = add_path(paths, child_path(path, "", node_name(y)));
                        y = xmlNextElementSibling((xmlNode *) y);
                }
        }
        return r;
}

static int diff_elements(const xmlNode *a, const xmlNode *b, const char *path, char ***paths) {
        int r = diff_attributes(a, b, path, paths);

        if (r >= 0)
                r = diff_attributes(b, a, path, paths);
        if (r >= 0 && !xmlFirstElementChild((xmlNode *) a) && !xmlFirstElementChild((xmlNode *) b)) {
                _cleanup_free_ char *x = xml_node_text(a, false), *y = xml_node_text(b, false);
                return streq(strempty(x), strempty(y)) ? 0 : add_path(paths, strdup(path));
        }
        return r < 0 ? r : diff_children(a, b, path, paths);
}

int xml_diff(const char *a, const char *b, char ***ret) {
        _cleanup_xml_reader_ XmlReader x = {}, y = {};
        _cleanup_strv_ char **paths = NULL;

        int r = xml_reader_load(&x, a, strlen(a));
        if (r >= 0)
                r = xml_reader_load(&y, b, strlen(b));
        if (r >= 0)
                r = diff_elements(xmlDocGetRootElement(x.doc), xmlDocGetRootElement(y.doc), "", &paths);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(paths);
        return 0;
}
