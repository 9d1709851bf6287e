/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "domain-validate.h"
#include "string-util.h"

/* Labels: of the domain, and of what single devices are connected with. */

int domain_complete_seclabels(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels) {
                if (s->type == SECLABEL_UNSET && s->model)
                        s->type = SECLABEL_DYNAMIC;
                /* What a running machine got is not what the next one gets. */
                if (s->type != SECLABEL_STATIC)
                        s->label = mfree(s->label);
                s->imagelabel = mfree(s->imagelabel);
                if (s->relabel == TRI_UNSET && s->type != SECLABEL_NONE)
                        s->relabel = s->type == SECLABEL_DYNAMIC ? TRI_YES : TRI_NO;
        }
        return 0;
}

/* Whether files of this kind of label are left alone. */
static bool never_relabels(const Domain *d, const char *model) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (!s->model || !model || streq(s->model, model))
                        if (s->type == SECLABEL_NONE || s->relabel == TRI_NO)
                                return true;
        return false;
}

static void check_override(const Domain *d, const DeviceSeclabel *l, Diag *diag) {
        if (l->relabel != TRI_NO && l->label && never_relabels(d, l->model))
                (void) diag_error(diag, l->loc, "a label of its own needs relabel='yes' in the <seclabel> of the domain");
}

typedef struct SourceContext {
        const Domain *d;
        Diag *diag;
} SourceContext;

/* The console that stands for a serial port has a copy of what that port has. */
static bool is_copy(const Domain *d, const CharSource *s) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (&c->source == s)
                        return c->kind == CHAR_CONSOLE && c->target_type == TARGET_SERIAL;
        return false;
}

static int check_source(const CharSource *s, SrcLoc loc, void *userdata) {
        const SourceContext *c = userdata;

        if (is_copy(c->d, s))
                return 0;
        FOREACH_ARRAY(l, s->seclabels, s->n_seclabels) {
                if (l->relabel == TRI_NO && l->label)
                        (void) diag_error(c->diag, l->loc, "seclabel with relabel='no' has no label");
                for (const DeviceSeclabel *other = s->seclabels; other < l; other++)
                        if (streq_ptr(other->model, l->model)) {
                                (void) diag_error(c->diag, l->loc, "there are two labels of one model");
                                break;
                        }
                check_override(c->d, l, c->diag);
        }
        return 0;
}

static void check_domain_seclabel(const Domain *d, const DomainSeclabel *s, Diag *diag) {
        if (s->type == SECLABEL_STATIC && isempty(s->label))
                (void) diag_error(diag, s->loc, "seclabel of type 'static' needs a label");
        if (s->type == SECLABEL_STATIC && isempty(s->model))
                (void) diag_error(diag, s->loc, "seclabel of type 'static' needs a @model");
        else if (s->type == SECLABEL_UNSET && !s->model)
                (void) diag_error(diag, s->loc, "seclabel needs a @type or a @model");
        else if (d->n_seclabels > 1 && isempty(s->model))
                (void) diag_error(diag, s->loc, "seclabel needs a @model, as there are several");
        if (s->type == SECLABEL_DYNAMIC && s->relabel == TRI_NO)
                (void) diag_error(diag, s->loc, "seclabel of type 'dynamic' needs relabel='yes'");
        if (s->type == SECLABEL_NONE && s->relabel == TRI_YES)
                (void) diag_error(diag, s->loc, "seclabel of type 'none' relabels nothing");
        for (const DomainSeclabel *o = d->seclabels; o < s; o++)
                if (s->model && streq_ptr(o->model, s->model)) {
                        (void) diag_error(diag, s->loc, "seclabel of model '%s' is given twice", s->model);
                        break;
                }
}

void check_seclabels(const Domain *d, Diag *diag) {
        SourceContext c = { d, diag };

        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                check_domain_seclabel(d, s, diag);
        (void) domain_for_sources(d, check_source, &c);
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                for (const DiskSource *s = &disk->source; s; s = s->backing)
                        FOREACH_ARRAY(l, s->seclabels, s->n_seclabels)
                                check_override(d, l, diag);
}
