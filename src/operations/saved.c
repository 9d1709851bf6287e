/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "change.h"
#include "config-file.h"
#include "definitions.h"
#include "domain-xml.h"
#include "file-util.h"
#include "job.h"
#include "names.h"
#include "parse-util.h"
#include "runtime.h"
#include "saved.h"
#include "plans.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "survivor.h"
#include "target-file.h"
#include "time-util.h"
#include "vm-lifecycle.h"

#define PROGRESS_USEC 500000
#define END_USEC (UINT64_C(60) * 1000000)
#define SETTLE_MSEC 20 /* between two looks at what has become of a machine */
#define COMPRESSOR "zstd"

static int say(Diag *diag, int r, const char *what, const char *path) {
        return diag_error_code(diag, r, (SrcLoc) {}, "cannot %s '%s': %s", what, path, strerror(-r));
}

/* --- a program that packs or unpacks between us and a file --- */

typedef struct Filter {
        pid_t pid; /* 0: none */
        int fd;    /* owned: our end */
} Filter;

static void filter_done(Filter *f) {
        f->fd = safe_close(f->fd);
        if (f->pid > 0) {
                (void) kill(f->pid, SIGTERM);
                (void) waitpid(f->pid, NULL, 0);
        }
        f->pid = 0;
}

static int filter_start(int file, bool pack, Filter *ret) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        int ours = ends[pack], theirs = ends[!pack];
        pid_t pid = fork();
        if (pid == 0) {
                if (dup2(pack ? theirs : file, 0) >= 0 && dup2(pack ? file : theirs, 1) >= 0)
                        execlp(COMPRESSOR, COMPRESSOR, pack ? "-qc" : "-qdc", (char *) NULL);
                _exit(127);
        }
        int r = pid < 0 ? -errno : 0;
        safe_close(theirs);
        if (r < 0) {
                safe_close(ours);
                return r;
        }
        *ret = (Filter) { .pid = pid, .fd = ours };
        return 0;
}

