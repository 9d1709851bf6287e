/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file-util.h"
#include "host-tuning.h"
#include "test-directory.h"
#include "text.h"

/* On a tree that looks like sysfs and keeps what is written; what only a kernel can do is in tests/host/test-tuning.py. */

typedef struct Tree {
        char *dir; /* owned */
        int fd;
} Tree;

#define POOL "sys/kernel/mm/hugepages/hugepages-"
#define NODE "sys/devices/system/node/node"

static void put(const Tree *t, const char *name, const char *text) {
        _cleanup_free_ char *path = strf("%s/%s", t->dir, name), *parent = strdup(path);

        *strrchr(parent, '/') = 0;
        assert_int_equal(mkdir_parents(parent, 0755), 0);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static void has(const Tree *t, const char *name, const char *text) {
        _cleanup_free_ char *found = NULL;

        assert_int_equal(read_file_limited(t->fd, name, 1000, &found, NULL), 0);
        assert_string_equal(found, text);
}

static int setup(void **state) {
        Tree *t = calloc(1, sizeof(Tree));
        static const struct { const char *name, *text; } files[] = {
                { "sys/module/kvm/parameters/halt_poll_ns", "200000\n" },
                { "sys/devices/virtual/workqueue/cpumask", "3,00000001\n" },
                { "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n" },
                { "sys/kernel/mm/transparent_hugepage/defrag", "always defer [defer+madvise] madvise never\n" },
                { POOL "2048kB/nr_hugepages", "9\n" }, { POOL "1048576kB/nr_hugepages", "0\n" },
                { NODE "0/hugepages/hugepages-2048kB/nr_hugepages", "9\n" },
                { NODE "1/hugepages/hugepages-2048kB/nr_hugepages", "0\n" },
                { NODE "0/hugepages/hugepages-1048576kB/nr_hugepages", "0\n" },
                { NODE "1/hugepages/hugepages-1048576kB/nr_hugepages", "0\n" },
                { "sys/devices/system/node/online", "0-1\n" },
        };

        t->dir = test_directory_new();
        assert_non_null(t->dir);
        t->fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(t->fd >= 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                put(t, files[i].name, files[i].text);
        *state = t;
        return 0;
}

static int teardown(void **state) {
        Tree *t = *state;

        safe_close(t->fd);
        test_directory_remove(t->dir);
        free(t);
        return 0;
}

static Config config(const char *text) {
        _cleanup_free_ char *all = strf("[Host]\n%s", text);
        Config c = {};

        assert_int_equal(config_parse(all, strlen(all), "f", &c, NULL), 0);
        return c;
}

static char *table(const Tree *t, const char *text) {
        _cleanup_host_settings_ HostSettings s = {};
        _cleanup_config_ Config c = config(text);
        _cleanup_text_ Text out = {};
        char *found;

        assert_int_equal(host_settings_read(t->fd, &c, &s), 0);
        FOREACH_ARRAY(i, s.items, s.n_items)
                text_appendf(&out, "%s %s %s%s\n", i->name, i->wanted ?: "-", i->actual ?: strerror(-i->error),
                             host_setting_differs(i) ? " !" : "");
        assert_int_equal(text_finish(&out, &found), 0);
        return found;
}

static void test_shown(void **state) {
        _cleanup_free_ char *bare = table(*state, ""), *asked = NULL;

        assert_string_equal(bare,
                            "HaltPollNs - 200000\n"
                            "KernelWorkerCPUs - 0,32-33\n"
                            "TransparentHugePages - madvise\n"
                            "TransparentHugePagesDefrag - defer+madvise\n"
                            "HugePages 1G - 0\n"
                            "HugePages 1G@0 - 0\n"
                            "HugePages 1G@1 - 0\n"
                            "HugePages 2M - 9\n"
                            "HugePages 2M@0 - 9\n"
                            "HugePages 2M@1 - 0\n");
        asked = table(*state, "HaltPollNs=200000\nKernelWorkerCPUs=0\nTransparentHugePages=never\n"
                              "TransparentHugePagesDefrag=defer+madvise\nHugePages=2M:9@0 2M:1@1 2M:5@7 64K:1 1G:0\n");
        assert_string_equal(asked,
                            "HaltPollNs 200000 200000\n"
                            "KernelWorkerCPUs 0 0,32-33 !\n"
                            "TransparentHugePages never madvise !\n"
                            "TransparentHugePagesDefrag defer+madvise defer+madvise\n"
                            "HugePages 1G 0 0\n"
                            "HugePages 1G@0 - 0\n"
                            "HugePages 1G@1 - 0\n"
                            "HugePages 2M - 9\n"
                            "HugePages 2M@0 9 9\n"
                            "HugePages 2M@1 1 0 !\n"
                            "HugePages 2M@7 5 No such file or directory !\n"
                            "HugePages 64K 1 No such file or directory !\n");
}

static void apply(const Tree *t, const char *text, int result, const char *said) {
        _cleanup_config_ Config c = config(text);
        _cleanup_diag_ Diag diag = {};
        _cleanup_text_ Text all = {};
        _cleanup_free_ char *found = NULL;

        assert_int_equal(host_tuning_apply(t->fd, &c, &diag), result);
        FOREACH_ARRAY(e, diag.entries, diag.n_entries)
                text_appendf(&all, "%s\n", e->text);
        assert_int_equal(text_finish(&all, &found), 0);
        assert_string_equal(found, said);
}

static void test_applied(void **state) {
        const Tree *t = *state;
        const char *all = "HaltPollNs=400000\nKernelWorkerCPUs=0-7,32,70\nTransparentHugePages=never\n"
                          "TransparentHugePagesDefrag=never\nHugePages=2M:4@0 2M:3@1 1G:2\n";

        apply(t, "", 0, "");
        has(t, "sys/module/kvm/parameters/halt_poll_ns", "200000\n");
        apply(t, all, 0, "");
        has(t, "sys/module/kvm/parameters/halt_poll_ns", "400000\n");
        has(t, "sys/devices/virtual/workqueue/cpumask", "40,00000001,000000ff\n");
        has(t, "sys/kernel/mm/transparent_hugepage/enabled", "never\n");
        has(t, "sys/kernel/mm/transparent_hugepage/defrag", "never\n");
        has(t, POOL "1048576kB/nr_hugepages", "2\n");
        has(t, POOL "2048kB/nr_hugepages", "9\n");
        has(t, NODE "0/hugepages/hugepages-2048kB/nr_hugepages", "4\n");
        has(t, NODE "1/hugepages/hugepages-2048kB/nr_hugepages", "3\n");
        _cleanup_free_ char *after = table(t, all);
        assert_null(strchr(after, '!'));
        apply(t, all, 0, "");
        apply(t, "KernelWorkerCPUs=0-7\n", 0, "");
        has(t, "sys/devices/virtual/workqueue/cpumask", "ff\n");
}

/* Each problem names its file, and what is beside it is done. */
static void test_refused(void **state) {
        const Tree *t = *state;
        _cleanup_free_ char *poll = strf("%s/sys/module/kvm/parameters/halt_poll_ns", t->dir),
                            *mask = strf("%s/sys/devices/virtual/workqueue/cpumask", t->dir);

        assert_int_equal(unlink(poll), 0);
        assert_int_equal(unlink(mask), 0);
        assert_int_equal(mkdir(mask, 0755), 0);
        apply(t, "HaltPollNs=1\nKernelWorkerCPUs=0\nTransparentHugePages=never\nHugePages=2M:1@7 64K:1 2M:2@1\n", -ENOENT,
              "HaltPollNs: cannot write '1' to '/sys/module/kvm/parameters/halt_poll_ns': No such file or directory\n"
              "KernelWorkerCPUs: cannot write '1' to '/sys/devices/virtual/workqueue/cpumask': Is a directory\n"
              "HugePages: cannot write 1 to '/sys/devices/system/node/node7/hugepages/hugepages-2048kB/nr_hugepages': "
              "No such file or directory: this machine has no NUMA node 7\n"
              "HugePages: cannot write 1 to '/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages': "
              "No such file or directory: this machine has no huge pages of 64K\n");
        has(t, "sys/kernel/mm/transparent_hugepage/enabled", "never\n");
        has(t, NODE "1/hugepages/hugepages-2048kB/nr_hugepages", "2\n");
}

/* None of a size that there is not is a mistake, too. */
static void test_nothing_of_nothing(void **state) {
        apply(*state, "HugePages=64K:0\n", -ENOENT,
              "HugePages: cannot write 0 to '/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages': No such file or directory: "
              "this machine has no huge pages of 64K\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
                cmocka_unit_test_setup_teardown(test_applied, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_of_nothing, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
