/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"
#include "names.h"
#include "string-util.h"
#include "strv.h"

int selinux_facts_parse(const char *s, SelinuxFacts *ret) {
        SelinuxFacts f = { .enabled = true, .enforcing = true, .has_module = true };
        const struct {
                const char *key, *without;
                char **value;
        } contexts[] = {
                { "process=", "system_u:system_r:svirt_t:s0", &f.process },
                { "process-emulated=", "system_u:system_r:svirt_prot_exec_t:s0", &f.process_emulated },
                { "image=", "system_u:object_r:svirt_image_t:s0", &f.image },
                { "content=", "system_u:object_r:virt_content_t:s0", &f.content },
        };
        _cleanup_strv_ char **words = NULL;

        int r = strv_split(s, WHITESPACE, &words);
        if (r >= 0)
                r = categories_parse("c0.c1023", &f.categories);
        FOREACH_ARRAY(c, contexts, ELEMENTSOF(contexts)) {
                const char *value = c->without;
                STRV_FOREACH(w, words)
                        value = startswith(*w, c->key) ?: value;
                if (r >= 0)
                        r = free_and_strdup(c->value, value);
        }
        STRV_FOREACH(w, words) {
                const char *categories = startswith(*w, "categories=");
                f.enforcing &= !streq(*w, "permissive");
                f.has_module &= !streq(*w, "no-module");
                if (r >= 0 && categories)
                        r = categories_parse(categories, &f.categories);
        }
        if (r < 0) {
                selinux_facts_done(&f);
                return r;
        }
        *ret = f;
        return 0;
}

const DomainSeclabel *domain_selinux(const Domain *d) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (!s->model || streq(s->model, "selinux"))
                        return s;
        return NULL;
}

bool domain_wants_selinux(const Domain *d, const HostFacts *f) {
        const DomainSeclabel *s = domain_selinux(d);

        return f->selinux.enabled && f->selinux.has_module && !(s && s->type == SECLABEL_NONE);
}

bool domain_needs_pair(const Domain *d, const HostFacts *f) {
        const DomainSeclabel *s = domain_selinux(d);

        return domain_wants_selinux(d, f) && !(s && s->type == SECLABEL_STATIC);
}

int domain_static_pair(const Domain *d, CategoryPair *ret) {
        const DomainSeclabel *s = domain_selinux(d);

        return s && s->type == SECLABEL_STATIC && s->label ? category_pair_of_context(s->label, ret) : 0;
}

int domain_check_selinux(const Domain *d, const HostFacts *f, Diag *diag) {
        const DomainSeclabel *s = domain_selinux(d);
        bool asked = s && s->model && s->type != SECLABEL_NONE;

        if (!f->selinux.enabled)
                return asked ? diag_error_code(diag, -ENODEV, s->loc, "<seclabel model='selinux'> needs SELinux, which this machine "
                                               "does not have, or has switched off") : 0;
        if (f->selinux.has_module || (s && s->type == SECLABEL_NONE))
                return 0;
        static const char text[] = "the policy of SELinux has no part for virtual machines of vmunit (see vmunit-security(7))";
        if (f->selinux.enforcing)
                return diag_error_code(diag, -ENODEV, s ? s->loc : (SrcLoc) {}, "%s", text);
        return diag_warning(diag, s ? s->loc : (SrcLoc) {}, "%s; it runs without labels, as SELinux is permissive", text);
}

static DomainSeclabel *find_or_add(Domain *d, const char *model) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (streq_ptr(s->model, model) || (!s->model && !streq(model, "dac")))
                        return s;
        if (!ARRAY_GROW(d->seclabels, d->n_seclabels))
                return NULL;
        /* SELinux and AppArmor go before the user, as libvirt has it. */
        size_t at = streq(model, "dac") ? d->n_seclabels : 0;
        memmove(d->seclabels + at + 1, d->seclabels + at, (d->n_seclabels - at) * sizeof(DomainSeclabel));
        d->n_seclabels++;
        DomainSeclabel *s = d->seclabels + at;
        *s = (DomainSeclabel) { .type = SECLABEL_DYNAMIC, .relabel = TRI_YES };
        return s;
}

static int complete_label(DomainSeclabel *s, const char *model) {
        if (s->type == SECLABEL_UNSET)
                s->type = SECLABEL_DYNAMIC;
        if (s->relabel == TRI_UNSET)
                s->relabel = s->type == SECLABEL_DYNAMIC ? TRI_YES : TRI_NO;
        return s->model ? 0 : free_and_strdup(&s->model, model);
}

static int wrong(const char *what, const char *context, SrcLoc loc, int r, Diag *diag) {
        return r == -EINVAL ? diag_error(diag, loc, "%s: '%s' is not a context of SELinux (user:role:type:level)", what, context) : r;
}

