/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "lifecycle-actions.h"
#include "string-util.h"

void lifecycle_actions_format(const LifecycleActions *a, char ret[LIFECYCLE_ACTIONS_MAX]) {
        (void) snprintf(ret, LIFECYCLE_ACTIONS_MAX, "%s.%s.%s", strempty(lifecycle_action_to_string(a->on_poweroff)),
                        strempty(lifecycle_action_to_string(a->on_reboot)), strempty(lifecycle_action_to_string(a->on_crash)));
}

bool lifecycle_actions_parse(const char *text, LifecycleActions *ret) {
        LifecycleActions a = {};
        LifecycleAction *const list[] = { &a.on_poweroff, &a.on_reboot, &a.on_crash };

        for (size_t i = 0; i < ELEMENTSOF(list); i++) {
                _cleanup_free_ char *word = strndup(text, strcspn(text, "."));
                int v = word ? lifecycle_action_from_string(word) : -ENOMEM;
                if (v <= ACTION_UNSET)
                        return false;
                *list[i] = (LifecycleAction) v;
                text += strlen(word);
                if (*text != (i + 1 < ELEMENTSOF(list) ? '.' : 0))
                        return false;
                text += *text == '.';
        }
        *ret = a;
        return true;
}

bool lifecycle_actions_equal(const LifecycleActions *a, const LifecycleActions *b) {
        return a->on_poweroff == b->on_poweroff && a->on_reboot == b->on_reboot && a->on_crash == b->on_crash;
}

bool lifecycle_action_dumps(LifecycleAction action) {
        return action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART;
}

bool lifecycle_action_restarts(LifecycleAction action) {
        return action == ACTION_RESTART || action == ACTION_COREDUMP_RESTART;
}
