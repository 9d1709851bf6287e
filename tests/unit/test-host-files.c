/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths, opening what a plan names, and what is kept below /run/vmunit. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "file-access.h"
#include "file-util.h"
#include "open-folder.h"
#include "open-files.h"
#include "open-sockets.h"
#include "path-walk.h"
#include "private-directory.h"
#include "resources.h"
#include "runtime.h"
#include "string-util.h"
#include "test-directory.h"

static char *dir; /* of the test that runs */

static char *in_dir(const char *name) {
        char *p = strf("%s/%s", dir, name);
        assert_non_null(p);
        return p;
}

static void make_file(const char *name, const char *content) {
        _cleanup_free_ char *path = in_dir(name);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, content, strlen(content), 0644), 0);
}

static int setup(void **state) {
        dir = test_directory_new();
        return dir ? 0 : -1;
}

static int teardown(void **state) {
        test_directory_remove(dir);
        dir = NULL;
        return 0;
}

/* --- path_walk() --- */

static void walk_fails(const char *name, int error, const char *reason_format) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *path = in_dir(name), *reason = NULL, *expected = strf("%s", reason_format);

        assert_int_equal(path_walk(path, 0, &w, &reason), error);
        assert_non_null(reason);
        /* "@" stands for the directory. */
        char *at = strchr(expected, '@');
        _cleanup_free_ char *full = at ? strf("%.*s%s%s", (int) (at - expected), expected, dir, at + 1) : strdup(expected);
        assert_string_equal(reason, full);
}

static void test_walk_names_the_component(void **state) {
        _cleanup_free_ char *sub = in_dir("a"), *link = in_dir("loop"), *dangling = in_dir("dangling");

        assert_int_equal(mkdir(sub, 0755), 0);
        make_file("a/file", "x");
        assert_int_equal(symlink("loop", link), 0);
        assert_int_equal(symlink("nowhere/at/all", dangling), 0);
        walk_fails("a/b/c/d.qcow2", -ENOENT, "'@/a/b' does not exist");
        walk_fails("a/file/x", -ENOTDIR, "'@/a/file' is not a directory");
        walk_fails("dangling", -ENOENT, "'@/nowhere' does not exist");
        walk_fails("loop", -ELOOP, "Too many levels of symbolic links at '@/loop'");
}

static void test_walk_finds(void **state) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY, v = PATH_WALK_EMPTY;
        _cleanup_free_ char *sub = in_dir("a"), *link = in_dir("link"), *target = in_dir("a/file"), *odd = NULL;

        assert_int_equal(mkdir(sub, 0755), 0);
        make_file("a/file", "hello");
        assert_int_equal(symlink("a/../a/./file", link), 0);
        assert_int_equal(path_walk(link, 0, &w, NULL), 0);
        assert_string_equal(w.resolved, target);
        assert_string_equal(w.last, "file");
        assert_int_equal(w.st.st_size, 5);
        _cleanup_close_ int fd = path_reopen(w.fd, O_RDONLY);
        assert_true(fd >= 0);

        odd = strf("%s//a/./../a//file", dir);
        assert_int_equal(path_walk(odd, 0, &v, NULL), 0);
        assert_string_equal(v.resolved, target);
}

static void test_walk_may_miss_the_last(void **state) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY, v = PATH_WALK_EMPTY;
        _cleanup_free_ char *path = in_dir("new.log"), *deep = in_dir("no/new.log");

        assert_int_equal(path_walk(path, PATH_WALK_MAY_MISS, &w, NULL), 0);
        assert_true(w.fd < 0);
        assert_true(w.parent_fd >= 0);
        assert_string_equal(w.last, "new.log");
        assert_int_equal(path_walk(deep, PATH_WALK_MAY_MISS, &v, NULL), -ENOENT);
}

/* A link that somebody else put there leads only to what is his. */
static void test_walk_does_not_lend_files(void **state) {
        _cleanup_free_ char *home = in_dir("home"), *link = in_dir("home/disk"), *own_link = in_dir("home/own");
        _cleanup_free_ char *own = in_dir("home/own-file"), *root_link = in_dir("home/root-link"), *reason = NULL;
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY, v = PATH_WALK_EMPTY, u = PATH_WALK_EMPTY;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(home, 0755), 0);
        assert_int_equal(chown(home, 4242, 4242), 0);
        make_file("secret", "root's");
        make_file("home/own-file", "his");
        assert_int_equal(chown(own, 4242, 4242), 0);
        assert_int_equal(symlink("../secret", link), 0);
        assert_int_equal(symlink("../secret", root_link), 0);
        assert_int_equal(symlink("own-file", own_link), 0);
        assert_int_equal(lchown(link, 4242, 4242), 0);
        assert_int_equal(lchown(own_link, 4242, 4242), 0);

        assert_int_equal(path_walk(link, 0, &w, &reason), -EPERM);
        assert_non_null(strstr(reason, "of uid 4242 leads to"));
        assert_int_equal(path_walk(own_link, 0, &v, NULL), 0);
        assert_false(v.trusted);
        /* Who made it does not matter there: he could have moved it from elsewhere in his directory. */
        reason = mfree(reason);
        assert_int_equal(path_walk(root_link, 0, &u, &reason), -EPERM);
        assert_non_null(strstr(reason, "root-link' of uid 4242 leads to"));
        /* What counts is who may write to the directory. */
        assert_int_equal(chown(home, 0, 0), 0);
        assert_int_equal(path_walk(root_link, 0, &u, NULL), 0);
}

