/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

#include "string-util.h"
#include "tap.h"

/* The kernel replaces %d by the first number that is free; it never parses anything else in a name. */
#define IFNAME_PATTERN "vnet%d"

typedef struct Tap {
        const TapSpec *spec;
        int control;           /* owned: any socket, for the ioctls on interfaces */
        int *fds;              /* the caller's */
        unsigned n_fds;        /* how many of them are open */
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        char *reason;          /* owned */
} Tap;

static void tap_done(Tap *t) {
        safe_close(t->control);
        while (t->n_fds > 0)
                safe_close(t->fds[--t->n_fds]);
        free(t->reason);
}

static int fail(Tap *t, int error, char *reason) {
        free(t->reason);
        t->reason = reason;
        return error;
}

static bool ifname_is_valid(const char *name) {
        return !isempty(name) && strlen(name) < IFNAMSIZ && !streq(name, ".") && !streq(name, "..") &&
                name[strcspn(name, "/:% \t\n")] == 0;
}

static void set_name(struct ifreq *ifr, const char *name) {
        *ifr = (struct ifreq) {};
        (void) snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
}

static int control_ioctl(Tap *t, unsigned long request, struct ifreq *ifr, const char *what) {
        if (ioctl(t->control, request, ifr) < 0)
                return fail(t, -errno, strf("cannot %s interface '%s': %s", what, ifr->ifr_name, strerror(errno)));
        return 0;
}

static int open_queue(Tap *t, unsigned n_queues) {
        struct ifreq ifr;
        const char *name = t->ifname[0] ? t->ifname : t->spec->ifname ?: IFNAME_PATTERN;

        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return fail(t, -errno, strf("cannot open '/dev/net/tun': %s", strerror(errno)));
        t->fds[t->n_fds++] = fd;

        set_name(&ifr, name);
        unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (n_queues > 1 ? IFF_MULTI_QUEUE : 0U);
        ifr.ifr_flags = (short) flags;
        if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
                if (errno == EBUSY)
                        return fail(t, -EBUSY, strf("tap interface '%s' is in use", name));
                return fail(t, -errno, strf("cannot %s tap interface '%s': %s",
                                            t->spec->existing ? "attach to" : "make", name, strerror(errno)));
        }
        (void) snprintf(t->ifname, sizeof(t->ifname), "%s", ifr.ifr_name);
        return 0;
}

static int set_hardware_address(Tap *t) {
        struct ifreq ifr;

        if (!t->spec->mac)
                return 0;
        set_name(&ifr, t->ifname);
        ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
        memcpy(ifr.ifr_hwaddr.sa_data, t->spec->mac, 6);
        /* A bridge takes the lowest address of its ports as its own; this one never is the lowest, so the
         * bridge's address does not change with its guests. And the guest's own frames are not the tap's. */
        ifr.ifr_hwaddr.sa_data[0] = (char) 0xfe;
        return control_ioctl(t, SIOCSIFHWADDR, &ifr, "set the address of");
}

static int set_mtu(Tap *t) {
        struct ifreq ifr;
        unsigned mtu = t->spec->mtu;

        if (mtu == 0 && t->spec->bridge) {
                set_name(&ifr, t->spec->bridge);
                if (ioctl(t->control, SIOCGIFMTU, &ifr) >= 0)
                        mtu = (unsigned) ifr.ifr_mtu;
        }
        if (mtu == 0)
                return 0;
        set_name(&ifr, t->ifname);
        ifr.ifr_mtu = (int) mtu;
        int r = control_ioctl(t, SIOCSIFMTU, &ifr, "set the MTU of");
        /* Nobody has asked for the bridge's. */
        return t->spec->mtu == 0 ? 0 : r;
}

static int add_to_bridge(Tap *t) {
        struct ifreq ifr;
        const char *bridge = t->spec->bridge;

        if (!bridge)
                return 0;
        set_name(&ifr, bridge);
        ifr.ifr_ifindex = (int) t->ifindex;
        if (ioctl(t->control, SIOCBRADDIF, &ifr) < 0) {
                if (errno == EOPNOTSUPP || errno == EINVAL)
                        return fail(t, -EINVAL, strf("'%s' is not a bridge", bridge));
                return fail(t, -errno, strf("cannot add '%s' to bridge '%s': %s", t->ifname, bridge, strerror(errno)));
        }
        return 0;
}

