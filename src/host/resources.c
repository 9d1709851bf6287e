/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "file-util.h"
#include "parse-util.h"
#include "resources.h"
#include "runtime.h"
#include "string-util.h"
#include "strv.h"

#define BOOK_MAX (1U << 20)

void resources_done(Resources *r) {
        FOREACH_ARRAY(i, r->items, r->n_items)
                free(i->name);
        free(r->items);
        *r = (Resources) {};
}

static char *format(const Resource *r) {
        switch (r->kind) {
        case RESOURCE_FD:
                return strf("fd %s\n", r->name);
        case RESOURCE_TAP:
                return strf("tap %u %s\n", r->ifindex, r->name);
        case RESOURCE_INTERFACE:
                return strf("interface %u %s\n", r->ifindex, r->name);
        case RESOURCE_LIMITS:
                return strf("limits %u %s\n", r->ifindex, r->name);
        case RESOURCE_SCRIPT:
                return strf("script %u %s\n", r->ifindex, r->name);
        case RESOURCE_PORT:
                return strf("port %u %s\n", r->ifindex, r->name);
        case RESOURCE_MACHINE:
                return strf("machine %s\n", r->name);
        case RESOURCE_PROFILE:
                return strf("profile %s\n", r->name);
        case RESOURCE_SOCKET:
                return strf("socket %llu %llu %s\n", (unsigned long long) r->dev, (unsigned long long) r->ino, r->name);
        case RESOURCE_LABEL:
                return strf("label %llu %llu %s\n", (unsigned long long) r->dev, (unsigned long long) r->ino, r->name);
        case RESOURCE_ACCESS:
                return strf("access %llu %llu %u %s\n", (unsigned long long) r->dev, (unsigned long long) r->ino, r->uid, r->name);
        default:
                return NULL;
        }
}

int resources_add(int dir_fd, const Resource *r) {
        if (!r->name || strchr(r->name, '\n'))
                return -EINVAL;
        _cleanup_free_ char *line = format(r);
        if (!line)
                return -ENOMEM;
        _cleanup_close_ int fd = openat(dir_fd, RUNTIME_RESOURCES, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return write_all(fd, line, strlen(line));
}

/* Cuts a word off *P; NULL when there is none. */
static char *word(char **p) {
        char *begin = *p, *end = strchr(begin, ' ');

        if (!end)
                return NULL;
        *end = 0;
        *p = end + 1;
        return begin;
}

static ResourceKind kind_of_interface(const char *w) {
        return streq(w, "tap") ? RESOURCE_TAP : streq(w, "interface") ? RESOURCE_INTERFACE :
               streq(w, "limits") ? RESOURCE_LIMITS : streq(w, "script") ? RESOURCE_SCRIPT :
               streq(w, "port") ? RESOURCE_PORT : 0;
}

/* False when LINE is no record: torn by a crash, or not ours. */
static bool parse(char *line, Resource *ret) {
        Resource r = {};
        uint64_t dev, ino;
        char *w = word(&line);

        if (!w)
                return false;
        if (streq(w, "fd"))
                r.kind = RESOURCE_FD;
        else if (streq(w, "machine"))
                r.kind = RESOURCE_MACHINE;
        else if (streq(w, "profile"))
                r.kind = RESOURCE_PROFILE;
        else if (kind_of_interface(w)) {
                r.kind = kind_of_interface(w);
                w = word(&line);
                if (!w || parse_uint(w, &r.ifindex) < 0)
                        return false;
        } else if (streq(w, "socket") || streq(w, "label") || streq(w, "access")) {
                r.kind = streq(w, "socket") ? RESOURCE_SOCKET : streq(w, "label") ? RESOURCE_LABEL : RESOURCE_ACCESS;
                w = word(&line);
                if (!w || parse_u64(w, 10, &dev) < 0)
                        return false;
                w = word(&line);
                if (!w || parse_u64(w, 10, &ino) < 0)
                        return false;
                r.dev = (dev_t) dev;
                r.ino = (ino_t) ino;
                if (r.kind == RESOURCE_ACCESS && (!(w = word(&line)) || parse_uint(w, &r.uid) < 0))
                        return false;
        } else
                return false;
        if (!*line)
                return false;
        r.name = line;
        *ret = r;
        return true;
}

int resources_read(int dir_fd, Resources *ret) {
        _cleanup_resources_ Resources list = {};
        _cleanup_strv_ char **lines = NULL;
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(dir_fd, RUNTIME_RESOURCES, BOOK_MAX, &text, NULL);
        if (r >= 0)
                r = strv_split(text, "\n", &lines);
        if (r < 0 && r != -ENOENT)
                return r;
        STRV_FOREACH(line, lines) {
                Resource item;
                if (!parse(*line, &item))
                        continue;
                if (!ARRAY_GROW(list.items, list.n_items))
                        return -ENOMEM;
                item.name = strdup(item.name);
                if (!item.name)
                        return -ENOMEM;
                list.items[list.n_items++] = item;
        }
        *ret = list;
        list = (Resources) {};
        return 0;
}
