/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "disk-chain.h"
#include "domain-xml.h"
#include "host-probe.h"
#include "names.h"
#include "prepare.h"
#include "qemu-domain.h"
#include "qemu-probe.h"
#include "string-util.h"

void prepared_done(Prepared *x) {
        domain_free(x->domain);
        host_facts_done(&x->facts);
        plan_free(x->plan);
        *x = (Prepared) {};
}

/* The definition's text, if it is what systemd has loaded: otherwise the unit would run with the protection
 * and the limits of another one. */
static int load(Prepare *p, Definition *d) {
        const char *source = getenv("VMUNIT_SOURCE");

        int r = p->transient ? definition_load_transient(p->name, d) : definition_load(p->name, d);
        if (r == -ENOENT)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "there is no definition of '%s'", p->name);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "definition '%s' cannot be used: %s", strempty(d->path),
                                       definition_error(r));
        r = free_and_strdup(&p->diag.file, d->path);
        if (r < 0)
                return r;
        if (!streq_ptr(p->digest, d->digest) || !streq_ptr(source, d->path))
                return diag_error_code(&p->diag, -ESTALE, (SrcLoc) {},
                                       "definition changed on disk, run: systemctl daemon-reload");
        return 0;
}

static int parse(Prepare *p, const Definition *text, const HostFacts *facts, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = domain_from_xml(text->text, text->size, &p->diag, &d);
        if (r >= 0)
                r = domain_complete(d, facts, &p->diag);
        if (r >= 0)
                r = domain_validate(d, &p->diag);
        if (r < 0)
                return r;
        if (!streq_ptr(d->name, p->name))
                return diag_error(&p->diag, d->name_loc, "name '%s' does not match the file's name '%s.xml'",
                                  strempty(d->name), p->name);
        r = host_facts_check(facts, d, &p->diag);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

/* A readable file gives the password away to everybody on this machine. */
static void warn_secret(Prepare *p, const Definition *text, const Domain *d) {
        if (!text->world_readable)
                return;
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->password) {
                        journal_log(&p->journal, LOG_WARNING, MESSAGE_ID_DEFINITION_SECRET,
                                    "%s: warning: the definition holds a password and can be read by everybody; "
                                    "run: chmod 0600 '%s'", text->path, text->path);
                        return;
                }
}

/* What the emulator and the machine add. */
static int complete(Prepare *p, const Definition *text, Prepared *x) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const char *emulator = x->domain->emulator ?: arch_default_emulator(x->domain->os.arch ?: x->facts.arch);

        if (!emulator)
                return diag_error(&p->diag, x->domain->os.loc, "there is no emulator for this architecture");
        int r = qemu_caps_get(emulator, &p->diag, &caps);
        if (r >= 0)
                r = qemu_domain_complete(x->domain, caps, &x->facts, &p->diag);
        if (r >= 0)
                r = disk_chains_resolve(x->domain, &p->diag, &x->facts);
        return r < 0 ? r : plan_new(x->domain, caps, &x->facts, text->digest, text->path, &p->diag, &x->plan);
}

/* What a plan does not know by itself: which unit carries it out. */
static int adopt(Prepare *p, UnitProperties *properties, Plan *plan) {
        if (free_and_strdup(&plan->unit, p->unit) < 0)
                return -ENOMEM;
        unit_properties_done(&plan->properties);
        plan->properties = *properties;
        *properties = (UnitProperties) {};
        return 0;
}

int prepare_plan(Prepare *p, Prepared *ret) {
        _cleanup_(unit_properties_done) UnitProperties properties = {};
        _cleanup_(prepared_done) Prepared x = {};
        _cleanup_definition_ Definition text = {};

        int r = load(p, &text);
        if (r < 0)
                return r;
        r = host_facts_gather(&x.facts);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot find out what machine this is: %s", strerror(-r));
        r = parse(p, &text, &x.facts, &x.domain);
        if (r < 0)
                return r;
        warn_secret(p, &text, x.domain);
        /* Now, from the very state of the domain that the generator has seen. */
        r = unit_properties_new(x.domain, &x.facts, text.digest, text.path, &p->diag, &properties);
        if (r >= 0)
                r = complete(p, &text, &x);
        if (r >= 0)
                r = adopt(p, &properties, x.plan);
        if (r < 0)
                return r;
        *ret = x;
        x = (Prepared) {};
        return 0;
}
