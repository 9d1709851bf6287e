/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking emulators: real ones where there are any, and ones that misbehave. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "file-util.h"
#include "qemu-probe.h"
#include "qemu-query.h"
#include "string-util.h"
#include "strv.h"
#include "test-directory.h"
#include "time-util.h"

#define SECOND UINT64_C(1000000)
#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"

static char *dir;

static int setup(void **state) {
        dir = test_directory_new();
        return dir ? 0 : -1;
}

static int teardown(void **state) {
        test_directory_remove(dir);
        return 0;
}

/* --- answers --- */

/* What a peer that has written TEXT, and then ended or fallen silent, is taken for. */
static int ask(const char *text, size_t size, bool silent, uint64_t limit_usec) {
        QemuCaps *caps = NULL;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                char buffer[4096];
                close(pair[0]);
                (void) write_all(pair[1], text, size);
                if (!silent)
                        (void) shutdown(pair[1], SHUT_WR);
                while (read(pair[1], buffer, sizeof(buffer)) > 0)
                        ;
                _exit(0);
        }
        close(pair[1]);
        int r = qemu_query_caps(pair[0], now_usec() + limit_usec, &caps);
        close(pair[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true((r >= 0) == (caps != NULL));
        qemu_caps_free(caps);
        return r;
}

static int ask_text(const char *text) {
        return ask(text, strlen(text), false, 20 * SECOND);
}

static void test_bad_answers(void **state) {
        assert_int_equal(ask_text(""), -ECONNRESET);
        assert_int_equal(ask_text("hello\n"), -EBADMSG);
        assert_int_equal(ask_text("{}\n"), -EBADMSG);
        assert_int_equal(ask_text("[1]\n"), -EBADMSG);
        assert_int_equal(ask_text("{\"QMP\": 1"), -ECONNRESET);
        assert_int_equal(ask_text(GREETING "{\"error\": {\"class\": \"GenericError\"}}\n"), -EREMOTEIO);
        assert_int_equal(ask_text(GREETING "{\"return\": {}}\n{\"return\": []}\n"), -EBADMSG);
        assert_int_equal(ask_text(GREETING "{\"return\": {}}\n{\"return\": {\"qemu\": 7}}\n"), -EBADMSG);
        assert_int_equal(ask_text(GREETING "{\"return\": {}}\n{\"return\": {\"qemu\": {\"major\": 7}}}\n{\"return\": {}}\n"),
                         -EBADMSG);
}

static void test_silence(void **state) {
        assert_int_equal(ask(GREETING, strlen(GREETING), true, SECOND / 20), -ETIMEDOUT);
}

static void test_floods(void **state) {
        size_t size = 9U << 20;
        _cleanup_free_ char *text = malloc(size + 1);

        assert_non_null(text);
        memset(text, ' ', size);
        assert_int_equal(ask(text, size, false, 20 * SECOND), -EFBIG);
        memset(text, '[', 100);
        memcpy(text, "{\"a\":", 5);
        text[1000] = '\n';
        assert_int_equal(ask(text, 1001, false, 20 * SECOND), -EBADMSG);
        /* Events for ever. */
        size_t n = 0;
        n += (size_t) sprintf(text, GREETING);
        for (unsigned i = 0; i < 2000; i++)
                n += (size_t) sprintf(text + n, "{\"event\": \"RESET\"}\n");
        assert_int_equal(ask(text, n, false, 20 * SECOND), -EBADMSG);
}

/* --- emulators --- */

static void probe_fails(const char *name, int error, const char *expected) {
        _cleanup_free_ char *path = name[0] == '/' ? strdup(name) : strf("%s/%s", dir, name), *full = NULL;
        _cleanup_diag_ Diag diag = {};
        QemuCaps *caps = NULL;

        assert_int_equal(diag_init(&diag, NULL), 0);
        assert_int_equal(qemu_caps_get_at(NULL, path, false, &diag, &caps), error);
        full = strf(expected, path, dir);
        assert_string_equal(diag_first_error(&diag), full);
}

static void put_program(const char *name, const char *content, mode_t mode) {
        _cleanup_free_ char *path = strf("%s/%s", dir, name);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, content, strlen(content), mode), 0);
}

