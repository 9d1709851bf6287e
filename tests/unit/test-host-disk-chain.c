/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images behind images. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "chain-record.h"
#include "disk-chain.h"
#include "file-util.h"
#include "string-util.h"
#include "test-directory.h"

static char *dir;

static int setup(void **state) {
        dir = test_directory_new();
        return dir ? 0 : -1;
}

static int teardown(void **state) {
        test_directory_remove(dir);
        return 0;
}

static void put_bytes(const char *name, const void *data, size_t size) {
        _cleanup_free_ char *path = strf("%s/%s", dir, name);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, data, size, 0644), 0);
}

static void be32(uint8_t *p, uint32_t v) {
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> (24 - 8 * i));
}

static void be64(uint8_t *p, uint64_t v) {
        be32(p, (uint32_t) (v >> 32));
        be32(p + 4, (uint32_t) v);
}

/* The head of a qcow2 image, version 3; BACKING and FORMAT may be NULL. */
static void put_qcow2(const char *name, const char *backing, const char *format) {
        uint8_t h[4096] = { 'Q', 'F', 'I', 0xfb };
        size_t n = 104;

        be32(h + 4, 3);
        be32(h + 20, 16);
        be64(h + 24, 1 << 20);
        be32(h + 36, 1);
        be64(h + 40, 3 << 16);
        be64(h + 48, 1 << 16);
        be32(h + 56, 1);
        be32(h + 96, 4);
        be32(h + 100, 104);
        if (format) {
                be32(h + n, 0xe2792aca);
                be32(h + n + 4, (uint32_t) strlen(format));
                memcpy(h + n + 8, format, strlen(format));
                n += 8 + (strlen(format) + 7) / 8 * 8;
        }
        n += 8; /* end of the extensions */
        if (backing) {
                be64(h + 8, n);
                be32(h + 16, (uint32_t) strlen(backing));
                memcpy(h + n, backing, strlen(backing));
        }
        put_bytes(name, h, sizeof(h));
}

/* One disk "vda" with the image NAME. */
static int resolve(const char *name, DiskFormat format, Diag *diag, HostFacts *facts) {
        DomainDisk disk = {
                .source.type = DISK_FILE, .device = DEVICE_DISK, .source.format = format, .target_dev = (char *) "vda",
                .source.path = strf("%s/%s", dir, name), .info.loc = { 7, 5 },
        };
        Domain d = { .disks = &disk, .n_disks = 1 };

        assert_int_equal(diag_init(diag, "web.xml"), 0);
        int r = disk_chains_resolve(&d, diag, facts);
        free(disk.source.path);
        return r;
}

static void chain_is(const char *name, DiskFormat format, const char *expected) {
        static const char *const short_names[] = { [FORMAT_RAW] = "raw", [FORMAT_QCOW2] = "qcow2" };
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};
        char text[512] = {};

        assert_int_equal(resolve(name, format, &diag, &facts), 0);
        assert_int_equal(facts.n_chains, 1);
        assert_string_equal(facts.chains[0].target_dev, "vda");
        FOREACH_ARRAY(i, facts.chains[0].images, facts.chains[0].n_images) {
                size_t n = strlen(text);
                assert_non_null(startswith(i->path, dir));
                (void) snprintf(text + n, sizeof(text) - n, "%s%s:%s", n ? " " : "", i->path + strlen(dir) + 1,
                                short_names[i->format]);
        }
        assert_string_equal(text, expected);
}

static void chain_fails(const char *name, int error, const char *format) {
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *expected = strf(format, dir);

        assert_int_equal(resolve(name, FORMAT_QCOW2, &diag, &facts), error);
        assert_int_equal(diag.n_errors, 1);
        assert_string_equal(diag_first_error(&diag), expected);
        assert_int_equal(diag.entries[0].loc.line, 7);
        assert_int_equal(facts.n_chains, 0);
}

