/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <grp.h>
#include <pwd.h>

#include "parse-util.h"
#include "users.h"

int host_find_user(const char *user, uid_t *ret) {
        unsigned n;

        errno = 0;
        const struct passwd *p = parse_uint(user, &n) >= 0 ? getpwuid((uid_t) n) : getpwnam(user);
        if (!p)
                return errno > 0 && errno != ENOENT ? -errno : -ESRCH;
        *ret = p->pw_uid;
        return 0;
}

int host_find_group(const char *group, gid_t *ret) {
        unsigned n;

        errno = 0;
        const struct group *g = parse_uint(group, &n) >= 0 ? getgrgid((gid_t) n) : getgrnam(group);
        if (!g)
                return errno > 0 && errno != ENOENT ? -errno : -ESRCH;
        *ret = g->gr_gid;
        return 0;
}
