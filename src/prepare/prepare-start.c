/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "domain-xml.h"
#include "fd-store.h"
#include "file-access.h"
#include "file-util.h"
#include "host-resources.h"
#include "monitor-protocol.h"
#include "names.h"
#include "open-files.h"
#include "open-folder.h"
#include "open-sockets.h"
#include "places-record.h"
#include "prepare.h"
#include "qemu-argv.h"
#include "runtime.h"
#include "scope.h"
#include "start-options.h"
#include "string-util.h"
#include "strv.h"
#include "systemd.h"
#include "unit-host.h"
#include "unit-overrides.h"
#include "users.h"
#include "vsock.h"

/* How long systemd may take for an answer. It has many to give when many machines start at once; the limit of a start is the
 * unit's (TimeoutStartSec=), this one is there for the message. */
#define PATIENCE_USEC (UINT64_C(120) * 1000000)
#define CGROUP_MAX 65536U
#define GROUPS_SPARE 64U /* supervisor, vm, emulator, those of root's, and I/O threads that are added later */
#define GROUPS_DEEP "2"  /* vm/vcpu0, .control/hold */

/* A start on its way. */
typedef struct Start {
        Prepare *p;
        int base_fd, dir_fd; /* owned: /run/vmunit and the VM's directory */
        int state_fd;        /* owned */
        sd_bus *bus;         /* owned: to PID 1 */
        Prepared x;          /* owned */
        uid_t uid;           /* the VM's */
        gid_t gid;
        OpenedFd *opened;    /* owned: one for each of plan->fds, in the same order */
        int launch_fd, plan_fd, control_fd; /* owned */
        unsigned n_pushed;
        char *group;         /* owned: the unit's control group; NULL: not known */
        bool claimed;        /* the directory is ours: there is something to undo */
} Start;

static void start_done(Start *s) {
        for (size_t i = 0; s->opened && i < s->x.plan->n_fds; i++)
                opened_fd_done(&s->opened[i]);
        free(s->opened);
        safe_close(s->launch_fd);
        safe_close(s->plan_fd);
        safe_close(s->control_fd);
        safe_close(s->state_fd);
        safe_close(s->dir_fd);
        safe_close(s->base_fd);
        prepared_done(&s->x);
        free(s->group);
        sd_bus_close_unref(s->bus);
}

static int fail(Start *s, int error, const char *what) {
        return diag_error_code(&s->p->diag, error, (SrcLoc) {}, "cannot %s: %s", what, strerror(-error));
}

/* --- the steps, in their order --- */