static void test_chains(void **state) {
        _cleanup_free_ char *sub = strf("%s/sub", dir), *link = strf("%s/link.qcow2", dir), *absolute = strf("%s/base.raw", dir);

        assert_int_equal(mkdir(sub, 0755), 0);
        put_bytes("base.raw", "raw", 3);
        put_qcow2("sub/mid.qcow2", "../base.raw", "raw");
        put_qcow2("top.qcow2", "sub/mid.qcow2", "qcow2");
        put_qcow2("alone.qcow2", NULL, NULL);
        put_qcow2("sub/absolute.qcow2", absolute, "raw");
        assert_int_equal(symlink("sub/mid.qcow2", link), 0);
        chain_is("base.raw", FORMAT_RAW, "base.raw:raw");
        /* Never probed: an image taken for raw has nothing behind it. */
        chain_is("top.qcow2", FORMAT_UNSET, "top.qcow2:raw");
        chain_is("alone.qcow2", FORMAT_QCOW2, "alone.qcow2:qcow2");
        chain_is("top.qcow2", FORMAT_QCOW2, "top.qcow2:qcow2 sub/mid.qcow2:qcow2 sub/../base.raw:raw");
        chain_is("sub/absolute.qcow2", FORMAT_QCOW2, "sub/absolute.qcow2:qcow2 base.raw:raw");
        /* Relative to the image, not to the link. */
        chain_is("link.qcow2", FORMAT_QCOW2, "link.qcow2:qcow2 sub/../base.raw:raw");
}

static void test_refusals(void **state) {
        put_qcow2("no-format.qcow2", "base.raw", NULL);
        put_qcow2("missing.qcow2", "gone/base.raw", "raw");
        put_qcow2("loop-a.qcow2", "loop-b.qcow2", "qcow2");
        put_qcow2("loop-b.qcow2", "./loop-a.qcow2", "qcow2");
        put_qcow2("nbd.qcow2", "nbd://host/export", "raw");
        put_qcow2("json.qcow2", "json:{\"driver\":\"file\"}", "raw");
        put_qcow2("odd.qcow2", "base.raw", "blkdebug");
        put_bytes("not.qcow2", "hello", 5);
        chain_fails("absent.qcow2", -ENOENT, "cannot open '%1$s/absent.qcow2' for disk vda: '%1$s/absent.qcow2' does not exist");
        chain_fails("no-format.qcow2", -EINVAL,
                    "format of backing image 'base.raw' of image '%1$s/no-format.qcow2' was not specified in the image metadata");
        chain_fails("missing.qcow2", -ENOENT, "cannot open '%1$s/gone/base.raw' for disk vda: '%1$s/gone' does not exist");
        chain_fails("loop-a.qcow2", -ELOOP, "backing chain of disk vda is a loop: '%1$s/./loop-a.qcow2' is in it twice");
        chain_fails("nbd.qcow2", -EOPNOTSUPP, "not supported: backing file 'nbd://host/export' of image "
                    "'%1$s/nbd.qcow2' is not a file or a block device");
        chain_fails("json.qcow2", -EOPNOTSUPP, "not supported: backing file 'json:{\"driver\":\"file\"}' of image "
                    "'%1$s/json.qcow2' is not a file or a block device");
        chain_fails("odd.qcow2", -EOPNOTSUPP,
                    "not supported: format 'blkdebug' of backing image 'base.raw' of image '%1$s/odd.qcow2'");
        chain_fails("not.qcow2", -EBADMSG, "'%1$s/not.qcow2' of disk vda is not a valid qcow2 image");
}

static void test_depth(void **state) {
        for (unsigned i = 0; i <= DISK_CHAIN_MAX; i++) {
                _cleanup_free_ char *name = strf("%u", i), *next = strf("%u", i + 1);
                put_qcow2(name, i < DISK_CHAIN_MAX ? next : NULL, "qcow2");
        }
        chain_fails("0", -E2BIG, "backing chain of disk vda has more than 200 images");
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};
        assert_int_equal(resolve("1", FORMAT_QCOW2, &diag, &facts), 0);
        assert_int_equal(facts.chains[0].n_images, DISK_CHAIN_MAX);
}

static void test_optional_medium(void **state) {
        DomainDisk disk = {
                .source.type = DISK_FILE, .device = DEVICE_CDROM, .target_dev = (char *) "sda",
                .source.path = strf("%s/no/such.iso", dir), .source.startup = STARTUP_OPTIONAL,
        };
        Domain d = { .disks = &disk, .n_disks = 1 };
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(disk_chains_resolve(&d, &diag, &facts), 0);
        assert_null(disk.source.path);
        assert_int_equal(diag.n_errors, 0);
        assert_int_equal(diag.n_entries, 1);
        assert_int_equal(facts.n_chains, 0);
}

