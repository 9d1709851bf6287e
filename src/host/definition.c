/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>

#include "definition.h"
#include "domain-xml.h"
#include "file-util.h"
#include "names.h"
#include "path-walk.h"
#include "scope.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"

#define SUFFIX ".xml"
#define DIRECTORIES_MAX 64U
/* More files than this in one directory is a mistake, not a list of VMs. */
#define ENTRIES_MAX 65536U

int definition_directories(char ***ret) {
        /* Whoever sets it means the machines of this host. */
        const char *path = vm_scope() == VM_SCOPE_TEST ? NULL : getenv("VMUNIT_CONFIG_PATH");
        _cleanup_strv_ char **l = NULL;
        int r = strv_split(path ?: vm_directories()->definitions, ":", &l);

        if (r < 0)
                return r;
        if (strv_length(l) > DIRECTORIES_MAX)
                return -E2BIG;
        *ret = TAKE_PTR(l);
        return 0;
}

void definition_done(Definition *d) {
        free(d->name);
        free(d->path);
        free(d->text);
        *d = (Definition) {};
}

void definition_list_done(DefinitionList *l) {
        FOREACH_ARRAY(d, l->items, l->n_items)
                definition_done(d);
        free(l->items);
        *l = (DefinitionList) {};
}

static DefinitionKind kind_of_directory(size_t index) {
        return index == 0 ? DEFINITION_PERSISTENT : index == 1 ? DEFINITION_RUNTIME : DEFINITION_VENDOR;
}

/* 0 when there is something at PATH to read, -ENOENT, -ERFKILL when it masks, else negative errno. A dangling
 * link is "nothing there". */
static int check_file(int dir_fd, const char *path, struct stat *ret) {
        struct stat st, null;

        if (fstatat(dir_fd, path, &st, 0) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode) && stat("/dev/null", &null) >= 0 && st.st_rdev == null.st_rdev)
                return -ERFKILL;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        if (st.st_size == 0)
                return -ERFKILL;
        *ret = st;
        return 0;
}

static int fill(Definition *d, const char *name, const char *directory, DefinitionKind kind) {
        d->kind = kind;
        d->name = strdup(name);
        d->path = strf("%s/%s" SUFFIX, directory, name);
        return d->name && d->path ? 0 : -ENOMEM;
}

int definition_find(const char *name, Definition *ret) {
        _cleanup_strv_ char **directories = NULL;
        size_t i = 0;
        int r;

        *ret = (Definition) {};
        r = vm_name_check(name, (SrcLoc) {}, NULL);
        if (r < 0)
                return -ENOENT;
        r = definition_directories(&directories);
        if (r < 0)
                return r;
        STRV_FOREACH(directory, directories) {
                _cleanup_definition_ Definition d = {};
                struct stat st;

                r = fill(&d, name, *directory, kind_of_directory(i++));
                if (r < 0)
                        return r;
                r = check_file(AT_FDCWD, d.path, &st);
                if (r == -ENOENT || r == -ENOTDIR)
                        continue;
                if (r >= 0)
                        d.world_readable = (st.st_mode & S_IROTH) != 0;
                *ret = d;
                d = (Definition) {};
                return r;
        }
        return -ENOENT;
}

/* A group of one's own is nothing but oneself, and its files are often written with its permissions. Root's is not. */
static mode_t others_mode(void) {
        return geteuid() == 0 ? S_IWGRP | S_IWOTH : S_IWOTH;
}

int definition_check_owner(const char *path, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        struct stat st, entry;

        if (stat(path, &st) < 0 || lstat(path, &entry) < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot open '%s': %s", path, strerror(errno));
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "the definition belongs to uid %u, who can change it; run: chown root '%s'",
                                       st.st_uid, path);
        if (st.st_mode & others_mode())
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "the definition can be changed by others (mode %04o); run: chmod go-w '%s'",
                                       st.st_mode & 07777, path);
        if (!S_ISLNK(entry.st_mode) || geteuid() != 0)
                return 0;
        int r = path_walk(path, 0, &w, &reason);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot open '%s': %s", path, strempty(reason));
        return w.trusted ? 0 : diag_error_code(diag, -EPERM, (SrcLoc) {}, "the definition is a link to '%s', and others than root can change "
                                               "a directory on the way; copy it to '%s'", w.resolved, path);
}

static int read_text(Definition *d) {
        int r = read_file_limited(AT_FDCWD, d->path, DOMAIN_XML_MAX, &d->text, &d->size);
        if (r < 0)
                return r;
        digest_hex(d->text, d->size, d->digest);
        return 0;
}

