/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain-record.h"
#include "config-file.h"
#include "definition.h"
#include "disk-chain.h"
#include "domain-xml.h"
#include "host-probe.h"
#include "host-resources.h"
#include "names.h"
#include "places-record.h"
#include "plan-complete.h"
#include "prepare.h"
#include "qemu-pages.h"
#include "qemu-probe.h"
#include "scope.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "unit-host.h"
#include "usb-device.h"
#include "vsock.h"

void prepared_done(Prepared *x) {
        domain_free(x->domain);
        host_facts_done(&x->facts);
        plan_free(x->plan);
        unit_properties_done(&x->placed);
        definition_done(&x->text);
        *x = (Prepared) {};
}

/* Is it what systemd has loaded? Otherwise the unit would run with the protection and the limits of another
 * definition. */
static bool is_loaded(const Prepare *p, const Definition *d) {
        return streq_ptr(p->digest, d->digest) && streq_ptr(getenv("VMUNIT_SOURCE"), d->path);
}

/* What the VM ran with before an automatic restart, if it is what systemd has loaded: 1, else 0. */
static int take_kept(Prepare *p, Definition *d) {
        const char *source = getenv("VMUNIT_SOURCE");
        char digest[33];

        if (!p->kept || !source)
                return 0;
        digest_hex(p->kept, p->kept_size, digest);
        if (!streq_ptr(p->digest, digest))
                return 0;
        int r = free_and_strdup(&d->path, source);
        if (r < 0)
                return r;
        free(d->text);
        d->text = TAKE_PTR(p->kept);
        d->size = p->kept_size;
        memcpy(d->digest, digest, sizeof(digest));
        p->goes_on = true;
        journal_log(&p->journal, LOG_WARNING, NULL,
                    "%s changed on disk; restarted as it was loaded, run: %s", source, vm_reload_command());
        return 1;
}

static int load(Prepare *p, Definition *d) {
        int r = p->transient ? definition_load_transient(p->name, d) : definition_load(p->name, d);
        if (r != -ENOMEM && (r < 0 || !is_loaded(p, d))) {
                int k = take_kept(p, d);
                if (k != 0)
                        r = MIN(k, 0);
        }
        if (r == -ENOENT)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "there is no definition of '%s'", p->name);
        if (r == -ENOMEM)
                return r;
        int k = free_and_strdup(&p->diag.file, d->path);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "%s", definition_error(r));
        return k < 0 || p->goes_on || p->transient ? k : definition_check_owner(d->path, &p->diag);
}

static int check_loaded(Prepare *p, const Definition *d) {
        return is_loaded(p, d) ? 0 :
                diag_error_code(&p->diag, -ESTALE, (SrcLoc) {}, "definition changed on disk, run: %s", vm_reload_command());
}

static int parse(Prepare *p, const Definition *text, const HostFacts *facts, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = domain_from_xml(text->text, text->size, &p->diag, &d);
        if (r >= 0 && !p->transient)
                r = places_record_load(p->name, d, &p->diag);
        if (r >= 0)
                r = domain_complete(d, facts, &p->diag);
        if (r >= 0)
                r = domain_validate(d, &p->diag);
        if (r >= 0 && facts->session)
                r = domain_check_session(d, &p->diag);
        if (r >= 0)
                r = vm_name_check(strempty(d->name), d->name_loc, &p->diag);
        if (r < 0)
                return r;
        if (!streq_ptr(d->name, p->name))
                return diag_error(&p->diag, d->name_loc, "name '%s' does not match the file's name '%s.xml'",
                                  strempty(d->name), p->name);
        *ret = TAKE_PTR(d);
        return 0;
}

/* A readable file gives the password away to everybody on this machine. */
static void warn_secret(Prepare *p, const Definition *text, const Domain *d) {
        if (text->world_readable && domain_holds_secret(d))
                journal_log(&p->journal, LOG_WARNING, MESSAGE_ID_DEFINITION_SECRET,
                            "%s: warning: the definition holds a password and can be read by everybody; "
                            "run: chmod 0600 '%s'", text->path, text->path);
}

/* A transient VM has no last start. */
static int check_chains(Prepare *p, const Prepared *x) {
        if (p->transient)
                return 0;
        _cleanup_free_ char *dir = vm_state_path(p->name, NULL);
        return dir ? chain_record_check(dir, x->facts.chains, x->facts.n_chains, &p->diag) : -ENOMEM;
}

/* Says which nodes were chosen for placement='auto'. */
static int place(Prepare *p, Prepared *x) {
        NumberSet nodes;

        if (x->facts.lenient)
                domain_forget_absent(x->domain, &x->facts.resources);
        if (!domain_place(x->domain, &x->facts.resources, &nodes))
                return 0;
        _cleanup_free_ char *list = number_set_format(&nodes);
        if (!list)
                return -ENOMEM;
        journal_log(&p->journal, LOG_INFO, NULL, "%s is placed on NUMA node%s %s of this machine.", p->name,
                    number_set_count(&nodes) > 1 ? "s" : "", list);
        return 0;
}