static void test_missing_disk(void **state) {
        DomainDisk *disks = calloc(2, sizeof(DomainDisk));
        Domain d = { .disks = disks, .n_disks = 2 };
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};

        assert_non_null(disks);
        put_bytes("there.raw", "raw", 3);
        disks[0] = (DomainDisk) { .source.type = DISK_FILE, .device = DEVICE_DISK, .target_dev = strdup("vda"),
                                  .source.path = strf("%s/no/such.img", dir), .source.startup = STARTUP_OPTIONAL };
        disks[1] = (DomainDisk) { .source.type = DISK_FILE, .device = DEVICE_DISK, .target_dev = strdup("vdb"),
                                  .source.path = strf("%s/there.raw", dir), .source.startup = STARTUP_OPTIONAL };
        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(disk_chains_resolve(&d, &diag, &facts), 0);
        assert_int_equal(d.n_disks, 1);
        assert_string_equal(disks[0].target_dev, "vdb");
        assert_int_equal(diag.n_entries, 1);
        assert_int_equal(facts.n_chains, 1);
        assert_string_equal(facts.chains[0].target_dev, "vdb");
        disk_done(disks);
        free(disks);
}

/* --- what the definition says of a chain --- */

static DiskSource *below(DiskType type, const char *name, DiskFormat format, DiskSource *next) {
        DiskSource *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        *s = (DiskSource) { .type = type, .format = format, .backing = next };
        if (name)
                s->path = strf("%s/%s", dir, name);
        if (type == DISK_NETWORK)
                s->protocol = PROTO_NBD;
        return s;
}

/* Takes BACKING. TEXT is "NAME:FORMAT" for each image, "-" for one that is elsewhere, "?" before those of which the
 * definition does not say what is behind them. */
static void written_chain_is(const char *name, DiskFormat format, DiskSource *backing, bool is_open, const char *text) {
        DomainDisk disk = { .device = DEVICE_DISK, .target_dev = strdup("vda"), .source = {
                .type = DISK_FILE, .format = format, .path = strf("%s/%s", dir, name), .backing = backing } };
        Domain d = { .disks = &disk, .n_disks = 1 };
        _cleanup_(host_facts_done) HostFacts facts = {};
        _cleanup_diag_ Diag diag = {};
        char found[512] = {};

        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        assert_int_equal(disk_chains_resolve(&d, &diag, &facts), 0);
        assert_int_equal(facts.n_chains, 1);
        assert_int_equal(facts.chains[0].is_open, is_open);
        const DiskChain *chain = facts.chains;
        FOREACH_ARRAY(i, chain->images, chain->n_images) {
                size_t n = strlen(found);
                (void) snprintf(found + n, sizeof(found) - n, "%s%s%s:%s", n ? " " : "",
                                i >= chain->images + chain->n_images - chain->n_unwritten ? "?" : "", i->path ? i->path + strlen(dir) + 1 : "-",
                                disk_format_to_string(i->format));
        }
        assert_string_equal(found, text);
        disk_done(&disk);
}

static void test_written_chains(void **state) {
        put_bytes("base.raw", "raw", 3);
        put_bytes("other.raw", "raw", 3);
        put_qcow2("mid.qcow2", "base.raw", "raw");
        put_qcow2("top.qcow2", "mid.qcow2", "qcow2");
        /* The definition wins, and ends the chain. */
        written_chain_is("top.qcow2", FORMAT_QCOW2, below(DISK_UNSET, NULL, FORMAT_UNSET, NULL), false, "top.qcow2:qcow2");
        written_chain_is("top.qcow2", FORMAT_QCOW2,
                         below(DISK_FILE, "other.raw", FORMAT_RAW, below(DISK_UNSET, NULL, FORMAT_UNSET, NULL)), false,
                         "top.qcow2:qcow2 other.raw:raw");
        /* Where it ends, the image says what is below. */
        written_chain_is("top.qcow2", FORMAT_QCOW2, below(DISK_FILE, "mid.qcow2", FORMAT_QCOW2, NULL), false,
                         "top.qcow2:qcow2 ?mid.qcow2:qcow2 ?base.raw:raw");
        /* An image that is taken for raw has nothing below it. */
        written_chain_is("top.qcow2", FORMAT_QCOW2, below(DISK_FILE, "mid.qcow2", FORMAT_RAW, NULL), false,
                         "top.qcow2:qcow2 ?mid.qcow2:raw");
        written_chain_is("top.qcow2", FORMAT_QCOW2, below(DISK_NETWORK, NULL, FORMAT_QCOW2, NULL), true,
                         "top.qcow2:qcow2 -:qcow2");
        written_chain_is("top.qcow2", FORMAT_QCOW2,
                         below(DISK_NETWORK, NULL, FORMAT_QCOW2, below(DISK_FILE, "base.raw", FORMAT_RAW, NULL)), false,
                         "top.qcow2:qcow2 -:qcow2 ?base.raw:raw");
}

