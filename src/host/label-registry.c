/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "file-util.h"
#include "label-registry.h"
#include "runtime.h"
#include "string-util.h"

#define LOCK_FILE ".lock"

int label_registry_open(int base_fd, bool create) {
        /* Whoever can open an entry can lock it. */
        if (create && mkdirat(base_fd, LABEL_REGISTRY, 0700) < 0 && errno != EEXIST)
                return -errno;
        int fd = openat(base_fd, LABEL_REGISTRY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int label_registry_lock(int dir_fd) {
        return runtime_lock(dir_fd, LOCK_FILE);
}

/* --- entries --- */

typedef struct Entry {
        CategoryPair pair;
        char name[CATEGORY_PAIR_MAX];
        char *owner; /* owned; "" when it was never written */
} Entry;

static void entry_done(Entry *e) {
        free(e->owner);
        *e = (Entry) {};
}

static int read_entry(int dir_fd, CategoryPair pair, Entry *ret) {
        Entry e = { .pair = pair };

        category_pair_format(pair, e.name);
        int r = runtime_read_line(dir_fd, e.name, &e.owner);
        if (r < 0)
                return r;
        *ret = e;
        return 0;
}

static int for_entries(int dir_fd, int (*visit)(int dir_fd, const Entry *e, void *userdata), void *userdata) {
        _cleanup_closedir_ DIR *d = open_entries(dir_fd);
        struct dirent *i;
        int r = 0;

        if (!d)
                return -errno;
        while (r >= 0 && (r = next_entry(d, &i)) > 0) {
                _cleanup_(entry_done) Entry e = {};
                CategoryPair pair;
                if (category_pair_parse(i->d_name, &pair) < 0)
                        continue;
                r = read_entry(dir_fd, pair, &e);
                if (r >= 0)
                        r = visit(dir_fd, &e, userdata);
                else if (r == -ENOENT) /* given up meanwhile */
                        r = 0;
        }
        return r;
}

/* Somebody who is about to start the machine keeps a lock on its entry. */
static bool is_held(int dir_fd, const Entry *e) {
        _cleanup_close_ int fd = openat(dir_fd, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

typedef struct Claim {
        const char *name;
        LabelRuns runs;
        void *userdata;
} Claim;

static bool is_in_use(int dir_fd, const Entry *e, const Claim *c) {
        return is_held(dir_fd, e) || (*e->owner && (!c->runs || c->runs(c->userdata, e->owner)));
}

/* --- reading --- */

typedef struct Reading {
        const char *name;
        CategoryPairs *taken;
        CategoryPair own;
        bool has_own;
} Reading;

static int read_one(int dir_fd, const Entry *e, void *userdata) {
        Reading *r = userdata;

        if (!r->name || !streq(e->owner, r->name))
                return category_pairs_add(r->taken, e->pair);
        r->own = e->pair;
        r->has_own = true;
        return 0;
}

int label_registry_read(int dir_fd, const char *name, CategoryPairs *taken, CategoryPair *ret_own) {
        Reading reading = { .name = name, .taken = taken };

        int r = for_entries(dir_fd, read_one, &reading);
        if (r < 0)
                return r;
        if (reading.has_own && ret_own)
                *ret_own = reading.own;
        return reading.has_own;
}

/* --- claiming --- */

/* A descriptor of the new entry. The directory is locked. */
static int make_entry(int dir_fd, CategoryPair pair, const char *name) {
        char file[CATEGORY_PAIR_MAX];
        _cleanup_free_ char *line = strf("%s\n", name);

        if (!line)
                return -ENOMEM;
        category_pair_format(pair, file);
        _cleanup_close_ int fd = openat(dir_fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, line, strlen(line));
        if (r < 0) {
                (void) unlinkat(dir_fd, file, 0);
                return r;
        }
        return TAKE_FD(fd);
}

static int claim(int dir_fd, CategoryPair pair, const Claim *c, char **ret_owner) {
        _cleanup_(entry_done) Entry e = {};

        int r = read_entry(dir_fd, pair, &e);
        if (r == -ENOENT)
                return make_entry(dir_fd, pair, c->name);
        if (r < 0)
                return r;
        if (streq(e.owner, c->name)) {
                int fd = openat(dir_fd, e.name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
                return fd < 0 ? -errno : fd;
        }
        if (is_in_use(dir_fd, &e, c)) {
                if (ret_owner)
                        *ret_owner = TAKE_PTR(e.owner);
                return -EBUSY;
        }
        if (unlinkat(dir_fd, e.name, 0) < 0)
                return -errno;
        return make_entry(dir_fd, pair, c->name);
}

int label_registry_claim(int dir_fd, CategoryPair pair, const char *name, LabelRuns runs, void *userdata, char **ret_owner) {
        Claim c = { name, runs, userdata };

        _cleanup_close_ int lock = label_registry_lock(dir_fd);
        if (lock < 0)
                return lock;
        _cleanup_close_ int fd = claim(dir_fd, pair, &c, ret_owner);
        return MIN(fd, 0);
}

static int remove_stale(int dir_fd, const Entry *e, void *userdata) {
        if (!is_in_use(dir_fd, e, userdata) && unlinkat(dir_fd, e->name, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

static int unite(int dir_fd, const Entry *e, void *userdata) {
        return category_pairs_add(userdata, e->pair);
}

static int copy_pairs(CategoryPairs *to, const CategoryPairs *from) {
        CategoryPair p;

        for (p.high = 1; from && from->bits && p.high < CATEGORY_MAX; p.high++)
                for (p.low = 0; p.low < p.high; p.low++)
                        if (category_pairs_has(from, p)) {
                                int r = category_pairs_add(to, p);
                                if (r < 0)
                                        return r;
                        }
        return 0;
}

static int choose(int dir_fd, const Claim *c, const NumberSet *categories, LabelOwner owner, const CategoryPairs *taken,
                  CategoryPair *ret) {
        _cleanup_category_pairs_ CategoryPairs all = {};

        int r = copy_pairs(&all, taken);
        if (r >= 0)
                r = for_entries(dir_fd, unite, &all);
        return r < 0 ? r : category_pair_choose(c->name, categories, owner, &all, ret);
}

int label_registry_draw(int dir_fd, const char *name, const NumberSet *categories, LabelOwner owner,
                        const CategoryPairs *taken, LabelRuns runs, void *userdata, CategoryPair *ret) {
        Claim c = { name, runs, userdata };
        CategoryPair pair;

        _cleanup_close_ int lock = label_registry_lock(dir_fd);
        if (lock < 0)
                return lock;
        int r = choose(dir_fd, &c, categories, owner, taken, &pair);
        if (r == -ENOSPC) {
                r = for_entries(dir_fd, remove_stale, &c);
                if (r >= 0)
                        r = choose(dir_fd, &c, categories, owner, taken, &pair);
        }
        if (r < 0)
                return r;
        _cleanup_close_ int fd = make_entry(dir_fd, pair, name);
        if (fd < 0)
                return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        *ret = pair;
        return TAKE_FD(fd);
}

/* --- giving up --- */

static int remove_own(int dir_fd, const Entry *e, void *userdata) {
        return streq(e->owner, (const char *) userdata) && unlinkat(dir_fd, e->name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int label_registry_release(int dir_fd, const char *name) {
        _cleanup_close_ int lock = label_registry_lock(dir_fd);

        return lock < 0 ? lock : for_entries(dir_fd, remove_own, (void *) name);
}
