/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "file-util.h"
#include "host-tuning.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define SYSFS_MAX 65536U
#define POOLS_DIR "/sys/kernel/mm/hugepages"
#define NODES_DIR "/sys/devices/system/node"

/* --- how the kernel writes values; TEXT may be changed --- */

static char *show_plain(char *text) {
        return strdup(text);
}

/* "always [madvise] never" */
static char *show_choice(char *text) {
        char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

        return close ? strndup(open + 1, (size_t) (close - open) - 1) : strdup(text);
}

/* "f,0000000f": 32 CPUs in a word, the last one first */
static char *show_mask(char *text) {
        _cleanup_strv_ char **words = NULL;
        NumberSet set = {};

        if (strv_split(text, ",", &words) < 0)
                return NULL;
        size_t n = strv_length(words);
        for (size_t i = 0; i < n; i++) {
                uint64_t bits;
                if (parse_u64(words[n - 1 - i], 16, &bits) < 0 || bits > UINT32_MAX)
                        return strdup(text);
                for (unsigned k = 0; k < 32; k++)
                        if (bits >> k & 1)
                                number_set_add(&set, (unsigned) i * 32 + k);
        }
        return number_set_format(&set);
}

static char *write_plain(const char *wanted) {
        return strdup(wanted);
}

static char *write_mask(const char *wanted) {
        unsigned highest = 0;
        _cleanup_text_ Text t = {};
        NumberSet set;
        char *s;

        if (number_set_parse(wanted, &set) < 0)
                return NULL;
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                if (number_set_has(&set, i))
                        highest = i / 32;
        for (unsigned i = highest + 1; i-- > 0;) {
                uint32_t bits = (uint32_t) (set.bits[i / 2] >> (i % 2 * 32));
                text_appendf(&t, i == highest ? "%x" : ",%08x", bits);
        }
        return text_finish(&t, &s) < 0 ? NULL : s;
}

/* --- the settings, in the order in which they are written; pools come behind them --- */

static const struct {
        const char *key;
        const char *path;
        char *(*show)(char *text);
        char *(*write)(const char *wanted);
} rows[] = {
        { "HaltPollNs", "/sys/module/kvm/parameters/halt_poll_ns", show_plain, write_plain },
        { "KernelWorkerCPUs", "/sys/devices/virtual/workqueue/cpumask", show_mask, write_mask },
        { "TransparentHugePages", "/sys/kernel/mm/transparent_hugepage/enabled", show_choice, write_plain },
        { "TransparentHugePagesDefrag", "/sys/kernel/mm/transparent_hugepage/defrag", show_choice, write_plain },
};

static const ConfigKey *find_key(const char *name) {
        FOREACH_ARRAY(k, config_keys, n_config_keys)
                if (streq(k->name, name))
                        return k;
        return NULL;
}

