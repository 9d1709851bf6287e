/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan.h"
#include "qemu-argv.h"
#include "qemu-domain.h"
#include "string-util.h"
#include "strv.h"

#define DIGEST "0123456789abcdef0123456789abcdef"

static const char caps_json[] = "{\"version\":7002000,\"arch\":\"x86_64\",\"kvm\":true,"
                                "\"machines\":[{\"name\":\"pc-q35-7.2\",\"alias\":\"q35\",\"max-cpus\":288,"
                                "\"default-cpu\":\"qemu64\"}],"
                                "\"cpu-models\":[\"qemu64\"],\"types\":[\"pcie-root-port\",\"qemu-xhci\",\"virtio-vga\"],\"commands\":[]}";

static DomainChar *add_char(Domain *d, CharKind kind, CharType type) {
        assert_true(ARRAY_GROW(d->chars, d->n_chars));
        d->chars[d->n_chars] = (DomainChar) { .kind = kind, .source.type = type };
        return &d->chars[d->n_chars++];
}

/* A serial port, an agent, a display with a password, a bridge with queues. */
static Plan *make_plan(void) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(domain_freep) Domain *d = domain_new();
        _cleanup_diag_ Diag diag = {};
        Plan *p = NULL;
        DomainChar *agent;

        d->name = strdup("web");
        d->title = strdup("The web server");
        d->type = DOMAIN_KVM;
        d->memory = UINT64_C(512) << 20;
        d->current_memory = OPT_U64(UINT64_C(256) << 20);
        d->os.type = OS_HVM;
        d->os.arch = ARCH_X86_64;
        d->os.machine = strdup("q35");
        d->on_crash = ACTION_PRESERVE;
        add_char(d, CHAR_SERIAL, CHARDEV_PTY);
        add_char(d, CHAR_CONSOLE, CHARDEV_PTY)->target_type = TARGET_VIRTIO;
        agent = add_char(d, CHAR_CHANNEL, CHARDEV_UNIX);
        agent->target_type = TARGET_VIRTIO;
        agent->target_name = strdup("org.qemu.guest_agent.0");
        assert_true(ARRAY_GROW(d->graphics, d->n_graphics));
        d->graphics[d->n_graphics++] = (DomainGraphics){ .type = GRAPHICS_VNC, .password = strdup("secret") };
        assert_true(ARRAY_GROW(d->videos, d->n_videos));
        d->videos[d->n_videos++] = (DomainVideo) { .model = VIDEO_VIRTIO };
        assert_true(ARRAY_GROW(d->interfaces, d->n_interfaces));
        d->interfaces[d->n_interfaces++] = (DomainInterface){
                .type = INTERFACE_BRIDGE,
                .source_bridge = strdup("br0"),
                .model = strdup("virtio"),
                .queues = OPT_UINT(2),
                .link = LINK_DOWN,
        };
        assert_int_equal(qemu_caps_from_json(caps_json, &caps), 0);
        if (domain_complete(d, &host_facts_generic, &diag) < 0 ||
            qemu_domain_complete(d, caps, &host_facts_generic, &diag) < 0 ||
            plan_new(d, caps, &host_facts_generic, DIGEST, "/etc/vm/web.xml", &diag, &p) < 0)
                fail_msg("%s", strempty(diag_first_error(&diag)));
        return p;
}

/* A machine without devices, for one to put many of a kind into. */
static Domain *plain_domain(void) {
        Domain *d = domain_new();

        d->name = strdup("many");
        d->type = DOMAIN_KVM;
        d->memory = UINT64_C(512) << 20;
        d->os.type = OS_HVM;
        d->os.arch = ARCH_X86_64;
        d->os.machine = strdup("q35");
        return d;
}

/* A definition with N of each kind of device: what is said when there are too many. */
static char *too_many(size_t n_rngs, size_t n_hostdevs) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(domain_freep) Domain *d = plain_domain();
        _cleanup_diag_ Diag diag = {};

        for (size_t i = 0; i < n_rngs; i++) {
                assert_true(ARRAY_GROW(d->rngs, d->n_rngs));
                d->rngs[d->n_rngs++] = (DomainRng) { .backend = RNG_BACKEND_BUILTIN };
        }
        for (size_t i = 0; i < n_hostdevs; i++) {
                assert_true(ARRAY_GROW(d->hostdevs, d->n_hostdevs));
                d->hostdevs[d->n_hostdevs++] = (DomainHostdev) { .mode = HOSTDEV_SUBSYSTEM, .type = HOSTDEV_SCSI };
        }
        assert_int_equal(qemu_caps_from_json(caps_json, &caps), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, &diag), 0);
        assert_true(qemu_domain_complete(d, caps, &host_facts_generic, &diag) < 0);
        return strdup(strempty(diag_first_error(&diag)));
}

