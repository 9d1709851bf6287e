/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* A tap: the host's end of a guest's network card. It lives as long as one of its descriptors, so nothing needs
 * to be removed after a crash; unless who has a descriptor makes it persistent, which the kernel lets QEMU do. */
typedef struct TapSpec {
        const char *ifname;  /* NULL: the kernel's first free vnetN */
        const char *bridge;  /* NULL: none */
        const uint8_t *mac;  /* the guest's, 6 bytes; the tap gets the same with fe in front. NULL: the kernel's choice */
        unsigned mtu;        /* 0: the bridge's, or the kernel's default */
        unsigned queues;     /* 0 counts as 1 */
        bool existing;       /* an interface of the administrator: is used as it is, neither made nor changed */
} TapSpec;

/* FDS has room for as many descriptors as there are queues. ifname has IFNAMSIZ bytes. 0 or negative errno;
 * then *ret_reason says why ("bridge 'br0' does not exist"), owned by the caller, and nothing is left. */
int tap_open(const TapSpec *spec, int *fds, char *ret_ifname, unsigned *ret_ifindex, char **ret_reason);

/* Removes the interface if it still is the one with this name and index; 0 also when it is gone. For taps that
 * tap_open() has made. */
int tap_remove(const char *ifname, unsigned ifindex);

/* 0, or -ENODEV with the reason, owned by the caller. */
int bridge_check(const char *bridge, char **ret_reason);

#define TAP_QUEUES_MAX 256U