/* After the end of what is packed. */
static int filter_finish(Filter *f) {
        int status = 0;

        f->fd = safe_close(f->fd);
        if (f->pid <= 0)
                return 0;
        while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
                ;
        f->pid = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* --- saving --- */

typedef struct Save {
        Manager *m;
        const Vm *vm;
        const SaveOptions *options;
        bool managed;
        SavedHeader header; /* owned */
        char *xml;          /* owned */
        Target target;
        uint64_t memory, said_usec;
        JobReport report;
} Save;

static void save_done(Save *s) {
        saved_header_done(&s->header);
        free(s->xml);
        target_done(&s->target);
}

/* QEMU itself cannot be asked: it waits for us to read. The guest's memory is about what comes. */
static void say_progress(Save *s, uint64_t done) {
        if (!s->options->progress || now_usec() < s->said_usec + PROGRESS_USEC)
                return;
        s->said_usec = now_usec();
        s->options->progress((unsigned) MIN(done * 100 / MAX(s->memory, UINT64_C(1)), UINT64_C(99)), s->options->userdata);
}

/* Reads until BUFFER is full; what it got, less at the end, or negative errno. */
static ssize_t read_piece(int fd, char *buffer) {
        size_t size = 0;

        while (size < SAVED_PIECE) {
                ssize_t n = read(fd, buffer + size, SAVED_PIECE - size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        return (ssize_t) size;
}

static int copy_stream(Save *s, int from, int to, Diag *diag) {
        uint64_t limit = stream_size_max(s->memory), begin = now_usec();
        _cleanup_free_ char *piece = malloc(SAVED_PIECE);
        SavedDigest digest = {};
        ssize_t n;

        if (!piece)
                return -ENOMEM;
        while ((n = read_piece(from, piece)) > 0) {
                saved_digest_add(&digest, piece, (size_t) n);
                bool too_slow = s->options->host_goes_down && stream_is_too_slow(digest.size, now_usec() - begin);
                int r = digest.size > limit ? -EFBIG : too_slow ? -ETIME : write_all(to, piece, (size_t) n);
                if (r >= 0)
                        r = job_report(&s->report, digest.size, s->memory, diag);
                if (r < 0)
                        return r;
                say_progress(s, digest.size);
        }
        s->header.data_size = digest.size;
        saved_digest_hex(&digest, s->header.data_digest);
        return n < 0 ? (int) n : 0;
}

static int write_stream(Save *s, int stream, Diag *diag) {
        _cleanup_(filter_done) Filter filter = { .fd = -EBADF };
        void (*old)(int) = signal(SIGPIPE, SIG_IGN);
        int r = lseek(s->target.fd, (off_t) saved_data_offset(&s->header), SEEK_SET) < 0 ? -errno : 0;

        if (r >= 0 && s->header.compression == SAVED_ZSTD)
                r = filter_start(s->target.fd, true, &filter);
        if (r >= 0)
                r = copy_stream(s, stream, filter.pid > 0 ? filter.fd : s->target.fd, diag);
        if (r >= 0)
                r = filter_finish(&filter);
        (void) signal(SIGPIPE, old);
        return r;
}

static int set_xml(Save *s, Diag *diag) {
        s->header.xml_size = strlen(s->xml);
        if (s->header.xml_size > SAVED_XML_MAX)
                return diag_error_code(diag, -E2BIG, (SrcLoc) {}, "the definition is too long");
        digest_hex(s->xml, s->header.xml_size, s->header.xml_digest);
        return 0;
}

/* The text is that of a machine with this name and UUID. */
static int check_same(Manager *m, const char *text, const char *name, const uint8_t uuid[16], Diag *diag) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};

        int r = definition_parse(m, text, strlen(text), 0, diag, &p);
        if (r < 0)
                return r;
        if (memcmp(p.domain->uuid, uuid, sizeof(p.domain->uuid)) != 0) {
                char target[37], source[37];
                format_uuid(p.domain->uuid, target);
                format_uuid(uuid, source);
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: Target domain uuid %s does not match source %s", target, source);
        }
        return streq(p.domain->name, name) ? 0 : diag_error(diag, (SrcLoc) {}, "unsupported configuration: Target domain name '%s' does "
                                                            "not match source '%s'", p.domain->name, name);
}

static bool has_program(const char *name) {
        const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
        _cleanup_strv_ char **directories = NULL;

        if (strv_split(path, ":", &directories) < 0)
                return false;
        STRV_FOREACH(d, directories) {
                _cleanup_free_ char *file = strf("%s/%s", *d, name);
                if (file && access(file, X_OK) >= 0)
                        return true;
        }
        return false;
}

/* What vmunit.conf says. */
static int choose_format(Save *s, Diag *diag) {
        _cleanup_config_ Config config = {};

        s->header.compression = s->options->compression ?: SAVED_RAW;
        if (s->options->compression)
                return 0;
        int r = definition_check_config(diag);
        if (r < 0)
                return r;
        (void) config_load(&config, NULL);
        if (config.save_image_format != SAVE_FORMAT_ZSTD)
                return 0;
        if (has_program(COMPRESSOR))
                s->header.compression = SAVED_ZSTD;
        else
                diag_warning(diag, (SrcLoc) {}, "SaveImageFormat=zstd: there is no program '%s' here: the state is not compressed", COMPRESSOR);
        return 0;
}

/* What it was restored with would be without what it has written. */
static int check_disks(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->transient)
                        return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: migration with transient disk is not supported");
        return 0;
}

/* As the machine runs, with everything that was decided for it and everything that has changed since. */
static int describe(Save *s, Diag *diag) {
        _cleanup_(domain_freep) Domain *d = NULL;
        DomainState state = s->vm->state;

        int r = vm_change_load(s->m, s->vm, CHANGE_LIVE, diag, &d);
        if (r >= 0)
                r = check_disks(d, diag);
        if (r >= 0 && s->options->xml)
                r = check_same(s->m, s->options->xml, d->name, d->uuid, diag);
        if (r < 0)
                return r;
        if (s->options->xml) {
                s->xml = strdup(s->options->xml);
                r = s->xml ? 0 : -ENOMEM;
        } else
                r = domain_to_xml(d, DOMAIN_XML_SECURE | DOMAIN_XML_INACTIVE, &s->xml);
        if (r < 0)
                return r;
        /* A guest that ran is not to come back paused because nobody could tell. */
        if (s->options->state == SAVE_STATE_SAME && state == STATE_UNKNOWN)
                return diag_error(diag, (SrcLoc) {}, "cannot find out whether domain '%s' runs", s->vm->name);
        s->memory = d->memory;
        s->header.name = strdup(s->vm->name);
        r = choose_format(s, diag);
        if (r < 0)
                return r;
        s->header.running = s->options->state == SAVE_STATE_SAME ? state == STATE_RUNNING : s->options->state == SAVE_STATE_RUNNING;
        return s->header.name ? set_xml(s, diag) : -ENOMEM;
}

