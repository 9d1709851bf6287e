/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/rtnetlink.h>

#include "macro.h"

/* Requests to the kernel's rtnetlink(7): one message at a time, with its answer. Appending never fails visibly: a message
 * that has become too long is refused when it is sent. */
typedef struct NetlinkRequest {
        union {
                struct nlmsghdr header;
                uint8_t bytes[4096];
        };
        bool failed;
} NetlinkRequest;

/* Begins a message; returns the part behind its header, of SIZE bytes, which is zero. */
void *netlink_begin(NetlinkRequest *m, uint16_t type, uint16_t flags, size_t size);
void netlink_add(NetlinkRequest *m, uint16_t type, const void *data, size_t size);
void netlink_add_string(NetlinkRequest *m, uint16_t type, const char *s);
void netlink_add_u32(NetlinkRequest *m, uint16_t type, uint32_t value);
/* What is added in between is inside of it. */
size_t netlink_open(NetlinkRequest *m, uint16_t type);
void netlink_close(NetlinkRequest *m, size_t nest);

/* 0 or negative errno; then *ret_reason, if not NULL, is in the kernel's own words where it has some. Owned by the caller. */
int netlink_send(NetlinkRequest *m, char **ret_reason);

/* Removes the interface if it still is the one with this name and index; 0 also when it is gone. */
int link_remove(const char *ifname, unsigned ifindex);
/* Whether a port of a bridge may speak to other ports like that. */
int link_set_isolated(unsigned ifindex, bool isolated, char **ret_reason);
/* "192.0.2.1/24", "192.0.2.1/32 peer 192.0.2.2"; one that is there already is no error. */
int link_add_address(unsigned ifindex, const char *address, char **ret_reason);
/* "198.51.100.0/24 via 192.0.2.9 metric 3" */
int link_add_route(unsigned ifindex, const char *route, char **ret_reason);