static int connect_systemd(Start *s) {
        int r = systemd_connect(SYSTEMD_DIRECT, &s->bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(s->bus, PATIENCE_USEC);
        return r < 0 ? fail(s, r, "connect to systemd") : 0;
}

/* The unit's control group, in which systemd runs this step; NULL in *ret when it is another one. */
static int find_control_group(Start *s, char **ret) {
        _cleanup_free_ char *text = NULL, *path = NULL;

        int r = read_file_limited(AT_FDCWD, "/proc/self/cgroup", CGROUP_MAX, &text, NULL);
        if (r < 0)
                return r;
        const char *line = startswith(text, "0::"), *found = strstr(text, "\n0::");
        if (!line && found)
                line = found + strlen("\n0::");
        path = strf("/sys/fs/cgroup%.*s", (int) strcspn(strempty(line), "\n"), strempty(line));
        if (!path)
                return -ENOMEM;
        *ret = streq(strrchr(path, '/') + 1, s->p->unit) ? TAKE_PTR(path) : NULL;
        return 0;
}

static int make_root_group(const char *path) {
        struct stat st;

        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
        if (lstat(path, &st) < 0)
                return -errno;
        return st.st_uid == 0 ? 0 : -EPERM;
}

/* systemd runs the later root steps in the group ".control" below the unit's, which belongs to the VM's user: he
 * could make it before systemd does, or remove an empty one and make another, and freeze it. So it is made now,
 * when nothing of the user's runs yet, with something of root's in it that he cannot remove. systemd removes both
 * with the unit's group. */
static int hold_control_group(Start *s) {
        int r = find_control_group(s, &s->group);
        /* A user's later steps are no more than his earlier ones, and nobody else's. */
        if (r >= 0 && (!s->group || vm_is_session()))
                return 0;
        _cleanup_free_ char *control = r < 0 ? NULL : strf("%s/.control", s->group);
        _cleanup_free_ char *hold = control ? strf("%s/hold", control) : NULL;
        if (r >= 0)
                r = hold ? make_root_group(control) : -ENOMEM;
        if (r >= 0)
                r = make_root_group(hold);
        return r < 0 ? fail(s, r, "make the control group of the root steps") : 0;
}

static int write_group(const char *group, const char *file, const char *value) {
        _cleanup_free_ char *path = strf("%s/%s", group, file);
        if (!path)
                return -ENOMEM;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : write_all(fd, value, strlen(value));
}

/* Below the unit's group its user may make groups, and each one costs the kernel memory that is counted for nobody; these
 * two files stay root's. A kernel without them has no such limit. */
static int limit_groups(Start *s) {
        if (!s->group || vm_is_session())
                return 0;
        _cleanup_free_ char *most = strf("%u", domain_max_vcpus(s->x.domain) + domain_count_iothreads(s->x.domain) + GROUPS_SPARE);
        int r = most ? write_group(s->group, "cgroup.max.descendants", most) : -ENOMEM;
        if (r >= 0)
                r = write_group(s->group, "cgroup.max.depth", GROUPS_DEEP);
        return r < 0 && r != -ENOENT ? fail(s, r, "limit the unit's control groups") : 0;
}

static int enter_network(Start *s) {
        int r = enter_host_network();
        return r < 0 ? fail(s, r, "enter the network namespace of the host") : 0;
}

/* A transient VM and a defined one of the same name would share the directory. */
static int check_other(Start *s, const char *other) {
        _cleanup_free_ char *state = NULL;

        int r = systemd_get_string(s->bus, other, "Unit", "ActiveState", &state);
        if (r >= 0 && (streq(state, "inactive") || streq(state, "failed")))
                return 0;
        return diag_error_code(&s->p->diag, -EBUSY, (SrcLoc) {}, "domain '%s' is already active, as %s", s->p->name, other);
}

/* What the cleanup before an automatic restart has left for this start. systemd's counter tells such a start
 * from one that somebody asked for; without it the copy is not used. */
static int take_definition(Start *s) {
        uint32_t n = 0;

        if (faccessat(s->dir_fd, RUNTIME_DEFINITION, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
            systemd_get_u32(s->bus, s->p->unit, "Service", "NRestarts", &n) < 0 || n == 0)
                return 0;
        int r = runtime_read(s->dir_fd, RUNTIME_DEFINITION, DOMAIN_XML_MAX, &s->p->kept, &s->p->kept_size);
        return r == -ENOMEM ? r : 0;
}

static int claim_directory(Start *s) {
        _cleanup_free_ char *other = NULL;
        Prepare *p = s->p;

        s->base_fd = runtime_open(NULL, true);
        s->dir_fd = s->base_fd < 0 ? s->base_fd : runtime_open(p->name, true);
        if (s->dir_fd < 0)
                return diag_error_code(&p->diag, s->dir_fd, (SrcLoc) {}, "cannot make '%s': %s", p->runtime,
                                       strerror(-s->dir_fd));
        int r = runtime_owner(p, s->dir_fd, &other);
        if (r == -EBUSY)
                r = check_other(s, other);
        else if (r < 0)
                r = fail(s, r, "read the VM's runtime directory");
        if (r < 0)
                return r;

        s->claimed = true;
        r = s->state_fd = runtime_open_state(s->dir_fd);
        if (r >= 0)
                r = runtime_write_state(s->state_fd, STATE_PAUSED, REASON_STARTING_UP);
        if (r >= 0)
                r = take_definition(s);
        /* What an earlier start has left behind; its locks on images would stop this one. A directory that has
         * a state is not removed itself. */
        (void) give_back(s->p, s->dir_fd);
        (void) runtime_clean(p->name, NULL);
        if (r >= 0)
                r = runtime_write(s->dir_fd, RUNTIME_UNIT, p->unit, strlen(p->unit), 0644);
        /* All other groups are read-only to the supervisor and what it starts. */
        if (r >= 0 && s->group && !vm_is_session())
                r = runtime_set_group(s->base_fd, p->unit, s->group);
        return r < 0 ? fail(s, r, "write the VM's runtime directory") : 0;
}

/* It is made anew when the plan's files are opened. */
static int reset_nvram(Start *s) {
        int r = 0;

        FOREACH_ARRAY(fd, s->x.plan->fds, s->x.plan->n_fds)
                if (r >= 0 && streq(fd->name, QEMU_FD_NVRAM))
                        r = remove_templated_file(fd, &s->p->diag);
        return r;
}

/* Those of a start whose caller is gone are no business of the next one. */
static int take_options(Start *s, StartOptionFlags *ret) {
        uint32_t job = 0, own = 0;

        int r = start_options_take(s->base_fd, s->p->name, ret, &job);
        if (r < 0)
                return fail(s, r, "read the options of this start");
        if (r > 0 && job > 0) {
                int k = systemd_get_job(s->bus, s->p->unit, &own);
                if (k < 0)
                        return fail(s, k, "ask systemd for the unit's job");
        }
        if (r == 0 || job != own) {
                *ret = 0;
                r = start_options_remove(s->base_fd, s->p->name);
                return r < 0 ? fail(s, r, "remove the options of another start") : 0;
        }
        r = start_credentials_take(s->base_fd, s->p->name, &s->p->credentials);
        return r < 0 ? fail(s, r, "read the credentials of this start") : 0;
}

static int make_plan(Start *s) {
        StartOptionFlags options = 0;

        int r = systemd_get_selinux_context(s->bus, s->p->unit, &s->p->context);
        if (r < 0)
                return fail(s, r, "ask systemd for the unit's label");
        r = take_options(s, &options);
        if (r < 0)
                return r;
        r = take_saved(s->p, s->base_fd, options);
        if (r >= 0)
                r = prepare_plan(s->p, &s->x);
        if (r >= 0)
                r = claim_labels(s->p, &s->x, s->base_fd, s->bus);
        if (r < 0)
                return r;
        if (options & START_OPTION_PAUSED)
                s->x.plan->start_paused = true;
        return options & START_OPTION_RESET_NVRAM ? reset_nvram(s) : 0;
}

/* What vmunit.conf says may have changed since systemd has loaded the unit. */
static int check_user(Start *s) {
        _cleanup_free_ char *loaded = NULL;

        int r = systemd_get_string(s->bus, s->p->unit, "Service", "User", &loaded);
        if (r < 0)
                return fail(s, r, "ask systemd for the unit's user");
        return streq_ptr(loaded, s->x.plan->user) ? 0 :
                diag_error_code(&s->p->diag, -ESTALE, (SrcLoc) {}, "User= of unit %s is '%s', and '%s' for this definition; "
                                "run: systemctl daemon-reload", s->p->unit, strempty(loaded), s->x.plan->user);
}

/* Does the machine called NAME run with the user of this one? */
static bool has_same_user(Start *s, const char *name) {
        _cleanup_close_ int fd = *name == '.' ? -EBADF : runtime_open(name, false);
        _cleanup_free_ char *unit = NULL;
        uint32_t uid = 0;

        return fd >= 0 && runtime_read_line(fd, RUNTIME_UNIT, &unit) >= 0 && !streq(unit, s->p->unit) &&
               systemd_get_u32(s->bus, unit, "Service", "UID", &uid) >= 0 && uid == s->uid;
}

/* One layer less: terminals, which all machines see, have nothing then but their labels to keep them apart. */
static void warn_same_user(Start *s) {
        _cleanup_free_ char *other = NULL;

        DIR *d = opendir(vm_directories()->runtime);
        if (!d)
                return;
        for (struct dirent *e; !other && (e = readdir(d));)
                if (has_same_user(s, e->d_name))
                        other = strdup(e->d_name);
        (void) closedir(d);
        if (other)
                diag_warning(&s->p->diag, (SrcLoc) {}, "domain '%s' runs with the same user, '%s': mounts, filters and labels "
                             "keep the two apart, their user does not", other, s->x.plan->user);
}

/* One that the definition names is there already, and is not root. The dynamic one has a group of the same number. */
static int find_user(Start *s) {
        const Plan *plan = s->x.plan;
        bool named = plan->group;

        if (vm_is_session()) {
                s->uid = geteuid();
                s->gid = getegid();
                return 0;
        }
        int r = named ? host_find_user(plan->user, &s->uid) : systemd_lookup_user(s->bus, plan->user, &s->uid);
        if (r < 0)
                return diag_error_code(&s->p->diag, r, (SrcLoc) {}, "cannot find out the uid of user '%s': %s",
                                       plan->user, r == -ESRCH ? "there is no such user" : strerror(-r));
        s->gid = (gid_t) s->uid;
        r = named ? host_find_group(plan->group, &s->gid) : 0;
        if (r < 0)
                return diag_error_code(&s->p->diag, r, (SrcLoc) {}, "cannot find out the gid of group '%s': %s",
                                       plan->group, r == -ESRCH ? "there is no such group" : strerror(-r));
        if (s->uid == 0 || s->gid == 0)
                return diag_error_code(&s->p->diag, -EPERM, (SrcLoc) {}, "a virtual machine cannot run as root");
        if (named)
                warn_same_user(s);
        return domain_set_dac(s->x.domain, s->uid, s->gid);
}

/* What only systemd knows: the uid, and the limit of a stop with all that an administrator may have changed. */
static int ask_systemd(Start *s) {
        Plan *plan = s->x.plan;

        int r = vm_is_session() ? 0 : check_user(s);
        if (r >= 0)
                r = find_user(s);
        if (r < 0)
                return r;
        r = systemd_get_u64(s->bus, s->p->unit, "Service", "TimeoutStopUSec", &plan->stop_timeout_usec);
        return r < 0 ? fail(s, r, "ask systemd for the limit of a stop") : 0;
}

static int confine(Start *s) {
        return load_profile(s->p, &s->x, s->dir_fd, s->bus);
}

static int make_directory(Start *s, const char *path) {
        const char *below = startswith(path, s->p->runtime);

        /* In root's directory, so nothing can be in the way; one level is all there is. */
        const char *name = path[0] != '/' ? path : below && *below == '/' ? below + 1 : "";
        if (!*name || strchr(name, '/') || *name == '.')
                return diag_error(&s->p->diag, (SrcLoc) {}, "cannot make '%s': not in '%s'", path, s->p->runtime);
        int r = mkdirat(s->dir_fd, name, 0700) < 0 ? -errno : 0;
        if (r >= 0 && fchownat(s->dir_fd, name, s->uid, s->gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r >= 0 && s->x.plan->file_label) {
                _cleanup_close_ int fd = openat(s->dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                return fd < 0 ? -errno : label_directory(s->p, fd, path, &s->x);
        }
        return r < 0 ? diag_error_code(&s->p->diag, r, (SrcLoc) {}, "cannot make '%s/%s': %s", s->p->runtime, name,
                                       strerror(-r)) : 0;
}

static int make_directories(Start *s) {
        int r = 0;

        STRV_FOREACH(path, s->x.plan->directories) {
                r = make_directory(s, *path);
                if (r < 0)
                        break;
        }
        return r;
}

/* What outlives this process without a descriptor goes into the book. */
static int note(Start *s, const OpenedFd *o) {
        Resource r = {};

        if (o->ifname)
                r = (Resource) {
                        .kind = o->existing ? RESOURCE_INTERFACE : RESOURCE_TAP, .name = o->ifname, .ifindex = o->ifindex,
                };
        else if (o->socket_path)
                r = (Resource) {
                        .kind = RESOURCE_SOCKET, .name = o->socket_path, .dev = o->socket_dev, .ino = o->socket_ino,
                };
        else
                return 0;
        int k = resources_add(s->dir_fd, &r);
        if (k < 0 && o->socket_path)
                (void) remove_socket(o->socket_path, o->socket_dev, o->socket_ino);
        return k < 0 ? fail(s, k, "write down what was opened") : 0;
}

/* What is open already, since the plan depends on it; NULL: nothing. */
static int *claimed_before(Start *s, const PlanFd *fd) {
        if (fd->kind == PLAN_FD_LISTEN_VSOCK)
                return &s->p->notify_fd;
        return streq_ptr(fd->path, VSOCK_DEVICE) ? &s->p->vsock_fd : NULL;
}

/* Where QEMU looks for it by a name of QEMU's own. */
static int make_link(Start *s, const PlanFd *fd) {
        char target[32];

        (void) snprintf(target, sizeof(target), "/proc/self/fd/%u", fd->number);
        int r = symlinkat(target, s->dir_fd, fd->link) < 0 ? -errno : 0;
        if (r >= 0 && s->x.plan->file_label) {
                _cleanup_close_ int link = openat(s->dir_fd, fd->link, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                return link < 0 ? -errno : label_directory(s->p, link, fd->link, &s->x);
        }
        return r < 0 ? diag_error_code(&s->p->diag, r, fd->loc, "cannot make '%s/%s': %s", s->p->runtime, fd->link, strerror(-r)) : 0;
}

static int cannot_let_in(Start *s, const PlanFd *fd, int error) {
        return diag_error_code(&s->p->diag, error, fd->loc, "cannot give user '%s' access to '%s' for %s: %s", s->x.plan->user, fd->path,
                               fd->element, error == -EOPNOTSUPP ? "its file system has no access control lists" : strerror(-error));
}

/* QEMU opens it by itself, as the machine's user. What an administrator has given to one that the definition names stays when the
 * machine ends. A dynamic one nobody has given anything: it is a number that somebody else can have tomorrow, and what is there is
 * left from a run that ended with the host's power. */
static int let_in(Start *s, const PlanFd *fd, const OpenedFd *o) {
        struct stat st;

        int r = fd->link ? make_link(s, fd) : 0;
        if (r < 0 || !fd->reopened || !fd->path || vm_is_session())
                return r;
        r = file_access_has(o->fds[0], s->uid, fd->writable, s->x.plan->group);
        if (r != 0)
                return r < 0 ? cannot_let_in(s, fd, r) : 0;
        if (fstat(o->fds[0], &st) < 0)
                return -errno;
        Resource record = { .kind = RESOURCE_ACCESS, .name = fd->path, .uid = s->uid, .dev = st.st_dev, .ino = st.st_ino };
        r = resources_add(s->dir_fd, &record);
        if (r < 0)
                return fail(s, r, "write down what was opened");
        r = file_access_grant(o->fds[0], s->uid, fd->writable);
        return r < 0 ? cannot_let_in(s, fd, r) : 0;
}

static int label_one(Start *s, const PlanFd *fd, int opened) {
        /* What is the machine's own has no other label to go back to. */
        if (fd->kind == PLAN_FD_DIRECTORY)
                return label_own(s->p, fd, opened, &s->x);
        if (!fd->path || fd->kind == PLAN_FD_OVERLAY) /* it ends with the machine: nothing to remember */
                return label_directory(s->p, opened, fd->name, &s->x);
        return label_opened(s->p, fd, opened, &s->x, s->base_fd, s->dir_fd, s->bus);
}

/* By 9p, for each new file, QEMU asks the kernel to give it to the guest's user, which takes root. */
static void warn_passthrough(Start *s) {
        FOREACH_ARRAY(f, s->x.domain->filesystems, s->x.domain->n_filesystems)
                if (f->access == FS_PASSTHROUGH && f->driver != FS_DRIVER_VIRTIOFS && !f->readonly)
                        diag_warning(&s->p->diag, f->info.loc, "filesystem '%s': with accessmode='passthrough' the guest can make no files "
                                     "there, as a machine may not give them to others: 'squash' and 'mapped' can", f->target);
}

static int open_one(Start *s, PlanFd *fd, OpenedFd *o) {
        int *claimed = claimed_before(s, fd);

        if (claimed)
                return opened_fd_take(o, claimed);
        int r = fd->kind == PLAN_FD_FOLDER ? open_folder(fd, s->uid, s->gid, &s->p->diag, o) :
                open_plan_fd(fd, s->uid, &s->p->diag, o);
        if (r >= 0)
                fd->inside = TAKE_PTR(o->inside);
        return r;
}

static int open_all(Start *s) {
        Plan *plan = s->x.plan;

        warn_passthrough(s);
        leave_out_missing(plan);
        int r = check_helpers(plan, &s->p->diag);
        if (r < 0)
                return r;
        s->opened = calloc(plan->n_fds + 1, sizeof(OpenedFd));
        if (!s->opened)
                return -ENOMEM;
        for (size_t i = 0; i < plan->n_fds; i++) {
                if (plan->fds[i].kind == PLAN_FD_PAIR)
                        continue;
                r = open_one(s, &plan->fds[i], &s->opened[i]);
                if (r >= 0)
                        r = note(s, &s->opened[i]);
                if (r >= 0)
                        r = let_in(s, &plan->fds[i], &s->opened[i]);
                if (r >= 0)
                        r = connect_interface(s->p, s->dir_fd, &plan->fds[i], &s->opened[i]);
                if (r >= 0 && plan->fds[i].label)
                        r = label_one(s, &plan->fds[i], s->opened[i].fds[0]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The names that taps were given belong to the description of what runs. */
static int name_taps(Start *s) {
        FOREACH_ARRAY(i, s->x.domain->interfaces, s->x.domain->n_interfaces)
                for (size_t k = 0; k < s->x.plan->n_fds; k++) {
                        const char *alias = startswith(s->x.plan->fds[k].name, "tap-");
                        if (!alias || !streq_ptr(alias, i->info.alias) || !s->opened[k].ifname)
                                continue;
                        int r = free_and_strdup(&i->target_dev, s->opened[k].ifname);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* What was chosen for the displays is described as if it had been written. */
static int describe_displays(Start *s) {
        static const struct {
                const char *name;
                GraphicsType type;
                bool tls;
        } displays[] = {
                { QEMU_FD_VNC, GRAPHICS_VNC, false },
                { QEMU_FD_SPICE, GRAPHICS_SPICE, false },
                { QEMU_FD_SPICE_TLS, GRAPHICS_SPICE, true },
        };
        int r = 0;

        for (size_t i = 0; i < s->x.plan->n_fds; i++)
                FOREACH_ARRAY(d, displays, ELEMENTSOF(displays)) {
                        const PlanFd *fd = s->x.plan->fds + i;
                        const Listening l = { .socket = fd->path, .address = fd->host, .port = s->opened[i].port, .tls = d->tls };
                        if (r >= 0 && streq(fd->name, d->name))
                                r = domain_set_listening(s->x.domain, d->type, &l);
                }
        return r;
}

static int freeze_data(Start *s, const char *file, const void *data, size_t size) {
        int r = runtime_write(s->dir_fd, file, data, size, 0600);
        return r < 0 ? diag_error_code(&s->p->diag, r, (SrcLoc) {}, "cannot write '%s/%s': %s", s->p->runtime, file,
                                       strerror(-r)) : 0;
}

static int freeze_file(Start *s, const char *file, const char *text) {
        return freeze_data(s, file, text, strlen(text));
}

/* What runs, from now on independent of the definition. */
static int freeze(Start *s) {
        _cleanup_free_ char *json = NULL, *xml = NULL, *dropin = NULL;
        const Plan *plan = s->x.plan;

        int r = plan_to_json(plan, &json);
        if (r >= 0)
                r = domain_to_xml(s->x.domain, DOMAIN_XML_SECURE, &xml);
        if (r >= 0)
                r = unit_properties_to_dropin(&plan->properties, plan->source_path, &dropin);
        if (r < 0)
                return fail(s, r, "render the plan");
        r = freeze_file(s, RUNTIME_PLAN, json);
        if (r >= 0)
                r = freeze_file(s, RUNTIME_DOMAIN, xml);
        if (r >= 0)
                r = freeze_data(s, RUNTIME_DEFINITION, s->x.text.text, s->x.text.size);
        if (r >= 0 && !s->p->transient)
                r = places_record_save(s->p->name, s->x.domain, &s->p->diag);
        /* The generator hands this out while the VM runs. A transient unit has no drop-in of the generator's. */
        if (r >= 0 && !s->p->transient)
                r = freeze_file(s, RUNTIME_DROPIN, dropin);
        return r;
}

static int open_own(Start *s) {
        _cleanup_free_ char *launch = NULL, *path = vm_runtime_path(s->p->name, RUNTIME_CONTROL), *reason = NULL;
        struct stat st;
        size_t size;

        if (!path)
                return -ENOMEM;
        int r = plan_to_launch(s->x.plan, true, &launch, &size);
        if (r >= 0)
                r = s->launch_fd = memfd_from_data(SUPERVISOR_FD_LAUNCH, launch, size);
        if (r < 0)
                return fail(s, r, "make the launch record");
        s->plan_fd = openat(s->dir_fd, RUNTIME_PLAN, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (s->plan_fd < 0)
                return fail(s, -errno, "open the plan");
        /* Root's, or in a session its user's. */
        s->control_fd = listen_unix(path, geteuid(), &st, &reason);
        if (s->control_fd < 0)
                return diag_error_code(&s->p->diag, s->control_fd, (SrcLoc) {}, "cannot listen on '%s': %s", path,
                                       strempty(reason));
        return 0;
}

static int push(Start *s, int fd, const char *name) {
        Resource record = { .kind = RESOURCE_FD, .name = (char *) name };

        int r = resources_add(s->dir_fd, &record);
        if (r >= 0)
                r = fd_store_push(fd, name);
        if (r < 0)
                return diag_error_code(&s->p->diag, r, (SrcLoc) {}, "cannot hand descriptor '%s' to systemd: %s", name,
                                       strerror(-r));
        s->n_pushed++;
        return 0;
}

static int push_opened(Start *s, const PlanFd *fd, const OpenedFd *o) {
        for (size_t i = 0; i < o->n_fds; i++) {
                _cleanup_free_ char *name = opened_fd_name(fd, i);
                if (!name)
                        return -ENOMEM;
                int r = push(s, o->fds[i], name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A push over the store's limit is dropped silently, so systemd is asked what has arrived. */
static int check_store(Start *s) {
        uint32_t n;

        int r = fd_store_barrier(PATIENCE_USEC);
        if (r >= 0)
                r = systemd_get_u32(s->bus, s->p->unit, "Service", "NFileDescriptorStore", &n);
        if (r < 0)
                return fail(s, r, "ask systemd for the descriptors handed to it");
        if (n != s->n_pushed)
                return diag_error_code(&s->p->diag, -EXFULL, (SrcLoc) {}, "systemd keeps %u of the %u descriptors of this "
                                       "VM: FileDescriptorStoreMax= of %s is too small", n, s->n_pushed, s->p->unit);
        return 0;
}

static int push_all(Start *s) {
        const struct {
                const char *name;
                int fd;
        } own[] = {
                { SUPERVISOR_FD_LAUNCH, s->launch_fd }, { SUPERVISOR_FD_STATE, s->state_fd },
                { MONITOR_FD_PLAN, s->plan_fd },        { MONITOR_FD_CONTROL, s->control_fd },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(own); i++)
                r = push(s, own[i].fd, own[i].name);
        if (r >= 0 && s->x.plan->restores)
                r = push(s, s->p->saved.fd, PLAN_FD_SAVED);
        if (r >= 0 && s->x.plan->restores)
                r = push(s, s->p->saved_mark, PLAN_FD_SAVED_MARK);
        for (size_t i = 0; r >= 0 && i < s->x.plan->n_fds; i++)
                r = push_opened(s, &s->x.plan->fds[i], &s->opened[i]);
        return r < 0 ? r : check_store(s);
}

/* The settings of the unit's control group are those that systemd has loaded, and a daemon-reload keeps them: the
 * generator hands out the frozen drop-in as long as the VM runs. So there is nothing to set, and what an administrator has
 * put into drop-ins of his own holds. But two things may be there from an earlier run:
 *   - what `vmunit schedinfo --live` or `systemctl set-property --runtime` has set. systemd keeps it in files until the
 *     next boot; to set it back over the bus would write more of them, and go over the administrator's.
 *   - settings that the generator has kept for the VM that ran, and the definition was changed meanwhile.
 * Then systemd reads its files anew, which costs a moment, and only then. */
static int forget_earlier_run(Start *s) {
        _cleanup_strv_ char **overrides = NULL, **leftovers = NULL;
        _cleanup_free_ char *dropin = NULL;
        const Prepare *p = s->p;

        if (p->transient || p->goes_on)
                return 0;
        int r = unit_overrides_list("", p->unit, &overrides);
        STRV_FOREACH(i, overrides)
                if (r >= 0 && !unit_properties_find(&s->x.placed, *i)) /* those are set anew in a moment */
                        r = strv_extend(&leftovers, *i);
        if (r >= 0)
                r = unit_properties_to_dropin(&s->x.plan->properties, s->x.plan->source_path, &dropin);
        if (r >= 0)
                r = unit_dropin_differs("", p->unit, dropin);
        if (r >= 0 && (r > 0 || leftovers)) {
                r = unit_overrides_remove("", p->unit, leftovers);
                if (r >= 0)
                        return systemd_reload(s->bus, &s->p->diag) < 0 ? -EIO : 1;
        }
        return r < 0 ? fail(s, r, "forget the settings of an earlier run") : 0;
}

static void warn_guarantee(Start *s) {
        const OptU64 *wanted = &s->x.domain->memtune.min_guarantee;
        _cleanup_free_ char *above = NULL;

        uint64_t least = s->group && wanted->value > 0 ? host_memory_min_above(s->group, &above) : UINT64_MAX;
        if (above && least < wanted->value)
                diag_warning(&s->p->diag, s->x.domain->memtune.loc, "memtune: min_guarantee: '%s' has no more than %llu KiB of "
                             "it (MemoryMin=), which holds for all below", strrchr(above, '/') + 1, (unsigned long long) least / 1024);
}

static int set_properties(Start *s) {
        int r = forget_earlier_run(s);
        if (r < 0)
                return r;
        /* After a reload the groups follow in a moment. */
        if (r == 0 && s->group)
                r = domain_check_controllers(s->x.domain, host_controllers_of(s->group), s->x.facts.lenient,
                                             "the unit's slice", &s->p->diag);
        if (r >= 0 && s->x.placed.n_items > 0)
                r = systemd_set_live_properties(s->bus, s->p->unit, &s->x.placed, &s->p->diag);
        warn_guarantee(s);
        return MIN(r, 0);
}

static int allocate_id(Start *s) {
        unsigned id;

        int r = runtime_allocate_id(s->base_fd, &id);
        if (r >= 0) {
                _cleanup_free_ char *text = strf("%u\n", id);
                r = text ? runtime_write(s->dir_fd, RUNTIME_ID, text, strlen(text), 0644) : -ENOMEM;
        }
        return r < 0 ? fail(s, r, "allocate an id") : 0;
}

/* For everybody: who can connect is the guest's to say. */
static int publish_cid(Start *s) {
        if (s->x.domain->n_vsocks == 0)
                return 0;
        _cleanup_free_ char *text = strf("%u\n", s->x.domain->vsocks[0].cid.value);
        int r = text ? runtime_write(s->dir_fd, RUNTIME_CID, text, strlen(text), 0644) : -ENOMEM;
        return r < 0 ? fail(s, r, "write the guest's address") : 0;
}

static int (*const steps[])(Start *s) = {
        hold_control_group, connect_systemd, enter_network, claim_directory, make_plan, limit_groups, ask_systemd, make_directories,
        open_all,           name_taps,       describe_displays, confine,       freeze,          open_own,      push_all,        set_properties, publish_cid,
        allocate_id,
};

/* --- all together --- */

static void undo(Start *s) {
        (void) start_options_remove(s->base_fd, s->p->name);
        if (!s->claimed)
                return;
        (void) give_back(s->p, s->dir_fd);
        (void) release_labels(s->p);
        (void) runtime_set_group(s->base_fd, s->p->unit, NULL);
        if (s->state_fd >= 0)
                (void) runtime_write_state(s->state_fd, STATE_SHUT_OFF, REASON_FAILED);
        (void) runtime_clean(s->p->name, NULL);
}

int prepare_start(Prepare *p) {
        _cleanup_(start_done) Start s = {
                .p = p, .base_fd = -EBADF, .dir_fd = -EBADF, .state_fd = -EBADF,
                .launch_fd = -EBADF, .plan_fd = -EBADF, .control_fd = -EBADF,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(steps); i++)
                r = steps[i](&s);
        if (r < 0) {
                if (p->diag.n_errors == 0)
                        (void) fail(&s, r, "prepare the start");
                undo(&s);
                (void) notify_status(diag_first_error(&p->diag));
        }
        journal_log_diag(&p->journal, MESSAGE_ID_VM_PREPARE_FAILED, &p->diag);
        if (r < 0)
                return EXIT_FAILURE;
        journal_log(&p->journal, LOG_DEBUG, MESSAGE_ID_VM_PREPARED, "Prepared virtual machine %s: %u descriptors.", p->name,
                    s.n_pushed);
        return EXIT_SUCCESS;
}