static int image_context(const HostFacts *f, const char *process, char **ret) {
        _cleanup_selinux_context_ SelinuxContext c = {};

        int r = selinux_context_parse(process, &c);
        return r < 0 ? r : selinux_context_with_level(f->selinux.image, c.level, ret);
}

/* Of a base label counts the type; user and role are always those of virtual machines. */
static int dynamic_context(const HostFacts *f, const Domain *d, const DomainSeclabel *s, CategoryPair pair, char **ret) {
        _cleanup_selinux_context_ SelinuxContext process = {}, base = {};
        char categories[CATEGORY_PAIR_MAX];

        int r = selinux_context_parse(d->type == DOMAIN_KVM ? f->selinux.process : f->selinux.process_emulated, &process);
        if (r >= 0 && s->baselabel && (r = selinux_context_parse(s->baselabel, &base)) >= 0)
                r = free_and_strdup(&process.type, base.type);
        if (r < 0)
                return r;
        category_pair_format(pair, categories);
        _cleanup_free_ char *level = strf("s0:%s", categories);
        if (!level || free_and_strdup(&process.level, level) < 0)
                return -ENOMEM;
        *ret = selinux_context_format(&process);
        return *ret ? 0 : -ENOMEM;
}

int domain_set_selinux(Domain *d, const HostFacts *f, CategoryPair pair, Diag *diag) {
        _cleanup_free_ char *label = NULL;

        if (!domain_wants_selinux(d, f))
                return 0;
        DomainSeclabel *s = find_or_add(d, "selinux");
        int r = s ? complete_label(s, "selinux") : -ENOMEM;
        if (r < 0)
                return r;
        if (s->type == SECLABEL_DYNAMIC) {
                r = dynamic_context(f, d, s, pair, &label);
                if (r < 0)
                        return wrong("baselabel", strempty(s->baselabel), s->loc, r, diag);
                free(s->label);
                s->label = TAKE_PTR(label);
        }
        s->imagelabel = mfree(s->imagelabel);
        r = image_context(f, strempty(s->label), &s->imagelabel);
        return r < 0 ? wrong("label", strempty(s->label), s->loc, r, diag) : 0;
}

void domain_forget_selinux(Domain *d) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels) {
                if (!streq_ptr(s->model, "selinux") || s->type == SECLABEL_STATIC)
                        continue;
                s->label = mfree(s->label);
                s->imagelabel = mfree(s->imagelabel);
        }
}

/* --- AppArmor --- */

void apparmor_facts_parse(const char *s, ApparmorFacts *ret) {
        *ret = (ApparmorFacts) { .enabled = true, .has_parser = !strstr(s, "no-parser") };
}

const DomainSeclabel *domain_apparmor(const Domain *d) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (streq_ptr(s->model, "apparmor"))
                        return s;
        return NULL;
}

/* The one that speaks of it, also without saying so. */
static const DomainSeclabel *meant_for_apparmor(const Domain *d, const HostFacts *f) {
        const DomainSeclabel *s = domain_apparmor(d);

        if (!s && f->apparmor.enabled && !f->selinux.enabled)
                FOREACH_ARRAY(i, d->seclabels, d->n_seclabels)
                        if (!i->model)
                                return i;
        return s;
}

/* A profile of the administrator's own needs no parser. */
static bool can_have_profile(const HostFacts *f, const DomainSeclabel *s) {
        return f->apparmor.enabled && (f->apparmor.has_parser || (s && s->type == SECLABEL_STATIC));
}

/* The kernel has one of the two. */
bool domain_wants_apparmor(const Domain *d, const HostFacts *f) {
        const DomainSeclabel *s = meant_for_apparmor(d, f);

        return can_have_profile(f, s) && (s ? s->type != SECLABEL_NONE : !f->selinux.enabled);
}

const char *domain_apparmor_profile(const Domain *d, const HostFacts *f) {
        const DomainSeclabel *s = domain_apparmor(d);

        return s && s->type != SECLABEL_NONE && can_have_profile(f, s) ? s->label : NULL;
}

int domain_check_apparmor(const Domain *d, const HostFacts *f, Diag *diag) {
        const DomainSeclabel *s = meant_for_apparmor(d, f);
        SrcLoc loc = s ? s->loc : (SrcLoc) {};
        bool asked = s && s->model && s->type != SECLABEL_NONE;

        if (!f->apparmor.enabled)
                return asked ? diag_error_code(diag, -ENODEV, loc, "<seclabel model='apparmor'> needs AppArmor, which this machine "
                                               "does not have, or has switched off") : 0;
        if (can_have_profile(f, s) || (s && s->type == SECLABEL_NONE))
                return 0;
        static const char text[] = "AppArmor's profiles need apparmor_parser, which is not installed";
        return asked ? diag_error_code(diag, -ENODEV, loc, "%s", text) : diag_warning(diag, loc, "%s; it runs without one", text);
}

