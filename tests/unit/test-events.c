/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "definition-watch.h"
#include "domain-xml.h"
#include "event-kinds.h"
#include "events.h"
#include "fake-machine.h"
#include "json-member.h"
#include "string-util.h"
#include "text.h"
#include "verbs.h"

/* What is told of a VM, as lines: "lifecycle {...}". */

static void record(VmEventKind kind, json_object *fields, void *userdata) {
        Text *t = userdata;

        assert_non_null(fields);
        text_appendf(t, "%s %s\n", vm_event_kinds[kind].name,
                     json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(fields);
}

/* Just "Started Booted, …". */
static void record_short(VmEventKind kind, json_object *fields, void *userdata) {
        Text *t = userdata;

        assert_int_equal(kind, VM_EVENT_LIFECYCLE);
        text_appendf(t, "%s%s %s", t->length > 0 ? ", " : "", json_member_string(fields, "type"), json_member_string(fields, "detail"));
        json_object_put(fields);
}

static void expect_text(Text *t, const char *expected) {
        assert_string_equal(strempty(t->data), expected);
        text_done(t);
        *t = (Text) {};
}

/* --- kinds --- */

static void test_kinds(void **state) {
        for (size_t i = 0; i < _VM_EVENT_MAX; i++) {
                assert_non_null(vm_event_kinds[i].name);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(vm_event_kinds[i].name, vm_event_kinds[k].name);
        }
        assert_int_equal(_VM_EVENT_MAX, 27);

        /* What is completed are just these. */
        _cleanup_text_ Text names = {};
        FOREACH_ARRAY(k, vm_event_kinds, _VM_EVENT_MAX)
                text_appendf(&names, "%s%s", names.length > 0 ? "|" : "", k->name);
        FOREACH_OPTION(o, verb_find("event"))
                if (streq(o->name, "event"))
                        expect_text(&names, o->words);
        assert_null(names.data);
}

/* --- lifecycle --- */

typedef struct Seen {
        const char *hint, *data; /* an event of QEMU's before */
        DomainState state;
        DomainReason reason;
} Seen;

#define SEEN(...) (Seen[]) { __VA_ARGS__, {} }

static void expect_run(const char *expected, const Seen *seen, DomainReason end) {
        _cleanup_text_ Text t = {};
        VmRun run = {};

        for (; seen->state != STATE_UNKNOWN; seen++) {
                json_object *data = seen->data ? json_parse(seen->data, 8) : NULL;
                if (seen->hint)
                        vm_run_hint(&run, seen->hint, data);
                json_object_put(data);
                vm_run_observe(&run, seen->state, seen->reason, record_short, &t);
                /* The same once more, as after a new subscription: nothing. */
                size_t length = t.length;
                vm_run_observe(&run, seen->state, seen->reason, record_short, &t);
                assert_int_equal(t.length, length);
        }
        if (end != REASON_UNKNOWN)
                vm_run_end(&run, end, record_short, &t);
        expect_text(&t, expected);
}

#define STARTING { NULL, NULL, STATE_PAUSED, REASON_STARTING_UP }
#define BOOTED { NULL, NULL, STATE_RUNNING, REASON_BOOTED }

/* What `virsh event --all --loop` of libvirt 9.0 says of the same. */
static void test_lifecycle(void **state) {
        expect_run("", SEEN(STARTING), REASON_FAILED);
        expect_run("Resumed Unpaused, Started Booted, Stopped Destroyed", SEEN(STARTING, BOOTED), REASON_DESTROYED);
        expect_run("Resumed Unpaused, Started Booted", SEEN(BOOTED), 0);
        expect_run("Resumed Unpaused, Started Booted, Suspended Paused, Resumed Unpaused",
                   SEEN(STARTING, BOOTED, { NULL, NULL, STATE_PAUSED, REASON_USER }, { NULL, NULL, STATE_RUNNING, REASON_UNPAUSED }), 0);
        expect_run("Started Booted, Suspended Paused, Resumed Unpaused",
                   SEEN(STARTING, { NULL, NULL, STATE_PAUSED, REASON_USER }, { NULL, NULL, STATE_RUNNING, REASON_UNPAUSED }), 0);
        expect_run("Started Restored, Resumed Snapshot, Suspended Paused, Stopped Saved",
                   SEEN(STARTING, { "MIGRATION", NULL, STATE_RUNNING, REASON_RESTORED }, { NULL, NULL, STATE_PAUSED, REASON_SAVING }),
                   REASON_SAVED);
        expect_run("Started Restored, Suspended Restored",
                   SEEN(STARTING, { "MIGRATION", "{\"status\":\"completed\"}", STATE_PAUSED, REASON_USER }), 0);
        expect_run("Resumed Unpaused, Started Booted, Shutdown Finished after guest request, Stopped Shutdown",
                   SEEN(BOOTED, { "SHUTDOWN", "{\"guest\":true}", STATE_IN_SHUTDOWN, REASON_USER }), REASON_SHUTDOWN);
        expect_run("Resumed Unpaused, Started Booted, Shutdown Finished after host request, Stopped Destroyed",
                   SEEN(BOOTED, { "SHUTDOWN", "{\"guest\":false}", STATE_IN_SHUTDOWN, REASON_USER }), REASON_DESTROYED);
        expect_run("Resumed Unpaused, Started Booted, Shutdown Finished, Resumed Unpaused",
                   SEEN(BOOTED, { "SHUTDOWN", "{\"guest\":3}", STATE_IN_SHUTDOWN, REASON_USER }, BOOTED), 0);
        expect_run("Resumed Unpaused, Started Booted, Crashed Panicked, Stopped Crashed",
                   SEEN(BOOTED, { NULL, NULL, STATE_CRASHED, REASON_PANICKED }), REASON_CRASHED);
        expect_run("Resumed Unpaused, Started Booted, Stopped Failed", SEEN(BOOTED), REASON_CRASHED);
        expect_run("Resumed Unpaused, Started Booted, Suspended I/O Error", SEEN(BOOTED, { NULL, NULL, STATE_PAUSED, REASON_IO_ERROR }), 0);
        expect_run("Resumed Unpaused, Started Booted, Suspended Watchdog", SEEN(BOOTED, { NULL, NULL, STATE_PAUSED, REASON_WATCHDOG }), 0);
        expect_run("Resumed Unpaused, Started Booted, PMSuspended Memory, Started Event wakeup, PMSuspended Disk",
                   SEEN(BOOTED, { "SUSPEND", NULL, STATE_PMSUSPENDED, REASON_UNKNOWN }, { NULL, NULL, STATE_RUNNING, REASON_WAKEUP },
                        { "SUSPEND_DISK", NULL, STATE_PMSUSPENDED, REASON_UNKNOWN }), 0);
        /* The subscription came late. */
        expect_run("Resumed Unpaused, Started Booted, Shutdown Finished after guest request",
                   SEEN({ "SHUTDOWN", "{\"guest\":true}", STATE_IN_SHUTDOWN, REASON_USER }), 0);
}

static void test_adopted(void **state) {
        _cleanup_text_ Text t = {};
        VmRun run = {};

        vm_run_adopt(&run, STATE_RUNNING, REASON_BOOTED);
        vm_run_observe(&run, STATE_RUNNING, REASON_BOOTED, record_short, &t);
        vm_run_observe(&run, STATE_SHUT_OFF, REASON_SHUTDOWN, record_short, &t);
        expect_text(&t, "");
        vm_run_end(&run, REASON_SHUTDOWN, record_short, &t);
        expect_text(&t, "Stopped Shutdown");
        vm_run_adopt(&run, STATE_PAUSED, REASON_STARTING_UP);
        vm_run_observe(&run, STATE_RUNNING, REASON_BOOTED, record_short, &t);
        expect_text(&t, "Resumed Unpaused, Started Booted");
}

/* --- QEMU --- */

static const char domain_text[] =
        "<domain type='kvm'><name>web</name><memory>1048576</memory><os><type arch='x86_64'>hvm</type></os>"
        "<clock offset='variable' adjustment='100'/><devices>"
        "<disk type='file' device='disk'><source file='/var/lib/a.img'/><target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>"
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><alias name='sata0-0-0'/></disk>"
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/><alias name='channel0'/></channel>"
        "</devices></domain>";

static void expect_translated(const Domain *d, const char *name, const char *data, const char *expected) {
        _cleanup_text_ Text t = {};
        json_object *o = data ? json_parse(data, 16) : NULL;

        vm_event_from_qemu(name, o, d, record, &t);
        json_object_put(o);
        expect_text(&t, expected);
}

static void test_qemu(void **state) {
        _cleanup_(domain_freep) Domain *d = NULL;

        assert_int_equal(domain_from_xml(domain_text, strlen(domain_text), NULL, &d), 0);
        expect_translated(d, "RESET", "{\"guest\":true}", "reboot {}\n");
        expect_translated(d, "STOP", NULL, "");
        expect_translated(d, "WAKEUP", NULL, "pm-wakeup {}\n");
        expect_translated(d, "SUSPEND", NULL, "pm-suspend {}\n");
        expect_translated(d, "SUSPEND_DISK", NULL, "pm-suspend-disk {}\n");
        expect_translated(d, "VMUNIT_CONTROL_ERROR", NULL, "control-error {}\n");
        expect_translated(d, "GUEST_CRASHLOADED", "{\"action\":\"run\"}", "lifecycle {\"type\":\"Crashed\",\"detail\":\"Crashloaded\"}\n");
        expect_translated(d, "RTC_CHANGE", "{\"offset\":-40}", "rtc-change {\"offset\":60}\n");
        expect_translated(NULL, "RTC_CHANGE", "{\"offset\":-40}", "rtc-change {\"offset\":-40}\n");
        expect_translated(d, "RTC_CHANGE", "{\"offset\":9223372036854775800}", "");
        expect_translated(d, "RTC_CHANGE", "{\"offset\":\"1\"}", "");
        expect_translated(d, "WATCHDOG", "{\"action\":\"inject-nmi\"}", "watchdog {\"action\":\"inject-nmi\"}\n");
        expect_translated(d, "WATCHDOG", "{\"action\":\"rm -rf\"}", "");
        expect_translated(d, "WATCHDOG", NULL, "");
        expect_translated(d, "BALLOON_CHANGE", "{\"actual\":1048576}", "balloon-change {\"memory_kib\":1024}\n");
        expect_translated(d, "BALLOON_CHANGE", "{\"actual\":-1}", "");
        expect_translated(d, "MIGRATION_PASS", "{\"pass\":2}", "migration-iteration {\"iteration\":2}\n");
        expect_translated(d, "DEVICE_TRAY_MOVED", "{\"device\":\"\",\"id\":\"sata0-0-0\",\"tray-open\":true}",
                          "tray-change {\"disk\":\"sata0-0-0\",\"change\":\"opened\"}\n");
        expect_translated(d, "DEVICE_TRAY_MOVED", "{\"id\":\"/machine/peripheral/sata0-0-0\",\"tray-open\":false}",
                          "tray-change {\"disk\":\"sata0-0-0\",\"change\":\"closed\"}\n");
        expect_translated(d, "DEVICE_TRAY_MOVED", "{\"id\":\"sata0-0-0\"}", "");
        expect_translated(d, "BLOCK_IO_ERROR",
                          "{\"device\":\"\",\"node-name\":\"libvirt-1-format\",\"qom-path\":\"/machine/peripheral/virtio-disk0/virtio-backend\","
                          "\"action\":\"stop\",\"nospace\":true}",
                          "io-error {\"path\":\"/var/lib/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"pause\"}\n"
                          "io-error-reason {\"path\":\"/var/lib/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"pause\",\"reason\":\"enospc\"}\n");
        expect_translated(d, "BLOCK_IO_ERROR", "{\"device\":\"nobody\",\"action\":\"ignore\"}",
                          "io-error {\"path\":\"\",\"disk\":\"\",\"action\":\"none\"}\n"
                          "io-error-reason {\"path\":\"\",\"disk\":\"\",\"action\":\"none\",\"reason\":\"\"}\n");
        expect_translated(d, "DEVICE_DELETED", "{\"device\":\"net0\",\"path\":\"/machine/peripheral/net0\"}", "device-removed {\"device\":\"net0\"}\n");
        expect_translated(d, "DEVICE_DELETED", "{\"path\":\"/machine/peripheral/net0/virtio-backend\"}", "");
        expect_translated(d, "DEVICE_DELETED", "{\"device\":\"vcpu2\"}", "");
        expect_translated(d, "MEM_UNPLUG_ERROR", "{\"device\":\"dimm0\",\"msg\":\"no\"}", "device-removal-failed {\"device\":\"dimm0\"}\n");
        expect_translated(d, "VSERPORT_CHANGE", "{\"id\":\"channel0\",\"open\":true}",
                          "agent-lifecycle {\"state\":\"connected\",\"reason\":\"channel event\"}\n");
        expect_translated(d, "VSERPORT_CHANGE", "{\"id\":\"channel1\",\"open\":true}", "");
        expect_translated(NULL, "VSERPORT_CHANGE", "{\"id\":\"channel0\",\"open\":true}", "");
        expect_translated(d, "MEMORY_DEVICE_SIZE_CHANGE", "{\"id\":\"vm0\",\"size\":2097152}",
                          "memory-device-size-change {\"device\":\"vm0\",\"size_kib\":2048}\n");
        expect_translated(d, "MEMORY_FAILURE", "{\"recipient\":\"guest\",\"action\":\"inject\",\"flags\":{\"action-required\":true}}",
                          "memory-failure {\"recipient\":\"guest\",\"action\":\"inject\",\"action_required\":true,\"recursive\":false}\n");
        expect_translated(d, "VNC_INITIALIZED",
                          "{\"server\":{\"auth\":\"sasl\",\"family\":\"ipv4\",\"host\":\"127.0.0.1\",\"service\":\"5900\"},"
                          "\"client\":{\"family\":\"ipv6\",\"host\":\"::1\",\"service\":\"4\",\"sasl_username\":\"me\"}}",
                          "graphics {\"phase\":\"initialize\",\"local\":{\"family\":\"IPv4\",\"address\":\"127.0.0.1\",\"service\":\"5900\"},"
                          "\"remote\":{\"family\":\"IPv6\",\"address\":\"::1\",\"service\":\"4\"},\"auth\":\"sasl\","
                          "\"identities\":[{\"type\":\"saslUsername\",\"name\":\"me\"}]}\n");
        expect_translated(d, "SPICE_CONNECTED", "{\"server\":{},\"client\":{\"family\":\"ipv4\"}}", "");
        expect_translated(d, "", NULL, "");
        assert_true(vm_event_has_agent(d));
}

/* --- all together, on a machine made up --- */

typedef struct Told {
        Text lines;
        bool ready;
} Told;

static void on_event(const char *name, VmEventKind kind, uint64_t usec, json_object *fields, void *userdata) {
        Told *t = userdata;

        assert_true(usec > 0);
        text_appendf(&t->lines, "%s: %s %s\n", name, vm_event_kinds[kind].name,
                     json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN));
}

