/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "definitions.h"
#include "fake-machine.h"
#include "file-util.h"
#include "plans.h"
#include "start-options.h"
#include "string-util.h"
#include "strv.h"
#include "target-file.h"
#include "test-directory.h"
#include "vm-lifecycle.h"

/* What the golden sessions (test-cli-golden.c) cannot show, because no verb prints it. */

#define SMALL(name) \
        "<domain type='qemu'><name>" name "</name><memory>262144</memory><os><type>hvm</type></os></domain>"

static Vm lookup(FakeMachine *f, const char *name) {
        Vm vm = {};
        assert_int_equal(vm_lookup(f->manager, name, VM_BY_NAME, NULL, &vm), 0);
        return vm;
}

/* What somebody leaves behind who has written them for "web" and noted these jobs; 0: that he is about to ask. */
static void leave_options(int dir, StartOptionFlags flags, const uint32_t *jobs, size_t n_jobs) {
        int fd = start_options_write(dir, "web", flags);

        assert_true(fd >= 0);
        FOREACH_ARRAY(job, jobs, n_jobs)
                start_options_note(fd, *job);
        close(fd);
}

static void test_start_options(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        StartOptionFlags flags = 99;
        uint32_t job = 99;

        _cleanup_close_ int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 0);
        int fd = start_options_write(dir, "web", START_OPTION_PAUSED);
        assert_true(fd >= 0);
        assert_int_equal(start_options_take(dir, "other", &flags, &job), 0);
        assert_int_equal(flags, 99);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 1);
        assert_int_equal(flags, START_OPTION_PAUSED);
        assert_int_equal(job, 0);
        /* For one start only. */
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 0);
        close(fd);

        fd = start_options_write(dir, "web", START_OPTION_PAUSED);
        assert_int_equal(start_options_remove(dir, "web"), 0);
        assert_int_equal(start_options_remove(dir, "web"), 0);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 0);
        close(fd);

        /* A link is not followed: root would read what it is not meant to. */
        fake_file(f, "elsewhere", "paused\n");
        assert_int_equal(symlinkat("elsewhere", dir, ".start-web"), 0);
        assert_true(start_options_take(dir, "web", &flags, &job) < 0);
}

/* They count as long as he is there who has written them; after that, for the start that he has come to ask for. */
static void test_start_options_of_the_gone(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        const uint32_t jobs[] = { 0, 41, 0, 42 };
        StartOptionFlags flags = 99;
        uint32_t job = 99;
        struct stat st;

        _cleanup_close_ int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        leave_options(dir, START_OPTION_PAUSED, NULL, 0);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 0);
        assert_int_equal(flags, 99);
        assert_int_equal(fstatat(dir, ".start-web", &st, AT_SYMLINK_NOFOLLOW), -1);

        const struct {
                size_t n_jobs;
                uint32_t job;
        } cases[] = { { 1, 0 }, { 2, 41 }, { 3, 0 }, { 4, 42 } };
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                leave_options(dir, START_OPTION_PAUSED | START_OPTION_RESTORE, jobs, c->n_jobs);
                assert_int_equal(start_options_take(dir, "web", &flags, &job), 1);
                assert_int_equal(flags, START_OPTION_PAUSED | START_OPTION_RESTORE);
                assert_int_equal(job, c->job);
        }

        /* He is there, whichever job it is. */
        int fd = start_options_write(dir, "web", 0);
        start_options_note(fd, 0);
        start_options_note(fd, 43);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 1);
        assert_int_equal(flags, 0);
        assert_int_equal(job, 0);
        close(fd);
}

