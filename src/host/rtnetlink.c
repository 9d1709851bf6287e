/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>

#include "parse-util.h"
#include "rtnetlink.h"
#include "string-util.h"
#include "strv.h"

/* --- messages --- */

static void *grow(NetlinkRequest *m, size_t size) {
        size_t from = NLMSG_ALIGN(m->header.nlmsg_len);

        if (m->failed || size > sizeof(m->bytes) - from) {
                m->failed = true;
                return NULL;
        }
        m->header.nlmsg_len = (uint32_t) (from + size);
        return m->bytes + from;
}

void *netlink_begin(NetlinkRequest *m, uint16_t type, uint16_t flags, size_t size) {
        *m = (NetlinkRequest) {};
        m->header = (struct nlmsghdr) {
                .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type, .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | NLM_F_ACK | flags),
        };
        return grow(m, size);
}

void netlink_add(NetlinkRequest *m, uint16_t type, const void *data, size_t size) {
        struct rtattr *a = grow(m, RTA_LENGTH(size));

        if (!a)
                return;
        *a = (struct rtattr) { .rta_type = type, .rta_len = (uint16_t) RTA_LENGTH(size) };
        if (size > 0)
                memcpy(RTA_DATA(a), data, size);
}

void netlink_add_string(NetlinkRequest *m, uint16_t type, const char *s) {
        netlink_add(m, type, s, strlen(s) + 1);
}

void netlink_add_u32(NetlinkRequest *m, uint16_t type, uint32_t value) {
        netlink_add(m, type, &value, sizeof(value));
}

size_t netlink_open(NetlinkRequest *m, uint16_t type) {
        size_t from = NLMSG_ALIGN(m->header.nlmsg_len);

        netlink_add(m, type, NULL, 0);
        return from;
}

void netlink_close(NetlinkRequest *m, size_t nest) {
        if (!m->failed)
                ((struct rtattr *) (m->bytes + nest))->rta_len = (uint16_t) (m->header.nlmsg_len - nest);
}

/* The kernel's own words, which stand behind the request in its answer: the whole of it, or (capped) its header alone. */
static char *answer_text(const uint8_t *answer, size_t size) {
        const struct nlmsghdr *h = (const struct nlmsghdr *) answer;
        const struct nlmsgerr *e = NLMSG_DATA(h);

        if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
                return NULL;
        size_t from = NLMSG_HDRLEN + sizeof(*e);
        if (!(h->nlmsg_flags & NLM_F_CAPPED))
                from += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
        while (from + sizeof(struct rtattr) <= size) {
                const struct rtattr *a = (const struct rtattr *) (answer + from);
                if (a->rta_len < RTA_LENGTH(0) || a->rta_len > size - from)
                        break;
                if (a->rta_type == NLMSGERR_ATTR_MSG)
                        return strndup(RTA_DATA(a), RTA_PAYLOAD(a));
                from += RTA_ALIGN(a->rta_len);
        }
        return NULL;
}

static int open_netlink(void) {
        int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
        (void) setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
        return fd;
}

/* The answer is there when the request was sent: rtnetlink(7) works at once. */
static int exchange(const NetlinkRequest *m, char **ret_text) {
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        union {
                struct nlmsghdr header;
                uint8_t bytes[8192];
        } answer = {};
        ssize_t n;

        if (m->failed)
                return -EMSGSIZE;
        _cleanup_close_ int fd = open_netlink();
        if (fd < 0)
                return fd;
        n = sendto(fd, m, m->header.nlmsg_len, 0, (const struct sockaddr *) &kernel, sizeof(kernel));
        if (n < 0)
                return -errno;
        do
                n = recv(fd, &answer, sizeof(answer), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t) n < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || answer.header.nlmsg_type != NLMSG_ERROR)
                return -EBADMSG;
        int error = ((struct nlmsgerr *) NLMSG_DATA(&answer.header))->error;
        *ret_text = error < 0 ? answer_text(answer.bytes, (size_t) n) : NULL;
        return error;
}

int netlink_send(NetlinkRequest *m, char **ret_reason) {
        _cleanup_free_ char *text = NULL;
        int r = exchange(m, &text);

        if (r < 0 && ret_reason)
                *ret_reason = text ? TAKE_PTR(text) : strdup(strerror(-r));
        return r;
}

/* --- links --- */

int link_remove(const char *ifname, unsigned ifindex) {
        NetlinkRequest m;

        if (ifindex == 0 || if_nametoindex(ifname) != ifindex)
                return 0;
        struct ifinfomsg *link = netlink_begin(&m, RTM_DELLINK, 0, sizeof(*link));
        *link = (struct ifinfomsg) { .ifi_family = AF_UNSPEC, .ifi_index = (int) ifindex };
        int r = netlink_send(&m, NULL);
        return r == -ENODEV ? 0 : r;
}