static void on_qemu_event(const char *name, const char *event, uint64_t usec, const char *data, void *userdata) {
        Told *t = userdata;

        text_appendf(&t->lines, "%s: %s %llu %s\n", name, event, (unsigned long long) usec, data);
}

static void on_gap(const char *name, void *userdata) {
        Told *t = userdata;

        text_appendf(&t->lines, "%s: gap\n", name);
}

static void on_ready(void *userdata) {
        Told *t = userdata;

        t->ready = true;
}

static void expect_told(Told *t, const char *expected) {
        expect_text(&t->lines, expected);
}

typedef struct Fixture {
        FakeMachine *f;
        sd_event *event;
        VmEvents *events;
        Told told;
} Fixture;

static void set_up(Fixture *x, const char *name, bool qemu) {
        VmEventsRequest request = {
                .name = name, .kinds = VM_EVENTS_ALL, .qemu = qemu, .event = on_event, .qemu_event = on_qemu_event, .gap = on_gap,
                .ready = on_ready, .userdata = &x->told,
        };

        assert_int_equal(sd_event_new(&x->event), 0);
        assert_int_equal(vm_events_new(x->f->manager, x->event, &request, NULL, &x->events), 0);
}

static void tear_down(Fixture *x) {
        vm_events_free(x->events);
        sd_event_unref(x->event);
        text_done(&x->told.lines);
        fake_machine_free(x->f);
}