static int set_up(Tap *t) {
        struct ifreq ifr;
        int r;

        set_name(&ifr, t->ifname);
        r = control_ioctl(t, SIOCGIFFLAGS, &ifr, "look at");
        if (r < 0)
                return r;
        if (ifr.ifr_flags & IFF_UP)
                return 0;
        ifr.ifr_flags |= IFF_UP;
        return control_ioctl(t, SIOCSIFFLAGS, &ifr, "bring up");
}

/* What can be said before anything was made. */
static int check(Tap *t) {
        const TapSpec *s = t->spec;

        if (s->ifname && !ifname_is_valid(s->ifname))
                return fail(t, -EINVAL, strf("'%s' is not a valid interface name", s->ifname));
        char *reason;
        if (s->bridge && bridge_check(s->bridge, &reason) < 0)
                return fail(t, -ENODEV, reason);
        bool there = s->ifname && if_nametoindex(s->ifname) != 0;
        if (s->existing && !there)
                return fail(t, -ENODEV, strf("interface '%s' does not exist", strempty(s->ifname)));
        if (!s->existing && there)
                return fail(t, -EEXIST, strf("interface '%s' already exists", s->ifname));
        if (s->queues > TAP_QUEUES_MAX)
                return fail(t, -E2BIG, strf("more than %u queues", TAP_QUEUES_MAX));
        return 0;
}

static int make(Tap *t) {
        unsigned n = MAX(t->spec->queues, 1U);
        int r = check(t);

        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = open_queue(t, n);
        if (r < 0)
                return r;
        t->ifindex = if_nametoindex(t->ifname);
        if (t->ifindex == 0)
                return fail(t, -errno, strf("interface '%s' vanished", t->ifname));
        if (t->spec->existing)
                return 0;
        /* First everything else, then up: so it never shows up in the network half configured. */
        r = set_hardware_address(t);
        if (r >= 0)
                r = set_mtu(t);
        if (r >= 0)
                r = add_to_bridge(t);
        return r < 0 ? r : set_up(t);
}

/* Sends one request and reads the answer, which is there when the request was sent: rtnetlink(7) works at once. */
static int netlink_call(const struct nlmsghdr *request) {
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                uint8_t rest[256];
        } answer = {};

        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        ssize_t n = sendto(fd, request, request->nlmsg_len, 0, (const struct sockaddr *) &kernel, sizeof(kernel));
        if (n < 0)
                return -errno;
        do
                n = recv(fd, &answer, sizeof(answer), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t) n < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || answer.header.nlmsg_type != NLMSG_ERROR)
                return -EBADMSG;
        return answer.error.error;
}

int tap_remove(const char *ifname, unsigned ifindex) {
        const struct {
                struct nlmsghdr header;
                struct ifinfomsg link;
        } request = {
                .header = {
                        .nlmsg_len = sizeof(request), .nlmsg_type = RTM_DELLINK,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                },
                .link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) ifindex },
        };

        if (ifindex == 0 || if_nametoindex(ifname) != ifindex)
                return 0;
        int r = netlink_call(&request.header);
        return r == -ENODEV ? 0 : r;
}

int bridge_check(const char *bridge, char **ret_reason) {
        if (ifname_is_valid(bridge) && if_nametoindex(bridge) > 0)
                return 0;
        *ret_reason = strf("bridge '%s' does not exist", bridge);
        return -ENODEV;
}

int tap_open(const TapSpec *spec, int *fds, char *ret_ifname, unsigned *ret_ifindex, char **ret_reason) {
        _cleanup_(tap_done) Tap t = { .spec = spec, .fds = fds, .control = -EBADF };
        int r;

        t.control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        r = t.control < 0 ? -errno : make(&t);
        if (r < 0) {
                if (ret_reason)
                        *ret_reason = t.reason ? TAKE_PTR(t.reason) : strf("%s", strerror(-r));
                return r;
        }
        memcpy(ret_ifname, t.ifname, IFNAMSIZ);
        *ret_ifindex = t.ifindex;
        t.n_fds = 0; /* the caller's now */
        return 0;
}
