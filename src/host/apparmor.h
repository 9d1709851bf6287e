/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"

/* What this machine's AppArmor is like, below a root that tests make up. */
void apparmor_facts_gather(const char *root, ApparmorFacts *ret);

/* The template for the profile of the machine NAME: the first that is there of its own, the administrator's for all, and
 * vmunit's in DATA_DIR. Both are the caller's. 0 or negative errno, with *ret_path set where one could not be read. */
int apparmor_read_template(const char *root, const char *name, const char *data_dir, char **ret, char **ret_path);
/* The rules that the administrator adds for it. *ret is NULL when there are none. */
int apparmor_read_rules(const char *root, const char *name, char **ret, char **ret_path);

/* Loads the profile in the file PATH, in place of one of the same name. 0, or negative errno with what there is to say
 * about it in *ret_message, the caller's; -EINVAL when it was refused. */
int apparmor_load(const char *path, char **ret_message);
/* Whether the kernel has a profile, and what it does not allow is refused and not only logged: 1, or 0 when it has none. */
int apparmor_find(const char *root, const char *profile, bool *ret_enforced);
/* Takes the profile away; that there is none is no error. */
int apparmor_unload(const char *profile);
