/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "capability-check.h"
#include "launch.h"
#include "parse-util.h"
#include "seccomp-filter.h"
#include "string-util.h"

static int set_once(const char **field, const char *value) {
        if (*field)
                return -EBADMSG;
        *field = value;
        return 0;
}

static int parse_name(Launch *l, char *value) {
        return set_once(&l->name, value);
}

static int parse_emulator(Launch *l, char *value) {
        return *value == '/' ? set_once(&l->emulator, value) : -EBADMSG;
}

static int parse_monitor(Launch *l, char *value) {
        return *value == '/' ? set_once(&l->monitor, value) : -EBADMSG;
}

static int parse_label(Launch *l, char *value) {
        return isempty(value) ? -EBADMSG : set_once(&l->label, value);
}

static int parse_profile(Launch *l, char *value) {
        return isempty(value) ? -EBADMSG : set_once(&l->profile, value);
}

static int parse_arg(Launch *l, char *value) {
        if (!ARRAY_GROW(l->argv, l->n_argv))
                return -ENOMEM;
        l->argv[l->n_argv++] = value;
        return 0;
}

static int parse_env(Launch *l, char *value) {
        if (!strchr(value, '='))
                return -EBADMSG;
        if (!ARRAY_GROW(l->env, l->n_env))
                return -ENOMEM;
        l->env[l->n_env++] = value;
        return 0;
}

static int add_fd(LaunchFd **fds, size_t *n_fds, char *value, unsigned least, bool pair) {
        char *colon = strchr(value, ':');
        unsigned number;

        if (!colon || isempty(colon + 1))
                return -EBADMSG;
        *colon = 0;
        if (parse_uint(value, &number) < 0 || number < least || number > LAUNCH_FD_NUMBER_MAX)
                return -EBADMSG;
        FOREACH_ARRAY(fd, *fds, *n_fds)
                if (fd->number == number)
                        return -EBADMSG;
        if (!ARRAY_GROW(*fds, *n_fds))
                return -ENOMEM;
        (*fds)[(*n_fds)++] = (LaunchFd) { .number = number, .name = colon + 1, .pair = pair };
        return 0;
}

static int parse_fd(Launch *l, char *value) {
        return add_fd(&l->fds, &l->n_fds, value, LAUNCH_FD_QMP + 1, false);
}

static int parse_pair(Launch *l, char *value) {
        return add_fd(&l->fds, &l->n_fds, value, LAUNCH_FD_QMP + 1, true);
}

/* --- helpers --- */

static LaunchHelper *last_helper(Launch *l) {
        return l->n_helpers > 0 ? l->helpers + l->n_helpers - 1 : NULL;
}

static int parse_helper(Launch *l, char *value) {
        char *colon = strchr(value, ':');

        if (!colon || colon == value || colon[1] != '/' || l->n_helpers >= LAUNCH_HELPERS_MAX)
                return -EBADMSG;
        *colon = 0;
        if (!ARRAY_GROW(l->helpers, l->n_helpers))
                return -ENOMEM;
        l->helpers[l->n_helpers++] = (LaunchHelper) { .name = value, .program = colon + 1 };
        return 0;
}

static int parse_helper_arg(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);

        if (!h)
                return -EBADMSG;
        if (!ARRAY_GROW(h->argv, h->n_argv))
                return -ENOMEM;
        h->argv[h->n_argv++] = value;
        return 0;
}

static int parse_helper_fd(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);

        return h ? add_fd(&h->fds, &h->n_fds, value, STDERR_FILENO, false) : -EBADMSG;
}

/* The pair comes first in the record, and has one other end. */
static int parse_helper_pair(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);
        int r = h ? add_fd(&h->fds, &h->n_fds, value, STDERR_FILENO, true) : -EBADMSG;

        if (r < 0)
                return r;
        FOREACH_ARRAY(fd, l->fds, l->n_fds)
                if (fd->pair && !fd->helper && streq(fd->name, h->fds[h->n_fds - 1].name)) {
                        fd->helper = true;
                        return 0;
                }
        return -EBADMSG;
}

static int parse_helper_directory(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);

        return h && !isempty(value) ? set_once(&h->directory, value) : -EBADMSG;
}

static int parse_helper_allow(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);
        int bit = h ? seccomp_allow_from_string(value) : -EBADMSG;

        if (bit < 0)
                return -EBADMSG;
        h->allow |= (unsigned) bit;
        return 0;
}

