/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* selinux.c with libselinux, selinux-fallback.c without. */
bool host_has_selinux(void);