/* What systemd and the kernel take for a name, and nothing else: no "-" in front, no "//", no "&". */
static bool is_profile_name(const char *s) {
        return !isempty(s) && strlen(s) < 256 && *s != '-' && in_charset(s, ALPHANUMERICAL "_.+:/-") && !strstr(s, "//");
}

int domain_set_apparmor(Domain *d, const HostFacts *f, Diag *diag) {
        if (!domain_wants_apparmor(d, f))
                return 0;
        DomainSeclabel *s = find_or_add(d, "apparmor");
        int r = s ? complete_label(s, "apparmor") : -ENOMEM;
        if (r < 0)
                return r;
        if (s->baselabel)
                return diag_error(diag, s->loc, "baselabel: AppArmor has no base labels");
        if (s->type == SECLABEL_STATIC) {
                if (!is_profile_name(strempty(s->label)))
                        return diag_error(diag, s->loc, "label: '%s' is not the name of a profile of AppArmor", strempty(s->label));
        } else {
                free(s->label);
                s->label = vm_profile(d->name);
                if (!s->label)
                        return -ENOMEM;
        }
        return free_and_strdup(&s->imagelabel, s->label);
}

int domain_set_labels(Domain *d, const HostFacts *f, CategoryPair pair, Diag *diag) {
        int r = domain_set_apparmor(d, f, diag);

        return r < 0 ? r : domain_set_selinux(d, f, pair, diag);
}

int domain_set_dac(Domain *d, uint32_t uid, uint32_t gid) {
        DomainSeclabel *s = find_or_add(d, "dac");

        int r = s ? complete_label(s, "dac") : -ENOMEM;
        if (r < 0 || s->type == SECLABEL_NONE)
                return r;
        _cleanup_free_ char *label = strf("+%u:+%u", uid, gid);
        if (!label)
                return -ENOMEM;
        if (s->type == SECLABEL_DYNAMIC && (r = free_and_strdup(&s->label, label)) < 0)
                return r;
        return free_and_strdup(&s->imagelabel, s->label);
}

int domain_supervisor_context(const Domain *d, const HostFacts *f, char **ret) {
        _cleanup_selinux_context_ SelinuxContext process = {}, c = {};
        const DomainSeclabel *s = domain_selinux(d);

        *ret = NULL;
        if (!domain_wants_selinux(d, f) || !s || !s->label)
                return 0;
        int r = selinux_context_parse(s->label, &c);
        if (r >= 0)
                r = selinux_context_parse(f->selinux.process, &process);
        if (r >= 0)
                r = free_and_strdup(&process.type, SUPERVISOR_TYPE);
        if (r >= 0)
                r = free_and_strdup(&process.level, c.level);
        if (r < 0)
                return r;
        *ret = selinux_context_format(&process);
        return *ret ? 0 : -ENOMEM;
}

/* --- users --- */

/* "+107" is a number, "107" may be a name as well. */
static int parse_owner(const char *s, size_t n, char **ret) {
        if (n > 0 && *s == '+') {
                if (n == 1 || strspn(s + 1, DIGITS) < n - 1)
                        return -EINVAL;
                s++;
                n--;
        }
        if (n == 0 || n > 31 || strspn(s, ALPHANUMERICAL "_.-") < n || *s == '-')
                return -EINVAL;
        *ret = strndup(s, n);
        return *ret ? 0 : -ENOMEM;
}

int domain_static_user(const Domain *d, const HostFacts *f, char **ret_user, char **ret_group) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels) {
                _cleanup_free_ char *user = NULL, *group = NULL;
                if (!streq_ptr(s->model, "dac") || s->type != SECLABEL_STATIC || !s->label)
                        continue;
                size_t n = strcspn(s->label, ":");
                int r = s->label[n] ? parse_owner(s->label, n, &user) : -EINVAL;
                if (r >= 0)
                        r = parse_owner(s->label + n + 1, strlen(s->label + n + 1), &group);
                if (r < 0)
                        return r;
                *ret_user = TAKE_PTR(user);
                *ret_group = TAKE_PTR(group);
                return 1;
        }
        if (!f->user)
                return 0;
        int r = free_and_strdup(ret_user, f->user);
        if (r >= 0)
                r = free_and_strdup(ret_group, f->group ?: f->user);
        return r < 0 ? r : 1;
}