/* A start of which nobody knows what becomes of it: it is the one that was asked for, and no other is. */
static void test_start_that_is_lost(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        StartOptionFlags flags = 0;
        uint32_t job = 0;

        fake_file(f, "etc/web.xml", SMALL("web"));
        f->start_error = -ECONNRESET;
        _cleanup_vm_ Vm vm = lookup(f, "web");
        assert_int_equal(vm_start(f->manager, &vm, VM_START_PAUSED, NULL, NULL), -ECONNRESET);
        _cleanup_close_ int dir = manager_open_runtime(f->manager, NULL);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 1);
        assert_int_equal(flags, START_OPTION_PAUSED);
        assert_int_equal(job, 7);
        /* One that has failed is over. */
        f->start_error = -ECANCELED;
        assert_int_equal(vm_start(f->manager, &vm, VM_START_PAUSED, NULL, NULL), -ECANCELED);
        assert_int_equal(start_options_take(dir, "web", &flags, &job), 0);
}

static void test_start_credentials(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        char *const given[] = { (char *) "system.hostname=db", (char *) "empty=", (char *) "lines=a=b\nc\n", NULL };
        char **taken = NULL;
        struct stat st;

        _cleanup_close_ int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(start_credentials_take(dir, "web", &taken), 0);
        assert_null(taken);
        assert_int_equal(start_credentials_write(dir, "web", given), 0);
        assert_int_equal(fstatat(dir, ".credentials-web", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(start_credentials_take(dir, "other", &taken), 0);
        assert_null(taken);
        assert_int_equal(start_credentials_take(dir, "web", &taken), 0);
        assert_true(strv_equal(taken, given));
        taken = strv_free(taken);
        /* For one start only. */
        assert_int_equal(start_credentials_take(dir, "web", &taken), 0);
        assert_null(taken);
        assert_int_equal(start_credentials_write(dir, "web", given), 0);
        assert_int_equal(start_options_remove(dir, "web"), 0);
        assert_int_equal(start_credentials_take(dir, "web", &taken), 0);
        assert_null(taken);

        fake_file(f, "elsewhere", "a=b");
        assert_int_equal(symlinkat("elsewhere", dir, ".credentials-web"), 0);
        assert_true(start_credentials_take(dir, "web", &taken) < 0);
}

static void test_shell_quoting(void **state) {
        char *argv[] = { (char *) "/usr/bin/qemu", (char *) "-name", (char *) "guest=a b",
                         (char *) "{\"x\":1}",
                         (char *) "it's", (char *) "", (char *) "a,b=c:/d_e-f@g%h", NULL };
        char *env[] = { (char *) "LC_ALL=C", (char *) "HOME=/a b", NULL };
        _cleanup_free_ char *s = NULL;

        assert_int_equal(argv_to_shell(env, argv, &s), 0);
        assert_string_equal(s, "LC_ALL=C HOME='/a b' /usr/bin/qemu -name 'guest=a b' '{\"x\":1}' 'it'\\''s' '' "
                               "a,b=c:/d_e-f@g%h");
}

static void test_undefine_uncovers_nothing(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        Vm vm = {};

        /* All three directories have one; when the first is gone the others must not take its place. */
        fake_file(f, "etc/web.xml", SMALL("web"));
        fake_file(f, "run-vm/web.xml", SMALL("web"));
        fake_file(f, "lib/web.xml", SMALL("web"));
        _cleanup_vm_ Vm first = lookup(f, "web");
        assert_int_equal(vm_undefine(f->manager, &first, 0, NULL), 0);
        assert_int_equal(vm_lookup(f->manager, "web", VM_BY_NAME, NULL, &vm), -ENOENT);

        /* One of this boot only is taken away without a trace. */
        fake_file(f, "run-vm/brief.xml", SMALL("brief"));
        _cleanup_vm_ Vm brief = lookup(f, "brief");
        assert_int_equal(vm_undefine(f->manager, &brief, 0, NULL), 0);
        assert_null(fake_read(f, "run-vm/brief.xml"));
        assert_null(fake_read(f, "etc/brief.xml"));
}

/* Why it was shut off is forgotten with it; of one that runs on, its supervisor goes on to say. */
static void test_undefine_forgets_the_end(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();

        fake_file(f, "etc/web.xml", SMALL("web"));
        fake_runtime(f, "web", "shut off/destroyed", NULL);
        _cleanup_vm_ Vm ended = lookup(f, "web");
        assert_int_equal(ended.reason, REASON_DESTROYED);
        assert_int_equal(vm_undefine(f->manager, &ended, 0, NULL), 0);
        fake_file(f, "etc/web.xml", SMALL("web"));
        _cleanup_vm_ Vm again = lookup(f, "web");
        assert_int_equal(again.reason, REASON_UNKNOWN);

        fake_runtime(f, "web", "running/booted", "3");
        fake_unit(f, "web")->activity = UNIT_ACTIVE;
        _cleanup_vm_ Vm running = lookup(f, "web");
        assert_int_equal(vm_undefine(f->manager, &running, 0, NULL), 0);
        _cleanup_free_ char *kept = fake_read(f, "run/web/state");
        assert_non_null(kept);
}

static int undefine(FakeMachine *f, const char *name, VmUndefineFlags flags, const char *why) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = lookup(f, name);

        int r = vm_undefine(f->manager, &vm, flags, &diag);
        if (why)
                assert_string_equal(diag_first_error(&diag), why);
        return r;
}

/* A file of variables is spoken about: nothing changes until somebody says what becomes of it. */
static void test_undefine_nvram(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        _cleanup_free_ char *nvram = strf("%s/vars", f->dir), *kept = strf("%s/kept", f->dir);
        _cleanup_free_ char *text = strf("<domain type='qemu'><name>web</name><memory>65536</memory>"
                                         "<os><type arch='x86_64' machine='q35'>hvm</type><loader type='pflash' readonly='yes'>/code</loader>"
                                         "<nvram>%s</nvram></os><features><acpi/></features></domain>", nvram);

        fake_file(f, "etc/web.xml", text);
        fake_file(f, "vars", "variables");
        FakeUnit *u = fake_unit(f, "web");
        u->enabled = true;
        assert_int_equal(undefine(f, "web", 0, "Requested operation is not valid: cannot undefine domain with nvram"), -EINVAL);
        assert_int_equal(access(nvram, F_OK), 0);
        assert_true(fake_unit(f, "web")->enabled);

        assert_int_equal(undefine(f, "web", VM_UNDEFINE_KEEP_NVRAM, NULL), 0);
        assert_int_equal(access(nvram, F_OK), 0);
        assert_false(fake_unit(f, "web")->enabled);

        fake_file(f, "etc/web.xml", text);
        assert_int_equal(undefine(f, "web", VM_UNDEFINE_NVRAM, NULL), 0);
        assert_int_equal(access(nvram, F_OK), -1);

        /* What is behind a link is not the machine's; what is not there is no question. */
        fake_file(f, "etc/web.xml", text);
        fake_file(f, "kept", "somebody's");
        assert_int_equal(symlink(kept, nvram), 0);
        assert_int_equal(undefine(f, "web", VM_UNDEFINE_NVRAM, NULL), 0);
        assert_int_equal(access(kept, F_OK), 0);
        assert_int_equal(unlink(nvram), 0);
        fake_file(f, "etc/web.xml", text);
        assert_int_equal(undefine(f, "web", 0, NULL), 0);

        /* Also one that cannot be read. */
        fake_file(f, "etc/web.xml", "<broken");
        assert_int_equal(undefine(f, "web", 0, NULL), 0);
}

static void test_define_keeps_privacy(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        _cleanup_free_ char *path = strf("%s/etc/web.xml", f->dir);
        struct stat st;

        fake_file(f, "etc/web.xml", SMALL("web"));
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(vm_define(f->manager, SMALL("web"), strlen(SMALL("web")), 0, NULL, NULL), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static int define(FakeMachine *f, const char *text, Diag *diag) {
        return vm_define(f->manager, text, strlen(text), 0, diag, NULL);
}

static void expect_link(FakeMachine *f, const char *path, const char *target) {
        _cleanup_free_ char *file = strf("%s/%s", f->dir, path);
        char now[256] = "";

        assert_true(readlink(file, now, sizeof(now) - 1) > 0);
        assert_string_equal(now, target);
}

static void refuses_link(FakeMachine *f, const char *why) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *error = strf("cannot write '%s/etc/web.xml': it is a link%s", f->dir, why);

        assert_true(define(f, SMALL("web"), &diag) < 0);
        assert_string_equal(diag_first_error(&diag), error);
        expect_link(f, "etc/web.xml", "../kept/web.xml");
}

/* A definition that is kept elsewhere is changed there. */
static void test_link_is_followed(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        _cleanup_free_ char *link = strf("%s/etc/web.xml", f->dir), *dir = strf("%s/kept", f->dir), *file = strf("%s/kept/web.xml", f->dir);
        _cleanup_free_ char *mask = strf("%s/etc/masked.xml", f->dir), *why = strf(" to '%s', which others than root can change", file);
        struct stat st;

        fake_file(f, "etc/other.xml", SMALL("other"));
        fake_file(f, "kept/web.xml", SMALL("web") "<!-- old -->");
        assert_int_equal(symlink("../kept/web.xml", link), 0);
        assert_int_equal(chmod(file, 0600), 0);
        assert_int_equal(define(f, SMALL("web"), NULL), 0);
        expect_link(f, "etc/web.xml", "../kept/web.xml");
        _cleanup_free_ char *text = fake_read(f, "kept/web.xml");
        assert_string_equal(text, SMALL("web"));
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        /* A mask goes. */
        assert_int_equal(symlink("/dev/null", mask), 0);
        assert_int_equal(define(f, SMALL("masked"), NULL), 0);
        assert_int_equal(lstat(mask, &st), 0);
        assert_true(S_ISREG(st.st_mode));

        if (geteuid() == 0) {
                assert_int_equal(chmod(file, 0620), 0);
                refuses_link(f, why);
                assert_int_equal(chmod(file, 0600), 0);
                assert_int_equal(chown(dir, 1, 1), 0);
                refuses_link(f, why);
                assert_int_equal(chown(dir, 0, 0), 0);
                assert_int_equal(chown(file, 1, 1), 0);
                refuses_link(f, why);
        }
        assert_int_equal(unlink(file), 0);
        free(why);
        why = strf(", and '%s' does not exist", file);
        refuses_link(f, why);
        assert_int_equal(mkdir(file, 0755), 0);
        free(why);
        why = strf(" to '%s', which is no regular file", file);
        refuses_link(f, why);

        /* It is the link that is removed. */
        assert_int_equal(rmdir(file), 0);
        fake_file(f, "kept/web.xml", SMALL("web"));
        _cleanup_vm_ Vm vm = lookup(f, "web");
        assert_int_equal(vm_undefine(f->manager, &vm, 0, NULL), 0);
        assert_int_equal(lstat(link, &st), -1);
        assert_int_equal(stat(file, &st), 0);
}

/* Does process PID wait for a lock? */
static bool waits(pid_t pid) {
        _cleanup_free_ char *word = strf(" %d ", (int) pid);
        FILE *locks = fopen("/proc/locks", "re");
        char line[256];
        bool found = false;

        assert_non_null(locks);
        while (fgets(line, sizeof(line), locks))
                found = found || (strstr(line, "-> FLOCK") && strstr(line, word));
        (void) fclose(locks);
        return found;
}

/* Who changes a definition has read it: nobody else writes it, or takes it away, until he is done. */
static void test_writers_wait(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();

        fake_file(f, "etc/web.xml", SMALL("web"));
        for (unsigned i = 0; i < 2; i++) {
                int dir = manager_open_runtime(f->manager, NULL), status = 0;
                _cleanup_close_ int fd = openat(dir, ".definitions", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                safe_close(dir);
                assert_int_equal(flock(fd, LOCK_EX), 0);
                pid_t pid = fork();
                if (pid == 0) {
                        Vm vm = { .name = (char *) "web", .unit = (char *) "vm@web.service", .persistent = true };
                        close(fd);
                        _exit((i == 0 ? define(f, SMALL("web"), NULL) : vm_undefine(f->manager, &vm, 0, NULL)) < 0);
                }
                while (!waits(pid))
                        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
                assert_int_equal(flock(fd, LOCK_UN), 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        assert_null(fake_read(f, "etc/web.xml"));
}

static void test_broken_definition_does_not_hide_others(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        _cleanup_vm_ Vm vm = {};
        Vm *vms = NULL;
        size_t n = 0;

        fake_file(f, "etc/broken.xml", "<domain");
        fake_file(f, "etc/web.xml", "<domain type='qemu'><name>web</name>"
                                    "<uuid>00000000-0000-4000-8000-000000000001</uuid>"
                                    "<memory>262144</memory><os><type>hvm</type></os></domain>");
        assert_int_equal(vm_list(f->manager, VM_LIST_ACTIVE | VM_LIST_INACTIVE, &vms, &n), 0);
        assert_int_equal(n, 2);
        vms_free(vms, n);
        assert_int_equal(vm_lookup(f->manager, "00000000-0000-4000-8000-000000000001", VM_BY_ANY, NULL, &vm),
                         0);
        assert_string_equal(vm.name, "web");
        /* A broken one can be defined anew. */
        assert_int_equal(vm_define(f->manager, SMALL("broken"), strlen(SMALL("broken")), 0, NULL, NULL), 0);
}

static void test_start_checks_before_systemd(void **state) {
        _cleanup_(fake_machine_freep) FakeMachine *f = fake_machine_new();
        _cleanup_free_ char *calls = NULL;
        _cleanup_diag_ Diag diag = {};

        fake_file(f, "etc/web.xml", SMALL("other"));
        _cleanup_vm_ Vm vm = lookup(f, "web");
        free(fake_calls(f));
        assert_true(vm_start(f->manager, &vm, 0, NULL, &diag) < 0);
        assert_non_null(strstr(diag_first_error(&diag),
                               "name 'other' does not match the file's name 'web.xml'"));
        calls = fake_calls(f);
        assert_string_equal(calls, "");
}

/* --- files that are written aside --- */

typedef enum KilledAt {
        KILLED_BEFORE, /* it has a name */
        KILLED_NAMED,
        KILLED_COMMITTED,
        NOT_KILLED,
} KilledAt;

static int says(const void *userdata) {
        return *(const int *) userdata;
}

/* A process of ours writes "new" into PATH and ends so; then nobody is left of it. */
static void write_target(const char *path, TargetCounts counts, const int *answer, KilledAt at) {
        pid_t pid = fork();
        if (pid == 0) {
                Target t = TARGET_NONE;

                if (target_open(path, counts, answer, &t) < 0 || write(t.fd, "new", 3) != 3)
                        _exit(1);
                if (at == KILLED_BEFORE)
                        (void) raise(SIGKILL);
                if (target_finish(&t) < 0)
                        _exit(2);
                if (at == KILLED_NAMED)
                        (void) raise(SIGKILL);
                if (target_commit(&t) < 0)
                        _exit(3);
                if (at == KILLED_COMMITTED)
                        (void) raise(SIGKILL);
                target_done(&t);
                _exit(0);
        }
        /* And its survivor, which is ours then. */
        int status = 0, n = 0;
        for (pid_t ended; (ended = wait(&status)) > 0; n++)
                assert_true(ended != pid || (at == NOT_KILLED ? status == 0 : WIFSIGNALED(status)));
        assert_int_equal(n, at == NOT_KILLED ? 1 : 2);
}

/* PATH and nothing else is in its directory, and has that text; NULL: nothing is. */
static void assert_only(const char *dir, const char *name, const char *text) {
        _cleanup_free_ char *found = NULL;
        struct dirent *e;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;

        if (text) {
                assert_int_equal(read_file_limited(fd, name, 100, &found, NULL), 0);
                assert_string_equal(found, text);
        }
        DIR *d = fdopendir(fd);
        assert_non_null(d);
        while ((e = readdir(d)))
                n += e->d_name[0] != '.';
        (void) closedir(d);
        assert_int_equal(n, text != NULL);
}

/* Who writes a file is killed: it is there or it is not, and nothing of it stays under another name. */
static void test_target_of_the_killed(void **state) {
        char *dir = test_directory_new();
        _cleanup_free_ char *path = strf("%s/file", dir), *other = strf("%s/file.%d-0", dir, INT32_MAX);
        const int no = 0, yes = 1, unknown = -EIO;
        const struct {
                TargetCounts counts;
                const int *answer;
                KilledAt at;
                const char *text;
        } cases[] = {
                { NULL, NULL, KILLED_BEFORE, NULL },  { says, &yes, KILLED_BEFORE, NULL },   { NULL, NULL, KILLED_NAMED, NULL },
                { says, &no, KILLED_NAMED, NULL },    { says, &yes, KILLED_NAMED, "new" },   { says, &no, KILLED_COMMITTED, "new" },
                { NULL, NULL, NOT_KILLED, "new" },    { says, &no, NOT_KILLED, "new" },
        };

        assert_non_null(dir);
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                /* Also beside one that it would replace, of before. */
                for (int old = 0; old < 2; old++) {
                        if (old)
                                assert_int_equal(write_file_atomic(AT_FDCWD, path, "old", 3, 0600), 0);
                        write_target(path, c->counts, c->answer, c->at);
                        assert_only(dir, "file", c->text ?: old ? "old" : NULL);
                        (void) unlink(path);
                }
        }
        /* Nobody else's, whatever it is called. */
        assert_int_equal(write_file_atomic(AT_FDCWD, other, "other", 5, 0600), 0);
        write_target(path, NULL, NULL, KILLED_NAMED);
        assert_only(dir, strrchr(other, '/') + 1, "other");
        (void) unlink(other);
        /* What seems to be of later is not replaced; but clocks are wrong at times, and it may be the only copy of a guest. */
        const struct timespec future[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = INT32_MAX } };
        _cleanup_free_ char *pattern = strf("%s.*", path), *text = NULL;
        glob_t left;
        assert_int_equal(write_file_atomic(AT_FDCWD, path, "later", 5, 0600), 0);
        assert_int_equal(utimensat(AT_FDCWD, path, future, 0), 0);
        write_target(path, says, &yes, KILLED_NAMED);
        assert_int_equal(glob(pattern, 0, NULL, &left), 0);
        assert_int_equal(left.gl_pathc, 1);
        assert_int_equal(read_file_limited(AT_FDCWD, left.gl_pathv[0], 100, &text, NULL), 0);
        assert_string_equal(text, "new");
        (void) unlink(left.gl_pathv[0]);
        globfree(&left);
        assert_only(dir, "file", "later");
        (void) unlink(path);
        /* What nobody knows about stays, and is no more than that. */
        write_target(path, says, &unknown, KILLED_NAMED);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
        test_directory_remove(dir);
}

static void test_too_slow(void **state) {
        const uint64_t second = 1000000, mib = 1 << 20;

        assert_false(stream_is_too_slow(0, 60 * second));
        assert_true(stream_is_too_slow(0, 60 * second + 1));
        assert_true(stream_is_too_slow(61 * 4 * mib - 1, 61 * second));
        assert_false(stream_is_too_slow(61 * 4 * mib, 61 * second));
        assert_false(stream_is_too_slow(UINT64_C(1) << 40, 3600 * second));
        assert_true(stream_is_too_slow(UINT64_C(10) << 30, 3600 * second));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start_options), cmocka_unit_test(test_start_options_of_the_gone), cmocka_unit_test(test_start_that_is_lost),
                cmocka_unit_test(test_start_credentials),
                cmocka_unit_test(test_shell_quoting),           cmocka_unit_test(test_too_slow),
                cmocka_unit_test(test_target_of_the_killed),
                cmocka_unit_test(test_undefine_uncovers_nothing),
                cmocka_unit_test(test_undefine_forgets_the_end),
                cmocka_unit_test(test_undefine_nvram),
                cmocka_unit_test(test_define_keeps_privacy),
                cmocka_unit_test(test_link_is_followed),
                cmocka_unit_test(test_writers_wait),
                cmocka_unit_test(test_broken_definition_does_not_hide_others),
                cmocka_unit_test(test_start_checks_before_systemd),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
