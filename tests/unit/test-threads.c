/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file-util.h"
#include "string-util.h"
#include "test-directory.h"
#include "thread-groups.h"

/* What threads are asked for as JSON, and the groups they get in a directory that plays the kernel's: its files are plain
 * ones, so a group has to be there beforehand, and what is moved is what was written last. */

#define ME ((int) getpid())

static int parse(const char *json, ThreadSetting **ret, size_t *n) {
        return thread_settings_from_json(json, strlen(json), ret, n);
}

static void test_json(void **state) {
        static const char good[] =
                "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"0-1,4\",\"period\":1000,\"quota\":1000,\"scheduler\":\"fifo\",\"priority\":99},"
                "{\"kind\":\"iothread\",\"id\":1,\"cpus\":\"1\",\"defaultCpus\":true,\"quota\":-1},"
                "{\"kind\":\"emulator\",\"period\":1000000,\"scheduler\":\"batch\"}]";
        _cleanup_free_ ThreadSetting *s = NULL;
        _cleanup_free_ char *again = NULL;
        char limit[THREAD_CPU_MAX];
        size_t n;

        assert_int_equal(parse(good, &s, &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(thread_settings_to_json(s, n, &again), 0);
        assert_string_equal(again, good);
        thread_cpu_max(s, limit);
        assert_string_equal(limit, "1000 1000");
        thread_cpu_max(s + 1, limit);
        assert_string_equal(limit, "max 100000");
        thread_cpu_max(s + 2, limit);
        assert_string_equal(limit, "max 1000000");
}

static void test_bad_json(void **state) {
        static const char *const bad[] = {
                "", "{}", "[", "[1]", "[{}]", "[{\"kind\":\"vcpu\",\"id\":0}] x", "[{\"kind\":\"vcpus\",\"id\":0}]",
                "[{\"kind\":\"vcpu\",\"id\":-1}]", "[{\"kind\":\"vcpu\",\"id\":1024}]", "[{\"kind\":\"vcpu\",\"id\":\"0\"}]",
                "[{\"kind\":\"iothread\"}]", "[{\"kind\":\"emulator\",\"id\":1}]",
                "[{\"kind\":\"vcpu\",\"id\":0},{\"kind\":\"vcpu\",\"id\":0}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"\"}]", "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"0\\n1\"}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"1024\"}]", "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":3}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"period\":999}]", "[{\"kind\":\"vcpu\",\"id\":0,\"period\":1000001}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"quota\":999}]", "[{\"kind\":\"vcpu\",\"id\":0,\"quota\":17592186044416}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"fifo\"}]", "[{\"kind\":\"vcpu\",\"id\":0,\"priority\":1}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"fifo\",\"priority\":100}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"batch\",\"priority\":1}]",
                "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"deadline\"}]",
        };
        ThreadSetting *s;
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (parse(bad[i], &s, &n) >= 0)
                        fail_msg("taken: %s", bad[i]);
}

/* --- groups --- */

typedef struct Fixture {
        char *directory; /* owned */
        int fd;
        VmThreads threads;
        char why[THREAD_WHY_MAX];
} Fixture;

static void put(Fixture *f, const char *path, const char *text) {
        int fd = openat(f->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, text, strlen(text)), 0);
        close(fd);
}

static void assert_file(Fixture *f, const char *path, const char *expected) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(read_file_limited(f->fd, path, 4096, &text, NULL), 0);
        text[strcspn(text, "\n")] = '\0';
        assert_string_equal(text, expected);
}

