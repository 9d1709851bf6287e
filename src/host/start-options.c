/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "file-util.h"
#include "parse-util.h"
#include "start-options.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

static const struct {
        StartOptionFlags flag;
        const char *word;
} option_words[] = {
        { START_OPTION_PAUSED, "paused" },
        { START_OPTION_FORCE_BOOT, "force-boot" },
        { START_OPTION_RESTORE, "restore" },
        { START_OPTION_RESET_NVRAM, "reset-nvram" },
};

static char *options_file(const char *name) {
        return strf(".start-%s", name);
}

/* Words, and lines of how far the start has come, of which the last one counts. */
#define ASKED "asked"
#define JOB "job="

int start_options_write(int base_fd, const char *name, StartOptionFlags flags) {
        _cleanup_free_ char *file = options_file(name), *text = strdup("");

        if (!file || !text)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(option_words); i++) {
                if (!(flags & option_words[i].flag))
                        continue;
                char *longer = strf("%s%s\n", text, option_words[i].word);
                if (!longer)
                        return -ENOMEM;
                free(text);
                text = longer;
        }
        int r = write_file_atomic(base_fd, file, text, strlen(text), 0600);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = openat(base_fd, file, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : TAKE_FD(fd);
}

void start_options_note(int fd, uint32_t job) {
        _cleanup_free_ char *line = job > 0 ? strf(JOB "%" PRIu32 "\n", job) : strdup(ASKED "\n");

        if (line)
                (void) write_all(fd, line, strlen(line));
}

/* A regular file of root's, or the caller's. 1, or 0 when there is none. *ret_held, which may be NULL: somebody has locked it. */
static int read_own(int base_fd, const char *file, size_t limit, char **ret, size_t *ret_size, bool *ret_held) {
        struct stat st;

        _cleanup_close_ int fd = openat(base_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()))
                return -EPERM;
        if (ret_held)
                *ret_held = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
        int r = read_fd_limited(fd, limit, ret, ret_size);
        return r < 0 ? r : 1;
}

/* Of a start whose caller is gone: whether he had come to ask for it. *ret: for which job, 0 if he was not told. */
static bool was_asked(char *const *words, uint32_t *ret) {
        bool asked = false;

        *ret = 0;
        STRV_FOREACH(w, words) {
                const char *number = startswith(*w, JOB);
                unsigned job;
                if (!number && !streq(*w, ASKED))
                        continue;
                asked = true;
                *ret = number && parse_uint(number, &job) >= 0 ? job : 0;
        }
        return asked;
}

int start_options_take(int base_fd, const char *name, StartOptionFlags *ret, uint32_t *ret_job) {
        _cleanup_free_ char *file = options_file(name), *text = NULL;
        _cleanup_strv_ char **words = NULL;
        StartOptionFlags flags = 0;
        uint32_t job = 0;
        bool held;

        int r = file ? read_own(base_fd, file, 4096, &text, NULL, &held) : -ENOMEM;
        if (r <= 0)
                return r;
        r = strv_split(text, WHITESPACE, &words);
        if (r < 0)
                return r;
        (void) unlinkat(base_fd, file, 0);
        if (!held && !was_asked(words, &job))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(option_words); i++)
                if (strv_contains(words, option_words[i].word))
                        flags |= option_words[i].flag;
        *ret = flags;
        *ret_job = job;
        return 1;
}

/* --- credentials --- */

#define CREDENTIALS_FILE_MAX (256U * 1024U)

static char *credentials_file(const char *name) {
        return strf(".credentials-%s", name);
}

/* With a NUL behind each. */
int start_credentials_write(int base_fd, const char *name, char *const *assignments) {
        _cleanup_free_ char *file = credentials_file(name);
        _cleanup_text_ Text t = {};
        char *text;

        STRV_FOREACH(i, assignments)
                text_append_n(&t, *i, strlen(*i) + 1);
        size_t size = t.length;
        int r = text_finish(&t, &text);
        if (r < 0)
                return r;
        r = !file ? -ENOMEM : size > CREDENTIALS_FILE_MAX ? -EFBIG : write_file_atomic(base_fd, file, text, size, 0600);
        explicit_bzero(text, size);
        free(text);
        return r;
}

int start_credentials_take(int base_fd, const char *name, char ***ret) {
        _cleanup_free_ char *file = credentials_file(name), *text = NULL;
        _cleanup_strv_ char **list = NULL;
        size_t size = 0;

        int r = file ? read_own(base_fd, file, CREDENTIALS_FILE_MAX, &text, &size, NULL) : -ENOMEM;
        if (r <= 0)
                return r;
        for (const char *p = text; r >= 0 && p < text + size; p += strlen(p) + 1) /* read_fd_limited() has put a NUL behind all */
                r = strv_extend(&list, p);
        explicit_bzero(text, size);
        (void) unlinkat(base_fd, file, 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}

int start_options_remove(int base_fd, const char *name) {
        _cleanup_free_ char *file = options_file(name), *credentials = credentials_file(name);

        if (!file || !credentials)
                return -ENOMEM;
        int r = unlinkat(base_fd, credentials, 0) < 0 && errno != ENOENT ? -errno : 0;
        return unlinkat(base_fd, file, 0) < 0 && errno != ENOENT ? -errno : r;
}
