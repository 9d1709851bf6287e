/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "file-access.h"

/* What the kernel writes into the attribute: a header, and entries in the order of their tags, those of users by uid. */
#define ATTRIBUTE "system.posix_acl_access"
#define ENTRIES_MAX 512U

typedef struct Acl {
        struct posix_acl_xattr_entry entries[ENTRIES_MAX];
        size_t n;
} Acl;

/* Room for both in one, as the kernel has it. */
typedef struct AclText {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[ENTRIES_MAX];
} AclText;

static void add(Acl *a, unsigned tag, unsigned permissions, uint32_t id) {
        a->entries[a->n++] = (struct posix_acl_xattr_entry) { htole16((uint16_t) tag), htole16((uint16_t) permissions), htole32(id) };
}

#define FD_PATH_MAX 32U

/* The way to an attribute by a descriptor that may be an O_PATH one, which is good for pipes and devices: opening those has
 * effects. */
static char *fd_path(int fd, char path[FD_PATH_MAX]) {
        (void) snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
        return path;
}

/* A file without a list has the one that its mode is. */
static int acl_read(int fd, Acl *ret) {
        AclText text;
        char path[FD_PATH_MAX];
        struct stat st;

        *ret = (Acl) {};
        ssize_t size = getxattr(fd_path(fd, path), ATTRIBUTE, &text, sizeof(text));
        if (size < 0 && errno != ENODATA)
                return errno == ERANGE ? -E2BIG : -errno;
        if (size < 0) {
                if (fstat(fd, &st) < 0)
                        return -errno;
                add(ret, ACL_USER_OBJ, st.st_mode >> 6 & 7, (uint32_t) ACL_UNDEFINED_ID);
                add(ret, ACL_GROUP_OBJ, st.st_mode >> 3 & 7, (uint32_t) ACL_UNDEFINED_ID);
                add(ret, ACL_OTHER, st.st_mode & 7, (uint32_t) ACL_UNDEFINED_ID);
                return 0;
        }
        size_t n = ((size_t) size - sizeof(text.header)) / sizeof(text.entries[0]);
        if ((size_t) size < sizeof(text.header) || le32toh(text.header.a_version) != POSIX_ACL_XATTR_VERSION || n > ENTRIES_MAX)
                return -EBADMSG;
        memcpy(ret->entries, text.entries, n * sizeof(text.entries[0]));
        ret->n = n;
        return 0;
}

/* One that says no more than a mode becomes the file's mode, and no list is left. */
static int acl_write(int fd, const Acl *a) {
        AclText text = { .header.a_version = htole32(POSIX_ACL_XATTR_VERSION) };
        char path[FD_PATH_MAX];

        memcpy(text.entries, a->entries, a->n * sizeof(a->entries[0]));
        return setxattr(fd_path(fd, path), ATTRIBUTE, &text, sizeof(text.header) + a->n * sizeof(a->entries[0]), 0) < 0 ? -errno : 0;
}

static struct posix_acl_xattr_entry *acl_find(Acl *a, unsigned tag, uint32_t id) {
        FOREACH_ARRAY(e, a->entries, a->n)
                if (le16toh(e->e_tag) == tag && (tag != ACL_USER || le32toh(e->e_id) == id))
                        return e;
        return NULL;
}

static bool acl_is_long(Acl *a) {
        FOREACH_ARRAY(e, a->entries, a->n)
                if (le16toh(e->e_tag) == ACL_USER || le16toh(e->e_tag) == ACL_GROUP)
                        return true;
        return false;
}

static void acl_insert(Acl *a, unsigned tag, unsigned permissions, uint32_t id) {
        Acl old = *a;
        size_t i = 0;

        while (i < old.n && (le16toh(old.entries[i].e_tag) < tag ||
                             (le16toh(old.entries[i].e_tag) == tag && le32toh(old.entries[i].e_id) < id)))
                i++;
        a->n = i;
        add(a, tag, permissions, id);
        memcpy(a->entries + a->n, old.entries + i, (old.n - i) * sizeof(old.entries[0]));
        a->n += old.n - i;
}

static void acl_remove(Acl *a, struct posix_acl_xattr_entry *e) {
        size_t i = (size_t) (e - a->entries);

        memmove(e, e + 1, (a->n - i - 1) * sizeof(*e));
        a->n--;
}

static unsigned wanted_permissions(bool writable) {
        return writable ? ACL_READ | ACL_WRITE : ACL_READ;
}

int file_access_has(int fd, uid_t uid, bool writable, bool entry_counts) {
        unsigned wanted = wanted_permissions(writable);
        const struct posix_acl_xattr_entry *entry, *mask;
        struct stat st;
        Acl a;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (uid == 0 || (st.st_uid == uid && (st.st_mode >> 6 & wanted) == wanted))
                return 1;
        if (!entry_counts)
                return 0;
        int r = acl_read(fd, &a);
        if (r < 0)
                return r;
        entry = acl_find(&a, ACL_USER, uid);
        mask = acl_find(&a, ACL_MASK, 0);
        return entry && (le16toh(entry->e_perm) & (mask ? le16toh(mask->e_perm) : 0) & wanted) == wanted;
}

int file_access_grant(int fd, uid_t uid, bool writable) {
        unsigned wanted = wanted_permissions(writable);
        struct posix_acl_xattr_entry *entry, *mask;
        struct stat st;
        Acl a;

        if (fstat(fd, &st) < 0)
                return -errno;
        int r = acl_read(fd, &a);
        if (r < 0)
                return r;
        if (a.n + 2 > ENTRIES_MAX)
                return -E2BIG;
        if ((entry = acl_find(&a, ACL_USER, uid)))
                acl_remove(&a, entry);
        mask = acl_find(&a, ACL_MASK, 0);
        /* The mask is the most that any entry but the owner's and the others' gives, and it gets wider: what it has held
         * back until now must not come out. Without one, it was the group's. */
        if (mask) {
                unsigned held = le16toh(mask->e_perm);
                FOREACH_ARRAY(e, a.entries, a.n)
                        if (le16toh(e->e_tag) & (ACL_USER | ACL_GROUP_OBJ | ACL_GROUP))
                                e->e_perm = htole16((uint16_t) (le16toh(e->e_perm) & held));
                mask->e_perm = htole16((uint16_t) (held | wanted));
        } else
                acl_insert(&a, ACL_MASK, (st.st_mode >> 3 & 7) | wanted, (uint32_t) ACL_UNDEFINED_ID);
        acl_insert(&a, ACL_USER, wanted, uid);
        return acl_write(fd, &a);
}

int file_access_revoke(int fd, uid_t uid) {
        struct posix_acl_xattr_entry *entry, *mask;
        Acl a;

        int r = acl_read(fd, &a);
        if (r < 0)
                return r == -EOPNOTSUPP ? 0 : r;
        entry = acl_find(&a, ACL_USER, uid);
        if (!entry)
                return 0;
        acl_remove(&a, entry);
        mask = acl_find(&a, ACL_MASK, 0);
        if (mask && !acl_is_long(&a))
                acl_remove(&a, mask);
        return acl_write(fd, &a);
}
