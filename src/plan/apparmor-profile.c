/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apparmor-profile.h"
#include "names.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define INDENT "  "

/* A path in a rule is a pattern: what has a meaning there loses it. BELOW is one, for what is below the path. */
static void append_path(Text *t, const char *path, const char *below) {
        text_append_char(t, '"');
        for (; *path && !(*below && streq(path, "/")); path++) {
                if (strchr("\"\\*?[]{}^,@", *path))
                        text_append_char(t, '\\');
                text_append_char(t, *path);
        }
        text_append(t, below);
        text_append_char(t, '"');
}

/* Descriptors are handed over by root, whom AppArmor does not confine, and can be used in any case. But where he is, as a
 * site may have it, the rule is needed, and it gives nothing that the descriptor does not. */
static void append_pattern(Text *t, const char *path, const char *below, const char *permissions, const char *what) {
        if (!path || *path != '/')
                return;
        /* There is no way to write it: the parser takes a backslash before the last quote for one that is meant for the quote,
         * whatever is before it. */
        if (!utf8_is_printable(path) || endswith(path, "\\"))
                return;
        text_append(t, INDENT);
        append_path(t, path, below);
        text_appendf(t, " %s,", permissions);
        if (what && utf8_is_printable(what))
                text_appendf(t, " # %s", what);
        text_append_char(t, '\n');
}

static void append_rule(Text *t, const char *path, const char *permissions, const char *what) {
        append_pattern(t, path, "", permissions, what);
}

/* What is in a directory is opened by QEMU, by names below the descriptor that it was handed. The mount that this belongs to
 * is nowhere in a tree of mounts, and for AppArmor such a file's path is the one in its file system. */
static void append_folder(Text *t, const PlanFd *fd) {
        const char *permissions = fd->writable ? "rwkl" : "r";

        append_pattern(t, fd->inside ?: fd->path, "/{,**}", permissions, fd->element);
}

/* … and what is in one of the machine's own is opened by the helper that runs in it. */
static void append_own(Text *t, const PlanFd *fd) {
        append_pattern(t, fd->inside ?: fd->path, "/{,*}", "rwk", fd->element);
}

/* What has no name has one for the kernel, made of its number. */
static void append_nameless(Text *t, const char *dir, const char *element) {
        append_pattern(t, dir, "/#*", "rw", element);
}

static void append_overlay(Text *t, const PlanFd *fd) {
        _cleanup_free_ char *dir = strndup(fd->path, (size_t) (strrchr(fd->path, '/') - fd->path));

        if (dir)
                append_nameless(t, dir, fd->element);
        append_nameless(t, vm_directories()->state, fd->element);
}

static void append_fd(Text *t, const PlanFd *fd) {
        switch (fd->kind) {
        case PLAN_FD_FILE:
                append_rule(t, fd->path, fd->writable || fd->append || fd->create ? "rwk" : "rk", fd->element);
                break;
        case PLAN_FD_DIRECTORY:
                append_own(t, fd);
                break;
        case PLAN_FD_MEMORY: /* opened once more by QEMU */
                if (fd->path)
                        append_rule(t, fd->path, "rw", fd->element);
                else
                        append_nameless(t, vm_directories()->state, fd->element);
                break;
        case PLAN_FD_OVERLAY:
                append_overlay(t, fd);
                break;
        case PLAN_FD_LISTEN:
        case PLAN_FD_CONNECT:
        case PLAN_FD_SOCKET:
                append_rule(t, fd->path, "rw", fd->element);
                break;
        case PLAN_FD_FOLDER:
                append_folder(t, fd);
                break;
        default: /* memory, sockets without a name, devices that make something new each time they are opened */
                break;
        }
}

/* What a helper's filter lets through. One profile is for all processes, since with NoNewPrivileges= none is left for another;
 * QEMU and the monitor have no capability in any namespace that these rules would be about, and their filter refuses the calls. */
static const struct {
        const char *word, *rules;
} helper_rules[] = {
        { "root",
          INDENT "capability chown,\n" INDENT "capability dac_override,\n" INDENT "capability dac_read_search,\n" INDENT "capability fowner,\n"
          INDENT "capability fsetid,\n" INDENT "capability mknod,\n" INDENT "capability setgid,\n"
          INDENT "capability setpcap,\n" INDENT "capability setuid,\n" INDENT "capability sys_admin,\n" INDENT "capability sys_chroot,\n"
          INDENT "@{PROC}/@{pid}/{uid_map,gid_map,setgroups} w,\n"
          /* SELinux's, which virtiofsd opens before it knows that there is none. */
          INDENT "@{PROC}/@{pid}/task/@{tid}/attr/fscreate rw,\n"
          INDENT "@{PROC}/sys/fs/file-max r,\n" },
        { "sandbox",
          INDENT "capability setpcap,\n" INDENT "capability sys_admin,\n"
          INDENT "mount,\n" INDENT "umount,\n" INDENT "pivot_root,\n" },
        { "netlink",
          INDENT "network netlink,\n"
          INDENT "@{PROC}/@{pid}/net/** r,\n" INDENT "@{PROC}/sys/net/** r,\n" },
};