static void test_too_many(void **state) {
        _cleanup_free_ char *buses = too_many(300, 0), *places = too_many(0, 1000);

        assert_non_null(strstr(buses, "more than 256 PCI buses"));
        assert_non_null(strstr(places, "hostdev: no SCSI controller has a place left"));
}

/* What plan_new() says of a definition with N interfaces that passt serves, or NULL. */
static char *with_passt(size_t n) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(domain_freep) Domain *d = plain_domain();
        _cleanup_(plan_freep) Plan *p = NULL;
        _cleanup_diag_ Diag diag = {};

        for (size_t i = 0; i < n; i++) {
                assert_true(ARRAY_GROW(d->interfaces, d->n_interfaces));
                d->interfaces[d->n_interfaces++] =
                        (DomainInterface) { .type = INTERFACE_USER, .backend = NET_BACKEND_PASST, .model = strdup("virtio") };
        }
        assert_int_equal(qemu_caps_from_json(caps_json, &caps), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, &diag), 0);
        assert_int_equal(qemu_domain_complete(d, caps, &host_facts_generic, &diag), 0);
        int r = plan_new(d, caps, &host_facts_generic, DIGEST, "/etc/vm/many.xml", &diag, &p);
        return r < 0 ? strdup(strempty(diag_first_error(&diag))) : NULL;
}

/* The supervisor has no room for more, and would say no more than that the record is wrong. */
static void test_too_many_helpers(void **state) {
        _cleanup_free_ char *all = with_passt(PLAN_HELPERS_MAX), *more = with_passt(PLAN_HELPERS_MAX + 1);

        assert_null(all);
        assert_non_null(more);
        assert_non_null(strstr(more, "more than 32 processes beside QEMU"));
}

static void test_plan(void **state) {
        _cleanup_(plan_freep) Plan *p = make_plan();

        assert_string_equal(p->name, "web");
        assert_string_equal(p->unit, "vm@web.service");
        assert_string_equal(p->user, "vm-web");
        assert_string_equal(p->title, "The web server");
        assert_string_equal(p->digest, DIGEST);
        assert_string_equal(p->source_path, "/etc/vm/web.xml");
        assert_string_equal(p->emulator, p->argv[0]);
        assert_int_equal(p->on_poweroff, ACTION_DESTROY);
        assert_int_equal(p->on_reboot, ACTION_RESTART);
        assert_int_equal(p->on_crash, ACTION_PRESERVE);
        assert_int_equal(p->memory_current, UINT64_C(256) << 20);
        assert_true(p->has_agent);
        assert_true(p->vnc.present);
        assert_true(p->vnc.password);
        assert_string_equal(plan_find_fd(p, QEMU_FD_VNC_PASSWORD)->secret, "secret");
        assert_string_equal(plan_find_fd(p, p->vnc.listener)->service, "5900+");
        assert_int_equal(strv_length(p->links_down), 1);
        assert_string_equal(p->links_down[0], "net0");
        /* The serial port first: it is what `vmunit console` opens. The console that only stands for it is
         * not there. */
        assert_int_equal(p->n_consoles, 2);
        assert_string_equal(p->consoles[0].alias, "serial0");
        assert_string_equal(p->consoles[0].chardev, "charserial0");
        assert_string_equal(p->consoles[1].alias, "console1");
        /* The secret is the monitor's to tell, over QMP. */
        STRV_FOREACH(a, p->argv)
                assert_null(strstr(*a, "secret"));
}

/* Every number is given once, upwards, and stands in the arguments. */
static void test_numbers(void **state) {
        _cleanup_(plan_freep) Plan *p = make_plan();
        unsigned next = PLAN_FD_FIRST;

        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                FOREACH_ARRAY(other, p->fds, p->n_fds)
                        assert_true(other == fd || !streq(other->name, fd->name));
                if (fd->user != PLAN_USER_QEMU)
                        continue;
                assert_int_equal(fd->number, next);
                next += MAX(fd->queues, 1U);
        }
        assert_int_equal(plan_find_fd(p, "tap-net0")->queues, 2);
        assert_true(strv_contains(p->argv, "{\"type\":\"tap\",\"fds\":\"10:11\",\"vhost\":true,\"vhostfds\":"
                                           "\"12:13\",\"id\":\"hostnet0\"}"));
        assert_int_equal(plan_find_fd(p, "agent")->number, 14);
        assert_true(strv_contains(p->argv, "socket,id=charchannel0,fd=14"));
}

static bool has_entry(const char *record, size_t size, const char *entry) {
        for (const char *s = record; s < record + size; s += strlen(s) + 1)
                if (streq(s, entry))
                        return true;
        return false;
}

