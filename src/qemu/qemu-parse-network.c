/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "parse-util.h"
#include "qemu-parse-model.h"
#include "text.h"

/* Where the bytes of an image are: a file, or a server; as a node (-blockdev) or an address (-drive file=). */

#define HOSTS_MAX 32U

/* --- servers --- */

static int add_host(DiskSource *s, const char *name, const char *port, const char *socket) {
        unsigned n = 0;

        if (s->n_hosts >= HOSTS_MAX || (!name && !socket) || (port && (parse_uint(port, &n) < 0 || n > 65535)))
                return 1;
        if (!ARRAY_GROW(s->hosts, s->n_hosts))
                return -ENOMEM;
        DiskHost *h = s->hosts + s->n_hosts++;
        *h = (DiskHost) { .transport = socket ? TRANSPORT_UNIX : TRANSPORT_UNSET };
        if (port)
                h->port = OPT_UINT(n);
        return free_and_strdup(socket ? &h->socket : &h->name, socket ?: name);
}

/* The keys of one, which begin with PREFIX. 1: there is none, or none that is understood. */
static int read_server(Item *i, DiskSource *s, const char *prefix) {
        _cleanup_free_ char *type_key = strf("%s.type", prefix), *host_key = strf("%s.host", prefix),
                            *port_key = strf("%s.port", prefix), *path_key = strf("%s.path", prefix);

        if (!type_key || !host_key || !port_key || !path_key)
                return -ENOMEM;
        const char *type = item_take(i, type_key) ?: "inet", *host = item_take(i, host_key), *port = item_take(i, port_key),
                   *path = item_take(i, path_key);
        bool local = streq(type, "unix");
        if (!local && !streq(type, "inet"))
                return 1;
        return add_host(s, local ? NULL : host, local ? NULL : port, local ? path : NULL);
}