static void test_no_emulator(void **state) {
        assert_int_equal(chmod(dir, 0755), 0);
        put_program("text", "hello", 0644);
        put_program("junk", "\177ELF junk", 0755);
        put_program("dies", "#!/bin/sh\nexit 1\n", 0755);
        put_program("talks", "#!/bin/sh\necho hello >&3\n", 0755);
        probe_fails("bin/qemu", -ENOENT, "emulator '%1$s' cannot be used: '%2$s/bin' does not exist");
        probe_fails("text", -EACCES, "emulator '%1$s' cannot be used: not executable");
        probe_fails("junk", -ENOEXEC, "emulator '%1$s' cannot be executed: Exec format error");
        probe_fails("dies", -ECONNRESET, "emulator '%1$s' cannot be asked what it can do: it ended before it answered");
        probe_fails("talks", -EBADMSG,
                    "emulator '%1$s' cannot be asked what it can do: it does not speak QMP as QEMU does");
}

/* What the program sees: written by the program itself into its QMP socket, where it arrives as a bad answer. */
static void test_sandbox(void **state) {
        _cleanup_free_ char *status = NULL, *script = NULL, *out = NULL;
        size_t size;

        if (geteuid() != 0)
                skip();
        assert_int_equal(chmod(dir, 0755), 0);
        out = strf("%s/out", dir);
        int fd = open(out, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        /* RLIMIT_FSIZE is 0: it cannot write any file, so it is a fifo that it tells us through. */
        close(fd);
        assert_int_equal(unlink(out), 0);
        assert_int_equal(mkfifo(out, 0622), 0);
        assert_int_equal(chmod(out, 0622), 0);
        fd = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        /* Not inherited: no descriptor of ours is. */
        int leak = fcntl(fd, F_DUPFD, 50);
        script = strf("#!/bin/sh\ngrep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs):' /proc/self/status >%s\n"
                      "[ -e /proc/self/fd/%d ] && echo leak >%s\ntrue\n", out, leak, out);
        put_program("spy", script, 0755);
        _cleanup_free_ char *path = strf("%s/spy", dir);
        QemuCaps *caps = NULL;
        assert_int_equal(qemu_caps_get_at(NULL, path, false, NULL, &caps), -ECONNRESET);
        status = calloc(1, 4096);
        size = (size_t) read(fd, status, 4095);
        assert_in_range(size, 1, 4095);
        assert_non_null(strstr(status, "Uid:\t65534\t65534\t65534\t65534\n"));
        assert_non_null(strstr(status, "Gid:\t65534\t65534\t65534\t65534\n"));
        assert_non_null(strstr(status, "Groups:\t \n"));
        assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));
        assert_non_null(strstr(status, "CapEff:\t0000000000000000\n"));
        assert_non_null(strstr(status, "CapBnd:\t0000000000000000\n"));
        assert_non_null(strstr(status, "CapAmb:\t0000000000000000\n"));
        assert_non_null(strstr(status, "NoNewPrivs:\t1\n"));
        assert_null(strstr(status, "leak"));
        close(leak);
        close(fd);
}

