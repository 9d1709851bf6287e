/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An emulator that was taken over: it stands where QEMU stands, in a real unit, and makes the system calls that a test
 * tells it to. Static and without threads, so that what is refused is refused to the call and not to a library.
 *
 *   puppet --control FD   makes calls for whoever is at the other end of the socket FD; for the controls, outside of a unit
 *   puppet …              as QEMU: answers QMP on descriptor 3 well enough to be a running machine, and takes calls over the
 *                         first connection to a listening socket that it was handed. Asked what it can do (-nographic), it
 *                         lets the real one answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define QMP_FD 3
#define BUFFER_MAX (1U << 20)
#define RELOCATIONS_MAX 32

enum { OP_SYSCALL = 1, OP_SILENT, OP_FLOOD };

/* Then SIZE bytes of buffer follow, and the answer is Reply and the buffer as the call left it. */
typedef struct Request {
        uint32_t op, size;
        uint32_t pointers;      /* bit I: argument I is an offset in the buffer */
        uint32_t n_relocations; /* 64-bit offsets in the buffer that become addresses */
        uint64_t relocations[RELOCATIONS_MAX];
        int64_t number;
        uint64_t arguments[6];
} Request;

typedef struct Reply {
        int64_t result;
        int64_t error;
} Reply;

static char buffer[BUFFER_MAX];
static int silent, running;

static int read_all(int fd, void *data, size_t size) {
        char *p = data;

        while (size > 0) {
                ssize_t n = read(fd, p, size);
                if (n <= 0)
                        return -1;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);
                if (n <= 0)
                        return -1;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

/* --- calls --- */

static void make_call(Request *q, Reply *r) {
        pid_t pid = getpid();
        uint64_t *a = q->arguments;

        for (unsigned i = 0; i < q->n_relocations && i < RELOCATIONS_MAX; i++)
                if (q->relocations[i] + 8 <= BUFFER_MAX) {
                        uint64_t value;
                        memcpy(&value, buffer + q->relocations[i], 8);
                        value += (uint64_t) buffer;
                        memcpy(buffer + q->relocations[i], &value, 8);
                }
        for (unsigned i = 0; i < 6; i++)
                if (q->pointers & 1U << i)
                        a[i] += (uint64_t) buffer;
        errno = 0;
        r->result = syscall(q->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        r->error = errno;
        /* fork(): the other one says so. */
        if (getpid() != pid)
                _exit(0);
}

static int64_t now_ms(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The buffer over and over, NUMBER bytes in all, to the descriptor of the first argument; for as many milliseconds as the
 * second says. */
static void flood(const Request *q, Reply *r) {
        int64_t left = q->number, end = now_ms() + (int64_t) q->arguments[1];
        struct pollfd p = { .fd = (int) q->arguments[0], .events = POLLOUT };

        while (left > 0 && now_ms() < end) {
                if (poll(&p, 1, 100) <= 0)
                        continue;
                ssize_t n = send(p.fd, buffer, left < q->size ? (size_t) left : q->size, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EAGAIN)
                        continue;
                if (n <= 0) {
                        r->error = errno;
                        break;
                }
                left -= n;
        }
        r->result = q->number - left;
}

static int serve(int fd) {
        static Request q;
        Reply r = { 0 };

        if (read_all(fd, &q, sizeof(q)) < 0 || q.size > BUFFER_MAX || read_all(fd, buffer, q.size) < 0)
                return -1;
        if (q.op == OP_SYSCALL)
                make_call(&q, &r);
        else if (q.op == OP_SILENT)
                silent = (int) q.number;
        else if (q.op == OP_FLOOD)
                flood(&q, &r);
        if (write_all(fd, &r, sizeof(r)) < 0)
                return -1;
        return write_all(fd, buffer, q.size);
}

/* --- QMP --- */

static void say(const char *text) {
        (void) !send(QMP_FD, text, strlen(text), MSG_NOSIGNAL);
}

static void answer(const char *id, const char *result) {
        char line[1024];

        (void) snprintf(line, sizeof(line), "{\"return\": %s, \"id\": \"%s\"}\r\n", result, id);
        say(line);
}

static void qmp_line(char *line) {
        char *command = strstr(line, "\"execute\":"), *id = NULL;
        char name[64] = "", word[64] = "";

        if (!command || sscanf(command, "\"execute\": \"%63[^\"]", name) != 1)
                return;
        /* The last one: an argument may be called so, too. */
        for (char *p = line; (p = strstr(p, "\"id\":")); p++)
                id = p;
        if (id)
                (void) sscanf(id, "\"id\": \"%63[^\"]", word);
        if (strcmp(name, "query-status") == 0) {
                answer(word, running ? "{\"status\": \"running\", \"running\": true}" :
                                       "{\"status\": \"prelaunch\", \"running\": false}");
        } else if (strcmp(name, "cont") == 0) {
                running = 1;
                say("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESUME\"}\r\n");
                answer(word, "{}");
        } else if (strcmp(name, "quit") == 0) {
                answer(word, "{}");
                _exit(0);
        } else if (strcmp(name, "system_powerdown") == 0) {
                answer(word, "{}");
                say("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SHUTDOWN\", "
                    "\"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}}\r\n");
                _exit(0);
        } else if (strncmp(name, "query-", 6) == 0 || strcmp(name, "qom-list") == 0)
                answer(word, "[]");
        else
                answer(word, "{}");
}

static int serve_qmp(void) {
        static char text[65536];
        static size_t size;

        ssize_t n = read(QMP_FD, text + size, sizeof(text) - 1 - size);
        if (n <= 0)
                return -1;
        size += (size_t) n;
        text[size] = 0;
        char *line = text;
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
                *end = 0;
                if (!silent)
                        qmp_line(line);
        }
        size -= (size_t) (line - text);
        memmove(text, line, size);
        return 0;
}

/* --- */

static int find_listener(void) {
        for (int fd = QMP_FD + 1; fd < 1024; fd++) {
                int listening = 0;
                socklen_t size = sizeof(listening);
                if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening)
                        return fd;
        }
        return -1;
}

int main(int argc, char **argv) {
        int connection = -1, listener = -1;

        if (argc == 3 && strcmp(argv[1], "--control") == 0) {
                connection = atoi(argv[2]);
                while (serve(connection) == 0)
                        ;
                return 0;
        }
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "-nographic") == 0 || strcmp(argv[i], "-version") == 0) {
                        argv[0] = (char *) QEMU;
                        execv(QEMU, argv);
                        return 127;
                }
        listener = find_listener();
        say("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, \"capabilities\": []}}\r\n");
        for (;;) {
                struct pollfd p[] = {
                        { .fd = QMP_FD, .events = POLLIN },
                        { .fd = connection >= 0 ? connection : listener, .events = POLLIN },
                };
                if (poll(p, 2, -1) < 0)
                        return 1;
                if (p[0].revents && serve_qmp() < 0)
                        return 0;
                if (p[1].revents && connection < 0)
                        connection = accept(listener, NULL, NULL);
                else if (p[1].revents && serve(connection) < 0) {
                        (void) close(connection);
                        connection = -1;
                }
        }
}
