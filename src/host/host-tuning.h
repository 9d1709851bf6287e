/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmunit-config.h"

/* What vmunit.conf says of the kernel's settings, and what they are. ROOT_FD is the directory "/", another one in tests. */

typedef struct HostSetting {
        char *name;   /* owned: "HaltPollNs", "HugePages 2M@1" */
        char *path;   /* owned: "/sys/…" */
        char *wanted; /* owned, in the words of vmunit.conf; NULL: nothing is said of it */
        char *actual; /* owned, in the same words; NULL: it cannot be read */
        int error;    /* negative errno: why */
} HostSetting;

typedef struct HostSettings {
        HostSetting *items; /* owned */
        size_t n_items;
} HostSettings;

void host_settings_done(HostSettings *s);
#define _cleanup_host_settings_ _cleanup_(host_settings_done)

static inline bool host_setting_differs(const HostSetting *s) {
        return s->wanted && (!s->actual || strcmp(s->wanted, s->actual) != 0);
}

/* All settings that vmunit.conf could change, and the pools of huge pages that there are; and what C asks for and is not
 * there. 0 or -ENOMEM. */
int host_settings_read(int root_fd, const Config *c, HostSettings *ret);

/* Writes what C asks for, in the order of the table, and reads it again: a value the kernel takes and does not keep is an
 * error, too. Each problem goes into DIAG with the file's name, and the next setting is tried. 0 or the first negative
 * errno. */
int host_tuning_apply(int root_fd, const Config *c, Diag *diag);
