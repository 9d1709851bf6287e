/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dump.h"
#include "file-util.h"
#include "job.h"
#include "json-member.h"
#include "string-util.h"
#include "target-file.h"
#include "vm-lifecycle.h"

#define PIECE (1U << 20)
#define POLL_NSEC 100000000L
#define END_USEC (UINT64_C(60) * 1000000)

static const char *const dump_format_words[] = {
        [DUMP_ELF] = "elf",         [DUMP_KDUMP_ZLIB] = "kdump-zlib", [DUMP_KDUMP_LZO] = "kdump-lzo",
        [DUMP_KDUMP_SNAPPY] = "kdump-snappy", [DUMP_WIN_DMP] = "win-dmp",
};
DEFINE_STRING_TABLE(dump_format, DumpFormat)

static void say_progress(const DumpOptions *o, uint64_t done, uint64_t total) {
        if (o->progress)
                o->progress((unsigned) MIN(done * 100 / MAX(total, UINT64_C(1)), UINT64_C(99)), o->userdata);
}

static int copy_stream(JobReport *report, int from, int to, uint64_t memory, const DumpOptions *o, Diag *diag) {
        uint64_t total = 0, limit = stream_size_max(memory);
        _cleanup_free_ char *piece = malloc(PIECE);
        unsigned told = 0;
        ssize_t n;

        if (!piece)
                return -ENOMEM;
        while ((n = read(from, piece, PIECE)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                total += (uint64_t) n;
                int r = total > limit ? -EFBIG : write_all(to, piece, (size_t) n);
                if (r >= 0)
                        r = job_report(report, total, memory, diag);
                if (r < 0)
                        return r;
                if (total * 100 / MAX(memory, UINT64_C(1)) > told) {
                        told = (unsigned) MIN(total * 100 / MAX(memory, UINT64_C(1)), UINT64_C(100));
                        say_progress(o, total, memory);
                }
        }
        return 0;
}

/* Until QEMU has written all of it into the file itself. */
static int wait_written(Manager *m, const Vm *vm, JobReport *report, int fd, uint64_t memory, const DumpOptions *o, Diag *diag) {
        const struct timespec pause = { .tv_nsec = POLL_NSEC };

        for (;;) {
                json_object *reply = NULL;
                int r = vm_qmp_ask(m, vm, "query-dump", NULL, diag, &reply);
                if (r < 0)
                        return r;
                const char *status = json_member_string(reply, "status");
                bool active = status && streq(status, "active");
                json_object *done = json_member(reply, "completed", json_type_int), *total = json_member(reply, "total", json_type_int);
                if (active && done && total) {
                        say_progress(o, (uint64_t) json_object_get_int64(done), (uint64_t) json_object_get_int64(total));
                        r = job_report(report, (uint64_t) json_object_get_int64(done), (uint64_t) json_object_get_int64(total), diag);
                }
                json_object_put(reply);
                if (r < 0)
                        return r;
                if (!active)
                        return 0;
                struct stat st;
                if (fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && (uint64_t) st.st_size > stream_size_max(memory))
                        return diag_error_code(diag, -EFBIG, (SrcLoc) {}, "operation failed: memory-only dump failed: QEMU writes more than the domain's memory");
                (void) nanosleep(&pause, NULL);
        }
}

static int check_format(Manager *m, const Vm *vm, DumpFormat format, Diag *diag) {
        json_object *reply = NULL;
        bool found = false;

        int r = vm_qmp_ask(m, vm, "query-dump-guest-memory-capability", NULL, diag, &reply);
        if (r < 0)
                return r;
        json_object *formats = json_member(reply, "formats", json_type_array);
        for (size_t i = 0; formats && i < json_object_array_length(formats); i++) {
                json_object *f = json_object_array_get_idx(formats, i);
                found = found || (json_object_is_type(f, json_type_string) && streq(json_object_get_string(f), dump_format_to_string(format)));
        }
        json_object_put(reply);
        return found ? 0 : diag_error(diag, (SrcLoc) {}, "invalid argument: unsupported dumpformat '%s' for this QEMU binary",
                                      dump_format_to_string(format));
}

static int check(Manager *m, const Vm *vm, const DumpOptions *o, Diag *diag) {
        const struct {
                bool both;
                const char *a, *b;
        } exclusive[] = {
                { o->crash && o->live, "CRASH", "LIVE" }, { o->crash && o->reset, "CRASH", "RESET" },
                { o->live && o->reset, "LIVE", "RESET" },
        };

        FOREACH_ARRAY(e, exclusive, ELEMENTSOF(exclusive))
                if (e->both)
                        return diag_error(diag, (SrcLoc) {}, "Flags 'VIR_DUMP_%s' and 'VIR_DUMP_%s' are mutually exclusive", e->a, e->b);
        if (!vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        return o->memory_only && o->format != DUMP_ELF ? check_format(m, vm, o->format, diag) : 0;
}

/* All of it in the file. Then there is one, whatever becomes of the machine. */
static int write_dump(Manager *m, const Vm *vm, Target *t, SaveSession *session, int stream, uint64_t memory, const DumpOptions *o, Diag *diag) {
        JobReport report = { .m = m, .session = session };
        _cleanup_diag_ Diag own = {};

        int k = stream >= 0 ? copy_stream(&report, stream, t->fd, memory, o, diag) : 0;
        safe_close(stream);
        int r = k >= 0 && stream < 0 ? wait_written(m, vm, &report, t->fd, memory, o, diag) : 0;
        if (k >= 0 && r >= 0) {
                r = m->backend->monitor_wait_saved(m->userdata, session, &own);
                if (r < 0)
                        return diag_error_code(diag, r, (SrcLoc) {}, "operation failed: %s%s",
                                               o->memory_only ? "memory-only dump failed: " : "", diag_first_error(&own) ?: strerror(-r));
        }
        if (k >= 0 && r >= 0)
                k = target_finish(t);
        if (k >= 0 && r >= 0)
                k = target_commit(t);
        return k == -ECANCELED ? k : k < 0 ? diag_error_code(diag, k, (SrcLoc) {}, "cannot write '%s': %s", t->path, strerror(-k)) : r;
}

int vm_dump(Manager *m, const Vm *vm, const char *path, const DumpOptions *o, Diag *diag) {
        _cleanup_(target_done) Target target = TARGET_NONE;
        const char *format = o->memory_only ? dump_format_to_string(o->format) : "";
        bool to_file = o->memory_only && o->format != DUMP_ELF;
        const ManagerBackend *b = m->backend;
        _cleanup_(domain_freep) Domain *d = NULL;
        SaveSession *session = NULL;
        int stream = -EBADF;

        int r = check(m, vm, o, diag);
        if (r >= 0)
                r = vm_load_domain(m, vm, false, diag, &d);
        if (r < 0)
                return r;
        r = target_open(path, NULL, NULL, &target);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "Failed to create file '%s': %s", path, strerror(-r));
        r = b->monitor_dump(m->userdata, vm->name, format, o->live, to_file ? target.fd : -EBADF, diag, &session, &stream);
        if (r < 0)
                return r;
        r = write_dump(m, vm, &target, session, stream, d->memory, o, diag);
        if (r >= 0)
                r = b->monitor_end_dump(m->userdata, session, o->crash ? "crash" : o->reset ? "reset" : "", diag);
        b->monitor_save_close(m->userdata, session);
        if (r >= 0 && o->progress)
                o->progress(100, o->userdata);
        return r >= 0 && o->crash ? b->settle_unit(m->userdata, vm->unit, END_USEC, diag) : r;
}
