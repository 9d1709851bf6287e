/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <selinux/selinux.h>

#include "selinux-util.h"

bool host_has_selinux(void) {
        return is_selinux_enabled() > 0;
}