int link_set_isolated(unsigned ifindex, bool isolated, char **ret_reason) {
        uint8_t value = isolated;
        NetlinkRequest m;

        struct ifinfomsg *link = netlink_begin(&m, RTM_SETLINK, 0, sizeof(*link));
        *link = (struct ifinfomsg) { .ifi_family = AF_BRIDGE, .ifi_index = (int) ifindex };
        size_t nest = netlink_open(&m, IFLA_PROTINFO | NLA_F_NESTED);
        netlink_add(&m, IFLA_BRPORT_ISOLATED, &value, sizeof(value));
        netlink_close(&m, nest);
        return netlink_send(&m, ret_reason);
}

/* --- addresses --- */

typedef struct Address {
        uint8_t family;
        size_t size;
        uint8_t bytes[16];
        unsigned prefix;
} Address;

static bool parse_address(char *s, Address *ret) {
        char *slash = strchr(s, '/');

        *ret = (Address) { .family = strchr(s, ':') ? AF_INET6 : AF_INET, .size = strchr(s, ':') ? 16 : 4 };
        if (slash) {
                *slash = 0;
                if (parse_uint(slash + 1, &ret->prefix) < 0 || ret->prefix > 8 * ret->size)
                        return false;
        }
        return inet_pton(ret->family, s, ret->bytes) == 1;
}

static int not_understood(const char *what, char **ret_reason) {
        if (ret_reason)
                *ret_reason = strf("'%s' is not understood", what);
        return -EINVAL;
}

/* The last address of the network is for all of its hosts. */
static void add_broadcast(NetlinkRequest *m, const Address *a) {
        uint8_t bytes[4];

        if (a->family != AF_INET || a->prefix > 30)
                return;
        for (unsigned i = 0; i < 32; i++) {
                uint8_t bit = (uint8_t) (0x80 >> i % 8);
                bytes[i / 8] = (uint8_t) ((i % 8 == 0 ? a->bytes[i / 8] : bytes[i / 8]) | (i >= a->prefix ? bit : 0));
        }
        netlink_add(m, IFA_BROADCAST, bytes, sizeof(bytes));
}

int link_add_address(unsigned ifindex, const char *address, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        Address local, peer;
        NetlinkRequest m;

        int r = strv_split(address, " ", &words);
        if (r < 0)
                return r;
        size_t n = strv_length(words);
        bool has_peer = n == 3 && streq(words[1], "peer");
        if ((n != 1 && !has_peer) || !parse_address(words[0], &local) ||
            (has_peer && (!parse_address(words[2], &peer) || peer.family != local.family)))
                return not_understood(address, ret_reason);
        struct ifaddrmsg *msg = netlink_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*msg));
        *msg = (struct ifaddrmsg) { .ifa_family = local.family, .ifa_prefixlen = (uint8_t) local.prefix, .ifa_index = ifindex };
        netlink_add(&m, IFA_LOCAL, local.bytes, local.size);
        netlink_add(&m, IFA_ADDRESS, has_peer ? peer.bytes : local.bytes, local.size);
        if (!has_peer)
                add_broadcast(&m, &local);
        r = netlink_send(&m, ret_reason);
        if (r != -EEXIST)
                return r;
        if (ret_reason)
                *ret_reason = mfree(*ret_reason);
        return 0;
}

int link_add_route(unsigned ifindex, const char *route, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        Address to, gateway;
        unsigned metric = 0;
        NetlinkRequest m;

        int r = strv_split(route, " ", &words);
        if (r < 0)
                return r;
        size_t n = strv_length(words);
        if ((n != 3 && n != 5) || !parse_address(words[0], &to) || !parse_address(words[2], &gateway) ||
            to.family != gateway.family || (n == 5 && parse_uint(words[4], &metric) < 0))
                return not_understood(route, ret_reason);
        struct rtmsg *msg = netlink_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*msg));
        *msg = (struct rtmsg) {
                .rtm_family = to.family, .rtm_dst_len = (uint8_t) to.prefix, .rtm_table = RT_TABLE_MAIN,
                .rtm_protocol = RTPROT_BOOT, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST,
        };
        netlink_add(&m, RTA_DST, to.bytes, to.size);
        netlink_add(&m, RTA_GATEWAY, gateway.bytes, gateway.size);
        netlink_add_u32(&m, RTA_OIF, ifindex);
        if (metric > 0)
                netlink_add_u32(&m, RTA_PRIORITY, metric);
        return netlink_send(&m, ret_reason);
}
