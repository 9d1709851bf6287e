/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-disk.h"
#include "string-util.h"

/* Images that are on a server. */

static void add_port(Json *j, const DiskHost *h) {
        json_add_stringf(j, "port", "%u", h->port.set ? h->port.value : 0);
}

/* A socket address: {"type":"inet",…} or {"type":"unix",…}. */
static void add_server(Json *j, const DiskHost *h) {
        if (h->transport == TRANSPORT_UNIX) {
                json_add_string(j, "type", "unix");
                json_add_string(j, "path", h->socket);
                return;
        }
        json_add_string(j, "type", "inet");
        json_add_string(j, "host", h->name);
        add_port(j, h);
}

/* "[::1]:80" */
static char *host_and_port(const DiskHost *h) {
        bool ipv6 = strchr(h->name, ':') && *h->name != '[';

        return strf("%s%s%s:%u", ipv6 ? "[" : "", h->name, ipv6 ? "]" : "", h->port.value);
}

static void json_secret(Json *j, const char *key, const DiskNode *n, const char *name) {
        json_add_stringf(j, key, "libvirt-%u-%s", n->id, name);
}

static const DiskHost *only_host(const DiskSource *s) {
        return s->n_hosts > 0 ? s->hosts : NULL;
}

/* --- by protocol --- */

typedef struct Network {
        Emit *e;
        const DiskNode *node;
        const DiskSource *source;
        const DiskAuth *auth;
        const DiskEncryption *encryption;
} Network;

/* The prepare step connects, so QEMU needs no network for it. */
static int connected_server(const Network *n, Json *server) {
        const DomainDisk *disk = n->node->disk;
        const DiskHost *h = n->source->hosts;
        _cleanup_free_ char *name = n->node->depth == 0 ? strf("nbd-%s", disk->target_dev)
                                                        : strf("nbd-%s.%u", disk->target_dev, n->node->depth),
                            *element = strf("disk %s", disk->target_dev);

        if (!name || !element)
                return -ENOMEM;
        PlanFd *fd = emit_fd(n->e, PLAN_FD_CONNECT, name, element, disk->info.loc, 1);
        if (!fd)
                return -ENOMEM;
        json_add_string(server, "type", "fd");
        json_add_stringf(server, "str", "%u", fd->number);
        if (h->transport == TRANSPORT_UNIX)
                return free_and_strdup(&fd->path, h->socket);
        fd->service = strf("%u", h->port.value);
        return fd->service ? free_and_strdup(&fd->host, h->name) : -ENOMEM;
}

static int json_nbd(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        Json server = {};

        if (n->e->native)
                add_server(&server, s->hosts);
        else {
                int r = connected_server(n, &server);
                if (r < 0) {
                        json_done(&server);
                        return r;
                }
        }
        json_add_sub(j, "server", &server);
        json_add_string(j, "export", s->name);
        if (s->tls == TRI_YES)
                json_add_stringf(j, "tls-creds", "objlibvirt-%u-storage_tls0", n->node->id);
        /* Of a connection that is there already QEMU does not know with whom it is. */
        if (s->tls_hostname || (s->tls == TRI_YES && !n->e->native))
                json_add_string(j, "tls-hostname", s->tls_hostname ?: s->hosts->name);
        return 0;
}

static void add_rbd_encryption(const Network *n, Json *j) {
        Json encrypt = {};

        if (!n->encryption || n->encryption->engine != ENGINE_LIBRBD)
                return;
        json_add_string(&encrypt, "format", encryption_format_to_string(n->encryption->format));
        json_secret(&encrypt, "key-secret", n->node, NODE_ENCRYPTION);
        json_add_sub(j, "encrypt", &encrypt);
}

static int json_rbd(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        const char *slash = strchr(s->name, '/');
        Json servers = {}, kinds = {};

        json_add_stringf(j, "pool", "%.*s", (int) (slash - s->name), s->name);
        json_add_string(j, "image", slash + 1);
        json_add_string(j, "snapshot", s->snapshot);
        json_add_string(j, "conf", s->config);
        FOREACH_ARRAY(h, s->hosts, s->n_hosts) {
                Json server = {};
                json_add_string(&server, "host", h->name);
                add_port(&server, h);
                json_append_sub(&servers, &server);
        }
        if (s->n_hosts > 0)
                json_add_sub(j, "server", &servers);
        add_rbd_encryption(n, j);
        if (n->auth) {
                json_add_string(j, "user", n->auth->username);
                json_append_string(&kinds, "cephx");
                json_append_string(&kinds, "none");
                json_add_sub(j, "auth-client-required", &kinds);
                json_secret(j, "key-secret", n->node, NODE_AUTH);
        }
        return 0;
}

static int json_gluster(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        const char *slash = strchr(s->name, '/');
        Json servers = {};

        json_add_stringf(j, "volume", "%.*s", (int) (slash - s->name), s->name);
        json_add_string(j, "path", slash + 1);
        FOREACH_ARRAY(h, s->hosts, s->n_hosts) {
                Json server = {};
                add_server(&server, h);
                json_append_sub(&servers, &server);
        }
        json_add_sub(j, "server", &servers);
        json_add_uint(j, "debug", 4); /* libvirt's default */
        return 0;
}