#define PLAN \
        "{\"name\": \"web\", \"uuid\": \"00000000-0000-4000-8000-000000000003\", \"unit\": \"vm@web.service\"" \
        ", \"user\": \"vm-web\", \"machine\": \"web\", \"digest\": \"2ecd6c7e7802fa1bdfba47ab0f8c7959\", \"so" \
        "urcePath\": \"defs/web.xml\", \"emulator\": \"/usr/bin/qemu-system-x86_64\", \"arguments\": [\"/usr/" \
        "bin/qemu-system-x86_64\", \"-device\", \"{\\\"driver\\\":\\\"pcie-root-port\\\",\\\"id\\\":\\\"pci.1" \
        "\\\"}\", \"-device\", \"{\\\"driver\\\":\\\"virtio-blk-pci\\\",\\\"drive\\\":\\\"libvirt-1-format\\\"" \
        ",\\\"id\\\":\\\"virtio-disk0\\\"}\"], \"environment\": [\"LC_ALL=C\", \"PATH=/usr/local/sbin:/usr/lo" \
        "cal/bin:/usr/sbin:/usr/bin:/sbin:/bin\"], \"onPoweroff\": \"destroy\", \"onReboot\": \"restart\", \"" \
        "onCrash\": \"destroy\", \"stopTimeoutUSec\": 90000000, \"files\": [{\"name\": \"disk-vda.1\", \"kind" \
        "\": \"file\", \"user\": \"qemu\", \"number\": 10, \"fdset\": 1, \"path\": \"/images/base\", \"elemen" \
        "t\": \"backing file of disk vda\", \"line\": 2, \"column\": 10, \"readOnlyImage\": true}, {\"name\":" \
        " \"disk-vda\", \"kind\": \"file\", \"user\": \"qemu\", \"number\": 11, \"fdset\": 2, \"path\": \"/im" \
        "ages/a\", \"element\": \"disk vda\", \"line\": 2, \"column\": 10, \"writable\": true}], \"consoles\"" \
        ": [], \"vnc\": {}, \"properties\": [], \"argv\": null}"