static void test_launch(void **state) {
        _cleanup_(plan_freep) Plan *p = make_plan();
        _cleanup_free_ char *record = NULL;
        size_t size;

        assert_int_equal(plan_to_launch(p, true, &record, &size), 0);
        assert_int_equal(record[size - 1], 0);
        assert_true(has_entry(record, size, "name=web"));
        assert_true(has_entry(record, size, "arg=-nodefaults"));
        assert_true(has_entry(record, size, "env=LC_ALL=C"));
        assert_true(has_entry(record, size, "fd=10:tap-net0"));
        assert_true(has_entry(record, size, "fd=11:tap-net0.1"));
        assert_true(has_entry(record, size, "fd=13:vhost-net0.1"));
        assert_true(has_entry(record, size, "pair=14:agent"));
        assert_true(has_entry(record, size, "monitor-fd=vnc"));
        assert_true(has_entry(record, size, "unit=yes"));
        assert_false(has_entry(record, size, "allow=network"));
        assert_false(has_entry(record, size, "fd=14:agent"));
        for (const char *s = record; s < record + size; s += strlen(s) + 1)
                assert_true(!startswith(s, "label=") && !startswith(s, "profile="));

        free(record);
        p->label = strdup("system_u:system_r:svirt_t:s0:c1,c2");
        p->profile = strdup("vmunit-web");
        assert_int_equal(plan_to_launch(p, true, &record, &size), 0);
        assert_true(has_entry(record, size, "label=system_u:system_r:svirt_t:s0:c1,c2"));
        assert_true(has_entry(record, size, "profile=vmunit-web"));

        /* systemd confines units, and nothing else. */
        free(record);
        assert_int_equal(plan_to_launch(p, false, &record, &size), 0);
        assert_false(has_entry(record, size, "profile=vmunit-web"));
}

static void test_json(void **state) {
        _cleanup_(plan_freep) Plan *p = make_plan(), *again = NULL;
        _cleanup_free_ char *json = NULL, *json_again = NULL;

        p->label = strdup("system_u:system_r:svirt_t:s0:c1,c2");
        assert_int_equal(plan_to_json(p, &json), 0);
        assert_int_equal(plan_from_json(json, strlen(json), &again), 0);
        assert_string_equal(again->label, p->label);
        assert_int_equal(plan_to_json(again, &json_again), 0);
        assert_string_equal(json, json_again);
        assert_int_equal(again->n_fds, p->n_fds);
        assert_int_equal(again->properties.n_items, p->properties.n_items);
        assert_memory_equal(again->fds[0].mac, p->fds[0].mac, 6);
        assert_int_equal(again->stop_timeout_usec, p->stop_timeout_usec);
}

/* No part of a plan is a plan, nor is one with a byte of another kind. */
static void test_json_invalid(void **state) {
        static const struct { const char *from, *to;
        } changes[] = {
                { "\"name\":", "\"nome\":"},
                { "\"arguments\":", "\"argumentS\":"},
                { "\"files\":[", "\"fines\":["},
                { "\"kind\":\"tap\"", "\"kind\":\"top\""},
                { "\"kind\":\"tap\"", "\"kind\":7    "},
                { "\"number\":10", "\"number\":\"\""},
                { "\"agent\":true", "\"agent\":1234"},
                { "\"onCrash\":\"preserve\"", "\"onCrash\":\"whatever\""},
        };
        _cleanup_(plan_freep) Plan *p = make_plan(), *out = NULL;
        _cleanup_free_ char *json = NULL;
        size_t size;

        assert_int_equal(plan_to_json(p, &json), 0);
        /* Written for people: blanks behind the colons, which the changes above do without. */
        size = strlen(json);
        char *to = json;
        for (const char *from = json; *from; from++)
                if (*from != ' ' && *from != '\n')
                        *to++ = *from;
        *to = 0;
        size = (size_t) (to - json);
        assert_int_equal(plan_from_json(json, size, &out), 0);
        out = plan_free(out);
        for (size_t n = 0; n < size; n += 1 + size / 300)
                assert_true(plan_from_json(json, n, &out) < 0);
        FOREACH_ARRAY(c, changes, ELEMENTSOF(changes)) {
                char *at = strstr(json, c->from);
                if (!at)
                        fail_msg("%s is not in the plan", c->from);
                memcpy(at, c->to, strlen(c->to));
                assert_int_equal(strlen(c->to), strlen(c->from));
                if (plan_from_json(json, size, &out) >= 0)
                        fail_msg("accepted: %s", c->to);
                memcpy(at, c->from, strlen(c->from));
        }
        assert_null(out);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan),         cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_launch),       cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_invalid), cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_many_helpers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
