/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "chain-record.h"
#include "disk-chain.h"
#include "file-util.h"
#include "names.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Read and written with the same limit, so what was written can be read. */
#define RECORD_MAX (4U << 20)

typedef struct Check {
        const char *path; /* of the record */
        Diag *diag;
        char **lines;     /* owned: the record's */
} Check;

/* A line of the record. The same group in one line after the other: the images of one chain. */
typedef struct Line {
        const char *group, *format, *path;
        size_t group_length, format_length;
} Line;

static int write_record(const char *path, const char *text) {
        return strlen(text) > RECORD_MAX ? -EFBIG : write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600);
}

/* The images of which only headers say what is behind them. */
static const DiskImage *unwritten(const DiskChain *c) {
        return c->images + c->n_images - c->n_unwritten;
}

/* An image of another format has nothing behind it. */
static bool is_recorded(const DiskChain *c) {
        return c->n_unwritten > 1 || (c->n_unwritten == 1 && unwritten(c)->format == FORMAT_QCOW2);
}

/* False: there is none, as in what remains at the end of the text. */
static bool parse_line(const char *text, Line *ret) {
        size_t group = strcspn(text, " "), format = text[group] ? strcspn(text + group + 1, " ") : 0;
        const char *end = text + group + 1 + format;

        if (!text[group] || *end != ' ')
                return false;
        *ret = (Line) { .group = text, .group_length = group, .format = text + group + 1, .format_length = format, .path = end + 1 };
        return true;
}

static bool same_group(const Line *a, const Line *b) {
        return a->group_length == b->group_length && strncmp(a->group, b->group, a->group_length) == 0;
}

/* Does line I begin a chain? */
static bool begins(const Check *k, size_t i, Line *ret) {
        Line before;

        return parse_line(k->lines[i], ret) && (i == 0 || !parse_line(k->lines[i - 1], &before) || !same_group(&before, ret));
}

static bool is_used(const char *path, const DiskChain *chains, size_t n_chains) {
        FOREACH_ARRAY(c, chains, n_chains)
                if (is_recorded(c) && streq(unwritten(c)->path, path))
                        return true;
        return false;
}

/* What the record has of images that are not used this time. */
static void format_unused(const Check *k, const DiskChain *chains, size_t n_chains, size_t group, Text *t) {
        bool kept = false;
        Line line;

        for (size_t i = 0; k->lines && k->lines[i]; i++) {
                if (begins(k, i, &line)) {
                        kept = !is_used(line.path, chains, n_chains);
                        group++;
                }
                if (kept && parse_line(k->lines[i], &line))
                        text_appendf(t, "%zu %.*s %s\n", group, (int) line.format_length, line.format, line.path);
        }
}

static int format_record(const Check *k, const DiskChain *chains, size_t n_chains, char **ret) {
        _cleanup_text_ Text t = {};
        size_t group = 0;

        FOREACH_ARRAY(c, chains, n_chains) {
                if (!is_recorded(c))
                        continue;
                group++;
                FOREACH_ARRAY(i, unwritten(c), c->n_unwritten) {
                        if (strchr(i->path, '\n'))
                                return diag_error(k->diag, (SrcLoc) {}, "backing chain of disk %s has a path with a line break",
                                                  c->target_dev);
                        text_appendf(&t, "%zu %s %s\n", group, disk_format_to_string(i->format), i->path);
                }
        }
        format_unused(k, chains, n_chains, group, &t);
        return text_finish(&t, ret);
}

/* Where the record has the image at PATH and what is behind it: the number of its first line, or -1. */
static ssize_t find_chain(const Check *k, const char *path) {
        Line line;

        for (size_t i = 0; k->lines && k->lines[i]; i++)
                if (begins(k, i, &line) && streq(line.path, path))
                        return (ssize_t) i;
        return -1;
}

/* The line at I, at most one behind that chain's last, if it is of the chain that begins at FIRST. */
static bool line_of_chain(const Check *k, size_t first, size_t i, Line *ret) {
        Line head;

        return k->lines[i] && parse_line(k->lines[first], &head) && parse_line(k->lines[i], ret) && same_group(&head, ret);
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
                               "(%s → %s); if that is wanted, write it into the definition (<backingStore>), or remove '%s'",
                               target, was, is, k->path);
}

static int compare(const Check *k, const DiskChain *c) {
        const DiskImage *images = unwritten(c);
        Line old;

        ssize_t first = is_recorded(c) ? find_chain(k, images->path) : -1;
        if (first < 0)
                return 0;
        /* How the first is read is what the definition says. A chain that has gone is fine. */
        for (size_t i = 1; c->n_unwritten > 1 && i <= c->n_unwritten; i++) {
                const DiskImage *new = i < c->n_unwritten ? images + i : NULL;
                bool recorded = line_of_chain(k, (size_t) first, (size_t) first + i, &old);
                if (new ? !recorded || !same(&old, new) : recorded)
                        return changed(k, c->target_dev, recorded ? &old : NULL, new);
        }
        return 0;
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

/* Without one, *RET is NULL. */
static int read_record(Check *k, char **ret) {
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(AT_FDCWD, k->path, RECORD_MAX, &text, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r == -ENOMEM ? r : diag_error_code(k->diag, r, (SrcLoc) {}, "cannot read '%s': %s", k->path, strerror(-r));
        r = strv_split(text, "\n", &k->lines);
        if (r >= 0)
                *ret = TAKE_PTR(text);
        return r;
}

int chain_record_check(const char *dir, const DiskChain *chains, size_t n_chains, Diag *diag) {
        _cleanup_free_ char *path = strf("%s/" CHAIN_RECORD, dir), *text = NULL, *old = NULL;
        Check k = { .path = path, .diag = diag };

        if (!path)
                return -ENOMEM;
        int r = read_record(&k, &old);
        if (r >= 0)
                r = format_record(&k, chains, n_chains, &text);
        if (r >= 0)
                r = compare_all(&k, chains, n_chains);
        strv_free(k.lines);
        if (r < 0 || streq(strempty(old), text))
                return r;
        r = mkdir_parents(dir, 0755);
        if (r >= 0)
                r = write_record(path, text);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

int chain_record_remove(const char *name) {
        _cleanup_free_ char *path = vm_state_path(name, CHAIN_RECORD);

        return !path ? -ENOMEM : unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}