/* PATH begins with "/". */
static int open_below(int root_fd, const char *path, int flags) {
        int fd = openat(root_fd, path + 1, flags | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

static int read_setting(int root_fd, const char *path, char **ret) {
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(root_fd, path + 1, SYSFS_MAX, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}

/* One write(2): the kernel takes a value as a whole. */
static int write_setting(int root_fd, const char *path, const char *value) {
        _cleanup_close_ int fd = open_below(root_fd, path, O_WRONLY | O_TRUNC);
        _cleanup_free_ char *line = strf("%s\n", value);

        if (fd < 0)
                return fd;
        if (!line)
                return -ENOMEM;
        ssize_t n = write(fd, line, strlen(line));
        return n < 0 ? -errno : 0;
}

static int show_setting(int root_fd, const char *path, char *(*show)(char *text), char **ret) {
        _cleanup_free_ char *text = NULL;

        int r = read_setting(root_fd, path, &text);
        if (r < 0)
                return r;
        *ret = show(text);
        return *ret ? 0 : -ENOMEM;
}

/* --- pools of huge pages --- */

static char *pool_path(uint64_t size, int node, const char *file) {
        unsigned long long kib = size / 1024;

        return node == WHOLE_MACHINE ? strf(POOLS_DIR "/hugepages-%llukB/%s", kib, file) :
                strf(NODES_DIR "/node%d/hugepages/hugepages-%llukB/%s", node, kib, file);
}

static char *pool_name(uint64_t size, int node) {
        _cleanup_free_ char *s = config_format_size(size);

        return !s ? NULL : node == WHOLE_MACHINE ? strf("HugePages %s", s) : strf("HugePages %s@%d", s, node);
}

static const HugePagePool *find_pool(const Config *c, uint64_t size, int node) {
        FOREACH_ARRAY(p, c->pools, c->n_pools)
                if (p->size == size && p->node == node)
                        return p;
        return NULL;
}

/* Why a pool has no file. */
static char *why_no_pool(int root_fd, const HugePagePool *p, int error) {
        _cleanup_free_ char *size = config_format_size(p->size);
        _cleanup_free_ char *node = strf(NODES_DIR "/node%d", p->node);

        if (error != -ENOENT || !size || !node)
                return strdup("");
        if (p->node != WHOLE_MACHINE && faccessat(root_fd, node + 1, F_OK, 0) < 0)
                return strf(": this machine has no NUMA node %d", p->node);
        return strf(": this machine has no huge pages of %s", size);
}

static int read_pool(int root_fd, const char *path, unsigned *ret) {
        _cleanup_free_ char *text = NULL;
        int r = read_setting(root_fd, path, &text);

        return r < 0 ? r : parse_uint(text, ret);
}

static int apply_pool(int root_fd, const HugePagePool *p, Diag *diag) {
        _cleanup_free_ char *path = pool_path(p->size, p->node, "nr_hugepages"), *count = strf("%u", p->count),
                            *size = config_format_size(p->size);
        unsigned n = 0;

        if (!path || !count || !size)
                return -ENOMEM;
        int r = write_setting(root_fd, path, count);
        if (r < 0) {
                _cleanup_free_ char *why = why_no_pool(root_fd, p, r);
                return diag_error_code(diag, r, (SrcLoc) {}, "HugePages: cannot write %u to '%s': %s%s", p->count, path,
                                       strerror(-r), strempty(why));
        }
        r = read_pool(root_fd, path, &n);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "HugePages: cannot read '%s': %s", path, strerror(-r));
        if (n < p->count)
                return diag_error_code(diag, -ENOMEM, (SrcLoc) {}, "HugePages: '%s': there are %u pages of %s and not %u: no more "
                                       "memory could be had in pieces of that size", path, n, size, p->count);
        if (n > p->count)
                return diag_error_code(diag, -EBUSY, (SrcLoc) {}, "HugePages: '%s': there are %u pages of %s and not %u: the others "
                                       "are in use", path, n, size, p->count);
        return 0;
}

/* First the pools that shrink: what they give back the others can take. */
static int apply_pools(int root_fd, const Config *c, Diag *diag) {
        int ret = 0;

        for (unsigned grow = 0; grow < 2; grow++)
                FOREACH_ARRAY(p, c->pools, c->n_pools) {
                        _cleanup_free_ char *path = pool_path(p->size, p->node, "nr_hugepages");
                        unsigned n = 0;
                        if (!path)
                                return -ENOMEM;
                        /* What cannot be read is tried, and the kernel says why not. */
                        bool known = read_pool(root_fd, path, &n) >= 0;
                        if (known ? n == p->count || (n < p->count) != grow : !grow)
                                continue;
                        int r = apply_pool(root_fd, p, diag);
                        ret = ret < 0 ? ret : r;
                }
        return ret;
}

/* --- applying --- */

static int apply_row(int root_fd, size_t i, const char *wanted, Diag *diag) {
        _cleanup_free_ char *text = rows[i].write(wanted), *actual = NULL;

        if (!text)
                return -ENOMEM;
        int r = write_setting(root_fd, rows[i].path, text);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s: cannot write '%s' to '%s': %s", rows[i].key, text, rows[i].path,
                                       strerror(-r));
        r = show_setting(root_fd, rows[i].path, rows[i].show, &actual);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s: cannot read '%s': %s", rows[i].key, rows[i].path, strerror(-r));
        if (!streq(actual, wanted))
                return diag_error(diag, (SrcLoc) {}, "%s: '%s' is now %s and not %s: the kernel does not take all of it", rows[i].key,
                                  rows[i].path, actual, wanted);
        return 0;
}

int host_tuning_apply(int root_fd, const Config *c, Diag *diag) {
        int ret = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *wanted = NULL;
                int r = config_format(c, find_key(rows[i].key), &wanted);
                if (r >= 0 && wanted)
                        r = apply_row(root_fd, i, wanted, diag);
                ret = ret < 0 ? ret : r;
        }
        int r = apply_pools(root_fd, c, diag);
        return ret < 0 ? ret : r;
}

/* --- looking --- */

void host_settings_done(HostSettings *s) {
        FOREACH_ARRAY(i, s->items, s->n_items) {
                free(i->name);
                free(i->path);
                free(i->wanted);
                free(i->actual);
        }
        free(s->items);
        *s = (HostSettings) {};
}

