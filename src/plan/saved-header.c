/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"
#include "parse-util.h"
#include "saved-header.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define MAGIC "vmunit-saved "
#define VERSION "1"
#define DATA_MAX (UINT64_C(1) << 60)

static const char *const saved_compression_words[] = {
        [SAVED_RAW] = "raw",
        [SAVED_ZSTD] = "zstd",
};
DEFINE_STRING_TABLE(saved_compression, SavedCompression)

void saved_header_done(SavedHeader *h) {
        free(h->name);
        *h = (SavedHeader) {};
}

int saved_header_format(const SavedHeader *h, char ret[SAVED_HEADER_SIZE]) {
        _cleanup_text_ Text t = {};

        text_appendf(&t, MAGIC VERSION "\nname=%s\nstate=%s\ncompression=%s\n", h->name, h->running ? "running" : "paused",
                     saved_compression_to_string(h->compression));
        text_appendf(&t, "xml-size=%llu\nxml-digest=%s\ndata-size=%llu\ndata-digest=%s\n", (unsigned long long) h->xml_size,
                     h->xml_digest, (unsigned long long) h->data_size, h->data_digest);
        if (t.failed || t.length >= SAVED_HEADER_SIZE)
                return -EINVAL;
        memset(ret, 0, SAVED_HEADER_SIZE);
        memcpy(ret, t.data, t.length);
        return 0;
}

static int read_name(SavedHeader *h, const char *value) {
        if (vm_name_check(value, (SrcLoc) {}, NULL) < 0)
                return -EBADMSG;
        h->name = strdup(value);
        return h->name ? 0 : -ENOMEM;
}

static int read_state(SavedHeader *h, const char *value) {
        h->running = streq(value, "running");
        return h->running || streq(value, "paused") ? 0 : -EBADMSG;
}

static int read_compression(SavedHeader *h, const char *value) {
        h->compression = saved_compression_from_string(value);
        return (int) h->compression > 0 ? 0 : -EBADMSG;
}

static int read_size(const char *value, uint64_t max, uint64_t *ret) {
        return parse_u64(value, 10, ret) >= 0 && *ret > 0 && *ret <= max ? 0 : -EBADMSG;
}

static int read_xml_size(SavedHeader *h, const char *value) {
        return read_size(value, SAVED_XML_MAX, &h->xml_size);
}

static int read_data_size(SavedHeader *h, const char *value) {
        return read_size(value, DATA_MAX, &h->data_size);
}

static int read_digest(const char *value, char ret[33]) {
        if (strlen(value) != 32 || strspn(value, "0123456789abcdef") != 32)
                return -EBADMSG;
        memcpy(ret, value, 33);
        return 0;
}

static int read_xml_digest(SavedHeader *h, const char *value) {
        return read_digest(value, h->xml_digest);
}

static int read_data_digest(SavedHeader *h, const char *value) {
        return read_digest(value, h->data_digest);
}

/* In the order in which they are written; all of them have to be there. */
static const struct {
        const char *key;
        int (*read)(SavedHeader *h, const char *value);
} lines[] = {
        { "name=", read_name },         { "state=", read_state },           { "compression=", read_compression },
        { "xml-size=", read_xml_size }, { "xml-digest=", read_xml_digest }, { "data-size=", read_data_size },
        { "data-digest=", read_data_digest },
};

int saved_header_parse(const char block[SAVED_HEADER_SIZE], SavedHeader *ret) {
        _cleanup_saved_header_ SavedHeader h = {};
        _cleanup_strv_ char **words = NULL;
        char text[SAVED_HEADER_SIZE + 1];

        memcpy(text, block, SAVED_HEADER_SIZE);
        text[SAVED_HEADER_SIZE] = 0;
        const char *version = startswith(text, MAGIC);
        if (!version)
                return -EBADMSG;
        if (!startswith(version, VERSION "\n"))
                return -EPROTONOSUPPORT;
        int r = strv_split(strchr(version, '\n') + 1, "\n", &words);
        if (r < 0)
                return r;
        if (strv_length(words) != ELEMENTSOF(lines))
                return -EBADMSG;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                const char *value = startswith(words[i], lines[i].key);
                r = value ? lines[i].read(&h, value) : -EBADMSG;
                if (r < 0)
                        return r;
        }
        *ret = h;
        h = (SavedHeader) {};
        return 0;
}

uint64_t saved_data_offset(const SavedHeader *h) {
        return SAVED_HEADER_SIZE + (h->xml_size + SAVED_HEADER_SIZE - 1) / SAVED_HEADER_SIZE * SAVED_HEADER_SIZE;
}

/* Each piece is hashed under the digest of those before it. */
void saved_digest_add(SavedDigest *d, const void *piece, size_t size) {
        assert(size <= SAVED_PIECE && d->size % SAVED_PIECE == 0);
        uint8_t next[16];
        siphash128(piece, size, d->key, next);
        memcpy(d->key, next, sizeof(next));
        d->size += size;
}

void saved_digest_hex(const SavedDigest *d, char ret[33]) {
        digest_hex(d->key, sizeof(d->key), ret);
}
