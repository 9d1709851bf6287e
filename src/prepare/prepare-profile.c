/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apparmor-profile.h"
#include "apparmor.h"
#include "prepare.h"
#include "runtime.h"
#include "string-util.h"
#include "systemd.h"

/* AppArmor: the machine's profile, which is in the kernel before systemd executes the supervisor with it. */

/* What systemd has loaded is what the supervisor will run with. */
static int check_unit(Prepare *p, const Plan *plan, sd_bus *bus) {
        _cleanup_free_ char *loaded = NULL;

        int r = systemd_get_apparmor_profile(bus, p->unit, &loaded);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot ask systemd for the unit's profile: %s", strerror(-r));
        if (streq_ptr(loaded, plan->profile))
                return 0;
        return diag_error_code(&p->diag, -ESTALE, (SrcLoc) {}, "AppArmorProfile= of unit %s is '%s', and '%s' for this definition; "
                               "run: systemctl daemon-reload", p->unit, strempty(loaded), strempty(plan->profile));
}

static int make_profile(Prepare *p, const Prepared *x, char **ret) {
        _cleanup_free_ char *text = NULL, *path = NULL, *rules = NULL, *rules_path = NULL;

        int r = apparmor_read_template("", p->name, x->facts.data_dir, &text, &path);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot read '%s': %s", strempty(path), strerror(-r));
        r = apparmor_read_rules("", p->name, &rules, &rules_path);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot read '%s': %s", strempty(rules_path), strerror(-r));
        ApparmorTemplate t = { text, path, rules, rules_path, VMUNIT_LIBEXECDIR };
        return apparmor_profile_new(x->plan, &t, &p->diag, ret);
}

/* The file is called as its profile: so the links in /etc/apparmor.d/force-complain and …/disable count. */
static int load_own(Prepare *p, const Prepared *x, int dir_fd) {
        _cleanup_free_ char *text = NULL, *message = NULL, *path = strf("%s/%s", p->runtime, x->plan->profile);
        Resource record = { .kind = RESOURCE_PROFILE, .name = x->plan->profile };

        int r = path ? make_profile(p, x, &text) : -ENOMEM;
        if (r < 0)
                return r;
        r = runtime_write(dir_fd, x->plan->profile, text, strlen(text), 0600);
        if (r >= 0)
                r = resources_add(dir_fd, &record);
        if (r >= 0)
                r = apparmor_load(path, &message);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot load the profile of AppArmor '%s': %s", path,
                                       isempty(message) ? strerror(-r) : message);
        /* What it has to say of a profile that it takes is worth a look. */
        if (!isempty(message))
                journal_log(&p->journal, LOG_NOTICE, NULL, "%s", message);
        return 0;
}

int load_profile(Prepare *p, const Prepared *x, int dir_fd, sd_bus *bus) {
        const Plan *plan = x->plan;
        bool enforced;

        int r = check_unit(p, plan, bus);
        if (r >= 0 && plan->own_profile)
                r = load_own(p, x, dir_fd);
        if (r < 0 || !plan->profile)
                return r;
        r = apparmor_find("", plan->profile, &enforced);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot find out the profiles of AppArmor: %s", strerror(-r));
        if (r > 0 && !enforced)
                journal_log(&p->journal, LOG_NOTICE, NULL, "Profile '%s' of AppArmor holds nothing back: it is in complain mode.", plan->profile);
        return r > 0 ? 0 : diag_error_code(&p->diag, -ENOENT, (SrcLoc) {}, "there is no profile '%s' of AppArmor", plan->profile);
}