static bool is_saved(Save *s) {
        _cleanup_close_ int dir = manager_open_runtime(s->m, s->vm->name);
        DomainReason reason;
        DomainState state;

        return dir >= 0 && runtime_read_state(dir, &state, &reason) >= 0 && state == STATE_SHUT_OFF && reason == REASON_SAVED;
}

/* Did it end because it was saved, though its monitor went away without saying so? The supervisor writes that down before it
 * leaves itself; as long as QEMU runs it has another monitor, which answers. */
static bool has_ended(Save *s) {
        _cleanup_free_ char *reply = NULL;

        if (is_saved(s))
                return true;
        return s->m->backend->monitor_qmp(s->m->userdata, s->vm->name, "{\"execute\":\"query-status\"}", &reply, NULL) < 0 && is_saved(s);
}

/* From when the machine may be gone until the file has its name, ^C is not heard: what there is of the guest would be under
 * a name that nobody knows. */
static void hold_signals(sigset_t *ret_old) {
        sigset_t set;

        sigemptyset(&set);
        FOREACH_ARRAY(s, ((const int[]) { SIGINT, SIGTERM, SIGHUP, SIGQUIT }), 4)
                sigaddset(&set, *s);
        (void) sigprocmask(SIG_BLOCK, &set, ret_old);
}

/* We were killed: the monitor has the machine end, or the guest go on if it has not come to that, and then the file must not be
 * there. In a process of its own, which has no connection with anybody. */
static int counts_without_us(const void *userdata) {
        const Save *s = userdata;
        DomainState state = STATE_PAUSED;
        DomainReason reason = REASON_SAVING;

        for (uint64_t deadline = now_usec() + END_USEC; now_usec() < deadline; (void) poll(NULL, 0, SETTLE_MSEC)) {
                _cleanup_close_ int dir = manager_open_runtime(s->m, s->vm->name);
                int r = dir < 0 ? dir : runtime_read_state(dir, &state, &reason);
                if (r < 0)
                        return r;
                if (state != STATE_PAUSED || reason != REASON_SAVING)
                        return state == STATE_SHUT_OFF && reason == REASON_SAVED;
        }
        return -ETIMEDOUT;
}

/* The file is what it is called only when the machine has ended: a guest that goes on changes its disks, and must not be
 * restored from there. SESSION is closed. */
static int end_saved(Save *s, SaveSession *session, Diag *diag) {
        const ManagerBackend *b = s->m->backend;
        _cleanup_diag_ Diag own = {};

        int r = b->monitor_end_saved(s->m->userdata, session, &own);
        /* From here on the monitor does not end it any more, if it has not yet. */
        b->monitor_save_close(s->m->userdata, session);
        if (r < 0 && !has_ended(s)) {
                diag_add(diag, &own);
                return r;
        }
        r = target_commit(&s->target);
        if (r >= 0)
                return 0;
        /* There is nothing else left of the guest. */
        _cleanup_free_ char *left = TAKE_PTR(s->target.temporary);
        return left ? diag_error_code(diag, r, (SrcLoc) {}, "the domain has ended and is saved to '%s', which cannot be renamed to '%s': %s",
                                      left, s->target.path, strerror(-r)) : say(diag, r, "write", s->target.path);
}

