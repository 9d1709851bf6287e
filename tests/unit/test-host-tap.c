/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps and bridges, in a network namespace of the test's own. Needs root. */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "rtnetlink.h"
#include "run-program.h"
#include "string-util.h"
#include "strv.h"
#include "switch-port.h"
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
        assert_int_equal(link_remove("tap-stay", ifindex + 1), 0);
        assert_int_equal(if_nametoindex("tap-stay"), ifindex);
        assert_int_equal(link_remove("tap-stay", ifindex), 0);
        assert_int_equal(if_nametoindex("tap-stay"), 0);
        assert_int_equal(link_remove("tap-stay", ifindex), 0);
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

/* --- what else an interface can have --- */

static unsigned coalesce_of(const char *ifname) {
        struct ethtool_coalesce c = { .cmd = ETHTOOL_GCOALESCE };
        struct ifreq ifr = { .ifr_data = (void *) &c };

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void) snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
        assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
        return c.rx_max_coalesced_frames;
}

static void test_tap_settings(void **state) {
        char *addresses[] = { (char *) "192.0.2.1/24", (char *) "192.0.2.65/32 peer 192.0.2.66", (char *) "2001:db8::1/64", NULL };
        char *routes[] = { (char *) "198.51.100.0/24 via 192.0.2.9 metric 3", NULL };
        TapSpec spec = {
                .bridge = "br-test", .ifname = "tap-set", .isolated = true, .coalesce = 7, .addresses = addresses, .routes = routes,
        };
        const uint8_t gateway[] = { 192, 0, 2, 65 };
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fd;

        if (!usable)
                skip();
        _cleanup_free_ char *reason = NULL;
        if (tap_open(&spec, &fd, ifname, &ifindex, &reason) < 0)
                fail_msg("%s", strempty(reason));
        assert_int_equal(coalesce_of("tap-set"), 7);
        /* The address is there: another one of it is no error, and it is the host's own. */
        assert_int_equal(link_add_address(ifindex, "192.0.2.1/24", NULL), 0);
        _cleanup_close_ int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in own = { .sin_family = AF_INET };
        memcpy(&own.sin_addr, gateway, sizeof(gateway));
        assert_int_equal(bind(s, (struct sockaddr *) &own, sizeof(own)), 0);
        close(fd);
}

static void test_tap_settings_refused(void **state) {
        char *addresses[] = { (char *) "192.0.2.1.5/24", NULL }, *routes[] = { (char *) "198.51.100.0/24 via 203.0.113.9", NULL };

        if (!usable)
                skip();
        fails(&(TapSpec) { .ifname = "tap9", .addresses = addresses }, -EINVAL,
              "cannot give interface 'tap9' the address 192.0.2.1.5/24: '192.0.2.1.5/24' is not understood");
        fails(&(TapSpec) { .ifname = "tap9", .routes = routes }, -ENETUNREACH,
              "cannot give interface 'tap9' the route 198.51.100.0/24 via 203.0.113.9: Nexthop has invalid gateway");
        fails(&(TapSpec) { .tun = "/dev/null" }, -ENOTTY, "'/dev/null' makes no tap interfaces");
        assert_int_equal(if_nametoindex("tap9"), 0);
}

/* Without the kernel's modules there are no limits at all; with them, what is there can be taken away and set again. */
static void test_limits(void **state) {
        const TrafficLimit limit = { .rate = 1000000, .peak = 2000000, .burst = 10240 }, none = {};
        TapSpec spec = { .ifname = "tap-slow", .inbound = limit };
        _cleanup_free_ char *reason = NULL;
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fd;

        if (!usable)
                skip();
        int r = tap_open(&spec, &fd, ifname, &ifindex, &reason);
        if (r == -ENOENT || r == -EOPNOTSUPP) {
                assert_string_equal(reason, "cannot limit the bandwidth of interface 'tap-slow': Specified qdisc kind is unknown");
                assert_int_equal(if_nametoindex("tap-slow"), 0);
                skip();
        }
        assert_int_equal(r, 0);
        assert_int_equal(traffic_limit_set(ifindex, &limit, &none, &reason), -EEXIST);
        assert_int_equal(traffic_limit_clear(ifindex), 0);
        assert_int_equal(traffic_limit_clear(ifindex), 0);
        assert_int_equal(traffic_limit_set(ifindex, &limit, &none, NULL), 0);
        close(fd);
}