/* NAME, PATH and WANTED belong to the list then. */
static int add_setting(HostSettings *s, int root_fd, char *name, char *path, char *wanted, char *(*show)(char *text)) {
        HostSetting i = { .name = name, .path = path, .wanted = wanted };

        if (!name || !path || !ARRAY_GROW(s->items, s->n_items)) {
                free(name);
                free(path);
                free(wanted);
                return -ENOMEM;
        }
        i.error = show_setting(root_fd, path, show, &i.actual);
        s->items[s->n_items++] = i;
        return i.error == -ENOMEM ? -ENOMEM : 0;
}

static int add_pool(HostSettings *s, int root_fd, const Config *c, uint64_t size, int node) {
        const HugePagePool *p = find_pool(c, size, node);
        char *wanted = p ? strf("%u", p->count) : NULL;

        if (p && !wanted)
                return -ENOMEM;
        return add_setting(s, root_fd, pool_name(size, node), pool_path(size, node, "nr_hugepages"), wanted, show_plain);
}

static DIR *open_directory(int root_fd, const char *path) {
        int fd = open_below(root_fd, path, O_RDONLY | O_DIRECTORY);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (fd >= 0 && !d)
                safe_close(fd);
        return d;
}

/* The numbers in the names of a directory's entries. Large ones in LARGE, or small ones in SMALL. */
static int numbers_in(int root_fd, const char *path, const char *prefix, const char *suffix, NumberSet *small, uint64_t **large,
                      size_t *n_large) {
        DIR *d = open_directory(root_fd, path);
        int r = 0;

        for (struct dirent *e; r >= 0 && d && (e = readdir(d));) {
                const char *rest = startswith(e->d_name, prefix);
                if (!rest || !endswith(rest, suffix))
                        continue;
                _cleanup_free_ char *digits = strndup(rest, strlen(rest) - strlen(suffix));
                uint64_t n;
                if (!digits)
                        r = -ENOMEM;
                else if (parse_u64(digits, 10, &n) < 0)
                        continue;
                else if (small)
                        number_set_add(small, (unsigned) MIN(n, (uint64_t) NUMBER_SET_MAX));
                else if (!ARRAY_GROW(*large, *n_large))
                        r = -ENOMEM;
                else
                        (*large)[(*n_large)++] = n;
        }
        if (d)
                closedir(d);
        return r;
}

static int compare_sizes(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x > *y ? -1 : *x < *y;
}

/* Of each size the machine's, then the nodes'. */
static int add_pools(HostSettings *s, int root_fd, const Config *c) {
        _cleanup_free_ uint64_t *sizes = NULL;
        NumberSet nodes = {};
        size_t n_sizes = 0;

        int r = numbers_in(root_fd, POOLS_DIR, "hugepages-", "kB", NULL, &sizes, &n_sizes);
        if (r >= 0)
                r = numbers_in(root_fd, NODES_DIR, "node", "", &nodes, NULL, NULL);
        if (n_sizes > 0)
                qsort(sizes, n_sizes, sizeof(uint64_t), compare_sizes);
        for (size_t i = 0; r >= 0 && i < n_sizes; i++)
                for (int node = WHOLE_MACHINE; r >= 0 && node < (int) NUMBER_SET_MAX; node++)
                        if (node == WHOLE_MACHINE || number_set_has(&nodes, (unsigned) node))
                                r = add_pool(s, root_fd, c, sizes[i] * 1024, node);
        return r;
}

static bool has_setting(const HostSettings *s, const char *name) {
        FOREACH_ARRAY(i, s->items, s->n_items)
                if (streq(i->name, name))
                        return true;
        return false;
}

/* What was asked for and is not there. */
static int add_absent(HostSettings *s, int root_fd, const Config *c) {
        FOREACH_ARRAY(p, c->pools, c->n_pools) {
                _cleanup_free_ char *name = pool_name(p->size, p->node);
                if (!name)
                        return -ENOMEM;
                int r = has_setting(s, name) ? 0 : add_pool(s, root_fd, c, p->size, p->node);
                if (r < 0)
                        return r;
        }
        return 0;
}

int host_settings_read(int root_fd, const Config *c, HostSettings *ret) {
        _cleanup_host_settings_ HostSettings s = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++) {
                char *wanted = NULL;
                r = config_format(c, find_key(rows[i].key), &wanted);
                if (r >= 0)
                        r = add_setting(&s, root_fd, strdup(rows[i].key), strdup(rows[i].path), wanted, rows[i].show);
        }
        if (r >= 0)
                r = add_pools(&s, root_fd, c);
        if (r >= 0)
                r = add_absent(&s, root_fd, c);
        if (r < 0)
                return r;
        *ret = s;
        s = (HostSettings) {};
        return 0;
}