static int save_stream(Save *s, Diag *diag) {
        const ManagerBackend *b = s->m->backend;
        SaveSession *session = NULL;
        int stream = -EBADF;
        sigset_t old;

        int r = b->monitor_save(s->m->userdata, s->vm->name, diag, &session, &stream);
        if (r < 0)
                return r;
        s->report = (JobReport) { .m = s->m, .session = session };
        int k = write_stream(s, stream, diag);
        safe_close(stream);
        if (k >= 0)
                r = b->monitor_wait_saved(s->m->userdata, session, diag);
        if (k >= 0 && r >= 0)
                k = saved_file_write_head(s->target.fd, &s->header, s->xml);
        if (k >= 0 && r >= 0)
                k = target_finish(&s->target);
        /* What another one has left, who was killed here: the machine ends now, and it is not what that is about. */
        if (k >= 0 && r >= 0 && s->m->remembers && s->vm->persistent)
                k = managed_save_remove_unnamed(s->vm->name, getpid());
        /* What the guest has gone on from is of no use, whatever comes next. */
        if (k >= 0 && r >= 0 && s->managed)
                k = managed_save_make_room(s->vm->name);
        if (k < 0 || r < 0) {
                b->monitor_save_close(s->m->userdata, session);
                return k == -ECANCELED ? k : k < 0 ? say(diag, k, "write", s->target.path) : r;
        }
        hold_signals(&old);
        r = end_saved(s, session, diag);
        (void) sigprocmask(SIG_SETMASK, &old, NULL);
        return r;
}

static int check_running(const Vm *vm, Diag *diag) {
        return vm->active ? 0 : diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
}

static int save_to(Manager *m, const Vm *vm, const char *path, bool managed, const SaveOptions *options, Diag *diag) {
        _cleanup_(save_done) Save s = { .m = m, .vm = vm, .options = options, .managed = managed, .target = TARGET_NONE };

        int r = describe(&s, diag);
        if (r < 0)
                return r;
        r = target_open(path, counts_without_us, &s, &s.target);
        if (r < 0)
                return say(diag, r, "create", path);
        r = save_stream(&s, diag);
        if (r < 0)
                return r;
        if (options->progress)
                options->progress(100, options->userdata);
        /* QEMU ends by itself now. */
        return options->host_goes_down ? 0 : m->backend->settle_unit(m->userdata, vm->unit, END_USEC, diag);
}

int vm_save(Manager *m, const Vm *vm, const char *path, const SaveOptions *options, Diag *diag) {
        int r = check_running(vm, diag);

        return r < 0 ? r : save_to(m, vm, path, false, options, diag);
}

int vm_managed_save(Manager *m, const Vm *vm, const SaveOptions *options, Diag *diag) {
        _cleanup_free_ char *path = vm_state_path(vm->name, MANAGED_SAVE_FILE);
        SaveOptions raw = *options;

        if (!path)
                return -ENOMEM;
        int r = check_running(vm, diag);
        if (r < 0)
                return r;
        raw.compression = SAVED_RAW; /* the root step that hands it to QEMU runs no program on it */
        if (!vm->persistent)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: cannot do managed save for transient domain");
        r = manager_check_real(m, "memory that could be saved", diag);
        if (r < 0)
                return r;
        r = managed_save_mark_boot(vm->name, options->host_goes_down);
        if (r < 0)
                return say(diag, r, "write the mark beside", path);
        r = save_to(m, vm, path, true, &raw, diag);
        if (r < 0)
                (void) managed_save_mark_boot(vm->name, false);
        return r;
}

int managed_save_path(const Vm *vm, Diag *diag, char **ret) {
        if (!managed_save_exists(vm->name))
                return diag_error_code(diag, -ENOENT, (SrcLoc) {},
                                       "Requested operation is not valid: domain does not have managed save image");
        *ret = vm_state_path(vm->name, MANAGED_SAVE_FILE);
        return *ret ? 0 : -ENOMEM;
}

/* --- restoring --- */

typedef struct Restore {
        Manager *m;
        SavedFile file;     /* owned */
        char *directory;    /* owned: below m->runtime_dir */
        int base_fd, dir_fd; /* owned */
        int pipe;           /* owned: both ends of the stream's */
        pid_t pump;
        Survivor sweeper;   /* who takes the directory away, also when we are ended */
} Restore;

static void restore_done(Restore *r) {
        safe_close(r->pipe);
        if (r->pump > 0) {
                (void) kill(r->pump, SIGTERM);
                (void) waitpid(r->pump, NULL, 0);
        }
        survivor_end(&r->sweeper);
        safe_close(r->dir_fd);
        safe_close(r->base_fd);
        free(r->directory);
        saved_file_done(&r->file);
}

/* The child: pours the stream into the pipe. It keeps the pipe open until it is killed, so that nothing of what is in it
 * is lost before the monitor has opened it; when it fails, it closes it, and the monitor sees a stream that is cut off. */