static void test_real_emulator_and_cache(void **state) {
        const char *emulator = getenv("VMUNIT_TEST_QEMU") ?: "/usr/bin/qemu-system-x86_64";
        _cleanup_free_ char *cache = strf("%s/cache", dir), *command = NULL;
        QemuCaps *caps = NULL;

        if (access(emulator, X_OK) < 0)
                skip();
        assert_int_equal(qemu_caps_get_at(cache, emulator, true, NULL, &caps), -ENOENT);
        assert_int_equal(qemu_caps_get_at(cache, emulator, false, NULL, &caps), 0);
        assert_true(caps->version >= 7002000);
        assert_int_equal(caps->arch, ARCH_X86_64);
        assert_true(qemu_caps_has_type(caps, "virtio-blk-pci"));
        assert_false(qemu_caps_has_type(caps, "no-such-device"));
        assert_true(qemu_caps_has_command(caps, "query-status"));
        assert_true(qemu_caps_has_cpu(caps, "qemu64"));
        assert_non_null(qemu_caps_machine(caps, "q35"));
        /* The processor: what there is, and which model comes nearest. */
        const QemuHostCpu *cpu = qemu_caps_host_cpu(caps, false);
        assert_non_null(cpu);
        assert_true(qemu_caps_has_cpu(caps, cpu->model));
        assert_true(strv_contains(cpu->features, "sse2"));
        assert_false(strv_contains(cpu->features, "migratable"));
        assert_false(strv_contains(cpu->off, "sse2"));
        assert_true(strv_contains(caps->cpu_features, "avx512f"));
        assert_true(strv_contains(qemu_host_cpu_missing(cpu, "Skylake-Server"), "avx512f"));
        assert_null(qemu_host_cpu_missing(cpu, "no-such-model"));
        caps = qemu_caps_free(caps);

        /* Now from the cache, the same. */
        assert_int_equal(qemu_caps_get_at(cache, emulator, true, NULL, &caps), 0);
        assert_true(qemu_caps_has_type(caps, "virtio-blk-pci"));
        assert_true(caps->has_kvm);
        caps = qemu_caps_free(caps);

        /* One byte is wrong: it is as if there were none. */
        command = strf("for f in %s/*.caps; do sed -i 's/virtio-blk-pci/virtio-blk-pcj/' \"$f\"; done", cache);
        assert_int_equal(system(command), 0);
        assert_int_equal(qemu_caps_get_at(cache, emulator, true, NULL, &caps), -ENOENT);
        assert_int_equal(qemu_caps_get_at(cache, emulator, false, NULL, &caps), 0);
        caps = qemu_caps_free(caps);
        assert_int_equal(qemu_caps_get_at(cache, emulator, true, NULL, &caps), 0);
        caps = qemu_caps_free(caps);
        /* A directory others can write to is not believed. */
        assert_int_equal(chmod(cache, 0777), 0);
        assert_int_equal(qemu_caps_get_at(cache, emulator, true, NULL, &caps), -ENOENT);
}

/* Of several that want to know at the same time one asks, and the others wait for what it hears. */
static void test_asked_once(void **state) {
        const char *emulator = getenv("VMUNIT_TEST_QEMU") ?: "/usr/bin/qemu-system-x86_64";
        _cleanup_free_ char *cache = strf("%s/cache", dir), *out = strf("%s/out", dir), *path = strf("%s/counted", dir);
        _cleanup_free_ char *script = strf("#!/bin/sh\ncase \"$*\" in *accel=kvm*) ;; *) echo asked >%s ;; esac\nexec %s \"$@\"\n",
                                           out, emulator);
        char said[256];

        if (access(emulator, X_OK) < 0)
                skip();
        assert_int_equal(chmod(dir, 0755), 0);
        put_program("counted", script, 0755);
        assert_int_equal(mkfifo(out, 0622), 0);
        assert_int_equal(chmod(out, 0622), 0);
        int fd = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        for (unsigned i = 0; i < 4; i++) {
                pid_t pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        QemuCaps *caps = NULL;
                        int r = qemu_caps_get_at(cache, path, false, NULL, &caps);
                        qemu_caps_free(caps);
                        _exit(r < 0);
                }
        }
        for (unsigned i = 0; i < 4; i++) {
                int status;
                assert_true(waitpid(-1, &status, 0) > 0);
                assert_int_equal(status, 0);
        }
        assert_int_equal(read(fd, said, sizeof(said)), strlen("asked\n"));
        close(fd);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_bad_answers), TEST(test_silence), TEST(test_floods),
                TEST(test_no_emulator), TEST(test_sandbox), TEST(test_real_emulator_and_cache),
                TEST(test_asked_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
