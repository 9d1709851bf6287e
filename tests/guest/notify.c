/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In the guest: what its systemd does with the credential vmm.notify_socket.
 *
 *   notify LINE…        reports the lines in one message, and waits until it has been taken: "taken"
 *   notify hold LINE…   sends them, and neither ends the message nor goes away
 *   notify to vsock-stream:CID:PORT LINE…   to an address that is another machine's
 *   notify serve PORT LINE   is a server instead: greets the one who comes, and says what it hears of him */

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLES "/sys/firmware/dmi/tables/DMI"
#define NAME "io.systemd.credential.binary:vmm.notify_socket="

static int fail(const char *what) {
        perror(what);
        return 1;
}

static int digit(char c) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c ? strchr(digits, c) : NULL;

        return p ? (int) (p - digits) : -1;
}

static void decode(const char *s, char *out, size_t size) {
        unsigned bits = 0, n = 0;
        size_t used = 0;

        for (; digit(*s) >= 0 && used + 1 < size; s++) {
                bits = bits << 6 | (unsigned) digit(*s);
                n += 6;
                if (n >= 8) {
                        n -= 8;
                        out[used++] = (char) (bits >> n);
                }
        }
        out[used] = '\0';
}

static int serve(unsigned port, const char *line) {
        struct sockaddr_vm own = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port };
        char heard[256] = "";
        size_t used = 0;

        int s = socket(AF_VSOCK, SOCK_STREAM, 0);
        if (s < 0 || bind(s, (struct sockaddr *) &own, sizeof(own)) < 0 || listen(s, 1) < 0)
                return fail("listen");
        puts("serves");
        fflush(stdout);
        int c = accept(s, NULL, NULL);
        if (c < 0 || dprintf(c, "%s\r\n", line) < 0)
                return fail("greet");
        while (used + 1 < sizeof(heard) && !memchr(heard, '\n', used)) {
                ssize_t n = read(c, heard + used, sizeof(heard) - 1 - used);
                if (n <= 0)
                        return fail("read");
                used += (size_t) n;
        }
        printf("heard=%s", heard);
        return 0;
}

int main(int argc, char *argv[]) {
        static char tables[1 << 20], address[64], message[4096];
        struct sockaddr_vm peer = { .svm_family = AF_VSOCK };
        int hold = argc > 1 && strcmp(argv[1], "hold") == 0;
        ssize_t n = 0, size = 0;

        if (argc == 4 && strcmp(argv[1], "serve") == 0)
                return serve((unsigned) atoi(argv[2]), argv[3]);
        const char *given = argc > 2 && strcmp(argv[1], "to") == 0 ? argv[2] : NULL;
        int first = given ? 3 : 1 + hold;

        int fd = open(TABLES, O_RDONLY);
        while (fd >= 0 && (n = read(fd, tables + size, sizeof(tables) - (size_t) size)) > 0)
                size += n;
        const char *found = size > 0 ? memmem(tables, (size_t) size, NAME, strlen(NAME)) : NULL;
        if (!found && !given)
                return fail("no credential in " TABLES);
        if (given)
                strncat(address, given, sizeof(address) - 1);
        else
                decode(found + strlen(NAME), address, sizeof(address));
        printf("address=%s\n", address);
        fflush(stdout);
        if (sscanf(address, "vsock-stream:%u:%u", &peer.svm_cid, &peer.svm_port) != 2)
                return fail("address");

        int s = socket(AF_VSOCK, SOCK_STREAM, 0);
        if (s < 0 || connect(s, (struct sockaddr *) &peer, sizeof(peer)) < 0)
                return fail("connect");
        for (int i = first; i < argc; i++) {
                strncat(message, argv[i], sizeof(message) - strlen(message) - 2);
                strcat(message, i + 1 < argc ? "\n" : "");
        }
        if (write(s, message, strlen(message)) != (ssize_t) strlen(message))
                return fail("write");
        if (hold) {
                puts("held");
                fflush(stdout);
                return read(s, message, 1) == 0 ? 0 : 1; /* until the other side has had enough */
        }
        if (shutdown(s, SHUT_WR) < 0)
                return fail("shutdown");
        if (read(s, message, 1) != 0)
                return fail("read");
        puts("taken");
        return 0;
}