static void test_macvtap_refusals(void **state) {
        _cleanup_free_ char *reason = NULL, *other = NULL;
        char ifname[IFNAMSIZ];
        unsigned ifindex;
        int fd;

        if (!usable)
                skip();
        assert_int_equal(macvtap_open(&(TapSpec) {}, "eth9", 1, &fd, ifname, &ifindex, &reason), -ENODEV);
        assert_string_equal(reason, "network device 'eth9' does not exist");
        assert_int_equal(macvtap_open(&(TapSpec) { .ifname = "lo" }, "br-test", 1, &fd, ifname, &ifindex, &other), -EEXIST);
        assert_string_equal(other, "interface 'lo' already exists");
}

/* --- Open vSwitch --- */

static void test_switch_port(void **state) {
        char *settings[] = { (char *) "tag=42", NULL }, *ids[] = { (char *) "iface-id=\"x\"", NULL };
        const SwitchPort p = {
                .bridge = "ovs0", .ifname = "vnet0", .settings = settings, .ids = ids,
                .inbound = { .rate = 1000 }, .outbound = { .rate = 128000, .burst = 65536 },
        };
        _cleanup_strv_ char **command = NULL;

        assert_int_equal(switch_port_command(&p, &command), 0);
        _cleanup_free_ char *line = strv_join(command, " ");
        assert_string_equal(line, "ovs-vsctl --timeout=5 "
                            "-- --if-exists del-port vnet0 -- add-port ovs0 vnet0 tag=42 -- set Interface vnet0 external-ids:iface-id=\"x\" "
                            "-- set Port vnet0 qos=@qos -- --id=@qos create QoS type=linux-htb other-config:max-rate=8000 "
                            "-- set Interface vnet0 ingress_policing_rate=1024 ingress_policing_burst=524");
}

/* --- programs --- */

static void run_fails(const char *program, const char *argument, unsigned seconds, int error, const char *text) {
        const char *const argv[] = { program, "-c", argument, NULL };
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(run_program(argv, true, seconds, &reason), error);
        assert_string_equal(reason, text);
}

static void test_programs(void **state) {
        const char *const clean[] = { "sh", "-c", "test -z \"$VMUNIT_LEAK\" && ! read x && test \"$(ls /proc/self/fd | wc -l)\" = 4", NULL };
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(setenv("VMUNIT_LEAK", "1", 1), 0);
        if (run_program(clean, true, 10, &reason) < 0)
                fail_msg("%s", strempty(reason));
        run_fails("sh", "echo one >&2; echo 'sh: two' >&2; exit 3", 10, -EREMOTEIO, "two");
        run_fails("sh", "exit 3", 10, -EREMOTEIO, "it has ended with status 3");
        run_fails("sh", "kill -TERM $$", 10, -EREMOTEIO, "it was killed by signal 15");
        run_fails("no-such-program", "", 10, -ENOENT, "there is no program 'no-such-program'");
        run_fails("sh", "sleep 600", 0, -ETIMEDOUT, "it has not ended within 0 seconds");
}

/* What keeps us from waiting for a program is said as that, and not as the program's being slow. */
static void test_program_without_descriptors(void **state) {
        struct rlimit was, now;

        int next = dup(STDIN_FILENO);
        assert_true(next >= 0);
        assert_int_equal(close(next), 0);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
        now = was;
        /* One for what it complains. */
        now.rlim_cur = (rlim_t) next + 1;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        run_fails("sh", "sleep 600", 10, -EMFILE, "Too many open files");
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void program_refused(const char *path, int error, const char *text) {
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(check_program(path, &reason), error);
        assert_string_equal(reason, text);
}

static void test_program_checks(void **state) {
        char path[] = "/tmp/vmunit-test-XXXXXX";
        _cleanup_free_ char *reason = NULL;

        if (check_program("/bin/sh", &reason) < 0)
                fail_msg("%s", strempty(reason));
        program_refused("/etc/passwd", -EACCES, "it is not a program");
        program_refused("/tmp", -EACCES, "it is not a program");
        _cleanup_close_ int fd = mkstemp(path);
        assert_int_equal(fchmod(fd, 0775), 0);
        program_refused(path, -EPERM, "others than root can change it");
        (void) unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tap_in_bridge),
                cmocka_unit_test(test_tap_queues),
                cmocka_unit_test(test_tap_refusals),
                cmocka_unit_test(test_tap_made_persistent),
                cmocka_unit_test(test_tap_settings),
                cmocka_unit_test(test_tap_settings_refused),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_macvtap_refusals),
                cmocka_unit_test(test_switch_port),
                cmocka_unit_test(test_programs),
                cmocka_unit_test(test_program_without_descriptors),
                cmocka_unit_test(test_program_checks),
        };
        return cmocka_run_group_tests(tests, group_setup, NULL);
}