static void put_group(Fixture *f, const char *name, const char *effective) {
        static const char *const files[] = { "cgroup.threads", "cpuset.cpus", "cpu.max" };
        char path[64];

        assert_int_equal(mkdirat(f->fd, name, 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", name, files[i]);
                put(f, path, "");
        }
        (void) snprintf(path, sizeof(path), "%s/cgroup.type", name);
        put(f, path, "threaded\n");
        (void) snprintf(path, sizeof(path), "%s/cpuset.cpus.effective", name);
        put(f, path, effective);
}

static void setup(Fixture *f) {
        char text[32];

        *f = (Fixture) {};
        f->directory = test_directory_new();
        assert_non_null(f->directory);
        f->fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        put(f, "cgroup.controllers", "cpuset cpu io\n");
        put(f, "cgroup.subtree_control", "");
        (void) snprintf(text, sizeof(text), "%d\n", ME);
        put(f, "cgroup.threads", text);
        put(f, "cgroup.procs", text);
}

static void teardown(Fixture *f) {
        vm_threads_done(&f->threads);
        close(f->fd);
        test_directory_remove(f->directory);
}

static int add(Fixture *f, const char *json, bool vcpus) {
        json_object *o = json_tokener_parse(json);

        f->why[0] = '\0';
        int r = vcpus ? vm_threads_add_vcpus(&f->threads, o, f->why) : vm_threads_add_iothreads(&f->threads, o, f->why);
        json_object_put(o);
        return r;
}

static int apply(Fixture *f, const char *json, ThreadMode mode) {
        _cleanup_free_ ThreadSetting *s = NULL;
        size_t n;

        f->why[0] = '\0';
        assert_int_equal(parse(json, &s, &n), 0);
        return thread_groups_apply(f->fd, &f->threads, s, n, mode, f->why);
}

static void add_me(Fixture *f) {
        _cleanup_free_ char *json = strf("[{\"cpu-index\": 0, \"thread-id\": %d}]", ME);

        assert_int_equal(add(f, json, true), 0);
        assert_int_equal(vm_threads_check(&f->threads, f->fd, f->why), 0);
}

#define VCPU0 "[{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"0-1\",\"quota\":25000}]"

static void test_apply(void **state) {
        _cleanup_free_ char *me = strf("%d", ME);
        Fixture f;

        setup(&f);
        add_me(&f);
        put_group(&f, "vcpu0", "0-1\n");
        assert_int_equal(apply(&f, VCPU0, THREADS_START), 0);
        assert_file(&f, "vcpu0/cpuset.cpus", "0-1");
        assert_file(&f, "vcpu0/cpu.max", "25000 100000");
        assert_file(&f, "vcpu0/cgroup.threads", me);

        /* A new monitor leaves a thread that is in its group alone; a change does not. */
        put(&f, "cgroup.threads", "");
        put(&f, "vcpu0/cpu.max", "50000 100000\n");
        assert_int_equal(apply(&f, VCPU0, THREADS_ADOPT), 0);
        assert_file(&f, "vcpu0/cpu.max", "50000 100000");
        assert_int_equal(apply(&f, VCPU0, THREADS_LIVE), 0);
        assert_file(&f, "vcpu0/cpu.max", "25000 100000");

        /* What is asked for no more is taken away. */
        put(&f, "vcpu0/cpuset.cpus", "0");
        assert_int_equal(apply(&f, "[]", THREADS_LIVE), 0);
        assert_file(&f, "vcpu0/cpuset.cpus", "");
        assert_file(&f, "vcpu0/cpu.max", "max 100000");
        teardown(&f);
}

#define EMULATOR "{\"kind\":\"emulator\",\"cpus\":\"0\"}"

/* QEMU's main thread makes a new virtual CPU, so it begins where that one is. */
static void test_born_in_the_emulator(void **state) {
        _cleanup_free_ char *me = strf("%d", ME);
        Fixture f;

        setup(&f);
        add_me(&f);
        put_group(&f, "emulator", "0\n");
        put(&f, "emulator/cgroup.threads", me);
        put(&f, "cgroup.threads", "");
        assert_int_equal(apply(&f, "[" EMULATOR "]", THREADS_LIVE), 0);
        assert_file(&f, "cgroup.threads", me);
        /* A scheduler alone is no reason to stay. */
        put(&f, "cgroup.threads", "");
        assert_int_equal(apply(&f, "[" EMULATOR ",{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"batch\"}]", THREADS_LIVE), 0);
        assert_file(&f, "cgroup.threads", me);
        /* One with a group of its own goes there. */
        put(&f, "cgroup.threads", "");
        put_group(&f, "vcpu0", "0-1\n");
        assert_int_equal(apply(&f, "[" EMULATOR ",{\"kind\":\"vcpu\",\"id\":0,\"cpus\":\"0-1\"}]", THREADS_LIVE), 0);
        assert_file(&f, "vcpu0/cgroup.threads", me);
        assert_file(&f, "cgroup.threads", "");
        teardown(&f);
}

static void test_no_cpus(void **state) {
        Fixture f;

        /* What the kernel gives is less, and it does not say so: nothing may stay changed. */
        setup(&f);
        add_me(&f);
        put_group(&f, "vcpu0", "0\n");
        put(&f, "vcpu0/cpuset.cpus", "0\n");
        assert_int_equal(apply(&f, VCPU0, THREADS_LIVE), -ERANGE);
        assert_string_equal(f.why, "<vcpupin vcpu='0'>: CPUs 0-1 are not all available: they would be 0");
        assert_file(&f, "vcpu0/cgroup.threads", "");
        teardown(&f);
}

static void test_no_controller(void **state) {
        Fixture f;

        setup(&f);
        add_me(&f);
        put_group(&f, "vcpu0", "0-1\n");
        put(&f, "cgroup.controllers", "io\n");
        assert_int_equal(apply(&f, VCPU0, THREADS_START), -EOPNOTSUPP);
        assert_string_equal(f.why, "<vcpupin vcpu='0'>: the cgroup controller 'cpuset' is not available here");
        put(&f, "cgroup.controllers", "cpuset\n");
        put(&f, "cgroup.subtree_control", "cpuset\n");
        assert_int_equal(apply(&f, "[{\"kind\":\"vcpu\",\"id\":0,\"quota\":25000}]", THREADS_START), -EOPNOTSUPP);
        assert_string_equal(f.why, "<quota>: the cgroup controller 'cpu' is not available here");
        /* A thread that is not there is asked for nothing. */
        assert_int_equal(apply(&f, "[{\"kind\":\"vcpu\",\"id\":1,\"quota\":25000}]", THREADS_START), 0);
        teardown(&f);
}

static void test_scheduler(void **state) {
        Fixture f;

        setup(&f);
        add_me(&f);
        assert_int_equal(apply(&f, "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"batch\"}]", THREADS_START), 0);
        assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
        /* It has one already. */
        assert_int_equal(apply(&f, "[{\"kind\":\"vcpu\",\"id\":0,\"scheduler\":\"idle\"}]", THREADS_ADOPT), 0);
        assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
        teardown(&f);
}

/* What a QEMU in the hands of its guest says. */
static void test_hostile(void **state) {
        static const struct {
                const char *json;
                bool vcpus;
                const char *why;
        } cases[] = {
                { "{}", true, "QEMU's list of virtual CPUs is none" },
                { "[{\"cpu-index\": 1024, \"thread-id\": 5}]", true, "QEMU numbers a virtual CPU 1024" },
                { "[{\"cpu-index\": -1, \"thread-id\": 5}]", true, "QEMU numbers a virtual CPU -1" },
                { "[{\"thread-id\": 5}]", true, "QEMU numbers a virtual CPU -1" },
                { "[7]", true, "QEMU numbers a virtual CPU -1" },
                { "[{\"cpu-index\": 0}]", true, "QEMU gives vcpu 0 no thread" },
                { "[{\"cpu-index\": 0, \"thread-id\": 0}]", true, "QEMU gives vcpu 0 no thread" },
                { "[{\"cpu-index\": 0, \"thread-id\": 4294967297}]", true, "QEMU gives vcpu 0 no thread" },
                { "[{\"cpu-index\": 0, \"thread-id\": 5}, {\"cpu-index\": 0, \"thread-id\": 6}]", true, "QEMU names vcpu 0 twice" },
                { "[{\"id\": \"iothread1\", \"thread-id\": \"5\"}]", false, "QEMU gives iothread 1 no thread" },
                { "[{\"id\": \"iothread1\", \"thread-id\": 5}, {\"id\": \"iothread1\", \"thread-id\": 6}]", false,
                  "QEMU names iothread 1 twice" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Fixture f;
                setup(&f);
                assert_int_equal(add(&f, cases[i].json, cases[i].vcpus), -EBADMSG);
                assert_string_equal(f.why, cases[i].why);
                teardown(&f);
        }
}

static void test_foreign_threads(void **state) {
        _cleanup_free_ char *twice = strf("[{\"cpu-index\": 0, \"thread-id\": %d}, {\"cpu-index\": 1, \"thread-id\": %d}]", ME, ME),
                            *same = strf("QEMU gives vcpu 0 and vcpu 1 the same thread (%d)", ME);
        _cleanup_free_ char *many = NULL;
        Fixture f;

        setup(&f);
        assert_int_equal(add(&f, "[{\"cpu-index\": 0, \"thread-id\": 1}]", true), 0);
        assert_int_equal(vm_threads_check(&f.threads, f.fd, f.why), -EBADMSG);
        assert_string_equal(f.why, "QEMU gives vcpu 0 a thread that is not its own (1)");
        teardown(&f);

        setup(&f);
        assert_int_equal(add(&f, twice, true), 0);
        assert_int_equal(vm_threads_check(&f.threads, f.fd, f.why), -EBADMSG);
        assert_string_equal(f.why, same);
        teardown(&f);

        setup(&f);
        many = malloc(5000 * 2 + 3);
        assert_non_null(many);
        many[0] = '[';
        for (size_t i = 0; i < 5000; i++)
                memcpy(many + 1 + 2 * i, "1,", 2);
        strcpy(many + 2 * 5000, "]");
        assert_int_equal(add(&f, many, false), -EBADMSG);
        assert_string_equal(f.why, "QEMU claims to have 5000 I/O threads");
        /* Names that are not ours do not count. */
        assert_int_equal(add(&f, "[{\"id\": \"mine\", \"thread-id\": 1}, {\"id\": \"iothread0\"}, {\"id\": \"iothread1x\"}, {}]", false), 0);
        assert_int_equal(f.threads.n, 0);
        teardown(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),          cmocka_unit_test(test_bad_json),
                cmocka_unit_test(test_apply),         cmocka_unit_test(test_born_in_the_emulator), cmocka_unit_test(test_no_cpus),
                cmocka_unit_test(test_no_controller), cmocka_unit_test(test_scheduler),
                cmocka_unit_test(test_hostile),       cmocka_unit_test(test_foreign_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
