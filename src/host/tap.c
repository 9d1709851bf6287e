/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "rtnetlink.h"
#include "string-util.h"
#include "strv.h"
#include "tap.h"

/* The kernel replaces %d by the first number that is free; it never parses anything else in a name. */
#define IFNAME_PATTERN "vnet%d"
#define TUN_DEVICE "/dev/net/tun"
#define IFNAMES_MAX 65536U

typedef struct Tap {
        const TapSpec *spec;
        int control;           /* owned: any socket, for the ioctls on interfaces */
        int *fds;              /* the caller's */
        unsigned n_fds;        /* how many of them are open */
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        char *reason;          /* owned */
        bool limited;          /* an existing one has limits now */
        bool made;             /* a macvtap, which does not go by itself */
} Tap;

static void tap_done(Tap *t) {
        safe_close(t->control);
        while (t->n_fds > 0)
                safe_close(t->fds[--t->n_fds]);
        if (t->limited)
                (void) traffic_limit_clear(t->ifindex);
        if (t->made)
                (void) link_remove(t->ifname, t->ifindex);
        free(t->reason);
}

static int fail(Tap *t, int error, char *reason) {
        free(t->reason);
        t->reason = reason;
        return error;
}

/* REASON is that of a request to the kernel; taken over. */
static int fail_to(Tap *t, int error, const char *what, char *reason) {
        int r = fail(t, error, strf("cannot %s interface '%s': %s", what, t->ifname, strempty(reason)));

        free(reason);
        return r;
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

static int open_device(Tap *t, const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return fail(t, -errno, strf("cannot open '%s': %s", path, strerror(errno)));
        t->fds[t->n_fds++] = fd;
        return fd;
}

static int open_queue(Tap *t, unsigned n_queues) {
        struct ifreq ifr;
        const char *name = t->ifname[0] ? t->ifname : t->spec->ifname ?: IFNAME_PATTERN;

        int fd = open_device(t, t->spec->tun ?: TUN_DEVICE);
        if (fd < 0)
                return fd;

        set_name(&ifr, name);
        unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (n_queues > 1 ? IFF_MULTI_QUEUE : 0U);
        ifr.ifr_flags = (short) flags;
        if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
                if (errno == EBUSY)
                        return fail(t, -EBUSY, strf("tap interface '%s' is in use", name));
                if (errno == ENOTTY)
                        return fail(t, -ENOTTY, strf("'%s' makes no tap interfaces", t->spec->tun ?: TUN_DEVICE));
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

        const char *like = t->spec->mtu_of ?: t->spec->bridge;
        if (mtu == 0 && like) {
                set_name(&ifr, like);
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
        if (!t->spec->isolated)
                return 0;
        char *reason = NULL;
        int r = link_set_isolated(t->ifindex, true, &reason);
        return r < 0 ? fail_to(t, r, "isolate", reason) : 0;
}

static int set_coalesce(Tap *t) {
        struct ethtool_coalesce c = { .cmd = ETHTOOL_GCOALESCE };
        struct ifreq ifr;

        if (t->spec->coalesce == 0)
                return 0;
        set_name(&ifr, t->ifname);
        ifr.ifr_data = (void *) &c;
        int r = control_ioctl(t, SIOCETHTOOL, &ifr, "look at the coalescing of");
        c.cmd = ETHTOOL_SCOALESCE;
        c.rx_max_coalesced_frames = t->spec->coalesce;
        return r < 0 ? r : control_ioctl(t, SIOCETHTOOL, &ifr, "set the coalescing of");
}

/* What the guest receives is what the host SENDS, if this is the host's end. */
static int set_limits(Tap *t, const TrafficLimit *sent, const TrafficLimit *received) {
        char *reason = NULL;

        if (sent->rate == 0 && received->rate == 0)
                return 0;
        t->limited = t->spec->existing;
        int r = traffic_limit_set(t->ifindex, sent, received, &reason);
        return r < 0 ? fail_to(t, r, "limit the bandwidth of", reason) : 0;
}

static int add_addresses(Tap *t) {
        _cleanup_free_ char *reason = NULL;
        int r = 0;

        STRV_FOREACH(a, t->spec->addresses)
                if (r >= 0 && (r = link_add_address(t->ifindex, *a, &reason)) < 0)
                        return fail(t, r, strf("cannot give interface '%s' the address %s: %s", t->ifname, *a, strempty(reason)));
        STRV_FOREACH(a, t->spec->routes)
                if (r >= 0 && (r = link_add_route(t->ifindex, *a, &reason)) < 0)
                        return fail(t, r, strf("cannot give interface '%s' the route %s: %s", t->ifname, *a, strempty(reason)));
        return 0;
}

static int set_up(Tap *t, const char *ifname) {
        struct ifreq ifr;
        int r;

        set_name(&ifr, ifname);
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
        if (!t->spec->existing) {
                /* First everything else, then up: so it never shows up in the network half configured. */
                r = set_hardware_address(t);
                if (r >= 0)
                        r = set_mtu(t);
                if (r >= 0)
                        r = set_coalesce(t);
        }
        if (r >= 0)
                r = set_limits(t, &t->spec->inbound, &t->spec->outbound);
        if (r >= 0 && !t->spec->existing)
                r = add_to_bridge(t);
        if (r >= 0 && !t->spec->existing)
                r = set_up(t, t->ifname);
        return r < 0 ? r : add_addresses(t);
}

/* --- macvtap --- */

/* Called as t->ifname says. */
static int make_macvtap(Tap *t, unsigned below, unsigned mode, char **ret_reason) {
        NetlinkRequest m;

        struct ifinfomsg *link = netlink_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*link));
        netlink_add_string(&m, IFLA_IFNAME, t->ifname);
        netlink_add_u32(&m, IFLA_LINK, below);
        if (t->spec->mac)
                netlink_add(&m, IFLA_ADDRESS, t->spec->mac, 6);
        size_t info = netlink_open(&m, IFLA_LINKINFO);
        netlink_add_string(&m, IFLA_INFO_KIND, "macvtap");
        size_t data = netlink_open(&m, IFLA_INFO_DATA);
        netlink_add_u32(&m, IFLA_MACVLAN_MODE, mode);
        netlink_close(&m, data);
        netlink_close(&m, info);
        return netlink_send(&m, ret_reason);
}