int definition_load(const char *name, Definition *ret) {
        int r = definition_find(name, ret);
        return r < 0 ? r : read_text(ret);
}

int definition_load_transient(const char *name, Definition *ret) {
        struct stat st;
        int r;

        *ret = (Definition) {};
        r = vm_name_check(name, (SrcLoc) {}, NULL);
        if (r < 0)
                return -ENOENT;
        r = fill(ret, name, vm_directories()->transient, DEFINITION_TRANSIENT);
        if (r >= 0)
                r = check_file(AT_FDCWD, ret->path, &st);
        return r < 0 ? r : read_text(ret);
}

/* A name in a directory, with what was found there. */
typedef struct Found {
        Definition definition; /* owned */
        size_t order; /* of the directory */
        bool masked;
} Found;

typedef struct FoundList {
        Found *items; /* owned */
        size_t n_items;
} FoundList;

static void found_list_done(FoundList *l) {
        FOREACH_ARRAY(f, l->items, l->n_items)
                definition_done(&f->definition);
        free(l->items);
}

static int add_entry(FoundList *l, int dir_fd, const char *directory, size_t order, const char *file, Diag *diag) {
        struct stat st = {};

        if (file[0] == '.' || !endswith(file, SUFFIX))
                return 0;
        _cleanup_free_ char *name = strndup(file, strlen(file) - strlen(SUFFIX));
        if (!name)
                return -ENOMEM;
        if (vm_name_check(name, (SrcLoc) {}, NULL) < 0)
                return diag_warning(diag, (SrcLoc) {}, "'%s/%s' is ignored: not a valid name for a VM", directory, file);
        int r = check_file(dir_fd, file, &st);
        if (r == -ENOENT || r == -EISDIR) /* a link to nowhere, or just removed; a directory is somebody else's */
                return 0;
        if (!ARRAY_GROW(l->items, l->n_items))
                return -ENOMEM;
        l->items[l->n_items] = (Found) { .order = order, .masked = r == -ERFKILL };
        Definition *d = &l->items[l->n_items++].definition;
        d->world_readable = (st.st_mode & S_IROTH) != 0;
        return fill(d, name, directory, kind_of_directory(order));
}

static int read_directory(FoundList *l, const char *directory, size_t order, Diag *diag) {
        size_t n = 0;
        int r = 0;

        DIR *d = opendir(directory);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *e; r >= 0 && (e = readdir(d));)
                r = ++n > ENTRIES_MAX ? -E2BIG : add_entry(l, dirfd(d), directory, order, e->d_name, diag);
        closedir(d);
        return r;
}

/* By name, then by precedence. */
static int compare_found(const void *a, const void *b) {
        const Found *x = a, *y = b;
        int c = strcmp(x->definition.name, y->definition.name);

        return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

int definition_list(Diag *diag, DefinitionList *ret) {
        _cleanup_strv_ char **directories = NULL;
        _cleanup_(found_list_done) FoundList all = {};
        _cleanup_definition_list_ DefinitionList list = {};
        size_t order = 0;

        int r = definition_directories(&directories);
        if (r < 0)
                return r;
        STRV_FOREACH(directory, directories) {
                r = read_directory(&all, *directory, order++, diag);
                if (r < 0)
                        return diag_error_code(diag, r, (SrcLoc) {}, "cannot read '%s': %s", *directory, strerror(-r));
        }
        if (all.n_items > 0)
                qsort(all.items, all.n_items, sizeof(Found), compare_found);
        const char *last = NULL;
        FOREACH_ARRAY(f, all.items, all.n_items) {
                bool hidden = last && streq(last, f->definition.name);
                last = f->definition.name;
                if (hidden || f->masked)
                        continue;
                if (!ARRAY_GROW(list.items, list.n_items))
                        return -ENOMEM;
                /* The name stays behind for the comparison with the next one. */
                Definition d = f->definition;
                d.name = strdup(d.name);
                if (!d.name)
                        return -ENOMEM;
                f->definition.path = NULL;
                list.items[list.n_items++] = d;
        }
        *ret = list;
        list = (DefinitionList) {};
        return 0;
}

const char *definition_error(int error) {
        switch (error) {
        case -ENOENT:
                return "not defined";
        case -ERFKILL:
                return "masked";
        case -EFBIG:
                return "larger than 4 MiB";
        case -EISDIR:
                return "a directory, not a definition";
        case -EBADF:
                return "not a regular file";
        default:
                return strerror(-error);
        }
}