static int parse_helper_ends(Launch *l, char *value) {
        LaunchHelper *h = last_helper(l);

        if (!h || !streq(value, "yes"))
                return -EBADMSG;
        h->ends = true;
        return 0;
}

/* --- all --- */

static int parse_monitor_fd(Launch *l, char *value) {
        if (!ARRAY_GROW(l->monitor_fds, l->n_monitor_fds))
                return -ENOMEM;
        l->monitor_fds[l->n_monitor_fds++] = value;
        return 0;
}

static int parse_stop_timeout(Launch *l, char *value) {
        uint64_t ms;

        if (parse_u64(value, 10, &ms) < 0 || ms > UINT64_MAX / 1000)
                return -EBADMSG;
        l->stop_timeout_usec = ms * 1000;
        return 0;
}

static int parse_allow(Launch *l, char *value) {
        int bit = seccomp_allow_from_string(value);

        if (bit < 0 || ((unsigned) bit & SECCOMP_ALLOW_HELPERS))
                return -EBADMSG;
        l->allow |= (unsigned) bit;
        return 0;
}

static int parse_session(Launch *l, char *value) {
        l->session = streq(value, "yes");
        return l->session ? 0 : -EBADMSG;
}

static int parse_unit(Launch *l, char *value) {
        l->unit = streq(value, "yes");
        return l->unit ? 0 : -EBADMSG;
}

static int parse_cap(Launch *l, char *value) {
        int c = capability_from_string(value);

        if (c < 0)
                return -EBADMSG;
        l->capabilities |= UINT64_C(1) << c;
        return 0;
}

static const struct {
        const char *prefix;
        int (*parse)(Launch *l, char *value);
} keys[] = {
        { "name=", parse_name },
        { "emulator=", parse_emulator },
        { "monitor=", parse_monitor },
        { "label=", parse_label },
        { "profile=", parse_profile },
        { "arg=", parse_arg },
        { "env=", parse_env },
        { "fd=", parse_fd },
        { "pair=", parse_pair },
        { "monitor-fd=", parse_monitor_fd },
        { "helper=", parse_helper },
        { "helper-arg=", parse_helper_arg },
        { "helper-fd=", parse_helper_fd },
        { "helper-pair=", parse_helper_pair },
        { "helper-directory=", parse_helper_directory },
        { "helper-allow=", parse_helper_allow },
        { "helper-ends=", parse_helper_ends },
        { "stop-timeout-ms=", parse_stop_timeout },
        { "allow=", parse_allow },
        { "unit=", parse_unit },
        { "session=", parse_session },
        { "cap=", parse_cap },
};

static int parse_entry(Launch *l, char *entry) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (startswith(entry, keys[i].prefix))
                        return keys[i].parse(l, entry + strlen(keys[i].prefix));
        /* A key that is not known may be essential to whoever wrote it. */
        return -EBADMSG;
}

int launch_parse(char *record, size_t size, Launch *ret) {
        _cleanup_launch_ Launch l = { .record = record, .stop_timeout_usec = UINT64_MAX };

        if (size == 0 || size > LAUNCH_MAX || record[size - 1] != 0)
                return -EBADMSG;
        if (!streq(record, "version=1"))
                return -EBADMSG;
        for (char *p = record + strlen(record) + 1; p < record + size; ) {
                /* The entry's end is found first: some parsers cut the value in two. */
                char *next = p + strlen(p) + 1;
                int r = parse_entry(&l, p);
                if (r < 0)
                        return r;
                p = next;
        }
        if (!l.name || !l.emulator || l.n_argv == 0)
                return -EBADMSG;

        /* execve() wants both arrays to end with NULL. */
        if (!ARRAY_GROW(l.argv, l.n_argv) || !ARRAY_GROW(l.env, l.n_env))
                return -ENOMEM;
        l.argv[l.n_argv] = NULL;
        l.env[l.n_env] = NULL;
        FOREACH_ARRAY(h, l.helpers, l.n_helpers) {
                if (h->n_argv == 0)
                        return -EBADMSG;
                if (!ARRAY_GROW(h->argv, h->n_argv))
                        return -ENOMEM;
                h->argv[h->n_argv] = NULL;
        }
        *ret = l;
        l = (Launch) {};
        return 0;
}

void launch_done(Launch *l) {
        free(l->record);
        free(l->argv);
        free(l->env);
        free(l->fds);
        FOREACH_ARRAY(h, l->helpers, l->n_helpers) {
                free(h->argv);
                free(h->fds);
        }
        free(l->helpers);
        free(l->monitor_fds);
        *l = (Launch) {};
}
