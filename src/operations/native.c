/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "host-facts.h"
#include "native.h"
#include "qemu-parse.h"
#include "string-util.h"
#include "strv.h"

/* "/tmp/demo.args" → "demo". */
static char *name_of_file(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        size_t n = strcspn(name, ".");
        _cleanup_free_ char *copy = strndup(name, n > 0 && n <= 64 ? n : 0);

        if (copy && (!*copy || !in_charset(copy, ALPHANUMERICAL "-_")))
                return strdup("unnamed");
        return TAKE_PTR(copy);
}

/* What of it would have to be changed before it could be defined: QEMU takes more than a definition may say. */
static void check(const char *xml, Diag *diag) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag own = {};

        if (domain_from_xml(xml, strlen(xml), &own, &d) >= 0 && domain_complete(d, &host_facts_generic, &own) >= 0)
                (void) domain_validate(d, &own);
        FOREACH_ARRAY(e, own.entries, own.n_entries)
                if (e->severity == DIAG_ERROR)
                        (void) diag_warning(diag, (SrcLoc) {}, "the definition would be refused: %s", e->text);
}

int definition_from_native(const char *text, size_t size, const char *source, Diag *diag, char **ret) {
        _cleanup_free_ char *name = name_of_file(source);
        _cleanup_strv_ char **env = NULL, **argv = NULL;
        _cleanup_(domain_freep) Domain *d = NULL;

        _cleanup_free_ char *xml = NULL;

        if (!name)
                return -ENOMEM;
        int r = qemu_parse_shell(text, size, diag, &env, &argv);
        if (r >= 0)
                r = qemu_parse_argv(env, argv, name, diag, &d);
        if (r >= 0)
                r = domain_to_xml(d, DOMAIN_XML_SECURE | DOMAIN_XML_INACTIVE, &xml);
        if (r < 0)
                return r;
        check(xml, diag);
        *ret = TAKE_PTR(xml);
        return 0;
}
