/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The filter of system calls that QEMU gets between fork and execve(): what the unit's SystemCallFilter= and QEMU's own
 * -sandbox leave open and an emulator has no use for. A list of what is refused, so that a newer QEMU or C library does
 * not fail; EPERM and not death, so that what is refused by mistake can be seen and told. */

/* What the launch record can ask for (allow=WORD). */
typedef enum SeccompAllow {
        SECCOMP_ALLOW_IO_URING = 1 << 0, /* a disk has io='io_uring' */
        SECCOMP_ALLOW_NETWORK = 1 << 1,  /* QEMU itself speaks to the network */
        SECCOMP_ALLOW_SPAWN = 1 << 2,    /* other programs: the emulator is a script */
        SECCOMP_ALLOW_UNIX = 1 << 3,     /* sockets of this machine: its uid has nothing else that listens on one. No word. */
        SECCOMP_ALLOW_SCHEDULE = 1 << 4, /* the CPUs and schedulers of others' threads: the monitor. No word. */
        SECCOMP_ALLOW_AFFINITY = 1 << 5, /* the CPUs of QEMU's own threads, which are not told from others: memory of a node */
        SECCOMP_ALLOW_UEVENTS = 1 << 6,  /* what the kernel says of devices: libusb does not begin without */
        SECCOMP_ALLOW_ROOT = 1 << 7,     /* a helper that is started as root of a user namespace of its own: to change its root directory
                                          * and to act for one of its users, of whom there is nobody else */
        SECCOMP_ALLOW_SANDBOX = 1 << 8,  /* a helper that locks itself in: namespaces of users and files, and mounts in there */
        SECCOMP_ALLOW_NETLINK = 1 << 9,  /* a helper that looks at the host's network */
} SeccompAllow;

/* Never for QEMU, whatever the record says. */
#define SECCOMP_ALLOW_HELPERS (SECCOMP_ALLOW_ROOT | SECCOMP_ALLOW_SANDBOX | SECCOMP_ALLOW_NETLINK)

/* The bit of WORD ("io_uring"); -EINVAL when there is none. */
int seccomp_allow_from_string(const char *word) _pure_;

/* Refused when all of the call's 64 bits of an argument … */
typedef enum SeccompCondition {
        SECCOMP_ALWAYS,  /* whatever the arguments */
        SECCOMP_EQUAL,   /* … masked with MASK are VALUE */
        SECCOMP_ABOVE,   /* … are more than VALUE */
        SECCOMP_NOT,     /* … are not VALUE */
        SECCOMP_OTHERS,  /* … are not the pid of this process */
        SECCOMP_OTHER_NETLINK, /* … are AF_NETLINK, and the protocol is not VALUE */
        SECCOMP_NO_KEY,  /* … are not what seccomp_execute() passes */
} SeccompCondition;

typedef struct SeccompRow {
        const char *syscall;
        const char *reason;        /* what it would be good for, in an emulator that was taken over */
        SeccompAllow unless;       /* 0: nothing can ask for it */
        int error;                 /* 0: EPERM */
        SeccompCondition condition;
        unsigned argument;
        uint64_t mask, value;
} SeccompRow;

/* The table; NULL when there is no row I. */
const SeccompRow *seccomp_row(size_t i) _pure_;

/* Installs the filter for the calling process, which may then execute one program: with seccomp_execute() and KEY, which
 * should come from getrandom(). Sets no_new_privs. 0 or negative errno. */
int seccomp_install(SeccompAllow allow, uint64_t key);

/* execve() behind the filter; returns a negative errno.
 *
 * A filter that is there before execve() has to let it through, and would then let any other through as well. But the
 * filter sees all 64 bits of an argument and the kernel uses 32 of those that are an int: the upper halves of
 * execveat()'s directory and flags carry a key, the filter refuses every other call, and the program knows the key no
 * more than it can read its filter. */
int seccomp_execute(uint64_t key, const char *program, char *const *argv, char *const *env);
