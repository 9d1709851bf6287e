/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-emit.h"
#include "string-util.h"

/* What the definition tells QEMU itself: <qemu:commandline> and its kin. */

int emit_user_args(Emit *e) {
        FOREACH_ARRAY(a, e->domain->qemu_args, e->domain->n_qemu_args)
                emit_arg(e, strempty(a->value));
        return 0;
}

bool has_compat(const Domain *d) {
        return d->qemu_deprecation != DEPRECATION_UNSET && d->qemu_deprecation != DEPRECATION_NONE;
}

int emit_compat(Emit *e) {
        QemuDeprecation what = e->domain->qemu_deprecation;
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "deprecated-output", "hide");
        if (what != DEPRECATION_OMIT)
                json_add_string(&j, "deprecated-input", qemu_deprecation_to_string(what));
        emit_json(e, "-compat", &j);
        return 0;
}

static void override_property(Json *j, const QemuProperty *p) {
        json_remove(j, p->name);
        switch (p->type) {
        case QEMU_PROPERTY_STRING:
                json_add_string(j, p->name, p->value);
                break;
        case QEMU_PROPERTY_SIGNED:
                json_add_int(j, p->name, strtoll(p->value, NULL, 10)); /* known to be a number */
                break;
        case QEMU_PROPERTY_UNSIGNED:
                json_add_uint(j, p->name, strtoull(p->value, NULL, 10));
                break;
        case QEMU_PROPERTY_BOOL:
                json_add_bool(j, p->name, streq(p->value, "true"));
                break;
        default:
                break;
        }
}

void override_device(Emit *e, Json *j) {
        _cleanup_free_ char *id = NULL;
        const char *s = json_get_string(j, "id");

        if (!s)
                return;
        id = strdup(s);
        if (!id) {
                e->failed = true;
                return;
        }
        for (size_t i = 0; i < e->domain->n_qemu_overrides; i++) {
                const QemuOverride *o = e->domain->qemu_overrides + i;
                if (!streq_ptr(o->alias, id))
                        continue;
                e->overridden[i] = true;
                FOREACH_ARRAY(p, o->properties, o->n_properties)
                        override_property(j, p);
        }
}

int check_overrides(Emit *e) {
        int r = 0;

        for (size_t i = 0; e->overridden && i < e->domain->n_qemu_overrides; i++)
                if (!e->overridden[i])
                        r = diag_error(e->diag, e->domain->qemu_overrides[i].loc,
                                       "qemu:override: there is no device with the alias '%s'",
                                       strempty(e->domain->qemu_overrides[i].alias));
        return r;
}
