/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan.h"

/* The profile of AppArmor that a machine runs with: a template of the administrator's, or vmunit's own, with what the plan
 * says in it. QEMU is handed nearly all that it uses, so there is little to allow. */

/* In a template: the first becomes the profile's name, wherever it stands; the line of the second becomes the rules. */
#define APPARMOR_TEMPLATE_NAME "VMUNIT_PROFILE"
#define APPARMOR_TEMPLATE_RULES "VMUNIT_RULES"

typedef struct ApparmorTemplate {
        const char *text, *path;   /* the template, and where it is from, for messages */
        const char *rules;         /* what the administrator adds for this machine; NULL: nothing */
        const char *rules_path;
        const char *libexec_dir;   /* where the supervisor and the monitor are */
} ApparmorTemplate;

/* The text for apparmor_parser, the caller's. 0, or negative errno with the reason in DIAG. */
int apparmor_profile_new(const Plan *p, const ApparmorTemplate *t, Diag *diag, char **ret);
