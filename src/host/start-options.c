/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "file-util.h"
#include "start-options.h"
#include "string-util.h"
#include "strv.h"

static const struct {
        StartOptionFlags flag;
        const char *word;
} option_words[] = {
        { START_OPTION_PAUSED, "paused" },
        { START_OPTION_FORCE_BOOT, "force-boot" },
        { START_OPTION_RESTORE, "restore" },
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

int start_options_take(int base_fd, const char *name, StartOptionFlags *ret) {
        _cleanup_free_ char *file = options_file(name), *text = NULL;
        _cleanup_strv_ char **words = NULL;
        StartOptionFlags flags = 0;
        struct stat st;

        if (!file)
                return -ENOMEM;
        _cleanup_close_ int fd = openat(base_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
                if (errno != ENOENT)
                        return -errno;
                *ret = 0;
                return 0;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()))
                return -EPERM;
        int r = read_fd_limited(fd, 4096, &text, NULL);
        if (r >= 0)
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

int start_options_remove(int base_fd, const char *name) {
        _cleanup_free_ char *file = options_file(name);

        if (!file)
                return -ENOMEM;
        return unlinkat(base_fd, file, 0) < 0 && errno != ENOENT ? -errno : 0;
}
