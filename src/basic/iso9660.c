/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "iso9660.h"
#include "string-util.h"

/* ECMA-119, SUSP 1.12 and RRIP 1.12. All numbers of two and four bytes stand there twice, with either end first. */

#define SECTOR 2048U
#define SECTORS_MIN 32U /* some readers want to see more than the few that are used */
#define IMAGE_MAX (UINT64_C(1) << 30)

/* The sectors of an image; the files follow. */
enum {
        SECTOR_DESCRIPTOR = 16,
        SECTOR_END,
        SECTOR_PATHS_LITTLE,
        SECTOR_PATHS_BIG,
        SECTOR_ROOT,
        SECTOR_DATA,
};

#define PATHS_SIZE 10U /* one entry: the root */
#define RECORD_SIZE 33U /* without the name */

#define MODE_DIRECTORY 040555U
#define MODE_FILE 0100444U

typedef struct Writer {
        uint8_t *p;
} Writer;

static void put_bytes(Writer *w, const void *data, size_t n) {
        memcpy(w->p, data, n);
        w->p += n;
}

static void put_byte(Writer *w, unsigned v) {
        *w->p++ = (uint8_t) v;
}

static void put_little(Writer *w, uint32_t v, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                put_byte(w, v >> (8 * i));
}

static void put_big(Writer *w, uint32_t v, unsigned n) {
        for (unsigned i = n; i-- > 0;)
                put_byte(w, v >> (8 * i));
}

static void put_both(Writer *w, uint32_t v, unsigned n) {
        put_little(w, v, n);
        put_big(w, v, n);
}

static void put_fill(Writer *w, unsigned v, size_t n) {
        memset(w->p, (int) v, n);
        w->p += n;
}

/* Filled up with blanks to N. */
static void put_text(Writer *w, const char *s, size_t n) {
        size_t length = strlen(s);

        put_bytes(w, s, length);
        put_fill(w, ' ', n - length);
}

/* Seven bytes: the first day of 2000, so that images can be compared. */
static void put_date(Writer *w) {
        put_bytes(w, (uint8_t[]) { 100, 1, 1, 0, 0, 0, 0 }, 7);
}

/* --- Rock Ridge --- */

/* "The extension is in use", in the root's own entry. */
static void put_susp_start(Writer *w) {
        put_bytes(w, "SP\x07\x01\xbe\xef\x00", 7);
}

static void put_susp_extension(Writer *w) {
        static const char id[] = "RRIP_1991A";

        put_bytes(w, "ER", 2);
        put_byte(w, 8 + sizeof(id) - 1);
        put_bytes(w, (uint8_t[]) { 1, sizeof(id) - 1, 0, 0, 1 }, 5);
        put_bytes(w, id, sizeof(id) - 1);
}

/* Mode, links, uid, gid, and a number. */
static void put_mode(Writer *w, uint32_t mode, uint32_t links, uint32_t serial) {
        put_bytes(w, "PX\x2c\x01", 4);
        put_both(w, mode, 4);
        put_both(w, links, 4);
        put_both(w, 0, 4);
        put_both(w, 0, 4);
        put_both(w, serial, 4);
}

static void put_name(Writer *w, const char *name) {
        put_bytes(w, "NM", 2);
        put_byte(w, (unsigned) (5 + strlen(name)));
        put_bytes(w, "\x01\x00", 2);
        put_bytes(w, name, strlen(name));
}

/* --- directory --- */

/* The fixed part and the name; returns where the length of the record belongs. */
static uint8_t *begin_record(Writer *w, uint32_t sector, uint32_t size, bool directory, const void *name, size_t name_size) {
        uint8_t *start = w->p;

        put_byte(w, 0);
        put_byte(w, 0);
        put_both(w, sector, 4);
        put_both(w, size, 4);
        put_date(w);
        put_byte(w, directory ? 2 : 0);
        put_bytes(w, "\0\0", 2);
        put_both(w, 1, 2);
        put_byte(w, (unsigned) name_size);
        put_bytes(w, name, name_size);
        if (name_size % 2 == 0)
                put_byte(w, 0);
        return start;
}

static void end_record(Writer *w, uint8_t *start) {
        if ((w->p - start) % 2 != 0)
                put_byte(w, 0);
        *start = (uint8_t) (w->p - start);
}

static uint32_t sectors_of(size_t size) {
        return (uint32_t) ((size + SECTOR - 1) / SECTOR);
}