/* A guest that goes on from where it was saved has the machine that it had then; its unit is the definition's. */
static int use_saved(Prepare *p, Prepared *x) {
        Definition text = { .text = p->saved.xml, .size = (size_t) p->saved.header.xml_size };
        _cleanup_(domain_freep) Domain *d = NULL;

        if (!p->saved.xml)
                return 0;
        int r = parse(p, &text, &x->facts, &d);
        if (r < 0)
                return r;
        if (memcmp(d->uuid, x->domain->uuid, sizeof(d->uuid)) != 0)
                return diag_error(&p->diag, (SrcLoc) {}, "what was saved is of another machine: its UUID is not that of '%s'", p->name);
        /* Labels are the unit's matter; so is who looks after it when the host goes down. */
        domain_take_seclabels(d, x->domain);
        d->host_shutdown = x->domain->host_shutdown;
        domain_free(x->domain);
        x->domain = TAKE_PTR(d);
        return domain_set_selinux(x->domain, &x->facts, x->pair, &p->diag);
}

/* The credentials of this start; they win over those of the definition. */
static int add_credentials(Prepare *p, Domain *d) {
        STRV_FOREACH(i, p->credentials) {
                size_t n = strcspn(*i, "=");
                DomainCredential new = { .name = strndup(*i, n), .value = (*i)[n] ? strdup(*i + n + 1) : NULL };
                DomainCredential *c = NULL;

                FOREACH_ARRAY(k, d->credentials, d->n_credentials)
                        if (new.name && streq_ptr(k->name, new.name))
                                c = k;
                bool valid = credential_name_is_valid(new.name) && new.value && strlen(new.value) <= CREDENTIAL_VALUE_MAX;
                if (!valid || (!c && (d->n_credentials >= CREDENTIALS_MAX || !ARRAY_GROW(d->credentials, d->n_credentials)))) {
                        credential_done(&new);
                        return diag_error(&p->diag, (SrcLoc) {}, "the credentials of this start cannot be used");
                }
                if (c)
                        credential_done(c);
                else
                        c = &d->credentials[d->n_credentials++];
                *c = new;
        }
        return 0;
}

/* The guest is told the port, as a credential. */
static int listen_for_guest(Prepare *p, Domain *d) {
        if (d->ready.when != READY_VSOCK_NOTIFY)
                return 0;
        int r = domain_check_notify_credential(d, &p->diag);
        if (r < 0)
                return r;
        p->notify_fd = vsock_listen(&d->ready.port);
        return p->notify_fd >= 0 ? 0 :
                diag_error_code(&p->diag, p->notify_fd, d->ready.loc, "ready: cannot listen for the guest by vsock: %s", strerror(-p->notify_fd));
}

/* Before the plan, since the address is in QEMU's arguments. */
static int claim_vsock(Prepare *p, Prepared *x) {
        if (x->domain->n_vsocks == 0)
                return 0;
        p->vsock_fd = vsock_open(x->domain->vsocks, &p->diag); /* there is one at most */
        return p->vsock_fd < 0 ? p->vsock_fd : listen_for_guest(p, x->domain);
}

/* What the emulator and the machine add. */
static int complete(Prepare *p, Prepared *x) {
        const char *text = p->saved.xml ?: x->text.text;
        size_t size = p->saved.xml ? (size_t) p->saved.header.xml_size : x->text.size;
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        const char *emulator = x->domain->emulator ?: arch_default_emulator(x->domain->os.arch ?: x->facts.arch);

        if (!emulator)
                return diag_error(&p->diag, x->domain->os.loc, "there is no emulator for this architecture");
        int r = qemu_caps_get(emulator, &p->diag, &caps);
        if (r >= 0)
                r = plan_complete_domain(&x->domain, text, size, caps, &x->facts, &p->diag);
        if (r >= 0) /* it may be another one */
                r = domain_set_labels(x->domain, &x->facts, x->pair, &p->diag);
        if (r >= 0)
                r = make_cloud_init(p, x->domain);
        if (r >= 0)
                r = disk_chains_resolve(x->domain, &p->diag, &x->facts);
        if (r >= 0)
                r = usb_devices_resolve("", x->domain, &p->diag);
        if (r >= 0)
                r = check_chains(p, x);
        if (r >= 0)
                r = place(p, x);
        if (r >= 0)
                r = qemu_check_huge_pages(x->domain, &x->facts, &p->diag);
        if (r >= 0)
                r = add_credentials(p, x->domain);
        if (r >= 0)
                r = claim_vsock(p, x);
        if (r >= 0)
                r = plan_new(x->domain, caps, &x->facts, x->text.digest, x->text.path, &p->diag, &x->plan);
        return r >= 0 && p->saved.xml ? plan_restore(x->plan, &p->saved.header) : r;
}

