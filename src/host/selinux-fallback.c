/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-util.h"

int selinux_facts_gather(const NumberSet *categories, SelinuxFacts *ret) {
        *ret = (SelinuxFacts) {};
        return 0;
}

int selinux_probe_context(char **ret) {
        *ret = NULL;
        return 0;
}

void selinux_lower_sockets(bool lower) {
}

int selinux_set_exec(const char *context) {
        return -EOPNOTSUPP;
}