static bool helper_allows(const Plan *p, const char *word) {
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                if (strv_contains(h->allow, word))
                        return true;
        return false;
}

static void append_helpers(Text *t, const Plan *p) {
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                append_rule(t, h->program, "mrix", h->element);
        FOREACH_ARRAY(r, helper_rules, ELEMENTSOF(helper_rules))
                if (helper_allows(p, r->word))
                        text_append(t, r->rules);
}

/* Clients of a socket that was handed over are on the network as well. */
static void append_network(Text *t, const Plan *p) {
        bool own = strv_contains(p->allow, "network") || helper_allows(p, "network"), handed = false;

        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                handed |= fd->host != NULL;
                if (fd->kind == PLAN_FD_LISTEN_VSOCK)
                        text_append(t, INDENT "network vsock stream,\n");
        }
        if (own)
                text_append(t, INDENT "include <abstractions/nameservice>\n" INDENT "network inet,\n" INDENT "network inet6,\n");
        else if (handed)
                text_append(t, INDENT "network inet stream,\n" INDENT "network inet6 stream,\n");
}

/* libusb listens for devices and looks around before it takes the one it is handed. */
static void append_uevents(Text *t, const Plan *p) {
        if (strv_contains(p->allow, "uevents"))
                text_append(t, INDENT "network netlink raw,\n" INDENT "@{sys}/bus/ r,\n" INDENT "@{sys}/class/ r,\n"
                               INDENT "@{sys}/bus/usb/devices/ r,\n" INDENT "@{sys}/devices/**/usb[0-9]*/** r,\n");
}

static void append_added(Text *t, const ApparmorTemplate *template) {
        if (isempty(template->rules))
                return;
        text_appendf(t, INDENT "# %s\n", strempty(template->rules_path));
        text_append(t, template->rules);
        if (!endswith(template->rules, "\n"))
                text_append_char(t, '\n');
}

static int make_rules(const Plan *p, const ApparmorTemplate *template, char **ret) {
        _cleanup_free_ char *state = vm_runtime_path(p->name, "state"); /* which the monitor reads */
        _cleanup_free_ char *supervisor = strf("%s/vmunit-supervisor", template->libexec_dir),
                            *monitor = strf("%s/vmunit-monitor", template->libexec_dir);
        _cleanup_text_ Text t = {};

        if (!state || !supervisor || !monitor)
                return -ENOMEM;
        append_rule(&t, supervisor, "mr", NULL);
        append_rule(&t, monitor, "mrix", NULL);
        append_rule(&t, p->emulator, "mrix", NULL);
        append_rule(&t, state, "r", NULL);
        append_helpers(&t, p);
        STRV_FOREACH(device, p->devices)
                append_rule(&t, *device, "rw", "device");
        STRV_FOREACH(cap, p->capabilities)
                text_appendf(&t, INDENT "capability %s,\n", streq(*cap, "SYS_RAWIO") ? "sys_rawio" : *cap);
        append_network(&t, p);
        append_uevents(&t, p);
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                append_fd(&t, fd);
        append_added(&t, template);
        return text_finish(&t, ret);
}

/* The length of the line of rules from its indentation on, if S is at its begin; else 0. */
static size_t rules_line(const char *s) {
        size_t blanks = strspn(s, " \t");

        if (!startswith(s + blanks, APPARMOR_TEMPLATE_RULES))
                return 0;
        size_t end = blanks + strlen(APPARMOR_TEMPLATE_RULES);
        end += strspn(s + end, " \t\r");
        return s[end] == '\n' ? end + 1 : s[end] == 0 ? end : 0;
}

int apparmor_profile_new(const Plan *p, const ApparmorTemplate *template, Diag *diag, char **ret) {
        bool has_name = false, has_rules = false, line_begins = true;
        _cleanup_free_ char *rules = NULL;
        _cleanup_text_ Text t = {};

        int r = make_rules(p, template, &rules);
        if (r < 0)
                return r;
        for (const char *s = template->text; *s;) {
                size_t n = line_begins ? rules_line(s) : 0;
                line_begins = n > 0;
                if (n > 0) {
                        text_append(&t, rules);
                        has_rules = true;
                } else if (*s != '#' && startswith(s, APPARMOR_TEMPLATE_NAME)) {
                        text_append(&t, p->profile);
                        n = strlen(APPARMOR_TEMPLATE_NAME);
                        has_name = true;
                } else if (*s == '#') { /* comments stay, but for directives of old: "#include" has no such word in it */
                        n = strcspn(s, "\n");
                        text_append_n(&t, s, n);
                } else {
                        line_begins = *s == '\n';
                        text_append_char(&t, *s);
                        n = 1;
                }
                s += n;
        }
        if (!has_name || !has_rules)
                return diag_error(diag, (SrcLoc) {}, "'%s' is no template for a profile of AppArmor: it has no %s", template->path,
                                  has_name ? "line " APPARMOR_TEMPLATE_RULES : APPARMOR_TEMPLATE_NAME);
        return text_finish(&t, ret);
}
