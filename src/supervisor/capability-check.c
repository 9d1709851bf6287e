/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cap-ng.h>

#include "capability-check.h"
#include "log.h"
#include "string-util.h"

#define CAPABILITY_MAX 63

static const struct {
        capng_type_t type;
        const char *name;
} sets[] = {
        { CAPNG_BOUNDING_SET, "bounding" }, { CAPNG_INHERITABLE, "inheritable" }, { CAPNG_PERMITTED, "permitted" },
        { CAPNG_EFFECTIVE, "effective" },   { CAPNG_AMBIENT, "ambient" },
};

int capabilities_check(uint64_t allowed, const char *what) {
        capng_clear(CAPNG_SELECT_ALL);
        if (capng_get_caps_process() < 0)
                return log_error_errno(-EIO, "cannot read the capabilities %s would have", what);
        for (unsigned c = 0; c <= CAPABILITY_MAX; c++) {
                if (allowed >> c & 1 || !capng_capability_to_name(c))
                        continue;
                for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                        if (capng_have_capability(sets[i].type, c) == 1) {
                                log_error("%s would have the capability %s in its %s set", what, capng_capability_to_name(c),
                                          sets[i].name);
                                return -EPERM;
                        }
        }
        return 0;
}

int capabilities_drop(void) {
        capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
        return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}

int capability_from_string(const char *name) {
        int c = capng_name_to_capability(name);
        return c < 0 || c > CAPABILITY_MAX ? -EINVAL : c;
}
