/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-util.h"

bool host_has_selinux(void) {
        return false;
}
