/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "apparmor.h"
#include "file-util.h"
#include "host-file.h"
#include "string-util.h"
#include "strv.h"

#define KERNEL "/sys/kernel/security/apparmor"
#define OWN_DIR "/etc/vm/apparmor"
#define TEXT_BYTES_MAX (1U << 20)
#define MESSAGE_MAX 4096U
#define LIST_MAX (4U << 20)

static const char *const parsers[] = { "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser" };

static const char *find_parser(const char *root) {
        for (size_t i = 0; i < ELEMENTSOF(parsers); i++) {
                _cleanup_free_ char *path = strf("%s%s", root, parsers[i]);
                if (path && access(path, X_OK) >= 0)
                        return parsers[i];
        }
        return NULL;
}

/* In a container the parameter is the host's, and there is nothing to load profiles into. */
void apparmor_facts_gather(const char *root, ApparmorFacts *ret) {
        _cleanup_free_ char *on = host_read_line("%s/sys/module/apparmor/parameters/enabled", root);
        _cleanup_free_ char *policy = strf("%s" KERNEL "/.replace", root);

        *ret = (ApparmorFacts) {
                .enabled = streq_ptr(on, "Y") && policy && access(policy, F_OK) >= 0,
                .has_parser = find_parser(root),
        };
}

/* --- what the administrator says --- */

/* Takes PATH over. 1, or 0 when there is no such file. */
static int read_text(char *path, char **ret, char **ret_path) {
        if (!path)
                return -ENOMEM;
        free(*ret_path);
        *ret_path = path;
        int r = read_file_limited(AT_FDCWD, path, TEXT_BYTES_MAX, ret, NULL);
        return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : 1;
}

int apparmor_read_template(const char *root, const char *name, const char *data_dir, char **ret, char **ret_path) {
        int r = read_text(strf("%s" OWN_DIR "/%s.template", root, name), ret, ret_path);
        if (r == 0)
                r = read_text(strf("%s" OWN_DIR "/template", root), ret, ret_path);
        if (r == 0)
                r = read_text(strf("%s%s/apparmor/template", root, data_dir), ret, ret_path);
        return r < 0 ? r : r > 0 ? 0 : -ENOENT;
}

int apparmor_read_rules(const char *root, const char *name, char **ret, char **ret_path) {
        int r = read_text(strf("%s" OWN_DIR "/%s.rules", root, name), ret, ret_path);

        return MIN(r, 0);
}

/* --- the kernel's part --- */

static int spawn_parser(const char *parser, const char *path, int output, pid_t *ret) {
        /* Its cache is for profiles that stay. */
        char *const argv[] = { (char *) parser, (char *) "--replace", (char *) "--skip-cache", (char *) "--quiet", (char *) path, NULL };
        char *const env[] = { (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *) "LC_ALL=C", NULL };
        posix_spawn_file_actions_t actions;

        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn(ret, parser, &actions, NULL, argv, env);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* All that is said is read, and the begin of it kept, in one line. */
static int read_message(int fd, char **ret) {
        char buffer[MESSAGE_MAX], rest[MESSAGE_MAX];
        size_t size = 0;
        ssize_t n;

        do {
                bool full = size == sizeof(buffer) - 1;
                n = full ? read(fd, rest, sizeof(rest)) : read(fd, buffer + size, sizeof(buffer) - 1 - size);
                if (n > 0 && !full)
                        size += (size_t) n;
        } while (n > 0 || (n < 0 && errno == EINTR));
        while (size > 0 && buffer[size - 1] == '\n')
                size--;
        for (size_t i = 0; i < size; i++)
                if ((unsigned char) buffer[i] < ' ')
                        buffer[i] = ' ';
        buffer[size] = 0;
        *ret = strdup(buffer);
        return *ret ? 0 : -ENOMEM;
}

int apparmor_load(const char *path, char **ret_message) {
        const char *parser = find_parser("");
        int status, fds[2];
        pid_t pid;

        *ret_message = NULL;
        if (!parser)
                return -ENOENT;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int in = fds[0];
        int r = spawn_parser(parser, path, fds[1], &pid);
        safe_close(fds[1]);
        if (r < 0)
                return r;
        r = read_message(in, ret_message);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r < 0)
                return r;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EINVAL;
}

/* Lines of the kernel's are "NAME (MODE)". */
int apparmor_find(const char *root, const char *profile, bool *ret_enforced) {
        _cleanup_free_ char *list = NULL, *wanted = strf("%s (", profile);

        int r = wanted ? host_read_file(LIST_MAX, &list, "%s" KERNEL "/profiles", root) : -ENOMEM;
        for (const char *line = list; r >= 0 && line && *line; line += strcspn(line, "\n"), line += *line != 0)
                if (startswith(line, wanted)) {
                        *ret_enforced = startswith(line + strlen(wanted), "enforce)");
                        return 1;
                }
        return MIN(r, 0);
}

int apparmor_unload(const char *profile) {
        _cleanup_close_ int fd = open(KERNEL "/.remove", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        ssize_t n = write(fd, profile, strlen(profile));
        return n < 0 && errno != ENOENT ? -errno : 0;
}