/* --- open_plan_fd() --- */

static void open_fails(PlanFd *p, const char *name, int error, const char *format) {
        _cleanup_free_ char *path = in_dir(name), *expected = NULL;
        _cleanup_diag_ Diag diag = {};
        OpenedFd o = {};

        p->path = path;
        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(open_plan_fd(p, 0, &diag, &o), error);
        expected = strf(format, path, dir);
        assert_string_equal(diag_first_error(&diag), expected);
        assert_int_equal(o.n_fds, 0);
}

#define FILE_FD(...) ((PlanFd) { .name = (char *) "disk-vda", .kind = PLAN_FD_FILE, .element = (char *) "disk vda", __VA_ARGS__ })

static void test_open_refusals(void **state) {
        _cleanup_free_ char *sub = in_dir("a"), *fifo = in_dir("fifo");
        PlanFd p = FILE_FD(.writable = true), block = FILE_FD(.block_device = true), create = FILE_FD(.create = true, .writable = true);

        assert_int_equal(mkdir(sub, 0755), 0);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        make_file("file", "x");
        open_fails(&p, "vm/a.qcow2", -ENOENT, "cannot open '%1$s' for disk vda: '%2$s/vm' does not exist");
        open_fails(&p, "a", -EISDIR, "cannot open '%1$s' for disk vda: it is a directory, not a regular file");
        open_fails(&p, "fifo", -EINVAL, "cannot open '%1$s' for disk vda: it is a fifo, not a regular file");
        open_fails(&block, "file", -EINVAL, "cannot open '%1$s' for disk vda: it is a regular file, not a block device");
        open_fails(&create, "vm/a.log", -ENOENT, "cannot open '%1$s' for disk vda: '%2$s/vm' does not exist");
}

