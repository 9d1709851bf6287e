/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "traffic-limit.h"

/* A tap: the host's end of a guest's network card. It lives as long as one of its descriptors, so nothing needs
 * to be removed after a crash; unless who has a descriptor makes it persistent, which the kernel lets QEMU do. */
typedef struct TapSpec {
        const char *tun;     /* the device it is made by; NULL: /dev/net/tun */
        const char *ifname;  /* NULL: the kernel's first free vnetN, or macvtapN */
        const char *bridge;  /* NULL: none */
        const char *mtu_of;  /* has the MTU of this one, unless it has one of its own; NULL: of the bridge */
        const uint8_t *mac;  /* the guest's, 6 bytes; the tap gets the same with fe in front. NULL: the kernel's choice */
        unsigned mtu;        /* 0: the bridge's, or the kernel's default */
        unsigned queues;     /* 0 counts as 1 */
        bool existing;       /* an interface of the administrator: is used as it is, neither made nor changed */
        bool isolated;       /* the bridge lets it speak to ports only that are not */
        unsigned coalesce;   /* packets until an interrupt; 0: the kernel's default */
        TrafficLimit inbound, outbound; /* what the guest receives and sends; also of an existing one */
        char *const *addresses, *const *routes; /* of the host's end (rtnetlink.h); also of an existing one */
} TapSpec;

/* FDS has room for as many descriptors as there are queues. ifname has IFNAMSIZ bytes. 0 or negative errno;
 * then *ret_reason says why ("bridge 'br0' does not exist"), owned by the caller, and nothing is left. */
int tap_open(const TapSpec *spec, int *fds, char *ret_ifname, unsigned *ret_ifindex, char **ret_reason);

/* The same for a macvtap on DEVICE, whose MODE is one of the kernel's (MACVLAN_MODE_VEPA …). It is the guest's end itself: has
 * its address, and stays until link_remove(). Of SPEC are used: ifname, mac, queues, inbound, outbound. */
int macvtap_open(const TapSpec *spec, const char *device, unsigned mode, int *fds, char *ret_ifname, unsigned *ret_ifindex,
                 char **ret_reason);

/* 0, or -ENODEV with the reason, owned by the caller. */
int bridge_check(const char *bridge, char **ret_reason);
int net_device_check(const char *device, char **ret_reason);

#define TAP_QUEUES_MAX 256U