static int read_servers(Item *i, DiskSource *s) {
        for (unsigned k = 0; k < HOSTS_MAX; k++) {
                char prefix[24], key[32];
                (void) snprintf(prefix, sizeof(prefix), "server.%u", k);
                (void) snprintf(key, sizeof(key), "%s.host", prefix);
                bool any = item_get(i, key);
                (void) snprintf(key, sizeof(key), "%s.path", prefix);
                if (!any && !item_get(i, key))
                        return 0;
                int r = read_server(i, s, prefix);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* "host:port", "[::1]:80", "host". */
static int add_authority(DiskSource *s, const char *text, size_t n) {
        _cleanup_free_ char *copy = strndup(text, n);

        if (!copy)
                return -ENOMEM;
        char *end = *copy == '[' ? strchr(copy, ']') : NULL, *colon = strchr(end ?: copy, ':');
        if ((*copy == '[' && !end) || (end && end[1] && end[1] != ':') || (colon && strchr(colon + 1, ':')))
                return 1;
        if (colon)
                *colon++ = 0;
        if (end)
                *end = 0;
        const char *name = end ? copy + 1 : copy;
        return !*name || strchr(name, '@') ? 1 : add_host(s, name, colon, NULL);
}

static int set_name(DiskSource *s, const char *first, const char *second) {
        if (isempty(first) || isempty(second))
                return 1;
        free(s->name);
        s->name = strf("%s/%s", first, second);
        return s->name ? 0 : -ENOMEM;
}

/* --- addresses --- */

/* What stands as %XX. NULL when memory is out. */
static char *unescape(const char *s, size_t n) {
        char *ret = malloc(n + 1), *to = ret;

        for (size_t k = 0; ret && k < n; k++) {
                char digits[3] = {};
                uint64_t v;
                if (s[k] == '%' && k + 2 < n)
                        memcpy(digits, s + k + 1, 2);
                if (strlen(digits) == 2 && parse_u64(digits, 16, &v) >= 0 && v > 0) {
                        *to++ = (char) v;
                        k += 2;
                } else
                        *to++ = s[k];
        }
        if (ret)
                *to = 0;
        return ret;
}

/* "//host:port/path?query" behind the scheme. The path is without its slash unless SLASH. */
static int read_address(DiskSource *s, const char *rest, bool slash) {
        if (!startswith(rest, "//"))
                return 1;
        const char *authority = rest + 2, *path = authority + strcspn(authority, "/?"), *query = path + strcspn(path, "?");
        int r = path > authority ? add_authority(s, authority, (size_t) (path - authority)) : 1;
        if (r != 0)
                return r;
        if (!slash && *path == '/' && path[1] != '/')
                path++;
        free(s->name);
        s->name = unescape(path, (size_t) (query - path));
        if (!s->name)
                return -ENOMEM;
        if (!*s->name || !utf8_is_printable(s->name))
                return 1;
        return *query ? free_and_strdup(&s->query, query + 1) : 0;
}

/* "h:10809", "h:10809:exportname=x", "unix:/path", "unix:/path:exportname=x" */
static int read_old_nbd(DiskSource *s, const char *rest) {
        const char *path = startswith(rest, "unix:"), *name = strstr(rest, ":exportname=");
        size_t n = name ? (size_t) (name - (path ?: rest)) : strlen(path ?: rest);
        _cleanup_free_ char *where = strndup(path ?: rest, n);

        if (!where)
                return -ENOMEM;
        if (name && free_and_strdup(&s->name, name + strlen(":exportname=")) < 0)
                return -ENOMEM;
        return path ? add_host(s, NULL, NULL, where) : add_authority(s, where, strlen(where));
}

static int read_nbd_address(DiskSource *s, const char *rest) {
        const char *authority = rest + 2, *path;

        if (!startswith(rest, "//"))
                return read_old_nbd(s, rest);
        path = authority + strcspn(authority, "/");
        if (path[*path == '/'])
                return read_address(s, rest, false);
        return add_authority(s, authority, (size_t) (path - authority)); /* no name */
}

static int read_plain_address(DiskSource *s, const char *rest) {
        return read_address(s, rest, false);
}

static int read_path_address(DiskSource *s, const char *rest) {
        return read_address(s, rest, true);
}

/* "pool/image", "pool/image@snapshot"; what follows colons are options. */
static int read_rbd_address(DiskSource *s, const char *rest) {
        if (!strchr(rest, '/') || strpbrk(rest, ":@\\"))
                return 1;
        return free_and_strdup(&s->name, rest);
}

static const struct {
        const char *scheme;
        DiskProtocol protocol;
        int (*read)(DiskSource *s, const char *rest);
        bool query; /* may have one */
} schemes[] = {
        { "nbd:", PROTO_NBD, read_nbd_address },
        { "nbd+tcp:", PROTO_NBD, read_nbd_address },
        { "iscsi:", PROTO_ISCSI, read_plain_address },
        { "rbd:", PROTO_RBD, read_rbd_address },
        { "gluster:", PROTO_GLUSTER, read_plain_address },
        { "gluster+tcp:", PROTO_GLUSTER, read_plain_address },
        { "ssh:", PROTO_SSH, read_path_address },
        { "nfs:", PROTO_NFS, read_path_address },
        { "http:", PROTO_HTTP, read_plain_address, true },
        { "https:", PROTO_HTTPS, read_plain_address, true },
        { "ftp:", PROTO_FTP, read_plain_address },
        { "ftps:", PROTO_FTPS, read_plain_address },
};

int parse_file_name(const char *file, DiskSource *s) {
        const char *colon = strchr(file, ':'), *path = startswith(file, "file:");

        if (*file == '/' || !colon || path || memchr(file, '/', (size_t) (colon - file))) {
                s->type = startswith(path ?: file, "/dev/") ? DISK_BLOCK : DISK_FILE;
                return free_and_strdup(&s->path, path ?: file);
        }
        FOREACH_ARRAY(k, schemes, ELEMENTSOF(schemes)) {
                const char *rest = startswith(file, k->scheme);
                if (!rest)
                        continue;
                s->type = DISK_NETWORK;
                s->protocol = k->protocol;
                int r = k->read(s, rest);
                return r == 0 && s->query && !k->query ? 1 : r;
        }
        return 1;
}

/* --- nodes --- */

static int read_file_node(Item *i, DiskSource *s) {
        const char *path = item_take(i, "filename");

        s->type = streq_ptr(item_get(i, "driver"), "host_device") ? DISK_BLOCK : DISK_FILE;
        return path ? free_and_strdup(&s->path, path) : 1;
}

static int read_nbd_node(Item *i, DiskSource *s) {
        const char *name = item_take(i, "export");
        int r = name ? free_and_strdup(&s->name, name) : 0;

        return r < 0 ? r : read_server(i, s, "server");
}

static int read_iscsi_node(Item *i, DiskSource *s) {
        const char *portal = item_take(i, "portal"), *target = item_take(i, "target"), *lun = item_take(i, "lun") ?: "0",
                   *initiator = item_take(i, "initiator-name");
        unsigned n;

        if (!portal || !item_take_if(i, "transport", "tcp") || parse_uint(lun, &n) < 0)
                return 1;
        if (initiator && free_and_strdup(&s->initiator, initiator) < 0)
                return -ENOMEM;
        int r = set_name(s, target, lun);
        return r != 0 ? r : add_authority(s, portal, strlen(portal));
}

static int read_rbd_node(Item *i, DiskSource *s) {
        const char *pool = item_take(i, "pool"), *image = item_take(i, "image"), *snapshot = item_take(i, "snapshot"),
                   *config = item_take(i, "conf");

        if (!pool || strchr(pool, '/') || (snapshot && free_and_strdup(&s->snapshot, snapshot) < 0) ||
            (config && free_and_strdup(&s->config, config) < 0))
                return !pool || strchr(pool, '/') ? 1 : -ENOMEM;
        int r = set_name(s, pool, image);
        return r != 0 ? r : read_servers(i, s);
}

static int read_gluster_node(Item *i, DiskSource *s) {
        const char *volume = item_take(i, "volume"), *path = item_take(i, "path");

        if (!volume || strchr(volume, '/') || !item_take_if(i, "debug", "4"))
                return 1;
        int r = set_name(s, volume, path);
        return r != 0 ? r : read_servers(i, s);
}

static int read_curl_node(Item *i, DiskSource *s) {
        static const PropRow rows[] = {
                PROP("sslverify", PROP_TRISTATE, DiskSource, ssl_verify),
                PROP("timeout", PROP_UINT64, DiskSource, timeout),
                PROP("readahead", PROP_UINT64, DiskSource, readahead),
                PROPS_END,
        };
        _cleanup_free_ char *scheme = strf("%s:", strempty(item_get(i, "driver")));
        const char *url = item_take(i, "url"), *rest = url && scheme ? startswith(url, scheme) : NULL;
        int r = props_apply(i, rows, s);

        return r < 0 || !scheme ? -ENOMEM : rest ? read_plain_address(s, rest) : 1;
}

static int read_path_node(Item *i, DiskSource *s) {
        const struct { const char *key; char **field; } ids[] = { { "user", &s->nfs_user }, { "group", &s->nfs_group } };
        const char *path = item_take(i, "path");

        if (isempty(path))
                return 1;
        FOREACH_ARRAY(k, ids, s->protocol == PROTO_NFS ? ELEMENTSOF(ids) : 0) {
                const char *number = item_take(i, k->key);
                free(*k->field);
                *k->field = number ? strf("+%s", number) : NULL;
                if (number && !*k->field)
                        return -ENOMEM;
        }
        int r = free_and_strdup(&s->name, path);
        return r < 0 ? r : read_server(i, s, "server");
}

static const struct {
        const char *driver;
        DiskProtocol protocol;
        int (*read)(Item *i, DiskSource *s);
} drivers[] = {
        { "file", PROTO_UNSET, read_file_node },          { "host_device", PROTO_UNSET, read_file_node },
        { "nbd", PROTO_NBD, read_nbd_node },              { "iscsi", PROTO_ISCSI, read_iscsi_node },
        { "rbd", PROTO_RBD, read_rbd_node },              { "gluster", PROTO_GLUSTER, read_gluster_node },
        { "http", PROTO_HTTP, read_curl_node },           { "https", PROTO_HTTPS, read_curl_node },
        { "ftp", PROTO_FTP, read_curl_node },             { "ftps", PROTO_FTPS, read_curl_node },
        { "ssh", PROTO_SSH, read_path_node },             { "nfs", PROTO_NFS, read_path_node },
};

int parse_storage(Item *i, DiskSource *s) {
        const char *driver = strempty(item_get(i, "driver"));

        FOREACH_ARRAY(d, drivers, ELEMENTSOF(drivers)) {
                if (!streq(d->driver, driver))
                        continue;
                if (d->protocol != PROTO_UNSET)
                        s->type = DISK_NETWORK;
                s->protocol = d->protocol;
                return d->read(i, s);
        }
        return 1;
}