/* Which name the kernel has chosen it would not say, so it is asked for the first that is free; somebody else may be faster. */
static int make_named(Tap *t, const char *device, unsigned below, unsigned mode) {
        const char *given = t->spec->ifname;
        int r = -EEXIST;

        for (unsigned i = 0; r == -EEXIST && i < (given ? 1U : IFNAMES_MAX); i++) {
                _cleanup_free_ char *reason = NULL;

                if (given)
                        (void) snprintf(t->ifname, sizeof(t->ifname), "%s", given);
                else
                        (void) snprintf(t->ifname, sizeof(t->ifname), "macvtap%u", i % IFNAMES_MAX); /* for compilers that count digits */
                if (!given && if_nametoindex(t->ifname) != 0)
                        continue;
                r = make_macvtap(t, below, mode, &reason);
                if (r < 0)
                        (void) fail(t, r, strf("cannot make interface '%s' on '%s': %s", t->ifname, device,
                                               r == -EOPNOTSUPP ? "this host's kernel has no macvtap" : strempty(reason)));
        }
        return r;
}

static int open_macvtap_queue(Tap *t, const char *path, unsigned n_queues) {
        struct ifreq ifr;

        int fd = open_device(t, path);
        if (fd < 0)
                return fd;
        set_name(&ifr, t->ifname);
        unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (n_queues > 1 ? IFF_MULTI_QUEUE : 0U);
        ifr.ifr_flags = (short) flags;
        return ioctl(fd, TUNSETIFF, &ifr) < 0 ? fail(t, -errno, strf("cannot set up '%s': %s", path, strerror(errno))) : 0;
}