static void put_root(Writer *w, const IsoFile *files, size_t n_files) {
        uint32_t sector = SECTOR_DATA;

        /* "." and ".." are called 0 and 1. */
        uint8_t *start = begin_record(w, SECTOR_ROOT, SECTOR, true, "\0", 1);
        put_susp_start(w);
        put_mode(w, MODE_DIRECTORY, 2, 1);
        put_susp_extension(w);
        end_record(w, start);
        start = begin_record(w, SECTOR_ROOT, SECTOR, true, "\1", 1);
        put_mode(w, MODE_DIRECTORY, 2, 1);
        end_record(w, start);
        for (size_t i = 0; i < n_files; i++) {
                char plain[16];
                int n = snprintf(plain, sizeof(plain), "%s.;1", files[i].plain);
                start = begin_record(w, sector, (uint32_t) files[i].size, false, plain, (size_t) n);
                put_mode(w, MODE_FILE, 1, (uint32_t) (2 + i));
                put_name(w, files[i].name);
                end_record(w, start);
                sector += sectors_of(files[i].size);
        }
}

/* --- volume --- */

static void put_descriptor(Writer *w, const char *label, uint32_t n_sectors) {
        put_bytes(w, "\1CD001\1\0", 8);
        put_text(w, "", 32);
        put_text(w, label, 32);
        put_fill(w, 0, 8);
        put_both(w, n_sectors, 4);
        put_fill(w, 0, 32);
        put_both(w, 1, 2); /* volumes in the set, and which one this is */
        put_both(w, 1, 2);
        put_both(w, SECTOR, 2);
        put_both(w, PATHS_SIZE, 4);
        put_little(w, SECTOR_PATHS_LITTLE, 4);
        put_little(w, 0, 4);
        put_big(w, SECTOR_PATHS_BIG, 4);
        put_big(w, 0, 4);
        uint8_t *start = begin_record(w, SECTOR_ROOT, SECTOR, true, "\0", 1);
        end_record(w, start);
        put_text(w, "", 128 + 128);    /* set, publisher */
        put_text(w, "VMUNIT", 128);    /* who prepared it */
        put_text(w, "", 128);          /* by what */
        put_text(w, "", 37 + 37 + 37); /* files about it */
        for (unsigned i = 0; i < 4; i++) { /* no dates */
                put_fill(w, '0', 16);
                put_byte(w, 0);
        }
        put_byte(w, 1);
}

static void put_paths(Writer *w, void (*put)(Writer *w, uint32_t v, unsigned n)) {
        put_bytes(w, "\1\0", 2);
        put(w, SECTOR_ROOT, 4);
        put(w, 1, 2);
        put_bytes(w, "\0\0", 2);
}

static bool is_plain(const char *s) {
        return *s && strlen(s) <= 8 && in_charset(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static int check(const char *label, const IsoFile *files, size_t n_files) {
        uint64_t size = 0;

        if (strlen(label) > 32 || n_files > ISO_FILES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n_files; i++) {
                if (!is_plain(files[i].plain) || isempty(files[i].name) || strlen(files[i].name) > ISO_NAME_MAX ||
                    strchr(files[i].name, '/') || (i > 0 && strcmp(files[i - 1].plain, files[i].plain) >= 0))
                        return -EINVAL;
                size += files[i].size;
                if (files[i].size > IMAGE_MAX || size > IMAGE_MAX)
                        return -EFBIG;
        }
        return 0;
}

int iso9660_new(const char *label, const IsoFile *files, size_t n_files, char **ret, size_t *ret_size) {
        uint32_t n_sectors = SECTOR_DATA;

        int r = check(label, files, n_files);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_files; i++)
                n_sectors += sectors_of(files[i].size);
        n_sectors = MAX(n_sectors, SECTORS_MIN);
        uint8_t *image = calloc(n_sectors, SECTOR);
        if (!image)
                return -ENOMEM;

        put_descriptor(&(Writer) { image + SECTOR_DESCRIPTOR * SECTOR }, label, n_sectors);
        put_bytes(&(Writer) { image + SECTOR_END * SECTOR }, "\377CD001\1", 7);
        put_paths(&(Writer) { image + SECTOR_PATHS_LITTLE * SECTOR }, put_little);
        put_paths(&(Writer) { image + SECTOR_PATHS_BIG * SECTOR }, put_big);
        put_root(&(Writer) { image + SECTOR_ROOT * SECTOR }, files, n_files);
        uint8_t *data = image + SECTOR_DATA * SECTOR;
        for (size_t i = 0; i < n_files; i++) {
                if (files[i].size > 0)
                        memcpy(data, files[i].data, files[i].size);
                data += (size_t) sectors_of(files[i].size) * SECTOR;
        }
        *ret = (char *) image;
        *ret_size = (size_t) n_sectors * SECTOR;
        return 0;
}