static int json_iscsi(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        const char *slash = strrchr(s->name, '/');
        _cleanup_free_ char *portal = host_and_port(s->hosts);

        json_add_string(j, "portal", portal);
        json_add_stringf(j, "target", "%.*s", (int) (slash ? (size_t) (slash - s->name) : strlen(s->name)),
                         s->name);
        json_add_uint(j, "lun", slash ? strtoul(slash + 1, NULL, 10) : 0); /* known to be a number */
        json_add_string(j, "transport", "tcp");
        if (n->auth) {
                json_add_string(j, "user", n->auth->username);
                json_secret(j, "password-secret", n->node, NODE_AUTH);
        }
        json_add_string(j, "initiator-name", s->initiator);
        return portal ? 0 : -ENOMEM;
}

/* What has a meaning of its own in an address is written as %XX. */
static void append_escaped(Text *t, const char *s) {
        for (; *s; s++)
                if (strchr(ALPHANUMERICAL "-._~/!$&'()*+,;=@", *s))
                        text_append_char(t, *s);
                else
                        text_appendf(t, "%%%02X", (unsigned char) *s);
}

static char *address_of(const DiskSource *s) {
        _cleanup_free_ char *host = host_and_port(s->hosts);
        _cleanup_text_ Text t = {};
        char *address;

        if (!host)
                return NULL;
        text_appendf(&t, "%s://%s", disk_protocol_to_string(s->protocol), host);
        if (s->name[0] != '/')
                text_append_char(&t, '/');
        append_escaped(&t, s->name);
        if (s->query) {
                text_append_char(&t, '?');
                text_append(&t, s->query);
        }
        return text_finish(&t, &address) < 0 ? NULL : address;
}

/* libcurl: http, https, ftp, ftps. */
static int json_curl(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        _cleanup_free_ char *address = address_of(s);

        json_add_string(j, "url", address);
        json_add_tristate(j, "sslverify", s->ssl_verify);
        if (s->n_cookies > 0)
                json_secret(j, "cookie-secret", n->node, NODE_COOKIES);
        if (s->timeout.set)
                json_add_uint(j, "timeout", s->timeout.value);
        if (s->readahead.set)
                json_add_uint(j, "readahead", s->readahead.value);
        return address ? 0 : -ENOMEM;
}

static int json_ssh(const Network *n, Json *j) {
        Json server = {};

        json_add_string(j, "path", n->source->name);
        json_add_string(&server, "host", n->source->hosts[0].name);
        add_port(&server, n->source->hosts);
        json_add_sub(j, "server", &server);
        return 0;
}

/* QEMU wants numbers. Names are the host's, who is not asked here. */
static int add_identity(const Network *n, Json *j, const char *key, const char *word) {
        unsigned id;

        if (!word)
                return 0;
        if (streq(word, "root"))
                id = 0;
        else if (parse_uint(*word == '+' ? word + 1 : word, &id) < 0)
                return diag_error(n->e->diag, n->node->disk->info.loc,
                                  "not supported: disk %s: %s '%s' by name (write +NUMBER)",
                                  n->node->disk->target_dev, key, word);
        json_add_uint(j, key, id);
        return 0;
}

static int json_nfs(const Network *n, Json *j) {
        const DiskSource *s = n->source;
        Json server = {};

        json_add_string(&server, "host", s->hosts[0].name);
        json_add_string(&server, "type", "inet");
        json_add_sub(j, "server", &server);
        json_add_string(j, "path", s->name);
        int r = add_identity(n, j, "user", s->nfs_user);
        return r < 0 ? r : add_identity(n, j, "group", s->nfs_group);
}

static int (*const protocols[_PROTO_MAX])(const Network *n, Json *j) = {
        [PROTO_NBD] = json_nbd,     [PROTO_RBD] = json_rbd,   [PROTO_GLUSTER] = json_gluster,
        [PROTO_ISCSI] = json_iscsi, [PROTO_HTTP] = json_curl, [PROTO_HTTPS] = json_curl,
        [PROTO_FTP] = json_curl,    [PROTO_FTPS] = json_curl, [PROTO_SSH] = json_ssh,
        [PROTO_NFS] = json_nfs,
};

int json_network_source(Emit *e, Json *j, const DiskNode *node, const DiskAuth *auth,
                        const DiskEncryption *encryption) {
        const DiskSource *s = node->source;
        Network n = {e, node, s, auth, encryption};
        const char *word = strempty(disk_protocol_to_string(s->protocol));

        if (!protocols[s->protocol] || (s->protocol != PROTO_RBD && !only_host(s)))
                return diag_error(e->diag, node->disk->info.loc, "not supported: disk %s: protocol '%s'",
                                  node->disk->target_dev, word);
        json_add_string(j, "driver", word);
        return protocols[s->protocol](&n, j);
}