/* --- the record of the last start's chains --- */

typedef struct Image {
        const char *target, *path;
        DiskFormat format;
        bool written; /* the definition says that nothing, or nothing else, is behind it */
} Image;

/* Makes chains of IMAGES: those of one disk in a row. The first error, or NULL; owned by the caller. */
static char *check_record(const char *record_dir, const Image *images, size_t n) {
        _cleanup_diag_ Diag diag = {};
        DiskChain chains[4] = {};
        DiskImage list[8] = {};
        size_t n_chains = 0;

        assert_int_equal(diag_init(&diag, "web.xml"), 0);
        for (size_t i = 0; i < n; i++) {
                list[i] = (DiskImage) { .path = (char *) images[i].path, .format = images[i].format };
                if (i == 0 || !streq(images[i].target, images[i - 1].target))
                        chains[n_chains++] = (DiskChain) { .target_dev = (char *) images[i].target, .images = &list[i] };
                DiskChain *c = &chains[n_chains - 1];
                c->n_images++;
                c->n_unwritten = images[i].written ? 0 : c->n_unwritten + 1;
        }
        int r = chain_record_check(record_dir, chains, n_chains, &diag);
        const char *error = diag_first_error(&diag);
        assert_int_equal(r < 0, error != NULL);
        return error ? strdup(error) : NULL;
}

#define REFUSAL "backing chain of disk %.3s changed since the last start (%s); if that is wanted, write it into the definition " \
        "(<backingStore>), or remove '%s'"

