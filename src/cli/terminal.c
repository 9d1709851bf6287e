/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "terminal.h"

#define OUTPUT_SIZE 4096U
/* Of what was typed, or pasted, and the guest has not read: with all of it waiting, only the escape character is looked for. */
#define TYPED_SIZE (256U * 1024U)
#define FLUSH_MSEC 1000 /* for what was typed before the escape character */
#define LEAVE_MSEC 300  /* for what was read before another took the stream; less than it is waited for */

typedef struct Buffer {
        char *data; /* SIZE bytes; what is in it are N of them, from START */
        size_t size, start, n;
} Buffer;

typedef struct Session {
        int in, out, stream, signals;
        char escape;
        const TerminalWatch *watch;
        bool terminal; /* IN is one: there is somebody who types */
        Buffer to_stream, to_out;
        bool in_ended, escaped, taken, stream_ended, signalled, gave_up;
} Session;

/* --- the terminal's mode --- */

typedef struct SavedMode {
        int fd; /* -EBADF: nothing to restore */
        struct termios mode;
} SavedMode;

static int set_raw(int fd, SavedMode *ret) {
        struct termios raw;

        ret->fd = -EBADF;
        if (!isatty(fd))
                return 0;
        if (tcgetattr(fd, &ret->mode) < 0)
                return -errno;
        raw = ret->mode;
        cfmakeraw(&raw);
        /* What was typed already is for the guest. */
        if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
                return -errno;
        ret->fd = fd;
        return 0;
}

static void restore_mode(SavedMode *s) {
        if (s->fd >= 0)
                (void) tcsetattr(s->fd, TCSAFLUSH, &s->mode);
}

/* A pty is given the size of the window; what is no terminal does not care. */
static void copy_window_size(const Session *s) {
        struct winsize size;

        if (!(s->watch && s->watch->read_only) && ioctl(s->in, TIOCGWINSZ, &size) >= 0)
                (void) ioctl(s->stream, TIOCSWINSZ, &size);
}

/* --- signals --- */

static int watch_signals(sigset_t *ret_old) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGQUIT);
        if (sigprocmask(SIG_BLOCK, &set, ret_old) < 0)
                return -errno;
        int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0) {
                int r = -errno;
                (void) sigprocmask(SIG_SETMASK, ret_old, NULL);
                return r;
        }
        return fd;
}

static void take_signals(Session *s) {
        struct signalfd_siginfo info;

        while (read(s->signals, &info, sizeof(info)) == (ssize_t) sizeof(info)) {
                if (info.ssi_signo == SIGWINCH)
                        copy_window_size(s);
                else
                        s->signalled = true;
        }
}

/* --- the data --- */

static bool is_read_only(const Session *s) {
        return s->watch && s->watch->read_only;
}

static bool is_again(int e) {
        return e == EAGAIN || e == EINTR;
}

static bool is_full(const Buffer *b) {
        return b->n == b->size;
}

/* Number of bytes, 0 at the end, -EAGAIN, or negative errno. */
static ssize_t fill(int fd, Buffer *b) {
        if (b->start + b->n == b->size) {
                memmove(b->data, b->data + b->start, b->n);
                b->start = 0;
        }
        char *end = b->data + b->start + b->n;
        ssize_t n = read(fd, end, (size_t) (b->data + b->size - end));

        if (n < 0)
                return is_again(errno) ? -EAGAIN : -errno;
        b->n += (size_t) n;
        return n;
}

static int drain(int fd, Buffer *b) {
        ssize_t n = write(fd, b->data + b->start, b->n);

        if (n < 0)
                return is_again(errno) ? 0 : -errno;
        b->n -= (size_t) n;
        b->start = b->n > 0 ? b->start + (size_t) n : 0;
        return 0;
}

/* A guest that reads nothing does not keep the user here: what has no room is lost, but for the character that ends it. */
static ssize_t look_for_escape(Session *s) {
        char lost[256];

        ssize_t n = read(s->in, lost, sizeof(lost));
        if (n > 0 && memchr(lost, s->escape, (size_t) n))
                s->escaped = true;
        return n < 0 ? is_again(errno) ? -EAGAIN : -errno : n;
}

static int read_input(Session *s) {
        Buffer *b = &s->to_stream;
        size_t before = b->n;
        bool lost = is_full(b) || is_read_only(s);
        ssize_t n = lost ? look_for_escape(s) : fill(s->in, b);

        if (n == -EAGAIN)
                return 0;
        if (n <= 0) {
                s->in_ended = true;
                return n == -EIO ? 0 : (int) n; /* EIO: the terminal hung up */
        }
        if (lost)
                return 0;
        const char *typed = b->data + b->start, *escape = memchr(typed + before, s->escape, b->n - before);
        if (escape) {
                b->n = (size_t) (escape - typed);
                s->escaped = true;
        }
        return 0;
}

