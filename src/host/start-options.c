/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "file-util.h"
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
        return write_file_atomic(base_fd, file, text, strlen(text), 0600);
}

/* A regular file of root's, or the caller's. 1, or 0 when there is none. */
static int read_own(int base_fd, const char *file, size_t limit, char **ret, size_t *ret_size) {
        struct stat st;

        _cleanup_close_ int fd = openat(base_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()))
                return -EPERM;
        int r = read_fd_limited(fd, limit, ret, ret_size);
        return r < 0 ? r : 1;
}

int start_options_take(int base_fd, const char *name, StartOptionFlags *ret) {
        _cleanup_free_ char *file = options_file(name), *text = NULL;
        _cleanup_strv_ char **words = NULL;
        StartOptionFlags flags = 0;

        int r = file ? read_own(base_fd, file, 4096, &text, NULL) : -ENOMEM;
        if (r > 0)
                r = strv_split(text, WHITESPACE, &words);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(option_words); i++)
                if (strv_contains(words, option_words[i].word))
                        flags |= option_words[i].flag;
        (void) unlinkat(base_fd, file, 0);
        *ret = flags;
        return 0;
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

        int r = file ? read_own(base_fd, file, CREDENTIALS_FILE_MAX, &text, &size) : -ENOMEM;
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
