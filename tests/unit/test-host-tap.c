/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps and bridges, in a network namespace of the test's own. Needs root. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "string-util.h"
#include "tap.h"

static bool usable;

static int group_setup(void **state) {
        char name[] = "br-test";

        if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0)
                return 0;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        usable = fd >= 0 && ioctl(fd, SIOCBRADDBR, name) >= 0;
        return 0;
}


static void flags_of(const char *ifname, struct ifreq *ret) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        *ret = (struct ifreq) {};
        (void) snprintf(ret->ifr_name, sizeof(ret->ifr_name), "%s", ifname);
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, ret), 0);
}

static void test_tap_in_bridge(void **state) {
        static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
        TapSpec spec = { .bridge = "br-test", .mac = mac, .mtu = 1400 };
        char ifname[IFNAMSIZ];
        struct ifreq ifr;
        unsigned ifindex;
        int tap;

        if (!usable)
                skip();
        assert_int_equal(tap_open(&spec, &tap, ifname, &ifindex, NULL), 0);
        assert_string_equal(ifname, "vnet0");
        assert_int_equal(ifindex, if_nametoindex("vnet0"));
        flags_of(ifname, &ifr);
        assert_true(ifr.ifr_flags & IFF_UP);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &ifr), 0);
        assert_memory_equal(ifr.ifr_hwaddr.sa_data, "\xfe\x54\x00\x01\x02\x03", 6);
        assert_int_equal(ioctl(fd, SIOCGIFMTU, &ifr), 0);
        assert_int_equal(ifr.ifr_mtu, 1400);

        /* The bridge has it: adding it again is refused. */
        struct ifreq add = { .ifr_ifindex = (int) ifindex };
        (void) snprintf(add.ifr_name, sizeof(add.ifr_name), "br-test");
        assert_int_equal(ioctl(fd, SIOCBRADDIF, &add), -1);
        assert_int_equal(errno, EBUSY);
        /* It ends with its descriptor. */
        close(tap);
        assert_int_equal(if_nametoindex("vnet0"), 0);
}

static void test_tap_queues(void **state) {
        TapSpec spec = { .ifname = "tap-mq", .queues = 4 };
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fds[4];

        if (!usable)
                skip();
        assert_int_equal(tap_open(&spec, fds, ifname, &ifindex, NULL), 0);
        assert_string_equal(ifname, "tap-mq");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        assert_int_equal(if_nametoindex("tap-mq"), 0);
}

/* What a descriptor of the tap is enough for. */
static void test_tap_made_persistent(void **state) {
        TapSpec spec = { .ifname = "tap-stay" };
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fd;

        if (!usable)
                skip();
        assert_int_equal(tap_open(&spec, &fd, ifname, &ifindex, NULL), 0);
        assert_int_equal(ioctl(fd, TUNSETPERSIST, 1), 0);
        close(fd);
        assert_int_equal(if_nametoindex("tap-stay"), ifindex);
        /* Another one of the same name. */
        assert_int_equal(tap_remove("tap-stay", ifindex + 1), 0);
        assert_int_equal(if_nametoindex("tap-stay"), ifindex);
        assert_int_equal(tap_remove("tap-stay", ifindex), 0);
        assert_int_equal(if_nametoindex("tap-stay"), 0);
        assert_int_equal(tap_remove("tap-stay", ifindex), 0);
}

static void fails(const TapSpec *spec, int error, const char *text) {
        _cleanup_free_ char *reason = NULL;
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fd;

        assert_int_equal(tap_open(spec, &fd, ifname, &ifindex, &reason), error);
        assert_string_equal(reason, text);
}

static void test_tap_refusals(void **state) {
        if (!usable)
                skip();
        fails(&(TapSpec) { .bridge = "br0" }, -ENODEV, "bridge 'br0' does not exist");
        fails(&(TapSpec) { .bridge = "lo", .ifname = "tap9" }, -EINVAL, "'lo' is not a bridge");
        assert_int_equal(if_nametoindex("tap9"), 0); /* undone */
        fails(&(TapSpec) { .ifname = "lo" }, -EEXIST, "interface 'lo' already exists");
        fails(&(TapSpec) { .ifname = "a%d" }, -EINVAL, "'a%d' is not a valid interface name");
        fails(&(TapSpec) { .ifname = "tap9", .existing = true }, -ENODEV, "interface 'tap9' does not exist");
        fails(&(TapSpec) { .ifname = "a-name-that-is-too-long" }, -EINVAL,
              "'a-name-that-is-too-long' is not a valid interface name");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tap_in_bridge),
                cmocka_unit_test(test_tap_queues),
                cmocka_unit_test(test_tap_refusals),
                cmocka_unit_test(test_tap_made_persistent),
        };
        return cmocka_run_group_tests(tests, group_setup, NULL);
}