static _noreturn_ void pump(Restore *s, pid_t parent) {
        _cleanup_(filter_done) Filter filter = { .fd = -EBADF };
        char *piece = malloc(SAVED_PIECE);
        int from = s->file.fd, r = piece ? 0 : -ENOMEM;
        uint64_t left = s->file.header.data_size;
        ssize_t n = 0;

        /* It has a copy of the pipe that the sweeper waits for, too. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        if (r >= 0 && s->file.header.compression == SAVED_ZSTD) {
                r = filter_start(s->file.fd, false, &filter);
                from = filter.fd;
        }
        while (r >= 0 && left > 0 && (n = read_piece(from, piece)) > 0) {
                r = write_all(s->pipe, piece, (size_t) MIN((uint64_t) n, left));
                left -= MIN((uint64_t) n, left);
        }
        if (r < 0 || n < 0 || left > 0)
                _exit(EXIT_FAILURE);
        for (;;)
                (void) pause();
}

static int write_head(Restore *s, const SavedHeader *h) {
        _cleanup_close_ int fd = openat(s->dir_fd, RESTORE_HEAD, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : saved_file_write_head(fd, h, s->file.xml);
}

/* DIR_FD is locked until it has done so: no other restore is in there. */
static void sweep_restore(_unused_ const char *said, int dir_fd, const void *path) {
        (void) unlinkat(dir_fd, RESTORE_HEAD, 0);
        (void) unlinkat(dir_fd, RESTORE_STREAM, 0);
        (void) rmdir(path);
}

static int start_sweeper(Restore *s) {
        _cleanup_free_ char *path = strf("%s/%s", s->m->runtime_dir, s->directory);

        return path ? survivor_start(&s->sweeper, sweep_restore, s->dir_fd, path) : -ENOMEM;
}

/* One restore of a VM at a time. What one that was killed has left behind is taken over. */
static int claim_directory(Restore *s) {
        struct stat own, named;

        if (mkdirat(s->base_fd, s->directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_close_ int fd = openat(s->base_fd, s->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (fstat(fd, &own) < 0)
                return -errno;
        /* Removed meanwhile by whoever had it: that one has only just ended. */
        if (fstatat(s->base_fd, s->directory, &named, AT_SYMLINK_NOFOLLOW) < 0 || named.st_ino != own.st_ino)
                return -EBUSY;
        (void) unlinkat(fd, RESTORE_HEAD, 0);
        (void) unlinkat(fd, RESTORE_STREAM, 0);
        s->dir_fd = TAKE_FD(fd);
        return 0;
}

static int publish(Restore *s) {
        SavedHeader raw = s->file.header;

        int r = mkdir_parents(s->m->runtime_dir, 0755);
        if (r >= 0)
                r = s->base_fd = manager_open_runtime(s->m, NULL);
        s->directory = restore_directory(s->file.header.name);
        if (r >= 0 && !s->directory)
                r = -ENOMEM;
        if (r >= 0) {
                sigset_t old;
                hold_signals(&old);
                r = claim_directory(s);
                if (r >= 0)
                        r = start_sweeper(s);
                (void) sigprocmask(SIG_SETMASK, &old, NULL);
        }
        raw.compression = SAVED_RAW;
        if (r >= 0)
                r = write_head(s, &raw);
        if (r >= 0 && mkfifoat(s->dir_fd, RESTORE_STREAM, 0600) < 0)
                r = -errno;
        if (r >= 0) {
                s->pipe = openat(s->dir_fd, RESTORE_STREAM, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
                r = s->pipe < 0 ? -errno : 0;
        }
        return r;
}

static int start_pump(Restore *s) {
        pid_t parent = getpid();

        s->pump = fork();
        if (s->pump < 0)
                return -errno;
        if (s->pump == 0)
                pump(s, parent);
        s->pipe = safe_close(s->pipe);
        return 0;
}

static int start_restored(Restore *s, const SaveOptions *options, Diag *diag) {
        VmStartFlags flags = VM_START_RESTORE | (options->reset_nvram ? VM_START_RESET_NVRAM : 0);
        _cleanup_free_ char *name = NULL;
        _cleanup_vm_ Vm vm = {};

        int r = vm_lookup(s->m, s->file.header.name, VM_BY_NAME, NULL, &vm);
        if (r == -ENOENT)
                return vm_create(s->m, s->file.xml, strlen(s->file.xml), flags, NULL, false, diag, &name);
        if (r >= 0 && vm.active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain '%s' is already active", vm.name);
        return r < 0 ? r : vm_start(s->m, &vm, flags, NULL, diag);
}

static int use_options(SavedFile *f, Manager *m, const SaveOptions *options, Diag *diag) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_diag_ Diag own = {}; /* its warnings are for the start */

        if (options->state != SAVE_STATE_SAME)
                f->header.running = options->state == SAVE_STATE_RUNNING;
        int r = definition_parse(m, f->xml, strlen(f->xml), 0, &own, &p);
        if (r < 0)
                diag_add(diag, &own);
        if (r >= 0 && !streq(p.domain->name, f->header.name))
                r = diag_error(diag, (SrcLoc) {}, "operation failed: it says that it is '%s', and its definition is that of '%s'",
                               f->header.name, p.domain->name);
        if (r < 0 || !options->xml)
                return r;
        r = check_same(m, options->xml, f->header.name, p.domain->uuid, diag);
        if (r >= 0)
                r = free_and_strdup(&f->xml, options->xml);
        if (r < 0)
                return r;
        f->header.xml_size = strlen(f->xml);
        digest_hex(f->xml, f->header.xml_size, f->header.xml_digest);
        return f->header.xml_size <= SAVED_XML_MAX ? 0 : diag_error_code(diag, -E2BIG, (SrcLoc) {}, "the definition is too long");
}

int vm_restore(Manager *m, const char *path, const SaveOptions *options, Diag *diag, char **ret_name) {
        _cleanup_(restore_done) Restore s = { .m = m, .base_fd = -EBADF, .dir_fd = -EBADF, .pipe = -EBADF, .file = SAVED_FILE_NONE, .sweeper = SURVIVOR_NONE };

        int r = saved_file_open(AT_FDCWD, path, 0, diag, &s.file);
        if (r >= 0)
                r = use_options(&s.file, m, options, diag);
        if (r < 0)
                return r;
        r = publish(&s);
        if (r >= 0)
                r = start_pump(&s);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, r == -EBUSY ? "domain '%s' is being restored" : "cannot restore domain '%s': %s",
                                       s.file.header.name, strerror(-r));
        r = start_restored(&s, options, diag);
        if (r >= 0 && ret_name)
                *ret_name = TAKE_PTR(s.file.header.name);
        return r;
}

/* --- the definition in a file --- */

int saved_dump_xml(Manager *m, const char *path, bool secure, Diag *diag, char **ret) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_saved_file_ SavedFile f = SAVED_FILE_NONE;

        int r = saved_file_open(AT_FDCWD, path, 0, diag, &f);
        if (r >= 0)
                r = definition_parse(m, f.xml, strlen(f.xml), 0, diag, &p);
        return r < 0 ? r : domain_to_xml(p.domain, DOMAIN_XML_INACTIVE | (secure ? DOMAIN_XML_SECURE : 0), ret);
}

/* The stream moves to another place in the file, so the file is written anew; file systems that can share blocks do. */
static int copy_data(int from, int to, off_t offset) {
        if (lseek(to, offset, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
                if (n <= 0)
                        return n < 0 ? -errno : 0;
        }
}

int saved_define(Manager *m, const char *path, const SaveOptions *options, Diag *diag) {
        _cleanup_(target_done) Target target = TARGET_NONE;
        _cleanup_saved_file_ SavedFile f = SAVED_FILE_NONE;

        int r = saved_file_open(AT_FDCWD, path, 0, diag, &f);
        if (r >= 0)
                r = use_options(&f, m, options, diag);
        if (r < 0)
                return r;
        r = target_open(path, NULL, NULL, &target);
        if (r >= 0 && target.direct)
                r = -EOPNOTSUPP;
        if (r >= 0)
                r = copy_data(f.fd, target.fd, (off_t) saved_data_offset(&f.header));
        if (r >= 0)
                r = saved_file_write_head(target.fd, &f.header, f.xml);
        if (r >= 0)
                r = target_finish(&target);
        if (r >= 0)
                r = target_commit(&target);
        return r < 0 ? say(diag, r, "write", path) : 0;
}