#define STARTED \
        "web: lifecycle {\"type\":\"Resumed\",\"detail\":\"Unpaused\"}\nweb: lifecycle {\"type\":\"Started\",\"detail\":\"Booted\"}\n"

static void test_one_run(void **state) {
        Fixture x = { .f = fake_machine_new() };

        set_up(&x, NULL, true);
        assert_true(x.told.ready);
        /* No socket yet. */
        x.f->watch_error = -ENOENT;
        fake_unit_changed(x.f, "vm@web.service", UNIT_ACTIVATING);
        assert_null(x.f->monitor_watch);
        x.f->watch_error = 0;
        fake_runtime(x.f, "web", "paused/starting up", "3");
        fake_unit_changed(x.f, "vm@web.service", UNIT_ACTIVATING);
        assert_non_null(x.f->monitor_watch);
        fake_monitor_state(x.f, STATE_PAUSED, REASON_STARTING_UP, true);
        expect_told(&x.told, "");
        fake_monitor_event(x.f, "RESUME", 5, "");
        fake_monitor_state(x.f, STATE_RUNNING, REASON_BOOTED, false);
        expect_told(&x.told, "web: RESUME 5 \n" STARTED);
        /* The monitor is replaced: nothing twice. */
        fake_monitor_gone(x.f);
        assert_non_null(x.f->monitor_watch);
        fake_monitor_state(x.f, STATE_RUNNING, REASON_BOOTED, true);
        expect_told(&x.told, "web: gap\n");
        fake_monitor_event(x.f, "RESET", 7, "{\"guest\":true}");
        expect_told(&x.told, "web: RESET 7 {\"guest\":true}\nweb: reboot {}\n");
        /* … and missed something. */
        fake_monitor_gone(x.f);
        fake_monitor_state(x.f, STATE_PAUSED, REASON_USER, true);
        expect_told(&x.told, "web: gap\nweb: lifecycle {\"type\":\"Suspended\",\"detail\":\"Paused\"}\n");
        /* Somebody else's unit. */
        fake_unit_changed(x.f, "vmunit-vm-web.service", UNIT_INACTIVE);
        fake_unit_changed(x.f, "ssh.service", UNIT_INACTIVE);
        expect_told(&x.told, "");
        fake_runtime(x.f, "web", "shut off/destroyed", "3");
        fake_unit_changed(x.f, "vm@web.service", UNIT_DEACTIVATING);
        expect_told(&x.told, "");
        fake_unit_changed(x.f, "vm@web.service", UNIT_INACTIVE);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Stopped\",\"detail\":\"Destroyed\"}\n");
        fake_unit_changed(x.f, "vm@web.service", UNIT_INACTIVE);
        expect_told(&x.told, "");
        assert_null(x.f->monitor_watch);
        tear_down(&x);
}

