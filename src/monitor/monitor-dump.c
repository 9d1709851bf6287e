/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "file-util.h"
#include "log.h"
#include "monitor.h"
#include "qemu-argv.h"
#include "string-util.h"

/* The guest's memory as a file, when it has crashed or its watchdog has fired, and the definition asks for that: into a
 * directory that the prepare step has opened. QEMU writes into a pipe and sees no file; what comes out is kept under another
 * name until all of it is on the disk. */

#define PARTIAL "partial"
#define PIECE (1U << 20)
/* Headers and notes of an ELF file; what a guest that was taken over says beyond is not kept. */
#define SLACK (UINT64_C(64) << 20)
/* How much is on its way to the disk at most: at the end all of it has to be there, and nobody waits long for us. */
#define WINDOW (UINT64_C(16) << 20)
/* What is left of the file system to others: nothing removes dumps, and a guest can crash, or have its watchdog fire, as often as it
 * likes. */
#define KEPT_PART 20U
#define NAME_SIZE 320U

struct MemoryDump {
        Monitor *monitor;
        int file, stream;    /* owned */
        sd_event_source *io; /* owned: of the stream */
        char *piece;         /* owned: PIECE bytes */
        uint64_t size, synced; /* so far, and up to where it is on the disk, or on its way there */
        bool read, written;  /* to the end, by us; all of it, by QEMU */
};

static void dump_free(MemoryDump *d) {
        sd_event_source_disable_unref(d->io);
        safe_close(d->stream);
        safe_close(d->file);
        free(d->piece);
        free(d);
}

void monitor_dump_discard(Monitor *m) {
        MemoryDump *d = m->dump;

        if (!d)
                return;
        m->dump = NULL;
        (void) unlinkat(monitor_find_fd(m, QEMU_FD_DUMP), PARTIAL, 0);
        dump_free(d);
}

static void fail(MemoryDump *d, int error) {
        Monitor *m = d->monitor;

        bool written = d->written;

        monitor_save_set_error(m, error == -EFBIG ? "QEMU writes more than the guest's memory" :
                               error == -EXFULL ? "the last twentieth of the file system is kept for others" : strerror(-error));
        monitor_dump_discard(m);
        /* Else QEMU has nobody to write to any more, and says so. */
        if (written)
                monitor_dump_ended(m, false);
}

/* As libvirt names them, after the machine and the time of the host. */
static int give_name(const MemoryDump *d, char name[NAME_SIZE]) {
        int directory = monitor_find_fd(d->monitor, QEMU_FD_DUMP);
        time_t now = time(NULL);
        char when[32];
        struct tm tm;

        if (!localtime_r(&now, &tm) || strftime(when, sizeof(when), "%Y-%m-%d-%H:%M:%S", &tm) == 0)
                return -EINVAL;
        (void) snprintf(name, NAME_SIZE, "%s-%s", d->monitor->plan->name, when);
        if (renameat2(directory, PARTIAL, directory, name, RENAME_NOREPLACE) < 0)
                return -errno;
        return fsync(directory) < 0 ? -errno : 0;
}

/* The last pages may have been zeros, which take no room. */
static void finish(MemoryDump *d) {
        const PlanFd *directory = plan_find_fd(d->monitor->plan, QEMU_FD_DUMP);
        Monitor *m = d->monitor;
        char name[NAME_SIZE];

        int r = ftruncate(d->file, (off_t) d->size) < 0 || fsync(d->file) < 0 ? -errno : give_name(d, name);
        if (r < 0) {
                fail(d, r);
                return;
        }
        log_info("the guest's memory is in '%s/%s'", directory ? strempty(directory->path) : "", name);
        m->dump = NULL;
        dump_free(d);
        monitor_dump_ended(m, true);
}

static bool is_zero(const char *p, size_t n) {
        return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* A window is written while the next one fills. */
static void push_out(MemoryDump *d) {
        const unsigned done = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

        for (; d->size >= d->synced + WINDOW; d->synced += WINDOW) {
                if (d->synced >= WINDOW)
                        (void) sync_file_range(d->file, (off_t) (d->synced - WINDOW), (off_t) WINDOW, done);
                (void) sync_file_range(d->file, (off_t) d->synced, (off_t) WINDOW, SYNC_FILE_RANGE_WRITE);
        }
}

static int keep(MemoryDump *d, size_t n) {
        const PlanFd *directory = plan_find_fd(d->monitor->plan, QEMU_FD_DUMP);

        d->size += n;
        if (!directory || d->size > directory->size + SLACK)
                return -EFBIG;
        if (is_zero(d->piece, n))
                return lseek(d->file, (off_t) n, SEEK_CUR) < 0 ? -errno : 0;
        if (!leaves_room(d->file, KEPT_PART))
                return -EXFULL;
        int r = write_all(d->file, d->piece, n);
        if (r >= 0)
                push_out(d);
        return r;
}

static int on_stream(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        MemoryDump *d = userdata;

        ssize_t n = read(fd, d->piece, PIECE);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return 0;
        int r = n < 0 ? -errno : n > 0 ? keep(d, (size_t) n) : 0;
        if (r < 0)
                fail(d, r);
        else if (n == 0) {
                d->io = sd_event_source_disable_unref(d->io);
                d->read = true;
                if (d->written)
                        finish(d);
        }
        return 0;
}

int monitor_dump_open(Monitor *m, int *stream) {
        int directory = monitor_find_fd(m, QEMU_FD_DUMP);

        monitor_dump_discard(m);
        MemoryDump *d = calloc(1, sizeof(MemoryDump));
        if (!d)
                return -ENOMEM;
        *d = (MemoryDump) { .monitor = m, .file = -EBADF, .stream = TAKE_FD(*stream), .piece = malloc(PIECE) };
        d->file = openat(directory, PARTIAL, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = !d->piece ? -ENOMEM : d->file < 0 ? -errno : fcntl(d->stream, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
        /* Fewer turns; a smaller one will do. */
        (void) fcntl(d->stream, F_SETPIPE_SZ, (int) PIECE);
        if (r >= 0)
                r = sd_event_add_io(m->event, &d->io, d->stream, EPOLLIN, on_stream, d);
        if (r < 0) {
                dump_free(d);
                return r;
        }
        m->dump = d;
        return 0;
}

void monitor_dump_written(Monitor *m) {
        m->dump->written = true;
        if (m->dump->read)
                finish(m->dump);
}