/* The cgroup settings of the plan that are not the definition's. A transient unit has been given a quota without what
 * is behind its point (see unit_overrides_mend_quota()), so it gets that once more. */
static int find_placed(Prepare *p, const UnitProperties *definition, const Plan *plan, UnitProperties *ret) {
        FOREACH_ARRAY(i, plan->properties.items, plan->properties.n_items) {
                bool again = p->transient && i->kind == UNIT_CPU_QUOTA;
                const UnitProperty *asked = unit_properties_find(definition, i->name);
                if (!i->live || (!again && asked && strv_equal(i->values, asked->values)))
                        continue;
                int r = unit_properties_add(ret, i->section, i->name, i->values);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What a plan does not know by itself: which unit carries it out, and what systemd has loaded for it. */
static int adopt(Prepare *p, UnitProperties *properties, Prepared *x) {
        Plan *plan = x->plan;

        if (free_and_strdup(&plan->unit, p->unit) < 0 || find_placed(p, properties, plan, &x->placed) < 0)
                return -ENOMEM;
        unit_properties_done(&plan->properties);
        plan->properties = *properties;
        *properties = (UnitProperties) {};
        return 0;
}

static int check_facts(const Domain *d, const HostFacts *f, Diag *diag) {
        return host_facts_check(f, d, diag);
}

static int check_devices(const Domain *d, const HostFacts *f, Diag *diag) {
        return host_check_block_devices(d, f->lenient, diag);
}

/* All that is missing is said at once. */
static int check_machine(Prepare *p, Prepared *x) {
        int (*const checks[])(const Domain *d, const HostFacts *f, Diag *diag) = {
                check_facts, domain_check_selinux, domain_check_apparmor, domain_check_resources, check_devices,
        };
        int ret = domain_wants_resources(x->domain) ? host_resources_gather("", &x->facts.resources) : 0;

        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                int r = checks[i](x->domain, &x->facts, &p->diag);
                ret = ret < 0 ? ret : r;
        }
        return ret;
}

/* vmunit.conf: a line nobody can read could have been one that protects. */
static int load_config(Prepare *p, Config *ret) {
        _cleanup_diag_ Diag diag = {};

        int r = config_load(ret, &diag);
        bool refused = r < 0 && (ret->wrong & CONFIG_FOR_START);
        FOREACH_ARRAY(e, diag.entries, diag.n_entries)
                if (e->severity == DIAG_ERROR && refused)
                        (void) diag_error_code(&p->diag, r, (SrcLoc) {}, "%s", e->text);
                else
                        journal_log(&p->journal, LOG_WARNING, NULL, "%s", e->text);
        return refused ? r : 0;
}

/* What the unit has to have. The first time with labels of nobody: only when nothing is wrong with the definition systemd
 * has loaded those that it gets. */
static int find_properties(Prepare *p, Prepared *x, UnitProperties *ret) {
        int r = domain_set_labels(x->domain, &x->facts, x->pair, &p->diag);

        return r < 0 ? r : unit_properties_new(x->domain, &x->facts, x->text.digest, x->text.path, &p->diag, ret);
}

int prepare_plan(Prepare *p, Prepared *ret) {
        _cleanup_(unit_properties_done) UnitProperties properties = {};
        _cleanup_(prepared_done) Prepared x = {};
        _cleanup_config_ Config config = {};

        int r = load_config(p, &config);
        if (r >= 0)
                r = load(p, &x.text);
        if (r < 0)
                return r;
        r = host_facts_gather(&x.facts);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot find out what machine this is: %s", strerror(-r));
        r = host_facts_configure(&x.facts, &config);
        if (r >= 0)
                r = parse(p, &x.text, &x.facts, &x.domain);
        if (r < 0)
                return r;
        /* Now, from the very state of the domain that the generator has seen. */
        r = find_properties(p, &x, &properties);
        /* Only now: the generator leaves out a definition with errors, and those are what there is to say. */
        if (r >= 0)
                r = check_loaded(p, &x.text);
        if (r >= 0)
                r = prepare_labels(p, &x);
        if (r >= 0) {
                unit_properties_done(&properties);
                r = find_properties(p, &x, &properties);
        }
        if (r >= 0)
                r = use_saved(p, &x);
        if (r >= 0)
                r = check_machine(p, &x);
        if (r < 0)
                return r;
        warn_secret(p, &x.text, x.domain);
        r = complete(p, &x);
        if (r >= 0)
                r = adopt(p, &properties, &x);
        if (r < 0)
                return r;
        *ret = x;
        x = (Prepared) {};
        return 0;
}
