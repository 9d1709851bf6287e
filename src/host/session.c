/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"
#include "string-util.h"

/* A part of it becomes a path of a socket, which has 107 bytes at most; the rest must not surprise a unit file or a list
 * that is separated by colons. */
#define DIRECTORY_MAX 1024U

static int check_directory(const char *variable, const char *path, Diag *diag) {
        if (*path != '/' || strlen(path) > DIRECTORY_MAX || strchr(path, ':') || !utf8_is_printable(path) ||
            strstr(path, "/../") || endswith(path, "/.."))
                return diag_error(diag, (SrcLoc) {}, "%s is '%s', which is no directory that can be used", variable, path);
        return 0;
}

/* The one below HOME counts when the variable says nothing. */
static int find_directory(const char *variable, const char *home, const char *below, Diag *diag, char **ret) {
        const char *value = getenv(variable);

        *ret = isempty(value) ? strf("%s/%s", home, below) : strdup(value);
        return *ret ? check_directory(variable, *ret, diag) : -ENOMEM;
}

static int find_home(Diag *diag, char **ret) {
        const char *home = getenv("HOME");

        if (isempty(home)) {
                const struct passwd *p = getpwuid(getuid());
                home = p ? p->pw_dir : NULL;
        }
        *ret = strdup(isempty(home) ? "/nonexistent" : home);
        return *ret ? check_directory("HOME", *ret, diag) : -ENOMEM;
}

/* It must be this user's alone, since sockets in it are as good as his rights. */
static int find_runtime(Diag *diag, char **ret) {
        const char *value = getenv("XDG_RUNTIME_DIR");
        struct stat st;

        *ret = isempty(value) ? strf("/run/user/%u", getuid()) : strdup(value);
        int r = *ret ? check_directory("XDG_RUNTIME_DIR", *ret, diag) : -ENOMEM;
        if (r < 0)
                return r;
        if (stat(*ret, &st) < 0 && errno == ENOENT)
                return 0; /* there is no systemd of this user either: whoever needs one says so */
        if (stat(*ret, &st) < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot use '%s' (XDG_RUNTIME_DIR): %s", *ret, strerror(errno));
        if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077))
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "cannot use '%s' (XDG_RUNTIME_DIR): it is not a directory of uid "
                                       "%u that nobody else can enter", *ret, getuid());
        return 0;
}

int session_enter(VmScope scope, Diag *diag) {
        _cleanup_free_ char *runtime = NULL, *home = NULL, *config = NULL, *state = NULL, *cache = NULL;

        if (scope == VM_SCOPE_SYSTEM) {
                vm_scope_set_system();
                return 0;
        }
        if (geteuid() == 0)
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "root has no session of virtual machines, in which they would run as "
                                       "root; use qemu:///system");
        if (geteuid() != getuid())
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "a session needs a process of one user");
        int r = find_runtime(diag, &runtime);
        if (r >= 0)
                r = find_home(diag, &home);
        if (r >= 0)
                r = find_directory("XDG_CONFIG_HOME", home, ".config", diag, &config);
        if (r >= 0)
                r = find_directory("XDG_STATE_HOME", home, ".local/state", diag, &state);
        if (r >= 0)
                r = find_directory("XDG_CACHE_HOME", home, ".cache", diag, &cache);
        return r < 0 ? r : vm_scope_set_session(runtime, config, state, cache);
}
