/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "file-util.h"
#include "iso9660.h"
#include "names.h"
#include "open-files.h"
#include "parse-util.h"
#include "prepare.h"
#include "string-util.h"

/* The disk for the guest's cloud-init: the files that the definition names, as the data source NoCloud wants them. */

#define FILE_MAX (1024U * 1024U)

typedef struct Seed {
        Prepare *p;
        SrcLoc loc;
        IsoFile files[4];
        char *contents[4]; /* owned */
        size_t n;
} Seed;

static void seed_done(Seed *s) {
        for (size_t i = 0; i < s->n; i++) {
                explicit_bzero(s->contents[i], s->files[i].size);
                free(s->contents[i]);
        }
}

/* Takes CONTENT over. */
static void add(Seed *s, const char *name, const char *plain, char *content, size_t size) {
        s->contents[s->n] = content;
        s->files[s->n++] = (IsoFile) { .name = name, .plain = plain, .data = content, .size = size };
}

/* By the rules for every file that a definition names. */
static int add_file(Seed *s, const char *name, const char *plain, const char *path) {
        _cleanup_free_ char *element = strf("cloud-init %s", name), *content = NULL;
        OpenedFd opened = {};
        size_t size = 0;

        if (!path)
                return 0;
        if (!element)
                return -ENOMEM;
        const PlanFd fd = { .kind = PLAN_FD_COPY, .name = (char *) name, .path = (char *) path, .element = element, .loc = s->loc };
        int r = open_plan_fd(&fd, 0, &s->p->diag, &opened);
        if (r < 0)
                return r;
        r = read_fd_limited(opened.fds[0], FILE_MAX, &content, &size);
        opened_fd_done(&opened);
        if (r < 0)
                return diag_error_code(&s->p->diag, r, s->loc, "cannot read '%s' for %s: %s", path, element,
                                       r == -EFBIG ? "it is larger than 1 MiB" : strerror(-r));
        add(s, name, plain, TAKE_PTR(content), size);
        return 0;
}

/* What cloud-init must be told at least. Another instance-id is another machine: then it is the first boot again. */
static int add_meta_data(Seed *s, const Domain *d) {
        _cleanup_free_ char *host = vm_machine(d->name);
        char uuid[37];

        if (d->cloud_init.meta_data)
                return add_file(s, "meta-data", "METADATA", d->cloud_init.meta_data);
        format_uuid(d->uuid, uuid);
        char *text = host ? strf("instance-id: %s\nlocal-hostname: %s\n", uuid, host) : NULL;
        if (!text)
                return -ENOMEM;
        add(s, "meta-data", "METADATA", text, strlen(text));
        return 0;
}

static int write_image(Prepare *p, const char *image, size_t size) {
        _cleanup_free_ char *dir = vm_state_path(p->name, NULL);

        int r = dir ? mkdir_parents(dir, 0755) : -ENOMEM;
        _cleanup_close_ int fd = r < 0 ? r : open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (r >= 0)
                r = fd < 0 ? -errno : write_file_atomic(fd, CLOUD_INIT_FILE, image, size, 0600);
        return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot write '%s/" CLOUD_INIT_FILE "': %s", strempty(dir), strerror(-r)) : 0;
}

int make_cloud_init(Prepare *p, const Domain *d) {
        const DomainCloudInit *c = &d->cloud_init;
        _cleanup_(seed_done) Seed s = { .p = p, .loc = c->loc };
        size_t size = 0;
        char *image;

        /* A guest that goes on has its disk as it was. */
        if (c->loc.line == 0 || p->saved.xml)
                return 0;
        int r = add_meta_data(&s, d);
        if (r >= 0)
                r = add_file(&s, "network-config", "NETWORKC", c->network_config);
        if (r >= 0)
                r = add_file(&s, "user-data", "USERDATA", c->user_data);
        if (r >= 0)
                r = add_file(&s, "vendor-data", "VENDORDA", c->vendor_data);
        if (r >= 0)
                r = iso9660_new(CLOUD_INIT_LABEL, s.files, s.n, &image, &size);
        if (r < 0)
                return r;
        r = write_image(p, image, size);
        explicit_bzero(image, size);
        free(image);
        return r;
}