static int read_stream(Session *s) {
        ssize_t n = fill(s->stream, &s->to_out);

        if (n == -EAGAIN)
                return 0;
        /* A pty whose other side is closed says EIO, a socket reset by the end of QEMU ECONNRESET. */
        if (n == 0 || n == -EIO || n == -ECONNRESET) {
                s->stream_ended = true;
                return 0;
        }
        if (n > 0 && s->watch && s->watch->copy)
                s->watch->copy(s->watch->userdata, s->to_out.data + s->to_out.start + s->to_out.n - n, (size_t) n);
        return n < 0 ? (int) n : 0;
}

static int step(Session *s) {
        bool leaving = s->escaped || s->taken, closing = leaving || s->stream_ended;
        short stream_events = (short) ((!is_full(&s->to_out) && !leaving ? POLLIN : 0) |
                                       (s->to_stream.n > 0 && !s->taken ? POLLOUT : 0));
        struct pollfd fds[] = {
                { .fd = s->signals, .events = POLLIN },
                { .fd = s->in_ended || closing || (is_full(&s->to_stream) && !s->terminal) ? -1 : s->in, .events = POLLIN },
                { .fd = s->stream_ended || stream_events == 0 ? -1 : s->stream, .events = stream_events },
                { .fd = s->to_out.n > 0 ? s->out : -1, .events = POLLOUT },
                { .fd = s->watch && s->watch->taken && !s->taken ? s->watch->fd : -1, .events = POLLIN },
        };
        int r = 0;

        int n = poll(fds, ELEMENTSOF(fds), s->taken ? LEAVE_MSEC : s->escaped ? FLUSH_MSEC : -1);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                s->gave_up = true;
        if (fds[0].revents)
                take_signals(s);
        /* Before anything else: what comes from now on is not ours. */
        if (fds[4].revents && s->watch->taken(s->watch->userdata)) {
                s->taken = true;
                return 0;
        }
        if (fds[1].revents)
                r = read_input(s);
        if (r >= 0 && !is_full(&s->to_out) && (fds[2].revents & (POLLIN | POLLHUP | POLLERR)))
                r = read_stream(s);
        if (r >= 0 && (fds[2].revents & POLLOUT))
                r = drain(s->stream, &s->to_stream);
        if (r == -EPIPE || r == -EIO) {
                s->stream_ended = true;
                r = 0;
        }
        if (r >= 0 && fds[3].revents)
                r = drain(s->out, &s->to_out);
        return r;
}

static bool is_over(const Session *s) {
        if (s->signalled || s->gave_up)
                return true;
        if (s->stream_ended || s->taken)
                return s->to_out.n == 0;
        return s->escaped && s->to_out.n == 0 && s->to_stream.n == 0;
}

/* What the caller shares with others (the shell's terminal) keeps its flags: only the stream is ours. */
static int set_nonblocking(int fd) {
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int terminal_attach(int in_fd, int out_fd, int stream_fd, char escape, const TerminalWatch *watch) {
        _cleanup_(restore_mode) SavedMode saved = { .fd = -EBADF };
        _cleanup_close_ int signals = -EBADF;
        char typed[TYPED_SIZE], output[OUTPUT_SIZE];
        sigset_t old_mask;

        int r = set_nonblocking(stream_fd);
        if (r < 0)
                return r;
        signals = watch_signals(&old_mask);
        if (signals < 0)
                return signals;
        void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);

        Session s = {
                .in = in_fd, .out = out_fd, .stream = stream_fd, .signals = signals, .escape = escape, .watch = watch, .terminal = isatty(in_fd),
                .to_stream = { .data = typed, .size = sizeof(typed) }, .to_out = { .data = output, .size = sizeof(output) },
        };
        r = set_raw(in_fd, &saved);
        if (r >= 0)
                copy_window_size(&s);
        while (r >= 0 && !is_over(&s))
                r = step(&s);

        (void) signal(SIGPIPE, old_pipe);
        (void) sigprocmask(SIG_SETMASK, &old_mask, NULL);
        if (r < 0)
                return r;
        return s.taken ? TERMINAL_TAKEN : s.stream_ended ? TERMINAL_ENDED : TERMINAL_LEFT;
}