/* One that ran before us; its next run follows so quickly that the end of the first is not seen. */
static void test_found(void **state) {
        Fixture x = { .f = fake_machine_new() };

        fake_unit(x.f, "web")->activity = UNIT_ACTIVE;
        fake_runtime(x.f, "web", "running/booted", "3");
        set_up(&x, "web", false);
        assert_false(x.told.ready);
        fake_monitor_state(x.f, STATE_RUNNING, REASON_BOOTED, true);
        assert_true(x.told.ready);
        expect_told(&x.told, "");
        fake_runtime(x.f, "web", "shut off/crashed", "4");
        fake_unit_changed(x.f, "vm@web.service", UNIT_ACTIVATING);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Stopped\",\"detail\":\"Failed\"}\n");
        fake_monitor_state(x.f, STATE_RUNNING, REASON_BOOTED, true);
        expect_told(&x.told, STARTED);
        /* Not of interest. */
        fake_unit_changed(x.f, "vm@db.service", UNIT_ACTIVATING);
        expect_told(&x.told, "");
        tear_down(&x);
}

static void step(Fixture *x) {
        while (sd_event_run(x->event, 0) > 0)
                ;
}

/* The frozen definition has no aliases but the user's own: they are derived. */
static void test_devices(void **state) {
        Fixture x = { .f = fake_machine_new() };

        fake_runtime(x.f, "web", "paused/starting up", "3");
        fake_file(x.f, "run/web/domain.xml",
                  "<domain type='kvm'><name>web</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
                  "<disk type='file' device='disk'><source file='/var/lib/a.img'/><target dev='vda' bus='virtio'/></disk>"
                  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>");
        set_up(&x, NULL, false);
        fake_unit_changed(x.f, "vm@web.service", UNIT_ACTIVATING);
        fake_monitor_state(x.f, STATE_PAUSED, REASON_STARTING_UP, true);
        expect_told(&x.told, "web: agent-lifecycle {\"state\":\"disconnected\",\"reason\":\"domain started\"}\n");
        fake_monitor_state(x.f, STATE_RUNNING, REASON_BOOTED, false);
        expect_told(&x.told, STARTED);
        fake_monitor_event(x.f, "VSERPORT_CHANGE", 0, "{\"id\":\"channel0\",\"open\":true}");
        expect_told(&x.told, "web: agent-lifecycle {\"state\":\"connected\",\"reason\":\"channel event\"}\n");
        fake_monitor_event(x.f, "BLOCK_IO_ERROR", 0, "{\"qom-path\":\"/machine/peripheral/virtio-disk0/virtio-backend\",\"action\":\"report\"}");
        expect_told(&x.told, "web: io-error {\"path\":\"\\/var\\/lib\\/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"report\"}\n"
                    "web: io-error-reason {\"path\":\"\\/var\\/lib\\/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"report\",\"reason\":\"\"}\n");
        /* QEMU before 9.2. */
        fake_file(x.f, "run/web/plan.json", PLAN);
        fake_monitor_event(x.f, "BLOCK_IO_ERROR", 0, "{\"device\":\"\",\"node-name\":\"libvirt-1-format\",\"action\":\"stop\",\"nospace\":true}");
        expect_told(&x.told, "web: io-error {\"path\":\"\\/var\\/lib\\/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"pause\"}\n"
                    "web: io-error-reason {\"path\":\"\\/var\\/lib\\/a.img\",\"disk\":\"virtio-disk0\",\"action\":\"pause\",\"reason\":\"enospc\"}\n");
        fake_monitor_event(x.f, "BLOCK_IO_ERROR", 0, "{\"node-name\":\"libvirt-2-format\",\"action\":\"report\"}");
        expect_told(&x.told, "web: io-error {\"path\":\"\",\"disk\":\"\",\"action\":\"report\"}\n"
                    "web: io-error-reason {\"path\":\"\",\"disk\":\"\",\"action\":\"report\",\"reason\":\"\"}\n");
        /* Changed for people only; the same once more. */
        for (unsigned i = 0; i < 2; i++) {
                fake_file(x.f, "run/web/domain.xml", "<domain type='kvm'><name>web</name><title>a</title><memory>1048576</memory>"
                          "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>");
                fake_file(x.f, "run/web/other", "");
                step(&x);
                expect_told(&x.told, i > 0 ? "" : "web: metadata-change {\"type\":\"title\",\"uri\":null}\n");
        }
        fake_monitor_event(x.f, "BLOCK_IO_ERROR", 0, "no JSON");
        fake_monitor_event(x.f, "STOP", 0, "");
        fake_monitor_state(x.f, STATE_PAUSED, REASON_IO_ERROR, false);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Suspended\",\"detail\":\"I\\/O Error\"}\n");
        tear_down(&x);
}

