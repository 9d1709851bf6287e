/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-disk.h"
#include "parse-util.h"
#include "string-util.h"
#include "text.h"

bool disk_source_is_local(const DiskSource *s) {
        return s->type == DISK_FILE || s->type == DISK_BLOCK || s->type == DISK_UNSET;
}

bool disk_source_is_empty(const DiskSource *s) {
        switch (s->type) {
        case DISK_NETWORK:
                return s->protocol == PROTO_UNSET;
        case DISK_VOLUME:
                return !s->pool && !s->volume;
        case DISK_NVME:
                return s->loc.line == 0 && !s->nvme_namespace.set;
        default:
                return isempty(s->path);
        }
}

const DiskAuth *disk_auth(const DomainDisk *disk) {
        return disk->source.auth.loc.line > 0 ? &disk->source.auth
               : disk->auth.loc.line > 0      ? &disk->auth
                                              : NULL;
}

const DiskEncryption *disk_encryption(const DomainDisk *disk) {
        return disk->source.encryption.loc.line > 0 ? &disk->source.encryption
               : disk->encryption.loc.line > 0      ? &disk->encryption
                                                    : NULL;
}

bool disk_is_read_only(const DomainDisk *disk) {
        return disk->readonly || disk->device == DEVICE_CDROM;
}

bool disk_iotune_is_set(const DiskIotune *t) {
        FOREACH_ARRAY(v, t->values, ELEMENTSOF(t->values))
                if (v->set && v->value > 0)
                        return true;
        return false;
}

/* As systemd-escape(1) does; ":" has a meaning of its own where credentials are listed. */
char *secret_credential(const SecretRef *s) {
        _cleanup_text_ Text t = {};
        char uuid[37], *name;

        format_uuid(s->uuid, uuid);
        text_append(&t, CREDENTIAL_PREFIX);
        for (const char *c = s->has_uuid ? uuid : strempty(s->usage), *first = c; *c; c++)
                if (*c == '/')
                        text_append_char(&t, '-');
                else if (s->has_uuid || strchr(ALPHANUMERICAL "_", *c) || (*c == '.' && c > first))
                        text_append_char(&t, *c);
                else
                        text_appendf(&t, "\\x%02x", (unsigned char) *c);
        return text_finish(&t, &name) < 0 ? NULL : name;
}

static void secret_done(SecretRef *s) {
        free(s->usage);
}

static void auth_done(DiskAuth *a) {
        free(a->username);
        secret_done(&a->secret);
}

static void encryption_done(DiskEncryption *e) {
        FOREACH_ARRAY(s, e->secrets, e->n_secrets)
                secret_done(s);
        free(e->secrets);
}

static void source_free_lists(DiskSource *s) {
        FOREACH_ARRAY(l, s->seclabels, s->n_seclabels)
                device_seclabel_done(l);
        FOREACH_ARRAY(l, s->slices, s->n_slices)
                free(l->type);
        FOREACH_ARRAY(h, s->hosts, s->n_hosts) {
                free(h->name);
                free(h->socket);
        }
        FOREACH_ARRAY(c, s->cookies, s->n_cookies) {
                free(c->name);
                free(c->value);
        }
        free(s->seclabels);
        free(s->slices);
        free(s->hosts);
        free(s->cookies);
}

void disk_source_done(DiskSource *s) {
        /* The chain is taken apart from above; there is no saying how long it is. */
        for (DiskSource *below = s->backing; below;) {
                DiskSource *next = TAKE_PTR(below->backing);
                disk_source_done(below);
                free(below);
                below = next;
        }
        source_free_lists(s);
        auth_done(&s->auth);
        encryption_done(&s->encryption);
        char *const strings[] = {
                s->path,
                s->name,
                s->query,
                s->tls_hostname,
                s->snapshot,
                s->config,
                s->initiator,
                s->nfs_user,
                s->nfs_group,
                s->pool,
                s->volume,
                s->subtype,
                s->reservations.type,
                s->reservations.path,
                s->reservations.mode,
                s->address.port,
        };
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(strings[i]);
        *s = (DiskSource){};
}

void disk_done(DomainDisk *d) {
        char *const strings[] = {
                d->target_dev, d->driver_name, d->serial, d->wwn, d->vendor, d->product, d->iotune.group,
        };

        device_info_done(&d->info);
        disk_source_done(&d->source);
        auth_done(&d->auth);
        encryption_done(&d->encryption);
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(strings[i]);
        *d = (DomainDisk){};
}
