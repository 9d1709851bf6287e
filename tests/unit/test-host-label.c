/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "file-label.h"
#include "test-directory.h"

/* Labels of files, with attributes that anybody may set. */

#define LABEL "user.vmunit.label"
#define MEMORY "user.vmunit.memory"
#define OWN "u:object_r:own_t:s0"
#define A "u:object_r:image_t:s0:c1,c2"
#define B "u:object_r:image_t:s0:c3,c4"
#define SHARED "u:object_r:content_t:s0"

typedef struct World {
        char *dir;        /* owned */
        int base, file;   /* owned */
        FileLabels l;
        const char *dead; /* the machine that does not run */
        dev_t dev;
        ino_t ino;
} World;

static bool runs(void *userdata, const char *name) {
        const World *w = userdata;

        return !streq_ptr(name, w->dead);
}

static int set_up(void **state) {
        static World w;
        struct stat st;

        w = (World) { .dir = test_directory_new() };
        w.base = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        w.file = openat(w.base, "image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fstat(w.file, &st) >= 0);
        w.dev = st.st_dev;
        w.ino = st.st_ino;
        w.l = (FileLabels) { .label_attribute = LABEL, .memory_attribute = MEMORY, .boot_id = "boot", .machine = "web",
                             .registry_fd = label_registry_open(w.base, true), .runs = runs, .userdata = &w };
        *state = &w;
        return 0;
}

static int tear_down(void **state) {
        World *w = *state;

        safe_close(w->l.registry_fd);
        safe_close(w->file);
        safe_close(w->base);
        test_directory_remove(w->dir);
        return 0;
}

static bool begin(World *w) {
        if (fsetxattr(w->file, LABEL, OWN, sizeof(OWN), 0) >= 0)
                return true;
        print_message("this file system has no attributes\n");
        return false;
}

static void assert_label(const World *w, const char *expected) {
        char value[256] = {};

        assert_true(fgetxattr(w->file, LABEL, value, sizeof(value) - 1) > 0);
        assert_string_equal(value, expected);
}

static bool remembers(const World *w) {
        return fgetxattr(w->file, MEMORY, NULL, 0) >= 0;
}

static int set(World *w, const char *machine, const char *label) {
        w->l.machine = machine;
        return file_label_set(&w->l, w->file, label, NULL);
}

static int restore(World *w, const char *machine) {
        w->l.machine = machine;
        return file_label_restore(&w->l, w->file, w->dev, w->ino);
}

static void test_set_and_restore(void **state) {
        World *w = *state;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_label(w, A);
        assert_true(remembers(w));
        assert_int_equal(restore(w, "db"), 0); /* it is none of its business */
        assert_label(w, A);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
        assert_false(remembers(w));
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
}

static void test_shared(void **state) {
        World *w = *state;
        _cleanup_free_ char *user = NULL;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "one", SHARED), FILE_LABELLED);
        assert_int_equal(set(w, "two", SHARED), FILE_LABELLED);
        w->l.machine = "three";
        assert_int_equal(file_label_set(&w->l, w->file, A, &user), -EBUSY);
        assert_string_equal(user, "one");
        assert_label(w, SHARED);
        assert_int_equal(restore(w, "one"), 0);
        assert_label(w, SHARED);
        assert_int_equal(set(w, "one", SHARED), FILE_LABELLED);
        assert_int_equal(restore(w, "two"), 0);
        assert_label(w, SHARED);
        assert_int_equal(restore(w, "one"), 0);
        assert_label(w, OWN);
        assert_false(remembers(w));
}

/* A machine ended without giving anything back. */
static void test_dead_user(void **state) {
        World *w = *state;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "dead", A), FILE_LABELLED);
        assert_int_equal(set(w, "web", B), -EBUSY);
        w->dead = "dead";
        assert_int_equal(set(w, "web", B), FILE_LABELLED);
        assert_label(w, B);
        assert_int_equal(restore(w, "dead"), 0);
        assert_label(w, B);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
        /* The same machine, started again. */
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_int_equal(set(w, "web", B), FILE_LABELLED);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
        /* The last of two sharers is dead. */
        w->dead = NULL;
        assert_int_equal(set(w, "dead", SHARED), FILE_LABELLED);
        assert_int_equal(set(w, "web", SHARED), FILE_LABELLED);
        w->dead = "dead";
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
}

static void forget_run(World *w) {
        _cleanup_free_ char *path = strf("%s/" LABEL_REGISTRY, w->dir);

        safe_close(w->l.registry_fd);
        test_directory_remove(TAKE_PTR(path));
        w->l.registry_fd = label_registry_open(w->base, true);
        w->l.boot_id = "next";
}

/* The host has crashed: /run is empty, and the file is as it was. */
static void test_after_boot(void **state) {
        World *w = *state;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        forget_run(w);
        assert_int_equal(set(w, "db", B), FILE_LABELLED);
        assert_label(w, B);
        assert_int_equal(restore(w, "db"), 0);
        assert_label(w, OWN);
        assert_false(remembers(w));
        /* Cut off before the label was set … */
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_true(fsetxattr(w->file, LABEL, OWN, sizeof(OWN), 0) >= 0);
        forget_run(w);
        assert_int_equal(set(w, "web", B), FILE_LABELLED);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
        /* … or once more, in the repair of the first time. */
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        forget_run(w);
        assert_int_equal(set(w, "web", B), FILE_LABELLED);
        forget_run(w);
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
}

/* What an administrator has labelled meanwhile is left to him. */
static void test_other_label(void **state) {
        World *w = *state;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_true(fsetxattr(w->file, LABEL, SHARED, sizeof(SHARED), 0) >= 0);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, SHARED);
        assert_false(remembers(w));
        /* Its own label is the one it needs. */
        assert_int_equal(set(w, "web", SHARED), FILE_LABELLED);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, SHARED);
}

static void test_gone(void **state) {
        World *w = *state;

        if (!begin(w))
                skip();
        assert_int_equal(set(w, "web", A), FILE_LABELLED);
        assert_int_equal(file_label_restore(&w->l, -EBADF, w->dev, w->ino), 0);
        assert_label(w, A);
        /* It was only moved. */
        assert_int_equal(set(w, "db", B), FILE_LABELLED);
        assert_int_equal(restore(w, "db"), 0);
        assert_label(w, OWN);
}

static void test_unsupported(void **state) {
        World *w = *state;

        /* No label at all is a file system without. */
        assert_int_equal(set(w, "web", A), -EOPNOTSUPP);
        w->l.label_attribute = "nothing.of.the.kind";
        assert_int_equal(set(w, "web", A), -EOPNOTSUPP);
        w->l.label_attribute = LABEL;
        if (!begin(w))
                skip();
        w->l.memory_attribute = "nothing.of.the.kind";
        assert_int_equal(set(w, "web", A), FILE_LABELLED_UNREMEMBERED);
        assert_label(w, A);
        assert_int_equal(restore(w, "web"), 0);
        assert_label(w, OWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_set_and_restore, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_dead_user, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_after_boot, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_other_label, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_unsupported, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