#define DEFINITION(name, uuid, inner) \
        "<domain type='kvm'><name>" name "</name>" uuid inner "<memory>1048576</memory><os><type arch='x86_64'>hvm</type></os></domain>"
#define UUID "<uuid>11111111-2222-4333-8444-555555555555</uuid>"

static void test_definitions(void **state) {
        Fixture x = { .f = fake_machine_new() };

        fake_file(x.f, "etc/old.xml", DEFINITION("old", UUID, ""));
        set_up(&x, NULL, false);
        step(&x);
        expect_told(&x.told, "");
        fake_file(x.f, "etc/web.xml", DEFINITION("web", "", ""));
        step(&x);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Defined\",\"detail\":\"Added\"}\n");
        /* The same, and the same in other words. */
        fake_file(x.f, "etc/web.xml", DEFINITION("web", "", ""));
        fake_file(x.f, "etc/web.xml", "<!-- mine -->\n" DEFINITION("web", "", ""));
        fake_file(x.f, "etc/notes.txt", "x");
        step(&x);
        expect_told(&x.told, "");
        fake_file(x.f, "etc/web.xml", DEFINITION("web", "", "<vcpu>2</vcpu>"));
        step(&x);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Defined\",\"detail\":\"Updated\"}\n");
        fake_file(x.f, "etc/web.xml", DEFINITION("web", "", "<vcpu>2</vcpu><title>a</title><description>b</description>"
                                                 "<metadata><x:a xmlns:x='http://x/'/></metadata>"));
        step(&x);
        expect_told(&x.told, "web: metadata-change {\"type\":\"description\",\"uri\":null}\nweb: metadata-change {\"type\":\"title\",\"uri\":null}\n"
                    "web: metadata-change {\"type\":\"element\",\"uri\":\"http:\\/\\/x\\/\"}\n");
        /* What cannot be read is there all the same. */
        fake_file(x.f, "etc/web.xml", "<domain");
        step(&x);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Defined\",\"detail\":\"Updated\"}\n");
        fake_file(x.f, "etc/web.xml", "");
        step(&x);
        expect_told(&x.told, "web: lifecycle {\"type\":\"Undefined\",\"detail\":\"Removed\"}\n");
        fake_file(x.f, "etc/new.xml", DEFINITION("new", UUID, ""));
        _cleanup_free_ char *old = strf("%s/etc/old.xml", x.f->dir);
        assert_int_equal(unlink(old), 0);
        step(&x);
        expect_told(&x.told, "old: lifecycle {\"type\":\"Undefined\",\"detail\":\"Renamed\"}\nnew: lifecycle {\"type\":\"Defined\",\"detail\":\"Renamed\"}\n");
        tear_down(&x);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_lifecycle),
                cmocka_unit_test(test_adopted),
                cmocka_unit_test(test_qemu),
                cmocka_unit_test(test_one_run),
                cmocka_unit_test(test_found),
                cmocka_unit_test(test_devices),
                cmocka_unit_test(test_definitions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
