/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "credential.h"
#include "file-util.h"
#include "path-walk.h"
#include "string-util.h"

#define DECRYPT "/usr/bin/systemd-creds"
/* An encrypted one is in Base64, with what it was encrypted with beside it. */
#define ENCRYPTED_MAX (1024U * 1024U)
#define REASON_MAX 1024U

static const struct {
        const char *directory;
        bool encrypted;
} places[] = {
        { "/etc/credstore.encrypted", true },
        { "/etc/credstore", false },
        { "/run/credstore.encrypted", true },
        { "/run/credstore", false },
        { "/usr/local/lib/credstore.encrypted", true },
        { "/usr/local/lib/credstore", false },
        { "/usr/lib/credstore.encrypted", true },
        { "/usr/lib/credstore", false },
};

static int give_reason(char **ret_reason, int error, const char *path, const char *reason) {
        *ret_reason = strf("cannot use '%s': %s", path, reason ?: strerror(-error));
        return error;
}

/* --- what is encrypted --- */

/* What it said last. */
static char *last_line(int fd) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (lseek(fd, 0, SEEK_SET) < 0 || read_fd_limited(fd, REASON_MAX, &text, &size) < 0)
                return NULL;
        while (size > 0 && strchr("\r\n ", text[size - 1]))
                text[--size] = '\0';
        char *newline = strrchr(text, '\n'), *line = newline ? newline + 1 : text;
        return *line && utf8_is_printable(line) ? strdup(line) : NULL;
}

/* The program reads from IN and writes to OUT and ERROR. Its exit status, or negative errno. */
static int run_decrypt(const char *name, int in, int out, int error) {
        _cleanup_free_ char *name_option = strf("--name=%s", name);
        char *const argv[] = {
                (char *) DECRYPT, (char *) "--newline=no", name_option, (char *) "decrypt", (char *) "-", (char *) "-", NULL,
        };
        char *const env[] = { (char *) "PATH=/usr/bin:/bin", (char *) "LC_ALL=C", (char *) "SYSTEMD_COLORS=0", NULL };
        posix_spawn_file_actions_t files;
        pid_t pid;
        int status;

        if (!name_option || posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        int r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, error, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn(&pid, DECRYPT, &files, NULL, argv, env);
        (void) posix_spawn_file_actions_destroy(&files);
        if (r != 0)
                return -r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int memory_file(const char *name) {
        int fd = memfd_create(name, MFD_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* A descriptor with what the one of an encrypted file stands for. */
static int decrypt(const char *path, const char *name, int fd, char **ret_reason) {
        _cleanup_close_ int out = memory_file("decrypted"), error = memory_file("error");
        _cleanup_free_ char *why = NULL;

        if (out < 0 || error < 0)
                return give_reason(ret_reason, MIN(out, error), path, NULL);
        int r = run_decrypt(name, fd, out, error);
        if (r < 0)
                why = strf("%s cannot be run: %s", DECRYPT, strerror(-r));
        else if (r > 0)
                why = last_line(error) ?: strf("%s failed with status %d", DECRYPT, r);
        if (r != 0)
                return give_reason(ret_reason, r < 0 ? r : -EBADMSG, path, why);
        return lseek(out, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(out);
}

/* --- files --- */

static int check_file(const struct stat *st, bool encrypted, const char *path, char **ret_reason) {
        _cleanup_free_ char *why = NULL;

        if (!S_ISREG(st->st_mode))
                return give_reason(ret_reason, -EINVAL, path, "it is not a regular file");
        if ((uint64_t) st->st_size > (encrypted ? ENCRYPTED_MAX : CREDENTIAL_MAX))
                return give_reason(ret_reason, -EFBIG, path, encrypted ? "it is larger than 1 MiB" : "it is larger than 64 KiB");
        if (st->st_uid != geteuid())
                return give_reason(ret_reason, -EPERM, path, "it belongs to somebody else");
        if (!encrypted && (st->st_mode & 0077)) {
                why = strf("others can read it, run: chmod 0600 '%s'", path);
                return give_reason(ret_reason, -EPERM, path, why);
        }
        return 0;
}

/* A descriptor, -ENOENT without a reason, or negative errno. GIVEN: by systemd, which has seen to its mode. */
static int open_file(const char *path, bool encrypted, bool given, char **ret_reason) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *why = NULL;
        struct stat st;

        int r = path_walk(path, 0, &w, &why);
        if (r == -ENOENT)
                return r;
        if (r >= 0 && !S_ISREG(w.st.st_mode)) /* opening a fifo has effects */
                return give_reason(ret_reason, -EINVAL, path, "it is not a regular file");
        _cleanup_close_ int fd = r < 0 ? r : path_reopen(w.fd, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0 && fstat(fd, &st) < 0)
                r = -errno;
        if (fd < 0 || r < 0)
                return give_reason(ret_reason, MIN(r, fd), path, why);
        r = given ? 0 : check_file(&st, encrypted, path, ret_reason);
        return r < 0 ? r : TAKE_FD(fd);
}

static int read_secret(const char *path, int fd, char **ret, size_t *ret_size, char **ret_reason) {
        int r = read_fd_limited(fd, CREDENTIAL_MAX, ret, ret_size);

        if (r < 0)
                return give_reason(ret_reason, r, path, r == -EFBIG ? "it is larger than 64 KiB" : NULL);
        if (*ret_size == 0) {
                *ret = mfree(*ret);
                return give_reason(ret_reason, -ENODATA, path, "it is empty");
        }
        return 0;
}

static int read_place(const char *path, const char *name, bool encrypted, bool given, char **ret, size_t *ret_size, char **ret_reason) {
        _cleanup_close_ int file = open_file(path, encrypted, given, ret_reason);

        if (file < 0 || !encrypted)
                return file < 0 ? file : read_secret(path, file, ret, ret_size, ret_reason);
        _cleanup_close_ int fd = decrypt(path, name, file, ret_reason);
        return fd < 0 ? fd : read_secret(path, fd, ret, ret_size, ret_reason);
}

int credential_read(const char *root, const char *name, char **ret, size_t *ret_size, char **ret_reason) {
        const char *given = getenv("CREDENTIALS_DIRECTORY");
        char *reason = NULL;
        int r = -ENOENT;

        if (given) {
                _cleanup_free_ char *path = strf("%s/%s", given, name);
                r = path ? read_place(path, name, false, true, ret, ret_size, &reason) : -ENOMEM;
        }
        for (size_t i = 0; r == -ENOENT && i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = strf("%s%s/%s", root, places[i].directory, name);
                r = path ? read_place(path, name, places[i].encrypted, false, ret, ret_size, &reason) : -ENOMEM;
        }
        if (r == -ENOENT)
                reason = strf("there is no credential '%s' in /etc/credstore.encrypted or /etc/credstore", name);
        *ret_reason = reason;
        return r;
}
