/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"

/* <on_poweroff>, <on_reboot> and <on_crash> together; as one word, which vmunit, a monitor and the next one pass on, they are
 * "destroy.restart.preserve". */
typedef struct LifecycleActions {
        LifecycleAction on_poweroff, on_reboot, on_crash;
} LifecycleActions;

#define LIFECYCLE_ACTIONS_MAX 64U
void lifecycle_actions_format(const LifecycleActions *a, char ret[LIFECYCLE_ACTIONS_MAX]);
/* False when it is nothing of that kind. */
bool lifecycle_actions_parse(const char *text, LifecycleActions *ret);
/* Whether the guest's memory is to be kept, and whether it is to be started again, when ACTION is what becomes of it. */
bool lifecycle_action_dumps(LifecycleAction action) _const_;
bool lifecycle_action_restarts(LifecycleAction action) _const_;
bool lifecycle_actions_equal(const LifecycleActions *a, const LifecycleActions *b) _pure_;
