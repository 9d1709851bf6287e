/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "terminal.h"

#define BUFFER_SIZE 4096U
#define FLUSH_MSEC 1000 /* for what was typed before the escape character */

typedef struct Buffer {
        char data[BUFFER_SIZE];
        size_t n;
} Buffer;

typedef struct Session {
        int in, out, stream, signals;
        char escape;
        Buffer to_stream, to_out;
        bool in_ended, escaped, stream_ended, signalled, gave_up;
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
        if (tcsetattr(fd, TCSAFLUSH, &raw) < 0)
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

        if (ioctl(s->in, TIOCGWINSZ, &size) >= 0)
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

static bool is_again(int e) {
        return e == EAGAIN || e == EINTR;
}

/* Number of bytes, 0 at the end, -EAGAIN, or negative errno. */
static ssize_t fill(int fd, Buffer *b) {
        ssize_t n = read(fd, b->data + b->n, BUFFER_SIZE - b->n);

        if (n < 0)
                return is_again(errno) ? -EAGAIN : -errno;
        b->n += (size_t) n;
        return n;
}

static int drain(int fd, Buffer *b) {
        ssize_t n = write(fd, b->data, b->n);

        if (n < 0)
                return is_again(errno) ? 0 : -errno;
        b->n -= (size_t) n;
        memmove(b->data, b->data + n, b->n);
        return 0;
}

static int read_input(Session *s) {
        size_t before = s->to_stream.n;
        ssize_t n = fill(s->in, &s->to_stream);

        if (n == -EAGAIN)
                return 0;
        if (n <= 0) {
                s->in_ended = true;
                return n == -EIO ? 0 : (int) n; /* EIO: the terminal hung up */
        }
        char *escape = memchr(s->to_stream.data + before, s->escape, (size_t) n);
        if (escape) {
                s->to_stream.n = (size_t) (escape - s->to_stream.data);
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
        return n < 0 ? (int) n : 0;
}

static int step(Session *s) {
        bool closing = s->escaped || s->stream_ended;
        short stream_events = (short) ((s->to_out.n < BUFFER_SIZE && !s->escaped ? POLLIN : 0) |
                                       (s->to_stream.n > 0 ? POLLOUT : 0));
        struct pollfd fds[] = {
                { .fd = s->signals, .events = POLLIN },
                { .fd = s->in_ended || closing || s->to_stream.n == BUFFER_SIZE ? -1 : s->in,
                  .events = POLLIN },
                { .fd = s->stream_ended || stream_events == 0 ? -1 : s->stream, .events = stream_events },
                { .fd = s->to_out.n > 0 ? s->out : -1, .events = POLLOUT },
        };
        int r = 0;

        int n = poll(fds, ELEMENTSOF(fds), s->escaped ? FLUSH_MSEC : -1);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                s->gave_up = true;
        if (fds[0].revents)
                take_signals(s);
        if (fds[1].revents)
                r = read_input(s);
        if (r >= 0 && s->to_out.n < BUFFER_SIZE && (fds[2].revents & (POLLIN | POLLHUP | POLLERR)))
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
        if (s->stream_ended)
                return s->to_out.n == 0;
        return s->escaped && s->to_out.n == 0 && s->to_stream.n == 0;
}

/* What the caller shares with others (the shell's terminal) keeps its flags: only the stream is ours. */
static int set_nonblocking(int fd) {
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int terminal_attach(int in_fd, int out_fd, int stream_fd, char escape) {
        _cleanup_(restore_mode) SavedMode saved = { .fd = -EBADF };
        _cleanup_close_ int signals = -EBADF;
        sigset_t old_mask;

        int r = set_nonblocking(stream_fd);
        if (r < 0)
                return r;
        signals = watch_signals(&old_mask);
        if (signals < 0)
                return signals;
        void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);

        Session s = { .in = in_fd, .out = out_fd, .stream = stream_fd, .signals = signals, .escape = escape };
        r = set_raw(in_fd, &saved);
        if (r >= 0)
                copy_window_size(&s);
        while (r >= 0 && !is_over(&s))
                r = step(&s);

        (void) signal(SIGPIPE, old_pipe);
        (void) sigprocmask(SIG_SETMASK, &old_mask, NULL);
        return r < 0 ? r : s.stream_ended;
}