/* In this mode the kernel gives it the address of the device below, and goes the other way when its address is set; it sets
 * that one back when the macvtap goes. */
static int take_over_address(Tap *t) {
        struct ifreq ifr;

        set_name(&ifr, t->ifname);
        ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
        memcpy(ifr.ifr_hwaddr.sa_data, t->spec->mac, 6);
        return control_ioctl(t, SIOCSIFHWADDR, &ifr, "set the address of");
}

static int open_macvtap(Tap *t, const char *device, unsigned mode) {
        unsigned n = MAX(t->spec->queues, 1U);
        _cleanup_free_ char *path = NULL;
        char *reason;

        if (t->spec->ifname && !ifname_is_valid(t->spec->ifname))
                return fail(t, -EINVAL, strf("'%s' is not a valid interface name", t->spec->ifname));
        if (net_device_check(device, &reason) < 0)
                return fail(t, -ENODEV, reason);
        if (t->spec->ifname && if_nametoindex(t->spec->ifname) != 0)
                return fail(t, -EEXIST, strf("interface '%s' already exists", t->spec->ifname));
        if (n > TAP_QUEUES_MAX)
                return fail(t, -E2BIG, strf("more than %u queues", TAP_QUEUES_MAX));
        int r = make_named(t, device, if_nametoindex(device), mode);
        if (r < 0)
                return r;
        t->ifindex = if_nametoindex(t->ifname);
        t->made = true;
        path = strf("/dev/tap%u", t->ifindex);
        r = path ? 0 : -ENOMEM;
        if (r >= 0 && mode == MACVLAN_MODE_PASSTHRU && t->spec->mac)
                r = take_over_address(t);
        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = open_macvtap_queue(t, path, n);
        if (r >= 0)
                r = set_limits(t, &t->spec->outbound, &t->spec->inbound);
        /* Above one that is down there is none that is up. */
        if (r >= 0)
                r = set_up(t, device);
        return r < 0 ? r : set_up(t, t->ifname);
}

/* --- all together --- */

static int check_exists(const char *what, const char *ifname, char **ret_reason) {
        if (ifname_is_valid(ifname) && if_nametoindex(ifname) > 0)
                return 0;
        *ret_reason = strf("%s '%s' does not exist", what, strempty(ifname));
        return -ENODEV;
}

int bridge_check(const char *bridge, char **ret_reason) {
        return check_exists("bridge", bridge, ret_reason);
}

int net_device_check(const char *device, char **ret_reason) {
        return check_exists("network device", device, ret_reason);
}

static int hand_over(Tap *t, int r, char *ret_ifname, unsigned *ret_ifindex, char **ret_reason) {
        if (r < 0) {
                if (ret_reason)
                        *ret_reason = t->reason ? TAKE_PTR(t->reason) : strf("%s", strerror(-r));
                return r;
        }
        memcpy(ret_ifname, t->ifname, IFNAMSIZ);
        *ret_ifindex = t->ifindex;
        t->n_fds = 0; /* the caller's now */
        t->made = t->limited = false;
        return 0;
}

int tap_open(const TapSpec *spec, int *fds, char *ret_ifname, unsigned *ret_ifindex, char **ret_reason) {
        _cleanup_(tap_done) Tap t = { .spec = spec, .fds = fds, .control = -EBADF };

        t.control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return hand_over(&t, t.control < 0 ? -errno : make(&t), ret_ifname, ret_ifindex, ret_reason);
}

int macvtap_open(const TapSpec *spec, const char *device, unsigned mode, int *fds, char *ret_ifname, unsigned *ret_ifindex,
                 char **ret_reason) {
        _cleanup_(tap_done) Tap t = { .spec = spec, .fds = fds, .control = -EBADF };

        t.control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return hand_over(&t, t.control < 0 ? -errno : open_macvtap(&t, device, mode), ret_ifname, ret_ifindex, ret_reason);
}
