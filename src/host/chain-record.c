/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "chain-record.h"
#include "disk-chain.h"
#include "file-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Read and written with the same limit, so what was written can be read. */
#define RECORD_MAX (4U << 20)

typedef struct Check {
        const char *path; /* of the record */
        Diag *diag;
        char **lines;     /* owned: the record's, without the digest */
} Check;

/* A line of the record. */
typedef struct Line {
        const char *format, *path;
        size_t format_length;
} Line;

static int write_record(const char *path, const char *text) {
        return strlen(text) > RECORD_MAX ? -EFBIG : write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600);
}

static int format_record(const char *digest, const DiskChain *chains, size_t n_chains, Diag *diag, char **ret) {
        _cleanup_text_ Text t = {};

        text_appendf(&t, "%s\n", digest);
        FOREACH_ARRAY(c, chains, n_chains)
                for (size_t i = 0; c->n_images > 1 && i < c->n_images; i++) {
                        const char *path = c->images[i].path;
                        if (!path) /* on a server */
                                continue;
                        if (strchr(path, '\n'))
                                return diag_error(diag, (SrcLoc) {}, "backing chain of disk %s has a path with a line break",
                                                  c->target_dev);
                        text_appendf(&t, "%s %s %s\n", c->target_dev, disk_format_to_string(c->images[i].format), path);
                }
        return text_finish(&t, ret);
}

/* The N-th image of the disk in the record. */
static bool find_line(const Check *k, const char *target, size_t n, Line *ret) {
        STRV_FOREACH(line, k->lines) {
                const char *rest = startswith(*line, target);
                if (!rest || *rest != ' ' || n-- > 0)
                        continue;
                size_t length = strcspn(rest + 1, " ");
                if (rest[1 + length] != ' ')
                        return false;
                *ret = (Line) { .format = rest + 1, .format_length = length, .path = rest + 1 + length + 1 };
                return true;
        }
        return false;
}

static bool same(const Line *old, const DiskImage *new) {
        const char *format = disk_format_to_string(new->format);

        return streq(old->path, new->path) && strlen(format) == old->format_length &&
                strncmp(format, old->format, old->format_length) == 0;
}

/* OLD and NEW may be NULL: the chain was, or is, shorter. */
static int changed(const Check *k, const char *target, const Line *old, const DiskImage *new) {
        _cleanup_free_ char *was = old ? strf("'%s'", old->path) : strdup("nothing");
        _cleanup_free_ char *is = new ? strf("'%s'", new->path) : strdup("nothing");

        if (old && new && streq(old->path, new->path)) {
                free(was);
                free(is);
                was = strf("'%s' as %.*s", old->path, (int) old->format_length, old->format);
                is = strf("as %s", disk_format_to_string(new->format));
        }
        if (!was || !is)
                return -ENOMEM;
        return diag_error_code(k->diag, -EPERM, (SrcLoc) {}, "backing chain of disk %s changed since the last start "
                               "(%s → %s); if that is wanted, remove '%s'", target, was, is, k->path);
}

static int compare(const Check *k, const DiskChain *c) {
        bool recorded;
        Line old;

        if (c->n_images <= 1)
                return 0;
        for (size_t i = 0; i < c->n_images; i++) {
                recorded = find_line(k, c->target_dev, i, &old);
                /* A disk that had no chain is not in the record; its own image is no news. */
                if (!recorded && i == 0)
                        continue;
                if (!recorded || !same(&old, &c->images[i]))
                        return changed(k, c->target_dev, recorded ? &old : NULL, &c->images[i]);
        }
        recorded = find_line(k, c->target_dev, c->n_images, &old);
        return recorded ? changed(k, c->target_dev, &old, NULL) : 0;
}

static int compare_all(const Check *k, const DiskChain *chains, size_t n_chains) {
        int result = 0;

        FOREACH_ARRAY(c, chains, n_chains) {
                int r = compare(k, c);
                if (r < 0)
                        result = r;
        }
        return result;
}

/* The record's text, if it is one of DIGEST: 1, else 0. */
static int read_record(Check *k, const char *digest, char **ret) {
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(AT_FDCWD, k->path, RECORD_MAX, &text, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r == -ENOMEM ? r : diag_error_code(k->diag, r, (SrcLoc) {}, "cannot read '%s': %s", k->path, strerror(-r));
        const char *rest = startswith(text, digest);
        if (!rest || *rest != '\n')
                return 0;
        r = strv_split(rest, "\n", &k->lines);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        return 1;
}

int chain_record_check(const char *dir, const char *digest, const DiskChain *chains, size_t n_chains, Diag *diag) {
        _cleanup_free_ char *path = strf("%s/" CHAIN_RECORD, dir), *text = NULL, *old = NULL;
        Check k = { .path = path, .diag = diag };

        if (!path)
                return -ENOMEM;
        int r = format_record(digest, chains, n_chains, diag, &text);
        if (r < 0)
                return r;
        r = read_record(&k, digest, &old);
        if (r > 0)
                r = compare_all(&k, chains, n_chains);
        strv_free(k.lines);
        if (r < 0 || streq_ptr(old, text))
                return MIN(r, 0);
        r = mkdir_parents(dir, 0755);
        if (r >= 0)
                r = write_record(path, text);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-r)) : 0;
}