static void test_open_modes(void **state) {
        _cleanup_free_ char *path = in_dir("file"), *log = in_dir("log");
        PlanFd ro = FILE_FD(.path = path), rw = FILE_FD(.path = path, .writable = true);
        PlanFd append = FILE_FD(.path = log, .writable = true, .create = true, .append = true);
        PlanFd truncate = FILE_FD(.path = log, .writable = true, .create = true);
        struct stat st;
        OpenedFd o = {};

        make_file("file", "x");
        assert_int_equal(open_plan_fd(&ro, 0, NULL, &o), 0);
        assert_int_equal(fcntl(o.fds[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
        assert_int_equal(fcntl(o.fds[0], F_GETFD), FD_CLOEXEC);
        opened_fd_done(&o);
        assert_int_equal(open_plan_fd(&rw, 0, NULL, &o), 0);
        assert_int_equal(fcntl(o.fds[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
        opened_fd_done(&o);

        for (int i = 0; i < 2; i++) {
                assert_int_equal(open_plan_fd(&append, 0, NULL, &o), 0);
                assert_int_equal(fcntl(o.fds[0], F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND);
                assert_int_equal(write_all(o.fds[0], "line\n", 5), 0);
                opened_fd_done(&o);
        }
        assert_int_equal(stat(log, &st), 0);
        assert_int_equal(st.st_size, 10);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(open_plan_fd(&truncate, 0, NULL, &o), 0);
        opened_fd_done(&o);
        assert_int_equal(stat(log, &st), 0);
        assert_int_equal(st.st_size, 0);
}

static void test_open_image_in_use(void **state) {
        _cleanup_free_ char *path = in_dir("disk");
        PlanFd rw = FILE_FD(.writable = true), ro = FILE_FD(.path = path);
        struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 201, .l_len = 1 };
        OpenedFd o = {};

        make_file("disk", "x");
        _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
        open_fails(&rw, "disk", -EBUSY,
                   "cannot open '%1$s' for disk vda: another process, such as a VM, has it open for writing");
        assert_int_equal(open_plan_fd(&ro, 0, NULL, &o), 0);
        opened_fd_done(&o);
}

static void check_content(const char *path, const char *content) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(read_file_limited(AT_FDCWD, path, 100, &text, NULL), 0);
        assert_string_equal(text, content);
}

static void renew_fails(const PlanFd *p, int error, const char *format) {
        _cleanup_free_ char *expected = strf(format, p->path, p->template);
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(remove_templated_file(p, &diag), error);
        assert_string_equal(diag_first_error(&diag), expected);
        check_content(p->path, "changed");
}

/* Made of its template once; made anew when that is asked for, and can be done. */
static void test_templated_file(void **state) {
        _cleanup_free_ char *path = in_dir("vars"), *template = in_dir("template"), *missing = in_dir("missing");
        PlanFd p = FILE_FD(.path = path, .template = template, .writable = true), plain = p, lost = p;
        struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 201, .l_len = 1 };
        OpenedFd o = {};

        make_file("template", "fresh");
        assert_int_equal(remove_templated_file(&p, NULL), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
                opened_fd_done(&o);
                check_content(path, i == 0 ? "fresh" : "changed");
                make_file("vars", "changed");
        }

        plain.template = NULL;
        lost.template = missing;
        renew_fails(&plain, -ENOENT, "cannot renew '%1$s' for disk vda: there is no template for it");
        renew_fails(&lost, -ENOENT, "cannot open '%2$s' for disk vda: '%2$s' does not exist");
        int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
        renew_fails(&p, -EBUSY, "cannot open '%1$s' for disk vda: another process, such as a VM, has it open for writing");
        close(fd);

        assert_int_equal(remove_templated_file(&p, NULL), 0);
        assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
        opened_fd_done(&o);
        check_content(path, "fresh");
}

static void test_copy_is_sealed(void **state) {
        _cleanup_free_ char *path = in_dir("kernel");
        PlanFd p = { .name = (char *) "kernel", .kind = PLAN_FD_COPY, .element = (char *) "kernel", .path = path };
        OpenedFd o = {};
        char buffer[8] = {};

        make_file("kernel", "vmlinuz");
        assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
        make_file("kernel", "changed");
        assert_int_equal(read(o.fds[0], buffer, sizeof(buffer)), 7);
        assert_string_equal(buffer, "vmlinuz");
        assert_int_equal(write(o.fds[0], "x", 1), -1);
        assert_int_equal(fcntl(o.fds[0], F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        opened_fd_done(&o);
}

/* --- memory --- */

#define MEMORY_FD(...) ((PlanFd) { .name = (char *) "memory-ram", .kind = PLAN_FD_MEMORY, .element = (char *) "memory", __VA_ARGS__ })

static void test_mapped_files(void **state) {
        _cleanup_free_ char *path = in_dir("memory"), *sub = in_dir("a");
        PlanFd p = MEMORY_FD(.path = path, .size = 4096, .writable = true), missing = MEMORY_FD(.writable = true), other = missing;
        OpenedFd o = {};
        struct stat st;

        open_fails(&missing, "memory", -ENOENT, "cannot open '%1$s' for memory: '%1$s' does not exist");
        p.create = true;
        assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
        assert_int_equal(fcntl(o.fds[0], F_GETFL) & O_ACCMODE, O_RDWR);
        assert_int_equal(fstat(o.fds[0], &st), 0);
        assert_int_equal(st.st_size, 4096);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(pwrite(o.fds[0], "x", 1, 0), 1);
        opened_fd_done(&o);
        /* What is there stays, whatever its size is. */
        p.size = 8192;
        assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
        assert_int_equal(fstat(o.fds[0], &st), 0);
        assert_int_equal(st.st_size, 4096);
        opened_fd_done(&o);
        assert_int_equal(mkdir(sub, 0755), 0);
        open_fails(&other, "a", -EISDIR, "cannot open '%1$s' for memory: it is a directory, not a regular file");
}

/* --- access --- */

/* Whether UID can open PATH to read and write. */
static bool lets_in(const char *path, uid_t uid) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ? 2 : open(path, O_RDWR) < 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        return WEXITSTATUS(status) == 0;
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void test_access_for_users(void **state) {
        _cleanup_free_ char *path = in_dir("file");
        uint8_t list[256];

        if (geteuid() != 0)
                skip();
        assert_int_equal(chmod(dir, 0755), 0);
        make_file("file", "x");
        assert_int_equal(chmod(path, 0640), 0);
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        int r = file_access_grant(fd, 4242, true);
        if (r == -EOPNOTSUPP)
                skip();
        assert_int_equal(r, 0);
        assert_true(lets_in(path, 4242));
        assert_false(lets_in(path, 4243));
        /* Two machines, and the first one again. */
        assert_int_equal(file_access_grant(fd, 4241, true), 0);
        assert_int_equal(file_access_grant(fd, 4242, true), 0);
        assert_true(lets_in(path, 4241) && lets_in(path, 4242));
        assert_int_equal(file_access_revoke(fd, 4242), 0);
        assert_true(lets_in(path, 4241) && !lets_in(path, 4242));
        assert_int_equal(file_access_revoke(fd, 4241), 0);
        assert_int_equal(file_access_revoke(fd, 4241), 0);
        assert_false(lets_in(path, 4241));
        /* As it was: no list is left. */
        assert_int_equal(mode_of(path), 0640);
        assert_int_equal(getxattr(path, "system.posix_acl_access", list, sizeof(list)), -1);
        assert_int_equal(errno, ENODATA);
        /* Only to read; and who owns it needs nothing. */
        assert_int_equal(file_access_grant(fd, 4242, false), 0);
        assert_false(lets_in(path, 4242));
        assert_int_equal(chown(path, 4243, 0), 0);
        assert_int_equal(file_access_has(fd, 4243, true, true), 1);
}

/* An entry of the administrator's own is none to be made, and none to be taken. */
static void test_access_that_is_there(void **state) {
        _cleanup_free_ char *path = in_dir("given");

        if (geteuid() != 0)
                skip();
        make_file("given", "x");
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        if (file_access_grant(fd, 4242, false) == -EOPNOTSUPP)
                skip();
        assert_int_equal(file_access_has(fd, 4242, false, true), 1);
        assert_int_equal(file_access_has(fd, 4242, true, true), 0);
        assert_int_equal(file_access_has(fd, 4241, false, true), 0);
        assert_int_equal(file_access_has(fd, 4242, false, false), 0);
        assert_int_equal(file_access_grant(fd, 4242, true), 0);
        assert_int_equal(file_access_has(fd, 4242, true, true), 1);
        assert_int_equal(chmod(path, 0640), 0); /* the mask */
        assert_int_equal(file_access_has(fd, 4242, true, true), 0);
        assert_int_equal(file_access_has(fd, 4242, false, true), 1);
        assert_int_equal(file_access_revoke(fd, 4242), 0);
        assert_int_equal(file_access_has(fd, 4242, false, true), 0);
        assert_int_equal(chown(path, 4242, 0), 0);
        assert_int_equal(file_access_has(fd, 4242, true, false), 1);
        assert_int_equal(chmod(path, 0400), 0);
        assert_int_equal(file_access_has(fd, 4242, true, true), 0);
}

/* What the mask of a list holds back stays back when the mask gets wider. */
static void test_access_behind_a_mask(void **state) {
        _cleanup_free_ char *path = in_dir("masked");

        if (geteuid() != 0)
                skip();
        assert_int_equal(chmod(dir, 0755), 0);
        make_file("masked", "x");
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        if (file_access_grant(fd, 4242, true) == -EOPNOTSUPP)
                skip();
        assert_int_equal(chmod(path, 0600), 0); /* the mask */
        assert_false(lets_in(path, 4242));
        assert_int_equal(file_access_grant(fd, 4241, true), 0);
        assert_true(lets_in(path, 4241));
        assert_false(lets_in(path, 4242));
}

/* --- sockets --- */

static void test_unix_listener(void **state) {
        _cleanup_free_ char *path = in_dir("sock"), *reason = NULL;
        struct stat st, on_disk;

        int fd = listen_unix(path, geteuid(), &st, NULL);
        assert_true(fd >= 0);
        assert_int_equal(stat(path, &on_disk), 0);
        assert_int_equal(on_disk.st_mode & 07777, 0600);
        assert_int_equal(on_disk.st_ino, st.st_ino);
        /* Somebody listens there. */
        assert_int_equal(listen_unix(path, geteuid(), &on_disk, &reason), -EADDRINUSE);
        assert_string_equal(reason, "another process listens there");
        int client = connect_unix(path, NULL);
        assert_true(client >= 0);
        close(client);
        /* Nobody does any more: a crash left it. */
        close(fd);
        fd = listen_unix(path, geteuid(), &on_disk, NULL);
        assert_true(fd >= 0);
        close(fd);
        /* Not ours: another inode. */
        assert_int_equal(remove_socket(path, on_disk.st_dev, on_disk.st_ino + 1), 0);
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(remove_socket(path, on_disk.st_dev, on_disk.st_ino), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(remove_socket(path, on_disk.st_dev, on_disk.st_ino), 0);
}

static void test_unix_listener_spares_files(void **state) {
        _cleanup_free_ char *path = in_dir("file"), *reason = NULL, *expected = NULL;
        struct stat st;

        make_file("file", "precious");
        assert_int_equal(listen_unix(path, 0, &st, &reason), -EEXIST);
        expected = strf("'%s' exists and is not a socket", path);
        assert_string_equal(reason, expected);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 8);
}

/* A dead socket of his own in a directory of root's does not make the directory his. */
static void test_unix_listener_in_a_lent_directory(void **state) {
        _cleanup_free_ char *home = in_dir("home"), *there = in_dir("there"), *sock = in_dir("there/sock");
        _cleanup_free_ char *link = in_dir("home/link"), *path = in_dir("home/link/sock"), *reason = NULL;
        struct stat st;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(home, 0755), 0);
        assert_int_equal(mkdir(there, 0755), 0);
        int fd = listen_unix(sock, 4242, &st, NULL);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(symlink("../there", link), 0);
        assert_int_equal(lchown(link, 4242, 4242), 0);
        assert_int_equal(chown(home, 4242, 4242), 0);
        assert_int_equal(listen_unix(path, 4242, &st, &reason), -EPERM);
        assert_non_null(strstr(reason, "of uid 0 and is not followed"));
        assert_int_equal(access(sock, F_OK), 0);
        /* The control: in his own directory it is replaced. */
        assert_int_equal(chown(there, 4242, 4242), 0);
        fd = listen_unix(path, 4242, &st, NULL);
        assert_true(fd >= 0);
        close(fd);
}

static void test_unix_long_path(void **state) {
        char name[86] = {}; /* longer than sun_path with the directory, not without */
        struct stat st;

        memset(name, 'n', sizeof(name) - 1);
        _cleanup_free_ char *path = in_dir(name);
        _cleanup_close_ int fd = listen_unix(path, geteuid(), &st, NULL);
        assert_true(fd >= 0);
        _cleanup_close_ int client = connect_unix(path, NULL);
        assert_true(client >= 0);
}

static void test_connect_refusals(void **state) {
        _cleanup_free_ char *path = in_dir("file"), *reason = NULL;

        make_file("file", "x");
        assert_int_equal(connect_unix(path, &reason), -ENOTSOCK);
        assert_string_equal(reason, "it is not a socket");
}

/* The question reaches nobody. */
static void test_open_socket(void **state) {
        _cleanup_free_ char *path = in_dir("switch");
        PlanFd p = { .name = (char *) "vhost-user-net0", .kind = PLAN_FD_SOCKET, .element = (char *) "interface net0", .writable = true };
        OpenedFd o = {};
        struct stat st;

        make_file("file", "x");
        open_fails(&p, "file", -EINVAL, "cannot open '%1$s' for interface net0: it is a regular file, not a socket");
        open_fails(&p, "nothing", -ENOENT, "cannot open '%1$s' for interface net0: '%1$s' does not exist");
        int fd = listen_unix(path, geteuid(), &st, NULL);
        assert_true(fd >= 0);
        p.path = path;
        assert_int_equal(open_plan_fd(&p, 0, NULL, &o), 0);
        assert_int_equal(fcntl(o.fds[0], F_GETFL) & O_PATH, O_PATH);
        opened_fd_done(&o);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(accept(fd, NULL, NULL), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(close(fd), 0);
        open_fails(&p, "switch", -ECONNREFUSED, "cannot connect to '%1$s' for interface net0: nobody listens there");
}

static void test_tcp_first_free(void **state) {
        _cleanup_free_ char *reason = NULL;
        struct sockaddr_storage a;
        socklen_t size = sizeof(a);

        _cleanup_close_ int first = listen_tcp("127.0.0.1", "35900+", NULL);
        _cleanup_close_ int second = listen_tcp("127.0.0.1", "35900+", NULL);
        assert_true(first >= 0);
        assert_true(second >= 0);
        assert_int_equal(getsockname(first, (struct sockaddr *) &a, &size), 0);
        const uint8_t *p = (const uint8_t *) &((struct sockaddr *) &a)->sa_data;
        _cleanup_free_ char *port = strf("%u", (unsigned) p[0] * 256 + p[1]);
        assert_int_equal(listen_tcp("127.0.0.1", port, &reason), -EADDRINUSE);
        assert_string_equal(reason, "the port is in use");
        assert_int_equal(listen_tcp("127.0.0.1", "0", NULL), -ERANGE);
        assert_int_equal(listen_tcp("127.0.0.1", "70000", NULL), -ERANGE);
        assert_int_equal(listen_tcp("127.0.0.1", "5900++", NULL), -EINVAL);
}

/* --- the runtime directory --- */

static void test_ids_count_up(void **state) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        unsigned id;

        for (unsigned i = 1; i <= 3; i++) {
                assert_int_equal(runtime_allocate_id(fd, &id), 0);
                assert_int_equal(id, i);
        }
        make_file(RUNTIME_NEXT_ID, "nonsense\n");
        assert_int_equal(runtime_allocate_id(fd, &id), -EBADMSG);
}

static void test_group_of_a_unit(void **state) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const char *link = RUNTIME_GROUPS "/vm@a.service";
        char target[64];

        assert_int_equal(runtime_set_group(fd, "vm@a.service", NULL), 0);
        for (unsigned i = 0; i < 2; i++) {
                const char *group = i == 0 ? "/sys/fs/cgroup/a.slice/vm@a.service" : "/sys/fs/cgroup/vm@a.service";
                assert_int_equal(runtime_set_group(fd, "vm@a.service", group), 0);
                ssize_t n = readlinkat(fd, link, target, sizeof(target) - 1);
                assert_int_equal(n, strlen(group));
                assert_memory_equal(target, group, strlen(group));
        }
        assert_int_equal(runtime_set_group(fd, "vm@a.service", NULL), 0);
        assert_true(readlinkat(fd, link, target, sizeof(target)) < 0);
        assert_int_equal(unlinkat(fd, RUNTIME_GROUPS, AT_REMOVEDIR), 0);
        /* A link by that name is not followed. */
        assert_int_equal(symlinkat("/tmp", fd, RUNTIME_GROUPS), 0);
        assert_true(runtime_set_group(fd, "vm@a.service", "/sys/fs/cgroup/a") < 0);
        assert_int_equal(unlinkat(fd, RUNTIME_GROUPS, 0), 0);
}

static void test_state_file(void **state) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DomainState s;
        DomainReason r;

        assert_int_equal(runtime_read_state(fd, &s, &r), -ENOENT);
        _cleanup_close_ int state_fd = runtime_open_state(fd);
        assert_true(state_fd >= 0);
        assert_int_equal(runtime_read_state(fd, &s, &r), -EINVAL);
        assert_int_equal(runtime_write_state(state_fd, STATE_IN_SHUTDOWN, REASON_USER), 0);
        assert_int_equal(runtime_write_state(state_fd, STATE_RUNNING, REASON_BOOTED), 0);
        assert_int_equal(runtime_read_state(fd, &s, &r), 0);
        assert_int_equal(s, STATE_RUNNING);
        assert_int_equal(r, REASON_BOOTED);
}

static void test_clean_keeps_the_state(void **state) {
        _cleanup_free_ char *web = in_dir("web"), *sub = in_dir("web/vm"), *deep = in_dir("web/vm/deep");
        _cleanup_free_ char *link = in_dir("web/vm/link"), *kept = in_dir("web/state"), *plan = in_dir("web/plan.json");
        _cleanup_free_ char *outside = in_dir("outside"), *file = in_dir("outside/file");
        _cleanup_close_ int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(mkdir(web, 0755), 0);
        assert_int_equal(mkdir(sub, 0755), 0);
        assert_int_equal(mkdir(deep, 0755), 0);
        assert_int_equal(mkdir(outside, 0755), 0);
        make_file("outside/file", "x");
        assert_int_equal(symlink("../../outside", link), 0);
        make_file("web/state", "x");
        make_file("web/plan.json", "{}");
        make_file("web/vm/deep/file", "x");
        assert_int_equal(runtime_clean_at(base, "web", RUNTIME_PLAN), 0);
        assert_int_equal(access(plan, F_OK), 0);
        assert_int_equal(access(sub, F_OK), -1);
        assert_int_equal(runtime_clean_at(base, "web", NULL), 0);
        assert_int_equal(access(kept, F_OK), 0);
        assert_int_equal(access(plan, F_OK), -1);
        assert_int_equal(access(sub, F_OK), -1);
        assert_int_equal(access(file, F_OK), 0);
        assert_int_equal(runtime_clean_at(base, "web", NULL), 0);
        assert_int_equal(unlink(kept), 0);
        assert_int_equal(runtime_clean_at(base, "web", NULL), 0);
        assert_int_equal(access(web, F_OK), -1);
        assert_int_equal(runtime_clean_at(base, "web", NULL), 0);
}

static void test_book_of_resources(void **state) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Resource a = { .kind = RESOURCE_FD, .name = (char *) "disk-vda" };
        Resource b = { .kind = RESOURCE_TAP, .name = (char *) "vnet0", .ifindex = 7 };
        Resource c = { .kind = RESOURCE_SOCKET, .name = (char *) "/run/a b", .dev = 3, .ino = 99 };
        Resource d = { .kind = RESOURCE_PROFILE, .name = (char *) "vmunit-web" };
        Resource e = { .kind = RESOURCE_ACCESS, .name = (char *) "/srv/a b", .uid = 61234, .dev = 3, .ino = 98 };
        Resource f = { .kind = RESOURCE_PORT, .name = (char *) "vnet1", .ifindex = 8 };
        Resource g = { .kind = RESOURCE_SCRIPT, .name = (char *) "web0 /etc/a script", .ifindex = 9 };
        Resource h = { .kind = RESOURCE_LIMITS, .name = (char *) "mine0", .ifindex = 10 };
        Resource bad = { .kind = RESOURCE_FD, .name = (char *) "two\nlines" };
        _cleanup_resources_ Resources list = {}, none = {};

        assert_int_equal(resources_read(fd, &none), 0);
        assert_int_equal(none.n_items, 0);
        assert_int_equal(resources_add(fd, &a), 0);
        assert_int_equal(resources_add(fd, &b), 0);
        assert_int_equal(resources_add(fd, &c), 0);
        assert_int_equal(resources_add(fd, &d), 0);
        assert_int_equal(resources_add(fd, &e), 0);
        assert_int_equal(resources_add(fd, &f), 0);
        assert_int_equal(resources_add(fd, &g), 0);
        assert_int_equal(resources_add(fd, &h), 0);
        assert_int_equal(resources_add(fd, &bad), -EINVAL);
        /* What a crash tore off, and what is not ours. */
        _cleanup_close_ int file = openat(fd, RUNTIME_RESOURCES, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write_all(file, "nonsense\ntap x y\naccess 1 2 /x\nsocket 1", 40), 0);
        assert_int_equal(resources_read(fd, &list), 0);
        assert_int_equal(list.n_items, 8);
        assert_string_equal(list.items[0].name, "disk-vda");
        assert_int_equal(list.items[1].ifindex, 7);
        assert_string_equal(list.items[2].name, "/run/a b");
        assert_int_equal(list.items[2].ino, 99);
        assert_int_equal(list.items[3].kind, RESOURCE_PROFILE);
        assert_string_equal(list.items[3].name, "vmunit-web");
        assert_int_equal(list.items[4].kind, RESOURCE_ACCESS);
        assert_int_equal(list.items[4].uid, 61234);
        assert_int_equal(list.items[4].ino, 98);
        assert_string_equal(list.items[4].name, "/srv/a b");
        assert_int_equal(list.items[5].kind, RESOURCE_PORT);
        assert_int_equal(list.items[6].kind, RESOURCE_SCRIPT);
        assert_string_equal(list.items[6].name, "web0 /etc/a script");
        assert_int_equal(list.items[7].kind, RESOURCE_LIMITS);
        assert_int_equal(list.items[7].ifindex, 10);
}

/* --- a directory for as long as the process lives --- */

static void fill(const char *path) {
        _cleanup_free_ char *below = strf("%s/a", path), *file = strf("%s/a/file", path), *link = strf("%s/a/link", path);

        assert_int_equal(mkdir(below, 0700), 0);
        FILE *f = fopen(file, "we");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(symlink("/", link), 0);
}

static void test_private_directory(void **state) {
        PrivateDirectory *d;
        struct stat st;

        assert_int_equal(private_directory_new("vmunit-test", &d), 0);
        _cleanup_free_ char *path = strdup(d->path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
        fill(path);
        assert_null(private_directory_free(d));
        assert_int_equal(stat(path, &st), -1);
        assert_int_equal(stat("/", &st), 0);
        assert_null(private_directory_free(NULL));
}

/* A process that is killed leaves none behind either. */
static void test_private_directory_killed(void **state) {
        char path[256] = "";
        int fds[2], status;

        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                PrivateDirectory *d;
                if (private_directory_new("vmunit-test", &d) < 0)
                        _exit(EXIT_FAILURE);
                fill(d->path);
                (void) !write(fds[1], d->path, strlen(d->path));
                (void) pause();
        }
        assert_true(read(fds[0], path, sizeof(path) - 1) > 0);
        struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
        assert_true(inotify_add_watch(p.fd, path, IN_DELETE_SELF) >= 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(poll(&p, 1, 20000), 1);
        assert_int_equal(access(path, F_OK), -1);
        close(p.fd);
        close(fds[0]);
        close(fds[1]);
}

/* --- room --- */

/* FUNCTION does in a child, with the test's directory, what would change more than that; it gives 0, or 77 where it cannot be done here. */
static void check_in_child(int (*function)(const char *path)) {
        int status;

        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(function(dir));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* On a small file system of its own. */
static int fill_up(const char *path) {
        static const char block[65536] = { 1 };

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("tmpfs", path, "tmpfs", 0, "size=1m") < 0)
                return 77;
        _cleanup_free_ char *name = strf("%s/file", path);
        _cleanup_close_ int fd = name ? open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -EBADF;
        if (fd < 0 || !leaves_room(fd, 20))
                return 1;
        for (int i = 0; i < 14; i++) /* of 16 */
                if (write_all(fd, block, sizeof(block)) < 0 || !leaves_room(fd, 20))
                        return 2;
        return leaves_room(fd, 4) ? 3 : write_all(fd, block, sizeof(block)) < 0 || write_all(fd, block, sizeof(block) / 2) < 0 ? 4 :
                leaves_room(fd, 20) ? 5 : 0;
}

static void test_room_that_is_left(void **state) {
        check_in_child(fill_up);
}

/* --- directories of the machine's own --- */

static void test_own_directory(void **state) {
        _cleanup_free_ char *path = in_dir("tpm/tpm2"), *outer = in_dir("tpm"), *file = in_dir("tpm/tpm2/state"), *beside = in_dir("tpm/beside");
        PlanFd p = { .name = (char *) "tpm-state", .kind = PLAN_FD_DIRECTORY, .element = (char *) "tpm tpm0", .path = path };
        uid_t owner = geteuid() == 0 ? 61234 : geteuid();
        _cleanup_diag_ Diag diag = {};
        struct dirent *e;
        struct stat st;

        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        for (int i = 0; i < 2; i++) { /* made, and found */
                OpenedFd o = {};
                int r = open_plan_fd(&p, owner, &diag, &o);
                if (r == -EPERM || r == -ENOSPC)
                        skip();
                assert_int_equal(r, 0);
                assert_int_equal(fstat(o.fds[0], &st), 0);
                assert_int_equal(st.st_uid, owner);
                assert_int_equal(st.st_mode & 07777, 0700);
                assert_int_equal(fsync(o.fds[0]), 0);
                _cleanup_closedir_ DIR *d = open_entries(o.fds[0]);
                assert_non_null(d);
                assert_int_equal(next_entry(d, &e), i);
                _cleanup_close_ int made = openat(o.fds[0], "state", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                assert_true(made >= 0);
                assert_int_equal(access(file, F_OK), 0);
                /* All of the host would be above it. */
                assert_int_equal(mkdirat(o.fds[0], "../beside", 0700), 0);
                assert_int_equal(access(beside, F_OK), -1);
                assert_int_equal(unlinkat(o.fds[0], "beside", AT_REMOVEDIR), 0);
                opened_fd_done(&o);
        }
        assert_int_equal(stat(outer, &st), 0);
        assert_int_equal(st.st_uid, geteuid());
        assert_int_equal(diag.n_entries, 0);
}

/* --- open_folder() --- */

#define FOLDER_FD(...) ((PlanFd) { .name = (char *) "folder-fs0", .kind = PLAN_FD_FOLDER, .element = (char *) "filesystem 't'", __VA_ARGS__ })

static void test_folder_refusals(void **state) {
        PlanFd p = FOLDER_FD();

        make_file("file", "x");
        open_fails(&p, "none", -ENOENT, "cannot hand over directory '%1$s' for filesystem 't': '%1$s' does not exist");
        open_fails(&p, "file", -ENOTDIR, "cannot hand over directory '%1$s' for filesystem 't': it is not a directory");
}

/* Makes a file as the machine would. 0 or an errno. */
static int as_machine(int fd, uid_t uid, const char *name) {
        int status;

        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                _cleanup_free_ char *path = strf("/proc/self/fd/%d/%s", fd, name);
                if (!path || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(255);
                int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
                _exit(file < 0 ? errno : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_folder_is_the_owners(void **state) {
        _cleanup_free_ char *path = in_dir("share"), *made = in_dir("share/made"), *roots = in_dir("share/roots"), *above = in_dir("above");
        PlanFd rw = FOLDER_FD(.path = path, .writable = true), ro = FOLDER_FD(.path = path);
        _cleanup_diag_ Diag diag = {};
        OpenedFd o = {};
        struct stat st;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(mkdir(roots, 0755), 0);
        assert_int_equal(chown(path, 4711, 4712), 0);
        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(open_folder(&rw, 61234, 61234, &diag, &o), 0);
        if (diag.n_entries > 0) /* a file system without such a mapping */
                skip();
        assert_int_equal(fstat(o.fds[0], &st), 0);
        assert_int_equal(st.st_uid, 61234);
        assert_int_equal(st.st_gid, 61234);
        assert_int_equal(as_machine(o.fds[0], 61234, "made"), 0);
        assert_int_equal(stat(made, &st), 0);
        assert_int_equal(st.st_uid, 4711);
        assert_int_equal(st.st_gid, 4712);
        assert_int_equal(as_machine(o.fds[0], 61235, "others"), EACCES);
        assert_int_equal(as_machine(o.fds[0], 61234, "roots/x"), EACCES);
        /* ".." of a mount that is nowhere is itself. */
        assert_int_equal(as_machine(o.fds[0], 61234, "../above"), 0);
        assert_int_equal(access(above, F_OK), -1);
        opened_fd_done(&o);

        assert_int_equal(open_folder(&ro, 61234, 61234, &diag, &o), 0);
        assert_int_equal(as_machine(o.fds[0], 61234, "more"), EROFS);
        opened_fd_done(&o);
}

/* In a session: all of the user's files are in reach of whoever can go up from a directory of his. */
static void test_folder_of_a_session(void **state) {
        _cleanup_free_ char *path = in_dir("share"), *secret = in_dir("secret");
        PlanFd rw = FOLDER_FD(.path = path, .writable = true), ro = FOLDER_FD(.path = path);
        _cleanup_diag_ Diag diag = {};
        OpenedFd o = {};

        assert_int_equal(mkdir(path, 0700), 0);
        make_file("secret", "x");
        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        int r = open_folder(&rw, geteuid(), getegid(), &diag, &o);
        if (r == -EPERM || r == -ENOSPC) /* no user namespaces here */
                skip();
        assert_int_equal(r, 0);
        assert_int_equal(faccessat(o.fds[0], ".", W_OK, 0), 0);
        assert_int_equal(mkdirat(o.fds[0], "made", 0700), 0);
        assert_int_equal(faccessat(o.fds[0], "../secret", F_OK, 0), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(faccessat(o.fds[0], "../made", F_OK, 0), 0);
        opened_fd_done(&o);

        assert_int_equal(open_folder(&ro, geteuid(), getegid(), &diag, &o), 0);
        assert_int_equal(mkdirat(o.fds[0], "more", 0700), -1);
        assert_int_equal(errno, EROFS);
        opened_fd_done(&o);
        assert_int_equal(diag.n_entries, 0);
}

/* Whose limit of user namespaces is zero. */
static int without_namespaces(const char *path) {
        const PlanFd p = FOLDER_FD(.path = (char *) path);
        _cleanup_diag_ Diag diag = {};
        OpenedFd o = {};

        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        _cleanup_close_ int limit = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
        if (limit < 0 || write(limit, "0", 1) != 1)
                return 77;
        if (diag_init(&diag, "web.xml") < 0 || open_folder(&p, geteuid(), getegid(), &diag, &o) != -ENOSPC)
                return 1;
        return strstr(strempty(diag_first_error(&diag)), "for filesystem 't': that takes a user namespace, and this user may make none") ? 0 : 2;
}

static void test_folder_without_namespaces(void **state) {
        assert_int_equal(chmod(dir, 0755), 0);
        check_in_child(without_namespaces);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_walk_names_the_component), TEST(test_walk_finds),
                TEST(test_private_directory),        TEST(test_private_directory_killed),
                TEST(test_walk_may_miss_the_last),   TEST(test_walk_does_not_lend_files),
                TEST(test_open_refusals),            TEST(test_open_modes),
                TEST(test_open_image_in_use),        TEST(test_copy_is_sealed),
                TEST(test_templated_file),           TEST(test_access_behind_a_mask),
                TEST(test_mapped_files),             TEST(test_access_for_users),         TEST(test_access_that_is_there),
                TEST(test_unix_listener),            TEST(test_unix_listener_spares_files),
                TEST(test_unix_long_path),           TEST(test_connect_refusals),
                TEST(test_open_socket),
                TEST(test_tcp_first_free),           TEST(test_ids_count_up),
                TEST(test_group_of_a_unit), TEST(test_state_file),               TEST(test_clean_keeps_the_state),
                TEST(test_book_of_resources),        TEST(test_unix_listener_in_a_lent_directory),
                TEST(test_folder_refusals),       TEST(test_folder_is_the_owners),
                TEST(test_folder_of_a_session),   TEST(test_own_directory),
                TEST(test_room_that_is_left),      TEST(test_folder_without_namespaces),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