static void test_record_of_chains(void **state) {
        static const Image first[] = {
                { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/base.raw", FORMAT_RAW },
                { "vdb", "/srv/c.qcow2", FORMAT_QCOW2 },   { "vdc", "/srv/d.raw", FORMAT_RAW },
        };
        static const struct {
                Image images[4];
                size_t n;
                const char *expected; /* what changed; NULL: it is accepted */
        } cases[] = {
                { { { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/base.raw", FORMAT_RAW } }, 2, NULL },
                { { { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/other.raw", FORMAT_RAW } }, 2,
                  "vda|'/srv/base.raw' → '/srv/other.raw'" },
                { { { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/base.raw", FORMAT_QCOW2 } }, 2,
                  "vda|'/srv/base.raw' as raw → as qcow2" },
                { { { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/base.raw", FORMAT_RAW },
                    { "vda", "/srv/more.raw", FORMAT_RAW } }, 3, "vda|nothing → '/srv/more.raw'" },
                /* It had one image only. */
                { { { "vdb", "/srv/c.qcow2", FORMAT_QCOW2 }, { "vdb", "/srv/secret.raw", FORMAT_RAW } }, 2,
                  "vdb|nothing → '/srv/secret.raw'" },
                /* Another target is not another image. */
                { { { "sda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "sda", "/srv/base.raw", FORMAT_RAW } }, 2, NULL },
                { { { "sda", "/srv/c.qcow2", FORMAT_QCOW2 }, { "sda", "/srv/secret.raw", FORMAT_RAW } }, 2,
                  "sda|nothing → '/srv/secret.raw'" },
                /* Another image in its place is what the definition says. */
                { { { "vda", "/srv/new.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/other.raw", FORMAT_RAW } }, 2, NULL },
                /* And so is a chain that is written there, up to its end. */
                { { { "vda", "/srv/a b.qcow2", FORMAT_QCOW2 }, { "vda", "/srv/other.raw", FORMAT_RAW, true } }, 2, NULL },
        };
        _cleanup_free_ char *record = strf("%s/state/web/chains", dir), *directory = strf("%s/state/web", dir);

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                (void) unlink(record);
                assert_null(check_record(directory, first, ELEMENTSOF(first)));
                _cleanup_free_ char *error = check_record(directory, c->images, c->n), *expected = NULL;
                if (c->expected)
                        expected = strf(REFUSAL, c->expected, c->expected + 4, record);
                assert_true(streq_ptr(error, expected));
                /* It stays refused, until the administrator removes the record. */
                _cleanup_free_ char *again = check_record(directory, c->images, c->n);
                assert_true(streq_ptr(again, expected));
                assert_int_equal(unlink(record), 0);
                assert_null(check_record(directory, c->images, c->n));
                assert_null(check_record(directory, c->images, c->n));
        }
}

/* What was not there for a while, as a disk with startupPolicy='optional', is not new afterwards. */
static void test_record_of_unused_images(void **state) {
        static const Image both[] = {
                { "vda", "/a", FORMAT_QCOW2 }, { "vda", "/a1", FORMAT_QCOW2 }, { "vda", "/a2", FORMAT_RAW }, { "vdb", "/b", FORMAT_QCOW2 },
        };
        static const Image changed[] = { { "vda", "/a", FORMAT_QCOW2 }, { "vda", "/a1", FORMAT_QCOW2 } };
        static const Image other[] = { { "vda", "/c", FORMAT_QCOW2 }, { "vda", "/c1", FORMAT_RAW } };

        assert_null(check_record(dir, both, ELEMENTSOF(both)));
        assert_null(check_record(dir, both + 3, 1));
        assert_null(check_record(dir, other, ELEMENTSOF(other)));
        assert_null(check_record(dir, NULL, 0));
        assert_null(check_record(dir, both, ELEMENTSOF(both)));
        assert_null(check_record(dir, other, ELEMENTSOF(other)));
        _cleanup_free_ char *record = strf("%s/chains", dir), *error = check_record(dir, changed, ELEMENTSOF(changed)),
                            *expected = strf(REFUSAL, "vda", "'/a2' → nothing", record);
        assert_string_equal(error, expected);
        /* Written chains do not make it forget either. */
        static const Image written[] = { { "vda", "/b", FORMAT_QCOW2 }, { "vda", "/c1", FORMAT_RAW, true } },
                           back[] = { { "vda", "/b", FORMAT_QCOW2 }, { "vda", "/c1", FORMAT_RAW } };
        assert_null(check_record(dir, written, ELEMENTSOF(written)));
        _cleanup_free_ char *once_more = check_record(dir, back, ELEMENTSOF(back));
        assert_non_null(once_more);
}

/* An older record: a digest before, and targets. */
static void test_record_of_old(void **state) {
        static const Image same[] = { { "sdb", "/a", FORMAT_QCOW2 }, { "sdb", "/a 1", FORMAT_RAW } },
                           changed[] = { { "sdb", "/a", FORMAT_QCOW2 }, { "sdb", "/b", FORMAT_RAW } };

        static const char record[] = "0123456789abcdef\nvda qcow2 /a\nvda raw /a 1\n";
        put_bytes("chains", record, strlen(record));
        _cleanup_free_ char *error = check_record(dir, changed, ELEMENTSOF(changed));
        assert_non_null(error);
        assert_null(check_record(dir, same, ELEMENTSOF(same)));
        _cleanup_free_ char *again = check_record(dir, changed, ELEMENTSOF(changed));
        assert_non_null(again);
}

/* A chain that was dropped cannot come back as another one. */
static void test_record_of_fewer_chains(void **state) {
        static const Image chain[] = { { "vda", "/a", FORMAT_QCOW2 }, { "vda", "/b", FORMAT_RAW } };
        struct stat st;

        _cleanup_free_ char *record = strf("%s/chains", dir);
        assert_null(check_record(dir, chain, 2));
        assert_int_equal(stat(record, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_null(check_record(dir, chain, 1));
        _cleanup_free_ char *error = check_record(dir, chain, 2);
        assert_non_null(error);
        assert_int_equal(unlink(record), 0);
        assert_null(check_record(dir, chain, 2));
}

static void test_record_limits(void **state) {
        static const Image chain[] = { { "vda", "/a", FORMAT_QCOW2 }, { "vda", "/b\nvda raw /c", FORMAT_RAW } };
        _cleanup_free_ char *big = malloc(5 << 20), *record = strf("%s/chains", dir);

        _cleanup_free_ char *error = check_record(dir, chain, 2);
        assert_string_equal(error, "backing chain of disk vda has a path with a line break");
        assert_non_null(big);
        memset(big, 'x', 5 << 20);
        put_bytes("chains", big, 5 << 20);
        _cleanup_free_ char *large = check_record(dir, chain, 1), *expected = strf("cannot read '%s': File too large", record);
        assert_string_equal(large, expected);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_chains),           TEST(test_refusals),         TEST(test_depth),
                TEST(test_optional_medium),  TEST(test_record_of_chains), TEST(test_record_of_fewer_chains),
                TEST(test_record_limits),    TEST(test_missing_disk),     TEST(test_written_chains),
                TEST(test_record_of_unused_images), TEST(test_record_of_old),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
