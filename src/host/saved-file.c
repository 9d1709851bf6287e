/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file-util.h"
#include "names.h"
#include "parse-util.h"
#include "saved-file.h"
#include "siphash.h"
#include "string-util.h"

#define LIBVIRT_HEADER_SIZE 92

void saved_file_done(SavedFile *f) {
        saved_header_done(&f->header);
        free(f->xml);
        safe_close(f->fd);
        *f = (SavedFile) SAVED_FILE_NONE;
}

/* 0, -EBADMSG at the end of the file, or negative errno. */
static int read_at(int fd, void *buffer, size_t size, off_t offset) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, (char *) buffer + done, size - done, offset + (off_t) done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EBADMSG;
                done += (size_t) n;
        }
        return 0;
}

static int read_xml(SavedFile *f) {
        size_t size = (size_t) f->header.xml_size;
        char digest[33];

        f->xml = malloc(size + 1);
        if (!f->xml)
                return -ENOMEM;
        int r = read_at(f->fd, f->xml, size, SAVED_HEADER_SIZE);
        if (r < 0)
                return r;
        f->xml[size] = 0;
        digest_hex(f->xml, size, digest);
        return streq(digest, f->header.xml_digest) ? 0 : -EBADMSG;
}

/* A file that is cut off is found out now, not by a guest that is half there. */
static int check_size(const SavedFile *f) {
        struct stat st;

        if (fstat(f->fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;
        uint64_t offset = saved_data_offset(&f->header), size = (uint64_t) st.st_size;
        uint64_t least = f->header.compression == SAVED_RAW ? f->header.data_size : 1;
        return size >= offset && size - offset >= least ? 0 : -ENODATA;
}

/* How far a file has been believed. */
typedef enum Stage {
        STAGE_OPEN,
        STAGE_BLOCK,
        STAGE_HEADER,
        STAGE_XML,
        STAGE_DATA,
} Stage;

/* Of a file that vmunit has called so itself. */
static const char *own_reason(int r, Stage stage) {
        switch (r) {
        case -EBADMSG:
                return stage > STAGE_HEADER ? "it is damaged" : "it is no saved machine";
        case -ENODATA:
                return "it is not complete";
        case -EPROTONOSUPPORT:
                return "a later version of vmunit has written it";
        default:
                return strerror(-r);
        }
}

/* Of a file that the user names: libvirt's words. */
static int refuse_named(int r, Stage stage, const char *path, Diag *diag) {
        _cleanup_free_ char *absolute = NULL, *directory = *path == '/' ? NULL : getcwd(NULL, 0);

        if (directory)
                absolute = strf("%s/%s", directory, path);
        if (stage == STAGE_OPEN)
                return diag_error_code(diag, r, (SrcLoc) {}, "Failed to open file '%s': %s", absolute ?: path, strerror(-r));
        if (stage == STAGE_BLOCK)
                return diag_error_code(diag, r, (SrcLoc) {}, "operation failed: failed to read qemu header");
        if (r == -EPROTONOSUPPORT)
                return diag_error_code(diag, r, (SrcLoc) {}, "operation failed: image version is not supported: a later version of vmunit has written it");
        if (stage == STAGE_HEADER)
                return diag_error_code(diag, r, (SrcLoc) {}, "operation failed: image magic is incorrect");
        if (stage == STAGE_XML)
                return diag_error_code(diag, r, (SrcLoc) {}, "operation failed: failed to read domain XML");
        return r == -ENODATA ? diag_error_code(diag, r, (SrcLoc) {}, "operation failed: save image is incomplete")
                             : diag_error_code(diag, r, (SrcLoc) {}, "operation failed: %s", strerror(-r));
}

static int open_any(int dir_fd, const char *path, SavedOpenFlags flags) {
        int links = flags & SAVED_OPEN_OWN ? O_NOFOLLOW : 0;
        struct stat st;

        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | links | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return -EBADMSG;
        if ((flags & SAVED_OPEN_OWN) && st.st_uid != geteuid())
                return -EPERM;
        return TAKE_FD(fd);
}

/* What is shorter than libvirt's header is no more than that; of what is longer the beginning counts. */
static int read_block(int fd, char block[SAVED_HEADER_SIZE]) {
        struct stat st;

        memset(block, 0, SAVED_HEADER_SIZE);
        int r = read_at(fd, block, SAVED_HEADER_SIZE, 0);
        return r == -EBADMSG && fstat(fd, &st) >= 0 && st.st_size >= LIBVIRT_HEADER_SIZE ? 0 : r;
}

static int open_stages(int dir_fd, const char *path, SavedOpenFlags flags, SavedFile *f, Stage *stage) {
        char block[SAVED_HEADER_SIZE];

        *stage = STAGE_OPEN;
        int r = f->fd = open_any(dir_fd, path, flags);
        if (r >= 0 || r == -EBADMSG)
                *stage = STAGE_BLOCK;
        if (r >= 0)
                r = read_block(f->fd, block);
        if (r < 0)
                return r;
        *stage = STAGE_HEADER;
        r = saved_header_parse(block, &f->header);
        if (r < 0)
                return r;
        *stage = STAGE_XML;
        r = read_xml(f);
        if (r < 0)
                return r;
        *stage = STAGE_DATA;
        if (!(flags & SAVED_OPEN_HEAD))
                r = check_size(f);
        return r >= 0 && lseek(f->fd, (off_t) saved_data_offset(&f->header), SEEK_SET) < 0 ? -errno : MIN(r, 0);
}

int saved_file_open(int dir_fd, const char *path, SavedOpenFlags flags, Diag *diag, SavedFile *ret) {
        _cleanup_saved_file_ SavedFile f = SAVED_FILE_NONE;
        Stage stage;

        int r = open_stages(dir_fd, path, flags, &f, &stage);
        if (r < 0 && flags & SAVED_OPEN_OWN)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot restore from '%s': %s", path, own_reason(r, stage));
        if (r < 0)
                return refuse_named(r, stage, path, diag);
        *ret = f;
        f = (SavedFile) SAVED_FILE_NONE;
        return 0;
}

static int write_at(int fd, const void *data, size_t size, off_t offset) {
        return lseek(fd, offset, SEEK_SET) < 0 ? -errno : write_all(fd, data, size);
}

int saved_file_write_head(int fd, const SavedHeader *h, const char *xml) {
        char block[SAVED_HEADER_SIZE];

        int r = saved_header_format(h, block);
        if (r >= 0)
                r = write_at(fd, xml, h->xml_size, SAVED_HEADER_SIZE);
        /* What makes it a saved machine comes last. */
        if (r >= 0 && fdatasync(fd) < 0 && errno != EINVAL)
                r = -errno;
        return r < 0 ? r : write_at(fd, block, sizeof(block), 0);
}

static int stat_state(const char *name, const char *file, struct stat *ret) {
        _cleanup_free_ char *path = vm_state_path(name, file);

        if (!path)
                return -ENOMEM;
        return lstat(path, ret) < 0 ? -errno : 0;
}

static bool is_used(const char *name) {
        struct stat st;

        return stat_state(name, MANAGED_SAVE_MARK, &st) >= 0 && st.st_size > 0;
}

/* Also one that cannot be read: a start will say what is wrong with it. */
bool managed_save_exists(const char *name) {
        struct stat st;

        return stat_state(name, MANAGED_SAVE_FILE, &st) >= 0 && !is_used(name);
}

static int remove_state(const char *name, const char *file) {
        _cleanup_free_ char *path = vm_state_path(name, file);

        if (!path)
                return -ENOMEM;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* --- those that have no name yet --- */

/* "saved.PID-N" */
static bool is_unnamed(const char *file, pid_t *ret_writer) {
        const char *rest = startswith(file, MANAGED_SAVE_FILE "."), *dash = rest ? strchr(rest, '-') : NULL;
        unsigned pid, n;

        if (!dash)
                return false;
        _cleanup_free_ char *digits = strndup(rest, (size_t) (dash - rest));
        if (!digits || parse_uint(digits, &pid) < 0 || pid == 0 || pid > INT32_MAX || parse_uint(dash + 1, &n) < 0)
                return false;
        *ret_writer = (pid_t) pid;
        return true;
}

static bool newer(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* NULL: there is no more. */
static const char *next_unnamed(DIR *dir, pid_t *ret_writer) {
        for (struct dirent *e; (e = readdir(dir));)
                if (is_unnamed(e->d_name, ret_writer))
                        return e->d_name;
        return NULL;
}

/* NULL without a state directory, or with -errno in *ret_error. */
static DIR *open_state(const char *name, int *ret_error) {
        _cleanup_free_ char *path = vm_state_path(name, NULL);
        DIR *dir = path ? opendir(path) : NULL;

        *ret_error = dir ? 0 : !path ? -ENOMEM : errno == ENOENT ? 0 : -errno;
        return dir;
}

int managed_save_adopt(const char *name, const struct timespec *since) {
        struct stat st;
        const char *file;
        pid_t writer;
        int r;

        DIR *dir = open_state(name, &r);
        while (dir && r == 0 && (file = next_unnamed(dir, &writer)))
                if (fstatat(dirfd(dir), file, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(st.st_mode) && newer(&st.st_mtim, since)) {
                        r = renameat(dirfd(dir), file, dirfd(dir), MANAGED_SAVE_FILE) >= 0 ? 1 : errno == ENOENT ? 0 : -errno;
                        if (r > 0 && fsync(dirfd(dir)) < 0)
                                r = -errno;
                }
        if (dir)
                (void) closedir(dir);
        return r;
}

int managed_save_remove_unnamed(const char *name, pid_t but) {
        const char *file;
        pid_t writer;
        int r;

        DIR *dir = open_state(name, &r);
        while (dir && (file = next_unnamed(dir, &writer))) {
                bool stale = but != 0 ? writer != but : kill(writer, 0) < 0 && errno == ESRCH;
                if (stale && unlinkat(dirfd(dir), file, 0) < 0 && errno != ENOENT && r >= 0)
                        r = -errno;
        }
        if (dir)
                (void) closedir(dir);
        return r;
}

/* The mark outlives what it marks. */
int managed_save_remove(const char *name) {
        int r = remove_state(name, MANAGED_SAVE_FILE);

        if (r >= 0)
                r = remove_state(name, MANAGED_SAVE_MARK);
        return r < 0 ? r : remove_state(name, MANAGED_SAVE_BOOT);
}

/* The directory is synchronised when the save gets its name. */
int managed_save_mark_boot(const char *name, bool on) {
        _cleanup_free_ char *path = vm_state_path(name, MANAGED_SAVE_BOOT);

        if (!path)
                return -ENOMEM;
        if (!on)
                return remove_state(name, MANAGED_SAVE_BOOT);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : 0;
}

bool managed_save_is_for_boot(const char *name) {
        struct stat st;

        return stat_state(name, MANAGED_SAVE_BOOT, &st) >= 0;
}

int managed_save_remove_used(const char *name) {
        return is_used(name) ? managed_save_remove(name) : 0;
}

int managed_save_make_room(const char *name) {
        int r = is_used(name) ? remove_state(name, MANAGED_SAVE_FILE) : 0;

        return r >= 0 && is_used(name) ? remove_state(name, MANAGED_SAVE_MARK) : r;
}

int managed_save_remove_older(const char *name, const struct timespec *than) {
        struct stat st;

        int r = stat_state(name, MANAGED_SAVE_FILE, &st);
        if (r >= 0 && newer(&st.st_mtim, than))
                return 0;
        return managed_save_remove(name);
}

int managed_save_open_mark(const char *name) {
        _cleanup_free_ char *path = vm_state_path(name, MANAGED_SAVE_MARK);

        if (!path)
                return -ENOMEM;
        int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd;
}

char *restore_directory(const char *name) {
        return strf(".restore-%s", name);
}
