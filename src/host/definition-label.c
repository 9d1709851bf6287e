/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition-label.h"
#include "definition.h"
#include "domain-xml.h"
#include "string-util.h"

int definition_static_pair(const char *name, const HostFacts *facts, CategoryPair *ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_definition_ Definition def = {};
        _cleanup_diag_ Diag diag = {};

        int r = definition_load(name, &def);
        if (r < 0)
                return r;
        if (!memmem(def.text, def.size, "seclabel", strlen("seclabel")))
                return 0;
        r = domain_from_xml(def.text, def.size, &diag, &d);
        if (r >= 0)
                r = domain_complete(d, facts, &diag);
        return r < 0 ? r : domain_static_pair(d, ret);
}

int definitions_static_pairs(const HostFacts *facts, CategoryPairs *taken) {
        _cleanup_definition_list_ DefinitionList list = {};
        _cleanup_diag_ Diag diag = {};

        int r = definition_list(&diag, &list);
        FOREACH_ARRAY(found, list.items, list.n_items) {
                CategoryPair pair;
                /* A definition with errors takes nothing. */
                int k = r < 0 ? r : definition_static_pair(found->name, facts, &pair);
                if (k > 0)
                        k = category_pairs_add(taken, pair);
                if (k == -ENOMEM)
                        return k;
        }
        return r;
}
